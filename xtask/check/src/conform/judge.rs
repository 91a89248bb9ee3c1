//! An answer beside what the contract says of it: status, message, media type, schema and headers.

use std::ops::Range;

use serde_json::Value as Json;

use super::provocations;
use super::session::{Documented, Session, label};
use super::wire::Answer;
use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Contract, DocumentedError, ERROR, Header, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

impl<'a> Session<'a> {
    /// Compares an answer with the one that is expected: an error, or the success. `otherwise` is the rule that another
    /// documented answer breaks. Whether it is the expected one.
    pub fn judge(
        &mut self,
        operation: &'a Operation,
        answer: &Answer,
        expected: Option<&'a DocumentedError>,
        otherwise: Rule,
    ) -> bool {
        let found = self.documented(operation, answer);
        let is_expected = match (found, expected) {
            (Some(Documented::Success), None) => true,
            (Some(Documented::Error(found)), Some(expected)) => *found.name == *expected.name,
            _ => false,
        };
        if is_expected {
            self.saw(operation, expected);
            self.judge_parts(operation, answer, expected);
        } else {
            self.other_answer(operation, answer, expected, found, otherwise);
        }
        is_expected
    }

    /// An answer that is not the expected one.
    fn other_answer(
        &mut self,
        operation: &'a Operation,
        answer: &Answer,
        expected: Option<&'a DocumentedError>,
        found: Option<Documented<'a>>,
        otherwise: Rule,
    ) {
        let (wanted, id) = (label(operation, expected), operation.id.as_str());
        let status = expected.map_or(&operation.success.status, |error| &error.status);
        let message = expected.map_or(&operation.success.status.range, |error| &error.message.range);
        let said = answer.message().unwrap_or_default();
        let (rule, range, text) = match (found, expected) {
            (Some(found), _) => {
                let rule = match (found, expected.map(|error| *error.status)) {
                    (Documented::Success, Some(401)) => Rule::LiveAuthentication,
                    (Documented::Success, Some(403)) => Rule::LivePermission,
                    _ => otherwise,
                };
                let found = label(operation, found.error());
                (rule, message, format!("`{id}` answers `{found}` where the contract has `{wanted}`"))
            }
            (None, Some(error)) if answer.status == *error.status && answer.json.is_err() => {
                (Rule::LiveBody, message, format!("the body of the {} of `{id}` is not JSON", answer.status))
            }
            (None, Some(error)) if answer.status == *error.status && answer.message().is_none() => {
                (Rule::LiveSchema, message, format!("the body of the {} of `{id}` has no `message`", answer.status))
            }
            (None, Some(error)) if answer.status == *error.status => {
                (Rule::LiveMessage, message, format!("the message is `{said}`, not `{}`", error.message.value))
            }
            (None, Some(error)) if said == error.message.value => (
                Rule::LiveStatus,
                &status.range,
                format!("`{said}` comes with {}, not with {}", answer.status, status.value),
            ),
            _ => {
                let shown = if said.is_empty() { String::new() } else { format!(" {said}") };
                let text = format!("`{id}` answers `{}{shown}`, which it does not document", answer.status);
                (Rule::LiveUndocumented, &operation.id.range, text)
            }
        };
        let mut finding = Finding::at(rule, self.contract.place(range, "what the contract says"), text);
        if rule == Rule::LiveUndocumented {
            let place = self.contract.place(message, "what was to be answered");
            finding = finding.with(place).help("answer what is documented, or document it");
        } else {
            finding = finding.help(format!("answer `{wanted}` here, or correct the contract"));
        }
        let shown = self.expectation(operation, expected);
        self.report_answer(finding, answer, &shown);
    }

    /// What is expected, in a few words.
    pub fn expectation(&self, operation: &Operation, expected: Option<&DocumentedError>) -> String {
        match (expected, &operation.success.schema) {
            (Some(error), _) => format!("{} {}", error.status.value, error.value.to_json()),
            (None, Some(schema)) => format!("{} with a `{}`", operation.success.status.value, schema.value),
            (None, None) => format!("{} without a body", operation.success.status.value),
        }
    }

