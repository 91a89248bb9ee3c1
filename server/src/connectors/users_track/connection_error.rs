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
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        return format!("the destination {url} has not answered within {}", format_duration(timeouts.request));
    }
    let Some((problem, advice)) = problem(&error, proxy.as_ref().unwrap_or(&uri), timeouts) else {
        return format!("the request to the destination {url} failed: {}", chain(&error));
    };
    match proxy {
        // Without the user name and password that it may have.
        Some(proxy) => format!(
            "the destination {url} cannot be reached through the proxy {}: {problem}; check the proxy that the environment names \
             (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)",
            host(&proxy)
        ),
        None => format!("the destination {url} cannot be reached: {problem}; {advice}"),
    }
}

/// What is wrong, and what to do about it. `peer` is what was connected to.
fn problem(error: &reqwest::Error, peer: &Uri, timeouts: Timeouts) -> Option<(String, &'static str)> {
    const CHECK_URL: &str = "check `url`";
    let text = chain(error);
    if error.is_timeout() {
        let limit = format_duration(timeouts.connect);
        return Some((format!("no connection within {limit}"), "check `url`, and any firewall in between"));
    }
    let known = match io_error(error) {
        _ if text.contains("dns error") => return Some((unresolved(host(peer), &text), CHECK_URL)),
        Some(ErrorKind::ConnectionRefused) => "nothing listens there",
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => "the network has no way to it",
        _ => return tls_problem(&text),
    };
    Some((known.to_owned(), CHECK_URL))
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

/// What is wrong with TLS. rustls and hyper say so in their texts only.
fn tls_problem(text: &str) -> Option<(String, &'static str)> {
    const CERTIFICATE: &str = "invalid peer certificate: ";
    let (problem, advice) = if text.contains("InvalidContentType") || text.contains("tls handshake eof") {
        ("it does not answer in TLS", "does it speak http:// instead of https://?")
    } else if text.contains("invalid HTTP version") {
        ("it does not answer in HTTP", "does it speak https:// instead of http://?")
    } else if text.contains("UnknownIssuer") {
        (
            "its certificate is not from an authority that this machine trusts",
            "check `url`, or install that authority's certificate on this machine",
        )
    } else if let Some((_, reason)) = text.split_once(CERTIFICATE) {
        return Some((format!("its certificate is not valid: {reason}"), "check `url`, and the clock of this machine"));
    } else {
        return None;
    };
    Some((problem.to_owned(), advice))
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
        let said = |text: &str| tls_problem(text).map(|(problem, advice)| format!("{problem}; {advice}"));
        assert_eq!(
            said("client error (Connect): invalid peer certificate: UnknownIssuer").as_deref(),
            Some(
                "its certificate is not from an authority that this machine trusts; check `url`, or install that authority's \
                 certificate on this machine"
            )
        );
        assert_eq!(
            said("client error (Connect): invalid peer certificate: certificate expired").as_deref(),
            Some("its certificate is not valid: certificate expired; check `url`, and the clock of this machine")
        );
        assert_eq!(said("connection closed before message completed"), None);
    }
}
