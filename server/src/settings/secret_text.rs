//! A secret as it is written in a configuration.

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

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
