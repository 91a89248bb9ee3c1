//! The fields that an object can have, as far as the contract defines them: the only module of the page checks that
//! interprets schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openapi_model::document::Document;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{Additional, AllOf, Shape};
use openapi_model::span::{Span, Spanned};
use serde_json::Value as Json;

use crate::page::Kind;

/// A field that an object can have.
pub struct Field {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// The schemas of its value: more than one if alternatives differ.
    pub schemas: Vec<AllOf>,
    /// Whether the object has it in every alternative.
    pub is_common: bool,
}

/// What is known about fields that the contract does not name.
pub enum Others {
    /// There are none that a page could show.
    None,
    /// Their values have one of these schemas.
    Some(Vec<AllOf>),
    /// Unknown: there may be any.
    Unknown,
}

/// The fields that an object can have.
pub struct Fields {
    /// The named fields.
    pub named: BTreeMap<String, Field>,
    /// All other fields.
    pub others: Others,
}

/// The shapes of schemas and of their alternatives.
pub struct Variants(Vec<Variant>);

struct Variant {
    shape: Arc<Shape>,
    /// Whether it is the only variant.
    is_common: bool,
    /// Whether it is not an alternative nested in another.
    is_root: bool,
}

impl Variants {
    /// The variants of schemas, one of which must fit.
    pub fn of(document: &Document, schemas: &[AllOf]) -> Variants {
        let mut open: Vec<(AllOf, bool, bool)> =
            schemas.iter().map(|one| (one.clone(), schemas.len() == 1, true)).collect();
        let mut seen = BTreeSet::new();
        let mut variants = Vec::new();
        while let Some((schemas, is_common, is_root)) = open.pop() {
            if seen.insert(schemas.clone()) {
                let shape = document.shape(&schemas);
                let members = shape.alternatives.iter().flat_map(|alternatives| alternatives.members.iter().rev());
                open.extend(members.map(|member| (member.clone(), false, false)));
                variants.push(Variant { shape, is_common, is_root });
            }
        }
        Variants(variants)
    }

    fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.0.iter().map(|variant| variant.shape.as_ref())
    }

    /// The shape, if it is the same for all variants.
    pub fn whole(&self) -> Option<&Shape> {
        self.0.first().filter(|variant| variant.is_common).map(|variant| variant.shape.as_ref())
    }

    fn roots(&self) -> impl Iterator<Item = &Shape> {
        self.0.iter().filter(|variant| variant.is_root).map(|variant| variant.shape.as_ref())
    }

    /// The type of the value, if it is the same in all variants, apart from null.
    pub fn common_kind(&self) -> Option<Kind> {
        let of_roots = union(self.roots().map(|shape| shape.types));
        let of_leaves = || union(self.shapes().filter(|shape| shape.alternatives.is_empty()).map(|shape| shape.types));
        of_roots.or_else(of_leaves)
    }

    /// The permitted values in all variants, and the place of the first; `None` if some variant does not list its
    /// values.
    pub fn values(&self) -> Option<(Vec<&Json>, Span)> {
        let all: Vec<&Shape> = match self.roots().all(|shape| shape.enumeration.is_some()) {
            true => self.roots().collect(),
            false => self.shapes().filter(|shape| shape.alternatives.is_empty()).collect(),
        };
        let all: Option<Vec<_>> = all.into_iter().map(|shape| shape.enumeration.as_ref()).collect();
        let all = all?;
        let span = all.first()?.span;
        let mut values: Vec<&Json> = Vec::new();
        for value in all.iter().flat_map(|values| &values.value) {
            if !values.contains(&&value.value) {
                values.push(&value.value);
            }
        }
        Some((values, span))
    }

    /// The default, if all variants have the same one.
    pub fn default(&self) -> Option<&Json> {
        let mut roots = self.roots().map(|shape| shape.default.as_ref());
        let first = roots.next()??;
        roots.all(|other| other == Some(first)).then_some(first)
    }

    /// The fields of an object that is one of the variants.
    pub fn fields(&self) -> Fields {
        let mut named: BTreeMap<String, Field> = BTreeMap::new();
        let mut others = Others::None;
        for Variant { shape, is_common, .. } in &self.0 {
            for (name, property) in &shape.properties {
                let field = named.entry(name.clone()).or_insert_with(|| Field {
                    name: Spanned::new(name.clone(), property.span),
                    schemas: Vec::new(),
                    is_common: *is_common,
                });
                field.schemas.push(property.schema.clone());
            }
            others = match (others, &shape.additional) {
                (Others::Unknown, _) => Others::Unknown,
                _ if is_open(shape) => Others::Unknown,
                (Others::Some(mut known), Additional::Schema(schemas)) => {
                    known.push(schemas.clone());
                    Others::Some(known)
                }
                (Others::None, Additional::Schema(schemas)) => Others::Some(vec![schemas.clone()]),
                (others, _) => others,
            };
        }
        Fields { named, others }
    }

    /// The schemas of an item of a list; `None` if they are unknown.
    pub fn items(&self, index: usize) -> Option<Vec<AllOf>> {
        let lists = self.shapes().filter(|shape| shape.types.meets(Types::ARRAY) && shape.alternatives.is_empty());
        let items = lists.map(|shape| shape.prefix_items.get(index).or(shape.items.as_ref()).cloned());
        let items: Option<Vec<AllOf>> = items.collect();
        items.filter(|items| !items.is_empty())
    }

    /// The type of the value, if there is only one apart from null.
    pub fn kind(&self) -> Option<Kind> {
        let types = self.whole()?.types;
        let names = types.names();
        if names.len() == 1 { Kind::of(names[0]) } else { None }
    }

    /// Whether the value may be null; `None` if the contract gives no type.
    pub fn nullable(&self) -> Option<bool> {
        let shape = self.whole()?;
        let is_anything = shape.types.with(Types::NULL) == Types::ANY;
        (!is_anything).then_some(shape.nullable)
    }
}

