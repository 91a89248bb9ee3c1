//! Generates a strict dropshot server from a contract: its types, its operations as a trait, and the routes that call them.

mod answers;
mod items;
mod kinds;
mod named;
mod operation;
mod plan;
mod refusals;
mod request;
mod runtime;
mod shared;
mod tables;
mod texts;
mod types;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use apidrift_core::contract::Contract;
use apidrift_core::profile::SCOPES;
use openapi_model::document::SecurityScheme;
use openapi_model::values::{Direction, Values, definitions};
use openapi_model::written;
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value as Json;

pub use self::answers::{Answer, AnswerBody, answers, field_names};
use self::plan::Plan;
pub use self::plan::PlannedOperation;
use self::shared::Shared;
pub use self::types::Types;
use crate::characters::harmless;
use crate::dependencies::{Dependency, doc_of};
use crate::lower::Refused;
use crate::media::Format;
use crate::names::ident;
use crate::problem::Problem;

/// A generated server.
pub struct Server {
    /// Its source text.
    pub text: String,
    /// How many operations it has.
    pub operations: usize,
    /// The operations that it lacks, and why.
    pub refused: Vec<Refused>,
    /// Schemas whose values it does not validate, and why.
    pub not_validated: Vec<Problem>,
    /// The crates that it needs.
    pub dependencies: Vec<Dependency>,
}

/// The operations of a contract as they are generated, and their types.
pub fn planned(contract: &Contract) -> (Vec<PlannedOperation<'_>>, Types<'_>) {
    (Plan::of(contract, &BTreeSet::new(), None).operations, Types::new(&contract.document))
}

/// Whether the errors of a contract have names, which the server's errors are told by.
pub fn names_errors(contract: &Contract) -> bool {
    named::Naming::of(contract).is_some()
}

/// The operations of a contract for which no server can be generated, and why; and, if the contract names its errors, those of the
/// server's own errors that operations do not document.
pub fn unsupported(contract: &Contract) -> Vec<Problem> {
    let plan = Plan::of(contract, &BTreeSet::new(), None);
    let mut problems: Vec<Problem> = plan.refused.into_iter().map(Problem::from).collect();
    if named::Naming::of(contract).is_some() {
        problems.extend(plan.operations.iter().flat_map(named::missing));
    }
    problems
}

