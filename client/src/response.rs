//! A raw answer, and what its headers mean.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode, header};

/// A whole answer of the server: status, headers and body. Cheap to clone.
#[derive(Clone)]
pub struct Response(Arc<Parts>);

struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The state of an operation's rate limit for a workspace, from the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests of this operation are allowed in one window.
    pub limit: u64,
    /// How many requests are left in this window.
    pub remaining: u64,
    /// When this window ends, by the server's clock.
    pub reset: DateTime<Utc>,
}

/// With the beginning of the body, as text.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.0.status)
            .field("headers", &self.0.headers)
            .field("body", &self.excerpt())
            .finish()
    }
}

impl Response {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Response {
        Response(Arc::new(Parts { status, headers, body }))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The body. It is cut off after 16 MiB, and where it repeats the API key, the key is replaced with `…`.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.body)
    }

    /// The `message` in a JSON body.
    pub fn message(&self) -> Option<String> {
        self.text_field("message")
    }

    /// The ID of the request in the server's log: `request_id` in the body, or the header `X-Request-Id`.
    pub fn request_id(&self) -> Option<String> {
        self.text_field("request_id").or_else(|| self.header("x-request-id").map(str::to_owned))
    }

    /// How long the server asks to wait before the next try (`Retry-After`, in seconds or as a date).
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header(header::RETRY_AFTER.as_str())?;
        match value.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => Some(self.until(http_date(value)?)),
        }
    }

    /// The state of the rate limit; `None` unless the answer has all three `X-RateLimit-*` headers.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let number = |name| self.header(name)?.parse::<u64>().ok();
        Some(RateLimit {
            limit: number("x-ratelimit-limit")?,
            remaining: number("x-ratelimit-remaining")?,
            reset: self.reset()?,
        })
    }

    /// `X-RateLimit-Reset`: a Unix time, as in the contract, or the number of seconds left, as other servers send it.
    pub(crate) fn reset(&self) -> Option<DateTime<Utc>> {
        /// Ten years in seconds. Smaller numbers are seconds left, larger ones are Unix times.
        const FIRST_DATE: i64 = 315_360_000;
        let seconds = self.header("x-ratelimit-reset")?.parse().ok().filter(|seconds| *seconds >= 0)?;
        match seconds < FIRST_DATE {
            true => self.now().checked_add_signed(TimeDelta::seconds(seconds)),
            false => DateTime::from_timestamp(seconds, 0),
        }
    }

    /// When the server sent the answer, by its own clock (`Date`, in whole seconds, rounded down).
    pub fn date(&self) -> Option<DateTime<Utc>> {
        http_date(self.header(header::DATE.as_str())?)
    }

    /// How long it is until a moment of the server's clock; zero if it has passed.
    pub(crate) fn until(&self, moment: DateTime<Utc>) -> Duration {
        (moment - self.now()).to_std().unwrap_or_default()
    }

    /// The server's clock, as far as it is known.
    fn now(&self) -> DateTime<Utc> {
        self.date().unwrap_or_else(Utc::now)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok().map(str::trim)
    }

    fn text_field(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.0.body).ok()?;
        body.get(name)?.as_str().map(str::to_owned)
    }

    /// Whether the body is a web page.
    pub(crate) fn is_html(&self) -> bool {
        let is_type = self.header(header::CONTENT_TYPE.as_str()).is_some_and(|value| value.starts_with("text/html"));
        let body = self.0.body.trim_ascii_start();
        let begins = |tag: &[u8]| body.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        is_type || begins(b"<!doctype html") || begins(b"<html")
    }

    /// The beginning of the body on one line, fit for a terminal.
    pub(crate) fn excerpt(&self) -> String {
        const LONGEST: usize = 200;
        // No more than needed: a body may be long.
        let beginning = &self.0.body[..self.0.body.len().min(16 * LONGEST)];
        let mut excerpt = one_line(&String::from_utf8_lossy(beginning));
        if let Some((end, _)) = excerpt.char_indices().nth(LONGEST) {
            excerpt.truncate(end);
            excerpt.push('…');
        }
        excerpt
    }
}

