//! `POST /users/track` and `POST /users/delete` of Braze, or of what answers like it.
//!
//! A batch is sent until the destination has said of every object whether it is accepted. A batch that is refused as a
//! whole is halved until the offending objects are alone. Pauses that the destination asks for hold for all lanes.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use chrono::Utc;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::body::Bytes;
use reqwest::Client;
use tokio::time::{Instant, sleep, sleep_until};

use super::answer::{self, Meaning};
use super::{DeliveryContext, Limits, Outcome, SyncError};
use crate::config::{self, IntegrationKind};
use crate::secret::Secret;
use crate::sync::batch::Batch;
use crate::sync::object::Group;

/// Objects that `/users/track` takes in a request.
const OBJECTS: usize = 75;
/// Users that `/users/delete` takes in a request.
const DELETES: usize = 50;
/// The service takes 4 MB; some bytes are left for what stands around the objects.
const BYTES: usize = 3_900_000;
/// Requests at once. The service allows 1,000 a second, so that this keeps pace with answers that take 8 ms.
const LANES: usize = 8;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer answers are cut off: 75 errors take a few kilobytes.
const LONGEST_ANSWER: usize = 1_000_000;
/// Pauses get longer as long as nothing works, but not longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A service that is ready for a run.
#[derive(Debug)]
pub struct UsersTrack {
    address: String,
    kind: IntegrationKind,
    objects: usize,
    http: Client,
    key: Secret,
    give_up_after: Duration,
    /// Its `first_pause` holds where the destination does not say how long to wait. What it asks for is never shorter.
    context: DeliveryContext,
    /// Nothing is sent before this moment.
    not_before: Mutex<Option<Instant>>,
}

