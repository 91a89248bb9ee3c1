//! Whether a value fits a schema, and where it does not.
//!
//! Schemas are converted to JSON Schema 2020-12 and compiled by the `jsonschema` crate: at first only what a schema reaches,
//! and the whole document once that would have been less work. Discriminators say nothing here.

mod convert;
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
pub use self::direction::Direction;
use crate::document::Document;
use crate::node::{Node, pointer_keys};
use crate::schema::SchemaId;

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

/// Validates values against the schemas of one document. Each schema is compiled once, when it is first needed.
pub struct Values<'a> {
    document: &'a Document,
    compiled: HashMap<(SchemaId, Direction), Result<Arc<Compiled>, String>>,
    whole: HashMap<Direction, Option<Arc<Compiled>>>,
    /// How many schemas were compiled one by one.
    spent: usize,
}

/// Compiled schemas. They take an object whose only key is the number of the schema that its value has to fit.
struct Compiled {
    validator: Validator,
    /// How many schemas apply to one and the same value, each because of the one before.
    chain: usize,
    /// Why some of the schemas cannot be used.
    broken: HashMap<SchemaId, String>,
}

/// Up to this many schemas are compiled one by one before the whole document is.
const FEW: usize = 400;
/// Values this deep (times the schemas that apply to one value) are validated on the stack that there is.
const SHALLOW: usize = 300;
/// Deeper ones than this are not validated.
const DEEPEST: usize = 100_000;
/// The stack that a step of compiling or validating takes, generously.
const STEP: usize = 8 * 1024;

impl<'a> Values<'a> {
    /// The schemas of a document.
    pub fn new(document: &'a Document) -> Values<'a> {
        Values { document, compiled: HashMap::new(), whole: HashMap::new(), spent: 0 }
    }

    /// Compiles schemas together that values will be held against: each by itself would take what it reaches along.
    pub fn expect(&mut self, direction: Direction, schemas: &[SchemaId]) {
        let mut converter = Converter::new(self.document, direction);
        schemas.iter().for_each(|schema| converter.reach(*schema));
        // What some of them have in common that cannot be used is found one by one, when it is needed.
        let Some(compiled) = Compiled::new(&converter).ok().filter(|compiled| compiled.broken.is_empty()) else {
            return;
        };
        let compiled = Arc::new(compiled);
        for schema in schemas {
            self.compiled.insert((*schema, direction), Ok(compiled.clone()));
        }
    }

    /// How a value does not fit a schema.
    ///
    /// # Errors
    ///
    /// Why the schema cannot be used at all: a pattern that is no regular expression, a reference that leads nowhere.
    pub fn misfits(&mut self, schema: SchemaId, direction: Direction, value: &Node) -> Result<Vec<Misfit>, String> {
        let compiled = self.compiled(schema, direction)?;
        let steps = compiled.chain.saturating_mul(depth(value) + 1);
        if steps > DEEPEST {
            return Err("too many nested schemas apply to one value".to_owned());
        }
        let instance: Json = Map::from_iter([(schema.index().to_string(), value.to_json())]).into();
        let validate = || compiled.misfits(&instance, value);
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
        // A schema is compiled within the one that refers to it.
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
            // The first part of the path is the number of the schema.
            let path = error.instance_path().as_str();
            let path = path.get(1..).and_then(|path| path.find('/').map(|at| &path[at..])).unwrap_or_default();
            let of = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
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

/// Whether a pattern is a regular expression, as values are held against it.
///
/// # Errors
///
/// Why it is none.
pub fn pattern(text: &str) -> Result<(), String> {
    let schema = serde_json::json!({"pattern": text});
    let built = jsonschema::draft202012::options().build(&schema);
    built.map(drop).map_err(|error| short(error.to_string(), || error.masked().to_string()))
}

/// A message that does not quote whole documents.
fn short(message: String, masked: impl FnOnce() -> String) -> String {
    if message.len() > 200 { masked() } else { message }
}

/// Does something that goes so many steps deep, each within the one before.
fn with_stack<T: Send>(steps: usize, run: impl FnOnce() -> T + Send) -> Result<T, String> {
    let size = 8 * 1024 * 1024 + steps.min(DEEPEST) * STEP;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(size).spawn_scoped(scope, run);
        let ended = thread.map_err(|error| format!("there is no memory for its schemas: {error}"))?.join();
        ended.map_err(|_| "validating failed".to_owned())
    })
}

fn depth(node: &Node) -> usize {
    let values = node.entries().iter().map(|entry| &entry.value).chain(node.items());
    values.map(depth).max().map_or(0, |inner| inner + 1)
}

/// The node that a JSON pointer leads to, or the last on the way that there is.
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
