//! The configuration file: profiles, each with a server and where its key is. Keys are never in it, and no error repeats a
//! value that could be one.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::args::Common;
use crate::environment::{Setting, environment};
use crate::failure::Failure;
use crate::folders;
use crate::output;
use crate::place::line_and_column;
use crate::shell::quoted_path;

/// The profile that is used when none is named.
const DEFAULT: &str = "default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table of profiles")]
struct File {
    #[serde(default)]
    profiles: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a profile, which is a table with url and api_key")]
struct Entry {
    url: String,
    api_key: Option<Spanned<Value>>,
}

/// A profile of the configuration file.
pub(crate) struct Profile {
    url: String,
    key: Option<KeySource>,
    /// Where it is defined, for messages.
    origin: String,
    warns: bool,
}

enum KeySource {
    Env(String),
    File(PathBuf),
}

impl Profile {
    /// The profile that is named, or else the one named `default`, if there is one.
    pub(crate) fn choose(common: &Common) -> Result<Option<Profile>, Failure> {
        let name = match &common.profile {
            Some(name) => Some(name.clone()),
            None => environment("CDI_PROFILE")?.map(|setting| setting.value),
        };
        let named_file = match &common.config {
            Some(path) => Some(path.clone()),
            None => environment("CDI_CONFIG")?.map(|setting| setting.value.into()),
        };
        let Some(path) = named_file.clone().or_else(folders::configuration_file) else {
            return match name {
                Some(name) => Err(missing(&name, "there is no configuration file; name one with --config")),
                None => Ok(None),
            };
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            // HOME may be no folder: services have /dev/null.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) && named_file.is_none() =>
            {
                return match name {
                    Some(name) => Err(missing(&name, &format!("there is no file {}", path.display()))),
                    None => Ok(None),
                };
            }
            Err(error) if error.kind() == ErrorKind::NotFound && path == Path::new("-") => {
                return Err(Failure::configuration("--config takes a file; standard input is not read"));
            }
            Err(error) => {
                return Err(Failure::configuration(format!("{} cannot be read: {error}", path.display())));
            }
        };
        let mut file = parse(&path, &text)?;
        let wanted = name.as_deref().unwrap_or(DEFAULT);
        let Some(entry) = file.profiles.remove(wanted) else {
            let known: Vec<_> = file.profiles.into_keys().collect();
            return match name {
                Some(name) if known.is_empty() => Err(missing(&name, &format!("{} has none", path.display()))),
                Some(name) => Err(missing(&name, &format!("{} has {}", path.display(), known.join(", ")))),
                None => Ok(None),
            };
        };
        let key = entry.api_key.map(|key| key_source(&path, &text, key)).transpose()?;
        let origin = format!("the profile `{}` of {}", wanted.escape_debug(), path.display());
        Ok(Some(Profile { url: entry.url, key, origin, warns: !common.quiet }))
    }

    pub(crate) fn url(&self) -> Setting {
        Setting { value: self.url.clone(), origin: self.origin.clone() }
    }

    /// The key, if the profile says where it is.
    pub(crate) fn key(&self) -> Result<Option<Setting>, Failure> {
        match &self.key {
            None => Ok(None),
            Some(KeySource::Env(name)) => match environment(name)? {
                Some(setting) => Ok(Some(setting)),
                None => Err(Failure::configuration(format!(
                    "{name} is not set; {} takes the API key from there",
                    self.origin
                ))),
            },
            Some(KeySource::File(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::configuration(format!(
                        "{} cannot be read: {error}; {} takes the API key from there",
                        path.display(),
                        self.origin
                    ))
                })?;
                if self.warns {
                    warn_if_open(path);
                }
                Ok(Some(Setting { value: text.trim_end().to_owned(), origin: path.display().to_string() }))
            }
        }
    }
}

fn missing(name: &str, why: &str) -> Failure {
    Failure::configuration(format!("there is no profile `{}`: {why}", name.escape_debug()))
}

/// The names of all profiles; none where the file cannot be read.
pub(crate) fn names(common: &Common) -> Vec<String> {
    let named = common.config.clone().or_else(|| std::env::var_os("CDI_CONFIG").map(PathBuf::from));
    let file = named.or_else(folders::configuration_file).and_then(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        parse(&path, &text).ok()
    });
    file.map(|file| file.profiles.into_keys().collect()).unwrap_or_default()
}

fn parse(path: &Path, text: &str) -> Result<File, Failure> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        // The value that was found may be a key, so it is not repeated.
        let message = match error.message().rsplit_once(", expected ") {
            Some((found, expected)) if found.starts_with("invalid type") => format!("this is not {expected}"),
            _ => outside_of_profiles(text, error.message()).unwrap_or_else(|| error.message().to_owned()),
        };
        Failure::configuration(format!("{}: {message}", place(path, text, offset)))
    })
}

/// What to write instead, if a profile has another heading than `[profiles.NAME]`, or none.
fn outside_of_profiles(text: &str, message: &str) -> Option<String> {
    let name = message.strip_prefix("unknown field `")?.strip_suffix("`, expected `profiles`")?;
    match (name, toml::from_str::<toml::Table>(text).ok()?.get(name)?) {
        ("profile", Value::Table(_)) => Some("write `profiles`, not `profile`: `[profiles.NAME]`".into()),
        (_, Value::Table(_)) => Some(format!("write `[profiles.{name}]`, not `[{name}]`")),
        ("url" | "api_key", _) => Some(format!("write `[profiles.{DEFAULT}]` on a line above it")),
        _ => None,
    }
}

fn key_source(path: &Path, text: &str, key: Spanned<Value>) -> Result<KeySource, Failure> {
    let offset = key.span().start;
    if let Value::Table(table) = key.into_inner() {
        let mut entries = table.into_iter();
        if let (Some((name, Value::String(value))), None) = (entries.next(), entries.next()) {
            match name.as_str() {
                "env" => return Ok(KeySource::Env(value)),
                // A relative path begins where the configuration is.
                "file" => return Ok(KeySource::File(path.with_file_name(value))),
                _ => {}
            }
        }
    }
    Err(Failure::configuration(format!(
        "{}: write where the key is, not the key itself: api_key = {{ env = \"NAME\" }} or api_key = {{ file = \"PATH\" }}",
        place(path, text, offset)
    )))
}

/// File, line and column.
fn place(path: &Path, text: &str, offset: usize) -> String {
    let (line, column) = line_and_column(text, offset);
    format!("{}:{line}:{column}", path.display())
}

/// Warns if users other than the owner can read a file.
fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
        if open {
            let (shown, quoted) = (path.display(), quoted_path(path));
            output::tell(&format!("cdi: warning: others can read the API key in {shown}; chmod 600 {quoted}"));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}
