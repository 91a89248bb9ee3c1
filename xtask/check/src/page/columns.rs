//! Interprets the columns of a table that describes names: required, type and default.
//!
//! Columns are identified by their heads, in any language, or by the content of all their cells.

use std::sync::LazyLock;

use regex::Regex;

use super::model::{Cell, Page, Row, Table, Written};
use super::pattern::pattern;
use super::words::{self, Kind};

/// A name as used in contracts: of a parameter, or of a field, optionally with the fields that contain it.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[A-Za-z_$@][\w$@.\-]*(?:\[[\w$.*-]*\])*(?:\.[\w$@.\-]+(?:\[[\w$.*-]*\])*)*(?:[<>]=?)?$")
});
/// Characters that mark a name as belonging to the one in a row above.
const INDENTS: [char; 10] = ['└', '─', '├', '│', '↳', '→', '>', '•', '∟', '\u{a0}'];

/// A table that describes names.
#[derive(Debug)]
pub struct Listing<'a> {
    /// The described names, in the order of the rows.
    pub entries: Vec<Entry<'a>>,
    /// Whether it has a column for the type, or one for whether a name is required.
    pub says_kind_or_required: bool,
    /// The head of the column of names.
    pub head: String,
}

/// The description of one name.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The row.
    pub row: &'a Row,
    /// The described name.
    pub name: Written<String>,
    /// Whether it is required.
    pub required: Option<Written<bool>>,
    /// Its type.
    pub kind: Option<(&'a Cell, Kind)>,
    /// The cell with the default, which may be empty, if the table has a column for it.
    pub default: Option<&'a Cell>,
    /// Its location: `path`, `query`, ….
    pub location: Option<&'static str>,
}

/// The meaning of the columns.
#[derive(Debug, Default)]
struct Columns {
    name: usize,
    /// The column, and whether its words can mean that something is optional.
    required: Option<(usize, bool)>,
    kind: Option<usize>,
    default: Option<usize>,
    location: Option<usize>,
}

/// Interprets a table; `None` if it does not describe names.
pub fn read<'a>(page: &Page, table: &'a Table) -> Option<Listing<'a>> {
    let columns = Columns::of(page, table)?;
    let entries: Vec<Entry> = table.rows.iter().flat_map(|row| columns.entries(page, row)).collect();
    let says_required_elsewhere = entries.iter().any(|entry| entry.required.is_some());
    Some(Listing {
        says_kind_or_required: columns.kind.is_some() || columns.required.is_some() || says_required_elsewhere,
        head: table.head.get(columns.name).map(|cell| cell.text.trim().to_lowercase()).unwrap_or_default(),
        entries,
    })
}

impl Columns {
    fn of(page: &Page, table: &Table) -> Option<Columns> {
        let width = table.rows.iter().map(|row| row.cells.len()).max()?;
        let cells = |column: usize| {
            let cells = table.rows.iter().filter_map(move |row| row.cells.get(column));
            cells.filter(|cell| !cell.text.trim().is_empty())
        };
        let most = |column: usize, fits: &dyn Fn(&Cell) -> bool| {
            let (all, fitting) = (cells(column).count(), cells(column).filter(|cell| fits(cell)).count());
            all > 0 && fitting * 2 >= all
        };
        let all = |column: usize, fits: &dyn Fn(&Cell) -> bool| cells(column).count() > 0 && cells(column).all(fits);
        let head = |column: usize| table.head.get(column).map(|cell| cell.text.trim()).unwrap_or_default();
        let location = (0..width).find(|column| all(*column, &|cell| location(cell).is_some()));
        let is_names = |column: &usize| most(*column, &|cell| !names(page, cell).is_empty());
        let name = (0..width).filter(|column| Some(*column) != location).find(is_names)?;
        let others = || (0..width).filter(move |column| *column != name);
        let required = others().find_map(|column| Some((column, !words::required(head(column))?)));
        let required = required.or_else(|| {
            let by_cells = others().find(|column| all(*column, &|cell| words::strongly_required(&cell.text).is_some()));
            Some((by_cells?, false))
        });
        let is_kind = |cell: &Cell| kind(page, cell).is_some();
        let kind = others().find(|column| words::is_type_head(head(*column)));
        let kind = kind.or_else(|| others().find(|column| most(*column, &is_kind)));
        let default = others().find(|column| words::is_default_head(head(*column)));
        Some(Columns { name, required, kind, default, location })
    }

