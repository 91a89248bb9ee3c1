//! OpenCDI's server: the HTTP edge ([`api`]), what happens at run time ([`store`]), the syncs ([`sync`]), and where they read
//! from and deliver to ([`connectors`]).
//!
//! `api` and `sync` do not know each other: a trigger is a row in the store and a wake-up.

pub mod api;
pub mod commands;
pub mod config;
pub mod connectors;
pub mod demo;
pub mod logging;
pub mod process;
#[cfg(test)]
mod rooms;
pub mod secret;
pub mod service;
pub mod settings;
pub mod store;
pub mod sync;
#[cfg(feature = "faults")]
pub mod testbed;
#[cfg(test)]
mod testing;
pub mod types;
