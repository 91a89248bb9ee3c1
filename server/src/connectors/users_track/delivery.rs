//! Delivery to Braze's `POST /users/track` and `POST /users/delete`, or a compatible service.
//!
//! A batch is sent until every object is accepted or refused. If the batch is refused as a whole, or the service fails
//! at it repeatedly, it is halved until the offending objects are alone. An object that is refused alone without being
//! named is sent again at the end of its batch before it is refused for good. When requests may be sent is up to the throttle
//! of the service, which all runs share. A run that is asked to stop waits for nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use hyper::body::Bytes;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::endpoint::Endpoint;
use super::limits::MOST_BYTES;
use super::settings::UsersTrack;
use super::stretches::{Doubt, Stretch, Stretches};
use super::suspects::{Signal, Suspects};
use super::throttle::{Permit, Shared};
use super::track_response::{Meaning, Processed};
use crate::metrics::{InFlight, METRICS};
use crate::sync::SyncError;
use crate::sync::batch::Batch;
use crate::sync::destination::{DeliveryContext, Limits, Outcome};
use crate::types::IntegrationKind;

/// After this many failures in a row, objects are sent in smaller parts.
const FAILURES_TOGETHER: usize = 3;
/// After this many failures in a row, while other objects are accepted, a single object may be refused. More than for
/// parts, because the object is then skipped.
const FAILURES_ALONE: usize = 5;
/// For an object that was never in a larger part that failed: the service must have processed other objects between
/// this many failures.
const FAILURES_BETWEEN: usize = 3;

/// A service opened for a run.
#[derive(Debug)]
pub struct OpenUsersTrack {
    endpoint: Endpoint,
    objects: usize,
    give_up_after: Duration,
    give_up_when_limited_after: Duration,
    /// Its `first_pause` applies if the service does not say how long to wait, and is the minimum if it does.
    context: DeliveryContext,
    throttle: Shared,
    in_flight: usize,
    suspects: Suspects,
    /// Until the service has accepted something, only one batch at a time is searched for the objects that are refused.
    turn: Mutex<()>,
    /// Whether each warning has been logged in this run.
    warned_of_body: AtomicBool,
    warned_of_errors: AtomicBool,
}

impl OpenUsersTrack {
    /// Prepares the connections without sending anything.
    pub fn open(
        settings: &UsersTrack,
        kind: IntegrationKind,
        context: DeliveryContext,
    ) -> Result<OpenUsersTrack, SyncError> {
        let endpoint = Endpoint::new(settings, kind)?;
        let most = settings.most(kind);
        let throttle = Shared::join(endpoint.address(), &settings.api_key, most);
        Ok(OpenUsersTrack {
            objects: settings.batch_size.unwrap_or(endpoint.most_objects).min(endpoint.most_objects),
            endpoint,
            context,
            give_up_after: settings.give_up_after,
            give_up_when_limited_after: settings.give_up_when_limited_after,
            throttle,
            in_flight: most.in_flight,
            suspects: Suspects::new(),
            turn: Mutex::new(()),
            warned_of_body: AtomicBool::new(false),
            warned_of_errors: AtomicBool::new(false),
        })
    }

    /// Maximum requests in flight, and objects and bytes per request.
    pub fn limits(&self) -> Limits {
        Limits { in_flight: self.in_flight, objects: self.objects, bytes: MOST_BYTES, separator: b',' }
    }

    /// The objects that may have been refused for a reason that has nothing to do with them.
    pub fn suspects(&self) -> &Suspects {
        &self.suspects
    }

