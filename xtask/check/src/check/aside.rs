//! Operations that are left out of comparisons because part of their definition is invalid: what would be found is only what
//! follows from that.

use std::collections::BTreeMap;

use apidrift_core::contract::{Contract, Extent, Operation};
use apidrift_core::finding::Finding;
use apidrift_core::profile::Requirement;
use apidrift_core::rules::Rule;
use openapi_model::problem::ProblemKind;
use openapi_model::source::Place;
use openapi_model::span::{FileId, Span};

use crate::outcome::NotCompared;

/// Why an operation is set aside.
#[derive(Debug, Clone)]
pub struct Reason {
    text: String,
    place: Place,
    operation: String,
}

/// The operations to set aside, by their calls. `findings` are those about the contract that are not allowed.
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

/// Those of them that pages are not compared with. A key that nobody knows, or a name that is required and not described,
/// changes nothing that a page could say, unless pages are to say everything.
pub fn for_pages(contract: &Contract, findings: &[Finding]) -> BTreeMap<String, Reason> {
    let is_strict = contract.profile.requires(Requirement::CompletePages);
    let matters = |finding: &&Finding| is_strict || finding.rule != Rule::ContractUnknownKey;
    set_aside(contract, &findings.iter().filter(matters).cloned().collect::<Vec<_>>())
}

/// What of the operations that are set aside does not take part in a comparison.
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

/// Something that makes it unknown what the contract says.
struct Cause {
    span: Span,
    text: String,
    /// Whether it concerns every operation that refers to the place, and not only the one that it stands in.
    spreads: bool,
}

/// Where the contract says something that is not known, and what is wrong there.
fn causes(contract: &Contract, findings: &[Finding]) -> Vec<Cause> {
    // Allowed or not: what does not lead anywhere says nothing.
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
