//! `cargo xtask corpus`, on contracts that the tests of the check have.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn corpus(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("corpus").arg(folder).args(arguments).output().unwrap()
}

#[test]
fn contracts_of_strangers_are_looked_at_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("check/tests/contracts");
    for entry in std::fs::read_dir(contracts).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let lost = "openapi: 3.0.3\ninfo: {title: a, version: b}\npaths:\n  /a: {get: {responses: {'200': {$ref: 'x.yaml#/A'}}}}\n  /b: {get: {responses: {'200': {description: b}}}}\n";
    std::fs::write(folder.path().join("lost.yml"), lost).unwrap();
    let output = corpus(folder.path(), &["--format", "json", "--mutants", "3"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows.len(), 4, "{rows:#?}");
    for row in &rows {
        assert!(row["read"] == true && row["panicked"] == false && row["adopts"] == true, "{row:#}");
        assert!(row["diff_with_itself"] == true && row["mutants"] == 3, "{row:#}");
        assert!(row["seconds"].as_f64().unwrap() > 0.0 && row["operations"].as_u64().unwrap() > 0, "{row:#}");
    }
    let lost = rows.iter().find(|row| row["document"] == "lost.yml").unwrap();
    assert_eq!((lost["operations"].as_u64(), lost["compared"].as_u64()), (Some(2), Some(1)), "{lost:#}");
    assert_eq!(lost["not_compared"][0]["operation"], "GET /a");
    assert!(lost["not_compared"][0]["reason"].as_str().unwrap().contains("x.yaml"), "{lost:#}");
    assert!(output.status.success());
    let table = corpus(folder.path(), &[]);
    assert!(
        String::from_utf8_lossy(&table.stdout).contains("4 documents: 4 read, 0 panicked or hung, 4 can be adopted")
    );
}

#[test]
fn what_cannot_be_read_is_counted_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.json"), "{\"swagger\": \"2.0\"}").unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "openapi: 3.0.3\n\tpaths: {}\n").unwrap();
    let output = corpus(folder.path(), &["--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| row["read"] == false && row["panicked"] == false), "{rows:#?}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(corpus(&folder.path().join("none"), &[]).status.code(), Some(2));
}

#[test]
fn a_client_a_server_and_a_program_that_calls_every_operation_are_generated_of_any_contract() {
    let folder = tempfile::tempdir().unwrap();
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("generate/tests/client");
    let generated = |name: &str| -> serde_json::Value {
        let into = folder.path().join(name);
        let arguments = ["--generate", "--call", "--into", into.to_str().unwrap()];
        serde_json::from_slice(&corpus(&contracts.join(format!("{name}.yaml")), &arguments).stdout).unwrap()
    };
    let shop = generated("shop");
    for taken in [&shop["client"]["taken"], &shop["server"]["taken"], &shop["calls"]["called"]] {
        assert_eq!(*taken, 13, "{shop:#}");
    }
    for part in ["client/src/lib.rs", "server/src/lib.rs", "calls/src/main.rs"] {
        assert!(folder.path().join(format!("shop_{part}")).is_file(), "{part}");
    }
    let awkward = generated("awkward");
    assert_eq!((&awkward["client"]["taken"], &awkward["server"]["taken"]), (&8.into(), &6.into()), "{awkward:#}");
    assert_eq!(awkward["server"]["refused"].as_object().unwrap().len(), 2, "{awkward:#}");
}
