//! Checks that an OpenAPI contract, the OpenAPI document that its server emits and the documentation pages agree
//! ([`check`]), and that a live server behaves as documented ([`conform`]).
//!
//! Both return an [`outcome::Outcome`]: findings as data, which [`render`] formats. [`cli`] has the command-line
//! interface that `apidrift` and `cargo xtask` share.

pub mod adopt;
mod allow;
pub mod check;
pub mod cli;
pub mod compat;
pub mod conform;
pub mod init;
pub mod outcome;
pub mod page;
pub mod reference;
pub mod render;
