//! The clients of a contract with everything in it, and of one with awkward names and schemas: they compile without a warning,
//! and send and read what the contract says. That they are generated as they stand here is checked elsewhere, so that they can
//! be overwritten when this does not compile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod awkward;
mod server;
mod shop;
mod wire;
