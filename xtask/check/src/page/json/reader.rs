//! A position in a text, and tokens that may occur anywhere: blanks, comments, ellipses.

use std::ops::Range;

use super::found::Found;
use crate::page::model::Written;

/// The maximum length of a placeholder.
const LONGEST_TEMPLATE: usize = 120;

pub(super) struct Reader<'a> {
    pub text: &'a str,
    pub bytes: &'a [u8],
    pub at: usize,
    pub found: Found,
    /// The open brackets.
    pub open: Vec<u8>,
    /// The last comment on a line of its own.
    pub comment: Option<Written<String>>,
    /// Whether a comment marks an omission.
    pub is_left_out: bool,
    /// Whether the text ends with an ellipsis, so that brackets need not be closed.
    pub is_cut: bool,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Reader<'a> {
        let bytes = text.as_bytes();
        let (found, open, at) = (Found::default(), Vec::new(), 0);
        Reader { text, bytes, at, found, open, comment: None, is_left_out: false, is_cut: false }
    }

    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The rest of the line.
    pub fn line(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find('\n').unwrap_or(rest.len());
        rest[..end].trim_end_matches('\r')
    }

    pub fn starts(&self, with: &str) -> bool {
        self.bytes[self.at..].starts_with(with.as_bytes())
    }

    /// The bytes of the character at an offset.
    pub fn letter(&self, at: usize) -> Range<usize> {
        let at = (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        at..at + self.text[at..].chars().next().map_or(0, char::len_utf8)
    }

    /// Skips blanks on the same line.
    pub fn spaces(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                // Characters that look like blanks but are not allowed in JSON.
                Some(0xC2 | 0xE2 | 0xE3 | 0xEF) => {
                    let Some(letter) = self.rest().chars().next() else { return };
                    if !(letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}') {
                        return;
                    }
                    self.found.has_notation = true;
                    self.at += letter.len_utf8();
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, comments, template tags, and marks of changed lines.
    pub fn skip(&mut self) {
        loop {
            self.spaces();
            match self.peek() {
                Some(b'\n' | b'\r') => {
                    self.at += 1;
                    let marks = self.rest();
                    if marks.starts_with("+ ") || marks.starts_with("- ") || marks.starts_with("+\t") {
                        self.at += 1;
                        self.found.partial();
                    }
                }
                Some(b'/') if self.starts("//") => self.line_comment(2),
                Some(b'#') => self.line_comment(1),
                Some(b'/') if self.starts("/*") => {
                    let rest = &self.rest()[2..];
                    let length = rest.find("*/").unwrap_or(rest.len());
                    self.note_comment(2, &rest[..length]);
                    self.at = (self.at + 2 + length + 2).min(self.text.len());
                }
                Some(b'{') if self.starts("{%") => {
                    let Some(length) = self.rest().find(['}', '\n']).filter(|at| self.rest()[..*at].ends_with('%'))
                    else {
                        return;
                    };
                    self.found.partial();
                    self.at += length + 1;
                }
                // Template sections and conditions.
                Some(b'{') if ["{{#", "{{/", "{{^", "{{>", "{{!"].iter().any(|open| self.starts(open)) => {
                    let Some(length) = self.template() else { return };
                    self.found.partial();
                    self.is_left_out = true;
                    self.at += length;
                }
                _ => return,
            }
        }
    }

    fn line_comment(&mut self, mark: usize) {
        let line = self.line();
        self.note_comment(mark, &line[mark..]);
        self.at += line.len();
    }

    fn note_comment(&mut self, mark: usize, text: &str) {
        self.found.has_notation = true;
        if has_ellipsis(text) {
            self.is_left_out = true;
        } else {
            self.found.comment.get_or_insert(self.at..self.at + mark + text.len());
        }
        let before = self.bytes[..self.at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
        if matches!(before, None | Some(b'\n')) {
            let content = text.trim();
            let start = self.at + mark + (text.len() - text.trim_start().len());
            self.comment = Some(Written { value: content.to_owned(), range: start..start + content.len() });
        }
    }

    /// Consumes `...` or `…`, if it comes next.
    pub fn ellipsis(&mut self) -> bool {
        // The dots may be on consecutive lines.
        let is_line = || self.starts(".") && matches!(self.bytes.get(self.at + 1), None | Some(b'\n' | b'\r'));
        if !(self.starts("..") || self.starts("…") || is_line()) {
            return false;
        }
        while self.starts(".") || self.starts("…") {
            self.at += if self.starts(".") { 1 } else { '…'.len_utf8() };
        }
        self.found.partial();
        true
    }

    /// The length of a placeholder such as `<id>`, `{{id}}`, `${id}`, `$ID` or `%{id}`, if one comes next.
    pub fn template(&self) -> Option<usize> {
        let end = (self.at + LONGEST_TEMPLATE).min(self.text.len());
        let line = &self.text[self.at..(self.at..=end).rev().find(|at| self.text.is_char_boundary(*at))?];
        let between = |open: &str, close: &str, not: &[char]| {
            let inner = line.strip_prefix(open)?;
            let length = inner.find(close).filter(|length| *length > 0)?;
            (!inner[..length].contains(not)).then_some(open.len() + length + close.len())
        };
        between("{{", "}}", &['"', ':', '\n'])
            .or_else(|| between("${", "}", &['"', '\n']))
            .or_else(|| between("%{", "}", &['"', '\n']))
            .or_else(|| between("$(", ")", &['\n']))
            .or_else(|| between("<", ">", &['"', '<', '\n']))
            .or_else(|| {
                let name = line.strip_prefix('$')?;
                let length = name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                (length > 0).then_some(1 + length)
            })
    }

    /// The length of an unquoted name that comes next.
    pub fn identifier(&self) -> usize {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-' | b'.');
        let starts = self.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
        if starts { self.bytes[self.at..].iter().take_while(|byte| is_part(byte)).count() } else { 0 }
    }

    /// Whether blanks and a colon follow after `distance` bytes.
    pub fn colon_follows(&self, distance: usize) -> bool {
        let rest = self.text.get(self.at + distance..).unwrap_or_default();
        rest.trim_start_matches([' ', '\t']).starts_with(':')
    }
}

/// Whether a text marks an omission.
pub(super) fn has_ellipsis(text: &str) -> bool {
    text.contains("..")
        || text.contains('…')
        || ["etc", "omitted", "truncated", "snip"].iter().any(|word| text.contains(word))
}
