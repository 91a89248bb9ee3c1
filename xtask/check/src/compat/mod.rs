//! What a change of the contract does to clients and servers that were written against its earlier form.
//!
//! What is taken must not narrow, and what is sent must not widen; in webhooks and callbacks it is the other way round.
//! Every rule says by its severity what it is: an error breaks somebody, a warning needs somebody's care, a note is
//! harmless. Texts, the order of things, and the way in which a schema is put together mean nothing.
//!
//! What cannot be understood is told as not compared, and everything beside it is compared.

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

/// Compares a document with its earlier form. `ids_matter` where code is generated that has names from `operationId`.
pub fn check(base: &Side<'_>, new: &Side<'_>, ids_matter: bool) -> Compared {
    let mut compare = Compare::new(base, new, ids_matter);
    compare.operations();
    compare.schemes();
    compare.servers();
    compare.schemas();
    compare.report.finish()
}
