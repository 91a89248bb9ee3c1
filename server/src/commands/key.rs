//! `cdi-server key new`: prints a new key, and the TOML that makes it valid.

use std::fmt::Write as _;

use crate::secret::{KeyHash, Secret};
use crate::settings::name_problem;

/// Checks the name of a key or a workspace: what the configuration refuses is refused before a key is printed.
pub fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("this must not be empty".into());
    }
    name_problem(text).map_or_else(|| Ok(text.to_owned()), |problem| Err(problem.into()))
}

/// What is said of a new key on standard error: the key itself is in no output that may be appended to a file.
pub fn describe(key: &Secret) -> String {
    format!(
        "Your new API key (shown only once):\n\n    {}\n\nAdd this to opencdi.toml; a running `cdi-server serve` reloads it:\n\n",
        key.expose()
    )
}

/// The TOML of a key for the configuration, with its hash only.
pub fn toml(key: &Secret, name: &str, workspace: &str, permissions: &[String]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let permissions: Vec<String> = permissions.iter().map(|permission| quoted(permission)).collect();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "[[keys]]\nname = {}\nworkspace = {}\nhash = {}\npermissions = [{}]\n",
        quoted(name),
        quoted(workspace),
        quoted(&KeyHash::of(key.expose()).to_string()),
        permissions.join(", "),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::new_key;

    #[test]
    fn a_name_that_the_configuration_refuses_is_refused_before() {
        assert_eq!([name(""), name(" ")], [const { "this must not be empty" }; 2].map(|error| Err(error.to_owned())));
        assert_eq!(name(" airflow"), Err("this name begins or ends with a space; remove it".to_owned()));
        assert_eq!(name("airflow"), Ok("airflow".to_owned()));
    }

    #[test]
    fn the_printed_toml_lets_the_printed_key_in() {
        let key = new_key();
        let toml = toml(&key, "air\"flow", "ours", &["cdi.integration_sync".to_owned()]);
        assert!(!toml.contains(key.expose()) && describe(&key).contains(key.expose()), "only the hash is kept");
        let path = std::path::Path::new("opencdi.toml");
        let config = crate::config::Config::parse(&toml, path, &crate::api::known()).unwrap();
        assert_eq!(config.keys[0].name, "air\"flow");
        assert_eq!(config.keys[0].hash, KeyHash::of(key.expose()));
    }
}
