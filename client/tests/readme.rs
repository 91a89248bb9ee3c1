//! The example of a README is a program: it is compiled as a crate of its own, from nothing but what stands there, and run.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use cdi_client::JobStatus;
use cdi_client::mock::{API_KEY, Mock};

/// The block in a language that follows this heading.
fn block<'a>(text: &'a str, heading: &str, language: &str) -> &'a str {
    let section = text.split_once(heading).unwrap().1;
    let begin = section.split_once(&format!("```{language}\n")).unwrap().1;
    begin.split_once("```").unwrap().0
}

/// Builds an example as a package of its own, and runs it against a mock whose one sync ends as `partial`.
async fn run(dependencies: &str, example: &str) -> Output {
    let client = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = client.parent().unwrap();
    assert!(dependencies.contains("\"opencdi/client\""), "{dependencies}");
    let dependencies = dependencies.replace("\"opencdi/client\"", &format!("{:?}", client.to_str().unwrap()));

    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    write("src/main.rs", example);
    let package = "[package]\nname = \"readme\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n";
    // What the workspace has built is used again where it is the same: its versions, its profile, its folder.
    let manifest = std::fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let profile = &manifest[manifest.find("[profile.dev]").unwrap()..];
    write("Cargo.toml", &format!("{package}{dependencies}\n{profile}"));
    std::fs::copy(workspace.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();

    let mock = Mock::start().await.unwrap();
    let users = mock.add_integration("Users");
    mock.end_next_job(users, JobStatus::Partial, 97, 3);
    Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(folder.path())
        .env("CDI_URL", mock.url())
        .env("CDI_API_KEY", API_KEY)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_both_readmes_compile_and_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(folder.parent().unwrap().join("README.md")).unwrap();
    let dependencies = block(&readme, "### From Rust", "toml");
    let output = run(dependencies, block(&readme, "### From Rust", "rust")).await;
    assert_eq!(stdout(&output), "Users: partial, 97 rows\n");

    let of_the_package = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let output = run(dependencies, block(&of_the_package, "# cdi-client", "rust,no_run")).await;
    assert_eq!(stdout(&output), "Users: partial, 97 rows\n");
    assert_eq!(output.status.code(), Some(1), "not all rows were synced");
}
