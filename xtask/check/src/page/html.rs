//! Parses HTML, in particular tables, which Markdown passes through unchanged.

use std::ops::Range;

/// A part of an HTML fragment.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A tag: its name in lower case, with a slash before it if it closes.
    Tag(String),
    /// Text between tags.
    Text(&'a str),
}

/// The tags and texts of an HTML fragment, each with its place. Comments are skipped.
pub fn parts(html: &str) -> Vec<(Part<'_>, Range<usize>)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < html.len() {
        let rest = &html[at..];
        if rest.starts_with("<!--") {
            at += rest.find("-->").map_or(rest.len(), |end| end + 3);
        } else if rest.starts_with('<') {
            let length = rest.find('>').map_or(rest.len(), |end| end + 1);
            let inner = rest[1..length].trim_end_matches('>').trim_end_matches('/');
            let name = inner.split_whitespace().next().unwrap_or_default().to_lowercase();
            parts.push((Part::Tag(name), at..at + length));
            at += length;
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            parts.push((Part::Text(&rest[..length]), at..at + length));
            at += length;
        }
    }
    parts
}

/// The value of an attribute of a tag.
pub fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    while let Some(at) = rest.find(name) {
        let stands_alone = rest[..at].ends_with(|letter: char| letter.is_whitespace());
        let after = rest[at + name.len()..].trim_start();
        rest = &rest[at + name.len()..];
        let Some(value) = after.strip_prefix('=').filter(|_| stands_alone).map(str::trim_start) else { continue };
        return match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next(),
            _ => value.split([' ', '\t', '\n', '>']).next(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name() {
        let tag = "<TabItem datavalue='no' value=\"404\" label = 'HTTP 404' default open=yes>";
        let read = |name| attribute(tag, name);
        assert_eq!((read("value"), read("label"), read("open")), (Some("404"), Some("HTTP 404"), Some("yes")));
        assert_eq!((read("default"), read("title")), (None, None));
    }

    #[test]
    fn tags_and_texts_have_places() {
        let html = "<td class=x>a <!-- <b> --><CODE>404 ü</code><br/></td";
        let found: Vec<_> = parts(html).into_iter().map(|(part, range)| (part, &html[range])).collect();
        let tag = |name: &str| Part::Tag(name.to_owned());
        assert_eq!(
            found,
            [
                (tag("td"), "<td class=x>"),
                (Part::Text("a "), "a "),
                (tag("code"), "<CODE>"),
                (Part::Text("404 ü"), "404 ü"),
                (tag("/code"), "</code>"),
                (tag("br"), "<br/>"),
                (tag("/td"), "</td"),
            ]
        );
    }
}
