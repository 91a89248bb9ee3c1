//! How many requests may be in flight and how many may be sent in a second, by the destination's answers.
//!
//! The number in flight doubles every round trip while it is used and answers stay quick. It shrinks when they become slow or
//! requests fail, and then grows by a tenth. The rate is lowered by 429s, to less than what the destination took, and grows
//! back: quickly at first, slowly near the rate at which 429s came, and faster again when none has come for long.

use std::time::Duration;

use tokio::time::Instant;

/// Requests in flight at first. It is not lowered further.
const START: f64 = 8.0;
/// By how much a number that is too high is lowered.
const LOWER: f64 = 0.8;
/// By how much the number in flight is raised, before and after it was lowered for the first time.
const DOUBLE: f64 = 2.0;
const TENTH: f64 = 1.1;
/// The part of a new answer in the average.
const WEIGHT: f64 = 0.1;
/// Answers are slow if they take twice as long as the quickest, and this.
const SLACK: Duration = Duration::from_millis(50);
/// Failures closer together count once.
const FAILURES_TOGETHER: Duration = Duration::from_millis(100);
/// 429s closer together count once.
const LIMITED_TOGETHER: Duration = Duration::from_secs(1);
/// The rate after a 429, as a part of what the destination took.
const BACK: f64 = 0.9;
/// Up to this part of the rate at which 429s came, the rate grows quickly.
const NEAR: f64 = 0.95;
/// Growth in a second: quickly, slowly, and when no 429 has come for long.
const QUICKLY: f64 = 0.2;
const SLOWLY: f64 = 0.0025;
const AGAIN: f64 = 0.05;
const LONG: Duration = Duration::from_secs(60);
/// Pauses between answers beyond this let nothing grow.
const LONGEST_STEP: Duration = Duration::from_millis(250);
/// The lowest rate.
const LOWEST: f64 = 1.0;

/// The most that the configuration allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Most {
    /// Requests in a second.
    pub rate: f64,
    /// Requests in flight.
    pub in_flight: usize,
}

impl Most {
    /// The lower of each.
    pub fn lowest(self, other: Most) -> Most {
        Most { rate: self.rate.min(other.rate), in_flight: self.in_flight.min(other.in_flight) }
    }
}

/// The numbers, and what they follow from.
#[derive(Debug)]
pub struct Rule {
    most: Most,
    in_flight: f64,
    /// By how much it is raised.
    raise: f64,
    rate: f64,
    /// The average time of an answer.
    latency: Duration,
    /// The average of how long answers took, as a part of what is slow.
    slowness: f64,
    /// The quickest answers to requests of about the same size.
    quickest: [Option<Duration>; 4],
    /// When the number in flight was last changed by an answer, and by a failure.
    stepped: Option<Instant>,
    failed: Option<Instant>,
    /// Whether anything was answered since that failure.
    answered: bool,
    /// When the rate was last lowered, and what the destination took then.
    limited: Option<(Instant, f64)>,
    grown: Option<Instant>,
    taken: LastSecond,
}

impl Rule {
    pub fn new(most: Most) -> Rule {
        Rule {
            most,
            in_flight: START.min(most.in_flight as f64),
            raise: DOUBLE,
            rate: most.rate,
            latency: Duration::ZERO,
            slowness: 0.0,
            quickest: [None; 4],
            stepped: None,
            failed: None,
            answered: false,
            limited: None,
            grown: None,
            taken: LastSecond::default(),
        }
    }

    /// Sets what the configuration allows.
    pub fn set_most(&mut self, most: Most) {
        if self.limited.is_none() {
            self.rate = most.rate;
        }
        self.most = most;
        self.rate = self.rate.min(most.rate);
        self.in_flight = self.in_flight.min(most.in_flight as f64);
    }

