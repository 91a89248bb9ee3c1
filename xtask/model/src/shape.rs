//! The meaning of schemas: the only module that interprets `$ref`, siblings of `$ref`, `allOf`, cycles and nullable.
//!
//! A [`Shape`] is what schemas together require of a value, one level deep: below it are [`AllOf`]s, whose shapes are
//! computed on demand. So documents of any size and with any recursion are followed only as deep as needed.
//!
//! How keywords are interpreted, for all users of contracts in this workspace:
//!
//! - `$ref`: its target. In 3.0 keys beside it are ignored; in 3.1 both count, as in an `allOf`.
//! - `allOf`: all constraints of its members, the strictest of each; members that are again an `allOf` or a `$ref` are
//!   treated the same. A member that refers to itself adds nothing.
//! - `nullable` and `type: [x, "null"]`, and an alternative that is only `null`, are equivalent: null, or a value that
//!   satisfies the rest.
//! - A schema without `type` has the types that its keywords imply: those of its `enum`, `object` if it has properties,
//!   `array` if it has items; otherwise it accepts any type, including null.

mod flatten;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use crate::document::Document;
pub use crate::equal::same_value;
pub use crate::meaning::{Additional, AllOf, Alternatives, Shape, ShapeProperty};
use crate::schema::SchemaId;
pub use flatten::is_bare;

impl Document {
    /// The shape of schemas together. That of a single schema is computed once and cached.
    pub fn shape(&self, schemas: &AllOf) -> Arc<Shape> {
        let &[id] = schemas.ids() else {
            return Arc::new(flatten::flatten(self, schemas));
        };
        // Flattening requests no other shape, so this cannot deadlock.
        self.shapes.get(id.index(), self.schemas.len(), || flatten::flatten(self, schemas))
    }

    /// The shape of one schema.
    pub fn shape_of(&self, id: SchemaId) -> Arc<Shape> {
        self.shape(&id.into())
    }

    /// The schema that a schema resolves to through references only: a `$ref`, or an `allOf` with one member, and
    /// nothing else.
    pub fn target(&self, id: SchemaId) -> SchemaId {
        flatten::chain(self, id).last().unwrap_or(id)
    }
}
