//! Failures on purpose, by which tests see that every failure is answered as documented. A key's configuration asks for
//! them, so that no request can.

use super::auth::Caller;
use super::generated::GateFailure;
use crate::config::Fault;
use crate::store::StoreError;

/// Strikes before a request is counted.
pub fn before_counting(caller: &Caller) -> Result<(), GateFailure> {
    match caller.fault {
        Some(Fault::StoreAway) => Err(GateFailure::Unavailable),
        _ => Ok(()),
    }
}

/// Strikes in the place of what an operation asks of the store.
pub async fn in_operation(caller: &Caller) -> Result<(), StoreError> {
    match caller.fault {
        // A panic that nobody reports: it was asked for.
        Some(Fault::Panic) => std::panic::resume_unwind(Box::new("a fault was asked for")),
        Some(Fault::StoreFailed) => Err(StoreError::Failed(sqlx::Error::RowNotFound)),
        Some(Fault::Deadline) => std::future::pending().await,
        _ => Ok(()),
    }
}
