//! Answers: what operations return, and what refuses a request, as responses.

use bytes::Bytes;
use dropshot::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::decode::{Refusal, essence};
use super::tables::{OperationInfo, RefusalBody};

/// A response that is being put together.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: serde_json::Result<Bytes>,
}

/// What an operation returns: one of the documented answers.
pub trait IntoAnswer: Send + 'static {
    /// The response. `request_id` is for bodies that tell it.
    fn into_answer(self, request_id: &str) -> Answer;
}

/// What an operation returns if it fails.
pub trait OperationError: IntoAnswer + Sized {
    /// The documented error that refuses a request, if the contract names errors one by one.
    fn refuse(_refusal: &Refusal) -> Option<Self> {
        None
    }
}

impl Answer {
    /// A response without a body.
    pub fn new(status: u16) -> Answer {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer { status, headers: HeaderMap::new(), body: Ok(Bytes::new()) }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, media_type: &'static str, body: &impl Serialize) -> Answer {
        let mut answer = self.header("content-type", &media_type);
        answer.body = serde_json::to_vec(body).map(Bytes::from);
        answer
    }

    /// With a body of any other media type.
    #[must_use]
    pub fn bytes(self, media_type: &str, body: Bytes) -> Answer {
        let mut answer = self.header("content-type", &media_type);
        answer.body = Ok(body);
        answer
    }

    /// With a header. A value that cannot be sent is logged and left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Answer {
        match HeaderValue::from_str(&value.to_string()) {
            Ok(value) => {
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => tracing::error!(header = name, "a header value is not printable; it was left out"),
        }
        self
    }

    /// With a header, if there is a value.
    #[must_use]
    pub fn optional_header(self, name: &'static str, value: Option<&impl ToString>) -> Answer {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As a response. A body that could not be written is answered with 500.
    pub fn into_response(self) -> Response<Body> {
        let (status, headers, body) = match self.body {
            Ok(body) => (self.status, self.headers, body),
            Err(error) => {
                tracing::error!(%error, "the body of an answer could not be written");
                (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), Bytes::new())
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// The answer to a request that is refused: the body that the contract documents for the first fitting status, with the reason
/// in it, or a message if it documents none.
pub fn refusal(operation: &OperationInfo, refusal: &Refusal) -> Answer {
    let statuses = refusal.statuses();
    let named = |name: &str| operation.refusals.iter().find(|body| body.status == name);
    let exact = statuses.iter().find_map(|status| Some((*status, named(&status.to_string())?)));
    let first = statuses.first().copied().unwrap_or(500);
    let documented = exact.or_else(|| {
        let wide = named(&format!("{}XX", first / 100)).or_else(|| named("default"))?;
        Some((first, wide))
    });
    let reason = refusal.to_string();
    let answer = match documented {
        Some((status, body)) => documented_body(Answer::new(status), body, &reason),
        None => Answer::new(first).json("application/json", &serde_json::json!({ "message": reason })),
    };
    let answer = match refusal.retry_after() {
        Some(seconds) => answer.header("retry-after", &seconds),
        None => answer,
    };
    match refusal {
        Refusal::Unauthenticated => answer.optional_header("www-authenticate", challenge(operation).as_ref()),
        _ => answer,
    }
}

fn documented_body(answer: Answer, documented: &RefusalBody, reason: &str) -> Answer {
    match documented.media_type {
        "" => return answer,
        text if text.starts_with("text/") => {
            let is_plain = essence(text) == "text/plain";
            // The reason may repeat what was sent, and a browser would read that as HTML.
            let reason = if is_plain { reason.to_owned() } else { escaped(reason) };
            return answer.bytes(text, Bytes::from(reason));
        }
        _ => {}
    }
    let mut body: Value = serde_json::from_str(documented.body).unwrap_or_default();
    if let Some(text) = body.pointer_mut(documented.reason).filter(|_| !documented.reason.is_empty()) {
        *text = reason.into();
    }
    answer.json(documented.media_type, &body)
}

/// A text as HTML or XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The schemes of the `Authorization` header that an operation takes.
fn challenge(operation: &OperationInfo) -> Option<String> {
    use super::tables::SchemeKind;
    let uses = operation.security.iter().flat_map(|alternative| alternative.iter());
    let mut names: Vec<&str> = uses
        .filter_map(|one| match one.scheme.kind {
            SchemeKind::Bearer => Some("Bearer"),
            SchemeKind::Basic => Some("Basic realm=\"api\""),
            SchemeKind::Http(name) => Some(name),
            SchemeKind::Key(..) | SchemeKind::Certificate => None,
        })
        .collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}
