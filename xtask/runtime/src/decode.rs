//! From a request to typed parameters and a typed body, or the reason why it is refused.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::parameters::{Incoming, object, query_pairs, value};
use super::tables::{BodyInfo, Kind, Location, Media, Parameter};

/// Why a request is refused before its operation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It carries no valid credentials: 401.
    Unauthenticated,
    /// Its caller lacks the permission: 403.
    AccessDenied,
    /// Its caller is over the rate limit: 429.
    RateLimited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// A parameter is missing or invalid: 400.
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Where it is sent.
        location: Location,
        /// What is wrong with it.
        reason: String,
    },
    /// The body is missing or invalid: 400.
    Body {
        /// What is wrong with it.
        reason: String,
    },
    /// The body is too large: 413.
    TooLarge {
        /// The size that is accepted, in bytes.
        most: usize,
    },
    /// The body has a media type that the operation does not take: 415.
    MediaType {
        /// The media types that it takes.
        taken: String,
    },
    /// The server cannot answer now: 503.
    Unavailable {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The server failed: 500.
    Failed,
}

impl Refusal {
    /// The statuses that stand for it, best first. The first that the operation documents is used.
    pub fn statuses(&self) -> &'static [u16] {
        match self {
            Refusal::Unauthenticated => &[401],
            Refusal::AccessDenied => &[403],
            Refusal::RateLimited { .. } => &[429],
            Refusal::Parameter { .. } | Refusal::Body { .. } => &[400, 422],
            Refusal::TooLarge { .. } => &[413, 400],
            Refusal::MediaType { .. } => &[415, 400],
            Refusal::Unavailable { .. } => &[503, 500],
            Refusal::Failed => &[500],
        }
    }

    /// Seconds to wait before the next try.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Refusal::RateLimited { retry_after } | Refusal::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Unauthenticated => formatter.write_str("the request carries no valid credentials"),
            Refusal::AccessDenied => formatter.write_str("the caller lacks the permission"),
            Refusal::RateLimited { retry_after } => write!(formatter, "too many requests; wait {retry_after} s"),
            Refusal::Parameter { name, location, reason } => {
                write!(formatter, "the {} parameter `{name}`: {reason}", location.name())
            }
            Refusal::Body { reason } => write!(formatter, "the body: {reason}"),
            Refusal::TooLarge { most } => write!(formatter, "the body has more than {most} bytes"),
            Refusal::MediaType { taken } => write!(formatter, "the body must be sent as {taken}"),
            Refusal::Unavailable { .. } => formatter.write_str("the server cannot answer now"),
            Refusal::Failed => formatter.write_str("the server failed"),
        }
    }
}

/// A request with its body, not yet decoded.
#[derive(Debug, Clone)]
pub struct Undecoded<'a> {
    /// Everything but the body.
    pub request: Incoming<'a>,
    /// The body; empty if there is none.
    pub body: Bytes,
}

impl Undecoded<'_> {
    /// The value of a parameter that is required or has a default.
    ///
    /// # Errors
    ///
    /// If it is missing or invalid.
    pub fn required<T: DeserializeOwned>(&self, parameter: &Parameter) -> Result<T, Refusal> {
        self.optional(parameter)?.ok_or_else(|| refused(parameter, "it is missing".to_owned()))
    }

    /// The value of a parameter, if there is one.
    ///
    /// # Errors
    ///
    /// If it is invalid.
    pub fn optional<T: DeserializeOwned>(&self, parameter: &Parameter) -> Result<Option<T>, Refusal> {
        let sent = value(&self.request, parameter).map_err(|reason| refused(parameter, reason))?;
        let value = match (sent, parameter.default) {
            (Some(value), _) => value,
            (None, Some(default)) => {
                serde_json::from_str(default).map_err(|error| refused(parameter, error.to_string()))?
            }
            (None, None) => return Ok(None),
        };
        if let Some(reason) = parameter.validate.and_then(|schema| schema.violation(&value)) {
            return Err(refused(parameter, reason));
        }
        serde_json::from_value(value).map(Some).map_err(|error| refused(parameter, error.to_string()))
    }

    /// Which of the operation's media types the body has, by index; `None` if there is no body and none is required.
    ///
    /// # Errors
    ///
    /// If it is missing, or of another media type.
    pub fn media(&self, info: &BodyInfo) -> Result<Option<usize>, Refusal> {
        let missing = || match info.required {
            true => Err(Refusal::Body { reason: "it is missing".to_owned() }),
            false => Ok(None),
        };
        let sent = self.request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let index = match sent.map(essence) {
            None if self.body.is_empty() && !info.content.iter().any(is_bytes) => return missing(),
            None if self.body.is_empty() && !info.required => return Ok(None),
            None if info.content.len() == 1 => 0,
            None => return Err(not_taken(info)),
            Some(sent) => index_of(info, &sent).ok_or_else(|| not_taken(info))?,
        };
        match info.content.get(index) {
            Some(media) if self.body.is_empty() && !is_bytes(media) => missing(),
            _ => Ok(Some(index)),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// If it is not JSON, or not as the contract says.
    pub fn json<T: DeserializeOwned>(&self, media: &Media) -> Result<T, Refusal> {
        let invalid = |error: serde_json::Error| Refusal::Body { reason: error.to_string() };
        let Some(schema) = media.validate else {
            return serde_json::from_slice(&self.body).map_err(invalid);
        };
        let value: Value = serde_json::from_slice(&self.body).map_err(invalid)?;
        match schema.violation(&value) {
            Some(reason) => Err(Refusal::Body { reason }),
            None => serde_json::from_value(value).map_err(invalid),
        }
    }

    /// The body as a form, `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    ///
    /// If it is not as the contract says.
    pub fn form<T: DeserializeOwned>(&self, media: &Media) -> Result<T, Refusal> {
        let invalid = |reason: String| Refusal::Body { reason };
        let text = std::str::from_utf8(&self.body).map_err(|error| invalid(error.to_string()))?;
        let pairs: Vec<(String, String)> = query_pairs(text).collect();
        let value = object(&pairs, &media.kind.unwrap_or(Kind::Text)).map_err(invalid)?;
        match media.validate.and_then(|schema| schema.violation(&value)) {
            Some(reason) => Err(invalid(reason)),
            None => serde_json::from_value(value).map_err(|error| invalid(error.to_string())),
        }
    }
}

/// The media type that was sent among those that an operation takes: itself, or a range that covers it.
fn index_of(info: &BodyInfo, sent: &str) -> Option<usize> {
    let exact = info.content.iter().position(|media| essence(media.name) == sent);
    let covers = |media: &Media| match essence(media.name).split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => sent.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')),
        _ => false,
    };
    exact.or_else(|| info.content.iter().position(covers))
}

/// Whether an empty body may be all there is: it is neither JSON nor a form.
fn is_bytes(media: &Media) -> bool {
    media.validate.is_none() && media.kind.is_none() && !is_json(media.name)
}

/// Whether a media type is JSON.
pub fn is_json(name: &str) -> bool {
    let name = essence(name);
    name == "application/json" || name == "text/json" || name.ends_with("+json")
}

/// A media type without its parameters, in lower case.
pub fn essence(name: &str) -> String {
    name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn not_taken(info: &BodyInfo) -> Refusal {
    let names: Vec<&str> = info.content.iter().map(|media| media.name).collect();
    Refusal::MediaType { taken: names.join(" or ") }
}

fn refused(parameter: &Parameter, reason: String) -> Refusal {
    Refusal::Parameter { name: parameter.name, location: parameter.location, reason }
}
