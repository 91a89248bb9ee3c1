//! Which room of this crate may name which. Read from the sources, so that a mistake is named with its line.

use std::path::{Path, PathBuf};

use crate::connectors;

/// The lines of a room's files that are no tests: file, number and text.
fn lines(room: &str) -> Vec<(PathBuf, usize, String)> {
    let mut lines = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            lines.extend((1..).zip(code.lines()).map(|(number, line)| (path.clone(), number, line.to_owned())));
        }
    }
    let is_test = |path: &Path| path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
    lines.retain(|(path, ..)| !is_test(path));
    assert!(!lines.is_empty(), "there is no room {room}");
    lines
}

/// Fails where a room has one of these words.
fn is_without(room: &str, words: &[&str]) {
    let has = |line: &str| words.iter().any(|word| line.to_lowercase().contains(word));
    let found: Vec<String> = lines(room)
        .into_iter()
        .filter(|(_, _, line)| has(line))
        .map(|(path, number, line)| format!("{}:{number}: {}", path.display(), line.trim()))
        .collect();
    assert!(found.is_empty(), "`{room}` must not name any of {words:?}:\n{}", found.join("\n"));
}

#[test]
fn the_engine_knows_no_kind_of_source_or_destination() {
    let kinds: Vec<&str> = connectors::sources().chain(connectors::destinations()).collect();
    assert!(kinds.contains(&"sqlite") && kinds.contains(&"jsonl"), "{kinds:?}");
    is_without("sync", &kinds);
    is_without("sync", &["crate::connectors", "crate::config", "crate::api"]);
}

#[test]
fn the_store_knows_nobody_who_uses_it() {
    is_without("store", &["crate::sync", "crate::connectors", "crate::config", "crate::api"]);
}

#[test]
fn the_http_edge_knows_neither_the_engine_nor_its_kinds() {
    is_without("api", &["crate::sync", "crate::connectors"]);
}

#[test]
fn connectors_know_the_engine_and_not_who_configures_or_runs_it() {
    is_without("connectors", &["crate::config", "crate::store", "crate::api", "crate::service"]);
}

#[test]
fn what_lies_at_the_bottom_knows_no_room() {
    let rooms = ["crate::sync", "crate::connectors", "crate::config", "crate::store", "crate::api"];
    is_without("types", &rooms);
    is_without("settings", &rooms);
}

#[test]
fn nobody_reaches_into_the_folder_of_a_kind() {
    let kinds = connectors::sources().chain(connectors::destinations());
    let folders: Vec<String> = kinds.map(|kind| format!("connectors::{kind}")).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    for room in ["config", "commands", "api", "settings"] {
        is_without(room, &folders);
    }
}