    /// Delivers a batch: records the outcome of each object, until all have one or the run is asked to stop.
    pub async fn deliver(&self, batch: &Batch, outcomes: &mut [Option<Outcome>]) -> Result<(), SyncError> {
        let _delivering = self.suspects.delivering();
        let mut stretches = Stretches::of(batch);
        let mut turn = None;
        // Kept from one request to the next, so that a batch whose requests fail is decided about before others are tried. It is
        // returned before waiting for other deliveries, which may need it.
        let mut permit = None;
        loop {
            let Some(mut stretch) = stretches.next(self.suspects.are_many()) else {
                // Another batch may have to be searched for refused objects.
                (turn, permit) = (None, None);
                match self.next_step(&mut stretches).await? {
                    NextStep::Done => break,
                    NextStep::Send => {}
                    NextStep::HoldBack => {
                        for Stretch { objects, doubt, .. } in stretches.take_suspects() {
                            let reason = doubt.map(|doubt| doubt.reason).unwrap_or_default();
                            outcomes[objects.start] = Some(Outcome::Suspected(self.suspects.hold_back(), reason));
                        }
                    }
                    NextStep::Stopped => return Ok(()),
                }
                continue;
            };
            if self.suspects.is_trusted() {
                turn = None;
            } else if turn.is_none() {
                if self.wait(self.throttle.allow(&mut permit)).await.is_none() {
                    return Ok(());
                }
                // Everything may be refused: what the batch shows that is searched now is waited for.
                if !self.suspects.is_trusted() && self.turn.try_lock().is_err() {
                    permit = None;
                    let Some(lock) = self.wait(self.turn.lock()).await else { return Ok(()) };
                    turn = Some(lock).filter(|_| !self.suspects.is_trusted());
                }
            }
            let first = stretch.objects.start;
            match self.send(batch, &mut stretch, &mut permit).await? {
                Verdict::Processed(refusals) => {
                    stretches.processed();
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
                        // If the order of objects prevents sampling the batch, every object is checked first.
                        if stretches.are_independent() {
                            self.suspects.judge().await?;
                        }
                    }
                },
                Verdict::RefusedTogether(reason) => {
                    if turn.is_none() && !self.suspects.is_trusted() {
                        permit = None;
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
                Verdict::Postponed => stretches.postpone(stretch),
                Verdict::Stopped => return Ok(()),
            }
            if self.context.stop.is_asked() {
                return Ok(());
            }
        }
        self.suspects.judge().await
    }

    /// Halves a stretch. The halves inherit its retry time only if the service has processed nothing else since.
    fn halve(&self, stretches: &mut Stretches<'_>, mut stretch: Stretch) {
        if self.suspects.last_processed() > stretch.patience.failing_since {
            stretch.patience = Default::default();
        }
        stretch.failed_at = Some(self.suspects.begun());
        stretches.halve(&stretch);
    }

    /// Decides which suspects to send again, when all other objects of the batch that may be sent have been processed.
    async fn next_step(&self, stretches: &mut Stretches<'_>) -> Result<NextStep, SyncError> {
        loop {
            let Some(refused_at) = stretches.first_refusal() else { return Ok(NextStep::Done) };
            let pausing = match self.wait(self.suspects.wait_for_signal(refused_at)).await {
                Some(Signal::Processed) => {
                    stretches.release_suspects(|refused_at| self.suspects.has_processed_after(refused_at));
                    return Ok(NextStep::Send);
                }
                Some(Signal::Retry) => {
                    stretches.try_one();
                    return Ok(NextStep::Send);
                }
                Some(Signal::BackOff(pausing)) => pausing,
                None => return Ok(NextStep::Stopped),
            };
            let Some(pause) = pausing.next_pause(self.context.first_pause) else {
                self.suspects.judge_tried()?;
                return Ok(NextStep::HoldBack);
            };
            match self.wait(timeout(pause, self.suspects.processed_after(refused_at))).await {
                Some(Ok(())) => {}
                Some(Err(_)) => {
                    pausing.try_again();
                    stretches.try_one();
                    return Ok(NextStep::Send);
                }
                None => return Ok(NextStep::Stopped),
            }
        }
    }

    /// Sends objects until the service has processed them, or has failed at them too often.
    async fn send<'a>(
        &'a self,
        batch: &Batch,
        stretch: &mut Stretch,
        permit: &mut Option<Permit<'a>>,
    ) -> Result<Verdict, SyncError> {
        let array = self.endpoint.array(batch.key);
        let objects = batch.bytes(stretch.objects.clone());
        let body = Bytes::from([b"{\"", array.as_bytes(), b"\":[", objects, b"]}"].concat());
        let (alone, size) = (stretch.len() == 1, body.len());
        let (mut failures, mut between, mut processed_before) = (0, 0, None);
        while self.may_send(permit).await {
            let request = self.suspects.begin_request();
            let sent_at = Instant::now();
            let in_flight = InFlight::begin(&METRICS.destination_requests_in_flight);
            let sent = {
                let fence = &self.context.fence;
                fence.within(self.endpoint.post(body.clone(), fence, stretch.len())).await
            };
            drop(in_flight);
            // If the lease ended first, the request is repeated once the lease is held again.
            let Some(meaning) = sent else { continue };
            match &meaning {
                Ok(Meaning::Processed(_)) => {
                    request.processed();
                    self.throttle.pauses.processed(sent_at);
                    self.throttle.answered(sent_at, size, true);
                }
                Ok(Meaning::RefusedTogether(_)) => self.throttle.answered(sent_at, size, false),
                Ok(Meaning::ServerError(..)) => {
                    request.failed();
                    self.throttle.failed();
                }
                Ok(Meaning::Transient(..)) => self.throttle.failed(),
                Ok(Meaning::RateLimited(_)) | Err(_) => {}
            }
            drop(request);
            let (reason, asked) = match meaning? {
                Meaning::Processed(processed) => {
                    self.warn(&processed);
                    return Ok(Verdict::Processed(processed.refused));
                }
                Meaning::RefusedTogether(reason) => return Ok(Verdict::RefusedTogether(reason)),
                Meaning::RateLimited(asked) => {
                    let first = self.context.first_pause;
                    let pause = asked.unwrap_or_else(|| stretch.patience.next_pause(first)).max(first);
                    let last_processed = self.suspects.last_processed();
                    stretch.patience.limited(last_processed, pause, self.give_up_when_limited_after)?;
                    METRICS.retries("rate_limited");
                    self.context.trouble.pauses("the destination's rate limit is reached (429)", pause);
                    self.throttle.limited(asked.map(|_| pause));
                    // Without a pause for all, this request waits longer than the others.
                    if asked.is_none() && self.wait(sleep(pause)).await.is_none() {
                        return Ok(Verdict::Stopped);
                    }
                    continue;
                }
                Meaning::ServerError(status, asked) => {
                    let answers = self.suspects.answers();
                    between += usize::from(
                        processed_before.replace(answers.processed).is_some_and(|before| answers.processed > before),
                    );
                    // A failure with a `Retry-After` is not about these objects.
                    failures += usize::from(asked.is_none());
                    stretch.failures.add(status, asked.is_some(), answers);
                    // An object is skipped only if the service has processed other objects sent after the part with
                    // this object failed, or between its failures at this object. While a service goes down, a few
                    // requests may still succeed.
                    let others_pass = stretch.failed_at.is_some_and(|then| self.suspects.has_processed_after(then))
                        || between >= FAILURES_BETWEEN;
                    let is_failing = if alone {
                        failures >= FAILURES_ALONE && others_pass && stretch.failures.are_about_the_object(answers)
                    } else {
                        failures >= FAILURES_TOGETHER
                    };
                    if is_failing {
                        return Ok(Verdict::Failing(status));
                    }
                    // The retry time of a single object starts again while other objects are processed.
                    if alone && asked.is_none() && self.suspects.last_processed() > stretch.patience.failing_since {
                        stretch.patience = Default::default();
                    }
                    (format!("the destination answers {status}"), asked)
                }
                Meaning::Transient(reason, asked) => (reason, asked),
            };
            let pause = stretch.patience.next_pause(self.context.first_pause).max(asked.unwrap_or_default());
            stretch.patience.failed(&reason, pause, self.give_up_after)?;
            self.throttle.pauses.failed(&reason, pause);
            METRICS.retries("failed");
            self.context.trouble.pauses(&reason, pause);
            if self.wait(sleep(pause)).await.is_none() {
                return Ok(Verdict::Stopped);
            }
            if alone && failures >= FAILURES_ALONE {
                return Ok(Verdict::Postponed);
            }
        }
        Ok(Verdict::Stopped)
    }

