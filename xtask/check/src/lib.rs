//! Proves that an OpenAPI contract, the server that implements it, what that server emits and the pages that people read
//! say the same things ([`check`]), and that a live server does what they say ([`conform`]).
//!
//! Everything hands over an [`outcome::Outcome`]: findings as data, which [`render`] shows. The [`cli`] is what programs
//! have in common that offer this as a command.

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
