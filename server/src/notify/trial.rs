//! Messages that test an entry.

use std::time::Duration;

use chrono::Utc;
use uuid::Uuid;

use super::{Entry, Notifications, body};
use crate::store::ClaimedMessage;

impl Entry {
    /// Sends a test message now, once, about the first integration for which there is a recipient. Returns who has taken it.
    pub async fn send_test(&self, notifications: &Notifications) -> Result<String, String> {
        let covered = notifications.integrations.iter().filter(|(id, _)| self.covers(id));
        let reached = covered.filter(|(_, about)| self.channel.reaches_somebody(about)).min_by_key(|(id, _)| **id);
        let Some((integration, about)) = reached else {
            return Err("there is nobody to send it to: no integration of this entry has a recipient".to_owned());
        };
        let sender = self.channel.sender()?;
        let message = ClaimedMessage {
            id: format!("msg_{}", Uuid::new_v4().simple()),
            integration: *integration,
            event: body::TEST.to_owned(),
            body: body::of_test(*integration, about, Utc::now()),
            attempts: 1,
            age: Duration::ZERO,
        };
        match sender.send(&message, Some(about)).await {
            Ok(()) => Ok(format!("taken by {}", sender.receiver(about))),
            Err(not_sent) => Err(not_sent.reason),
        }
    }
}
