//! Parses Markdown into the model of a page.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::declarations;
use super::html;
use super::limits::Prose;
use super::lists;
use super::mask::mask;
use super::model::{Cell, CodeBlock, ErrorRow, Heading, Page, Paragraph, Row, Tab, Table, Written};
use super::pattern::pattern;
use super::words::Language;
use openapi_model::source::Source;

static HREF: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)\bhref\s*=\s*["']?([^"'\s>]+)"#));
static INCLUDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{%-?\s*(?:multi_lang_)?include\s+([^%]*?)\s*-?%\}"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([45][0-9][0-9])\s+(\S.*)$"));
static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[45][0-9][0-9]$"));

impl Page {
    /// Parses a page.
    pub fn read(source: &Arc<Source>, language: Language) -> Page {
        let masked = mask(&source.text);
        let mut reader = Reader {
            text: &masked,
            page: Page {
                source: source.clone(),
                language,
                declarations: Vec::new(),
                headings: Vec::new(),
                paragraphs: Vec::new(),
                tabs: Vec::new(),
                errors: Vec::new(),
                mentions: Vec::new(),
                tables: Vec::new(),
                lists: Vec::new(),
                spans: Vec::new(),
                cell_spans: Vec::new(),
                blocks: Vec::new(),
                limits: Vec::new(),
                includes: includes(&source.text),
                heading: None,
                links: Vec::new(),
            },
            table: None,
            row: None,
            cell: None,
            block: None,
            heading: None,
            paragraph: None,
            items: Vec::new(),
            open_tabs: Vec::new(),
            last_heading: String::new(),
            last_paragraph: Vec::new(),
            html_code: None,
            is_head: false,
            prose: Prose::default(),
        };
        for (event, range) in
            Parser::new_ext(&masked, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS)
                .into_offset_iter()
        {
            reader.event(event, range);
        }
        reader.end_tabs(source.text.len());
        let mut page = reader.page;
        page.sort();
        declarations::find(&mut page);
        page.lists = lists::find(&page);
        page.tabs.extend(indented_tabs(&page));
        page.tabs.sort_by_key(|tab| tab.range.start);
        if page.limits.iter().any(|limit| limit.is_of_requests) {
            page.limits.retain(|limit| limit.is_of_requests);
        }
        page
    }
}

struct Reader<'a> {
    text: &'a str,
    page: Page,
    table: Option<Table>,
    row: Option<Row>,
    cell: Option<Cell>,
    block: Option<Block>,
    heading: Option<Heading>,
    /// The current paragraph.
    paragraph: Option<Paragraph>,
    /// The open list items, with their text before any paragraph of their own.
    items: Vec<Option<Paragraph>>,
    /// The open tabs.
    open_tabs: Vec<Tab>,
    last_heading: String,
    /// Code spans of the last paragraph.
    last_paragraph: Vec<String>,
    /// Whether the current HTML table row has had only head cells so far.
    is_head: bool,
    /// The text of the current paragraph, heading, item or cell.
    prose: Prose,
    /// An open `<code>`: the start of its text, and the text so far.
    html_code: Option<(usize, String)>,
}

