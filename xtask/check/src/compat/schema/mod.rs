//! How the schemas of two documents differ, and whom that breaks.
//!
//! Each pair of meanings is compared once, one level deep, and becomes a node of a graph whose edges lead to what stands
//! below it. So a circle ends, a component that hundreds of operations share is compared once, and whether two schemas
//! differ at all is whether a node with a change can be reached.

mod alternative;
mod alternatives;
mod bounds;
mod change;
mod discriminators;
mod heirs;
mod objects;
mod overlap;
mod texts;
mod values;
mod view;

use std::collections::{HashMap, HashSet};

use openapi_model::document::Document;
use openapi_model::span::Span;

pub(super) use change::{Area, Change, What};
use heirs::Heirs;
pub(super) use view::View;

/// So many pairs may wait for one another; those below are taken for equal.
const MAX_OPEN: usize = 40;

/// A node of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pair {
    then: View,
    now: View,
    area: Area,
    /// Whether null is compared elsewhere: an alternative's is compared with all of them.
    is_alternative: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Compared,
}

/// What is known of a pair.
#[derive(Debug)]
struct Node {
    pair: Pair,
    state: State,
    /// The changes at this level.
    changes: Vec<Change>,
    /// What could not be compared at this level.
    unread: Vec<Unread>,
    /// What stands below, and under which name.
    edges: Vec<(NodeId, String)>,
}

/// Something in a schema that could not be compared.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// Why, as a sentence without a full stop.
    pub reason: String,
    /// Whether it stands in the new document.
    pub is_now: bool,
    /// Where.
    pub span: Span,
}

/// All pairs of two documents that were compared.
pub(super) struct Graph<'a> {
    base: &'a Document,
    new: &'a Document,
    ids: HashMap<Pair, NodeId>,
    nodes: Vec<Node>,
    /// Those from which no change can be reached.
    equal: HashSet<NodeId>,
    open: usize,
    /// Which components build on others, then and now.
    heirs: (Heirs, Heirs),
}

impl<'a> Graph<'a> {
    pub(super) fn new(base: &'a Document, new: &'a Document) -> Graph<'a> {
        let heirs = (Heirs::of(base), Heirs::of(new));
        Graph { base, new, ids: HashMap::new(), nodes: Vec::new(), equal: HashSet::new(), open: 0, heirs }
    }

    /// The node of two schemas.
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

    /// Compares everything below a node and lists it, each once and after what leads to it, with the path that does.
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

    /// The changes at a node, and what could not be compared there.
    pub(super) fn said(&self, id: NodeId) -> (&[Change], &[Unread]) {
        let node = &self.nodes[id.0];
        (&node.changes, &node.unread)
    }

    /// Of each node those that lead to it.
    pub(super) fn parents(&self) -> Vec<Vec<NodeId>> {
        let mut parents = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for (below, _) in &node.edges {
                parents[below.0].push(NodeId(index));
            }
        }
        parents
    }

    /// The node's place among all of them.
    pub(super) fn index(id: NodeId) -> usize {
        id.0
    }

    /// Whether values that were right then are wrong now, or the other way round in what is sent.
    fn breaks(&mut self, pair: Pair) -> bool {
        let id = self.node(pair);
        self.reaches(id, |change| change.breaks)
    }

    /// Whether anything differs.
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

    /// Compares a pair, unless that was done or is being done.
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

/// The comparison of one pair at its own level.
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

    /// Whether a change in this direction breaks the other side: accepting less, or sending more.
    fn breaks(&self, is_wider: bool) -> bool {
        is_wider == (self.pair.area == Area::Sent)
    }

    /// What stands below is compared too.
    fn below(&mut self, then: View, now: View, name: String) {
        if then == View::default() && now == View::default() {
            return;
        }
        let id = self.graph.pair(then, now, self.pair.area);
        self.edges.push((id, name));
    }

    /// A change of the value itself.
    fn change(&mut self, what: What, is_wider: bool, then: Span, now: Span, text: impl Into<String>) {
        let breaks = self.breaks(is_wider);
        self.push(Change { what, breaks, at: String::new(), text: text.into(), then, now });
    }

    fn push(&mut self, change: Change) {
        self.changes.push(change);
    }
}