    fn entries<'a>(&self, page: &Page, row: &'a Row) -> Vec<Entry<'a>> {
        let Some(cell) = row.cells.get(self.name) else { return Vec::new() };
        let names = names(page, cell);
        let is_single = names.len() == 1;
        let entry = |name: Name| {
            let required = name.required.or_else(|| self.required(row)).filter(|_| is_single);
            let kind = self.kind.and_then(|column| row.cells.get(column)).filter(|_| is_single);
            Entry {
                row,
                required,
                kind: kind.and_then(|cell| Some((cell, kind_of(page, cell)?))),
                default: self.default.and_then(|column| row.cells.get(column)),
                location: self.location.and_then(|column| location(row.cells.get(column)?)),
                name: name.name,
            }
        };
        names.into_iter().map(entry).collect()
    }

    /// Whether a row says that the name is required: in a column for it, or beside the type.
    fn required(&self, row: &Row) -> Option<Written<bool>> {
        if let Some((column, is_inverted)) = self.required {
            let cell = row.cells.get(column)?;
            let required = words::required(&cell.text)? != is_inverted;
            return Some(Written { value: required, range: cell.range.clone() });
        }
        let cell = row.cells.get(self.kind?)?;
        let text = cell.text.replace("&nbsp", " ");
        let mut said = text.split([' ', ',', ';', '(', ')', '\u{a0}', '.']).filter_map(words::strongly_required);
        let first = said.next()?;
        said.next().is_none().then(|| Written { value: first, range: cell.range.clone() })
    }
}

fn kind(page: &Page, cell: &Cell) -> Option<Kind> {
    let is_short = cell.text.split_whitespace().count() <= 6 && !cell.text.ends_with('.');
    if is_short { kind_of(page, cell) } else { None }
}

/// The type in a cell: `String`, `[]string`, `string[]`, `Array of strings`.
fn kind_of(page: &Page, cell: &Cell) -> Option<Kind> {
    let text = cell.text.trim();
    let first = text.split([' ', '\u{a0}', ',', '(']).next().unwrap_or_default();
    if text.starts_with("[]") || first.ends_with("[]") || first.to_lowercase().starts_with("array<") {
        return Some(Kind::Array);
    }
    // `string or array` is ambiguous.
    let says_several = text.contains('|')
        || text.contains('/')
        || text.to_lowercase().contains(" or ") && !text.to_lowercase().contains("null");
    if says_several { None } else { page.language.kind(text) }
}

fn location(cell: &Cell) -> Option<&'static str> {
    let text = cell.text.trim().to_lowercase();
    ["path", "query", "header", "cookie", "body"].into_iter().find(|location| *location == text)
}

/// A name and the marks beside it.
struct Name {
    name: Written<String>,
    required: Option<Written<bool>>,
}

/// The names at the beginning of a cell: a plain name, or code spans.
fn names(page: &Page, cell: &Cell) -> Vec<Name> {
    let text = cell
        .text
        .trim_start_matches(|letter: char| letter.is_whitespace() || INDENTS.contains(&letter) || letter == '-');
    if let Some(first) = cell.codes.first() {
        if !text.starts_with(first.value.trim_start()) {
            return Vec::new();
        }
        let is_name = |code: &&Written<String>| NAME.is_match(code.trim());
        // `a` and `b`, but not `a` (such as `b`).
        let between = text.replace(['`', ',', '/', '|'], " ");
        let are_only_codes =
            between.split_whitespace().all(|word| cell.codes.iter().any(|code| code.trim() == word) || word.len() <= 3);
        let codes = if are_only_codes { cell.codes.len() } else { 1 };
        let rest = &text[first.value.trim_start().len()..];
        let required = (codes == 1).then(|| beside(rest, cell)).flatten();
        let name = |code: &Written<String>| {
            let value = code.trim().to_owned();
            let at = code.value.find(value.as_str()).unwrap_or_default();
            let range = code.part(at..at + value.len());
            Name { name: Written { value, range }, required: required.clone() }
        };
        return cell.codes.iter().take(codes).filter(is_name).map(name).collect();
    }
    let word = text.split_whitespace().next().unwrap_or_default();
    let bare = word.trim_end_matches(['*', '?']);
    let rest = text[bare.len()..].trim_start();
    let is_alone = rest.is_empty() || beside(rest, cell).is_some();
    if !is_alone || !NAME.is_match(bare) {
        return Vec::new();
    }
    let range = match page.source.text.get(cell.range.clone()).and_then(|text| text.find(bare)) {
        Some(at) => cell.range.start + at..cell.range.start + at + bare.len(),
        None => cell.range.clone(),
    };
    vec![Name { name: Written { value: bare.to_owned(), range }, required: beside(rest, cell) }]
}

