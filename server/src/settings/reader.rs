//! The values of a configuration file, and everything that is wrong with them.

use std::collections::HashMap;
use std::env::VarError;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;

use super::duration_text::{DurationText, Limits};
use super::problem::Problem;
use super::secret_text::{SecretText, copied_with};
use crate::secret::Secret;
use crate::types::{NotPostgres, PostgresUrl, read_problem};

/// What stands for a secret that is not read. It is valid as a key and as the URL of a database.
const NOT_READ: &str = "postgres://not-read/not-read";

/// A text with its place in the file.
pub type Text = Spanned<String>;

/// Reads values of one file and collects the problems with them.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    folder: PathBuf,
    problems: Vec<(Range<usize>, String)>,
    skips_secrets: bool,
}

impl<'a> Reader<'a> {
    /// A reader of the file at `path`, which holds this text.
    pub fn new(text: &'a str, path: &Path) -> Reader<'a> {
        Reader {
            text,
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            problems: Vec::new(),
            skips_secrets: false,
        }
    }

    /// Whether secrets are not read from the environment and from files from now on; each gets the same invalid value.
    pub fn skip_secrets(&mut self, skips: bool) {
        self.skips_secrets = skips;
    }

    /// What was read, or all problems that were found.
    pub fn finish<T>(self, read: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(read) } else { Err(Problem::all(self.text, self.problems)) }
    }

    /// Adds a problem with the text at these bytes.
    pub fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push((span, message.into()));
    }

    /// A path as it is written: relative ones start at the file's folder.
    pub fn path(&mut self, written: &str, span: Range<usize>) -> PathBuf {
        if let Some(problem) = path_problem(written) {
            self.problem(span, problem);
        }
        self.folder.join(written)
    }

    /// A URL, which may be in plain text if it has no password.
    pub fn url(&mut self, url: Spanned<SecretText>, key: &str) -> Option<Secret> {
        match url.get_ref() {
            SecretText::Clear(text) => Some(Secret::new(text)),
            _ => self.value_of(url, key, "URL"),
        }
    }

    /// Adds the problem with a text that should be the URL of a Postgres database. `subject` is what the text is called, and
    /// `form` what to write.
    pub fn not_postgres(&mut self, span: Range<usize>, subject: &str, error: &NotPostgres, form: &str) {
        let message = match error {
            NotPostgres::OtherForm(_) => format!("{subject} {error}; write {form}"),
            NotPostgres::Surplus(..) | NotPostgres::Parameter(_) | NotPostgres::Unusable(_) => {
                format!("{subject} {error}")
            }
        };
        self.problem(span, message);
    }

    /// Refuses a URL in plain text that has a password.
    pub fn password_out_of_sight(&mut self, url: &PostgresUrl, in_clear: bool, span: Range<usize>, key: &str) {
        if in_clear && url.has_password() {
            let name = format!("OPENCDI_{}", key.to_uppercase());
            let message = format!(
                "this URL contains a password in plain text; put the whole URL in an environment variable and write \
                 `{key} = {{ env = \"{name}\" }}`, or in a file and write `{key} = {{ file = \"path\" }}`; or remove the password \
                 and set PGPASSWORD"
            );
            self.problem(span, message);
        }
    }

    /// The value behind `{ env = … }` or `{ file = … }`.
    pub fn secret(&mut self, secret: Spanned<SecretText>, key: &str) -> Option<Secret> {
        self.value_of(secret, key, "secret")
    }

    /// The same; `what` is what it should be.
    fn value_of(&mut self, secret: Spanned<SecretText>, key: &str, what: &str) -> Option<Secret> {
        let span = secret.span();
        let (value, place) = match secret.into_inner() {
            SecretText::Clear(_) => {
                let name = key.to_uppercase();
                let message = format!(
                    "this secret is in plain text; put it in an environment variable and write `{key} = {{ env = \"{name}\" }}`, or in a \
                     file and write `{key} = {{ file = \"path\" }}`"
                );
                self.problem(span, message);
                return None;
            }
            SecretText::Env(_) | SecretText::File(_) if self.skips_secrets => return Some(Secret::new(NOT_READ)),
            SecretText::Env(name) => {
                let place = variable(&name);
                (std::env::var(&name).map_err(|error| unreadable(&error).to_owned()), place)
            }
            SecretText::File(path) => {
                let path = self.path(&path, span.clone());
                let place = format!("the file {}", path.display());
                let read = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
                    ErrorKind::InvalidData => "is not UTF-8 text; save it as UTF-8".to_owned(),
                    _ => format!("cannot be read: {}", read_problem(&path, &error)),
                });
                // Editors on Windows begin a file with a byte order mark.
                let line = |text: String| text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']).to_owned();
                (read.map(line), place)
            }
        };
        match value {
            Ok(value) if value.is_empty() => {
                self.problem(span, format!("{place} is empty; it should contain the {what}"))
            }
            Ok(value) => match copied_with(&value) {
                Some(surplus) => {
                    self.problem(span, format!("{place} has {surplus}; it should contain the {what} alone"))
                }
                None => return Some(Secret::new(value)),
            },
            Err(error) => self.problem(span, format!("{place} {error}")),
        }
        None
    }

    /// A duration from 10 milliseconds to a week.
    pub fn duration(&mut self, written: Option<DurationText>, default: Duration) -> Duration {
        self.duration_within(written, default, &Limits::USUAL)
    }

    /// A duration with limits of its own.
    pub fn duration_within(&mut self, written: Option<DurationText>, default: Duration, limits: &Limits) -> Duration {
        let Some(written) = written else { return default };
        written.get_ref().within(limits).unwrap_or_else(|message| {
            self.problem(written.span(), message);
            default
        })
    }

    /// A number in a range.
    pub fn number(&mut self, number: Option<Spanned<u64>>, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let Some(number) = number else { return default };
        if range.contains(number.get_ref()) {
            return number.into_inner();
        }
        self.problem(number.span(), format!("write a number from {} to {}", range.start(), range.end()));
        default
    }

    /// Refuses a text without anything but blanks. Returns whether the text is accepted.
    pub fn not_empty(&mut self, text: &Text) -> bool {
        let is_empty = text.get_ref().trim().is_empty();
        if is_empty {
            self.problem(text.span(), "this must not be empty");
        }
        !is_empty
    }

    /// Refuses a name that is empty or has characters that cannot be seen.
    pub fn name(&mut self, name: &Text) {
        if !self.not_empty(name) {
            return;
        }
        if let Some(problem) = name_problem(name.get_ref()) {
            self.problem(name.span(), problem);
        }
    }

    /// Refuses a value that occurs a second time in the file.
    ///
    /// `seen` is where the values before it are.
    pub fn once(&mut self, seen: &mut HashMap<String, usize>, value: String, span: Range<usize>, what: &str) {
        match seen.get(&value) {
            Some(first) => {
                let line = self.text.get(..*first).map_or(0, |before| before.matches('\n').count()) + 1;
                self.problem(span, format!("there is another {what} `{value}`, on line {line}"));
            }
            None => {
                seen.insert(value, span.start);
            }
        }
    }
}

