//! `POST /users/track` and `POST /users/delete` of Braze, or of what answers like it.
//!
//! A batch is sent until the destination has said of every object whether it is accepted. A batch that is refused as a
//! whole, or at which the destination fails again and again, is halved until the offending objects are alone. One that is
//! refused alone without being named is sent again at the end of its batch before it is refused for good. Pauses that the
//! destination asks for hold for all lanes. A run that is to stop waits for nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use hyper::body::Bytes;
use tokio::sync::Mutex;
use tokio::time::{sleep, sleep_until, timeout};

use super::endpoint::Endpoint;
use super::limits::MOST_BYTES;
use super::patience::Pauses;
use super::settings::UsersTrack;
use super::stretches::{Doubt, Stretch, Stretches};
use super::suspects::{Heard, Suspects};
use super::track_response::{Dealt, Meaning};
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::{DeliveryContext, Limits, Outcome};
use crate::types::IntegrationKind;

/// Requests at once. The service allows 1,000 a second, so that this keeps pace with answers that take 8 ms.
const LANES: usize = 8;

/// Objects at which the destination fails so often in a row are sent in smaller parts.
const FAILURES_TOGETHER: usize = 3;
/// An object at which it fails so often in a row, while it takes others, may be refused: more, as it is skipped then.
const FAILURES_ALONE: usize = 5;
/// An object that was never in a larger part that failed: the service must have taken others between so many failures.
const FAILURES_BETWEEN: usize = 3;

/// A service that is ready for a run.
#[derive(Debug)]
pub struct OpenUsersTrack {
    endpoint: Endpoint,
    objects: usize,
    give_up_after: Duration,
    give_up_when_limited_after: Duration,
    /// Its `first_pause` holds where the destination does not say how long to wait. What it asks for is never shorter.
    context: DeliveryContext,
    pauses: Pauses,
    suspects: Suspects,
    /// While nothing was ever accepted one lane alone finds out what is refused.
    turn: Mutex<()>,
    /// What was warned of in this run.
    warned_of_body: AtomicBool,
    warned_of_errors: AtomicBool,
}

impl OpenUsersTrack {
    /// Prepares the connections; nothing is sent.
    pub fn open(
        settings: &UsersTrack,
        kind: IntegrationKind,
        context: DeliveryContext,
    ) -> Result<OpenUsersTrack, SyncError> {
        let endpoint = Endpoint::new(settings, kind)?;
        Ok(OpenUsersTrack {
            objects: settings.batch_size.unwrap_or(endpoint.most_objects).min(endpoint.most_objects),
            endpoint,
            context,
            give_up_after: settings.give_up_after,
            give_up_when_limited_after: settings.give_up_when_limited_after,
            pauses: Pauses::default(),
            suspects: Suspects::new(),
            turn: Mutex::new(()),
            warned_of_body: AtomicBool::new(false),
            warned_of_errors: AtomicBool::new(false),
        })
    }

    /// How much may travel at once.
    pub fn limits(&self) -> Limits {
        Limits { lanes: LANES, objects: self.objects, bytes: MOST_BYTES, separator: b',' }
    }

