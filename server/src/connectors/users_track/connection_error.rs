//! Requests to a destination that get no answer, in an operator's words: where, what is wrong, what to check.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http::Uri;
use humantime::format_duration;
use hyper_util::client::proxy::matcher::Matcher;

/// How long a connection and a whole request may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For the whole request.
    pub request: Duration,
}

/// Describes a failed request to the base URL of the configuration.
pub fn describe(url: &str, error: reqwest::Error, timeouts: Timeouts) -> String {
    let uri: Uri = url.parse().unwrap_or_default();
    let proxy = Matcher::from_env().intercept(&uri).map(|proxy| proxy.uri().clone());
    // The URL is in the description already.
    description(url, &uri, proxy.as_ref(), &error.without_url(), timeouts)
}

fn description(url: &str, uri: &Uri, proxy: Option<&Uri>, error: &reqwest::Error, timeouts: Timeouts) -> String {
    if error.is_timeout() && !error.is_connect() {
        return format!("the destination {url} has not answered within {}", format_duration(timeouts.request));
    }
    let (peer, check, through) = match proxy {
        Some(proxy) => (proxy, "check the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY", through(proxy)),
        None => (uri, "check `url`", String::new()),
    };
    let text = chain(error);
    let problem = if error.is_timeout() {
        format!("no connection within {}; {check}, and any firewall in between", format_duration(timeouts.connect))
    } else if text.contains("dns error") {
        format!("{}; {check}", unresolved(host(peer), &text))
    } else {
        match io_error(error) {
            Some(ErrorKind::ConnectionRefused) => format!("nothing listens there; {check}"),
            Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
                format!("the network has no way to it; {check}")
            }
            _ => match tls_problem(&text) {
                Some(problem) => problem,
                None => return format!("the request to the destination {url}{through} failed: {text}"),
            },
        }
    };
    format!("the destination {url} cannot be reached{through}: {problem}")
}

/// Names a proxy without the user name and password that it may have.
fn through(proxy: &Uri) -> String {
    let port = proxy.port().map_or(String::new(), |port| format!(":{port}"));
    format!(" through the proxy {}{port}", host(proxy))
}

/// What is wrong with a host that has no address.
fn unresolved(host: &str, text: &str) -> String {
    // Systems word it differently: "Name or service not known", "nodename nor servname provided, or not known", "Name does
    // not resolve". Any other reason, such as "Temporary failure in name resolution", says nothing about the name.
    if text.contains("not known") || text.contains("does not resolve") {
        return format!("there is no host `{host}`");
    }
    let reason = text.rsplit(": ").next().unwrap_or_default();
    format!("the address of the host `{host}` cannot be looked up ({reason})")
}

/// What is wrong with TLS, and what to do. rustls and hyper say so in their texts only.
fn tls_problem(text: &str) -> Option<String> {
    let problem = if text.contains("InvalidContentType") || text.contains("tls handshake eof") {
        "it does not answer in TLS; does it speak http:// instead of https://?"
    } else if text.contains("invalid HTTP version") {
        "it does not answer in HTTP; does it speak https:// instead of http://?"
    } else if text.contains("UnknownIssuer") {
        "its certificate is not from an authority that this machine trusts; check `url`, or install that authority's certificate \
         on this machine"
    } else {
        let (_, reason) = text.split_once("invalid peer certificate: ")?;
        return Some(format!("its certificate is not valid: {reason}; check `url`, and the clock of this machine"));
    };
    Some(problem.to_owned())
}

fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default()
}

/// The kind of the operating system's error among the causes, if there is one.
fn io_error(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.filter_map(|error| error.downcast_ref::<io::Error>()).last().map(io::Error::kind)
}

/// An error and its causes, which have the details.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_does_not_exist_is_told_from_a_name_server_that_does_not_answer() {
        let said = |reason: &str| unresolved("rest.exmaple.com", &format!("dns error: failed to lookup: {reason}"));
        for unknown in ["Name or service not known", "nodename nor servname provided, or not known"] {
            assert_eq!(said(unknown), "there is no host `rest.exmaple.com`");
        }
        assert_eq!(
            said("Temporary failure in name resolution"),
            "the address of the host `rest.exmaple.com` cannot be looked up (Temporary failure in name resolution)"
        );
    }

    #[test]
    fn certificates_that_are_not_accepted_are_described() {
        assert_eq!(
            tls_problem("client error (Connect): invalid peer certificate: UnknownIssuer").as_deref(),
            Some(
                "its certificate is not from an authority that this machine trusts; check `url`, or install that authority's \
                 certificate on this machine"
            )
        );
        assert_eq!(
            tls_problem("client error (Connect): invalid peer certificate: certificate expired").as_deref(),
            Some("its certificate is not valid: certificate expired; check `url`, and the clock of this machine")
        );
        assert_eq!(tls_problem("connection closed before message completed"), None);
    }

    #[tokio::test]
    async fn a_proxy_that_cannot_be_reached_is_named_without_its_password() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let direct = reqwest::Client::builder().no_proxy().build().unwrap();
        let error = direct.get(format!("http://127.0.0.1:{port}")).send().await.unwrap_err();
        let (uri, proxy) = ("https://x".parse().unwrap(), "http://me:hunter2@127.0.0.1:3128".parse().unwrap());
        let timeouts = Timeouts { connect: Duration::ZERO, request: Duration::ZERO };
        assert_eq!(
            description("https://x", &uri, Some(&proxy), &error, timeouts),
            "the destination https://x cannot be reached through the proxy 127.0.0.1:3128: nothing listens there; check the proxy \
             in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"
        );
    }
}