impl UsersTrack {
    /// Prepares the connections; nothing is sent.
    pub fn open(
        settings: &config::UsersTrack,
        kind: IntegrationKind,
        context: DeliveryContext,
    ) -> Result<UsersTrack, SyncError> {
        let wrong =
            |error: &dyn std::fmt::Display| SyncError::Config(format!("the destination cannot be called: {error}"));
        let bearer = format!("Bearer {}", settings.api_key.expose());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|_| wrong(&"the key cannot stand in a header"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let http = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("opencdi/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build();
        let (path, most) = match kind {
            IntegrationKind::UserDeletes => ("users/delete", DELETES),
            _ => ("users/track", OBJECTS),
        };
        Ok(UsersTrack {
            address: format!("{}/{path}", settings.url),
            kind,
            objects: settings.batch_size.unwrap_or(most).min(most),
            http: http.map_err(|error| wrong(&error))?,
            key: settings.api_key.clone(),
            context,
            give_up_after: settings.give_up_after,
            not_before: Mutex::new(None),
        })
    }

    /// How much may travel at once.
    pub fn limits(&self) -> Limits {
        Limits { lanes: LANES, objects: self.objects, bytes: BYTES, separator: b',' }
    }

    /// Sends a request without objects, which the service refuses for that if it takes the key.
    pub async fn look(&self) -> Result<(), SyncError> {
        match self.post(Bytes::from_static(b"{}"), 0).await {
            Ok(Meaning::Trouble(reason, _)) => {
                Err(SyncError::Failed(format!("the destination is in trouble: {reason}")))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Delivers a batch: one outcome for each object.
    pub async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>, SyncError> {
        let mut outcomes = vec![Outcome::Delivered(None); batch.len()];
        // What is left to be sent, the next stretch last.
        let all = 0..batch.len();
        let mut stretches = vec![all];
        while let Some(stretch) = stretches.pop() {
            match self.send(batch, &stretch).await? {
                Verdict::Dealt(refusals) => {
                    for (index, reason) in refusals {
                        outcomes[stretch.start + index] = Outcome::Refused(reason);
                    }
                }
                Verdict::RefusedTogether(reason) if stretch.len() == 1 => {
                    outcomes[stretch.start] = Outcome::Refused(reason);
                }
                Verdict::RefusedTogether(reason) => {
                    tracing::debug!(objects = stretch.len(), reason, "the batch was refused as a whole; it is halved");
                    let middle = stretch.start + stretch.len() / 2;
                    stretches.push(middle..stretch.end);
                    stretches.push(stretch.start..middle);
                }
            }
        }
        Ok(outcomes)
    }

    /// Sends some objects until the destination has dealt with them.
    async fn send(&self, batch: &Batch, stretch: &Range<usize>) -> Result<Verdict, SyncError> {
        let array = self.array(batch.group);
        let body = Bytes::from([b"{\"", array.as_bytes(), b"\":[", batch.bytes(stretch.clone()), b"]}"].concat());
        let pauses = || {
            let pauses =
                ExponentialBuilder::new().with_min_delay(self.context.first_pause).with_max_delay(LONGEST_PAUSE);
            pauses.with_jitter().without_max_times().build()
        };
        let mut own_pauses = pauses();
        let mut trouble_since: Option<Instant> = None;
        loop {
            self.pause().await;
            self.context.fence.pass().await;
            let (reason, asked) = match self.post(body.clone(), stretch.len()).await? {
                Meaning::Dealt(refusals) => return Ok(Verdict::Dealt(refusals)),
                Meaning::RefusedTogether(reason) => return Ok(Verdict::RefusedTogether(reason)),
                Meaning::Later(asked) => {
                    let pause =
                        asked.or_else(|| own_pauses.next()).unwrap_or(LONGEST_PAUSE).max(self.context.first_pause);
                    tracing::info!(?pause, "the destination has too many requests");
                    self.pause_all(pause);
                    trouble_since = None;
                    continue;
                }
                Meaning::Trouble(reason, asked) => (reason, asked),
            };
            let since = *trouble_since.get_or_insert_with(Instant::now);
            let pause = own_pauses.next().unwrap_or(LONGEST_PAUSE).max(asked.unwrap_or_default());
            if since.elapsed() + pause > self.give_up_after {
                let waited = since.elapsed().as_secs_f64();
                return Err(SyncError::Failed(format!("the destination was in trouble for {waited:.1} s: {reason}")));
            }
            tracing::info!(reason, ?pause, "the destination is in trouble; trying again");
            sleep(pause).await;
        }
    }

    async fn post(&self, body: Bytes, objects: usize) -> Result<Meaning, SyncError> {
        match self.exchange(body).await {
            Ok((status, headers, answer)) => {
                answer::read(status, &headers, &self.without_key(answer), objects, Utc::now())
            }
            Err(error) => Ok(Meaning::Trouble(chain(&error.without_url()), None)),
        }
    }

    /// Some answers repeat the key, which must not get any further.
    fn without_key(&self, answer: Vec<u8>) -> Vec<u8> {
        /// A shorter one hardly is one, and may stand anywhere by accident.
        const SHORTEST: usize = 8;
        let key = self.key.expose();
        match String::from_utf8_lossy(&answer) {
            text if key.len() >= SHORTEST && text.contains(key) => text.replace(key, "…").into_bytes(),
            _ => answer,
        }
    }

    /// The name of the array in which a batch travels.
    fn array(&self, group: Group) -> &'static str {
        match (self.kind, group) {
            (IntegrationKind::Attributes, _) => "attributes",
            (IntegrationKind::Events, _) => "events",
            (IntegrationKind::Purchases, _) => "purchases",
            (IntegrationKind::UserDeletes, Group::Any) => "external_ids",
            (IntegrationKind::UserDeletes, Group::Aliases) => "user_aliases",
            (IntegrationKind::UserDeletes, Group::BrazeIds) => "braze_ids",
        }
    }

    async fn exchange(&self, body: Bytes) -> reqwest::Result<(http::StatusCode, HeaderMap, Vec<u8>)> {
        let mut response = self.http.post(&self.address).body(body).send().await?;
        let mut answer = Vec::new();
        while answer.len() < LONGEST_ANSWER
            && let Some(chunk) = response.chunk().await?
        {
            answer.extend_from_slice(&chunk);
        }
        Ok((response.status(), std::mem::take(response.headers_mut()), answer))
    }

    /// Waits until something may be sent.
    async fn pause(&self) {
        while let Some(until) = self.not_before().filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
    }

    /// Lets nobody send anything for a while.
    fn pause_all(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        *not_before = Some(not_before.map_or(until, |known| known.max(until)));
    }

    fn not_before(&self) -> Option<Instant> {
        *self.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the destination has decided about some objects.
enum Verdict {
    Dealt(Vec<(usize, String)>),
    RefusedTogether(String),
}

/// An error with its causes; reqwest keeps the telling part in them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
