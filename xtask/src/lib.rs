//! The development tasks of this repository, without their command line. The check (`check/`), the generator
//! (`generate/`) and the code that both share (`core/`, `model/`) are separate crates.

mod apt;
pub mod bench;
pub mod checkers;
pub mod corpus;
pub mod faketime;
pub mod generate;
pub mod peers;
pub mod postgres;
pub mod promtool;
pub mod proxy;
pub mod python;
pub mod schemathesis;
pub mod test;