/// The mark directly after a name: `*`, `?`, `(required)`.
fn beside(rest: &str, cell: &Cell) -> Option<Written<bool>> {
    let rest = rest.trim();
    let said = |value: bool| Some(Written { value, range: cell.range.clone() });
    match rest {
        "*" | "(*)" => said(true),
        "?" => said(false),
        _ => words::strongly_required(rest).and_then(said),
    }
}

/// The parts of a name: `a.b[].c` is `c` in an item of `b` in `a`.
pub fn parts(name: &str) -> Vec<&str> {
    name.split(['.', '[', ']'])
        .filter(|part| !part.is_empty() && *part != "*" && part.parse::<usize>().is_err())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Language;
    use openapi_model::source::Source;

    fn listed(text: &str) -> Vec<String> {
        let page = Page::read(&Source::new("page.md", text), Language::English);
        let Some(listing) = page.tables.first().and_then(|table| read(&page, table)) else { return Vec::new() };
        let shown = |entry: &Entry| {
            assert_eq!(&text[entry.name.range.clone()], entry.name.value);
            let required =
                entry.required.as_ref().map_or("", |said| if said.value { " required" } else { " optional" });
            let kind = entry.kind.map_or(String::new(), |(_, kind)| format!(" {kind:?}"));
            let default = entry.default.map_or(String::new(), |cell| format!(" = {}", cell.text.trim()));
            format!("{}{required}{kind}{default}", entry.name.value)
        };
        listing.entries.iter().map(shown).collect()
    }

    #[test]
    fn rows_are_read_in_many_notations() {
        for (text, expected) in [
            (
                "| Parameter | Required | Type |\n|-|-|-|\n| `a` | Yes | String |\n| `b` | | []string |\n",
                vec!["a required String", "b Array"],
            ),
            (
                "| Name | Type | Optional |\n|-|-|-|\n| a | number | yes |\n| b | string[] | no |\n",
                vec!["a optional Number", "b required Array"],
            ),
            (
                "| Attributes | Type |\n|-|-|\n| a.b | String &nbsp; <R>**Required**</R> |\n| c | Array |\n",
                vec!["a.b required String", "c Array"],
            ),
            (
                "| Field | Type |\n|-|-|\n| id\\* | string |\n| at? | date |\n",
                vec!["id required String", "at optional String"],
            ),
            ("| パラメータ | 必須 | データ型 |\n|-|-|-|\n| `a` | 任意 | 文字列 |\n", vec!["a optional String"]),
            ("| Name | Type | Default |\n|-|-|-|\n| `a` | integer | `20` |\n", vec!["a Integer = 20"]),
            ("| | |\n|-|-|\n| `a` (required) | what it is |\n| └ `b` | more |\n", vec!["a required", "b"]),
            ("| Error | What to do |\n|-|-|\n| Not found | Look again |\n", vec![]),
        ] {
            assert_eq!(listed(text), expected, "{text}");
        }
    }

    #[test]
    fn names_have_parts() {
        assert_eq!(parts("a.b[].c"), ["a", "b", "c"]);
        assert_eq!(parts("items[0].id"), ["items", "id"]);
    }
}
