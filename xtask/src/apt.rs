//! Debian packages that the tests need.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Installs a package, or returns an error that says that it is missing.
pub fn install(package: &str) -> anyhow::Result<()> {
    eprintln!("installing {package} with apt-get");
    let apt = |arguments: &[&str]| {
        let mut command = if is_root() {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["--non-interactive", "apt-get"]);
            sudo
        };
        run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    let help =
        || format!("the tests need the package `{package}`: install it, or run this as a user who may use apt-get");
    apt(&["update", "--quiet"]).with_context(help)?;
    apt(&["install", "--yes", "--quiet", "--no-install-recommends", package]).with_context(help)
}

/// A downloaded package; removed when dropped.
pub struct Package {
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Package {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.file
    }
}

/// Downloads a package without installing it, or returns an error that says that it is missing.
pub fn download(package: &str) -> anyhow::Result<Package> {
    eprintln!("downloading {package} with apt-get");
    let help = || format!("the tests need the Debian package `{package}`, which cannot be downloaded");
    if is_root() {
        run(Command::new("apt-get").args(["update", "--quiet"])).with_context(help)?;
    }
    let folder = tempfile::tempdir().context("no temporary folder")?;
    run(Command::new("apt-get").args(["download", "--quiet", package]).current_dir(folder.path()))
        .with_context(help)?;
    let file = std::fs::read_dir(folder.path())?.next().with_context(help)??.path();
    Ok(Package { file, _folder: folder })
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs a program to completion; the error contains its output.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{:?} cannot be run", command.get_program()))?;
    if !output.status.success() {
        bail!("{command:?} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
