//! The example of the README is a program: it is compiled as a crate of its own, from nothing but what stands there, and run.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use cdi_client::JobStatus;
use cdi_client::mock::{API_KEY, Mock};

/// The block in a language that follows this heading.
fn block<'a>(text: &'a str, heading: &str, language: &str) -> &'a str {
    let section = text.split_once(heading).unwrap().1;
    let begin = section.split_once(&format!("```{language}\n")).unwrap().1;
    begin.split_once("```").unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_readme_compiles_and_runs() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = client.parent().unwrap();
    let readme = std::fs::read_to_string(workspace.join("README.md")).unwrap();
    let dependencies = block(&readme, "### From Rust", "toml");
    assert!(dependencies.contains("\"opencdi/client\""), "{dependencies}");
    let dependencies = dependencies.replace("\"opencdi/client\"", &format!("{:?}", client.to_str().unwrap()));

    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    write("src/main.rs", block(&readme, "### From Rust", "rust"));
    let package = "[package]\nname = \"readme\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n";
    // What the workspace has built is used again where it is the same: its versions, its profile, its folder.
    let manifest = std::fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let profile = &manifest[manifest.find("[profile.dev]").unwrap()..];
    write("Cargo.toml", &format!("{package}{dependencies}\n{profile}"));
    std::fs::copy(workspace.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();

    let mock = Mock::start().await.unwrap();
    let users = mock.add_integration("Users");
    mock.end_next_job(users, JobStatus::Partial, 97, 3);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(folder.path())
        .env("CDI_URL", mock.url())
        .env("CDI_API_KEY", API_KEY)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Users: partial, 97 rows\n", "{stderr}");
}
