//! A table of a configuration file whose keys depend on its `kind`.
//!
//! The code of a kind asks for its keys one by one; a key that it has not asked for is a problem.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::duration_text::Written;
use super::problem::plain_types;
use super::reader::{Reader, Text};
use super::secret_text::SecretText;
use super::slips;
use crate::secret::Secret;
use crate::types::PostgresUrl;

/// A table as it is written, with the place of each key and value.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct RawSection(BTreeMap<Text, Spanned<toml::Value>>);

impl fmt::Debug for RawSection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value may be a secret in plain text.
        formatter.debug_set().entries(self.0.keys().map(Spanned::get_ref)).finish()
    }
}

/// The settings of one source or destination.
#[derive(Debug)]
pub struct Section<'r, 'a> {
    reader: &'r mut Reader<'a>,
    values: RawSection,
    /// Where the table is written.
    span: Range<usize>,
    /// Its `kind`; empty if that is missing.
    kind: String,
    /// The keys that were asked for.
    known: Vec<&'static str>,
}

/// The value of a key.
enum Found<T> {
    /// A value of the right type.
    Value(Spanned<T>),
    /// A value of another type; the problem was added.
    WrongType,
    /// Nothing.
    Nothing,
}

impl<'r, 'a> Section<'r, 'a> {
    /// A table of the file that is read.
    pub fn new(reader: &'r mut Reader<'a>, table: Spanned<RawSection>) -> Section<'r, 'a> {
        let span = table.span();
        Section { reader, values: table.into_inner(), span, kind: String::new(), known: Vec::new() }
    }

    /// The table's `kind`, if it has one.
    pub fn kind(&mut self) -> Option<Text> {
        let kind = match self.find::<String>("kind") {
            Found::Value(kind) => kind,
            Found::WrongType => return None,
            Found::Nothing => {
                self.problem(self.span.clone(), "`kind` is missing");
                return None;
            }
        };
        self.kind.clone_from(kind.get_ref());
        Some(kind)
    }

    /// Adds a problem with the text at these bytes.
    pub fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.reader.problem(span, message);
    }

    /// A text that is not empty and without which the kind cannot work.
    pub fn needed(&mut self, key: &'static str) -> Option<Text> {
        let kind = &self.kind;
        let missing = format!("`{kind}` needs `{key}`");
        let text = self.or_missing(key, missing)?;
        self.reader.not_empty(&text).then_some(text)
    }

    /// A needed path; a relative one starts at the file's folder.
    pub fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let text = self.needed(key)?;
        Some(self.reader.path(text.get_ref(), text.span()))
    }

    /// A needed text that has to be read as something else.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        let text = self.needed(key)?;
        let parsed = text.get_ref().parse();
        parsed.map_err(|error: T::Err| self.problem(text.span(), error.to_string())).ok()
    }

    /// A needed secret; `missing` says what is wrong without it.
    pub fn secret(&mut self, key: &'static str, missing: &str) -> Option<Spanned<Secret>> {
        let secret: Spanned<SecretText> = self.or_missing(key, missing)?;
        let span = secret.span();
        Some(Spanned::new(span, self.reader.secret(secret, key)?))
    }

    /// A needed URL of a Postgres database; `missing` says what is wrong without it.
    pub fn postgres_url(&mut self, key: &'static str, missing: &str) -> Option<PostgresUrl> {
        let url: Spanned<SecretText> = self.or_missing(key, missing)?;
        let (span, in_clear) = (url.span(), matches!(url.get_ref(), SecretText::Clear(_)));
        let subject = url.get_ref().subject("this URL");
        let url = PostgresUrl::new(self.reader.url(url, key)?);
        match &url {
            Ok(url) => self.reader.password_out_of_sight(url, in_clear, span, key),
            Err(error) => {
                let password = if in_clear { "" } else { ":<password>" };
                let form = format!("`postgres://<user>{password}@<host>/<database>`");
                self.reader.not_postgres(span, &subject, error, &form);
            }
        }
        url.ok()
    }

    /// A duration, if it is set; otherwise the default.
    pub fn duration(&mut self, key: &'static str, default: Duration) -> Duration {
        let written = self.optional::<Written>(key);
        self.reader.duration(written, default)
    }

    /// A number in a range, if it is set.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.optional(key)?;
        Some(self.reader.number(Some(number), *range.end(), range))
    }

    /// A switch, if it is set.
    pub fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        self.optional(key)
    }

    /// Refuses every key that was not asked for: it is a mistake, or belongs to another kind.
    pub fn refuse_others(mut self) {
        let known = self.known.join("`, `");
        for key in std::mem::take(&mut self.values.0).into_keys() {
            let (kind, name) = (&self.kind, key.get_ref());
            let message = match slips::instead_of(name, true) {
                Some(instead) => format!("`{kind}` has no key `{name}`; {instead}"),
                None => format!("`{kind}` has no key `{name}`; remove or correct it (its keys are `{known}`)"),
            };
            self.problem(key.span(), message);
        }
    }

    fn or_missing<T: DeserializeOwned>(&mut self, key: &'static str, missing: impl Into<String>) -> Option<Spanned<T>> {
        match self.find(key) {
            Found::Value(value) => Some(value),
            Found::WrongType => None,
            Found::Nothing => {
                self.problem(self.span.clone(), missing);
                None
            }
        }
    }

    fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<Spanned<T>> {
        match self.find(key) {
            Found::Value(value) => Some(value),
            Found::WrongType | Found::Nothing => None,
        }
    }

    /// The value of a key, which counts as asked for.
    fn find<T: DeserializeOwned>(&mut self, key: &'static str) -> Found<T> {
        self.known.push(key);
        let Some(value) = self.values.0.remove(key) else { return Found::Nothing };
        let span = value.span();
        match value.into_inner().try_into() {
            Ok(value) => Found::Value(Spanned::new(span, value)),
            Err(error) => {
                self.problem(span, plain_types(error.message()));
                Found::WrongType
            }
        }
    }
}
