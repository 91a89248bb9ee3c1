//! Lowers a contract to an OpenAPI 3.0 document that progenitor takes, with all that the client must know beside.
//!
//! progenitor writes the Rust types, and names the type of every value that an operation sends and receives. How a value is
//! sent or received it cannot say for every contract. So each operation of the lowered document has one parameter in the
//! query for each of its values, and how these are sent is in [`LoweredOperation`].

pub mod bodies;
mod directions;
mod discriminators;
pub mod document;
pub mod names;
mod objects;
pub mod parameters;
mod plain;
pub mod record;
pub mod responses;
mod targets;
pub mod types;
mod unions;
pub mod wire_names;

use std::collections::{BTreeMap, BTreeSet};

use openapi_model::document::{Document, Operation, Part};
use openapi_model::span::Span;
use serde_json::Value;

use self::bodies::Body;
use self::names::{Names, type_name, value_name};
use self::parameters::{Parameter, Refusal, Segment, segments};
pub use self::record::Loss;
use self::record::NamedType;
use self::responses::Responses;
use self::types::Types;
pub use self::wire_names::WireNames;
use super::operation_ids::operation_ids;

/// A lowered contract.
#[derive(Debug)]
pub struct Lowered {
    /// An OpenAPI 3.0.3 document that progenitor takes.
    pub document: Value,
    /// The operations that the client has, in the order of the contract.
    pub operations: Vec<LoweredOperation>,
    /// The operations that it does not have.
    pub refused: Vec<Refused>,
    /// The named types, with their documentation.
    pub types: BTreeMap<String, NamedType>,
    /// Names of fields and values that differ from what is sent.
    pub wire_names: WireNames,
}

/// An operation that the client has.
#[derive(Debug, Clone)]
pub struct LoweredOperation {
    /// Its index in `document.operations`.
    pub index: usize,
    /// `GET`, `POST`, ….
    pub method: String,
    /// Its path as written.
    pub path: String,
    /// Its ID, written or derived.
    pub id: String,
    /// The name of its method and, in another form, of its builder.
    pub name: String,
    /// `summary`.
    pub summary: String,
    /// `description`.
    pub description: String,
    /// The alternatives of credentials, each with the names of the schemes that it needs together.
    pub credentials: Vec<Vec<String>>,
    /// Whether it is deprecated.
    pub is_deprecated: bool,
    /// The parts of its path.
    pub segments: Vec<Segment>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its body.
    pub body: Option<Body>,
    /// Its responses.
    pub responses: Responses,
    /// What the client cannot do of what the contract says about it.
    pub losses: Vec<Loss>,
}

impl LoweredOperation {
    /// The name of its builder, and the beginning of the names of its own types.
    pub fn type_name(&self) -> String {
        type_name(&self.name)
    }
}

/// An operation that the client does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Its path.
    pub path: String,
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// Where.
    pub span: Span,
    /// Whether a rule about the contract reports it already.
    pub is_covered: bool,
}

impl Refused {
    /// Refuses an operation.
    pub fn new(operation: &Operation, reason: impl Into<String>, span: Span) -> Refused {
        let (method, path) = (operation.method.value.clone(), operation.path.value.clone());
        Refused { method, path, reason: reason.into(), span, is_covered: false }
    }
}

/// Methods of the client besides those of the operations.
const CLIENT: [&str; 8] = ["new", "new_with_client", "api_version", "baseurl", "client", "inner", "clone", "default"];
/// Fields and methods of a builder besides those of the parameters.
const BUILDER: [&str; 5] = ["new", "send", "request", "client", "clone"];

