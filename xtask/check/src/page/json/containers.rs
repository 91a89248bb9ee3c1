//! Parses objects and lists.

use std::ops::Range;

use openapi_model::node::{Entry, Node, Value, last_of_each};

use super::found::Kind;
use super::placeholder::is_name_placeholder;
use super::reader::Reader;

/// The last token in an object or list that is being parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Its opening bracket.
    Bracket,
    /// An item that ends at this offset.
    Item(usize),
    /// A comma at this offset.
    Comma(usize),
    /// An ellipsis or a description: anything is accepted before and after it.
    Words,
}

/// An object or list that is being parsed.
struct Open {
    /// The place of its bracket. `None` for members without braces.
    bracket: Option<usize>,
    close: u8,
    last: Last,
    is_abridged: bool,
}

impl Reader<'_> {
    pub fn object(&mut self) -> Value {
        let start = self.at;
        self.at += 1;
        self.open.push(b'{');
        let mut open = Open { bracket: Some(start), close: b'}', last: Last::Bracket, is_abridged: false };
        let entries = self.members(&mut open);
        self.open.pop();
        if open.is_abridged {
            self.found.abridged.push(start..self.at);
        }
        Value::Object(entries)
    }

    /// Members without braces.
    pub fn fragment(&mut self) -> Node {
        let start = self.at;
        let mut open = Open { bracket: None, close: b'}', last: Last::Bracket, is_abridged: true };
        let entries = self.members(&mut open);
        let end = entries.last().map_or(start, |entry| entry.value.range.end.max(start));
        self.found.abridged.push(start..end);
        Node { range: start..end, value: Value::Object(entries) }
    }

    fn members(&mut self, open: &mut Open) -> Vec<Entry> {
        let mut entries = Vec::new();
        while self.next_item(open) {
            match self.member(entries.is_empty()) {
                Some(entry) => {
                    open.last = Last::Item(self.at);
                    if entry.key == "…" || (entry.key.len() > 1 && entry.key.trim_matches('.').is_empty()) {
                        self.found.partial();
                        open.is_abridged = true;
                    } else {
                        entries.push(entry);
                    }
                }
                None => {
                    open.is_abridged = true;
                    open.last = Last::Words;
                }
            }
        }
        last_of_each(entries, &mut self.found.duplicates)
    }

    pub fn array(&mut self) -> Value {
        let start = self.at;
        self.at += 1;
        self.open.push(b'[');
        let mut open = Open { bracket: Some(start), close: b']', last: Last::Bracket, is_abridged: false };
        let mut items = Vec::new();
        while self.next_item(&mut open) {
            if self.starts("(") && !items.is_empty() {
                // `"a", (string) the name`
                self.found.prose();
                self.at = self.bare_end(false).max(self.at + 1);
                open.last = Last::Words;
                continue;
            }
            let item = self.value(None);
            open.last = Last::Item(self.at);
            self.found.has_evidence |= items.len() == 1 || matches!(item.value, Value::Object(_));
            items.push(item);
        }
        self.open.pop();
        if open.is_abridged {
            self.found.abridged.push(start..self.at);
        }
        Value::Array(items)
    }

    /// Moves to the next item, or past the bracket that closes the container.
    fn next_item(&mut self, open: &mut Open) -> bool {
        loop {
            self.is_left_out = false;
            self.skip();
            if self.is_left_out {
                self.leave_out(open);
            }
            let here = self.at..self.at + 1;
            match self.peek() {
                None => {
                    // Its enclosing containers are not closed either, for the same reason.
                    self.is_cut |= open.last == Last::Words;
                    if let Some(bracket) = open.bracket.filter(|_| !self.is_cut) {
                        self.found.wrong(Kind::Other, bracket..bracket + 1, "this bracket is never closed");
                    }
                    return false;
                }
                Some(b'}' | b']') if open.bracket.is_none() => return false,
                Some(byte) if byte == open.close => {
                    if let Last::Comma(comma) = open.last {
                        let message = format!("JSON allows no comma before `{}`", char::from(byte));
                        self.found.wrong(Kind::TrailingComma, comma..comma + 1, message);
                    }
                    self.at += 1;
                    return false;
                }
                Some(byte @ (b'}' | b']')) => {
                    let (given, wanted) = (char::from(byte), char::from(open.close));
                    self.found.wrong(Kind::Other, here, format!("`{given}` is here, but `{wanted}` is needed"));
                    let opener = if byte == b'}' { b'{' } else { b'[' };
                    // If it closes an enclosing container, this one ends too.
                    if !self.open[..self.open.len().saturating_sub(1)].contains(&opener) {
                        self.at += 1;
                    }
                    return false;
                }
                Some(b',') => {
                    match open.last {
                        Last::Item(_) => open.last = Last::Comma(self.at),
                        Last::Words => {}
                        Last::Bracket => self.found.wrong(Kind::Other, here, "a value is missing before this comma"),
                        Last::Comma(_) => self.found.wrong(Kind::Other, here, "a value is missing between two commas"),
                    }
                    self.at += 1;
                }
                Some(_) if self.ellipsis() => {
                    let is_member = open.close == b'}';
                    self.at = self.bare_end(is_member);
                    self.leave_out(open);
                }
                Some(_) => {
                    if let Last::Item(end) = open.last {
                        let breaks = self.text[end..self.at].bytes().filter(|byte| *byte == b'\n').count();
                        if open.bracket.is_none() && (breaks > 1 || !self.is_member()) {
                            return false;
                        }
                        let range = self.letter(end.saturating_sub(1));
                        self.found.wrong(Kind::Other, range, "a comma is missing after this");
                    } else if open.bracket.is_none() && !self.is_member() {
                        return false;
                    }
                    return true;
                }
            }
        }
    }

    fn leave_out(&mut self, open: &mut Open) {
        self.found.partial();
        open.is_abridged = true;
        open.last = Last::Words;
    }

    /// Whether a member probably begins here.
    pub fn is_member(&self) -> bool {
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return self.identifier() > 0 && self.colon_follows(self.identifier());
        };
        let mut rest = self.bytes[self.at + 1..].iter().enumerate();
        while let Some((length, byte)) = rest.next() {
            match byte {
                b'\\' => drop(rest.next()),
                b'\n' => return false,
                byte if *byte == quote => return self.colon_follows(length + 2),
                _ => {}
            }
        }
        false
    }

    /// A member. If there is none, the text is skipped and the result is `None`.
    fn member(&mut self, is_first: bool) -> Option<Entry> {
        let (mut key, key_range) = self.name(is_first)?;
        self.skip();
        let colon = self.at;
        match self.peek() {
            Some(b':') => {
                self.found.has_evidence = true;
                self.at += 1;
            }
            Some(b'=') if self.starts("=>") => {
                self.found.is_foreign = true;
                self.at += 2;
            }
            Some(b'(') => {}
            _ => {
                self.found.wrong(Kind::Other, key_range.clone(), "a colon is missing after this name");
                self.found.has_evidence |= is_first;
                // The colon may be inside the quotes.
                key.truncate(key.trim_end_matches(':').len());
                if matches!(self.peek(), None | Some(b',' | b'}' | b']')) || self.is_member() {
                    return self.without_value(key, key_range);
                }
            }
        }
        self.skip();
        let is_broken = self.text[colon..self.at].contains('\n');
        if matches!(self.peek(), None | Some(b',' | b'}' | b']')) || (is_broken && self.is_member()) {
            self.found.wrong(Kind::Other, colon..colon + 1, "a value is missing after this colon");
            self.at = colon + 1;
            return self.without_value(key, key_range);
        }
        let value = self.value(Some(&key));
        Some(Entry { key, key_range, value })
    }

    /// A member that consists only of a name.
    fn without_value(&mut self, key: String, key_range: Range<usize>) -> Option<Entry> {
        let value = Node { range: key_range.clone(), value: Value::Null };
        self.found.placeholder(&key_range);
        Some(Entry { key, key_range, value })
    }

    /// The name of a member, and its place.
    fn name(&mut self, is_first: bool) -> Option<(String, Range<usize>)> {
        let start = self.at;
        if self.rest().starts_with(['"', '\'', '`', '“', '”']) {
            let (name, is_json) = self.string();
            let is_identifier =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.found.has_other_names |= !is_json;
            self.found.has_quoted_names |= is_json && is_identifier;
            if is_name_placeholder(&name) {
                self.found.placeholder(&(start..self.at));
            }
            return Some((name, start..self.at));
        }
        if let Some(length) = self.template() {
            self.at += length;
            self.found.partial();
            if self.colon_follows(0) {
                self.found.placeholder(&(start..self.at));
                return Some((self.text[start..self.at].to_owned(), start..self.at));
            }
            return None;
        }
        let length = self.identifier();
        let is_optional = self.bytes.get(start + length) == Some(&b'?');
        if length > 0 && self.colon_follows(length + usize::from(is_optional)) {
            self.at += length;
            let range = start..self.at;
            if is_optional {
                self.found.prose();
                self.at += 1;
            }
            self.found.has_other_names = true;
            self.found.wrong(Kind::Manner, range.clone(), "a name must be in double quotes");
            return Some((self.text[range.clone()].to_owned(), range));
        }
        if self.starts("{") || self.starts("[") {
            self.found.wrong(Kind::Other, start..start + 1, "a name in double quotes is missing here");
            self.value(None);
            return None;
        }
        let end = self.bare_end(true).max(self.letter(start).end);
        let is_description = is_first && !self.text[start..end].contains(['"', ':']);
        if is_description || self.found.is_described() {
            self.found.prose();
        } else {
            let range = self.letter(start);
            self.found.wrong(Kind::Other, range, "a name in double quotes is missing here");
        }
        self.at = end;
        None
    }
}
