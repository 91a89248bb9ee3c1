//! Settings from variables of the environment.

use crate::failure::Failure;

/// A setting, and where it comes from.
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// A variable of the environment. An empty one counts as not set.
pub(crate) fn environment(name: &str) -> Result<Option<Setting>, Failure> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(Setting { value, origin: name.into() })),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::configuration(format!("{name} is not UTF-8 text"))),
    }
}
