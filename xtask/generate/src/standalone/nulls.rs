//! Properties that may be missing or null in the body of a `PATCH`, where null removes a value and a missing one keeps it.
//!
//! progenitor has one `Option` for both. Here they get a second one: `None` is missing, `Some(None)` is null.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Field, GenericArgument, Item, PathArguments, Type, TypeParamBound, WherePredicate, parse_quote};

use super::types::name_of;
use crate::lower::record::NamedType;

/// The field of a struct.
pub fn in_struct(field: &mut Field) {
    let kind = &field.ty;
    field.ty = parse_quote!(::std::option::Option<#kind>);
    field.attrs.push(parse_quote!(#[serde(default, deserialize_with = "super::nulls::read")]));
}

/// The fields and setters of builders.
pub fn in_builders(items: &mut [Item], types: &BTreeMap<String, NamedType>) {
    let has = |name: &str, field: &str| types.get(name).is_some_and(|named| named.nulls.contains(field));
    for item in items {
        match item {
            Item::Struct(item) => {
                let name = item.ident.to_string();
                for field in &mut item.fields {
                    if field.ident.as_ref().is_some_and(|field| has(&name, &field.to_string())) {
                        wrap_argument(&mut field.ty);
                    }
                }
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let name = name_of(&item.self_ty);
                for item in &mut item.items {
                    if let syn::ImplItem::Fn(setter) = item
                        && has(&name, &setter.sig.ident.to_string())
                        && let Some(clause) = &mut setter.sig.generics.where_clause
                    {
                        clause.predicates.iter_mut().for_each(wrap_bound);
                    }
                }
            }
            _ => {}
        }
    }
}

/// `Result<Option<T>, String>` becomes `Result<Option<Option<T>>, String>`.
fn wrap_argument(kind: &mut Type) {
    if let Type::Path(path) = kind
        && let Some(last) = path.path.segments.last_mut()
    {
        wrap_first(&mut last.arguments);
    }
}

/// `T: TryInto<Option<V>>` becomes `T: TryInto<Option<Option<V>>>`.
fn wrap_bound(predicate: &mut WherePredicate) {
    if let WherePredicate::Type(predicate) = predicate {
        for bound in &mut predicate.bounds {
            if let TypeParamBound::Trait(bound) = bound
                && let Some(last) = bound.path.segments.last_mut()
            {
                wrap_first(&mut last.arguments);
            }
        }
    }
}

fn wrap_first(arguments: &mut PathArguments) {
    if let PathArguments::AngleBracketed(arguments) = arguments
        && let Some(GenericArgument::Type(kind)) = arguments.args.first_mut()
    {
        *kind = parse_quote!(::std::option::Option<#kind>);
    }
}

/// What reads such a field.
pub fn module() -> TokenStream {
    quote! {
        /// Properties that may be missing or null: `None` is missing, `Some(None)` is null.
        mod nulls {
            /// Reads a property that is not missing.
            pub fn read<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
            where
                T: ::serde::Deserialize<'de>,
                D: ::serde::Deserializer<'de>,
            {
                T::deserialize(deserializer).map(Some)
            }
        }
    }
}
