//! `Link` headers (RFC 8288): several headers or one, quoted or not, relative or absolute.

use crate::response::Response;

/// The target of the link with a relation, from all `Link` headers (RFC 8288).
pub(crate) fn linked(response: &Response, relation: &str) -> Option<String> {
    response
        .headers()
        .get_all(http::header::LINK)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(links)
        .find(|link| link.relations.iter().any(|name| name.eq_ignore_ascii_case(relation)))
        .map(|link| link.target)
}

struct Link {
    target: String,
    relations: Vec<String>,
}

/// The links of one header. What is no link ends the list.
fn links(mut rest: &str) -> Vec<Link> {
    let mut links = Vec::new();
    loop {
        rest = rest.trim_start_matches(|character: char| character == ',' || character.is_whitespace());
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
            return links;
        };
        let mut link = Link { target: target.to_owned(), relations: Vec::new() };
        rest = after.trim_start();
        while let Some(after) = rest.strip_prefix(';') {
            let (name, value, after) = parameter(after);
            // The first `rel` counts.
            if name.eq_ignore_ascii_case("rel") && link.relations.is_empty() {
                link.relations = value.split_ascii_whitespace().map(str::to_owned).collect();
            }
            rest = after.trim_start();
        }
        links.push(link);
    }
}

/// One `name=value` or `name="value"`, and what follows it.
fn parameter(text: &str) -> (&str, String, &str) {
    let text = text.trim_start();
    let end = text.find(['=', ';', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(rest) = rest.strip_prefix('=') else {
        return (name.trim(), String::new(), rest);
    };
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([';', ',']).unwrap_or(rest.len());
        return (name.trim(), rest[..end].trim().to_owned(), &rest[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (name.trim(), value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (name.trim(), value, "")
}