/// Generates the server of a contract. Operations with an index in `leave_out` are left out.
///
/// # Errors
///
/// If the generator itself is wrong and writes no Rust.
pub fn server(contract: &Contract, leave_out: &BTreeSet<usize>) -> Result<Server, Problem> {
    let document = &contract.document;
    let mut values = Values::new(document);
    let plan = Plan::of(contract, leave_out, Some(&mut values));
    let definitions = definitions(document, Direction::Request, &plan.validated);
    let is_limited =
        plan.operations.iter().any(|planned| planned.permission().is_some() || planned.rate_limit().is_some());
    let shared = Shared {
        document,
        validated: &definitions.roots,
        naming: named::Naming::of(contract),
        schemes: tables::scheme_idents(document),
        admission: ident(if is_limited { "WithinLimits" } else { "Authenticated" }),
        values: RefCell::new(values),
    };
    let mut types = Types::new(document);
    let parts: Vec<operation::Parts> =
        plan.operations.iter().map(|planned| operation::parts(&shared, planned, &mut types)).collect();
    let modules = parts.iter().map(|part| &part.module);
    let methods = parts.iter().map(|part| &part.method);
    let routes = parts.iter().map(|part| &part.route);
    let names: Vec<_> = plan.operations.iter().map(|planned| &planned.name).collect();
    let mut media = plan.operations.iter().filter_map(|planned| planned.body.as_ref()).flat_map(|body| &body.media);
    let needs = runtime::Needs {
        limits: is_limited,
        named_errors: parts.iter().any(|part| part.has_named_errors),
        validation: !plan.validated.is_empty(),
        multipart: media.any(|media| media.format == Format::Multipart),
    };
    let used = used_schemes(&plan);
    let schemas = schemas(&shared, &used, &definitions.named, needs.validation);
    let items = items::items(&types);
    let imports = (!items.is_empty()).then(|| {
        quote!(
            use ::serde::{Deserialize, Serialize};
        )
    });
    let (title, version) = (&document.info.title.value, &document.info.version.value);
    let tags = document.tags.iter().map(|tag| {
        let (name, text) = (&tag.name.value, &tag.description);
        quote!((#name, #text))
    });
    let schemes = used.iter().map(|scheme| {
        let name = &shared.schemes[scheme.name.value.as_str()];
        quote!(&schemas::security::#name)
    });
    let profile = &contract.profile;
    // Scopes are in the security of an operation already.
    let permission = profile.permission.as_deref().filter(|place| *place != SCOPES).unwrap_or_default();
    let limit = profile.rate_limit.as_deref().unwrap_or_default();
    let gate = ident(if is_limited { "Limits" } else { "Gate" });
    let public = runtime::public(&needs);
    let admission = &shared.admission;
    let admission_path = if is_limited { quote!(limits) } else { quote!(serve) };
    let tests: Vec<&TokenStream> = parts.iter().flat_map(|part| &part.examples).collect();
    let tests = (!tests.is_empty()).then(|| {
        quote! {
            #[cfg(test)]
            #[allow(clippy::expect_used)]
            mod examples_of_the_contract {
                #[allow(unused_imports)]
                use super::types;

                /// A value that is read and written again is still the same.
                fn survives<T: ::serde::Serialize + ::serde::de::DeserializeOwned>(text: &str) {
                    let example: ::serde_json::Value = ::serde_json::from_str(text).expect("the example is JSON");
                    let example = &example["value"];
                    let typed: T = ::serde_json::from_value(example.clone()).expect("the type takes the example");
                    let written = ::serde_json::to_value(&typed).expect("the type is JSON");
                    assert!(super::runtime::unions::keeps(example, &written), "{written} is not {example}");
                }
                #(#tests)*
            }
        }
    });
    let route_imports = (!plan.operations.is_empty()).then(|| {
        quote! {
            use ::futures::FutureExt as _;
            use self::runtime::#admission_path::#admission;
            use self::runtime::routes::Route;
            use self::runtime::serve::answer;
        }
    });
    let tokens = quote! {
        #public

        /// The contract's schemas as types.
        pub mod types {
            #imports
            #(#items)*
        }

        /// What each operation takes and returns.
        pub mod operation {
            #(#modules)*
        }

        /// All operations, by path and method.
        pub const OPERATIONS: &[&OperationInfo] = &[#(&operation::#names::INFO),*];

        /// What the operations do. This is what a person writes: decoded and validated requests in, one of the documented answers
        /// out.
        pub trait Operations: Send + Sync + 'static {
            /// A caller, as the gate knows it.
            type Caller: Send + Sync + 'static;
            #(#methods)*
        }

        /// What dropshot serves.
        ///
        /// # Errors
        ///
        /// If dropshot refuses an endpoint.
        pub fn api_description<G: #gate, O: Operations<Caller = G::Caller>>()
            -> Result<::dropshot::ApiDescription<::std::sync::Arc<Api<G, O>>>, String> {
            use self::runtime::routes::describe;
            #route_imports
            describe::<::std::sync::Arc<Api<G, O>>>(vec![#(#routes),*])
        }

        /// What the document says of the whole API.
        static API: runtime::document::Api = runtime::document::Api {
            title: #title,
            version: #version,
            tags: &[#(#tags),*],
            schemas: schemas::COMPONENTS,
            security_schemes: &[#(#schemes),*],
            extensions: (#permission, #limit),
        };

        /// The document that this server stands for, from the tables that it is built from.
        ///
        /// # Errors
        ///
        /// If a table is not JSON.
        pub fn openapi() -> Result<::serde_json::Value, String> {
            runtime::document::document(&API, OPERATIONS)
        }

        #schemas

        #tests
    };
    let file = syn::parse2(tokens)
        .map_err(|error| Problem::new(document.openapi.span, format!("the generator wrote invalid Rust: {error}")))?;
    let dependencies = runtime::dependencies(&needs);
    let code = harmless(&prettyplease::unparse(&file));
    let text = format!("{}\n{}\n{code}", head(&dependencies), runtime::module(&needs));
    let (operations, refused, not_validated) = (plan.operations.len(), plan.refused, plan.not_validated);
    Ok(Server { text, operations, refused, not_validated, dependencies })
}

/// The beginning of the file: what it needs.
fn head(dependencies: &[Dependency]) -> String {
    let needed = doc_of(dependencies);
    format!(
        "#![cfg_attr(rustfmt, rustfmt_skip)]\n\
         //! A dropshot server, generated from an OpenAPI contract: its types, its operations, and what answers requests. It\n\
         //! needs these crates:\n//!\n{needed}//!\n\
         //! A person implements [`Operations`] and [`Gate`], and gives [`api_description`] to `dropshot::ServerBuilder`.\n\n\
         #![allow(dead_code, missing_docs, rustdoc::all)]\n\
         // What these are about is decided by the contract.\n\
         #![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::enum_variant_names)]\n\
         #![allow(clippy::large_enum_variant, clippy::result_large_err, clippy::too_long_first_doc_paragraph)]\n\
         #![allow(clippy::wrong_self_convention)]\n"
    )
}

/// The security schemes that operations use.
fn used_schemes<'a>(plan: &Plan<'a>) -> Vec<&'a SecurityScheme> {
    let uses = plan.operations.iter().flat_map(|planned| planned.operation.security.alternatives.iter().flatten());
    let names: BTreeSet<&str> = uses.map(|one| one.name.value.as_str()).collect();
    let schemes = plan.contract.document.security_schemes.iter();
    schemes.filter(|scheme| names.contains(scheme.name.value.as_str())).collect()
}

/// The module `schemas`: the contract's schemas and security schemes.
fn schemas(
    shared: &Shared<'_>,
    used: &[&SecurityScheme],
    validated: &BTreeMap<String, Json>,
    needs_validation: bool,
) -> TokenStream {
    let document = shared.document;
    let mut sorted: Vec<_> = document.components.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.value.cmp(&other.value));
    let components = sorted.into_iter().map(|(name, id)| {
        let (name, text) = (&name.value, texts::json(&written::schema(document, *id)));
        quote!((#name, #text))
    });
    let schemes = used.iter().map(|scheme| tables::scheme(scheme, &shared.schemes[scheme.name.value.as_str()]));
    let imports = (!used.is_empty()).then(|| {
        quote! {
            #[allow(unused_imports)]
            use super::super::runtime::tables::{Location, SchemeKind, SecurityScheme};
        }
    });
    let validated = needs_validation.then(|| {
        let each = validated.iter().map(|(name, schema)| {
            let text = texts::raw(&schema.to_string());
            quote!((#name, #text))
        });
        quote! {
            /// What requests are validated against, as JSON Schema.
            pub static SCHEMAS: Schemas = Schemas::new(|| parse(&[#(#each),*]));
            use super::runtime::validation::{Schemas, parse};
        }
    });
    quote! {
        /// The contract's schemas.
        pub mod schemas {
            #validated
            /// `components.schemas`.
            pub const COMPONENTS: &[(&str, &str)] = &[#(#components),*];
            /// The ways to authenticate.
            pub mod security {
                #imports
                #(#schemes)*
            }
        }
    }
}
