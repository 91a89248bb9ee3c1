//! What the server says of itself agrees with the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Project;
use crate::contract::{Contract, ERROR, Header, Operation, references};
use crate::finding::Finding;
use crate::generate::canonical::{canonical, words};
use crate::rules::Rule;
use crate::source::{Place, Source};

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

/// One thing that can be said of an operation.
#[derive(Debug, Clone, PartialEq)]
struct Claim {
    rule: Rule,
    /// What it is about, such as `the header Link of the 200`.
    what: String,
    value: Json,
}

impl Claim {
    fn new(rule: Rule, what: impl Into<String>, value: impl Into<Json>) -> Claim {
        Claim { rule, what: what.into(), value: value.into() }
    }
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
            emitted_claims(entry).into_iter().map(|claim| (claim.what.clone(), claim)).collect();
        let of_other_success = |what: &str| {
            let mut others = emitted_success.iter().filter(|status| **status != success.to_string());
            let own = !emitted_success.contains(&success.to_string()) && what.ends_with(&format!("of the {success}"));
            own || others.any(|status| what.ends_with(&format!("of the {status}")))
        };
        for (claim, range) in contract_claims(operation) {
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

/// What the contract says of an operation, and where.
fn contract_claims(operation: &Operation) -> Vec<(Claim, Range<usize>)> {
    let id = &operation.id;
    let mut claims = vec![
        (Claim::new(Rule::ServerText, "the id", id.value.as_str()), id.range.clone()),
        (Claim::new(Rule::ServerText, "the summary", words(&operation.summary)), id.range.clone()),
        (Claim::new(Rule::ServerText, "the description", words(&operation.description)), id.range.clone()),
        (Claim::new(Rule::ServerText, "the tags", operation.tags.clone()), id.range.clone()),
    ];
    let mut claim = |rule, what: String, value: Json, range: &Range<usize>| {
        claims.push((Claim::new(rule, what, value), range.clone()));
    };
    if let Some(permission) = &operation.permission {
        claim(Rule::ServerPermission, "the permission".into(), permission.value.as_str().into(), &permission.range);
    }
    if let Some(limit) = &operation.rate_limit {
        let value = json!({"requests": limit.requests, "window_seconds": limit.window_seconds});
        claim(Rule::ServerRateLimit, "the rate limit".into(), value, &limit.range);
    }
    for parameter in &operation.parameters {
        let what = parameter_claim(parameter.location.name(), &parameter.name);
        let value = described(parameter.required, &parameter.description, &parameter.schema.to_json());
        claim(Rule::ServerParameter, what, value, &parameter.name.range);
    }
    let success = &operation.success;
    let status = success.status.value;
    let (schema, range) = match &success.schema {
        Some(schema) => (schema.as_str(), &schema.range),
        None => ("", &success.status.range),
    };
    claim(Rule::ServerSuccess, format!("the schema of the {status}"), schema.into(), range);
    claim(
        Rule::ServerText,
        format!("the description of the {status}"),
        words(&success.description).into(),
        &success.status.range,
    );
    for header in &success.headers {
        let value = described(header.required, &header.description, &header.schema.to_json());
        claim(Rule::ServerHeader, header_claim(&header.name, status), value, &header.name.range);
    }
    let mut statuses = BTreeSet::new();
    for error in &operation.errors {
        let status = error.status.value;
        let value = json!({"message": error.message.value, "summary": words(&error.summary)});
        claim(Rule::ServerError, error_claim(status, &error.name), value, &error.message.range);
        if statuses.insert(status) {
            claim(Rule::ServerError, format!("the schema of the {status}"), ERROR.into(), &error.status.range);
            claim(Rule::ServerHeader, headers_claim(status), required_headers(&error.headers), &error.status.range);
        }
    }
    claims
}

fn parameter_claim(location: &str, name: &str) -> String {
    format!("the {location} parameter `{name}`")
}

fn header_claim(name: &str, status: u16) -> String {
    format!("the header `{}` of the {status}", name.to_lowercase())
}

fn error_claim(status: u16, name: &str) -> String {
    format!("the error `{name}` of the {status}")
}

fn headers_claim(status: u16) -> String {
    format!("the headers of the {status}")
}

/// A parameter or a header.
fn described(required: bool, description: &str, schema: &Json) -> Json {
    json!({"required": required, "description": words(description), "schema": comparable(schema)})
}

fn required_headers(headers: &[Header]) -> Json {
    let headers: BTreeMap<String, bool> =
        headers.iter().map(|header| (header.name.to_lowercase(), header.required)).collect();
    json!(headers)
}

/// The component that a media type's schema refers to, or nothing.
fn schema_of(content: &Json) -> &str {
    content["schema"]["$ref"].as_str().and_then(|schema| schema.rsplit('/').next()).unwrap_or_default()
}

/// What the server says of an operation.
fn emitted_claims(entry: &Json) -> Vec<Claim> {
    let none = serde_json::Map::new();
    let mut claims = Vec::new();
    for (rule, what, key) in [
        (Rule::ServerText, "the id", "operationId"),
        (Rule::ServerText, "the summary", "summary"),
        (Rule::ServerText, "the description", "description"),
        (Rule::ServerText, "the tags", "tags"),
        (Rule::ServerPermission, "the permission", "x-required-permission"),
        (Rule::ServerRateLimit, "the rate limit", "x-rate-limit"),
    ] {
        if let Some(value) = entry.get(key) {
            claims.push(Claim::new(
                rule,
                what,
                value.as_str().map_or_else(|| value.clone(), |text| words(text).into()),
            ));
        }
    }
    let described = |value: &Json| {
        let required = value["required"].as_bool().unwrap_or(false);
        described(required, value["description"].as_str().unwrap_or_default(), &value["schema"])
    };
    for parameter in entry["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let (name, location) = (parameter["name"].as_str().unwrap_or("?"), parameter["in"].as_str().unwrap_or("?"));
        claims.push(Claim::new(Rule::ServerParameter, parameter_claim(location, name), described(parameter)));
    }
    for (code, response) in entry["responses"].as_object().unwrap_or(&none) {
        let content = &response["content"]["application/json"];
        let headers = response["headers"].as_object().unwrap_or(&none);
        let Ok(status) = code.parse::<u16>() else {
            claims.push(Claim::new(Rule::ServerSuccess, format!("the answer `{code}`"), response.clone()));
            continue;
        };
        if status < 400 {
            claims.push(Claim::new(Rule::ServerSuccess, format!("the schema of the {status}"), schema_of(content)));
            let description = words(response["description"].as_str().unwrap_or_default());
            claims.push(Claim::new(Rule::ServerText, format!("the description of the {status}"), description));
            for (name, header) in headers {
                claims.push(Claim::new(Rule::ServerHeader, header_claim(name, status), described(header)));
            }
            continue;
        }
        claims.push(Claim::new(Rule::ServerError, format!("the schema of the {status}"), schema_of(content)));
        for (name, example) in content["examples"].as_object().unwrap_or(&none) {
            let summary = words(example["summary"].as_str().unwrap_or_default());
            let value = json!({"message": example["value"]["message"], "summary": summary});
            claims.push(Claim::new(Rule::ServerError, error_claim(status, name), value));
        }
        let headers: BTreeMap<String, bool> = headers
            .iter()
            .map(|(name, header)| (name.to_lowercase(), header["required"].as_bool().unwrap_or(false)))
            .collect();
        claims.push(Claim::new(Rule::ServerHeader, headers_claim(status), json!(headers)));
    }
    claims
}

/// A schema in the one form in which two that mean the same are equal. dropshot writes bounds as fractions.
fn comparable(schema: &Json) -> Json {
    fn settled(value: Json) -> Json {
        match value {
            Json::Number(number) => number.as_f64().map_or(Json::Null, Json::from),
            Json::String(text) => words(&text).into(),
            Json::Array(items) => items.into_iter().map(settled).collect(),
            Json::Object(map) => Json::Object(map.into_iter().map(|(key, value)| (key, settled(value))).collect()),
            other => other,
        }
    }
    settled(canonical(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_that_mean_the_same_are_equal() {
        let one = json!({"type": "object", "required": ["b", "a"], "nullable": false, "properties": {"a": {"description": "x\n", "minimum": 0}}});
        let other = json!({"properties": {"a": {"description": "x", "minimum": 0.0}}, "required": ["a", "b"], "type": "object"});
        assert_eq!(comparable(&one), comparable(&other));
        assert_ne!(comparable(&json!({"nullable": true})), comparable(&json!({})));
    }
}
