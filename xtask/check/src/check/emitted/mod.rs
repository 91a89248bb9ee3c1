//! What the server says of itself agrees with the contract.

mod claims;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use apidrift_core::canonical::canonical;
use apidrift_core::contract::{Contract, ERROR, Operation, references};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use apidrift_core::settings::Project;
use claims::{Claim, comparable};
use openapi_model::source::{Place, Source};

/// Compares what the server emits with the contract. `code` is the server's generated code, for places in it.
pub fn check(contract: &Contract, emitted: &Json, code: Option<&Arc<Source>>) -> Vec<Finding> {
    let mut compare = Compare { contract, emitted, code, findings: Vec::new() };
    compare.info();
    compare.operations();
    compare.schemas();
    compare.findings
}

/// Runs the command that prints what the server emits, if the project has one.
pub fn emit(project: &Project) -> Result<Option<Json>, String> {
    let Some(command) = &project.layout.emits else { return Ok(None) };
    let shown = command.join(" ");
    let [program, arguments @ ..] = &command[..] else {
        return Err(
            "`emits` in openapi/check.toml is empty; it is the command that prints what the server emits".into()
        );
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
    serde_json::from_slice(&output.stdout).map(Some).map_err(|error| format!("`{shown}` printed no JSON: {error}"))
}

struct Compare<'a> {
    contract: &'a Contract,
    emitted: &'a Json,
    code: Option<&'a Arc<Source>>,
    findings: Vec<Finding>,
}

