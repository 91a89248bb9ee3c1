//! HTTP messages on pages: requests and responses, each with its first line, headers and body.

use std::ops::Range;

use super::curl::{Body, Data, Request};
use super::model::Written;
use super::shell::Word;

/// Methods of requests.
const METHODS: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY"];

/// A request or a response.
#[derive(Debug, Clone)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: Written<u16>,
    /// The headers: name in lower case, value.
    pub headers: Vec<Written<(String, String)>>,
    /// The body, as on the page.
    pub body: Option<Written<String>>,
}

/// The first message in a text, if the text begins with one. Places count from `offset`.
pub fn message(text: &str, offset: usize) -> Option<Message> {
    messages(text, offset).into_iter().next()
}

/// The consecutive messages in a text. Empty if it begins with something else.
pub fn messages(text: &str, offset: usize) -> Vec<Message> {
    let mut found = Vec::new();
    let mut reader = Reader { text, offset, at: 0 };
    while let Some(message) = reader.message() {
        found.push(message);
    }
    found
}

/// The first line of a message.
enum Start {
    Request { method: Range<usize>, target: Range<usize>, has_version: bool },
    Status(Range<usize>),
}

struct Reader<'a> {
    text: &'a str,
    offset: usize,
    at: usize,
}

impl<'a> Reader<'a> {
    fn message(&mut self) -> Option<Message> {
        let mut line = self.line()?;
        while line.trim().is_empty() || is_comment(line) {
            self.pass(line);
            line = self.line()?;
        }
        let start = start(line, self.at)?;
        self.pass(line);
        let headers = self.headers()?;
        let body = self.body();
        match start {
            Start::Status(status) => {
                let status = Written { value: self.text[status.clone()].parse().ok()?, range: self.moved(&status) };
                let body = body.map(|body| self.written(body));
                Some(Message::Response(Response { status, headers, body }))
            }
            Start::Request { has_version, .. }
                if !has_version && headers.is_empty() && body.is_none() && !self.response_follows() =>
            {
                None
            }
            Start::Request { method, target, .. } => {
                let (method, mut url) = (self.written(method), self.written(target));
                if url.starts_with('/')
                    && let Some(host) = headers.iter().find(|header| header.value.0 == "host")
                {
                    url.value = format!("https://{}{}", host.value.1, url.value);
                }
                let body = body.map_or(Body::Nothing, |body| {
                    let written = Word::verbatim(&self.text[body.clone()], self.offset + body.start);
                    Body::Data(vec![Data { text: Some(written.clone()), written, is_encoded: false }])
                });
                let query = Vec::new();
                Some(Message::Request(Request { method, is_implied: false, url, headers, query, body, is_raw: true }))
            }
        }
    }

    /// Header lines, and the blank line after them. `None` if something else follows.
    fn headers(&mut self) -> Option<Vec<Written<(String, String)>>> {
        let mut headers = Vec::new();
        while let Some(line) = self.line() {
            let text = line.trim();
            if text.is_empty() {
                self.pass(line);
                break;
            }
            if is_body(text) || start(line, self.at).is_some() {
                break;
            }
            let (name, value) = text.split_once(':')?;
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
            if !is_name || name.is_empty() {
                return None;
            }
            let place = self.at + (line.len() - line.trim_start().len());
            let range = self.moved(&(place..place + text.len()));
            headers.push(Written { value: (name.to_lowercase(), value.trim().to_owned()), range });
            self.pass(line);
        }
        Some(headers)
    }

    /// The text up to the next message.
    fn body(&mut self) -> Option<Range<usize>> {
        let first = self.at;
        while let Some(line) = self.line() {
            if start(line, self.at).is_some() || line.starts_with("###") {
                break;
            }
            self.pass(line);
        }
        let text = &self.text[first..self.at];
        let content = text.trim();
        let first = first + (text.len() - text.trim_start().len());
        (!content.is_empty()).then(|| first..first + content.len())
    }

    fn response_follows(&self) -> bool {
        self.line().is_some_and(|line| matches!(start(line, self.at), Some(Start::Status(_))))
    }

