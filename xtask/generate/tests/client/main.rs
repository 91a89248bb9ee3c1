//! The client of a contract with everything in it: that it is generated as it stands here, compiles without a warning, and
//! sends and reads what the contract says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
mod server;
mod shop;
mod wire;
