//! Generates a server or a client from one OpenAPI file, without any settings: `openapi-dropshot --spec FILE --server OUT.rs`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use apidrift_core::canonical::words;
use apidrift_core::contract::Contract;
use openapi_model::document::Document;
use openapi_model::source::Source;
use openapi_model::span::Span;

use crate::characters::harmless;
use crate::dependencies::Dependency;
use crate::lower::{Loss, Refused};
use crate::operation_ids::operation_ids;
use crate::seal::{is_sealed, sealed};
use crate::{server, standalone};

/// The command that the first line of a generated file names.
const COMMAND: &str = "openapi-dropshot";

/// What to generate, and from what.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Wanted {
    /// The OpenAPI document, 3.0 or 3.1, YAML or JSON
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// Write a dropshot server into this file
    #[arg(long, value_name = "OUT.rs", required_unless_present = "client")]
    pub server: Option<PathBuf>,
    /// Write a client into this file
    #[arg(long, value_name = "OUT.rs")]
    pub client: Option<PathBuf>,
    /// Leave an operation out, by its ID or as "GET /path"
    #[arg(long, value_name = "OPERATION")]
    pub leave_out: Vec<String>,
    /// Generate the other operations if some cannot be generated; the files say which are missing
    #[arg(long)]
    pub partial: bool,
    /// Change nothing; exit 1 if a file is out of date
    #[arg(long)]
    pub check: bool,
}

/// What was generated.
#[derive(Debug, Default)]
pub struct Report {
    /// The files with what they hold.
    pub files: Vec<Written>,
    /// The operations that cannot be generated, with their places.
    pub refused: Vec<String>,
    /// What the generated code does not do of an operation, with its place.
    pub notes: Vec<String>,
}

/// A generated file.
#[derive(Debug)]
pub struct Written {
    /// Its path.
    pub path: PathBuf,
    /// How many operations it has.
    pub operations: usize,
    /// The crates that it needs.
    pub dependencies: Vec<Dependency>,
    /// Whether the file was different before.
    pub changed: bool,
}

impl Report {
    /// Whether something is missing that was asked for, or out of date.
    pub fn is_incomplete(&self, wanted: &Wanted) -> bool {
        (!self.refused.is_empty() && !wanted.partial) || (wanted.check && self.files.iter().any(|file| file.changed))
    }
}

/// Generates the files. If operations cannot be generated and `partial` is not set, nothing is written.
///
/// # Errors
///
/// If the document cannot be read at all, names an operation to leave out that does not exist, or a file cannot be written.
pub fn generate(wanted: &Wanted) -> anyhow::Result<Report> {
    anyhow::ensure!(wanted.server != wanted.client, "server and client would be written into the same file");
    let folder = wanted.spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let source = Source::read(folder, &wanted.spec).map_err(anyhow::Error::msg)?;
    let shown = wanted.spec.display();
    let contract = Contract::read(&source, Some(folder), None).map_err(|error| {
        let place = error.place.map(|place| {
            let (line, column) = place.source.line_column(place.range.start);
            format!(":{line}:{column}")
        });
        let help = error.help.map(|help| format!("; {help}")).unwrap_or_default();
        anyhow::anyhow!("{shown}{}: {}{help}", place.unwrap_or_default(), error.message)
    })?;
    let document = &contract.document;
    let leave_out = indices(document, &wanted.leave_out)?;
    let mut report = Report::default();
    let mut texts = Vec::new();
    if let Some(path) = &wanted.server {
        let server = server::server(&contract, &leave_out)
            .map_err(|problem| anyhow::anyhow!("{}: {}", place(document, problem.span), problem.message))?;
        report.notes.extend(server.not_validated.iter().map(|problem| note(document, problem.span, &problem.message)));
        texts.push((path, server.operations, server.dependencies, server.refused, server.text));
    }
    if let Some(path) = &wanted.client {
        let client = standalone::client(document, &leave_out).map_err(anyhow::Error::msg)?;
        for operation in &client.operations {
            let about = format!("{} {}", operation.method, operation.path);
            let losses =
                operation.losses.iter().map(|Loss { what, span }| note(document, *span, &format!("{about}: {what}")));
            report.notes.extend(losses);
        }
        texts.push((path, client.operations.len(), client.dependencies, client.refused, client.text));
    }
    let mut refused: Vec<String> =
        texts.iter().flat_map(|text| &text.3).map(|refused| about(document, refused)).collect();
    refused.sort();
    refused.dedup();
    report.refused = refused;
    let writes = !wanted.check && (report.refused.is_empty() || wanted.partial);
    for (path, operations, dependencies, refused, text) in texts {
        let text = sealed(&contract, COMMAND, &with_missing(&text, &refused));
        let old = std::fs::read_to_string(path).ok();
        if let Some(old) = old.as_deref().filter(|_| writes) {
            let is_ours = old.trim().is_empty() || is_sealed(old);
            anyhow::ensure!(is_ours, "{} was not generated, or was edited since; move it away first", path.display());
        }
        let changed = old.as_deref() != Some(&text);
        if changed && writes {
            std::fs::write(path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        report.files.push(Written { path: path.clone(), operations, dependencies, changed });
    }
    Ok(report)
}

/// The indices of operations that are named.
fn indices(document: &Document, names: &[String]) -> anyhow::Result<BTreeSet<usize>> {
    let ids = operation_ids(document);
    let find = |name: &String| {
        let operations = document.operations.iter().zip(&ids);
        let found = operations.enumerate().find(|(_, (operation, id))| *id == name || operation.endpoint() == *name);
        found.map(|(index, _)| index).with_context(|| format!("--leave-out: there is no operation `{name}`"))
    };
    names.iter().map(find).collect()
}

fn about(document: &Document, refused: &Refused) -> String {
    format!("{}: {} {}: {}", place(document, refused.span), refused.method, refused.path, refused.reason)
}

fn note(document: &Document, span: Span, message: &str) -> String {
    format!("{}: {message}", place(document, span))
}

fn place(document: &Document, span: Span) -> String {
    let place = document.place(span, "");
    let (line, column) = place.source.line_column(place.range.start);
    format!("{}:{line}:{column}", place.source.path)
}

/// The text with a list of the operations that it lacks.
fn with_missing(text: &str, refused: &[Refused]) -> String {
    if refused.is_empty() {
        return text.to_owned();
    }
    let lines: String = refused
        .iter()
        .map(|refused| format!("// - {} {}: {}\n", refused.method, words(&refused.path), words(&refused.reason)))
        .collect();
    format!("// These operations could not be generated:\n{}{text}", harmless(&lines))
}
