//! What an answer of `/users/track` means for the objects that were sent.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::SyncError;
use super::wait::asked;

/// The meaning of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The objects were dealt with one by one: these are refused, the others accepted.
    Dealt(Vec<(usize, String)>),
    /// All were refused together; the reason may be with some of them only.
    RefusedTogether(String),
    /// Too many requests: nothing has happened, and this is how long to wait if the destination says so.
    Later(Option<Duration>),
    /// Something was wrong that may pass: the reason, and how long to wait if the destination says so.
    Trouble(String, Option<Duration>),
}

/// The service's own answers have a message.
#[derive(Debug, Deserialize)]
struct Body {
    message: String,
    /// A list; what else may stand here names no object.
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
    let own = serde_json::from_slice::<Body>(body).ok();
    match status.as_u16() {
        200..=299 => match own {
            Some(body) => Ok(Meaning::Dealt(refusals(&body.errors, count))),
            // Something between here and the destination has answered.
            None => Ok(Meaning::Trouble(format!("{status} with a body that is not the service's"), None)),
        },
        400 => match own {
            Some(body) => Ok(refused(body.message, refusals(&body.errors, count), count)),
            // Whoever said that has not looked at the objects.
            None => Err(SyncError::Config(format!(
                "the destination answers {status} with a body that is not the service's; check `url` and what stands between"
            ))),
        },
        // Proxies have limits of their own: smaller requests may pass.
        413 => {
            let body = own.unwrap_or_else(|| Body { message: status.to_string(), errors: serde_json::Value::Null });
            Ok(refused(body.message, refusals(&body.errors, count), count))
        }
        // Their bodies are not repeated: that of a 401 holds the key.
        401 | 403 => Err(SyncError::Config(format!(
            "the destination refuses the key ({status}); check `api_key` and that the key may use `users.track`"
        ))),
        404 => Err(SyncError::Config(format!("the destination has no such address ({status}); check `url`"))),
        429 => Ok(Meaning::Later(asked(headers, now))),
        408 | 425 | 500..=599 => Ok(Meaning::Trouble(status.to_string(), asked(headers, now))),
        300..=399 => {
            let location = headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("?");
            let place = location.split(['?', '#']).next().unwrap_or_default();
            Err(SyncError::Config(format!(
                "the destination redirects ({status}) to {place:?}, which is not followed; check `url`"
            )))
        }
        _ => Err(SyncError::Config(format!("the destination answers {status}, which it should not; check `url`"))),
    }
}

/// A refusal that names every object is about each; any other is about all of them.
fn refused(message: String, refusals: Vec<(usize, String)>, count: usize) -> Meaning {
    if count > 0 && refusals.len() == count { Meaning::Dealt(refusals) } else { Meaning::RefusedTogether(message) }
}

/// The errors that name an object, each object once.
fn refusals(errors: &serde_json::Value, count: usize) -> Vec<(usize, String)> {
    let mut refusals: BTreeMap<usize, String> = BTreeMap::new();
    for error in errors.as_array().into_iter().flatten() {
        let index =
            error.get("index").and_then(serde_json::Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let reason = error.get("type").and_then(serde_json::Value::as_str).unwrap_or("refused without a reason");
        // An error in the answer to one object is about that object.
        match index.filter(|index| *index < count).or((count == 1).then_some(0)) {
            Some(index) => {
                refusals
                    .entry(index)
                    .and_modify(|reasons| *reasons = format!("{reasons}; {reason}"))
                    .or_insert_with(|| reason.to_owned());
            }
            None => tracing::warn!("the destination's answer has an error that names no object of the request"),
        }
    }
    refusals.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str, count: usize) -> Result<Meaning, SyncError> {
        read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), count, Utc::now())
    }

    fn dealt(refused: &[(usize, &str)]) -> Result<Meaning, SyncError> {
        Ok(Meaning::Dealt(refused.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect()))
    }

    #[test]
    fn a_success_names_the_objects_it_refuses() {
        assert_eq!(meaning(201, r#"{"message":"success","attributes_processed":2}"#, 2), dealt(&[]));
        assert_eq!(meaning(202, r#"{"message":"queued"}"#, 2), dealt(&[]));
        assert_eq!(meaning(201, r#"{"message":"success","errors":null}"#, 2), dealt(&[]));
        for odd in [r#"{}"#, r#""none""#, "7"] {
            let body = format!(r#"{{"message":"success","errors":{odd}}}"#);
            assert_eq!(meaning(201, &body, 2), dealt(&[]), "it is the service's, and not sent again");
        }
        let body = r#"{"message":"success","errors":[{"index":1,"input_array":"attributes","type":"bad"},{"index":1,"type":"worse"},{"index":9,"type":"?"},"?"]}"#;
        assert_eq!(meaning(201, body, 2), dealt(&[(1, "bad; worse")]));
        let body = r#"{"message":"success","errors":[{"index":"0","type":"bad"}]}"#;
        assert_eq!((meaning(201, body, 2), meaning(201, body, 1)), (dealt(&[]), dealt(&[(0, "bad")])));
    }

    #[test]
    fn a_400_that_names_every_object_is_an_answer_about_each() {
        let body = r#"{"message":"x","errors":[{"index":0,"type":"a"},{"index":1,"type":"b"}]}"#;
        assert_eq!(meaning(400, body, 2), dealt(&[(0, "a"), (1, "b")]));
        assert_eq!(meaning(400, body, 3), Ok(Meaning::RefusedTogether("x".into())));
        assert_eq!(meaning(413, "<html>", 3), Ok(Meaning::RefusedTogether("413 Payload Too Large".into())));
    }

    #[test]
    fn a_400_of_something_in_between_refuses_no_object() {
        for body in ["<html>400 Bad Request</html>", "", "{}", r#"{"error":"bad"}"#] {
            assert!(matches!(meaning(400, body, 3), Err(SyncError::Config(_))), "{body}");
        }
    }

    #[test]
    fn a_refused_key_is_a_matter_of_configuration_and_never_repeated() {
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
    fn what_may_pass_is_told_apart_from_what_must_wait() {
        assert_eq!(meaning(429, "", 1), Ok(Meaning::Later(None)));
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(meaning(status, "<html>", 1), Ok(Meaning::Trouble(..))), "{status}");
        }
        assert!(matches!(meaning(200, "<html>Welcome to the hotel</html>", 1), Ok(Meaning::Trouble(..))));
    }
}
