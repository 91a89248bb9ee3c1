//! The chores of this repository, apart from their command line. What they call are crates of their own beside this one: the
//! check (`check/`), the generator (`generate/`), and what both share (`core/`, `model/`).

mod apt;
pub mod bench;
pub mod corpus;
pub mod generate;
pub mod peers;
pub mod postgres;
pub mod schemathesis;
pub mod test;