    /// The parts of an answer whose status and message are right.
    fn judge_parts(&mut self, operation: &'a Operation, answer: &Answer, expected: Option<&'a DocumentedError>) {
        let shown = self.expectation(operation, expected);
        for finding in self.parts(operation, answer, expected) {
            self.report_answer(finding, answer, &shown);
        }
    }

    /// What is wrong with the parts of an answer whose status and message are right.
    pub fn parts(
        &mut self,
        operation: &'a Operation,
        answer: &Answer,
        expected: Option<&'a DocumentedError>,
    ) -> Vec<Finding> {
        let (status, headers, schema) = match expected {
            Some(error) => (&error.status, &error.headers, Some(ERROR)),
            None => {
                let success = &operation.success;
                (&success.status, &success.headers, success.schema.as_ref().map(|schema| schema.value.as_str()))
            }
        };
        let what = format!("`{}` of `{}`", label(operation, expected), operation.id.value);
        let mut found = Vec::new();
        for header in headers {
            found.extend(self.header(header, answer, &what));
        }
        match schema {
            Some(schema) => {
                let place = expected.map_or(&status.range, |error| &error.name.range);
                found.extend(self.body(schema, answer, &what, place, expected.is_none()));
            }
            None if !answer.body.is_empty() => {
                let place = self.contract.place(&status.range, "documented without a body");
                found.push(Finding::at(Rule::LiveBody, place, format!("{what} has a body")));
            }
            None => {}
        }
        found
    }

    fn header(&mut self, header: &Header, answer: &Answer, what: &str) -> Vec<Finding> {
        let place = |session: &Session<'_>| session.contract.place(&header.name.range, "this header");
        let name = header.name.as_str();
        let Some(text) = answer.header(name) else {
            if !header.required {
                return Vec::new();
            }
            let finding = Finding::at(Rule::LiveHeaderMissing, place(self), format!("{what} comes without `{name}`"))
                .help("send it with every such answer, or make it optional in the contract");
            return vec![finding];
        };
        let value = match header.schema.get("type").and_then(Node::as_str) {
            Some("integer" | "number" | "boolean") => {
                serde_json::from_str(text.trim()).unwrap_or_else(|_| text.clone().into())
            }
            _ => Json::String(text.clone()),
        };
        let misfits = self.schemas.misfits_of(&header.schema, &Node::from_json(&value));
        let findings = misfits.into_iter().map(|misfit| {
            let message = format!("`{name}: {text}` of {what} does not fit: {}", misfit.message);
            Finding::at(Rule::LiveHeaderValue, place(self), message).help("send a value of its schema")
        });
        findings.collect()
    }

    pub fn body(
        &mut self,
        schema: &str,
        answer: &Answer,
        what: &str,
        place: &Range<usize>,
        is_success: bool,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let media_type = answer.header("content-type");
        if !media_type.as_deref().is_some_and(is_json) {
            let shown = media_type.map_or("no media type".to_owned(), |media_type| format!("`{media_type}`"));
            let message = format!("{what} comes as {shown}, not as `application/json`");
            let place = self.contract.place(place, "documented as JSON");
            findings
                .push(Finding::at(Rule::LiveMediaType, place, message).help("send `Content-Type: application/json`"));
        }
        let json = match &answer.json {
            Ok(json) => json,
            Err(reason) => {
                let place = self.contract.place(place, "documented as JSON");
                let message = format!("the body of {what} is not JSON: {reason}");
                findings.push(Finding::at(Rule::LiveBody, place, message).help("send one JSON document in UTF-8"));
                return findings;
            }
        };
        for misfit in self.schemas.misfits(schema, &Node::from_json(json)) {
            let range = property(self.contract, schema, &misfit.pointer).unwrap_or_else(|| place.clone());
            let at = if misfit.pointer.is_empty() { "the body" } else { &misfit.pointer };
            let message = format!("{what} does not fit `{schema}` at `{at}`: {}", misfit.message);
            let place = self.contract.place(&range, "what the contract says");
            findings
                .push(Finding::at(Rule::LiveSchema, place, message).help("answer what fits, or correct the schema"));
        }
        // Errors may carry more than is documented, and so say the conventions of the contract.
        if is_success {
            for field in undocumented(self.contract, schema, json) {
                let range =
                    self.contract.schema(schema).map_or_else(|| place.clone(), |schema| schema.name.range.clone());
                let place = self.contract.place(&range, "this schema");
                let message = format!("{what} has `{field}`, which `{schema}` does not describe");
                let help = "describe it: clients cannot know what it means";
                findings.push(Finding::at(Rule::LiveUndocumentedField, place, message).help(help));
            }
        }
        findings
    }
}

