//! The claims of a document about an operation, for comparison with those of another document.

use std::collections::{BTreeMap, BTreeSet};

use apidrift_core::canonical::{canonical, words};
use apidrift_core::contract::{Contract, Operation, json};
use apidrift_core::profile::SCOPES;
use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Header, Location, MediaType, Operation as Spec, Parameter, Response, Status};
use openapi_model::same::own_difference;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::AllOf;
use openapi_model::span::{Span, Spanned};
use openapi_model::written;
use serde_json::{Value as Json, json};

/// Headers that OpenAPI describes elsewhere: as parameters they are ignored.
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// One claim about an operation.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The rule for a disagreement.
    pub rule: Rule,
    /// The subject, such as `the header link of the 200`.
    pub what: String,
    /// Its place in the document.
    pub span: Span,
    /// The claim, apart from schemas.
    value: Json,
    /// The name of the component, if the claim is that it is used.
    component: Option<String>,
    /// The schemas in it, by key.
    schemas: BTreeMap<String, SchemaId>,
    /// Whether the document makes no statement about the subject.
    is_silent: bool,
}

impl Claim {
    fn new(rule: Rule, what: impl Into<String>, value: impl Into<Json>, span: Span) -> Claim {
        let (what, value) = (what.into(), value.into());
        Claim { rule, what, span, value, component: None, schemas: BTreeMap::new(), is_silent: false }
    }

    fn text(what: impl Into<String>, text: Option<&Spanned<String>>, otherwise: Span) -> Claim {
        let said = text.map_or_else(String::new, |text| words(text));
        let span = text.map_or(otherwise, |text| text.span);
        Claim { is_silent: text.is_none(), ..Claim::new(Rule::ServerText, what, said, span) }
    }

    fn with(mut self, key: impl Into<String>, schema: Option<SchemaId>) -> Claim {
        self.schemas.extend(schema.map(|schema| (key.into(), schema)));
        self
    }

    /// Whether the document makes no statement about the subject.
    pub fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Whether the claim is that there is nothing.
    pub fn is_empty(&self) -> bool {
        let is_plain = self.component.is_none() && self.schemas.is_empty();
        is_plain && (self.value == json!("") || self.value == json!([]))
    }

    /// Whether this claim of the contract and that of the server agree. A component of the contract must have the same
    /// name in the server; an inline schema may have any.
    pub fn agrees(&self, document: &Document, other: &Claim, of: &Document) -> bool {
        if self.component.is_some() {
            return self.component == other.component;
        }
        let is_same = |(key, one): (&String, &SchemaId)| {
            let pair = other.schemas.get(key).map(|other| (AllOf::from(*one), AllOf::from(*other)));
            pair.is_some_and(|(one, other)| own_difference((document, &one), (of, &other)).is_none())
        };
        self.value == other.value && self.schemas.len() == other.schemas.len() && self.schemas.iter().all(is_same)
    }

    /// The claim as JSON, for people.
    pub fn shown(&self, document: &Document) -> Json {
        if let Some(component) = &self.component {
            return component.as_str().into();
        }
        let mut shown = self.value.clone();
        for (key, schema) in &self.schemas {
            let schema = comparable(&written::schema(document, *schema));
            match shown.as_object_mut() {
                Some(map) => drop(map.insert(key.clone(), schema)),
                None => shown = schema,
            }
        }
        shown
    }
}

