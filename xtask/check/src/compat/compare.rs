//! The state of a comparison: both documents, the schemas to compare, and the report.

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
    /// The schemas of operations, which are compared at the end.
    roots: Vec<Root>,
}

/// The schemas at one position of an operation.
struct Root {
    node: NodeId,
    area: Area,
    /// The index of the operation in the report.
    operation: usize,
    context: Context,
}

/// An operation and its earlier version.
#[derive(Clone)]
pub(super) struct Both<'a> {
    pub(super) old: &'a Operation,
    pub(super) new: &'a Operation,
    /// Its index in the report.
    pub(super) at: usize,
    /// Whether the API is the client, as for webhooks and callbacks.
    pub(super) is_reversed: bool,
}

impl Both<'_> {
    /// The direction of its requests.
    pub(super) fn requests(&self) -> Area {
        if self.is_reversed { Area::Sent } else { Area::Taken }
    }

    /// The direction of its responses.
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

    /// Records two schemas to compare.
    pub(super) fn schema(&mut self, both: &Both<'_>, area: Area, context: Context, then: View, now: View) {
        if then == View::default() && now == View::default() {
            return;
        }
        let node = self.graph.pair(then, now, area);
        self.roots.push(Root { node, area, operation: both.at, context });
    }

    /// Compares the schemas of all operations, and reports each change once, with the operations that it affects.
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

    /// For each node, the operations from which it is reached, the first one first.
    fn owners(&self, told: &[(NodeId, String, usize)]) -> Vec<Vec<usize>> {
        let parents = self.graph.parents();
        let mut roots: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
        for root in &self.roots {
            roots[Graph::index(root.node)].push(root.operation);
        }
        let of_node = |(node, _, at): &(NodeId, String, usize)| {
            let mut found = vec![self.roots[*at].operation];
            // With more changes, the number of affected operations is not worth the time.
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
