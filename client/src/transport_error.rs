//! A failure below the contract: no connection, no TLS, no complete answer.

use std::error::Error as StdError;
use std::fmt;

/// A failure of the connection to the server: DNS, TCP, TLS or HTTP itself.
///
/// Its text has the whole chain of causes, and advice where the base URL has the wrong scheme.
pub struct TransportError(reqwest::Error);

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> TransportError {
        TransportError(error)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.url().map_or("", |url| url.scheme());
        let text = chain(&self.0);
        match wrong_scheme(scheme, &text) {
            Some(advice) => write!(f, "{advice} ({text})"),
            None => f.write_str(&text),
        }
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

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