/// A text from the server on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || takes_control(character));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Control characters, and those that change the direction of what follows.
fn takes_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The one form of HTTP dates that servers still send.
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(headers: &[(&'static str, &'static str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)))
            .collect();
        Response::new(StatusCode::TOO_MANY_REQUESTS, headers, body.into())
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let seconds = response(&[("retry-after", "7")], "");
        assert_eq!(seconds.retry_after(), Some(Duration::from_secs(7)));
        let date = response(
            &[("retry-after", "Mon, 23 Nov 2026 20:43:09 GMT"), ("date", "Mon, 23 Nov 2026 20:43:00 GMT")],
            "",
        );
        assert_eq!(date.retry_after(), Some(Duration::from_secs(9)));
        let past = response(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], "");
        assert_eq!(past.retry_after(), Some(Duration::ZERO));
        assert_eq!(response(&[("retry-after", "soon")], "").retry_after(), None);
        assert_eq!(response(&[], "").retry_after(), None);
    }

    #[test]
    fn the_rate_limit_needs_all_three_headers() {
        let whole = response(
            &[("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795466640")],
            "",
        );
        let limit = whole.rate_limit().unwrap();
        assert_eq!((limit.limit, limit.remaining), (20, 0));
        assert_eq!(limit.reset.timestamp(), 1_795_466_640);
        assert_eq!(response(&[("x-ratelimit-limit", "20")], "").rate_limit(), None);
        let absurd = response(
            &[
                ("x-ratelimit-limit", "20"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "99999999999999999999"),
            ],
            "",
        );
        assert_eq!(absurd.rate_limit(), None);
    }

    #[test]
    fn the_end_of_a_window_is_told_as_a_date_or_in_seconds_to_go() {
        let reset = |value: &'static str| {
            let date = ("date", "Mon, 23 Nov 2026 20:43:00 GMT");
            response(&[date, ("x-ratelimit-reset", value)], "").reset().map(|reset| reset.to_rfc3339())
        };
        assert_eq!(reset("1795466590").as_deref(), Some("2026-11-23T20:43:10+00:00"));
        assert_eq!(reset("10").as_deref(), Some("2026-11-23T20:43:10+00:00"));
        for nonsense in ["-1", "soon", "", "9223372036854775807"] {
            assert_eq!(reset(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_program_that_ends_with_an_error_prints_the_answer_as_text() {
        let shown = format!("{:?}", response(&[("via", "proxy")], "<html>"));
        assert_eq!(shown, r#"Response { status: 429, headers: {"via": "proxy"}, body: "<html>" }"#);
    }

    #[test]
    fn an_excerpt_is_short_and_has_no_control_characters() {
        let odd = response(&[], "<html>\r\n\u{1b}[31mBad  Gateway\u{7}</html>");
        assert_eq!(odd.excerpt(), "<html> [31mBad Gateway </html>");
        let long = response(&[], &"ü".repeat(5000));
        assert_eq!(long.excerpt().chars().count(), 201);
        assert!(long.excerpt().ends_with('…'));
        assert_eq!(response(&[], "\u{202e}gnp\u{9b}2J").excerpt(), "gnp 2J");
    }

    #[test]
    fn a_web_page_is_known_by_its_type_or_its_beginning() {
        for body in ["<html lang=\"en\">", "\n<!DOCTYPE html>"] {
            assert!(response(&[], body).is_html(), "{body}");
        }
        assert!(response(&[("content-type", "text/html; charset=utf-8")], "").is_html());
        for body in ["", "{}", "<?xml version=\"1.0\"?>"] {
            assert!(!response(&[("content-type", "application/json")], body).is_html(), "{body}");
        }
    }

    #[test]
    fn the_request_id_is_in_the_body_or_in_a_header() {
        assert_eq!(response(&[], r#"{"request_id":"a"}"#).request_id().as_deref(), Some("a"));
        assert_eq!(response(&[("x-request-id", "b")], "<html>").request_id().as_deref(), Some("b"));
    }
}
