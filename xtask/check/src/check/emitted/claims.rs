//! What the contract and the server's document say of an operation, as claims that can be set against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Value as Json, json};

use apidrift_core::canonical::{canonical, words};
use apidrift_core::contract::{ERROR, Header, Operation};
use apidrift_core::rules::Rule;

/// One thing that can be said of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The rule for those that disagree.
    pub rule: Rule,
    /// What it is about, such as `the header Link of the 200`.
    pub what: String,
    /// What is said.
    pub value: Json,
}

impl Claim {
    fn new(rule: Rule, what: impl Into<String>, value: impl Into<Json>) -> Claim {
        Claim { rule, what: what.into(), value: value.into() }
    }
}

/// What the contract says of an operation, and where.
pub fn of_contract(operation: &Operation) -> Vec<(Claim, Range<usize>)> {
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
pub fn of_server(entry: &Json) -> Vec<Claim> {
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
pub fn comparable(schema: &Json) -> Json {
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
