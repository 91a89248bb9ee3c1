//! Scripted answers, given instead of the computed ones.

use std::time::Duration;

use futures::StreamExt as _;
use http::{Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;

/// Delay before a cut, so that everything written to the connection has been sent.
const FLUSHED: Duration = Duration::from_millis(20);

/// A scripted answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) delay: Duration,
    pub(super) kind: Kind,
}

/// Whether a scripted answer accepts the objects of its request, and how the connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No object is accepted; the answer is sent.
    Fixed,
    /// No object is accepted; the connection is cut.
    Cut,
    /// The request is processed normally, then the connection is cut instead of answering.
    CutAfterwards,
    /// The request is processed normally, then the scripted answer is sent.
    AcceptedWith,
    /// The request is processed normally, then the connection is cut after this part of the body.
    AcceptedAndCut,
}

impl Answer {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<String>) -> Answer {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer { status, headers: Vec::new(), body: body.into(), delay: Duration::ZERO, kind: Kind::Fixed }
    }

    /// No answer: no object is accepted and the connection is cut.
    pub fn cut() -> Answer {
        Answer { kind: Kind::Cut, ..Answer::new(500, "") }
    }

    /// No answer: the request is processed normally, then the connection is cut.
    pub fn cut_afterwards() -> Answer {
        Answer { kind: Kind::CutAfterwards, ..Answer::new(500, "") }
    }

    /// The request is processed normally, then this is answered.
    pub fn accepted_with(status: u16, body: impl Into<String>) -> Answer {
        Answer { kind: Kind::AcceptedWith, ..Answer::new(status, body) }
    }

    /// The request is processed normally, then the connection is cut after this part of the answer's body.
    pub fn accepted_and_cut(status: u16, part: impl Into<String>) -> Answer {
        Answer { kind: Kind::AcceptedAndCut, ..Answer::new(status, part) }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends the answer only after this delay.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }
}

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut as scripted")]
pub(super) struct Cut;

pub(super) type Body = UnsyncBoxBody<Bytes, Cut>;

fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Builds the response of a scripted answer.
pub(super) fn fixed(answer: &Answer) -> Response<Body> {
    let body = Bytes::from(answer.body.clone());
    let body = if answer.kind == Kind::AcceptedAndCut {
        let cut = async {
            // The part must have been sent before the connection is cut.
            tokio::time::sleep(FLUSHED).await;
            Err(Cut)
        };
        let part = futures::stream::iter([Ok(Frame::data(body))]);
        StreamBody::new(part.chain(futures::stream::once(cut))).boxed_unsync()
    } else {
        whole(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    if answer.kind == Kind::AcceptedAndCut {
        let promised = header::HeaderValue::from(answer.body.len() + 100);
        response.headers_mut().insert(header::CONTENT_LENGTH, promised);
    }
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A JSON response.
pub(super) fn as_json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(whole(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
