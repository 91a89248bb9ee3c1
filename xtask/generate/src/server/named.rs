//! Errors that a contract names one by one, as its profile says: each is a variant with its own status and message, so that no
//! error can be returned that is not in the contract.

use apidrift_core::canonical::words;
use apidrift_core::contract::{Contract, DocumentedError};
use openapi_model::document::{Document, Status};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::answers::{Answer, AnswerHeader, header_writes};
use super::items::{Place, rust};
use super::plan::PlannedOperation;
use super::types::{Ty, Types};
use crate::docs::doc;
use crate::names::{Scope, ident, type_ident};
use crate::problem::Problem;

/// How a contract names errors: by the property `message` of one schema.
pub struct Naming<'a> {
    document: &'a Document,
    /// The schema of all errors.
    schema: &'a str,
    /// Whether it has a place for the request's ID.
    has_request_id: bool,
}

impl<'a> Naming<'a> {
    /// How a contract names errors, if it does.
    pub fn of(contract: &'a Contract) -> Option<Naming<'a>> {
        let profile = &contract.profile;
        let schema = profile.error_schema.as_deref()?;
        let shape = contract.document.shape_of(contract.error_schema()?);
        let only_message =
            shape.required.keys().all(|name| name == "message") && shape.properties.contains_key("message");
        let has_request_id = shape.properties.contains_key("request_id");
        let names_them = profile.error_identity.as_deref() == Some("/message") && only_message;
        names_them.then_some(Naming { document: &contract.document, schema, has_request_id })
    }
}

/// The errors that the server itself answers with and that an operation does not document, in a contract that names its errors.
pub fn missing(planned: &PlannedOperation<'_>) -> Vec<Problem> {
    let operation = planned.operation;
    let what = operation.endpoint();
    let mut problems = Vec::new();
    let roles = [
        (401, None, "a request without a valid key", !operation.security.is_open()),
        (403, None, "a key without the permission", planned.permission().is_some()),
        (429, Some("rate_limited"), "a request over the rate limit", planned.rate_limit().is_some()),
        (500, None, "a failure inside the server", true),
        (503, None, "a request that took too long", true),
    ];
    let documents = |status: u16, name: Option<&str>| {
        let is =
            |error: &&DocumentedError| *error.status == status && name.is_none_or(|name| *error.name.value == *name);
        operation.errors.iter().any(|error| is(&error))
    };
    for (status, name, when, applies) in roles {
        if applies && !documents(status, name) {
            let name = name.map(|name| format!(" named `{name}`")).unwrap_or_default();
            let message = format!("{what} documents no {status}{name}, which is the response to {when}");
            problems.push(Problem::new(operation.id.span, message));
        }
    }
    for parameter in planned.parameters.iter().filter_map(|parameter| parameter.parameter) {
        let name = format!("invalid_{}", parameter.name.value);
        if !documents(400, Some(&name)) {
            let message = format!(
                "{what} documents no 400 named `{name}`, which is the response to a malformed `{}`",
                parameter.name.value
            );
            problems.push(Problem::new(parameter.name.span, message));
        }
    }
    problems
}

/// The named errors of an operation.
pub struct Errors<'a> {
    errors: Vec<Named<'a>>,
    has_request_id: bool,
}

struct Named<'a> {
    error: &'a DocumentedError,
    variant: Ident,
    headers: Vec<&'a AnswerHeader<'a>>,
}

/// The named errors of an operation; `None` unless each of its errors has a name and what the server itself answers is among
/// them.
pub fn errors<'a>(
    naming: &Naming<'_>,
    planned: &'a PlannedOperation<'_>,
    failures: &'a [Answer<'a>],
) -> Option<Errors<'a>> {
    let operation = planned.operation;
    let mut names = Scope::with(&["Self"]);
    let mut errors = Vec::new();
    for error in &operation.errors {
        error.identity.as_ref()?;
        error.summary.as_ref()?;
        let answer = failures.iter().find(|answer| *answer.response.status == Status::Code(*error.status))?;
        let [body] = &answer.response.content[..] else { return None };
        let component = naming.document.shape_of(body.schema?).name.clone()?;
        if body.name.value != "application/json" || component.value != naming.schema {
            return None;
        }
        let variant = names.unique(&type_ident(&error.name));
        errors.push(Named { error, variant, headers: answer.headers.iter().collect() });
    }
    let is_named = failures.iter().all(|answer| matches!(*answer.response.status, Status::Code(_)));
    let errors = Errors { errors, has_request_id: naming.has_request_id };
    let own = [errors.constructor(500, None), errors.constructor(503, None)];
    (is_named && own.iter().all(Option::is_some)).then_some(errors)
}

