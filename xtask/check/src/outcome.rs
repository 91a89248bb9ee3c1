//! What a check has come to: what was found, what could not be looked at, and what was seen of a live server.

use apidrift_core::finding::Finding;

/// What a check has come to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What disagrees, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// How many findings `openapi/check.toml` allows.
    pub allowed: usize,
    /// What was seen of a live server, if it was one.
    pub live: Option<Live>,
}

impl Outcome {
    /// Nothing but something that could not be looked at.
    pub fn unchecked(reason: impl Into<String>) -> Outcome {
        Outcome { unchecked: vec![reason.into()], ..Outcome::default() }
    }

    /// Adds what another comparison has come to.
    pub fn add(&mut self, other: Outcome) {
        self.findings.extend(other.findings);
        self.unchecked.extend(other.unchecked);
    }
}

/// What a run has seen.
#[derive(Debug, Default)]
pub struct Live {
    /// Where.
    pub url: String,
    /// What each operation was seen to answer.
    pub operations: Vec<OperationReport>,
    /// How many requests were sent.
    pub requests: usize,
    /// How long it took.
    pub seconds: f64,
}

/// What an operation was seen to answer.
#[derive(Debug)]
pub struct OperationReport {
    /// Its id.
    pub id: String,
    /// Its method and path.
    pub call: String,
    /// The documented answers that were seen as documented, and how often.
    pub seen: Vec<(String, usize)>,
    /// The documented answers that were not, and why.
    pub not_seen: Vec<(String, String)>,
    /// What else was looked at, and how far.
    pub remarks: Vec<String>,
}

impl Live {
    /// How many documented answers were seen, and how many there are.
    pub fn score(&self) -> (usize, usize) {
        let seen: usize = self.operations.iter().map(|operation| operation.seen.len()).sum();
        let not_seen: usize = self.operations.iter().map(|operation| operation.not_seen.len()).sum();
        (seen, seen + not_seen)
    }

    /// As text for people.
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
            "{seen} of {all} documented answers seen, {} requests in {:.1} s to {}\n",
            self.requests, self.seconds, self.url
        ));
        text
    }
}
