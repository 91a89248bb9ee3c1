//! Findings that are allowed for now, each with a reason, so that a team with old drift can fail the build on new drift
//! at once.
//!
//! An allowance records the rule, the place, the message, and how often it was found, so it hides neither a different
//! finding in the same place nor another occurrence of the same finding.

use std::collections::HashMap;
use std::fmt::Write as _;

use apidrift_core::finding::Finding;
use apidrift_core::rules::{Rule, Severity};
use apidrift_core::settings::{Allowance, Project};
use openapi_model::source::Place;

/// The allowances of a project, and how often each has been used.
#[derive(Debug)]
pub struct Allowances<'a> {
    /// Indexes into `all`, by rule and file.
    by_file: HashMap<(&'a str, Option<&'a str>), Vec<usize>>,
    all: &'a [Allowance],
    /// How many findings each of them has allowed.
    used: Vec<usize>,
    /// How many findings were allowed in total.
    pub allowed: usize,
}

impl<'a> Allowances<'a> {
    /// Allowances that are not used yet.
    pub fn new(all: &'a [Allowance]) -> Allowances<'a> {
        let mut by_file: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, allowance) in all.iter().enumerate() {
            let key = (allowance.rule.as_str(), allowance.file.as_deref());
            by_file.entry(key).or_default().push(index);
        }
        Allowances { by_file, all, used: vec![0; all.len()], allowed: 0 }
    }

    /// The findings that are not allowed.
    pub fn apply(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let (allowed, left): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| self.use_for(finding));
        self.allowed += allowed.len();
        left
    }

    fn use_for(&mut self, finding: &Finding) -> bool {
        let file = finding.primary.as_ref().map(|place| place.source.path.as_str());
        let of_file = self.by_file.get(&(finding.rule.info().name, file)).map(Vec::as_slice).unwrap_or_default();
        let fits = |index: &&usize| allows(&self.all[**index], finding);
        let found: Vec<usize> = of_file.iter().filter(fits).copied().collect();
        // One without a limit is used regardless of the others.
        let mut is_allowed = false;
        for index in found {
            let limit = limit(&self.all[index]);
            if self.used[index] < limit && (!is_allowed || limit == usize::MAX) {
                self.used[index] += 1;
                is_allowed = true;
            }
        }
        is_allowed
    }

    /// The allowances that allowed fewer findings than they state, with how many they allowed.
    pub fn unused(&self) -> impl Iterator<Item = (&'a Allowance, usize)> {
        let least = |allowance: &Allowance| match limit(allowance) {
            usize::MAX => 1,
            limit => limit,
        };
        let all = self.all.iter().zip(&self.used);
        all.filter(move |(allowance, used)| **used < least(allowance)).map(|(allowance, used)| (allowance, *used))
    }
}

/// The maximum number of findings that an allowance allows.
fn limit(allowance: &Allowance) -> usize {
    let otherwise = if allowance.message.is_some() { 1 } else { usize::MAX };
    allowance.times.unwrap_or(otherwise)
}

/// The finding for an allowance that allows nothing, or less than it states.
pub fn unused(project: &Project, allowance: &Allowance, used: usize) -> Finding {
    let line = project.source.line_column(allowance.range.start).0;
    let place = Place::new(&project.source, project.source.line(line), "matches no finding");
    let (message, help) = match used {
        0 => (
            format!("no finding of `{}` matches this allowance", allowance.rule),
            format!("remove the allowance (its reason was: {})", allowance.reason),
        ),
        used => (
            format!("`{}` is allowed {} times here, but found only {used} times", allowance.rule, limit(allowance)),
            format!("write `times = {used}` (its reason was: {})", allowance.reason),
        ),
    };
    Finding::at(Rule::AllowUnused, place, message).help(help)
}

/// Whether an allowance of the same rule and file applies to this finding.
fn allows(allowance: &Allowance, finding: &Finding) -> bool {
    let place = finding.primary.as_ref();
    allowance.text.as_deref().is_none_or(|text| place.is_some_and(|place| text == shown(place)))
        && allowance.message.as_deref().is_none_or(|message| message == finding.message)
}

/// The text at a place, which stays the same when lines move.
fn shown(place: &Place) -> String {
    const LONGEST: usize = 200;
    let text = place.source.text[place.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
    // Of a whole schema only the beginning: the message distinguishes it.
    text.chars().take(LONGEST).collect()
}

/// The allowances for findings, as TOML to append to the settings, and their number.
pub fn adopt<'a>(findings: impl IntoIterator<Item = &'a Finding>, reason: &str) -> (String, usize) {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut entries: Vec<String> = Vec::new();
    let mut times: HashMap<String, usize> = HashMap::new();
    for finding in findings.into_iter().filter(|finding| finding.severity() != Severity::Note) {
        let mut entry = format!("\n[[allow]]\nrule = {}\n", quoted(finding.rule.info().name));
        if let Some(place) = &finding.primary {
            // Writing to a String cannot fail.
            let _ = writeln!(entry, "file = {}", quoted(&place.source.path));
            let _ = writeln!(entry, "text = {}", quoted(&shown(place)));
        }
        let _ = writeln!(entry, "message = {}", quoted(&finding.message));
        let known = times.entry(entry.clone()).or_default();
        *known += 1;
        if *known == 1 {
            entries.push(entry);
        }
    }
    let mut text = String::new();
    for entry in &entries {
        text.push_str(entry);
        match times[entry] {
            1 => {}
            times => text.push_str(&format!("times = {times}\n")),
        }
        text.push_str(&format!("reason = {}\n", quoted(reason)));
    }
    (text, entries.len())
}
