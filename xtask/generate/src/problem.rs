//! What no code can be made of, with its place.

use std::ops::Range;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Something of which no code can be made.
#[derive(Debug)]
pub struct Problem {
    pub message: String,
    pub range: Range<usize>,
    /// Where it disagrees with something else.
    pub other: Option<Range<usize>>,
}

impl Problem {
    pub fn new(range: Range<usize>, message: String) -> Problem {
        Problem { message, range, other: None }
    }
}

/// Problems as findings.
pub fn findings(contract: &Contract, problems: Vec<Problem>) -> Vec<Finding> {
    problems.into_iter().map(|problem| finding(contract, problem)).collect()
}

fn finding(contract: &Contract, problem: Problem) -> Finding {
    let finding = Finding::at(Rule::ContractSubset, contract.place(&problem.range, "here"), problem.message);
    let finding = finding
        .help("write it in a form that code can be made of: `cargo xtask check --explain contract/subset` lists them");
    match problem.other {
        Some(other) => finding.with(contract.place(&other, "and here")),
        None => finding,
    }
}
