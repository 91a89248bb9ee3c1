//! Validates values against schemas, with the places of violations.
//!
//! Schemas are converted to JSON Schema 2020-12 and compiled by the `jsonschema` crate: at first only what a schema
//! reaches, and the whole document once that would have been cheaper. Discriminators are ignored here.

mod convert;
mod definitions;
mod direction;
mod graph;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value as Json};

use self::convert::{Converter, Key};
pub use self::definitions::{Definitions, definitions};
pub use self::direction::Direction;
use crate::document::Document;
use crate::node::{Node, escaped, pointer_keys};
use crate::schema::SchemaId;

/// One violation of a schema by a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong.
    pub message: String,
    /// The byte range of the invalid value.
    pub range: Range<usize>,
    /// The JSON pointer of the invalid or missing value.
    pub pointer: String,
}

/// Validates values against the schemas of one document. Each schema is compiled once, when it is first needed.
pub struct Values<'a> {
    document: &'a Document,
    compiled: HashMap<(SchemaId, Direction), Result<Arc<Compiled>, String>>,
    whole: HashMap<Direction, Option<Arc<Compiled>>>,
    /// How many schemas were compiled one by one.
    spent: usize,
}

/// Compiled schemas. They validate an object whose only key is the number of the schema that its value must fit.
struct Compiled {
    validator: Validator,
    /// The length of the longest chain of schemas that apply to the same value.
    chain: usize,
    /// The schemas that cannot be used, with the reasons.
    broken: HashMap<SchemaId, String>,
}

/// Up to this many schemas are compiled one by one before the whole document is.
const FEW: usize = 400;
/// Values up to this depth (times the schemas that apply to one value) are validated on the current stack.
const SHALLOW: usize = 300;
/// Deeper values are not validated.
const DEEPEST: usize = 100_000;
/// A generous estimate of the stack that one step of compiling or validating takes.
const STEP: usize = 8 * 1024;

impl<'a> Values<'a> {
    /// A validator for the schemas of a document.
    pub fn new(document: &'a Document) -> Values<'a> {
        Values { document, compiled: HashMap::new(), whole: HashMap::new(), spent: 0 }
    }

    /// Compiles schemas together that will be used: compiled one by one, each would include everything it reaches.
    pub fn expect(&mut self, direction: Direction, schemas: &[SchemaId]) {
        let mut converter = Converter::new(self.document, direction);
        schemas.iter().for_each(|schema| converter.reach(*schema));
        // If a schema cannot be used, each is compiled later, when it is needed.
        let Some(compiled) = Compiled::new(&converter).ok().filter(|compiled| compiled.broken.is_empty()) else {
            return;
        };
        let compiled = Arc::new(compiled);
        for schema in schemas {
            self.compiled.insert((*schema, direction), Ok(compiled.clone()));
        }
    }

    /// The violations of a schema by a value.
    ///
    /// # Errors
    ///
    /// Why the schema cannot be used at all: a pattern that is not a regular expression, an unresolved reference.
    pub fn misfits(&mut self, schema: SchemaId, direction: Direction, value: &Node) -> Result<Vec<Misfit>, String> {
        self.validate(schema, direction, value.to_json(), |compiled, instance| compiled.misfits(instance, value))
    }

    /// Whether a value fits a schema, which takes less time than to list the violations.
    ///
    /// # Errors
    ///
    /// Why the schema cannot be used at all.
    pub fn fits(&mut self, schema: SchemaId, direction: Direction, value: &Json) -> Result<bool, String> {
        self.validate(schema, direction, value.clone(), |compiled, instance| compiled.validator.is_valid(instance))
    }

    fn validate<T: Send>(
        &mut self,
        schema: SchemaId,
        direction: Direction,
        value: Json,
        validate: impl FnOnce(&Compiled, &Json) -> T + Send,
    ) -> Result<T, String> {
        let compiled = self.compiled(schema, direction)?;
        let steps = compiled.chain.saturating_mul(depth(&value) + 1);
        if steps > DEEPEST {
            return Err("too many nested schemas apply to one value".to_owned());
        }
        let instance: Json = Map::from_iter([(schema.index().to_string(), value)]).into();
        let validate = || validate(&compiled, &instance);
        if steps <= SHALLOW { Ok(validate()) } else { with_stack(steps, validate) }
    }

    fn compiled(&mut self, schema: SchemaId, direction: Direction) -> Result<Arc<Compiled>, String> {
        if let Some(compiled) = self.compiled.get(&(schema, direction)) {
            return compiled.clone();
        }
        let compiled = self.compile(schema, direction);
        self.compiled.insert((schema, direction), compiled.clone());
        compiled
    }

    fn compile(&mut self, schema: SchemaId, direction: Direction) -> Result<Arc<Compiled>, String> {
        let document = self.document;
        let mut converter = Converter::new(document, direction);
        converter.reach(schema);
        if let Some(reason) = converter.keys().iter().find_map(|key| converter.broken().get(&key.schema)) {
            return Err(reason.clone());
        }
        self.spent += converter.keys().len();
        if self.spent > FEW {
            let whole = self.whole.entry(direction).or_insert_with(|| {
                let mut converter = Converter::new(document, direction);
                document.schemas().for_each(|(id, _)| converter.reach(id));
                Compiled::new(&converter)
                    .or_else(|_| {
                        converter.find_broken();
                        Compiled::new(&converter)
                    })
                    .ok()
                    .map(Arc::new)
            });
            if let Some(whole) = whole {
                let reached = converter.keys().iter().find_map(|Key { schema, .. }| whole.broken.get(schema));
                return reached.map_or(Ok(whole.clone()), |reason| Err(reason.clone()));
            }
        }
        Compiled::new(&converter).map(Arc::new)
    }
}

impl Compiled {
    fn new(converter: &Converter<'_>) -> Result<Compiled, String> {
        let (schema, chain) = converter.finish();
        let build = || {
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            options.build(&schema).map_err(|error| short(error.to_string(), || error.masked().to_string()))
        };
        // A schema is compiled nested in the one that refers to it.
        let steps = converter.keys().len();
        let validator = if steps <= SHALLOW / 10 { build() } else { with_stack(steps, build)? };
        Ok(Compiled { validator: validator?, chain, broken: converter.broken().clone() })
    }

