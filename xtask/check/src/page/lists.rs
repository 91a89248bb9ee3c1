//! Lists that describe names like tables do: each item begins with a name, followed by its type in brackets.

use std::ops::Range;

use super::model::{Cell, Page, Paragraph, Row, Table, Written};
use super::words;

/// The lists of a page that describe names, as tables: the name, the text in brackets, the rest.
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
                let heading = at.checked_sub(1).map(|at| &page.headings[at]);
                let label = label(page, heading.map_or(0, |heading| heading.range.end), paragraph);
                open = Some(Table {
                    range: row.range.clone(),
                    introduced_by: Vec::new(),
                    heading: heading.map(|heading| heading.text.to_lowercase()).unwrap_or_default(),
                    head: label.into_iter().map(|text| Cell { text, ..Cell::default() }).collect(),
                    rows: vec![row],
                });
            }
        }
    }
    found.extend(open.filter(describes));
    found
}

/// The paragraph or the heading before a list, if it announces parameters.
fn label(page: &Page, after: usize, first: &Paragraph) -> Option<String> {
    let at = page.paragraphs.partition_point(|paragraph| paragraph.range.start < first.range.start).checked_sub(1);
    let before = at.map(|at| &page.paragraphs[at]).filter(|before| before.range.start >= after);
    let heading = page.headings.iter().rev().find(|heading| heading.range.end == after);
    let label = match (before, heading) {
        (Some(before), _) => before.text.trim(),
        (None, Some(heading)) => heading.text.trim(),
        (None, None) => return None,
    };
    let is_label = label.split_whitespace().count() <= 5 && words::is_of_parameters(label);
    is_label.then(|| label.trim_end_matches([':', '：']).to_lowercase())
}

/// Whether something that ends a list is between a place and a paragraph.
fn stands_between(page: &Page, end: usize, paragraph: &Paragraph) -> bool {
    let between = page.source.text.get(end..paragraph.range.start).unwrap_or_default();
    !between.trim().trim_start_matches(['-', '*', '+']).trim().is_empty()
}

/// Whether most items of a list give a type, or the label before it announces parameters.
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
    let bracket = rest.trim_start().strip_prefix('(').and_then(|inner| inner.split_once(')'));
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
    fn below_a_label_for_parameters_any_list_of_names_describes_them() {
        for label in ["**Query parameters:**\n", "## Parameters\n", "Parámetros:\n"] {
            let text = format!("{label}\n- `page` - which\n- `q`: what (default: 50, max: 100)\n");
            assert_eq!(listed(&text), ["page None None", "q None None"], "{label}");
        }
    }

    #[test]
    fn other_lists_describe_nothing() {
        for text in ["- `a`: one\n- `b`: two\n", "- see this (it is good)\n- and that\n", "- `a` (string)\n\nText\n"] {
            assert_eq!(listed(text), [""; 0], "{text}");
        }
    }
}
