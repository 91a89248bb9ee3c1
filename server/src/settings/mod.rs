//! Reading settings out of a TOML file: typed values, each problem with its line and key, secrets from elsewhere.
//!
//! Everything that is wrong is collected instead of stopping at the first. Secrets come from the environment or from
//! files; in plain text they are refused, and never repeated.

mod duration_text;
mod problem;
mod reader;
mod secret_text;
mod section;
mod slips;

pub use duration_text::{DurationText, Limits};
pub use problem::{ConfigError, DEFAULT_FILE, Problem, toml_problem};
pub use reader::{Reader, Text, name_problem};
pub use secret_text::SecretText;
pub use section::{RawSection, Section};
