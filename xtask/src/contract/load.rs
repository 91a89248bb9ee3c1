//! Document → model. Collects findings instead of stopping at the first.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::node::{self, Node};
use super::resolve::Resolver;
use super::{Contract, DocumentedError, Header, Location, Operation, Parameter, RateLimit, Spanned, Success};
use crate::finding::Finding;
use crate::rules::Rule;
use crate::source::{Place, Source};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const JSON: &str = "application/json";

pub fn load(source: &Arc<Source>) -> (Option<Contract>, Vec<Finding>) {
    let root = match node::parse(&source.text) {
        Ok(root) => root,
        Err(error) => {
            let place = Place::new(source, error.range, "here");
            return (None, vec![Finding::at(Rule::ContractParses, place, error.message)]);
        }
    };
    let mut loader = Loader {
        source,
        root: &root,
        resolver: Resolver::new(source, &root),
        findings: Vec::new(),
    };
    let Some(parts) = loader.contract() else {
        return (None, loader.findings);
    };
    let findings = std::mem::take(&mut loader.findings);
    let Parts {
        title,
        version,
        tags,
        operations,
        schemas,
    } = parts;
    let contract = Contract {
        source: source.clone(),
        title,
        version,
        tags,
        operations,
        schemas,
        root,
    };
    (Some(contract), findings)
}

struct Parts {
    title: String,
    version: String,
    tags: Vec<(String, String)>,
    operations: Vec<Operation>,
    schemas: Vec<(Spanned<String>, serde_json::Value)>,
}

struct Loader<'a> {
    source: &'a Arc<Source>,
    root: &'a Node,
    resolver: Resolver<'a>,
    findings: Vec<Finding>,
}

