//! The types of a client: progenitor's, with the contract's documentation and with open enums.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proc_macro2::{Literal, TokenStream, TokenTree};
use serde_json::Value;
use syn::{Attribute, Fields, Item, ItemMod};

use super::nulls;
use crate::docs::doc;
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

/// Gives the types their documentation in place of progenitor's, makes enums open where that is right, and leaves out the
/// builders of types that are only received.
pub fn finish(module: &mut ItemMod, lowered: &Lowered, sent: &BTreeSet<String>) -> syn::Result<()> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    items.retain(|item| match item {
        Item::Impl(item) if item.trait_.is_none() => !is_builder(item) || sent.contains(&name_of(&item.self_ty)),
        _ => true,
    });
    for item in items.iter_mut() {
        if let Item::Mod(module) = item
            && module.ident == "builder"
            && let Some((_, items)) = &mut module.content
        {
            items.retain(|item| match item {
                Item::Struct(item) => sent.contains(&item.ident.to_string()),
                Item::Impl(item) => sent.contains(&name_of(&item.self_ty)),
                _ => true,
            });
            nulls::in_builders(items, &lowered.types);
        }
    }
    items.retain(
        |item| !matches!(item, Item::Mod(module) if module.content.as_ref().is_some_and(|(_, items)| items.is_empty())),
    );
    for item in items.iter_mut() {
        match item {
            Item::Struct(item) => {
                let named = lowered.types.get(&item.ident.to_string());
                document(&mut item.attrs, named.map_or("", |named| &named.docs))?;
                if let (Fields::Named(fields), Some(named)) = (&mut item.fields, named) {
                    for field in &mut fields.named {
                        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                        if named.nulls.contains(&name) {
                            nulls::in_struct(field);
                        }
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

/// Whether an `impl` does nothing but hand out a builder.
fn is_builder(item: &syn::ItemImpl) -> bool {
    let hands_out =
        |item: &syn::ImplItem| matches!(item, syn::ImplItem::Fn(function) if function.sig.ident == "builder");
    !item.items.is_empty() && item.items.iter().all(hands_out)
}

/// The last name in the path of a type.
pub fn name_of(kind: &syn::Type) -> String {
    match kind {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
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
