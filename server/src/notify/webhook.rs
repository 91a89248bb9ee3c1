//! Messages as HTTP requests, in the manner of Standard Webhooks.

use std::net::IpAddr;
use std::time::Duration;

use chrono::Utc;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use super::channel::{NotSent, place, root};
use super::retries::retry_after;
use super::signature::SigningKey;
use crate::secret::Secret;
use crate::store::ClaimedMessage;

/// How long a receiver may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// An address that takes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its URL, `https` or `http`; often a secret.
    pub url: Secret,
    /// The key of the signatures.
    pub key: SigningKey,
}

impl Webhook {
    pub(super) fn warning(&self) -> Option<String> {
        let url = Url::parse(self.url.expose()).ok().filter(|url| url.scheme() == "http")?;
        let host = url.host_str()?;
        (!is_this_machine(host)).then(|| format!("messages are sent to {host} unencrypted; write `https://` in `url`"))
    }
}

/// Whether a host is the machine itself.
pub(super) fn is_this_machine(host: &str) -> bool {
    // An IPv6 address is in brackets.
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.is_loopback())
}

/// Sends to a webhook.
#[derive(Debug)]
pub(super) struct Sender {
    webhook: Webhook,
    /// Host and port.
    place: String,
    http: Client,
}

impl Sender {
    pub fn new(webhook: &Webhook) -> Result<Sender, String> {
        let http = Client::builder()
            .user_agent(concat!("opencdi/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build();
        let http = http.map_err(|error| error.to_string())?;
        let url = Url::parse(webhook.url.expose()).map_err(|error| error.to_string())?;
        Ok(Sender { webhook: webhook.clone(), place: place(&url, 443), http })
    }

    pub fn receiver(&self) -> String {
        format!("the receiver at {}", self.place)
    }

    pub async fn send(&self, message: &ClaimedMessage) -> Result<(), NotSent> {
        let now = Utc::now();
        let time = now.timestamp();
        let request = self
            .http
            .post(self.webhook.url.expose())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", time)
            .header("webhook-signature", self.webhook.key.sign(&message.id, time, &message.body))
            .body(message.body.clone());
        let response = request.send().await.map_err(|error| NotSent::for_now(self.described(error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Err(NotSent {
            retry_after: header.and_then(|text| retry_after(text, now)),
            is_final: status == StatusCode::GONE,
            reason: answered(&response),
        })
    }

    /// Sends a HEAD request, which tells names, addresses and certificates that do not work.
    pub async fn probe(&self) -> Result<String, String> {
        let response = self.http.head(self.webhook.url.expose()).send().await.map_err(|error| self.described(error))?;
        let status = response.status();
        // Receivers need not know HEAD.
        let fails = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        if fails || status.is_redirection() || status == StatusCode::GONE {
            return Err(answered(&response));
        }
        let doubt = match status {
            StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                format!("; it answered {status} to HEAD, so look at `url` again")
            }
            _ => String::new(),
        };
        Ok(format!("reachable{doubt}; no message was sent"))
    }

    /// An error of a request, without the rest of its URL.
    fn described(&self, error: reqwest::Error) -> String {
        let receiver = self.receiver();
        if error.is_timeout() {
            return format!("{receiver} did not answer within {TIMEOUT:?}");
        }
        let error = error.without_url();
        let problem = if error.is_connect() { "cannot be reached" } else { "has not taken the request" };
        format!("{receiver} {problem}: {}", root(&error))
    }
}

/// An answer that is no success. Its body is not shown, nor the end of an address, which may have secrets.
fn answered(response: &Response) -> String {
    let status = response.status();
    if !status.is_redirection() {
        return format!("the receiver answered {status}");
    }
    format!("the receiver redirects ({status}); redirects are not followed, so write the final address in `url`")
}
