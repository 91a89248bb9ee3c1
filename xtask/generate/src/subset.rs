//! What a contract must not hold although OpenAPI allows it, because no code can be made of it.
//!
//! dropshot's router, dropshot's macro, progenitor and our own generator each refuse something; some of them by a panic or
//! by code that does not compile. All of that is found here first, each with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use super::client::enum_name;
use super::names::{Clash, Scope, ident, type_ident, value_ident};
use super::problem::Problem;
use super::server::{ROLES, invalid, own_headers};
use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Contract, Header, Location, Operation, Spanned};

/// Methods that both dropshot and progenitor know.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"];
/// What progenitor's client has of its own beside a method for each operation.
const CLIENT: [&str; 11] =
    ["new", "new_with_client", "client", "inner", "baseurl", "api_version", "pre", "post", "exec", "clone", "default"];
/// What progenitor's builders have of their own beside a setter for each parameter.
const BUILDER: [&str; 5] = ["new", "send", "client", "body", "body_map"];
/// What progenitor has of its own beside a type for each schema.
const CLIENT_TYPES: [&str; 2] = ["error", "defaults"];
/// What stands beside an operation's own errors in an enum's namespace.
const ERROR_NAMES: [&str; 1] = ["Self_"];

/// All that cannot be turned into code as far as the names and the shape of the document go.
pub fn check(contract: &Contract) -> Vec<Problem> {
    let mut check = Check { problems: Vec::new() };
    check.schemas(contract);
    let mut ids = Scope::with(&CLIENT);
    let mut enums = Scope::with(&["DocumentedError"]);
    for operation in &contract.operations {
        let id = &operation.id;
        check.take(&mut ids, value_ident(id), id);
        check.take(&mut enums, ident(&enum_name(operation)), id);
        check.operation(contract, operation);
    }
    check.paths(contract);
    check.problems
}

struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, range: &Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(range.clone(), message.into()));
    }

    /// Takes a name in a scope, or says with which other it clashes.
    fn take(&mut self, scope: &mut Scope, identifier: proc_macro2::Ident, name: &Spanned<String>) {
        if let Err(Clash { identifier, other, place }) = scope.take(&identifier, name, &name.range) {
            let message = match &place {
                Some(_) => format!("`{}` and `{other}` both become `{identifier}` in code", name.value),
                None => format!("`{}` becomes `{identifier}` in code, which is taken", name.value),
            };
            self.problems.push(Problem { message, range: name.range.clone(), other: place });
        }
    }

    fn schemas(&mut self, contract: &Contract) {
        let mut names = Scope::with(&CLIENT_TYPES);
        for schema in &contract.schemas {
            self.take(&mut names, type_ident(&schema.name), &schema.name);
            let mut properties = Scope::default();
            for property in schema.node.get("properties").map(Node::entries).unwrap_or_default() {
                let name = Spanned { value: property.key.clone(), range: property.key_range.clone() };
                self.take(&mut properties, value_ident(&name), &name);
            }
            let mut values = Scope::default();
            for value in schema.node.get("enum").map(Node::items).unwrap_or_default() {
                let name = Spanned { value: value.as_str().unwrap_or_default().to_owned(), range: value.range.clone() };
                self.take(&mut values, type_ident(&name), &name);
            }
        }
    }

    fn operation(&mut self, contract: &Contract, operation: &Operation) {
        let what = format!("{} {}", operation.method.value, operation.path.value);
        if !METHODS.contains(&operation.method.as_str()) {
            self.problem(&operation.method.range, format!("the method of {what}; known are {}", METHODS.join(", ")));
        }
        if let Some(body) = &operation.request_body {
            self.problem(
                &body.range,
                format!("{what} takes a request body; describe in words that a body is not read"),
            );
        }
        for tag in &operation.tags {
            if !contract.tags.iter().any(|(name, _)| name == tag) {
                self.problem(
                    &operation.id.range,
                    format!("the tag `{tag}` of {what} does not stand in the document's `tags`"),
                );
            }
        }
        let mut parameters = Scope::with(&BUILDER);
        for parameter in &operation.parameters {
            let name = &parameter.name;
            self.take(&mut parameters, value_ident(name), name);
            if matches!(parameter.location, Location::Header | Location::Cookie) {
                let place = parameter.location.name();
                self.problem(
                    &name.range,
                    format!("the parameter `{}` stands in a {place}; `path` and `query` are known", name.value),
                );
            }
            if parameter.location == Location::Path && !parameter.required {
                self.problem(&name.range, format!("the path parameter `{}` is not `required: true`", name.value));
            }
        }
        self.headers(&operation.success.headers, &["body"]);
        let mut errors = Scope::with(&ERROR_NAMES);
        for error in &operation.errors {
            self.take(&mut errors, type_ident(&error.name), &error.name);
            self.headers(&error.headers, &[]);
        }
        for role in ROLES.iter().filter(|role| role.find(operation).is_none()) {
            let name = role.name.map(|name| format!(" named `{name}`")).unwrap_or_default();
            let message = format!("{what} documents no {}{name}, which is the answer to {}", role.status, role.when);
            self.problem(&operation.id.range, message);
        }
        for parameter in &operation.parameters {
            let name = invalid(parameter);
            if !operation.errors.iter().any(|error| *error.status == 400 && error.name.value == name) {
                let message = format!(
                    "{what} documents no 400 named `{name}`, which is the answer to a malformed `{}`",
                    parameter.name.value
                );
                self.problem(&parameter.name.range, message);
            }
        }
    }

    fn headers(&mut self, headers: &[Header], reserved: &[&str]) {
        let mut fields = Scope::with(reserved);
        for header in headers {
            let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
            if header.name.is_empty() || !header.name.chars().all(is_token) {
                self.problem(&header.name.range, format!("`{}` cannot be the name of a header", header.name.value));
            }
        }
        for header in own_headers(headers).into_iter().filter(|header| header.constant.is_none()) {
            self.take(&mut fields, value_ident(&header.name), &header.name);
        }
    }

    /// dropshot's router has literal segments or one variable at each place, never both.
    fn paths(&mut self, contract: &Contract) {
        let mut places: BTreeMap<String, (String, Range<usize>)> = BTreeMap::new();
        for operation in &contract.operations {
            let path = &operation.path;
            let Some(segments) = path.strip_prefix('/') else {
                self.problem(&path.range, format!("the path `{}` does not begin with `/`", path.value));
                continue;
            };
            if path.len() > 1 && path.ends_with('/') {
                self.problem(
                    &path.range,
                    format!("the path `{}` ends with `/`, which is never seen by an operation", path.value),
                );
                continue;
            }
            let mut before = String::new();
            for segment in segments.split('/').filter(|_| path.len() > 1) {
                let variable = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                let is_plain = !segment.is_empty() && !segment.contains(['{', '}']);
                let place = match variable {
                    Some(_) => segment,
                    None if is_plain => "a text",
                    None => {
                        self.problem(
                            &path.range,
                            format!("`{segment}` in the path `{}` is neither a text nor one variable", path.value),
                        );
                        break;
                    }
                };
                match places.get(&before) {
                    Some((other, range)) if other != place => {
                        let message = format!(
                            "the path `{}` has `{segment}` where another path has {other}; the router takes one of them",
                            path.value
                        );
                        self.problems.push(Problem { message, range: path.range.clone(), other: Some(range.clone()) });
                        break;
                    }
                    Some(_) => {}
                    None => drop(places.insert(before.clone(), (place.to_owned(), path.range.clone()))),
                }
                before = format!("{before}/{segment}");
            }
        }
    }
}
