//! The server's address: checked, and never repeated with the parts that may be secret.

use reqwest::Url;

use crate::build_error::BuildError;

/// The base URL without a slash at its end, if requests can be sent there.
pub(crate) fn base_url(text: &str) -> Result<String, BuildError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BuildError::NoUrl);
    }
    refuse_key(text)?;
    let wrong = |reason: &str| Err(BuildError::Url { url: shown(text), reason: reason.into() });
    if text.starts_with(QUOTATION_MARKS) || text.ends_with(QUOTATION_MARKS) {
        return wrong("it has quotation marks around it; remove them");
    }
    if text.contains(char::is_whitespace) {
        return wrong("it has a space or a line break in it; remove it");
    }
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => url,
        Err(error) if begins_with_http(text) => {
            return wrong(&format!("{error}; it should look like https://example.com or http://127.0.0.1:8080"));
        }
        _ if text.contains("://") => return wrong("it must begin with https:// or http://"),
        Ok(_) | Err(_) if instance(text).is_ok() => {
            return wrong("this is the name of a Braze instance; set it with `instance` or `server`");
        }
        Ok(_) | Err(_) => {
            return wrong("the scheme is missing; write https:// in front, or http:// for a server without TLS");
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("it must not have a user name or a password; the API key is all that is needed");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("it must not have a query or a fragment");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn begins_with_http(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("https" | "http"))
}

/// Marks that stay around a value if a file of variables is read by something other than a shell.
pub(crate) const QUOTATION_MARKS: [char; 7] = ['"', '\'', '`', '“', '”', '‘', '’'];

/// API keys of OpenCDI begin like this.
const KEY_PREFIX: &str = "cdi_";
/// Keys are longer, so a text of at most this many characters is shown even if it is no URL.
const SHORT: usize = 16;

/// A key that was put where the address belongs, as in `CDI_URL=$CDI_API_KEY`.
fn refuse_key(text: &str) -> Result<(), BuildError> {
    if !text.starts_with(KEY_PREFIX) {
        return Ok(());
    }
    let reason = "this looks like an API key; the base URL begins with https:// or http://".into();
    Err(BuildError::Url { url: shown(text), reason })
}

/// The address without query and fragment, or only its length in parentheses.
pub(crate) fn shown(address: &str) -> String {
    visible(address).unwrap_or_else(|| format!("({})", length(address)))
}

/// The text in backticks, or only its length.
fn named(text: &str) -> String {
    visible(text).map_or_else(|| length(text), |text| format!("`{text}`"))
}

fn length(text: &str) -> String {
    format!("a text of {} characters", text.chars().count())
}

/// What can be repeated of a text that should be an address: no query and no fragment. Nothing if it has a user name or a
/// password, or if it may be a secret that was put in the wrong place.
fn visible(text: &str) -> Option<String> {
    let beginning = text.split(['?', '#']).next().unwrap_or_default();
    let may_be_shown = text.chars().count() <= SHORT || looks_like_url(beginning);
    // Quotation marks need no escape; one would be taken for a part of the address.
    let escape = |one: char| if QUOTATION_MARKS.contains(&one) { one.into() } else { one.escape_debug().to_string() };
    (may_be_shown && !beginning.contains('@') && !text.starts_with(KEY_PREFIX))
        .then(|| beginning.chars().map(escape).collect())
}

/// Whether a text has a scheme, or begins with a host: `rest.iad-03.braze.com/x`, `localhost:8080`. Keys in base64 have
/// capitals, which hosts rarely have.
fn looks_like_url(text: &str) -> bool {
    if text.contains("://") {
        return true;
    }
    let authority = text.split('/').next().unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').all(is_label) && (is_port || (port.is_empty() && host.contains('.')))
}

