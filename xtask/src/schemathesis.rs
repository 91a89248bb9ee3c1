//! Schemathesis, which tests servers with requests generated from their contract.

use std::path::{Path, PathBuf};

use anyhow::ensure;

use crate::python;

/// The pinned versions with their hashes.
const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";
/// The folder of the virtual environment.
const FOLDER: &str = "target/schemathesis";

/// Installs Schemathesis unless it is installed, and returns the path of its program.
pub fn install(root: &Path) -> anyhow::Result<PathBuf> {
    let program = python::install(root, REQUIREMENTS, FOLDER)?.join("st");
    ensure!(program.is_file(), "{REQUIREMENTS} was installed, but {} is missing", program.display());
    Ok(program)
}