/// Whether this is JSON in UTF-8.
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let is_utf8 =
        |part: String| !part.starts_with("charset=") || matches!(part[8..].trim_matches('"'), "utf-8" | "utf8");
    parts.next().as_deref() == Some("application/json") && parts.all(is_utf8)
}

/// The contract's place of what a JSON pointer leads to: the innermost property that is described.
fn property(contract: &Contract, schema: &str, pointer: &str) -> Option<Range<usize>> {
    let mut here = &contract.schema(schema)?.node;
    let mut place = None;
    for part in pointer.split('/').skip(1) {
        here = resolved(contract, here);
        if let Some(items) = here.get("items") {
            here = items;
        } else if let Some(entry) = here.get("properties").and_then(|properties| properties.entry(part)) {
            place = Some(entry.key_range.clone());
            here = &entry.value;
        } else {
            break;
        }
    }
    place
}

/// What a schema refers to, through `$ref` and an `allOf` with one member.
fn resolved<'a>(contract: &'a Contract, mut schema: &'a Node) -> &'a Node {
    // Loading has refused references that go in a circle.
    loop {
        let only = match schema.get("allOf").map(Node::items) {
            Some([only]) => only,
            _ => schema,
        };
        let name = only.get("$ref").and_then(Node::as_str).and_then(|name| name.rsplit('/').next());
        match name.and_then(|name| contract.schema(name)) {
            Some(found) => schema = &found.node,
            None => return only,
        }
    }
}

/// The array of a list's items: its name and schema.
pub(super) fn array<'a>(contract: &'a Contract, operation: &Operation) -> Option<(&'a str, &'a Node)> {
    let schema = contract.schema(operation.success.schema.as_ref()?)?;
    let mut properties = schema.node.get("properties").map(Node::entries).unwrap_or_default().iter();
    properties
        .find(|entry| entry.value.get("type").and_then(Node::as_str) == Some("array"))
        .map(|entry| (entry.key.as_str(), &entry.value))
}

/// Fields that no schema describes, as pointers; the items of a list count as one.
fn undocumented(contract: &Contract, schema: &str, json: &Json) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(schema) = contract.schema(schema) {
        walk(contract, &schema.node, json, "", &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn walk(contract: &Contract, schema: &Node, json: &Json, path: &str, found: &mut Vec<String>) {
    let schema = resolved(contract, schema);
    match json {
        Json::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter().for_each(|item| walk(contract, schema, item, &format!("{path}/*"), found));
            }
        }
        Json::Object(fields) => {
            let Some(properties) = schema.get("properties") else { return };
            for (name, value) in fields {
                match properties.get(name) {
                    Some(schema) => walk(contract, schema, value, &format!("{path}/{name}"), found),
                    None if schema.get("additionalProperties").is_none() => found.push(format!("{path}/{name}")),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// Whether a documented error is one that the rate limit gives.
pub(super) fn rate_limited(operation: &Operation) -> Option<&DocumentedError> {
    operation.errors.iter().find(|error| provocations::is_over_the_limit(error))
}