/// The base URL of a Braze instance; those in Europe have another top-level domain.
pub(crate) fn instance(name: &str) -> Result<String, BuildError> {
    let name = name.trim();
    refuse_key(name)?;
    let is_name = name.split_once('-').is_some_and(|(place, number)| {
        !place.is_empty()
            && place.bytes().all(|byte| byte.is_ascii_lowercase())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !is_name {
        return Err(BuildError::Instance(named(name)));
    }
    let top = if name.starts_with("fra-") { "eu" } else { "com" };
    Ok(format!("https://rest.{name}.braze.{top}"))
}

/// The base URL, from a URL or from the name of a Braze instance.
pub(crate) fn server(text: &str) -> Result<String, BuildError> {
    refuse_key(text.trim())?;
    // URLs have one of these characters, names of instances have none.
    if text.trim().is_empty() || text.contains(['/', ':', '.', '@']) || text.contains(QUOTATION_MARKS) {
        return base_url(text);
    }
    instance(text).map_err(|_| BuildError::Server(named(text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    fn build(url: &str) -> Result<Client, BuildError> {
        Client::builder().base_url(url).api_key("k").build()
    }

    #[test]
    fn the_base_url_is_checked_and_loses_its_slash() {
        for (url, expected) in [
            ("https://rest.iad-03.braze.com", "https://rest.iad-03.braze.com"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://example.com/under/here//", "https://example.com/under/here"),
        ] {
            assert_eq!(build(url).unwrap().base_url(), expected);
        }
        for (url, reason) in [
            ("rest.iad-03.braze.com", "the scheme is missing; write https:// in front"),
            ("127.0.0.1:8080", "or http:// for a server without TLS"),
            ("localhost:8080", "the scheme is missing"),
            ("iad-03", "this is the name of a Braze instance; set it with `instance` or `server`"),
            ("ftp://example.com", "it must begin with https:// or http://"),
            ("https://example.com?x=1", "must not have a query"),
            ("https://", "empty host; it should look like https://example.com or http://127.0.0.1:8080"),
            ("http://127.0.0.1:80800", "invalid port number; it should look like"),
            ("'http://127.0.0.1:8080'", " 'http://127.0.0.1:8080': it has quotation marks around it; remove them"),
            ("\"http://127.0.0.1:8080\"", " \"http://127.0.0.1:8080\": it has quotation marks around it"),
            ("\"iad-03\"", "it has quotation marks around it"),
            ("http://my host", "it has a space or a line break in it; remove it"),
            ("://example.com", "it must begin with https:// or http://"),
            ("1http://example.com", "it must begin with https:// or http://"),
            (" ", "the base URL is missing"),
        ] {
            let error = build(url).unwrap_err().to_string();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_not_repeated() {
        for url in [
            "https://me:hunter2@example.com",
            "me:hunter2@example.com",
            "https://example.com/?key=hunter2",
            "https://example.com/#hunter2",
            "example.com?key=hunter2",
            "ftp://example.com?key=hunter2",
        ] {
            let error = build(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            let builder = Client::builder().base_url(url);
            assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        }
        assert_eq!(build("a\u{1b}[31m").unwrap_err().to_string().matches('\u{1b}').count(), 0);
    }

    #[test]
    fn a_secret_in_place_of_the_address_is_not_repeated() {
        for (secret, expected) in [
            ("cdi_hunter2", "(a text of 11 characters): this looks like an API key"),
            (
                "cdi_hunter2-abcdefghijklmnopqrstuvwxyz012345678",
                "(a text of 47 characters): this looks like an API key",
            ),
            ("3c9d51be-7a20-4f6e-b8c4-hunter200000", "a text of 36 characters"),
            ("eyJhbGciOi.hunter2.SflKxwRJSM", "a text of 29 characters"),
            ("aGVsbG8/hunter2/d29ybGQ=", "a text of 24 characters"),
            ("hunter2:hunter2:hunter2", "a text of 23 characters"),
        ] {
            let builder = || Client::builder().api_key("k");
            for builder in [builder().base_url(secret), builder().server(secret), builder().instance(secret)] {
                assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
                let error = builder.build().unwrap_err();
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{error} {error:?}");
                assert!(error.to_string().contains(expected), "{error}");
            }
        }
        // What looks like an address is repeated, so that its mistake can be seen.
        for address in ["rest.iad-03.braze.com/cdi", "localhost:8080", "some-host.example:8080", "192.168.100.100:8080"]
        {
            assert!(build(address).unwrap_err().to_string().contains(&format!(" {address}: ")), "{address}");
        }
    }

    #[test]
    fn an_instance_is_named_as_its_host_is() {
        let build = |name: &str| Client::builder().instance(name).api_key("k").build();
        for (name, url) in [
            ("iad-03", "https://rest.iad-03.braze.com"),
            ("us-10", "https://rest.us-10.braze.com"),
            ("fra-02", "https://rest.fra-02.braze.eu"),
        ] {
            assert_eq!(build(name).unwrap().base_url(), url);
        }
        for wrong in ["", "-", "iad", "iad-", "-03", "IAD-03", "iad-03.evil.example", "iad-03/x", "https://iad-03"] {
            assert!(matches!(build(wrong), Err(BuildError::Instance(_))), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_a_url_or_the_name_of_an_instance() {
        let build = |text: &str| Client::builder().server(text).api_key("k").build();
        for (text, url) in
            [("iad-03", "https://rest.iad-03.braze.com"), (" http://127.0.0.1:8080 ", "http://127.0.0.1:8080")]
        {
            assert_eq!(build(text).unwrap().base_url(), url);
        }
        assert!(matches!(build("localhost"), Err(BuildError::Server(_))));
        assert!(matches!(build("localhost:8080"), Err(BuildError::Url { .. })));
        assert!(matches!(build(""), Err(BuildError::NoUrl)));
        assert!(build("'iad-03'").unwrap_err().to_string().contains("'iad-03': it has quotation marks around it"));
        let error = build("me@hunter2").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
