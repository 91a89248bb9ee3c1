//! The result of a check: the findings, what could not be checked, and the responses of a live server.

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::problem::{Unreadable, UnreadableKind};
use openapi_model::source::{Place, Source};

/// The result of a check.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What disagrees, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// What could not be checked, and why.
    pub unchecked: Vec<String>,
    /// How many findings were allowed by the settings.
    pub allowed: usize,
    /// What was compared.
    pub coverage: Coverage,
    /// Operations that could not be compared in full, allowed or not.
    pub not_compared: Vec<NotCompared>,
    /// The responses of a live server, if one was tested.
    pub live: Option<Live>,
}

impl Outcome {
    /// An outcome with only a reason why nothing was checked.
    pub fn unchecked(reason: impl Into<String>) -> Outcome {
        Outcome { unchecked: vec![reason.into()], ..Outcome::default() }
    }

    /// The outcome for a contract that cannot be read.
    pub fn unreadable(source: &Source, error: Unreadable) -> Outcome {
        let rule = match error.kind {
            UnreadableKind::Malformed => Rule::ContractParses,
            UnreadableKind::Version => Rule::ContractVersion,
        };
        let finding = match error.place {
            Some(place) => Finding::at(rule, place, error.message),
            None => Finding::nowhere(rule, error.message),
        };
        let finding = match error.help {
            Some(help) => finding.help(help),
            None => finding,
        };
        let unchecked = vec![format!("nothing was compared with {}, which cannot be read", source.path)];
        Outcome { findings: vec![finding], unchecked, ..Outcome::default() }
    }

    /// Adds the outcome of another comparison.
    pub fn add(&mut self, other: Outcome) {
        self.findings.extend(other.findings);
        self.unchecked.extend(other.unchecked);
        self.not_compared.extend(other.not_compared);
        self.coverage.pages += other.coverage.pages;
        self.coverage.described += other.coverage.described;
        self.coverage.claims += other.coverage.claims;
    }
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The comparisons that were made: `contract`, `server`, `generated`, `pages`, `compat`.
    pub comparisons: Vec<&'static str>,
    /// How many operations took part in all of them.
    pub operations: usize,
    /// How many responses these document.
    pub answers: usize,
    /// How many component schemas there are.
    pub schemas: usize,
    /// How many pages were read.
    pub pages: usize,
    /// How many operations they describe.
    pub described: usize,
    /// How many of their claims were compared.
    pub claims: usize,
}

impl Coverage {
    /// Whether nothing at all was compared.
    pub fn is_empty(&self) -> bool {
        self.operations == 0 && self.schemas == 0 && self.pages == 0
    }

    /// What was compared, for people: `2 operations, 9 responses, 5 pages`.
    pub fn text(&self) -> String {
        let counted = |number: usize, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{number} {what}s")),
        };
        let parts = [
            counted(self.operations, "operation"),
            counted(self.answers, "response"),
            counted(self.schemas, "schema"),
            counted(self.pages, "page").map(|pages| match self.described {
                described if described == self.operations => pages,
                described => {
                    format!("{pages} about {}", counted(described, "operation").unwrap_or("no operation".into()))
                }
            }),
            counted(self.claims, "claim"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Part of an operation that could not be compared.
#[derive(Debug, Clone)]
pub struct NotCompared {
    /// The operation: its method and path.
    pub operation: String,
    /// Which comparison: `server`, `pages`, `compat`, `live`.
    pub comparison: &'static str,
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// Where.
    pub place: Option<Place>,
}

impl NotCompared {
    /// The finding for it, which is an error until it is allowed.
    pub fn finding(&self) -> Finding {
        let message = format!("{} was not compared ({}): {}", self.operation, self.comparison, self.reason);
        let finding = match &self.place {
            Some(place) => Finding::at(Rule::CoverageNotCompared, place.clone(), message),
            None => Finding::nowhere(Rule::CoverageNotCompared, message),
        };
        finding.help("fix the cause, or allow the finding")
    }
}

/// The responses seen in a run against a live server.
#[derive(Debug, Default)]
pub struct Live {
    /// The URL of the server.
    pub url: String,
    /// The responses of each operation.
    pub operations: Vec<OperationReport>,
    /// How many requests were sent.
    pub requests: usize,
    /// How long it took.
    pub seconds: f64,
}

/// The responses of an operation.
#[derive(Debug)]
pub struct OperationReport {
    /// Its id.
    pub id: String,
    /// Its method and path.
    pub call: String,
    /// The documented responses that were seen as documented, and how often.
    pub seen: Vec<(String, usize)>,
    /// The documented responses that were not seen, with reasons.
    pub not_seen: Vec<(String, String)>,
    /// Further tests and their extent.
    pub remarks: Vec<String>,
}

impl Live {
    /// How many documented responses were seen, and how many there are.
    pub fn score(&self) -> (usize, usize) {
        self.score_of(|_| true)
    }

    /// The same for some of the operations.
    pub fn score_of(&self, is_meant: impl Fn(&OperationReport) -> bool) -> (usize, usize) {
        let operations = || self.operations.iter().filter(|operation| is_meant(operation));
        let seen: usize = operations().map(|operation| operation.seen.len()).sum();
        let not_seen: usize = operations().map(|operation| operation.not_seen.len()).sum();
        (seen, seen + not_seen)
    }

    /// The report as text for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for operation in &self.operations {
            text.push_str(&format!("{} ({})\n", operation.id, operation.call));
            let seen: Vec<String> = operation.seen.iter().map(|(label, times)| format!("{label} ({times})")).collect();
            if !seen.is_empty() {
                text.push_str(&format!("  seen      {}\n", seen.join(", ")));
            }
            for (label, reason) in &operation.not_seen {
                text.push_str(&format!("  not seen  {label}: {reason}\n"));
            }
            for remark in &operation.remarks {
                text.push_str(&format!("  {remark}\n"));
            }
        }
        let (seen, all) = self.score();
        text.push_str(&format!(
            "{seen} of {all} documented responses seen, {} requests in {:.1} s to {}\n",
            self.requests, self.seconds, self.url
        ));
        text
    }
}
