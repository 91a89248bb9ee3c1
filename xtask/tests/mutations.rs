//! Whatever stands in a contract, in a page or in what a server emits, the check ends with an outcome that can be shown.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use apidrift::check::{Claims, Pages, compare, fix};
use apidrift::page::Language;
use apidrift::render::{Format, render};
use openapi_dropshot::Dropshot;
use openapi_model::source::Source;

const CASES: u64 = 10_000;

/// A generator of numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit; 0 where there is none.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

/// What means something to one of the parsers.
const TOKENS: [&str; 40] = [
    "\0",
    "\r",
    "\t",
    "\u{feff}",
    "é",
    "\u{2028}",
    "😀",
    "`",
    "``",
    "```json\n",
    "|",
    "\n| --- |\n",
    "{%",
    "%}",
    "{{",
    "{: }",
    "'",
    "\"",
    "\\",
    "\\\n",
    "$'",
    "curl ",
    "<code>",
    "</code>",
    "<!--",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "- ",
    "? ",
    ": ",
    "#",
    "{",
    "}",
    "[",
    "null",
    "-9223372036854775809",
    "1e999",
    "%ff",
];

fn mutated(text: &str, random: &mut Random) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let (at, length) = (random.below(bytes.len()), random.below(200));
        let end = (at + length).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, part));
            }
            3 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..(to + length).min(bytes.len()), part));
            }
            4 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                drop(bytes.splice(at..at, token.bytes()));
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Texts {
    contract: String,
    pages: Vec<(Language, &'static str, String)>,
    emitted: String,
}

fn texts() -> Texts {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/things");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut pages = Vec::new();
    for name in ["list-things.md", "paint-thing.md", "errors.md"] {
        pages.push((Language::English, name, read(&format!("openapi/reference/{name}"))));
        pages.push((Language::Spanish, name, read(&format!("openapi/reference/es/{name}"))));
    }
    Texts { contract: read("openapi/things.yaml"), pages, emitted: read("generated/emitted.json") }
}

/// Mutates one of the texts, and takes everything through the check that takes texts.
fn check(texts: &Texts, case: u64) {
    let mut random = Random(case);
    let choice = random.below(10);
    let mut contract = texts.contract.clone();
    let mut pages = texts.pages.clone();
    let mut emitted = texts.emitted.clone();
    match choice {
        0..5 => contract = mutated(&contract, &mut random),
        5..9 => {
            let page = random.below(pages.len());
            pages[page].2 = mutated(&pages[page].2, &mut random);
        }
        _ => emitted = mutated(&emitted, &mut random),
    }
    let contract = Source::new("contract.yaml", contract);
    let of = |language: Language| Pages {
        language,
        sources: pages
            .iter()
            .filter(|page| page.0 == language)
            .map(|page| Source::new(page.1, page.2.as_str()))
            .collect(),
        are_complete: true,
    };
    let claims = Claims {
        base: Some(Source::new("base.yaml", texts.contract.as_str()).into()),
        pages: vec![of(Language::English), of(Language::Spanish)],
        emitted: Some(Source::new("emitted.json", emitted)),
        is_generated: true,
        has_named_errors: true,
        ..Claims::default()
    };
    let (outcome, _) = compare(&contract, &claims, Some(&Dropshot));
    // All formats read the same places.
    let format = [Format::Human, Format::Json, Format::Github, Format::Sarif][random.below(4)];
    assert!(outcome.findings.is_empty() || !render(&outcome, format, false).is_empty());
    for fixed in fix::fixed(Path::new("/nowhere"), &outcome.findings) {
        assert!(!fixed.diff().is_empty());
    }
    if choice < 5 && random.below(4) == 0 {
        // The other way round the mutated contract is the earlier form.
        let claims = Claims { base: Some(contract.into()), ..Claims::default() };
        compare(&Source::new("contract.yaml", texts.contract.as_str()), &claims, Some(&Dropshot));
    }
}

/// Takes every case on both cores, each by itself, and names those that panic.
fn assert_no_panic(cases: u64, take: impl Fn(u64) + Sync) {
    let panics: Vec<u64> = std::thread::scope(|scope| {
        let take = &take;
        let parts: Vec<_> = (0..2)
            .map(|part| {
                scope.spawn(move || {
                    let panics =
                        |case: &u64| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| take(*case))).is_err();
                    (0..cases).filter(|case| case % 2 == part).filter(panics).collect::<Vec<u64>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(panics.is_empty(), "{} cases panic, such as {:?}", panics.len(), &panics[..panics.len().min(5)]);
}

#[test]
fn ten_thousand_mutated_texts_are_checked_without_a_panic() {
    let texts = texts();
    assert_no_panic(CASES, |case| check(&texts, case));
}

#[test]
fn mutated_contracts_without_findings_are_turned_into_code_without_a_panic() {
    let texts = texts();
    let layout = apidrift_core::settings::Layout {
        contract: "contract.yaml".into(),
        pages: None,
        server: Some("server.rs".into()),
        client: Some("client.rs".into()),
        client_errors: Some("errors.rs".into()),
        emits: None,
        testbed: None,
        testbed_without_limits: None,
    };
    let generated = std::sync::atomic::AtomicUsize::new(0);
    assert_no_panic(3_000, |case| {
        let source = Source::new("contract.yaml", mutated(&texts.contract, &mut Random(!case)));
        if let (_, Some(contract)) = compare(
            &source,
            &Claims { is_generated: true, has_named_errors: true, ..Claims::default() },
            Some(&Dropshot),
        ) {
            generated.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let _ = openapi_dropshot::outputs(&contract, &layout);
        }
    });
    let whole = generated.into_inner();
    assert!(whole > 50, "hardly any contract stayed whole: {whole}");
}
