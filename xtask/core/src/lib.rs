//! What the check and the generator share, so that neither has to know the other: the contract, what is found wrong, the
//! table of rules, and the settings of a project.

pub mod canonical;
pub mod contract;
pub mod finding;
pub mod generator;
pub mod profile;
pub mod rules;
pub mod settings;
