//! The module of an operation: what the contract says of it as tables, its request, its answers.

use openapi_model::span::Spanned;
use openapi_model::values::Direction;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::json;

use super::answers::{self, Answer};
use super::items::{Place, rust};
use super::named;
use super::plan::PlannedOperation;
use super::request::request;
use super::shared::Shared;
use super::tables::tables;
use super::texts;
use super::types::Types;
use crate::docs;
use crate::names::{Scope, ident};

/// What is generated for an operation.
pub struct Parts {
    /// Its module.
    pub module: TokenStream,
    /// Its method in the trait `Operations`.
    pub method: TokenStream,
    /// Its route.
    pub route: TokenStream,
    /// Whether its errors have names.
    pub has_named_errors: bool,
    /// Tests that the contract's examples of its answers survive their types.
    pub examples: Vec<TokenStream>,
}

/// Generates an operation.
pub fn parts<'a>(shared: &Shared<'a>, planned: &PlannedOperation<'a>, types: &mut Types<'a>) -> Parts {
    let operation = planned.operation;
    let (document, name) = (shared.document, &planned.name);
    let (successes, failures) = answers::answers(document, planned, types);
    let named = shared.naming.as_ref().and_then(|naming| named::errors(naming, planned, &failures));
    let request = request(shared, planned, types);
    let success = answers::success(types, &successes);
    let error = match &named {
        Some(errors) => named::error(types, errors),
        None => answers::error(types, &failures),
    };
    let examples =
        examples(shared, planned, &successes, types).chain(self::examples(shared, planned, &failures, types)).collect();
    let tables = tables(shared, planned, named.is_some());
    let content = quote!(#tables #request #success #error);
    let text = content.to_string();
    let shared_modules: Vec<Ident> =
        ["schemas", "types"].into_iter().filter(|name| text.contains(&format!("{name} ::"))).map(ident).collect();
    let imports = (!shared_modules.is_empty()).then(|| quote!(use super::super::{#(#shared_modules),*};));
    let doc = format!(" `{}`: {} {}", planned.id, operation.method.value, operation.path.value);
    let module = quote! {
        #[doc = #doc]
        pub mod #name {
            use super::super::runtime::prelude::*;
            #imports
            #content
        }
    };
    let docs = docs::doc(&docs_text(planned));
    let method = quote! {
        #docs
        fn #name(&self, caller: &Self::Caller, request: operation::#name::Request)
            -> impl Future<Output = Result<operation::#name::Success, operation::#name::Error>> + Send;
    };
    let admission = &shared.admission;
    let route = quote! {
        Route {
            operation: &operation::#name::INFO,
            call: |rqctx, raw| {
                answer::<#admission, G, O, _, _, _, _>(
                    rqctx,
                    raw,
                    &operation::#name::INFO,
                    operation::#name::Request::decode,
                    |api, caller, request| async move { Operations::#name(&api.operations, &caller, request).await },
                )
                .boxed()
            },
        }
    };
    Parts { module, method, route, has_named_errors: named.is_some(), examples }
}

/// Tests that the contract's examples of answers are unchanged after conversion to their types and back.
fn examples<'a>(
    shared: &'a Shared<'_>,
    planned: &'a PlannedOperation<'_>,
    answers: &'a [Answer<'_>],
    types: &'a Types<'_>,
) -> impl Iterator<Item = TokenStream> + 'a {
    let bodies = answers.iter().flat_map(|answer| answer.bodies.iter().map(move |body| (answer, body)));
    let mut names = Scope::default();
    bodies.flat_map(move |(answer, body)| {
        let media = answer.response.content.iter().find(|media| *media.name == *body.media_type);
        let (Some(media), Some(ty)) = (media, &body.json) else { return Vec::new() };
        let mut examples: Vec<_> = media.examples.iter().filter(|example| example.value.is_some()).collect();
        examples.sort_by(|one, other| one.name.value.cmp(&other.name.value));
        let values = examples.into_iter().filter_map(|example| Some(example.value.as_ref()?.to_json()));
        let fitting =
            values.filter(|value| media.schema.is_none_or(|schema| shared.fits(schema, Direction::Response, value)));
        let rust = rust(types, ty, Place::Operation);
        let tests = fitting.enumerate().map(|(index, value)| {
            let operation = planned.name.to_string();
            let answer = crate::names::snake(&answer.variant.to_string());
            let name = format_ident!("{}_{answer}_{}", operation.trim_end_matches('_'), index + 1);
            let name = names.unique(&name);
            let text = texts::json(&json!({ "value": value }));
            quote!(#[test] fn #name() { survives::<#rust>(#text); })
        });
        tests.collect()
    })
}

/// Summary and description as one text.
fn docs_text(planned: &PlannedOperation<'_>) -> String {
    let operation = planned.operation;
    let text = |text: &Option<Spanned<String>>| text.as_ref().map_or("", |text| text.trim()).to_owned();
    let (summary, description) = (text(&operation.summary), text(&operation.description));
    match (summary.as_str(), description.as_str()) {
        ("", "") => operation.endpoint(),
        ("", _) => description,
        (_, "") => format!("{}.", summary.trim_end_matches('.')),
        _ => format!("{}.\n\n{description}", summary.trim_end_matches('.')),
    }
}
