//! A schema as written, in one representation for all OpenAPI versions.
//!
//! Notations that differ between 3.0 and 3.1 are unified here. References are not followed: [`crate::shape`] computes
//! what `$ref`, `allOf` and the rest mean together.

use serde_json::{Number, Value as Json};

use crate::node::{Entry, Node};
use crate::span::{Span, Spanned};

/// A schema of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(u32);

impl SchemaId {
    pub(crate) fn at(index: usize) -> SchemaId {
        SchemaId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its index among all schemas of its document.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A schema as written.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The place of the whole object.
    pub span: Span,
    /// Its name, if it is one of `components.schemas`.
    pub name: Option<Spanned<String>>,
    /// `$ref`.
    pub reference: Option<Reference>,
    /// `true` (everything fits) or `false` (nothing fits) instead of a schema.
    pub always: Option<bool>,
    /// `type`, with `null` if `nullable` or a list of types includes it. `None` if there is no `type`.
    pub types: Option<Spanned<Types>>,
    /// `nullable: true` of 3.0: null fits regardless of other keywords.
    pub nullable: Option<Span>,
    /// `format`.
    pub format: Option<Spanned<String>>,
    /// `enum`, or the one value of `const`.
    pub enumeration: Option<Spanned<Vec<Spanned<Json>>>>,
    /// `minimum` or `exclusiveMinimum`.
    pub minimum: Option<Bound>,
    /// `maximum` or `exclusiveMaximum`.
    pub maximum: Option<Bound>,
    /// `multipleOf`.
    pub multiple_of: Option<Spanned<Number>>,
    /// `minLength`, in characters.
    pub min_length: Option<Spanned<u64>>,
    /// `maxLength`, in characters.
    pub max_length: Option<Spanned<u64>>,
    /// `pattern`.
    pub pattern: Option<Spanned<String>>,
    /// `minItems`.
    pub min_items: Option<Spanned<u64>>,
    /// `maxItems`.
    pub max_items: Option<Spanned<u64>>,
    /// `uniqueItems: true`.
    pub unique_items: Option<Span>,
    /// `minProperties`.
    pub min_properties: Option<Spanned<u64>>,
    /// `maxProperties`.
    pub max_properties: Option<Spanned<u64>>,
    /// `items`.
    pub items: Option<SchemaId>,
    /// `prefixItems` of 3.1.
    pub prefix_items: Vec<SchemaId>,
    /// `properties`, in document order.
    pub properties: Vec<Property>,
    /// `required`.
    pub required: Vec<Spanned<String>>,
    /// `additionalProperties`; `true` and `false` are schemas too.
    pub additional_properties: Option<SchemaId>,
    /// `patternProperties` of 3.1.
    pub pattern_properties: Vec<Property>,
    /// `propertyNames` of 3.1.
    pub property_names: Option<SchemaId>,
    /// `allOf`, at the place of the key.
    pub all_of: Option<Spanned<Vec<SchemaId>>>,
    /// `anyOf`, at the place of the key.
    pub any_of: Option<Spanned<Vec<SchemaId>>>,
    /// `oneOf`, at the place of the key.
    pub one_of: Option<Spanned<Vec<SchemaId>>>,
    /// `not`.
    pub not: Option<SchemaId>,
    /// `discriminator`.
    pub discriminator: Option<Discriminator>,
    /// `readOnly: true`: not sent in requests.
    pub read_only: Option<Span>,
    /// `writeOnly: true`: not sent in responses.
    pub write_only: Option<Span>,
    /// `deprecated: true`.
    pub deprecated: Option<Span>,
    /// `title`.
    pub title: Option<Spanned<String>>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `default`. Its ranges are in the file of `span`.
    pub default: Option<Node>,
    /// `example` and `examples`. Their ranges are in the file of `span`.
    pub examples: Vec<Node>,
    /// Keywords of 3.1 that constrain values and have no field here: `if`, `contains`, `dependentRequired`, …, as
    /// written.
    pub others: Vec<Entry>,
    /// The schemas contained in `others`, by keyword.
    pub subschemas: Vec<(String, Subschemas)>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
}

/// The schemas in a keyword that has no field of its own.
#[derive(Debug, Clone)]
pub enum Subschemas {
    /// One schema: `if`, `contains`, ….
    One(SchemaId),
    /// Schemas by name: `dependentSchemas`.
    Named(Vec<Property>),
}

/// A `$ref` of a schema.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The text as written.
    pub text: Spanned<String>,
    /// The schema that it resolves to; `None` if it does not resolve. That schema may itself be a reference, even to
    /// this one.
    pub target: Option<SchemaId>,
}

