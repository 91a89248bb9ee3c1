//! A secret that is sent but never shown.

use std::fmt;

use serde::Deserialize;

/// What stands for a secret that has no environment variable of its own.
const UNNAMED: &str = "KEY";

/// A secret that is sent but never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    /// The environment variable, or the command in parentheses, that stands for it in output.
    shown: String,
}

impl Secret {
    /// A secret from an unknown source; `$KEY` stands for it.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret { text: text.into(), shown: UNNAMED.to_owned() }
    }

    /// A secret from this environment variable, which stands for it.
    pub fn named(text: impl Into<String>, variable: impl Into<String>) -> Secret {
        Secret { text: text.into(), shown: variable.into() }
    }

    /// Whether it comes from an unknown source.
    pub(super) fn is_unnamed(&self) -> bool {
        self.shown == UNNAMED
    }

    /// The same secret, with another variable that stands for it.
    pub(super) fn shown_as(self, variable: &str) -> Secret {
        Secret { shown: variable.to_owned(), ..self }
    }

    /// The secret itself, only for sending and for finding it in responses.
    pub(super) fn expose(&self) -> &str {
        &self.text
    }

    /// The name of what stands for it.
    pub(super) fn variable(&self) -> &str {
        &self.shown
    }

    /// What stands for it in a double-quoted shell word. `is_last`: nothing follows that could belong to the name.
    pub(super) fn placeholder(&self, is_last: bool) -> String {
        if is_last || self.shown.starts_with('(') { format!("${}", self.shown) } else { format!("${{{}}}", self.shown) }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}
