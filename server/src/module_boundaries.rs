//! Tests that modules of this crate only use the modules they may depend on. They search the source text, so that a violation
//! is reported with its line.

use std::path::{Path, PathBuf};

use crate::connectors;

/// All lines of a module's files except tests: file, line number and text.
fn lines(module: &str) -> Vec<(PathBuf, usize, String)> {
    let mut lines = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module)];
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
    assert!(!lines.is_empty(), "there is no module {module}");
    lines
}

/// Fails if a module contains one of these words.
fn assert_without(module: &str, words: &[&str]) {
    let has = |line: &str| words.iter().any(|word| line.to_lowercase().contains(word));
    let found: Vec<String> = lines(module)
        .into_iter()
        .filter(|(_, _, line)| has(line))
        .map(|(path, number, line)| format!("{}:{number}: {}", path.display(), line.trim()))
        .collect();
    assert!(found.is_empty(), "`{module}` must not mention any of {words:?}:\n{}", found.join("\n"));
}

#[test]
fn sync_depends_on_no_connector() {
    let kinds: Vec<&str> = connectors::sources().chain(connectors::destinations()).collect();
    assert!(kinds.contains(&"sqlite") && kinds.contains(&"jsonl"), "{kinds:?}");
    assert_without("sync", &kinds);
    assert_without("sync", &["crate::connectors", "crate::config", "crate::api"]);
}

#[test]
fn store_depends_on_none_of_its_users() {
    let modules =
        ["crate::admin", "crate::sync", "crate::connectors", "crate::config", "crate::api", "crate::schedule"];
    assert_without("store", &modules);
}

#[test]
fn api_depends_on_neither_sync_nor_connectors() {
    assert_without("api", &["crate::sync", "crate::connectors"]);
}

#[test]
fn schedule_depends_on_the_store_alone() {
    assert_without("schedule", &["crate::sync", "crate::connectors", "crate::config", "crate::api", "crate::service"]);
}

#[test]
fn front_depends_on_nothing_behind_it() {
    let modules = ["sync", "connectors", "config", "store", "api", "service", "commands", "settings"];
    let modules: Vec<String> = modules.iter().map(|module| format!("crate::{module}")).collect();
    assert_without("front", &modules.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn connectors_depend_on_sync_and_not_on_its_users() {
    assert_without("connectors", &["crate::config", "crate::store", "crate::api", "crate::service"]);
}

#[test]
fn admin_depends_on_the_store_only() {
    assert_without("admin", &["crate::sync", "crate::connectors", "crate::api", "crate::config", "crate::service"]);
    // What all modules record into knows none of them.
    assert!(!include_str!("metrics.rs").contains("crate::"));
}

#[test]
fn types_and_settings_depend_on_no_other_module() {
    let modules = ["crate::sync", "crate::connectors", "crate::config", "crate::store", "crate::api"];
    assert_without("types", &modules);
    assert_without("settings", &modules);
}

#[test]
fn connectors_are_used_only_through_the_connectors_module() {
    let kinds = connectors::sources().chain(connectors::destinations());
    let folders: Vec<String> = kinds.map(|kind| format!("connectors::{kind}")).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    for module in ["config", "commands", "api", "settings"] {
        assert_without(module, &folders);
    }
}
