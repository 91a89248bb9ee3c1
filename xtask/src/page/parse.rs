//! Markdown → the claims of a page.

use std::ops::Range;
use std::sync::Arc;
use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::mask::mask;
use super::{Endpoint, ErrorRow, Language, Page};
use crate::contract::Spanned;
use crate::source::Source;

#[allow(clippy::expect_used)] // A pattern that stands here and that the tests use.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

static ENDPOINT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS) (/\S*)$"));
static API_METHOD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\{%-?\s*apimethod\s+(\w+)[^%]*%\}\s*(/\S*)\s*\{%-?\s*endapimethod"));
static INCLUDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\{%-?\s*(?:multi_lang_)?include\s+([^%]*?)\s*-?%\}"));
static ERROR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([1-5][0-9][0-9])\s+(\S.*)$"));

pub fn parse(source: &Arc<Source>, language: Language) -> Page {
    let masked = mask(&source.text);
    let mut page = Page {
        source: source.clone(),
        language,
        endpoint: api_method(&source.text),
        spans: Vec::new(),
        errors: Vec::new(),
        limits: Vec::new(),
        includes: includes(&source.text),
        links: Vec::new(),
    };
    let mut row: Option<Range<usize>> = None;
    for (event, range) in Parser::new_ext(&masked, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::TableRow) => row = Some(trimmed(&masked, &range)),
            Event::End(TagEnd::TableRow) => row = None,
            Event::Code(text) => page.code(&masked, &text, &range, row.as_ref()),
            Event::Start(Tag::Paragraph | Tag::Item) => page.limits(&masked, &range),
            Event::Start(Tag::Link { dest_url, .. }) => page.links.push(Spanned {
                value: dest_url.into_string(),
                range,
            }),
            _ => {}
        }
    }
    page.limits.sort_by_key(|limit| limit.range.start);
    page.limits.dedup_by_key(|limit| limit.range.start);
    page
}

impl Page {
    /// A code span: the page's endpoint, an error in a table row, or any other claim.
    fn code(&mut self, text: &str, code: &str, range: &Range<usize>, row: Option<&Range<usize>>) {
        // Escaped pipes and collapsed blanks aside, the code stands in the text as it is.
        let start = text[range.clone()]
            .find(code)
            .map_or(range.start, |at| range.start + at);
        let spanned = |from: usize, to: usize| start + from..start + to;
        if let Some(row) = row
            && let Some(found) = ERROR.captures(code)
            && let (Some(status), Some(message)) = (found.get(1), found.get(2))
            && let Ok(number) = status.as_str().parse()
        {
            self.errors.push(ErrorRow {
                status: Spanned {
                    value: number,
                    range: spanned(status.start(), status.end()),
                },
                message: Spanned {
                    value: message.as_str().to_owned(),
                    range: spanned(message.start(), message.end()),
                },
                range: row.clone(),
            });
            return;
        }
        if self.endpoint.is_none()
            && let Some(found) = ENDPOINT.captures(code)
            && let (Some(method), Some(path)) = (found.get(1), found.get(2))
        {
            self.endpoint = Some(Endpoint {
                method: Spanned {
                    value: method.as_str().to_owned(),
                    range: spanned(method.start(), method.end()),
                },
                path: Spanned {
                    value: path.as_str().to_owned(),
                    range: spanned(path.start(), path.end()),
                },
            });
            return;
        }
        self.spans.push(Spanned {
            value: code.to_owned(),
            range: spanned(0, code.len()),
        });
    }

    /// Numbers that a paragraph gives for a minute.
    fn limits(&mut self, text: &str, range: &Range<usize>) {
        static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[0-9]+(?:[,.\u{a0}\u{202f}][0-9]{3})*\b"));
        let paragraph = &text[range.clone()];
        for found in NUMBER.find_iter(paragraph) {
            // Up to the end of the sentence, which is not far away.
            let rest = &paragraph[found.end()..];
            let sentence = &rest[..rest.find(['.', ';', ':', '|', '!', '?']).unwrap_or(rest.len())];
            let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            if self.language.per_minute().iter().any(|words| sentence.contains(words)) {
                let digits: String = found.as_str().chars().filter(char::is_ascii_digit).collect();
                if let Ok(value) = digits.parse() {
                    let range = range.start + found.start()..range.start + found.end();
                    self.limits.push(Spanned { value, range });
                }
            }
        }
    }
}

/// Braze's own pages name the endpoint in a Liquid block.
fn api_method(text: &str) -> Option<Endpoint> {
    let found = API_METHOD.captures(text)?;
    let (method, path) = (found.get(1)?, found.get(2)?);
    Some(Endpoint {
        method: Spanned {
            value: method.as_str().to_uppercase(),
            range: method.range(),
        },
        path: Spanned {
            value: path.as_str().to_owned(),
            range: path.range(),
        },
    })
}

fn includes(text: &str) -> Vec<Spanned<String>> {
    let found = INCLUDE.captures_iter(text).filter_map(|found| found.get(1));
    found
        .map(|found| Spanned {
            value: found.as_str().to_owned(),
            range: found.range(),
        })
        .collect()
}

fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    range.start..range.start + text[range.clone()].trim_end().len()
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
        assert_eq!(
            (endpoint.method.as_str(), endpoint.path.as_str()),
            ("POST", "/things/{id}")
        );
        assert_eq!(&text[endpoint.path.range.clone()], "/things/{id}");
        let error = &page.errors[0];
        assert_eq!((error.status.value, error.message.as_str()), (404, "Not here"));
        assert_eq!(&text[error.message.range.clone()], "Not here");
        assert_eq!(&text[error.range.clone()], "| **Bad** `404 Not here` | `x` |");
        assert_eq!(page.limits.iter().map(|limit| limit.value).collect::<Vec<_>>(), [1000]);
        assert_eq!(
            page.spans.iter().map(|span| span.as_str()).collect::<Vec<_>>(),
            ["a.b", "x"]
        );
        assert_eq!(page.links[0].value, "errors.md");
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
    fn a_status_outside_a_table_and_an_hour_are_no_claims() {
        let page = page("`404 Not here` happens. 60 per hour. 5 things. Every minute counts, 7 times.\n");
        assert!(page.errors.is_empty());
        assert!(page.limits.is_empty());
    }
}
