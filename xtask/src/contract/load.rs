//! Document → model. Collects findings instead of stopping at the first.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::node::{self, Entry, Node};
use super::resolve::Resolver;
use super::{Contract, Operation, Schema, Spanned};
use crate::finding::Finding;
use crate::rules::Rule;
use crate::source::{Place, Source};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub fn load(source: &Arc<Source>) -> (Option<Contract>, Vec<Finding>) {
    let root = match node::parse(&source.text) {
        Ok(root) => root,
        Err(error) => {
            let place = Place::new(source, error.range, "here");
            return (None, vec![Finding::at(Rule::ContractParses, place, error.message)]);
        }
    };
    let mut loader = Loader { source, root: &root, resolver: Resolver::new(source, &root), findings: Vec::new() };
    if !loader.is_known_version() {
        return (None, loader.findings);
    }
    loader.check_all_refs(&root);
    let info = |key: &str| root.get("info").and_then(|info| info.get(key)).and_then(Node::as_str).unwrap_or_default();
    let components = |key: &str| root.get("components").and_then(|components| components.get(key));
    let mut contract = Contract {
        source: source.clone(),
        title: info("title").to_owned(),
        version: info("version").to_owned(),
        tags: tags(&root),
        servers: servers(&root),
        security_schemes: components("securitySchemes")
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(key)
            .collect(),
        schemas: components("schemas").map(Node::entries).unwrap_or_default().iter().map(schema).collect(),
        operations: loader.operations(),
        root: Node::default(),
    };
    let findings = loader.findings;
    contract.root = root;
    (Some(contract), findings)
}

/// Reads one document.
pub(super) struct Loader<'a> {
    source: &'a Arc<Source>,
    root: &'a Node,
    resolver: Resolver<'a>,
    findings: Vec<Finding>,
}

impl<'a> Loader<'a> {
    fn is_known_version(&mut self) -> bool {
        match self.root.get("openapi").map(|node| (node, node.as_str())) {
            Some((_, Some(version))) if version.starts_with("3.0.") => true,
            Some((node, Some(version))) => {
                self.report(
                    Rule::ContractVersion,
                    &node.range,
                    "this version",
                    format!("the contract is OpenAPI {version}; 3.0.x is what can be read"),
                    "write `openapi: 3.0.3`, and `nullable: true` where 3.1 has a list of types",
                );
                false
            }
            _ => {
                self.report(
                    Rule::ContractVersion,
                    &(0..0),
                    "here",
                    "this is not an OpenAPI document: it has no `openapi`",
                    "begin it with `openapi: 3.0.3`",
                );
                false
            }
        }
    }

    /// References that nothing uses must lead somewhere too.
    fn check_all_refs(&mut self, node: &'a Node) {
        // In an example a `$ref` of the example's own means nothing.
        if node.get("$ref").is_some()
            && let Err(finding) = self.resolver.resolve(node)
        {
            self.findings.push(finding);
        }
        for entry in node.entries() {
            if !matches!(entry.key.as_str(), "example" | "value" | "default" | "enum") {
                self.check_all_refs(&entry.value);
            }
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
            for method in item.entries().iter().filter(|entry| METHODS.contains(&entry.key.as_str())) {
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

    pub(super) fn root(&self) -> &'a Node {
        self.root
    }

    pub(super) fn resolve(&self, node: &'a Node) -> Option<&'a Node> {
        // What does not resolve is reported once, by `check_all_refs`.
        self.resolver.resolve(node).ok()
    }

    pub(super) fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(self.source, range.clone(), label)
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn report(
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

pub(super) fn spanned<T>(value: T, range: &Range<usize>) -> Spanned<T> {
    Spanned { value, range: range.clone() }
}

/// A text at a key, without the line break that YAML's blocks end with.
pub(super) fn text(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::as_str).unwrap_or_default().trim_end().to_owned()
}

fn key(entry: &Entry) -> Spanned<String> {
    spanned(entry.key.clone(), &entry.key_range)
}

fn schema(entry: &Entry) -> Schema {
    Schema { name: key(entry), node: entry.value.clone() }
}

fn tags(root: &Node) -> Vec<(String, String)> {
    let tags = root.get("tags").map(Node::items).unwrap_or_default().iter();
    tags.filter_map(|tag| {
        let description = tag.get("description").and_then(Node::as_str).unwrap_or_default();
        Some((tag.get("name")?.as_str()?.to_owned(), description.to_owned()))
    })
    .collect()
}

fn servers(root: &Node) -> Vec<Spanned<String>> {
    let servers = root.get("servers").map(Node::items).unwrap_or_default().iter();
    servers
        .filter_map(|server| {
            let url = server.get("url")?;
            Some(spanned(url.as_str()?.to_owned(), &url.range))
        })
        .collect()
}
