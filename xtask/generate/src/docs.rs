//! Texts of the contract as documentation.
//!
//! They are Markdown of all kinds. rustdoc would run indented text and code without a language as tests, take brackets for
//! links, and warn of HTML and of bare addresses.

use std::sync::LazyLock;

use apidrift_core::canonical::unwrapped;
use proc_macro2::TokenStream;
use quote::quote;
use regex::Regex;

/// Doc attributes for a text, one for each line; none if it is empty. Its paragraphs are unwrapped.
pub fn doc(text: &str) -> TokenStream {
    let text = clean(&unwrapped(text.trim()).join("\n"));
    let lines = text.lines().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote!(#(#[doc = #lines])*)
}

/// A text as rustdoc takes it.
fn clean(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_code = false;
    for line in text.replace('\r', "").replace('\t', "    ").trim().lines() {
        let line = line.trim_end();
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            lines.push(if is_code { "```" } else { "```text" }.to_owned());
            is_code = !is_code;
        } else if is_code {
            lines.push(line.to_owned());
        } else {
            let is_repeated = trimmed.is_empty() && lines.last().is_some_and(String::is_empty);
            if !is_repeated {
                lines.push(plain(line));
            }
        }
    }
    if is_code {
        lines.push("```".to_owned());
    }
    lines.join("\n")
}

/// A line outside of code. Indentation of four and more would make it code.
fn plain(line: &str) -> String {
    let trimmed = line.trim_start();
    let indentation = line.len() - trimmed.len();
    let is_item = trimmed.starts_with(['-', '*', '+']) || trimmed.starts_with(|first: char| first.is_ascii_digit());
    let indentation = if is_item { indentation.min(3) } else { indentation.min(2) };
    let mut text = String::new();
    // Code in backticks stays as it is.
    for (index, part) in trimmed.split('`').enumerate() {
        if index > 0 {
            text.push('`');
        }
        let is_code = index % 2 == 1 && trimmed.matches('`').count() > index;
        text.push_str(&if is_code { part.to_owned() } else { escaped(part) });
    }
    format!("{}{text}", " ".repeat(indentation))
}

/// Text with links as they are, bare addresses as links, and brackets that are neither.
fn escaped(text: &str) -> String {
    static SPECIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"\[[^\[\]]*\]\(https?://[^()\s<>]+\)|https?://[^\s<>()\[\]"'|\\]+|<[A-Za-z/!?]|[\[\]]"#).ok()
    });
    let Some(special) = &*SPECIAL else { return text.to_owned() };
    let replaced = special.replace_all(text, |found: &regex::Captures<'_>| {
        let whole = &found[0];
        if whole.len() <= 2 {
            return format!("\\{whole}");
        }
        if whole.starts_with('[') {
            return whole.to_owned();
        }
        let url = whole.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_']);
        format!("<{url}>{}", &whole[url.len()..])
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_documentation_without_warnings() {
        for (text, expected) in [
            ("A [link](https://a.test/b).", "A [link](https://a.test/b)."),
            ("See https://a.test/b, or <br> it.", "See <https://a.test/b>, or \\<br> it."),
            ("`a[0]` and x[0]", "`a[0]` and x\\[0\\]"),
            ("Code:\n```\nlet x = [1];\n```\n", "Code:\n```text\nlet x = [1];\n```"),
            ("Code:\n```json\n{", "Code:\n```text\n{\n```"),
            ("a\n\n\n        b", "a\n\n  b"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }
}
