//! Document → model. Collects findings instead of stopping at the first.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::keys::{self, Unknown};
use super::node::{self, Entry, Node};
use super::references;
use super::resolve::Resolver;
use super::{Contract, Operation, Schema, SecurityScheme, Spanned, Troubled};
use crate::finding::Finding;
use crate::rules::Rule;
use openapi_model::source::{Place, Source};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub fn load(source: &Arc<Source>) -> (Option<Contract>, Vec<Finding>) {
    let root = match node::parse(&source.text) {
        Ok(root) => root,
        Err(error) => {
            let place = Place::new(source, error.range, "here");
            return (None, vec![Finding::at(Rule::ContractParses, place, error.message)]);
        }
    };
    let resolver = Resolver::new(source, &root);
    let unknown_keys = keys::unknown(&root);
    let misread = unknown_keys.iter().filter_map(|unknown| unknown.schema.as_deref());
    let mut loader = Loader {
        source,
        root: &root,
        broken_schemas: references::broken_schemas(&root, &resolver, misread),
        resolver,
        unknown_keys,
        findings: Vec::new(),
        is_in_trouble: false,
    };
    if !loader.is_known_version() {
        return (None, loader.findings);
    }
    loader.check_all_refs(&root);
    loader.check_all_keys();
    let info = |key: &str| root.get("info").and_then(|info| info.get(key)).and_then(Node::as_str).unwrap_or_default();
    let components = |key: &str| root.get("components").and_then(|components| components.get(key));
    let schemas = loader.schemas();
    let (operations, troubled) = loader.operations();
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
            .map(|entry| SecurityScheme { name: key(entry), node: entry.value.clone() })
            .collect(),
        schema_index: schemas.iter().enumerate().map(|(at, schema)| (schema.name.value.clone(), at)).collect(),
        schemas,
        operations,
        troubled,
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
    broken_schemas: HashSet<String>,
    unknown_keys: Vec<Unknown>,
    findings: Vec<Finding>,
    /// Whether something that was read since this was last asked is not what the document says.
    is_in_trouble: bool,
}

impl<'a> Loader<'a> {
    fn is_known_version(&mut self) -> bool {
        match self.root.get("openapi").map(|node| (node, node.as_str())) {
            Some((_, Some(version))) if version.starts_with("3.0.") => true,
            Some((node, version)) => {
                let version = version.map_or_else(|| node.to_json().to_string(), str::to_owned);
                let help = if version.starts_with("3.0") {
                    "write `openapi: 3.0.3`, with all three parts"
                } else {
                    "write `openapi: 3.0.3`, and `nullable: true` where 3.1 has a list of types"
                };
                let message = format!("the contract is OpenAPI {version}; 3.0.x is what can be read");
                self.report(Rule::ContractVersion, &node.range, "this version", message, help);
                false
            }
            _ if self.root.get("swagger").is_some() => {
                self.report(
                    Rule::ContractVersion,
                    &self.root.entry("swagger").map_or(0..0, |entry| entry.key_range.clone()),
                    "this version",
                    "the contract is Swagger 2.0; OpenAPI 3.0.x is what can be read",
                    "convert it to OpenAPI 3.0",
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
        references::each(node, &mut |reference| {
            if let Err(finding) = self.resolver.resolve(reference) {
                self.findings.push(finding);
            }
        });
    }

    fn check_all_keys(&mut self) {
        for unknown in &self.unknown_keys {
            let help = match &unknown.nearest {
                Some(nearest) => format!("write `{nearest}`, if that is meant; a key of your own begins with `x-`"),
                None => "remove it; a key of your own begins with `x-`".to_owned(),
            };
            let place = self.place(&unknown.range, "this name");
            self.findings.push(Finding::at(Rule::ContractUnknownKey, place, unknown.message.clone()).help(help));
        }
    }

    fn schemas(&self) -> Vec<Schema> {
        let schemas = self.root.get("components").and_then(|components| components.get("schemas"));
        let read = |entry: &Entry| Schema {
            name: key(entry),
            node: entry.value.clone(),
            is_whole: !self.broken_schemas.contains(&entry.key),
        };
        schemas.map(Node::entries).unwrap_or_default().iter().map(read).collect()
    }

    /// The operations that could be read whole, and the others.
    fn operations(&mut self) -> (Vec<Operation>, Vec<Troubled>) {
        let (mut operations, mut troubled) = (Vec::new(), Vec::new());
        if self.root.get("paths").is_none_or(|paths| paths.entries().is_empty()) {
            self.report(
                Rule::ContractParses,
                &self.root.entry("paths").map_or(0..0, |paths| paths.key_range.clone()),
                "here",
                "the contract has no operation: its `paths` are empty or missing",
                "describe at least one, such as `paths: {/things: {get: …}}`",
            );
        }
        let mut ids: HashMap<String, Range<usize>> = HashMap::new();
        for path in self.root.get("paths").map(Node::entries).unwrap_or_default() {
            let Some(item) = self.resolve(&path.value) else {
                continue;
            };
            let shared = item.get("parameters").map(Node::items).unwrap_or_default();
            for method in item.entries().iter().filter(|entry| METHODS.contains(&entry.key.as_str())) {
                self.is_in_trouble = false;
                let operation = self.operation(path, method, shared);
                let range = method.key_range.start..method.value.range.end;
                self.is_in_trouble |= self.is_misread(&range);
                let first = operation
                    .as_ref()
                    .and_then(|operation| ids.insert(operation.id.value.clone(), operation.id.range.clone()));
                if let (Some(operation), Some(first)) = (&operation, first) {
                    let finding = Finding::at(
                        Rule::ContractOperationId,
                        self.place(&operation.id.range, "again here"),
                        format!("two operations have the id `{}`", operation.id.value),
                    )
                    .with(self.place(&first, "first here"))
                    .help("give each operation an id of its own");
                    self.push(finding);
                }
                match operation {
                    Some(operation) if !self.is_in_trouble => operations.push(operation),
                    operation => {
                        troubled.push(Troubled { method: method.key.to_uppercase(), path: path.key.clone(), operation })
                    }
                }
            }
        }
        (operations, troubled)
    }

    pub(super) fn root(&self) -> &'a Node {
        self.root
    }

    pub(super) fn resolve(&mut self, node: &'a Node) -> Option<&'a Node> {
        // What does not resolve is reported once, by `check_all_refs`.
        let resolved = self.resolver.resolve(node).ok();
        self.is_in_trouble |= resolved.is_none_or(|resolved| self.is_misread(&resolved.range));
        resolved
    }

    /// Whether a part of the document says something that is not read.
    fn is_misread(&self, range: &Range<usize>) -> bool {
        let first = self.unknown_keys.partition_point(|unknown| unknown.range.start < range.start);
        self.unknown_keys.get(first).is_some_and(|unknown| unknown.range.start < range.end)
    }

    /// Notes that what is being read is no better than a schema.
    pub(super) fn depend_on(&mut self, schema: &str) {
        self.is_in_trouble |= self.broken_schemas.contains(schema);
    }

    /// Notes that what is being read is no better than what it refers to.
    pub(super) fn depend_on_references(&mut self, node: &'a Node) {
        references::each(node, &mut |reference| {
            self.is_in_trouble |= self.resolver.resolve(reference).is_err()
                || references::schema_name(reference).is_some_and(|name| self.broken_schemas.contains(name));
        });
    }

    pub(super) fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(self.source, range.clone(), label)
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.is_in_trouble = true;
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
        self.push(finding);
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