/// The claims of a document about an operation. `speaks_of_security`: whether the document makes claims about security.
pub fn of(contract: &Contract, operation: &Operation, speaks_of_security: bool) -> Vec<Claim> {
    let spec = &operation.spec;
    let here = operation.id.span;
    let mut claims = vec![
        Claim {
            is_silent: spec.id.is_none(),
            ..Claim::new(Rule::ServerText, "the id", operation.id.value.as_str(), here)
        },
        Claim { span: here, ..Claim::text("the summary", spec.summary.as_ref(), here) },
        Claim { span: here, ..Claim::text("the description", spec.description.as_ref(), here) },
        tags(spec, here),
    ];
    if let Some(span) = spec.deprecated {
        claims.push(Claim::new(Rule::ServerText, "`deprecated`", true, span));
    }
    let is_said = contract.profile.permission.as_deref() != Some(SCOPES) || speaks_of_security;
    if let Some(permission) = operation.permission.as_ref().filter(|_| is_said) {
        let claim = Claim::new(Rule::ServerPermission, "the permission", permission.value.as_str(), permission.span);
        claims.push(claim);
    }
    if let Some(limit) = &operation.rate_limit {
        let value = json!({"requests": limit.requests, "window_seconds": limit.window_seconds});
        claims.push(Claim::new(Rule::ServerRateLimit, "the rate limit", value, limit.span));
    }
    if speaks_of_security {
        claims.push(security(spec, here));
    }
    for parameter in &spec.parameters {
        parameter_claims(&contract.document, parameter, &mut claims);
    }
    claims.extend(body(spec));
    for response in &spec.responses {
        answer(contract, operation, response, &mut claims);
    }
    claims
}

/// The statuses of success responses, in order.
pub fn successes(operation: &Spec) -> Vec<String> {
    let is_success = |status: Status| matches!(status, Status::Code(..400) | Status::Range(..4));
    let statuses: BTreeSet<Status> =
        operation.responses.iter().map(|response| response.status.value).filter(|status| is_success(*status)).collect();
    statuses.iter().map(Status::to_string).collect()
}

fn tags(operation: &Spec, here: Span) -> Claim {
    let tags: Vec<&str> = operation.tags.iter().map(|tag| tag.value.as_str()).collect();
    Claim { is_silent: tags.is_empty(), ..Claim::new(Rule::ServerText, "the tags", tags, here) }
}

/// The security requirements: alternatives, in any order.
fn security(operation: &Spec, here: Span) -> Claim {
    let alternatives: BTreeSet<BTreeMap<&str, BTreeSet<&str>>> = operation
        .security
        .alternatives
        .iter()
        .map(|alternative| {
            alternative
                .iter()
                .map(|scheme| {
                    let scopes = scheme.scopes.iter().map(|scope| scope.value.as_str()).collect();
                    (scheme.name.value.as_str(), scopes)
                })
                .collect()
        })
        .collect();
    let span = operation.security.span.unwrap_or(here);
    Claim::new(Rule::ServerSecurity, "`security`", json!(alternatives), span)
}

fn parameter_claims(document: &Document, parameter: &Parameter, claims: &mut Vec<Claim>) {
    let is_header = parameter.location == Location::Header;
    let lower = parameter.name.to_lowercase();
    if is_header && IGNORED_HEADERS.contains(&lower.as_str()) {
        return;
    }
    let name = if is_header { lower.as_str() } else { &parameter.name.value };
    let what = format!("the {} parameter `{name}`", parameter.location.name());
    let span = parameter.name.span;
    let content = parameter.content.first();
    let value = described(parameter.required.value, parameter.description.as_ref(), content);
    let schema = parameter.schema.or_else(|| content?.schema);
    claims.push(Claim::new(Rule::ServerParameter, &what, value, span).with("schema", schema));
    let default = if matches!(parameter.location, Location::Path | Location::Header) { "simple" } else { "form" };
    let (style, explode) = (parameter.style.as_str(), parameter.explode.value);
    // How several values are serialised matters only if there may be several.
    let types = parameter.schema.map(|schema| document.shape_of(schema).types);
    let is_composed = types
        .is_some_and(|types| types != Types::ANY.without(Types::NULL) && types.meets(Types::ARRAY.with(Types::OBJECT)));
    if content.is_none() && (style != default || is_composed && explode != (style == "form")) {
        let value = json!({"style": style, "explode": explode});
        claims.push(Claim::new(Rule::ServerParameter, format!("the style of {what}"), value, parameter.style.span));
    }
}

/// A parameter or a header.
fn described(required: bool, description: Option<&Spanned<String>>, content: Option<&MediaType>) -> Json {
    let description = description.map_or_else(String::new, |text| words(text));
    let mut described = json!({"required": required, "description": description});
    if let Some(content) = content {
        described["content"] = media_type(&content.name).into();
    }
    described
}

