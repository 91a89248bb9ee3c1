//! The lowered document itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::record::{NamedType, reached};
use super::{LoweredOperation, bodies, responses};

/// The document: one path for each operation, with a parameter for each value, and the named types that they use.
pub fn document(
    title: &str,
    version: &str,
    operations: &[LoweredOperation],
    types: &BTreeMap<String, NamedType>,
) -> Value {
    let paths: Map<String, Value> =
        operations.iter().map(|operation| (format!("/{}", operation.name), item(operation))).collect();
    let roots = operations.iter().flat_map(values).flat_map(references).collect();
    let schemas: Map<String, Value> =
        reached(types, &roots).into_iter().map(|name| (name.clone(), types[&name].schema.clone())).collect();
    json!({
        "openapi": "3.0.3",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// An operation whose parameters are the values that are sent and received, each in a list: progenitor panics on an object
/// that is an optional parameter, and takes the null from a type that has it.
fn item(operation: &LoweredOperation) -> Value {
    let parameters: Vec<Value> = values(operation)
        .enumerate()
        .map(|(index, schema)| json!({"name": value_key(index), "in": "query", "schema": {"type": "array", "items": schema}}))
        .collect();
    json!({"get": {"operationId": operation.name, "parameters": parameters, "responses": {"204": {"description": ""}}}})
}

/// The name of a value in the lowered document, by its index among [`values`].
pub fn value_key(index: usize) -> String {
    format!("v{index}")
}

/// The schemas of all values of an operation: those that are sent, then those of its successes, then those of its errors.
pub fn values(operation: &LoweredOperation) -> impl Iterator<Item = &Value> {
    let responses = operation.responses.successes.iter().chain(&operation.responses.errors);
    sent(operation).chain(responses.filter_map(|response| match &response.content {
        responses::Content::Json(schema) => Some(schema),
        _ => None,
    }))
}

/// The schemas of the values that are sent: the parameters, then the body or its parts.
pub fn sent(operation: &LoweredOperation) -> impl Iterator<Item = &Value> {
    let (schema, parts) = match operation.body.as_ref().map(|body| &body.content) {
        Some(bodies::Content::Json(schema) | bodies::Content::Form(schema, _)) => (Some(schema), &[][..]),
        Some(bodies::Content::Multipart(parts)) => (None, &parts[..]),
        _ => (None, &[][..]),
    };
    let parameters = operation.parameters.iter().map(|parameter| &parameter.schema);
    parameters.chain(schema).chain(parts.iter().filter_map(|part| part.schema.as_ref()))
}

/// The names of the types that a lowered schema refers to.
pub fn references(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![schema];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                let reference = map.get("$ref").and_then(Value::as_str);
                found.extend(reference.and_then(|text| text.rsplit('/').next()).map(str::to_owned));
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}
