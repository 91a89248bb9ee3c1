//! Patterns that stand in the code.

use regex::Regex;

/// A pattern that is known to be one.
#[allow(clippy::expect_used)] // A pattern that stands here and that the tests use.
pub fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}
