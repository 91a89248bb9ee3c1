//! Mutated documents: lines removed, duplicated or moved.

use std::path::Path;

use anyhow::Context as _;
use apidrift::check::{self, Claims};
use openapi_model::source::Source;

/// Checks `wanted` mutants of a document; a panic ends this process.
pub(super) fn check_mutants(file: &Path, wanted: usize) -> anyhow::Result<usize> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let original = Source::new("original", text.as_str());
    let mut random = Random(text.len() as u64 | 1);
    for _ in 0..wanted {
        let mutant = Source::new("mutant", mutated(&text, &mut random));
        let claims = Claims {
            base: Some(original.clone().into()),
            folder: file.parent().map(Path::to_path_buf),
            ..Claims::default()
        };
        std::hint::black_box(check::compare(&mutant, &claims, None));
    }
    Ok(wanted)
}

fn mutated(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len().max(1));
        let length = 1 + random.below(12.min(lines.len().max(1)));
        let end = (at + length).min(lines.len());
        let part: Vec<&str> = lines[at.min(end)..end].to_vec();
        match random.below(4) {
            0 => drop(lines.drain(at.min(end)..end)),
            1 => drop(lines.splice(end..end, part)),
            2 => {
                let elsewhere = random.below(lines.len() + 1);
                drop(lines.splice(elsewhere..elsewhere, part));
            }
            // A reference gets another target, possibly a circular one.
            _ => {
                let references: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].contains("$ref")).collect();
                if let [_, _, ..] = references.as_slice() {
                    let (one, other) = (random.below(references.len()), random.below(references.len()));
                    lines.swap(references[one], references[other]);
                }
            }
        }
    }
    lines.join("\n")
}

/// A random generator that produces the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap_or_default()
    }
}
