//! Finds the project of the current folder.

use std::path::PathBuf;

use anyhow::Context as _;
use apidrift_core::settings;

/// The project of the current folder: the nearest folder, from there upwards, that contains settings.
///
/// # Errors
///
/// If there is none, with advice on what to do.
pub fn root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be determined")?;
    settings::find_root(&here).with_context(|| {
        format!(
            "there is no {} in {} or its parent folders: name the contract, as in `check openapi.yaml docs`, or create the settings with `apidrift init openapi.yaml docs`",
            settings::FILES.join(" or "),
            here.display()
        )
    })
}
