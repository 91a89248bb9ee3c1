//! The effects of a change of the contract on clients and servers that were written against its earlier version.
//!
//! What the API accepts must not narrow, and what it sends must not widen; in webhooks and callbacks it is the other
//! way round.
//! The severity of a rule says what to expect: an error breaks clients, a warning needs care, a note is harmless.
//! Texts, order, and the way in which a schema is composed make no difference.
//!
//! What cannot be understood is reported as not compared; everything else is compared.

mod answers;
mod bodies;
mod compare;
mod errors;
mod media;
mod operations;
mod parameters;
mod report;
mod schema;
mod security;
mod servers;
mod side;
#[cfg(test)]
mod tests;

use compare::Compare;
pub use report::Compared;
pub use side::{Known, KnownError, Side};

/// Compares a document with its earlier version. Set `ids_matter` if code is generated with names from `operationId`.
pub fn check(base: &Side<'_>, new: &Side<'_>, ids_matter: bool) -> Compared {
    let mut compare = Compare::new(base, new, ids_matter);
    compare.operations();
    compare.schemes();
    compare.servers();
    compare.schemas();
    compare.report.finish()
}
