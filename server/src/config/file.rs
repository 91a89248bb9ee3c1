//! `opencdi.toml` as it is written: names and types, nothing checked that needs more than one value.

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use toml::Spanned;

use super::problem::Problem;

pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub store: Option<Spanned<SecretText>>,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub worker: Worker,
    #[serde(default)]
    pub workspaces: Vec<Workspace>,
    #[serde(default)]
    pub keys: Vec<Key>,
    #[serde(default)]
    pub integrations: Vec<Integration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub listen: Option<Text>,
    pub request_deadline: Option<Text>,
    pub drain_deadline: Option<Text>,
    pub rate_limit_window: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Worker {
    pub concurrency: Option<Spanned<u64>>,
    pub lease: Option<Text>,
    pub poll: Option<Text>,
    pub max_attempts: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    pub id: Text,
    #[serde(default)]
    pub rate_limits: BTreeMap<Text, Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub name: Text,
    pub workspace: Text,
    pub hash: Text,
    pub permissions: Vec<Text>,
    pub expires: Option<Spanned<toml::value::Datetime>>,
    #[serde(default)]
    pub revoked: bool,
    #[cfg(feature = "faults")]
    pub fault: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Integration {
    pub id: Text,
    pub name: Text,
    pub workspace: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    #[serde(default)]
    pub paused: bool,
    #[serde(default)]
    pub keep_payloads: bool,
    pub max_failed_share: Option<Spanned<f64>>,
    pub max_duration: Option<Text>,
    pub lookback: Option<Text>,
    #[serde(default)]
    pub contact_emails: Vec<Text>,
    pub source: Spanned<Source>,
    pub destination: Spanned<Destination>,
}

/// All keys that any kind of source has; which of them a kind takes is checked afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub kind: Text,
    pub path: Option<Text>,
    pub url: Option<Spanned<SecretText>>,
    pub table: Option<Text>,
}

/// All keys that any kind of destination has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Destination {
    pub kind: Text,
    pub url: Option<Text>,
    pub api_key: Option<Spanned<SecretText>>,
    pub batch_size: Option<Spanned<u64>>,
    pub update_existing_only: Option<Spanned<bool>>,
    pub give_up_after: Option<Text>,
    pub give_up_when_limited_after: Option<Text>,
    pub path: Option<Text>,
}

/// Where a secret is to be found. In clear it is read too, so that it can be refused with the way to do it right.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum SecretText {
    Clear(String),
    Env(String),
    File(String),
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretText::Clear(_) => formatter.write_str("Clear(…)"),
            SecretText::Env(name) => write!(formatter, "Env({name})"),
            SecretText::File(path) => write!(formatter, "File({path})"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = SecretText;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("{ env = \"NAME\" } or { file = \"path\" }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText::Clear(text.to_owned()))
            }

            // What is no text is refused as a secret in clear too, and not repeated.
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_i128<E: de::Error>(self, _: i128) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_u128<E: de::Error>(self, _: u128) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretText, E> {
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<SecretText, S::Error> {
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                Ok(SecretText::Clear(String::new()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<SecretText, M::Error> {
                let Some(key) = map.next_key::<String>()? else {
                    return Err(M::Error::custom("write { env = \"NAME\" } or { file = \"path\" }"));
                };
                let secret = match key.as_str() {
                    "env" => SecretText::Env(map.next_value()?),
                    "file" => SecretText::File(map.next_value()?),
                    _ => return Err(M::Error::unknown_field(&key, &["env", "file"])),
                };
                match map.next_key::<String>()? {
                    Some(_) => Err(M::Error::custom("either `env` or `file`, not both")),
                    None => Ok(secret),
                }
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Reads the text; the problem is the first thing that is wrong with it.
pub(super) fn read(text: &str) -> Result<File, Problem> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Problem::at(text, span, error.message())
    })
}
