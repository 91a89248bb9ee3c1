//! The response statuses that a page mentions anywhere: in tabs, titles, headings, rows, lists, labels, status lines
//! and sentences.
//!
//! A status that the contract does not have is an error. A status that is missing from the page is not: pages omit the
//! obvious.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use openapi_model::document::Status;
use regex::Regex;

use super::about::About;
use super::basis::falls_under;
use super::context;
use crate::page::words::{self, Role};
use crate::page::{Cell, CodeBlock, Paragraph, Table, Written, pattern};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// A text that begins with a status, followed at most by its reason phrase: `404`, `HTTP 404`, `404 - Not Found`, `404:
/// none`.
static BEGINS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\W*(?:HTTP(?:/[\d.]+)? ?)?([1-5][0-9][0-9])(?:$|[^\w.,]|[.,:](?:\s|$))"));
/// A text that consists of a status and its reason phrase.
static ONLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:HTTP(?:/[\d.]+)? ?|status(?: code)?:? ?|response:? ?|error:? ?)?([1-5][0-9][0-9])(?:\W+[\p{L} -]{0,40})?\W*$",
    )
});
/// Words that refer to earlier versions.
static HISTORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:until|before v?\d|used to|formerly|previously|older|earlier|no longer|deprecated|in v\d)\b")
});
/// A sentence that says that the API responds with a status.
static SENTENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)(?:\b(?:status(?:[\ -]?code)?|http(?:[\ -]status)?(?:\ code)?|c[oó]digo\ (?:de\ )?(?:estado|status)|code\ (?:de\ statut|d['’]état))s?
        |ステータス\ ?コード|상태\ ?코드|状态码)\W{1,4}([1-5][0-9][0-9])(?:$|\D)",
    )
});

impl About<'_, '_> {
    /// The statuses on the page that the contract does not have.
    pub(super) fn statuses(&self) -> Vec<Finding> {
        let mut named: BTreeMap<u16, Range<usize>> = BTreeMap::new();
        for (status, range) in self.named_statuses() {
            let first = named.entry(status).or_insert_with(|| range.clone());
            if range.start < first.start {
                *first = range;
            }
        }
        self.basis.count(named.len());
        let documented = |status: u16| {
            let exact = |response: &openapi_model::document::Response| *response.status == Status::Code(status);
            self.operation.responses.iter().any(exact) || falls_under(self.operation, status)
        };
        // Without responses in the contract, there is nothing to compare.
        if self.operation.responses.is_empty() {
            return Vec::new();
        }
        let unknown = named.into_iter().filter(|(status, _)| !documented(*status));
        unknown.map(|(status, range)| self.unknown_status(status, &range)).collect()
    }

    fn unknown_status(&self, status: u16, range: &Range<usize>) -> Finding {
        let here = self.page.place(range, "the page says this");
        let codes: Vec<String> = self
            .operation
            .responses
            .iter()
            .filter_map(|response| match *response.status {
                Status::Code(code) => Some(code.to_string()),
                _ => None,
            })
            .collect();
        let rule = if status < 400 { Rule::PageSuccessStatus } else { Rule::PageErrorExtra };
        let message = format!("the contract documents no {status} for `{}`", self.operation.endpoint());
        let finding = Finding::at(rule, here, message);
        let finding = match self.operation.responses.first() {
            Some(first) => finding.with(self.basis.place(first.status.span, "it documents these responses")),
            None => finding,
        };
        finding.help(format!("it documents {}: correct the page, or document the response", codes.join(", ")))
    }

