//! Markdown → the model of a page.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::html;
use super::limits::Prose;
use super::mask::mask;
use super::model::{Cell, CodeBlock, Endpoint, ErrorRow, Page, Row, Table, Written};
use super::pattern::pattern;
use super::words::Language;
use openapi_model::source::Source;

static ENDPOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS)\s+(?:https?://[^/\s]+)?(/[^\s?]*?)(?:\{?\?\S*)?(?: HTTP/[0-9.]+)?\s*$",
    )
});
static HREF: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)\bhref\s*=\s*["']?([^"'\s>]+)"#));
static API_METHOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\{%-?\s*apimethod\s+(\w+)[^%]*%\}\s*(/\S*)\s*\{%-?\s*endapimethod"));
static INCLUDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{%-?\s*(?:multi_lang_)?include\s+([^%]*?)\s*-?%\}"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([45][0-9][0-9])\s+(\S.*)$"));
static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[45][0-9][0-9]$"));

impl Page {
    /// Reads a page.
    pub fn read(source: &Arc<Source>, language: Language) -> Page {
        let masked = mask(&source.text);
        let mut reader = Reader {
            text: &masked,
            page: Page {
                source: source.clone(),
                language,
                endpoint: api_method(&source.text),
                errors: Vec::new(),
                mentions: Vec::new(),
                tables: Vec::new(),
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
        let mut page = reader.page;
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
    block: Option<(String, Option<Range<usize>>)>,
    heading: Option<String>,
    last_heading: String,
    /// Code spans of the paragraph that was read last.
    last_paragraph: Vec<String>,
    /// Whether the row of a table in HTML has head cells only, so far.
    is_head: bool,
    /// The text of the paragraph, heading, item or cell that is being read.
    prose: Prose,
    /// A `<code>` that is open: where its text begins, and the text so far.
    html_code: Option<(usize, String)>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                self.end_prose();
                // A table in HTML that is not closed ends here.
                (self.table, self.row, self.cell) = (None, None, None);
                self.page.heading.get_or_insert(range.start);
                self.heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                self.end_prose();
                self.last_heading = self.heading.take().unwrap_or_default().to_lowercase();
                self.last_paragraph.clear();
            }
            Event::Start(Tag::Table(_)) => self.begin_table(self.trimmed(&range)),
            Event::End(TagEnd::Table) => self.end_table(),
            Event::Start(Tag::TableRow) => self.row = Some(Row { range: self.trimmed(&range), cells: Vec::new() }),
            Event::End(TagEnd::TableRow) => self.end_row(),
            Event::Start(Tag::TableCell) => self.begin_cell(self.inner(&range)),
            Event::End(TagEnd::TableCell) => self.end_cell(),
            Event::Start(Tag::HtmlBlock) => self.html_block(&range),
            Event::Start(Tag::Paragraph | Tag::Item) => {
                self.html_code = None;
                self.last_paragraph.clear();
                self.end_prose();
            }
            Event::End(TagEnd::Paragraph | TagEnd::Item) => self.end_prose(),
            // What the page is filed under is not read on it.
            Event::End(TagEnd::MetadataBlock(_)) => self.prose = Prose::default(),
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some((language, None));
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
        if let Some((_, content)) = &mut self.block {
            content.get_or_insert_with(|| range.clone()).end = range.end;
            return;
        }
        self.prose.push(text, range);
        self.shown(text);
    }

    /// Text that is read where it stands.
    fn shown(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.html_code {
            code.push_str(text);
        }
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        } else if let Some(cell) = &mut self.cell {
            cell.text.push_str(text);
        }
    }

    /// The code of a block, from its own text: what looks like Liquid in there is code. A block may name the endpoint.
    fn end_block(&mut self) {
        let Some((language, content)) = self.block.take() else {
            return;
        };
        let mut range = content.unwrap_or(0..0);
        let mut language = language;
        if let Some((inner, named)) = fenced(self.page.source.text.get(range.clone()).unwrap_or_default()) {
            range = range.start + inner.start..range.start + inner.end;
            language = named;
        }
        let text = self.page.source.text.get(range.clone()).unwrap_or_default().to_owned();
        let first = text.lines().next().unwrap_or_default();
        self.endpoint(&Written { value: first.to_owned(), range: range.start..range.start + first.len() });
        self.page.blocks.push(CodeBlock { language, text: Written { value: text, range } });
    }

