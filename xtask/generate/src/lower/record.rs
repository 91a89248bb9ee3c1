//! What is noted while a contract is lowered: losses, and which types a value is made of.

use std::collections::{BTreeMap, BTreeSet};

use openapi_model::span::Span;
use serde_json::Value;

/// Something that the contract says and the client cannot do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// What is lost, as a sentence without a full stop.
    pub what: String,
    /// Where the contract says it.
    pub span: Span,
}

/// What concerns one type, or one operation.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// What is lost whenever it is used.
    pub losses: Vec<Loss>,
    /// What is lost if it is sent.
    pub losses_sent: Vec<Loss>,
    /// The named types that it directly refers to.
    pub refers: BTreeSet<String>,
}

/// A named type of the client.
#[derive(Debug, Clone, Default)]
pub struct NamedType {
    /// Its lowered schema.
    pub schema: Value,
    /// Its documentation.
    pub docs: String,
    /// The documentation of its fields or variants, by the name in Rust.
    pub member_docs: BTreeMap<String, String>,
    /// The fields, by their names in Rust, that may be missing or null, and for which that is not the same.
    pub nulls: BTreeSet<String>,
    /// What concerns it.
    pub record: Record,
}

/// All named types that some types refer to, at any depth, including themselves.
pub fn reached(types: &BTreeMap<String, NamedType>, roots: &BTreeSet<String>) -> BTreeSet<String> {
    let mut open: Vec<&String> = roots.iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(named) = types.get(name)
            && seen.insert(name.clone())
        {
            open.extend(&named.record.refers);
        }
    }
    seen
}
