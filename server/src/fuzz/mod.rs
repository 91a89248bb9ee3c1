//! What the fuzz targets share: inputs made of valid ones by random edits.
//!
//! Each parser that strangers reach has a target, in a module `fuzz` beside it. They are ordinary tests with few cases;
//! `PROPTEST_CASES=1000000 cargo nextest run --package cdi-server --all-features fuzz` runs them for longer.

mod requests;

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The number of cases of a target, unless `PROPTEST_CASES` is set.
pub fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases, ..default } }
}

/// A change of an input. Places are relative, so that every edit applies to every input.
#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, Vec<u8>),
    Flip(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    End(Index, &'static str),
    Cut(Index),
}

impl Edit {
    fn apply(&self, input: &mut Vec<u8>) {
        // One place more than there are bytes: the end is one too.
        let length = input.len();
        let at = |index: &Index| index.index(length + 1);
        match self {
            Edit::Insert(index, bytes) => drop(input.splice(at(index)..at(index), bytes.iter().copied())),
            Edit::Flip(index, bit) => {
                if let Some(byte) = input.get_mut(at(index)) {
                    *byte ^= 1 << bit;
                }
            }
            Edit::Remove(index, count) => drop(input.drain(at(index)..length.min(at(index) + count))),
            Edit::Repeat(index, count, times) => {
                let start = at(index);
                let part = input[start..length.min(start + count)].repeat(*times);
                input.splice(start..start, part);
            }
            Edit::End(index, other) => {
                input.truncate(at(index));
                input.extend_from_slice(&other.as_bytes()[index.index(other.len() + 1)..]);
            }
            Edit::Cut(index) => input.truncate(at(index)),
        }
    }
}

/// One of the seeds with up to five edits. `tokens` are texts that mean something to the parser.
pub fn bytes(seeds: &'static [&'static str], tokens: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let index = any::<Index>;
    let edit = prop_oneof![
        (index(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (index(), select(tokens)).prop_map(|(at, token)| Edit::Insert(at, token.as_bytes().to_vec())),
        (index(), any::<char>()).prop_map(|(at, char)| Edit::Insert(at, char.to_string().into_bytes())),
        (index(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (index(), 1..20_usize).prop_map(|(at, count)| Edit::Remove(at, count)),
        (index(), 1..20_usize, 1..200_usize).prop_map(|(at, count, times)| Edit::Repeat(at, count, times)),
        (index(), select(seeds)).prop_map(|(at, other)| Edit::End(at, other)),
        index().prop_map(Edit::Cut),
    ];
    (select(seeds), prop::collection::vec(edit, 0..=5)).prop_map(|(seed, edits)| {
        let mut input = seed.as_bytes().to_vec();
        edits.iter().for_each(|edit| edit.apply(&mut input));
        input
    })
}

/// The same as text; invalid UTF-8 becomes U+FFFD.
pub fn text(seeds: &'static [&'static str], tokens: &'static [&'static str]) -> impl Strategy<Value = String> {
    bytes(seeds, tokens).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
