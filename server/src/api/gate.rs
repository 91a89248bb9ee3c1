//! Authentication, permissions and rate limits, which the generated adapter checks before it calls an operation.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use super::auth::Caller;
use super::bad_keys::BadKeys;
use super::generated::{Credentials, Gate, GateFailure, Limits, OperationInfo, RateLimit, Usage};
use super::rate_limit::RateLimits;
use super::settings::LiveSettings;
use crate::front::{Peers, network};
use crate::metrics::{InFlight, METRICS};
use crate::store::StoreError;
use crate::text::counted;

/// Checks API keys, permissions and rate limits.
#[derive(Debug)]
pub struct CdiGate {
    pub(super) settings: LiveSettings,
    pub(super) bad_keys: BadKeys,
    pub(super) peers: Peers,
    pub(super) rate_limits: RateLimits,
    pub(super) draining: Arc<AtomicBool>,
}

impl Gate for CdiGate {
    type Caller = Caller;

    async fn authenticate(&self, credentials: &Credentials<'_>) -> Result<Option<Caller>, GateFailure> {
        self.caller(credentials.remote, credentials.request.headers.get(AUTHORIZATION)).await
    }

    fn begun(&self, _operation: &'static OperationInfo) -> impl Send {
        InFlight::begin(&METRICS.requests_in_flight)
    }

    fn answered(&self, operation: &'static OperationInfo, status: u16, elapsed: Duration) {
        METRICS.answered(operation.id, status, elapsed);
    }
}

impl CdiGate {
    /// The caller with the key in the `Authorization` header, if it is valid.
    async fn caller(
        &self,
        remote: SocketAddr,
        authorization: Option<&HeaderValue>,
    ) -> Result<Option<Caller>, GateFailure> {
        let Some(peer) = self.peers.peer_of(remote) else {
            // From another program of this machine, or from a peer that is gone.
            tracing::info!(%remote, reason = "it did not come through the public address", "unauthorized");
            return Ok(None);
        };
        tracing::Span::current().record("peer", tracing::field::display(peer));
        if self.draining.load(Ordering::Relaxed) {
            return Err(GateFailure::Unavailable);
        }
        let settings = self.settings.borrow().clone();
        let caller = settings.keys.caller(authorization, peer, Utc::now());
        if caller.is_none()
            && let Some(delay) = self.bad_keys.count(network(peer), Instant::now())
        {
            tokio::time::sleep(delay).await;
        }
        Ok(caller)
    }
}

impl Limits for CdiGate {
    fn permits(&self, caller: &Caller, permission: &str) -> bool {
        let permitted = caller.may(permission);
        if !permitted {
            tracing::info!(key = caller.key, missing = permission, "access denied");
        }
        permitted
    }

    async fn usage(
        &self,
        caller: &Caller,
        operation: &'static OperationInfo,
        documented: RateLimit,
    ) -> Result<Usage, GateFailure> {
        let limit = self.settings.borrow().limit(&caller.workspace, operation, documented);
        self.rate_limits.usage(&caller.workspace, operation, limit).await.map_err(failure)
    }

    async fn count(
        &self,
        caller: &Caller,
        operation: &'static OperationInfo,
        documented: RateLimit,
    ) -> Result<(Usage, Result<(), u64>), GateFailure> {
        #[cfg(feature = "faults")]
        super::faults::before_counting(caller)?;
        let limit = self.settings.borrow().limit(&caller.workspace, operation, documented);
        let taken = self.rate_limits.count(&caller.workspace, operation, limit).await.map_err(failure)?;
        if let (_, Err(seconds_left)) = taken {
            let (key, workspace, seconds) = (&caller.key, &caller.workspace, self.rate_limits.seconds(limit));
            tracing::info!(
                key,
                workspace,
                seconds_left,
                "over the rate limit of {} in {seconds} s",
                counted(limit.requests, "request")
            );
        }
        Ok(taken)
    }
}

fn failure(error: StoreError) -> GateFailure {
    if error.is_unavailable() {
        // At debug level, because the store logs an outage once for all requests.
        tracing::debug!(%error, "rate limit not checked because the store is unavailable");
        return GateFailure::Unavailable;
    }
    tracing::error!(%error, "rate limit not checked because of an error in the store");
    GateFailure::Failed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::bad_keys::DELAY;
    use crate::store::{Store, StoreLocation};

    /// Paused time moves only when everything waits.
    async fn waited(gate: &CdiGate, remote: SocketAddr, header: Option<&HeaderValue>) -> (bool, Duration) {
        let begin = tokio::time::Instant::now();
        let caller = gate.caller(remote, header).await.unwrap();
        (caller.is_some(), begin.elapsed())
    }

    #[tokio::test]
    async fn bad_keys_are_answered_late_and_good_keys_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap();
        let toml = format!(
            "[[keys]]\nname = \"k\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = []\n",
            crate::secret::KeyHash::of("good")
        );
        let path = std::path::Path::new("opencdi.toml");
        let config = crate::config::Config::parse(&toml, path, &crate::api::known()).unwrap();
        let (peers, remote): (Peers, SocketAddr) = (Peers::default(), "127.0.0.1:5000".parse().unwrap());
        let api = {
            let settings = tokio::sync::watch::Sender::new(crate::api::Settings::new(&config)).subscribe();
            crate::api::api(&config.server, settings, &store, peers.clone(), Arc::default())
        };
        let header = |key: &str| HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
        let (good, bad) = (header("good"), header("bad"));
        tokio::time::pause();
        assert!(!waited(&api.gate, remote, Some(&good)).await.0, "nobody comes past the front");
        let _entry = peers.add(remote, "192.0.2.1".parse().unwrap());
        for number in 1..=12 {
            let header = if number % 2 == 0 { None } else { Some(&bad) };
            let delay = if number > 10 { DELAY } else { Duration::ZERO };
            let (_, waited) = waited(&api.gate, remote, header).await;
            assert!(waited >= delay && waited < delay + Duration::from_millis(10), "{number}: {waited:?}");
            assert_eq!(self::waited(&api.gate, remote, Some(&good)).await, (true, Duration::ZERO));
        }
    }
}
