//! `cdi-server key new`: what is printed of a new key.

use std::fmt::Write as _;

use crate::secret::{KeyHash, Secret};

/// The key, which is shown this once, and the TOML that lets it in.
pub fn describe(key: &Secret, name: &str, workspace: &str, permissions: &[String]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let permissions: Vec<String> = permissions.iter().map(|permission| quoted(permission)).collect();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "The key, which is not kept anywhere and not shown again:\n\n    {}\n\nPaste this into opencdi.toml and restart the server:\n\n\
         [[keys]]\nname = {}\nworkspace = {}\nhash = {}\npermissions = [{}]\n",
        key.expose(),
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
    fn the_printed_toml_lets_the_printed_key_in() {
        let key = new_key();
        let text = describe(&key, "air\"flow", "ours", &["cdi.integration_sync".to_owned()]);
        let toml = &text[text.find("[[keys]]").unwrap()..];
        assert!(!toml.contains(key.expose()), "only the hash is kept");
        let path = std::path::Path::new("opencdi.toml");
        let config = crate::config::Config::parse(toml, path, &crate::api::known()).unwrap();
        assert_eq!(config.keys[0].name, "air\"flow");
        assert_eq!(config.keys[0].hash, KeyHash::of(key.expose()));
    }
}
