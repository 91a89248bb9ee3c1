//! What the server says of itself (`cdi-server openapi`) agrees with the contract.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Outcome, Project};
use crate::contract::{Contract, DocumentedError, Header, Location, Operation};
use crate::finding::Finding;
use crate::generate;
use crate::rules::Rule;
use crate::source::{Place, Source};

/// Compares what the server emits with the contract.
pub fn check(project: &Project, contract: &Contract) -> Outcome {
    let root = &project.root;
    let emitted = match emit(project) {
        Ok(emitted) => emitted,
        Err(reason) => return Outcome::unchecked(reason),
    };
    // Places in the server's code are a help; that it is missing is another comparison's finding.
    let code = Source::read(root, &root.join(generate::SERVER)).ok();
    Outcome {
        findings: compare(contract, &emitted, code.as_ref()),
        unchecked: Vec::new(),
    }
}

fn emit(project: &Project) -> Result<Json, String> {
    let command = project.emits.join(" ");
    let [program, arguments @ ..] = project.emits.as_slice() else {
        return Err("there is no command that prints what the server emits".into());
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(&project.root)
        .output()
        .map_err(|error| format!("`{command}` cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{command}` failed ({}):\n{}", output.status, said.trim_end()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`{command}` printed no JSON: {error}"))
}

/// The words of a text: where its lines break means nothing.
fn words(text: &str) -> Json {
    text.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

/// One thing that can be said of an operation.
struct Claim {
    /// What it is about, such as `the header Link of the 200`.
    what: String,
    value: Json,
    /// Where the contract says it.
    range: Range<usize>,
}

fn compare(contract: &Contract, emitted: &Json, code: Option<&Arc<Source>>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |operation: &str, range: Option<&Range<usize>>, hint: &str, message: String| {
        let mut finding = match code.and_then(|code| Some((code, find(code, operation, hint)?))) {
            Some((code, here)) => Finding::at(
                Rule::ServerEmits,
                Place::new(code, here, "the server says this"),
                message,
            ),
            None => Finding::nowhere(Rule::ServerEmits, message),
        };
        if let Some(range) = range {
            finding = finding.with(contract.place(range, "the contract says this"));
        }
        findings.push(finding.help("run `cargo xtask generate`"));
    };
    let none = serde_json::Map::new();
    let mut known: Vec<(String, String)> = Vec::new();
    for operation in &contract.operations {
        let (method, path) = (operation.method.to_lowercase(), operation.path.value.clone());
        let name = &operation.id.value;
        known.push((method.clone(), path.clone()));
        let entry = &emitted["paths"][&path][&method];
        if entry.is_null() {
            report(
                name,
                Some(&operation.id.range),
                "",
                format!("the server has no operation {} {path}", operation.method.value),
            );
            continue;
        }
        let told = emitted_claims(entry);
        let mut wanted: BTreeMap<String, ()> = BTreeMap::new();
        for claim in contract_claims(operation) {
            wanted.insert(claim.what.clone(), ());
            let message = match told.get(&claim.what) {
                Some(value) if *value == claim.value => continue,
                Some(value) => format!(
                    "the server and the contract differ in {} of `{name}`: {value}, not {}",
                    claim.what, claim.value
                ),
                None => format!("the server does not say {} of `{name}`: {}", claim.what, claim.value),
            };
            let hint = told.get(&claim.what).map(hint).unwrap_or_default();
            report(name, Some(&claim.range), &hint, message);
        }
        for (what, value) in &told {
            if !wanted.contains_key(what) {
                let message = format!("the server says {what} of `{name}`, and the contract does not: {value}");
                report(name, Some(&operation.id.range), &hint(value), message);
            }
        }
    }
    for (path, item) in emitted["paths"].as_object().unwrap_or(&none) {
        for method in item.as_object().unwrap_or(&none).keys() {
            if !known
                .iter()
                .any(|(known_method, known_path)| known_method == method && known_path == path)
            {
                report(
                    "",
                    None,
                    path,
                    format!(
                        "the server has an operation that the contract does not: {} {path}",
                        method.to_uppercase()
                    ),
                );
            }
        }
    }
    for (name, schema) in emitted["components"]["schemas"].as_object().unwrap_or(&none) {
        match contract.schemas.iter().find(|(known, _)| known.value == *name) {
            Some((_, known)) if normal(known) == normal(schema) => {}
            Some((place, _)) => {
                report(
                    "",
                    Some(&place.range),
                    name,
                    format!("the server and the contract differ in the schema `{name}`"),
                );
            }
            None => report(
                "",
                None,
                name,
                format!("the server has a schema that the contract does not: `{name}`"),
            ),
        }
    }
    findings
}

/// A text to look for in the server's code: what is said, or the message in it.
fn hint(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(map) => map.get("message").and_then(Json::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// Where the server's code speaks of an operation, if possible of this text.
fn find(code: &Source, operation: &str, hint: &str) -> Option<Range<usize>> {
    let quoted = |text: &str| format!("\"{}\"", text.escape_default());
    // The operation's errors come after the constant that describes it.
    let start = code.text.find(&format!("id: {}", quoted(operation))).unwrap_or(0);
    let text = quoted(hint);
    let at = Some(hint)
        .filter(|hint| !hint.is_empty())
        .and_then(|_| code.text[start..].find(&text));
    match at {
        Some(at) => Some(start + at..start + at + text.len()),
        None if start > 0 => Some(start..start + "id: ".len() + quoted(operation).len()),
        None => None,
    }
}

/// What the contract says of an operation.
fn contract_claims(operation: &Operation) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |what: String, value: Json, range: &Range<usize>| {
        claims.push(Claim {
            what,
            value,
            range: range.clone(),
        });
    };
    claim("the id".into(), operation.id.value.as_str().into(), &operation.id.range);
    claim("the summary".into(), words(&operation.summary), &operation.id.range);
    claim(
        "the description".into(),
        words(&operation.description),
        &operation.id.range,
    );
    claim("the tags".into(), operation.tags.clone().into(), &operation.id.range);
    if let Some(permission) = &operation.permission {
        claim(
            "the permission".into(),
            permission.value.as_str().into(),
            &permission.range,
        );
    }
    if let Some(limit) = &operation.rate_limit {
        let value = json!({"requests": limit.requests, "window_seconds": limit.window_seconds});
        claim("the rate limit".into(), value, &limit.range);
    }
    for parameter in &operation.parameters {
        let location = match parameter.location {
            Location::Path => "path",
            Location::Query => "query",
        };
        let value = json!({
            "required": parameter.required,
            "description": parameter.description,
            "schema": normal(&parameter.schema.value),
        });
        claim(
            format!("the {location} parameter `{}`", parameter.name.value),
            value,
            &parameter.name.range,
        );
    }
    let success = &operation.success;
    let status = success.status.value;
    claim(
        format!("the schema of the {status}"),
        success.schema.value.as_str().into(),
        &success.schema.range,
    );
    claim(
        format!("the description of the {status}"),
        success.description.as_str().into(),
        &success.status.range,
    );
    for header in &success.headers {
        let value = json!({
            "required": header.required,
            "description": header.description,
            "schema": normal(&header.schema),
        });
        claim(
            format!("the header `{}` of the {status}", header.name.to_lowercase()),
            value,
            &header.name.range,
        );
    }
    for error in &operation.errors {
        claim(
            error_claim(error.status.value, &error.name.value),
            error_value(error),
            &error.message.range,
        );
        claim(
            headers_claim(error.status.value),
            headers_value(&error.headers),
            &error.status.range,
        );
    }
    claims
}

fn error_claim(status: u16, name: &str) -> String {
    format!("the error `{name}` of the {status}")
}

fn headers_claim(status: u16) -> String {
    format!("the headers of the {status}")
}

fn error_value(error: &DocumentedError) -> Json {
    json!({"message": error.message.value, "summary": error.summary.value})
}

fn headers_value(headers: &[Header]) -> Json {
    let headers: BTreeMap<String, bool> = headers
        .iter()
        .map(|header| (header.name.to_lowercase(), header.required))
        .collect();
    json!(headers)
}

/// The same of an operation that the server has emitted.
fn emitted_claims(entry: &Json) -> BTreeMap<String, Json> {
    let mut claims = BTreeMap::new();
    let none = serde_json::Map::new();
    for (what, key) in [
        ("the id", "operationId"),
        ("the summary", "summary"),
        ("the description", "description"),
        ("the tags", "tags"),
        ("the permission", "x-required-permission"),
        ("the rate limit", "x-rate-limit"),
    ] {
        if let Some(value) = entry.get(key) {
            let value = value.as_str().map_or_else(|| value.clone(), words);
            claims.insert(what.to_owned(), value);
        }
    }
    for parameter in entry["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let (name, location) = (
            parameter["name"].as_str().unwrap_or("?"),
            parameter["in"].as_str().unwrap_or("?"),
        );
        let value = json!({
            "required": parameter["required"].as_bool().unwrap_or(false),
            "description": parameter["description"],
            "schema": normal(&parameter["schema"]),
        });
        claims.insert(format!("the {location} parameter `{name}`"), value);
    }
    for (status, response) in entry["responses"].as_object().unwrap_or(&none) {
        let content = &response["content"]["application/json"];
        let headers = response["headers"].as_object().unwrap_or(&none);
        let Some(status) = status.parse().ok().filter(|status: &u16| *status >= 400) else {
            let schema = content["schema"]["$ref"].as_str().unwrap_or_default();
            let name = schema.rsplit('/').next().unwrap_or_default();
            claims.insert(format!("the schema of the {status}"), name.into());
            claims.insert(
                format!("the description of the {status}"),
                response["description"].clone(),
            );
            for (name, header) in headers {
                let value = json!({
                    "required": header["required"].as_bool().unwrap_or(false),
                    "description": header["description"],
                    "schema": normal(&header["schema"]),
                });
                claims.insert(format!("the header `{}` of the {status}", name.to_lowercase()), value);
            }
            continue;
        };
        for (name, example) in content["examples"].as_object().unwrap_or(&none) {
            let value = json!({"message": example["value"]["message"], "summary": example["summary"]});
            claims.insert(error_claim(status, name), value);
        }
        let headers: BTreeMap<String, bool> = headers
            .iter()
            .map(|(name, header)| (name.to_lowercase(), header["required"].as_bool().unwrap_or(false)))
            .collect();
        claims.insert(headers_claim(status), json!(headers));
    }
    claims
}

/// A schema in the one form in which two that mean the same are equal: sets are sorted, defaults are left out.
fn normal(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => {
            let sorted: BTreeMap<String, Json> = map
                .iter()
                .filter(|(key, value)| {
                    let default = [
                        ("nullable", false),
                        ("deprecated", false),
                        ("readOnly", false),
                        ("writeOnly", false),
                    ];
                    !default
                        .iter()
                        .any(|(name, default)| name == key && **value == Json::Bool(*default))
                })
                .map(|(key, value)| {
                    let mut value = normal(value);
                    if key == "required"
                        && let Json::Array(names) = &mut value
                    {
                        names.sort_by_key(ToString::to_string);
                    }
                    (key.clone(), value)
                })
                .collect();
            json!(sorted)
        }
        Json::Array(items) => items.iter().map(normal).collect(),
        Json::String(text) => text.trim_end().into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_that_mean_the_same_are_equal() {
        let one = json!({"type": "object", "required": ["b", "a"], "nullable": false, "properties": {"a": {"description": "x\n"}}});
        let other = json!({"properties": {"a": {"description": "x"}}, "required": ["a", "b"], "type": "object"});
        assert_eq!(normal(&one), normal(&other));
        assert_ne!(normal(&json!({"nullable": true})), normal(&json!({})));
    }
}