impl Errors<'_> {
    /// The only error with a status, or the one of this name among several.
    fn find(&self, status: u16, name: Option<&str>) -> Option<&Named<'_>> {
        let of_status = || self.errors.iter().filter(|named| *named.error.status == status);
        let exact = name.and_then(|name| of_status().find(|named| *named.error.name.value == *name));
        exact.or_else(|| of_status().next().filter(|_| of_status().count() == 1))
    }

    /// The expression that makes an error of this status, of the variable `seconds`.
    fn constructor(&self, status: u16, name: Option<&str>) -> Option<TokenStream> {
        let named = self.find(status, name)?;
        let variant = &named.variant;
        let mut values = Vec::new();
        for header in named.headers.iter().filter(|header| header.constant.is_none()) {
            let field = &header.name;
            let wait = match &header.ty {
                Ty::Integer("u64") => Some(quote!(seconds)),
                Ty::Integer(name) => {
                    let name = ident(name);
                    Some(quote!(#name::try_from(seconds).unwrap_or(#name::MAX)))
                }
                _ => None,
            };
            let waits = matches!(status, 429 | 503) && header.header.name.eq_ignore_ascii_case("retry-after");
            values.push(match (wait.filter(|_| waits), header.header.required.value) {
                (Some(wait), true) => quote!(#field: #wait),
                (Some(wait), false) => quote!(#field: Some(#wait)),
                (None, false) => quote!(#field: None),
                (None, true) => return None,
            });
        }
        Some(if values.is_empty() { quote!(Error::#variant) } else { quote!(Error::#variant { #(#values),* }) })
    }
}

/// The enum of named errors.
pub fn error(types: &Types<'_>, errors: &Errors<'_>) -> TokenStream {
    let (mut variants, mut indices, mut arms, mut table) = (quote!(), quote!(), quote!(), Vec::new());
    for (index, Named { error, variant, headers }) in errors.errors.iter().enumerate() {
        let (status, name) = (*error.status, &error.name.value);
        let message = error.identity.as_ref().map_or("", |message| message.value.as_str());
        let summary = error.summary.as_ref().map(|summary| words(summary)).unwrap_or_default();
        let docs = doc(&format!("{status} `{message}`: {summary}"));
        let own: Vec<_> = headers.iter().filter(|header| header.constant.is_none()).collect();
        let fields = own.iter().map(|header| {
            let docs = doc(header.header.description.as_ref().map_or("", |text| &text.value));
            let (name, ty) = (&header.name, rust(types, &header.ty, Place::Operation));
            let ty = if header.header.required.value { ty } else { quote!(Option<#ty>) };
            quote!(#docs #name: #ty,)
        });
        let bound: Vec<&Ident> = own.iter().map(|header| &header.name).collect();
        let writes = header_writes(headers.iter().copied());
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        if own.is_empty() {
            variants.extend(quote!(#docs #variant,));
            indices.extend(quote!(Error::#variant => &Self::DOCUMENTED[#index],));
            arms.extend(quote!(Error::#variant => answer #writes,));
        } else {
            variants.extend(quote!(#docs #variant { #(#fields)* },));
            indices.extend(quote!(Error::#variant { .. } => &Self::DOCUMENTED[#index],));
            arms.extend(quote!(Error::#variant { #(#bound),* } => answer #writes,));
        }
        let status = proc_macro2::Literal::u16_unsuffixed(status);
        table.push(quote!(Documented { name: #name, status: #status, message: #message, summary: #summary }));
    }
    let request_id = if errors.has_request_id { quote!(Some(request_id)) } else { quote!(None) };
    let unused = if errors.has_request_id { quote!(request_id) } else { quote!(_) };
    let refuse = refuse(errors);
    let failed = errors.constructor(500, None);
    let unavailable = errors.constructor(503, None);
    let has_wait = unavailable.as_ref().is_some_and(|error| error.to_string().contains("seconds"));
    let wait = if has_wait { quote!(seconds) } else { quote!(_) };
    quote! {
        /// The errors that the operation documents, and no others.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error { #variants }
        impl NamedError for Error {
            const DOCUMENTED: &'static [Documented] = &[#(#table),*];
            fn documented(&self) -> &'static Documented {
                match self { #indices }
            }
            fn internal_server_error() -> Self {
                #failed
            }
            fn service_unavailable(#wait: u64) -> Self {
                #unavailable
            }
        }
        impl IntoAnswer for Error {
            fn into_answer(self, #unused: &str) -> Answer {
                let answer = named_error(self.documented(), #request_id);
                match self { #arms }
            }
        }
        impl OperationError for Error {
            #refuse
        }
    }
}

/// The function that chooses the error with which a request is refused.
fn refuse(errors: &Errors<'_>) -> TokenStream {
    let mut arms = Vec::new();
    let mut add = |pattern: TokenStream, error: Option<TokenStream>| {
        arms.extend(error.map(|error| quote!(#pattern => Some(#error),)));
    };
    add(quote!(Refusal::Unauthenticated), errors.constructor(401, None));
    add(quote!(Refusal::AccessDenied), errors.constructor(403, None));
    add(quote!(Refusal::RateLimited { .. }), errors.constructor(429, Some("rate_limited")));
    for named in errors.errors.iter().filter(|named| *named.error.status == 400) {
        let Some(parameter) = named.error.name.strip_prefix("invalid_") else { continue };
        let error = errors.constructor(400, Some(&named.error.name));
        match parameter {
            "body" => add(quote!(Refusal::Body { .. }), error),
            name => add(quote!(Refusal::Parameter { name: #name, .. }), error),
        }
    }
    add(quote!(Refusal::Failed), errors.constructor(500, None));
    add(quote!(Refusal::Unavailable { .. }), errors.constructor(503, None));
    let waits = arms.iter().any(|arm| arm.to_string().contains("seconds"));
    let copied = waits.then(|| quote!(let seconds = refusal.retry_after().unwrap_or_default();));
    quote! {
        fn refuse(refusal: &Refusal) -> Option<Self> {
            #copied
            match refusal {
                #(#arms)*
                _ => None,
            }
        }
    }
}
