//! The contract's earlier version: a file, or a Git revision.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use apidrift_core::contract::Contract;
use apidrift_core::profile::Profile;
use openapi_model::problem::ProblemKind;
use openapi_model::source::Source;
use tempfile::TempDir;

/// An earlier contract. Files that it refers to are read together with it.
#[derive(Debug)]
pub struct Base {
    /// Its file.
    pub source: Arc<Source>,
    /// The folder from which its references are resolved.
    pub folder: Option<PathBuf>,
    /// The temporary folder with the files of a revision.
    written: Option<TempDir>,
}

impl From<Arc<Source>> for Base {
    fn from(source: Arc<Source>) -> Base {
        Base { source, folder: None, written: None }
    }
}

impl Base {
    /// Finds the earlier version of a contract: a file below `root`, or a revision of the repository that contains the
    /// contract.
    pub fn find(root: &Path, contract: &Path, against: &str) -> Result<Base, String> {
        let file = root.join(against);
        if file.is_file() {
            let source = Source::read(root, &file)?;
            return Ok(Base { source, folder: file.parent().map(Path::to_path_buf), written: None });
        }
        let folder = contract.parent().unwrap_or(root);
        let contract = contract.file_name().unwrap_or_default().to_string_lossy();
        // A revision may name another file, if the contract had another name then. The folder need not be the root of
        // the repository.
        let object = if against.contains(':') { against.to_owned() } else { format!("{against}:./{contract}") };
        let output = git(folder, &["show", "--end-of-options", &object])?;
        if against.is_empty() || !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let is_shallow = git(folder, &["rev-parse", "--is-shallow-repository"])?.stdout.starts_with(b"true");
            let hint = if is_shallow { " (this clone is shallow: `git fetch --unshallow` gets the rest)" } else { "" };
            return Err(format!(
                "`{against}` is neither a file nor a revision that has {contract}{hint}: {}",
                said.trim()
            ));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| format!("{object} is not UTF-8 text"))?;
        let mut base = Base::from(Source::new(object, text));
        if base.refers_to_files() {
            base.write_files(folder, &contract, against)?;
        }
        Ok(base)
    }

    /// Reads it with a profile.
    pub fn read(&self, profile: &Profile) -> Result<Contract, String> {
        let read = Contract::read(&self.source, self.folder.as_deref(), Some(profile));
        read.map_err(|error| error.message)
    }

    fn refers_to_files(&self) -> bool {
        let problems = openapi_model::read(&self.source, None).map(|document| document.problems).unwrap_or_default();
        problems.iter().any(|problem| problem.kind == ProblemKind::UnresolvedReference)
    }

    /// Writes the YAML and JSON files of a revision to a temporary folder in which the contract can refer to them.
    /// `named` is the revision, or `REVISION:PATH` if the contract had another name.
    fn write_files(&mut self, folder: &Path, contract: &str, named: &str) -> Result<(), String> {
        let said = |arguments: &[&str]| {
            let output = git(folder, arguments)?;
            Ok::<String, String>(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
        };
        let top = said(&["rev-parse", "--show-toplevel"])?;
        let (revision, path) = match named.split_once(':') {
            Some((revision, path)) => (revision, path.to_owned()),
            None => (named, format!("{}{contract}", said(&["rev-parse", "--show-prefix"])?)),
        };
        let written = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let index = written.path().join("index");
        let run = |arguments: &[&str], input: &[u8]| {
            let mut command = Command::new("git");
            command.args(arguments).current_dir(&top).env("GIT_INDEX_FILE", &index);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(input)?;
            }
            let output = child.wait_with_output()?;
            match output.status.success() {
                true => Ok(output.stdout),
                false => Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            }
        };
        let failed = |error: std::io::Error| format!("the files of {revision} cannot be read from git: {error}");
        let listed = run(&["ls-tree", "-r", "-z", "--name-only", revision], b"").map_err(failed)?;
        let is_wanted = |name: &&[u8]| {
            [&b".yaml"[..], b".yml", b".json"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
        };
        let names = listed.split(|byte| *byte == 0).filter(is_wanted).collect::<Vec<_>>().join(&0);
        let prefix = format!("--prefix={}/files/", written.path().display());
        run(&["read-tree", revision], b"").map_err(failed)?;
        run(&["checkout-index", "--force", "-z", "--stdin", &prefix], &names).map_err(failed)?;
        self.folder = written.path().join("files").join(path).parent().map(Path::to_path_buf);
        self.written = Some(written);
        Ok(())
    }
}

fn git(root: &Path, arguments: &[&str]) -> Result<Output, String> {
    let output = Command::new("git").args(arguments).current_dir(root).output();
    output.map_err(|error| format!("git cannot be run: {error}"))
}