/// The current code block.
struct Block {
    start: usize,
    /// The info string.
    info: String,
    content: Option<Range<usize>>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.end_prose();
                // An unclosed HTML table ends here.
                (self.table, self.row, self.cell) = (None, None, None);
                self.page.heading.get_or_insert(range.start);
                let range = self.trimmed(&range);
                self.heading = Some(Heading { level: level as u8, text: String::new(), range });
            }
            Event::End(TagEnd::Heading(_)) => {
                self.end_prose();
                if let Some(heading) = self.heading.take() {
                    self.last_heading = heading.text.to_lowercase();
                    self.page.headings.push(heading);
                }
                self.last_paragraph.clear();
            }
            Event::Start(Tag::Table(_)) => self.begin_table(self.trimmed(&range)),
            Event::End(TagEnd::Table) => self.end_table(),
            Event::Start(Tag::TableHead) => self.row = Some(Row { range: self.trimmed(&range), cells: Vec::new() }),
            Event::End(TagEnd::TableHead) => self.end_head(),
            Event::Start(Tag::TableRow) => self.row = Some(Row { range: self.trimmed(&range), cells: Vec::new() }),
            Event::End(TagEnd::TableRow) => self.end_row(),
            Event::Start(Tag::TableCell) => self.begin_cell(self.inner(&range)),
            Event::End(TagEnd::TableCell) => self.end_cell(),
            Event::Start(Tag::HtmlBlock) => self.html_block(&range),
            Event::Start(tag @ (Tag::Paragraph | Tag::Item)) => {
                self.html_code = None;
                self.last_paragraph.clear();
                self.end_prose();
                let is_item = matches!(tag, Tag::Item);
                let is_first_of_item = self.items.last().is_some_and(Option::is_some);
                let paragraph = Paragraph {
                    text: String::new(),
                    codes: Vec::new(),
                    range: self.trimmed(&range),
                    is_item: is_item || is_first_of_item,
                };
                self.end_paragraph();
                if is_item {
                    self.items.push(Some(paragraph));
                } else {
                    if is_first_of_item && let Some(item) = self.items.last_mut() {
                        *item = None;
                    }
                    self.paragraph = Some(paragraph);
                }
            }
            Event::End(TagEnd::Paragraph) => {
                self.end_prose();
                self.end_paragraph();
            }
            Event::End(TagEnd::Item) => {
                self.end_prose();
                self.end_paragraph();
                self.items.pop();
            }
            Event::Start(Tag::List(_)) => self.end_paragraph(),
            // Front matter is not part of the text.
            Event::End(TagEnd::MetadataBlock(_)) => self.prose = Prose::default(),
            Event::Start(Tag::CodeBlock(kind)) => {
                self.end_paragraph();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some(Block { start: range.start, info, content: None });
            }
            Event::End(TagEnd::CodeBlock) => self.end_block(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.page.links.push(Written { value: dest_url.into_string(), range })
            }
            Event::Code(text) => self.code(&text, &range),
            Event::InlineHtml(html) => self.html(&html, &range),
            Event::Text(text) => self.text(&text, &range),
            Event::SoftBreak | Event::HardBreak => self.text(" ", &range),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if let Some(block) = &mut self.block {
            block.content.get_or_insert_with(|| range.clone()).end = range.end;
            return;
        }
        self.prose.push(text, range);
        self.shown(text);
    }

    /// Adds rendered text to the part that contains it.
    fn shown(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.html_code {
            code.push_str(text);
        }
        if let Some(heading) = &mut self.heading {
            heading.text.push_str(text);
        } else if let Some(cell) = &mut self.cell {
            cell.text.push_str(text);
        } else if let Some(paragraph) = self.prose_mut() {
            paragraph.text.push_str(text);
        }
    }

    /// The paragraph or the item that contains the current text.
    fn prose_mut(&mut self) -> Option<&mut Paragraph> {
        self.paragraph.as_mut().or_else(|| self.items.last_mut()?.as_mut())
    }

    /// Ends the current paragraph, or the text that an item began with.
    fn end_paragraph(&mut self) {
        let paragraph = self.paragraph.take().or_else(|| self.items.last_mut()?.take());
        self.page.paragraphs.extend(paragraph.filter(|paragraph| !paragraph.text.trim().is_empty()));
    }

    fn begin_tab(&mut self, tag: &str, range: &Range<usize>) {
        let label: Vec<&str> =
            ["value", "label", "title", "name"].iter().filter_map(|name| html::attribute(tag, name)).collect();
        let label = Written { value: label.join(" "), range: range.clone() };
        self.open_tabs.push(Tab { label, range: range.clone() });
    }

    fn end_tab(&mut self, end: usize) {
        let tab = self.open_tabs.pop();
        self.page.tabs.extend(tab.map(|tab| Tab { range: tab.range.start..end, ..tab }));
    }

    /// Ends unclosed tabs.
    fn end_tabs(&mut self, end: usize) {
        while !self.open_tabs.is_empty() {
            self.end_tab(end);
        }
        self.page.tabs.sort_by_key(|tab| tab.range.start);
    }

    /// The text of a code block, from the original source, because Liquid in it was masked.
    fn end_block(&mut self) {
        let Some(Block { start, info, content }) = self.block.take() else { return };
        let mut range = content.unwrap_or(start..start);
        let mut info = info;
        if let Some((inner, named)) = fenced(self.page.source.text.get(range.clone()).unwrap_or_default()) {
            range = range.start + inner.start..range.start + inner.end;
            info = named;
        }
        let text = self.page.source.text.get(range.clone()).unwrap_or_default().to_owned();
        let (language, title) = language(&info);
        let first = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().len();
        let title = Written { value: title, range: start..start + first };
        self.page.blocks.push(CodeBlock { language, title, start, text: Written { value: text, range } });
    }

    fn begin_table(&mut self, range: Range<usize>) {
        self.table = Some(Table {
            range,
            introduced_by: std::mem::take(&mut self.last_paragraph),
            heading: self.last_heading.clone(),
            head: Vec::new(),
            rows: Vec::new(),
        });
    }

    fn end_table(&mut self) {
        self.page.tables.extend(self.table.take().filter(|table| !table.rows.is_empty()));
    }

    /// Turns a row that has only head cells into the table's head.
    fn end_head(&mut self) {
        if let (Some(row), Some(table)) = (self.row.take(), &mut self.table) {
            table.head = row.cells;
        }
    }

    fn begin_cell(&mut self, range: Range<usize>) {
        self.end_prose();
        self.html_code = None;
        self.cell = Some(Cell { range, ..Cell::default() });
    }

    fn end_cell(&mut self) {
        self.end_prose();
        let cell = self.cell.take();
        if let Some(row) = &mut self.row {
            row.cells.extend(cell);
        }
    }

    /// Parses tables in HTML.
    fn html_block(&mut self, block: &Range<usize>) {
        self.end_paragraph();
        let html = &self.text[block.clone()];
        for (part, range) in html::parts(html) {
            let range = block.start + range.start..block.start + range.end;
            match part {
                html::Part::Tag(name) => match name.as_str() {
                    "table" => self.begin_table(range),
                    "/table" => {
                        if let Some(table) = &mut self.table {
                            table.range.end = range.end;
                        }
                        self.end_table();
                    }
                    "tr" if self.table.is_some() => {
                        self.is_head = true;
                        self.row = Some(Row { range, cells: Vec::new() });
                    }
                    "/tr" => {
                        self.end_cell();
                        if let Some(row) = &mut self.row {
                            row.range.end = range.end;
                        }
                        if std::mem::take(&mut self.is_head) {
                            self.end_head();
                        }
                        self.end_row();
                    }
                    "td" | "th" if self.row.is_some() => {
                        self.is_head &= name == "th";
                        self.end_cell();
                        self.begin_cell(range.end..range.end);
                    }
                    "/td" | "/th" => {
                        if let Some(cell) = &mut self.cell {
                            cell.range.end = range.start;
                        }
                        self.end_cell();
                    }
                    "tabitem" | "tab" => self.begin_tab(&self.text[range.clone()], &range),
                    "/tabitem" | "/tab" => self.end_tab(range.end),
                    "code" | "/code" | "a" if self.cell.is_none() => {}
                    _ => self.html(&self.text[range.clone()], &range),
                },
                html::Part::Text(text) if self.cell.is_some() => self.text(text, &range),
                html::Part::Text(_) => {}
            }
        }
    }

    /// Parses `<code>` as a code span, and `<a href>` as a link.
    fn html(&mut self, html: &str, range: &Range<usize>) {
        let tag = html.trim_matches(['<', '>']).split_whitespace().next().unwrap_or_default();
        match tag.to_lowercase().as_str() {
            "tabitem" | "tab" => self.begin_tab(html, range),
            "/tabitem" | "/tab" => self.end_tab(range.end),
            "code" => self.html_code = Some((range.end, String::new())),
            "/code" => {
                if let Some((start, code)) = self.html_code.take() {
                    self.code_in(&code, &(start..range.start));
                }
            }
            "a" => {
                let target = HREF.captures(html).and_then(|found| found.get(1));
                let target = target.map(|target| Written { value: target.as_str().to_owned(), range: range.clone() });
                self.page.links.extend(target);
            }
            _ => self.page.declarations.extend(declarations::in_tag(html, range)),
        }
    }

    fn code(&mut self, code: &str, range: &Range<usize>) {
        // Apart from escaped pipes and collapsed blanks, the code equals its source. If it spans two lines or contains
        // an escaped pipe, its place is the whole span.
        let inside = self.text[range.clone()].find(code).map(|at| range.start + at..range.start + at + code.len());
        let range = inside.as_ref().unwrap_or(range);
        // The status of an error is not a rate limit.
        if !ERROR.is_match(code) {
            self.prose.push(code, range);
        }
        self.shown(code);
        self.code_in(code, range);
    }

    fn code_in(&mut self, code: &str, range: &Range<usize>) {
        let span = Written { value: code.to_owned(), range: range.clone() };
        if let Some(cell) = &mut self.cell {
            cell.codes.push(span);
            return;
        }
        self.page.mentions.extend(error_in(&span, range));
        self.last_paragraph.push(code.to_owned());
        if let Some(paragraph) = self.prose_mut() {
            paragraph.codes.push(span.clone());
        }
        self.page.spans.push(span);
    }

    fn end_row(&mut self) {
        let Some(row) = self.row.take().filter(|row| !row.cells.is_empty()) else { return };
        self.page.cell_spans.extend(row.cells.iter().flat_map(|cell| cell.codes.clone()));
        if let Some(error) = error(&row) {
            self.page.errors.push(error);
        } else if let Some(table) = &mut self.table {
            table.rows.push(row);
        }
    }

    /// Searches the text that ends here for rate limits, and starts a new one.
    fn end_prose(&mut self) {
        let prose = std::mem::take(&mut self.prose);
        self.page.limits.extend(prose.limits(self.page.language));
    }

    fn trimmed(&self, range: &Range<usize>) -> Range<usize> {
        range.start..range.start + self.text[range.clone()].trim_end().len()
    }

    /// The range of a cell without its pipes and surrounding blanks.
    fn inner(&self, range: &Range<usize>) -> Range<usize> {
        let cell = self.text[range.clone()].trim_end_matches('|');
        let content = cell.trim();
        let start = range.start + (cell.len() - cell.trim_start().len());
        start..start + content.len()
    }
}

