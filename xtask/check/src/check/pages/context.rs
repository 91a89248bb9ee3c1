//! Determines what a block or a table shows from its surroundings: a tab, the paragraph before it, the heading above
//! it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::page::words::{self, Role};
use crate::page::{CodeBlock, Heading, METHODS, Page, Paragraph, Written, pattern};

static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|[^\d.])([1-5][0-9][0-9])(?:[^\d.]|$)"));
/// A status, with the words that identify it as one.
static SAID_STATUS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:http|status(?:[ -]?code)?|code|response|error|statuscode|c[oó]digo(?: (?:de )?(?:estado|status))?|code (?:d['’]état|de statut)|ステータス ?コード|상태 ?코드|状态码)\W{0,4}([1-5][0-9][0-9])(?:$|\D)|\b([1-5][0-9][0-9])\W{0,3}(?:status|response|error|ok\b|created|accepted|no content|bad request|unauthorized|forbidden|not found|conflict|unprocessable|too many)",
    )
});

/// What an example shows.
#[derive(Debug, Clone)]
pub struct Shows {
    pub role: Role,
    pub status: Option<Written<u16>>,
    /// Whether the immediate context says so, and not only the section: then the block may be a fragment.
    pub is_near: bool,
}

/// The status that a short text begins with or consists of.
pub fn status(text: &str) -> Option<u16> {
    STATUS.captures(text)?[1].parse().ok()
}

/// The status that a sentence mentions.
pub fn said_status(text: &str) -> Option<u16> {
    let found = SAID_STATUS.captures(text)?;
    found.get(1).or(found.get(2))?.as_str().parse().ok()
}

/// The place of a status within a range of the page.
pub fn place_of(page: &Page, status: u16, range: &Range<usize>) -> Range<usize> {
    let at = page.source.text.get(range.clone()).and_then(|text| text.find(&status.to_string()));
    at.map_or(range.clone(), |at| range.start + at..range.start + at + 3)
}

fn written(page: &Page, status: Option<u16>, range: &Range<usize>) -> Option<Written<u16>> {
    status.map(|status| Written { value: status, range: place_of(page, status, range) })
}

fn role_of_status(status: u16) -> Role {
    if status < 400 { Role::Response } else { Role::Error }
}

/// The paragraph directly before a place.
pub fn paragraph_before(page: &Page, start: usize) -> Option<&Paragraph> {
    let at = page.paragraphs.partition_point(|paragraph| paragraph.range.start < start).checked_sub(1)?;
    let paragraph = &page.paragraphs[at];
    let between = page.source.text.get(paragraph.range.end..start)?;
    // Tags and template markup are ignored.
    let is_nothing = |line: &str| {
        let line = line.trim();
        line.is_empty()
            || (line.starts_with('<') && line.ends_with('>'))
            || (line.starts_with("{%") && line.ends_with("%}"))
    };
    between.lines().all(is_nothing).then_some(paragraph)
}

/// The label above a place, if there is no heading between them: `**Errors:**`.
pub fn label_above(page: &Page, start: usize) -> Option<&Paragraph> {
    let heading = heading_above(page, start).map_or(0, |heading| heading.range.end);
    let before = page.paragraphs.partition_point(|paragraph| paragraph.range.start < start);
    let above = page.paragraphs[..before].iter().rev().take_while(|paragraph| paragraph.range.start >= heading);
    let is_label = |paragraph: &&Paragraph| {
        let text = paragraph.text.trim();
        text.ends_with([':', '：']) && !paragraph.is_item && text.len() < 100 && text.split_whitespace().count() <= 4
    };
    above.into_iter().find(is_label)
}

/// The heading directly above a place.
pub fn heading_above(page: &Page, start: usize) -> Option<&Heading> {
    let at = page.headings.partition_point(|heading| heading.range.start < start).checked_sub(1)?;
    Some(&page.headings[at])
}

/// The headings that enclose a place, from the inside out.
pub fn headings_around(page: &Page, start: usize) -> Vec<&Heading> {
    let at = page.headings.partition_point(|heading| heading.range.start < start);
    let above = page.headings[..at].iter().rev();
    let mut level = u8::MAX;
    let mut around = Vec::new();
    for heading in above {
        if heading.level < level {
            level = heading.level;
            around.push(heading);
        }
    }
    around
}

