//! Compares null, types, values and bounds.

use openapi_model::schema::Types;
use openapi_model::shape::{Additional, AllOf, Shape, same_value};
use openapi_model::span::{Span, Spanned};
use serde_json::Value as Json;

use super::texts::{as_text, is_known_format, takes_texts};
use super::{Area, Change, ChangeKind, Level, Pair, Unread, View};

/// Every type but null.
const ANY: Types = Types::ANY.without(Types::NULL);

/// Keywords that do not constrain values.
const ANNOTATIONS: [&str; 8] = ["$comment", "$id", "$anchor", "$schema", "$defs", "definitions", "xml", "externalDocs"];

impl Level<'_, '_> {
    pub(super) fn null(&mut self, then: &Shape, now: &Shape) {
        // If one side accepts any type, the change is reported for the types.
        let is_any = |shape: &Shape| shape.types == ANY && shape.nullable && shape.alternatives.is_empty();
        if self.pair.is_alternative || then.nullable == now.nullable || is_any(then) || is_any(now) {
            return;
        }
        // Plain text has no null.
        if self.pair.area == Area::Text && !now.nullable {
            return;
        }
        let span =
            |view: &View, document, shape: &Shape| view.null_span(document).or(shape.types_span).unwrap_or(shape.span);
        let then_span = span(&self.pair.then, self.graph.base, then);
        let now_span = span(&self.pair.now, self.graph.new, now);
        if now.nullable {
            self.change(ChangeKind::MayBeAbsent, true, then_span, now_span, "may be null now");
        } else {
            self.change(ChangeKind::NotNull, false, then_span, now_span, "can no longer be null");
        }
    }

    /// Compares the types, and returns whether there is more to compare.
    pub(super) fn types(&mut self, then: &Shape, now: &Shape) -> bool {
        let (wider, narrower) = (!then.types.holds(now.types), !now.types.holds(then.types));
        if self.pair.area == Area::Text && narrower && takes_texts(then, now) {
            let text = format!("is {} now, not {}", kind(now), kind(then));
            let spans = (types_span(then), types_span(now));
            self.push(Change {
                what: ChangeKind::Kind,
                breaks: false,
                at: String::new(),
                text,
                then: spans.0,
                now: spans.1,
            });
            self.default(then, now);
            return false;
        }
        if wider || narrower {
            let text = format!("is {} now, not {}", kind(now), kind(then));
            let breaks = wider && self.breaks(true) || narrower && self.breaks(false);
            let spans = (types_span(then), types_span(now));
            self.push(Change { what: ChangeKind::Kind, breaks, at: String::new(), text, then: spans.0, now: spans.1 });
        }
        then.types.meets(now.types)
    }

    pub(super) fn values(&mut self, then: &Shape, now: &Shape) {
        self.default(then, now);
        let (before, after) = (enumeration(then), enumeration(now));
        match (before, after) {
            (Some(before), Some(after)) => {
                self.listed(before, after);
                // An enumeration makes other bounds irrelevant.
                return;
            }
            (Some(before), None) => {
                self.change(ChangeKind::ValueAdded, true, before.span, types_span(now), "may have any value now");
                return;
            }
            (None, Some(after)) => {
                let only: Vec<String> = after.iter().take(5).map(|value| value.value.to_string()).collect();
                let more = if after.len() > only.len() { ", …" } else { "" };
                let text = format!("may have only these values now: {}{more}", only.join(", "));
                self.change(ChangeKind::ValueRemoved, false, types_span(then), after.span, text);
                return;
            }
            (None, None) => {}
        }
        let types = then.types.common(now.types);
        self.format(then, now);
        if types.meets(Types::NUMBER) {
            self.numbers(then, now, types);
        }
        if types.meets(Types::STRING) {
            self.count("minLength", false, (then, &then.min_length), (now, &now.min_length));
            self.count("maxLength", true, (then, &then.max_length), (now, &now.max_length));
            self.patterns(then, now);
        }
    }

