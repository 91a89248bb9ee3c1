//! Compiles the regular expressions in this crate.

use regex::Regex;

/// A regular expression that is known to be valid.
#[allow(clippy::expect_used)] // A literal that the tests compile.
pub fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}
