//! A canonical form of contracts, so that generated code does not depend on the order of keys or on line breaks in
//! texts.

use serde_json::Value as Json;

/// Lists whose order does not matter.
const SETS: [&str; 2] = ["required", "enum"];
/// Texts for people, which may be wrapped at any column.
const TEXTS: [&str; 3] = ["description", "summary", "title"];

/// Objects whose keys are names, not keywords.
const NAMED: [&str; 11] = [
    "properties",
    "schemas",
    "parameters",
    "headers",
    "responses",
    "examples",
    "securitySchemes",
    "requestBodies",
    "paths",
    "content",
    "variables",
];
/// Example and default values, whose keys are data and not OpenAPI keywords.
const DATA: [&str; 3] = ["example", "value", "default"];

/// The document, or a part of it, with keys and sets sorted and texts unwrapped. Keywords with their default value are
/// left out.
pub fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(String, Json)> = map
                .iter()
                .filter(|(key, value)| !is_default(key, value))
                .map(|(key, value)| (key.clone(), entry(key, value)))
                .collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

fn entry(key: &str, value: &Json) -> Json {
    match value {
        Json::String(text) if TEXTS.contains(&key) => unwrapped(text).join("\n").into(),
        Json::Array(items) if SETS.contains(&key) => {
            let mut items: Vec<Json> = items.clone();
            items.sort_by_key(ToString::to_string);
            items.dedup();
            Json::Array(items)
        }
        Json::Object(map) if NAMED.contains(&key) => {
            // The keys in here are names, even if they look like keywords.
            let mut entries: Vec<(String, Json)> =
                map.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect())
        }
        data if DATA.contains(&key) => sorted(data),
        other => canonical(other),
    }
}

/// Data with its keys sorted and otherwise unchanged.
fn sorted(data: &Json) -> Json {
    match data {
        Json::Object(map) => {
            let mut entries: Vec<(String, Json)> =
                map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn is_default(key: &str, value: &Json) -> bool {
    let flags =
        ["nullable", "deprecated", "readOnly", "writeOnly", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems"];
    (flags.contains(&key) && *value == Json::Bool(false))
        || (key == "required" && value.as_array().is_some_and(Vec::is_empty))
}

/// The lines of a text with its paragraphs unwrapped: a line break matters only next to blank lines, lists, tables,
/// headings and code.
pub fn unwrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut in_code = false;
    for line in text.trim_end().split(['\n', '\r']) {
        let trimmed = line.trim();
        let fence = trimmed.starts_with("```");
        let own = in_code || fence || trimmed.is_empty() || line.starts_with("    ") || begins_a_block(trimmed);
        in_code ^= fence;
        let kept = if in_code || own { line.trim_end() } else { trimmed };
        match lines.last_mut() {
            Some(last) if !own && !fresh => {
                last.push(' ');
                last.push_str(trimmed);
            }
            _ => lines.push(kept.to_owned()),
        }
        fresh = trimmed.is_empty() || fence || in_code;
    }
    lines
}

fn begins_a_block(line: &str) -> bool {
    let numbered = || {
        let digits = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
        digits.len() < line.len() && (digits.starts_with(". ") || digits.starts_with(") "))
    };
    line.starts_with(['#', '|', '>']) || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark)) || numbered()
}

/// The words of a text, for comparing texts that may be wrapped in any way.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equivalent_documents_have_the_same_canonical_form() {
        let one = json!({"type": "object", "required": ["b", "a"], "nullable": false, "description": "x y\nz\n", "enum": [2, 1]});
        let other = json!({"enum": [1, 2], "description": "x\ny z", "required": ["a", "b"], "type": "object", "deprecated": false});
        assert_eq!(canonical(&one).to_string(), canonical(&other).to_string());
        assert_ne!(canonical(&json!({"nullable": true})), canonical(&json!({})));
        assert_eq!(canonical(&json!({"required": []})), json!({}));
        let data = json!({"example": {"required": ["b", "a"], "description": "x\ny", "nullable": false}});
        assert_eq!(canonical(&data), data);
        let named = json!({"properties": {"value": {"description": "x\ny"}, "nullable": false}});
        assert_eq!(canonical(&named), json!({"properties": {"nullable": false, "value": {"description": "x y"}}}));
    }

    #[test]
    fn paragraphs_are_unwrapped_and_blocks_are_kept() {
        let text = "One\ntwo.\n\n- a\n  b\n- c\n1. d\n| t |\n```\ncode\n  more\n```\nend\n";
        assert_eq!(
            unwrapped(text),
            ["One two.", "", "- a b", "- c", "1. d", "| t |", "```", "code", "  more", "```", "end"]
        );
        assert_eq!(unwrapped("a\rb"), ["a b"]);
    }
}
