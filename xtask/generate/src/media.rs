//! Media types: how a body of each is read and written.

use openapi_model::document::{Document, MediaType, essence};
use openapi_model::schema::Types as Kinds;

/// How a body is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// JSON: `application/json` and everything that ends with `+json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Plain or marked-up text.
    Text,
    /// Bytes.
    Bytes,
}

/// The format of a body.
pub fn format(document: &Document, media: &MediaType) -> Format {
    let name = essence(&media.name);
    match name.as_str() {
        "application/json" | "text/json" => Format::Json,
        _ if name.ends_with("+json") => Format::Json,
        "application/x-www-form-urlencoded" => Format::Form,
        "multipart/form-data" => Format::Multipart,
        "text/plain" | "text/html" | "text/markdown" | "text/x-markdown" => Format::Text,
        // What can be anything is JSON if its schema is one of JSON.
        "*/*" | "application/*" if is_structured(document, media) => Format::Json,
        _ => Format::Bytes,
    }
}

/// Whether a media type stands for several: `image/*`.
pub fn is_range(name: &str) -> bool {
    name.contains('*')
}

/// Whether a body is of a schema that the client could read or write if it were JSON.
pub fn is_structured(document: &Document, media: &MediaType) -> bool {
    let types = media.schema.map(|id| document.shape_of(id).types);
    types.is_some_and(|types| types != Kinds::ANY.without(Kinds::NULL) && types.meets(Kinds::OBJECT.with(Kinds::ARRAY)))
}