/// Whether a heading is a label and not a name: short, and neither declaring an endpoint nor directly before one.
pub fn is_label(page: &Page, heading: &Heading) -> bool {
    let declared = page.declarations.first().map_or(0, |declaration| declaration.range.end);
    let is_after = heading.range.start >= declared || page.declarations.is_empty();
    is_after && heading.text.split_whitespace().count() <= 4
}

/// What a block shows, according to its context. The first of these that says so counts: the tab or the title of its
/// fence, its first line (`inside`), the paragraph before it, the heading above it, an example request directly before
/// it.
pub fn shows(page: &Page, block: &CodeBlock, inside: Option<Shows>) -> Option<Shows> {
    let label = paragraph_before(page, block.start).map(|paragraph| paragraph.text.as_str());
    let label = label.filter(|label| label.split_whitespace().count() <= 6);
    let heading = heading_above(page, block.start).map(|heading| heading.text.as_str());
    // `400 Bad Request` is the name of a status.
    let is_mistake = |label: &str| status(label).is_none() && words::is_of_mistake(label);
    if [label, heading].into_iter().flatten().any(is_mistake) {
        return None;
    }
    let tab = page.tabs.iter().rev().find(|tab| tab.range.contains(&block.start));
    let titled = [tab.map(|tab| &tab.label), Some(&block.title)].into_iter().flatten().find_map(|title| {
        let status = status(title);
        let role = status.map(role_of_status).or_else(|| words::role(title))?;
        Some(Shows { role, status: written(page, status, &title.range), is_near: true })
    });
    let said = titled.or(inside).or_else(|| by_paragraph(page, block.start)).or_else(|| by_heading(page, block.start));
    said.or_else(|| after_request(page, block))
}

/// A block directly after an example request shows the response.
fn after_request(page: &Page, block: &CodeBlock) -> Option<Shows> {
    let at = page.blocks.partition_point(|other| other.start < block.start).checked_sub(1)?;
    let before = &page.blocks[at];
    let is_request =
        before.text.contains("curl ") || before.text.lines().next().is_some_and(|line| line.contains(" HTTP/"));
    let between = page.source.text.get(before.text.range.end..block.start)?;
    let is_nothing = between.chars().all(|letter| letter.is_whitespace() || letter == '`' || letter == '~');
    (is_request && is_nothing).then_some(Shows { role: Role::Response, status: None, is_near: true })
}

fn by_paragraph(page: &Page, start: usize) -> Option<Shows> {
    let paragraph = paragraph_before(page, start)?;
    let text = paragraph.text.trim();
    let count = text.split_whitespace().count();
    let is_label = count <= 6 || (count <= 25 && text.ends_with([':', '：', '.', '。']) && said_status(text).is_some());
    let role = words::role(text).filter(|_| is_label).or_else(|| label_role(text));
    if is_label && words::is_of_any_body(text) {
        return outer_body(page, start);
    }
    let status = if count <= 6 { self::status(text) } else { said_status(text) };
    let role = match (role, status.filter(|_| is_label)) {
        (Some(Role::Request), _) => Role::Request,
        (_, Some(status))
            if role.is_some() || paragraph.codes.iter().any(|code| code.starts_with(&status.to_string())) =>
        {
            role_of_status(status)
        }
        (Some(role), _) => role,
        (None, _) => return None,
    };
    let status = status.filter(|_| role != Role::Request);
    Some(Shows { role, status: written(page, status, &paragraph.range), is_near: true })
}

/// The role that the words before a colon name: `Response: the data as shown`.
pub fn label_role(text: &str) -> Option<Role> {
    let (label, _) = text.split_once([':', '：'])?;
    (label.split_whitespace().count() <= 3).then(|| words::role(label))?
}

