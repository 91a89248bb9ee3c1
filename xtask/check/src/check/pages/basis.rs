//! What pages are compared with: a contract without the operations whose definition is partly unknown.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use apidrift_core::contract::{Contract, Operation, json};
use apidrift_core::finding::Finding;
use apidrift_core::profile::Requirement;
use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Location, MediaType, Status};
use openapi_model::node::Node;
use openapi_model::schema::SchemaId;
use openapi_model::source::Place;
use openapi_model::span::{Span, Spanned};
use openapi_model::values::{Direction, Misfit, Values};

use crate::page::{Page, Written};

/// What pages are compared with: a contract without the operations whose definition is partly unknown.
pub struct Basis<'a> {
    pub contract: &'a Contract,
    /// The calls of the operations that are left out.
    pub set_aside: &'a HashSet<String>,
    values: RefCell<Values<'a>>,
    states_required: OnceCell<bool>,
    error_schemas: OnceCell<Vec<SchemaId>>,
    takers: OnceCell<HashMap<SchemaId, Vec<usize>>>,
    claims: Cell<usize>,
}

impl<'a> Basis<'a> {
    pub fn new(contract: &'a Contract, set_aside: &'a HashSet<String>) -> Basis<'a> {
        Basis {
            contract,
            set_aside,
            values: RefCell::new(Values::new(&contract.document)),
            states_required: OnceCell::new(),
            error_schemas: OnceCell::new(),
            takers: OnceCell::new(),
            claims: Cell::new(0),
        }
    }

    /// Counts claims that were compared.
    pub fn count(&self, claims: usize) {
        self.claims.set(self.claims.get() + claims);
    }

    /// How many claims were compared.
    pub fn claims(&self) -> usize {
        self.claims.get()
    }

    /// Whether the profile requires pages that cover the whole contract.
    pub fn is_complete(&self) -> bool {
        self.contract.profile.requires(Requirement::CompletePages)
    }

    /// Whether the contract marks any parameter outside a path as required: if it marks none, `required` is presumably
    /// not maintained.
    pub fn states_required(&self) -> bool {
        *self.states_required.get_or_init(|| {
            let parameters = self.contract.operations.iter().flat_map(|operation| &operation.spec.parameters);
            self.is_complete()
                || parameters.into_iter().any(|known| *known.required && known.location != Location::Path)
        })
    }

    /// The operations that are compared.
    pub fn operations(&self) -> impl Iterator<Item = &'a Operation> {
        self.contract.operations.iter().filter(|operation| self.is_compared(operation))
    }

    pub fn is_compared(&self, operation: &Operation) -> bool {
        self.set_aside.is_empty() || !self.set_aside.contains(&operation.call())
    }

    /// Whether no operation is left out.
    pub fn is_whole(&self) -> bool {
        self.set_aside.is_empty()
    }

    pub fn document(&self) -> &'a Document {
        &self.contract.document
    }

    /// A labelled place of the contract.
    pub fn place(&self, span: Span, label: impl Into<String>) -> Place {
        self.contract.place(span, label)
    }

    /// Compiles the schemas of described operations together: one by one, shared schemas would be compiled repeatedly.
    pub fn expect<'o>(&self, operations: impl Iterator<Item = &'o Operation>) {
        const FEW: usize = 20;
        let operations: Vec<&Operation> = operations.collect();
        if operations.len() < FEW {
            return;
        }
        let schemas = |content: &[MediaType]| json(content).and_then(|media| media.schema);
        let sent = operations.iter().filter_map(|operation| schemas(&operation.body.as_ref()?.content));
        let answers = operations.iter().flat_map(|operation| &operation.responses);
        let answered = answers.filter_map(|response| schemas(&response.content));
        let mut values = self.values.borrow_mut();
        for (direction, mut schemas) in
            [(Direction::Request, sent.collect::<Vec<_>>()), (Direction::Response, answered.collect())]
        {
            schemas.sort_unstable();
            schemas.dedup();
            values.expect(direction, &schemas);
        }
    }

    /// The violations of a schema by a value; `None` if the schema cannot be used.
    pub fn misfits(&self, schema: SchemaId, direction: Direction, value: &Node) -> Option<Vec<Misfit>> {
        self.values.borrow_mut().misfits(schema, direction, value).ok()
    }

    /// The schemas of errors: the schema of all errors, or the error schemas of the operations.
    pub fn error_schemas(&self) -> Vec<SchemaId> {
        self.error_schemas.get_or_init(|| self.find_error_schemas()).clone()
    }

    /// The indexes of the operations that use each schema as a body.
    pub fn takers(&self) -> &HashMap<SchemaId, Vec<usize>> {
        self.takers.get_or_init(|| {
            let mut takers: HashMap<SchemaId, Vec<usize>> = HashMap::new();
            for (index, operation) in self.operations().enumerate() {
                let media = operation.body.iter().flat_map(|body| &body.content);
                for schema in media.filter_map(|media| media.schema) {
                    takers.entry(self.document().target(schema)).or_default().push(index);
                }
            }
            takers
        })
    }

    fn find_error_schemas(&self) -> Vec<SchemaId> {
        if let Some(schema) = self.contract.error_schema() {
            return vec![schema];
        }
        let responses = self.operations().flat_map(|operation| &operation.spec.responses);
        let errors = responses.filter(|response| {
            matches!(*response.status, Status::Code(400..=599) | Status::Range(4 | 5) | Status::Default)
        });
        let schemas = errors.filter_map(|response| Some(self.document().target(json(&response.content)?.schema?)));
        let mut schemas: Vec<SchemaId> = schemas.collect();
        schemas.sort_unstable();
        schemas.dedup();
        schemas
    }

    /// The name of the field that identifies errors: `message`, `code`, ….
    pub fn error_word(&self) -> &str {
        let pointer = self.contract.profile.error_identity.as_deref().unwrap_or_default();
        pointer.rsplit('/').next().filter(|word| !word.is_empty()).unwrap_or("message")
    }
}

