//! Allows all current findings, so that the check fails only on new ones.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context as _;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Generator;
use apidrift_core::rules::{Rule, Severity};
use apidrift_core::settings::Project;
use openapi_model::source::Source;

use crate::allow;
use crate::check::{self, Scope};
use crate::outcome::Outcome;

/// What changed in the settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// How many allowances were added.
    pub added: usize,
    /// How many no longer matched a finding, and were removed.
    pub removed: usize,
}

/// Adopting findings can reveal more: code is generated from a contract only once its findings are allowed.
const ROUNDS: usize = 6;

/// Allows all findings in the settings of a folder. If something could not be checked, no finding is allowed and that
/// outcome is returned.
///
/// # Errors
///
/// If the settings cannot be read or written.
pub fn adopt(
    root: &Path,
    reason: &str,
    generator: Option<&dyn Generator>,
) -> anyhow::Result<Result<Adopted, Box<Outcome>>> {
    let mut adopted = Adopted::default();
    for _ in 0..ROUNDS {
        let project = Project::load(root).map_err(anyhow::Error::msg)?;
        let outcome = check::check(&project, &Scope::default(), generator);
        if !outcome.unchecked.is_empty() {
            return Ok(Err(Box::new(outcome)));
        }
        let found = outcome.findings.iter().filter(|finding| finding.severity() != Severity::Note);
        let (unused, found): (Vec<&Finding>, Vec<&Finding>) =
            found.partition(|finding| finding.rule == Rule::AllowUnused);
        if unused.is_empty() && found.is_empty() {
            return Ok(Ok(adopted));
        }
        // Once the obstacle is allowed, more may be compared.
        let (not_compared, certain): (Vec<&Finding>, Vec<&Finding>) =
            found.into_iter().partition(|finding| finding.rule == Rule::CoverageNotCompared);
        let chosen = if certain.is_empty() { not_compared } else { certain };
        let (added, count) = allow::adopt(chosen, reason);
        let kept = without(&project, &unused);
        let text = format!("{}\n{added}", kept.trim_end());
        // The new settings must be readable before they are written.
        Project::parse(root, Source::new(&project.source.path, text.as_str())).map_err(anyhow::Error::msg)?;
        let path = root.join(&project.source.path);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", project.source.path))?;
        adopted.added += count;
        adopted.removed += unused.len();
    }
    anyhow::bail!("after {ROUNDS} rounds of allowances the check still has findings; run it to see them")
}

/// The settings without the unused allowances that the findings report.
fn without(project: &Project, unused: &[&Finding]) -> String {
    let line = |at: usize| project.source.line_column(at).0;
    let places = unused.iter().filter_map(|finding| finding.primary.as_ref());
    let lines: HashSet<usize> = places.map(|place| line(place.range.start)).collect();
    let text = &project.source.text;
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for allowance in project.allowances.iter().filter(|allowance| lines.contains(&line(allowance.range.start))) {
        kept.push_str(&text[at..allowance.range.start]);
        // Including the rest of the line of its last value.
        at = text[allowance.range.end..].find('\n').map_or(text.len(), |end| allowance.range.end + end + 1);
    }
    kept.push_str(&text[at..]);
    kept
}