/// Lowers a contract. The operations with an index in `leave_out` are left out, and nothing is said about them.
pub fn lower(document: &Document, leave_out: &BTreeSet<usize>) -> Lowered {
    let ids = operation_ids(document);
    let has_one_server = all_servers(document).windows(2).all(|two| two[0] == two[1]);
    let mut types = Types::new(document);
    let (mut methods, mut builders) = (Names::beside(&CLIENT), Names::default());
    let (mut operations, mut refused) = (Vec::new(), Vec::new());
    for (index, (operation, id)) in document.operations.iter().zip(ids).enumerate() {
        // Names do not depend on what is left out.
        let name = methods.unique(&value_name(&id));
        let name = if builders.take(&type_name(&name)) { name } else { methods.unique(&format!("{name}_operation")) };
        if leave_out.contains(&index) {
            continue;
        }
        types.record();
        let lowered = operation_of(&mut types, operation, index, id, name);
        if !has_one_server && !operation.servers.is_empty() {
            let what = "the operation has servers of its own; the client sends it to its one base URL";
            types.lose(operation.path.span, what);
        }
        let record = types.recorded();
        match lowered {
            Ok(mut lowered) => {
                lowered.losses = losses(&types, record, &lowered);
                operations.push(lowered);
            }
            Err((reason, span)) => refused.push(Refused::new(operation, reason, span)),
        }
    }
    let Types { named, wire_names, .. } = types;
    let document = document::document(&document.info.title, &document.info.version, &operations, &named);
    Lowered { document, operations, refused, types: named, wire_names }
}

/// The URLs of the servers of each operation: its own, or those of the document.
pub fn all_servers(document: &Document) -> Vec<Vec<&str>> {
    let servers = document.operations.iter().map(|operation| match operation.servers.is_empty() {
        true => &document.servers,
        false => &operation.servers,
    });
    servers.map(|servers| servers.iter().map(|server| server.url.value.as_str()).collect()).collect()
}

fn operation_of(
    types: &mut Types<'_>,
    operation: &Operation,
    index: usize,
    id: String,
    name: String,
) -> Result<LoweredOperation, Refusal> {
    for unread in &operation.unread {
        match unread.part {
            Part::Parameters | Part::Body => return Err((unread.reason.clone(), unread.span)),
            Part::Responses => {
                types.lose(unread.span, format!("a response is unknown to the client, because {}", unread.reason));
            }
            Part::Security | Part::Other => {}
        }
    }
    let mut fields = Names::beside(&BUILDER);
    if operation.body.is_some() {
        fields.take("body");
        fields.take("content_type");
    }
    let type_name = type_name(&name);
    let segments = segments(&operation.path, operation.path.span)?;
    let parameters = types.parameters(operation, &type_name, &segments, &mut fields)?;
    let body = types.body(operation, &type_name, &mut fields)?;
    let responses = types.responses(operation, &type_name)?;
    let text = |text: &Option<openapi_model::span::Spanned<String>>| {
        text.as_ref().map(|text| text.value.trim().to_owned()).unwrap_or_default()
    };
    Ok(LoweredOperation {
        index,
        method: operation.method.value.clone(),
        path: operation.path.value.clone(),
        id,
        name,
        summary: text(&operation.summary),
        description: text(&operation.description),
        credentials: operation
            .security
            .alternatives
            .iter()
            .map(|schemes| schemes.iter().map(|scheme| scheme.name.value.clone()).collect())
            .collect(),
        is_deprecated: operation.deprecated.is_some(),
        segments,
        parameters,
        body,
        responses,
        losses: Vec::new(),
    })
}

/// What is lost of an operation: what was noted for it, and for the types that it uses.
fn losses(types: &Types<'_>, record: record::Record, operation: &LoweredOperation) -> Vec<Loss> {
    let mut losses: BTreeSet<Loss> = record.losses.into_iter().collect();
    for name in record::reached(&types.named, &record.refers) {
        losses.extend(types.named[&name].record.losses.iter().cloned());
    }
    let sent = document::sent(operation).flat_map(document::references).collect();
    for name in record::reached(&types.named, &sent) {
        losses.extend(types.named[&name].record.losses_sent.iter().cloned());
    }
    // The same sentence once, with the first place.
    let mut said = BTreeSet::new();
    losses.into_iter().filter(|loss| said.insert(loss.what.clone())).collect()
}