/// A media type in normalised form.
fn media_type(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

fn body(operation: &Spec) -> Option<Claim> {
    let body = operation.body.as_ref()?;
    let names: BTreeSet<String> = body.content.iter().map(|media| media_type(&media.name)).collect();
    let value = json!({"required": body.required.value, "content": names});
    let claim = Claim::new(Rule::ServerParameter, "`requestBody`", value, body.key);
    let of = |claim: Claim, media: &MediaType| claim.with(media_type(&media.name), media.schema);
    Some(body.content.iter().fold(claim, of))
}

fn answer(contract: &Contract, operation: &Operation, response: &Response, claims: &mut Vec<Claim>) {
    let span = response.status.span;
    let status = response.status.value;
    match status {
        Status::Code(400..) => errors(contract, operation, response, claims),
        Status::Code(_) | Status::Range(..4) => {
            claims.push(schema_claim(&contract.document, Rule::ServerSuccess, response));
            let what = format!("the description of the {status}");
            claims.push(Claim::new(Rule::ServerText, what, words(&response.description), span));
            for header in &response.headers {
                let what = format!("the header `{}` of the {status}", header.name.to_lowercase());
                let content = header.content.first();
                let value = described(header.required.value, header.description.as_ref(), content);
                let schema = header.schema.or_else(|| content?.schema);
                claims.push(Claim::new(Rule::ServerHeader, what, value, header.name.span).with("schema", schema));
            }
        }
        Status::Range(_) | Status::Default => {
            let what = format!("the response `{status}`");
            claims.push(Claim { what, ..schema_claim(&contract.document, Rule::ServerSuccess, response) });
        }
    }
    let names: BTreeSet<String> = response.content.iter().map(|media| media_type(&media.name)).collect();
    if names.iter().any(|name| name != "application/json") {
        let rule = if matches!(status, Status::Code(..400)) { Rule::ServerSuccess } else { Rule::ServerError };
        claims.push(Claim::new(rule, format!("the media types of the {status}"), json!(names), span));
    }
}

/// The claim about the body of a response: a component by its name, an inline schema by its meaning.
fn schema_claim(document: &Document, rule: Rule, response: &Response) -> Claim {
    let what = format!("the schema of the {}", response.status.value);
    let Some(schema) = json(&response.content).or(response.content.first()).and_then(|media| media.schema) else {
        return Claim::new(rule, what, "", response.status.span);
    };
    let written = document.schema(schema);
    let span = written.reference.as_ref().map_or(written.span, |reference| reference.text.span);
    let component = document.shape_of(schema).name.as_ref().map(|name| name.value.clone());
    Claim { component, ..Claim::new(rule, what, "", span).with("schema", Some(schema)) }
}

fn errors(contract: &Contract, operation: &Operation, response: &Response, claims: &mut Vec<Claim>) {
    let status = response.status.value;
    let span = response.status.span;
    claims.push(Claim { span, ..schema_claim(&contract.document, Rule::ServerError, response) });
    let headers = required_headers(&response.headers);
    claims.push(Claim::new(Rule::ServerHeader, format!("the headers of the {status}"), headers, span));
    let own = operation.errors.iter().filter(|error| Status::Code(error.status.value) == status);
    for error in own {
        // Without an identity an error is just its status, whose schema is compared already.
        let Some(message) = &error.identity else { continue };
        let summary = error.summary.as_ref().map_or_else(String::new, |summary| words(summary));
        let what = format!("the error `{}` of the {status}", error.name.value);
        let value = json!({"message": message.value, "summary": summary});
        claims.push(Claim::new(Rule::ServerError, what, value, message.span));
    }
}

fn required_headers(headers: &[Header]) -> Json {
    let headers: BTreeMap<String, bool> =
        headers.iter().map(|header| (header.name.to_lowercase(), header.required.value)).collect();
    json!(headers)
}

/// A schema in normalised form, for people.
fn comparable(schema: &Json) -> Json {
    fn settled(value: Json) -> Json {
        match value {
            Json::String(text) => words(&text).into(),
            Json::Array(items) => items.into_iter().map(settled).collect(),
            Json::Object(map) => Json::Object(map.into_iter().map(|(key, value)| (key, settled(value))).collect()),
            other => other,
        }
    }
    settled(canonical(schema))
}
