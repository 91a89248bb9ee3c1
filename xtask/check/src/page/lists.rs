//! Lists that describe names as tables do: `- `page` (integer, required) - …`. Each item says in parentheses what it is, or the
//! list stands right below a word for parameters.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::model::{Cell, Page, Paragraph, Row, Table, Written};
use super::pattern::pattern;
use super::words;

/// What stands in parentheses right after a name.
static BESIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\s:*–—-]*\(([^()]{1,60})\)"));

/// The lists of a page that describe names, as tables: the name, what stands in parentheses, the rest.
pub fn find(page: &Page) -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    let mut open: Option<Table> = None;
    for paragraph in &page.paragraphs {
        let is_within = |table: &Table| table.rows.last().is_some_and(|row| row.range.end > paragraph.range.start);
        if open.as_ref().is_some_and(is_within) {
            continue;
        }
        let row = paragraph.is_item.then(|| row(page, paragraph)).flatten();
        if open.as_ref().is_some_and(|table| row.is_none() || stands_between(page, table.range.end, paragraph)) {
            found.extend(open.take().filter(describes));
        }
        let Some(row) = row else { continue };
        match &mut open {
            Some(table) => {
                table.range.end = row.range.end;
                table.rows.push(row);
            }
            None => {
                let at = page.headings.partition_point(|heading| heading.range.start < row.range.start);
                let heading = at.checked_sub(1).map(|at| page.headings[at].text.to_lowercase());
                open = Some(Table {
                    range: row.range.clone(),
                    introduced_by: Vec::new(),
                    heading: heading.unwrap_or_default(),
                    head: label(page, row.range.start).into_iter().collect(),
                    rows: vec![row],
                });
            }
        }
    }
    found.extend(open.filter(describes));
    found
}

/// Whether something that ends a list stands between a place and a paragraph.
fn stands_between(page: &Page, end: usize, paragraph: &Paragraph) -> bool {
    let between = page.source.text.get(end..paragraph.range.start).unwrap_or_default();
    !between.trim().trim_start_matches(['-', '*', '+']).trim().is_empty()
}

/// The word for parameters right above a list, as the head of a table.
fn label(page: &Page, start: usize) -> Option<Cell> {
    let is_near = |range: &Range<usize>| {
        let between = page.source.text.get(range.end..start).unwrap_or("x");
        between.trim_matches(|letter: char| letter.is_whitespace() || "-*+".contains(letter)).is_empty()
    };
    let paragraph = page.paragraphs.partition_point(|paragraph| paragraph.range.start < start).checked_sub(1);
    let paragraph = paragraph.map(|at| &page.paragraphs[at]).map(|one| (&one.text, &one.range));
    let heading = page.headings.partition_point(|heading| heading.range.start < start).checked_sub(1);
    let heading = heading.map(|at| &page.headings[at]).map(|one| (&one.text, &one.range));
    let (text, _) = [paragraph, heading].into_iter().flatten().find(|(_, range)| is_near(range))?;
    let text = text.trim().trim_end_matches([':', '：']).to_owned();
    let is_label = text.split_whitespace().count() <= 5 && words::is_of_parameters(&text);
    is_label.then(|| Cell { text, ..Cell::default() })
}

/// Whether a list stands below a word for parameters, or most of its items say what they are.
fn describes(table: &Table) -> bool {
    if !table.head.is_empty() {
        return true;
    }
    let says = |row: &&Row| row.cells.get(1).is_some_and(|cell| !cell.text.is_empty());
    table.rows.len() > 1 && table.rows.iter().filter(says).count() * 2 > table.rows.len()
}

