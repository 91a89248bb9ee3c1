//! Structs and enums of texts.

use std::collections::{BTreeMap, BTreeSet};

use openapi_model::shape::{Additional, AllOf, Shape};
use openapi_model::span::Span;
use serde_json::{Map, Value, json};

use super::names::{Names, progenitor_type_name, progenitor_value_name, type_name};
use super::record::NamedType;
use super::types::Types;

/// The schema of an optional property. A list or a map gets null, so that it becomes an `Option`: otherwise progenitor takes an
/// empty one for a missing one, and it could not be sent.
fn may_be_missing(mut lowered: Value) -> Value {
    let is_container = lowered["type"] == "array" || lowered["type"] == "object";
    if is_container && let Some(map) = lowered.as_object_mut() {
        map.insert("nullable".into(), true.into());
    }
    lowered
}

/// A property of a struct, put together from several shapes.
struct Member {
    schema: AllOf,
    span: Span,
    is_required: bool,
}

impl Types<'_> {
    /// The struct that has the properties of all shapes together.
    ///
    /// `readOnly` properties may be left out of what is sent, and `writeOnly` ones are missing in what is received: both are
    /// optional where that matters.
    pub(super) fn structure(&mut self, schemas: &AllOf, shapes: &[&Shape], name: &str) -> NamedType {
        let mut members: BTreeMap<String, Member> = BTreeMap::new();
        for shape in shapes {
            for (key, property) in &shape.properties {
                let member = members.entry(key.clone()).or_insert_with(|| Member {
                    schema: AllOf::default(),
                    span: property.span,
                    is_required: false,
                });
                member.schema = AllOf::new(member.schema.ids().iter().chain(property.schema.ids()).copied().collect());
            }
            for (key, span) in &shape.required {
                let missing = || Member { schema: AllOf::default(), span: *span, is_required: true };
                members.entry(key.clone()).or_insert_with(missing).is_required = true;
            }
        }
        let selecting = match schemas.ids() {
            [id] => self.discriminators.selecting(*id).map(|(property, values)| (property.to_owned(), values.clone())),
            _ => None,
        };
        if let Some((property, _)) = &selecting {
            let missing = || Member { schema: AllOf::default(), span: Span::default(), is_required: true };
            members.entry(property.clone()).or_insert_with(missing).is_required = true;
        }
        let extra = shapes.iter().find_map(|shape| match &shape.additional {
            Additional::Schema(values) => Some(values.clone()),
            _ => None,
        });
        let is_patched = self.directions.is_patched(schemas);
        let mut nulls = BTreeSet::new();
        let (is_sent, is_received) = (self.directions.is_sent(schemas), self.directions.is_received(schemas));
        let mut taken = Names::beside(if extra.is_some() { &["extra"] } else { &[] });
        let (mut properties, mut required, mut docs) = (Map::new(), Vec::new(), BTreeMap::new());
        for (key, member) in &members {
            let shape = self.document.shape(&member.schema);
            let stand_in = self.wire_names.stand_in(key, &mut taken, progenitor_value_name);
            let hint = format!("{name}{}", type_name(key));
            let lowered = match &selecting {
                Some((property, values)) if property == key => {
                    self.add(&hint, |types, _| types.closed(values.iter().map(String::as_str)))
                }
                _ => self.lower(&member.schema, &hint),
            };
            let left_out = shape.read_only.is_some() && is_sent || shape.write_only.is_some() && is_received;
            let is_required = member.is_required && !left_out;
            let lowered = if is_required { lowered } else { may_be_missing(lowered) };
            if shape.nullable && !is_required && !member.schema.is_anything() && lowered != json!({}) {
                if is_patched {
                    nulls.insert(progenitor_value_name(&stand_in));
                } else {
                    self.lose_sent(
                        member.span,
                        format!("`{key}` is left out of the body where it could be null, because it is optional"),
                    );
                }
            }
            if is_required {
                required.push(Value::from(stand_in.as_str()));
            }
            let text = self.member_docs(&member.schema, &shape);
            if !text.is_empty() {
                docs.insert(progenitor_value_name(&stand_in), text);
            }
            properties.insert(stand_in, lowered);
        }
        let mut schema = Map::from_iter([("type".to_owned(), json!("object"))]);
        schema.insert("properties".into(), properties.into());
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        if let Some(values) = extra {
            let values = self.lower(&values, &format!("{name}Value"));
            schema.insert("additionalProperties".into(), values);
        }
        NamedType { schema: schema.into(), member_docs: docs, nulls, ..NamedType::default() }
    }

    /// The documentation of a field, with its default and whether it is deprecated.
    fn member_docs(&self, schemas: &AllOf, shape: &Shape) -> String {
        let mut text = self.docs(schemas);
        if let Some(default) = &shape.default {
            text = format!("{}\n\nDefault: `{default}`.", text.trim_end());
        }
        if schemas.ids().iter().any(|id| self.document.schema(*id).deprecated.is_some()) {
            text = format!("{}\n\nDeprecated.", text.trim_end());
        }
        text.trim().to_owned()
    }

    /// An enum of texts.
    pub(super) fn enumeration(&mut self, schemas: &AllOf, shape: &Shape, _: &str) -> NamedType {
        let values = shape.enumeration.iter().flat_map(|values| &values.value);
        let mut texts: Vec<String> = Vec::new();
        for text in values.filter_map(|value| value.value.as_str()) {
            if !texts.iter().any(|known| known == text) {
                texts.push(text.to_owned());
            }
        }
        // Only values that select a variant are told apart by it.
        if let [id] = schemas.ids()
            && let Some((_, values)) = self.discriminators.selecting(*id)
        {
            let values = values.clone();
            texts.retain(|text| values.contains(text));
        }
        self.closed(texts.iter().map(String::as_str))
    }

    /// An enum of these texts.
    fn closed<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> NamedType {
        let mut taken = Names::default();
        let values: Vec<Value> =
            texts.map(|text| self.wire_names.stand_in(text, &mut taken, progenitor_type_name).into()).collect();
        NamedType { schema: json!({"type": "string", "enum": values}), ..NamedType::default() }
    }
}
