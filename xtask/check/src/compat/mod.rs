//! What a change of the contract does to clients and servers that were written against its earlier form.
//!
//! What is taken must not narrow, and what is sent must not widen; in webhooks and callbacks it is the other way round.
//! Every rule says by its severity what it is: an error breaks somebody, a warning needs somebody's care, a note is
//! harmless. Texts, the order of things, and the way in which a schema is put together mean nothing.
//!
//! What cannot be understood is told as not compared, and everything beside it is compared.

mod answers;
mod bodies;
mod errors;
mod media;
mod operations;
mod parameters;
mod report;
mod schema;
mod security;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use apidrift_core::contract::{Contract, RateLimit};
use apidrift_core::finding::Finding;
use apidrift_core::profile::SCOPES;
use openapi_model::document::{Document, Operation};
use openapi_model::span::Spanned;

use crate::outcome::NotCompared;
use report::Report;
use schema::{Area, Graph, NodeId, View};

/// A document with what a project knows of its operations.
#[derive(Debug)]
pub struct Side<'a> {
    /// The document.
    pub document: &'a Document,
    /// What is known of each of its operations, in their order; those that are missing have nothing more.
    pub known: Vec<Known>,
}

impl<'a> Side<'a> {
    /// A contract as its profile sees it.
    pub fn of(contract: &'a Contract) -> Side<'a> {
        let scopes_are_permissions = contract.profile.permission.as_deref() == Some(SCOPES);
        let known = contract.operations.iter().map(|operation| Known {
            errors: operation
                .errors
                .iter()
                .filter_map(|error| {
                    let (status, name) = (error.status.value, Some(error.name.value.clone()));
                    Some(KnownError { status, name, identity: error.identity.clone()? })
                })
                .collect(),
            // Scopes are compared with the rest of what a request has to prove.
            permission: operation.permission.clone().filter(|_| !scopes_are_permissions),
            rate_limit: operation.rate_limit.clone(),
        });
        Side { document: &contract.document, known: known.collect() }
    }
}

/// What is known of an operation beside what OpenAPI says.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its errors, where something tells those of one status apart.
    pub errors: Vec<KnownError>,
    /// The permission that it requires.
    pub permission: Option<Spanned<String>>,
    /// How often it may be called.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

/// An error that an operation answers.
#[derive(Debug, Clone)]
pub struct KnownError {
    /// The status.
    pub status: u16,
    /// What the contract calls it, if it has a name that survives another identity.
    pub name: Option<String>,
    /// What tells it from others of this status, such as its message.
    pub identity: Spanned<String>,
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Compared {
    /// The changes.
    pub findings: Vec<Finding>,
    /// What could not be compared.
    pub not_compared: Vec<NotCompared>,
}

/// Compares a document with its earlier form. `ids_matter` where code is generated that has names from `operationId`.
pub fn check(base: &Side<'_>, new: &Side<'_>, ids_matter: bool) -> Compared {
    let mut compare = Compare {
        base,
        new,
        ids_matter,
        graph: Graph::new(base.document, new.document),
        report: Report::new(base.document, new.document),
        roots: Vec::new(),
    };
    compare.operations();
    compare.schemes();
    compare.servers();
    compare.schemas();
    compare.report.finish()
}

struct Compare<'a> {
    base: &'a Side<'a>,
    new: &'a Side<'a>,
    ids_matter: bool,
    graph: Graph<'a>,
    report: Report<'a>,
    /// The schemas that operations have, to be compared at last.
    roots: Vec<Root>,
}

/// Where a schema stands in an operation.
struct Root {
    node: NodeId,
    area: Area,
    /// The operation, as the report counts them.
    operation: usize,
    context: Context,
}

/// What of an operation a schema describes.
#[derive(Debug, Clone)]
enum Context {
    /// A parameter of this name.
    Parameter(String),
    /// The request body.
    Body,
    /// The answer of this status.
    Answer(String),
    /// A header of this name, of the answer of this status.
    Header(String, String),
}

/// An operation and its earlier form.
#[derive(Clone)]
struct Both<'a> {
    old: &'a Operation,
    new: &'a Operation,
    /// As the report counts them.
    at: usize,
    /// Whether the API calls it, and somebody else answers.
    is_reversed: bool,
}

impl Both<'_> {
    /// Which way its requests go.
    fn requests(&self) -> Area {
        if self.is_reversed { Area::Sent } else { Area::Taken }
    }

    /// Which way its answers go.
    fn answers(&self) -> Area {
        if self.is_reversed { Area::Taken } else { Area::Sent }
    }
}

impl<'a> Compare<'a> {
    /// Two schemas that are to be compared.
    fn schema(&mut self, both: &Both<'_>, area: Area, context: Context, then: View, now: View) {
        if then == View::default() && now == View::default() {
            return;
        }
        let node = self.graph.pair(then, now, area);
        self.roots.push(Root { node, area, operation: both.at, context });
    }

    /// Compares the schemas of all operations, and tells each change once, with the operations that have it.
    fn schemas(&mut self) {
        let mut seen = HashSet::new();
        let mut told: Vec<(NodeId, String, usize)> = Vec::new();
        for at in 0..self.roots.len() {
            let below = self.graph.below(self.roots[at].node, &mut seen);
            for (node, path) in below {
                let (changes, unread) = self.graph.said(node);
                if !changes.is_empty() || !unread.is_empty() {
                    told.push((node, path, at));
                }
            }
        }
        let owners = self.owners(&told);
        for ((node, path, at), operations) in told.into_iter().zip(owners) {
            let root = &self.roots[at];
            let (changes, unread) = self.graph.said(node);
            for change in changes {
                self.report.change(root.area, &root.context, &path, change, &operations);
            }
            for part in unread {
                self.report.unread(part, &operations);
            }
        }
    }

    /// The operations from which each of the nodes is reached, the first one first.
    fn owners(&self, told: &[(NodeId, String, usize)]) -> Vec<Vec<usize>> {
        let parents = self.graph.parents();
        let mut roots: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
        for root in &self.roots {
            roots[Graph::index(root.node)].push(root.operation);
        }
        let of_node = |(node, _, at): &(NodeId, String, usize)| {
            let mut found = vec![self.roots[*at].operation];
            // So many changes are read by nobody who wants to know how many operations have each.
            if told.len() <= 2000 {
                let (mut seen, mut open) = (HashSet::from([*node]), vec![*node]);
                while let Some(id) = open.pop() {
                    found.extend(&roots[Graph::index(id)]);
                    open.extend(parents[Graph::index(id)].iter().filter(|parent| seen.insert(**parent)));
                }
            }
            let first = found[0];
            found.sort_unstable();
            found.dedup();
            found.sort_by_key(|operation| *operation != first);
            found
        };
        told.iter().map(of_node).collect()
    }
}

/// The operations of a document and what is known of them.
fn known<'a>(side: &'a Side<'_>) -> impl Iterator<Item = (&'a Arc<Operation>, Known)> {
    let known = side.known.iter().cloned().chain(std::iter::repeat_with(Known::default));
    side.document.operations.iter().zip(known)
}
