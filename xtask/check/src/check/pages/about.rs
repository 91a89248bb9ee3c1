//! A page together with what it is about, which is what is compared.

use std::cell::RefCell;

use apidrift_core::contract::validate::Schemas;
use apidrift_core::contract::{Contract, Operation, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

use crate::page::Page;

/// A page together with what it is about.
pub struct About<'a> {
    pub contract: &'a Contract,
    pub operation: &'a Operation,
    pub page: &'a Page,
    pub schemas: &'a RefCell<Schemas>,
}

/// A name on a page that the contract does not have. Where it is one of the missing names written wrongly, that one is not
/// missing any more.
pub fn unknown_name(
    contract: &Contract,
    page: &Page,
    rule: Rule,
    written: &Spanned<String>,
    message: String,
    missing: &mut Vec<Spanned<String>>,
    otherwise: &str,
) -> Finding {
    let finding = Finding::at(rule, page.place(&written.range, "the page says this"), message);
    let likeness = |name: &str| {
        // A name that lost or gained a part is that name still.
        let part = name.len().min(written.len()) >= 4 && (name.contains(written.as_str()) || written.contains(name));
        let similarity = strsim::normalized_levenshtein(&name.to_lowercase(), &written.to_lowercase());
        (similarity.max(if part { 0.61 } else { 0.0 }) * 1000.0) as u32
    };
    let nearest = (0..missing.len()).max_by_key(|index| likeness(&missing[*index]));
    match nearest.filter(|index| likeness(&missing[*index]) > 600) {
        Some(index) => {
            let right = missing.remove(index);
            let finding = finding.with(contract.place(&right.range, "the contract says this"));
            finding.help(format!("write `{}`", right.value)).fix_with(right.value)
        }
        None => finding.help(otherwise),
    }
}