/// A property of a schema.
#[derive(Debug, Clone)]
pub struct Property {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// Its schema.
    pub schema: SchemaId,
}

/// A lower or upper bound of numbers.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The number.
    pub value: Spanned<Number>,
    /// Whether the bound itself is excluded.
    pub exclusive: bool,
}

/// How the alternatives of a schema are told apart.
#[derive(Debug, Clone)]
pub struct Discriminator {
    /// The property that distinguishes them.
    pub property: Spanned<String>,
    /// Its values with the schemas that they select.
    pub mapping: Vec<(Spanned<String>, Reference)>,
}

impl Schema {
    /// The schemas that it directly contains or refers to.
    pub fn parts(&self) -> impl Iterator<Item = SchemaId> {
        let composed = [&self.all_of, &self.any_of, &self.one_of].into_iter().flatten().flat_map(|list| &list.value);
        let named = self.properties.iter().chain(&self.pattern_properties).map(|property| property.schema);
        let single = [self.items, self.additional_properties, self.property_names, self.not];
        let target = self.reference.as_ref().and_then(|reference| reference.target);
        let others = self.subschemas.iter().flat_map(|(_, schemas)| match schemas {
            Subschemas::One(id) => vec![*id],
            Subschemas::Named(named) => named.iter().map(|property| property.schema).collect(),
        });
        let held = composed.chain(&self.prefix_items).copied().chain(named).chain(single.into_iter().flatten());
        held.chain(others).chain(target)
    }
}

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Types(u8);

impl Types {
    /// No type.
    pub const NONE: Types = Types(0);
    /// `null`.
    pub const NULL: Types = Types(1);
    /// `boolean`.
    pub const BOOLEAN: Types = Types(2);
    /// `integer`.
    pub const INTEGER: Types = Types(4);
    /// `number`, which includes integers: it holds [`Types::INTEGER`].
    pub const NUMBER: Types = Types(8 | 4);
    /// `string`.
    pub const STRING: Types = Types(16);
    /// `array`.
    pub const ARRAY: Types = Types(32);
    /// `object`.
    pub const OBJECT: Types = Types(64);
    /// Every type.
    pub const ANY: Types = Types(127);

    /// The type with this name.
    pub fn named(name: &str) -> Option<Types> {
        Some(match name {
            "null" => Types::NULL,
            "boolean" => Types::BOOLEAN,
            "integer" => Types::INTEGER,
            "number" => Types::NUMBER,
            "string" => Types::STRING,
            "array" => Types::ARRAY,
            "object" => Types::OBJECT,
            _ => return None,
        })
    }

    /// The type of a value.
    pub fn of(value: &Json) -> Types {
        match value {
            Json::Null => Types::NULL,
            Json::Bool(_) => Types::BOOLEAN,
            Json::Number(number) if number.is_f64() && number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
                Types(8)
            }
            Json::Number(_) => Types::INTEGER,
            Json::String(_) => Types::STRING,
            Json::Array(_) => Types::ARRAY,
            Json::Object(_) => Types::OBJECT,
        }
    }

    /// Whether this set includes all of the other types.
    pub fn holds(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the sets have a type in common.
    pub fn meets(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    /// The union.
    pub fn with(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// The difference.
    pub const fn without(self, other: Types) -> Types {
        Types(self.0 & !other.0)
    }

    /// The intersection.
    pub fn common(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names; `integer` is not listed beside `number`.
    pub fn names(self) -> Vec<&'static str> {
        let named = [
            (Types::NULL, "null"),
            (Types::BOOLEAN, "boolean"),
            (Types::NUMBER, "number"),
            (Types::INTEGER, "integer"),
            (Types::STRING, "string"),
            (Types::ARRAY, "array"),
            (Types::OBJECT, "object"),
        ];
        let is_number = self.holds(Types::NUMBER);
        let known = named.iter().filter(|(types, name)| self.holds(*types) && !(is_number && *name == "integer"));
        known.map(|(_, name)| *name).collect()
    }
}

impl std::fmt::Display for Types {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.names().join(" or "))
    }
}
