//! Unions: `oneOf` and `anyOf`.
//!
//! progenitor writes them as enums whose variants are tried in order. So variants that require more come first, and equal
//! ones once only. An alternative that only adds conditions, such as `required`, is no variant.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use openapi_model::schema::{SchemaId, Types as Kinds};
use openapi_model::shape::{Additional, AllOf, Alternatives, Shape};
use serde_json::{Value, json};

use super::names::type_name;
use super::record::NamedType;
use super::types::Types;

impl Types<'_> {
    /// Whether no alternative of a shape has a type, properties or values of its own.
    pub(super) fn are_conditions(&self, schemas: &AllOf, shape: &Shape) -> bool {
        self.lists(schemas, shape).flat_map(|list| &list.members).all(|member| self.is_condition(shape, member))
    }

    /// The lists of alternatives of a shape. A list in which the schema itself is, because it is derived from the union, says
    /// nothing about it.
    fn lists<'s>(&'s self, schemas: &'s AllOf, shape: &'s Shape) -> impl Iterator<Item = &'s Alternatives> {
        shape
            .alternatives
            .iter()
            .filter(|list| !list.members.iter().any(|member| self.target(member, "").0 == *schemas))
    }

    /// The union of a base with a discriminator: the schemas that are derived from it, and the base itself for values that
    /// select none.
    pub(super) fn family(&mut self, base: SchemaId, shape: &Shape, name: &str) -> NamedType {
        let schemas = AllOf::from(base);
        let docs = self.docs(&schemas);
        let derived = self.discriminators.derived(base).to_vec();
        let mut variants: Vec<Value> = Vec::new();
        for id in derived {
            let hint = self.document.schema(id).name.as_ref().map(|name| type_name(name)).unwrap_or_default();
            let lowered = self.without_null(&id.into(), &hint);
            if !variants.contains(&lowered) {
                variants.push(lowered);
            }
        }
        variants.push(self.add(&format!("{name}Base"), |types, name| NamedType {
            docs: docs.clone(),
            ..types.structure(&schemas, &[shape], name)
        }));
        NamedType { schema: json!({ "oneOf": variants }), docs, ..NamedType::default() }
    }

    /// Whether a value may fit several alternatives: whether two of them have a type in common.
    fn overlap(&self, members: &[AllOf]) -> bool {
        let shapes: Vec<_> = members.iter().map(|member| self.document.shape(member)).collect();
        shapes.iter().enumerate().any(|(index, one)| shapes[..index].iter().any(|other| !self.differ(one, other)))
    }

    /// Whether no value fits both shapes: they have no type in common, or a property of both has no value in common.
    fn differ(&self, one: &Shape, other: &Shape) -> bool {
        let values = |shape: &Shape| {
            let values = shape.enumeration.as_ref()?.value.iter();
            Some(values.map(|value| value.value.to_string()).collect::<BTreeSet<_>>())
        };
        let exclude = |one: &Shape, other: &Shape| match (values(one), values(other)) {
            (Some(one), Some(other)) => one.is_disjoint(&other),
            _ => false,
        };
        !one.types.meets(other.types)
            || exclude(one, other)
            || one.properties.iter().any(|(key, property)| {
                let theirs = other
                    .properties
                    .get(key)
                    .filter(|_| one.required.contains_key(key) || other.required.contains_key(key));
                theirs.is_some_and(|theirs| {
                    exclude(&self.document.shape(&property.schema), &self.document.shape(&theirs.schema))
                })
            })
    }

    fn is_condition(&self, shape: &Shape, member: &AllOf) -> bool {
        let own = self.document.shape(member);
        own.name.is_none()
            && own.types.holds(shape.types)
            && own.enumeration.is_none()
            && own.items.is_none()
            && own.alternatives.is_empty()
            && !matches!(own.additional, Additional::Schema(_))
            && own.properties.keys().all(|key| shape.properties.contains_key(key))
            && own.unresolved.is_empty()
            && (shape.types != Kinds::ANY.without(Kinds::NULL) || own.properties.is_empty())
    }

    /// The union of a shape with alternatives. What the shape itself says holds for every variant.
    pub(super) fn union(&mut self, schemas: &AllOf, shape: &Shape, name: &str) -> NamedType {
        let lists: Vec<Alternatives> = self.lists(schemas, shape).cloned().collect();
        let Some((union, others)) = lists.split_first() else { return NamedType::default() };
        if !others.is_empty() {
            self.lose(shape.span, "of several lists of alternatives only the first has variants");
        }
        if !union.exclusive && union.discriminator.is_none() && self.overlap(&union.members) {
            self.lose(union.span, "where several alternatives of an `anyOf` fit, only one is read");
        }
        let has_own = !shape.properties.is_empty() || !shape.required.is_empty();
        let mut variants: Vec<(usize, Value)> = Vec::new();
        for (index, member) in union.members.iter().enumerate() {
            let hint = format!("{name}{}", self.label(member, index));
            let own = self.document.shape(member);
            // Such as a member that is derived from the union.
            let has_all = shape.properties.keys().all(|key| own.properties.contains_key(key))
                && shape.required.keys().all(|key| own.required.contains_key(key));
            let lowered = if has_own && !has_all && own.types.holds(Kinds::OBJECT) {
                let docs = self.docs(member);
                let both = AllOf::new(schemas.ids().iter().chain(member.ids()).copied().collect());
                self.add(&hint, |types, name| NamedType { docs, ..types.structure(&both, &[shape, &own], name) })
            } else {
                self.without_null(member, &hint)
            };
            let required = own.required.len() + usize::from(own.enumeration.is_some());
            if !variants.iter().any(|(_, known)| *known == lowered) {
                variants.push((required + own.properties.len().min(1), lowered));
            }
        }
        // Texts fit last: a text with a format, or one of a list, is a text as well.
        variants.sort_by_key(|(required, lowered)| Reverse((breadth(lowered), *required)));
        let docs = self.docs(schemas);
        let variants: Vec<Value> = variants.into_iter().map(|(_, lowered)| lowered).collect();
        match &variants[..] {
            [] => NamedType { schema: json!({}), docs, ..NamedType::default() },
            _ if variants.contains(&json!({})) => NamedType { schema: json!({}), docs, ..NamedType::default() },
            _ => NamedType { schema: json!({ "oneOf": variants }), docs, ..NamedType::default() },
        }
    }

    /// What a variant's type is called behind the union's name: by its title, or by its number.
    fn label(&self, member: &AllOf, index: usize) -> String {
        let titles = member.ids().iter().filter_map(|id| self.document.schema(*id).title.as_ref());
        let title = titles.map(|title| type_name(&title.value)).next().filter(|title| title.len() <= 40);
        title.unwrap_or_else(|| format!("Variant{index}"))
    }
}

/// How few values fit a lowered schema; those with more are tried earlier.
fn breadth(lowered: &Value) -> u8 {
    match (lowered["type"].as_str(), lowered["format"].as_str()) {
        (Some("string"), None) => 0,
        (Some("number"), _) => 1,
        (Some("object"), _) => 2,
        _ => 3,
    }
}
