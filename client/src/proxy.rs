//! The proxy that the environment names, as reqwest uses it.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;

/// A proxy, and the variable that names it. User name and password are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// Such as `http://127.0.0.1:3128`.
    url: String,
    variable: &'static str,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", self.url, self.variable)
    }
}

impl Proxy {
    /// The proxy for requests to this URL; `None` if they are sent directly.
    pub(crate) fn of(base_url: &str) -> Option<Proxy> {
        let is_set = |name: &str| std::env::var_os(name).is_some();
        proxy(&Matcher::from_env(), base_url, is_set)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, address)| address)
    }
}

fn proxy(matcher: &Matcher, base_url: &str, is_set: impl Fn(&str) -> bool) -> Option<Proxy> {
    let found = matcher.intercept(&base_url.parse().ok()?)?;
    // In the order in which they are read; the one for the scheme goes before the one for all.
    let variables = match base_url.starts_with("https:") {
        true => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        false => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let variable = variables.into_iter().find(|name| is_set(name))?;
    Some(Proxy { url: found.uri().to_string().trim_end_matches('/').to_owned(), variable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_with_its_variable_and_without_its_password() {
        let matcher = Matcher::builder().http("http://me:hunter2@127.0.0.1:9").no("example.com").build();
        let of = |url| proxy(&matcher, url, |name| name == "http_proxy");
        let shown = of("http://127.0.0.1:8080").map(|proxy| (proxy.to_string(), proxy.address().to_owned()));
        assert_eq!(shown, Some(("the proxy http://127.0.0.1:9 (http_proxy)".into(), "127.0.0.1:9".into())));
        assert_eq!(of("http://example.com"), None, "no_proxy");
        assert_eq!(of("https://127.0.0.1"), None, "https has its own variable");
    }

    #[test]
    fn the_variable_for_all_schemes_is_named_too() {
        let matcher = Matcher::builder().all("proxy.example:3128").build();
        let shown = proxy(&matcher, "https://example.com", |name| name == "ALL_PROXY").map(|proxy| proxy.to_string());
        assert_eq!(shown.as_deref(), Some("the proxy http://proxy.example:3128 (ALL_PROXY)"));
    }
}
