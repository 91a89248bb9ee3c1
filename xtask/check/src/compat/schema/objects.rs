//! Compares fields of objects, named and unnamed.

use std::collections::BTreeSet;

use openapi_model::document::Document;
use openapi_model::schema::Types;
use openapi_model::shape::{Additional, AllOf, Shape};
use openapi_model::span::Span;

use super::values::types_span;
use super::{Area, Change, ChangeKind, Level, View};

impl Level<'_, '_> {
    pub(super) fn objects(&mut self, then: &Shape, now: &Shape) {
        if !then.types.common(now.types).meets(Types::OBJECT) {
            return;
        }
        self.count("minProperties", false, (then, &then.min_properties), (now, &now.min_properties));
        self.count("maxProperties", true, (then, &then.max_properties), (now, &now.max_properties));
        let names: BTreeSet<&String> = [then, now].into_iter().flat_map(names).collect();
        let documents = (self.graph.base, self.graph.new);
        for name in names {
            let before = Field::of(documents.0, then, name, self.pair.area);
            let after = Field::of(documents.1, now, name, self.pair.area);
            self.field(name, (then, before), (now, after));
        }
        self.additional(then, now);
        self.patterned(then, now);
        if then.property_names.is_some() || now.property_names.is_some() {
            let names = |shape: &Shape| shape.property_names.clone().unwrap_or_default();
            self.schemas(&names(then), &names(now), " (names)".to_owned());
        }
        self.base_discriminator(then, now);
    }

    /// Compares the fields that both have; other fields are unknown.
    pub(super) fn fields_of_both(&mut self, then: &Shape, now: &Shape) {
        for (name, before) in &then.properties {
            if let Some(after) = now.properties.get(name) {
                self.schemas(&before.schema, &after.schema, format!("/{name}"));
            }
        }
        if let (Some(before), Some(after)) = (&then.items, &now.items) {
            self.schemas(before, after, "/*".to_owned());
        }
    }

    fn field(&mut self, name: &str, then: (&Shape, Option<Field>), now: (&Shape, Option<Field>)) {
        match (then, now) {
            ((_, Some(before)), (_, Some(after))) => {
                if before.required && !after.required {
                    self.field_change(
                        ChangeKind::MayBeAbsent,
                        true,
                        name,
                        (before.span, after.span),
                        "may be absent now",
                    );
                } else if !before.required && after.required {
                    let text = match self.pair.area {
                        Area::Sent => "is always there now",
                        _ => "is required now",
                    };
                    self.field_change(ChangeKind::IsThere, false, name, (before.span, after.span), text);
                }
                self.schemas(&before.schema, &after.schema, format!("/{name}"));
            }
            ((_, Some(before)), (shape, None)) => self.removed(name, &before, shape),
            ((shape, None), (_, Some(after))) => self.added(name, &after, shape),
            _ => {}
        }
    }

    fn removed(&mut self, name: &str, before: &Field, now: &Shape) {
        let spans = (before.span, now.span);
        let refusal = now.properties.get(name).filter(|property| !is_possible(self.graph.new, &property.schema));
        if let (Some(property), Area::Parameter | Area::Text | Area::Taken) = (refusal, self.pair.area) {
            self.named_change(ChangeKind::FieldRemoved, true, name, (before.span, property.span), "is refused now");
            return;
        }
        if let (Area::Sent, Additional::Schema(schema)) = (self.pair.area, &now.additional) {
            // Readers still find it among the additional fields, if its schema is the same.
            let views = (View::all(self.graph.base, &before.schema), View::all(self.graph.new, schema));
            let id = self.graph.pair(views.0, views.1, Area::Sent);
            if !now.properties.contains_key(name) && !self.graph.differs(id) {
                if before.required {
                    self.named_change(ChangeKind::MayBeAbsent, true, name, spans, "may be absent now");
                }
                return;
            }
        }
        if self.pair.area == Area::Sent {
            self.named_change(ChangeKind::FieldRemoved, true, name, spans, "was removed");
            return;
        }
        match &now.additional {
            Additional::Nothing(_) => self.named_change(ChangeKind::FieldRemoved, true, name, spans, "is refused now"),
            Additional::Anything => {
                self.named_change(ChangeKind::FieldRemoved, false, name, spans, "is no longer accepted")
            }
            Additional::Schema(schema) => {
                self.named_change(ChangeKind::FieldRemoved, false, name, spans, "is no longer accepted");
                self.schemas(&before.schema, schema, format!("/{name}"));
            }
        }
    }

