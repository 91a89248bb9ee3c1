//! Whatever drifts is named, with both places; and nothing else is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;
use std::sync::LazyLock;

use contract_tests::{program, repository};
use tempfile::TempDir;
use xtask::check::{self, Outcome, Scope};
use xtask::finding::Finding;
use xtask::source::Place;

const CONTRACT: &str = "openapi/cdi.yaml";
const SERVER: &str = "server/src/api/generated.rs";
const CLIENT: &str = "client/src/errors.rs";
const PAGE: &str = "openapi/reference/trigger-sync.md";
const SPANISH: &str = "openapi/reference/es/trigger-sync.md";

/// What the server emits.
static EMITTED: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new(program("cdi-server")).arg("openapi").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
});

/// A copy of everything that is compared.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Copy {
        let root = repository();
        let folder = tempfile::tempdir().unwrap();
        let mut files = vec![
            SERVER.to_owned(),
            CLIENT.to_owned(),
            "client/src/generated.rs".to_owned(),
            CONTRACT.to_owned(),
        ];
        for pages in ["openapi/reference", "openapi/reference/es"] {
            for entry in std::fs::read_dir(root.join(pages)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    files.push(format!("{pages}/{}", entry.file_name().to_str().unwrap()));
                }
            }
        }
        for file in files {
            let target = folder.path().join(&file);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(root.join(&file), target).unwrap();
        }
        std::fs::write(folder.path().join("emitted.json"), EMITTED.as_str()).unwrap();
        Copy { folder }
    }

    /// Puts one text in the place of another, which must be there.
    fn edit(self, file: &str, text: &str, instead: &str) -> Copy {
        let path = self.folder.path().join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(before.contains(text), "{file} has no {text:?}");
        std::fs::write(path, before.replacen(text, instead, 1)).unwrap();
        self
    }

    fn check(&self) -> Outcome {
        check::run(self.folder.path(), &Scope::default())
    }

    /// The only finding of the check.
    fn only(&self) -> Finding {
        let mut outcome = self.check();
        assert!(outcome.unchecked.is_empty(), "{:?}", outcome.unchecked);
        assert_eq!(outcome.findings.len(), 1, "{:#?}", outcome.findings);
        outcome.findings.remove(0)
    }
}

/// The file of a place, and what is underlined there.
fn seen(place: &Place) -> (&str, &str) {
    (&place.source.path, &place.source.text[place.range.clone()])
}

#[track_caller]
fn assert_names(finding: &Finding, rule: &str, here: (&str, &str), there: (&str, &str)) {
    assert_eq!(finding.rule.info().name, rule, "{}", finding.message);
    assert_eq!(seen(finding.primary.as_ref().unwrap()), here, "{}", finding.message);
    assert_eq!(seen(&finding.related[0]), there, "{}", finding.message);
    assert!(finding.help.is_some());
}

#[test]
fn nothing_has_drifted() {
    let outcome = Copy::new().check();
    assert!(
        outcome.findings.is_empty() && outcome.unchecked.is_empty(),
        "{outcome:#?}"
    );
}

#[test]
fn a_changed_message_in_a_page_is_named_with_the_contracts() {
    for page in [PAGE, SPANISH] {
        let copy = Copy::new().edit(page, "`429 Another job is in progress`", "`429 Another job is running`");
        assert_names(
            &copy.only(),
            "page/error-message",
            (page, "Another job is running"),
            (CONTRACT, "Another job is in progress"),
        );
    }
}

#[test]
fn a_changed_message_in_the_contract_is_named_with_every_place_that_still_has_the_old_one() {
    let outcome = Copy::new()
        .edit(
            CONTRACT,
            "message: Another job is in progress",
            "message: A job is in progress",
        )
        .check();
    let named: Vec<(&str, &str)> = outcome
        .findings
        .iter()
        .map(|finding| (finding.rule.info().name, seen(finding.primary.as_ref().unwrap()).0))
        .collect();
    assert_eq!(
        named,
        [
            ("client/stale", CLIENT),
            ("page/error-message", SPANISH),
            ("page/error-message", PAGE),
            ("server/stale", SERVER),
            ("server/emits", SERVER),
        ]
    );
    for finding in &outcome.findings {
        assert_eq!(seen(&finding.related[0]).0, CONTRACT, "{}", finding.message);
    }
}

