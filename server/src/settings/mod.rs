//! Reading settings out of a TOML file: typed values, each problem with its line and key, secrets from elsewhere.
//!
//! Everything that is wrong is collected instead of stopping at the first. Secrets come from the environment or from
//! files; in clear they are refused, and never repeated.

mod problem;
mod reader;
mod secret_text;
mod section;

pub use problem::{ConfigError, Problem};
pub use reader::{Reader, Text};
pub use secret_text::SecretText;
pub use section::{RawSection, Section};
