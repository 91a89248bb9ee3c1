//! Every drift is reported with both places, and nothing else is.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use apidrift_core::finding::Finding;
use contract_tests::drift::{Copy, EMITTED};
use contract_tests::repository;
use openapi_model::source::Place;

const CONTRACT: &str = "openapi/cdi.yaml";
const SERVER: &str = "server/src/api/generated.rs";
const CLIENT: &str = "client/src/errors.rs";
const PAGE: &str = "openapi/reference/trigger-sync.md";
const SPANISH: &str = "openapi/reference/es/trigger-sync.md";

/// The only finding of the check.
fn only(copy: &Copy) -> Finding {
    let mut outcome = copy.check();
    assert!(outcome.unchecked.is_empty(), "{:?}", outcome.unchecked);
    assert_eq!(outcome.findings.len(), 1, "{:#?}", outcome.findings);
    outcome.findings.remove(0)
}

/// The file of a place, and the underlined text.
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
    assert!(outcome.findings.is_empty() && outcome.unchecked.is_empty(), "{outcome:#?}");
}

#[test]
fn a_changed_message_in_a_page_is_reported_with_the_contracts() {
    for page in [PAGE, SPANISH] {
        let copy = Copy::new().replace(page, "`429 Another job is in progress`", "`429 Another job is running`");
        assert_names(
            &only(&copy),
            "page/error-message",
            (page, "Another job is running"),
            (CONTRACT, "Another job is in progress"),
        );
    }
}

#[test]
fn a_changed_message_in_the_contract_is_reported_with_every_place_that_still_has_the_old_one() {
    let outcome =
        Copy::new().replace(CONTRACT, "message: Another job is in progress", "message: A job is in progress").check();
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
            ("server/error", SERVER),
        ]
    );
    for finding in &outcome.findings {
        assert_eq!(seen(&finding.related[0]).0, CONTRACT, "{}", finding.message);
    }
}

#[test]
fn a_changed_message_in_the_generated_server_is_reported_with_the_contracts() {
    let finding = only(&Copy::new().replace(SERVER, "\"Another job is in progress\"", "\"Nope\""));
    assert_names(&finding, "server/edited", (SERVER, "message: \"Nope\","), (CONTRACT, "Another job is in progress"));
}

#[test]
fn a_server_that_emits_something_else_is_reported_with_the_contract() {
    let finding = only(&Copy::new().replace(EMITTED, "\"Another job is in progress\"", "\"Nope\""));
    assert_eq!(finding.rule.info().name, "server/error");
    assert_eq!(seen(&finding.related[0]), (CONTRACT, "Another job is in progress"));
    let finding = only(&Copy::new().replace(EMITTED, "\"cdi.integration_sync\"", "\"cdi.all\""));
    assert_eq!(seen(&finding.related[0]), (CONTRACT, "cdi.integration_sync"));
    let finding = only(&Copy::new().replace(EMITTED, "\"requests\": 20", "\"requests\": 21"));
    assert!(finding.message.contains("the rate limit of `trigger_integration_sync`"), "{}", finding.message);
}

#[test]
fn statements_in_only_the_contract_or_only_the_server_are_reported() {
    let id = "operationId: list_integrations\n";
    let outcome = Copy::new().replace(CONTRACT, id, &format!("{id}      deprecated: true\n")).check();
    let finding = outcome.findings.iter().find(|finding| finding.rule.info().name == "server/text").unwrap();
    assert!(finding.message.contains("the server does not state `deprecated`"), "{}", finding.message);
    assert_eq!(seen(&finding.related[0]), (CONTRACT, "true"));

    let says = |scopes: &str| Copy::new().replace(EMITTED, "\"api_key\": []", &format!("\"api_key\": {scopes}"));
    let same = says("[ ]").check();
    assert!(same.findings.is_empty(), "{:#?}", same.findings);
    let other = says("[\"admin\"]").check();
    let rules: Vec<&str> = other.findings.iter().map(|finding| finding.rule.info().name).collect();
    assert_eq!(rules, ["server/security"]);
}

#[test]
fn a_row_that_only_the_spanish_page_has_or_lacks_is_reported() {
    let row = "| `404 Integration not found` | ";
    let added = only(&Copy::new().replace(SPANISH, row, &format!("| `409 Conflicto` | Espera. |\n{row}")));
    assert_eq!(added.rule.info().name, "page/error-extra");
    assert_eq!(seen(added.primary.as_ref().unwrap()), (SPANISH, "| `409 Conflicto` | Espera. |"));

    let text = std::fs::read_to_string(repository().join(SPANISH)).unwrap();
    let line = text.lines().find(|line| line.starts_with(row)).unwrap();
    let removed = only(&Copy::new().replace(SPANISH, &format!("{line}\n"), ""));
    assert_eq!(removed.rule.info().name, "page/error-missing");
    assert_eq!(seen(removed.primary.as_ref().unwrap()).0, SPANISH);
    assert_eq!(seen(&removed.related[0]), (CONTRACT, "Integration not found"));
}

#[test]
fn every_claim_of_a_page_about_its_operation_is_compared() {
    for (text, instead, rule, here, there) in [
        ("`POST /cdi/integrations", "`GET /cdi/integrations", "page/method", "GET", "post"),
        (
            "{integration_id}/sync`",
            "{integration_id}/syncs`",
            "page/path",
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
        ("`400 Invalid integration ID`", "`404 Invalid integration ID`", "page/error-status", "404", "'400'"),
    ] {
        let finding = only(&Copy::new().replace(PAGE, text, instead));
        assert_names(&finding, rule, (PAGE, here), (CONTRACT, there));
    }
    let copy = Copy::new().replace(PAGE, "`429 Another job is in progress`", "`400 Invalid integration ID`");
    let rules: Vec<&str> = copy.check().findings.iter().map(|finding| finding.rule.info().name).collect();
    assert_eq!(rules, ["page/error-missing", "page/error-duplicate"]);
}

#[test]
fn a_failed_comparison_is_not_a_success() {
    let copy = Copy::new();
    std::fs::remove_file(copy.path(EMITTED)).unwrap();
    std::fs::write(copy.path(PAGE), [0xff, 0xfe]).unwrap();
    let copy = copy.replace(SPANISH, "`cdi.integration_sync`", "`cdi.no`");
    let outcome = copy.check();
    assert_eq!(outcome.unchecked.len(), 2, "{:?}", outcome.unchecked);
    let rules: Vec<&str> = outcome.findings.iter().map(|finding| finding.rule.info().name).collect();
    assert!(rules.contains(&"page/permission"), "the findings of others are there: {rules:?}");

    let broken = Copy::new().replace(CONTRACT, "openapi: 3.0.3", "openapi: [").check();
    assert!(!broken.unchecked.is_empty() && !broken.findings.is_empty());
}
