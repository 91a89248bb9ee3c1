//! What is generated for each operation: names, types and what is validated. Operations that cannot be generated are refused
//! here, each with its reason; the others are not affected.

use std::collections::{BTreeSet, HashMap};

use apidrift_core::contract::{Contract, Extent, Operation, RateLimit};
use apidrift_core::profile::SCOPES;
use openapi_model::document::{Location, MediaType, Parameter, RequestBody, essence};
use openapi_model::paths;
use openapi_model::problem::ProblemKind;
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::Span;
use openapi_model::values::{Direction, Values};
use proc_macro2::Ident;
use serde_json::Value as Json;

use super::kinds::says_everything;
use crate::lower::Refused;
use crate::media::{Format, format};
use crate::names::{Scope, type_ident, value_ident};
use crate::operation_ids;
use crate::problem::Problem;

/// The operations that are generated, and those that are not.
pub struct Plan<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// The operations, by path and method.
    pub operations: Vec<PlannedOperation<'a>>,
    /// The operations that are not generated, and why.
    pub refused: Vec<Refused>,
    /// Schemas that cannot be validated, and why: their operations are generated without.
    pub not_validated: Vec<Problem>,
    /// The schemas that are validated.
    pub validated: Vec<SchemaId>,
}

/// An operation that is generated.
pub struct PlannedOperation<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// Its index in the document.
    pub index: usize,
    /// Whether its permission is the scopes of its security, which a caller's credentials are given with anyway.
    has_scopes: bool,
    /// Its ID, written or derived.
    pub id: String,
    /// Its module and its method.
    pub name: Ident,
    /// Its parameters, by location and name.
    pub parameters: Vec<PlannedParameter<'a>>,
    /// Its body.
    pub body: Option<PlannedBody<'a>>,
}

impl PlannedOperation<'_> {
    /// A name for a type of this operation.
    pub fn hint(&self, part: &str) -> String {
        format!("{}_{part}", self.id)
    }

    /// The permission that a caller needs, unless it is one of its scopes.
    pub fn permission(&self) -> Option<&str> {
        self.operation.permission.as_ref().filter(|_| !self.has_scopes).map(|permission| permission.value.as_str())
    }

    /// Its rate limit.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.operation.rate_limit.as_ref().map(|limit| limit.value)
    }
}

/// A parameter.
pub struct PlannedParameter<'a> {
    /// The parameter; `None` for a variable of the path that the contract does not describe.
    pub parameter: Option<&'a Parameter>,
    /// Its name in the contract.
    pub key: String,
    /// Where it is sent.
    pub location: Location,
    /// Its field.
    pub name: Ident,
    /// Its schema.
    pub schemas: AllOf,
    /// Its media type, if it is described by one, and whether that is JSON.
    pub media: Option<(&'a str, bool)>,
    /// Which of the plan's validated schemas it is.
    pub validated: Option<usize>,
}

/// A request body.
pub struct PlannedBody<'a> {
    /// The body.
    pub body: &'a RequestBody,
    /// Its media types.
    pub media: Vec<PlannedMedia<'a>>,
}

/// A media type of a request body.
pub struct PlannedMedia<'a> {
    /// The media type.
    pub media: &'a MediaType,
    /// Its variant, if there are several.
    pub variant: Ident,
    /// How it is read.
    pub format: Format,
    /// Which of the plan's validated schemas it is.
    pub validated: Option<usize>,
}

