//! Path items and their operations.

use std::sync::Arc;

use super::fields::{PATH_ITEM, extensions};
use super::files::{At, EntryAt};
use super::keys::Part;
use super::parts::status;
use super::reader::Reader;
use crate::document::{Operation, Parameter, Part as OperationPart, Response, Security, Server, Unread};
use crate::problem::ProblemKind;
use crate::span::Spanned;

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The parts that the operations of a path item share.
#[derive(Default)]
struct Shared {
    parameters: Vec<Parameter>,
    servers: Vec<Server>,
    unread: Vec<Unread>,
}

impl<'a> Reader<'a> {
    /// The operations of `paths` or `webhooks`.
    pub fn operations(&mut self, root: At<'a>, key: &str, security: &Security) -> Vec<Arc<Operation>> {
        let mut operations = Vec::new();
        for entry in self.named(root, key) {
            if entry.key().starts_with("x-") {
                continue;
            }
            if key == "paths" && !entry.key().starts_with('/') {
                let message = format!("`{}` is not a path: a path begins with `/`", entry.key());
                self.problem(ProblemKind::UnknownKey, message, entry.key_span());
            }
            let path = Spanned::new(entry.key().to_owned(), entry.key_span());
            operations.extend(self.path_item(entry, &path, security).into_iter().map(Arc::new));
        }
        operations
    }

    /// The operations of a path item.
    pub fn path_item(&mut self, entry: EntryAt<'a>, path: &Spanned<String>, security: &Security) -> Vec<Operation> {
        if entry.value.is_null() {
            return Vec::new();
        }
        if !entry.value.is_mapping() {
            self.wrong(entry.key(), entry.value, "a mapping");
            return Vec::new();
        }
        // Here keys beside a `$ref` count, and override those of its target.
        let mut layers = vec![entry.value];
        if entry.value.get("$ref").is_some() {
            let target = self.follow(entry.value, PATH_ITEM);
            layers.extend(target.ok().filter(|target| target.address() != entry.value.address()));
        }
        let innermost = layers[layers.len() - 1];
        let read = self.within(innermost, entry.value, |reader| {
            let mut shared = Shared::default();
            for layer in &layers {
                reader.keys(*layer, Part::PathItem);
                reader.parameters(*layer, &mut shared.parameters, &mut shared.unread);
                if shared.servers.is_empty() {
                    shared.servers = reader.servers(*layer);
                }
            }
            let mut operations: Vec<Operation> = Vec::new();
            for layer in &layers {
                for entry in layer.entries().filter(|entry| METHODS.contains(&entry.key())) {
                    let method = entry.key().to_ascii_uppercase();
                    if operations.iter().all(|operation| operation.method.value != method) {
                        operations.extend(reader.operation(method, entry, path, &shared, security));
                    }
                }
            }
            operations
        });
        read.unwrap_or_default()
    }

    fn operation(
        &mut self,
        method: String,
        entry: EntryAt<'a>,
        path: &Spanned<String>,
        shared: &Shared,
        security: &Security,
    ) -> Option<Operation> {
        self.spend(entry.key_span()).ok()?;
        let at = entry.value;
        if !at.is_null() && !at.is_mapping() {
            self.wrong(entry.key(), at, "a mapping");
            return None;
        }
        self.keys(at, Part::Operation);
        let mut unread = shared.unread.clone();
        let mut own = Vec::new();
        self.parameters(at, &mut own, &mut unread);
        let is_overridden = |inherited: &&Parameter| own.iter().any(|parameter| is_same(parameter, inherited));
        let inherited = shared.parameters.iter().filter(|parameter| !is_overridden(parameter)).cloned();
        let parameters: Vec<Parameter> = inherited.collect::<Vec<_>>().into_iter().chain(own).collect();
        let body = at.entry("requestBody").and_then(|entry| match self.body(entry) {
            Ok(body) => Some(body),
            Err(reason) => {
                unread.push(Unread { part: OperationPart::Body, reason, span: entry.value.span() });
                None
            }
        });
        let tags = at.get("tags").map(|tags| self.texts_of(tags, "tags")).unwrap_or_default();
        let servers = self.servers(at);
        let security = match at.get("security") {
            Some(list) => self.security(list, Some(&mut unread)),
            None => security.clone(),
        };
        self.lost_headers.clear();
        let responses = self.responses(at, &mut unread);
        let lost = self.lost_headers.drain(..);
        unread.extend(lost.map(|(reason, span)| Unread { part: OperationPart::Responses, reason, span }));
        let callbacks = self.callbacks(at, &security, &mut unread);
        Some(Operation {
            method: Spanned::new(method, entry.key_span()),
            path: path.clone(),
            span: at.span(),
            id: self.text(at, "operationId"),
            tags,
            summary: self.text(at, "summary"),
            description: self.text(at, "description"),
            deprecated: self.set(at, "deprecated"),
            parameters,
            body,
            responses,
            security,
            servers: if servers.is_empty() { shared.servers.clone() } else { servers },
            callbacks,
            extensions: extensions(at),
            unread,
        })
    }

