//! `cdi-server init`: a configuration to start with, and a first API key.
//!
//! The file is made of `opencdi.example.toml`, so there is one text that documents the settings. What needs a secret or is
//! not needed by all is commented out.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use uuid::Uuid;

use crate::process::print;
use crate::secret::{KeyHash, Secret, new_key};
use crate::settings::DEFAULT_FILE;
use crate::text::shell_path;
use crate::types::folder_problem;

/// The file that documents every setting.
const EXAMPLE: &str = include_str!("../../opencdi.example.toml");
/// How the sections of the example begin, after its common part.
const SECTION: &str = "# ── ";
/// What is said below the title of a section that is commented out.
const HOW_TO_USE: &str = "\n# To use it, remove the `#` in front of these lines.\n";
/// Its IDs, and the name and the hash of its key, which are replaced.
const IDS: [&str; 2] = ["6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "b2c94d10-57a8-4e36-8f02-3d6e9a41c7d5"];
const KEY_NAME: &str = "name = \"airflow\"";
const HASH: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Writes the file, which must not exist yet, and prints the key and what to do next.
pub fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let (key, id) = (new_key(), Uuid::new_v4());
    write(path, &configuration(&key, id))?;
    if let Err(error) = print(&next_steps(path, &key, id)) {
        // A file whose key was not seen is of no use, and would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(_) if path.is_dir() => bail!("{} is a folder; name a file", path.display()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already and was not changed; name another file, or remove it first", path.display())
        }
        Err(error) => {
            let reason = folder_problem(path).unwrap_or_else(|| error.to_string());
            bail!("{} cannot be created: {reason}", path.display())
        }
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// The example with a real key, its first integration with an ID of its own, and the rest commented out.
fn configuration(key: &Secret, id: Uuid) -> String {
    let [first, second] = IDS;
    let text = EXAMPLE
        .replace(first, &id.to_string())
        .replace(second, &Uuid::new_v4().to_string())
        .replace(KEY_NAME, "name = \"first-key\"")
        .replace(HASH, &KeyHash::of(key.expose()).to_string());
    let mut sections = text.split_inclusive('\n').fold(vec![String::new()], |mut sections, line| {
        if line.starts_with(SECTION) {
            sections.push(String::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push_str(line);
        }
        sections
    });
    for section in sections.iter_mut().skip(2) {
        *section = commented_out(section).replacen('\n', HOW_TO_USE, 1);
    }
    // Rate limits of its own are an option of a workspace.
    let paragraphs = |text: &str| text.split_inclusive("\n\n").map(str::to_owned).collect::<Vec<_>>();
    let common = sections.first().map(|common| paragraphs(common)).unwrap_or_default();
    let common: String = common
        .into_iter()
        .map(|paragraph| if paragraph.contains("\n[[workspaces]]") { commented_out(&paragraph) } else { paragraph })
        .collect();
    let rest: String = sections.into_iter().skip(1).collect();
    format!("{common}{rest}")
}

/// Each line of TOML with `#` in front. Comments have a space after theirs, which tells the two apart.
fn commented_out(text: &str) -> String {
    let is_toml = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    text.split_inclusive('\n').map(|line| if is_toml(line) { format!("#{line}") } else { line.to_owned() }).collect()
}

fn next_steps(path: &Path, key: &Secret, id: Uuid) -> String {
    let (file, key) = (path.display(), key.expose());
    let option =
        if path == Path::new(DEFAULT_FILE) { String::new() } else { format!(" --config {}", shell_path(path)) };
    format!(
        "Created {file} with a first API key, of which the file has the hash only.\n\n\
         Your new API key (shown only once):\n\n    {key}\n\n\
         Next:\n\
         \x20 1. Edit {file}: set the source and the destination.\n\
         \x20 2. cdi-server check{option}\n\
         \x20 3. cdi-server preview Users{option}\n\
         \x20 4. cdi-server serve{option}\n\
         \x20 5. Trigger a sync from another terminal:\n\n\
         export CDI_URL=http://127.0.0.1:8080\n\
         export CDI_API_KEY={key}\n\
         cdi trigger Users --wait\n\n\
         or, without cdi:\n\n\
         curl --request POST \\\n  $CDI_URL/cdi/integrations/{id}/sync \\\n  --header \"Authorization: Bearer $CDI_API_KEY\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::audit::{State, audit};
    use crate::config::Config;

    fn parsed(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        Config::parse(text, &folder.path().join("opencdi.toml"), &crate::api::known()).unwrap()
    }

    #[test]
    fn the_file_is_valid_as_it_is_written_and_its_key_reaches_its_integration() {
        let (key, id) = (new_key(), Uuid::new_v4());
        let text = configuration(&key, id);
        let config = parsed(&text);
        assert_eq!(config.keys.len(), 1);
        assert_eq!((config.keys[0].hash.clone(), config.keys[0].permissions.len()), (KeyHash::of(key.expose()), 3));
        assert_eq!(config.keys[0].workspace, "my-workspace");
        assert_eq!(config.integrations.len(), 1);
        assert_eq!(
            (config.integrations[0].id.to_string(), config.integrations[0].name.as_str()),
            (id.to_string(), "Users")
        );
        assert!(config.workspaces.is_empty(), "the rate limits are those of the contract");
        let findings = audit(&config, chrono::Utc::now());
        assert!(findings.iter().all(|finding| finding.state == State::Ok), "{findings:?}");
        assert!(!text.contains(key.expose()), "only the hash is kept");
    }

    #[test]
    fn the_file_is_the_example_with_some_lines_commented_out() {
        let (key, id) = (new_key(), Uuid::new_v4());
        let written = configuration(&key, id);
        let mut commented_out = 0;
        assert!(written.contains(HOW_TO_USE));
        let written = written.replace(HOW_TO_USE, "\n");
        assert_eq!(written.lines().count(), EXAMPLE.lines().count());
        for (line, of_example) in written.lines().zip(EXAMPLE.lines()) {
            let is_changed =
                IDS.iter().any(|id| of_example.contains(id)) || of_example == KEY_NAME || of_example.contains(HASH);
            let line = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).map_or(line, |rest| {
                commented_out += 1;
                rest
            });
            assert!(is_changed || line == of_example, "{line}");
        }
        assert!(commented_out > 10, "{commented_out}");
        for replaced in IDS.iter().chain([&KEY_NAME, &HASH]) {
            assert!(EXAMPLE.contains(replaced) && !written.contains(replaced), "{replaced}");
        }
    }

    #[test]
    fn a_file_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("opencdi.toml");
        std::fs::write(&path, "mine").unwrap();
        let error = run(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("opencdi.toml exists already and was not changed; name another file, or remove it first"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let error = run(&folder.path().join("no/such/opencdi.toml")).unwrap_err().to_string();
        assert!(error.contains("cannot be created: there is no folder"), "{error}");
    }

    #[test]
    fn the_next_steps_name_the_file_and_fit_a_terminal() {
        let steps = next_steps(Path::new("conf/cdi.toml"), &new_key(), Uuid::nil());
        for expected in [
            "Edit conf/cdi.toml:",
            "cdi-server check --config conf/cdi.toml\n",
            "cdi-server serve --config conf/cdi.toml\n",
        ] {
            assert!(steps.contains(expected), "{steps}");
        }
        assert!(next_steps(Path::new(DEFAULT_FILE), &new_key(), Uuid::nil()).contains("cdi-server check\n"));
        assert!(steps.lines().all(|line| line.chars().count() <= 80), "{steps}");
    }
}