    fn named_statuses(&self) -> Vec<(u16, Range<usize>)> {
        let page = self.page;
        let mut named = Vec::new();
        let mut add = |text: &str, range: &Range<usize>, form: &Regex| {
            let status =
                form.captures(text).and_then(|found| found[1].parse().ok()).filter(|status| is_status(*status));
            named.extend(status.map(|status| (status, context::place_of(page, status, range))));
        };
        for tab in &page.tabs {
            // `value="404" label="HTTP 404"`.
            let words: Vec<&str> = tab.label.split_whitespace().collect();
            if words.iter().all(|word| word.parse::<u16>().is_ok() || word.chars().all(char::is_alphabetic)) {
                add(&tab.label, &tab.label.range, &BEGINS);
            }
        }
        for block in &page.blocks {
            if let Some(title) = block.title.split(['"', '\'']).find(|part| ONLY.is_match(part)) {
                add(title, &block.title.range, &ONLY);
            }
            if let Some(line) = block.text.lines().next().filter(|line| line.starts_with("HTTP/")) {
                let range = block.text.range.start..block.text.range.start + line.len();
                add(line.split_once(' ').map_or("", |(_, rest)| rest), &range, &BEGINS);
            }
        }
        let labels = page.headings.iter().filter(|heading| context::is_label(page, heading));
        labels.for_each(|heading| add(&heading.text, &heading.range, &ONLY));
        for paragraph in &page.paragraphs {
            match self.says_status(paragraph) {
                Says::Nothing => {}
                Says::Label => add(&paragraph.text, &paragraph.range, &ONLY),
                Says::After => {
                    let rest = paragraph.text.split_once([':', '：']).map_or("", |(_, rest)| rest);
                    add(rest, &paragraph.range, &BEGINS);
                }
                Says::Item => add(&paragraph.text, &paragraph.range, &BEGINS),
                Says::Sentence => {
                    for found in SENTENCE.captures_iter(&paragraph.text) {
                        add(&found[1], &paragraph.range, &BEGINS);
                    }
                }
            }
        }
        for table in &page.tables {
            let around = context::headings_around(page, table.range.start);
            let mut labels = around.into_iter().filter(|heading| context::is_label(page, heading));
            let before = context::paragraph_before(page, table.range.start)
                .is_some_and(|before| words::is_of_answers(&before.text));
            let is_below_answers = before || labels.any(|heading| words::is_of_answers(&heading.text));
            let cells = status_column(table, is_below_answers).into_iter().flatten();
            cells.for_each(|cell| add(&cell.text, &cell.range, &BEGINS));
        }
        for row in &page.errors {
            named.push((row.status.value, row.status.range.clone()));
        }
        for line in page.blocks.iter().flat_map(comments) {
            let shows = context::shows_line(page, &line).and_then(|shows| shows.status);
            named.extend(shows.map(|status| (status.value, status.range)));
        }
        named
    }

    /// How a paragraph mentions statuses of responses to this request.
    fn says_status(&self, paragraph: &Paragraph) -> Says {
        let page = self.page;
        let text = paragraph.text.trim();
        if !text.as_bytes().windows(3).any(|bytes| bytes.iter().all(u8::is_ascii_digit)) {
            return Says::Nothing;
        }
        let is_label = text.split_whitespace().count() <= 6 && ONLY.is_match(text);
        if is_label && words::role(text).is_some_and(|role| role != Role::Request) {
            return Says::Label;
        }
        if let Some(Role::Response | Role::Error) = context::label_role(text) {
            let rest = text.split_once([':', '：']).map_or(text, |(_, rest)| rest);
            return if BEGINS.is_match(rest) { Says::After } else { Says::Sentence };
        }
        if paragraph.is_item && BEGINS.is_match(text) && self.is_in_list_of_answers(paragraph) {
            return Says::Item;
        }
        let above = context::headings_around(page, paragraph.range.start);
        let mut labels = above.into_iter().filter(|heading| context::is_label(page, heading));
        let label = context::label_above(page, paragraph.range.start);
        let is_of_answers = match label {
            Some(label) => words::is_of_answers(&label.text),
            None => labels.any(|heading| words::is_of_answers(&heading.text)),
        };
        if !is_of_answers {
            return Says::Nothing;
        }
        if paragraph.is_item && BEGINS.is_match(text) {
            return Says::Item;
        }
        if HISTORY.is_match(text) {
            return Says::Nothing;
        }
        // A sentence with a link is often about another request.
        let has_link = page.links.iter().any(|link| paragraph.range.contains(&link.range.start));
        if has_link { Says::Nothing } else { Says::Sentence }
    }
}

impl About<'_, '_> {
    /// Whether the list of an item follows a label for responses: `**Error responses:**`.
    fn is_in_list_of_answers(&self, item: &Paragraph) -> bool {
        let page = self.page;
        let at = page.paragraphs.partition_point(|paragraph| paragraph.range.start < item.range.start);
        let Some(before) = page.paragraphs[..at].iter().rev().find(|paragraph| !paragraph.is_item) else {
            return false;
        };
        let stands_between = |start: usize| (before.range.end..item.range.start).contains(&start);
        let is_label = before.text.split_whitespace().count() <= 5 && words::is_of_answers(&before.text);
        is_label
            && !page.headings.iter().any(|heading| stands_between(heading.range.start))
            && !page.blocks.iter().any(|block| stands_between(block.start))
            && !page.tables.iter().any(|table| stands_between(table.range.start))
    }
}

