//! Delivers a batch and records the outcomes of its rows.

use std::sync::Arc;

use super::refusal;
use crate::sync::batch::Batch;
use crate::sync::destination::{Delivery, OpenDestination, Outcome};
use crate::sync::error::SyncError;
use crate::sync::held_back::HeldBack;
use crate::sync::progress::RowOutcome;
use crate::sync::shared_progress::SharedProgress;
use crate::sync::shutdown::Stop;
use crate::sync::slots::Slot;
use crate::sync::user_attributes::UserAttributes;

/// What a delivery needs from its run.
#[derive(Clone)]
pub struct Deliverer {
    pub destination: Arc<dyn OpenDestination>,
    pub progress: SharedProgress,
    pub held_back: HeldBack,
    pub slot: Slot,
    pub stop: Stop,
    pub keep_payloads: bool,
}

/// The end of a delivery.
pub struct Finished {
    pub batch: Batch,
    /// With `only_changed`: the users of the batch, and what they have if they have accepted their row.
    pub users: Vec<(u128, Option<UserAttributes>)>,
    /// Rows that the destination has answered, and those of them that it has refused.
    pub answers: (u64, u64),
    /// Whether all its objects have an outcome. They have not if a stop was requested.
    pub is_complete: bool,
    /// The error that ends the run, if any.
    pub ended: Result<(), SyncError>,
}

impl Deliverer {
    pub async fn deliver(self, batch: Batch) -> Finished {
        let _working = tokio::select! {
            biased;
            working = self.slot.work() => working,
            () = self.stop.asked() => return Finished { batch, users: Vec::new(), answers: (0, 0), is_complete: false, ended: Ok(()) },
        };
        let Delivery { mut batch, outcomes, ended } = self.destination.deliver(batch).await;
        let is_complete = outcomes.iter().all(Option::is_some);
        let mut answers = (0, 0);
        let mut acknowledged = Vec::with_capacity(outcomes.len());
        let mut users = Vec::new();
        for (object, outcome) in outcomes.into_iter().enumerate() {
            answers.0 += u64::from(outcome.is_some());
            answers.1 += u64::from(matches!(outcome, Some(Outcome::Refused(_))));
            let sent = batch.take_sent(object);
            let item = &batch.items()[object];
            if let Some(sent) = &sent {
                let is_accepted = matches!(outcome, Some(Outcome::Delivered(_)));
                users.push((sent.user, is_accepted.then(|| sent.attributes.clone())));
            }
            let refused = |reason: &str| {
                let sent = || String::from_utf8_lossy(batch.bytes(object..object + 1)).into_owned();
                let payload = self.keep_payloads.then(sent);
                refusal(item.identifier.as_ref(), item.updated_at, reason, payload)
            };
            match outcome {
                Some(Outcome::Delivered(mark)) => {
                    let delivered = match sent {
                        Some(sent) => RowOutcome::DeliveredAttributes(mark, sent),
                        None => RowOutcome::Delivered(mark),
                    };
                    acknowledged.push((item.row, delivered));
                }
                Some(Outcome::Refused(reason)) => acknowledged.push((item.row, RowOutcome::Refused(refused(&reason)))),
                Some(Outcome::Suspected(number, reason)) => self.held_back.hold(number, item.row, refused(&reason)),
                None => {}
            }
        }
        self.progress.acknowledge(acknowledged);
        self.progress.acknowledge(self.held_back.release(self.destination.confirmed()));
        Finished { batch, users, answers, is_complete, ended }
    }
}
