//! Compares the document that the server emits with the contract, in both directions: claims that only one of them
//! makes are reported as well as claims that differ.
//!
//! The server's document is read with the contract's profile. dropshot emits nothing about security, so a document
//! without any security is not compared for it: it does not mean that requests without a key are accepted.

mod claims;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;

use apidrift_core::contract::{Contract, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::profile::Requirement;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Project;
use openapi_model::document::{Document, Part, SchemeKind};
use openapi_model::same::own_difference;
use openapi_model::schema::{Schema, SchemaId};
use openapi_model::shape::AllOf;
use openapi_model::source::{Place, Source};
use openapi_model::span::{FileId, Span};
use serde_json::Value as Json;

use crate::outcome::Outcome;
use claims::Claim;

/// Compares the document that the server emits with the contract. `code` is the server's generated code, used to find
/// places; `aside` are the calls of operations whose meaning in the contract is unknown, `about_contract` the findings
/// that say why.
pub fn check(
    contract: &Contract,
    emitted: &Arc<Source>,
    code: Option<&Arc<Source>>,
    aside: &dyn Fn(&str) -> bool,
    about_contract: &[Finding],
) -> Outcome {
    let server = match Contract::read(emitted, None, Some(&contract.profile)) {
        Ok(server) => server,
        Err(error) => {
            let reason = format!("what the server emits cannot be read: {}", error.message);
            return Outcome::unchecked(reason);
        }
    };
    let speaks_of_security = speaks_of_security(&server.document);
    let mut compare = Compare { contract, server: &server, code, aside, speaks_of_security, findings: Vec::new() };
    let misread = misread(&contract.document, about_contract);
    compare.info(&misread);
    compare.security_schemes();
    compare.operations();
    compare.schemas(&misread);
    Outcome { findings: compare.findings, ..Outcome::default() }
}

/// Runs the command that prints the server's document, if the project has one.
pub fn emit(project: &Project) -> Result<Option<Arc<Source>>, String> {
    let Some(command) = &project.layout.emits else { return Ok(None) };
    let shown = command.join(" ");
    let [program, arguments @ ..] = &command[..] else {
        let settings = &project.source.path;
        return Err(format!(
            "`emits` in {settings} is empty; set it to the command that prints the server's OpenAPI document"
        ));
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(&project.root)
        .output()
        .map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{shown}` failed ({}):\n{}", output.status, said.trim_end()));
    }
    let no_json = |error: &dyn std::fmt::Display| format!("`{shown}` printed no JSON: {error}");
    let text = String::from_utf8(output.stdout).map_err(|error| no_json(&error))?;
    serde_json::from_str::<Json>(&text).map_err(|error| no_json(&error))?;
    Ok(Some(Source::new(format!("`{shown}`"), text)))
}

struct Compare<'a> {
    contract: &'a Contract,
    server: &'a Contract,
    code: Option<&'a Arc<Source>>,
    aside: &'a dyn Fn(&str) -> bool,
    speaks_of_security: bool,
    findings: Vec<Finding>,
}

impl Compare<'_> {
    fn report(&mut self, rule: Rule, operation: &str, said: &Json, span: Option<Span>, message: String) {
        let here =
            self.code.and_then(|code| Some(Place::new(code, find(code, operation, said)?, "the server says this")));
        let mut finding = match here {
            Some(here) => Finding::at(rule, here, message),
            None => Finding::nowhere(rule, message),
        };
        if let Some(span) = span {
            finding = finding.with(self.contract.place(span, "the contract says this"));
        }
        self.findings
            .push(finding.help("make the server match the contract; if it is generated, regenerate and rebuild it"));
    }

    fn info(&mut self, misread: &[Span]) {
        let info = self.contract.document.info.span;
        if info.is_some_and(|info| misread.iter().any(|span| info.holds(*span))) {
            return;
        }
        let (info, emitted) = (&self.contract.document.info, &self.server.document.info);
        for (key, right, said) in [("title", &info.title, &emitted.title), ("version", &info.version, &emitted.version)]
        {
            if !said.is_empty() && said.value != right.value {
                let said = Json::from(said.value.as_str());
                let message =
                    format!("the {key} of the API is {said} in the server, but \"{}\" in the contract", right.value);
                self.report(Rule::ServerText, "", &said, Some(right.span), message);
            }
        }
    }

    /// Both must have the same ways to authenticate.
    fn security_schemes(&mut self) {
        for said in &self.server.document.security_schemes {
            let name = &said.name.value;
            let known = self.contract.document.security_scheme(name);
            let (span, message) = match known {
                Some(known) if is_same_scheme(&known.kind, &said.kind) => continue,
                Some(known) => {
                    let message = format!("the server's security scheme `{name}` differs from the contract's");
                    (known.name.span, message)
                }
                None => {
                    let message = format!("the server has a security scheme that the contract does not have: `{name}`");
                    (self.contract.document.openapi.span, message)
                }
            };
            self.report(Rule::ServerSecurity, "", &name.as_str().into(), Some(span), message);
        }
    }

    fn operations(&mut self) {
        let (contract, server) = (self.contract, self.server);
        let key = |operation: &Operation| (operation.path.value.clone(), operation.method.value.clone());
        let emitted: BTreeMap<_, &Operation> =
            server.operations.iter().map(|operation| (key(operation), operation)).collect();
        let mut known = BTreeSet::new();
        for operation in &contract.operations {
            known.insert(key(operation));
            if (self.aside)(&operation.call()) {
                continue;
            }
            match emitted.get(&key(operation)) {
                Some(said) => self.operation(operation, said),
                None => {
                    let (method, path) = (&operation.method.value, &operation.path.value);
                    let message = format!("the server has no operation {method} {path}");
                    self.report(Rule::ServerOperation, &operation.id, &Json::Null, Some(operation.id.span), message);
                }
            }
        }
        for operation in &server.operations {
            if known.contains(&key(operation)) || (self.aside)(&operation.call()) {
                continue;
            }
            let (method, path) = (&operation.method.value, &operation.path.value);
            let message = format!("the server has an operation that the contract does not have: {method} {path}");
            let said = path.as_str().into();
            self.report(Rule::ServerOperation, "", &said, contract.document.paths, message);
        }
    }

    fn operation(&mut self, operation: &Operation, said: &Operation) {
        let name = &operation.id.value;
        let here = operation.id.span;
        for unread in &said.unread {
            let rule = match unread.part {
                Part::Parameters | Part::Body => Rule::ServerParameter,
                Part::Responses => Rule::ServerSuccess,
                Part::Security => Rule::ServerSecurity,
                Part::Other => Rule::ServerText,
            };
            let message = format!("part of the server's description of `{name}` cannot be read: {}", unread.reason);
            self.report(rule, name, &Json::Null, Some(here), message);
        }
        let (successes, emitted) = (claims::successes(&operation.spec), claims::successes(&said.spec));
        if successes != emitted {
            let shown = |statuses: &[String]| {
                if statuses.is_empty() { "none".to_owned() } else { statuses.join(" and ") }
            };
            let (is, wanted) = (shown(&emitted), shown(&successes));
            let message =
                format!("the success of `{name}` has the status {is} in the server, but {wanted} in the contract");
            let span = operation.successes().next().map_or(here, |response| response.status.span);
            self.report(Rule::ServerSuccess, name, &Json::Null, Some(span), message);
        }
        let only_one_has = |status: &&String| !(successes.contains(status) && emitted.contains(status));
        let unshared: Vec<String> =
            successes.iter().chain(&emitted).filter(only_one_has).map(|status| format!("of the {status}")).collect();
        let is_of_unshared = |what: &str| unshared.iter().any(|of| what.ends_with(of.as_str()));
        self.claims(operation, said, &is_of_unshared);
    }

    fn claims(&mut self, operation: &Operation, said: &Operation, is_of_unshared: &dyn Fn(&str) -> bool) {
        let (contract, server) = (self.contract, self.server);
        let name = &operation.id.value;
        let speaks_of_security = self.speaks_of_security || said.security.span.is_some();
        let of_server = claims::of(server, said, speaks_of_security).into_iter();
        let mut told: BTreeMap<String, Claim> =
            of_server.filter(|claim| !claim.is_silent()).map(|claim| (claim.what.clone(), claim)).collect();
        for claim in claims::of(contract, operation, speaks_of_security) {
            let what = &claim.what;
            if is_of_unshared(what) {
                continue;
            }
            let value = claim.shown(&contract.document);
            let (said, message) = match told.remove(what) {
                Some(said) if claim.agrees(&contract.document, &said, &server.document) => continue,
                // An id that the contract does not define may be any.
                Some(_) if claim.is_silent() && what == "the id" => continue,
                Some(said) => {
                    let said = said.shown(&server.document);
                    let message = format!("{what} of `{name}` is {said} in the server, but {value} in the contract");
                    (said, message)
                }
                None if claim.is_silent() || claim.is_empty() => continue,
                None => (Json::Null, format!("the server does not state {what} of `{name}`: {value}")),
            };
            self.report(claim.rule, name, &said, Some(claim.span), message);
        }
        // A missing part that the profile requires has a finding of its own.
        let profile = &contract.profile;
        let is_unsaid = |rule: Rule| match rule {
            Rule::ServerPermission => operation.permission.is_none() && profile.requires(Requirement::Permission),
            Rule::ServerRateLimit => operation.rate_limit.is_none() && profile.requires(Requirement::RateLimit),
            _ => false,
        };
        for said in told.into_values().filter(|said| !is_of_unshared(&said.what) && !is_unsaid(said.rule)) {
            let value = said.shown(&server.document);
            let message = format!("the server states {} of `{name}`, but the contract does not: {value}", said.what);
            self.report(said.rule, name, &value, Some(operation.id.span), message);
        }
    }

    fn schemas(&mut self, misread: &[Span]) {
        let (contract, server) = (&self.contract.document, &self.server.document);
        for (name, said) in &server.components {
            let name = &name.value;
            let shown = Json::from(name.as_str());
            let Some((known, id)) = contract.components.iter().find(|(known, _)| known.value == *name) else {
                let message = format!("the server has a schema that the contract does not have: `{name}`");
                self.report(Rule::ServerSchema, "", &shown, contract.schemas_key, message);
                continue;
            };
            if own_difference((contract, &AllOf::from(*id)), (server, &AllOf::from(*said))).is_none()
                || !is_whole(contract, *id, misread)
            {
                continue;
            }
            let message = format!("the server's schema `{name}` differs from the contract's");
            self.report(Rule::ServerSchema, "", &shown, Some(known.span), message);
        }
        // Schemas that nothing refers to are not emitted.
        let compared = self.contract.operations.iter().filter(|operation| !(self.aside)(&operation.call()));
        let bodies = compared.flat_map(|operation| {
            let of_body = operation.body.iter().flat_map(|body| &body.content);
            of_body.chain(operation.responses.iter().flat_map(|response| &response.content))
        });
        let start = bodies.filter_map(|media| media.schema).chain(self.contract.error_schema());
        let names: Vec<_> = contract.reached(start).filter_map(|id| contract.schema(id).name.clone()).collect();
        for name in names {
            if server.component(&name).is_none() {
                let message = format!("the server does not have the schema `{}`", name.value);
                self.report(Rule::ServerSchema, "", &Json::Null, Some(name.span), message);
            }
        }
    }
}

/// Whether a document makes any statement about security: dropshot's does not.
fn speaks_of_security(document: &Document) -> bool {
    !document.security_schemes.is_empty()
        || document.security.span.is_some()
        || document.operations.iter().any(|operation| !operation.security.alternatives.is_empty())
}

/// Whether two schemes are the same way to authenticate. Available scopes and token URLs may be given by only one.
fn is_same_scheme(one: &SchemeKind, other: &SchemeKind) -> bool {
    match (one, other) {
        (SchemeKind::OAuth2 { .. }, SchemeKind::OAuth2 { .. }) => true,
        (SchemeKind::OpenIdConnect(_), SchemeKind::OpenIdConnect(_)) => true,
        (one, other) => one == other,
    }
}

/// The places where the contract is not read as it was meant.
fn misread(document: &Document, findings: &[Finding]) -> Vec<Span> {
    let is_reading = |rule| matches!(rule, Rule::ContractParses | Rule::ContractRefResolves | Rule::ContractUnknownKey);
    let places = findings.iter().filter(|finding| is_reading(finding.rule)).filter_map(|it| it.primary.as_ref());
    let span = |place: &Place| {
        let file = document.files.iter().position(|file| Arc::ptr_eq(file, &place.source))?;
        Some(Span::new(FileId(u16::try_from(file).ok()?), &place.range))
    };
    places.filter_map(span).collect()
}

/// Whether a schema and everything it reaches is known.
fn is_whole(document: &Document, id: SchemaId, misread: &[Span]) -> bool {
    let leads_nowhere = |schema: &Schema| schema.reference.as_ref().is_some_and(|it| it.target.is_none());
    document.reached([id]).all(|id| {
        let schema = document.schema(id);
        !leads_nowhere(schema) && !misread.iter().any(|span| schema.span.holds(*span))
    })
}

/// The place in the server's code for a claim about an operation: the text itself, or else the operation.
fn find(code: &Source, operation: &str, said: &Json) -> Option<Range<usize>> {
    let quoted = |text: &str| format!("\"{}\"", text.escape_default());
    let text = match said {
        Json::String(text) => text.as_str(),
        Json::Object(map) => map.get("message").and_then(Json::as_str).unwrap_or_default(),
        _ => "",
    };
    let id = format!("id: {}", quoted(operation));
    let start = code.text.find(&id);
    let from = start.unwrap_or(0);
    let at = Some(quoted(text))
        .filter(|_| !text.is_empty())
        .and_then(|text| Some((code.text[from..].find(&text)?, text.len())));
    match (at, start) {
        (Some((at, length)), _) => Some(from + at..from + at + length),
        (None, Some(start)) => Some(start..start + id.len()),
        (None, None) => None,
    }
}
