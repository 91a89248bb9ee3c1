//! What every generated server shares: it is the same for every contract.
//!
//! The generator copies these modules into each server, so that a generated file needs no crate of this workspace. Here
//! they are compiled, linted and tested. The modules refer to each other with `super::`, which means the same in both
//! places. `limits`, `named_errors`, `validation` and `multipart` are copied only if the contract needs them.
//!
//! A request goes through [`serve`]: the caller is authenticated, permission and rate limit are checked, parameters and
//! body are decoded and validated, the operation runs under a deadline with panics caught, and its answer is written.

#![forbid(unsafe_code)]

pub mod answers;
pub mod credentials;
pub mod decode;
pub mod document;
pub mod limits;
pub mod multipart;
pub mod named_errors;
pub mod parameters;
pub mod routes;
pub mod serve;
pub mod tables;
pub mod timestamps;
pub mod unions;
pub mod validation;
