//! Reading a document: from files to typed values.
//!
//! Reading does not stop at errors: invalid parts become a [`Problem`], and everything else is read. Reading is
//! bounded: by the depth of documents, by the number of parts that references multiply, and by each schema being read
//! once.

mod bounds;
mod fields;
mod files;
mod keys;
mod nearest;
mod operations;
mod parts;
mod reader;
mod references;
mod schemas;
mod security;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use self::files::{At, Files};
use self::keys::Part;
use self::reader::Reader;
use crate::document::{Document, Security, Status, Version};
use crate::node::{self, Node};
use crate::problem::{Problem, ProblemKind, Unreadable, UnreadableKind};
use crate::source::{Place, Source};
use crate::span::{FileId, Span, Spanned};

/// Reads a document that is in memory. References into other files are resolved relative to the folder `base`; without
/// one they do not resolve.
///
/// # Errors
///
/// If it is not YAML or JSON, or not OpenAPI 3.0 or 3.1.
pub fn read(source: &Arc<Source>, base: Option<&Path>) -> Result<Document, Unreadable> {
    let parsed = node::read(&source.text).map_err(|malformed| Unreadable {
        kind: UnreadableKind::Malformed,
        place: Some(Place::new(source, malformed.range, "here")),
        message: malformed.message,
        help: None,
    })?;
    let (version, openapi) = version(source, &parsed.node)?;
    let files = Files::new(source, parsed, base);
    let mut reader = Reader::new(&files, version);
    let mut document = reader.document(openapi);
    let Reader { schemas, mut problems, .. } = reader;
    report_file_problems(&files, &mut problems);
    problems.sort_by(|one, other| (one.span, one.kind, &one.message).cmp(&(other.span, other.kind, &other.message)));
    problems.dedup_by(|one, other| one.span == other.span && one.kind == other.kind && one.message == other.message);
    document.schemas = schemas;
    document.problems = problems;
    for (index, file) in files.into_all().enumerate() {
        document.files.push(file.source);
        if index == 0 {
            document.root = file.parsed.node;
        }
    }
    Ok(document)
}

/// Reads the document in a file below `root`, whose printed path is relative to `root`.
///
/// # Errors
///
/// If the file cannot be read, and as [`read`].
pub fn read_file(root: &Path, file: &Path) -> Result<Document, Unreadable> {
    let source = Source::read(root, file).map_err(|message| Unreadable {
        kind: UnreadableKind::Malformed,
        message,
        place: None,
        help: None,
    })?;
    read(&source, file.parent())
}

/// The OpenAPI version of a document.
fn version(source: &Arc<Source>, root: &Node) -> Result<(Version, Spanned<String>), Unreadable> {
    let unreadable = |message: &str, at: &Node, help: &str| Unreadable {
        kind: UnreadableKind::Version,
        message: message.to_owned(),
        place: Some(Place::new(source, at.range.clone(), "here")),
        help: Some(help.to_owned()),
    };
    let written = |node: &Node| match node.as_str() {
        Some(text) => text.to_owned(),
        // `openapi: 3.0` without quotes is a number.
        None => source.text.get(node.range.clone()).unwrap_or_default().to_owned(),
    };
    if let Some(swagger) = root.get("swagger").filter(|_| root.get("openapi").is_none()) {
        let message = format!("this is OpenAPI {} (Swagger); only 3.0 and 3.1 are supported", written(swagger));
        return Err(unreadable(&message, swagger, "convert it to 3.0 first, for example with swagger2openapi"));
    }
    let Some(openapi) = root.get("openapi") else {
        let start = Node { range: root.range.start..root.range.start, ..Node::default() };
        let message = "this is not an OpenAPI document: it has no key `openapi`";
        return Err(unreadable(message, &start, "write `openapi: 3.0.3` or `openapi: 3.1.0`"));
    };
    let text = written(openapi);
    let mut numbers = text.trim().split('.');
    let version = match (numbers.next(), numbers.next()) {
        (Some("3"), Some("0")) => Version::V3_0,
        (Some("3"), Some("1")) => Version::V3_1,
        _ => {
            let message = format!("`openapi` is `{text}`; only 3.0 and 3.1 are supported");
            return Err(unreadable(&message, openapi, "write the document in one of these versions"));
        }
    };
    Ok((version, Spanned::new(text, Span::new(FileId(0), &openapi.range))))
}

