//! Secrets that cannot be printed by accident, and API keys, of which only hashes are kept.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// Random bytes in a new key.
const KEY_BYTES: usize = 32;
/// The prefix of all keys, by which secret scanners and people recognise one.
const KEY_PREFIX: &str = "cdi_";

/// A secret: never logged or serialised, and printed as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// A new API key: 256 bits of the operating system's randomness.
pub fn new_key() -> Secret {
    let mut bytes = [0; KEY_BYTES];
    #[allow(clippy::expect_used)] // Without randomness there is no key to give, and nothing to be done about it here.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    Secret(format!("{KEY_PREFIX}{}", BASE64.encode(bytes)))
}

/// The SHA-256 of an API key: all that a configuration holds of it. Keys are random, so no salt and no slow hash is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> KeyHash {
        KeyHash(Sha256::digest(key).into())
    }

    /// Whether it only fills the place of a hash, as in the example file: 64 equal digits, or the hash of an empty text.
    pub fn is_placeholder(&self) -> bool {
        let [first, ..] = self.0;
        let is_one_digit = first >> 4 == first & 0xf && self.0.iter().all(|byte| *byte == first);
        is_one_digit || *self == KeyHash::of("")
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Why a text is not the hash of a key. The message does not repeat the text, which may be the key itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAHash {
    /// It is a key in plain text.
    #[error(
        "this is an API key in plain text; make another key with `cdi-server key new` and write the hash that it prints"
    )]
    Key,
    /// It is something else.
    #[error("this is not `sha256:` followed by 64 hexadecimal digits; `cdi-server key new` prints a key with its hash")]
    Other,
}

impl FromStr for KeyHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<KeyHash, NotAHash> {
        if text.starts_with(KEY_PREFIX) {
            return Err(NotAHash::Key);
        }
        let digits = text.strip_prefix("sha256:").ok_or(NotAHash::Other)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAHash::Other);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAHash::Other)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAHash::Other)?;
        }
        Ok(KeyHash(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(…)");
    }

    #[test]
    fn keys_differ_and_fit_into_a_header() {
        let (one, other) = (new_key(), new_key());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 4 + 43);
        assert!(one.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn a_hash_is_read_as_it_is_printed() {
        let hash = KeyHash::of("cdi_example");
        assert_eq!(hash.to_string().parse(), Ok(hash.clone()));
        assert_eq!(hash.to_string().to_uppercase().replace("SHA", "sha").parse(), Ok(hash));
        // https://www.di-mgt.com.au/sha_testvectors.html: the SHA-256 of "abc".
        assert_eq!(
            KeyHash::of("abc").to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_placeholder_is_told_from_a_hash() {
        for placeholder in ["0", "f", "1"] {
            assert!(format!("sha256:{}", placeholder.repeat(64)).parse::<KeyHash>().unwrap().is_placeholder());
        }
        assert!(KeyHash::of("").is_placeholder());
        assert!(!KeyHash::of(new_key().expose()).is_placeholder());
        assert!(!format!("sha256:{}", "01".repeat(32)).parse::<KeyHash>().unwrap().is_placeholder());
    }

    #[test]
    fn what_is_no_hash_is_refused_and_a_key_in_clear_is_named() {
        assert_eq!(new_key().expose().parse::<KeyHash>(), Err(NotAHash::Key));
        let multibyte = format!("sha256:{}", "ü".repeat(32));
        for wrong in ["", "sha256:", "sha256:12", "md5:00", multibyte.as_str()] {
            assert_eq!(wrong.parse::<KeyHash>(), Err(NotAHash::Other), "{wrong}");
        }
    }
}
