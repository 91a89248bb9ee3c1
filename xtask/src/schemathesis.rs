//! Schemathesis, which tests servers with requests generated from their contract: installed into a private virtual
//! environment, with pinned versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::apt::{self, run};

/// The pinned versions with their hashes.
const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";
/// The folder of the virtual environment.
const FOLDER: &str = "target/schemathesis";
/// The oldest supported Python version.
const OLDEST: (u32, u32) = (3, 11);

/// Installs Schemathesis unless it is installed, and returns the path of its program.
pub fn install(root: &Path) -> anyhow::Result<PathBuf> {
    let requirements = root.join(REQUIREMENTS);
    let wanted = std::fs::read(&requirements).with_context(|| format!("{REQUIREMENTS} cannot be read"))?;
    let wanted: String = Sha256::digest(&wanted).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = root.join(FOLDER);
    let (program, installed) = (folder.join("bin/st"), folder.join("installed"));
    if program.is_file() && std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    let python = python()?;
    eprintln!("installing Schemathesis into {FOLDER}");
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement"])
        .arg(&requirements))
    .with_context(|| format!("pip could not install the packages in {REQUIREMENTS}, which the tests need"))?;
    ensure!(program.is_file(), "{REQUIREMENTS} was installed, but {} is missing", program.display());
    std::fs::write(&installed, wanted).with_context(|| format!("{} cannot be written", installed.display()))?;
    Ok(program)
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
