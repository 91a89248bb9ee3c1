//! Finds the endpoints that a page declares, in all common notations.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::html;
use super::model::{CodeBlock, Declaration, Endpoint, Manner, Page, Paragraph, Table, Written};
use super::pattern::pattern;

/// The methods of endpoints, as a regular expression.
pub const METHODS: &str = "GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS";
/// An address before a path: of a server, or a placeholder for one.
const HOST: &str =
    r"(?:https?://[^/\s`]*|\$\{?\w+\}?|\{\{\s*\w+\s*\}\}|<[\w -]+>|\{\w*(?:url|URL|host|HOST|server|domain)\w*\})?";
/// Text that may follow a path without belonging to it.
const REST: &str = r"(?:\{?\??[?#]\S*|\[[?&]\S*\]?)?(?:\s+HTTP/[0-9.]+)?";

/// A text that consists of a method and a path.
static WHOLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^\s*({METHODS})\s*:?\s+{HOST}(/[^\s?`\[#]*?){REST}\s*(?:\([^()]*\))?\s*$")));
/// A method and a path somewhere in a text.
static WITHIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?:^|[\s(\[:*`])({METHODS})\s*:?\s+{HOST}(/[^\s?`\[#)]*)")));
/// A text that is only a path, possibly without its leading slash.
static PATH: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"^\s*{HOST}(/[^\s?`\[#]*?|[\w{{}}:-]+/[^\s?`\[#]*?){REST}\s*$")));
static METHOD: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"^\s*({METHODS})\s*$")));
static TITLE: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r#"(?:^|["'=\s])({METHODS})(?:$|["'\s])"#)));
static API_METHOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\{%-?\s*apimethod\s+(\w+)[^%]*%\}\s*(/\S*)\s*\{%-?\s*endapimethod"));
static FRONT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r#"(?mi)^(?:openapi|api):\s*["']?(?:[^\s"']+\.(?:json|ya?ml)\s+)?({METHODS})\s+{HOST}(/[^\s"']*)"#
    ))
});
/// Languages of code blocks that may show an endpoint.
const PLAIN: [&str; 8] = ["", "http", "rest", "text", "plaintext", "txt", "url", "api"];

/// Finds all declarations on a parsed page.
pub fn find(page: &mut Page) {
    let mut found = std::mem::take(&mut page.declarations);
    found.extend(liquid(&page.source.text));
    found.extend(front_matter(&page.source.text));
    for heading in &page.headings {
        found.extend(within(page, &heading.text, &heading.range, Manner::Declared));
    }
    for paragraph in &page.paragraphs {
        found.extend(whole(page, &paragraph.text, &paragraph.range, Manner::Declared));
    }
    found.extend(labelled(page));
    for block in &page.blocks {
        found.extend(block_title(block).map(|declaration| vec![declaration]).unwrap_or_else(|| block_lines(block)));
    }
    for table in &page.tables {
        found.extend(index(page, table));
    }
    found.extend(page.spans.iter().filter_map(|span| {
        let endpoint = endpoint(&WHOLE.captures(span)?, |part| span.part(part))?;
        Some(Declaration { endpoint, range: span.range.clone(), manner: Manner::Mention })
    }));
    found.sort_by_key(|declaration| (declaration.range.start, declaration.endpoint.path.range.start));
    // A code span that is a whole paragraph is found twice.
    let declared: Vec<Range<usize>> =
        found.iter().filter(|one| one.manner != Manner::Mention).map(|one| one.range.clone()).collect();
    let mut declared = declared.iter().peekable();
    found.retain(|one| {
        while declared.next_if(|range| range.end < one.range.start).is_some() {}
        let is_inside =
            declared.clone().take_while(|range| range.start <= one.range.start).any(|range| range.end >= one.range.end);
        one.manner != Manner::Mention || !is_inside
    });
    for declaration in &mut found {
        declaration.endpoint.query = query(&page.source.text, declaration.endpoint.path.range.end);
    }
    page.declarations = found;
}