    fn listed(&mut self, before: &Spanned<Vec<Spanned<Json>>>, after: &Spanned<Vec<Spanned<Json>>>) {
        let has = |list: &[Spanned<Json>], value: &Json| list.iter().any(|known| same_value(&known.value, value));
        for value in after.iter().filter(|value| !has(&before.value, &value.value)) {
            let text = format!("has a new value {}", value.value);
            self.change(ChangeKind::ValueAdded, true, before.span, value.span, text);
        }
        for value in before.iter().filter(|value| !has(&after.value, &value.value)) {
            let text = format!("no longer has the value {}", value.value);
            self.change(ChangeKind::ValueRemoved, false, value.span, after.span, text);
        }
    }

    fn default(&mut self, then: &Shape, now: &Shape) {
        let same = match (&then.default, &now.default) {
            (Some(then), Some(now)) => {
                same_value(then, now) || self.pair.area == Area::Text && as_text(then) == as_text(now)
            }
            (None, None) => true,
            _ => false,
        };
        if !same && self.pair.area != Area::Sent {
            let text = match (&then.default, &now.default) {
                (Some(then), Some(now)) => format!("defaults to {now} now, not to {then}"),
                (Some(then), None) => format!("no longer has a default (it was {then})"),
                (None, now) => {
                    format!("defaults to {} now, and had no default", now.as_ref().unwrap_or(&Json::Null))
                }
            };
            let (then, now) = (types_span(then), types_span(now));
            self.push(Change { what: ChangeKind::Default, breaks: false, at: String::new(), text, then, now });
        }
    }

    fn format(&mut self, then: &Shape, now: &Shape) {
        let name = |shape: &Shape| {
            let format = shape.format.as_ref().map(|format| format.value.clone());
            format.filter(|format| is_known_format(format))
        };
        let (before, after) = (name(then), name(now));
        if before == after {
            return;
        }
        let is_within = |one: &Option<String>, other: &Option<String>| match (one.as_deref(), other.as_deref()) {
            (_, None) => true,
            (Some(one), Some(other)) => {
                matches!(
                    (one, other),
                    ("int32", "int64") | ("float", "double") | ("int32" | "int64" | "float", "decimal")
                )
            }
            _ => false,
        };
        let (narrower, wider) = (!is_within(&before, &after), !is_within(&after, &before));
        let text = format!("is {} now, not {}", kind(now), kind(then));
        let breaks = wider && self.breaks(true) || narrower && self.breaks(false);
        let (then, now) = (types_span(then), types_span(now));
        self.push(Change { what: ChangeKind::Kind, breaks, at: String::new(), text, then, now });
    }

    /// A change that both permits and forbids values.
    pub(super) fn both(&mut self, what: ChangeKind, wider: bool, narrower: bool, then: Span, now: Span, text: String) {
        let breaks = wider && self.breaks(true) || narrower && self.breaks(false);
        self.push(Change { what, breaks, at: String::new(), text, then, now });
    }

    pub(super) fn arrays(&mut self, then: &Shape, now: &Shape) {
        if !then.types.common(now.types).meets(Types::ARRAY) {
            return;
        }
        self.count("minItems", false, (then, &then.min_items), (now, &now.min_items));
        self.count("maxItems", true, (then, &then.max_items), (now, &now.max_items));
        if then.unique_items.is_some() != now.unique_items.is_some() {
            let span = |shape: &Shape| shape.unique_items.unwrap_or_else(|| types_span(shape));
            let wider = now.unique_items.is_none();
            let text = if wider { "may have duplicate items now" } else { "may not have duplicate items now" };
            self.change(ChangeKind::Bounds, wider, span(then), span(now), text);
        }
        let item =
            |shape: &Shape, at: usize| shape.prefix_items.get(at).or(shape.items.as_ref()).cloned().unwrap_or_default();
        let first = then.prefix_items.len().max(now.prefix_items.len());
        for at in 0..first {
            self.schemas(&item(then, at), &item(now, at), format!("/{at}"));
        }
        self.schemas(&item(then, usize::MAX), &item(now, usize::MAX), "/*".to_owned());
    }

