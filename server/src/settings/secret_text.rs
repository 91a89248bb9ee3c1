//! A secret as it is written in a configuration.

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Quotation marks of shells and word processors.
const QUOTES: &[char] = &['"', '\'', '`', '“', '”', '‘', '’'];

/// Where a secret is. One in plain text is read too, so that it can be refused with what to write instead.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretText {
    /// In the configuration itself.
    Clear(String),
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(String),
}

impl SecretText {
    /// What its value is called in a message that does not repeat it; `clear` is what it is if it is in plain text.
    pub fn subject(&self, clear: &str) -> String {
        match self {
            SecretText::Clear(_) => clear.to_owned(),
            SecretText::Env(name) => format!("the value of `{name}`"),
            SecretText::File(path) => format!("the text in the file {path}"),
        }
    }
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

            // Other types are refused as secrets in plain text too, and not repeated.
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
                    Some(_) => Err(M::Error::custom("write either `env` or `file`, not both")),
                    None => Ok(secret),
                }
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// What was copied together with a secret or a URL, which have nothing of it.
pub(super) fn copied_with(value: &str) -> Option<&'static str> {
    let value = value.trim();
    let begins = |word: &str| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if is_assignment(value) {
        Some("the name of a variable in front (`NAME=…`)")
    } else if value.starts_with(QUOTES) && value.ends_with(QUOTES) {
        Some("quotation marks around it")
    } else if begins("bearer ") || begins("authorization:") {
        Some("the word `Bearer` in front")
    } else {
        None
    }
}

/// Whether it is a line of a shell that sets a variable. Base64 may end with `=`.
fn is_assignment(text: &str) -> bool {
    let exported = text.strip_prefix("export ");
    let Some((name, value)) = exported.unwrap_or(text).split_once('=') else { return false };
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = |byte: u8| is_upper(byte) || exported.is_some() && byte.is_ascii_lowercase();
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(is_name)
        && !value.trim_start_matches('=').is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_copied_with_a_secret_is_named() {
        for (value, expected) in [
            ("BRAZE_API_KEY=secret", "the name of a variable in front (`NAME=…`)"),
            ("export KEY='secret'", "the name of a variable in front (`NAME=…`)"),
            ("URL=postgres://me:secret@db/shop", "the name of a variable in front (`NAME=…`)"),
            ("\"secret\"", "quotation marks around it"),
            ("'secret'", "quotation marks around it"),
            ("“secret”", "quotation marks around it"),
            ("'postgres://me:secret@db/shop' ", "quotation marks around it"),
            ("Bearer secret", "the word `Bearer` in front"),
            ("Authorization: bearer secret", "the word `Bearer` in front"),
        ] {
            assert_eq!(copied_with(value), Some(expected), "{value}");
        }
        for value in [
            "QUJDREVGRw==",
            "QUJD=",
            "abc=def-ghi",
            "o'neil'",
            "secret",
            "3c9d51be-7a20-4f6e-b8c4-91e5d7f2a06b",
            "c2VjcmV0IQ+/x",
            "postgres://u:p=1@h/d?sslmode=require",
        ] {
            assert_eq!(copied_with(value), None, "{value}");
        }
    }
}
