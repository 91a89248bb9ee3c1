//! Parses values, and the text after them on the same line.

use openapi_model::node::{MAX_DEPTH, Node, Value};

use super::found::Kind;
use super::placeholder::is_placeholder;
use super::reader::Reader;

/// Literals of other languages, and their JSON equivalents.
const FOREIGN: [(&str, &str); 14] = [
    ("NaN", ""),
    ("-NaN", ""),
    ("Infinity", ""),
    ("-Infinity", ""),
    ("+Infinity", ""),
    ("undefined", "null"),
    ("None", "null"),
    ("nil", "null"),
    ("Null", "null"),
    ("NULL", "null"),
    ("True", "true"),
    ("TRUE", "true"),
    ("False", "false"),
    ("FALSE", "false"),
];

impl Reader<'_> {
    /// The value that begins here, with its description on the same line. `name` is that of the member.
    pub fn value(&mut self, name: Option<&str>) -> Node {
        let start = self.at;
        let is_template = self.template().is_some();
        let value = match self.rest().chars().next() {
            Some('{' | '[') if self.open.len() >= MAX_DEPTH => {
                self.found.is_foreign = true;
                self.at = self.text.len();
                Value::Null
            }
            Some('{') if !is_template => self.object(),
            Some('[') => self.array(),
            Some('"' | '\'' | '`' | '“' | '”') => {
                let (text, is_json) = self.string();
                *(if is_json { &mut self.found.has_quoted_strings } else { &mut self.found.has_other_strings }) = true;
                if is_placeholder(&text, name) {
                    self.found.placeholder(&(start..self.at));
                }
                Value::String(text)
            }
            _ => match self.literal().or_else(|| self.number()) {
                Some(value) => value,
                None if self.ellipsis() => {
                    self.found.placeholder(&(start..self.at));
                    Value::Null
                }
                None => self.bare(name.is_some()),
            },
        };
        let mut node = Node { range: start..self.at, value };
        if name.is_some() && self.found.is_described() && !matches!(node.value, Value::Object(_) | Value::Array(_)) {
            // The value may follow its description.
            let (at, comment) = (self.at, self.comment.take());
            self.skip();
            if self.found.placeholders.last() == Some(&node.range) && self.starts("{") | self.starts("[") {
                self.found.placeholders.pop();
                return self.value(name);
            }
            (self.at, self.comment) = (at, comment);
        }
        self.after(&mut node, name.is_some());
        node
    }

    /// Whether a word or a number ends at a place.
    fn is_end(&self, at: usize) -> bool {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b",}]/#.|(\"".contains(byte);
        self.bytes.get(at).is_none_or(ends) || self.text.get(at..).is_some_and(|rest| rest.starts_with(['…', '\u{a0}']))
    }

    fn literal(&mut self) -> Option<Value> {
        let literals = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
        let (word, value) = literals.into_iter().find(|(word, _)| self.starts(word))?;
        self.is_end(self.at + word.len()).then(|| self.at += word.len())?;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let length = self.bytes[self.at..].iter().take_while(is_part).count();
        let written = &self.text[self.at..self.at + length];
        let written = written.split("..").next().unwrap_or_default();
        let number = serde_json::from_str(written).ok().filter(|_| self.is_end(self.at + written.len()))?;
        self.at += written.len();
        Some(Value::Number(number))
    }

    /// Unquoted text: a placeholder, a description, or invalid JSON.
    fn bare(&mut self, is_member: bool) -> Value {
        let start = self.at;
        self.at = self.bare_end(is_member);
        let text = self.text[start..self.at].trim_end();
        if text.is_empty() {
            let range = self.letter(start);
            self.at = range.end;
            self.found.wrong(Kind::Other, range, "a value cannot begin like this");
            return Value::Null;
        }
        self.at = start + text.len();
        let range = start..self.at;
        if let Some((_, right)) = FOREIGN.into_iter().find(|(word, _)| *word == text) {
            let instead = if right.is_empty() { String::new() } else { format!("; write `{right}`") };
            self.found.wrong(Kind::Manner, range, format!("`{text}` is not a JSON value{instead}"));
            return match right {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Null,
            };
        }
        self.found.placeholder(&range);
        if let Some(message) = no_number(text) {
            self.found.wrong(Kind::Other, range, message);
        } else if text.len() > 1 && text.find('"') == Some(text.len() - 1) {
            self.found.wrong(Kind::Other, range, "a quote is missing before this text");
        } else if self.is_template_only(start) || is_upper(text) || is_token(text) {
            self.found.has_notation = true;
        } else if is_plain_word(text) {
            self.found.word(&range);
        } else {
            self.found.prose();
        }
        Value::String(text.to_owned())
    }

    /// Whether the text since a place consists of placeholders, possibly with a word between them.
    fn is_template_only(&mut self, start: usize) -> bool {
        let end = std::mem::replace(&mut self.at, start);
        let mut has_template = false;
        while self.at < end {
            match self.template() {
                Some(length) if self.at + length <= end => {
                    has_template = true;
                    self.at += length;
                }
                _ if self.bytes[self.at].is_ascii_whitespace() => break,
                _ => self.at += 1,
            }
            while !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
        }
        let is_whole = self.at >= end;
        self.at = end;
        is_whole && has_template
    }

    /// The end of unquoted text: the end of its line, a closing bracket that it did not open, or a comma before
    /// something that does not belong to it.
    pub fn bare_end(&mut self, is_member: bool) -> usize {
        let start = self.at;
        let (mut brackets, mut parentheses) = (0_usize, 0_usize);
        let end = loop {
            let Some(byte) = self.peek() else { break self.at };
            let next = self.at + 1;
            match byte {
                b'\n' => break self.at,
                b'{' | b'[' | b'<' | b'$' | b'%' if let Some(length) = self.template() => {
                    self.at += length;
                    continue;
                }
                b'{' | b'[' if self.at > start && self.ends_line(next) => break self.at,
                b'{' | b'[' => brackets += 1,
                b'}' | b']' if brackets == 0 => break self.at,
                b'}' | b']' => brackets -= 1,
                b'(' => parentheses += 1,
                b')' => parentheses = parentheses.saturating_sub(1),
                b',' if self.ends_line(next) || self.item_follows(next, start) => break self.at,
                b',' if !is_member && parentheses == 0 && !self.bytes[start..].starts_with(b"(") => break self.at,
                b'/' if next > start + 1 && self.bytes[next - 2].is_ascii_whitespace() && self.starts("//") => {
                    break self.at;
                }
                _ => {}
            }
            self.at += 1;
        };
        self.at = start;
        end
    }

    /// Whether a line ends at a place, apart from a comment.
    fn ends_line(&self, at: usize) -> bool {
        let blanks = self.bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        let rest = &self.bytes[at + blanks..];
        rest.is_empty()
            || rest[0] == b'\n'
            || rest.starts_with(b"//")
            || rest.starts_with(b"/*")
            || rest.starts_with(b"# ")
    }

    /// Whether a name and a colon, an ellipsis or a bracket follow a comma.
    fn item_follows(&self, at: usize, start: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let rest = rest.trim_start_matches([' ', '\t']);
        if rest.starts_with("..") || rest.starts_with(['…', '}', ']']) {
            return true;
        }
        let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '$' | '@');
        let (length, quote) = match rest.strip_prefix('"') {
            Some(quoted) => (quoted.find(|letter| !is_name(letter)).unwrap_or(quoted.len()) + 2, true),
            None => (rest.find(|letter| !is_name(letter)).unwrap_or(rest.len()), false),
        };
        let is_word = || !self.text[start..at - 1].contains(char::is_whitespace);
        let is_closed = !quote || rest.as_bytes().get(length - 1) == Some(&b'"');
        let follows = rest.get(length..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(':'));
        is_closed && follows && (quote || (length > 0 && is_word()))
    }

    /// The text after a value on the same line: alternatives, a description, or invalid text.
    fn after(&mut self, node: &mut Node, is_member: bool) {
        let end = self.at;
        self.spaces();
        let Some(letter) = self.rest().chars().next() else {
            self.at = end;
            return;
        };
        let is_apart = self.at > end;
        let is_or = self.starts("or ") && is_apart;
        let is_slash = letter == '/' && !self.starts("//") && !self.starts("/*");
        match letter {
            '|' => self.alternatives(node, is_member),
            _ if (is_or || is_slash) && !matches!(node.value, Value::Object(_) | Value::Array(_)) => {
                self.alternatives(node, is_member);
            }
            ',' | '}' | ']' | '{' | '[' | '"' | '/' | '#' | '\n' | '\r' | '…' => self.at = end,
            '\'' if is_apart => self.at = end,
            '.' if self.starts("..") => self.at = end,
            '(' | '–' | '—' | '←' | '→' => self.description(is_member),
            _ if ["<-", "->", "=>", "- ", "<="].iter().any(|arrow| self.starts(arrow)) => self.description(is_member),
            _ if is_member && is_apart && self.colon_follows(self.identifier()) && self.identifier() > 0 => {
                self.at = end
            }
            letter
                if letter.is_alphabetic()
                    && is_apart
                    && !self.text[self.at..self.bare_end(is_member)].contains('"') =>
            {
                self.description(is_member);
            }
            _ => self.garbage(node, end, is_member),
        }
    }

    fn description(&mut self, is_member: bool) {
        self.found.prose();
        self.at = self.bare_end(is_member).max(self.at + 1);
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// `"a" | "b"`: of several alternatives, the first is read. It is a placeholder.
    fn alternatives(&mut self, node: &mut Node, is_member: bool) {
        self.found.has_notation = true;
        self.at = self.bare_end(is_member);
        let end = node.range.end + self.text[node.range.end..self.at].trim_end().len();
        let range = node.range.start..end;
        self.found.forget(&node.range);
        self.found.placeholder(&range);
        (node.range, self.at) = (range, end);
    }

    /// Invalid text after a value.
    fn garbage(&mut self, node: &mut Node, end: usize, is_member: bool) {
        let is_text = matches!(node.value, Value::String(_)) && self.bytes[..end].ends_with(b"\"");
        let line_end = self.rest().find('\n').map_or(self.text.len(), |length| self.at + length);
        let has_quote = self.text[self.at..line_end].contains('"');
        if is_text && has_quote && self.peek() != Some(b':') {
            self.found.wrong(
                Kind::Other,
                end - 1..end,
                "the string ends at this quote; write a quote in a string as `\\\"`",
            );
            self.found.forget(&node.range);
            // The closing quote is the one that is followed by a token that may follow strings.
            let mut quotes = self.text[self.at..line_end].match_indices('"').map(|(at, _)| self.at + at + 1);
            let is_last = |at: &usize| {
                let rest = self.text[*at..line_end].trim_start();
                rest.is_empty() || rest.starts_with([',', '}', ']'])
            };
            self.at = quotes.find(is_last).unwrap_or_else(|| self.bare_end(is_member));
            node.range.end = self.at.max(end);
            self.found.placeholder(&node.range);
        } else {
            let range = self.letter(self.at);
            self.found.wrong(Kind::Other, range.clone(), "this cannot follow a value");
            self.at = self.bare_end(is_member).max(range.end);
        }
    }
}

/// Why a text that looks like a number is not one.
fn no_number(text: &str) -> Option<String> {
    let begins = text.trim_start_matches(['+', '-', '.']).starts_with(|letter: char| letter.is_ascii_digit());
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.:_".contains(&byte);
    if !begins || !text.bytes().all(is_part) {
        return None;
    }
    let bytes = text.as_bytes();
    let is_date = bytes.len() >= 10
        && bytes[..10]
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() });
    if is_date {
        return Some(format!("`{text}` must be in double quotes"));
    }
    let is_hex = text.trim_start_matches(['+', '-']).to_lowercase().starts_with("0x");
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    (is_hex || is_number).then(|| format!("`{text}` is not a JSON number"))
}

/// A word that may be meant literally, and is not the name of a type.
fn is_plain_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
        && !is_placeholder(text, None)
}

/// `10kg`, `1-100`, `10.0.0.1`: tokens that do not describe a value in words. This includes numbers that are too big.
fn is_token(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') && !text.contains(char::is_whitespace)
}

/// `YOUR_ID`, `SOME-TEXT`.
fn is_upper(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    text.len() > 1 && text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_uppercase())
}
