//! What an edit is, and the tools to make some.

use std::collections::BTreeSet;

use serde_json::Value;

use super::tree::{Operation, Tree, Way};

type Change = Box<dyn Fn(&mut Value)>;

/// A place at which an edit can be made.
pub struct Place {
    /// Where, for people.
    pub at: String,
    /// What a finding has to name one of: operations, schemes.
    pub names: Names,
    pub change: Change,
}

/// What is to be named.
pub enum Names {
    /// One of the operations in which this schema is.
    OperationsOf(String),
    /// One of these texts.
    Texts(Vec<String>),
}

/// A kind of edit.
pub struct Kind {
    pub name: &'static str,
    pub expects: Expects,
    pub places: fn(&Tree) -> Vec<Place>,
}

/// What has to be found after an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// Somebody breaks, or has to take care.
    Finding,
    /// Nothing but notes.
    Notes,
    /// Nothing.
    Silence,
}

pub fn of_schema(at: &str, change: impl Fn(&mut Value) + 'static) -> Place {
    Place { at: at.to_owned(), names: Names::OperationsOf(at.to_owned()), change: Box::new(change) }
}

pub fn of_operation(operation: &Operation, change: impl Fn(&mut Value) + 'static) -> Place {
    let names = Names::Texts(vec![format!("`{}`", operation.label), operation.call.clone()]);
    Place { at: operation.at.clone(), names, change: Box::new(change) }
}

pub fn of_part(at: &str, labels: Vec<String>, change: impl Fn(&mut Value) + 'static) -> Place {
    let names = Names::Texts(labels.into_iter().map(|label| format!("`{label}`")).collect());
    Place { at: at.to_owned(), names, change: Box::new(change) }
}

/// What stands at a place that is there.
pub fn there<'a>(root: &'a mut Value, at: &str) -> &'a mut Value {
    root.pointer_mut(at).unwrap_or_else(|| panic!("{at}"))
}

pub fn set(at: &str, key: &str, value: Value) -> impl Fn(&mut Value) + use<> {
    let (at, key) = (at.to_owned(), key.to_owned());
    move |root| {
        there(root, &at)[&key] = value.clone();
    }
}

pub fn remove(at: &str, key: &str) -> impl Fn(&mut Value) + use<> {
    let (at, key) = (at.to_owned(), key.to_owned());
    move |root| {
        there(root, &at).as_object_mut().unwrap().shift_remove(&key);
    }
}

pub fn rename(at: &str, from: &str, to: &str) -> impl Fn(&mut Value) + use<> {
    let (at, from, to) = (at.to_owned(), from.to_owned(), to.to_owned());
    move |root| {
        let object = there(root, &at).as_object_mut().unwrap();
        let renamed = std::mem::take(object).into_iter();
        *object = renamed.map(|(key, value)| (if key == from { to.clone() } else { key }, value)).collect();
    }
}

/// Adds to a list that may not be there.
pub fn add(at: &str, key: &str, value: Value) -> impl Fn(&mut Value) + use<> {
    let (at, key) = (at.to_owned(), key.to_owned());
    move |root| {
        let list = &mut there(root, &at)[&key];
        match list.as_array_mut() {
            Some(list) => list.push(value.clone()),
            None => *list = Value::Array(vec![value.clone()]),
        }
    }
}

/// Removes a name from `required`, or adds it.
pub fn require(at: &str, name: &str, is: bool) -> impl Fn(&mut Value) + use<> {
    let (at, name) = (at.to_owned(), name.to_owned());
    move |root| {
        let schema = there(root, &at).as_object_mut().unwrap();
        let mut names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        names.retain(|known| *known != *name);
        if is {
            names.push(name.clone().into());
        }
        match names.is_empty() {
            true => drop(schema.shift_remove("required")),
            false => drop(schema.insert("required".to_owned(), names.into())),
        }
    }
}

/// The operations that have a parameter, body or answer.
pub fn labels(tree: &Tree, has: impl Fn(&Operation) -> bool) -> Vec<String> {
    tree.operations.iter().filter(|operation| has(operation)).map(|operation| operation.label.clone()).collect()
}

/// The schemas of one type that values go through one way.
pub fn typed(tree: &Tree, way: Way, kind: &str) -> Vec<String> {
    let values = tree.values(way).into_iter();
    let is = |at: &String| tree.kind(at).is_some_and(|(known, _)| known == kind);
    let is_listed = |at: &String| ["enum", "const"].iter().any(|key| tree.at(at).get(key).is_some());
    values.filter(|at| is(at) && !is_listed(at)).collect()
}

/// The schemas whose values go these ways only, past no alternative.
pub fn only(tree: &Tree, at: &str, ways: &[Way]) -> bool {
    let (known, is_plain) = tree.ways(at);
    is_plain && !known.is_empty() && known.is_subset(&ways.iter().copied().collect::<BTreeSet<Way>>())
}
