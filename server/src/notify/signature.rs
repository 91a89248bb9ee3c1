//! Signatures of webhooks as in Standard Webhooks: HMAC-SHA256 of the ID, the time and the body.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What precedes a key, by which people recognise one.
const PREFIX: &str = "whsec_";
/// The lengths that Standard Webhooks allows.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that a sender and a receiver share. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// Why a text is no key. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not `whsec_` and the Base64 of 24 to 64 bytes; `echo whsec_$(openssl rand -base64 32)` makes one, for the receiver too"
)]
pub struct NotASigningKey;

impl FromStr for SigningKey {
    type Err = NotASigningKey;

    fn from_str(text: &str) -> Result<SigningKey, NotASigningKey> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let key = BASE64.decode(text).ok().filter(|key| BYTES.contains(&key.len()));
        key.map(SigningKey).ok_or(NotASigningKey)
    }
}

impl SigningKey {
    /// The header `webhook-signature` of a message that is sent at this time, in Unix seconds.
    pub(super) fn sign(&self, id: &str, time: i64, body: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of the libraries at https://github.com/standard-webhooks/standard-webhooks.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key: SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse(), Ok(key.clone()), "other programs omit the prefix");
        assert_eq!(format!("{key:?}"), "…");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = format!("whsec_{}", BASE64.encode([7; 65]));
        for wrong in ["", "whsec_", "whsec_secret", "whsec_c2hvcnQ=", "hunter2 hunter2 hunter2 hunter2", &long] {
            assert_eq!(wrong.parse::<SigningKey>(), Err(NotASigningKey), "{wrong}");
        }
    }
}
