//! Converts names of the contract to Rust names, in the same way for everything that is generated.

use std::collections::HashMap;

use openapi_model::span::Span;
use proc_macro2::Ident;

/// Converts `job_in_progress`, `job-in-progress` or `jobInProgress` to `JobInProgress`.
pub fn pascal(name: &str) -> String {
    let capital = |word: &String| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
    };
    words(name).iter().map(capital).collect()
}

/// Converts `X-RateLimit-Limit` or `JobStatus` to `x_rate_limit_limit` or `job_status`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut before_lower = false;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            fresh = true;
            before_lower = false;
            continue;
        }
        if fresh || (letter.is_ascii_uppercase() && before_lower) {
            words.push(String::new());
        }
        fresh = false;
        before_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words
}

/// Converts a text to a Rust identifier. A keyword gets an underscore at the end, a leading digit one in front of it;
/// characters that are not allowed are removed. Two names may become equal: see [`Scope`].
pub fn ident(name: &str) -> Ident {
    let mut text: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    if !text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') || text == "_" {
        text.insert(0, '_');
    }
    if text.chars().all(|letter| letter == '_') {
        text.push('0');
    }
    // `gen` is a keyword since the edition of 2024, which `syn` does not know.
    if text == "gen" || syn::parse_str::<Ident>(&text).is_err() {
        text.push('_');
    }
    Ident::new(&text, proc_macro2::Span::call_site())
}

/// The identifier of a type, a variant or a module that is named after something in the contract.
pub fn type_ident(name: &str) -> Ident {
    ident(&pascal(name))
}

/// The identifier of a field, a function or a module that is named after something in the contract.
pub fn value_ident(name: &str) -> Ident {
    ident(&snake(name))
}

/// Names that must be unique among each other in code.
#[derive(Debug, Default)]
pub struct Scope {
    taken: HashMap<String, (String, Option<Span>)>,
}

/// Two names of the contract that become the same Rust name.
#[derive(Debug)]
pub struct Clash {
    /// The Rust name.
    pub identifier: String,
    /// The other name.
    pub other: String,
    /// The place of the other name, if it is from the contract.
    pub place: Option<Span>,
}

impl Scope {
    /// A scope with the names that the surrounding generated code uses.
    pub fn with(reserved: &[&str]) -> Scope {
        let taken = reserved.iter().map(|name| ((*name).to_owned(), ((*name).to_owned(), None)));
        Scope { taken: taken.collect() }
    }

    /// Adds an identifier to the scope, with a number behind it if it exists.
    pub fn unique(&mut self, identifier: &Ident) -> Ident {
        let wanted = identifier.to_string();
        let base = wanted.trim_end_matches('_');
        let numbered = |number: &usize| match base.ends_with(|last: char| last.is_ascii_digit()) {
            true => format!("{base}_{number}"),
            false => format!("{base}{number}"),
        };
        let mut candidates = std::iter::once(wanted.clone()).chain((2..).map(|number| numbered(&number)));
        let free = candidates.find(|name| !self.taken.contains_key(name)).unwrap_or_else(|| wanted.clone());
        self.taken.insert(free.clone(), (free.clone(), None));
        Ident::new(&free, proc_macro2::Span::call_site())
    }

    /// Adds an identifier to the scope; fails if it exists.
    pub fn take(&mut self, identifier: &Ident, name: &str, place: Span) -> Result<(), Clash> {
        let identifier = identifier.to_string();
        match self.taken.get(&identifier) {
            Some((other, place)) => Err(Clash { identifier, other: other.clone(), place: *place }),
            None => {
                self.taken.insert(identifier, (name.to_owned(), Some(place)));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_style_become_names_of_rust() {
        assert_eq!(pascal("job_in_progress"), "JobInProgress");
        assert_eq!(pascal("config-error"), "ConfigError");
        assert_eq!(pascal("JobStatus"), "JobStatus");
        assert_eq!(pascal("FOO_BAR"), "FooBar");
        assert_eq!(snake("Retry-After"), "retry_after");
        assert_eq!(snake("JobStatus"), "job_status");
    }

    #[test]
    fn every_text_becomes_an_identifier() {
        for (text, expected) in [
            ("type", "type_"),
            ("self", "self_"),
            ("gen", "gen_"),
            ("2nd", "_2nd"),
            ("m²", "m"),
            ("½", "_0"),
            ("", "_0"),
            ("_", "__0"),
            ("ключ", "_0"),
            ("a b", "ab"),
        ] {
            assert_eq!(ident(text).to_string(), expected, "{text}");
        }
        assert_eq!(type_ident("self").to_string(), "Self_");
    }

    #[test]
    fn two_names_that_become_one_clash() {
        let mut scope = Scope::with(&["body"]);
        let span = |range: std::ops::Range<usize>| Span::new(Default::default(), &range);
        scope.take(&value_ident("fooBar"), "fooBar", span(0..6)).unwrap();
        let clash = scope.take(&value_ident("foo_bar"), "foo_bar", span(9..16)).unwrap_err();
        let seen = (clash.identifier.as_str(), clash.other.as_str(), clash.place);
        assert_eq!(seen, ("foo_bar", "fooBar", Some(span(0..6))));
        assert!(scope.take(&value_ident("Body"), "Body", span(0..4)).unwrap_err().place.is_none());
    }
}