    fn begin_table(&mut self, range: Range<usize>) {
        self.table = Some(Table {
            range,
            introduced_by: std::mem::take(&mut self.last_paragraph),
            heading: self.last_heading.clone(),
            rows: Vec::new(),
        });
    }

    fn end_table(&mut self) {
        self.page.tables.extend(self.table.take().filter(|table| !table.rows.is_empty()));
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

    /// Tables in HTML are tables too. A row that has only head cells is none, as in Markdown.
    fn html_block(&mut self, block: &Range<usize>) {
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
                            self.row = None;
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
                    _ if self.cell.is_some() => self.html(&self.text[range.clone()], &range),
                    _ => {}
                },
                html::Part::Text(text) if self.cell.is_some() => self.text(text, &range),
                html::Part::Text(_) => {}
            }
        }
    }

    /// `<code>` is a code span too, and `<a href>` a link.
    fn html(&mut self, html: &str, range: &Range<usize>) {
        let tag = html.trim_matches(['<', '>']).split_whitespace().next().unwrap_or_default();
        match tag.to_lowercase().as_str() {
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
            _ => {}
        }
    }

    fn code(&mut self, code: &str, range: &Range<usize>) {
        // Escaped pipes and collapsed blanks aside, the code stands in the text as it is. Broken over two lines or with an
        // escaped pipe, the whole span is its place.
        let inside = self.text[range.clone()].find(code).map(|at| range.start + at..range.start + at + code.len());
        let range = inside.as_ref().unwrap_or(range);
        // The status of an error counts nothing.
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
        if self.endpoint(&span) {
            return;
        }
        self.page.mentions.extend(error_in(&span, range));
        self.last_paragraph.push(code.to_owned());
        self.page.spans.push(span);
    }

    /// The first code that is a method and a path names what the page is about, unless it comes after the errors: there it
    /// is somebody else's.
    fn endpoint(&mut self, code: &Written<String>) -> bool {
        if self.page.endpoint.is_none()
            && self.page.errors.is_empty()
            && let Some(found) = ENDPOINT.captures(code)
            && let (Some(method), Some(path)) = (found.get(1), found.get(2))
        {
            let part =
                |part: regex::Match<'_>| Written { value: part.as_str().to_owned(), range: inside(code, part.range()) };
            self.page.endpoint = Some(Endpoint { method: part(method), path: part(path) });
            return true;
        }
        false
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

    /// Looks through the prose that ends here, and begins to gather the next.
    fn end_prose(&mut self) {
        let prose = std::mem::take(&mut self.prose);
        self.page.limits.extend(prose.limits(self.page.language));
    }

    fn trimmed(&self, range: &Range<usize>) -> Range<usize> {
        range.start..range.start + self.text[range.clone()].trim_end().len()
    }

    /// A cell without its pipes and the blanks around its content.
    fn inner(&self, range: &Range<usize>) -> Range<usize> {
        let cell = self.text[range.clone()].trim_end_matches('|');
        let content = cell.trim();
        let start = range.start + (cell.len() - cell.trim_start().len());
        start..start + content.len()
    }
}

/// A part of a code span in the file. Where the span is not written as it reads, the whole of it.
fn inside(span: &Written<String>, part: Range<usize>) -> Range<usize> {
    if span.range.len() == span.value.len() {
        span.range.start + part.start..span.range.start + part.end
    } else {
        span.range.clone()
    }
}

