//! Combines schemas that must fit together into one shape.

use std::collections::HashSet;
use std::mem;

use serde_json::Value as Json;

use super::types;
use crate::document::Document;
use crate::equal::Known;
use crate::meaning::{Additional, AllOf, Alternatives, Shape, ShapeProperty};
use crate::schema::{Bound, Discriminator, Schema, SchemaId, Types};
use crate::span::{Span, Spanned};

/// The shape of schemas together. Each schema is read once, even if several paths lead to it.
pub(super) fn flatten(document: &Document, schemas: &AllOf) -> Shape {
    let (types, nullable) = types::types(document, schemas.ids());
    let mut flattening = Flattening {
        document,
        shape: Shape { types, nullable, ..Shape::default() },
        items: Vec::new(),
        additional: Vec::new(),
        open: schemas.ids().iter().rev().copied().collect(),
        seen: HashSet::new(),
    };
    if let Some(first) = schemas.ids().first() {
        flattening.shape.span = document.schema(*first).span;
    }
    if let [only] = schemas.ids() {
        let named = chain(document, *only).find_map(|id| document.schema(id).name.clone());
        flattening.shape.name = named;
    }
    flattening.all();
    flattening.shape
}

/// A schema and those that it resolves to through references only.
pub(super) fn chain(document: &Document, id: SchemaId) -> impl Iterator<Item = SchemaId> {
    let mut seen = HashSet::new();
    std::iter::successors(Some(id), move |id| {
        let schema = document.schema(*id);
        if !is_bare(schema) || schema.any_of.is_some() || schema.one_of.is_some() || !seen.insert(*id) {
            return None;
        }
        match (&schema.reference, schema.all_of.as_ref().map(|members| members.value.as_slice())) {
            (Some(reference), None) => reference.target,
            (None, Some([only])) => Some(*only),
            _ => None,
        }
        .filter(|next| !seen.contains(next))
    })
}

/// Whether a schema constrains values only through other schemas: `$ref`, `allOf`, `anyOf`, `oneOf`.
pub fn is_bare(schema: &Schema) -> bool {
    let Schema {
        always,
        types,
        nullable,
        format,
        enumeration,
        minimum,
        maximum,
        multiple_of,
        min_length,
        max_length,
        pattern,
        min_items,
        max_items,
        unique_items,
        min_properties,
        max_properties,
        items,
        prefix_items,
        properties,
        required,
        additional_properties,
        pattern_properties,
        property_names,
        not,
        discriminator,
        others,
        ..
    } = schema;
    let counts = [min_length, max_length, min_items, max_items, min_properties, max_properties];
    always.is_none()
        && types.is_none()
        && nullable.is_none()
        && format.is_none()
        && enumeration.is_none()
        && minimum.is_none()
        && maximum.is_none()
        && multiple_of.is_none()
        && counts.iter().all(|count| count.is_none())
        && pattern.is_none()
        && unique_items.is_none()
        && items.is_none()
        && prefix_items.is_empty()
        && properties.is_empty()
        && required.is_empty()
        && additional_properties.is_none()
        && pattern_properties.is_empty()
        && property_names.is_none()
        && not.is_none()
        && discriminator.is_none()
        && others.is_empty()
}

/// Whether a schema as written accepts everything.
fn is_anything(schema: &Schema) -> bool {
    let refers =
        schema.reference.is_some() || schema.all_of.is_some() || schema.any_of.is_some() || schema.one_of.is_some();
    schema.always == Some(true) || is_bare(schema) && !refers
}

struct Flattening<'a> {
    document: &'a Document,
    shape: Shape,
    items: Vec<SchemaId>,
    additional: Vec<SchemaId>,
    /// The schemas to read, the next one last.
    open: Vec<SchemaId>,
    seen: HashSet<SchemaId>,
}

