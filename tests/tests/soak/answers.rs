//! Reads the answers on a connection, and says which answers are documented.

use serde_json::Value;

/// The answers to requests that belong to no operation. The contract names the first four groups; the others come from
/// HTTP itself, before there is a request.
const OUTSIDE_OF_OPERATIONS: [(u16, &str); 9] = [
    (400, "what is not HTTP, or a path that cannot be decoded"),
    (404, "an unknown path"),
    (405, "a method that the path does not have"),
    (408, "a request that does not arrive completely in time"),
    (413, "a body that is declared too large"),
    (414, "a URL that is too long"),
    (431, "headers that are too long or too many"),
    (501, "a method or a transfer coding that is not implemented"),
    (505, "another version of HTTP"),
];

/// The documented answers of the operations.
const OF_OPERATIONS: [(u16, &[&str]); 7] = [
    (200, &["success"]),
    (202, &["success"]),
    (400, &["Invalid integration ID", "Invalid cursor"]),
    (401, &["Unauthorized"]),
    (403, &["Access Denied"]),
    (404, &["Integration not found"]),
    (429, &["Rate Limited", "Another job is in progress"]),
];

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    body: Vec<u8>,
}

/// All answers that were received on a connection; those to HEAD are `without_bodies`. The last may be cut off if the
/// connection was.
pub fn answers(mut received: &[u8], without_bodies: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    // HTTP/2 is refused by a frame.
    if received.starts_with(b"\0\0\0\x04\0") {
        return answers;
    }
    while let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
        let head = String::from_utf8(received[..end].to_vec()).expect("the head of an answer is text");
        received = &received[end + 4..];
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("this is no answer: {head:?}"));
        let length = match header(&head, "content-length") {
            Some(length) if !without_bodies => length.parse().expect("a length"),
            _ => 0,
        };
        assert!(header(&head, "transfer-encoding").is_none(), "{head}");
        let (body, rest) = received.split_at(usize::min(length, received.len()));
        received = rest;
        if status >= 200 && body.len() == length {
            answers.push(Answer { status, head, body: body.to_vec() });
        }
    }
    assert!(received.is_empty(), "this is no answer: {:?}", String::from_utf8_lossy(received));
    answers
}

/// What is wrong about an answer.
pub fn judge(answer: &Answer) -> Result<(), &'static str> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let message = body.as_ref().and_then(|body| body["message"].as_str());
    let documented = OF_OPERATIONS.iter().any(|(status, messages)| {
        *status == answer.status && message.is_some_and(|message| messages.contains(&message))
    });
    let is_outside = OUTSIDE_OF_OPERATIONS.iter().any(|(status, _)| *status == answer.status);
    if !documented && !is_outside {
        return Err("this answer is not documented");
    }
    if !documented && !answer.body.is_empty() && message.is_none() {
        return Err("the body is no `Error`");
    }
    let needs = match answer.status {
        401 => Some("www-authenticate"),
        405 => Some("allow"),
        _ => None,
    };
    if needs.is_some_and(|name| header(&answer.head, name).is_none()) {
        return Err("a header is missing");
    }
    if documented && answer.status != 401 && header(&answer.head, "x-ratelimit-limit").is_none() {
        return Err("the headers of the rate limit are missing");
    }
    Ok(())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim())
}

#[test]
fn answers_that_are_not_documented_are_recognised() {
    let one = |text: &str| judge(&answers(text.as_bytes(), false)[0]);
    assert!(one("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_ok());
    assert!(one("HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 26\r\n\r\n{\"message\":\"Unauthorized\"}").is_ok());
    assert!(one("HTTP/1.1 401 Unauthorized\r\ncontent-length: 26\r\n\r\n{\"message\":\"Unauthorized\"}").is_err());
    assert!(one("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").is_err());
    assert!(
        one("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 33\r\n\r\n{\"message\":\"Service Unavailable\"}")
            .is_err()
    );
    assert!(one("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").is_err());
    assert!(one("HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\nhello").is_err());
}
