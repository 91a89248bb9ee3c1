//! Generates `server/src/api/generated.rs`: the strict dropshot server.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Value as Json, json};

use openapi_model::document::{Document, Location};
use openapi_model::schema::{Bound, Schema, SchemaId, Types};
use openapi_model::span::{Span, Spanned};
use openapi_model::written;

use super::api::{Api, DocumentedError, Header, Operation, Parameter, resolved, resolved_id};
use super::names::{ident, snake, type_ident, value_ident};
use super::problem::Problem;
use super::types::{self, Unsupported, doc_lines};
use apidrift_core::canonical;

const RUNTIME: &str = include_str!("server_runtime.rs.in");
/// Headers that the adapter adds to the answers of every operation with a rate limit.
const USAGE_HEADERS: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
/// The property of the error schema for the request's ID in answers to internal errors.
const REQUEST_ID: &str = "request_id";

/// Generates the source text. `operations` are those of the contract, in the order of the output.
pub fn server(api: &Api<'_>, operations: &[&Operation<'_>]) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut keep = |result: Result<TokenStream, Unsupported>, what: String| {
        result.unwrap_or_else(|unsupported| {
            problems.push(Problem::new(
                unsupported.span,
                format!("{what} cannot be turned into code: {}", unsupported.why),
            ));
            quote!()
        })
    };
    let document = api.document;
    let mut schemas: Vec<_> = document.components.iter().collect();
    schemas.sort_by(|(one, _), (other, _)| one.value.cmp(&other.value));
    let mut components = Vec::new();
    for (name, id) in schemas {
        let component = types::component(document, name, *id);
        components.push(keep(component, format!("the schema `{}`", name.value)));
    }
    let mut modules = Vec::new();
    for operation in operations {
        modules.push(keep(module(document, operation), format!("the operation `{}`", operation.id.value)));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = whole(api, operations, &components, &modules)?;
    Ok(format!(
        "//! The contract as a dropshot server: its types, its errors, and the adapter that answers requests.\n\
         #![cfg_attr(rustfmt, rustfmt_skip)]\n\
         #![allow(clippy::all, clippy::expect_used, dead_code, unused_imports, unused_mut, unused_variables)]\n\n{text}"
    ))
}