    /// The line at the current position, including its end.
    fn line(&self) -> Option<&'a str> {
        self.text[self.at..].split_inclusive('\n').next()
    }

    fn pass(&mut self, line: &str) {
        self.at += line.len();
    }

    fn moved(&self, range: &Range<usize>) -> Range<usize> {
        self.offset + range.start..self.offset + range.end
    }

    fn written(&self, range: Range<usize>) -> Written<String> {
        Written { value: self.text[range.clone()].to_owned(), range: self.moved(&range) }
    }
}

/// The first line of a message, which begins at a byte.
fn start(line: &str, at: usize) -> Option<Start> {
    let at = at + (line.len() - line.trim_start().len());
    let line = line.trim();
    let (first, rest) = line.split_once(' ')?;
    let target = rest.trim_start();
    let begins = at + line.len() - target.len();
    if first == "HTTP" || first.starts_with("HTTP/") {
        let status = target.split(' ').next().unwrap_or_default();
        let is_status = status.len() == 3
            && status.bytes().all(|byte| byte.is_ascii_digit())
            && status.starts_with(['1', '2', '3', '4', '5']);
        return is_status.then(|| Start::Status(begins..begins + status.len()));
    }
    let version = target.rsplit_once(' ').filter(|(_, version)| version.starts_with("HTTP/"));
    let target = version.map_or(target, |(target, _)| target.trim_end());
    let is_target = target.starts_with(['/', '{', '<', ':', '$']) || target.starts_with("http");
    let is_request = METHODS.contains(&first) && is_target && (version.is_some() || !target.contains(' '));
    is_request.then(|| Start::Request {
        method: at..at + first.len(),
        target: begins..begins + target.len(),
        has_version: version.is_some(),
    })
}

/// Whether a line that does not follow a blank line begins a body.
fn is_body(text: &str) -> bool {
    text.starts_with(['{', '['])
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::data;

    fn request(text: &str) -> Request {
        match message(text, 100) {
            Some(Message::Request(request)) => request,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_raw_request_is_read_like_a_curl_command() {
        let text = "# a comment\nPOST /things?x=1 HTTP/1.1\nHost: x.org\r\nContent-Type: application/json\n\n{\n  \"é\": [1]\n}\n";
        let request = request(text);
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://x.org/things?x=1"));
        assert_eq!(&text[request.url.range.start - 100..request.url.range.end - 100], "/things?x=1");
        assert_eq!(request.header("host").unwrap().value, "x.org");
        assert_eq!(request.content_type().unwrap().value, "application/json");
        let sent = data(&request).unwrap().unwrap();
        let one = &sent.node.get("é").unwrap().items()[0];
        assert_eq!(&text[one.range.start - 100..one.range.end - 100], "1");
    }

    #[test]
    fn a_request_needs_no_version_if_something_follows() {
        assert_eq!(request("PUT /a\nX-B: c").headers.len(), 1);
        assert_eq!(request("PUT /a\n{\"b\": 1}").body.texts().collect::<Vec<_>>(), ["{\"b\": 1}"]);
        assert_eq!(request("GET https://x.org/a HTTP/2").url.value, "https://x.org/a");
        assert!(request("PUT /a\n\na=b").content_type().is_none());
        for text in
            ["PUT /a", "PUT /a\nPOST /b", "GET /a\nreturns a list", "GET things\nA: b", "get /a\nA: b", "", "\n"]
        {
            assert!(message(text, 0).is_none(), "{text}");
        }
    }

    #[test]
    fn a_response_follows_its_request() {
        let text = "GET /a\n\nHTTP/1.1 201 Created\nX-Id: 5\n[1]\n\nHTTP/2 204\n";
        let found = messages(text, 8);
        let [Message::Request(_), Message::Response(first), Message::Response(second)] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((first.status.value, second.status.value), (201, 204));
        assert_eq!(&text[first.status.range.start - 8..first.status.range.end - 8], "201");
        assert_eq!(first.headers[0].value, ("x-id".to_owned(), "5".to_owned()));
        assert_eq!(first.body.as_ref().unwrap().value, "[1]");
        assert!(second.body.is_none());
    }
}