    /// Objects that may have been refused for something that is no matter of rows.
    pub fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    /// Delivers a batch: writes down what became of each object, until all have an outcome or the run is to stop.
    pub async fn deliver(&self, batch: &Batch, outcomes: &mut [Option<Outcome>]) -> Result<(), SyncError> {
        let _delivering = self.suspects.delivering();
        let mut stretches = Stretches::of(batch);
        let mut turn = None;
        loop {
            let Some(mut stretch) = stretches.next() else {
                // Another lane may be the one that finds out what is refused.
                turn = None;
                match self.look_again(&mut stretches).await? {
                    Again::Done => break,
                    Again::Send => {}
                    Again::HoldBack => {
                        for Stretch { objects, doubt, .. } in stretches.take_suspects() {
                            let reason = doubt.map(|doubt| doubt.reason).unwrap_or_default();
                            outcomes[objects.start] = Some(Outcome::Suspected(self.suspects.hold_back(), reason));
                        }
                    }
                    Again::Stopped => return Ok(()),
                }
                continue;
            };
            if self.suspects.is_trusted() {
                turn = None;
            }
            let first = stretch.objects.start;
            match self.send(batch, &mut stretch).await? {
                Verdict::Dealt(refusals) => {
                    stretches.dealt();
                    outcomes[stretch.objects].fill(Some(Outcome::Delivered(0)));
                    for (index, reason) in refusals {
                        outcomes[first + index] = Some(Outcome::Refused(reason));
                    }
                }
                Verdict::RefusedTogether(reason) if stretch.len() == 1 => match stretch.doubt {
                    Some(Doubt { is_final: true, .. }) => outcomes[first] = Some(Outcome::Refused(reason)),
                    Some(_) => stretches.set_aside(stretch),
                    None => {
                        self.suspects.add(&reason);
                        let refused_at = self.suspects.begun();
                        stretch.doubt = Some(Doubt { refused_at, reason, tries: 0, is_final: false });
                        stretches.set_aside(stretch);
                        // Where the order of the objects forbids to try some from all over the batch, all of them are.
                        if stretches.are_independent() {
                            self.suspects.judge().await?;
                        }
                    }
                },
                Verdict::RefusedTogether(reason) => {
                    if turn.is_none() && !self.suspects.is_trusted() {
                        let Some(lock) = self.wait(self.turn.lock()).await else { return Ok(()) };
                        turn = Some(lock);
                    }
                    tracing::debug!(objects = stretch.len(), reason, "the batch was refused as a whole; it is halved");
                    stretches.refused();
                    self.halve(&mut stretches, stretch);
                }
                Verdict::Failing(status) if stretch.len() == 1 => {
                    outcomes[first] = Some(Outcome::Refused(format!(
                        "the destination answers {status} to this row again and again, while it takes others"
                    )));
                }
                Verdict::Failing(status) => {
                    tracing::debug!(objects = stretch.len(), %status, "the destination fails at the batch; it is halved");
                    self.halve(&mut stretches, stretch);
                }
                Verdict::PutOff => stretches.put_off(stretch),
                Verdict::Stopped => return Ok(()),
            }
            if self.context.stop.is_asked() {
                return Ok(());
            }
        }
        self.suspects.judge().await
    }

    /// Halves a stretch. It was patience with the service in which nothing else was dealt with that counts for its parts.
    fn halve(&self, stretches: &mut Stretches<'_>, mut stretch: Stretch) {
        if self.suspects.dealt_last() > stretch.patience.trouble_since {
            stretch.patience = Default::default();
        }
        stretch.failed_at = Some(self.suspects.begun());
        stretches.halve(&stretch);
    }

    /// Decides, where all other objects of a batch that may be sent are dealt with, which of those that are set aside are
    /// sent again.
    async fn look_again(&self, stretches: &mut Stretches<'_>) -> Result<Again, SyncError> {
        loop {
            let Some(refused_at) = stretches.first_refusal() else { return Ok(Again::Done) };
            let pausing = match self.wait(self.suspects.hear(refused_at)).await {
                Some(Heard::Dealt) => {
                    stretches.look_again(|refused_at| self.suspects.has_dealt_after(refused_at));
                    return Ok(Again::Send);
                }
                Some(Heard::Try) => {
                    stretches.try_one();
                    return Ok(Again::Send);
                }
                Some(Heard::Silence(pausing)) => pausing,
                None => return Ok(Again::Stopped),
            };
            let Some(pause) = pausing.next_pause(self.context.first_pause) else {
                self.suspects.judge_tried()?;
                return Ok(Again::HoldBack);
            };
            match self.wait(timeout(pause, self.suspects.dealt_after(refused_at))).await {
                Some(Ok(())) => {}
                Some(Err(_)) => {
                    pausing.try_again();
                    stretches.try_one();
                    return Ok(Again::Send);
                }
                None => return Ok(Again::Stopped),
            }
        }
    }

