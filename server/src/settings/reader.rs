//! The values of a configuration file, and everything that is wrong with them.

use std::collections::HashMap;
use std::env::VarError;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;

use super::problem::Problem;
use super::secret_text::SecretText;
use crate::secret::Secret;
use crate::types::PostgresUrl;

/// A text with its place in the file.
pub type Text = Spanned<String>;

/// Reads values of one file and collects the problems with them.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    folder: PathBuf,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader of the file at `path`, which holds this text.
    pub fn new(text: &'a str, path: &Path) -> Reader<'a> {
        Reader { text, folder: path.parent().unwrap_or(Path::new("")).to_owned(), problems: Vec::new() }
    }

    /// All problems that were found, if there are some.
    pub fn finish<T>(self, read: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(read) } else { Err(self.problems) }
    }

    /// Takes note of a problem with what stands at these bytes.
    pub fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.text, span, message));
    }

    /// A path as it is written: relative ones start at the file's folder.
    pub fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    /// A URL, which may stand in clear where it holds no password.
    pub fn url(&mut self, url: Spanned<SecretText>, key: &str) -> Option<Secret> {
        match url.get_ref() {
            SecretText::Clear(text) => Some(Secret::new(text)),
            _ => self.secret(url, key),
        }
    }

    /// Refuses a URL that stands in the file with a password in it.
    pub fn password_out_of_sight(&mut self, url: &PostgresUrl, in_clear: bool, span: Range<usize>, key: &str) {
        if in_clear && url.has_password() {
            let name = format!("OPENCDI_{}", key.to_uppercase());
            let message = format!(
                "this URL holds a password in clear; write `{key} = {{ env = \"{name}\" }}` or `{key} = {{ file = \"path\" }}` with the whole \
                 URL there, or leave the password out of it and set PGPASSWORD"
            );
            self.problem(span, message);
        }
    }

    /// The value behind `{ env = … }` or `{ file = … }`.
    pub fn secret(&mut self, secret: Spanned<SecretText>, key: &str) -> Option<Secret> {
        let span = secret.span();
        let (value, place) = match secret.into_inner() {
            SecretText::Clear(_) => {
                let name = key.to_uppercase();
                let message = format!(
                    "this is a secret in clear; put it into an environment variable and write `{key} = {{ env = \"{name}\" }}`, or into a file and \
                     write `{key} = {{ file = \"path\" }}`"
                );
                self.problem(span, message);
                return None;
            }
            SecretText::Env(name) => {
                let place = format!("the environment variable `{name}`");
                (std::env::var(&name).map_err(|error| unreadable(&error)), place)
            }
            SecretText::File(path) => {
                let path = self.path(&path);
                let place = format!("the file {}", path.display());
                let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
                (read.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()), place)
            }
        };
        match value {
            Ok(value) if value.is_empty() => self.problem(span, format!("{place} is empty; it should hold a secret")),
            Ok(value) => return Some(Secret::new(value)),
            Err(error) => self.problem(span, format!("{place} cannot be read: {error}")),
        }
        None
    }

    /// A duration between 10 milliseconds and a week.
    pub fn duration(&mut self, text: Option<Text>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match humantime::parse_duration(text.get_ref()) {
            Ok(duration) if duration >= Duration::from_millis(10) && duration <= Duration::from_secs(7 * 24 * 3600) => {
                duration
            }
            Ok(_) => {
                self.problem(text.span(), "this is too short or too long; between 10ms and 7days is possible");
                default
            }
            Err(error) => {
                self.problem(text.span(), format!("{error}; write a duration such as `30s`, `500ms` or `2m`"));
                default
            }
        }
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

    /// Refuses a text of blanks.
    pub fn not_empty(&mut self, text: &Text) {
        if text.get_ref().trim().is_empty() {
            self.problem(text.span(), "this is empty");
        }
    }

    /// Reports a value that stands in the file a second time.
    pub fn once(&mut self, seen: &mut HashMap<String, usize>, value: String, span: Range<usize>, what: &str) {
        let line = self.text.get(..span.start).map_or(0, |before| before.matches('\n').count()) + 1;
        match seen.get(&value) {
            Some(first) => {
                let message = format!("there is another {what} `{value}`, on line {first}");
                self.problem(span, message);
            }
            None => {
                seen.insert(value, line);
            }
        }
    }
}

/// Why a variable cannot be read. The error's own text may repeat what stands in it.
fn unreadable(error: &VarError) -> String {
    match error {
        VarError::NotPresent => "it is not set".into(),
        VarError::NotUnicode(_) => "it is not UTF-8 text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_cannot_be_read_is_not_repeated() {
        let odd = VarError::NotUnicode("hunter2".into());
        assert!(odd.to_string().contains("hunter2"), "that is why");
        assert_eq!(unreadable(&odd), "it is not UTF-8 text");
    }
}
