//! Parses YAML or JSON into a tree with the place of each value.
//!
//! Scalars follow the YAML 1.2 core schema. Mapping keys keep their order and their place. Reading never panics and is
//! bounded in depth and size, so a hostile file is an error and not a crash.

pub use crate::tree::{
    Duplicate, Entry, MAX_DEPTH, Malformed, Node, Parsed, Value, escaped, last_of_each, pointer_keys, unescaped,
};
use crate::{json, yaml};

/// Reads one document strictly: duplicate keys and a second document are errors.
///
/// # Errors
///
/// If it is not YAML or JSON, has a duplicate key, or has a second document.
pub fn parse(text: &str) -> Result<Node, Malformed> {
    let parsed = read(text)?;
    if let Some(duplicate) = parsed.duplicates.into_iter().next() {
        let message = format!("duplicate key `{}`", duplicate.key);
        return Err(Malformed { message, range: duplicate.second });
    }
    if let Some(range) = parsed.second_document {
        return Err(Malformed { message: "a second document begins here; a file must hold only one".into(), range });
    }
    Ok(parsed.node)
}

/// Reads the first document of a text leniently, as most readers do: the last of duplicate keys counts, merge keys are
/// resolved, unknown tags are ignored.
///
/// # Errors
///
/// If it is not YAML or JSON, is nested too deep, or its aliases expand to too many values.
pub fn read(text: &str) -> Result<Parsed, Malformed> {
    let mut parsed = match json::parse(text) {
        Some((node, duplicates)) => Parsed { node, duplicates, second_document: None },
        None => yaml::read(text)?,
    };
    parsed.duplicates.sort_by_key(|duplicate| duplicate.second.start);
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        let node = parse("a: 1\nb: '1'\nc: 1.5\nd: yes\ne: ~\nf: true\ng: 1.0.0\nh: 2026-11-23\ni: 0x1F\n").unwrap();
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": 1, "b": "1", "c": 1.5, "d": "yes", "e": null, "f": true, "g": "1.0.0", "h": "2026-11-23", "i": 31})
        );
    }

    #[test]
    fn every_value_and_key_has_its_byte_range() {
        let text = "é: ü\nlist:\n  - one\n  - two\nafter: 1\n";
        let node = parse(text).unwrap();
        let list = node.entry("list").unwrap();
        assert_eq!(&text[list.key_range.clone()], "list");
        assert_eq!(&text[list.value.items()[1].range.clone()], "two");
        assert_eq!(&text[node.get("é").unwrap().range.clone()], "ü");
        assert_eq!(&text[list.value.range.clone()], "- one\n  - two");
    }

    #[test]
    fn a_duplicate_key_is_refused_at_its_place() {
        let text = "a: 1\nb: 2\na: 3\n";
        let error = parse(text).unwrap_err();
        assert_eq!(error.range, 10..11);
        assert!(error.message.contains("duplicate key"));
    }

    #[test]
    fn aliases_are_followed_and_bombs_are_refused() {
        assert_eq!(
            parse("a: &x {k: 1}\nb: *x\n").unwrap().to_json(),
            serde_json::json!({"a": {"k": 1}, "b": {"k": 1}})
        );
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(parse(&bomb).unwrap_err().message.contains("more than"));
    }

    #[test]
    fn json_and_deep_nesting_are_handled() {
        assert_eq!(parse("{\"a\": [1, {\"b\": null}]}").unwrap().to_json(), serde_json::json!({"a": [1, {"b": null}]}));
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&deep(100)).is_ok());
        assert!(parse(&deep(200)).unwrap_err().message.contains("deep"));
        // The parser itself rejects this depth.
        assert!(parse(&deep(100_000)).unwrap_err().message.contains("recursion limit"));
    }
}
