//! Generated files are what the contract generates.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::Outcome;
use crate::contract::Contract;
use crate::finding::Finding;
use crate::generate::{self, Output};
use crate::source::{Place, Source};

const HELP: &str = "run `cargo xtask generate`; what it undoes belongs into the contract or into the generator";

/// Compares what is generated now with what stands there.
pub fn check(root: &Path, contract: &Contract) -> Outcome {
    match generate::outputs(contract) {
        Ok(outputs) => Outcome {
            findings: outputs
                .iter()
                .filter_map(|output| stale_file(root, output, contract))
                .collect(),
            unchecked: Vec::new(),
        },
        Err(findings) => Outcome {
            findings,
            unchecked: Vec::new(),
        },
    }
}

/// What is wrong with a generated file, if anything.
pub fn stale_file(root: &Path, output: &Output, contract: &Contract) -> Option<Finding> {
    let file = match Source::read(root, &root.join(output.path)) {
        Ok(file) => file,
        Err(reason) => {
            let finding = Finding::nowhere(output.stale, reason);
            return Some(finding.with(contract.place(&(0..0), "generated from this")).help(HELP));
        }
    };
    let difference = first_difference(&file, &output.text)?;
    let mut finding = Finding::at(
        output.stale,
        Place::new(
            &file,
            difference.range,
            format!("generated now: {}", difference.expected),
        ),
        format!("{} is not what {} generates", output.path, contract.source.path),
    )
    .help(HELP);
    if let Some(place) = origin(contract, &difference.expected, &difference.found) {
        finding = finding.with(place);
    }
    Some(finding)
}

struct Difference {
    range: Range<usize>,
    expected: String,
    found: String,
}

fn first_difference(file: &Arc<Source>, expected: &str) -> Option<Difference> {
    if file.text == expected {
        return None;
    }
    let (mut wanted, mut found, mut line) = (expected.lines(), file.text.lines(), 0);
    loop {
        line += 1;
        match (wanted.next(), found.next()) {
            (Some(one), Some(other)) if one == other => {}
            (None, None) => {
                // Only the line breaks differ.
                return Some(Difference {
                    range: file.line(line - 1),
                    expected: "another line break".into(),
                    found: String::new(),
                });
            }
            (one, other) => {
                let range = file.line(line);
                let indent = file.text[range.clone()].len() - file.text[range.clone()].trim_start().len();
                return Some(Difference {
                    range: range.start + indent..range.end,
                    expected: one.map_or("nothing", str::trim).to_owned(),
                    found: other.unwrap_or_default().trim().to_owned(),
                });
            }
        }
    }
}

/// The place in the contract that says what the generated line should: the longest of its texts that is new and stands
/// there.
fn origin(contract: &Contract, expected: &str, found: &str) -> Option<Place> {
    let old = texts(found);
    let mut new: Vec<&str> = texts(expected)
        .into_iter()
        .filter(|text| text.len() > 2 && !old.contains(text))
        .collect();
    new.sort_by_key(|text| std::cmp::Reverse(text.len()));
    new.into_iter().find_map(|text| {
        let at = contract.source.text.find(text)?;
        Some(contract.place(&(at..at + text.len()), "the contract says this"))
    })
}

/// What stands in quotes or backticks on a line; of an error's status and message the message too.
fn texts(line: &str) -> Vec<&str> {
    let quoted = line.split(['"', '`']).skip(1).step_by(2);
    quoted
        .flat_map(|text| [Some(text), text.split_once(' ').map(|(_, message)| message)])
        .flatten()
        .collect()
}
