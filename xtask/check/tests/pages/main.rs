//! Pages that are written from contracts, in the manners in which people write them, and tell only the truth: nothing may be
//! found in them. Then one fact is changed, in a page or in the contract: that has to be found, in that line.
//!
//! The writer knows nothing of how pages are read, and reads contracts for itself.
//!
//! `APIDRIFT_CORPUS=DIR cargo test -p apidrift --test pages` does the same with every contract of a folder, with
//! `APIDRIFT_PLACES` edits of each kind in each manner. `APIDRIFT_PAGES_OUT=DIR` keeps the pages, to be read by people.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod about;
mod answers;
mod api;
mod body;
mod call;
mod contract_edits;
mod curl;
mod edit;
mod example;
mod field_edits;
mod json;
mod manner;
mod mutants;
mod page;
mod page_edits;
mod pick;
mod scalar;
mod schema;
mod section;
mod set;
mod slices;
mod status;
mod tables;
mod trial;
mod truth;
mod verdict;
mod words;

use std::path::Path;
use std::time::Instant;

use apidrift_core::rules::Severity;
use manner::{ENGLISH_MANNERS, Manner, TRANSLATED_MANNERS};

fn manners() -> impl Iterator<Item = &'static Manner> {
    static ENGLISH: [Manner; 8] = ENGLISH_MANNERS;
    ENGLISH.iter().chain(&TRANSLATED_MANNERS)
}

/// The words of the edition in a folder.
fn words_of(folder: &str) -> &'static words::Words {
    manners().map(|manner| manner.words).find(|words| words.folder == folder).unwrap()
}

/// A name as it can stand in a heading of a page with components.
pub fn mdx_safe(name: &str) -> String {
    name.replace(['{', '}', '<', '>'], "")
}

fn keep(name: &str, set: &set::Set) {
    let Some(folder) = std::env::var_os("APIDRIFT_PAGES_OUT") else { return };
    for page in &set.pages {
        let file = Path::new(&folder).join(set.manner).join(name).join(&page.path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &page.text).unwrap();
    }
}

/// What is found in pages in which nothing is wrong. Translations are made of one contract of some.
fn false_findings(apis: &[api::Api], some: usize) -> Vec<String> {
    let mut found = Vec::new();
    let (mut operations, mut pages, start) = (0, 0, Instant::now());
    for (number, manner) in manners().enumerate() {
        let mut in_manner = 0;
        let is_translated = !manner.words.folder.is_empty();
        let is_taken = |index: &usize| !is_translated || index % some == number % some;
        for (_, api) in apis.iter().enumerate().filter(|(index, _)| is_taken(index)) {
            let set = set::write(api, manner);
            keep(&api.name, &set);
            operations += api.operations.len();
            pages += set.pages.len();
            let verdict = verdict::of(&verdict::contract(&api.root), &set.pages);
            let loud: Vec<String> = verdict.loud(Severity::Warning).map(verdict::shown).collect();
            in_manner += loud.len();
            found.extend(loud.into_iter().map(|one| format!("{} {}: {one}", manner.name, api.name)));
        }
        eprintln!("{:<10} {in_manner:>5} false", manner.name);
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{pages} pages, {operations} operations, {:.2} s per thousand operations",
        seconds * 1000.0 / operations as f64
    );
    found
}

#[test]
fn nothing_is_found_in_pages_that_are_true() {
    let found = false_findings(&slices::own(), 3);
    assert!(found.is_empty(), "{} false\n{}", found.len(), found[..found.len().min(60)].join("\n"));
}

/// Kinds with fewer edits are too small for shares.
const BIG: usize = 15;

#[test]
fn a_changed_fact_is_found_where_it_stands() {
    let apis = slices::own();
    let mut scores = trial::Scores::default();
    let start = Instant::now();
    trial::try_all(&apis, 1, &mut scores);
    println!("{}{} not compared, {:.1} s", scores.table(), scores.aside, start.elapsed().as_secs_f64());
    let unused: Vec<&str> = trial::kinds().map(|kind| kind.name).filter(|name| scores.of(name).1 == 0).collect();
    assert!(unused.is_empty(), "edits without a place in any contract: {unused:#?}");
    let is_low = |(named, made): (usize, usize)| named * 100 < made * 98 && made - named > 1;
    let low: Vec<&str> = trial::kinds()
        .map(|kind| kind.name)
        .filter(|name| scores.of(name).1 >= BIG && is_low(scores.of(name)))
        .collect();
    println!("{}", scores.failures.join("\n"));
    assert!(low.is_empty() && !is_low(scores.all()), "{low:#?}");
}

/// Does the same with other people's contracts.
#[test]
fn in_a_corpus() {
    let Some(folder) = std::env::var_os("APIDRIFT_CORPUS") else { return };
    let most = std::env::var("APIDRIFT_PLACES").ok().and_then(|most| most.parse().ok()).unwrap_or(1);
    let mut scores = trial::Scores::default();
    let mut found = Vec::new();
    for file in slices::files_of(Path::new(&folder)) {
        let apis = slices::of_file(&file);
        eprintln!("{}: {} operations", file.display(), apis.iter().map(|api| api.operations.len()).sum::<usize>());
        let here = false_findings(&apis, 1);
        here.iter().for_each(|one| eprintln!("{one}"));
        found.extend(here);
        trial::try_all(&apis, most, &mut scores);
    }
    let mut others = Vec::new();
    mutants::markdown(&Path::new(&folder).with_file_name("pages"), &mut others);
    let slow = mutants::slow(&slices::own(), 3000, &others);
    println!("{}{} not compared", scores.table(), scores.aside);
    scores.failures.iter().for_each(|failure| eprintln!("{failure}"));
    assert!(found.is_empty(), "{} false", found.len());
    assert!(scores.failures.is_empty(), "{} not named", scores.failures.len());
    assert!(slow.is_empty(), "{} slow\n{}", slow.len(), slow.join("\n"));
}