    fn misfits(&self, instance: &Json, value: &Node) -> Vec<Misfit> {
        if self.validator.is_valid(instance) {
            return Vec::new();
        }
        let mut misfits = Vec::new();
        for error in self.validator.iter_errors(instance) {
            // The first part of the path is the schema number.
            let path = error.instance_path().as_str();
            let path = path.get(1..).and_then(|path| path.find('/').map(|at| &path[at..])).unwrap_or_default();
            let of = |name: &str| format!("{path}/{}", escaped(name));
            let mut misfit = |message: String, pointer: String| {
                misfits.push(Misfit { message, range: at(value, &pointer).range.clone(), pointer });
            };
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    unexpected.iter().for_each(|name| misfit(format!("there is no property `{name}`"), of(name)));
                }
                ValidationErrorKind::Required { property } => {
                    misfit(error.to_string(), of(property.as_str().unwrap_or_default()));
                }
                _ => misfit(short(error.to_string(), || error.masked().to_string()), path.to_owned()),
            }
        }
        misfits
    }
}

/// Whether a pattern is a regular expression that values can be validated with.
///
/// # Errors
///
/// Why it is invalid.
pub fn pattern(text: &str) -> Result<(), String> {
    let schema = serde_json::json!({"pattern": text});
    let built = jsonschema::draft202012::options().build(&schema);
    built.map(drop).map_err(|error| short(error.to_string(), || error.masked().to_string()))
}

/// A message that does not quote long values.
fn short(message: String, masked: impl FnOnce() -> String) -> String {
    if message.len() > 200 { masked() } else { message }
}

/// Runs a function whose recursion is `steps` deep, with a larger stack if necessary.
fn with_stack<T: Send>(steps: usize, run: impl FnOnce() -> T + Send) -> Result<T, String> {
    let size = 8 * 1024 * 1024 + steps.min(DEEPEST) * STEP;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(size).spawn_scoped(scope, run);
        let ended = thread.map_err(|error| format!("there is no memory for its schemas: {error}"))?.join();
        ended.map_err(|_| "validating failed".to_owned())
    })
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Json::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// The node at a JSON pointer, or the last existing one on its path.
fn at<'a>(root: &'a Node, pointer: &str) -> &'a Node {
    let mut here = root;
    for key in pointer_keys(pointer) {
        match here.child(&key) {
            Some(next) => here = next,
            None => break,
        }
    }
    here
}
