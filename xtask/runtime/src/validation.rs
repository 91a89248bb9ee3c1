//! Validates values against the contract's schemas with the `jsonschema` crate: patterns, bounds, alternatives and all else that
//! types do not express.

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::tables::Validate;

/// The contract's schemas as JSON Schema 2020-12 by name. They refer to each other as `#/$defs/NAME`.
#[derive(Debug)]
pub struct Schemas {
    parsed: LazyLock<Map<String, Value>>,
}

impl Schemas {
    /// The schemas, parsed by `parse` when they are first needed.
    pub const fn new(parse: fn() -> Map<String, Value>) -> Schemas {
        Schemas { parsed: LazyLock::new(parse) }
    }

    /// A schema with everything that it refers to.
    fn closed(&self, schema: &Value) -> Value {
        let mut needed = BTreeSet::new();
        let mut open = references(schema);
        while let Some(name) = open.pop() {
            if let Some((name, schema)) = self.parsed.get_key_value(&name)
                && needed.insert(name)
            {
                open.extend(references(schema));
            }
        }
        let definitions: Map<String, Value> =
            needed.into_iter().filter_map(|name| Some((name.clone(), self.parsed.get(name)?.clone()))).collect();
        json!({ "allOf": [schema], "$defs": definitions })
    }
}

/// Parses a list of schemas.
pub fn parse(schemas: &[(&str, &str)]) -> Map<String, Value> {
    let parsed = schemas
        .iter()
        .map(|(name, text)| ((*name).to_owned(), serde_json::from_str(text).unwrap_or(Value::Bool(false))));
    parsed.collect()
}

/// The names that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
            own.map(str::to_owned).into_iter().chain(map.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// A schema that values are validated against. It is compiled when the first value arrives.
#[derive(Debug)]
pub struct Checked {
    schemas: &'static Schemas,
    schema: &'static str,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Checked {
    /// A schema, as JSON that may refer to `schemas`.
    pub const fn new(schemas: &'static Schemas, schema: &'static str) -> Checked {
        Checked { schemas, schema, compiled: OnceLock::new() }
    }

    fn compile(&self) -> Result<Validator, String> {
        let schema: Value = serde_json::from_str(self.schema).map_err(|error| error.to_string())?;
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        options.build(&self.schemas.closed(&schema)).map_err(|error| error.to_string())
    }
}

impl Validate for Checked {
    fn violation(&self, value: &Value) -> Option<String> {
        let validator = match self.compiled.get_or_init(|| self.compile()) {
            Ok(validator) => validator,
            Err(error) => {
                tracing::error!(%error, "a schema of the contract cannot be used");
                return Some("the server cannot validate it".to_owned());
            }
        };
        let error = validator.iter_errors(value).next()?;
        let place = error.instance_path().as_str();
        let message = error.to_string();
        // Long values are not repeated.
        let message = if message.len() > 200 { error.masked().to_string() } else { message };
        Some(if place.is_empty() { message } else { format!("{place}: {message}") })
    }
}
