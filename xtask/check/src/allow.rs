//! Findings that are allowed for now, each with a reason: a team with old drift can fail on new drift at once.
//!
//! An allowance remembers what it allows: the rule, the place, and what the finding says. So it never hides another finding
//! that comes to stand at the same place.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use apidrift_core::finding::Finding;
use apidrift_core::rules::{Rule, Severity};
use apidrift_core::settings::{Allowance, Project};
use openapi_model::source::Place;

/// The allowances of a project, and which of them have allowed something.
#[derive(Debug)]
pub struct Allowances<'a> {
    /// Where they stand in `all`, by rule and file.
    by_file: HashMap<(&'a str, Option<&'a str>), Vec<usize>>,
    all: &'a [Allowance],
    used: Vec<bool>,
    /// How many findings were allowed.
    pub allowed: usize,
}

impl<'a> Allowances<'a> {
    /// None of them used yet.
    pub fn new(all: &'a [Allowance]) -> Allowances<'a> {
        let mut by_file: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, allowance) in all.iter().enumerate() {
            let key = (allowance.rule.as_str(), allowance.file.as_deref());
            by_file.entry(key).or_default().push(index);
        }
        Allowances { by_file, all, used: vec![false; all.len()], allowed: 0 }
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
        let found: Vec<usize> = of_file.iter().copied().filter(|index| allows(&self.all[*index], finding)).collect();
        // All that fit are used: one may be wider than another.
        found.iter().for_each(|index| self.used[*index] = true);
        !found.is_empty()
    }

    /// Those that have allowed nothing.
    pub fn unused(&self) -> impl Iterator<Item = &'a Allowance> {
        self.all.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(allowance, _)| allowance)
    }
}

/// The finding that an allowance allows nothing.
pub fn unused(project: &Project, allowance: &Allowance) -> Finding {
    let line = project.source.line_column(allowance.range.start).0;
    let place = Place::new(&project.source, project.source.line(line), "allows nothing");
    let message = format!("nothing of `{}` is found where it is allowed", allowance.rule);
    let help = format!("remove the allowance (its reason was: {})", allowance.reason);
    Finding::at(Rule::AllowUnused, place, message).help(help)
}

/// Whether an allowance for the right rule and file is one for this finding.
fn allows(allowance: &Allowance, finding: &Finding) -> bool {
    let place = finding.primary.as_ref();
    allowance.text.as_deref().is_none_or(|text| place.is_some_and(|place| text == shown(place)))
        && allowance.message.as_deref().is_none_or(|message| message == finding.message)
}

/// What stands at a place, which keeps its meaning when lines move.
fn shown(place: &Place) -> String {
    const LONGEST: usize = 200;
    let text = place.source.text[place.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
    // Of a whole schema its beginning: the message says the rest.
    text.chars().take(LONGEST).collect()
}

/// The allowances for what is found, as TOML to be added to the settings.
pub fn adopt<'a>(findings: impl IntoIterator<Item = &'a Finding>, reason: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = String::new();
    let mut known = HashSet::new();
    for finding in findings.into_iter().filter(|finding| finding.severity() != Severity::Note) {
        let mut entry = format!("\n[[allow]]\nrule = {}\n", quoted(finding.rule.info().name));
        if let Some(place) = &finding.primary {
            // Writing to a String cannot fail.
            let _ = writeln!(entry, "file = {}", quoted(&place.source.path));
            let _ = writeln!(entry, "text = {}", quoted(&shown(place)));
        }
        let _ = writeln!(entry, "message = {}", quoted(&finding.message));
        let _ = writeln!(entry, "reason = {}", quoted(reason));
        if known.insert(entry.clone()) {
            text.push_str(&entry);
        }
    }
    text
}