/// The query that follows a path which ends at a byte. A query in brackets only shows which parameters exist.
fn query(text: &str, end: usize) -> Option<Written<String>> {
    let rest = text.get(end..)?.strip_prefix('?')?;
    let length = rest.find([' ', '\t', '\r', '\n', '`', '"', '\'', '<', ')', '|', '#']).unwrap_or(rest.len());
    let value = rest[..length].to_owned();
    (!value.is_empty()).then(|| Written { range: end + 1..end + 1 + length, value })
}

/// `<Endpoint method="GET" path="/things">`.
pub fn in_tag(tag: &str, range: &Range<usize>) -> Option<Declaration> {
    let method = html::attribute(tag, "method")?;
    let path = ["path", "url", "endpoint", "route"].iter().find_map(|name| html::attribute(tag, name))?;
    let found = PATH.captures(path)?;
    let place = |part: &str| {
        let at = tag.find(part).unwrap_or_default();
        Written { value: part.to_owned(), range: range.start + at..range.start + at + part.len() }
    };
    let method = Written { value: method.to_uppercase(), ..place(method) };
    METHOD.is_match(&method).then_some(())?;
    let endpoint = Endpoint::new(method, place(found.get(1)?.as_str()));
    Some(Declaration { endpoint, range: range.clone(), manner: Manner::Declared })
}

/// An endpoint whose method and path are the groups of a match. `place` maps a range of the text to the page.
fn endpoint(found: &Captures<'_>, place: impl Fn(Range<usize>) -> Range<usize>) -> Option<Endpoint> {
    let part = |group: usize| {
        let part = found.get(group)?;
        Some(Written { value: part.as_str().to_owned(), range: place(part.range()) })
    };
    let method = part(1)?;
    Some(Endpoint::new(Written { value: method.value.to_uppercase(), ..method }, part(2)?))
}

/// The place in the source of a part of rendered text.
fn written(page: &Page, range: &Range<usize>, part: &str) -> Range<usize> {
    match page.source.text.get(range.clone()).and_then(|text| text.find(part)) {
        Some(at) => range.start + at..range.start + at + part.len(),
        None => range.clone(),
    }
}

/// The method and the path of a match in rendered text, each with its place in the source.
fn endpoint_in(page: &Page, text: &str, range: &Range<usize>, found: &Captures<'_>) -> Option<Endpoint> {
    let (method, path) = (found.get(1)?, found.get(2)?);
    let value = path.as_str().trim_end_matches([':', ',', '.', ';', '*', '_']).to_owned();
    let shown = &text[method.start()..path.start() + value.len()];
    let source = page.source.text.get(range.clone())?;
    let end = match source.find(shown) {
        // If source and text are identical, the path ends at the same offset.
        Some(at) => Some(range.start + at + shown.len()),
        // The last occurrence, because an address before it may contain the same text.
        None => source.rfind(value.as_str()).map(|at| range.start + at + value.len()),
    };
    let place = end.map_or(range.clone(), |end| end - value.len()..end);
    let method = Written { range: written(page, range, method.as_str()), value: method.as_str().to_owned() };
    Some(Endpoint::new(method, Written { value, range: place }))
}

/// A text that consists of an endpoint.
fn whole(page: &Page, text: &str, range: &Range<usize>, manner: Manner) -> Option<Declaration> {
    // A cheap test first: most paragraphs name no path, and no endpoint is this long.
    if !text.contains('/') || text.len() > 500 {
        return None;
    }
    let endpoint = endpoint_in(page, text, range, &WHOLE.captures(text)?)?;
    Some(Declaration { endpoint, range: range.clone(), manner })
}

/// A text with an endpoint in it.
fn within(page: &Page, text: &str, range: &Range<usize>, manner: Manner) -> Option<Declaration> {
    if !text.contains('/') {
        return None;
    }
    let endpoint = endpoint_in(page, text, range, &WITHIN.captures(text)?)?;
    Some(Declaration { endpoint, range: range.clone(), manner })
}

