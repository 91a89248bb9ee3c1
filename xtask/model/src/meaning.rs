//! The meaning of schemas as data: [`crate::shape`] computes it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use crate::schema::{Bound, Discriminator, SchemaId, Types};
use crate::span::{Span, Spanned};

/// Schemas that a value has to satisfy together; an empty list accepts anything. Sorted, without duplicates.
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

    /// Whether there is no schema, so that every value fits.
    pub fn is_anything(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<SchemaId> for AllOf {
    fn from(id: SchemaId) -> AllOf {
        AllOf(vec![id])
    }
}

/// What schemas together require of a value, one level deep.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// The place of the first of the schemas.
    pub span: Span,
    /// The name of the component that the schema is, through references only: `$ref`, or an `allOf` with one member and
    /// nothing else.
    pub name: Option<Spanned<String>>,
    /// Whether null fits.
    pub nullable: bool,
    /// The types that fit beside null: [`Types::ANY`] without null if no type is given; none if no value can fit.
    pub types: Types,
    /// The place of the types, if they are written.
    pub types_span: Option<Span>,
    /// `format`; if there are several, the last.
    pub format: Option<Spanned<String>>,
    /// The permitted values, without null.
    pub enumeration: Option<Spanned<Vec<Spanned<Json>>>>,
    /// The lower bound of numbers.
    pub minimum: Option<Bound>,
    /// The upper bound of numbers.
    pub maximum: Option<Bound>,
    /// The numbers that a value must be a multiple of, all of them.
    pub multiples_of: Vec<Spanned<serde_json::Number>>,
    /// The minimum length of a string, in characters.
    pub min_length: Option<Spanned<u64>>,
    /// The maximum length of a string, in characters.
    pub max_length: Option<Spanned<u64>>,
    /// The patterns that a string must match, all of them.
    pub patterns: Vec<Spanned<String>>,
    /// The minimum number of items.
    pub min_items: Option<Spanned<u64>>,
    /// The maximum number of items.
    pub max_items: Option<Spanned<u64>>,
    /// The place of `uniqueItems: true`.
    pub unique_items: Option<Span>,
    /// The minimum number of properties.
    pub min_properties: Option<Spanned<u64>>,
    /// The maximum number of properties.
    pub max_properties: Option<Spanned<u64>>,
    /// The schemas of the items (after the prefix); `None` if there is no `items`.
    pub items: Option<AllOf>,
    /// The schemas of the first items.
    pub prefix_items: Vec<AllOf>,
    /// The properties by name.
    pub properties: BTreeMap<String, ShapeProperty>,
    /// The names of required properties, with the place that requires them. Some may not be among the properties.
    pub required: BTreeMap<String, Span>,
    /// The schemas of all other properties.
    pub additional: Additional,
    /// Properties by the pattern of their names (3.1).
    pub pattern_properties: BTreeMap<String, AllOf>,
    /// The schemas of property names (3.1).
    pub property_names: Option<AllOf>,
    /// Lists of alternatives, one of which must fit in each; more than one list if several of the schemas have
    /// alternatives. An alternative that is only null is not included: it makes the shape nullable. If only one
    /// alternative remains, it is merged into this shape.
    pub alternatives: Vec<Alternatives>,
    /// How shapes derived from this one are told apart, if a discriminator is given without alternatives.
    pub discriminator: Option<Discriminator>,
    /// Schemas that must not fit.
    pub not: Vec<AllOf>,
    /// `readOnly`: not sent in requests.
    pub read_only: Option<Span>,
    /// `writeOnly`: not sent in responses.
    pub write_only: Option<Span>,
    /// `deprecated`.
    pub deprecated: Option<Span>,
    /// `default` of the outermost schema.
    pub default: Option<Json>,
    /// Keywords that this crate does not interpret (`if`, `contains`, `dependentRequired`, …), as written.
    pub others: BTreeMap<String, Spanned<Json>>,
    /// References that do not resolve: their constraints are unknown.
    pub unresolved: Vec<Spanned<String>>,
}

/// A property of a shape.
#[derive(Debug, Clone)]
pub struct ShapeProperty {
    /// The place of the key in the first schema that has it.
    pub span: Span,
    /// The schemas that its value must satisfy.
    pub schema: AllOf,
}

/// What is permitted for properties that are not named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Additional {
    /// Any value, by default or explicitly.
    #[default]
    Anything,
    /// No other properties, with the place that forbids them.
    Nothing(Span),
    /// Properties with these values.
    Schema(AllOf),
}

/// Alternatives, one of which must fit.
#[derive(Debug, Clone)]
pub struct Alternatives {
    /// Whether exactly one must fit: `oneOf`.
    pub exclusive: bool,
    /// The alternatives.
    pub members: Vec<AllOf>,
    /// How they are told apart.
    pub discriminator: Option<Discriminator>,
    /// The place of the key.
    pub span: Span,
}

/// A cache of the shapes of single schemas, initially empty: `Shapes::default()`.
#[derive(Debug, Default)]
pub struct Shapes(OnceLock<Vec<OnceLock<Arc<Shape>>>>);

impl Shapes {
    /// The shape of the schema at an index of `count`, computed at the first call. `work_out` must not request another
    /// shape: it would deadlock.
    pub fn get(&self, index: usize, count: usize, work_out: impl FnOnce() -> Shape) -> Arc<Shape> {
        let known = self.0.get_or_init(|| (0..count).map(|_| OnceLock::new()).collect());
        known[index].get_or_init(|| Arc::new(work_out())).clone()
    }
}
