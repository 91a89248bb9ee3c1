//! Markdown → the model of a page.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::mask::mask;
use super::{Cell, CodeBlock, Endpoint, ErrorRow, Language, Limit, Page, Row, Table};
use crate::contract::Spanned;
use crate::source::Source;

#[allow(clippy::expect_used)] // A pattern that stands here and that the tests use.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

static ENDPOINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS)\s+(?:https?://[^/\s]+)?(/[^\s?]*)(?:\?\S*)?(?: HTTP/[0-9.]+)?\s*$",
    )
});
static HREF: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)\bhref\s*=\s*["']?([^"'\s>]+)"#));
static API_METHOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\{%-?\s*apimethod\s+(\w+)[^%]*%\}\s*(/\S*)\s*\{%-?\s*endapimethod"));
static INCLUDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{%-?\s*(?:multi_lang_)?include\s+([^%]*?)\s*-?%\}"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([1-5][0-9][0-9])\s+(\S.*)$"));
static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[1-5][0-9][0-9]$"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[0-9]+(?:[,.\u{a0}\u{202f}][0-9]{3})*\b"));

pub fn parse(source: &Arc<Source>, language: Language) -> Page {
    let masked = mask(&source.text);
    let mut reader = Reader {
        text: &masked,
        page: Page {
            source: source.clone(),
            language,
            endpoint: api_method(&source.text),
            errors: Vec::new(),
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
    };
    for (event, range) in
        Parser::new_ext(&masked, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS).into_offset_iter()
    {
        reader.event(event, range);
    }
    let mut page = reader.page;
    page.limits.sort_by_key(|limit| (limit.number.range.start, limit.seconds));
    page.limits.dedup_by_key(|limit| (limit.number.range.start, limit.seconds));
    page
}

/// The sentences of a text. A full stop ends one only before a blank and something that begins another.
fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, mark) in text.match_indices(['.', ';', '!', '?', '|']) {
        let after = &text[at + mark.len()..];
        let next = after.trim_start().chars().next();
        let ends =
            mark != "." || (after.starts_with(char::is_whitespace) && next.is_some_and(|next| !next.is_lowercase()));
        if ends {
            sentences.push(start..at);
            start = at + mark.len();
        }
    }
    sentences.push(start..text.len());
    sentences
}

