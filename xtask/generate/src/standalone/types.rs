//! The types of a client: progenitor's, with the contract's documentation and with open enums.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proc_macro2::{Literal, TokenStream, TokenTree};
use serde_json::Value;
use syn::{Attribute, Fields, Item, ItemMod};

use super::docs::doc;
use crate::lower::document::references;
use crate::lower::record::NamedType;
use crate::lower::{Lowered, WireNames};
use crate::open_enums;

/// Puts the real names in place of stand-ins. Only texts have them; what they are called in Rust stays.
pub fn with_real_names(tokens: TokenStream, names: &WireNames) -> TokenStream {
    if names.is_empty() {
        return tokens;
    }
    let replaced = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut replaced = proc_macro2::Group::new(group.delimiter(), with_real_names(group.stream(), names));
            replaced.set_span(group.span());
            TokenTree::Group(replaced)
        }
        TokenTree::Literal(literal) => {
            let text = syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|text| text.value());
            match text.ok().as_deref().and_then(|text| names.real(text)) {
                Some(real) => TokenTree::Literal(Literal::string(real)),
                None => TokenTree::Literal(literal),
            }
        }
        token => token,
    });
    replaced.collect()
}

/// Gives the types their documentation in place of progenitor's, and makes enums open where that is right.
pub fn finish(module: &mut ItemMod, lowered: &Lowered) -> syn::Result<()> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    for item in items.iter_mut() {
        match item {
            Item::Struct(item) => {
                let named = lowered.types.get(&item.ident.to_string());
                document(&mut item.attrs, named.map_or("", |named| &named.docs))?;
                if let (Fields::Named(fields), Some(named)) = (&mut item.fields, named) {
                    for field in &mut fields.named {
                        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                        document(&mut field.attrs, named.member_docs.get(&name).map_or("", String::as_str))?;
                    }
                }
            }
            Item::Enum(item) => {
                let named = lowered.types.get(&item.ident.to_string());
                document(&mut item.attrs, named.map_or("", |named| &named.docs))?;
                for variant in &mut item.variants {
                    document(&mut variant.attrs, "")?;
                }
            }
            _ => {}
        }
    }
    let closed = closed(&lowered.types);
    open_enums::open_items(items, &|name| !closed.contains(name))
}

/// Replaces the documentation among attributes.
fn document(attributes: &mut Vec<Attribute>, text: &str) -> syn::Result<()> {
    attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    let holder: syn::ItemStruct = {
        let docs = doc(text);
        syn::parse2(quote::quote!(#docs struct Holder;))?
    };
    attributes.splice(0..0, holder.attrs);
    Ok(())
}

/// The enums that must not take unknown values: those by which the variants of a union are told apart. An open one would
/// fit everything, and the first variant would always be read.
fn closed(types: &BTreeMap<String, NamedType>) -> HashSet<String> {
    let mut closed = HashSet::new();
    for named in types.values().filter(|named| named.schema.get("oneOf").is_some()) {
        let variants: BTreeSet<String> = references(&named.schema);
        for variant in &variants {
            closed.insert(variant.clone());
            let properties = types.get(variant).and_then(|variant| variant.schema.get("properties"));
            for property in properties.and_then(Value::as_object).into_iter().flat_map(|map| map.values()) {
                closed.extend(references(property));
            }
        }
    }
    closed
}
