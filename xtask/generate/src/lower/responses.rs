//! Responses.
//!
//! progenitor has one type for all successes of an operation and one for all errors, panics if there are more, and takes
//! `default` for a success as well as an error. So it is asked for the types of bodies only; which status has which body is
//! decided here.

use openapi_model::document::{MediaType, Operation, Response as Written, Status};
use openapi_model::shape::AllOf;
use serde_json::{Value, json};

use super::names::Names;
use super::parameters::Refusal;
use super::types::Types;
use crate::media::{Format, format, is_range, is_structured};

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The statuses it is for.
    pub status: Status,
    /// The name of its variant in Rust: `NotFound`.
    pub variant: String,
    /// Its documentation.
    pub docs: String,
    /// Its body.
    pub content: Content,
}

/// The body of a response.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// None.
    Empty,
    /// JSON of this schema.
    Json(Value),
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// The responses of an operation.
#[derive(Debug, Clone, Default)]
pub struct Responses {
    /// Those of successful requests.
    pub successes: Vec<Response>,
    /// All others.
    pub errors: Vec<Response>,
    /// The media types that the client accepts.
    pub accept: Vec<String>,
}

impl Types<'_> {
    /// The responses of an operation, in order of their statuses.
    ///
    /// `default` is for all statuses that have no response of their own. It is a success only if there is no other.
    pub(super) fn responses(&mut self, operation: &Operation, operation_name: &str) -> Result<Responses, Refusal> {
        let mut responses = Responses::default();
        let mut written: Vec<&Written> = operation.responses.iter().collect();
        written.sort_by_key(|response| (matches!(response.status.value, Status::Default), response.status.value));
        if let Some(upgrade) = written.iter().find(|response| response.status.value == Status::Code(101)) {
            return Err(("the response changes the protocol, which the client cannot".to_owned(), upgrade.span));
        }
        if operation.extension("x-dropshot-websocket").is_some() {
            return Err(("the operation opens a WebSocket, which the client cannot".to_owned(), operation.span));
        }
        let (mut success_names, mut error_names) = (Names::default(), Names::beside(&["Unreadable"]));
        let has_success = written.iter().any(|response| is_success(response.status.value));
        for response in written {
            let status = response.status.value;
            let accept = &mut responses.accept;
            if is_success(status) || status == Status::Default && !has_success {
                let variant = success_names.unique(&variant(status));
                let hint = format!("{operation_name}Response");
                responses.successes.push(self.response(operation, response, variant, &hint, accept));
            }
            if matches!(status, Status::Code(301..=303 | 307 | 308) | Status::Range(3)) {
                let what = format!(
                    "the redirection {status} is followed, unless the `reqwest::Client` given to `new_with_client` follows none"
                );
                self.lose(response.status.span, what);
            }
            if !is_success(status) {
                let variant = error_names.unique(&variant(status));
                let hint = format!("{operation_name}{variant}");
                responses.errors.push(self.response(operation, response, variant, &hint, accept));
            }
        }
        Ok(responses)
    }

    fn response(
        &mut self,
        operation: &Operation,
        written: &Written,
        variant: String,
        hint: &str,
        accept: &mut Vec<String>,
    ) -> Response {
        let has_none =
            *operation.method.value == *"HEAD" || matches!(written.status.value, Status::Code(204 | 205 | 304));
        let content = match self.media(written) {
            Some(media) if !has_none => {
                let name = &media.name.value;
                let schemas = media.schema.map(AllOf::from);
                let content = match format(self.document, media) {
                    Format::Json => {
                        Content::Json(schemas.as_ref().map_or(json!({}), |schemas| self.lower(schemas, hint)))
                    }
                    Format::Text => Content::Text,
                    _ => {
                        if is_structured(self.document, media) {
                            let status = written.status.value;
                            let what =
                                format!("the response {status} is bytes, because the client does not read `{name}`");
                            self.lose(media.name.span, what);
                        }
                        Content::Bytes
                    }
                };
                let name = if content_is_json(&content) && is_range(name) { "application/json" } else { name };
                if !accept.iter().any(|known| known == name) {
                    accept.push(name.to_owned());
                }
                content
            }
            _ => Content::Empty,
        };
        let docs = written.description.value.trim().to_owned();
        Response { status: written.status.value, variant, docs, content }
    }

    /// The media type of a response that the client asks for.
    fn media<'w>(&mut self, written: &'w Written) -> Option<&'w MediaType> {
        let document = self.document;
        let taken = written.content.iter().min_by_key(|media| format(document, media))?;
        let others: Vec<String> = written
            .content
            .iter()
            .filter(|media| !std::ptr::eq(*media, taken))
            .map(|media| format!("`{}`", media.name.value))
            .collect();
        if !others.is_empty() {
            let what = format!(
                "the response {} could also be {}; the client asks for `{}`",
                written.status.value,
                others.join(" or "),
                taken.name.value
            );
            self.lose(written.status.span, what);
        }
        Some(taken)
    }
}

fn content_is_json(content: &Content) -> bool {
    matches!(content, Content::Json(_))
}

fn is_success(status: Status) -> bool {
    matches!(status, Status::Code(200..=299) | Status::Range(2))
}

/// The name of a status in Rust.
fn variant(status: Status) -> String {
    let known = match status {
        Status::Default => "Default",
        Status::Range(1) => "Information",
        Status::Range(2) => "Success",
        Status::Range(3) => "Redirection",
        Status::Range(4) => "ClientError",
        Status::Range(5) => "ServerError",
        Status::Code(code) => reason(code),
        Status::Range(_) => "",
    };
    if known.is_empty() { format!("Status{status}") } else { known.to_owned() }
}

/// The name of a status in HTTP, as one word.
fn reason(code: u16) -> &'static str {
    match code {
        200 => "Ok",
        201 => "Created",
        202 => "Accepted",
        203 => "NonAuthoritativeInformation",
        204 => "NoContent",
        205 => "ResetContent",
        206 => "PartialContent",
        207 => "MultiStatus",
        300 => "MultipleChoices",
        301 => "MovedPermanently",
        302 => "Found",
        303 => "SeeOther",
        304 => "NotModified",
        307 => "TemporaryRedirect",
        308 => "PermanentRedirect",
        400 => "BadRequest",
        401 => "Unauthorized",
        402 => "PaymentRequired",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        406 => "NotAcceptable",
        408 => "RequestTimeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "LengthRequired",
        412 => "PreconditionFailed",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        416 => "RangeNotSatisfiable",
        418 => "ImATeapot",
        422 => "UnprocessableEntity",
        423 => "Locked",
        424 => "FailedDependency",
        426 => "UpgradeRequired",
        428 => "PreconditionRequired",
        429 => "TooManyRequests",
        451 => "UnavailableForLegalReasons",
        500 => "InternalServerError",
        501 => "NotImplemented",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "",
    }
}
