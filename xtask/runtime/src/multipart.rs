//! Bodies of the media type `multipart/form-data`.

use bytes::Bytes;
use futures::{FutureExt as _, stream};
use http::header::CONTENT_TYPE;

use serde_json::{Map, Value};

use super::decode::{Refusal, Undecoded, is_json};
use super::parameters::{property, scalar};
use super::tables::{Kind, Media};

/// A part of a multipart form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name; empty if it has none.
    pub name: String,
    /// The name of the file that it is, if it is one.
    pub file_name: Option<String>,
    /// Its media type, if it tells it.
    pub media_type: Option<String>,
    /// Its content.
    pub content: Bytes,
}

impl Undecoded<'_> {
    /// The body as a multipart form.
    ///
    /// # Errors
    ///
    /// If it is none, or its parts are not as the contract says.
    pub fn multipart(&self, media: &Media) -> Result<Vec<Part>, Refusal> {
        let invalid = |error: multer::Error| Refusal::Body { reason: error.to_string() };
        let sent = self.request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(sent).map_err(invalid)?;
        let body = self.body.clone();
        let read = async move {
            let whole = stream::iter([Ok::<Bytes, std::convert::Infallible>(body)]);
            let mut form = multer::Multipart::new(whole, boundary);
            let mut parts = Vec::new();
            while let Some(field) = form.next_field().await? {
                parts.push(Part {
                    name: field.name().unwrap_or_default().to_owned(),
                    file_name: field.file_name().map(str::to_owned),
                    media_type: field.content_type().map(ToString::to_string),
                    content: field.bytes().await?,
                });
            }
            Ok(parts)
        };
        // The whole body is here, so nothing is waited for.
        let read = read.now_or_never().unwrap_or(Err(multer::Error::IncompleteStream));
        let parts = read.map_err(invalid)?;
        if let Some(schema) = media.validate {
            let violation = object(&parts, &media.kind.unwrap_or(Kind::Text)).map(|value| schema.violation(&value));
            if let Some(reason) = violation.unwrap_or_else(Some) {
                return Err(Refusal::Body { reason });
            }
        }
        Ok(parts)
    }
}

/// The parts as one object: those with the same name as a list, files as texts.
fn object(parts: &[Part], kind: &Kind) -> Result<Value, String> {
    let (properties, others) = match kind {
        Kind::Object(properties, others) => (*properties, *others),
        _ => (&[][..], &Kind::Text),
    };
    let mut object = Map::new();
    for part in parts {
        let value = |kind: &Kind| {
            let text = String::from_utf8_lossy(&part.content);
            match &part.media_type {
                _ if part.file_name.is_some() => Ok(text.into()),
                Some(name) if is_json(name) => serde_json::from_str(&text).map_err(|error| error.to_string()),
                _ => scalar(&text, kind),
            }
            .map_err(|why| format!("`{}`: {why}", part.name))
        };
        match (property(properties, others, &part.name), object.get_mut(&part.name)) {
            (Kind::List(item), Some(Value::Array(items))) => items.push(value(item)?),
            (_, Some(_)) => return Err(format!("`{}` is there more than once", part.name)),
            (Kind::List(item), None) => {
                let first = value(item)?;
                // A list may also be one part with JSON.
                let items = if first.is_array() && !matches!(item, Kind::List(_)) { first } else { vec![first].into() };
                object.insert(part.name.clone(), items);
            }
            (kind, None) => {
                object.insert(part.name.clone(), value(kind)?);
            }
        }
    }
    Ok(Value::Object(object))
}