impl Compare<'_> {
    fn report(&mut self, rule: Rule, operation: &str, said: &Json, range: Option<&Range<usize>>, message: String) {
        let here =
            self.code.and_then(|code| Some(Place::new(code, find(code, operation, said)?, "the server says this")));
        let mut finding = match here {
            Some(here) => Finding::at(rule, here, message),
            None => Finding::nowhere(rule, message),
        };
        if let Some(range) = range {
            finding = finding.with(self.contract.place(range, "the contract says this"));
        }
        self.findings.push(finding.help("run `cargo xtask generate` and build the server"));
    }

    fn info(&mut self) {
        let contract = self.contract;
        for (key, right) in [("title", &contract.title), ("version", &contract.version)] {
            let said = &self.emitted["info"][key];
            if said.as_str().is_some_and(|said| said != right) {
                let message = format!("the {key} of the API is {said} in the server, not \"{right}\"");
                let place = contract.root.get("info").and_then(|info| info.entry(key)).map(|entry| &entry.value.range);
                self.report(Rule::ServerText, "", said, place, message);
            }
        }
    }

    fn operations(&mut self) {
        let mut known: BTreeSet<(String, String)> = BTreeSet::new();
        for operation in &self.contract.operations {
            let (method, path) = (operation.method.to_lowercase(), operation.path.value.clone());
            known.insert((path.clone(), method.clone()));
            let entry = &self.emitted["paths"][&path][&method];
            if entry.is_null() {
                let message = format!("the server has no operation {} {path}", operation.method.value);
                self.report(Rule::ServerOperation, &operation.id, &Json::Null, Some(&operation.id.range), message);
            } else {
                self.operation(operation, entry);
            }
        }
        let none = serde_json::Map::new();
        for (path, item) in self.emitted["paths"].as_object().unwrap_or(&none) {
            for method in item.as_object().unwrap_or(&none).keys() {
                let is_troubled = self.contract.is_troubled(&method.to_uppercase(), path);
                if !is_troubled && !known.contains(&(path.clone(), method.clone())) {
                    let message = format!(
                        "the server has an operation that the contract does not have: {} {path}",
                        method.to_uppercase()
                    );
                    let paths = self.contract.root.entry("paths").map_or(0..0, |entry| entry.key_range.clone());
                    self.report(Rule::ServerOperation, "", &path.as_str().into(), Some(&paths), message);
                }
            }
        }
    }

    fn operation(&mut self, operation: &Operation, entry: &Json) {
        let name = &operation.id.value;
        let success = operation.success.status.value;
        let emitted_success = successes(entry);
        if emitted_success != [success.to_string()] {
            let message = format!(
                "the success of `{name}` has the status {} in the server, not {success}",
                emitted_success.join(" and ")
            );
            let range = operation.success.status.range.clone();
            self.report(Rule::ServerSuccess, name, &Json::Null, Some(&range), message);
        }
        let mut told: BTreeMap<String, Claim> =
            claims::of_server(entry).into_iter().map(|claim| (claim.what.clone(), claim)).collect();
        let of_other_success = |what: &str| {
            let mut others = emitted_success.iter().filter(|status| **status != success.to_string());
            let own = !emitted_success.contains(&success.to_string()) && what.ends_with(&format!("of the {success}"));
            own || others.any(|status| what.ends_with(&format!("of the {status}")))
        };
        for (claim, range) in claims::of_contract(operation) {
            let what = &claim.what;
            if of_other_success(what) {
                continue;
            }
            let (said, message) = match told.remove(what) {
                Some(said) if said.value == claim.value => continue,
                Some(said) => {
                    let message = format!("{what} of `{name}` is {} in the server, not {}", said.value, claim.value);
                    (said.value, message)
                }
                None if claim.value == json!("") || claim.value == json!([]) => continue,
                None => (Json::Null, format!("the server does not say {what} of `{name}`: {}", claim.value)),
            };
            self.report(claim.rule, name, &said, Some(&range), message);
        }
        self.further(operation, entry);
        // What the contract has to say and does not is a finding of its own.
        let is_unsaid = |rule: Rule| match rule {
            Rule::ServerPermission => operation.permission.is_none(),
            Rule::ServerRateLimit => operation.rate_limit.is_none(),
            _ => false,
        };
        for said in told.into_values().filter(|said| !of_other_success(&said.what) && !is_unsaid(said.rule)) {
            let message =
                format!("the server says {} of `{name}`, and the contract does not: {}", said.what, said.value);
            self.report(said.rule, name, &said.value, Some(&operation.id.range), message);
        }
    }

    /// What else the server says of an operation: a body that it takes, that it is deprecated, ….
    fn further(&mut self, operation: &Operation, entry: &Json) {
        const COMPARED: [&str; 6] = ["operationId", "summary", "description", "tags", "parameters", "responses"];
        let contract = self.contract;
        let paths = contract.root.get("paths").and_then(|paths| paths.get(&operation.path));
        let own = paths.and_then(|path| path.get(&operation.method.to_lowercase()));
        for (key, value) in entry.as_object().into_iter().flatten() {
            if key.starts_with("x-") || COMPARED.contains(&key.as_str()) || *value == json!(false) {
                continue;
            }
            let said = own.and_then(|own| own.get(key));
            if said.is_none_or(|said| canonical(&said.to_json()) != canonical(value)) {
                let rule = if key == "requestBody" { Rule::ServerParameter } else { Rule::ServerText };
                let than =
                    if said.is_some() { "something else than the contract" } else { "and the contract does not" };
                let message = format!("the server says `{key}` of `{}`, {than}: {value}", operation.id.value);
                self.report(rule, &operation.id, value, Some(&operation.id.range), message);
            }
        }
    }

    fn schemas(&mut self) {
        let none = serde_json::Map::new();
        let emitted = self.emitted["components"]["schemas"].as_object().unwrap_or(&none);
        for (name, schema) in emitted {
            let said = Json::from(name.as_str());
            match self.contract.schema(name) {
                Some(known) if !known.is_whole => {}
                Some(known) if comparable(&known.node.to_json()) == comparable(schema) => {}
                Some(known) => {
                    let message = format!("the server has another schema `{name}` than the contract");
                    let range = known.name.range.clone();
                    self.report(Rule::ServerSchema, "", &said, Some(&range), message);
                }
                None => {
                    let message = format!("the server has a schema that the contract does not have: `{name}`");
                    let schemas =
                        self.contract.root.get("components").and_then(|components| components.entry("schemas"));
                    let schemas = schemas.map_or(0..0, |entry| entry.key_range.clone());
                    self.report(Rule::ServerSchema, "", &said, Some(&schemas), message);
                }
            }
        }
        // What nothing refers to is not emitted.
        let successes = self
            .contract
            .operations
            .iter()
            .filter_map(|operation| operation.success.schema.as_deref().map(String::as_str));
        let mut open: Vec<&str> = successes.chain([ERROR]).collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = open.pop() {
            let known = self.contract.schema(name).filter(|_| reached.insert(name));
            open.extend(known.iter().flat_map(|schema| references::schemas(&schema.node)));
            if let (Some(known), false) = (known, emitted.contains_key(name)) {
                let message = format!("the server does not have the schema `{name}`");
                let range = known.name.range.clone();
                self.report(Rule::ServerSchema, "", &Json::Null, Some(&range), message);
            }
        }
    }
}

/// The statuses below 400.
fn successes(entry: &Json) -> Vec<String> {
    let responses = entry["responses"].as_object();
    let statuses = responses.into_iter().flat_map(|responses| responses.keys());
    statuses.filter(|status| status.starts_with(['1', '2', '3'])).cloned().collect()
}

/// Where the server's code says something of an operation: the text itself, or else the operation.
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