fn liquid(text: &str) -> Vec<Declaration> {
    let found = API_METHOD.captures_iter(text);
    let declaration = |found: Captures<'_>| {
        let endpoint = endpoint(&found, |part| part)?;
        let end = endpoint.path.range.end;
        let start = found.get(0)?.start();
        METHOD.is_match(&endpoint.method).then_some(Declaration {
            endpoint,
            range: start..end,
            manner: Manner::Declared,
        })
    };
    found.filter_map(declaration).collect()
}

/// `openapi: GET /things` in the front matter.
fn front_matter(text: &str) -> Option<Declaration> {
    let start = ["---\n", "---\r\n"].into_iter().find(|start| text.starts_with(start))?.len();
    let front = text[start..].split_once("\n---").map(|(front, _)| front)?;
    let found = FRONT.captures(front)?;
    let endpoint = endpoint(&found, |part| part.start + start..part.end + start)?;
    let range = endpoint.method.range.start..endpoint.path.range.end;
    Some(Declaration { endpoint, range, manner: Manner::Declared })
}

/// A block with the method in its title and the path in its text.
fn block_title(block: &CodeBlock) -> Option<Declaration> {
    let title = TITLE.captures(&block.title)?.get(1)?;
    let line = block.text.trim();
    let found = PATH.captures(line).filter(|_| !line.contains('\n'))?;
    let path = found.get(1)?;
    let start = block.text.range.start + (block.text.len() - block.text.trim_start().len());
    // The title is on the line of the fence.
    let method = Written { value: title.as_str().to_owned(), range: block.title.range.clone() };
    let path = Written { value: path.as_str().to_owned(), range: start + path.start()..start + path.end() };
    let endpoint = Endpoint::new(method, path);
    Some(Declaration { endpoint, range: block.start..block.text.range.end, manner: Manner::Declared })
}

/// The leading lines of a block that are endpoints. Headers may be between them.
fn block_lines(block: &CodeBlock) -> Vec<Declaration> {
    let mut found = Vec::new();
    if !PLAIN.contains(&block.language.as_str()) && block.language != "json" {
        return found;
    }
    let mut at = block.text.range.start;
    for line in block.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end();
        if let Some(matched) = WHOLE.captures(content)
            && let Some(endpoint) = endpoint(&matched, |part| start + part.start..start + part.end)
        {
            found.push(Declaration { endpoint, range: block.start..block.text.range.end, manner: Manner::Block });
        } else if found.is_empty() || !(content.is_empty() || is_header(content) || content.starts_with('#')) {
            break;
        }
    }
    found
}

fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// A path and a method with a label each: `- Endpoint: …`, `- Method: …`.
fn labelled(page: &Page) -> Vec<Declaration> {
    let paragraphs = &page.paragraphs;
    let method = |paragraph: &Paragraph| {
        let word =
            labelled_value(paragraph, |text| METHOD.captures(text)?.get(1).map(|part| part.as_str().to_owned()))?;
        Some(Written { range: written(page, &paragraph.range, &word), value: word })
    };
    let path = |paragraph: &Paragraph| {
        let path = labelled_value(paragraph, |text| {
            PATH.captures(text)?.get(1).map(|part| part.as_str().to_owned()).filter(|path| path.starts_with('/'))
        })?;
        Some(Written { range: written(page, &paragraph.range, &path), value: path })
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < paragraphs.len() {
        let (one, other) = (&paragraphs[at], &paragraphs[at + 1]);
        let is_near = other.range.start.saturating_sub(one.range.end) <= 8;
        let pair = match (path(one), method(one)) {
            (Some(path), _) => method(other).map(|method| Endpoint::new(method, path)),
            (None, Some(method)) => path(other).map(|path| Endpoint::new(method, path)),
            (None, None) => None,
        };
        match pair.filter(|_| is_near) {
            Some(endpoint) => {
                let range = one.range.start..other.range.end;
                found.push(Declaration { endpoint, range, manner: Manner::Declared });
                at += 2;
            }
            None => at += 1,
        }
    }
    found
}

/// The value after a label of a few words: `Endpoint: …`.
fn labelled_value(paragraph: &Paragraph, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (label, value) = paragraph.text.split_once(':')?;
    (label.split_whitespace().count() <= 3).then(|| read(value))?
}

/// The rows of a table that has methods in one column and paths in another.
fn index(page: &Page, table: &Table) -> Vec<Declaration> {
    let row = |row: &super::model::Row| {
        if let Some(cell) = row.cells.iter().find_map(|cell| Some((cell, WHOLE.captures(cell.text.trim())?))) {
            let (cell, found) = cell;
            let text = cell.text.trim();
            let endpoint = endpoint(&found, |part| written(page, &cell.range, &text[part]))?;
            return Some(Declaration { endpoint, range: row.range.clone(), manner: Manner::Index });
        }
        let method = row.cells.iter().find(|cell| METHOD.is_match(&cell.text))?;
        let mut paths = row.cells.iter().filter(|cell| !std::ptr::eq(*cell, method));
        let (cell, path) = paths.find_map(|cell| {
            let path = PATH.captures(cell.text.trim())?.get(1)?.as_str().to_owned();
            path.starts_with('/').then_some((cell, path))
        })?;
        let method = Written { value: method.text.trim().to_owned(), range: method.range.clone() };
        let endpoint = Endpoint::new(method, Written { range: written(page, &cell.range, &path), value: path });
        Some(Declaration { endpoint, range: row.range.clone(), manner: Manner::Index })
    };
    table.rows.iter().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Language;
    use openapi_model::source::Source;

    fn found(text: &str) -> Vec<(String, Manner)> {
        let page = Page::read(&Source::new("page.md", text), Language::English);
        for declaration in &page.declarations {
            let endpoint = &declaration.endpoint;
            assert_eq!(&text[endpoint.path.range.clone()], endpoint.path.value, "{text}");
            assert!(text[endpoint.method.range.clone()].to_uppercase().contains(&endpoint.method.value), "{text}");
        }
        page.declarations
            .iter()
            .map(|one| (format!("{} {}", one.endpoint.method.value, one.endpoint.path.value), one.manner))
            .collect()
    }

    #[test]
    fn endpoints_are_declared_in_many_ways() {
        for text in [
            "`GET /a/{id}`",
            "**GET** `/a/{id}`",
            "**`GET https://x.org/a/{id}?x=1`**",
            "`GET $HOST/a/{id}` (admins only)",
            "# GET /a/{id}",
            "## `GET /a/{id}`: one thing",
            "### One thing (GET /a/{id})",
            "{% apimethod get %}\n/a/{id}\n{% endapimethod %}",
            "```curl title=\"GET\"\n/a/{id}\n```",
            "---\nopenapi: 'GET /a/{id}'\n---\n\n# One",
            "<Endpoint method=\"get\" path=\"/a/{id}\" />",
            "- Endpoint: `/a/{id}`\n- Method: `GET`\n- Response: none",
            "**Methode:** GET\n\n**URL:** `/a/{id}[?x=y]`",
        ] {
            assert_eq!(found(text), [("GET /a/{id}".to_owned(), Manner::Declared)], "{text}");
        }
        assert_eq!(
            found("```http\nGET /a HTTP/1.1\nHost: x\n\nPUT /b\n\nDELETE\n```"),
            [("GET /a".to_owned(), Manner::Block), ("PUT /b".to_owned(), Manner::Block)]
        );
        assert_eq!(
            found("| Method | Path |\n|---|---|\n| GET | [/a](#a) |\n| `POST /b` | |\n| x | /c |\n"),
            [("GET /a".to_owned(), Manner::Index), ("POST /b".to_owned(), Manner::Index)]
        );
        assert_eq!(found("See `GET /a` for more."), [("GET /a".to_owned(), Manner::Mention)]);
    }

    #[test]
    fn texts_that_only_look_like_endpoints_are_ignored() {
        for text in [
            "# Request full data of a form",
            "GET it from /a or elsewhere",
            "```python\nGET /a\n```",
            "- Path: `/a`\n\nSome prose.\n\n- Method: `GET`",
            "| Method | Meaning |\n|---|---|\n| GET | reads |\n",
            "```\nfoo\nGET /a\n```",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