    /// Compares the schemas below.
    pub(super) fn schemas(&mut self, then: &AllOf, now: &AllOf, name: String) {
        let views = (View::all(self.graph.base, then), View::all(self.graph.new, now));
        self.below(views.0, views.1, name);
    }

    pub(super) fn negations(&mut self, then: &Shape, now: &Shape) {
        let mut after: Vec<&AllOf> = now.not.iter().collect();
        let mut gone = Vec::new();
        for before in &then.not {
            let same = after.iter().position(|after| {
                let pair = Pair {
                    then: View::all(self.graph.base, before),
                    now: View::all(self.graph.new, after),
                    area: self.pair.area,
                    is_alternative: false,
                };
                let id = self.graph.node(pair);
                !self.graph.differs(id)
            });
            match same {
                Some(same) => drop(after.remove(same)),
                None => gone.push(before),
            }
        }
        if !gone.is_empty() || !after.is_empty() {
            let spans = (types_span(then), types_span(now));
            let text = "has a different `not`".to_owned();
            self.both(ChangeKind::Bounds, !gone.is_empty(), !after.is_empty(), spans.0, spans.1, text);
        }
    }

    /// Keywords that are not interpreted: the effect of a difference is unknown.
    pub(super) fn other_keywords(&mut self, then: &Shape, now: &Shape) {
        let keys = then.others.keys().chain(now.others.keys().filter(|key| !then.others.contains_key(*key)));
        for key in keys.filter(|key| !ANNOTATIONS.contains(&key.as_str())) {
            let (before, after) = (then.others.get(key), now.others.get(key));
            let same = match (before, after) {
                (Some(before), Some(after)) => same_value(&before.value, &after.value),
                _ => false,
            };
            let is_bound = match key.as_str() {
                "dependentRequired" | "contains" => true,
                "unevaluatedProperties" => {
                    let is_false = [before, after].iter().flatten().all(|value| value.value == Json::Bool(false));
                    let is_closed = |shape: &Shape| matches!(shape.additional, Additional::Nothing(_));
                    is_false && !is_closed(then) && !is_closed(now)
                }
                _ => false,
            };
            if !same && is_bound && before.is_some() != after.is_some() {
                let span =
                    |value: Option<&Spanned<Json>>, shape| value.map_or_else(|| types_span(shape), |value| value.span);
                let text = if after.is_some() {
                    format!("has `{key}` now, and had none")
                } else {
                    format!("no longer has `{key}`")
                };
                self.change(ChangeKind::Bounds, after.is_none(), span(before, then), span(after, now), text);
            } else if !same {
                let span = after.or(before).map_or(now.span, |value| value.span);
                let reason = format!("`{key}` changed, and the effect on clients is not known");
                self.unread.push(Unread { reason, is_now: after.is_some(), span });
            }
        }
    }
}

/// The place of the types, or else of the schema.
pub(super) fn types_span(shape: &Shape) -> Span {
    shape.types_span.unwrap_or(shape.span)
}

/// The types of a shape, in words.
pub(super) fn kind(shape: &Shape) -> String {
    let types = if shape.types == ANY { "anything".to_owned() } else { shape.types.to_string() };
    let types = if shape.types.is_empty() { "nothing".to_owned() } else { types };
    match &shape.format {
        Some(format) if shape.types != ANY => format!("{types} ({})", format.value),
        _ => types,
    }
}

/// The enumeration, if it says more than the type.
fn enumeration(shape: &Shape) -> Option<&Spanned<Vec<Spanned<Json>>>> {
    shape.enumeration.as_ref().filter(|values| {
        let has = |flag: bool| values.iter().any(|value| value.value == Json::Bool(flag));
        !(shape.types == Types::BOOLEAN && has(true) && has(false))
    })
}
