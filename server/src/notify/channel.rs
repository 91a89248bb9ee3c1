//! The ways to send a message.

use std::time::Duration;

use reqwest::Url;

use super::About;
use super::email::{self, Email};
use super::webhook::{self, Webhook};
use crate::store::ClaimedMessage;

/// How the messages of an entry are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// By an HTTP request.
    Webhook(Webhook),
    /// By e-mail.
    Email(Email),
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotSent {
    /// The reason, without anything secret.
    pub reason: String,
    /// The pause that the receiver asks for.
    pub retry_after: Option<Duration>,
    /// Whether trying again is of no use.
    pub is_final: bool,
}

impl NotSent {
    /// Something that may get better.
    pub fn for_now(reason: impl Into<String>) -> NotSent {
        NotSent { reason: reason.into(), retry_after: None, is_final: false }
    }
}

/// A channel that is ready to send.
#[derive(Debug)]
pub(super) enum Sender {
    Webhook(webhook::Sender),
    Email(Box<email::Sender>),
}

impl Channel {
    /// How long one attempt takes at most.
    pub(super) fn longest_attempt(&self) -> Duration {
        match self {
            Channel::Webhook(_) => webhook::TIMEOUT,
            Channel::Email(_) => email::TIMEOUT,
        }
    }

    /// Whether there is anybody to tell about an integration.
    pub fn reaches_somebody(&self, about: &About) -> bool {
        match self {
            Channel::Webhook(_) => true,
            Channel::Email(email) => !email.recipients(Some(about)).is_empty(),
        }
    }

    /// Prepares sending; connects to nothing.
    pub(super) fn sender(&self) -> Result<Sender, String> {
        match self {
            Channel::Webhook(webhook) => Ok(Sender::Webhook(webhook::Sender::new(webhook)?)),
            Channel::Email(email) => Ok(Sender::Email(Box::new(email::Sender::new(email)?))),
        }
    }

    /// A warning if it sends unencrypted to another machine.
    pub fn warning(&self) -> Option<String> {
        match self {
            Channel::Webhook(webhook) => webhook.warning(),
            Channel::Email(email) => email.warning(),
        }
    }

    /// Tests it without sending a message, and returns what was tested.
    pub async fn probe(&self) -> Result<String, String> {
        match self.sender()? {
            Sender::Webhook(sender) => sender.probe().await,
            Sender::Email(sender) => sender.probe().await,
        }
    }
}

/// The host and the port of a URL, which may be shown; the rest may be secret.
pub(super) fn place(url: &Url, usual_port: u16) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(usual_port))
}

/// The innermost reason of an error; those around it only say in which step it happened.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

impl Sender {
    /// Who takes messages about an integration.
    pub(super) fn receiver(&self, about: &About) -> String {
        match self {
            Sender::Webhook(sender) => sender.receiver(),
            Sender::Email(sender) => sender.receiver(about),
        }
    }

    /// Sends a message about this integration; one that is not in the configuration any more is `None`.
    pub(super) async fn send(&self, message: &ClaimedMessage, about: Option<&About>) -> Result<(), NotSent> {
        match self {
            Sender::Webhook(sender) => sender.send(message).await,
            Sender::Email(sender) => sender.send(message, about).await,
        }
    }
}
