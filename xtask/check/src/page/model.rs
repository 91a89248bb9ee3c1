//! The parts of a page.

use std::ops::Range;
use std::sync::Arc;

use openapi_model::paths::call;
use openapi_model::source::{Place, Source};

use super::words::Language;

/// A value and its byte range on the page.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// The bytes.
    pub range: Range<usize>,
}

impl Written<String> {
    /// The place of a part of a text. If the source differs from the text, the whole range.
    pub fn part(&self, part: Range<usize>) -> Range<usize> {
        if self.range.len() == self.value.len() {
            self.range.start + part.start..self.range.start + part.end
        } else {
            self.range.clone()
        }
    }
}

impl<T> std::ops::Deref for Written<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The source file.
    pub source: Arc<Source>,
    /// The language it is written in.
    pub language: Language,
    /// The endpoints that it declares, in order.
    pub declarations: Vec<Declaration>,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// Its paragraphs and the items of its lists.
    pub paragraphs: Vec<Paragraph>,
    /// Its tabs.
    pub tabs: Vec<Tab>,
    /// The rows of its error tables.
    pub errors: Vec<ErrorRow>,
    /// Errors mentioned outside tables, each with the place of its code span.
    pub mentions: Vec<ErrorRow>,
    /// Its other tables.
    pub tables: Vec<Table>,
    /// Its lists that describe names like tables do.
    pub lists: Vec<Table>,
    /// Code spans outside tables.
    pub spans: Vec<Written<String>>,
    /// Code spans in tables, including error tables.
    pub cell_spans: Vec<Written<String>>,
    /// Code blocks.
    pub blocks: Vec<CodeBlock>,
    /// The rate limits that it mentions.
    pub limits: Vec<Limit>,
    /// Content included from elsewhere: Liquid includes, with their arguments.
    pub includes: Vec<Written<String>>,
    /// The start of its first heading.
    pub heading: Option<usize>,
    /// The targets of its links.
    pub links: Vec<Written<String>>,
}

/// `POST /things/{id}`.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// In upper case.
    pub method: Written<String>,
    /// The path.
    pub path: Written<String>,
    /// The query after the path, unless it is only a pattern in brackets.
    pub query: Option<Written<String>>,
}

impl Endpoint {
    /// An endpoint without a query.
    pub fn new(method: Written<String>, path: Written<String>) -> Endpoint {
        Endpoint { method, path, query: None }
    }

    /// The operation's key for comparisons, see [`call`].
    pub fn call(&self) -> String {
        call(&self.method, &self.path)
    }
}

/// A declaration of an endpoint on a page.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The heading, paragraph, row or block that declares it.
    pub range: Range<usize>,
    /// How it is declared.
    pub manner: Manner,
}

/// How an endpoint is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By an element that contains nothing else: a heading, a paragraph, a template tag, the title of a code block.
    Declared,
    /// In the first lines of a code block, which may be only an example.
    Block,
    /// In a row of a table of endpoints.
    Index,
    /// In a sentence that mentions it.
    Mention,
}

/// A heading.
#[derive(Debug, Clone)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// The rendered text.
    pub text: String,
    /// The whole heading.
    pub range: Range<usize>,
}

/// A paragraph, or an item of a list.
#[derive(Debug, Clone)]
pub struct Paragraph {
    /// The rendered text, including code spans.
    pub text: String,
    /// Its code spans.
    pub codes: Vec<Written<String>>,
    /// The whole paragraph.
    pub range: Range<usize>,
    /// Whether it is an item of a list.
    pub is_item: bool,
}

/// The content of a tab.
#[derive(Debug, Clone)]
pub struct Tab {
    /// Its `value` and its `label`.
    pub label: Written<String>,
    /// All of its content.
    pub range: Range<usize>,
}

/// A number of requests per period, such as `20 requests per minute`.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The number.
    pub number: Written<u64>,
    /// The period, in seconds.
    pub seconds: u64,
    /// Whether the sentence counts requests; other counts are used only if there is none of requests.
    pub is_of_requests: bool,
}

/// A row that documents an error: a code span that begins with a status.
#[derive(Debug, Clone)]
pub struct ErrorRow {
    /// The status.
    pub status: Written<u16>,
    /// The message after the status.
    pub message: Written<String>,
    /// The whole row.
    pub range: Range<usize>,
}

