//! Authentication by API key.
//!
//! Only hashes of keys are known. Missing, malformed, unknown, expired and revoked keys, and those of other addresses, all get
//! the same response; the log has the reason, but never the key.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use http::HeaderValue;

use crate::config::ApiKey;
use crate::secret::KeyHash;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The workspace of the key. The caller can see nothing outside of it.
    pub workspace: String,
    /// The key's name, for the log.
    pub key: String,
    permissions: BTreeSet<String>,
    /// The fault that its requests fail with, in tests.
    #[cfg(feature = "faults")]
    pub fault: Option<crate::config::Fault>,
}

impl Caller {
    /// Whether the key has a permission.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}

/// All configured keys.
#[derive(Debug)]
pub struct Keys {
    by_hash: HashMap<KeyHash, ApiKey>,
}

impl Keys {
    /// Indexes the keys of a configuration.
    pub fn new(keys: &[ApiKey]) -> Keys {
        Keys { by_hash: keys.iter().map(|key| (key.hash.clone(), key.clone())).collect() }
    }

    /// The caller with this `Authorization` header, if its key is valid at `now` and for this peer.
    pub fn caller(&self, authorization: Option<&HeaderValue>, peer: IpAddr, now: DateTime<Utc>) -> Option<Caller> {
        match self.find(authorization, peer, now) {
            Ok(key) => Some(Caller {
                workspace: key.workspace.clone(),
                key: key.name.clone(),
                permissions: key.permissions.iter().cloned().collect(),
                #[cfg(feature = "faults")]
                fault: key.fault,
            }),
            Err((reason, key)) => {
                tracing::info!(reason, key, "unauthorized");
                None
            }
        }
    }

    /// The key; otherwise the reason, and the name of a key that is known and refused.
    fn find(
        &self,
        authorization: Option<&HeaderValue>,
        peer: IpAddr,
        now: DateTime<Utc>,
    ) -> Result<&ApiKey, (&'static str, Option<&str>)> {
        let header = authorization.ok_or(("no Authorization header", None))?;
        let token = header.to_str().ok().and_then(bearer);
        let token = token.ok_or(("the Authorization header is not a bearer key", None))?;
        // Looked up by the hash of the token, so that the response time reveals nothing about the keys.
        let key = self.by_hash.get(&KeyHash::of(token)).ok_or(("unknown key", None))?;
        let refused = |reason| Err((reason, Some(key.name.as_str())));
        if key.revoked {
            return refused("revoked key");
        }
        if key.expires.is_some_and(|expires| expires <= now) {
            return refused("expired key");
        }
        if !key.is_for(peer) {
            return refused("the key may not be used from this address");
        }
        Ok(key)
    }
}

/// The token of `Bearer token`; the scheme's case does not matter.
pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(char::is_whitespace))
        .then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_addresses_is_unknown_elsewhere() {
        let token = "a-key";
        let toml = format!(
            "[[keys]]\nname = \"k\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = []\n\
             addresses = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n",
            KeyHash::of(token)
        );
        let path = std::path::Path::new("opencdi.toml");
        let config = crate::config::Config::parse(&toml, path, &crate::api::known()).unwrap();
        let (keys, header) = (Keys::new(&config.keys), HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        let from = |peer: &str| keys.caller(Some(&header), peer.parse().unwrap(), Utc::now());
        for peer in ["10.255.0.1", "2001:db8::7"] {
            assert_eq!(from(peer).unwrap().key, "k");
        }
        for peer in ["11.0.0.1", "2001:db9::7", "127.0.0.1"] {
            assert!(from(peer).is_none(), "{peer}");
        }
    }

    #[test]
    fn only_one_bearer_token_is_taken() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        for wrong in ["", "abc", "Bearer", "Bearer ", "Bearer a b", "Basic abc", "Bearerabc"] {
            assert_eq!(bearer(wrong), None, "{wrong:?}");
        }
    }
}
