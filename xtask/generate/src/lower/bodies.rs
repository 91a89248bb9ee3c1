//! Request bodies.
//!
//! progenitor takes one media type of a body, four in all, treats every body as required, and panics on `encoding`. So it is
//! asked for the types of values only; how a body is written is decided here.

use openapi_model::document::{Encoding, MediaType, Operation, RequestBody, essence};
use openapi_model::schema::Types as Kinds;
use openapi_model::shape::{AllOf, Shape};
use serde_json::{Value, json};

use super::names::{Names, type_name, value_name};
use super::parameters::{Refusal, Style};
use super::types::Types;
use crate::media::{Format, format, is_range, is_structured};

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// Its media type as it is sent.
    pub media_type: String,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its documentation.
    pub docs: String,
    /// What it is made of.
    pub content: Content,
}

/// What a request body is made of.
#[derive(Debug, Clone)]
pub enum Content {
    /// JSON of this schema.
    Json(Value),
    /// A form of this schema, with the styles of its fields where they are not the default.
    Form(Value, Vec<FieldStyle>),
    /// Parts, each of which is a parameter of the operation in Rust.
    Multipart(Vec<Part>),
    /// Text.
    Text,
    /// Bytes. If the contract allows several media types, the caller may choose.
    Bytes {
        /// Whether the caller may choose.
        has_choice: bool,
    },
}

/// How a field of a form is written.
#[derive(Debug, Clone)]
pub struct FieldStyle {
    /// Its name.
    pub name: String,
    /// Its style.
    pub style: Style,
    /// Whether items and properties are written apart.
    pub explode: bool,
}

/// A part of a multipart body.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name in Rust.
    pub field: String,
    /// Its name in the body.
    pub name: String,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its documentation.
    pub docs: String,
    /// Its lowered schema; `None` for a file.
    pub schema: Option<Value>,
    /// Whether there may be several files.
    pub is_list: bool,
    /// Its media type, if the contract gives it.
    pub media_type: Option<String>,
}

