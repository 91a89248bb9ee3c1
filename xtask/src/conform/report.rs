//! What was seen of a live server, and what was not.

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
