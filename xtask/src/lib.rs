//! The chores of this repository, apart from their command line: generating code from the contract, and proving that the
//! contract, the server, the client and the pages that people read say the same things, and that a live server does what they say.

pub mod bench;
pub mod check;
pub mod conform;
pub mod contract;
pub mod finding;
pub mod generate;
pub mod page;
pub mod postgres;
pub mod reference;
pub mod render;
pub mod rules;
pub mod source;
pub mod test;
