//! What schemas mean, as data: [`crate::shape`] works it out and hands it on.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use crate::schema::{Bound, Discriminator, SchemaId, Types};
use crate::span::{Span, Spanned};

/// Schemas that a value has to satisfy together; none take anything. Sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AllOf(Vec<SchemaId>);

impl AllOf {
    /// These schemas together.
    pub fn new(mut schemas: Vec<SchemaId>) -> AllOf {
        schemas.sort_unstable();
        schemas.dedup();
        AllOf(schemas)
    }

    /// These schemas and another one.
    pub fn with(&self, id: SchemaId) -> AllOf {
        AllOf::new(self.0.iter().copied().chain([id]).collect())
    }

    /// The schemas.
    pub fn ids(&self) -> &[SchemaId] {
        &self.0
    }

    /// Whether there is no schema, and anything fits.
    pub fn is_anything(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<SchemaId> for AllOf {
    fn from(id: SchemaId) -> AllOf {
        AllOf(vec![id])
    }
}

/// What some schemas say together of a value, one level deep.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Where the first of the schemas stands.
    pub span: Span,
    /// The name of the component that it is, through references only: `$ref`, or an `allOf` of one without more.
    pub name: Option<Spanned<String>>,
    /// Whether null fits.
    pub nullable: bool,
    /// The types that fit beside null: [`Types::ANY`] without null where nothing is said; none where no value can fit.
    pub types: Types,
    /// Where the types are written, if they are.
    pub types_span: Option<Span>,
    /// `format`; of two the last.
    pub format: Option<Spanned<String>>,
    /// The only values that fit beside null, without null.
    pub enumeration: Option<Spanned<Vec<Spanned<Json>>>>,
    /// The least number.
    pub minimum: Option<Bound>,
    /// The greatest number.
    pub maximum: Option<Bound>,
    /// What numbers have to be multiples of, all of them.
    pub multiples_of: Vec<Spanned<serde_json::Number>>,
    /// The least length of a text, in characters.
    pub min_length: Option<Spanned<u64>>,
    /// The greatest length of a text, in characters.
    pub max_length: Option<Spanned<u64>>,
    /// The patterns that a text has to have, all of them.
    pub patterns: Vec<Spanned<String>>,
    /// The least number of items.
    pub min_items: Option<Spanned<u64>>,
    /// The greatest number of items.
    pub max_items: Option<Spanned<u64>>,
    /// Where it says that no item comes twice.
    pub unique_items: Option<Span>,
    /// The least number of properties.
    pub min_properties: Option<Spanned<u64>>,
    /// The greatest number of properties.
    pub max_properties: Option<Spanned<u64>>,
    /// What the items are (after the prefix); nothing where nothing is said.
    pub items: Option<AllOf>,
    /// What the first items are.
    pub prefix_items: Vec<AllOf>,
    /// The properties by name.
    pub properties: BTreeMap<String, ShapeProperty>,
    /// The names of the properties that have to be there, with the place that says so. Some may not be among the properties.
    pub required: BTreeMap<String, Span>,
    /// What is said of all other properties.
    pub additional: Additional,
    /// Properties by the pattern of their names (3.1).
    pub pattern_properties: BTreeMap<String, AllOf>,
    /// What the names of properties are (3.1).
    pub property_names: Option<AllOf>,
    /// The alternatives, of each of which one has to fit: more than one where several of the schemas have some. An alternative
    /// that is only null is not among them: it makes the shape nullable. Where only one is left, its meaning is part of
    /// this shape.
    pub alternatives: Vec<Alternatives>,
    /// How the shapes that build on this one are told apart, where that is said without alternatives.
    pub discriminator: Option<Discriminator>,
    /// Schemas that must not fit.
    pub not: Vec<AllOf>,
    /// `readOnly`: not sent in requests.
    pub read_only: Option<Span>,
    /// `writeOnly`: not sent in answers.
    pub write_only: Option<Span>,
    /// `deprecated`.
    pub deprecated: Option<Span>,
    /// `default`, the outermost.
    pub default: Option<Json>,
    /// Keywords that are not understood here (`if`, `contains`, `dependentRequired`, …), as they are written.
    pub others: BTreeMap<String, Spanned<Json>>,
    /// References in it that lead nowhere: what they would say is not known.
    pub unresolved: Vec<Spanned<String>>,
}

/// A property of a shape.
#[derive(Debug, Clone)]
pub struct ShapeProperty {
    /// The place of the key, of the first of the schemas that have it.
    pub span: Span,
    /// What its value has to satisfy.
    pub schema: AllOf,
}

/// What is said of properties that are not named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Additional {
    /// Nothing, or that they may be anything.
    #[default]
    Anything,
    /// That there are none, and where.
    Nothing(Span),
    /// What their values are.
    Schema(AllOf),
}

/// Alternatives of which one has to fit.
#[derive(Debug, Clone)]
pub struct Alternatives {
    /// Whether only one may fit: `oneOf`.
    pub exclusive: bool,
    /// The alternatives.
    pub members: Vec<AllOf>,
    /// How they are told apart.
    pub discriminator: Option<Discriminator>,
    /// The place of the key.
    pub span: Span,
}

/// The shapes of single schemas that were worked out. It begins empty: `Shapes::default()`.
#[derive(Debug, Default)]
pub struct Shapes(OnceLock<Vec<OnceLock<Arc<Shape>>>>);

impl Shapes {
    /// The shape of the schema at an index of `count`, worked out if it is not known yet. Working it out must not ask for
    /// another: it would wait for itself.
    pub fn get(&self, index: usize, count: usize, work_out: impl FnOnce() -> Shape) -> Arc<Shape> {
        let known = self.0.get_or_init(|| (0..count).map(|_| OnceLock::new()).collect());
        known[index].get_or_init(|| Arc::new(work_out())).clone()
    }
}
