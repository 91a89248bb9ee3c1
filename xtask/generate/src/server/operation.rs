//! The module of an operation: what the contract says of it as tables, its request, its answers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use apidrift_core::canonical::unwrapped;
use apidrift_core::contract::DocumentedError;
use openapi_model::document::{Document, Location, Response, SchemeKind, Status};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::Spanned;
use openapi_model::values::{Direction, Values};
use openapi_model::{node, written};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Value as Json, json};

use super::answers::{self, Answer};
use super::items::{Place, rust};
use super::kinds::kind;
use super::named;
use super::plan::{PlannedBody, PlannedMedia, PlannedOperation, PlannedParameter};
use super::refusals::refusals;
use super::texts;
use super::types::{Ty, Types};
use crate::docs;
use crate::media::{Format, format};
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

/// What the operations of a contract share.
pub struct Shared<'a> {
    /// The document.
    pub document: &'a Document,
    /// The validated schemas as JSON Schema, as planned.
    pub validated: &'a [Json],
    /// How the contract names errors, if it does.
    pub naming: Option<named::Naming<'a>>,
    /// The statics of security schemes, by their names.
    pub schemes: BTreeMap<&'a str, Ident>,
    /// What checks a caller: `Authenticated` or `WithinLimits`.
    pub admission: Ident,
    /// Whether examples and defaults fit.
    pub values: RefCell<Values<'a>>,
}

impl Shared<'_> {
    /// Whether a value fits a schema.
    pub fn fits(&self, schema: SchemaId, direction: Direction, value: &Json) -> bool {
        let Ok(node) = node::parse(&value.to_string()) else { return false };
        self.values.borrow_mut().fits(schema, direction, &node).unwrap_or_default()
    }
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