/// Reports problems of the file contents that do not depend on OpenAPI.
fn report_file_problems(files: &Files, problems: &mut Vec<Problem>) {
    for (index, file) in files.all().enumerate() {
        let id = FileId(u16::try_from(index).unwrap_or(u16::MAX));
        let problem =
            |kind, message, range| Problem { kind, message, span: Span::new(id, range), related: None, nearest: None };
        for duplicate in &file.parsed.duplicates {
            let message = format!("duplicate key `{}`; the last one counts", duplicate.key);
            problems.push(Problem {
                related: Some((Span::new(id, &duplicate.first), "first here".to_owned())),
                ..problem(ProblemKind::DuplicateKey, message, &duplicate.second)
            });
        }
        if let Some(second) = &file.parsed.second_document {
            let message = "a second document begins here; only the first is read".to_owned();
            problems.push(problem(ProblemKind::SecondDocument, message, second));
        }
    }
}

impl<'a> Reader<'a> {
    /// The whole document except schemas and problems, which the reader collects.
    fn document(&mut self, openapi: Spanned<String>) -> Document {
        let nothing: &Node = &EMPTY;
        let root = self.references.files.root(FileId(0)).unwrap_or(At { file: FileId(0), node: nothing });
        self.keys(root, Part::Document);
        if root.get("openapi").is_some_and(|value| value.node.as_str().is_none()) {
            self.text(root, "openapi");
        }
        let components = self.mapping(root, "components").map(|entry| entry.value);
        let schemes = components.map(|components| self.named(components, "securitySchemes")).unwrap_or_default();
        self.scheme_names = schemes.iter().map(|scheme| scheme.key()).collect();
        let security = root.get("security").map(|list| self.security(list, None)).unwrap_or_default();
        let mut document = Document {
            files: Vec::new(),
            root: Node::default(),
            version: self.version,
            openapi,
            info: self.info(root),
            servers: self.servers(root),
            tags: self.tags(root),
            operations: self.operations(root, "paths", &security),
            webhooks: self.operations(root, "webhooks", &security),
            security: security.clone(),
            paths: root.entry("paths").map(|entry| entry.key_span()),
            schemas_key: components.and_then(|at| at.entry("schemas")).map(|entry| entry.key_span()),
            components: Vec::new(),
            by_name: Default::default(),
            security_schemes: schemes.into_iter().filter_map(|scheme| self.security_scheme(scheme)).collect(),
            problems: Vec::new(),
            schemas: Vec::new(),
            shapes: Default::default(),
        };
        if let Some(components) = components {
            self.keys(components, Part::Components);
            for entry in self.named(components, "schemas") {
                let id = self.schema(entry.value);
                let name = Spanned::new(entry.key().to_owned(), entry.key_span());
                self.schemas[id.index()].name = Some(name.clone());
                document.by_name.entry(name.value.clone()).or_insert(id);
                document.components.push((name, id));
            }
            self.components(components, &security);
        }
        self.read_schemas();
        self.report_circular_references();
        document
    }

    /// Reads components even if nothing refers to them, to report the problems in them.
    fn components(&mut self, components: At<'a>, security: &Security) {
        for entry in self.named(components, "responses") {
            let _ = self.response(Spanned::new(Status::Default, entry.key_span()), entry.value);
        }
        for entry in self.named(components, "parameters") {
            let _ = self.parameter(entry.value);
        }
        for entry in self.named(components, "requestBodies") {
            let _ = self.body(entry);
        }
        for entry in self.named(components, "examples") {
            let _ = self.example(entry);
        }
        for entry in self.named(components, "links") {
            let _ = self.link(entry);
        }
        for entry in self.named(components, "callbacks") {
            let _ = self.callback(entry, security);
        }
        for entry in self.named(components, "pathItems") {
            let path = Spanned::new(entry.key().to_owned(), entry.key_span());
            self.path_item(entry, &path, security);
        }
        self.headers(components);
    }
}

static EMPTY: Node = Node { range: 0..0, value: node::Value::Null };
