//! The API key: checked before it is sent, and never repeated in an error.

use http::HeaderValue;

use crate::address::QUOTATION_MARKS;
use crate::build_error::BuildError;

/// The value of the header that carries the key.
pub(crate) fn bearer(key: &str) -> Result<HeaderValue, BuildError> {
    if key.is_empty() {
        return Err(BuildError::Key("is empty"));
    }
    if let Some(problem) = pasted_wrongly(key) {
        return Err(BuildError::Key(problem));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BuildError::Key(
            "has a space, a line break or another character that keys do not have; check how it was copied",
        ));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| BuildError::Key("has a character that a header cannot carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What was pasted together with a key, or instead of one. Keys of Braze and OpenCDI have nothing of it.
fn pasted_wrongly(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    if is_assignment(key) {
        return Some("has the name of a variable in front of it (`NAME=…`); write the key alone");
    }
    if key.starts_with(QUOTATION_MARKS) || key.ends_with(QUOTATION_MARKS) {
        return Some("has quotation marks around it; write the key alone");
    }
    if lower.contains("bearer ") {
        return Some("has the word `Bearer` in front of it; write the key alone");
    }
    if lower.starts_with("sha256:") {
        return Some(
            "is the hash of a key, which only the server's configuration needs; write the key itself, which was printed \
             when it was created: `cdi_` and 43 characters",
        );
    }
    if key.ends_with('…') || key.ends_with("...") {
        return Some("is not complete: it ends with dots. A key of OpenCDI is `cdi_` and 43 characters");
    }
    None
}

/// Whether it is a line of a shell that sets a variable. Base64 may end with `=`.
fn is_assignment(text: &str) -> bool {
    let text = text.trim_start();
    let exported = text.strip_prefix("export ");
    let Some((name, value)) = exported.unwrap_or(text).split_once('=') else { return false };
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = |byte: u8| is_upper(byte) || exported.is_some() && byte.is_ascii_lowercase();
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(is_name)
        && !value.trim_start_matches('=').is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_with_a_key_or_instead_of_one_is_named() {
        for (key, expected) in [
            ("\"secret\"", "the API key has quotation marks around it; write the key alone"),
            ("'secret", "the API key has quotation marks around it; write the key alone"),
            ("“secret”", "the API key has quotation marks around it; write the key alone"),
            ("Bearer secret", "the API key has the word `Bearer` in front of it; write the key alone"),
            ("Authorization: bearer secret", "the API key has the word `Bearer` in front of it; write the key alone"),
            (
                "CDI_API_KEY=secret",
                "the API key has the name of a variable in front of it (`NAME=…`); write the key alone",
            ),
            ("export key='secret'", "the API key has the name of a variable in front of it"),
            ("sha256:secret", "the API key is the hash of a key, which only the server's configuration needs;"),
            ("cdi_…", "the API key is not complete: it ends with dots."),
            ("cdi_secret...", "the API key is not complete: it ends with dots."),
        ] {
            let error = bearer(key).unwrap_err().to_string();
            assert!(error.starts_with(expected) && !error.contains("secret"), "{error}");
        }
        let keys = ["3c9d51be-7a20-4f6e-b8c4-91e5d7f2a06b", "cdi_Xn8-_bearer_0123456789", "YOUR-REST-API-KEY"];
        assert!(keys.iter().all(|key| bearer(key).is_ok()));
    }
}
