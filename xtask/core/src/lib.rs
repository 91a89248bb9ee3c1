//! Shared by the check and the generator, so that neither depends on the other: the contract, findings, the table of
//! rules, and the settings of a project.

pub mod canonical;
pub mod contract;
pub mod finding;
pub mod generator;
pub mod profile;
pub mod rules;
pub mod settings;
