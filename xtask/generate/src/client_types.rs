//! The client's types, made ready for a contract that grows.
//!
//! typify writes structs that callers can build field by field and match exhaustively, builders for them, and `i64` for
//! every `int64`. Here structs become `#[non_exhaustive]`, so that a new field in the contract breaks no caller; their
//! builders are left out, because no operation takes a body; numbers that cannot be negative become unsigned; and docs that
//! only repeat a name are replaced or left out.

use serde_json::Value;
use syn::{Attribute, Expr, ExprLit, Field, Fields, ImplItem, Item, Lit, Meta, Type, parse_quote};

/// Gives integers whose `minimum` is zero or more an unsigned format, which typify turns into an unsigned type.
pub fn make_unsigned(document: &mut Value) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(make_unsigned),
        Value::Object(fields) => {
            let is_natural = fields.get("type").is_some_and(|kind| kind == "integer")
                && fields.get("minimum").and_then(Value::as_f64).is_some_and(|minimum| minimum >= 0.0);
            let unsigned = match fields.get("format").and_then(Value::as_str) {
                Some("int32") => Some("uint32"),
                Some("int64") => Some("uint64"),
                _ => None,
            };
            if is_natural && let Some(unsigned) = unsigned {
                fields.insert("format".into(), unsigned.into());
            }
            fields.values_mut().for_each(make_unsigned);
        }
        _ => {}
    }
}

/// Leaves out the builders of the module `types`, makes its structs `#[non_exhaustive]`, and completes their docs.
pub fn finish(file: &mut syn::File) {
    for item in &mut file.items {
        if let Item::Mod(module) = item
            && module.ident == "types"
            && let Some((_, items)) = &mut module.content
        {
            items.retain(|item| !is_builder(item));
            for item in items {
                if let Item::Struct(item) = item
                    && matches!(item.fields, Fields::Named(_))
                {
                    let own_name = format!("`{}`", item.ident);
                    item.attrs.retain(|attribute| doc(attribute).is_none_or(|text| text.trim() != own_name));
                    item.attrs.push(parse_quote!(#[non_exhaustive]));
                    item.fields.iter_mut().for_each(refer_to_type);
                }
            }
        }
    }
}

/// The module with the builders, or an `impl` that does nothing but hand one out.
fn is_builder(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.ident == "builder",
        Item::Impl(item) => {
            let hands_out_builder =
                |item: &ImplItem| matches!(item, ImplItem::Fn(function) if function.sig.ident == "builder");
            item.trait_.is_none() && !item.items.is_empty() && item.items.iter().all(hands_out_builder)
        }
        _ => false,
    }
}

/// A field without docs that has another type of the contract refers to it: `job_status: JobStatus`. A type that begins with
/// a small letter is one of Rust, such as `u64`.
fn refer_to_type(field: &mut Field) {
    if let Type::Path(path) = &field.ty
        && let Some(name) = path.path.get_ident()
        && name.to_string().starts_with(|first: char| first.is_uppercase())
        && field.attrs.iter().all(|attribute| doc(attribute).is_none())
    {
        let text = format!("See [`{name}`].");
        field.attrs.push(parse_quote!(#[doc = #text]));
    }
}

/// The text of a doc comment.
fn doc(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn only_integers_that_cannot_be_negative_become_unsigned() {
        let mut document = json!({
            "count": {"type": "integer", "format": "int64", "minimum": 0},
            "items": [{"type": "integer", "format": "int32", "minimum": 1}],
            "difference": {"type": "integer", "format": "int64"},
            "temperature": {"type": "integer", "format": "int32", "minimum": -273},
            "price": {"type": "number", "format": "double", "minimum": 0},
        });
        make_unsigned(&mut document);
        let format = |pointer: &str| document.pointer(pointer).unwrap()["format"].as_str().unwrap().to_owned();
        assert_eq!(format("/count"), "uint64");
        assert_eq!(format("/items/0"), "uint32");
        assert_eq!(format("/difference"), "int64");
        assert_eq!(format("/temperature"), "int32");
        assert_eq!(format("/price"), "double");
    }

    #[test]
    fn structs_can_grow_and_have_docs_and_no_builder() {
        let mut file: syn::File = parse_quote! {
            pub mod types {
                ///`Job`
                pub struct Job {
                    /// How many.
                    pub rows: u64,
                    pub job_status: JobStatus,
                    pub is_late: bool,
                }
                pub struct Name(String);
                impl Job { pub fn builder() -> builder::Job { Default::default() } }
                impl Name { pub fn new() -> Self { Name(String::new()) } }
                pub mod builder { pub struct Job; }
            }
            pub mod builder { pub struct ListJobs; }
        };
        finish(&mut file);
        let expected: syn::File = parse_quote! {
            pub mod types {
                #[non_exhaustive]
                pub struct Job {
                    /// How many.
                    pub rows: u64,
                    #[doc = "See [`JobStatus`]."]
                    pub job_status: JobStatus,
                    pub is_late: bool,
                }
                pub struct Name(String);
                impl Name { pub fn new() -> Self { Name(String::new()) } }
            }
            pub mod builder { pub struct ListJobs; }
        };
        assert_eq!(prettyplease::unparse(&file), prettyplease::unparse(&expected));
    }
}
