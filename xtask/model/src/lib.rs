//! An OpenAPI document as typed values, each with its place.
//!
//! Reading keeps everything; what is invalid becomes a [`Problem`](problem::Problem). 3.0 and 3.1, YAML and JSON, one file
//! or many become the same values.
//!
//! - [`read`] reads a [`Document`](document::Document).
//! - [`schema`] is a schema as it is written, [`shape`] what it means.
//! - [`values`] says whether a value fits a schema.
//! - [`same`] says whether schemas of two documents mean the same, [`written`] writes one as JSON again.
//! - [`paths`] says which paths are the same.

pub mod document;
mod equal;
mod json;
mod meaning;
pub mod node;
pub mod paths;
pub mod problem;
mod read;
pub mod same;
pub mod schema;
pub mod shape;
pub mod source;
pub mod span;
mod tree;
pub mod values;
pub mod written;
mod yaml;

pub use read::{read, read_file};
