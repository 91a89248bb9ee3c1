//! OpenCDI's server: the HTTP API ([`api`]), the store of run-time state ([`store`]), the sync engine ([`sync`]), and its
//! sources and destinations ([`connectors`]).
//!
//! [`admin`] tells operators how all of it does; what it reports beside the store's state is counted in [`metrics`].
//! `api` and `sync` are independent of each other: a trigger inserts a job into the store and wakes a worker.

pub mod admin;
pub mod api;
pub mod commands;
pub mod config;
pub mod connectors;
pub mod demo;
pub mod front;
#[cfg(test)]
mod fuzz;
pub mod logging;
pub mod metrics;
#[cfg(test)]
mod module_boundaries;
pub mod notify;
pub mod process;
pub mod schedule;
pub mod secret;
pub mod service;
pub mod settings;
pub mod store;
pub mod sync;
pub mod terminal;
#[cfg(feature = "faults")]
pub mod testbed;
#[cfg(test)]
mod testing;
pub mod text;
pub mod types;
pub mod values;