fn tables(shared: &Shared<'_>, planned: &PlannedOperation<'_>, has_named_errors: bool) -> TokenStream {
    let (document, operation) = (shared.document, planned.operation);
    let mut checks = quote!();
    let mut names = Scope::default();
    let mut check = |index: Option<usize>, name: Ident| match index.and_then(|index| shared.validated.get(index)) {
        Some(schema) => {
            let name = names.unique(&name);
            let text = texts::raw(&schema.to_string());
            checks.extend(quote!(static #name: Checked = Checked::new(&schemas::SCHEMAS, #text);));
            quote!(Some(&#name))
        }
        None => quote!(None),
    };
    let parameters: Vec<TokenStream> = planned
        .parameters
        .iter()
        .map(|parameter| {
            let check = check(parameter.validated, static_ident(&parameter.name, "CHECK"));
            self::parameter(shared, parameter, &check)
        })
        .collect();
    let body = planned.body.as_ref().map(|body| {
        let media = body.media.iter().map(|media| {
            let name = match body.media.len() {
                1 => format_ident!("BODY_CHECK"),
                _ => static_ident(&media.variant, "BODY_CHECK"),
            };
            let check = check(media.validated, name);
            self::media(document, media, &check)
        });
        let media: Vec<TokenStream> = media.collect();
        let required = body.body.required.value;
        let description = description(&body.body.description);
        quote! {
            static BODY: BodyInfo = BodyInfo { required: #required, description: #description, content: &[#(#media),*] };
        }
    });
    let (parameters, parameter_table) = match parameters.len() {
        0 => (quote!(&[]), quote!()),
        count => {
            let count = proc_macro2::Literal::usize_unsuffixed(count);
            (quote!(&PARAMETERS), quote!(static PARAMETERS: [Parameter; #count] = [#(#parameters),*];))
        }
    };
    let has_body = body.as_ref().map_or_else(|| quote!(None), |_| quote!(Some(&BODY)));
    let mut responses: Vec<_> = operation.spec.responses.iter().collect();
    responses.sort_by_key(|response| response.status.value);
    // What a server with named errors says of them comes from its errors themselves.
    let examples: &[DocumentedError] = if has_named_errors { &[] } else { &operation.errors };
    let answers = responses.into_iter().map(|response| answer(document, response, examples));
    let (id, method, path) = (&planned.id, &operation.method.value, &operation.path.value);
    let tags = operation.tags.iter().map(|tag| &tag.value);
    let (summary, details) = (description(&operation.summary), description(&operation.description));
    let deprecated = operation.deprecated.is_some();
    let permission = planned.permission().map_or_else(|| quote!(None), |permission| quote!(Some(#permission)));
    let rate_limit = planned.rate_limit().map_or_else(
        || quote!(None),
        |limit| {
            let (requests, seconds) = (number(limit.requests), number(limit.window_seconds));
            quote!(Some(RateLimit { requests: #requests, window_seconds: #seconds }))
        },
    );
    let security = operation.security.alternatives.iter().map(|needed| {
        let uses = needed.iter().map(|one| {
            let scheme = &shared.schemes[one.name.value.as_str()];
            let scopes = one.scopes.iter().map(|scope| &scope.value);
            quote!(SchemeUse { scheme: &schemas::security::#scheme, scopes: &[#(#scopes),*] })
        });
        quote!(&[#(#uses),*])
    });
    // Named errors refuse requests themselves.
    let (errors, refusals) = match has_named_errors {
        true => (quote!(<Error as NamedError>::DOCUMENTED), Vec::new()),
        false => (quote!(&[]), refusals(shared, operation)),
    };
    quote! {
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: #id,
            method: #method,
            path: #path,
            tags: &[#(#tags),*],
            summary: #summary,
            description: #details,
            deprecated: #deprecated,
            security: &[#(#security),*],
            permission: #permission,
            rate_limit: #rate_limit,
            parameters: #parameters,
            body: #has_body,
            answers: &[#(#answers),*],
            errors: #errors,
            refusals: &[#(#refusals),*],
        };
        #parameter_table
        #body
        #checks
    }
}

fn number(value: u64) -> proc_macro2::Literal {
    proc_macro2::Literal::u64_unsuffixed(value)
}

fn static_ident(name: &Ident, kind: &str) -> Ident {
    let name = crate::names::snake(&name.to_string()).to_uppercase();
    ident(&format!("{name}_{kind}"))
}

/// The statics of security schemes, by their names.
pub fn scheme_idents(document: &Document) -> BTreeMap<&str, Ident> {
    let mut names = Scope::default();
    let schemes = document.security_schemes.iter().map(|scheme| scheme.name.value.as_str());
    schemes.map(|name| (name, names.unique(&ident(&crate::names::snake(name).to_uppercase())))).collect()
}

fn description(text: &Option<Spanned<String>>) -> String {
    text.as_ref().map(|text| unwrapped(text.trim()).join("\n")).unwrap_or_default()
}

fn parameter(shared: &Shared<'_>, planned: &PlannedParameter<'_>, check: &TokenStream) -> TokenStream {
    let document = shared.document;
    let key = &planned.key;
    let location = match planned.location {
        Location::Path => quote!(Path),
        Location::Query => quote!(Query),
        Location::Header => quote!(Header),
        Location::Cookie => quote!(Cookie),
    };
    let (style, explode) = match planned.parameter {
        Some(parameter) => (style(&parameter.style, planned.location), parameter.explode.value),
        None => ("Simple", false),
    };
    let style = ident(style);
    let (style, explode) = match planned.media {
        Some((media, true)) => (quote!(Json(#media)), false),
        Some((media, false)) => (quote!(Whole(#media)), false),
        None => (quote!(#style), explode),
    };
    let kind = kind(document, &planned.schemas);
    let default = default_of(shared, &planned.schemas).map(|value| texts::raw(&value.to_string()));
    let default = default.map_or_else(|| quote!(None), |value| quote!(Some(#value)));
    let schema = match (planned.schemas.ids().first(), planned.media) {
        (None, Some(_)) => quote!(""),
        (schema, _) => schema_text(document, schema.copied()),
    };
    let required = planned.parameter.is_none_or(|parameter| parameter.required.value);
    let text = planned.parameter.map(|parameter| description(&parameter.description)).unwrap_or_default();
    let deprecated = planned.parameter.is_some_and(|parameter| parameter.deprecated.is_some());
    quote! {
        Parameter {
            name: #key,
            location: Location::#location,
            required: #required,
            style: Style::#style,
            explode: #explode,
            kind: #kind,
            default: #default,
            validate: #check,
            schema: #schema,
            description: #text,
            deprecated: #deprecated,
        }
    }
}

/// The style of a parameter. A style that its location does not have means the default.
fn style(written: &str, location: Location) -> &'static str {
    match (location, written) {
        (Location::Path, "label") => "Label",
        (Location::Path, "matrix") => "Matrix",
        (Location::Path | Location::Header, _) => "Simple",
        (_, "spaceDelimited") => "SpaceDelimited",
        (_, "pipeDelimited") => "PipeDelimited",
        (_, "deepObject") => "DeepObject",
        _ => "Form",
    }
}

/// The default of a schema, if it fits.
fn default_of(shared: &Shared<'_>, schemas: &AllOf) -> Option<Json> {
    let &[id] = schemas.ids() else { return None };
    let default = shared.document.shape_of(id).default.clone().filter(|value| !value.is_null())?;
    shared.fits(id, Direction::Request, &default).then_some(default)
}

fn media(document: &Document, planned: &PlannedMedia<'_>, check: &TokenStream) -> TokenStream {
    let name = &planned.media.name.value;
    let kind = match (planned.format, planned.media.schema) {
        (Format::Form | Format::Multipart, Some(schema)) => {
            let kind = kind(document, &AllOf::from(schema));
            quote!(Some(#kind))
        }
        _ => quote!(None),
    };
    let schema = schema_text(document, planned.media.schema);
    quote!(Media { name: #name, kind: #kind, validate: #check, schema: #schema })
}

/// A schema as the contract has it; empty if there is none.
fn schema_text(document: &Document, schema: Option<SchemaId>) -> TokenStream {
    match schema {
        Some(schema) => texts::json(&written::schema(document, schema)),
        None => quote!("{}"),
    }
}

/// A documented answer: its status, and the response as JSON, with examples of those of the errors that it has.
fn answer(document: &Document, response: &Response, errors: &[DocumentedError]) -> TokenStream {
    let schema = |schema: Option<SchemaId>| schema.map(|schema| written::schema(document, schema));
    let mut object = json!({ "description": unwrapped(response.description.trim()).join("\n") });
    for header in &response.headers {
        let written = &mut object["headers"][header.name.value.as_str()];
        *written = json!({ "required": header.required.value });
        if let Some(text) = &header.description {
            written["description"] = unwrapped(text.trim()).join("\n").into();
        }
        written["schema"] = schema(header.schema).unwrap_or_else(|| json!({}));
    }
    for media in &response.content {
        let written = &mut object["content"][media.name.value.as_str()];
        *written = json!({});
        if let Some(schema) = schema(media.schema) {
            written["schema"] = schema;
        }
        if format(document, media) == Format::Json {
            let own = errors.iter().filter(|error| Status::Code(*error.status) == *response.status);
            for (error, value) in own.filter_map(|error| Some((error, error.value.as_ref()?))) {
                let example = &mut written["examples"][error.name.as_str()];
                *example = json!({ "value": value.to_json() });
                if let Some(summary) = &error.summary {
                    example["summary"] = summary.value.as_str().into();
                }
            }
        }
    }
    let (status, text) = (response.status.value.to_string(), texts::json(&object));
    quote!((#status, #text))
}

/// `Request` and how it is decoded.
fn request<'a>(shared: &Shared<'a>, planned: &PlannedOperation<'a>, types: &mut Types<'a>) -> TokenStream {
    let mut fields = Vec::new();
    let mut decoders = Vec::new();
    for (index, parameter) in planned.parameters.iter().enumerate() {
        let name = &parameter.name;
        let ty = match parameter.parameter {
            // A text without a schema is a text.
            Some(_) if parameter.schemas.ids().is_empty() && !matches!(parameter.media, Some((_, true))) => Ty::Text,
            Some(_) => types.of(&parameter.schemas, &planned.hint(&parameter.key)),
            None => Ty::Text,
        };
        let ty = match ty {
            // An empty text is no null.
            Ty::Nullable(inner) => *inner,
            other => other,
        };
        let rust = rust(types, &ty, Place::Operation);
        let docs = parameter.parameter.and_then(|parameter| parameter.description.as_ref());
        let docs = docs::doc(docs.map_or("", |text| &text.value));
        let required = parameter.parameter.is_none_or(|parameter| parameter.required.value);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let has_value = required || default_of(shared, &parameter.schemas).is_some();
        if has_value {
            fields.push(quote!(#docs pub #name: #rust,));
            decoders.push(quote!(#name: undecoded.required(&PARAMETERS[#index])?,));
        } else {
            fields.push(quote!(#docs pub #name: Option<#rust>,));
            decoders.push(quote!(#name: undecoded.optional(&PARAMETERS[#index])?,));
        }
    }
    let mut body_enum = quote!();
    if let Some(body) = &planned.body {
        let (declared, field, decoder) = self::body(planned, body, types);
        body_enum = declared;
        fields.push(field);
        decoders.push(decoder);
    }
    let undecoded = if decoders.is_empty() { quote!(_) } else { quote!(undecoded) };
    quote! {
        #body_enum
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request { #(#fields)* }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(#undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request { #(#decoders)* })
            }
        }
    }
}

/// The enum of bodies if there are several, the field and its decoder.
fn body<'a>(
    planned: &PlannedOperation<'a>,
    body: &PlannedBody<'a>,
    types: &mut Types<'a>,
) -> (TokenStream, TokenStream, TokenStream) {
    let required = body.body.required.value;
    let docs = docs::doc(body.body.description.as_ref().map_or("The body.", |text| &text.value));
    let single = body.media.len() == 1;
    let mut variants = Vec::new();
    let mut arms = Vec::new();
    for (index, media) in body.media.iter().enumerate() {
        let part =
            if single || media.format == Format::Json { "body".to_owned() } else { format!("{}_body", media.variant) };
        let rust = media_type(planned, media, types, &part);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let table = quote!(&BODY.content[#index]);
        let read = match media.format {
            Format::Json => quote!(undecoded.json(#table)?),
            Format::Form => quote!(undecoded.form(#table)?),
            Format::Multipart => quote!(undecoded.multipart(#table)?),
            Format::Text | Format::Bytes => quote!(undecoded.body.clone()),
        };
        if single {
            let (rust, decoder) = match (required, media.format) {
                (true, _) => (rust, quote!(body: { undecoded.media(&BODY)?; #read },)),
                (false, Format::Text | Format::Bytes) => {
                    (quote!(Option<#rust>), quote!(body: undecoded.media(&BODY)?.map(|_| #read),))
                }
                (false, _) => (
                    quote!(Option<#rust>),
                    quote!(body: match undecoded.media(&BODY)? {
                        Some(_) => Some(#read),
                        None => None,
                    },),
                ),
            };
            return (quote!(), quote!(#docs pub body: #rust,), decoder);
        }
        let variant = &media.variant;
        let doc = format!(" `{}`", media.media.name.value);
        variants.push(quote!(#[doc = #doc] #variant(#rust),));
        let read = quote!(RequestBody::#variant(#read));
        let read = if required { read } else { quote!(Some(#read)) };
        arms.push(quote!(Some(#index) => #read,));
    }
    let none = match required {
        true => quote!(_ => return Err(Refusal::Body { reason: "it is missing".to_owned() }),),
        false => quote!(_ => None,),
    };
    let declared = quote! {
        /// A body of one of the documented media types.
        #[derive(Debug, Clone, PartialEq)]
        pub enum RequestBody { #(#variants)* }
    };
    let rust = if required { quote!(RequestBody) } else { quote!(Option<RequestBody>) };
    let decoder = quote!(body: match undecoded.media(&BODY)? { #(#arms)* #none },);
    (declared, quote!(#docs pub body: #rust,), decoder)
}

fn media_type<'a>(
    planned: &PlannedOperation<'a>,
    media: &PlannedMedia<'a>,
    types: &mut Types<'a>,
    part: &str,
) -> TokenStream {
    match (media.format, media.media.schema) {
        (Format::Json | Format::Form, Some(schema)) => {
            let ty = types.of(&AllOf::from(schema), &planned.hint(part));
            rust(types, &ty, Place::Operation)
        }
        (Format::Json | Format::Form, None) => quote!(::serde_json::Value),
        (Format::Multipart, _) => quote!(Vec<Part>),
        (Format::Text | Format::Bytes, _) => quote!(::bytes::Bytes),
    }
}

/// The static of a security scheme.
pub fn scheme(scheme: &openapi_model::document::SecurityScheme, static_name: &Ident) -> TokenStream {
    let name = &scheme.name.value;
    let place = |location: Location| match location {
        Location::Path => quote!(Location::Path),
        Location::Query => quote!(Location::Query),
        Location::Header => quote!(Location::Header),
        Location::Cookie => quote!(Location::Cookie),
    };
    let (kind, schema) = match &scheme.kind {
        SchemeKind::ApiKey { location, name } => {
            let place = place(*location);
            (quote!(SchemeKind::Key(#place, #name)), json!({"type": "apiKey", "in": location.name(), "name": name}))
        }
        SchemeKind::Http { scheme } => {
            let kind = match scheme.as_str() {
                "bearer" => quote!(SchemeKind::Bearer),
                "basic" => quote!(SchemeKind::Basic),
                other => quote!(SchemeKind::Http(#other)),
            };
            (kind, json!({"type": "http", "scheme": scheme}))
        }
        SchemeKind::OAuth2 { flows } => {
            let flows = flows.iter().map(|flow| {
                let scopes: serde_json::Map<String, Json> =
                    flow.scopes.iter().map(|scope| (scope.clone(), Json::from(""))).collect();
                let mut written = json!({ "scopes": scopes });
                for (key, url) in [("authorizationUrl", &flow.authorization_url), ("tokenUrl", &flow.token_url)] {
                    if let Some(url) = url {
                        written[key] = url.as_str().into();
                    }
                }
                (flow.name.clone(), written)
            });
            let flows: serde_json::Map<String, Json> = flows.collect();
            (quote!(SchemeKind::Bearer), json!({"type": "oauth2", "flows": flows}))
        }
        SchemeKind::OpenIdConnect(url) => {
            (quote!(SchemeKind::Bearer), json!({"type": "openIdConnect", "openIdConnectUrl": url}))
        }
        SchemeKind::MutualTls => (quote!(SchemeKind::Certificate), json!({"type": "mutualTLS"})),
        // A request cannot carry it.
        SchemeKind::Other(kind) => (quote!(SchemeKind::Http(#name)), json!({"type": kind})),
    };
    let doc = format!(" `{name}`");
    let schema = texts::json(&schema);
    quote! {
        #[doc = #doc]
        pub static #static_name: SecurityScheme = SecurityScheme { name: #name, kind: #kind, schema: #schema };
    }
}
