//! What the texts of parameters and forms stand for, and whether their types say everything that their schemas do.

use openapi_model::document::Document;
use openapi_model::schema::Types as JsonTypes;
use openapi_model::shape::{Additional, AllOf, Shape};
use proc_macro2::TokenStream;
use quote::quote;

use super::types::{Ty, is_texts, scalar};

/// Deeper parts of a parameter are texts.
const DEEPEST: usize = 6;

/// The kind of a value, as an expression.
pub fn kind(document: &Document, schemas: &AllOf) -> TokenStream {
    at_depth(document, schemas, 0)
}

fn at_depth(document: &Document, schemas: &AllOf, depth: usize) -> TokenStream {
    let shape = document.shape(schemas);
    if depth > DEEPEST || is_texts(&shape) {
        return quote!(Kind::Text);
    }
    let inner = |schemas: &AllOf| at_depth(document, schemas, depth + 1);
    let members = shape.alternatives.iter().flat_map(|alternatives| &alternatives.members);
    let mut kinds: Vec<TokenStream> = Vec::new();
    let mut add = |kind: TokenStream| {
        if !kinds.iter().any(|known| known.to_string() == kind.to_string()) {
            kinds.push(kind);
        }
    };
    if shape.properties.is_empty() {
        members.for_each(|member| add(inner(member)));
    }
    if kinds.is_empty() {
        return of_types(&shape, &inner);
    }
    // A text fits everything, so it comes last.
    kinds.sort_by_key(|kind| kind.to_string() == quote!(Kind::Text).to_string());
    match &kinds[..] {
        [only] => only.clone(),
        several => quote!(Kind::OneOf(&[#(#several),*])),
    }
}

fn of_types(shape: &Shape, inner: &dyn Fn(&AllOf) -> TokenStream) -> TokenStream {
    let is_uuid = shape.format.as_ref().is_some_and(|format| format.value == "uuid");
    let one = |types: JsonTypes| match types {
        JsonTypes::INTEGER => Some(quote!(Kind::Integer)),
        JsonTypes::NUMBER => Some(quote!(Kind::Number)),
        JsonTypes::BOOLEAN => Some(quote!(Kind::Boolean)),
        JsonTypes::ARRAY => {
            let item = shape.items.as_ref().map_or_else(|| quote!(Kind::Text), inner);
            Some(quote!(Kind::List(&#item)))
        }
        JsonTypes::OBJECT => {
            let properties = shape.properties.iter().map(|(name, property)| {
                let kind = inner(&property.schema);
                quote!((#name, #kind))
            });
            let others = match &shape.additional {
                Additional::Schema(values) => inner(values),
                _ => quote!(Kind::Text),
            };
            Some(quote!(Kind::Object(&[#(#properties),*], &#others)))
        }
        JsonTypes::STRING if is_uuid => Some(quote!(Kind::Uuid)),
        JsonTypes::STRING => Some(quote!(Kind::Text)),
        _ => None,
    };
    if let Some(kind) = one(shape.types) {
        return kind;
    }
    if shape.types == JsonTypes::ANY.without(JsonTypes::NULL) {
        return quote!(Kind::Text);
    }
    let order = [
        JsonTypes::NUMBER,
        JsonTypes::INTEGER,
        JsonTypes::BOOLEAN,
        JsonTypes::ARRAY,
        JsonTypes::OBJECT,
        JsonTypes::STRING,
    ];
    let mut left = shape.types;
    let mut kinds = Vec::new();
    for types in order {
        if left.holds(types) {
            left = left.without(types);
            kinds.extend(one(types));
        }
    }
    quote!(Kind::OneOf(&[#(#kinds),*]))
}

/// Whether the type of a parameter says everything that its schema does, so that nothing needs to be validated.
pub fn says_everything(document: &Document, schemas: &AllOf) -> bool {
    let shape = document.shape(schemas);
    if is_texts(&shape) {
        return !shape.nullable;
    }
    let has_bounds = shape.minimum.is_some()
        || shape.maximum.is_some()
        || !shape.multiples_of.is_empty()
        || shape.min_length.is_some()
        || shape.max_length.is_some()
        || !shape.patterns.is_empty()
        || shape.min_items.is_some()
        || shape.max_items.is_some()
        || shape.unique_items.is_some();
    let has_more = !shape.alternatives.is_empty()
        || !shape.not.is_empty()
        || !shape.others.is_empty()
        || shape.enumeration.is_some();
    if has_bounds || has_more {
        return false;
    }
    match shape.types {
        JsonTypes::ARRAY => shape.items.as_ref().is_some_and(|items| says_everything(document, items)),
        JsonTypes::STRING => shape.format.is_none() || scalar(&shape) != Ty::Text,
        JsonTypes::INTEGER | JsonTypes::NUMBER | JsonTypes::BOOLEAN => true,
        _ => false,
    }
}