    fn added(&mut self, name: &str, after: &Field, then: &Shape) {
        let spans = (then.span, after.span);
        let is_sent = self.pair.area == Area::Sent;
        let breaks = !is_sent && after.required;
        let text = if breaks { "was added and is required" } else { "was added" };
        self.named_change(ChangeKind::FieldAdded, breaks, name, spans, text);
        if let (true, Additional::Schema(schema)) = (is_sent, &then.additional) {
            // Clients that read all fields alike also read this one.
            self.schemas(schema, &after.schema, format!("/{name}"));
        }
    }

    fn field_change(&mut self, what: ChangeKind, is_wider: bool, name: &str, spans: (Span, Span), text: &str) {
        let breaks = self.breaks(is_wider);
        self.named_change(what, breaks, name, spans, text);
    }

    fn named_change(&mut self, what: ChangeKind, breaks: bool, name: &str, (then, now): (Span, Span), text: &str) {
        self.push(Change { what, breaks, at: format!("/{name}"), text: text.to_owned(), then, now });
    }

    fn additional(&mut self, then: &Shape, now: &Shape) {
        let span = |shape: &Shape| match shape.additional {
            Additional::Nothing(span) => span,
            _ => types_span(shape),
        };
        let spans = (span(then), span(now));
        let is_sent = self.pair.area == Area::Sent;
        match (&then.additional, &now.additional) {
            (Additional::Anything, Additional::Nothing(_)) => {
                let text = "may have only the described fields now";
                self.change(ChangeKind::ValueRemoved, false, spans.0, spans.1, text);
            }
            (Additional::Schema(_), Additional::Nothing(_)) if is_sent => {
                self.named_change(ChangeKind::FieldRemoved, true, "*", spans, "was removed");
            }
            (Additional::Schema(_), Additional::Nothing(_)) => {
                self.named_change(ChangeKind::FieldRemoved, true, "*", spans, "is refused now");
            }
            (Additional::Nothing(_), Additional::Anything | Additional::Schema(_)) => {
                let text = "may have fields that are not described now";
                self.change(ChangeKind::Opened, true, spans.0, spans.1, text);
            }
            (before, after) => {
                let schema = |additional: &Additional| match additional {
                    Additional::Schema(schema) => schema.clone(),
                    _ => AllOf::default(),
                };
                self.schemas(&schema(before), &schema(after), "/*".to_owned());
            }
        }
    }

    fn patterned(&mut self, then: &Shape, now: &Shape) {
        let spans = (types_span(then), types_span(now));
        let is_sent = self.pair.area == Area::Sent;
        for (pattern, before) in &then.pattern_properties {
            match now.pattern_properties.get(pattern) {
                Some(after) => self.schemas(before, after, format!("/{pattern}")),
                None => {
                    let breaks = is_sent || matches!(now.additional, Additional::Nothing(_));
                    self.named_change(ChangeKind::FieldRemoved, breaks, pattern, spans, "was removed");
                }
            }
        }
        for (pattern, _) in now.pattern_properties.iter().filter(|(key, _)| !then.pattern_properties.contains_key(*key))
        {
            let breaks = !is_sent && then.additional == Additional::Anything;
            self.named_change(ChangeKind::FieldAdded, breaks, pattern, spans, "was added");
        }
    }
}

/// Whether any value fits.
fn is_possible(document: &Document, schema: &AllOf) -> bool {
    let shape = document.shape(schema);
    !shape.types.is_empty() || shape.nullable || !shape.unresolved.is_empty()
}

fn names(shape: &Shape) -> impl Iterator<Item = &String> {
    shape.properties.keys().chain(shape.required.keys())
}

/// A field that may be sent in this direction.
struct Field {
    span: Span,
    required: bool,
    schema: AllOf,
}

impl Field {
    /// The field, unless it is never sent in this direction or is not named.
    fn of(document: &Document, shape: &Shape, name: &str, area: Area) -> Option<Field> {
        let required = shape.required.get(name);
        let Some(property) = shape.properties.get(name) else {
            let span = *required?;
            let schema = match &shape.additional {
                Additional::Schema(schema) => schema.clone(),
                _ => AllOf::default(),
            };
            return Some(Field { span, required: true, schema });
        };
        let of_field = document.shape(&property.schema);
        let is_hidden = match area {
            Area::Sent => of_field.write_only.is_some(),
            Area::Parameter | Area::Text | Area::Taken => of_field.read_only.is_some(),
        };
        let field = Field { span: property.span, required: required.is_some(), schema: property.schema.clone() };
        (is_possible(document, &property.schema) && !is_hidden).then_some(field)
    }
}
