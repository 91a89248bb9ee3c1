//! The effects of contract changes on clients and servers that were written for the earlier version.
//!
//! The API must not accept less or send more than before; in webhooks and callbacks the directions are reversed.
//! The severity of a rule states the effect: an error breaks clients, a warning needs care, a note is harmless. Texts,
//! order, and the composition of schemas are ignored.
//!
//! Unsupported parts are reported as not compared; everything else is compared.

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

/// Compares a document with its earlier version. Set `ids_matter` if generated code uses names from `operationId`.
pub fn check(base: &Side<'_>, new: &Side<'_>, ids_matter: bool) -> Compared {
    let mut compare = Compare::new(base, new, ids_matter);
    compare.operations();
    compare.schemes();
    compare.servers();
    compare.schemas();
    compare.report.finish()
}
