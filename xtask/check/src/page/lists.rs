//! Lists that describe parameters: `- `page` (integer, required) - …` below `Query parameters:`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::model::{Cell, Page, Paragraph, Row, Table};
use super::pattern::pattern;
use super::words;

/// What stands in parentheses right after a name.
static BESIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\s:*–—-]*\(([^()]{1,60})\)"));

/// The lists of a page that stand right below a word for parameters, each as a table.
pub fn read(page: &Page) -> Vec<Table> {
    let mut lists = Vec::new();
    let mut label: Option<(String, usize)> = None;
    let mut at = 0;
    while let Some(paragraph) = page.paragraphs.get(at) {
        if !paragraph.is_item {
            let heading = page.headings.partition_point(|heading| heading.range.start < paragraph.range.start);
            let text = paragraph.text.trim();
            let is_label = text.split_whitespace().count() <= 5 && words::is_of_parameters(text);
            label = is_label.then(|| (text.trim_end_matches([':', '：']).to_owned(), heading));
            at += 1;
            continue;
        }
        let count = page.paragraphs[at..].iter().take_while(|paragraph| paragraph.is_item).count();
        let items = &page.paragraphs[at..at + count];
        let heading = page.headings.partition_point(|heading| heading.range.start < paragraph.range.start);
        let below = heading.checked_sub(1).map(|index| &page.headings[index]);
        let is_near = |range: &Range<usize>| {
            let between = page.source.text.get(range.end..paragraph.range.start).unwrap_or("x");
            between.trim_matches(|letter: char| letter.is_whitespace() || "-*+".contains(letter)).is_empty()
        };
        let by_heading = below.filter(|heading| words::is_of_parameters(&heading.text) && is_near(&heading.range));
        let named = label.take().filter(|(_, known)| *known == heading).map(|(label, _)| label);
        if let Some(label) = named.or_else(|| by_heading.map(|heading| heading.text.clone())) {
            lists.extend(table(page, items, &label));
        }
        at += count;
    }
    lists
}

/// A list as a table, if all of its items begin with a code span.
fn table(page: &Page, items: &[Paragraph], label: &str) -> Option<Table> {
    let rows: Option<Vec<Row>> = items.iter().map(|item| row(page, item)).collect();
    let (first, last) = (items.first()?, items.last()?);
    let label = Cell { text: label.to_owned(), ..Cell::default() };
    Some(Table {
        range: first.range.start..last.range.end,
        introduced_by: Vec::new(),
        heading: label.text.to_lowercase(),
        head: vec![label],
        rows: rows?,
    })
}

fn row(page: &Page, item: &Paragraph) -> Option<Row> {
    let code = item.codes.first()?;
    let rest = item.text.trim_start().strip_prefix(code.value.as_str())?;
    let place = |text: &str| {
        let at = page.source.text.get(item.range.clone()).and_then(|whole| whole.find(text));
        at.map_or(item.range.clone(), |at| item.range.start + at..item.range.start + at + text.len())
    };
    let name = Cell { range: code.range.clone(), text: code.value.clone(), codes: vec![code.clone()] };
    let beside = BESIDE.captures(rest).and_then(|found| found.get(1));
    let beside = beside.filter(|beside| says_something(beside.as_str()));
    let rest = beside.map_or(rest, |beside| &rest[beside.end() + 1..]);
    let beside = beside.map(|beside| beside.as_str()).unwrap_or_default();
    let cells = vec![
        name,
        Cell { range: place(beside), text: beside.to_owned(), codes: Vec::new() },
        Cell { range: place(rest), text: rest.to_owned(), codes: item.codes[1..].to_vec() },
    ];
    Some(Row { range: item.range.clone(), cells })
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
