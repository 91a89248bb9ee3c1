//! Whether a value fits a schema of the contract, and where it does not.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value as Json, json};

use super::node::{Entry, Node, Value};
use super::{Contract, Schema, references};

/// Validates values against the schemas of one contract. Each schema is compiled once.
pub struct Schemas {
    components: HashMap<String, Component>,
    compiled: HashMap<String, Result<Rc<Validator>, String>>,
}

struct Component {
    schema: Json,
    /// The components that it refers to.
    references: Vec<String>,
}

/// One way in which a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// The bytes of the value that is wrong.
    pub range: Range<usize>,
    /// The JSON pointer of the value that is wrong, or missing.
    pub pointer: String,
}

impl Schemas {
    /// The schemas of a contract.
    pub fn new(contract: &Contract) -> Schemas {
        let component = |schema: &Schema| Component {
            schema: json_schema(&schema.node.to_json()),
            references: references::schemas(&schema.node).into_iter().map(str::to_owned).collect(),
        };
        let components = contract.schemas.iter().map(|schema| (schema.name.value.clone(), component(schema)));
        Schemas { components: components.collect(), compiled: HashMap::new() }
    }

    /// How a value does not fit a component. A schema that cannot be compiled is a misfit of every value.
    pub fn misfits(&mut self, component: &str, value: &Node) -> Vec<Misfit> {
        let target = format!("#/components/schemas/{component}");
        let schema = Node { range: 0..0, value: Value::Object(vec![Entry::new("$ref", Node::text(&target))]) };
        self.misfits_of(&schema, value)
    }

    /// How a value does not fit a schema of the contract that stands somewhere else.
    pub fn misfits_of(&mut self, schema: &Node, value: &Node) -> Vec<Misfit> {
        let misfit = |message: String, range: &Range<usize>, pointer| Misfit { message, range: range.clone(), pointer };
        match self.validator(schema) {
            Err(reason) => vec![misfit(format!("its schema cannot be used: {reason}"), &value.range, String::new())],
            Ok(validator) => {
                let instance = value.to_json();
                let errors = validator.iter_errors(&instance);
                errors
                    .map(|error| {
                        let place = at(value, error.instance_path().as_str());
                        let pointer = match error.kind() {
                            ValidationErrorKind::Required { property } => {
                                format!("{}/{}", error.instance_path(), property.as_str().unwrap_or_default())
                            }
                            _ => error.instance_path().to_string(),
                        };
                        misfit(error.to_string(), &place.range, pointer)
                    })
                    .collect()
            }
        }
    }

    fn validator(&mut self, schema: &Node) -> Result<Rc<Validator>, String> {
        let json = schema.to_json();
        let key = json.to_string();
        if let Some(compiled) = self.compiled.get(&key) {
            return compiled.clone();
        }
        let mut whole = json_schema(&json);
        if let Json::Object(map) = &mut whole {
            map.insert("components".to_owned(), json!({ "schemas": self.reached(schema) }));
        }
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let compiled = options.build(&whole).map(Rc::new).map_err(|error| error.to_string());
        self.compiled.entry(key).or_insert(compiled).clone()
    }

    /// The components that a schema refers to, and those that they refer to: the others would only be copied.
    fn reached(&self, schema: &Node) -> serde_json::Map<String, Json> {
        let mut reached = serde_json::Map::new();
        let mut open = references::schemas(schema);
        while let Some(name) = open.pop() {
            if let Some(component) = self.components.get(name).filter(|_| !reached.contains_key(name)) {
                reached.insert(name.to_owned(), component.schema.clone());
                open.extend(component.references.iter().map(String::as_str));
            }
        }
        reached
    }
}

/// The node that a JSON pointer leads to, or the last on the way that there is.
fn at<'a>(root: &'a Node, pointer: &str) -> &'a Node {
    let mut here = root;
    for part in pointer.split('/').skip(1) {
        let key = part.replace("~1", "/").replace("~0", "~");
        let next = match &here.value {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            _ => here.get(&key),
        };
        match next {
            Some(next) => here = next,
            None => break,
        }
    }
    here
}

/// A schema of OpenAPI 3.0 as a JSON Schema: `nullable` and the exclusive bounds are written in other ways there.
fn json_schema(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => {
            let mut map: serde_json::Map<String, Json> = map
                .iter()
                .map(|(key, value)| {
                    let data = matches!(key.as_str(), "example" | "default" | "enum" | "required");
                    (key.clone(), if data { value.clone() } else { json_schema(value) })
                })
                .collect();
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                if let Some(Json::Bool(exclusive)) = map.get(flag).cloned() {
                    map.remove(flag);
                    if exclusive && let Some(number) = map.remove(bound) {
                        map.insert(flag.to_owned(), number);
                    }
                }
            }
            if map.remove("nullable") == Some(Json::Bool(true)) {
                return json!({ "anyOf": [map, { "type": "null" }] });
            }
            Json::Object(map)
        }
        Json::Array(items) => items.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::node;
    use super::*;
    use openapi_model::source::Source;

    const CONTRACT: &str = r#"
openapi: 3.0.3
info: {title: T, version: '1'}
paths: {}
components:
  schemas:
    Page:
      type: object
      required: [results]
      properties:
        results: {type: array, maxItems: 2, items: {$ref: '#/components/schemas/Thing'}}
    Thing:
      type: object
      required: [id, kind, size]
      properties:
        id: {type: string, format: uuid}
        kind: {allOf: [{$ref: '#/components/schemas/Kind'}], nullable: true}
        size: {type: integer, minimum: 0, exclusiveMinimum: true}
        since: {type: string, format: date-time, nullable: true}
    Kind: {type: string, enum: [small, large]}
"#;

    fn misfits(value: &str) -> Vec<(String, String)> {
        let (contract, _) = Contract::load(&Source::new("c.yaml", CONTRACT));
        let node = node::parse(value).unwrap();
        let misfits = Schemas::new(&contract.unwrap()).misfits("Page", &node);
        misfits.into_iter().map(|misfit| (value[misfit.range].to_owned(), misfit.message)).collect()
    }

    #[test]
    fn a_value_that_fits_has_no_misfits() {
        for thing in [
            r#"{"id": "00000000-0000-0000-0000-000000000000", "kind": "small", "size": 1, "since": null, "more": 7}"#,
            r#"{"id": "00000000-0000-0000-0000-000000000000", "kind": null, "size": 1, "since": "2026-11-23T20:43:04.000123Z"}"#,
        ] {
            assert_eq!(misfits(&format!("{{\"results\": [{thing}]}}")), []);
        }
    }

    #[test]
    fn every_misfit_is_said_with_its_place() {
        let thing = r#"{"id": "7", "kind": "medium", "size": 0, "since": "yesterday"}"#;
        let found = misfits(&format!("{{\"results\": [{thing}]}}"));
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["\"7\"", "\"medium\"", "0", "\"yesterday\""], "{found:?}");
        assert!(
            misfits("{\"results\": [{}]}").iter().all(|(place, message)| place == "{}" && message.contains("required"))
        );
        assert_eq!(misfits("{}")[0].0, "{}");
        assert!(misfits("{\"results\": [1, 2, 3]}")[0].1.contains("more than 2"));
    }
}
