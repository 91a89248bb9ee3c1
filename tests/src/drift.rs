//! An editable copy of everything that `cargo xtask check` compares.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use apidrift::check::{self, Scope};
use apidrift::outcome::Outcome;
use openapi_dropshot::Dropshot;
use tempfile::TempDir;

use crate::{program, repository};

/// The file of the copy with the document that the server emits.
pub const EMITTED: &str = "emitted.json";
/// The settings, which name the compared files and folders.
const SETTINGS: &str = "openapi/check.toml";

static EMITTED_TEXT: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new(program("cdi-server")).arg("openapi").output().expect("the server runs");
    String::from_utf8(output.stdout).expect("it prints text")
});

/// An editable copy.
pub struct Copy {
    folder: TempDir,
}

impl Default for Copy {
    fn default() -> Copy {
        Copy::new()
    }
}

impl Copy {
    /// An unedited copy.
    pub fn new() -> Copy {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = Copy { folder };
        for file in ["server/src/api/generated.rs", "client/src/errors.rs", "client/src/generated.rs"] {
            copy.take(Path::new(file));
        }
        copy.take_folder(Path::new("openapi"));
        std::fs::write(copy.path(EMITTED), EMITTED_TEXT.as_str()).expect("the emitted document");
        copy.edit(SETTINGS, |text| {
            let start = text.find("emits = ").expect("the settings name a command");
            let end = start + text[start..].find('\n').unwrap_or(text.len() - start);
            format!("{}emits = [\"cat\", \"{EMITTED}\"]{}", &text[..start], &text[end..])
        });
        copy
    }

    fn take(&self, file: &Path) {
        let target = self.folder.path().join(file);
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        std::fs::copy(repository().join(file), target).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    fn take_folder(&self, folder: &Path) {
        for entry in std::fs::read_dir(repository().join(folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("a kind").is_dir() {
                self.take_folder(&path);
            } else {
                self.take(&path);
            }
        }
    }

    /// The folder of the copy.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the copy.
    pub fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    /// Changes a file.
    pub fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        std::fs::write(self.path(file), change(&text)).unwrap_or_else(|error| panic!("{file}: {error}"));
    }

    /// Replaces the first occurrence of a text, which must exist.
    pub fn replace(self, file: &str, text: &str, with: &str) -> Copy {
        self.edit(file, |before| {
            assert!(before.contains(text), "{file} has no {text:?}");
            before.replacen(text, with, 1)
        });
        self
    }

    /// Runs the check on the copy.
    pub fn check(&self) -> Outcome {
        check::run(self.root(), &Scope::default(), Some(&Dropshot))
    }
}
