//! Determines which part of a page is about which endpoint.
//!
//! A section extends from a declaration up through the enclosing headings, as long as nothing below them is about
//! another endpoint: this needs no words and no consistent heading levels. A page about one endpoint belongs to it as a
//! whole.

use std::ops::Range;

use crate::page::{Heading, Page};

/// A declaration of a page, and its place.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The number of its subject: equal numbers mean the same subject.
    pub subject: usize,
    /// Its place on the page.
    pub range: Range<usize>,
}

/// The headings of a page as a tree.
struct Outline {
    starts: Vec<usize>,
    ends: Vec<usize>,
    parents: Vec<Option<usize>>,
}

impl Outline {
    fn new(headings: &[Heading], end: usize) -> Outline {
        let mut outline = Outline { starts: Vec::new(), ends: vec![end; headings.len()], parents: Vec::new() };
        let mut open: Vec<usize> = Vec::new();
        for (index, heading) in headings.iter().enumerate() {
            while let Some(last) = open.last().copied().filter(|last| headings[*last].level >= heading.level) {
                outline.ends[last] = heading.range.start;
                open.pop();
            }
            outline.parents.push(open.last().copied());
            outline.starts.push(heading.range.start);
            open.push(index);
        }
        outline
    }

    /// The ranges of the headings that enclose a place, from the inside out, and finally the whole page.
    fn around(&self, at: usize, end: usize) -> impl Iterator<Item = Range<usize>> {
        let last = self.starts.partition_point(|start| *start <= at).checked_sub(1);
        let headings = std::iter::successors(last, |index| self.parents[*index]);
        headings.map(|index| self.starts[index]..self.ends[index]).chain(std::iter::once(0..end))
    }
}

/// The ranges of a page that each declaration covers, in order.
pub fn cover(page: &Page, declared: &[Declared]) -> Vec<Range<usize>> {
    let end = page.source.text.len().max(1);
    let outline = Outline::new(&page.headings, end);
    // For each declaration, the end of the run of declarations with the same subject.
    let mut same: Vec<usize> = vec![declared.len(); declared.len()];
    for index in (1..declared.len()).rev() {
        let is_same = declared[index - 1].subject == declared[index].subject;
        same[index - 1] = if is_same { same[index] } else { index };
    }
    (0..declared.len()).map(|index| one(&outline, declared, &same, index, end)).collect()
}

/// The ranges of the innermost headings around some places.
pub fn innermost(page: &Page, places: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let end = page.source.text.len().max(1);
    let outline = Outline::new(&page.headings, end);
    places.filter_map(|at| outline.around(at, end).next()).collect()
}

fn one(outline: &Outline, declared: &[Declared], same: &[usize], index: usize, end: usize) -> Range<usize> {
    let own = &declared[index];
    let at = own.range.start;
    // Declarations in one block share the section.
    let is_other = |other: &Declared| other.subject != own.subject && other.range != own.range;
    let mut widest = None;
    for range in outline.around(at, end) {
        let first = declared.partition_point(|other| other.range.start < range.start);
        let is_mine = declared[first].subject == own.subject;
        let next = if is_mine { same[first] } else { first };
        let mut inside = declared[next..].iter().take_while(|other| other.range.start < range.end);
        if inside.any(is_other) {
            break;
        }
        widest = Some(range);
    }
    widest.unwrap_or_else(|| {
        // From the previous heading, unless another declaration comes first, to the next other subject.
        let before = declared[..index].iter().rev().find(|other| is_other(other)).map_or(0, |other| other.range.end);
        let heading = outline.starts.partition_point(|start| *start <= at).checked_sub(1);
        let start = heading.map(|index| outline.starts[index]).filter(|start| *start >= before).unwrap_or(at);
        let end = heading.map_or(end, |index| outline.ends[index]);
        let after = declared[index + 1..].iter().find(|other| is_other(other));
        let after = after.map_or(end, |other| other.range.start.min(end));
        let next = outline.starts.partition_point(|start| *start <= at);
        let headings = outline.starts[next..].iter().zip(&outline.ends[next..]);
        let enclosing = headings.take_while(|(start, _)| **start <= after).find(|(_, end)| **end > after);
        start..enclosing.map_or(after, |(start, _)| *start)
    })
}

/// The union of ranges, in order.
pub fn united(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut united: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match united.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => united.push(range),
        }
    }
    united
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Language, Manner};
    use openapi_model::source::Source;

    /// For each declaration of a page, its path and its first and last line.
    fn covered(text: &str) -> Vec<String> {
        let page = Page::read(&Source::new("page.md", text), Language::English);
        let declarations: Vec<_> = page.declarations.iter().filter(|one| one.manner != Manner::Mention).collect();
        let mut paths: Vec<&str> = declarations.iter().map(|one| one.endpoint.path.as_str()).collect();
        paths.sort_unstable();
        let declared: Vec<Declared> = declarations
            .iter()
            .map(|one| Declared {
                subject: paths.iter().position(|path| *path == one.endpoint.path.as_str()).unwrap_or_default(),
                range: one.range.clone(),
            })
            .collect();
        let ranges = cover(&page, &declared);
        let lines = |range: &Range<usize>| {
            let shown: Vec<&str> =
                text[range.start..range.end.min(text.len())].lines().filter(|line| !line.is_empty()).collect();
            format!("{} … {}", shown.first().unwrap_or(&""), shown.last().unwrap_or(&""))
        };
        declarations
            .iter()
            .zip(&ranges)
            .map(|(one, range)| format!("{}: {}", one.endpoint.path.value, lines(range)))
            .collect()
    }

    #[test]
    fn a_page_about_one_endpoint_belongs_to_it_as_a_whole() {
        assert_eq!(covered("before\n\n# A\n\n## Route\n\n`GET /a`\n\n## Rest\n\nlast\n"), ["/a: before … last"]);
        assert_eq!(covered("`GET /a`\n\n# A\n\n`GET /a`\n"), ["/a: `GET /a` … `GET /a`"; 2]);
    }

    #[test]
    fn sections_end_at_another_endpoint_at_any_heading_level() {
        assert_eq!(
            covered("# All\n\nx\n\n## A\n\n### Route\n\n`GET /a`\n\n### Body\n\nin a\n\n## B\n\n`GET /b`\n\nin b\n"),
            ["/a: ## A … in a", "/b: ## B … in b"]
        );
        assert_eq!(
            covered("# GET /a\n\nin a\n\n## GET /a/b\n\nin b\n"),
            ["/a: # GET /a … in a", "/a/b: ## GET /a/b … in b"]
        );
        assert_eq!(
            covered("# All\n\n`GET /a`\n\nin a\n\n`GET /b`\n\nin b\n\n# End\n"),
            ["/a: # All … in a", "/b: `GET /b` … in b"]
        );
    }

    #[test]
    fn endpoints_of_one_block_share_their_section() {
        assert_eq!(
            covered("# A\n\n```\nGET /a\nPUT /b\n```\n\nin both\n\n# C\n\n`GET /c`\n"),
            ["/a: # A … in both", "/b: # A … in both", "/c: # C … `GET /c`"]
        );
    }

    #[test]
    fn ranges_are_united() {
        assert_eq!(united(vec![5..7, 0..2, 1..4]), [0..4, 5..7]);
    }
}
