//! Permissions and rate limits, for contracts that name them.

use super::answers::Answer;
use super::credentials::{Credentials, Gate, GateFailure};
use super::decode::Refusal;
use super::serve::{Admission, Admitted};
use super::tables::{OperationInfo, RateLimit};

/// The state of a caller's rate limit, for the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How many requests a window has.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: u64,
    /// When the window ends, in Unix seconds.
    pub reset: u64,
}

/// Decides what a caller may call, and how often.
pub trait Limits: Gate {
    /// Whether the caller has a permission; `false` is answered with 403.
    fn permits(&self, caller: &Self::Caller, permission: &str) -> bool;

    /// The state of the caller's rate limit for an operation, without counting anything. `limit` is the contract's.
    fn usage(
        &self,
        caller: &Self::Caller,
        operation: &'static OperationInfo,
        limit: RateLimit,
    ) -> impl Future<Output = Result<Usage, GateFailure>> + Send;

    /// Counts a request. `limit` is the contract's. `Err(seconds to wait)` inside is answered with 429.
    fn count(
        &self,
        caller: &Self::Caller,
        operation: &'static OperationInfo,
        limit: RateLimit,
    ) -> impl Future<Output = Result<(Usage, Result<(), u64>), GateFailure>> + Send;
}

/// Admits callers who are authenticated, have the permission, and are within the rate limit.
#[derive(Debug)]
pub struct WithinLimits;

impl<G: Limits> Admission<G> for WithinLimits {
    type Standing = Option<Usage>;

    async fn admit(gate: &G, credentials: &Credentials<'_>, usage: &mut Option<Usage>) -> Result<G::Caller, Admitted> {
        let operation = credentials.operation;
        let caller = gate.authenticate(credentials).await?.ok_or(Refusal::Unauthenticated)?;
        if let Some(permission) = operation.permission
            && !gate.permits(&caller, permission)
        {
            if let Some(limit) = operation.rate_limit {
                *usage = Some(gate.usage(&caller, operation, limit).await?);
            }
            return Err(Refusal::AccessDenied.into());
        }
        if let Some(limit) = operation.rate_limit {
            let (counted, verdict) = gate.count(&caller, operation, limit).await?;
            *usage = Some(counted);
            verdict.map_err(|retry_after| Refusal::RateLimited { retry_after })?;
        }
        Ok(caller)
    }

    fn finish(answer: Answer, usage: Option<Usage>) -> Answer {
        match usage {
            Some(usage) => answer
                .header("x-ratelimit-limit", &usage.limit)
                .header("x-ratelimit-remaining", &usage.remaining)
                .header("x-ratelimit-reset", &usage.reset),
            None => answer,
        }
    }
}
