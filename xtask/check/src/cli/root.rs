//! Where a project is.

use std::path::PathBuf;

use anyhow::Context as _;
use apidrift_core::settings;

/// The project that the current folder belongs to: the nearest folder, from there upwards, that holds settings.
///
/// # Errors
///
/// What to do where there is none.
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