impl<'a> Plan<'a> {
    /// Plans every operation of a contract, except those with an index in `leave_out`. Without `values`, which take time, the
    /// plan does not say what is validated.
    pub fn of(contract: &'a Contract, leave_out: &BTreeSet<usize>, values: Option<&mut Values<'a>>) -> Plan<'a> {
        let mut plan = Plan {
            contract,
            operations: Vec::new(),
            refused: Vec::new(),
            not_validated: Vec::new(),
            validated: Vec::new(),
        };
        let mut values = values;
        let mut names = Scope::with(&["Caller"]);
        let mut routes = HashMap::new();
        let ids = operation_ids(&contract.document);
        for (index, (operation, id)) in contract.operations.iter().zip(ids).enumerate() {
            if leave_out.contains(&index) {
                continue;
            }
            match plan.operation(operation, id, values.as_deref_mut(), &mut names, &mut routes) {
                Ok(planned) => plan.operations.push(PlannedOperation { index, ..planned }),
                Err(Problem { message, span, is_covered, .. }) => {
                    plan.refused.push(Refused { is_covered, ..Refused::new(&operation.spec, message, span) });
                }
            }
        }
        let key = |planned: &PlannedOperation<'_>| {
            (planned.operation.path.value.clone(), planned.operation.method.value.clone())
        };
        plan.operations.sort_by_key(key);
        plan
    }

    fn operation(
        &mut self,
        operation: &'a Operation,
        id: String,
        mut values: Option<&mut Values<'a>>,
        names: &mut Scope,
        routes: &mut HashMap<String, Span>,
    ) -> Result<PlannedOperation<'a>, Problem> {
        let document = &self.contract.document;
        let path = &operation.path;
        // Rules about the contract report what cannot be read.
        let misread = |span: Span, message: String| Err(Problem { is_covered: true, ..Problem::new(span, message) });
        if let Some(unread) = operation.unread.first() {
            return misread(unread.span, format!("part of it cannot be read: {}", unread.reason));
        }
        let grave: Vec<_> = document.problems.iter().filter(|problem| is_grave(&problem.kind)).collect();
        if !grave.is_empty()
            && let Some(problem) = Extent::of(document, &operation.spec).find(&grave, |problem| problem.span)
        {
            return misread(problem.span, problem.message.clone());
        }
        let mut schemes = operation.security.alternatives.iter().flatten();
        if let Some(unknown) = schemes.find(|one| document.security_scheme(&one.name.value).is_none()) {
            return misread(unknown.name.span, format!("there is no security scheme `{}`", unknown.name.value));
        }
        if let Some(message) = odd_path(path) {
            return Err(Problem::new(path.span, message));
        }
        let route = format!("{} {}", operation.method.value, shape_of_path(path));
        if let Some(other) = routes.get(&route) {
            let message = format!("{} is the same route as another operation", operation.endpoint());
            return Err(Problem { other: Some(*other), ..Problem::new(path.span, message) });
        }
        let parameters = self.parameters(operation, values.as_deref_mut())?;
        let body = operation.body.as_ref().map(|body| self.body(body, values));
        routes.insert(route, path.span);
        let name = names.unique(&value_ident(&id));
        let has_scopes = self.contract.profile.permission.as_deref() == Some(SCOPES);
        Ok(PlannedOperation { operation, index: 0, has_scopes, id, name, parameters, body })
    }

    fn parameters(
        &mut self,
        operation: &'a Operation,
        mut values: Option<&mut Values<'a>>,
    ) -> Result<Vec<PlannedParameter<'a>>, Problem> {
        let variables = paths::variables(&operation.path);
        let mut parameters: Vec<&'a Parameter> =
            operation.parameters.iter().filter(|parameter| is_sent(parameter)).collect();
        parameters.sort_by_key(|parameter| (parameter.location.name(), parameter.name.value.clone()));
        let mut names = Scope::with(&["body"]);
        let mut planned = Vec::new();
        for parameter in &parameters {
            let is_stray = parameter.location == Location::Path && !variables.contains(&parameter.name.as_str());
            if is_stray {
                let message = format!("the path `{}` has no variable `{}`", operation.path.value, parameter.name.value);
                return Err(Problem { is_covered: true, ..Problem::new(parameter.name.span, message) });
            }
            let media = parameter.content.first();
            let schema = parameter.value_schema();
            let schemas = schema.map(AllOf::from).unwrap_or_default();
            let plain = says_everything(&self.contract.document, &schemas);
            let validated = schema.filter(|_| !plain).and_then(|schema| self.validate(schema, values.as_deref_mut()));
            planned.push(PlannedParameter {
                parameter: Some(parameter),
                key: parameter.name.value.clone(),
                location: parameter.location,
                name: names.unique(&value_ident(&parameter.name)),
                schemas,
                media: media.map(|media| (media.name.as_str(), format(&self.contract.document, media) == Format::Json)),
                validated,
            });
        }
        let described = |name: &str| {
            planned.iter().any(|known: &PlannedParameter<'_>| known.location == Location::Path && known.key == name)
        };
        let missing: Vec<&str> = variables.into_iter().filter(|name| !described(name)).collect();
        for name in missing {
            planned.push(PlannedParameter {
                parameter: None,
                key: name.to_owned(),
                location: Location::Path,
                name: names.unique(&value_ident(name)),
                schemas: AllOf::default(),
                media: None,
                validated: None,
            });
        }
        Ok(planned)
    }

    fn body(&mut self, body: &'a RequestBody, mut values: Option<&mut Values<'a>>) -> PlannedBody<'a> {
        let mut names = Scope::with(&["Self"]);
        let media = body.content.iter().map(|media| {
            let format = format(&self.contract.document, media);
            let wants = matches!(format, Format::Json | Format::Form | Format::Multipart);
            let validated =
                media.schema.filter(|_| wants).and_then(|schema| self.validate(schema, values.as_deref_mut()));
            PlannedMedia { media, variant: names.unique(&media_ident(&media.name, format)), format, validated }
        });
        PlannedBody { body, media: media.collect() }
    }

    /// Adds a schema to those that are validated, if it can be.
    fn validate(&mut self, schema: SchemaId, values: Option<&mut Values<'a>>) -> Option<usize> {
        let values = values?;
        if let Some(index) = self.validated.iter().position(|known| *known == schema) {
            return Some(index);
        }
        if let Err(reason) = values.fits(schema, Direction::Request, &Json::Null) {
            let span = self.contract.document.schema(schema).span;
            let message = format!("values of this schema are not validated: {reason}");
            self.not_validated.push(Problem::new(span, message));
            return None;
        }
        self.validated.push(schema);
        Some(self.validated.len() - 1)
    }
}

