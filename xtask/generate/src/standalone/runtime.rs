//! The part of a client that is the same for every contract. What a client does not use is left out of it.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Item;

/// The parts, as source text.
pub const WIRE: &str = include_str!("runtime/wire.rs");
/// Reads responses.
pub const RESPONSES: &str = include_str!("runtime/responses.rs");
/// Writes multipart bodies.
pub const MULTIPART: &str = include_str!("runtime/multipart.rs");

/// The items of a part that are used: those with a name in `names`, and those that these need. Their identifiers are added
/// to `names`.
pub fn used(source: &str, names: &mut HashSet<String>) -> syn::Result<Vec<Item>> {
    let mut open = syn::parse_file(source)?.items;
    let mut order: Vec<(usize, Item)> = Vec::new();
    let mut left: Vec<(usize, Item)> = open.drain(..).enumerate().collect();
    loop {
        let (taken, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, item)| is_used(item, names));
        left = rest;
        if taken.is_empty() {
            break;
        }
        for (_, item) in &taken {
            identifiers(item.to_token_stream(), names);
        }
        order.extend(taken);
    }
    // An import is used if anything is.
    let imports = left.into_iter().filter(|(_, item)| matches!(item, Item::Use(_)));
    let mut imports: Vec<(usize, Item)> = if order.is_empty() { Vec::new() } else { imports.collect() };
    for (_, item) in &mut imports {
        if let Item::Use(import) = item {
            keep(&mut import.tree, names);
        }
    }
    order.extend(imports);
    order.sort_by_key(|(index, _)| *index);
    Ok(order.into_iter().map(|(_, item)| item).collect())
}

/// All identifiers in code.
pub fn identifiers(tokens: TokenStream, names: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => drop(names.insert(ident.to_string())),
            TokenTree::Group(group) => identifiers(group.stream(), names),
            _ => {}
        }
    }
}

fn is_used(item: &Item, names: &HashSet<String>) -> bool {
    match item {
        Item::Fn(item) => names.contains(&item.sig.ident.to_string()),
        Item::Type(item) => names.contains(&item.ident.to_string()),
        Item::Struct(item) => names.contains(&item.ident.to_string()),
        Item::Impl(item) => names.contains(&item.self_ty.to_token_stream().to_string()),
        _ => false,
    }
}

/// Leaves out of `use a::{B, C}` what is not used.
fn keep(tree: &mut syn::UseTree, names: &HashSet<String>) {
    match tree {
        syn::UseTree::Path(path) => keep(&mut path.tree, names),
        syn::UseTree::Group(group) => {
            group.items = std::mem::take(&mut group.items)
                .into_iter()
                .filter(|item| match item {
                    syn::UseTree::Name(name) => names.contains(&name.ident.to_string()),
                    _ => true,
                })
                .collect();
        }
        _ => {}
    }
}
