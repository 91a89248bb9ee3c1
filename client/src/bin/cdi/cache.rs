//! Names and IDs of integrations on disk, so that a name does not cost a listing each time.
//!
//! There is one file for each server and API key. Its name is a hash of both and its content is what `cdi list` shows; the
//! key is not in it. A cache that cannot be read or written is ignored: no command fails because of it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cdi_client::Integration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::folders;

/// Older names are not used to find an integration.
pub(crate) const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Files that are older are deleted: those of keys that are not used any more, and those that an interrupted `cdi` has left.
const FILE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How the name of a file that is being written begins.
const UNFINISHED: &str = ".integrations";

/// The cached names of one server and API key.
pub(crate) struct Cache {
    /// `None` if there is no folder for it, as for services without a home.
    file: Option<PathBuf>,
}

/// An integration, as far as it is cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    integrations: Vec<Known>,
}

impl Cache {
    pub(crate) fn new(base_url: &str, api_key: &str) -> Cache {
        let hash = Sha256::new().chain_update(base_url).chain_update([0]).chain_update(api_key).finalize();
        let name: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Cache { file: folders::cache_folder().map(|folder| folder.join(format!("integrations-{name}.json"))) }
    }

    /// The integrations, if they were listed within this time.
    pub(crate) fn read(&self, lifetime: Duration) -> Option<Vec<Known>> {
        let file = self.file.as_ref()?;
        // A time in the future has no age.
        let age = file.metadata().ok()?.modified().ok()?.elapsed().ok()?;
        if age > lifetime {
            return None;
        }
        let content: Content = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        Some(content.integrations)
    }

    /// Replaces what is cached by what was listed just now.
    pub(crate) fn remember(&self, listed: &[Integration]) -> Vec<Known> {
        let known = |one: &Integration| Known { id: one.integration_id, name: one.integration_name.clone() };
        let known: Vec<_> = listed.iter().map(known).collect();
        // Without a cache the integrations are listed again next time.
        let _ = self.write(&known);
        known
    }

    fn write(&self, integrations: &[Known]) -> std::io::Result<()> {
        let Some((file, folder)) = self.file.as_ref().and_then(|file| Some((file, file.parent()?))) else {
            return Ok(());
        };
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(folder)?;
        let content = serde_json::to_vec(&Content { integrations: integrations.to_vec() })?;
        // Only its owner can read it, and another `cdi` sees the whole file or none.
        let mut new = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        new.write_all(&content)?;
        new.persist(file)?;
        delete_old_files(folder)
    }

    /// Forgets what is cached, because it has turned out to be wrong.
    pub(crate) fn clear(&self) {
        if let Some(file) = &self.file {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn delete_old_files(folder: &Path) -> std::io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        if is_own(&entry.file_name().to_string_lossy())
            && entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > FILE_LIFETIME)
        {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether a file of this name is one of ours: a listing, or one that is being written.
fn is_own(name: &str) -> bool {
    let listing = name.strip_prefix("integrations-").and_then(|rest| rest.strip_suffix(".json"));
    let is_listing = listing.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let unfinished = name.strip_prefix(UNFINISHED);
    is_listing
        || unfinished.is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
