//! Generates the client's code: progenitor's client, and the documented errors of each operation as types.
//!
//! progenitor has one error type per operation, does not say which documented error it was, and panics on documents
//! that it does not support. So everything that it is known to refuse is reported first (see [`super::subset`]), any
//! other panic becomes a message, and the documented errors are generated here as one enum per operation.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle};
use quote::quote;
use serde_json::Value;

use super::api::Operation;
use super::client_types;
use super::docs::doc;
use super::names::{ident, pascal, type_ident};
use super::open_enums;
use super::problem::Problem;
use apidrift_core::canonical::{canonical, words};
use openapi_model::span::Span;

/// Generates the source text of progenitor's client (builder style).
///
/// The crate that contains the client needs a type `crate::transport::Exchange`, which every client carries, and must
/// implement `progenitor_client::ClientHooks<Exchange>` for the client: the hooks see every request and every raw
/// answer.
pub fn client(document: &Value) -> Result<String, Vec<Problem>> {
    let whole = |why: String| vec![Problem::new(Span::default(), why)];
    let mut document = canonical(document);
    client_types::make_unsigned(&mut document);
    let spec: openapiv3::OpenAPI = serde_json::from_value(document).map_err(|error| {
        whole(format!("the contract is not an OpenAPI 3.0 document that progenitor reads: {error}"))
    })?;
    let by_reference = |item: &openapiv3::ReferenceOr<_>| matches!(item, openapiv3::ReferenceOr::Reference { .. });
    if let Some((path, _)) = spec.paths.iter().find(|(_, item)| by_reference(item)) {
        return Err(whole(format!("the operations of `{path}` are behind a `$ref`, which progenitor does not follow")));
    }
    let mut settings = GenerationSettings::default();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_derive("PartialEq")
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::transport::Exchange));
    let tokens = quietly(|| Generator::new(&settings).generate_tokens(&spec))
        .map_err(whole)?
        .map_err(|error| whole(format!("progenitor refuses the contract: {error}")))?;
    let not_rust = |error| whole(format!("progenitor wrote invalid Rust: {error}"));
    let mut file: syn::File = syn::parse2(tokens).map_err(not_rust)?;
    open_enums::open(&mut file).map_err(not_rust)?;
    client_types::finish(&mut file);
    // The examples are fragments that do not compile.
    let text = prettyplease::unparse(&file).replace("```ignore", "```text");
    Ok(format!(
        "#![cfg_attr(rustfmt, rustfmt_skip)]\n\
         #![allow(dead_code, unused_imports, missing_docs, clippy::all, clippy::expect_used, clippy::unwrap_used, rustdoc::all)]\n\n{text}"
    ))
}

thread_local! {
    /// Whether panics of this thread are not printed to standard error.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs progenitor. A panic is not printed, but returned as a message.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result.map_err(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        format!("progenitor cannot turn this contract into a client; it stopped with: {why}")
    })
}

/// Generates the typed errors: a trait that all of them implement, and one enum per operation.
pub fn errors(operations: &[&Operation<'_>]) -> Result<String, Vec<Problem>> {
    let mut items = vec![sealed(), documented_error()];
    items.extend(operations.iter().flat_map(|operation| error_enum(operation)));
    let mut text =
        String::from("#![cfg_attr(rustfmt, rustfmt_skip)]\n//! The documented errors of each operation, as types.\n");
    for item in items {
        let file: syn::File = syn::parse2(item).map_err(|error| {
            vec![Problem::new(Span::default(), format!("the generator wrote invalid Rust: {error}"))]
        })?;
        text.push('\n');
        text.push_str(&prettyplease::unparse(&file));
    }
    Ok(text)
}

/// The name of an operation's error enum.
pub fn enum_name(operation: &Operation<'_>) -> String {
    format!("{}Error", pascal(operation.id))
}

/// A private supertrait, so that other crates cannot implement the trait and it can get more methods.
fn sealed() -> TokenStream {
    quote! {
        mod sealed {
            pub trait Sealed {}
        }
    }
}

fn documented_error() -> TokenStream {
    quote! {
        /// An error that the contract documents for an operation. This crate alone implements it.
        ///
        /// Status and message together identify an error of an operation; the status alone does not.
        pub trait DocumentedError:
            sealed::Sealed + Sized + Copy + Eq + std::hash::Hash + std::fmt::Debug + std::fmt::Display + std::error::Error + Send + Sync + 'static
        {
            /// The operation's `operationId` in the contract, such as `list_things`.
            const OPERATION: &'static str;
            /// Every documented error of the operation, in ascending order of status.
            const ALL: &'static [Self];
            /// The error's name in the contract, such as `rate_limited`.
            fn name(self) -> &'static str;
            /// The HTTP status, such as 429.
            fn status(self) -> u16;
            /// The `message` in the body of the answer, such as `Rate Limited`.
            fn message(self) -> &'static str;
            /// What the caller can do about it, as a sentence.
            fn help(self) -> &'static str;
            /// The documented error with this status and message; `None` if the contract has no such error.
            fn find(status: u16, message: &str) -> Option<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|error| error.status() == status && error.message() == message)
            }
        }
    }
}

fn error_enum(operation: &Operation<'_>) -> Vec<TokenStream> {
    let operation_id = &operation.id.value;
    let name = ident(&enum_name(operation));
    let errors = &operation.errors;
    let variants: Vec<_> = errors.iter().map(|error| type_ident(error.name)).collect();
    let docs = errors.iter().map(|error| doc(&format!("`{} {}`\n\n{}", error.status, error.message, error.summary)));
    let statuses = errors.iter().map(|error| proc_macro2::Literal::u16_unsuffixed(error.status));
    let doc = format!(" The documented errors of the operation `{operation_id}`.");
    let by = |values: Vec<TokenStream>| quote! { match self { #(Self::#variants => #values,)* } };
    let text = |value: &str| quote!(#value);
    let name_of = by(errors.iter().map(|error| text(&error.name.value)).collect());
    let status_of = by(statuses.map(|value| quote!(#value)).collect());
    let message_of = by(errors.iter().map(|error| text(error.message)).collect());
    let help_of = by(errors.iter().map(|error| text(&words(error.summary))).collect());
    vec![
        quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[non_exhaustive]
            pub enum #name {
                #(#docs #variants,)*
            }
        },
        quote! {
            impl DocumentedError for #name {
                const OPERATION: &'static str = #operation_id;
                const ALL: &'static [Self] = &[#(Self::#variants,)*];
                fn name(self) -> &'static str { #name_of }
                fn status(self) -> u16 { #status_of }
                fn message(self) -> &'static str { #message_of }
                fn help(self) -> &'static str { #help_of }
            }
        },
        quote! {
            impl std::fmt::Display for #name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    write!(f, "{} {}", self.status(), self.message())
                }
            }
        },
        quote! { impl std::error::Error for #name {} },
        quote! { impl sealed::Sealed for #name {} },
    ]
}