/// How a paragraph mentions statuses.
enum Says {
    Nothing,
    /// As a label: `Response: 201 Created`.
    Label,
    /// After a label: `Error: 404 There is no such thing`.
    After,
    /// As an item of a list of statuses.
    Item,
    /// In a sentence.
    Sentence,
}

/// The lines of comments in a block of JSON.
fn comments(block: &CodeBlock) -> Vec<Written<String>> {
    let mut found = Vec::new();
    if !["json", "jsonc", "json5", "js", "javascript"].contains(&block.language.as_str()) {
        return found;
    }
    let mut at = block.text.range.start;
    for line in block.text.split_inclusive('\n') {
        if let Some(text) = line.trim_start().strip_prefix("//").map(str::trim) {
            let start = at + line.find(text).unwrap_or_default();
            found.push(Written { value: text.to_owned(), range: start..start + text.len() });
        }
        at += line.len();
    }
    found
}

/// The cells of a status column: every cell of it begins with a status.
fn status_column(table: &Table, is_below_answers: bool) -> Option<Vec<&Cell>> {
    let width = table.rows.iter().map(|row| row.cells.len()).max()?;
    let cells = |column: usize| -> Vec<&Cell> {
        let cells = table.rows.iter().filter_map(|row| row.cells.get(column));
        cells.filter(|cell| !cell.text.trim().is_empty()).collect()
    };
    let is_status = |cell: &&Cell| {
        let found = BEGINS.captures(cell.text.trim());
        let status = found.and_then(|found| found[1].parse().ok());
        let is_range =
            ["1XX", "2XX", "3XX", "4XX", "5XX", "DEFAULT"].contains(&cell.text.trim().to_uppercase().as_str());
        (is_range || status.is_some_and(is_status)) && cell.text.split_whitespace().count() <= 6
    };
    // The head or the context must say so: bare numbers may have other meanings.
    let says_so = |column: usize| {
        let head = table.head.get(column).map(|cell| cell.text.trim().to_lowercase()).unwrap_or_default();
        const WORDS: [&str; 5] = ["status", "http", "estado", "statut", "statuscode"];
        const PARTS: [&str; 4] = ["ステータス", "상태", "状态", "statuscode"];
        const WHOLE: [&str; 7] = ["code", "codes", "error code", "response code", "código", "コード", "코드"];
        let mut words = head.split(|letter: char| !letter.is_alphanumeric());
        words.any(|word| WORDS.contains(&word))
            || PARTS.iter().any(|part| head.contains(part))
            || WHOLE.contains(&head.as_str())
            || words::is_of_answers(&head) && head.split_whitespace().count() <= 2
    };
    let is_status_column = |column: &usize| {
        let cells = cells(*column);
        let are_statuses = !cells.is_empty() && cells.iter().all(is_status);
        are_statuses && (says_so(*column) || (*column == 0 && is_below_answers))
    };
    (0..width).find(is_status_column).map(cells)
}

/// Whether a number is a status that servers send.
fn is_status(status: u16) -> bool {
    matches!(status, 200..=208 | 226 | 300..=308 | 400..=418 | 421..=431 | 451 | 500..=511 | 520..=530)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_distinguished_from_other_numbers() {
        let begins = |text: &str| BEGINS.captures(text).map(|found| found[1].to_owned());
        for (text, expected) in [
            ("404", Some("404")),
            ("HTTP 404", Some("404")),
            ("404 - Not Found", Some("404")),
            ("404: there is none", Some("404")),
            ("`200 OK`", Some("200")),
            ("404 things", Some("404")),
            ("4040", None),
            ("200.5", None),
            ("In 404", None),
        ] {
            assert_eq!(begins(text).as_deref(), expected, "{text}");
        }
        assert!(ONLY.is_match("Response: 201 Created") && ONLY.is_match("### 400 - Bad Request"));
        assert!(!ONLY.is_match("It holds 200 things at most"));
        assert!(is_status(404) && !is_status(260));
    }
}