/// Tabs of MkDocs: `=== "404"`, with indented content.
fn indented_tabs(page: &Page) -> Vec<Tab> {
    let text = &page.source.text;
    let tab = |paragraph: &Paragraph| {
        let label = paragraph.text.strip_prefix("=== ")?.trim_start_matches(['!', '+']).trim();
        let label = label.strip_prefix('"')?.split('"').next()?;
        let start = paragraph.range.start;
        let mut end = start;
        for (index, line) in text.get(start..)?.split_inclusive('\n').enumerate() {
            if index > 0 && !line.trim().is_empty() && !line.starts_with([' ', '\t']) {
                break;
            }
            end += line.len();
        }
        Some(Tab { label: Written { value: label.to_owned(), range: paragraph.range.clone() }, range: start..end })
    };
    page.paragraphs.iter().filter_map(tab).collect()
}

/// A row that documents an error: `404 Not here` in one code span, or the status and the message in two cells.
fn error(row: &Row) -> Option<ErrorRow> {
    // In the first cell, or alone in another: a status in a sentence does not belong to the row.
    let is_own =
        |(at, cell): &(usize, &Cell)| *at == 0 || cell.codes.first().is_some_and(|code| cell.text.trim() == code.value);
    let codes = row.cells.iter().enumerate().filter(is_own).flat_map(|(_, cell)| &cell.codes);
    if let Some(error) = codes.filter_map(|code| error_in(code, &row.range)).next() {
        return Some(error);
    }
    let at = row.cells.iter().position(|cell| STATUS.is_match(cell.text.trim()))?;
    let (status, message) = (&row.cells[at], row.cells.get(at + 1)?);
    let message = message.codes.first()?.clone();
    Some(ErrorRow {
        status: Written {
            value: status.text.trim().parse().ok()?,
            range: status.codes.first().map_or_else(|| status.range.clone(), |code| code.range.clone()),
        },
        message,
        range: row.range.clone(),
    })
}

