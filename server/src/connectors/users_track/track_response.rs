//! Converts answers of `/users/track` into outcomes of the objects that were sent.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::retry_after::asked;
use crate::sync::SyncError;

/// Some servers begin JSON with it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The meaning of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Each object was accepted or refused.
    Processed(Processed),
    /// All objects were refused together; only some of them may be the cause.
    RefusedTogether(String),
    /// The rate limit is reached: nothing was processed. How long to wait, if the service says so.
    RateLimited(Option<Duration>),
    /// The service failed: its status, and how long to wait if it says so.
    ServerError(StatusCode, Option<Duration>),
    /// Another temporary problem: the reason as a whole sentence, and how long to wait if the service says so.
    Transient(String, Option<Duration>),
}

/// The outcome of objects that were processed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processed {
    /// These objects were refused, the others accepted.
    pub refused: Vec<(usize, String)>,
    /// Whether the body has no message, which answers of the service have: it is empty or cut off, or another service's.
    pub foreign_body: bool,
    /// Whether there are errors that name no object of the request.
    pub unassigned_errors: bool,
}

/// Answers of the service itself have a message.
#[derive(Debug, Default, Deserialize)]
struct Body {
    message: Option<String>,
    /// A list. Any other value names no object.
    #[serde(default)]
    errors: serde_json::Value,
}

/// Reads an answer to `count` objects.
pub fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    count: usize,
    now: DateTime<Utc>,
) -> Result<Meaning, SyncError> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if let (true, Some(what)) = (status.is_success(), not_the_service(headers, body)) {
        let reason = format!(
            "the destination answers {status} with {what} instead of Braze's JSON, so nothing in that request counts as delivered; \
             check `url`, and whether a login page or a proxy answers in its place"
        );
        return Ok(Meaning::Transient(reason, None));
    }
    let body = serde_json::from_slice::<Body>(body).unwrap_or_default();
    let processed = processed(&body.errors, count);
    match status.as_u16() {
        // The objects have arrived, even if the body is empty, cut off or without a message. Sending them again would
        // duplicate events.
        200..=299 => Ok(Meaning::Processed(Processed { foreign_body: body.message.is_none(), ..processed })),
        400 => match body.message {
            Some(message) => Ok(refused(message, processed, count)),
            // The answer is not from the service, so no object has been examined.
            None => Err(SyncError::Config(format!(
                "the destination answered {status} with a body that is not from Braze; check `url`, and any proxy in between"
            ))),
        },
        // Proxies have limits of their own; smaller requests may succeed.
        413 => Ok(refused(body.message.unwrap_or_else(|| status.to_string()), processed, count)),
        // The body is not shown: that of a 401 contains the key.
        401 | 403 => Err(SyncError::Config(format!(
            "the destination refuses the key ({status}); check `api_key`, and that the key has the permission `users.track` (`users.delete` for user_deletes)"
        ))),
        404 => Err(SyncError::Config(format!("the destination has no such endpoint ({status}); check `url`"))),
        429 => Ok(Meaning::RateLimited(asked(headers, now))),
        500..=599 => Ok(Meaning::ServerError(status, asked(headers, now))),
        408 | 425 => Ok(Meaning::Transient(format!("the destination answers {status}"), asked(headers, now))),
        300..=399 => {
            let location = headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("?");
            let place = location.split(['?', '#']).next().unwrap_or_default();
            Err(SyncError::Config(format!(
                "the destination redirects ({status}) to {place:?}; redirects are not followed, so write the final address in `url`"
            )))
        }
        _ => Err(SyncError::Config(format!("the destination answered {status}, which was not expected; check `url`"))),
    }
}