/// Where a phrase stands as whole words.
fn positions(text: &str, phrase: &str) -> Vec<usize> {
    let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let whole = |at: usize| {
        let before = text[..at].chars().next_back();
        let own_start = phrase.starts_with('/') || !is_letter(before);
        own_start && !is_letter(text[at + phrase.len()..].chars().next())
    };
    text.match_indices(phrase).map(|(at, _)| at).filter(|at| whole(*at)).collect()
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
    /// A `<code>` that is open: where its text begins, and the text so far.
    html_code: Option<(usize, String)>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                self.page.heading.get_or_insert(range.start);
                self.heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                self.last_heading = self.heading.take().unwrap_or_default().to_lowercase();
                self.last_paragraph.clear();
            }
            Event::Start(Tag::Table(_)) => {
                self.table = Some(Table {
                    range: self.trimmed(&range),
                    introduced_by: std::mem::take(&mut self.last_paragraph),
                    heading: self.last_heading.clone(),
                    rows: Vec::new(),
                });
            }
            Event::End(TagEnd::Table) => {
                self.page.tables.extend(self.table.take().filter(|table| !table.rows.is_empty()))
            }
            Event::Start(Tag::TableRow) => {
                self.row = Some(Row { range: self.trimmed(&range), cells: Vec::new() });
            }
            Event::End(TagEnd::TableRow) => self.end_row(),
            Event::Start(Tag::TableCell) => {
                self.html_code = None;
                self.cell = Some(Cell { range: self.inner(&range), ..Cell::default() });
            }
            Event::End(TagEnd::TableCell) => {
                let cell = self.cell.take();
                if let Some(cell) = &cell {
                    self.limits(&cell.range.clone());
                }
                if let Some(row) = &mut self.row {
                    row.cells.extend(cell);
                }
            }
            Event::Start(Tag::Paragraph | Tag::Item) => {
                self.html_code = None;
                self.last_paragraph.clear();
                self.limits(&range);
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',', '{']).next().unwrap_or_default().to_lowercase()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some((language, None));
            }
            Event::End(TagEnd::CodeBlock) => self.end_block(),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.page.links.push(Spanned { value: dest_url.into_string(), range })
            }
            Event::Code(text) => self.code(&text, &range),
            Event::InlineHtml(html) => self.html(&html, &range),
            Event::Text(text) => self.text(&text, &range),
            Event::SoftBreak | Event::HardBreak => self.text(" ", &range),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if let Some((_, code)) = &mut self.html_code {
            code.push_str(text);
        }
        if let Some((_, content)) = &mut self.block {
            content.get_or_insert_with(|| range.clone()).end = range.end;
        } else if let Some(heading) = &mut self.heading {
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
        let range = content.unwrap_or(0..0);
        let text = self.page.source.text.get(range.clone()).unwrap_or_default().to_owned();
        let first = text.lines().next().unwrap_or_default();
        self.endpoint(&Spanned { value: first.to_owned(), range: range.start..range.start + first.len() });
        self.page.blocks.push(CodeBlock { language, text: Spanned { value: text, range } });
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
                let target = target.map(|target| Spanned { value: target.as_str().to_owned(), range: range.clone() });
                self.page.links.extend(target);
            }
            _ => {}
        }
    }

    fn code(&mut self, code: &str, range: &Range<usize>) {
        self.text(code, range);
        // Escaped pipes and collapsed blanks aside, the code stands in the text as it is.
        match self.text[range.clone()].find(code) {
            Some(at) => self.code_at(code, range.start + at),
            // Broken over two lines or with an escaped pipe: the whole span is its place.
            None => self.code_in(code, range),
        }
    }

    fn code_at(&mut self, code: &str, start: usize) {
        self.code_in(code, &(start..start + code.len()));
    }

    fn code_in(&mut self, code: &str, range: &Range<usize>) {
        let span = Spanned { value: code.to_owned(), range: range.clone() };
        if let Some(cell) = &mut self.cell {
            cell.codes.push(span);
            return;
        }
        if self.endpoint(&span) {
            return;
        }
        self.last_paragraph.push(code.to_owned());
        self.page.spans.push(span);
    }

    /// The first code that is a method and a path names what the page is about, unless it comes after the errors: there it
    /// is somebody else's.
    fn endpoint(&mut self, code: &Spanned<String>) -> bool {
        if self.page.endpoint.is_none()
            && self.page.errors.is_empty()
            && let Some(found) = ENDPOINT.captures(code)
            && let (Some(method), Some(path)) = (found.get(1), found.get(2))
        {
            let part =
                |part: regex::Match<'_>| Spanned { value: part.as_str().to_owned(), range: inside(code, part.range()) };
            self.page.endpoint = Some(Endpoint { method: part(method), path: part(path) });
            return true;
        }
        false
    }

    fn end_row(&mut self) {
        let Some(row) = self.row.take() else { return };
        self.page.cell_spans.extend(row.cells.iter().flat_map(|cell| cell.codes.clone()));
        if let Some(error) = error(&row) {
            self.page.errors.push(error);
        } else if let Some(table) = &mut self.table {
            table.rows.push(row);
        }
    }

    /// Numbers that a paragraph or a cell gives for a stretch of time.
    fn limits(&mut self, range: &Range<usize>) {
        let text = &self.text[range.clone()];
        for sentence in sentences(text) {
            if !text[sentence.clone()].contains(|letter: char| letter.is_ascii_digit()) {
                continue;
            }
            // However its blanks are written.
            let part = text[sentence.clone()].to_lowercase().replace(['\n', '\t', '\r'], " ");
            // Lower case may have another length only outside of what the words here are made of.
            if part.len() != sentence.len() {
                continue;
            }
            let numbers: Vec<Range<usize>> = NUMBER.find_iter(&part).map(|found| found.range()).collect();
            for (phrase, seconds) in self.page.language.per() {
                for at in positions(&part, phrase) {
                    // The number right before it; where there is none, the first after it.
                    let before = numbers.iter().rfind(|number| number.end <= at);
                    let Some(number) = before.or_else(|| numbers.iter().find(|number| number.start >= at)) else {
                        continue;
                    };
                    let digits: String = part[number.clone()].chars().filter(char::is_ascii_digit).collect();
                    let Ok(value) = digits.parse() else { continue };
                    let start = range.start + sentence.start;
                    self.page.limits.push(Limit {
                        number: Spanned { value, range: start + number.start..start + number.end },
                        seconds: *seconds,
                    });
                }
            }
        }
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
fn inside(span: &Spanned<String>, part: Range<usize>) -> Range<usize> {
    if span.range.len() == span.value.len() {
        span.range.start + part.start..span.range.start + part.end
    } else {
        span.range.clone()
    }
}

/// A row that documents an error: `404 Not here` in one code span, or the status and the message in two cells.
fn error(row: &Row) -> Option<ErrorRow> {
    for code in row.cells.iter().flat_map(|cell| &cell.codes) {
        if let Some(found) = ERROR.captures(&code.value)
            && let (Some(status), Some(message)) = (found.get(1), found.get(2))
            && let Ok(number) = status.as_str().parse()
        {
            let at = |part: regex::Match<'_>| inside(code, part.range());
            return Some(ErrorRow {
                status: Spanned { value: number, range: at(status) },
                message: Spanned { value: message.as_str().to_owned(), range: at(message) },
                range: row.range.clone(),
            });
        }
    }
    let at = row.cells.iter().position(|cell| STATUS.is_match(cell.text.trim()))?;
    let (status, message) = (&row.cells[at], row.cells.get(at + 1)?);
    let message = message.codes.first()?.clone();
    Some(ErrorRow {
        status: Spanned {
            value: status.text.trim().parse().ok()?,
            range: status.codes.first().map_or_else(|| status.range.clone(), |code| code.range.clone()),
        },
        message,
        range: row.range.clone(),
    })
}

/// Braze's own pages name the endpoint in a Liquid block.
fn api_method(text: &str) -> Option<Endpoint> {
    let found = API_METHOD.captures(text)?;
    let (method, path) = (found.get(1)?, found.get(2)?);
    Some(Endpoint {
        method: Spanned { value: method.as_str().to_uppercase(), range: method.range() },
        path: Spanned { value: path.as_str().to_owned(), range: path.range() },
    })
}

fn includes(text: &str) -> Vec<Spanned<String>> {
    let found = INCLUDE.captures_iter(text).filter_map(|found| found.get(1));
    found.map(|found| Spanned { value: found.as_str().to_owned(), range: found.range() }).collect()
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
    fn code_blocks_keep_their_text_and_place() {
        let text = "```bash title\ncurl 'x' \\\n{{y}}\n```\n\n    indented\n\n```json\n```\n";
        let page = page(text);
        let blocks: Vec<_> = page.blocks.iter().map(|block| (block.language.as_str(), block.text.as_str())).collect();
        assert_eq!(blocks, [("bash", "curl 'x' \\\n{{y}}\n"), ("", "indented\n"), ("json", "")]);
        assert_eq!(&text[page.blocks[0].text.range.clone()], "curl 'x' \\\n{{y}}\n");
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
    fn the_number_that_belongs_to_a_stretch_of_time_is_found() {
        for (text, expected) in [
            ("You get a 429 when you send more than 20 requests\nper minute.", vec![(20, 60)]),
            ("So 3 workspaces may send 20 requests, i.e. calls, per minute.", vec![(20, 60)]),
            ("1,200 per hour, which is 20 per minute", vec![(1200, 3600), (20, 60)]),
            ("20 requests/minute and 20/min.", vec![(20, 60), (20, 60)]),
            ("Per minute you may send 20 requests.", vec![(20, 60)]),
            ("It ends in a minute or two. 7 things.", vec![]),
            ("1.000 a day", vec![(1000, 86400)]),
            ("5 perminute", vec![]),
        ] {
            let found: Vec<_> = page(text).limits.iter().map(|limit| (limit.number.value, limit.seconds)).collect();
            assert_eq!(found, expected, "{text}");
        }
        let table = page("| Limit |\n|---|\n| 20 requests per minute |\n");
        assert_eq!(table.limits.len(), 1);
    }

    #[test]
    fn a_code_span_that_is_not_written_as_it_reads_has_its_whole_place() {
        let text = "`POST\n/a“ü`\n\n| E |\n|---|\n| `404 Integration not found\\|“` |\n";
        let page = page(text);
        assert_eq!(&text[page.errors[0].message.range.clone()], "`404 Integration not found\\|“`");
        assert_eq!(&text[page.endpoint.unwrap().path.range], "`POST\n/a“ü`");
    }
}