impl Flattening<'_> {
    fn all(&mut self) {
        while let Some(id) = self.open.pop() {
            if self.seen.insert(id) {
                self.schema(id);
            }
        }
        if !self.items.is_empty() {
            self.shape.items = Some(AllOf::new(mem::take(&mut self.items)));
        }
        if self.shape.additional == Additional::Anything && !self.additional.is_empty() {
            self.shape.additional = Additional::Schema(AllOf::new(mem::take(&mut self.additional)));
        }
    }

    fn schema(&mut self, id: SchemaId) {
        let schema = self.document.schema(id);
        self.values(schema);
        self.array(schema);
        self.object(schema);
        let shape = &mut self.shape;
        shape.read_only = shape.read_only.or(schema.read_only);
        shape.write_only = shape.write_only.or(schema.write_only);
        shape.deprecated = shape.deprecated.or(schema.deprecated);
        if let (None, Some(default)) = (&shape.default, &schema.default) {
            shape.default = Some(default.to_json());
        }
        shape.not.extend(schema.not.map(AllOf::from));
        for other in &schema.others {
            let span = Span::new(schema.span.file, &other.key_range);
            other_keyword(shape, &other.key, other.value.to_json(), span);
        }
        // The last one pushed is read next: the reference, then the members in order, then the alternatives.
        let next = self.open.len();
        if let Some(reference) = &schema.reference {
            match reference.target {
                Some(target) => self.open.push(target),
                None => self.shape.unresolved.push(reference.text.clone()),
            }
        }
        self.open.extend(schema.all_of.iter().flat_map(|members| &members.value));
        let mut discriminator = schema.discriminator.clone();
        for (members, exclusive) in [(&schema.one_of, true), (&schema.any_of, false)] {
            if let Some(members) = members {
                self.alternatives(id, members, exclusive, &mut discriminator);
            }
        }
        if self.shape.discriminator.is_none() {
            self.shape.discriminator = discriminator;
        }
        self.open[next..].reverse();
    }

    fn values(&mut self, schema: &Schema) {
        let shape = &mut self.shape;
        if let (None, Some(types)) = (shape.types_span, &schema.types) {
            shape.types_span = Some(types.span);
        }
        if let Some(format) = &schema.format {
            shape.format = Some(format.clone());
        }
        if let Some(values) = &schema.enumeration {
            let values = values.iter().filter(|value| value.value != Json::Null);
            let values: Vec<Spanned<Json>> = match &shape.enumeration {
                None => values.cloned().collect(),
                Some(known) => {
                    let known = Known::new(known.iter().map(|known| &known.value));
                    values.filter(|value| known.holds(value)).cloned().collect()
                }
            };
            let span = schema.enumeration.as_ref().map_or(schema.span, |values| values.span);
            shape.enumeration = Some(Spanned::new(values, span));
        }
        stricter_bound(&mut shape.minimum, schema.minimum.as_ref(), f64::gt);
        stricter_bound(&mut shape.maximum, schema.maximum.as_ref(), f64::lt);
        shape.multiples_of.extend(schema.multiple_of.clone());
        shape.patterns.extend(schema.pattern.clone());
        stricter(&mut shape.min_length, schema.min_length.as_ref(), u64::gt);
        stricter(&mut shape.max_length, schema.max_length.as_ref(), u64::lt);
    }

    fn array(&mut self, schema: &Schema) {
        let shape = &mut self.shape;
        stricter(&mut shape.min_items, schema.min_items.as_ref(), u64::gt);
        stricter(&mut shape.max_items, schema.max_items.as_ref(), u64::lt);
        shape.unique_items = shape.unique_items.or(schema.unique_items);
        self.items.extend(schema.items);
        for (index, item) in schema.prefix_items.iter().enumerate() {
            match shape.prefix_items.get_mut(index) {
                Some(known) => *known = known.with(*item),
                None => shape.prefix_items.push((*item).into()),
            }
        }
    }

    fn object(&mut self, schema: &Schema) {
        let shape = &mut self.shape;
        stricter(&mut shape.min_properties, schema.min_properties.as_ref(), u64::gt);
        stricter(&mut shape.max_properties, schema.max_properties.as_ref(), u64::lt);
        for property in &schema.properties {
            let known = shape.properties.entry(property.name.value.clone());
            let known = known.or_insert_with(|| ShapeProperty { span: property.name.span, schema: AllOf::default() });
            known.schema = known.schema.with(property.schema);
        }
        for property in &schema.pattern_properties {
            let known = shape.pattern_properties.entry(property.name.value.clone()).or_default();
            *known = known.with(property.schema);
        }
        for name in &schema.required {
            shape.required.entry(name.value.clone()).or_insert(name.span);
        }
        if let Some(names) = schema.property_names {
            shape.property_names = Some(shape.property_names.take().unwrap_or_default().with(names));
        }
        if let Some(id) = schema.additional_properties {
            let additional = self.document.schema(id);
            if additional.always == Some(false) {
                if !matches!(shape.additional, Additional::Nothing(_)) {
                    shape.additional = Additional::Nothing(additional.span);
                }
            } else if !is_anything(additional) {
                self.additional.push(id);
            }
        }
    }

    /// Alternatives without null, with nested alternatives of the same kind flattened.
    fn alternatives(
        &mut self,
        owner: SchemaId,
        written: &Spanned<Vec<SchemaId>>,
        exclusive: bool,
        discriminator: &mut Option<Discriminator>,
    ) {
        if written.value.is_empty() {
            return;
        }
        let mut members = Vec::new();
        let mut open: Vec<SchemaId> = written.value.iter().rev().copied().collect();
        let mut seen = HashSet::from([owner]);
        while let Some(id) = open.pop() {
            let target = self.document.target(id);
            if !seen.insert(target) {
                continue;
            }
            let schema = self.document.schema(target);
            match only_alternatives(schema, exclusive) {
                Some(inner) => open.extend(inner.iter().rev()),
                None if is_only_null(schema) => {}
                None => members.push(id),
            }
        }
        if let [only] = members[..] {
            self.open.push(only);
        } else if !members.is_empty() {
            let members = members.into_iter().map(AllOf::from).collect();
            let discriminator = discriminator.take();
            self.shape.alternatives.push(Alternatives { exclusive, members, discriminator, span: written.span });
        }
    }
}

