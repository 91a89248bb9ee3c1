//! Makes the client's enums open: an unknown value from a newer server is kept, instead of making the whole answer
//! unreadable.
//!
//! typify generates closed enums. Each is replaced by an enum of the same name with one more variant.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Fields, Item, ItemEnum, Variant};

/// Makes the enums of the module `types` open.
pub fn open(file: &mut syn::File) -> syn::Result<()> {
    for item in &mut file.items {
        if let Item::Mod(module) = item
            && module.ident == "types"
            && let Some((_, items)) = &mut module.content
        {
            open_items(items, &|_| true)?;
        }
    }
    Ok(())
}

/// Makes those enums open that `may_open` names.
pub fn open_items(items: &mut Vec<Item>, may_open: &dyn Fn(&str) -> bool) -> syn::Result<()> {
    let enums = items.iter().filter_map(list_of_values).filter(|item| may_open(&item.ident.to_string()));
    let enums: Vec<ItemEnum> = enums.cloned().collect();
    let names: HashSet<&Ident> = enums.iter().map(|item| &item.ident).collect();
    let is_enum = |name: &Ident| names.contains(name);
    items.retain(|item| match item {
        Item::Enum(item) => !is_enum(&item.ident),
        Item::Impl(item) => match &*item.self_ty {
            syn::Type::Path(path) => !path.path.get_ident().is_some_and(is_enum),
            _ => true,
        },
        _ => true,
    });
    for item in &enums {
        items.extend(syn::parse2::<syn::File>(opened(item)?)?.items);
    }
    Ok(())
}

fn list_of_values(item: &Item) -> Option<&ItemEnum> {
    match item {
        Item::Enum(item) if item.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit)) => Some(item),
        _ => None,
    }
}

fn opened(item: &ItemEnum) -> syn::Result<TokenStream> {
    let name = &item.ident;
    let doc = docs(&item.attrs);
    let variants: Vec<_> = item.variants.iter().map(|variant| &variant.ident).collect();
    let variant_docs = item.variants.iter().map(|variant| docs(&variant.attrs));
    let values = item.variants.iter().map(value).collect::<syn::Result<Vec<_>>>()?;
    let unknown = free(&variants);
    Ok(quote! {
        #doc
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum #name {
            #(#variant_docs #variants,)*
            /// A value that this version of the client does not know, as the server sent it.
            #unknown(::std::string::String),
        }
        impl #name {
            /// The value as it is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #values,)*
                    Self::#unknown(value) => value,
                }
            }
        }
        impl ::std::convert::From<&str> for #name {
            fn from(value: &str) -> Self {
                match value {
                    #(#values => Self::#variants,)*
                    value => Self::#unknown(value.to_owned()),
                }
            }
        }
        impl ::std::convert::From<::std::string::String> for #name {
            fn from(value: ::std::string::String) -> Self {
                Self::from(value.as_str())
            }
        }
        impl ::std::fmt::Display for #name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl ::serde::Serialize for #name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for #name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                <::std::string::String as ::serde::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    })
}

fn docs(attributes: &[Attribute]) -> TokenStream {
    let docs = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    quote!(#(#docs)*)
}

/// The value of a variant on the wire.
fn value(variant: &Variant) -> syn::Result<String> {
    let mut value = variant.ident.to_string();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                value = meta.value()?.parse::<syn::LitStr>()?.value();
            }
            Ok(())
        })?;
    }
    Ok(value)
}

/// A name for the added variant that is not taken.
fn free(taken: &[&Ident]) -> Ident {
    let mut name = format_ident!("Unknown");
    while taken.contains(&&name) {
        name = format_ident!("{name}_");
    }
    name
}
