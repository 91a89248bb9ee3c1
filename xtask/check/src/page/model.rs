//! What a page consists of.

use std::ops::Range;
use std::sync::Arc;

use openapi_model::paths::call;
use openapi_model::source::{Place, Source};

use super::words::Language;

/// A value and the bytes of the page that it was written in.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// The bytes.
    pub range: Range<usize>,
}

impl Written<String> {
    /// Where a part of a text stands. Where the text is not written as it reads, that is the whole of it.
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
    /// The file.
    pub source: Arc<Source>,
    /// The language it is written in.
    pub language: Language,
    /// Where it declares endpoints, in order.
    pub declarations: Vec<Declaration>,
    /// Its headings.
    pub headings: Vec<Heading>,
    /// Its paragraphs and the items of its lists.
    pub paragraphs: Vec<Paragraph>,
    /// What it shows in tabs.
    pub tabs: Vec<Tab>,
    /// The rows of its error tables.
    pub errors: Vec<ErrorRow>,
    /// Errors that it speaks of outside tables, each with the place of its code span.
    pub mentions: Vec<ErrorRow>,
    /// Its other tables.
    pub tables: Vec<Table>,
    /// Its lists that describe names as tables do.
    pub lists: Vec<Table>,
    /// Code spans outside tables.
    pub spans: Vec<Written<String>>,
    /// Code spans in tables, those of errors included.
    pub cell_spans: Vec<Written<String>>,
    /// Code blocks.
    pub blocks: Vec<CodeBlock>,
    /// Numbers of requests in a stretch of time that it speaks of.
    pub limits: Vec<Limit>,
    /// What it takes from somewhere else: Liquid includes, with their arguments.
    pub includes: Vec<Written<String>>,
    /// Where its first heading begins.
    pub heading: Option<usize>,
    /// Where its links lead.
    pub links: Vec<Written<String>>,
}

/// `POST /things/{id}`.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// In upper case.
    pub method: Written<String>,
    /// The path.
    pub path: Written<String>,
    /// What follows it after a question mark, if that is no mere pattern in brackets.
    pub query: Option<Written<String>>,
}

impl Endpoint {
    /// An endpoint without a query.
    pub fn new(method: Written<String>, path: Written<String>) -> Endpoint {
        Endpoint { method, path, query: None }
    }

    /// How the operation is called, see [`call`].
    pub fn call(&self) -> String {
        call(&self.method, &self.path)
    }
}

/// A place at which a page says that there is an endpoint.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The heading, paragraph, row or block that says so.
    pub range: Range<usize>,
    /// In which manner.
    pub manner: Manner,
}

/// In which manner an endpoint is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By something that says nothing else: a heading, a paragraph, a template's tag, the title of a code block.
    Declared,
    /// In the first lines of a code block, which may be an example instead.
    Block,
    /// In a row of a table of endpoints.
    Index,
    /// In a sentence.
    Mention,
}

/// A heading.
#[derive(Debug, Clone)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// As it is read.
    pub text: String,
    /// The whole heading.
    pub range: Range<usize>,
}

/// A paragraph, or an item of a list.
#[derive(Debug, Clone)]
pub struct Paragraph {
    /// As it is read, code spans included.
    pub text: String,
    /// Its code spans.
    pub codes: Vec<Written<String>>,
    /// The whole paragraph.
    pub range: Range<usize>,
    /// Whether it is an item of a list.
    pub is_item: bool,
}

/// Something that is shown in a tab.
#[derive(Debug, Clone)]
pub struct Tab {
    /// Its `value` and its `label`.
    pub label: Written<String>,
    /// All that it shows.
    pub range: Range<usize>,
}

/// A number for a stretch of time, such as `20 requests per minute`.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The number.
    pub number: Written<u64>,
    /// The stretch of time, in seconds.
    pub seconds: u64,
    /// Whether the sentence counts requests; what else happens so often is a limit only where nothing else is.
    pub is_of_requests: bool,
}

/// A row that documents an error: a code span that begins with a status.
#[derive(Debug, Clone)]
pub struct ErrorRow {
    /// The status.
    pub status: Written<u16>,
    /// What follows it.
    pub message: Written<String>,
    /// The whole row.
    pub range: Range<usize>,
}

/// A table that documents no errors.
#[derive(Debug, Clone)]
pub struct Table {
    /// The whole table.
    pub range: Range<usize>,
    /// Code spans in the paragraph right before it, which may say what it is about.
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
    /// Its text as it is read, code spans included.
    pub text: String,
    /// Its code spans.
    pub codes: Vec<Written<String>>,
}

/// A block of code.
#[derive(Debug, Clone)]
pub struct CodeBlock {
    /// The language that it names, such as `json`, or nothing.
    pub language: String,
    /// What follows the language, such as `title="404"`.
    pub title: Written<String>,
    /// Where its fence begins.
    pub start: usize,
    /// Its text.
    pub text: Written<String>,
}

impl Row {
    /// The name that the row is about: its first code span.
    pub fn name(&self) -> Option<&Written<String>> {
        self.cells.iter().flat_map(|cell| &cell.codes).next()
    }
}

impl Page {
    /// A labelled place in the page.
    pub fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(&self.source, range.clone(), label)
    }

    /// The parts of the page that begin in some ranges, which are in order.
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

    /// Puts everything in order: parts are cut out by it.
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

    /// The place to point at for what a page lacks: its first heading, or its first line that is not blank.
    pub fn top(&self, label: impl Into<String>) -> Place {
        let first = || self.source.text.find(|letter: char| !letter.is_whitespace());
        let start = self.heading.or_else(first).unwrap_or(0);
        let line = self.source.line_column(start).0;
        self.place(&self.source.line(line), label)
    }
}

/// What begins in some ranges. All of it is in order, and so are they.
fn among<T: Clone>(all: &[T], ranges: &[Range<usize>], start: impl Fn(&T) -> usize) -> Vec<T> {
    let mut found = Vec::new();
    for range in ranges {
        let first = all.partition_point(|one| start(one) < range.start);
        let inside = all[first..].iter().take_while(|one| start(one) < range.end);
        found.extend(inside.cloned());
    }
    found
}
