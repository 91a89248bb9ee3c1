//! What the contract says of an operation as tables, from which its server decodes, validates and describes itself.

use std::collections::BTreeMap;

use apidrift_core::canonical::unwrapped;
use apidrift_core::contract::DocumentedError;
use openapi_model::document::{Document, Location, Response, SchemeKind, SecurityScheme, Status};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::Spanned;
use openapi_model::written;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Value as Json, json};

use super::kinds::kind;
use super::plan::{PlannedMedia, PlannedOperation, PlannedParameter};
use super::refusals::refusals;
use super::shared::Shared;
use super::texts;
use crate::media::{Format, format};
use crate::names::{Scope, ident};

/// `INFO` and the tables that it refers to.
pub fn tables(shared: &Shared<'_>, planned: &PlannedOperation<'_>, has_named_errors: bool) -> TokenStream {
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
    let default = shared.default_of(&planned.schemas).map(|value| texts::raw(&value.to_string()));
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

/// The static of a security scheme.
pub fn scheme(scheme: &SecurityScheme, static_name: &Ident) -> TokenStream {
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
