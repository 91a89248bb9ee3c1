//! Texts of the contract in generated code: documentation and literals.

use apidrift_core::canonical::unwrapped;
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value as Json;

use apidrift_core::canonical::canonical;

use crate::characters::changes_direction;

/// A text as doc comments; nothing if it is empty. Code in it is never compiled.
pub fn doc_lines(text: &str) -> TokenStream {
    if text.trim().is_empty() {
        return quote!();
    }
    let mut in_code = false;
    let lines = unwrapped(text.trim()).into_iter().map(|line| {
        let trimmed = line.trim_start();
        let line = match (trimmed.starts_with("```"), in_code) {
            (true, false) => {
                in_code = true;
                "```text".to_owned()
            }
            (true, true) => {
                in_code = false;
                "```".to_owned()
            }
            (false, true) => line,
            // Four spaces would be code.
            (false, false) if line.len() - trimmed.len() > 3 => format!("   {trimmed}"),
            (false, false) => line,
        };
        format!(" {}", line.replace('\t', "    ")).trim_end().to_owned()
    });
    let mut lines: Vec<String> = lines.collect();
    if in_code {
        lines.push(" ```".to_owned());
    }
    quote!(#(#[doc = #lines])*)
}

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
