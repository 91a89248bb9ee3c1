//! Validates values against the contract's schemas with the `jsonschema` crate: patterns, bounds, alternatives and all else that
//! types do not express.

use std::collections::{BTreeMap, BTreeSet};
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
    compiled: OnceLock<Result<Compiled, String>>,
}

/// A schema that was compiled.
#[derive(Debug)]
struct Compiled {
    validator: Validator,
    /// How many alternatives it has at most at one place, if it contains itself.
    alternatives: usize,
}

impl Checked {
    /// A schema, as JSON that may refer to `schemas`.
    pub const fn new(schemas: &'static Schemas, schema: &'static str) -> Checked {
        Checked { schemas, schema, compiled: OnceLock::new() }
    }

    fn compile(&self) -> Result<Compiled, String> {
        let schema: Value = serde_json::from_str(self.schema).map_err(|error| error.to_string())?;
        let schema = self.schemas.closed(&schema);
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).map_err(|error| error.to_string())?;
        let alternatives = if contains_itself(&schema["$defs"]) { alternatives(&schema) } else { 0 };
        Ok(Compiled { validator, alternatives })
    }
}

impl Compiled {
    /// Whether a violation can be described: a description has what is wrong with each alternative, and for each of those what
    /// is wrong with the alternatives in it, which for a value that is nested deeply would take years.
    fn describes(&self, value: &Value) -> bool {
        let depth = u32::try_from(depth(value)).unwrap_or(u32::MAX);
        self.alternatives < 2 || self.alternatives.saturating_pow(depth) < 10_000
    }
}

/// Whether a definition leads back to itself.
fn contains_itself(definitions: &Value) -> bool {
    let definitions = definitions.as_object().into_iter().flatten();
    let mut open: BTreeMap<&String, Vec<String>> = definitions.map(|(name, it)| (name, references(it))).collect();
    loop {
        // What leads only to what leads nowhere is done with.
        let is_done = |needed: &[String]| !needed.iter().any(|name| open.contains_key(name));
        let done: BTreeSet<_> = open.iter().filter(|(_, needed)| is_done(needed)).map(|(name, _)| *name).collect();
        if done.is_empty() {
            return !open.is_empty();
        }
        open.retain(|name, _| !done.contains(name));
    }
}

/// How many alternatives a schema has at most at one place.
fn alternatives(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => {
            let own = ["anyOf", "oneOf"].into_iter().filter_map(|key| map.get(key)?.as_array()).map(Vec::len);
            own.chain(map.values().map(alternatives)).max().unwrap_or_default()
        }
        Value::Array(items) => items.iter().map(alternatives).max().unwrap_or_default(),
        _ => 0,
    }
}

/// How deep a value is nested.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(properties) => 1 + properties.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

impl Validate for Checked {
    fn violation(&self, value: &Value) -> Option<String> {
        let compiled = match self.compiled.get_or_init(|| self.compile()) {
            Ok(compiled) => compiled,
            Err(error) => {
                tracing::error!(%error, "a schema of the contract cannot be used");
                return Some("the server cannot validate it".to_owned());
            }
        };
        if compiled.validator.is_valid(value) {
            return None;
        }
        if !compiled.describes(value) {
            return Some("it does not fit its schema".to_owned());
        }
        let error = compiled.validator.iter_errors(value).next()?;
        let place = error.instance_path().as_str();
        let message = error.to_string();
        // Long values are not repeated.
        let message = if message.len() > 200 { error.masked().to_string() } else { message };
        Some(if place.is_empty() { message } else { format!("{place}: {message}") })
    }
}
