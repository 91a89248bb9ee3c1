//! Operations that are left out of comparisons because part of their definition is invalid: any finding would only be a
//! consequence of that.

use std::collections::BTreeMap;

use apidrift_core::contract::{Contract, Extent, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::profile::Requirement;
use apidrift_core::rules::Rule;
use openapi_model::problem::ProblemKind;
use openapi_model::source::Place;
use openapi_model::span::{FileId, Span};

use crate::outcome::NotCompared;

/// Why an operation is left out.
#[derive(Debug, Clone)]
pub struct Reason {
    text: String,
    place: Place,
    operation: String,
}

/// The operations to leave out, by their calls. `findings` are the findings about the contract that are not allowed.
pub fn set_aside(contract: &Contract, findings: &[Finding]) -> BTreeMap<String, Reason> {
    let mut causes = causes(contract, findings);
    causes.sort_by_key(|cause| cause.span);
    let (spreading, own): (Vec<Cause>, Vec<Cause>) = causes.into_iter().partition(|cause| cause.spreads);
    let mut aside = BTreeMap::new();
    if spreading.is_empty() && own.is_empty() && contract.operations.iter().all(|operation| operation.unread.is_empty())
    {
        return aside;
    }
    for operation in &contract.operations {
        if let Some((span, text)) = why(contract, operation, &own, &spreading) {
            let place = contract.place(span, "here");
            let name = operation.endpoint();
            aside.insert(operation.call(), Reason { text, place, operation: name });
        }
    }
    aside
}

/// The operations that are not compared with pages. An unknown key, or a required name without a description, does not
/// affect pages, unless pages must be complete.
pub fn for_pages(contract: &Contract, findings: &[Finding]) -> BTreeMap<String, Reason> {
    let is_strict = contract.profile.requires(Requirement::CompletePages);
    let matters = |finding: &&Finding| is_strict || finding.rule != Rule::ContractUnknownKey;
    set_aside(contract, &findings.iter().filter(matters).cloned().collect::<Vec<_>>())
}

/// The operations that are left out of a comparison, with reasons.
pub fn not_compared(aside: &BTreeMap<String, Reason>, comparison: &'static str) -> Vec<NotCompared> {
    let of = |reason: &Reason| NotCompared {
        operation: reason.operation.clone(),
        comparison,
        reason: reason.text.clone(),
        place: Some(reason.place.clone()),
    };
    aside.values().map(of).collect()
}

fn why(contract: &Contract, operation: &Operation, own: &[Cause], spreading: &[Cause]) -> Option<(Span, String)> {
    if let Some(unread) = operation.unread.first() {
        return Some((unread.span, unread.reason.clone()));
    }
    let told = |cause: &Cause| (cause.span, cause.text.clone());
    let is_own = |cause: &&Cause| operation.span.holds(cause.span) || operation.path.span == cause.span;
    if let Some(cause) = own.iter().chain(spreading).find(is_own) {
        return Some(told(cause));
    }
    if spreading.is_empty() {
        return None;
    }
    Extent::of(&contract.document, &operation.spec).find(spreading, |cause| cause.span).map(told)
}

/// A defect because of which part of the contract is unknown.
struct Cause {
    span: Span,
    text: String,
    /// Whether it affects every operation that refers to the place, and not only the one that contains it.
    spreads: bool,
}

/// The places where the contract's meaning is unknown, with the reasons.
fn causes(contract: &Contract, findings: &[Finding]) -> Vec<Cause> {
    // Even if it is allowed: an unresolved reference has no meaning.
    let is_lost = |kind| matches!(kind, ProblemKind::UnresolvedReference | ProblemKind::CircularReference);
    let lost = contract.document.problems.iter().filter(|problem| is_lost(problem.kind));
    let lost = lost.map(|problem| Cause { span: problem.span, text: problem.message.clone(), spreads: true });
    let misread = findings.iter().filter_map(|finding| {
        let spreads = match finding.rule {
            Rule::ContractParses | Rule::ContractRefResolves | Rule::ContractUnknownKey => true,
            Rule::ContractOperationId
            | Rule::ContractPathParameter
            | Rule::ContractErrorUnnamed
            | Rule::ContractErrorText
            | Rule::ContractErrorAmbiguous
            | Rule::ContractErrorSchema
            | Rule::ContractSubset => false,
            _ => return None,
        };
        let place = finding.primary.as_ref()?;
        let file = contract.document.files.iter().position(|file| std::sync::Arc::ptr_eq(file, &place.source))?;
        let span = Span::new(FileId(u16::try_from(file).ok()?), &place.range);
        Some(Cause { span, text: finding.message.clone(), spreads })
    });
    lost.chain(misread).collect()
}
