//! Example requests in any notation: each must be valid for the operation that it calls.
//!
//! The operation is determined by method and path alone. Conventions of the pages, such as including a key or a server
//! of the contract, are enforced only if nearly all other requests follow them.

use std::collections::HashSet;
use std::ops::Range;

use super::about::About;
use super::bodies::Reported;
use super::context::Shows;
use super::endpoint::Section;
use super::matching::{Matcher, Prefix};
use super::parameter_text::pair as pair_of;
use super::shapes::{self, Others, Variants};
use super::urls::{divide, split};
use crate::page::json::ShownValue;
use crate::page::words::Role;
use crate::page::{self, Endpoint, Kind, Request};
use apidrift_core::contract::Operation;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::document::Location;
use openapi_model::shape::AllOf;

/// Conventions that nearly all example requests of some pages follow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conventions {
    /// They use servers of the contract.
    pub names_servers: bool,
    /// They include credentials.
    pub authenticates: bool,
}

/// A `name=value` of a query, and its place.
type Pair<'q> = (&'q str, Range<usize>);

/// How many of a number of requests follow a convention.
#[derive(Default)]
struct Count {
    fit: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, fits: bool) {
        self.fit += usize::from(fits);
        self.all += 1;
    }

    /// Whether nearly all do: at least three, and nine of ten.
    fn is_convention(&self) -> bool {
        self.fit >= 3 && self.fit * 10 >= self.all * 9
    }
}

impl Conventions {
    /// The conventions of all sections.
    pub fn of<'a, 'b: 'a>(sections: impl Iterator<Item = (About<'a, 'b>, &'a Section<'b>)>) -> Conventions {
        let (mut servers, mut proofs) = (Count::default(), Count::default());
        for (about, section) in sections {
            for request in &section.requests {
                servers.add(about.is_known_host(split(divide(&request.url).0).0));
                if !about.operation.security.is_open() {
                    proofs.add(about.authorization(request).is_none());
                }
            }
        }
        Conventions { names_servers: servers.is_convention(), authenticates: proofs.is_convention() }
    }
}

/// The operation that a request calls.
pub fn asked<'a>(matcher: &Matcher<'a>, prefix: Option<&Prefix>, request: &Request) -> Option<&'a Operation> {
    matcher.asked(&request.method, split(divide(&request.url).0).1, prefix)
}