/// A table that is not an error table.
#[derive(Debug, Clone)]
pub struct Table {
    /// The whole table.
    pub range: Range<usize>,
    /// Code spans in the paragraph directly before it, which may name its subject.
    pub introduced_by: Vec<String>,
    /// The heading above it, in lower case.
    pub heading: String,
    /// The cells of its head.
    pub head: Vec<Cell>,
    /// Its rows, without the head.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The whole row.
    pub range: Range<usize>,
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The bytes of its content.
    pub range: Range<usize>,
    /// Its rendered text, including code spans.
    pub text: String,
    /// Its code spans.
    pub codes: Vec<Written<String>>,
}

/// A block of code.
#[derive(Debug, Clone)]
pub struct CodeBlock {
    /// Its language tag, such as `json`; empty if there is none.
    pub language: String,
    /// The rest of the info string, such as `title="404"`.
    pub title: Written<String>,
    /// The start of its fence.
    pub start: usize,
    /// Its text.
    pub text: Written<String>,
}

impl Row {
    /// The name that the row describes: its first code span.
    pub fn name(&self) -> Option<&Written<String>> {
        self.cells.iter().flat_map(|cell| &cell.codes).next()
    }
}

impl Page {
    /// A labelled place in the page.
    pub fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(&self.source, range.clone(), label)
    }

    /// The parts of the page that begin in some ranges. The ranges are in order.
    pub fn part(&self, ranges: &[Range<usize>]) -> Page {
        let rows = |rows: &[ErrorRow]| among(rows, ranges, |row| row.range.start);
        let spans = |spans: &[Written<String>]| among(spans, ranges, |span| span.range.start);
        let tables = |tables: &[Table]| among(tables, ranges, |table| table.range.start);
        let headings = among(&self.headings, ranges, |heading| heading.range.start);
        Page {
            source: self.source.clone(),
            language: self.language,
            declarations: among(&self.declarations, ranges, |one| one.range.start),
            paragraphs: among(&self.paragraphs, ranges, |one| one.range.start),
            tabs: among(&self.tabs, ranges, |tab| tab.range.start),
            errors: rows(&self.errors),
            mentions: rows(&self.mentions),
            tables: tables(&self.tables),
            lists: tables(&self.lists),
            spans: spans(&self.spans),
            cell_spans: spans(&self.cell_spans),
            blocks: among(&self.blocks, ranges, |block| block.start),
            limits: among(&self.limits, ranges, |limit| limit.number.range.start),
            includes: spans(&self.includes),
            links: spans(&self.links),
            heading: headings.first().map(|heading| heading.range.start).or(ranges.first().map(|part| part.start)),
            headings,
        }
    }

    /// Sorts all parts by place, which [`Page::part`] requires.
    pub(super) fn sort(&mut self) {
        self.declarations.sort_by_key(|one| one.range.start);
        self.headings.sort_by_key(|heading| heading.range.start);
        self.paragraphs.sort_by_key(|paragraph| paragraph.range.start);
        self.tabs.sort_by_key(|tab| tab.range.start);
        self.blocks.sort_by_key(|block| block.start);
        self.limits.sort_by_key(|limit| limit.number.range.start);
        self.tables.sort_by_key(|table| table.range.start);
        for rows in [&mut self.errors, &mut self.mentions] {
            rows.sort_by_key(|row| row.range.start);
        }
        for spans in [&mut self.spans, &mut self.cell_spans, &mut self.includes, &mut self.links] {
            spans.sort_by_key(|span| span.range.start);
        }
    }

    /// The place for a finding about something that the page lacks: its first heading, or its first line that is not
    /// blank.
    pub fn top(&self, label: impl Into<String>) -> Place {
        let first = || self.source.text.find(|letter: char| !letter.is_whitespace());
        let start = self.heading.or_else(first).unwrap_or(0);
        let line = self.source.line_column(start).0;
        self.place(&self.source.line(line), label)
    }
}

/// The items that begin in some ranges. Both are in order.
fn among<T: Clone>(all: &[T], ranges: &[Range<usize>], start: impl Fn(&T) -> usize) -> Vec<T> {
    let mut found = Vec::new();
    for range in ranges {
        let first = all.partition_point(|one| start(one) < range.start);
        let inside = all[first..].iter().take_while(|one| start(one) < range.end);
        found.extend(inside.cloned());
    }
    found
}
