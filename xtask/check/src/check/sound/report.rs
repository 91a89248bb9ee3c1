//! Findings about the contract with one place.

use openapi_model::span::Span;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Adds a finding with one place and advice.
pub(super) fn report(
    findings: &mut Vec<Finding>,
    contract: &Contract,
    rule: Rule,
    at: (Span, &str),
    message: String,
    help: &str,
) {
    findings.push(Finding::at(rule, contract.place(at.0, at.1), message).help(help));
}
