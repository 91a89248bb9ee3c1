//! Whether requests with the old parameters are still valid.

use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Location, Operation, Parameter, Part};
use openapi_model::paths;
use openapi_model::schema::Types;
use openapi_model::span::Span;

use super::compare::{Both, Compare};
use super::report::{At, Context, ReportedChange};
use super::schema::{Area, View};

impl Compare<'_> {
    pub(super) fn parameters(&mut self, both: &Both<'_>) {
        let is_unread = both.is_unread(Part::Parameters);
        for now in both.new.parameters.iter().filter(|parameter| counts(parameter)) {
            match counterpart(now, both.new, both.old) {
                Some(before) => self.parameter(both, before, now),
                None if is_unread => {}
                None => self.added_parameter(both, now),
            }
        }
        for before in both.old.parameters.iter().filter(|parameter| counts(parameter)) {
            if is_unread || counterpart(before, both.old, both.new).is_some() {
                continue;
            }
            let name = &before.name.value;
            let (rule, text, help) = if both.is_reversed {
                (Rule::CompatFieldRemoved, "sent", "receivers read it: keep sending it")
            } else {
                (
                    Rule::CompatParameterRemoved,
                    "accepted",
                    "clients may still send it, and it has no effect: check that this is intended",
                )
            };
            let text = format!("the {} parameter `{name}` is no longer {text} by ", before.location.name());
            let (here, other) = (At::Then(before.name.span), Some(At::Now(place_of(both.new))));
            self.report
                .add_to_operation(both.at, ReportedChange { rule, here, other, message: (text, String::new()), help });
        }
    }

    fn added_parameter(&mut self, both: &Both<'_>, now: &Parameter) {
        let (name, location) = (&now.name.value, now.location.name());
        let (rule, text, help) = if both.is_reversed {
            (
                Rule::CompatFieldAdded,
                format!("a new {location} parameter `{name}` is sent by "),
                "no receiver reads it yet",
            )
        } else if now.required.value {
            (
                Rule::CompatParameterRequired,
                format!("a new {location} parameter `{name}` is required by "),
                "clients do not send it: make it optional",
            )
        } else {
            (
                Rule::CompatParameterAdded,
                format!("a new optional {location} parameter `{name}` is accepted by "),
                "nothing changes for clients that do not send it",
            )
        };
        let other = (rule == Rule::CompatParameterRequired).then(|| At::Then(place_of(both.old)));
        let here = At::Now(now.name.span);
        self.report
            .add_to_operation(both.at, ReportedChange { rule, here, other, message: (text, String::new()), help });
    }

    fn parameter(&mut self, both: &Both<'_>, before: &Parameter, now: &Parameter) {
        let name = now.name.value.clone();
        let places = (At::Now(now.name.span), Some(At::Then(before.name.span)));
        let mut say = |rule, text: String, help| {
            let message = (format!("the parameter `{name}` of "), text);
            self.report
                .add_to_operation(both.at, ReportedChange { rule, here: places.0, other: places.1, message, help });
        };
        match (before.required.value, now.required.value) {
            (false, true) if !both.is_reversed => say(
                Rule::CompatParameterRequired,
                " was optional and is required now".to_owned(),
                "clients may leave it out: keep it optional",
            ),
            (true, false) if both.is_reversed => {
                say(Rule::CompatFieldOptional, " may be absent now".to_owned(), "receivers rely on it: keep sending it")
            }
            _ => {}
        }
        if let Some(text) = written_otherwise((self.base.document, before), (self.new.document, now)) {
            say(Rule::CompatParameterStyle, text, "clients still send the old form: keep accepting it");
        }
        let is_text = before.content.is_empty() && now.content.is_empty();
        let area = match both.is_reversed {
            true => Area::Sent,
            false if is_text => Area::Text,
            false => Area::Parameter,
        };
        let schema = |document: &Document, parameter: &Parameter| {
            let of_content = parameter.content.first().and_then(|media| media.schema);
            View::of_some(document, parameter.schema.or(of_content))
        };
        let views = (schema(self.base.document, before), schema(self.new.document, now));
        self.schema(both, area, Context::Parameter(name), views.0, views.1);
    }
}

/// Whether a parameter is compared: headers that OpenAPI describes elsewhere are not.
fn counts(parameter: &Parameter) -> bool {
    let names = ["Accept", "Authorization", "Content-Type"];
    parameter.location != Location::Header || !names.iter().any(|name| parameter.name.eq_ignore_ascii_case(name))
}

/// The same parameter of another version: same name and location, or the same variable of the path.
fn counterpart<'a>(parameter: &Parameter, own: &Operation, other: &'a Operation) -> Option<&'a Parameter> {
    let name = parameter.name.value.as_str();
    let mut known = other.parameters.iter().filter(|known| known.location == parameter.location);
    match parameter.location {
        Location::Path => {
            let at = paths::variables(&own.path.value).iter().position(|variable| *variable == name);
            let variables = paths::variables(&other.path.value);
            let name = at.and_then(|at| variables.get(at)).copied().unwrap_or(name);
            known.find(|known| known.name.value == name)
        }
        Location::Header => known.find(|known| known.name.value.eq_ignore_ascii_case(name)),
        Location::Query | Location::Cookie => known.find(|known| known.name.value == name),
    }
}

/// How the serialisation of the same value has changed, if it has.
fn written_otherwise(then: (&Document, &Parameter), now: (&Document, &Parameter)) -> Option<String> {
    let (before, after) = (then.1, now.1);
    let content = |parameter: &Parameter| parameter.content.first().map(|media| media.name.value.to_lowercase());
    let (content_before, content_after) = (content(before), content(after));
    if content_before != content_after {
        let shown = |content: Option<String>| content.map_or("plain text".to_owned(), |content| format!("`{content}`"));
        return Some(format!(" is written as {} now, not as {}", shown(content_after), shown(content_before)));
    }
    let is_many = |(document, parameter): (&Document, &Parameter)| {
        let types = parameter.schema.map_or(Types::NONE, |schema| document.shape_of(schema).types);
        types != Types::ANY.without(Types::NULL) && types.meets(Types::ARRAY.with(Types::OBJECT))
    };
    let is_plain = |parameter: &Parameter| !matches!(parameter.style.value.as_str(), "label" | "matrix");
    // A single value looks the same in most styles.
    let is_many = is_many(then) && is_many(now);
    if before.style.value != after.style.value && (is_many || !is_plain(before) || !is_plain(after)) {
        return Some(format!(" has the style `{}` now, not `{}`", after.style.value, before.style.value));
    }
    if is_many && before.explode.value != after.explode.value {
        let shown = |flag: bool| if flag { "one by one" } else { "in one" };
        return Some(format!(
            " has its values {} now, not {}",
            shown(after.explode.value),
            shown(before.explode.value)
        ));
    }
    (before.allow_reserved && !after.allow_reserved)
        .then(|| " may no longer contain unescaped reserved characters".to_owned())
}

/// The place that represents an operation in findings.
pub(super) fn place_of(operation: &Operation) -> Span {
    operation.id.as_ref().map_or(operation.method.span, |id| id.span)
}