/// Whether a status falls under `4XX` or `default` of an operation, without being documented by itself.
pub fn falls_under(operation: &Operation, status: u16) -> bool {
    operation.responses.iter().any(|response| match *response.status {
        Status::Code(_) => false,
        Status::Range(digit) => u16::from(digit) == status / 100,
        Status::Default => true,
    })
}

/// Adds an edit that replaces the text at a place, if the source there equals the text.
pub fn fix_written(finding: Finding, page: &Page, written: &Written<String>, right: &str) -> Finding {
    let stands = page.source.text.get(written.range.clone()) == Some(written.value.as_str());
    if stands { finding.fix_with(right) } else { finding }
}

/// The finding for a name on a page that the contract does not have. If it is a misspelling of a missing name, that
/// name is removed from the missing ones.
pub fn unknown_name(
    basis: &Basis<'_>,
    page: &Page,
    rule: Rule,
    written: &Written<String>,
    message: String,
    missing: &mut Vec<Spanned<String>>,
    otherwise: &str,
) -> Finding {
    let finding = Finding::at(rule, page.place(&written.range, "the page says this"), message);
    let likeness = |name: &str| {
        // A longer or shorter form of a name probably means that name.
        let part = name.len().min(written.len()) >= 4 && (name.contains(written.as_str()) || written.contains(name));
        let similarity = strsim::normalized_levenshtein(&name.to_lowercase(), &written.to_lowercase());
        (similarity.max(if part { 0.61 } else { 0.0 }) * 1000.0) as u32
    };
    let nearest = (0..missing.len()).max_by_key(|index| likeness(&missing[*index]));
    let candidates = (0..missing.len()).filter(|index| likeness(&missing[*index]) > 600).count();
    // If there are several candidates, it is unclear which one is meant.
    match nearest.filter(|_| candidates == 1 || (candidates > 1 && basis.is_complete())) {
        Some(index) => {
            let right = missing.remove(index);
            let finding = finding.with(basis.place(right.span, "the contract says this"));
            // Only typos are fixed: a different name may mean something else.
            let is_typo = strsim::damerau_levenshtein(&right.value, written) <= 2;
            if is_typo || basis.is_complete() {
                fix_written(finding.help(format!("write `{}`", right.value)), page, written, &right.value)
            } else {
                finding.help(format!("write `{}`, if that is what you mean", right.value))
            }
        }
        None => finding.help(otherwise),
    }
}
