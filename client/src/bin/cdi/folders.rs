//! Where files of `cdi` belong: XDG folders on Linux and macOS, `%APPDATA%` and `%LOCALAPPDATA%` on Windows.

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The configuration file where no other is named: `~/.config/cdi/config.toml`, or `%APPDATA%\cdi\config.toml`.
pub(crate) fn configuration_file() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|folders| configuration_in(&folders))
}

/// The folder of what can be fetched again: `~/.cache/cdi`, or `%LOCALAPPDATA%\cdi`.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|folders| cache_in(&folders))
}

fn configuration_in(folders: &impl BaseStrategy) -> PathBuf {
    folders.config_dir().join("cdi").join("config.toml")
}

fn cache_in(folders: &impl BaseStrategy) -> PathBuf {
    folders.cache_dir().join("cdi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_windows_the_configuration_is_roaming_and_the_cache_is_local() {
        // Where %APPDATA% and %LOCALAPPDATA% are not set, these are their usual values.
        let folders = etcetera::base_strategy::Windows::new().unwrap();
        assert!(configuration_in(&folders).ends_with("AppData/Roaming/cdi/config.toml"));
        assert!(cache_in(&folders).ends_with("AppData/Local/cdi"));
    }
}