/// A row that documents an error: `404 Not here` in one code span, or the status and the message in two cells.
fn error(row: &Row) -> Option<ErrorRow> {
    let codes = row.cells.iter().flat_map(|cell| &cell.codes);
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

/// The language of ` json`, `{.json .x}` or `json,x`.
fn language(info: &str) -> String {
    let info = info.trim_start_matches(['{', '.', ' ']);
    info.split([' ', ',', '{', '}']).next().unwrap_or_default().to_lowercase()
}

/// The code and the language of a fenced block that stands in an indented one, as in the tabs of some site generators.
fn fenced(text: &str) -> Option<(Range<usize>, String)> {
    let fence = text.get(..3).filter(|fence| ["```", "~~~"].contains(fence))?;
    let first = text.lines().next()?;
    let start = first.len() + 1;
    let length = text.get(start..)?.rfind(fence)?;
    Some((start..start + length, language(first.trim_start_matches(['`', '~']))))
}

/// The error that a code span is.
fn error_in(code: &Written<String>, range: &Range<usize>) -> Option<ErrorRow> {
    let found = ERROR.captures(&code.value)?;
    let (status, message) = (found.get(1)?, found.get(2)?);
    Some(ErrorRow {
        status: Written { value: status.as_str().parse().ok()?, range: inside(code, status.range()) },
        message: Written { value: message.as_str().to_owned(), range: inside(code, message.range()) },
        range: range.clone(),
    })
}

/// Braze's own pages name the endpoint in a Liquid block.
fn api_method(text: &str) -> Option<Endpoint> {
    let found = API_METHOD.captures(text)?;
    let (method, path) = (found.get(1)?, found.get(2)?);
    Some(Endpoint {
        method: Written { value: method.as_str().to_uppercase(), range: method.range() },
        path: Written { value: path.as_str().to_owned(), range: path.range() },
    })
}

fn includes(text: &str) -> Vec<Written<String>> {
    let found = INCLUDE.captures_iter(text).filter_map(|found| found.get(1));
    found.map(|found| Written { value: found.as_str().to_owned(), range: found.range() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::read(&Source::new("page.md", text), Language::English)
    }

    #[test]
    fn claims_are_found_by_what_they_look_like_and_know_their_place() {
        let text = "# Ä title\n\n`POST /things/{id}`\n\nYou need `a.b`. It allows 1,000 requests\nper minute.\n\n| What | Then |\n| --- | --- |\n| **Bad** `404 Not here` | `x` |\n\nSee [errors](errors.md).\n";
        let page = page(text);
        let endpoint = page.endpoint.as_ref().unwrap();
        assert_eq!((endpoint.method.as_str(), endpoint.path.as_str()), ("POST", "/things/{id}"));
        assert_eq!(&text[endpoint.path.range.clone()], "/things/{id}");
        let error = &page.errors[0];
        assert_eq!((error.status.value, error.message.as_str()), (404, "Not here"));
        assert_eq!(&text[error.message.range.clone()], "Not here");
        assert_eq!(&text[error.range.clone()], "| **Bad** `404 Not here` | `x` |");
        assert_eq!(
            page.limits.iter().map(|limit| (limit.number.value, limit.seconds)).collect::<Vec<_>>(),
            [(1000, 60)]
        );
        assert_eq!(page.spans.iter().map(|span| span.as_str()).collect::<Vec<_>>(), ["a.b"]);
        assert_eq!(page.links[0].value, "errors.md");
        assert!(page.tables.is_empty(), "a table of errors only");
    }

    #[test]
    fn tables_have_cells_with_their_place_and_what_introduces_them() {
        let text =
            "## Values\n\nThose of `kind`:\n\n| Name | |\n|---|--|\n| <code>one</code> | *a* `b` |\n| `two` | |\n";
        let page = page(text);
        let table = &page.tables[0];
        assert_eq!((table.heading.as_str(), table.introduced_by.as_slice()), ("values", &["kind".to_owned()][..]));
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0].name().unwrap().value, "one");
        assert_eq!(&text[table.rows[0].name().unwrap().range.clone()], "one");
        assert_eq!(table.rows[0].cells[1].text, "a b");
        assert_eq!(&text[table.rows[0].cells[1].range.clone()], "*a* `b`");
    }

    #[test]
    fn tables_in_html_are_tables() {
        let text = "<table>\n<tr><th>Error</th></tr>\n<tr><td>Bad: <code>404 Not here</code><td>No</tr>\n\n<tr>\n<td>\n\n`409 Oh`\n\n</td></tr>\n<tr><td> <code>kind</code></td><td>Required </td></tr>\n</table>\n\n`202`\n\n<table>\n\n# Next\n\n`a`\n";
        let page = page(text);
        let errors: Vec<_> = page.errors.iter().map(|row| &text[row.message.range.clone()]).collect();
        assert_eq!(errors, ["Not here", "Oh"]);
        assert_eq!(&text[page.errors[0].range.clone()], "<tr><td>Bad: <code>404 Not here</code><td>No</tr>");
        let row = &page.tables[0].rows[0];
        assert_eq!((row.name().unwrap().as_str(), row.cells[1].text.trim()), ("kind", "Required"));
        assert_eq!(page.spans.iter().map(|span| span.as_str()).collect::<Vec<_>>(), ["202", "a"]);
    }

    #[test]
    fn code_blocks_keep_their_text_and_place() {
        let text = "```bash title\ncurl 'x' \\\n{{y}}\n```\n\n    indented\n\n```json\n```\n";
        let page = page(text);
        let blocks: Vec<_> = page.blocks.iter().map(|block| (block.language.as_str(), block.text.as_str())).collect();
        assert_eq!(blocks, [("bash", "curl 'x' \\\n{{y}}\n"), ("", "indented\n"), ("json", "")]);
        assert_eq!(&text[page.blocks[0].text.range.clone()], "curl 'x' \\\n{{y}}\n");
        for text in ["=== \"Tab\"\n\n    ```json title\n    {}\n    ```\n", "~~~~ {.json .x}\n{}\n~~~~\n"] {
            let page = self::page(text);
            assert_eq!((page.blocks[0].language.as_str(), page.blocks[0].text.trim()), ("json", "{}"), "{text}");
        }
    }

    #[test]
    fn liquid_and_kramdown_are_tolerated() {
        let page = page(
            "{% api %}\n{% apimethod post %}\n/things/{id}\n{% endapimethod %}\n\n| Error | Then |\n|---|---|\n| `404 Not here` | x |\n{: .reset }\n{% multi_lang_include rate_limits.md endpoint='x' %}\n",
        );
        assert_eq!(page.includes[0].value, "rate_limits.md endpoint='x'");
        assert_eq!(page.endpoint.unwrap().method.value, "POST");
        assert_eq!(page.errors.len(), 1);
    }

    #[test]
    fn an_error_may_have_its_status_in_a_cell_of_its_own() {
        let page = page(
            "| Status | Message | |\n|---|---|---|\n| 404 | `Not here` | x |\n| `500` | `Oh` | |\n| 7 | `x` | |\n",
        );
        let errors: Vec<_> = page.errors.iter().map(|row| (row.status.value, row.message.as_str())).collect();
        assert_eq!(errors, [(404, "Not here"), (500, "Oh")]);
        assert_eq!(page.tables[0].rows.len(), 1);
    }

    #[test]
    fn a_status_outside_a_table_is_no_claim() {
        assert!(page("`404 Not here` happens. 5 things. Every minute counts, says 7.\n").errors.is_empty());
    }

    #[test]
    fn limits_are_read_as_people_read_them() {
        for text in [
            "allows **20** requests per **minute**, and\nmore",
            "- 20&nbsp;requests per\n  minute",
            "> 20 requests per\n> minute",
            "20 requests <!-- once 30 --> per minute. After `429 Rate Limited` wait a minute.",
            "# `20` requests per minute\n\nA page has 30 rows; it takes 7 rows a minute.",
            "| Limit |\n|---|\n| 20 requests per minute |\n",
        ] {
            let page = page(text);
            let found: Vec<_> = page.limits.iter().map(|limit| (limit.number.value, limit.seconds)).collect();
            assert_eq!(found, [(20, 60)], "{text}");
            assert_eq!(&text[page.limits[0].number.range.clone()], "20", "{text}");
        }
        assert_eq!(page("The sync runs 7 times a day.").limits.len(), 1, "where nothing else is said");
    }

    #[test]
    fn a_code_span_that_is_not_written_as_it_reads_has_its_whole_place() {
        let text = "`POST\n/a“ü`\n\n| E |\n|---|\n| `404 Integration not found\\|“` |\n";
        let page = page(text);
        assert_eq!(&text[page.errors[0].message.range.clone()], "`404 Integration not found\\|“`");
        assert_eq!(&text[page.endpoint.unwrap().path.range], "`POST\n/a“ü`");
    }
}
