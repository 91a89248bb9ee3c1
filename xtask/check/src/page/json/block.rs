//! Parses a whole block: consecutive values, and the lines above them.

use std::ops::Range;

use openapi_model::node::Value;

use super::ShownValue;
use super::found::Kind;
use super::reader::Reader;
use crate::page::model::Written;

/// Methods of requests.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"];
/// The maximum length of a label.
const LONGEST_LABEL: usize = 80;

/// The lines above a value.
#[derive(Default)]
struct Head {
    caption: Option<Written<String>>,
    start_line: Option<Written<String>>,
    headers: Vec<Written<(String, String)>>,
}

impl Reader<'_> {
    /// All values of the block.
    pub fn block(&mut self) -> Vec<ShownValue> {
        let mut values: Vec<ShownValue> = Vec::new();
        let mut head = Head::default();
        // The place of a comma after a value.
        let mut comma: Option<usize> = None;
        loop {
            self.comment = None;
            self.skip();
            if let Some(comment) = self.comment.take() {
                head.caption = Some(comment);
            }
            let Some(byte) = self.peek() else { break };
            match byte {
                b'{' | b'[' => {
                    let node = self.value(None);
                    let mut value = self.shown(node, std::mem::take(&mut head));
                    if comma.take().is_some() {
                        value.is_fragment = true;
                        self.found.has_notation = true;
                        if let Some(before) = values.last_mut() {
                            before.is_fragment = true;
                        }
                    }
                    values.push(value);
                }
                b'"' | b'\'' if self.is_member() => {
                    let node = self.fragment();
                    self.found.has_notation = true;
                    let mut value = self.shown(node, std::mem::take(&mut head));
                    value.is_fragment = true;
                    values.push(value);
                }
                b',' if !values.is_empty() && comma.is_none() => {
                    comma = Some(self.at);
                    self.at += 1;
                }
                b'}' | b']' if let Some(value) = values.last_mut().filter(|value| !value.is_fragment) => {
                    value.is_partial = true;
                    let message = format!("`{}` closes nothing", char::from(byte));
                    self.found.wrong(Kind::Other, self.at..self.at + 1, message);
                    self.at += 1;
                }
                // The end of the object or list that contains the members.
                b'}' | b']' if !values.is_empty() => self.at += 1,
                _ if self.ellipsis() => {
                    comma = None;
                    self.at += self.line().len();
                    for value in &mut values {
                        value.is_partial = true;
                    }
                }
                _ if values.is_empty() && self.is_scalar() => {
                    let node = self.value(None);
                    values.push(self.shown(node, std::mem::take(&mut head)));
                }
                _ if self.head(&mut head) => {}
                // Other text, before or after.
                _ => {
                    self.found.has_notation = true;
                    break;
                }
            }
        }
        if let Some(comma) = comma {
            self.found.wrong(Kind::Other, comma..comma + 1, "nothing follows this comma");
            values.iter_mut().for_each(|value| value.is_partial = true);
        }
        values
    }

    fn shown(&mut self, node: openapi_model::node::Node, head: Head) -> ShownValue {
        let found = &mut self.found;
        found.has_notation |= head.start_line.is_some() || !head.headers.is_empty();
        let mut placeholders = std::mem::take(&mut found.placeholders);
        let mut abridged = std::mem::take(&mut found.abridged);
        placeholders.sort_by_key(|range| range.start);
        abridged.sort_by_key(|range| range.start);
        if matches!(node.value, Value::Object(_) | Value::Array(_)) && node.range.len() == 2 {
            found.has_evidence = true;
        }
        ShownValue {
            node,
            is_partial: std::mem::take(&mut found.is_partial),
            is_fragment: false,
            placeholders,
            abridged,
            caption: head.caption,
            start_line: head.start_line,
            headers: head.headers,
        }
    }

    /// Whether the rest is one string, number or literal of JSON.
    fn is_scalar(&self) -> bool {
        serde_json::from_str::<serde_json::Value>(self.rest().trim()).is_ok()
    }

    /// Consumes a line above a value.
    fn head(&mut self, head: &mut Head) -> bool {
        let line = self.line();
        let text = line.trim_end();
        let written = |part: &str, range: Range<usize>| Written { value: part.to_owned(), range };
        let range = self.at..self.at + text.len();
        if is_start_line(text) {
            *head = Head { caption: head.caption.take(), ..Head::default() };
            head.start_line = Some(written(text, range));
        } else if let Some((name, value)) = header(text) {
            let value = (name.to_lowercase(), value.to_owned());
            head.headers.push(Written { value, range });
        } else if !text.is_empty() && text.chars().all(|letter| "-=*_~<>→←↓v".contains(letter)) {
        } else if let Some(label) = label(text) {
            // The value may begin on the same line.
            head.caption = Some(written(
                label.trim_end_matches(':').trim_end(),
                self.at..self.at + label.trim_end_matches(':').trim_end().len(),
            ));
            self.found.has_notation = true;
            self.at += label.len();
            return true;
        } else {
            return false;
        }
        self.found.has_notation = true;
        self.at += line.len();
        true
    }
}

/// `POST /things`, `HTTP/1.1 201 Created`, `201 Created`.
fn is_start_line(text: &str) -> bool {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim_start();
    if METHODS.contains(&first) {
        return rest.starts_with(['/', '{', '<', ':', '$']) || rest.starts_with("http");
    }
    let is_status = |text: &str| {
        text.len() == 3 && text.starts_with(['1', '2', '3', '4', '5']) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if first.starts_with("HTTP") {
        return rest.split(' ').next().is_some_and(is_status);
    }
    is_status(first) && rest.starts_with(|letter: char| letter.is_ascii_uppercase()) && rest.len() < 40
}

/// `Content-Type: application/json`.
fn header(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let value = value.trim();
    let is_value = !value.is_empty() && !value.starts_with(['{', '[', '"']);
    (is_name && name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && is_value).then_some((name, value))
}

/// A line of words above a value, such as `Response:`.
fn label(text: &str) -> Option<&str> {
    let is_words = |text: &str| {
        text.starts_with(|letter: char| letter.is_alphabetic() || letter == '*' || letter == '$' || letter == '>')
            && text.len() <= LONGEST_LABEL
            && !text.ends_with(['=', '(', '{', ';', '\\', ',', '.', '+'])
            && !text.contains(['"', '\'', '`', ';', '=', '{', '['])
            && !text.split_whitespace().any(|word| word == "curl")
    };
    if let Some(at) = text.find([':']).filter(|at| text[at + 1..].trim_start().starts_with(['{', '['])) {
        return is_words(&text[..at]).then_some(&text[..=at]);
    }
    is_words(text).then_some(text)
}
