//! Findings that are allowed for now, each with a reason: a team with old drift can fail on new drift at once.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use apidrift_core::finding::Finding;
use apidrift_core::rules::{Rule, Severity};
use apidrift_core::settings::{Allowance, Project};
use openapi_model::source::Place;

/// Takes out the findings that are allowed. An allowance that allows nothing is a finding itself, if its rule `was_asked`.
pub fn apply(
    project: &Project,
    findings: Vec<Finding>,
    was_asked: &dyn Fn(&Allowance) -> bool,
) -> (Vec<Finding>, usize) {
    let mut by_file: HashMap<_, Vec<(usize, &Allowance)>> = HashMap::new();
    for (index, allowance) in project.allowances.iter().enumerate() {
        let key = (allowance.rule.as_str(), allowance.file.as_deref());
        by_file.entry(key).or_default().push((index, allowance));
    }
    let mut used = vec![false; project.allowances.len()];
    let mut left = Vec::new();
    let mut allowed = 0;
    for finding in findings {
        let place = finding.primary.as_ref();
        let of_file = by_file.get(&(finding.rule.info().name, place.map(|place| place.source.path.as_str())));
        match of_file.into_iter().flatten().find(|(_, allowance)| allows(allowance, place)) {
            Some((index, _)) => {
                used[*index] = true;
                allowed += 1;
            }
            None => left.push(finding),
        }
    }
    for (allowance, used) in project.allowances.iter().zip(used) {
        if !used && was_asked(allowance) {
            let place = Place::new(&project.source, header(project, allowance), "allows nothing");
            let message = format!("nothing of `{}` is found where it is allowed", allowance.rule);
            let help = format!("remove the allowance (its reason was: {})", allowance.reason);
            left.push(Finding::at(Rule::AllowUnused, place, message).help(help));
        }
    }
    (left, allowed)
}

/// The first line of an allowance.
fn header(project: &Project, allowance: &Allowance) -> std::ops::Range<usize> {
    let line = project.source.line_column(allowance.range.start).0;
    project.source.line(line)
}

/// Whether an allowance for the right rule and file is one for this place.
fn allows(allowance: &Allowance, place: Option<&Place>) -> bool {
    allowance.text.as_deref().is_none_or(|text| place.is_some_and(|place| text == shown(place)))
}

/// What stands at a place, which keeps its meaning when lines move.
fn shown(place: &Place) -> String {
    place.source.text[place.range.clone()].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The allowances for all that is found today, as TOML to be added to `openapi/check.toml`.
pub fn adopt(findings: &[Finding], reason: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = String::new();
    let mut known = HashSet::new();
    for finding in findings.iter().filter(|finding| finding.severity() != Severity::Note) {
        let mut entry = format!("\n[[allow]]\nrule = {}\n", quoted(finding.rule.info().name));
        if let Some(place) = &finding.primary {
            // Writing to a String cannot fail.
            let _ = writeln!(entry, "file = {}", quoted(&place.source.path));
            let _ = writeln!(entry, "text = {}", quoted(&shown(place)));
        }
        let _ = writeln!(entry, "reason = {}", quoted(reason));
        if known.insert(entry.clone()) {
            text.push_str(&entry);
        }
    }
    text
}