/// The single kind that covers all types, apart from null.
fn union(all: impl Iterator<Item = Types>) -> Option<Kind> {
    let mut names: Vec<&str> = all.flat_map(|types| types.names()).collect();
    names.sort_unstable();
    names.dedup();
    if let [only] = names[..] { Kind::of(only) } else { None }
}

/// Whether an object of a shape may have fields that the contract does not name.
fn is_open(shape: &Shape) -> bool {
    let is_plain = shape.properties.is_empty() && shape.alternatives.is_empty();
    let says_nothing = is_plain && shape.types.meets(Types::OBJECT) && shape.additional == Additional::Anything;
    // A discriminator on a base schema implies fields that only derived schemas have.
    let is_base = shape.discriminator.is_some() && shape.alternatives.is_empty();
    says_nothing || is_base || !shape.unresolved.is_empty() || !shape.pattern_properties.is_empty()
}

/// Whether schemas explicitly permit any other field: `additionalProperties: true`.
pub fn takes_any_field(document: &Document, schemas: &AllOf) -> bool {
    let mut open: Vec<SchemaId> = schemas.ids().to_vec();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            let schema = document.schema(id);
            let members = schema.all_of.iter().flat_map(|members| members.value.iter().copied());
            open.extend(schema.reference.as_ref().and_then(|reference| reference.target).into_iter().chain(members));
            if schema.additional_properties.is_some() {
                return document.shape(schemas).additional == Additional::Anything;
            }
        }
    }
    false
}

/// The name of the component that the schemas are, even if there are keys beside the reference, such as `nullable`.
pub fn name(document: &Document, schemas: &AllOf) -> Option<String> {
    let &[mut id] = schemas.ids() else { return None };
    let mut seen = BTreeSet::new();
    while seen.insert(id) {
        let schema = document.schema(id);
        if let Some(name) = &schema.name {
            return Some(name.value.clone());
        }
        let says_more = !schema.properties.is_empty() || schema.enumeration.is_some() || schema.items.is_some();
        let members = [&schema.all_of, &schema.any_of, &schema.one_of].into_iter().flatten();
        let members: Vec<SchemaId> = members.flat_map(|members| members.value.iter().copied()).collect();
        let reference = schema.reference.as_ref().and_then(|reference| reference.target);
        id = match (reference, members.as_slice()) {
            (Some(target), []) if !says_more => target,
            (None, [only]) if !says_more => *only,
            // `oneOf: [x, null]`.
            (None, [one, other]) if !says_more && is_null(document, *other) => *one,
            (None, [one, other]) if !says_more && is_null(document, *one) => *other,
            _ => return None,
        };
    }
    None
}

fn is_null(document: &Document, id: SchemaId) -> bool {
    document.schema(id).types.as_ref().is_some_and(|types| types.value == Types::NULL)
}

/// The name of a schema for messages, in backticks.
pub fn title(document: &Document, id: SchemaId) -> String {
    name(document, &id.into()).map_or_else(|| "its schema".to_owned(), |name| format!("`{name}`"))
}
