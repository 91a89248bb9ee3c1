//! The server's address: checked, and never repeated with the parts that may be secret.

use reqwest::Url;

use crate::build_error::BuildError;

/// The base URL without a slash at its end, if requests can be sent there.
pub(crate) fn base_url(text: &str) -> Result<String, BuildError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BuildError::NoUrl);
    }
    let wrong = |reason: &str| Err(BuildError::Url { url: shown(text), reason: reason.into() });
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => url,
        Ok(_) if text.contains("://") => return wrong("it must begin with https:// or http://"),
        Err(error) if text.contains("://") => return wrong(&error.to_string()),
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

/// The parts of an address that can be repeated: no user name, password, query or fragment.
pub(crate) fn shown(address: &str) -> String {
    let beginning = address.split(['?', '#']).next().unwrap_or_default();
    if beginning.contains('@') { "(not shown)".into() } else { beginning.escape_debug().to_string() }
}

/// The base URL of a Braze instance; those in Europe have another top-level domain.
pub(crate) fn instance(name: &str) -> Result<String, BuildError> {
    let name = name.trim();
    let is_name = name.split_once('-').is_some_and(|(place, number)| {
        !place.is_empty()
            && place.bytes().all(|byte| byte.is_ascii_lowercase())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !is_name {
        return Err(BuildError::Instance(name.to_owned()));
    }
    let top = if name.starts_with("fra-") { "eu" } else { "com" };
    Ok(format!("https://rest.{name}.braze.{top}"))
}

/// The base URL, from a URL or from the name of a Braze instance.
pub(crate) fn server(text: &str) -> Result<String, BuildError> {
    // URLs have one of these characters, names of instances have none.
    if text.trim().is_empty() || text.contains(['/', ':', '.', '@']) {
        return base_url(text);
    }
    instance(text).map_err(|_| BuildError::Server(shown(text.trim())))
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
            ("https://", "host"),
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
        let error = build("me@hunter2").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