/// The role of a body without further description: that of an enclosing heading, or else a request.
fn outer_body(page: &Page, start: usize) -> Option<Shows> {
    let outer = headings_around(page, start).into_iter().filter(|outer| is_label(page, outer));
    let mut said = outer.filter(|outer| !words::is_of_any_body(&outer.text)).filter_map(|outer| {
        let status = status(&outer.text);
        let role = words::role(&outer.text)?;
        Some((status.filter(|_| role != Role::Request), role, outer))
    });
    let Some((status, role, outer)) = said.next() else {
        return Some(Shows { role: Role::Request, status: None, is_near: true });
    };
    let role = status.map_or(role, role_of_status);
    Some(Shows { role, status: written(page, status, &outer.range), is_near: true })
}

fn by_heading(page: &Page, start: usize) -> Option<Shows> {
    let around = headings_around(page, start);
    let labels = || around.iter().filter(|heading| is_label(page, heading));
    // The nearest heading that says so, or `404 Not Found` below `Errors`. A mere `Body` takes the role of the heading
    // above it.
    let says = |heading: &&&Heading| words::role(&heading.text).is_some() || status(&heading.text).is_some();
    let heading =
        labels().filter(|heading| !words::is_of_any_body(&heading.text)).find(says).or_else(|| labels().find(says))?;
    let status = status(&heading.text);
    let role = words::role(&heading.text).or_else(|| labels().find_map(|heading| words::role(&heading.text)))?;
    let status = status.filter(|_| role != Role::Request);
    let role = status.map_or(role, role_of_status);
    let is_near = std::ptr::eq(*heading, around[0]) || words::is_of_any_body(&around[0].text);
    Some(Shows { role, status: written(page, status, &heading.range), is_near })
}

/// What a line in a block says it shows: `HTTP/1.1 201 Created`, `POST /things`, `Response 201`.
pub fn shows_line(page: &Page, line: &Written<String>) -> Option<Shows> {
    let first = line.split_whitespace().next()?;
    let is_status = first.len() == 3 && status(first).is_some() && line.split_whitespace().count() <= 5;
    if first == "HTTP" || first.starts_with("HTTP/") || is_status {
        let status = status(line)?;
        return Some(Shows {
            role: role_of_status(status),
            status: written(page, Some(status), &line.range),
            is_near: true,
        });
    }
    if METHODS.split('|').any(|method| method == first) {
        return Some(Shows { role: Role::Request, status: None, is_near: true });
    }
    if line.split_whitespace().count() > 6 {
        return None;
    }
    let status = status(line);
    let role = words::role(line)?;
    let status = status.filter(|_| role != Role::Request);
    Some(Shows { role: status.map_or(role, role_of_status), status: written(page, status, &line.range), is_near: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Language;
    use openapi_model::source::Source;

    fn shown(text: &str) -> Option<(Role, Option<u16>)> {
        let page = Page::read(&Source::new("page.md", text), Language::English);
        let shows = shows(&page, &page.blocks[0], None)?;
        if let Some(status) = &shows.status {
            assert_eq!(&text[status.range.clone()], status.value.to_string(), "{text}");
        }
        Some((shows.role, shows.status.map(|status| status.value)))
    }

    #[test]
    fn the_context_of_a_block_determines_its_role() {
        for (text, expected) in [
            (
                "<TabItem value=\"404\" label=\"HTTP 404\">\n\n```json\n{}\n```\n</TabItem>",
                Some((Role::Error, Some(404))),
            ),
            ("```json title=\"201 Created\"\n{}\n```", Some((Role::Response, Some(201)))),
            ("**Request Body:**\n```json\n{}\n```", Some((Role::Request, None))),
            ("**Response:** `201 Created`\n\n```json\n{}\n```", Some((Role::Response, Some(201)))),
            (
                "The status code `404` could return the following response body.\n\n```json\n{}\n```",
                Some((Role::Error, Some(404))),
            ),
            ("`GET /a`\n\n## Example response\n\n```json\n{}\n```", Some((Role::Response, None))),
            ("`GET /a`\n\n## Errors\n\n### 404 Not Found\n\n```json\n{}\n```", Some((Role::Error, Some(404)))),
            ("## Get response templates\n\n`GET /a`\n\n```json\n{}\n```", None),
            ("It holds 200 things and the request of an hour ago, which nobody wants.\n\n```json\n{}\n```", None),
            ("Antwort\n\n```json\n{}\n```", Some((Role::Response, None))),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
