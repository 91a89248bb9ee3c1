//! Parts of the contract that the generator does not support, with their places.

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::span::Span;

use crate::lower::Refused;

/// A part of the contract that the generator does not support.
#[derive(Debug)]
pub struct Problem {
    /// What is not supported, and why.
    pub message: String,
    /// Where.
    pub span: Span,
    /// The other place, if two places contradict each other.
    pub other: Option<Span>,
    /// Whether a rule about the contract reports it already.
    pub is_covered: bool,
}

impl Problem {
    /// A problem at one place that no rule reports.
    pub fn new(span: Span, message: String) -> Problem {
        Problem { message, span, other: None, is_covered: false }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let Refused { method, path, reason, span, is_covered } = refused;
        let message = format!("{method} {path} cannot be generated: {reason}");
        Problem { is_covered, ..Problem::new(span, message) }
    }
}

/// Converts problems to findings.
pub fn findings(contract: &Contract, problems: Vec<Problem>) -> Vec<Finding> {
    problems.into_iter().map(|problem| finding(contract, problem)).collect()
}

fn finding(contract: &Contract, problem: Problem) -> Finding {
    let finding = Finding::at(Rule::ContractSubset, contract.place(problem.span, "here"), problem.message);
    let finding = finding
        .help("rewrite it in a form that the generator supports; the explanation of `contract/subset` says which");
    match problem.other {
        Some(other) => finding.with(contract.place(other, "and here")),
        None => finding,
    }
}