impl<'a> Loader<'a> {
    fn contract(&mut self) -> Option<Parts> {
        match self.root.get("openapi").map(|node| (node, node.as_str())) {
            Some((_, Some(version))) if version.starts_with("3.0.") => {}
            Some((node, Some(version))) => {
                self.report(
                    Rule::ContractParses,
                    &node.range,
                    "this version",
                    format!("the contract is OpenAPI {version}; 3.0.x is what can be read"),
                    "write `openapi: 3.0.3`, and `nullable: true` where 3.1 has a list of types",
                );
                return None;
            }
            _ => {
                self.report(
                    Rule::ContractParses,
                    &(0..0),
                    "here",
                    "this is not an OpenAPI document: it has no `openapi`",
                    "begin it with `openapi: 3.0.3`",
                );
                return None;
            }
        }
        let info = self.root.get("info");
        let text = |key: &str| {
            info.and_then(|info| info.get(key))
                .and_then(Node::as_str)
                .unwrap_or_default()
        };
        let (title, version) = (text("title").to_owned(), text("version").to_owned());
        let tags = self
            .root
            .get("tags")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|tag| {
                let name = tag.get("name")?.as_str()?;
                let description = tag.get("description").and_then(Node::as_str).unwrap_or_default();
                Some((name.to_owned(), description.to_owned()))
            })
            .collect();
        let schemas = self
            .root
            .get("components")
            .and_then(|components| components.get("schemas"))
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| (spanned(entry.key.clone(), &entry.key_range), entry.value.to_json()))
            .collect();
        self.check_all_refs(self.root);
        Some(Parts {
            title,
            version,
            tags,
            operations: self.operations(),
            schemas,
        })
    }

    /// References that nothing uses must lead somewhere too.
    fn check_all_refs(&mut self, node: &'a Node) {
        if node.get("$ref").is_some()
            && let Err(finding) = self.resolver.resolve(node)
        {
            self.findings.push(finding);
        }
        for entry in node.entries() {
            self.check_all_refs(&entry.value);
        }
        for item in node.items() {
            self.check_all_refs(item);
        }
    }

    fn operations(&mut self) -> Vec<Operation> {
        let mut operations = Vec::new();
        let mut ids: HashMap<String, Range<usize>> = HashMap::new();
        for path in self.root.get("paths").map(Node::entries).unwrap_or_default() {
            let Some(item) = self.resolve(&path.value) else {
                continue;
            };
            let shared = item.get("parameters").map(Node::items).unwrap_or_default();
            for method in item
                .entries()
                .iter()
                .filter(|entry| METHODS.contains(&entry.key.as_str()))
            {
                let Some(operation) = self.operation(path, method, shared) else {
                    continue;
                };
                if let Some(first) = ids.insert(operation.id.value.clone(), operation.id.range.clone()) {
                    let finding = Finding::at(
                        Rule::ContractOperationId,
                        self.place(&operation.id.range, "again here"),
                        format!("two operations have the id `{}`", operation.id.value),
                    )
                    .with(self.place(&first, "first here"))
                    .help("give each operation an id of its own");
                    self.findings.push(finding);
                    continue;
                }
                operations.push(operation);
            }
        }
        operations
    }

    fn operation(&mut self, path: &'a node::Entry, method: &'a node::Entry, shared: &'a [Node]) -> Option<Operation> {
        let body = &method.value;
        let what = format!("{} {}", method.key.to_uppercase(), path.key);
        let Some(id) = body.get("operationId").and_then(|node| Some((node, node.as_str()?))) else {
            self.report(
                Rule::ContractOperationId,
                &method.key_range,
                "this operation",
                format!("{what} has no `operationId`"),
                "add one in snake_case; it becomes the name of a method",
            );
            return None;
        };
        let id = spanned(id.1.to_owned(), &id.0.range);
        if let Some(request_body) = body.entry("requestBody") {
            self.report(
                Rule::ContractSubset,
                &request_body.key_range,
                "a request body",
                format!("{what} takes a request body, which the generator cannot turn into code"),
                "describe in words that a body is not read, or extend the generator",
            );
        }
        let text = |key: &str| {
            body.get(key)
                .and_then(Node::as_str)
                .unwrap_or_default()
                .trim_end()
                .to_owned()
        };
        let parameters = shared
            .iter()
            .chain(body.get("parameters").map(Node::items).unwrap_or_default())
            .filter_map(|node| self.parameter(node))
            .collect::<Vec<_>>();
        let permission = body
            .get("x-required-permission")
            .and_then(|node| Some(spanned(node.as_str()?.to_owned(), &node.range)));
        let rate_limit = body.get("x-rate-limit").and_then(|node| {
            let limit = RateLimit {
                requests: node.get("requests")?.as_u64().filter(|requests| *requests > 0)?,
                window_seconds: node.get("window_seconds")?.as_u64().filter(|seconds| *seconds > 0)?,
            };
            Some(spanned(limit, &node.range))
        });
        for (missing, key, example) in [
            (
                permission.is_none(),
                "x-required-permission",
                "x-required-permission: area.action",
            ),
            (
                rate_limit.is_none(),
                "x-rate-limit",
                "x-rate-limit: {requests: 20, window_seconds: 60}",
            ),
        ] {
            if missing {
                self.report(
                    Rule::ContractPermission,
                    &id.range,
                    "this operation",
                    format!("{what} has no usable `{key}`"),
                    format!("write `{example}`"),
                );
            }
        }
        let (success, errors) = self.responses(&what, &id, body)?;
        let operation = Operation {
            id,
            method: spanned(method.key.to_uppercase(), &method.key_range),
            path: spanned(path.key.clone(), &path.key_range),
            tags: body
                .get("tags")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            summary: text("summary"),
            description: text("description"),
            parameters,
            success,
            errors,
            permission,
            rate_limit,
        };
        self.check_roles(&what, &operation);
        Some(operation)
    }

    /// The server answers some errors before a person's code is asked; they must be documented.
    fn check_roles(&mut self, what: &str, operation: &Operation) {
        let has = |status: u16, name: Option<&str>| {
            operation
                .errors
                .iter()
                .any(|error| *error.status == status && name.is_none_or(|name| *error.name == name))
        };
        let mut missing = Vec::new();
        for (status, why) in [
            (401, "a request without a valid key"),
            (403, "a key without the permission"),
            (500, "a failure inside the server"),
            (503, "a request that took too long"),
        ] {
            if !has(status, None) {
                missing.push((format!("no {status}"), why.to_owned(), operation.id.range.clone()));
            }
        }
        if !has(429, Some("rate_limited")) {
            missing.push((
                "no 429 named `rate_limited`".to_owned(),
                "a request over the rate limit".to_owned(),
                operation.id.range.clone(),
            ));
        }
        for parameter in &operation.parameters {
            let name = format!("invalid_{}", parameter.name.value);
            if !has(400, Some(&name)) {
                missing.push((
                    format!("no 400 named `{name}`"),
                    format!("a malformed `{}`", parameter.name.value),
                    parameter.name.range.clone(),
                ));
            }
        }
        for (absent, why, range) in missing {
            self.report(
                Rule::ContractRole,
                &range,
                "this one",
                format!("{what} documents {absent}, which is the answer to {why}"),
                "document it as a named example under its status",
            );
        }
    }

    fn parameter(&mut self, node: &'a Node) -> Option<Parameter> {
        let node = self.resolve(node)?;
        let name = node.get("name")?;
        let location = match node.get("in").and_then(Node::as_str) {
            Some("path") => Location::Path,
            Some("query") => Location::Query,
            other => {
                let other = other.unwrap_or("nothing").to_owned();
                self.report(
                    Rule::ContractSubset,
                    &node.range,
                    "this parameter",
                    format!("a parameter stands in {other}; the generator knows `path` and `query`"),
                    "use one of those",
                );
                return None;
            }
        };
        let schema = self.resolve(node.get("schema")?)?;
        Some(Parameter {
            name: spanned(name.as_str()?.to_owned(), &name.range),
            location,
            required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
            description: node
                .get("description")
                .and_then(Node::as_str)
                .unwrap_or_default()
                .trim_end()
                .to_owned(),
            schema: spanned(schema.to_json(), &schema.range),
        })
    }

    fn responses(
        &mut self,
        what: &str,
        id: &Spanned<String>,
        body: &'a Node,
    ) -> Option<(Success, Vec<DocumentedError>)> {
        let mut successes = Vec::new();
        let mut errors: Vec<DocumentedError> = Vec::new();
        for response in body.get("responses").map(Node::entries).unwrap_or_default() {
            let Ok(code) = response.key.parse::<u16>() else {
                self.report(
                    Rule::ContractSubset,
                    &response.key_range,
                    "not one status",
                    format!(
                        "{what} documents `{}`; the generator needs each status by itself",
                        response.key
                    ),
                    "document each status that can be answered",
                );
                continue;
            };
            let status = spanned(code, &response.key_range);
            let Some(answer) = self.resolve(&response.value) else {
                continue;
            };
            let headers = self.headers(answer);
            match code {
                200..=299 => {
                    if let Some(success) = self.success(what, status, answer, headers) {
                        successes.push(success);
                    }
                }
                400..=599 => self.errors(what, &status, answer, &headers, &mut errors),
                _ => self.report(
                    Rule::ContractSubset,
                    &response.key_range,
                    "this status",
                    format!("{what} documents {code}, which is neither a success nor an error"),
                    "document 2xx, 4xx and 5xx",
                ),
            }
        }
        if successes.len() != 1 {
            self.report(
                Rule::ContractSubset,
                &id.range,
                "this operation",
                format!(
                    "{what} documents {} usable success answers; the generator needs exactly one",
                    successes.len()
                ),
                "document one 2xx with a JSON body whose schema is a `$ref`",
            );
        }
        errors.sort_by_key(|error| *error.status);
        Some((successes.pop()?, errors))
    }

    fn success(&mut self, what: &str, status: Spanned<u16>, answer: &'a Node, headers: Vec<Header>) -> Option<Success> {
        let content = answer.get("content").and_then(|content| content.get(JSON));
        let reference = content
            .and_then(|content| content.get("schema"))
            .and_then(|schema| schema.get("$ref"));
        let Some((reference, name)) = reference.and_then(|reference| {
            let name = reference.as_str()?.strip_prefix("#/components/schemas/")?;
            Some((reference, name))
        }) else {
            self.report(
                Rule::ContractSubset,
                &status.range,
                "this answer",
                format!(
                    "the {} of {what} has no JSON body whose schema is a `$ref`",
                    status.value
                ),
                "put the schema into `components.schemas` and refer to it",
            );
            return None;
        };
        let examples = content
            .and_then(|content| content.get("examples"))
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| {
                let value = self.resolve(&entry.value)?.get("value")?;
                Some((entry.key.clone(), spanned(value.to_json(), &value.range)))
            })
            .collect();
        Some(Success {
            description: answer
                .get("description")
                .and_then(Node::as_str)
                .unwrap_or_default()
                .to_owned(),
            headers,
            schema: spanned(name.to_owned(), &reference.range),
            examples,
            status,
        })
    }

    fn errors(
        &mut self,
        what: &str,
        status: &Spanned<u16>,
        answer: &'a Node,
        headers: &[Header],
        errors: &mut Vec<DocumentedError>,
    ) {
        let content = answer.get("content").and_then(|content| content.get(JSON));
        let schema = content
            .and_then(|content| content.get("schema"))
            .and_then(|schema| schema.get("$ref"))
            .and_then(Node::as_str);
        if schema != Some("#/components/schemas/Error") {
            self.report(
                Rule::ContractSubset,
                &status.range,
                "this answer",
                format!("the {} of {what} does not have the schema `Error`", status.value),
                "write `$ref: '#/components/schemas/Error'`: every error has the same body",
            );
        }
        let examples = content
            .and_then(|content| content.get("examples"))
            .map(Node::entries)
            .unwrap_or_default();
        if examples.is_empty() {
            self.report(
                Rule::ContractError,
                &status.range,
                "this status",
                format!("the {} of {what} documents no error", status.value),
                "name each error under `examples`, with a `summary` and `value: {message: …}`",
            );
        }
        for example in examples {
            let Some(node) = self.resolve(&example.value) else {
                continue;
            };
            let message = node.get("value").and_then(|value| value.get("message"));
            let message = message.and_then(|node| Some(spanned(node.as_str()?.to_owned(), &node.range)));
            let summary = node.get("summary");
            let summary = summary.and_then(|node| Some(spanned(node.as_str()?.trim().to_owned(), &node.range)));
            let (Some(message), Some(summary)) = (message, summary) else {
                self.report(
                    Rule::ContractError,
                    &example.key_range,
                    "this error",
                    format!("the error `{}` of {what} lacks a message or a summary", example.key),
                    "write `summary: what to do about it` and `value: {message: what is wrong}`",
                );
                continue;
            };
            let error = DocumentedError {
                name: spanned(example.key.clone(), &example.key_range),
                status: status.clone(),
                message,
                summary,
                headers: headers.to_vec(),
            };
            if let Some(first) = errors.iter().find(|other| {
                *other.name == *error.name || (*other.status == *error.status && *other.message == *error.message)
            }) {
                let finding = Finding::at(
                    Rule::ContractError,
                    self.place(&error.name.range, "again here"),
                    format!(
                        "{what} documents an error twice: `{} {}`",
                        error.status.value, error.message.value
                    ),
                )
                .with(self.place(&first.name.range, "first here"))
                .help("a client tells errors apart by status and message, and code by name: make both unique");
                self.findings.push(finding);
                continue;
            }
            errors.push(error);
        }
    }

    fn headers(&mut self, answer: &'a Node) -> Vec<Header> {
        let mut headers = Vec::new();
        for entry in answer.get("headers").map(Node::entries).unwrap_or_default() {
            let Some(node) = self.resolve(&entry.value) else {
                continue;
            };
            let Some(schema) = node.get("schema").and_then(|schema| self.resolve(schema)) else {
                continue;
            };
            let constant = match schema.get("enum").map(Node::items) {
                Some([only]) => only.as_str().map(str::to_owned),
                _ => None,
            };
            headers.push(Header {
                name: spanned(entry.key.clone(), &entry.key_range),
                required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
                description: node
                    .get("description")
                    .and_then(Node::as_str)
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned(),
                schema: schema.to_json(),
                constant,
            });
        }
        headers
    }

    fn resolve(&mut self, node: &'a Node) -> Option<&'a Node> {
        // What does not resolve is reported once, by `check_all_refs`.
        self.resolver.resolve(node).ok()
    }

    fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(self.source, range.clone(), label)
    }

    fn report(
        &mut self,
        rule: Rule,
        range: &Range<usize>,
        label: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let finding = Finding::at(rule, self.place(range, label), message).help(help);
        self.findings.push(finding);
    }
}

fn spanned<T>(value: T, range: &Range<usize>) -> Spanned<T> {
    Spanned {
        value,
        range: range.clone(),
    }
}
