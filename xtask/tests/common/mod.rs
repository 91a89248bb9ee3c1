//! The project in `xtask/fixtures/things`, to be edited and checked.

#![allow(dead_code, clippy::unwrap_used)] // Not every test binary uses all of it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use apidrift::check::{self, Scope};
use apidrift::compat;
use apidrift::outcome::Outcome;
use apidrift::render;
use apidrift_core::contract;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Output;
use apidrift_core::rules::{Edit, Rule};
use apidrift_core::settings::Project;
use openapi_dropshot::Dropshot;
use openapi_model::source::Source;
use serde_json::Value as Json;
use tempfile::TempDir;

fn things() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/things")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What is generated of the fixture.
static GENERATED: LazyLock<Vec<Output>> = LazyLock::new(|| {
    let project = Project::load(&things()).unwrap();
    let source = project.read(&project.layout.contract).unwrap();
    let contract = contract::Contract::read(&source, None, project.profile.as_ref()).unwrap();
    openapi_dropshot::outputs(&contract, &project.layout).unwrap()
});

/// A copy of the fixture, with its code generated.
pub fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&things(), folder.path());
    openapi_dropshot::write(folder.path(), &GENERATED).unwrap();
    folder
}

pub fn apply(folder: &Path, edit: &Edit) {
    match edit {
        Edit::Replace(file, text, with) => {
            let path = folder.join(file);
            let before = std::fs::read_to_string(&path).unwrap();
            assert!(before.contains(text), "{file} does not contain {text:?}");
            std::fs::write(path, before.replacen(text, with, 1)).unwrap();
        }
        Edit::Remove(file) => std::fs::remove_file(folder.join(file)).unwrap(),
        Edit::Serve(what) => panic!("no edit of a file: a server {what}"),
        Edit::Add(file, text) => {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
}

/// What the check finds after an edit; for rules about compatibility, only what concerns that.
pub fn after(rule: Rule, edit: &Edit) -> Outcome {
    if let Edit::Replace("fixtures/orders/orders.yaml", text, with) = edit {
        return after_of_orders(text, with);
    }
    if let Edit::Replace(file, text, with) = edit
        && let Some(file) = file.strip_prefix("fixtures/notes/")
    {
        return after_of_notes(&Edit::Replace(file, text, with));
    }
    let folder = project();
    let compat = rule.info().family() == "compat";
    if rule == Rule::CompatHeaderOptional {
        // It needs a header that was always there.
        let required = Edit::Replace(
            "openapi/things.yaml",
            "      description: Where the next page is.\n",
            "      description: Where the next page is.\n      required: true\n",
        );
        apply(folder.path(), &required);
    }
    std::fs::copy(folder.path().join("openapi/things.yaml"), folder.path().join("base.yaml")).unwrap();
    apply(folder.path(), edit);
    let scope = Scope { against: compat.then(|| "base.yaml".to_owned()), pages: Vec::new() };
    let mut outcome = check::run(folder.path(), &scope, Some(&Dropshot));
    if compat {
        outcome.findings.retain(|finding| finding.rule.info().family() == "compat");
        outcome.unchecked.retain(|reason| !reason.starts_with("the generated code was not compared"));
    }
    outcome
}

/// What is found in `xtask/fixtures/notes` after an edit.
fn after_of_notes(edit: &Edit) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/notes"), folder.path());
    apply(folder.path(), edit);
    check::run(folder.path(), &Scope::default(), None)
}

/// What is found in `xtask/fixtures/orders` after an edit: it is compared with its earlier form only.
fn after_of_orders(text: &str, with: &str) -> Outcome {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders/orders.yaml");
    let before = std::fs::read_to_string(file).unwrap();
    assert!(before.contains(text), "orders.yaml does not contain {text:?}");
    let read = |text: String| contract::Contract::read(&Source::new("orders.yaml", text), None, None).unwrap();
    let (base, now) = (read(before.clone()), read(before.replacen(text, with, 1)));
    let compared = compat::check(&compat::Side::of(&base), &compat::Side::of(&now), true);
    let unchecked = compared.not_compared.into_iter().map(|part| part.reason).collect();
    Outcome { findings: compared.findings, unchecked, ..Outcome::default() }
}

/// Findings as people see them.
pub fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|finding| render::human_finding(finding, false)).collect::<Vec<_>>().join("\n")
}

/// Puts one text in the place of another.
pub fn replace(folder: &Path, file: &'static str, text: &'static str, with: &'static str) {
    apply(folder, &Edit::Replace(file, text, with));
}

/// Compares a text with a file in `xtask/tests/golden`. With `UPDATE_GENERATED=1` the file is written.
#[track_caller]
pub fn assert_golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let stands = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        stands == text,
        "{} is not what is printed; run this test with UPDATE_GENERATED=1 and look at the difference:\n{}",
        file.display(),
        similar::TextDiff::from_lines(stands.as_str(), text).unified_diff()
    );
}

/// What is wrong with a text as SARIF. The schema is the one that OASIS publishes for 2.1.0.
pub fn misfits_of_sarif(text: &str) -> Vec<String> {
    static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sarif-schema-2.1.0.json");
        let text = std::fs::read_to_string(file).unwrap();
        // Its pattern for the name of a language has a bracket too many, and is none.
        let mended = text.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
        assert_ne!(mended, text);
        let schema: Json = serde_json::from_str(&mended).unwrap();
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    });
    let document: Json = serde_json::from_str(text).unwrap();
    SCHEMA.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[track_caller]
pub fn assert_is_sarif(text: &str) {
    assert_eq!(misfits_of_sarif(text), [""; 0]);
}
