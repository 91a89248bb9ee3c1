//! The bodies with which a server refuses requests on its own: as the contract documents them, with the reason in a text that is
//! meant for people.

use apidrift_core::contract::Operation;
use openapi_model::document::{Document, MediaType, Response, Status};
use openapi_model::node::escaped;
use openapi_model::schema::Types as JsonTypes;
use openapi_model::shape::{AllOf, Shape};
use openapi_model::values::Direction;
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Map, Value as Json, json};

use super::shared::Shared;
use super::texts;
use crate::media::{Format, format};

/// The statuses with which requests may be refused.
const STATUSES: [u16; 9] = [400, 401, 403, 413, 415, 422, 429, 500, 503];
/// The properties that tell people what is wrong, best first.
const REASONS: [&str; 12] = [
    "message",
    "detail",
    "description",
    "error_description",
    "error_message",
    "errorMessage",
    "msg",
    "reason",
    "error",
    "title",
    "summary",
    "text",
];
/// Nested objects are filled this deep.
const DEEPEST: usize = 5;

/// The documented bodies for refusals, as expressions.
pub fn refusals(shared: &Shared<'_>, operation: &Operation) -> Vec<TokenStream> {
    let is_wanted = |response: &&Response| match *response.status {
        Status::Code(code) => STATUSES.contains(&code),
        Status::Range(digit) => digit == 4 || digit == 5,
        Status::Default => true,
    };
    let mut responses: Vec<&Response> = operation.spec.responses.iter().filter(is_wanted).collect();
    responses.sort_by_key(|response| response.status.value);
    responses.into_iter().filter_map(|response| refusal(shared, response)).collect()
}

fn refusal(shared: &Shared<'_>, response: &Response) -> Option<TokenStream> {
    let status = response.status.value.to_string();
    if response.content.is_empty() {
        return Some(quote!(RefusalBody { status: #status, media_type: "", body: "", reason: "" }));
    }
    let json = response.content.iter().find(|media| format(shared.document, media) == Format::Json);
    let text = response.content.iter().find(|media| media.name.starts_with("text/") && !media.name.contains('*'));
    if let (None, Some(text)) = (json, text) {
        let media_type = &text.name.value;
        return Some(quote!(RefusalBody { status: #status, media_type: #media_type, body: "", reason: "" }));
    }
    // Without a body that can be made, the answer tells the reason in the way of a server without a contract.
    let body = json.and_then(|media| body(shared, media)).unwrap_or_else(|| json!({ "message": "" }));
    let reason = reason(&body);
    let name = json.map_or("application/json", |media| media.name.as_str());
    let media_type = if name.contains('*') { "application/json" } else { name };
    let body = texts::raw(&body.to_string());
    Some(quote!(RefusalBody { status: #status, media_type: #media_type, body: #body, reason: #reason }))
}

/// A body that fits: the first example that does, or else one made from the schema.
fn body(shared: &Shared<'_>, media: &MediaType) -> Option<Json> {
    let Some(schema) = media.schema else { return Some(json!({ "message": "" })) };
    let examples = media.examples.iter().filter_map(|example| example.value.as_ref()).map(|value| value.to_json());
    let made = made(shared.document, &AllOf::from(schema), 0);
    examples.chain(made).find(|value| shared.fits(schema, Direction::Response, value))
}

/// A value with everything that a schema requires, and the text for people if it has one.
fn made(document: &Document, schemas: &AllOf, depth: usize) -> Option<Json> {
    let shape = document.shape(schemas);
    if let Some(value) = shape.enumeration.as_ref().and_then(|values| values.first()) {
        return Some(value.value.clone());
    }
    if depth > DEEPEST {
        return None;
    }
    if let Some(member) = shape.alternatives.first().and_then(|alternatives| alternatives.members.first()) {
        let mut value = made(document, member, depth + 1)?;
        // What the alternatives have in common.
        if let Some(object) = value.as_object_mut() {
            object.extend(properties(document, &shape, depth)?);
        }
        return Some(value);
    }
    let has = |types: JsonTypes| shape.types.holds(types);
    if has(JsonTypes::OBJECT) && (shape.types == JsonTypes::OBJECT || !shape.properties.is_empty()) {
        return properties(document, &shape, depth).map(Json::Object);
    }
    if shape.types == JsonTypes::ANY.without(JsonTypes::NULL) {
        return Some(json!({}));
    }
    if has(JsonTypes::STRING) {
        return Some(match shape.format.as_ref().map(|format| format.value.as_str()) {
            Some("date-time") => "1970-01-01T00:00:00Z".into(),
            Some("date") => "1970-01-01".into(),
            Some("uuid") => "00000000-0000-0000-0000-000000000000".into(),
            Some("uri" | "url") => "about:blank".into(),
            Some("email") => "nobody@example.com".into(),
            _ => "error".into(),
        });
    }
    if has(JsonTypes::INTEGER) {
        let least = shape.minimum.as_ref().and_then(|bound| bound.value.as_f64()).unwrap_or(0.0).ceil();
        return Some(json!(least as i64 + i64::from(shape.minimum.as_ref().is_some_and(|bound| bound.exclusive))));
    }
    if has(JsonTypes::ARRAY) {
        let count = shape.min_items.as_ref().map_or(0, |count| count.value.min(3));
        let items = (0..count).map(|_| match &shape.items {
            Some(items) => made(document, items, depth + 1),
            _ => Some(Json::Null),
        });
        return items.collect::<Option<Vec<Json>>>().map(Json::Array);
    }
    if has(JsonTypes::BOOLEAN) {
        return Some(false.into());
    }
    Some(Json::Null)
}

/// The properties that are required, and those that tell people what is wrong.
fn properties(document: &Document, shape: &Shape, depth: usize) -> Option<Map<String, Json>> {
    let mut object = Map::new();
    for (name, property) in &shape.properties {
        let is_reason =
            || REASONS.contains(&name.as_str()) && document.shape(&property.schema).types.holds(JsonTypes::STRING);
        if shape.required.contains_key(name) || is_reason() {
            object.insert(name.clone(), made(document, &property.schema, depth + 1)?);
        }
    }
    Some(object)
}

/// The pointer to the text for people; empty if there is none.
fn reason(body: &Json) -> String {
    let mut open = vec![(String::new(), body)];
    let mut next = 0;
    while let Some((pointer, value)) = open.get(next).cloned() {
        next += 1;
        let Some(object) = value.as_object() else { continue };
        for name in REASONS {
            if object.get(name).is_some_and(Json::is_string) {
                return format!("{pointer}/{name}");
            }
        }
        open.extend(object.iter().map(|(key, value)| (format!("{pointer}/{}", escaped(key)), value)));
        if next > 100 {
            break;
        }
    }
    String::new()
}
