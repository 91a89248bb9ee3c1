//! Request bodies: from the settings, from the examples of the contract, or made from the schema.

use openapi_model::document::{Document, MediaType, essence};
use openapi_model::node::Node;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::values::{Direction, Values};
use serde_json::Value as Json;

use super::facts::Facts;
use super::fitting::plain_values;
use super::operation::{Operation, is_json_type};
use super::style;

/// How many values are made until one fits its schema.
const TRIES: usize = 50;
/// The maximum number of bodies that do not fit.
const MOST_UNFITTING: usize = 4;
/// What separates the parts of a multipart body. No value that is made contains it.
const BOUNDARY: &str = "apidrift-a8f2c1d0";

/// The bodies for requests of an operation.
#[derive(Debug, Clone)]
pub(super) struct Bodies {
    /// The value of `Content-Type`.
    pub media_type: String,
    /// A body that fits.
    pub fitting: Vec<u8>,
    /// Whether the contract or the schema is all that is known of it: a server may have reasons to refuse it.
    pub is_made_up: bool,
    /// JSON bodies that do not fit the schema, and one that is no JSON.
    pub unfitting: Vec<Vec<u8>>,
}

impl Bodies {
    /// The bodies for an operation that takes one.
    ///
    /// # Errors
    ///
    /// Why there is no body.
    pub fn of(
        document: &Document,
        values: &mut Values<'_>,
        facts: &Facts<'_>,
        operation: &Operation,
    ) -> Result<Bodies, String> {
        let content = operation.body.as_ref().map(|body| body.content.as_slice()).unwrap_or_default();
        let given = facts.settings.bodies.get(operation.id.as_str());
        let given = given.or_else(|| facts.settings.bodies.get(operation.endpoint().as_str()));
        let Some(media) = best(content) else {
            let names: Vec<&str> = content.iter().map(|media| media.name.as_str()).collect();
            return Err(format!("a request body of the type {}, which cannot be made", names.join(" or ")));
        };
        let value = match given {
            Some(value) => value.clone(),
            None => value_for(document, values, media)?,
        };
        Ok(Bodies {
            media_type: media_type(media),
            fitting: written(document, media, &value),
            is_made_up: given.is_none(),
            unfitting: unfitting(document, values, media, &value),
        })
    }
}

/// The bytes of a value as a body of an operation.
pub(super) fn body_of(document: &Document, operation: &Operation, value: &Json) -> Option<(String, Vec<u8>)> {
    let media = best(&operation.body.as_ref()?.content)?;
    Some((media_type(media), written(document, media, value)))
}

/// The value of `Content-Type`.
fn media_type(media: &MediaType) -> String {
    match essence(&media.name).as_str() {
        "multipart/form-data" => format!("multipart/form-data; boundary={BOUNDARY}"),
        "*/*" | "application/*" => "application/json".to_owned(),
        "text/*" => "text/plain".to_owned(),
        _ => media.name.value.clone(),
    }
}

/// The media type of which bodies can be made best.
fn best(content: &[MediaType]) -> Option<&MediaType> {
    let json = apidrift_core::contract::json(content);
    let of = |wanted: &str| content.iter().find(|media| essence(&media.name) == wanted);
    let text = || content.iter().find(|media| essence(&media.name).starts_with("text/"));
    let with_example = || content.iter().find(|media| example(media).is_some_and(|value| value.is_string()));
    json.or_else(|| of("application/x-www-form-urlencoded"))
        .or_else(|| of("multipart/form-data"))
        .or_else(text)
        .or_else(with_example)
        // Any bytes are one.
        .or_else(|| of("application/octet-stream"))
}

fn example(media: &MediaType) -> Option<Json> {
    media.examples.iter().find_map(|example| example.value.as_ref().map(|value| value.to_json()))
}

/// The value of an example, or one that is made.
fn value_for(document: &Document, values: &mut Values<'_>, media: &MediaType) -> Result<Json, String> {
    let schema_example = || {
        let schema = document.schema(document.target(media.schema?));
        schema.examples.first().map(Node::to_json)
    };
    if let Some(mut value) = example(media).or_else(schema_example) {
        if let Some(schema) = media.schema {
            remove_read_only(document, schema, &mut value);
        }
        return Ok(value);
    }
    let Some(schema) = media.schema else {
        return if is_json_type(&media.name) { Ok(Json::Object(Default::default())) } else { Ok("x".into()) };
    };
    made(document, values, schema)
}