/// `- `name` (string, required): what it is.`
fn row(page: &Page, item: &Paragraph) -> Option<Row> {
    let text = item.text.trim_start();
    let source = page.source.text.get(item.range.clone())?;
    let code = item.codes.first().filter(|code| text.starts_with(code.value.as_str()) && !code.is_empty());
    let name = match code {
        Some(code) => code.value.as_str(),
        None => text.split([' ', ':']).next().filter(|name| !name.is_empty())?,
    };
    let rest = &text[name.len()..];
    let bracket = BESIDE.captures(rest).and_then(|found| Some((found.get(1)?.as_str(), &rest[found.get(0)?.end()..])));
    let bracket = bracket.filter(|(inner, _)| says_something(inner));
    if code.is_none() && bracket.is_none() {
        return None;
    }
    let name_range = match code {
        Some(code) => code.range.clone(),
        None => {
            let at = item.range.start + source.find(name)?;
            at..at + name.len()
        }
    };
    let codes = |range: &Range<usize>| -> Vec<Written<String>> {
        item.codes.iter().filter(|code| range.contains(&code.range.start)).cloned().collect()
    };
    let cell = |text: &str, range: Range<usize>| Cell { text: text.to_owned(), codes: codes(&range), range };
    let behind = name_range.end..item.range.end;
    let brackets = bracket.and_then(|_| {
        let source = page.source.text.get(behind.clone())?;
        let start = source.find('(')? + 1;
        Some(behind.start + start..behind.start + start + source[start..].find(')')?)
    });
    let (inner, after) = bracket.unwrap_or(("", rest));
    let place = brackets.clone().unwrap_or(behind.start..behind.start);
    let rest = place.end..item.range.end;
    let first = Cell { codes: code.cloned().into_iter().collect(), ..cell(name, name_range) };
    Some(Row { range: item.range.clone(), cells: vec![first, cell(inner, place), cell(after, rest)] })
}

/// Whether what stands in parentheses says what something is, or whether it has to be there.
fn says_something(text: &str) -> bool {
    let mut parts = text.split(',').map(str::trim);
    parts.any(|part| words::strongly_required(part).is_some() || words::Language::English.kind(part).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Language, columns};
    use openapi_model::source::Source;

    fn listed(text: &str) -> Vec<String> {
        let page = Page::read(&Source::new("page.md", text), Language::English);
        let shown = |table: &Table| {
            let listing = columns::read(&page, table).unwrap();
            let entries = listing.entries.iter().map(|entry| {
                assert_eq!(&text[entry.name.range.clone()], entry.name.value);
                let required = entry.required.as_ref().map(|said| said.value);
                format!("{} {:?} {required:?}", entry.name.value, entry.kind.map(|(_, kind)| kind))
            });
            entries.collect::<Vec<_>>()
        };
        page.lists.iter().flat_map(shown).collect()
    }

    #[test]
    fn lists_describe_names_as_tables_do() {
        assert_eq!(
            listed("# A\n\n- `a` (string, required): one of `x`, `y`.\n- `b` (integer): two\n- **c** (boolean)\n"),
            ["a Some(String) Some(true)", "b Some(Integer) None", "c Some(Boolean) None"]
        );
        assert_eq!(listed("- `a` (string)\n  - `inner` (string)\n- `b` (integer, optional)\n").len(), 2);
    }

    #[test]
    fn other_lists_describe_nothing() {
        for text in ["- `a`: one\n- `b`: two\n", "- see this (it is good)\n- and that\n", "- `a` (string)\n\nText\n"] {
            assert_eq!(listed(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn lists_below_a_word_for_parameters_are_tables() {
        let text = "**Query parameters:**\n\n- `page` (integer, required) - which\n- `q`: what (default: 50, max: 100)\n\nOther:\n\n- `x`\n";
        let page = Page::read(&Source::new("page.md", text), Language::English);
        let [list] = page.lists.as_slice() else { panic!("{:?}", page.lists) };
        let listing = columns::read(&page, list).unwrap();
        let shown: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.required.as_ref().map(|said| said.value)))
            .collect();
        assert_eq!(shown, [("page", Some(true)), ("q", None)]);
        assert_eq!(&text[listing.entries[1].name.range.clone()], "q");
        assert_eq!(listing.head, "query parameters");
    }
}
