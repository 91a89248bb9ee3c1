//! What would be published is exactly what should be.

#![allow(clippy::unwrap_used)]

use std::process::Command;

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--package", "cdi-client", "--allow-dirty", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().replace('\\', "/")
}

#[test]
fn the_package_has_the_listed_files() {
    let listed = cargo(&["package", "--list"]);
    // Written by cargo, and only inside of a git repository.
    let files: Vec<_> = listed.lines().filter(|file| *file != ".cargo_vcs_info.json").collect();
    expectorate::assert_contents("tests/package.txt", &format!("{}\n", files.join("\n")));
}

#[test]
fn the_package_has_what_a_registry_asks_for() {
    let metadata: serde_json::Value = serde_json::from_str(&cargo_metadata()).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "cdi-client").unwrap();
    for field in ["description", "license", "readme", "rust_version"] {
        assert!(package[field].is_string(), "{field} is missing");
    }
    for field in ["keywords", "categories"] {
        assert!((1..=5).contains(&package[field].as_array().unwrap().len()), "{field}");
    }
    assert_ne!(package["publish"], serde_json::json!([]), "publishing is not forbidden");
    for dependency in package["dependencies"].as_array().unwrap() {
        // A registry takes no path, and an exact version would pin the user's own.
        let (name, is_for_tests) = (&dependency["name"], dependency["kind"] == "dev");
        assert!(is_for_tests || dependency["path"].is_null(), "{name} is a path");
        assert!(is_for_tests || !dependency["req"].as_str().unwrap().starts_with('='), "{name} is pinned");
    }
}

#[test]
fn both_licenses_are_those_of_the_workspace() {
    let read = |path: String| std::fs::read_to_string(path).unwrap();
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(read(format!("{folder}/{license}")), read(format!("{folder}/../{license}")), "{license}");
    }
}

fn cargo_metadata() -> String {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}
