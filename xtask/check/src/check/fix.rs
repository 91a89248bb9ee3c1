//! Applies the fixes of findings.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, bail};
use similar::TextDiff;

use apidrift_core::finding::{Edit, Finding};
use openapi_model::source::without_mark;

/// The changed text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// Its path below the repository.
    pub path: String,
    /// Its text before; empty if it did not exist.
    pub before: String,
    /// Its text after.
    pub after: String,
}

impl Fixed {
    /// The change as a unified diff.
    pub fn diff(&self) -> String {
        let diff = TextDiff::from_lines(&self.before, &self.after);
        let (before, after) = (format!("a/{}", self.path), format!("b/{}", self.path));
        diff.unified_diff().header(&before, &after).to_string()
    }
}

/// A byte range of a file, and its replacement.
type Replacement<'a> = (Range<usize>, &'a str);

/// The files with all fixes applied. Of overlapping edits, the first counts.
pub fn fixed(root: &Path, findings: &[Finding]) -> Vec<Fixed> {
    let mut whole: BTreeMap<&str, &str> = BTreeMap::new();
    let mut parts: BTreeMap<&str, (&str, Vec<Replacement<'_>>)> = BTreeMap::new();
    for edit in findings.iter().flat_map(|finding| &finding.fix) {
        match edit {
            Edit::Write { path, text } => drop(whole.insert(path, text)),
            Edit::Replace { source, range, with } => {
                let (_, edits) = parts.entry(&source.path).or_insert_with(|| (&source.text, Vec::new()));
                // Insertions at the same place do not overlap.
                let overlaps = |other: &Range<usize>| other.start < range.end && range.start < other.end;
                if !edits.iter().any(|(other, _)| overlaps(other)) {
                    edits.push((range.clone(), with));
                }
            }
        }
    }
    let written = whole.into_iter().map(|(path, text)| Fixed {
        path: path.to_owned(),
        before: std::fs::read_to_string(root.join(path)).unwrap_or_default(),
        after: text.to_owned(),
    });
    let edited = parts.into_iter().map(|(path, (text, mut edits))| {
        // An insertion at the start of another edit goes before it.
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut after = String::with_capacity(text.len());
        let mut at = 0;
        for (range, with) in edits {
            after.push_str(&text[at..range.start]);
            after.push_str(with);
            at = range.end;
        }
        after.push_str(&text[at..]);
        Fixed { path: path.to_owned(), before: text.to_owned(), after }
    });
    written.chain(edited).filter(|fixed| fixed.before != fixed.after).collect()
}

/// Writes the files, unless they were changed since they were read.
pub fn write(root: &Path, fixed: &[Fixed]) -> anyhow::Result<()> {
    for Fixed { path, before, after } in fixed {
        let file = root.join(path);
        let now = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            now => now.with_context(|| format!("{path} cannot be read"))?,
        };
        let (mark, text) = now.split_at(now.len() - without_mark(&now).len());
        if text == after {
            continue;
        }
        if text != without_mark(before) {
            bail!("{path} was changed while it was being checked, so it was not edited; run the check again");
        }
        std::fs::write(&file, format!("{mark}{after}")).with_context(|| format!("{path} cannot be written"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use apidrift_core::rules::Rule;
    use openapi_model::source::{Place, Source};

    use super::*;

    #[test]
    fn an_insertion_may_be_at_the_start_of_a_replacement() {
        let source = Source::new("page.md", "one two three".to_owned());
        let finding = |range: Range<usize>, with: &str| {
            let place = Place { source: source.clone(), range: range.clone(), label: String::new() };
            let edit = Edit::Replace { source: source.clone(), range, with: with.to_owned() };
            Finding::at(Rule::PageBody, place, "a finding").fix(edit)
        };
        let findings = [finding(4..7, "2"), finding(4..4, "and "), finding(7..7, ","), finding(5..6, "no")];
        let fixed = fixed(Path::new("."), &findings);
        assert_eq!(fixed[0].after, "one and 2, three");
    }
}
