//! Writes the types of the contract as Rust.

use std::collections::{BTreeSet, HashSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::types::{Body, Field, Item, Ty, Types, Variant};
use crate::docs::doc;

/// Where a type is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Beside the other types.
    Inside,
    /// In the module of an operation.
    Operation,
}

/// A type as Rust.
pub fn rust(types: &Types<'_>, ty: &Ty, place: Place) -> TokenStream {
    let inner = |ty: &Ty| rust(types, ty, place);
    match ty {
        Ty::Text => quote!(String),
        Ty::Uuid => quote!(::uuid::Uuid),
        Ty::Time => quote!(::chrono::DateTime<::chrono::Utc>),
        Ty::Date => quote!(::chrono::NaiveDate),
        Ty::Integer(name) => {
            let name = crate::names::ident(name);
            quote!(#name)
        }
        Ty::Number => quote!(f64),
        Ty::Flag => quote!(bool),
        Ty::Json => quote!(::serde_json::Value),
        Ty::Object => quote!(::serde_json::Map<String, ::serde_json::Value>),
        Ty::List(item) => {
            let item = inner(item);
            quote!(Vec<#item>)
        }
        Ty::Map(value) => {
            let value = inner(value);
            quote!(::std::collections::BTreeMap<String, #value>)
        }
        Ty::Nullable(value) => {
            let value = inner(value);
            quote!(Option<#value>)
        }
        Ty::Item(index) => {
            let name = &types.items[*index].name;
            match place {
                Place::Inside => quote!(#name),
                Place::Operation => quote!(types::#name),
            }
        }
    }
}

/// All types, sorted by name.
pub fn items(types: &Types<'_>) -> Vec<TokenStream> {
    let mut indices: Vec<usize> = (0..types.items.len()).collect();
    indices.sort_by_key(|index| types.items[*index].name.to_string());
    indices.into_iter().map(|index| item(types, index)).collect()
}

fn item(types: &Types<'_>, index: usize) -> TokenStream {
    let Item { name, docs, body } = &types.items[index];
    let docs = doc(docs);
    match body {
        Body::Struct(fields, others) => {
            let fields = fields.iter().map(|field| self::field(types, index, field));
            let others = others.as_ref().map(|ty| {
                let ty = rust(types, ty, Place::Inside);
                quote! {
                    /// All other properties.
                    #[serde(flatten)]
                    pub additional_properties: ::std::collections::BTreeMap<String, #ty>,
                }
            });
            quote! {
                #docs
                #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
                pub struct #name { #(#fields)* #others }
            }
        }
        Body::Texts(values) => {
            let variants = values.iter().map(|(text, variant)| {
                let doc = format!(" `{text}`");
                let rename = (*variant != *text).then(|| quote!(#[serde(rename = #text)]));
                quote!(#[doc = #doc] #rename #variant,)
            });
            quote! {
                #docs
                #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
                pub enum #name { #(#variants)* }
            }
        }
        Body::Union(variants, discriminator) => union(types, index, variants, discriminator.as_deref()),
        Body::Alias(ty) => {
            let ty_is = rust(types, ty, Place::Inside);
            match names_itself(types, index) {
                true => quote! {
                    #docs
                    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
                    #[serde(transparent)]
                    pub struct #name(pub #ty_is);
                },
                false => quote!(#docs pub type #name = #ty_is;),
            }
        }
        Body::Open => quote!(),
    }
}

fn field(types: &Types<'_>, owner: usize, field: &Field) -> TokenStream {
    let Field { key, name, docs, ty, required } = field;
    let docs = doc(docs);
    let mut inner = rust(types, ty, Place::Inside);
    if contains(types, ty).into_iter().any(|part| holds(types, part, owner)) {
        inner = match ty {
            Ty::Nullable(value) => {
                let value = rust(types, value, Place::Inside);
                quote!(Option<Box<#value>>)
            }
            _ => quote!(Box<#inner>),
        };
    }
    let rename = (*name != *key).then(|| quote!(rename = #key));
    let skip = || quote!(default, skip_serializing_if = "Option::is_none");
    let (rust_type, attributes) = match (required, ty) {
        (true, Ty::Time) => (inner, Some(quote!(with = "super::runtime::timestamps"))),
        (true, Ty::Nullable(value)) if **value == Ty::Time => {
            (inner, Some(quote!(with = "super::runtime::timestamps::option")))
        }
        (true, _) => (inner, None),
        (false, Ty::Time) => {
            let skip = skip();
            (quote!(Option<#inner>), Some(quote!(#skip, with = "super::runtime::timestamps::option")))
        }
        // Absent and null are different values.
        (false, Ty::Nullable(_) | Ty::Json) => {
            let skip = skip();
            (quote!(Option<#inner>), Some(quote!(#skip, deserialize_with = "super::runtime::unions::present")))
        }
        (false, _) => (quote!(Option<#inner>), Some(skip())),
    };
    let attributes: Vec<TokenStream> = rename.into_iter().chain(attributes).collect();
    let serde = (!attributes.is_empty()).then(|| quote!(#[serde(#(#attributes),*)]));
    quote!(#docs #serde pub #name: #rust_type,)
}

fn union(types: &Types<'_>, index: usize, variants: &[Variant], discriminator: Option<&str>) -> TokenStream {
    let Item { name, docs, .. } = &types.items[index];
    let docs = doc(docs);
    let discriminator = discriminator.unwrap_or_default();
    let declared = variants.iter().map(|variant| {
        let variant_name = &variant.name;
        let mut ty = rust(types, &variant.ty, Place::Inside);
        if matches!(variant.ty, Ty::Item(_)) {
            ty = quote!(Box<#ty>);
        }
        let doc = format!(" [`{}`]", link(types, &variant.ty));
        let doc = matches!(variant.ty, Ty::Item(_)).then(|| quote!(#[doc = #doc]));
        quote!(#doc #variant_name(#ty),)
    });
    let alternatives = variants.iter().map(|variant| {
        let (variant_name, tags, required) = (&variant.name, &variant.tags, required(types, &variant.ty));
        quote!((|value| read(value).map(#name::#variant_name), &[#(#tags),*], &[#(#required),*]))
    });
    quote! {
        #docs
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum #name { #(#declared)* }
        impl<'de> Deserialize<'de> for #name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                use super::runtime::unions::{one_of, read};
                one_of(deserializer, #discriminator, &[#(#alternatives),*])
            }
        }
    }
}

/// The properties without which a value of a type cannot be read.
fn required<'a>(types: &'a Types<'_>, ty: &Ty) -> Vec<&'a str> {
    let Ty::Item(index) = ty else { return Vec::new() };
    match &types.items[*index].body {
        Body::Struct(fields, _) => {
            let needed = fields.iter().filter(|field| field.required && !matches!(field.ty, Ty::Nullable(_)));
            needed.map(|field| field.key.as_str()).collect()
        }
        _ => Vec::new(),
    }
}

fn link(types: &Types<'_>, ty: &Ty) -> String {
    match ty {
        Ty::Item(index) => types.items[*index].name.to_string(),
        _ => String::new(),
    }
}

/// The items that a value of a type contains without indirection.
fn contains(types: &Types<'_>, ty: &Ty) -> Vec<usize> {
    match ty {
        Ty::Item(index) => match &types.items[*index].body {
            // Only an alias of a list or a map is an indirection.
            Body::Alias(inner) => contains(types, inner).into_iter().chain([*index]).collect(),
            _ => vec![*index],
        },
        Ty::Nullable(inner) => contains(types, inner),
        _ => Vec::new(),
    }
}

/// Whether values of one item contain values of another without indirection. Alternatives are boxed.
fn holds(types: &Types<'_>, from: usize, wanted: usize) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![from];
    while let Some(index) = open.pop() {
        if index == wanted {
            return true;
        }
        if !seen.insert(index) {
            continue;
        }
        match &types.items[index].body {
            Body::Struct(fields, _) => open.extend(fields.iter().flat_map(|field| contains(types, &field.ty))),
            Body::Union(variants, _) => {
                let unboxed = variants.iter().filter(|variant| !matches!(variant.ty, Ty::Item(_)));
                open.extend(unboxed.flat_map(|variant| contains(types, &variant.ty)));
            }
            Body::Alias(ty) => open.extend(contains(types, ty)),
            Body::Texts(_) | Body::Open => {}
        }
    }
    false
}

/// Whether an alias leads back to itself through lists, maps and other aliases.
fn names_itself(types: &Types<'_>, alias: usize) -> bool {
    fn named(ty: &Ty, found: &mut Vec<usize>) {
        match ty {
            Ty::Item(index) => found.push(*index),
            Ty::List(inner) | Ty::Map(inner) | Ty::Nullable(inner) => named(inner, found),
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    let mut open = vec![alias];
    while let Some(index) = open.pop() {
        if let Body::Alias(ty) = &types.items[index].body {
            let mut next = Vec::new();
            named(ty, &mut next);
            if next.contains(&alias) {
                return true;
            }
            open.extend(next.into_iter().filter(|index| seen.insert(*index)));
        }
    }
    false
}