impl<'a> About<'a, '_> {
    /// Compares the example requests of a section. `unknown` are parameter names that have been reported already.
    pub(super) fn examples(
        &self,
        section: &Section<'_>,
        conventions: Conventions,
        mut unknown: HashSet<String>,
        reported: &mut Reported,
    ) -> Vec<Finding> {
        let mut findings = self.malformed(section);
        for declaration in &self.page.declarations {
            findings.extend(self.declared_query(&declaration.endpoint, &mut unknown));
        }
        for request in &section.requests {
            findings.extend(self.example(request, conventions, &mut unknown, reported));
        }
        findings
    }

    /// Compares the query of a declared endpoint. A name may also be a field of the body.
    fn declared_query(&self, endpoint: &Endpoint, unknown: &mut HashSet<String>) -> Vec<Finding> {
        let Some(query) = &endpoint.query else { return Vec::new() };
        let mut at = query.range.start;
        let mut pairs = Vec::new();
        for pair in query.split('&') {
            let name = pair_of(pair).0;
            if !name.is_empty() && !name.starts_with(['{', '[', '<', '$', ':']) {
                pairs.push((pair, at..at + pair.len()));
            }
            at += pair.len() + 1;
        }
        self.query(&self.unreported(pairs, unknown, true))
    }

    /// The `name=value` pairs of a query that have no finding yet. An unknown name is reported once.
    fn unreported<'q>(&self, mut pairs: Vec<Pair<'q>>, unknown: &mut HashSet<String>, is_own: bool) -> Vec<Pair<'q>> {
        let is_known = |name: &str| {
            self.operation.parameters.iter().any(|known| known.location == Location::Query && *known.name == *name)
        };
        pairs.retain(|(pair, _)| {
            let name = pair_of(pair).0;
            is_known(&name) || unknown.insert(if is_own { name } else { format!("{} {name}", self.operation.call()) })
        });
        pairs
    }

    fn example(
        &self,
        request: &Request,
        conventions: Conventions,
        unknown: &mut HashSet<String>,
        reported: &mut Reported,
    ) -> Vec<Finding> {
        // A line break in a URL comes from the page, not from the request.
        if request.url.contains(char::is_whitespace) {
            return Vec::new();
        }
        let matcher = &self.subjects.matcher;
        let operation = asked(matcher, self.subjects.prefix.as_ref(), request);
        let Some(operation) = operation else { return self.wrong_target(request).into_iter().collect() };
        if !self.basis.is_compared(operation) {
            return Vec::new();
        }
        let about = About { operation, ..*self };
        self.basis.count(1);
        let mut findings =
            about.query(&about.unreported(about.pairs(request), unknown, std::ptr::eq(operation, self.operation)));
        // Without a host, only the first lines of a request are shown.
        let is_whole = !request.is_raw || request.url.contains("://");
        findings.extend(about.missing_query(request).filter(|_| is_whole));
        findings.extend(about.sent(request, reported));
        if conventions.names_servers {
            findings.extend(about.host(request));
        }
        if conventions.authenticates && is_whole {
            findings.extend(about.authorization(request));
        }
        findings
    }

    /// A required query parameter that is missing.
    fn missing_query(&self, request: &Request) -> Option<Finding> {
        let query = divide(&request.url).1;
        let is_open = |text: &str| text.contains(['$', '{', '<']) || text.contains("...");
        let added = || request.query.iter().map(|pair| pair.as_str());
        if is_open(query) || added().any(is_open) {
            return None;
        }
        let names: Vec<String> = query.split('&').chain(added()).map(|pair| pair_of(pair).0).collect();
        let is_named = |name: &str| {
            names.iter().any(|known| known.split('[').next() == Some(name.split('[').next().unwrap_or(name)))
        };
        let required = self.operation.parameters.iter().find(|known| {
            let is_text = known.schema.is_some();
            known.location == Location::Query
                && *known.required
                && is_text
                && *known.style == "form"
                && !is_named(&known.name)
        })?;
        let kind = required.schema.and_then(|schema| Variants::of(self.basis.document(), &[schema.into()]).kind());
        if kind == Some(Kind::Object) || self.is_key(&required.name) {
            return None;
        }
        let message = format!("the request lacks the required query parameter `{}`", required.name.value);
        let here = self.page.place(&request.url.range, "this request");
        let finding = Finding::at(Rule::PageRequestQuery, here, message);
        let finding = finding.with(self.basis.place(required.name.span, "the contract requires it"));
        Some(finding.help(format!("add `{}=…` to the query", required.name.value)))
    }

    /// A request that calls no operation: with another method, or at another path.
    fn wrong_target(&self, request: &Request) -> Option<Finding> {
        let (base, path) = split(divide(&request.url).0);
        let is_ours = self.is_known_host(base);
        let matcher = &self.subjects.matcher;
        let prefix = self.subjects.prefix.as_ref();
        let is_at_path = matcher
            .asked(&self.operation.method, path, prefix)
            .is_some_and(|asked| std::ptr::eq(asked, self.operation));
        if is_at_path {
            return self.method(request);
        }
        // If the path belongs to another operation, either may be meant.
        let is_method = *request.method == *self.operation.method.value;
        let is_server = base.contains("://") && !base.contains(['$', '{', '<']) && !base.contains("localhost");
        if !is_ours || !is_method || path.len() < 2 || !(is_server || matcher.knows(path)) {
            return None;
        }
        let message = format!("the contract has no operation `{} {path}`", request.method.value);
        let here = self.page.place(&self.part(&request.url, path), "the request goes here");
        let finding = Finding::at(Rule::PageRequestPath, here, message);
        let finding = finding.with(self.basis.place(self.operation.path.span, "the contract says this"));
        Some(finding.help(format!("write a path of the form `{}`", self.operation.path.value)))
    }

    /// Compares the body of a request with that of the operation.
    fn sent(&self, request: &Request, reported: &mut Reported) -> Vec<Finding> {
        let Some(range) = request.body.range() else { return Vec::new() };
        // An empty body is often sent only to make the request a POST.
        let text = request.body.text().map(|text| text.value.trim().to_owned()).unwrap_or("?".to_owned());
        if ["", "{}", "[]", "null"].contains(&text.as_str()) {
            return Vec::new();
        }
        let Some(_) = &self.operation.body else {
            let message = "the request sends a body, but the operation accepts none";
            let finding = Finding::at(Rule::PageRequestBody, self.page.place(range, "this data"), message);
            let finding = finding.with(self.basis.place(self.operation.id.span, "of this operation"));
            return vec![finding.help("leave the data out")];
        };
        if matches!(request.body, page::Body::Form(_)) && !self.takes_form() {
            let message = "the request sends a form, but the operation does not accept forms";
            let finding = Finding::at(Rule::PageRequestBody, self.page.place(range, "this form"), message);
            let finding = finding.with(self.basis.place(self.operation.id.span, "of this operation"));
            return vec![finding.help("send the body in a media type that the operation accepts")];
        }
        match page::data(request) {
            None => self.form(request),
            Some(Err(mistake)) => {
                let message = format!("the data is not JSON: {}", mistake.message);
                let here = self.page.place(&mistake.range, "here");
                vec![Finding::at(Rule::PageRequestBody, here, message).help("send what the operation accepts")]
            }
            Some(Ok(value)) => self.sent_value(&value, reported).into_iter().collect(),
        }
    }

    /// Whether a body of the operation may be a form, or anything.
    fn takes_form(&self) -> bool {
        let content = self.operation.body.iter().flat_map(|body| &body.content);
        let names: Vec<String> = content.map(|media| media.name.to_ascii_lowercase()).collect();
        names.is_empty() || names.iter().any(|name| name.contains("form") || name.starts_with("*/*"))
    }

    /// The names in a form body must be fields, if the contract lists all fields.
    fn form(&self, request: &Request) -> Vec<Finding> {
        let media = |kind: &str| {
            let mut content = self.operation.body.iter().flat_map(|body| &body.content);
            content
                .find(|media| media.name.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(kind)))
        };
        let Some(kind) = request.content_type() else { return Vec::new() };
        let schema = media(kind.split(';').next().unwrap_or_default().trim()).and_then(|media| media.schema);
        let Some(schemas) = schema.map(|schema| [AllOf::from(schema)]) else { return Vec::new() };
        let document = self.basis.document();
        let fields = Variants::of(document, &schemas).fields();
        let is_open = !matches!(fields.others, Others::None) || shapes::takes_any_field(document, &schemas[0]);
        if is_open || fields.named.is_empty() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for (name, range) in request.form_names() {
            // `a[b]` is a part of `a`.
            let outer = name.split(['[', '.']).next().unwrap_or_default();
            let is_written = !name.is_empty() && !name.contains(['$', '<', '{', '.', ' ']);
            if is_written && !fields.named.contains_key(outer) && !fields.named.contains_key(&name) {
                let message = format!("the request has no field `{name}`");
                let finding = Finding::at(Rule::PageRequestBody, self.page.place(&range, "in this form"), message);
                let beside = fields.named.values().next().map(|field| field.name.span);
                let beside = beside.unwrap_or(self.operation.id.span);
                let finding = finding.with(self.basis.place(beside, "it has fields such as this one"));
                findings.push(finding.help("send what the operation accepts"));
            }
        }
        findings
    }

    fn sent_value(&self, value: &ShownValue, reported: &mut Reported) -> Option<Finding> {
        let shows = Shows { role: Role::Request, status: None, is_near: true };
        let finding = self.body_finding(value, &shows, reported)?;
        Some(Finding { rule: Rule::PageRequestBody, ..finding })
    }
}
