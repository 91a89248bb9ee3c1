use std::path::{Path, PathBuf};

use apidrift_core::rules::{Edit, Rule, Severity};
use openapi_model::source::Source;

use super::*;

fn read(text: &str) -> Document {
    openapi_model::read(&Source::new("openapi.yaml", text), None).unwrap()
}

fn side(document: &Document) -> Side<'_> {
    Side { document, known: Vec::new() }
}

fn compared(then: &str, now: &str) -> Compared {
    let (then, now) = (read(then), read(now));
    check(&side(&then), &side(&now), true)
}

/// Rules and messages, one in a line.
fn said(then: &str, now: &str) -> Vec<String> {
    let findings = compared(then, now).findings;
    findings.iter().map(|finding| format!("{}: {}", finding.rule.info().name, finding.message)).collect()
}

fn orders() -> (PathBuf, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/orders/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    (file, text)
}

#[test]
fn rules_about_orders_speak_after_their_edits_and_not_after_those_beside_them() {
    let (_, before) = orders();
    assert_eq!(said(&before, &before), Vec::<String>::new());
    for rule in Rule::ALL {
        let (Edit::Replace("fixtures/orders/orders.yaml", text, with), Edit::Replace(_, silent, silent_with)) =
            (rule.info().fires, rule.info().silent)
        else {
            continue;
        };
        let findings = compared(&before, &before.replacen(text, with, 1)).findings;
        let found: Vec<&Rule> = findings.iter().map(|finding| &finding.rule).collect();
        assert!(found.contains(&rule), "{}: {findings:#?}", rule.info().name);
        let others = findings.iter().filter(|finding| finding.rule != *rule);
        let others: Vec<&str> = others.map(|finding| finding.message.as_str()).collect();
        assert!(others.is_empty(), "{}: {others:?}", rule.info().name);
        let found = said(&before, &before.replacen(silent, silent_with, 1));
        assert!(found.is_empty(), "{}: {found:?}", rule.info().name);
    }
}

#[test]
fn every_contract_of_the_corpus_is_itself() {
    let Ok(folder) = std::env::var("APIDRIFT_CORPUS") else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let started = std::time::Instant::now();
        let (then, now) = match (openapi_model::read_file(Path::new("/"), &file), openapi_model::read_file(Path::new("/"), &file)) {
            (Ok(then), Ok(now)) => (then, now),
            (Err(error), _) | (_, Err(error)) => {
                eprintln!("{}: {}", file.display(), error.message);
                continue;
            }
        };
        let read = started.elapsed();
        let started = std::time::Instant::now();
        let compared = check(&side(&then), &side(&now), true);
        eprintln!(
            "{}: {} operations, read {read:?}, compared {:?}, not compared {}",
            file.file_name().unwrap().to_string_lossy(),
            now.operations.len(),
            started.elapsed(),
            compared.not_compared.len()
        );
        assert!(compared.findings.is_empty(), "{:#?}", compared.findings.iter().take(5).map(|f| (&f.message, f.severity())).collect::<Vec<_>>());
    }
    let _ = Severity::Error;
}
