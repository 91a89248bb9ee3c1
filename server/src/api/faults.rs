//! Injected faults, with which tests check that every failure is answered as documented. They are configured per API key, so
//! that no request can cause them.

use super::auth::Caller;
use super::generated::GateFailure;
use crate::config::Fault;
use crate::store::StoreError;

/// Injects a fault before a request is counted.
pub fn before_counting(caller: &Caller) -> Result<(), GateFailure> {
    match caller.fault {
        Some(Fault::StoreAway) => Err(GateFailure::Unavailable),
        _ => Ok(()),
    }
}

/// Injects a fault in place of an operation's call to the store.
pub async fn in_operation(caller: &Caller) -> Result<(), StoreError> {
    match caller.fault {
        // Without the panic hook, because the panic is intended.
        Some(Fault::Panic) => std::panic::resume_unwind(Box::new("injected fault")),
        Some(Fault::StoreFailed) => Err(StoreError::Failed(sqlx::Error::RowNotFound)),
        Some(Fault::Deadline) => std::future::pending().await,
        _ => Ok(()),
    }
}