/// The alternatives of a schema that consists of nothing else.
fn only_alternatives(schema: &Schema, exclusive: bool) -> Option<&[SchemaId]> {
    let (wanted, other) = if exclusive { (&schema.one_of, &schema.any_of) } else { (&schema.any_of, &schema.one_of) };
    let is_only = is_bare(schema) && schema.reference.is_none() && schema.all_of.is_none() && other.is_none();
    wanted.as_ref().filter(|members| is_only && !members.value.is_empty()).map(|members| members.value.as_slice())
}

fn is_only_null(schema: &Schema) -> bool {
    let by_type = schema.types.as_ref().is_some_and(|types| types.value == Types::NULL);
    let by_values = schema
        .enumeration
        .as_ref()
        .is_some_and(|values| !values.value.is_empty() && values.iter().all(|value| value.value == Json::Null));
    by_type || by_values
}

fn stricter(known: &mut Option<Spanned<u64>>, other: Option<&Spanned<u64>>, is_stricter: fn(&u64, &u64) -> bool) {
    if let Some(other) = other
        && known.as_ref().is_none_or(|known| is_stricter(&other.value, &known.value))
    {
        *known = Some(other.clone());
    }
}

fn stricter_bound(known: &mut Option<Bound>, other: Option<&Bound>, is_stricter: fn(&f64, &f64) -> bool) {
    let number = |bound: &Bound| bound.value.as_f64().unwrap_or_default();
    let Some(other) = other else { return };
    let is_stricter = known.as_ref().is_none_or(|known| {
        let (one, two) = (number(other), number(known));
        is_stricter(&one, &two) || one == two && other.exclusive && !known.exclusive
    });
    if is_stricter {
        *known = Some(other.clone());
    }
}

/// A keyword that is not interpreted: if two schemas have it with different values, both are kept in a list.
fn other_keyword(shape: &mut Shape, key: &str, value: Json, span: Span) {
    match shape.others.get_mut(key) {
        None => {
            shape.others.insert(key.to_owned(), Spanned::new(value, span));
        }
        Some(known) if known.value == value => {}
        Some(known) => {
            let both = Json::Array(vec![mem::take(&mut known.value), value]);
            known.value = both;
        }
    }
}