/// Whether a defect makes the meaning of an operation unclear. What tools ignore does not.
fn is_grave(kind: &ProblemKind) -> bool {
    !matches!(
        kind,
        ProblemKind::BesideReference
            | ProblemKind::UnknownKey
            | ProblemKind::DuplicateKey
            | ProblemKind::SecondDocument
    )
}

/// OpenAPI ignores these header parameters: they are described elsewhere.
fn is_sent(parameter: &Parameter) -> bool {
    let ignored = ["accept", "content-type", "authorization"];
    parameter.location != Location::Header || !ignored.contains(&parameter.name.to_lowercase().as_str())
}

/// Why a path cannot be a route.
fn odd_path(path: &str) -> Option<String> {
    let is_balanced = path.split('/').all(|segment| {
        let mut open = false;
        let fine = segment.chars().all(|letter| match letter {
            '{' if open => false,
            '}' if !open => false,
            '{' | '}' => {
                open = !open;
                true
            }
            _ => true,
        });
        fine && !open
    });
    match path {
        _ if !path.starts_with('/') => Some(format!("the path `{path}` does not begin with `/`")),
        _ if path.contains(['?', '#']) => {
            Some(format!("the path `{path}` has a query or a fragment, which is no part of a route"))
        }
        _ if !is_balanced => Some(format!("the path `{path}` has unbalanced braces")),
        _ if path.split('/').any(|segment| segment == "." || segment == "..") => {
            Some(format!("the path `{path}` has a segment `.` or `..`, which is never sent"))
        }
        _ => None,
    }
}

/// A path without the names of its variables, and without a slash at its end.
fn shape_of_path(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for letter in path.trim_end_matches('/').chars() {
        match letter {
            '{' => {
                inside = true;
                shape.push_str("{}");
            }
            '}' => inside = false,
            _ if inside => {}
            other => shape.push(other),
        }
    }
    shape
}

/// The variant of a media type.
pub fn media_ident(name: &str, format: Format) -> Ident {
    let essence = essence(name);
    match (format, essence.as_str()) {
        (Format::Json, "application/json" | "*/*" | "application/*") => type_ident("json"),
        (Format::Form, _) => type_ident("form"),
        (Format::Multipart, _) => type_ident("multipart"),
        (_, "*/*") => type_ident("bytes"),
        (_, other) => type_ident(&other.replace('*', "any").replace("application/", "")),
    }
}
