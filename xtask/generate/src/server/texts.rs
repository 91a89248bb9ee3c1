//! Literals of the contract's texts and values.

use apidrift_core::canonical::canonical;
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value as Json;

use crate::characters::changes_direction;

/// A raw string literal, which reads better for JSON.
pub fn raw(text: &str) -> TokenStream {
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    let plain = || quote!(#text);
    if text.is_empty() || text.contains(|letter| letter == '\r' || changes_direction(letter)) {
        return plain();
    }
    format!("r{hashes}\"{text}\"{hashes}").parse().unwrap_or_else(|_| plain())
}

/// JSON as a raw string literal, in its canonical form.
pub fn json(value: &Json) -> TokenStream {
    raw(&canonical(value).to_string())
}
