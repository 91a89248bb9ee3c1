//! Compares the schemas of two documents, and decides which side a difference breaks.
//!
//! Each pair of shapes is compared once, one level deep, and becomes a node of a graph whose edges lead to the pairs
//! below it. So cycles end, a component that hundreds of operations share is compared once, and two schemas differ if a
//! node with a change can be reached.

mod alternative;
mod alternatives;
mod bounds;
mod change;
mod derived_schemas;
mod discriminators;
mod objects;
mod overlap;
mod texts;
mod values;
mod view;

use std::collections::{HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::span::Span;

pub(super) use change::{Area, Change, ChangeKind};
use derived_schemas::DerivedSchemas;
pub(super) use view::View;

/// The maximum nesting of comparisons; deeper pairs are assumed to be equal.
const MAX_OPEN: usize = 40;

/// The index of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pair {
    then: View,
    now: View,
    area: Area,
    /// Whether null is compared elsewhere: for alternatives it is compared for all of them together.
    is_alternative: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Compared,
}

/// The result for a pair.
#[derive(Debug)]
struct Node {
    pair: Pair,
    state: State,
    /// The changes at this level.
    changes: Vec<Change>,
    /// What could not be compared at this level.
    unread: Vec<Unread>,
    /// The pairs below, with their path segments.
    edges: Vec<(NodeId, String)>,
}

/// A part of a schema that could not be compared.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// Whether it is in the new document.
    pub is_now: bool,
    /// Its place.
    pub span: Span,
}

/// All pairs of two documents that were compared.
pub(super) struct Graph<'a> {
    base: &'a Document,
    new: &'a Document,
    ids: HashMap<Pair, NodeId>,
    nodes: Vec<Node>,
    /// The nodes from which no change can be reached.
    equal: HashSet<NodeId>,
    open: usize,
    /// The derived components, in the old and the new document.
    derived_schemas: (DerivedSchemas, DerivedSchemas),
}

impl<'a> Graph<'a> {
    pub(super) fn new(base: &'a Document, new: &'a Document) -> Graph<'a> {
        let derived_schemas = (DerivedSchemas::of(base), DerivedSchemas::of(new));
        Graph { base, new, ids: HashMap::new(), nodes: Vec::new(), equal: HashSet::new(), open: 0, derived_schemas }
    }

    /// The node of a pair of schemas.
    pub(super) fn pair(&mut self, then: View, now: View, area: Area) -> NodeId {
        self.node(Pair { then, now, area, is_alternative: false })
    }

    fn node(&mut self, pair: Pair) -> NodeId {
        if let Some(id) = self.ids.get(&pair) {
            return *id;
        }
        let id = NodeId(self.nodes.len());
        self.ids.insert(pair.clone(), id);
        self.nodes.push(Node { pair, state: State::New, changes: Vec::new(), unread: Vec::new(), edges: Vec::new() });
        id
    }

    /// Compares everything below a node and lists it, each node once, parents first, with its path.
    pub(super) fn below(&mut self, root: NodeId, seen: &mut HashSet<NodeId>) -> Vec<(NodeId, String)> {
        let mut found = Vec::new();
        let mut open = vec![(root, String::new())];
        while let Some((id, path)) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            self.compare(id);
            let edges = &self.nodes[id.0].edges;
            open.extend(edges.iter().rev().map(|(below, name)| (*below, format!("{path}{name}"))));
            found.push((id, path));
        }
        found
    }

    /// The changes at a node, and the parts that could not be compared there.
    pub(super) fn said(&self, id: NodeId) -> (&[Change], &[Unread]) {
        let node = &self.nodes[id.0];
        (&node.changes, &node.unread)
    }

    /// The parents of each node.
    pub(super) fn parents(&self) -> Vec<Vec<NodeId>> {
        let mut parents = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for (below, _) in &node.edges {
                parents[below.0].push(NodeId(index));
            }
        }
        parents
    }

    /// The index of a node.
    pub(super) fn index(id: NodeId) -> usize {
        id.0
    }

    /// Whether the new schema rejects values that the old one accepted, or in responses permits values that it did not.
    fn breaks(&mut self, pair: Pair) -> bool {
        let id = self.node(pair);
        self.reaches(id, |change| change.breaks)
    }

    /// Whether the schemas of a node differ.
    pub(super) fn differs(&mut self, id: NodeId) -> bool {
        self.reaches(id, |_| true)
    }

    fn reaches(&mut self, id: NodeId, wanted: fn(&Change) -> bool) -> bool {
        if self.open > MAX_OPEN {
            return false;
        }
        let mut seen = HashSet::new();
        let mut open = vec![id];
        let mut is_equal = true;
        while let Some(id) = open.pop() {
            if self.equal.contains(&id) || !seen.insert(id) {
                continue;
            }
            self.compare(id);
            let node = &self.nodes[id.0];
            if node.changes.iter().any(wanted) {
                return true;
            }
            is_equal &= node.changes.is_empty() && node.state == State::Compared;
            open.extend(node.edges.iter().map(|(below, _)| *below));
        }
        if is_equal {
            self.equal.extend(seen);
        }
        false
    }

    /// Compares a pair, unless it has been or is being compared.
    fn compare(&mut self, id: NodeId) {
        if self.nodes[id.0].state != State::New {
            return;
        }
        self.nodes[id.0].state = State::Open;
        self.open += 1;
        let pair = self.nodes[id.0].pair.clone();
        let mut level = Level::new(self, pair);
        level.compare();
        let Level { changes, unread, edges, .. } = level;
        self.open -= 1;
        let node = &mut self.nodes[id.0];
        node.changes = changes;
        node.unread = unread;
        node.edges = edges;
        node.state = State::Compared;
    }
}