    /// Sends some objects until the destination has dealt with them, or has failed at them too often.
    async fn send(&self, batch: &Batch, stretch: &mut Stretch) -> Result<Verdict, SyncError> {
        let array = self.endpoint.array(batch.key);
        let objects = batch.bytes(stretch.objects.clone());
        let body = Bytes::from([b"{\"", array.as_bytes(), b"\":[", objects, b"]}"].concat());
        let alone = stretch.len() == 1;
        let (mut failures, mut between, mut dealt_before) = (0, 0, None);
        while self.may_send().await {
            let request = self.suspects.under_way();
            let sent = self.context.fence.within(self.endpoint.post(body.clone(), stretch.len())).await;
            // Where the lease ended first it is sent again once it is surely held.
            let Some(meaning) = sent else { continue };
            match &meaning {
                Ok(Meaning::Dealt(_)) => request.dealt(),
                Ok(Meaning::ServerError(..)) => request.failed(),
                _ => {}
            }
            drop(request);
            let (reason, asked) = match meaning? {
                Meaning::Dealt(dealt) => {
                    self.warn(&dealt);
                    return Ok(Verdict::Dealt(dealt.refused));
                }
                Meaning::RefusedTogether(reason) => return Ok(Verdict::RefusedTogether(reason)),
                Meaning::Later(asked) => {
                    let first = self.context.first_pause;
                    let pause = asked.unwrap_or_else(|| stretch.patience.next_pause(first)).max(first);
                    let dealt_last = self.suspects.dealt_last();
                    stretch.patience.limited(dealt_last, pause, self.give_up_when_limited_after)?;
                    self.pauses.limit(pause);
                    continue;
                }
                Meaning::ServerError(status, asked) => {
                    let answers = self.suspects.answers();
                    between +=
                        usize::from(dealt_before.replace(answers.dealt).is_some_and(|before| answers.dealt > before));
                    // One that says when it is over is not about these objects.
                    failures += usize::from(asked.is_none());
                    stretch.failures.add(status, asked.is_some(), answers);
                    // An object is skipped only where the destination has taken others that were sent after the part that it
                    // was in failed, or again and again while it failed at this one. When the service goes down, some are
                    // still accepted shortly after.
                    let others_pass = stretch.failed_at.is_some_and(|then| self.suspects.has_dealt_after(then))
                        || between >= FAILURES_BETWEEN;
                    let is_failing = if alone {
                        failures >= FAILURES_ALONE && others_pass && stretch.failures.are_about_the_object(answers)
                    } else {
                        failures >= FAILURES_TOGETHER
                    };
                    if is_failing {
                        return Ok(Verdict::Failing(status));
                    }
                    // Patience with a single object begins anew while others get through.
                    if alone && asked.is_none() && self.suspects.dealt_last() > stretch.patience.trouble_since {
                        stretch.patience = Default::default();
                    }
                    (status.to_string(), asked)
                }
                Meaning::Trouble(reason, asked) => (reason, asked),
            };
            let pause = stretch.patience.next_pause(self.context.first_pause).max(asked.unwrap_or_default());
            stretch.patience.trouble(&reason, pause, self.give_up_after)?;
            self.pauses.log_failure(&reason, pause);
            if self.wait(sleep(pause)).await.is_none() {
                return Ok(Verdict::Stopped);
            }
            if alone && failures >= FAILURES_ALONE {
                return Ok(Verdict::PutOff);
            }
        }
        Ok(Verdict::Stopped)
    }

    /// Waits until something may be sent; false where the run is to stop before.
    async fn may_send(&self) -> bool {
        loop {
            let waited = if let Some(until) = self.pauses.until() {
                self.wait(sleep_until(until)).await
            } else if !self.context.fence.is_open() {
                self.wait(self.context.fence.pass()).await
            } else {
                return true;
            };
            if waited.is_none() {
                return false;
            }
        }
    }

    /// Waits for something, without the run's slot if it takes long; nothing where the run is to stop before.
    async fn wait<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.context.stop.asked() => None,
            done = self.context.slot.wait(waiting) => Some(done),
        }
    }

    /// Warns of answers that are odd, once in a run.
    fn warn(&self, dealt: &Dealt) {
        if dealt.odd_body && !self.warned_of_body.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the destination accepts objects with a body that is not the service's; they count as delivered"
            );
        }
        if dealt.odd_errors && !self.warned_of_errors.swap(true, Ordering::Relaxed) {
            tracing::warn!("the destination's answer has an error that names no object of the request");
        }
    }
}

/// What comes next where only objects are left that are set aside.
enum Again {
    /// There are none.
    Done,
    /// Some are to be sent again.
    Send,
    /// It was tried often enough.
    HoldBack,
    /// The run is to stop.
    Stopped,
}

/// What the destination has decided about some objects.
enum Verdict {
    /// These are refused, the others accepted.
    Dealt(Vec<(usize, String)>),
    RefusedTogether(String),
    /// It fails at them again and again; at a single one while it takes others.
    Failing(StatusCode),
    /// It fails at a single one, and perhaps at all: the others are to be tried first.
    PutOff,
    /// The run is to stop.
    Stopped,
}
