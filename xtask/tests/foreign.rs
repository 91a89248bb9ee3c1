//! A page from somewhere else, in the layout of another documentation: what is in it is found, and what it lacks is said.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use apidrift::check::{self, Scope};
use apidrift::outcome::Outcome;
use apidrift_core::rules::Severity;
use common::project;
use openapi_dropshot::Dropshot;

fn page() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign/paint-thing.md");
    std::fs::read_to_string(file).unwrap()
}

fn check(text: &str) -> Outcome {
    let folder = project();
    let file = folder.path().join("page.txt");
    std::fs::write(&file, text).unwrap();
    check::run(folder.path(), &Scope { against: None, pages: vec![file] }, Some(&Dropshot))
}

/// Rule, severity and line of each finding.
fn found(text: &str) -> Vec<(&'static str, Severity, String)> {
    let outcome = check(text);
    assert!(outcome.unchecked.is_empty(), "{:?}", outcome.unchecked);
    let line = |finding: &apidrift_core::finding::Finding| {
        let place = finding.primary.as_ref().unwrap();
        let line = place.source.line_column(place.range.start).0;
        place.source.text[place.source.line(line)].to_owned()
    };
    let info =
        |finding: &apidrift_core::finding::Finding| (finding.rule.info().name, finding.severity(), line(finding));
    outcome.findings.iter().map(info).collect()
}

#[test]
fn a_page_that_does_not_name_its_permission_and_includes_its_rate_limit_has_one_finding_and_one_note() {
    assert_eq!(
        found(&page()),
        [
            ("page/permission", Severity::Error, "# Pintar una cosa".to_owned()),
            (
                "page/unknown-rate-limit",
                Severity::Note,
                "{% multi_lang_include rate_limits.md endpoint='paint thing' %}".to_owned()
            ),
        ]
    );
}

#[test]
fn once_it_names_it_the_note_is_left() {
    let text = page().replace("el permiso .", "el permiso `things.paint`.");
    assert_eq!(found(&text).iter().map(|(rule, ..)| *rule).collect::<Vec<_>>(), ["page/unknown-rate-limit"]);
}

#[test]
fn whatever_else_is_wrong_with_it_is_found_too() {
    for (right, wrong, rule) in [
        ("apimethod post", "apimethod put", "page/method"),
        ("/things/{thing_id}/paint\n", "/thing/{thing_id}/paint\n", "page/path"),
        ("| `thing_id` | Obligatoria |", "| `thing_id` | Opcional |", "page/parameter-required"),
        ("| Cadena |", "| Entero |", "page/parameter-type"),
        ("Parámetros de ruta", "Parámetros de consulta", "page/parameter-location"),
        ("--request POST", "--request GET", "page/request-method"),
        ("`202`", "`200`", "page/success-status"),
        ("\"started\"", "1", "page/body"),
        ("`409 Wet paint`", "`409 Pintura fresca`", "page/error-extra"),
        ("[Errores y respuestas]({{site.baseurl}}/api/errors/#fatal-errors)", "otro sitio", "page/common-errors-link"),
    ] {
        assert!(page().contains(right), "{right}");
        let rules: Vec<&str> = found(&page().replacen(right, wrong, 1)).iter().map(|(rule, ..)| *rule).collect();
        assert!(rules.contains(&rule), "{wrong}: {rules:?}");
    }
}
