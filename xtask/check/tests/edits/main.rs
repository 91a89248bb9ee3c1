//! Breaking and harmless edits, made on contracts of strangers and named, or not, by the comparison with the earlier form.
//!
//! The edits find their places themselves, and know by the rules of OpenAPI alone whom they break: what was promised to
//! clients is stated here a second time, and in another way than in what is tested.
//!
//! `APIDRIFT_CORPUS=DIR cargo test -p apidrift --test edits` does the same with every contract of a folder and prints a
//! table.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod breaking_answers;
mod breaking_requests;
mod harmless;
mod kind;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use apidrift::compat::{self, Compared, Side};
use apidrift_core::contract::Contract;
use apidrift_core::rules::Severity;
use kind::{Expects, Kind, Names, Place};
use openapi_model::source::Source;
use serde_json::Value;
use tree::Tree;

fn kinds() -> impl Iterator<Item = &'static Kind> {
    breaking_requests::KINDS.iter().chain(breaking_answers::KINDS).chain(harmless::KINDS)
}

fn read(root: &Value) -> Result<Contract, String> {
    let text = serde_json::to_string_pretty(root).unwrap();
    Contract::read(&Source::new("openapi.json", text), None, None).map_err(|error| error.message)
}

fn compared(base: &Contract, root: &Value) -> Compared {
    let mut new = read(root).unwrap();
    new.profile = base.profile.clone();
    let new = Contract::new(new.document, base.profile.clone());
    compat::check(&Side::of(base), &Side::of(&new), false)
}

/// How an edit was not named, or was named that should not have been.
fn wrong(tree: &Tree, base: &Contract, kind: &Kind, place: &Place) -> Option<String> {
    let mut root = tree.root.clone();
    (place.change)(&mut root);
    let compared = compared(base, &root);
    let findings = &compared.findings;
    let loud: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.severity() > Severity::Note || kind.expects == Expects::Silence)
        .map(|finding| finding.message.as_str())
        .collect();
    let unread: Vec<&str> = compared.not_compared.iter().map(|part| part.reason.as_str()).collect();
    let shown = || format!("{loud:?}, not compared {unread:?}");
    if kind.expects != Expects::Finding {
        return (!loud.is_empty()).then(shown);
    }
    let names = match &place.names {
        Names::Texts(texts) => texts.clone(),
        Names::OperationsOf(at) => tree
            .operations_of(at)
            .into_iter()
            .flat_map(|operation| [format!("`{}`", operation.label), operation.call.clone()])
            .collect(),
    };
    let is_named = loud.iter().any(|message| names.iter().any(|name| message.contains(name)));
    (!is_named).then(|| format!("{}: none of {:?}", shown(), &names[..names.len().min(6)]))
}

/// Some places of many, the same ones each time.
fn some(places: Vec<Place>, most: usize, seed: &str) -> Vec<Place> {
    let hash = |index: usize, at: &str| {
        let bytes = seed.bytes().chain(at.bytes()).chain(index.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let mut places: Vec<(u64, Place)> =
        places.into_iter().enumerate().map(|(index, place)| (hash(index, &place.at), place)).collect();
    places.sort_by_key(|(hash, _)| *hash);
    places.into_iter().take(most).map(|(_, place)| place).collect()
}

/// Makes edits of all kinds in one contract, and counts those that were made and those that came out right.
fn try_all(name: &str, text: &str, most: usize, scores: &mut BTreeMap<&'static str, (usize, usize)>) -> Vec<String> {
    let Ok(root) = serde_yaml::from_str::<Value>(text) else { return vec![format!("{name} cannot be read")] };
    let base = match read(&root) {
        Ok(base) => base,
        Err(error) => {
            eprintln!("{name}: {error}");
            return Vec::new();
        }
    };
    let tree = Tree::new(root);
    let mut failures = Vec::new();
    let itself = compared(&base, &tree.root);
    if !itself.findings.is_empty() {
        failures.push(format!("{name} beside itself: {}", itself.findings[0].message));
    }
    for kind in kinds() {
        for place in some((kind.places)(&tree), most, &format!("{name} {}", kind.name)) {
            let score = scores.entry(kind.name).or_default();
            score.1 += 1;
            match wrong(&tree, &base, kind, &place) {
                None => score.0 += 1,
                Some(how) => failures.push(format!("{name}: {} at {}: {how}", kind.name, place.at)),
            }
        }
    }
    failures
}

fn contracts(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|known| kind == *known)))
        .collect();
    files.sort();
    let read = |file: std::path::PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        (file.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    files.into_iter().map(read).collect()
}

fn table(scores: &BTreeMap<&'static str, (usize, usize)>) -> String {
    let line = |kind: &Kind| {
        let (right, made) = scores.get(kind.name).copied().unwrap_or_default();
        let what = match kind.expects {
            Expects::Finding => "named",
            Expects::Notes => "notes only",
            Expects::Silence => "silent",
        };
        format!("{right:>5} of {made:>5} {what:<10} {}\n", kind.name)
    };
    kinds().map(line).collect()
}

#[test]
fn every_breaking_edit_is_named_and_no_harmless_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contracts");
    let mut scores = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, text) in contracts(&folder) {
        failures.extend(try_all(&name, &text, 4, &mut scores));
    }
    assert!(failures.is_empty(), "{} wrong\n{}", failures.len(), failures.join("\n"));
    let unused: Vec<&str> = kinds().map(|kind| kind.name).filter(|name| !scores.contains_key(name)).collect();
    assert!(unused.is_empty(), "edits without a place in any contract of tests/contracts: {unused:#?}");
    let count = |is: fn(Expects) -> bool| kinds().filter(|kind| is(kind.expects)).count();
    assert!(count(|expects| expects == Expects::Finding) >= 40 && count(|expects| expects != Expects::Finding) >= 20);
    if let Some(folder) = std::env::var_os("APIDRIFT_CORPUS") {
        in_a_corpus(Path::new(&folder));
    }
}

/// Does the same with other people's contracts.
fn in_a_corpus(folder: &Path) {
    let most = std::env::var("APIDRIFT_PLACES").ok().and_then(|most| most.parse().ok()).unwrap_or(2);
    let mut scores = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, text) in contracts(folder) {
        let of_one = try_all(&name, &text, most, &mut scores);
        eprintln!("{name}: {} wrong", of_one.len());
        of_one.iter().for_each(|failure| eprintln!("  {failure}"));
        failures.extend(of_one);
    }
    println!("{}", table(&scores));
    assert!(failures.is_empty(), "{} wrong\n{}", failures.len(), failures.join("\n"));
}