fn whole(
    api: &Api<'_>,
    operations: &[&Operation<'_>],
    components: &[TokenStream],
    modules: &[TokenStream],
) -> Result<String, Vec<Problem>> {
    let own = |error: &dyn std::fmt::Display| {
        vec![Problem::new(Span::default(), format!("the generator wrote invalid Rust: {error}"))]
    };
    let runtime: TokenStream = RUNTIME.parse().map_err(|error: proc_macro2::LexError| own(&error))?;
    let info = &api.document.info;
    let (title, version) = (&info.title.value, &info.version.value);
    let names: Vec<Ident> = operations.iter().map(|operation| value_ident(operation.id)).collect();
    let methods = operations.iter().map(|operation| method(operation));
    let endpoints = operations.iter().map(|operation| endpoint(operation));
    let adapters = operations.iter().map(|operation| adapter(operation));
    let tags = api.document.tags.iter().map(|tag| {
        let (name, description) = (&tag.name.value, &tag.description);
        quote!(#name = { description = #description })
    });
    let error = type_ident(api.error_schema);
    let has_request_id = has_request_id(api);
    let tests = examples(operations);
    let document = emitted_document(version);
    let tokens = quote! {
        /// What does not depend on the contract.
        mod runtime {
            use super::types::#error as ErrorSchema;
            /// Whether the schema of errors has a place for the request's ID.
            const HAS_REQUEST_ID: bool = #has_request_id;
            #runtime
        }
        pub use runtime::{
            Answer, Api, Documented, Gate, GateFailure, OperationError, OperationInfo, OperationSuccess, Parameters, RateLimit,
            Refused, Usage,
        };

        /// The contract's schemas.
        pub mod types {
            use super::runtime::{JsonSchema, Schema, SchemaGenerator, contract_schema};
            use ::serde::{Deserialize, Serialize};
            #(#components)*
        }

        /// What each operation takes and answers.
        pub mod operation {
            #(#modules)*
        }

        const TITLE: &str = #title;
        const VERSION: &str = #version;
        /// All operations, by path and method.
        pub const OPERATIONS: &[&OperationInfo] = &[#(&operation::#names::INFO),*];

        /// What the operations do. This is what a person writes: typed, permitted and decoded requests in, one of the
        /// documented answers out.
        pub trait Operations: Send + Sync + 'static {
            /// Who calls; the gate's.
            type Caller: Send + Sync + 'static;
            #(#methods)*
        }

        /// The endpoints, for dropshot. Only [`Adapter`] implements it.
        #[dropshot::api_description { tag_config = { allow_other_tags = false, tags = { #(#tags),* } } }]
        pub trait HttpApi {
            /// dropshot's context.
            type Context;
            #(#endpoints)*
        }

        /// Turns dropshot's requests into calls of [`Operations`].
        #[derive(Debug)]
        pub struct Adapter<G, O>(::std::marker::PhantomData<fn() -> (G, O)>);

        impl<G: Gate, O: Operations<Caller = G::Caller>> HttpApi for Adapter<G, O> {
            type Context = ::std::sync::Arc<Api<G, O>>;
            #(#adapters)*
        }

        /// What dropshot serves.
        pub fn api_description<G: Gate, O: Operations<Caller = G::Caller>>()
            -> Result<dropshot::ApiDescription<::std::sync::Arc<Api<G, O>>>, String> {
            http_api_mod::api_description::<Adapter<G, O>>().map_err(|error| error.to_string())
        }

        /// The document that this server stands for: what dropshot emits of it, with the errors, permissions and rate limits
        /// that the server is built from.
        pub fn openapi() -> Result<::serde_json::Value, String> {
            let description = http_api_mod::stub_api_description().map_err(|error| error.to_string())?;
            #document
            runtime::with_errors(document, OPERATIONS)
        }
        #tests
    };
    let file = syn::parse2(tokens).map_err(|error| own(&error))?;
    Ok(prettyplease::unparse(&file))
}

/// The code that emits the server's document. dropshot accepts only semantic versions; any other is inserted
/// afterwards.
fn emitted_document(version: &str) -> TokenStream {
    if semver::Version::parse(version).is_ok() {
        return quote! {
            let version = VERSION.parse().map_err(|error| format!("the version {VERSION}: {error}"))?;
            let document = description.openapi(TITLE, version).json().map_err(|error| error.to_string())?;
        };
    }
    quote! {
        let version = "0.0.0".parse().map_err(|error| format!("the version 0.0.0: {error}"))?;
        let mut document = description.openapi(TITLE, version).json().map_err(|error| error.to_string())?;
        document["info"]["version"] = VERSION.into();
    }
}

/// Whether the error schema has a property for the request's ID.
fn has_request_id(api: &Api<'_>) -> bool {
    let schema = api.document.component(api.error_schema).map(|id| api.document.schema(id));
    schema.is_some_and(|schema| schema.properties.iter().any(|property| *property.name.value == *REQUEST_ID))
}

fn method(operation: &Operation<'_>) -> TokenStream {
    let name = value_ident(operation.id);
    let docs = doc_lines(&docs_text(operation));
    quote! {
        #docs
        fn #name(&self, caller: &Self::Caller, request: operation::#name::Request)
            -> impl Future<Output = Result<operation::#name::Success, operation::#name::Error>> + Send;
    }
}

/// Summary and description as one text.
fn docs_text(operation: &Operation<'_>) -> String {
    match (operation.summary, operation.description) {
        ("", description) => description.to_owned(),
        (summary, "") => format!("{summary}."),
        (summary, description) => format!("{}.\n\n{description}", summary.trim_end_matches('.')),
    }
}

fn endpoint(operation: &Operation<'_>) -> TokenStream {
    let name = value_ident(operation.id);
    let method = ident(operation.method);
    let (path, id, tags) = (&operation.path.value, &operation.id.value, &operation.tags);
    // dropshot uses the first line of the docs as the summary and the rest as the description.
    let summary = (!operation.summary.is_empty()).then(|| format!(" {}", canonical::words(operation.summary)));
    let description = canonical::unwrapped(operation.description);
    let description = description.iter().filter(|_| !operation.description.is_empty()).map(|line| format!(" {line}"));
    let docs: Vec<String> = match summary {
        Some(summary) => [summary, String::new()].into_iter().chain(description).collect(),
        None => description.collect(),
    };
    let parameters = parameters_type(operation);
    let deprecated = operation.is_deprecated.then(|| quote!(, deprecated = true));
    quote! {
        #(#[doc = #docs])*
        #[endpoint { method = #method, path = #path, operation_id = #id, tags = [#(#tags),*] #deprecated }]
        async fn #name(rqctx: dropshot::RequestContext<Self::Context>, parameters: #parameters)
            -> Result<Answer<operation::#name::Success, operation::#name::Error>, Refused>;
    }
}

fn adapter(operation: &Operation<'_>) -> TokenStream {
    let name = value_ident(operation.id);
    let parameters = parameters_type(operation);
    quote! {
        async fn #name(rqctx: dropshot::RequestContext<Self::Context>, parameters: #parameters)
            -> Result<Answer<operation::#name::Success, operation::#name::Error>, Refused> {
            let api = rqctx.context().clone();
            let authorization = rqctx.request.headers().get(::http::header::AUTHORIZATION).cloned();
            Ok(runtime::answer(
                api,
                &operation::#name::INFO,
                rqctx.request_id.clone(),
                (rqctx.request.remote_addr(), authorization),
                move || operation::#name::Request::decode(parameters),
                |api, caller, request| async move { api.operations.#name(&caller, request).await },
            )
            .await)
        }
    }
}

fn parameters_type(operation: &Operation<'_>) -> TokenStream {
    let name = value_ident(operation.id);
    let has = |location| operation.parameters.iter().any(|parameter| parameter.location == location);
    let path = if has(Location::Path) { quote!(operation::#name::Path) } else { quote!(runtime::NoParameters) };
    let query = if has(Location::Query) { quote!(operation::#name::Query) } else { quote!(runtime::NoParameters) };
    quote!(Parameters<#path, #query>)
}

/// Generates the module of one operation.
fn module(document: &Document, operation: &Operation<'_>) -> Result<TokenStream, Unsupported> {
    let name = value_ident(operation.id);
    let doc = format!(" `{}`", operation.id.value);
    let (info, request, success, error) =
        (info(operation), request(document, operation)?, success(document, operation)?, error(document, operation)?);
    Ok(quote! {
        #[doc = #doc]
        pub mod #name {
            use super::super::runtime::*;
            use super::super::types;
            use ::serde::{Deserialize, Serialize};
            #info
            #request
            #success
            #error
        }
    })
}

fn info(operation: &Operation<'_>) -> TokenStream {
    let (id, method, path) = (&operation.id.value, &operation.method.value, &operation.path.value);
    let permission = operation.permission;
    let (requests, seconds) = (operation.rate_limit.requests, operation.rate_limit.window_seconds);
    quote! {
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: #id,
            method: #method,
            path: #path,
            permission: #permission,
            rate_limit: RateLimit { requests: #requests, window_seconds: #seconds },
            errors: <Error as OperationError>::DOCUMENTED,
        };
    }
}

fn sorted<'a>(operation: &'a Operation<'a>) -> Vec<&'a Parameter<'a>> {
    let mut parameters: Vec<&Parameter<'_>> = operation.parameters.iter().collect();
    parameters.sort_by_key(|parameter| (parameter.location.name(), parameter.name.value.clone()));
    parameters
}

fn request(document: &Document, operation: &Operation<'_>) -> Result<TokenStream, Unsupported> {
    let mut fields = Vec::new();
    let mut decoders = Vec::new();
    let mut names = Vec::new();
    for parameter in sorted(operation) {
        let (rust, decode) = decoder(document, parameter)?;
        let name = value_ident(parameter.name);
        let docs = doc_lines(parameter.description);
        let variant = type_ident(&invalid(parameter));
        let key = &parameter.name.value;
        let rust = if parameter.required { rust } else { quote!(::std::option::Option<#rust>) };
        fields.push(quote!(#docs pub #name: #rust,));
        let raw = match parameter.location {
            Location::Path => quote!(undecoded.path.as_ref().map(|path| path.#name.clone())),
            _ => quote!(query_parameter(undecoded.query.as_deref(), #key).map_err(|_| Error::#variant)?),
        };
        let decoded = quote! {
            #raw.map(|text| -> ::std::result::Result<_, BadParameter> { let text = text.as_str(); #decode })
                .transpose()
                .map_err(|_| Error::#variant)?
        };
        let value = if parameter.required { quote!(#decoded.ok_or(Error::#variant)?) } else { decoded };
        decoders.push(quote!(#name: #value,));
        names.push(name);
    }
    let path = text_struct(document, operation, Location::Path, "Path");
    let query = text_struct(document, operation, Location::Query, "Query");
    let has = |location| operation.parameters.iter().any(|parameter| parameter.location == location);
    let path_type = if has(Location::Path) { quote!(Path) } else { quote!(NoParameters) };
    let query_type = if has(Location::Query) { quote!(Query) } else { quote!(NoParameters) };
    Ok(quote! {
        #path
        #query
        /// A request: permitted and decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request { #(#fields)* }
        impl Request {
            pub(in super::super) fn decode(undecoded: Parameters<#path_type, #query_type>) -> ::std::result::Result<Self, Error> {
                Ok(Request { #(#decoders)* })
            }
        }
    })
}

/// The name of the error for a malformed parameter.
pub fn invalid(parameter: &Parameter<'_>) -> String {
    format!("invalid_{}", parameter.name.value)
}

/// The type of a parameter and the expression that decodes `text` into it.
fn decoder(document: &Document, parameter: &Parameter<'_>) -> Result<(TokenStream, TokenStream), Unsupported> {
    let schema = resolved(document, parameter.schema);
    let of_parameter = |unsupported: Unsupported| Unsupported {
        why: format!("its parameter `{}`: {}", parameter.name.value, unsupported.why),
        ..unsupported
    };
    let unsupported = |span: Span, why: String| of_parameter(Unsupported { why, span });
    if let Some((word, span)) = not_decoded(schema) {
        return Err(unsupported(span, format!("`{word}` is not enforced")));
    }
    let rust = types::field_of(document, schema)?.rust;
    let format = schema.format.as_ref().map(|format| format.value.as_str());
    let none = || quote!(::std::option::Option::None);
    let decode = match (types::kind(schema), format) {
        (Some("string"), Some("uuid")) => quote!(decode_uuid(text)),
        (Some("string"), None) => {
            let length = |key: &str, length: &Option<Spanned<u64>>| {
                let length = length.as_ref().map(|length| usize::try_from(length.value)).transpose();
                length.map_err(|_| unsupported(schema.span, format!("its `{key}` is not a length")))
            };
            let low = length("minLength", &schema.min_length)?.unwrap_or(0);
            let high = length("maxLength", &schema.max_length)?;
            let high = high.map_or_else(none, |high| quote!(::std::option::Option::Some(#high)));
            quote!(of_length(text, #low, #high))
        }
        (Some("integer"), _) => {
            let limit = |value: Option<i128>| {
                value.map_or_else(none, |value| {
                    let value = proc_macro2::Literal::i128_unsuffixed(value);
                    quote!(::std::option::Option::Some(#value))
                })
            };
            let (low, high) = types::bounds(schema)?;
            let (low, high) = (limit(low), limit(high));
            quote!(decode_text::<#rust>(text).and_then(|value| within(value, #low, #high)))
        }
        (Some("boolean"), _) => quote!(decode_text::<bool>(text)),
        _ => {
            let why = "a parameter must be a `string` (plain or `uuid`), an `integer` or a `boolean`";
            return Err(unsupported(schema.span, why.into()));
        }
    };
    Ok((rust, decode))
}

/// A keyword of a parameter's schema that decoding does not enforce, in addition to those that are never enforced.
fn not_decoded(schema: &Schema) -> Option<(&'static str, Span)> {
    let exclusive =
        |bound: &Option<Bound>| bound.as_ref().filter(|bound| bound.exclusive).map(|bound| bound.value.span);
    let nullable = || schema.types.as_ref().filter(|types| types.holds(Types::NULL)).map(|types| types.span);
    let words = [
        ("enum", schema.enumeration.as_ref().map(|values| values.span)),
        ("default", schema.default.as_ref().map(|value| Span::new(schema.span.file, &value.range))),
        ("nullable", schema.nullable.or_else(nullable)),
        ("exclusiveMinimum", exclusive(&schema.minimum)),
        ("exclusiveMaximum", exclusive(&schema.maximum)),
        ("multipleOf", schema.multiple_of.as_ref().map(|number| number.span)),
    ];
    words.into_iter().find_map(|(word, span)| Some((word, span?)))
}

/// The schema of a parameter or a header as JSON, with references resolved.
fn written_resolved(document: &Document, id: SchemaId) -> Json {
    written::schema(document, resolved_id(document, id))
}

/// A struct of the undecoded parameters of one location, all texts, with the contract's schema.
fn text_struct(document: &Document, operation: &Operation<'_>, location: Location, name: &str) -> TokenStream {
    let parameters: Vec<&Parameter<'_>> =
        sorted(operation).into_iter().filter(|parameter| parameter.location == location).collect();
    if parameters.is_empty() {
        return quote!();
    }
    let type_name = ident(name);
    let fields = parameters.iter().map(|parameter| {
        let (field, key) = (value_ident(parameter.name), &parameter.name.value);
        let rust = if parameter.required {
            quote!(::std::string::String)
        } else {
            quote!(::std::option::Option<::std::string::String>)
        };
        quote!(#[serde(rename = #key)] pub(super) #field: #rust,)
    });
    let properties: serde_json::Map<String, Json> = parameters
        .iter()
        .map(|parameter| {
            let mut schema = written_resolved(document, parameter.schema);
            if !parameter.description.is_empty() {
                schema["description"] = parameter.description.into();
            }
            (parameter.name.value.clone(), schema)
        })
        .collect();
    let required: Vec<&str> = parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name.value.as_str())
        .collect();
    let schema = json!({"type": "object", "required": required, "properties": properties});
    let references = types::references(document, parameters.iter().map(|parameter| parameter.schema));
    // Two operations may have equally named parameters, so the schema's name must distinguish them.
    let implementation =
        types::json_schema(&type_name, &format!("{}{name}", snake(operation.id)), &schema, &references);
    quote! {
        /// Parameters as they come.
        #[derive(Debug, Deserialize)]
        pub struct #type_name { #(#fields)* }
        #implementation
    }
}

fn success(document: &Document, operation: &Operation<'_>) -> Result<TokenStream, Unsupported> {
    let success = &operation.success;
    let Some(schema) = success.schema else {
        return Err(Unsupported { why: "it has no body".into(), span: success.status.span });
    };
    let body = type_ident(schema);
    let coded = match success.status.value {
        200 => quote!(dropshot::HttpResponseOk<types::#body>),
        201 => quote!(dropshot::HttpResponseCreated<types::#body>),
        202 => quote!(dropshot::HttpResponseAccepted<types::#body>),
        other => {
            return Err(Unsupported {
                why: format!("its success has the status {other}; the generator supports only 200, 201 and 202"),
                span: success.status.span,
            });
        }
    };
    let own: Vec<&Header<'_>> = own_headers(&success.headers);
    let fields = header_fields(document, &own, Some(quote!(pub)))?;
    let writers = header_writers(&own, &quote!(&self.));
    let description = canonical::unwrapped(success.description).join("\n");
    let headers: serde_json::Map<String, Json> = success
        .headers
        .iter()
        .map(|header| {
            let mut schema = written_resolved(document, header.schema);
            schema["description"] = header.description.into();
            (header.name.value.clone(), schema)
        })
        .collect();
    let required: Vec<&str> =
        success.headers.iter().filter(|header| header.required).map(|header| header.name.value.as_str()).collect();
    let references = types::references(document, success.headers.iter().map(|header| header.schema));
    let schema = json!({"type": "object", "required": required, "properties": headers});
    let implementation = types::json_schema(
        &ident("SuccessHeaders"),
        &format!("{}SuccessHeaders", snake(operation.id)),
        &schema,
        &references,
    );
    let docs = doc_lines(success.description);
    Ok(quote! {
        #docs
        #[derive(Debug, Clone, PartialEq)]
        pub struct Success {
            /// The body.
            pub body: types::#body,
            #(#fields)*
        }
        /// The headers of that answer, as the contract describes them.
        #[derive(Debug, Serialize)]
        pub struct SuccessHeaders {}
        #implementation
        impl OperationSuccess for Success {
            type Coded = #coded;
            type Headers = SuccessHeaders;
            const DESCRIPTION: &'static str = #description;
            fn body(&self) -> ::serde_json::Result<::std::vec::Vec<u8>> {
                ::serde_json::to_vec(&self.body)
            }
            fn headers(&self, __written: &mut ::http::HeaderMap) {
                #(#writers)*
            }
        }
    })
}

/// The headers that an operation sets itself, by name: all except those of the rate limit.
pub fn own_headers<'a>(headers: &'a [Header<'a>]) -> Vec<&'a Header<'a>> {
    let mut own: Vec<&Header<'_>> =
        headers.iter().filter(|header| !USAGE_HEADERS.contains(&header.name.to_lowercase().as_str())).collect();
    own.sort_by_key(|header| header.name.to_lowercase());
    own
}

/// The fields for an answer's own headers: public in a struct, without visibility in a variant.
fn header_fields(
    document: &Document,
    headers: &[&Header<'_>],
    visibility: Option<TokenStream>,
) -> Result<Vec<TokenStream>, Unsupported> {
    let with_values = headers.iter().filter(|header| header.constant.is_none());
    with_values
        .map(|header| {
            let unsupported = |why: String| Unsupported {
                why: format!("its header `{}`: {why}", header.name.value),
                span: header.name.span,
            };
            let field =
                types::field_of(document, resolved(document, header.schema)).map_err(|error| unsupported(error.why))?;
            let schema = resolved(document, header.schema);
            let kind = types::kind(schema);
            if field.reference.is_some() || field.time || kind == Some("array") {
                return Err(unsupported(
                    "a header must be a `string` (plain or `uuid`), a number or a `boolean`".into(),
                ));
            }
            let (name, docs, rust) = (value_ident(header.name), doc_lines(header.description), field.rust);
            let rust = if header.required { rust } else { quote!(::std::option::Option<#rust>) };
            Ok(quote!(#docs #visibility #name: #rust,))
        })
        .collect()
}

/// Two leading underscores are reserved for generated code: no name of the contract is converted to one.
fn header_writers(headers: &[&Header<'_>], owner: &TokenStream) -> Vec<TokenStream> {
    headers
        .iter()
        .map(|header| {
            let (key, name) = (header.name.to_lowercase(), value_ident(header.name));
            match (&header.constant, header.required) {
                (Some(value), _) => quote!(put(__written, #key, &#value);),
                (None, true) => quote!(put(__written, #key, #owner #name);),
                (None, false) => quote!(if let Some(__value) = #owner #name { put(__written, #key, __value); }),
            }
        })
        .collect()
}

fn error(document: &Document, operation: &Operation<'_>) -> Result<TokenStream, Unsupported> {
    let mut variants = Vec::new();
    let mut indices = Vec::new();
    let mut writers = Vec::new();
    for (index, error) in operation.errors.iter().enumerate() {
        let variant = type_ident(error.name);
        let headers = own_headers(&error.headers);
        let fields = header_fields(document, &headers, None)?;
        let docs = doc_lines(&format!("{} `{}`: {}", error.status, error.message, error.summary));
        let with_values = headers.iter().filter(|header| header.constant.is_none());
        let bound: Vec<Ident> = with_values.map(|header| value_ident(header.name)).collect();
        let puts = header_writers(&headers, &quote!());
        if bound.is_empty() {
            variants.push(quote!(#docs #variant,));
            indices.push(quote!(Error::#variant => &Self::DOCUMENTED[#index],));
            writers.push(quote!(Error::#variant => { #(#puts)* }));
        } else {
            variants.push(quote!(#docs #variant { #(#fields)* },));
            indices.push(quote!(Error::#variant { .. } => &Self::DOCUMENTED[#index],));
            writers.push(quote!(Error::#variant { #(#bound),* } => { #(#puts)* }));
        }
    }
    let documented = operation.errors.iter().map(|error| {
        let (status, key, message) = (error.status, &error.name.value, error.message);
        let summary = canonical::words(error.summary);
        let mut headers: Vec<(&str, bool)> =
            error.headers.iter().map(|header| (header.name.as_str(), header.required)).collect();
        headers.sort_unstable();
        let headers = headers.iter().map(|(name, required)| quote!((#name, #required)));
        quote!(Documented { name: #key, status: #status, message: #message, summary: #summary, headers: &[#(#headers),*] })
    });
    let mut roles = Vec::new();
    for role in ROLES {
        roles.push(role_constructor(document, operation, role)?);
    }
    Ok(quote! {
        /// The errors that the operation documents, and no others.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error { #(#variants)* }
        impl OperationError for Error {
            const DOCUMENTED: &'static [Documented] = &[#(#documented),*];
            fn documented(&self) -> &'static Documented {
                match self { #(#indices)* }
            }
            fn headers(&self, __written: &mut ::http::HeaderMap) {
                match self { #(#writers)* }
            }
            #(#roles)*
        }
    })
}

/// An error that the adapter itself returns.
pub struct Role {
    /// Its status.
    pub status: u16,
    /// Its name, if the status alone is ambiguous.
    pub name: Option<&'static str>,
    /// When it is returned.
    pub when: &'static str,
    constructor: &'static str,
    takes_wait: bool,
}

/// The errors that the adapter itself returns.
pub const ROLES: &[Role] = &[
    Role {
        status: 401,
        name: None,
        when: "a request without a valid key",
        constructor: "unauthorized",
        takes_wait: false,
    },
    Role {
        status: 403,
        name: None,
        when: "a key without the permission",
        constructor: "access_denied",
        takes_wait: false,
    },
    Role {
        status: 429,
        name: Some("rate_limited"),
        when: "a request over the rate limit",
        constructor: "rate_limited",
        takes_wait: true,
    },
    Role {
        status: 500,
        name: None,
        when: "a failure inside the server",
        constructor: "internal_server_error",
        takes_wait: false,
    },
    Role {
        status: 503,
        name: None,
        when: "a request that took too long",
        constructor: "service_unavailable",
        takes_wait: true,
    },
];

impl Role {
    /// The operation's documented error for this role.
    pub fn find<'a>(&self, operation: &'a Operation<'_>) -> Option<&'a DocumentedError<'a>> {
        let is = |error: &&DocumentedError<'_>| {
            error.status == self.status && self.name.is_none_or(|name| *error.name.value == *name)
        };
        operation.errors.iter().find(is)
    }
}

/// The constructor of an error that the adapter itself returns.
fn role_constructor(document: &Document, operation: &Operation<'_>, role: &Role) -> Result<TokenStream, Unsupported> {
    let Some(error) = role.find(operation) else {
        return Err(Unsupported {
            why: format!("it documents no {} for {}", role.status, role.when),
            span: operation.id.span,
        });
    };
    // Without a known caller there is no rate limit to report.
    let unknown_usage =
        |header: &&Header<'_>| header.required && USAGE_HEADERS.contains(&header.name.to_lowercase().as_str());
    if role.status == 401
        && let Some(header) = error.headers.iter().find(unknown_usage)
    {
        return Err(Unsupported {
            why: format!("a 401 cannot have the header `{}`: the caller is not known yet", header.name.value),
            span: header.name.span,
        });
    }
    let variant = type_ident(error.name);
    let mut values = Vec::new();
    for header in own_headers(&error.headers).into_iter().filter(|header| header.constant.is_none()) {
        let field = value_ident(header.name);
        let number = types::kind(resolved(document, header.schema)) == Some("integer");
        let is_wait = role.takes_wait && number && header.name.eq_ignore_ascii_case("retry-after");
        values.push(match (is_wait, header.required) {
            (true, true) => quote!(#field: seconds.try_into().unwrap_or(i32::MAX as _)),
            (true, false) => quote!(#field: ::std::option::Option::Some(seconds.try_into().unwrap_or(i32::MAX as _))),
            (false, false) => quote!(#field: ::std::option::Option::None),
            (false, true) => {
                return Err(Unsupported {
                    why: format!(
                        "the server answers `{}` itself and has no value for its header `{}`",
                        error.name.value, header.name.value
                    ),
                    span: header.name.span,
                });
            }
        });
    }
    let method = ident(role.constructor);
    let argument = role.takes_wait.then(|| quote!(seconds: u64));
    let value = if values.is_empty() { quote!(Error::#variant) } else { quote!(Error::#variant { #(#values),* }) };
    Ok(quote! { fn #method(#argument) -> Self { #value } })
}

/// A test that the contract's own examples are unchanged after conversion to the types and back.
fn examples(operations: &[&Operation<'_>]) -> TokenStream {
    let mut tests = Vec::new();
    for operation in operations {
        let Some(schema) = operation.success.schema else { continue };
        for (index, value) in operation.success.examples.iter().enumerate() {
            let test = value_ident(&format!("{}_{}", operation.id.value, index + 1));
            let (body, text) = (type_ident(schema), canonical::canonical(&json!({ "value": value })));
            let text = text["value"].to_string();
            tests.push(quote!(#[test] fn #test() { survives::<super::types::#body>(#text); }));
        }
    }
    quote! {
        #[cfg(test)]
        mod examples_of_the_contract {
            /// Whether two values mean the same: absent is null, numbers and times may be written in several ways.
            fn same(one: &::serde_json::Value, other: &::serde_json::Value) -> bool {
                use ::serde_json::Value;
                let time = |text: &str| ::chrono::DateTime::parse_from_rfc3339(text).ok();
                match (one, other) {
                    (Value::Object(one), Value::Object(other)) => {
                        let keys: ::std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
                        keys.iter().all(|key| same(one.get(*key).unwrap_or(&Value::Null), other.get(*key).unwrap_or(&Value::Null)))
                    }
                    (Value::Array(one), Value::Array(other)) => {
                        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
                    }
                    (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
                    (Value::String(one), Value::String(other)) => one == other || (time(one).is_some() && time(one) == time(other)),
                    (one, other) => one == other,
                }
            }
            fn survives<T: ::serde::Serialize + ::serde::de::DeserializeOwned>(text: &str) {
                let example: ::serde_json::Value = ::serde_json::from_str(text).expect("the example is JSON");
                let typed: T = ::serde_json::from_str(text).expect("the type takes the example");
                let written = ::serde_json::to_value(&typed).expect("the type is JSON");
                assert!(same(&written, &example), "{written} is not {example}");
            }
            #(#tests)*
        }
    }
}
