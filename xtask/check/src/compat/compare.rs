//! What a comparison goes along with: both documents, the schemas that are to be compared, and what is found.

use std::collections::HashSet;

use openapi_model::document::Operation;

use super::report::{Context, Report};
use super::schema::{Area, Graph, NodeId, View};
use super::side::Side;

/// A comparison of two documents.
pub(super) struct Compare<'a> {
    pub(super) base: &'a Side<'a>,
    pub(super) new: &'a Side<'a>,
    pub(super) ids_matter: bool,
    pub(super) graph: Graph<'a>,
    pub(super) report: Report<'a>,
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

/// An operation and its earlier form.
#[derive(Clone)]
pub(super) struct Both<'a> {
    pub(super) old: &'a Operation,
    pub(super) new: &'a Operation,
    /// As the report counts them.
    pub(super) at: usize,
    /// Whether the API calls it, as with webhooks and callbacks.
    pub(super) is_reversed: bool,
}

impl Both<'_> {
    /// Which way its requests go.
    pub(super) fn requests(&self) -> Area {
        if self.is_reversed { Area::Sent } else { Area::Taken }
    }

    /// Which way its answers go.
    pub(super) fn answers(&self) -> Area {
        if self.is_reversed { Area::Taken } else { Area::Sent }
    }
}

impl<'a> Compare<'a> {
    pub(super) fn new(base: &'a Side<'a>, new: &'a Side<'a>, ids_matter: bool) -> Compare<'a> {
        Compare {
            base,
            new,
            ids_matter,
            graph: Graph::new(base.document, new.document),
            report: Report::new(base.document, new.document),
            roots: Vec::new(),
        }
    }

    /// Two schemas that are to be compared.
    pub(super) fn schema(&mut self, both: &Both<'_>, area: Area, context: Context, then: View, now: View) {
        if then == View::default() && now == View::default() {
            return;
        }
        let node = self.graph.pair(then, now, area);
        self.roots.push(Root { node, area, operation: both.at, context });
    }

    /// Compares the schemas of all operations, and tells each change once, with the operations that have it.
    pub(super) fn schemas(&mut self) {
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
