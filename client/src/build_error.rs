//! Why a client cannot be built.

use crate::transport_error::TransportError;

/// Why a client cannot be built from its settings. No text of it holds the API key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL is missing or empty.
    #[error("the base URL is missing; set it with `base_url`, `instance` or `server`")]
    NoUrl,
    /// The base URL is not valid.
    #[error("the base URL {url}: {reason}")]
    #[non_exhaustive]
    Url {
        /// The URL as it was given, without the parts that may be secret; only its length if it may be a secret as a whole.
        url: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// The name of the Braze instance is not valid. Has the name in backticks, or only its length if it may be a secret.
    #[error("{0} is not the name of a Braze instance; those look like iad-03")]
    Instance(String),
    /// A text that should be a URL or the name of a Braze instance is neither. Has the text in backticks, or only its length
    /// if it may be a secret.
    #[error(
        "{0} is neither a URL, which begins with https:// or http://, nor the name of a Braze instance, such as iad-03"
    )]
    Server(String),
    /// The API key is missing.
    #[error("the API key is missing; set it with `api_key`")]
    NoKey,
    /// The API key has characters that a header cannot carry.
    #[error("the API key {0}")]
    Key(&'static str),
    /// An environment variable is missing or has a value that cannot work.
    #[error("{variable} {problem}")]
    #[non_exhaustive]
    Variable {
        /// The name of the variable: `CDI_URL` or `CDI_API_KEY`.
        variable: &'static str,
        /// What is wrong with it, and what to set it to.
        problem: String,
    },
    /// The user agent has characters that a header cannot carry.
    #[error("the user agent has a line break or another character that a header cannot carry")]
    UserAgent,
    /// The base URL needs TLS, and this build has none.
    #[error("https:// needs the feature `rustls` of cdi-client, or your own HTTP client with TLS")]
    NoTls,
    /// The HTTP client cannot be made, for example because the machine has no root certificates.
    #[error("the HTTP client cannot be made: {0}")]
    Http(TransportError),
}
