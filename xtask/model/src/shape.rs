//! What a schema means: the one place that knows what `$ref`, siblings of `$ref`, `allOf`, cycles and nullable come to.
//!
//! A [`Shape`] is what all schemas that a value has to satisfy together say of it, one level deep: below it stand
//! [`AllOf`]s, whose shapes are asked for when they are needed. So documents of any size and any recursion are followed
//! only as far as somebody looks.
//!
//! The answers, for every reader of contracts in this workspace:
//!
//! - `$ref`: what it leads to. In 3.0 nothing beside it is read; in 3.1 both count, as in an `allOf`.
//! - `allOf`: all that its members say, the strictest of each; a member that is again an `allOf` or a `$ref` likewise. A member
//!   that refers to itself says nothing new.
//! - `nullable` and `type: [x, "null"]`, and an alternative that is only `null`, mean the same: null, or what the rest says.
//! - A schema without `type` has the types that it speaks of: those of its `enum`, `object` where it has properties, `array`
//!   where it has items; otherwise it takes anything, null too.

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
    /// What some schemas mean together. That of a single schema is worked out once and kept.
    pub fn shape(&self, schemas: &AllOf) -> Arc<Shape> {
        let &[id] = schemas.ids() else {
            return Arc::new(flatten::flatten(self, schemas));
        };
        // Flattening asks for no other shape.
        self.shapes.get(id.index(), self.schemas.len(), || flatten::flatten(self, schemas))
    }

    /// What a schema means.
    pub fn shape_of(&self, id: SchemaId) -> Arc<Shape> {
        self.shape(&id.into())
    }

    /// The schema that a schema is, through references only: a `$ref`, or an `allOf` of one, that says no more.
    pub fn target(&self, id: SchemaId) -> SchemaId {
        flatten::chain(self, id).last().unwrap_or(id)
    }
}
