//! A row becomes the object that is delivered, or is refused with the reason before anything is sent.
//!
//! The payload is validated, not parsed and printed again: numbers keep their digits, and it is several times faster.

pub mod attributes;
mod event_time;
mod fields;
#[cfg(test)]
mod fuzz;
mod missing_value;
mod not_an_object;
mod payload;
#[cfg(test)]
mod tests;
mod text;
mod warnings;

use chrono::{DateTime, SecondsFormat};
use memchr::memchr2;

use super::row::{Identifier, Row};
use crate::types::IntegrationKind;
use attributes::{Attribute, AttributeHasher, Attributes};
pub use missing_value::MissingValues;
pub use payload::LONGEST_PAYLOAD;
use payload::Payload;
pub use warnings::{Warning, WarningKind, warnings};

/// How rows become objects for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectEncoder {
    /// What is synced.
    pub kind: IntegrationKind,
    /// Whether users that the destination does not know are skipped instead of created; `None` if it has no such choice.
    pub update_existing_only: Option<bool>,
    /// Whether users to delete are written as bare identifiers; a batch then has identifiers of one kind only.
    pub bare_deletes: bool,
}

/// Objects with equal keys may travel in one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchKey(u8);

impl BatchKey {
    /// The key of most objects.
    pub const USUAL: BatchKey = BatchKey(0);
    /// The key of bare aliases.
    pub const ALIASES: BatchKey = BatchKey(1);
    /// The key of bare `BRAZE_ID`s.
    pub const BRAZE_IDS: BatchKey = BatchKey(2);
    /// How many keys there are.
    pub const COUNT: usize = 3;

    /// Its number, below [`Self::COUNT`].
    pub fn number(self) -> usize {
        usize::from(self.0)
    }
}

impl ObjectEncoder {
    /// Appends a row's object. On refusal nothing is appended; the reason is a message for row errors.
    pub fn write(self, row: &Row, out: &mut Vec<u8>) -> Result<(), String> {
        let identifier = valid_identifier(row)?;
        if self.kind == IntegrationKind::UserDeletes {
            return self.write_deleted(identifier, out);
        }
        let payload = Payload::validate(valid_text(row)?, self.kind, identifier)?;
        write_identifier(identifier, out);
        write_fields(payload.fields, out);
        if self.kind != IntegrationKind::Attributes && !payload.has_time {
            let time = DateTime::from_timestamp_micros(row.updated_at).unwrap_or_default();
            out.extend_from_slice(b",\"time\":");
            write_text(&time.to_rfc3339_opts(SecondsFormat::Micros, true), out);
        }
        if !payload.has_update_existing_only {
            self.write_update_existing_only(identifier, out);
        }
        out.push(b'}');
        Ok(())
    }

    /// The attributes of a row, or the reason why it is refused.
    pub fn attributes(self, row: &Row, hasher: &AttributeHasher) -> Result<Attributes, String> {
        let identifier = valid_identifier(row)?;
        Payload::attributes(valid_text(row)?, identifier, hasher)
    }

    /// Appends the object with some of the attributes of a row that is not refused.
    pub fn write_some<'a>(
        self,
        row: &Row,
        all: &Attributes,
        some: impl Iterator<Item = &'a Attribute>,
        out: &mut Vec<u8>,
    ) {
        let (Some(identifier), Some(payload)) = (&row.identifier, &row.payload) else { return };
        write_identifier(identifier, out);
        for text in some.map(|attribute| &attribute.text).chain(&all.directives) {
            write_fields(&payload[text.clone()], out);
        }
        if !all.has_update_existing_only {
            self.write_update_existing_only(identifier, out);
        }
        out.push(b'}');
    }

    fn write_update_existing_only(self, identifier: &Identifier, out: &mut Vec<u8>) {
        match (self.update_existing_only, identifier) {
            (Some(true), _) => out.extend_from_slice(b",\"_update_existing_only\":true"),
            // Without it the service makes no profile for an alias.
            (Some(false), Identifier::Alias { .. }) => out.extend_from_slice(b",\"_update_existing_only\":false"),
            (Some(false) | None, _) => {}
        }
    }

    fn write_deleted(self, identifier: &Identifier, out: &mut Vec<u8>) -> Result<(), String> {
        match (self.bare_deletes, identifier) {
            (_, Identifier::Email(_) | Identifier::Phone(_)) => {
                return Err("users can be deleted by EXTERNAL_ID, alias or BRAZE_ID only, because several users may share an e-mail address or a phone number".into());
            }
            (false, _) => {
                write_identifier(identifier, out);
                out.push(b'}');
            }
            (true, Identifier::ExternalId(id) | Identifier::BrazeId(id)) => write_text(id, out),
            (true, Identifier::Alias { name, label }) => write_alias(name, label, out),
        }
        Ok(())
    }

    /// Which objects a row's may travel with.
    pub fn batch_key(self, row: &Row) -> BatchKey {
        match (self.writes_bare_identifiers(), &row.identifier) {
            (true, Some(Identifier::BrazeId(_))) => BatchKey::BRAZE_IDS,
            (true, Some(Identifier::Alias { .. })) => BatchKey::ALIASES,
            _ => BatchKey::USUAL,
        }
    }

    fn writes_bare_identifiers(self) -> bool {
        self.bare_deletes && self.kind == IntegrationKind::UserDeletes
    }
}

/// The identifier of a row that can be sent.
fn valid_identifier(row: &Row) -> Result<&Identifier, String> {
    if let Some(flaw) = &row.flaw {
        return Err(flaw.clone());
    }
    let identifier = row.identifier.as_ref().ok_or("all identifier columns are null")?;
    if identifier.texts().any(|text| text.trim().is_empty()) {
        return Err("the identifier is empty".into());
    }
    Ok(identifier)
}

fn valid_text(row: &Row) -> Result<&str, String> {
    Ok(row.payload.as_deref().ok_or("PAYLOAD is null; it must be a JSON object")?)
}

/// Appends a comma and a part of a payload.
fn write_fields(fields: &str, out: &mut Vec<u8>) {
    if fields.is_empty() {
        return;
    }
    out.push(b',');
    // Line breaks stand between values only, where a blank means the same: the object stays on one line.
    let mut rest = fields.as_bytes();
    while let Some(line_break) = memchr2(b'\n', b'\r', rest) {
        out.extend_from_slice(&rest[..line_break]);
        out.push(b' ');
        rest = &rest[line_break + 1..];
    }
    out.extend_from_slice(rest);
}

/// An identifier by itself, as the object that it would be sent in.
pub fn identifier_object(identifier: &Identifier) -> String {
    let mut out = Vec::new();
    write_identifier(identifier, &mut out);
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// `{"external_id":"…"`, to be followed by fields or `}`.
fn write_identifier(identifier: &Identifier, out: &mut Vec<u8>) {
    let (name, value) = match identifier {
        Identifier::ExternalId(text) => ("external_id", text),
        Identifier::BrazeId(text) => ("braze_id", text),
        Identifier::Email(text) => ("email", text),
        Identifier::Phone(text) => ("phone", text),
        Identifier::Alias { name, label } => {
            out.extend_from_slice(b"{\"user_alias\":");
            write_alias(name, label, out);
            return;
        }
    };
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write_text(value, out);
}

fn write_alias(name: &str, label: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"alias_name\":");
    write_text(name, out);
    out.extend_from_slice(b",\"alias_label\":");
    write_text(label, out);
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    #[allow(clippy::expect_used)] // A text is JSON, and a vector takes every byte.
    serde_json::to_writer(out, text).expect("a text can be written as JSON");
}