    /// Waits until a request may be sent; `false` if the run is asked to stop first.
    async fn may_send<'a>(&'a self, permit: &mut Option<Permit<'a>>) -> bool {
        loop {
            if self.wait(self.throttle.ready(permit)).await.is_none() {
                return false;
            }
            // A pause may have begun while the run's slot was waited for.
            if self.throttle.pauses.until().is_some() {
                continue;
            }
            if self.context.fence.is_open() {
                return true;
            }
            if self.wait(self.context.fence.pass()).await.is_none() {
                return false;
            }
        }
    }

    /// Waits, releasing the run's slot if it takes long; `None` if the run is asked to stop first.
    async fn wait<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.context.stop.asked() => None,
            done = self.context.slot.wait(waiting) => Some(done),
        }
    }

    /// Logs a warning about unexpected answers, once per run.
    fn warn(&self, processed: &Processed) {
        if processed.foreign_body && !self.warned_of_body.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the destination accepts objects with a body that is empty, cut off or without the message that Braze's have; they count as delivered"
            );
        }
        if processed.unassigned_errors && !self.warned_of_errors.swap(true, Ordering::Relaxed) {
            tracing::warn!("the destination's answer has an error that names no object of the request");
        }
    }
}

/// What to do when only suspects are left.
enum NextStep {
    /// No suspects are left.
    Done,
    /// Some suspects are to be sent again.
    Send,
    /// They were tried often enough.
    HoldBack,
    /// The run is asked to stop.
    Stopped,
}

/// The service's decision about some objects.
enum Verdict {
    /// These objects are refused, the others accepted.
    Processed(Vec<(usize, String)>),
    RefusedTogether(String),
    /// The service repeatedly fails at these objects; in the case of one object, while it processes others.
    Failing(StatusCode),
    /// The service fails at this object, and perhaps at all objects: try the others first.
    Postponed,
    /// The run is asked to stop.
    Stopped,
}