    /// Reads `parameters`; of duplicates, the first counts.
    fn parameters(&mut self, at: At<'a>, found: &mut Vec<Parameter>, unread: &mut Vec<Unread>) {
        let Some(list) = at.get("parameters") else { return };
        let items = self.list_of(list, "parameters");
        if items.is_empty() && !matches!(list.node.value, crate::node::Value::Array(_)) {
            let reason = format!("`parameters` is {}, not a list", list.node.kind());
            unread.push(Unread { part: OperationPart::Parameters, reason, span: list.span() });
        }
        for item in items {
            match self.parameter(item) {
                Ok(parameter) if found.iter().any(|known| is_same(known, &parameter)) => {
                    let message = format!("duplicate parameter `{}`", parameter.name.value);
                    let first = found.iter().find(|known| is_same(known, &parameter)).map(|known| known.span);
                    let related = first.map(|span| (span, "the first".to_owned()));
                    self.problem(ProblemKind::DuplicateKey, message, item.span()).related = related;
                }
                Ok(parameter) => found.push(parameter),
                Err(reason) => {
                    unread.push(Unread { part: OperationPart::Parameters, reason, span: item.span() });
                }
            }
        }
    }

    fn responses(&mut self, at: At<'a>, unread: &mut Vec<Unread>) -> Vec<Response> {
        let mut responses: Vec<Response> = Vec::new();
        let Some(entry) = at.entry("responses") else { return responses };
        let mut missed = |reason, span| unread.push(Unread { part: OperationPart::Responses, reason, span });
        if !entry.value.is_mapping() {
            self.wrong("responses", entry.value, "a mapping");
            missed(format!("`responses` is {}, not a mapping", entry.value.node.kind()), entry.value.span());
        }
        for entry in entry.value.entries().filter(|entry| !entry.key().starts_with("x-")) {
            let Some(status) = status(entry.key()) else {
                let message = format!("`{}` is not a status: statuses are `404`, `4XX` or `default`", entry.key());
                self.problem(ProblemKind::UnknownStatus, message.clone(), entry.key_span());
                missed(message, entry.key_span());
                continue;
            };
            match self.response(Spanned::new(status, entry.key_span()), entry.value) {
                Ok(response) => responses.push(response),
                Err(reason) => missed(reason, entry.value.span()),
            }
        }
        responses
    }

    fn callbacks(&mut self, at: At<'a>, security: &Security, unread: &mut Vec<Unread>) -> Vec<Operation> {
        let mut operations = Vec::new();
        for callback in self.named(at, "callbacks").into_iter().filter(|entry| !entry.key().starts_with("x-")) {
            match self.callback(callback, security) {
                Ok(read) => operations.extend(read),
                Err(reason) => {
                    unread.push(Unread { part: OperationPart::Other, reason, span: callback.value.span() });
                }
            }
        }
        operations
    }

    /// The operations of a callback.
    pub fn callback(&mut self, callback: EntryAt<'a>, security: &Security) -> Result<Vec<Operation>, String> {
        let at = self.follow(callback.value, "callback")?;
        let mut operations = Vec::new();
        for entry in at.entries().filter(|entry| !entry.key().starts_with("x-") && entry.key() != "$ref") {
            let path = Spanned::new(format!("{} {}", callback.key(), entry.key()), entry.key_span());
            operations.extend(self.path_item(entry, &path, security));
        }
        Ok(operations)
    }
}

/// Whether two parameters are the same: equal names at one location. Header names are compared without case.
fn is_same(one: &Parameter, other: &Parameter) -> bool {
    let is_header = one.location == crate::document::Location::Header;
    one.location == other.location
        && (one.name.value == other.name.value || is_header && one.name.value.eq_ignore_ascii_case(&other.name.value))
}
