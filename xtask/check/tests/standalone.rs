//! What `cargo install --path xtask/check` has to build: a program of its own, without the generator and without what only
//! some machines have.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Command;

fn crates() -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--package", "apidrift", "--edges", "normal,build"]);
    let output =
        cargo.args(["--prefix", "none", "--format", "{p}"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn neither_the_generator_nor_a_library_of_the_system_is_needed() {
    let crates = crates();
    assert!(crates.contains("apidrift-core") && crates.contains("openapi-model"), "{crates:?}");
    let unwanted =
        ["progenitor", "dropshot", "openapi-dropshot", "openssl-sys", "libsqlite3-sys", "cdi-server", "cdi-client"];
    for name in unwanted {
        let found: Vec<&String> =
            crates.iter().filter(|it| it.as_str() == name || it.starts_with(&format!("{name}-"))).collect();
        assert!(found.is_empty(), "{found:?}");
    }
    // What is linked with: compiled along, or part of every system.
    let linked: Vec<&str> = crates.iter().map(String::as_str).filter(|name| name.ends_with("-sys")).collect();
    let known = ["aws-lc-sys", "libmimalloc-sys", "linux-raw-sys"];
    let is_known = |name: &&str| {
        known.contains(name)
            || name.starts_with("windows-")
            || name.starts_with("core-foundation")
            || name.starts_with("security-framework")
    };
    assert!(linked.iter().all(is_known), "{linked:?}");
}
