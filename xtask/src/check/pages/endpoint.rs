//! Which operation a page is about, and whether it names its method and path.

use crate::contract::{Contract, Operation};
use crate::finding::Finding;
use crate::page::Page;
use crate::rules::Rule;

/// Two endpoints that are less alike than this are about different things, in thousandths.
const ALIKE: u32 = 700;

/// The operation that a page is about. One whose endpoint is written wrongly is recognised by what is left of it.
pub fn operation<'a>(contract: &'a Contract, page: &Page, findings: &mut Vec<Finding>) -> Option<&'a Operation> {
    let endpoint = page.endpoint.as_ref()?;
    let named = format!("{} {}", endpoint.method.value, endpoint.path.value);
    let closeness = |operation: &&Operation| {
        let whole = format!("{} {}", operation.method.value, operation.path.value);
        (strsim::normalized_levenshtein(&named, &whole) * 1000.0) as u32
    };
    // An operation at the same path is nearer than one whose name happens to be alike.
    let nearest =
        contract.operations.iter().max_by_key(|operation| (*operation.path == *endpoint.path, closeness(operation)))?;
    let same_path = *endpoint.path == *nearest.path;
    if same_path && *endpoint.method == *nearest.method {
        return Some(nearest);
    }
    if !same_path && closeness(&nearest) < ALIKE {
        let place = page.place(&endpoint.path.range, "no operation");
        let finding =
            Finding::at(Rule::PageUnknownOperation, place, format!("the contract has no operation `{named}`"));
        findings.push(finding.help("correct the endpoint, or remove the page"));
        return None;
    }
    let (rule, here, there, right) = if same_path {
        (Rule::PageMethod, &endpoint.method.range, &nearest.method.range, &nearest.method.value)
    } else {
        (Rule::PagePath, &endpoint.path.range, &nearest.path.range, &nearest.path.value)
    };
    let finding =
        Finding::at(rule, page.place(here, "the page says this"), format!("the contract has no operation `{named}`"));
    let finding = finding.with(contract.place(there, "the contract says this"));
    findings.push(finding.help(format!("write `{right}`")).fix_with(right));
    Some(nearest)
}
