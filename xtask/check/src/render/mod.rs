//! Output formats for the result of a check. Renderers make no decisions.

mod github;
mod human;
mod json;
mod junit;
mod sarif;

use crate::outcome::Outcome;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, with the places in the files.
    Human,
    /// One JSON object with a `version`.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A JUnit report, for GitLab, Jenkins and others that show tests.
    Junit,
}

/// A text without terminal control characters, apart from line breaks.
fn plain(text: &str) -> String {
    let is_control = |letter: char| letter.is_control() && letter != '\n';
    text.chars().map(|letter| if is_control(letter) { '\u{fffd}' } else { letter }).collect()
}

/// The whole outcome as text.
pub fn render(outcome: &Outcome, format: Format, colour: bool) -> String {
    match format {
        Format::Human => human::render(outcome, colour),
        Format::Json => json::render(outcome),
        Format::Github => github::render(outcome),
        Format::Sarif => sarif::render(outcome),
        Format::Junit => junit::render(outcome),
    }
}

/// What was compared and what was not, with the reasons, for people.
pub fn coverage(outcome: &Outcome) -> String {
    human::coverage(outcome)
}

pub use human::finding as human_finding;
