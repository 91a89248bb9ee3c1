//! How one schema differs from another, and whether that breaks who sends or who reads.

use std::collections::BTreeSet;
use std::ops::Range;

use apidrift_core::contract::Contract;
use apidrift_core::contract::node::{Entry, Node};

/// Which way values of the schema travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From clients: taking less breaks them.
    Request,
    /// To clients: sending more breaks them.
    Answer,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A field is no longer known.
    FieldRemoved,
    /// A field is new.
    FieldAdded,
    /// A value may be absent or null that was always there.
    MayBeAbsent,
    /// A value is always there that might be absent or null.
    IsThere,
    /// An `enum` has a new value.
    ValueAdded,
    /// An `enum` has lost a value.
    ValueRemoved,
    /// The type or format.
    Kind,
    /// Length, size or pattern.
    Bounds,
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    /// What has changed.
    pub what: What,
    /// Whether somebody breaks.
    pub breaks: bool,
    /// The change in words.
    pub message: String,
    /// Where it stands now.
    pub now: Range<usize>,
    /// Where it stood.
    pub then: Range<usize>,
}

/// Lists the changes from one schema to another.
pub fn compare(
    base: &Contract,
    then: &Node,
    contract: &Contract,
    now: &Node,
    direction: Direction,
    changes: &mut Vec<Change>,
) {
    let mut compare = Compare { base, contract, direction, changes, seen: BTreeSet::new() };
    compare.schema("it", then, now);
}

struct Compare<'a> {
    base: &'a Contract,
    contract: &'a Contract,
    direction: Direction,
    changes: &'a mut Vec<Change>,
    /// Pairs of components that were compared: schemas may refer to themselves.
    seen: BTreeSet<(String, String)>,
}

