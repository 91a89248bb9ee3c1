//! Where a document refers to its own parts.

use std::collections::{HashMap, HashSet};

use super::node::Node;
use super::resolve::Resolver;

/// Keys under which values stand: a `$ref` in there is data.
const DATA: [&str; 4] = ["example", "value", "default", "enum"];
/// Keys under which names stand: one of them may be called as the data above.
const NAMES: [&str; 6] = ["properties", "schemas", "parameters", "responses", "headers", "examples"];

/// Calls back for every node with a `$ref`, wherever in a document or a part of one it stands.
pub fn each<'a>(node: &'a Node, found: &mut dyn FnMut(&'a Node)) {
    if node.get("$ref").is_some() {
        found(node);
    }
    for entry in node.entries() {
        if NAMES.contains(&entry.key.as_str()) {
            entry.value.entries().iter().for_each(|named| each(&named.value, found));
            entry.value.items().iter().for_each(|item| each(item, found));
        } else if !DATA.contains(&entry.key.as_str()) {
            each(&entry.value, found);
        }
    }
    node.items().iter().for_each(|item| each(item, found));
}

/// The components that a schema refers to.
pub fn schemas(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    each(node, &mut |reference| names.extend(schema_name(reference)));
    names
}

/// The component that a `$ref` leads to, if it is a schema.
pub fn schema_name(reference: &Node) -> Option<&str> {
    reference.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

/// The schemas of which some part, however far away, leads to nothing or is among the `misread`.
pub fn broken_schemas<'a>(
    root: &'a Node,
    resolver: &Resolver<'a>,
    misread: impl Iterator<Item = &'a str>,
) -> HashSet<String> {
    let schemas = root.get("components").and_then(|components| components.get("schemas"));
    let mut users: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut open: Vec<&str> = misread.collect();
    for schema in schemas.map(Node::entries).unwrap_or_default() {
        each(&schema.value, &mut |reference| {
            if resolver.resolve(reference).is_err() {
                open.push(&schema.key);
            }
            if let Some(name) = schema_name(reference) {
                users.entry(name).or_default().push(&schema.key);
            }
        });
    }
    let mut broken = HashSet::new();
    while let Some(name) = open.pop() {
        if broken.insert(name.to_owned()) {
            open.extend(users.get(name).into_iter().flatten());
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::node::parse;
    use super::*;

    #[test]
    fn a_reference_in_a_value_is_data_and_one_under_a_name_is_not() {
        let text = "value: {$ref: data}\nproperties: {value: {$ref: '#/components/schemas/A'}, enum: {items: {$ref: '#/components/schemas/B'}}}\nallOf: [{$ref: x}]\n";
        assert_eq!(schemas(&parse(text).unwrap()), ["A", "B"]);
    }
}