/// What the body of a success is if something else answers in place of the service, such as a login page: a web page, or
/// not a JSON object. An empty body and the beginning of an object may be the service's.
fn not_the_service(headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    let text = body.trim_ascii();
    let content_type = headers.get(http::header::CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
    let is_cut_off = |error: serde_json::Error| error.is_eof();
    match text.first() {
        Some(b'{') if serde_json::from_slice::<IgnoredAny>(text).map_or_else(is_cut_off, |_| true) => None,
        Some(b'<') => Some("a web page"),
        _ if content_type.to_ascii_lowercase().starts_with(b"text/html") => Some("a web page"),
        None => None,
        Some(_) => Some("a body that is not a JSON object"),
    }
}

/// A refusal that names every object refuses each one for its own reason; any other refuses all together.
fn refused(message: String, processed: Processed, count: usize) -> Meaning {
    if count > 0 && processed.refused.len() == count {
        Meaning::Processed(processed)
    } else {
        Meaning::RefusedTogether(message)
    }
}

/// The objects that the errors name, each once.
fn processed(errors: &serde_json::Value, count: usize) -> Processed {
    let mut refused: BTreeMap<usize, String> = BTreeMap::new();
    let mut unassigned_errors = false;
    for error in errors.as_array().into_iter().flatten() {
        let index =
            error.get("index").and_then(serde_json::Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let reason = error.get("type").and_then(serde_json::Value::as_str).unwrap_or("refused without a reason");
        // An error in the answer to one object is about that object.
        match index.filter(|index| *index < count).or((count == 1).then_some(0)) {
            Some(index) => {
                refused
                    .entry(index)
                    .and_modify(|reasons| *reasons = format!("{reasons}; {reason}"))
                    .or_insert_with(|| reason.to_owned());
            }
            None => unassigned_errors = true,
        }
    }
    Processed { refused: refused.into_iter().collect(), foreign_body: false, unassigned_errors }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str, count: usize) -> Result<Meaning, SyncError> {
        read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), count, Utc::now())
    }

    fn refusals(refused: &[(usize, &str)]) -> Processed {
        let refused = refused.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect();
        Processed { refused, ..Processed::default() }
    }

    fn processed(refused: &[(usize, &str)]) -> Result<Meaning, SyncError> {
        Ok(Meaning::Processed(refusals(refused)))
    }

    fn processed_with_unknown_errors(refused: &[(usize, &str)]) -> Result<Meaning, SyncError> {
        Ok(Meaning::Processed(Processed { unassigned_errors: true, ..refusals(refused) }))
    }

    #[test]
    fn a_success_names_the_objects_it_refuses() {
        assert_eq!(meaning(201, r#"{"message":"success","attributes_processed":2}"#, 2), processed(&[]));
        assert_eq!(meaning(202, r#"{"message":"queued"}"#, 2), processed(&[]));
        assert_eq!(meaning(201, r#"{"message":"success","errors":null}"#, 2), processed(&[]));
        for errors in [r#"{}"#, r#""none""#, "7"] {
            let body = format!(r#"{{"message":"success","errors":{errors}}}"#);
            assert_eq!(meaning(201, &body, 2), processed(&[]), "it is the service's, and not sent again");
        }
        let body = r#"{"message":"success","errors":[{"index":1,"input_array":"attributes","type":"bad"},{"index":1,"type":"worse"},{"index":9,"type":"?"},"?"]}"#;
        assert_eq!(meaning(201, body, 2), processed_with_unknown_errors(&[(1, "bad; worse")]));
        let body = r#"{"message":"success","errors":[{"index":"0","type":"bad"}]}"#;
        assert_eq!(
            (meaning(201, body, 2), meaning(201, body, 1)),
            (processed_with_unknown_errors(&[]), processed(&[(0, "bad")]))
        );
    }

    #[test]
    fn a_success_with_an_empty_cut_off_or_unknown_object_is_an_acknowledgement() {
        let foreign = |refused| Ok(Meaning::Processed(Processed { foreign_body: true, ..refusals(refused) }));
        for body in ["", " \n", "{", r#"{"message":"succ"#, "{}", r#"{"message":7}"#, "\u{feff}{}"] {
            assert_eq!(meaning(200, body, 3), foreign(&[]), "{body}");
        }
        assert_eq!(meaning(201, r#"{"errors":[{"index":1,"type":"bad"}]}"#, 3), foreign(&[(1, "bad")]));
        let marked = "\u{feff}{\"message\":\"success\",\"errors\":[{\"index\":1,\"type\":\"bad\"}]}";
        assert_eq!(meaning(201, marked, 3), processed(&[(1, "bad")]));
    }

    #[test]
    fn a_web_page_or_another_body_that_is_no_object_is_no_acknowledgement() {
        for (body, what) in [
            ("<html>Welcome to the hotel</html>", "a web page"),
            ("\u{feff}\n<!DOCTYPE html><title>Sign in</title>", "a web page"),
            ("[]", "a body that is not a JSON object"),
            ("null", "a body that is not a JSON object"),
            ("OK", "a body that is not a JSON object"),
            ("{{ title }}", "a body that is not a JSON object"),
        ] {
            let Ok(Meaning::Transient(reason, None)) = meaning(200, body, 3) else { panic!("{body}") };
            assert!(reason.starts_with(&format!("the destination answers 200 OK with {what} instead")), "{reason}");
        }
        let html = HeaderMap::from_iter([(http::header::CONTENT_TYPE, "Text/HTML; charset=utf-8".parse().unwrap())]);
        let meaning = |body: &str| read(StatusCode::OK, &html, body.as_bytes(), 1, Utc::now()).unwrap();
        assert!(matches!(meaning(""), Meaning::Transient(..)), "a page without content");
        assert!(matches!(meaning("Please log in"), Meaning::Transient(..)));
        assert!(matches!(meaning(r#"{"message":"success"}"#), Meaning::Processed(..)), "only its type is wrong");
    }

    #[test]
    fn a_400_that_names_every_object_refuses_each_one() {
        let body = r#"{"message":"x","errors":[{"index":0,"type":"a"},{"index":1,"type":"b"}]}"#;
        assert_eq!(meaning(400, body, 2), processed(&[(0, "a"), (1, "b")]));
        assert_eq!(meaning(400, body, 3), Ok(Meaning::RefusedTogether("x".into())));
        assert_eq!(meaning(413, "<html>", 3), Ok(Meaning::RefusedTogether("413 Payload Too Large".into())));
    }

    #[test]
    fn a_400_from_a_proxy_refuses_no_object() {
        for body in ["<html>400 Bad Request</html>", "", "{}", r#"{"error":"bad"}"#] {
            assert!(matches!(meaning(400, body, 3), Err(SyncError::Config(_))), "{body}");
        }
    }

    #[test]
    fn a_refused_key_is_a_config_error_and_never_shown() {
        for status in [401, 403] {
            let Err(SyncError::Config(cause)) = meaning(status, r#"{"message":"Invalid API key: hunter2"}"#, 1) else {
                panic!("{status}");
            };
            assert!(cause.contains("key") && !cause.contains("hunter2"), "{cause}");
        }
        assert!(matches!(meaning(404, "", 1), Err(SyncError::Config(_))));
        assert!(matches!(meaning(302, "", 1), Err(SyncError::Config(_))));
        assert!(matches!(meaning(418, "", 1), Err(SyncError::Config(_))));
    }

    #[test]
    fn transient_errors_are_distinguished_from_rate_limits() {
        assert_eq!(meaning(429, "", 1), Ok(Meaning::RateLimited(None)));
        for status in [500, 502, 503, 504] {
            assert!(matches!(meaning(status, "<html>", 1), Ok(Meaning::ServerError(..))), "{status}");
        }
        assert!(matches!(meaning(408, "<html>", 1), Ok(Meaning::Transient(..))));
    }
}
