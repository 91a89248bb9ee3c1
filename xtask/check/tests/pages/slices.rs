//! Contracts, cut into pieces of some operations each: a large one is read again for each edit.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::api::Api;

/// How many paths a piece has at most.
const PATHS: usize = 30;

pub fn read(text: &str) -> Option<Value> {
    serde_yaml::from_str::<Value>(text).ok()
}

pub fn slices(name: &str, mut root: Value) -> Vec<Api> {
    forget_examples(&mut root, "");
    let paths = root["paths"].as_object().cloned().unwrap_or_default();
    let paths: Vec<(String, Value)> = paths.into_iter().collect();
    let pieces: Vec<Api> = paths
        .chunks(PATHS)
        .enumerate()
        .map(|(index, some)| {
            let mut piece = root.clone();
            piece["paths"] = Value::Object(some.iter().cloned().collect());
            if paths.len() > PATHS {
                keep_used(&mut piece);
            }
            Api::new(&if paths.len() > PATHS { format!("{name}-{index}") } else { name.to_owned() }, piece)
        })
        .collect();
    pieces.into_iter().filter(|api| !api.operations.is_empty()).collect()
}

/// Takes away examples, those of errors apart: the contract's own need not fit what an edit makes of it.
fn forget_examples(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => {
            let is_named =
                ["properties", "examples", "parameters", "schemas", "responses", "headers", "paths"].contains(&key);
            if !is_named {
                map.retain(|key, _| !["example", "x-examples"].contains(&key.as_str()));
                let is_schema = !map.contains_key("value") && ["items", "allOf", "schema"].contains(&key);
                if is_schema || map.contains_key("type") || map.contains_key("in") {
                    map.shift_remove("examples");
                }
            }
            map.iter_mut().for_each(|(key, value)| forget_examples(value, key));
            let successes: Vec<String> = if key == "responses" {
                map.keys().filter(|key| key.starts_with('2')).cloned().collect()
            } else {
                Vec::new()
            };
            for status in successes {
                forget_in_media(&mut map[&status]);
            }
            if key == "requestBody" {
                forget_in_media_of(map);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget_examples(item, key)),
        _ => {}
    }
}

fn forget_in_media(response: &mut Value) {
    if let Some(map) = response.as_object_mut() {
        forget_in_media_of(map);
    }
}

fn forget_in_media_of(map: &mut Map<String, Value>) {
    for (_, media) in map.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(media) = media.as_object_mut() {
            media.shift_remove("examples");
        }
    }
}

/// Takes away the components that nothing leads to.
fn keep_used(root: &mut Value) {
    let mut used: Vec<String> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    references(&root["paths"], &mut open);
    while let Some(at) = open.pop() {
        let part: Vec<&str> = at.split('/').take(4).collect();
        let part = part.join("/");
        if !used.contains(&part) {
            references(root.pointer(&part).unwrap_or(&Value::Null), &mut open);
            used.push(part);
        }
    }
    let Some(components) = root.get_mut("components").and_then(Value::as_object_mut) else { return };
    for (kind, parts) in components.iter_mut().filter(|(kind, _)| *kind != "securitySchemes") {
        if let Some(parts) = parts.as_object_mut() {
            parts.retain(|name, _| used.contains(&super::api::below(&format!("/components/{kind}"), name)));
        }
    }
    if let Some(root) = root.as_object_mut() {
        root.shift_remove("webhooks");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref", Value::String(to)) => found.extend(to.strip_prefix('#').map(str::to_owned)),
                    ("mapping", Value::Object(all)) => {
                        found.extend(all.values().filter_map(|to| to.as_str()?.strip_prefix('#').map(str::to_owned)));
                    }
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The contracts of the repository.
pub fn own() -> Vec<Api> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![
        root.join("../../openapi/cdi.yaml"),
        root.join("../fixtures/things/openapi/things.yaml"),
        root.join("../fixtures/orders/orders.yaml"),
    ];
    for folder in ["tests/contracts", "tests/pages/contracts"] {
        files.extend(files_of(&root.join(folder)));
    }
    files.iter().flat_map(|file| of_file(file)).collect()
}

pub fn of_file(file: &Path) -> Vec<Api> {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let root = read(&text).unwrap_or_else(|| json!({}));
    if root["openapi"].is_string() { slices(&name, root) } else { Vec::new() }
}

pub fn files_of(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is = |file: &std::path::PathBuf| {
        file.extension().is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|known| kind == *known))
    };
    let mut files: Vec<_> = files.filter(is).collect();
    files.sort();
    files
}
