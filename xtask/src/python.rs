//! Programs from PyPI: installed into private virtual environments, with pinned versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::apt::{self, run};

/// The oldest supported Python version.
const OLDEST: (u32, u32) = (3, 11);

/// Installs what a file of requirements names, with hashes, unless that is installed. Returns the folder of the programs,
/// which are in an environment in this folder.
pub fn install(root: &Path, requirements: &str, folder: &str) -> anyhow::Result<PathBuf> {
    let file = root.join(requirements);
    let wanted = std::fs::read(&file).with_context(|| format!("{requirements} cannot be read"))?;
    let wanted: String = Sha256::digest(&wanted).iter().map(|byte| format!("{byte:02x}")).collect();
    let environment = root.join(folder);
    let (programs, installed) = (environment.join("bin"), environment.join("installed"));
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    let python = python()?;
    eprintln!("installing {requirements} into {folder}");
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
    run(Command::new(programs.join("python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement"])
        .arg(&file))
    .with_context(|| format!("pip could not install the packages in {requirements}, which the tests need"))?;
    std::fs::write(&installed, wanted).with_context(|| format!("{} cannot be written", installed.display()))?;
    Ok(programs)
}

/// A Python that can create virtual environments, installed if there is none.
fn python() -> anyhow::Result<&'static str> {
    const PYTHON: &str = "python3";
    if !makes_environments(PYTHON) {
        apt::install("python3-venv")?;
    }
    let Some((major, minor)) = version(PYTHON) else { bail!("`{PYTHON} --version` prints no version") };
    let (oldest, older) = OLDEST;
    ensure!(
        (major, minor) >= OLDEST,
        "`{PYTHON}` is Python {major}.{minor}; the tests need {oldest}.{older} or newer: put one first on the PATH"
    );
    ensure!(makes_environments(PYTHON), "`{PYTHON}` lacks its modules `venv` and `ensurepip`: install them");
    Ok(PYTHON)
}

fn makes_environments(python: &str) -> bool {
    Command::new(python).args(["-c", "import venv, ensurepip"]).output().is_ok_and(|output| output.status.success())
}

fn version(python: &str) -> Option<(u32, u32)> {
    let output = Command::new(python).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix("Python ")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
