//! A failure below the contract: no connection, no TLS, no complete answer.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::proxy::Proxy;

/// A failure of the connection to the server: DNS, TCP, TLS or HTTP itself.
///
/// Its text has the whole chain of causes, and advice where the base URL has the wrong scheme or nothing listens there. It has therefore no
/// [`source`](StdError::source): printing the chain of an error would repeat the text.
pub struct TransportError {
    error: reqwest::Error,
    proxy: Option<Proxy>,
}

impl TransportError {
    pub(crate) fn new(error: reqwest::Error) -> TransportError {
        TransportError { error, proxy: None }
    }

    /// The proxy that the request was sent through.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    pub(crate) fn set_proxy(&mut self, proxy: Option<&Proxy>) {
        self.proxy = proxy.cloned();
    }

    /// What to do about it, if that can be recognised.
    fn advice(&self, text: &str) -> Option<String> {
        if is_refused(&self.error) {
            return self.refused();
        }
        let scheme = self.error.url().map_or("", |url| url.scheme());
        wrong_scheme(scheme, text).map(str::to_owned).or_else(|| certificate(&self.server()?, text))
    }

    fn refused(&self) -> Option<String> {
        if let Some(proxy) = &self.proxy {
            return Some(format!("nothing listens on {}; is the proxy running?", proxy.address()));
        }
        Some(format!("nothing listens on {}; is the server running?", self.server()?))
    }

    /// The server's host and port.
    fn server(&self) -> Option<String> {
        let url = self.error.url()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    }

    /// Whether the same request would fail in the same way: the base URL has the wrong one of http and https, or the server's
    /// certificate is not trusted.
    pub(crate) fn is_permanent(&self) -> bool {
        let text = chain(&self.error);
        PERMANENT.iter().any(|part| text.contains(part))
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = chain(&self.error);
        match self.advice(&text) {
            Some(advice) => write!(f, "{advice} ({text})"),
            None => f.write_str(&text),
        }
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for TransportError {}

/// Whether the other side has refused the connection: nothing listens on its port.
fn is_refused(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What rustls and hyper call failures that do not pass. They say so in their texts only. A handshake that is cut off is not
/// one of them: a load balancer that is restarted does that too.
const PERMANENT: [&str; 3] = ["InvalidContentType", "invalid HTTP version", "invalid peer certificate"];

/// Advice where the server seems to speak the other one of http and https. rustls and hyper say so in their texts only.
fn wrong_scheme(scheme: &str, text: &str) -> Option<&'static str> {
    // A server of http answers a TLS handshake with text, or closes the connection.
    if scheme == "https" && (text.contains("InvalidContentType") || text.contains("tls handshake eof")) {
        Some("the TLS handshake failed; does the server speak http? Then write http:// in the base URL")
    } else if scheme == "http" && text.contains("invalid HTTP version") {
        Some("the answer is not HTTP; does the server speak https? Then write https:// in the base URL")
    } else {
        None
    }
}

/// How to trust a certificate on this system. On Linux and the BSDs, a variable names the file with those that are trusted.
fn how_to_trust() -> String {
    if cfg!(any(target_vendor = "apple", windows, target_os = "android")) {
        return "add it, or the authority's, to the certificates that the system trusts".into();
    }
    match std::env::var_os("SSL_CERT_FILE") {
        Some(file) => {
            format!("SSL_CERT_FILE is {}, which should be a PEM file with it, or with the authority's", file.display())
        }
        None => "set SSL_CERT_FILE to a PEM file with it, or with the authority's".into(),
    }
}

/// Advice about a certificate that is not accepted. rustls says in its texts only why.
fn certificate(server: &str, text: &str) -> Option<String> {
    let (_, reason) = text.split_once("invalid peer certificate: ")?;
    let is = |part: &str| reason.contains(part);
    Some(if is("UnknownIssuer") {
        let trust = how_to_trust();
        format!(
            "this machine does not trust the certificate of {server}; if it is self-signed or from a private authority, {trust}"
        )
    } else if is("CaUsedAsEndEntity") {
        format!("the certificate of {server} is one of an authority (CA:TRUE); the server needs one with CA:FALSE")
    } else if is("not valid for name") || is("NotValidForName") {
        format!("the certificate is for other names than that of {server}; write one of them in the base URL")
    } else if is("certificate expired") || is("Expired") {
        format!("the certificate of {server} has expired; it has to be renewed on the server")
    } else {
        return None;
    })
}

/// An error's text with those of its causes, where reqwest keeps the important part.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_the_causes_and_the_chain_does_not_repeat_them() {
        let error = TransportError::new(reqwest::Client::new().get("http://[").build().unwrap_err());
        assert!(error.to_string().contains("builder error: "), "{error}");
        assert!(error.source().is_none());
    }
}
