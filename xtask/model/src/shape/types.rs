//! The types that fit, including null.
//!
//! Null is the only type that members do not simply narrow: `nullable: true` of 3.0 allows it regardless of the members
//! beside it. So types are computed along the structure and not with the other constraints.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::document::Document;
use crate::schema::{Schema, SchemaId, Types};

/// The maximum depth of the search: no meaningful document is deeper.
const MAX_DEPTH: usize = 200;

/// Every type but null.
pub(super) const ANY: Types = Types::ANY.without(Types::NULL);

/// What a schema says about null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    Unsaid,
    Fits,
    DoesNot,
}

impl Null {
    fn and(self, other: Null) -> Null {
        match (self, other) {
            (Null::DoesNot, _) | (_, Null::DoesNot) => Null::DoesNot,
            (Null::Fits, _) | (_, Null::Fits) => Null::Fits,
            _ => Null::Unsaid,
        }
    }

    fn said(fits: bool) -> Null {
        if fits { Null::Fits } else { Null::DoesNot }
    }
}

/// What schemas say about types.
#[derive(Debug, Clone, Copy)]
struct Said {
    /// The types that fit beside null.
    types: Types,
    null: Null,
    /// Whether a `type` or an `enum` restricts them.
    is_typed: bool,
    /// The types that other keywords imply without a `type`.
    implied: Types,
}

impl Said {
    const NOTHING: Said = Said { types: ANY, null: Null::Unsaid, is_typed: false, implied: Types::NONE };

    fn and(self, other: Said) -> Said {
        Said {
            types: self.types.common(other.types),
            null: self.null.and(other.null),
            is_typed: self.is_typed || other.is_typed,
            implied: self.implied.with(other.implied),
        }
    }

    /// The types beside null, including implied ones.
    fn all_types(self) -> Types {
        if self.is_typed || self.implied.is_empty() { self.types } else { self.types.common(self.implied) }
    }
}

/// The types beside null that fit the schemas together, and whether null fits.
pub(super) fn types(document: &Document, ids: &[SchemaId]) -> (Types, bool) {
    let mut walk = Walk { document, open: HashSet::new(), known: HashMap::new() };
    let said = ids.iter().fold(Said::NOTHING, |said, id| said.and(walk.schema(*id)));
    let types = said.all_types();
    let nullable = match said.null {
        Null::Fits => true,
        Null::DoesNot => false,
        Null::Unsaid => types == ANY,
    };
    (types, nullable)
}

struct Walk<'a> {
    document: &'a Document,
    /// The schemas being visited: a schema that refers to itself adds nothing.
    open: HashSet<SchemaId>,
    known: HashMap<SchemaId, Said>,
}

impl Walk<'_> {
    fn schema(&mut self, id: SchemaId) -> Said {
        if let Some(said) = self.known.get(&id) {
            return *said;
        }
        if self.open.len() > MAX_DEPTH || !self.open.insert(id) {
            return Said::NOTHING;
        }
        let schema = self.document.schema(id);
        let mut said = own(schema);
        let target = schema.reference.as_ref().and_then(|reference| reference.target);
        for member in target.iter().chain(schema.all_of.iter().flat_map(|members| &members.value)) {
            said = said.and(self.schema(*member));
        }
        for members in schema.any_of.iter().chain(&schema.one_of).filter(|members| !members.value.is_empty()) {
            said = said.and(self.alternatives(&members.value));
        }
        if schema.nullable.is_some() {
            said.null = Null::Fits;
        }
        self.open.remove(&id);
        self.known.insert(id, said);
        said
    }

    fn alternatives(&mut self, members: &[SchemaId]) -> Said {
        let mut types = Types::NONE;
        let mut null = Null::DoesNot;
        for member in members {
            let said = self.schema(*member);
            types = types.with(said.all_types());
            let fits = match said.null {
                Null::Unsaid if said.all_types() == ANY => Null::Fits,
                null => null,
            };
            null = match (null, fits) {
                (Null::Fits, _) | (_, Null::Fits) => Null::Fits,
                (Null::Unsaid, _) | (_, Null::Unsaid) => Null::Unsaid,
                _ => Null::DoesNot,
            };
        }
        Said { types, null, is_typed: false, implied: Types::NONE }
    }
}

/// What a schema itself says, without other schemas.
fn own(schema: &Schema) -> Said {
    let mut said = Said::NOTHING;
    if schema.always == Some(false) {
        said = Said { types: Types::NONE, null: Null::DoesNot, is_typed: true, ..said };
    }
    if let Some(types) = &schema.types {
        said.types = types.value.without(Types::NULL);
        said.null = Null::said(types.value.holds(Types::NULL));
        said.is_typed = true;
    }
    if let Some(values) = &schema.enumeration {
        said.null = said.null.and(Null::said(values.iter().any(|value| value.value == Json::Null)));
        if !said.is_typed {
            let types = values.iter().map(|value| Types::of(&value.value));
            said.types = types.fold(Types::NONE, Types::with).without(Types::NULL);
            said.is_typed = true;
        }
    }
    let is_object = !schema.properties.is_empty()
        || schema.additional_properties.is_some()
        || !schema.pattern_properties.is_empty();
    if is_object {
        said.implied = said.implied.with(Types::OBJECT);
    }
    if schema.items.is_some() || !schema.prefix_items.is_empty() {
        said.implied = said.implied.with(Types::ARRAY);
    }
    said
}
