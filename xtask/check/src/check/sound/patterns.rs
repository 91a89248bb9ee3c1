//! Patterns must be regular expressions.

use std::collections::{HashMap, HashSet};

use openapi_model::schema::SchemaId;
use openapi_model::values;

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Checks all patterns, and returns the schemas that cannot be used because of an invalid pattern.
pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) -> HashSet<SchemaId> {
    let mut known: HashMap<&str, Result<(), String>> = HashMap::new();
    let mut unusable = HashSet::new();
    for (id, schema) in contract.document.schemas() {
        let Some(pattern) = &schema.pattern else { continue };
        if let Err(reason) = known.entry(&pattern.value).or_insert_with(|| values::pattern(&pattern.value)) {
            let message = format!("`{}` is not a valid regular expression: {reason}", pattern.value);
            let place = contract.place(pattern.span, "this pattern");
            let help = "use ECMA-262 syntax, without slashes around the pattern";
            findings.push(Finding::at(Rule::ContractSchemaUsable, place, message).help(help));
            unusable.insert(id);
        }
    }
    unusable
}
