//! The HTTP API: code generated from the contract, and the hand-written parts that it calls for authentication, rate limits and
//! operations.

mod auth;
mod bad_keys;
mod cursor;
#[cfg(feature = "faults")]
mod faults;
#[cfg(test)]
mod fuzz;
mod gate;
pub mod generated;
pub mod operations;
mod rate_limit;
mod settings;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dropshot::ApiDescription;

use crate::config::{Known, ServerConfig};
use crate::front::Peers;
use crate::store::Store;
use gate::CdiGate;
use operations::CdiOperations;
pub use settings::{LiveSettings, Settings};

/// dropshot's context: the gate and the operations.
pub type Context = Arc<generated::Api<CdiGate, CdiOperations>>;

/// The `Retry-After` of 503 responses, in seconds.
const RETRY_AFTER: u64 = 5;

/// The operations and permissions of the contract, for validating a configuration.
pub fn known() -> Known {
    Known {
        operations: generated::OPERATIONS.iter().map(|operation| operation.id.to_owned()).collect(),
        permissions: permissions().into_iter().map(str::to_owned).collect(),
    }
}

/// The permissions that the operations of the contract need.
pub fn permissions() -> Vec<&'static str> {
    generated::OPERATIONS.iter().filter_map(|operation| operation.permission).collect()
}

/// Builds the API. `peers` knows who sends each request. Once `draining` is set, every request is answered with 503.
pub fn api(
    config: &ServerConfig,
    settings: LiveSettings,
    store: &Store,
    peers: Peers,
    draining: Arc<AtomicBool>,
) -> Context {
    Arc::new(generated::Api {
        gate: CdiGate {
            settings: settings.clone(),
            bad_keys: bad_keys::BadKeys::new(config.request_deadline),
            peers,
            rate_limits: rate_limit::RateLimits::new(store.clone(), config.rate_limit_window),
            draining,
        },
        operations: CdiOperations::new(store.clone(), settings),
        deadline: config.request_deadline,
        retry_after: RETRY_AFTER,
    })
}

/// The API description for dropshot.
pub fn description() -> Result<ApiDescription<Context>, String> {
    generated::api_description::<CdiGate, CdiOperations>()
}
