//! What a peer is told before its connection is closed.

use uuid::Uuid;

use super::End;

/// An empty SETTINGS frame, and a GOAWAY frame with the error HTTP_1_1_REQUIRED and a text for people.
const HTTP2: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x21\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0dthis server uses HTTP/1.1";

/// The `Retry-After` of a 503, in seconds.
const RETRY_AFTER: u64 = 5;

/// What the peer of a connection that ends for this reason is told in HTTP/1.1: the status, its name and more; `None` if it is
/// not told so.
pub(super) fn said(end: End) -> Option<(u16, &'static str, &'static str)> {
    Some(match end {
        End::TooManyConnections => (503, "Service Unavailable", "the server has as many connections as it may have"),
        End::TooManyFromAddress => {
            (503, "Service Unavailable", "your address has as many connections to the server as it may have")
        }
        End::TooManyFiles => (503, "Service Unavailable", "the server has as many open files as it may have"),
        End::Unavailable => (503, "Service Unavailable", "the server takes no requests at the moment"),
        End::NotTls => (400, "Bad Request", "this port takes HTTPS only; the URL begins with https://"),
        End::Tls => (400, "Bad Request", "this port takes plain HTTP only; the URL begins with http://"),
        End::NotHttp => (400, "Bad Request", "this is not the beginning of an HTTP request"),
        End::LargeHead => (431, "Request Header Fields Too Large", "the URL and the headers of a request are too long"),
        End::SlowRequest => (408, "Request Timeout", "the request did not arrive completely in time"),
        End::Http2
        | End::Finished
        | End::Broken
        | End::BadHandshake
        | End::SlowHandshake
        | End::Silent
        | End::Idle
        | End::StalledReader
        | End::Old
        | End::Draining => return None,
    })
}

/// The answer for a connection that ends for this reason; `None` if it is closed without one.
pub(super) fn answer(end: End) -> Option<Vec<u8>> {
    if end == End::Http2 {
        return Some(HTTP2.to_vec());
    }
    let (status, message, detail) = said(end)?;
    let request_id = Uuid::new_v4();
    let body = serde_json::json!({ "message": message, "errors": [detail], "request_id": request_id }).to_string();
    let retry_after = if status == 503 { format!("retry-after: {RETRY_AFTER}\r\n") } else { String::new() };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} {message}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         {retry_after}x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    );
    Some((head + &body).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frames_of_the_http2_refusal_have_their_lengths() {
        let (settings, goaway) = HTTP2.split_at(9);
        assert_eq!(settings, [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(usize::from(goaway[2]), goaway.len() - 9);
    }

    #[test]
    fn a_refusal_has_the_form_of_the_contract() {
        for end in End::ALL.into_iter().filter(|end| end.is_refusal() && *end != End::Http2) {
            let text = String::from_utf8(answer(end).unwrap()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert!(head.contains(body["request_id"].as_str().unwrap()), "{head}");
            let is_unavailable = head.starts_with("HTTP/1.1 503 ");
            assert_eq!(head.contains("retry-after: 5"), is_unavailable, "{head}");
            assert_eq!(body["message"] == "Service Unavailable", is_unavailable, "{body}");
        }
    }
}