/// The language of ` json`, `{.json .x}` or `json,x`, in lower case, and the rest of the info string.
fn language(info: &str) -> (String, String) {
    let info = info.trim_start_matches(['{', '.', ' ']);
    let end = info.find([' ', ',', '{', '}']).unwrap_or(info.len());
    (info[..end].to_lowercase(), info[end..].trim().to_owned())
}

/// The code and the info string of a fenced block inside an indented one, as in the tabs of some site generators.
fn fenced(text: &str) -> Option<(Range<usize>, String)> {
    let fence = text.get(..3).filter(|fence| ["```", "~~~"].contains(fence))?;
    let first = text.lines().next()?;
    let start = first.len() + 1;
    let length = text.get(start..)?.rfind(fence)?;
    Some((start..start + length, first.trim_start_matches(['`', '~']).to_owned()))
}

/// The error in a code span.
fn error_in(code: &Written<String>, range: &Range<usize>) -> Option<ErrorRow> {
    let found = ERROR.captures(&code.value)?;
    let (status, message) = (found.get(1)?, found.get(2)?);
    Some(ErrorRow {
        status: Written { value: status.as_str().parse().ok()?, range: code.part(status.range()) },
        message: Written { value: message.as_str().to_owned(), range: code.part(message.range()) },
        range: range.clone(),
    })
}

fn includes(text: &str) -> Vec<Written<String>> {
    let found = INCLUDE.captures_iter(text).filter_map(|found| found.get(1));
    found.map(|found| Written { value: found.as_str().to_owned(), range: found.range() }).collect()
}

#[cfg(test)]
mod tests;