impl Compare<'_> {
    fn push(&mut self, what: What, breaks: bool, now: &Range<usize>, then: &Range<usize>, message: String) {
        self.changes.push(Change { what, breaks, message, now: now.clone(), then: then.clone() });
    }

    fn schema(&mut self, name: &str, then: &Node, now: &Node) {
        self.null(name, then, now);
        if let (Some(then), Some(now)) = (target(then), target(now))
            && !self.seen.insert((then.to_owned(), now.to_owned()))
        {
            return;
        }
        let (then, now) = (resolved(self.base, then), resolved(self.contract, now));
        let kind = |node: &Node| {
            let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
            (text("type"), text("format"))
        };
        let (kind_then, kind_now) = (kind(then), kind(now));
        if kind_then != kind_now {
            let shown = |(kind, format): &(String, String)| {
                if format.is_empty() { kind.clone() } else { format!("{kind} ({format})") }
            };
            let message = format!("{name} is {} now, not {}", shown(&kind_now), shown(&kind_then));
            // A whole number is a number: taking any number takes more, sending any sends more.
            let wider = kind_then.0 == "integer" && kind_now.0 == "number" && self.direction == Direction::Request;
            let narrower = kind_then.0 == "number" && kind_now.0 == "integer" && self.direction == Direction::Answer;
            self.push(What::Kind, !(wider || narrower), &place(now, "type"), &place(then, "type"), message);
            return;
        }
        self.values(name, then, now);
        self.bounds(name, then, now);
        if let (Some(then), Some(now)) = (then.get("items"), now.get("items")) {
            self.schema(&format!("an item of {name}"), then, now);
        }
        self.fields(then, now);
    }

    fn null(&mut self, name: &str, then: &Node, now: &Node) {
        let nullable = |node: &Node| node.get("nullable").and_then(Node::as_bool).unwrap_or(false);
        match (nullable(then), nullable(now)) {
            (false, true) => {
                let breaks = self.direction == Direction::Answer;
                self.push(
                    What::MayBeAbsent,
                    breaks,
                    &place(now, "nullable"),
                    &then.range,
                    format!("{name} may be null now"),
                );
            }
            (true, false) => {
                let breaks = self.direction == Direction::Request;
                self.push(
                    What::IsThere,
                    breaks,
                    &now.range,
                    &place(then, "nullable"),
                    format!("{name} cannot be null any more"),
                );
            }
            _ => {}
        }
    }

    fn values(&mut self, name: &str, then: &Node, now: &Node) {
        let texts = |node: &Node| -> Option<Vec<(String, Range<usize>)>> {
            let items = node.get("enum")?.items().iter();
            Some(items.map(|item| (item.to_json().to_string(), item.range.clone())).collect())
        };
        let answer = self.direction == Direction::Answer;
        match (texts(then), texts(now)) {
            (Some(before), Some(after)) => {
                for (value, range) in &after {
                    if !before.iter().any(|(known, _)| known == value) {
                        let message = format!("{name} has a new value {value}");
                        self.push(What::ValueAdded, answer, range, &place(then, "enum"), message);
                    }
                }
                for (value, range) in &before {
                    if !after.iter().any(|(known, _)| known == value) {
                        let message = format!("{name} no longer has the value {value}");
                        self.push(What::ValueRemoved, !answer, &place(now, "enum"), range, message);
                    }
                }
            }
            (Some(_), None) => {
                self.push(
                    What::ValueAdded,
                    answer,
                    &now.range,
                    &place(then, "enum"),
                    format!("{name} may have any value now"),
                );
            }
            (None, Some(_)) => {
                self.push(
                    What::ValueRemoved,
                    !answer,
                    &place(now, "enum"),
                    &then.range,
                    format!("{name} has certain values only now"),
                );
            }
            (None, None) => {}
        }
    }

    fn bounds(&mut self, name: &str, then: &Node, now: &Node) {
        // (keyword, whether a larger number allows more)
        for (key, larger_is_wider) in [
            ("minimum", false),
            ("maximum", true),
            ("minLength", false),
            ("maxLength", true),
            ("minItems", false),
            ("maxItems", true),
        ] {
            let number = |node: &Node| node.get(key).and_then(|value| value.to_json().as_f64());
            let (before, after) = (number(then), number(now));
            let wider = match (before, after) {
                (before, after) if before == after => continue,
                (Some(_), None) => true,
                (None, _) => false,
                (Some(before), Some(after)) => (after > before) == larger_is_wider,
            };
            let shown = |number: Option<f64>| number.map_or("none".to_owned(), |number| number.to_string());
            let message = format!("{name} has a `{key}` of {} now, not {}", shown(after), shown(before));
            let breaks = wider == (self.direction == Direction::Answer);
            self.push(What::Bounds, breaks, &place(now, key), &place(then, key), message);
        }
        let pattern = |node: &Node| node.get("pattern").and_then(Node::as_str).map(str::to_owned);
        if pattern(then) != pattern(now) {
            let message = format!("{name} has another `pattern`");
            self.push(What::Bounds, true, &place(now, "pattern"), &place(then, "pattern"), message);
        }
    }

    fn fields(&mut self, then: &Node, now: &Node) {
        let fields =
            |node: &'_ Node| -> Vec<Entry> { node.get("properties").map(Node::entries).unwrap_or_default().to_vec() };
        let is_required = |node: &Node, name: &str| {
            node.get("required").map(Node::items).unwrap_or_default().iter().any(|item| item.as_str() == Some(name))
        };
        let (before, after) = (fields(then), fields(now));
        let answer = self.direction == Direction::Answer;
        for field in &before {
            let key = &field.key;
            let Some(same) = after.iter().find(|entry| entry.key == *key) else {
                let message = format!("the field `{key}` is gone");
                self.push(What::FieldRemoved, answer, &place(now, "properties"), &field.key_range, message);
                continue;
            };
            match (is_required(then, key), is_required(now, key)) {
                (true, false) => {
                    let message = format!("the field `{key}` may be absent now");
                    self.push(What::MayBeAbsent, answer, &same.key_range, &field.key_range, message);
                }
                (false, true) => {
                    let message = format!("the field `{key}` is always there now");
                    self.push(What::IsThere, !answer, &same.key_range, &field.key_range, message);
                }
                _ => {}
            }
            self.schema(&format!("the field `{key}`"), &field.value, &same.value);
        }
        for field in &after {
            if !before.iter().any(|entry| entry.key == field.key) {
                let required = is_required(now, &field.key);
                let message = format!("the field `{}` is new", field.key);
                self.push(What::FieldAdded, !answer && required, &field.key_range, &place(then, "properties"), message);
            }
        }
    }
}

/// The component that a schema refers to.
fn target(schema: &Node) -> Option<&str> {
    let reference = schema.get("$ref").or_else(|| match schema.get("allOf")?.items() {
        [only] => only.get("$ref"),
        _ => None,
    });
    reference?.as_str()?.strip_prefix("#/components/schemas/")
}

fn resolved<'a>(contract: &'a Contract, schema: &'a Node) -> &'a Node {
    target(schema).and_then(|name| contract.schema(name)).map_or(schema, |schema| &schema.node)
}

/// Where a keyword of a schema stands; the schema itself where it has none.
fn place(schema: &Node, key: &str) -> Range<usize> {
    schema.entry(key).map_or_else(|| schema.range.clone(), |entry| entry.key_range.clone())
}
