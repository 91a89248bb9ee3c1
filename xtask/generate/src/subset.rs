//! What OpenAPI allows but a contract must not contain, because no code can be generated from it.
//!
//! dropshot's router, dropshot's macro, progenitor and our own generator each reject something, some by a panic or by
//! code that does not compile. All of it is reported here first, with places.

use openapi_model::document::Location;
use openapi_model::schema::SchemaId;
use openapi_model::span::{Span, Spanned};

use super::api::{Api, Operation};
use super::client::enum_name;
use super::names::{Clash, Scope, ident, type_ident, value_ident};
use super::problem::Problem;

/// Methods that both dropshot and progenitor support.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
/// Methods of progenitor's client besides those of the operations.
const CLIENT: [&str; 11] =
    ["new", "new_with_client", "client", "inner", "baseurl", "api_version", "pre", "post", "exec", "clone", "default"];
/// Methods of progenitor's builders besides the setters of the parameters.
const BUILDER: [&str; 5] = ["new", "send", "client", "body", "body_map"];
/// Names beside the types of schemas, in the client (progenitor's) and in the server.
const TYPES: [&str; 7] = ["error", "defaults", "JsonSchema", "Schema", "SchemaGenerator", "Serialize", "Deserialize"];
/// Names beside the variants of an operation's error enum.
const ERROR_NAMES: [&str; 1] = ["Self_"];

/// Reports everything that cannot be turned into code, judged by names and the structure of the document.
pub fn check(api: &Api<'_>) -> Vec<Problem> {
    let mut check = Check { problems: Vec::new() };
    check.schemas(api);
    let mut ids = Scope::with(&CLIENT);
    let mut enums = Scope::with(&["DocumentedError"]);
    for operation in &api.operations {
        let id = operation.id;
        check.take(&mut ids, value_ident(id), id);
        check.take(&mut enums, ident(&enum_name(operation)), id);
        check.operation(api, operation);
    }
    check.problems
}

struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(Problem::new(span, message.into()));
    }

    /// Adds a name to a scope, or reports the name that it clashes with.
    fn take(&mut self, scope: &mut Scope, identifier: proc_macro2::Ident, name: &Spanned<String>) {
        if let Err(Clash { identifier, other, place }) = scope.take(&identifier, name, name.span) {
            let message = match &place {
                Some(_) => format!("`{}` and `{other}` both become `{identifier}` in code", name.value),
                None => {
                    format!("`{}` becomes `{identifier}` in code, which the generated code already uses", name.value)
                }
            };
            self.problems.push(Problem { other: place, ..Problem::new(name.span, message) });
        }
    }

    fn schemas(&mut self, api: &Api<'_>) {
        let mut names = Scope::with(&TYPES);
        for (name, id) in &api.document.components {
            self.take(&mut names, type_ident(name), name);
            self.names_in(api, *id);
        }
        for (name, id) in &api.document.components {
            for property in &api.document.schema(*id).properties {
                self.client_type(&mut names, api, property.schema, &format!("{}_{}", **name, *property.name));
            }
        }
        for operation in &api.operations {
            for parameter in &operation.parameters {
                let name = format!("{}_{}", **operation.id, **parameter.name);
                self.client_type(&mut names, api, parameter.schema, &name);
            }
        }
    }

    /// Adds the type that progenitor generates for a text with a bounded length that is nested in another schema.
    fn client_type(&mut self, names: &mut Scope, api: &Api<'_>, id: SchemaId, name: &str) {
        let schema = api.document.schema(id);
        if let Some(items) = schema.items {
            return self.client_type(names, api, items, &format!("{name}_item"));
        }
        if schema.reference.is_none() && (schema.min_length.is_some() || schema.max_length.is_some()) {
            let name = schema.title.as_ref().map_or(name, |title| title.value.as_str());
            self.take(names, type_ident(name), &Spanned::new(name.to_owned(), schema.span));
        }
    }

    /// Checks the names inside a component, which become fields and variants.
    fn names_in(&mut self, api: &Api<'_>, id: SchemaId) {
        let schema = api.document.schema(id);
        let mut properties = Scope::default();
        for property in &schema.properties {
            self.take(&mut properties, value_ident(&property.name), &property.name);
        }
        let mut values = Scope::default();
        for value in schema.enumeration.iter().flat_map(|values| &values.value) {
            let name = Spanned::new(value.as_str().unwrap_or_default().to_owned(), value.span);
            self.take(&mut values, type_ident(&name), &name);
        }
    }

    fn operation(&mut self, api: &Api<'_>, operation: &Operation<'_>) {
        let what = format!("{} {}", operation.method.value, operation.path.value);
        if !METHODS.contains(&operation.method.as_str()) {
            self.problem(
                operation.method.span,
                format!("the method of {what} is not supported; use one of {}", METHODS.join(", ")),
            );
        }
        if let Some(body) = operation.body {
            self.problem(body, format!("{what} has a request body, which the generator does not support"));
        }
        for tag in &operation.tags {
            if !api.document.tags.iter().any(|known| *known.name == **tag) {
                self.problem(operation.id.span, format!("the document's `tags` do not list the tag `{tag}` of {what}"));
            }
        }
        let mut parameters = Scope::with(&BUILDER);
        for parameter in &operation.parameters {
            let name = parameter.name;
            self.take(&mut parameters, value_ident(name), name);
            if matches!(parameter.location, Location::Header | Location::Cookie) {
                let place = parameter.location.name();
                self.problem(
                    name.span,
                    format!(
                        "the parameter `{}` is in a {place}; the generator supports only `path` and `query`",
                        name.value
                    ),
                );
            }
        }
        let mut errors = Scope::with(&ERROR_NAMES);
        for error in &operation.errors {
            self.take(&mut errors, type_ident(error.name), error.name);
        }
    }
}