/// A value that fits a schema, without what requests do not contain.
fn made(document: &Document, values: &mut Values<'_>, schema: SchemaId) -> Result<Json, String> {
    let shape = document.shape_of(schema);
    for value in plain_values(document, &shape).take(TRIES) {
        let fits = values.fits(schema, Direction::Request, &value);
        if fits.map_err(|reason| format!("a request body, whose schema cannot be used: {reason}"))? {
            return Ok(value);
        }
    }
    Err("a request body: none that fits its schema could be made; give one in [conform.bodies]".to_owned())
}

/// Removes the properties that are only sent in responses.
fn remove_read_only(document: &Document, schema: SchemaId, value: &mut Json) {
    let mut open = vec![(document.shape_of(schema), value)];
    while let Some((shape, value)) = open.pop() {
        match value {
            Json::Object(fields) => {
                fields.retain(|name, _| {
                    let property = shape.properties.get(name);
                    property.is_none_or(|property| document.shape(&property.schema).read_only.is_none())
                });
                for (name, value) in fields {
                    open.extend(shape.properties.get(name).map(|it| (document.shape(&it.schema), value)));
                }
            }
            Json::Array(items) => {
                let Some(schema) = &shape.items else { continue };
                let shape = document.shape(schema);
                open.extend(items.iter_mut().map(|item| (shape.clone(), item)));
            }
            _ => {}
        }
    }
}

/// A value as the bytes of a media type.
fn written(document: &Document, media: &MediaType, value: &Json) -> Vec<u8> {
    match (essence(&media.name).as_str(), value) {
        ("application/x-www-form-urlencoded", Json::Object(fields)) => {
            let fields = fields.iter().flat_map(|(name, value)| {
                let encoding = media.encoding.iter().find(|encoding| *encoding.property == *name);
                let style = encoding.and_then(|it| it.style.as_ref()).map_or("form", |style| style.as_str());
                let explode = encoding.and_then(|it| it.explode.as_ref()).map_or(style == "form", |it| **it);
                // A nested object is written as JSON, unless the contract says how.
                let is_nested = value.is_object() && encoding.is_none();
                let value = if is_nested { Json::String(value.to_string()) } else { value.clone() };
                style::in_form(name, style, explode, &value)
            });
            let pairs: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("&").into_bytes()
        }
        ("multipart/form-data", Json::Object(fields)) => {
            let shape = media.schema.map(|schema| document.shape_of(schema)).unwrap_or_default();
            let mut body = String::new();
            for (name, value) in fields {
                let property = shape.properties.get(name).map(|property| document.shape(&property.schema));
                let format = property.as_ref().and_then(|property| property.format.as_ref());
                let (file, media_type) = match value {
                    Json::Object(_) | Json::Array(_) => ("", "application/json"),
                    _ if format.is_some_and(|format| *format.value == *"binary") => {
                        ("; filename=\"file\"", "application/octet-stream")
                    }
                    _ => ("", "text/plain"),
                };
                body.push_str(&format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\nContent-Type: {media_type}\r\n\r\n{}\r\n",
                    style::text(value)
                ));
            }
            format!("{body}--{BOUNDARY}--\r\n").into_bytes()
        }
        (name, Json::String(text)) if !is_json_type(name) && !name.ends_with("/*") => text.clone().into_bytes(),
        (_, value) => value.to_string().into_bytes(),
    }
}

/// JSON bodies that do not fit, derived from one that does: without a required property, with a property of another
/// type, with another type as a whole, and one that is no JSON.
fn unfitting(document: &Document, values: &mut Values<'_>, media: &MediaType, value: &Json) -> Vec<Vec<u8>> {
    if !is_json_type(&media_type(media)) {
        return Vec::new();
    }
    let mut bodies = Vec::new();
    if let (Some(schema), Json::Object(fields)) = (media.schema, value) {
        let shape = document.shape_of(schema);
        let mut candidates = Vec::new();
        if let Some(name) = shape.required.keys().find(|name| fields.contains_key(*name)) {
            let mut fields = fields.clone();
            fields.remove(name);
            candidates.push(Json::Object(fields));
        }
        for (name, property) in shape.properties.iter().filter(|(name, _)| fields.contains_key(*name)) {
            let types = document.shape(&property.schema).types;
            let other = if types.meets(Types::OBJECT) { Json::from("x") } else { serde_json::json!({"x": "x"}) };
            let mut fields = fields.clone();
            fields.insert(name.clone(), other);
            candidates.push(Json::Object(fields));
        }
        candidates.push(Json::from("x"));
        let unfitting =
            candidates.into_iter().filter(|value| values.fits(schema, Direction::Request, value) == Ok(false));
        let unfitting = unfitting.take(MOST_UNFITTING - 1);
        bodies.extend(unfitting.map(|value| value.to_string().into_bytes()));
    }
    bodies.push(b"{\"".to_vec());
    bodies
}