    /// Requests that may be in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight as usize
    }

    /// Requests that may be sent in a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The destination has answered a request of this size: it has processed it, or refused it for what is in it.
    /// `in_flight` is the number of requests in flight.
    pub fn answered(&mut self, now: Instant, latency: Duration, size: usize, processed: bool, in_flight: usize) {
        self.taken.add(now);
        self.answered = true;
        self.grow_rate(now);
        let quickest = self.quickest[class(size)].get_or_insert(latency);
        *quickest = latency.min(*quickest);
        let slow = *quickest * 2 + SLACK;
        let average = |old: f64, new: f64| old + WEIGHT * (new - old);
        self.slowness = average(self.slowness, latency.as_secs_f64() / slow.as_secs_f64());
        self.latency = match self.latency {
            Duration::ZERO => latency,
            old => Duration::from_secs_f64(average(old.as_secs_f64(), latency.as_secs_f64())),
        };
        if now - *self.stepped.get_or_insert(now) < self.latency {
            return;
        }
        self.stepped = Some(now);
        let floor = START.min(self.in_flight);
        if self.slowness > 1.0 && self.in_flight > floor {
            (self.in_flight, self.raise) = ((self.in_flight * LOWER).max(floor), TENTH);
        } else if self.slowness > 1.0 {
            // It is not the number of requests that makes it slow: these are its usual times now.
            (self.quickest, self.slowness) = ([None; 4], 0.0);
        } else if processed && in_flight as f64 >= self.in_flight * LOWER {
            self.in_flight = (self.in_flight * self.raise).min(self.most.in_flight as f64);
        }
    }

    /// A request has failed: the service answers 5xx, or not at all.
    pub fn failed(&mut self, now: Instant) {
        let together = self.latency.max(FAILURES_TOGETHER);
        if self.failed.is_some_and(|failed| now - failed < together) {
            return;
        }
        self.failed = Some(now);
        // Much, if nothing is answered any more.
        let lower = if std::mem::take(&mut self.answered) { LOWER } else { 0.5 };
        self.in_flight = (self.in_flight * lower).max(START.min(self.in_flight));
    }

    /// The destination has answered 429. Returns whether that lowers the rate.
    pub fn limited(&mut self, now: Instant) -> bool {
        if self.limited.is_some_and(|(limited, _)| now - limited < LIMITED_TOGETHER) {
            return false;
        }
        let taken = self.taken.count(now);
        // Where fewer requests were sent than the rate allows, what was taken says little about the limit.
        let before = self.limited.filter(|(limited, _)| now - *limited < LONG).map_or(self.rate, |(_, at)| at);
        let at = if taken < self.rate / 2.0 { before } else { taken };
        self.rate = (taken.max(self.rate / 3.0) * BACK).max(LOWEST).min(self.rate);
        self.limited = Some((now, at));
        true
    }

    fn grow_rate(&mut self, now: Instant) {
        let step = (now - self.grown.replace(now).unwrap_or(now)).min(LONGEST_STEP);
        let Some((limited, at)) = self.limited else { return };
        let growth = match now - limited {
            _ if self.rate < at * NEAR => QUICKLY,
            since if since > LONG => AGAIN,
            _ => SLOWLY,
        };
        self.rate = (self.rate * (1.0 + growth * step.as_secs_f64())).min(self.most.rate);
        if self.rate == self.most.rate && now - limited > LONG {
            self.limited = None;
        }
    }
}

/// The class of a request by its size: larger requests take longer.
fn class(size: usize) -> usize {
    match size {
        ..65_536 => 0,
        65_536..262_144 => 1,
        262_144..1_048_576 => 2,
        _ => 3,
    }
}

/// Counts events of the last second, by tenths.
#[derive(Debug, Default)]
struct LastSecond {
    begun: Option<Instant>,
    /// The tenth of the newest event, and the numbers of events in tenths.
    newest: u64,
    counts: [u32; TENTHS],
}

const TENTHS: usize = 10;

impl LastSecond {
    fn add(&mut self, now: Instant) {
        let tenth = self.advance(now);
        self.counts[tenth] += 1;
    }

    fn count(&mut self, now: Instant) -> f64 {
        self.advance(now);
        f64::from(self.counts.iter().sum::<u32>())
    }

    /// Forgets older events; returns the place of the current tenth.
    fn advance(&mut self, now: Instant) -> usize {
        let begun = *self.begun.get_or_insert(now);
        let tenth = ((now - begun).as_millis() / 100) as u64;
        for passed in (self.newest + 1..=tenth).take(TENTHS) {
            self.counts[(passed % TENTHS as u64) as usize] = 0;
        }
        if tenth > self.newest + TENTHS as u64 {
            self.counts = [0; TENTHS];
        }
        self.newest = self.newest.max(tenth);
        (self.newest % TENTHS as u64) as usize
    }
}