/// The comparison of one pair, one level deep.
struct Level<'g, 'a> {
    graph: &'g mut Graph<'a>,
    pair: Pair,
    changes: Vec<Change>,
    unread: Vec<Unread>,
    edges: Vec<(NodeId, String)>,
}

impl<'g, 'a> Level<'g, 'a> {
    fn new(graph: &'g mut Graph<'a>, pair: Pair) -> Level<'g, 'a> {
        Level { graph, pair, changes: Vec::new(), unread: Vec::new(), edges: Vec::new() }
    }

    fn compare(&mut self) {
        let then = self.pair.then.shape(self.graph.base);
        let now = self.pair.now.shape(self.graph.new);
        for (shape, is_now) in [(&then, false), (&now, true)] {
            for reference in &shape.unresolved {
                let reason = format!("there is no `{}`", reference.value);
                self.unread.push(Unread { reason, is_now, span: reference.span });
            }
        }
        if !self.unread.is_empty() {
            self.fields_of_both(&then, &now);
            return;
        }
        self.null(&then, &now);
        if !then.alternatives.is_empty() || !now.alternatives.is_empty() {
            self.alternatives(&then, &now);
            return;
        }
        if self.types(&then, &now) {
            self.values(&then, &now);
            self.arrays(&then, &now);
            self.objects(&then, &now);
            self.negations(&then, &now);
            self.other_keywords(&then, &now);
        }
    }

    /// Whether a wider or narrower schema breaks the other side: accepting less, or sending more.
    fn breaks(&self, is_wider: bool) -> bool {
        is_wider == (self.pair.area == Area::Sent)
    }

    /// Adds a pair below this one.
    fn below(&mut self, then: View, now: View, name: String) {
        if then == View::default() && now == View::default() {
            return;
        }
        let id = self.graph.pair(then, now, self.pair.area);
        self.edges.push((id, name));
    }

    /// Adds a change of the value itself.
    fn change(&mut self, what: ChangeKind, is_wider: bool, then: Span, now: Span, text: impl Into<String>) {
        let breaks = self.breaks(is_wider);
        self.push(Change { what, breaks, at: String::new(), text: text.into(), then, now });
    }

    fn push(&mut self, change: Change) {
        self.changes.push(change);
    }
}