/// Names a variable, unless the text is rather the secret itself.
fn variable(name: &str) -> String {
    const LONGEST: usize = 40;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name && name.len() <= LONGEST {
        format!("the environment variable `{name}`")
    } else {
        "the environment variable of this name".into()
    }
}

/// Why a variable cannot be read. The error's own text may repeat its value.
fn unreadable(error: &VarError) -> &'static str {
    match error {
        VarError::NotPresent => "is not set (a shell variable needs `export`)",
        VarError::NotUnicode(_) => "is not UTF-8 text",
    }
}

/// Why a path does not mean what it should: it has what only a shell expands, or an escape that was not meant.
fn path_problem(path: &str) -> Option<String> {
    if path.contains(char::is_control) {
        let message = "this path has a line break, a tab or another control character; in `\"…\"` a backslash begins an escape, so write \
                       the path in single quotes";
        return Some(message.into());
    }
    if let Some(rest) = path.strip_prefix("sqlite:") {
        return Some(format!("a path has no `sqlite:` in front; write \"{rest}\""));
    }
    if path.ends_with('/') {
        return Some(format!("`{path}` is a folder; name a file"));
    }
    let is_variable = |part: &str| {
        part.strip_prefix('$').is_some_and(|name| {
            name.starts_with('{')
                || (!name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit()))
        })
    };
    let home = path.split_once('/').map_or(path, |(first, _)| first);
    let is_home = home == "~" || (home.starts_with('~') && path.contains('/'));
    let unexpanded = Some(home).filter(|_| is_home).or_else(|| path.split('/').find(|part| is_variable(part)))?;
    Some(format!("`{unexpanded}` is not expanded here; write the whole path"))
}

/// Why a text cannot be a name: it has characters that cannot be seen.
pub fn name_problem(text: &str) -> Option<&'static str> {
    if text.contains(char::is_control) {
        Some("this name has a line break, a tab or another control character; remove it")
    } else if text.trim() != text {
        Some("this name begins or ends with a space; remove it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_only_a_shell_understands_is_refused() {
        for (path, part) in [
            ("~", "~"),
            ("~/source.db", "~"),
            ("~me/source.db", "~me"),
            ("$HOME/source.db", "$HOME"),
            ("/srv/$DATA_DIR/x", "$DATA_DIR"),
            ("${HOME}/x", "${HOME}"),
        ] {
            let expected = format!("`{part}` is not expanded here; write the whole path");
            assert_eq!(path_problem(path), Some(expected), "{path}");
        }
        assert!(path_problem("C:\new").unwrap().contains("single quotes"));
        for path in ["source.db", "~backup.db", "/srv/~/x", "./~/x", "a$b/$c", "$", "/srv/x y.db"] {
            assert_eq!(path_problem(path), None, "{path}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_not_repeated() {
        let odd = VarError::NotUnicode("hunter2".into());
        assert!(odd.to_string().contains("hunter2"), "that is why");
        assert_eq!(unreadable(&odd), "is not UTF-8 text");
    }
}
