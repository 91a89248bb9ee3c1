//! One operation and its parameters.

use super::load::{Loader, spanned, text};
use super::node::{Entry, Node};
use super::{Location, Operation, Parameter, RateLimit, Spanned};
use crate::rules::Rule;

impl<'a> Loader<'a> {
    /// Reads an operation; `shared` are the parameters of its path.
    pub(super) fn operation(&mut self, path: &'a Entry, method: &'a Entry, shared: &'a [Node]) -> Option<Operation> {
        let body = &method.value;
        let what = format!("{} {}", method.key.to_uppercase(), path.key);
        let Some((id_node, id)) = body.get("operationId").and_then(|node| Some((node, node.as_str()?))) else {
            self.report(
                Rule::ContractOperationId,
                &method.key_range,
                "this operation",
                format!("{what} has no `operationId`"),
                "add one in snake_case; it becomes the name of a method",
            );
            return None;
        };
        let id = spanned(id.to_owned(), &id_node.range);
        let own = body.get("parameters").map(Node::items).unwrap_or_default();
        let mut parameters: Vec<Parameter> = Vec::new();
        for parameter in shared.iter().chain(own).filter_map(|node| self.parameter(node)) {
            // An operation's own parameter takes the place of the path's.
            let same = |other: &Parameter| *other.name == *parameter.name && other.location == parameter.location;
            parameters.retain(|other| !same(other));
            parameters.push(parameter);
        }
        let path = spanned(path.key.clone(), &path.key_range);
        self.variables(&path, &parameters);
        let (success, errors) = self.responses(&what, &id, body)?;
        Some(Operation {
            id,
            method: spanned(method.key.to_uppercase(), &method.key_range),
            path,
            range: method.key_range.start..body.range.end.max(method.key_range.end),
            tags: body
                .get("tags")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            summary: text(body, "summary"),
            description: text(body, "description"),
            parameters,
            request_body: body.entry("requestBody").map(|entry| spanned(self.json(&entry.value), &entry.key_range)),
            success,
            errors,
            permission: body
                .get("x-required-permission")
                .and_then(|node| Some(spanned(node.as_str()?.to_owned(), &node.range))),
            rate_limit: body.get("x-rate-limit").and_then(rate_limit),
            security: self.security(body),
        })
    }

    /// The variables of the path are its path parameters.
    fn variables(&mut self, path: &Spanned<String>, parameters: &[Parameter]) {
        let described: Vec<&Parameter> =
            parameters.iter().filter(|parameter| parameter.location == Location::Path).collect();
        let variables: Vec<&str> =
            path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect();
        for name in variables.iter().filter(|name| !described.iter().any(|parameter| *parameter.name == ***name)) {
            self.report(
                Rule::ContractPathParameter,
                &path.range,
                "this path",
                format!("the path `{}` has a variable `{name}` that no path parameter describes", path.value),
                "describe it under `parameters` with `in: path` and `required: true`",
            );
        }
        for parameter in described.iter().filter(|parameter| !variables.contains(&parameter.name.as_str())) {
            self.report(
                Rule::ContractPathParameter,
                &parameter.name.range,
                "this parameter",
                format!("the path `{}` has no variable `{}`", path.value, parameter.name.value),
                "write it into the path in braces, or remove the parameter",
            );
        }
    }

    fn parameter(&mut self, node: &'a Node) -> Option<Parameter> {
        let node = self.resolve(node)?;
        let name = node.get("name").and_then(|name| Some(spanned(name.as_str()?.to_owned(), &name.range)));
        let Some(name) = name else {
            self.report(
                Rule::ContractParses,
                &node.range,
                "this parameter",
                "a parameter has no `name`",
                "write it as a text, such as `name: cursor`",
            );
            return None;
        };
        let location = match node.get("in").and_then(Node::as_str) {
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            Some("header") => Location::Header,
            Some("cookie") => Location::Cookie,
            other => {
                let other = other.unwrap_or("nothing").to_owned();
                self.report(
                    Rule::ContractParses,
                    &node.range,
                    "this parameter",
                    format!("a parameter stands in `{other}`, which is no part of a request"),
                    "write `in: path`, `in: query`, `in: header` or `in: cookie`",
                );
                return None;
            }
        };
        let Some(schema) = node.get("schema").and_then(|schema| self.resolve(schema)) else {
            self.report(
                Rule::ContractSubset,
                &name.range,
                "this parameter",
                "a parameter has no `schema`",
                "write one, such as `schema: {type: string}`",
            );
            return None;
        };
        self.depend_on_references(schema);
        Some(Parameter {
            name,
            location,
            required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
            description: text(node, "description"),
            schema: schema.clone(),
            examples: self.examples(node).into_iter().map(|(_, value)| value).collect(),
        })
    }

    /// The schema of a request body's JSON.
    fn json(&mut self, body: &'a Node) -> Option<Node> {
        let schema = self.resolve(body)?.get("content")?.get("application/json")?.get("schema")?;
        self.depend_on_references(schema);
        Some(schema.clone())
    }

    /// The names of the schemes that a request has to satisfy: the operation's, or those of the whole document.
    fn security(&self, body: &Node) -> Vec<Spanned<String>> {
        let requirements = body.get("security").or_else(|| self.root().get("security"));
        let requirements = requirements.map(Node::items).unwrap_or_default();
        let schemes = requirements.iter().flat_map(Node::entries);
        schemes.map(|scheme| spanned(scheme.key.clone(), &scheme.key_range)).collect()
    }
}

fn rate_limit(node: &Node) -> Option<Spanned<RateLimit>> {
    let positive = |key: &str| node.get(key)?.as_u64().filter(|number| *number > 0);
    let limit = RateLimit { requests: positive("requests")?, window_seconds: positive("window_seconds")? };
    Some(spanned(limit, &node.range))
}