impl Types<'_> {
    /// The body of an operation. Of several media types one is taken: JSON, a form, a multipart form, text, bytes.
    pub(super) fn body(
        &mut self,
        operation: &Operation,
        operation_name: &str,
        fields: &mut Names,
    ) -> Result<Option<Body>, Refusal> {
        let Some(written) = &operation.body else { return Ok(None) };
        let document = self.document;
        let Some(media) = written.content.iter().min_by_key(|media| format(document, media)) else { return Ok(None) };
        let kind = format(document, media);
        let others = written.content.iter().filter(|other| !std::ptr::eq(*other, media));
        let same_kind = others.clone().all(|other| kind == Format::Bytes && format(document, other) == kind);
        if !same_kind {
            let names: Vec<String> = others.map(|other| format!("`{}`", other.name.value)).collect();
            let sent = &media.name.value;
            self.lose(
                written.key,
                format!("the body could also be {}; it is always sent as `{sent}`", names.join(" or ")),
            );
        }
        if kind == Format::Bytes && is_structured(document, media) {
            self.lose(
                media.name.span,
                format!("the body is bytes, because the client does not write `{}`", media.name.value),
            );
        }
        let hint = format!("{operation_name}Body");
        let schemas = media.schema.map(AllOf::from);
        let content = match kind {
            Format::Json => Content::Json(schemas.as_ref().map_or(json!({}), |schemas| self.lower(schemas, &hint))),
            Format::Form => {
                let schema =
                    schemas.as_ref().map_or(json!({"type": "object"}), |schemas| self.without_null(schemas, &hint));
                Content::Form(schema, self.field_styles(media, schemas.as_ref()))
            }
            Format::Multipart => Content::Multipart(self.parts(written, media, operation_name, fields)?),
            Format::Text => Content::Text,
            Format::Bytes => Content::Bytes { has_choice: written.content.len() > 1 || is_range(&media.name) },
        };
        let media_type = match &*media.name.value {
            range if is_range(range) && kind == Format::Json => "application/json".to_owned(),
            range if is_range(range) => "application/octet-stream".to_owned(),
            name => name.to_owned(),
        };
        let docs = written.description.as_ref().map(|text| text.value.trim().to_owned()).unwrap_or_default();
        Ok(Some(Body { media_type, required: written.required.value, docs, content }))
    }

    /// The styles of a form's fields. Objects are written as JSON if `encoding` does not say otherwise, lists as several
    /// fields.
    fn field_styles(&mut self, media: &MediaType, schemas: Option<&AllOf>) -> Vec<FieldStyle> {
        let Some(schemas) = schemas else { return Vec::new() };
        let shape = self.document.shape(schemas);
        let mut styles = Vec::new();
        for (name, property) in &shape.properties {
            let own = self.document.shape(&property.schema);
            let encoding = media.encoding.iter().find(|encoding| encoding.property.value == *name);
            if let Some(style) = field_style(name, &own, encoding) {
                if style.style == Style::DeepObject && self.is_nested(Some(&property.schema)) {
                    let what = format!(
                        "OpenAPI does not say how `{name}` is nested; it is sent as `{name}[key][key]` and `{name}[0]`"
                    );
                    self.lose(property.span, what);
                }
                styles.push(style);
            }
        }
        styles
    }

    fn parts(
        &mut self,
        written: &RequestBody,
        media: &MediaType,
        operation_name: &str,
        fields: &mut Names,
    ) -> Result<Vec<Part>, Refusal> {
        let schemas = media.schema.map(AllOf::from).unwrap_or_default();
        let shape = self.document.shape(&schemas);
        if shape.properties.is_empty() {
            return Err(("the contract does not say which parts the multipart body has".to_owned(), media.span));
        }
        if !self.are_conditions(&schemas, &shape) {
            self.lose(media.span, "the multipart body has alternatives; only the parts that all have can be sent");
        }
        let mut parts = Vec::new();
        for (name, property) in &shape.properties {
            let own = self.document.shape(&property.schema);
            let encoding = media.encoding.iter().find(|encoding| encoding.property.value == *name);
            let media_type =
                encoding.and_then(|encoding| encoding.content_type.as_ref()).map(|name| name.value.clone());
            let items = own.items.as_ref().map(|items| self.document.shape(items));
            let is_list = items.is_some() && own.types == Kinds::ARRAY;
            let content = if is_list { items.as_deref().unwrap_or(&own) } else { &own };
            let is_file = is_file(content);
            let hint = format!("{operation_name}{}", type_name(name));
            let schema = (!is_file).then(|| self.without_null(&property.schema, &hint));
            let field = value_name(name);
            parts.push(Part {
                field: if fields.take(&field) {
                    field
                } else {
                    fields.unique(&format!("{}_part", field.trim_end_matches('_')))
                },
                name: name.clone(),
                required: shape.required.contains_key(name) && written.required.value && own.read_only.is_none(),
                docs: self.docs(&property.schema),
                schema,
                is_list: is_file && is_list,
                media_type: media_type.filter(|name| !is_range(name) && !name.contains(',')),
            });
        }
        Ok(parts)
    }
}

/// The style of a form's field if it is not `form`, exploded.
fn field_style(name: &str, shape: &Shape, encoding: Option<&Encoding>) -> Option<FieldStyle> {
    let style = encoding.and_then(|encoding| encoding.style.as_ref()).map(|style| style.value.as_str());
    let explode = encoding.and_then(|encoding| encoding.explode.as_ref()).map(|explode| explode.value);
    let is_json = encoding
        .and_then(|encoding| encoding.content_type.as_ref())
        .is_some_and(|name| essence(name) == "application/json");
    let style = match style {
        Some("deepObject") => Style::DeepObject,
        Some("spaceDelimited") => Style::SpaceDelimited,
        Some("pipeDelimited") => Style::PipeDelimited,
        Some(_) => Style::Form,
        None if is_json || shape.types == Kinds::OBJECT => Style::Json,
        None => Style::Form,
    };
    let explode = explode.unwrap_or(style == Style::Form);
    (style != Style::Form || !explode).then(|| FieldStyle { name: name.to_owned(), style, explode })
}

/// Whether a part is a file and not a text.
fn is_file(shape: &Shape) -> bool {
    let is_binary = shape.format.as_ref().is_some_and(|format| matches!(format.value.as_str(), "binary" | "file"));
    let has_media_type = shape.others.contains_key("contentMediaType") && !shape.others.contains_key("contentEncoding");
    is_binary || has_media_type
}
