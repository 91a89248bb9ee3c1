//! An OpenAPI document as typed values, each with its place.
//!
//! Reading keeps everything; invalid parts become a [`Problem`](problem::Problem). 3.0 and 3.1, YAML and JSON, one file
//! or many are represented by the same types.
//!
//! - [`read`] reads a [`Document`](document::Document).
//! - [`schema`] is a schema as written, [`shape`] is what it means.
//! - [`values`] validates values against schemas.
//! - [`same`] compares the meaning of schemas of two documents, [`written`] converts a schema back to JSON.
//! - [`paths`] decides which paths are the same.

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
