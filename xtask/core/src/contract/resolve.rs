//! Following `$ref`.

use std::collections::HashMap;
use std::sync::Arc;

use super::node::{Entry, Node, Value};
use crate::finding::Finding;
use crate::rules::Rule;
use openapi_model::source::{Place, Source};

/// Follows the `$ref`s of one document.
pub struct Resolver<'a> {
    source: &'a Arc<Source>,
    root: &'a Node,
    /// `#/components/kind/name`, to which nearly all references lead.
    components: HashMap<String, &'a Node>,
}

impl<'a> Resolver<'a> {
    pub fn new(source: &'a Arc<Source>, root: &'a Node) -> Resolver<'a> {
        let kinds = root.get("components").map(Node::entries).unwrap_or_default();
        let components = kinds.iter().flat_map(|kind| {
            let named = move |entry: &'a Entry| (format!("#/components/{}/{}", kind.key, entry.key), &entry.value);
            kind.value.entries().iter().map(named)
        });
        Resolver { source, root, components: components.collect() }
    }

    /// The node itself, or what its `$ref` leads to, however many there are on the way.
    pub fn resolve(&self, node: &'a Node) -> Result<&'a Node, Finding> {
        let mut here = node;
        let mut seen: Vec<&str> = Vec::new();
        while let Some(reference) = here.get("$ref") {
            let place = |label: &str| Place::new(self.source, reference.range.clone(), label);
            let Some(target) = reference.as_str() else {
                return Err(Finding::at(
                    Rule::ContractRefResolves,
                    place("not a text"),
                    format!("a `$ref` is {}", reference.kind()),
                )
                .help("write a text such as `#/components/schemas/Name`"));
            };
            if seen.contains(&target) {
                return Err(Finding::at(
                    Rule::ContractRefResolves,
                    place("leads back to itself"),
                    format!("`{target}` leads in a circle and to nothing"),
                ));
            }
            seen.push(target);
            here = self.find(target).ok_or_else(|| {
                let help = if target.starts_with('#') {
                    format!("write it under `{}`, or correct the reference", target.trim_start_matches("#/"))
                } else {
                    "keep the whole contract in one file and refer to `#/components/…`".to_owned()
                };
                Finding::at(Rule::ContractRefResolves, place("leads to nothing"), format!("there is no `{target}`"))
                    .help(help)
            })?;
        }
        Ok(here)
    }

    fn find(&self, target: &str) -> Option<&'a Node> {
        if let Some(node) = self.components.get(target) {
            return Some(node);
        }
        let pointer = target.strip_prefix("#/")?;
        pointer.split('/').try_fold(self.root, |node, part| {
            let key = part.replace("~1", "/").replace("~0", "~");
            match &node.value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                _ => node.get(&key),
            }
        })
    }
}
