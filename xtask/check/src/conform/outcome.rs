//! The result of a run: findings, each once, and the responses of each operation.

use apidrift_core::finding::Finding;

use super::operation::{Operation, Untried, label_of};
use super::session::{Broken, Session, Stop, not_permitted};
use super::wire::Answer;
use crate::outcome::{Live, NotCompared, OperationReport, Outcome};

impl Session<'_> {
    /// Records a finding with its request and response.
    pub fn report_answer(&mut self, finding: Finding, answer: &Answer, expected: &str) {
        self.report(self.noted(finding, answer, expected));
    }

    /// A finding with its request and response.
    pub fn noted(&self, finding: Finding, answer: &Answer, expected: &str) -> Finding {
        finding
            .note(format!("request: {}", self.wire.curl(&answer.request)))
            // It may quote another response.
            .note(format!("expected: {}", self.wire.shown(expected)))
            .note(format!("answered: {}", self.wire.show(answer)))
    }

    /// Records a finding, once for each rule and place.
    pub fn report(&mut self, mut finding: Finding) {
        // The message may quote the server.
        finding.message = self.wire.shown(&finding.message);
        *self.known.entry(broken(&finding)).or_insert_with(|| {
            self.findings.push(finding);
            0
        }) += 1;
    }

    /// The outcome of the run.
    pub fn finish(mut self, stopped: Option<Stop>) -> Outcome {
        let plan = self.plan;
        let untried = plan.untried.iter().map(|untried| (untried.index, self.untried_report(untried)));
        let mut operations: Vec<(usize, OperationReport)> = untried.collect();
        operations.extend(
            plan.operations
                .iter()
                .map(|operation| (operation.index, self.operation_report(operation, stopped.as_ref()))),
        );
        operations.sort_by_key(|(index, _)| *index);
        let operations: Vec<OperationReport> = operations.into_iter().map(|(_, report)| report).collect();
        let mut unchecked = Vec::new();
        match &stopped {
            Some(Stop::Untestable(reason)) => unchecked.push(reason.clone()),
            Some(Stop::OutOfTime) => {
                unchecked
                    .push("the time limit was reached before everything was tried; raise it with --timeout".to_owned());
            }
            None => {}
        }
        if self.limits.complete && unchecked.is_empty() {
            unchecked.extend(operations.iter().flat_map(|operation| {
                let missing = operation.not_seen.iter();
                missing.map(|(label, reason)| format!("`{}` was not seen to answer `{label}`: {reason}", operation.id))
            }));
        }
        for finding in &mut self.findings {
            let times = self.known.get(&broken(finding)).copied().unwrap_or(1);
            if times > 1 {
                finding.notes.push(format!("seen {times} times"));
            }
        }
        self.findings.extend(self.not_compared.iter().map(NotCompared::finding));
        self.findings.sort_by_cached_key(|finding| {
            let place = finding.primary.as_ref().map(|place| (place.source.path.clone(), place.range.start));
            (place, finding.rule)
        });
        let live = Live {
            url: self.target.url.clone(),
            operations,
            requests: self.requests,
            seconds: self.began.elapsed().as_secs_f64(),
        };
        let was_testable = !matches!(stopped, Some(Stop::Untestable(_)));
        Outcome {
            findings: self.findings,
            unchecked,
            not_compared: self.not_compared,
            live: was_testable.then_some(live),
            ..Outcome::default()
        }
    }

    fn untried_report(&self, untried: &Untried) -> OperationReport {
        let reason = if !self.gate.permits_call(&untried.method, &untried.path) && self.limits.read_only {
            "--read-only"
        } else if !self.is_wanted(&untried.id) {
            "other operations were given with --operation"
        } else {
            untried.reason.as_str()
        };
        let not_seen = untried.labels.iter().map(|label| (label.clone(), format!("not tried: {reason}")));
        OperationReport {
            id: untried.id.clone(),
            call: format!("{} {}", untried.method, untried.path),
            seen: Vec::new(),
            not_seen: not_seen.collect(),
            remarks: Vec::new(),
        }
    }

    fn operation_report(&mut self, operation: &Operation, stopped: Option<&Stop>) -> OperationReport {
        let concerns = self.concerns(operation);
        let is_permitted = self.gate.permits_operation(operation);
        let mut progress = self.progress.remove(&operation.index).unwrap_or_default();
        let (mut seen, mut not_seen) = (Vec::new(), Vec::new());
        let success = operation.success_label();
        let successes = operation.successes.iter().map(|it| (it.status.value.to_string(), success.clone()));
        let errors = operation.errors.iter().map(|error| (label_of(error), label_of(error)));
        let others = operation.others.iter().map(|it| (it.status.value.to_string(), it.status.value.to_string()));
        let mut labels: Vec<(String, String)> = successes.chain(errors).chain(others).collect();
        // `default` may be both.
        labels.dedup_by(|later, first| later.0 == first.0);
        for (label, recorded) in labels {
            if let Some(times) = progress.seen.remove(&label) {
                seen.push((label, times));
                continue;
            }
            let reason = match progress.reasons.get(&recorded) {
                _ if !is_permitted && self.limits.read_only => "not tried: --read-only".to_owned(),
                _ if !concerns && is_permitted => "not tried: other operations were given with --operation".to_owned(),
                _ if !is_permitted => format!("not tried: needs {}", not_permitted(operation)),
                Some(reason) => format!("not tried: {reason}"),
                None if progress.not_sent.is_some() => {
                    format!("not tried: {}", progress.not_sent.as_deref().unwrap_or_default())
                }
                None if stopped == Some(&Stop::OutOfTime) => "not tried: the time limit was reached".to_owned(),
                None if stopped.is_some() => "not tried".to_owned(),
                None if operation.successes.len() > 1 && recorded == success => {
                    "the server answered another success".to_owned()
                }
                None => "the server answered something else, see the findings".to_owned(),
            };
            not_seen.push((label, reason));
        }
        let indistinct = operation.indistinct.iter();
        not_seen.extend(indistinct.map(|(label, reason)| (label.clone(), format!("not tried: {reason}"))));
        OperationReport {
            id: operation.id.value.clone(),
            call: format!("{} {}", operation.method.value, operation.path.value),
            seen,
            not_seen,
            remarks: progress.remarks,
        }
    }
}

/// The key by which findings are deduplicated.
pub(super) fn broken(finding: &Finding) -> Broken {
    let place = finding.primary.as_ref().map(|place| (place.source.path.clone(), place.range.clone()));
    (finding.rule, place)
}