#[test]
fn a_changed_message_in_the_generated_server_is_named_with_the_contracts() {
    let finding = Copy::new()
        .edit(SERVER, "\"Another job is in progress\"", "\"Nope\"")
        .only();
    assert_names(
        &finding,
        "server/stale",
        (SERVER, "message: \"Nope\","),
        (CONTRACT, "Another job is in progress"),
    );
}

#[test]
fn a_server_that_says_something_else_of_itself_is_named_with_the_contract() {
    let finding = Copy::new()
        .edit("emitted.json", "\"Another job is in progress\"", "\"Nope\"")
        .only();
    assert_eq!(finding.rule.info().name, "server/emits");
    assert_eq!(seen(&finding.related[0]), (CONTRACT, "Another job is in progress"));
    let finding = Copy::new()
        .edit("emitted.json", "\"cdi.integration_sync\"", "\"cdi.all\"")
        .only();
    assert_eq!(seen(&finding.related[0]), (CONTRACT, "cdi.integration_sync"));
    let finding = Copy::new()
        .edit("emitted.json", "\"requests\": 20", "\"requests\": 21")
        .only();
    assert!(
        finding.message.contains("the rate limit of `trigger_integration_sync`"),
        "{}",
        finding.message
    );
}

#[test]
fn a_row_that_only_the_spanish_page_has_or_lacks_is_named() {
    let row = "| `404 Integration not found` | ";
    let added = Copy::new()
        .edit(SPANISH, row, &format!("| `409 Conflicto` | Espera. |\n{row}"))
        .only();
    assert_eq!(added.rule.info().name, "page/error-extra");
    assert_eq!(
        seen(added.primary.as_ref().unwrap()),
        (SPANISH, "| `409 Conflicto` | Espera. |")
    );

    let text = std::fs::read_to_string(repository().join(SPANISH)).unwrap();
    let line = text.lines().find(|line| line.starts_with(row)).unwrap();
    let removed = Copy::new().edit(SPANISH, &format!("{line}\n"), "").only();
    assert_eq!(removed.rule.info().name, "page/error-missing");
    assert_eq!(seen(removed.primary.as_ref().unwrap()).0, SPANISH);
    assert_eq!(seen(&removed.related[0]), (CONTRACT, "Integration not found"));
}

#[test]
fn whatever_a_page_claims_of_its_operation_is_compared() {
    for (text, instead, rule, here, there) in [
        (
            "`POST /cdi/integrations",
            "`GET /cdi/integrations",
            "page/endpoint",
            "GET",
            "post",
        ),
        (
            "{integration_id}/sync`",
            "{integration_id}/syncs`",
            "page/endpoint",
            "/cdi/integrations/{integration_id}/syncs",
            "/cdi/integrations/{integration_id}/sync",
        ),
        (
            "`cdi.integration_sync`",
            "`cdi.integrations_sync`",
            "page/permission",
            "cdi.integrations_sync",
            "cdi.integration_sync",
        ),
        (
            "20 requests per minute",
            "50 requests per minute",
            "page/rate-limit",
            "50",
            "requests: 20\n        window_seconds: 60",
        ),
        (
            "`400 Invalid integration ID`",
            "`404 Invalid integration ID`",
            "page/error-status",
            "404",
            "'400'",
        ),
    ] {
        let finding = Copy::new().edit(PAGE, text, instead).only();
        assert_names(&finding, rule, (PAGE, here), (CONTRACT, there));
    }
    let copy = Copy::new().edit(PAGE, "`429 Another job is in progress`", "`400 Invalid integration ID`");
    let rules: Vec<&str> = copy
        .check()
        .findings
        .iter()
        .map(|finding| finding.rule.info().name)
        .collect();
    assert_eq!(rules, ["page/error-duplicate", "page/error-missing"]);
}

#[test]
fn what_could_not_be_looked_at_is_not_green() {
    let copy = Copy::new();
    std::fs::remove_file(copy.folder.path().join("emitted.json")).unwrap();
    std::fs::write(copy.folder.path().join(PAGE), [0xff, 0xfe]).unwrap();
    let copy = copy.edit(SPANISH, "`cdi.integration_sync`", "`cdi.no`");
    let outcome = copy.check();
    assert_eq!(outcome.unchecked.len(), 2, "{:?}", outcome.unchecked);
    let rules: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| finding.rule.info().name)
        .collect();
    assert!(
        rules.contains(&"page/permission"),
        "the findings of others are there: {rules:?}"
    );

    let broken = Copy::new().edit(CONTRACT, "openapi: 3.0.3", "openapi: [").check();
    assert!(!broken.unchecked.is_empty() && !broken.findings.is_empty());
}
