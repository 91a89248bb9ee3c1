//! The client of a contract with everything in it: it compiles without a warning, and sends and reads what the contract says.
//! That it is generated as it stands here is checked elsewhere, so that it can be overwritten when this does not compile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod server;
mod shop;
mod wire;
