//! Bodies of the media type `multipart/form-data`.

use bytes::Bytes;
use futures::{FutureExt as _, stream};
use http::header::CONTENT_TYPE;

use super::decode::{Refusal, Undecoded};

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
    /// If it is none.
    pub fn multipart(&self) -> Result<Vec<Part>, Refusal> {
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
        read.map_err(invalid)
    }
}
