//! Authentication, permissions and rate limits, which the generated adapter checks before it calls an operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use http::HeaderValue;

use super::auth::Caller;
use super::generated::{Gate, GateFailure, OperationInfo, Usage};
use super::rate_limit::RateLimits;
use super::settings::LiveSettings;
use crate::metrics::{InFlight, METRICS};
use crate::store::StoreError;

/// Checks API keys, permissions and rate limits.
#[derive(Debug)]
pub struct CdiGate {
    pub(super) settings: LiveSettings,
    pub(super) rate_limits: RateLimits,
    pub(super) draining: Arc<AtomicBool>,
}

impl Gate for CdiGate {
    type Caller = Caller;

    async fn authenticate(&self, authorization: Option<&HeaderValue>) -> Result<Option<Caller>, GateFailure> {
        if self.draining.load(Ordering::Relaxed) {
            return Err(GateFailure::Unavailable);
        }
        let settings = self.settings.borrow().clone();
        Ok(settings.keys.caller(authorization, Utc::now()))
    }

    fn permits(&self, caller: &Caller, permission: &str) -> bool {
        let permitted = caller.may(permission);
        if !permitted {
            tracing::info!(key = caller.key, missing = permission, "access denied");
        }
        permitted
    }

    async fn usage(&self, caller: &Caller, operation: &'static OperationInfo) -> Result<Usage, GateFailure> {
        let limit = self.settings.borrow().limit(&caller.workspace, operation);
        self.rate_limits.usage(&caller.workspace, operation, limit).await.map_err(failure)
    }

    async fn count(
        &self,
        caller: &Caller,
        operation: &'static OperationInfo,
    ) -> Result<(Usage, Result<(), u64>), GateFailure> {
        #[cfg(feature = "faults")]
        super::faults::before_counting(caller)?;
        let limit = self.settings.borrow().limit(&caller.workspace, operation);
        self.rate_limits.count(&caller.workspace, operation, limit).await.map_err(failure)
    }

    fn begun(&self, _operation: &'static OperationInfo) -> impl Send {
        InFlight::begin(&METRICS.requests_in_flight)
    }

    fn answered(&self, operation: &'static OperationInfo, status: u16, elapsed: Duration) {
        METRICS.answered(operation.id, status, elapsed);
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
