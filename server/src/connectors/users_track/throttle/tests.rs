//! The throttle against services that limit the rate, in simulated time.

use std::collections::VecDeque;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const DEFAULT: Most = Most { rate: 975.0, in_flight: 256 };

/// How a service counts requests.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limiter {
    None,
    FixedWindows(usize),
    SlidingWindow(usize),
    TokenBucket(usize),
    /// None, but more requests at a time take longer.
    AtOnce(usize),
}

/// A service with a latency and a limit.
#[derive(Debug)]
struct Service {
    limiter: Limiter,
    latency: Duration,
    retry_after: Option<Duration>,
    state: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// When each accepted request of the last second was taken.
    taken: VecDeque<Instant>,
    window: u64,
    in_window: usize,
    tokens: f64,
    filled: Option<Instant>,
    accepted: usize,
    refused: usize,
    failed: usize,
    at_once: usize,
    is_dead: bool,
    begun: Option<Instant>,
}

impl Service {
    fn new(limiter: Limiter, latency: u64) -> Service {
        let latency = Duration::from_millis(latency);
        Service { limiter, latency, retry_after: None, state: Mutex::default() }
    }

    fn takes(&self, state: &mut Counts, now: Instant) -> bool {
        let begun = *state.begun.get_or_insert(now);
        match self.limiter {
            Limiter::None | Limiter::AtOnce(_) => true,
            Limiter::FixedWindows(most) => {
                let window = (now - begun).as_secs();
                if window != state.window {
                    (state.window, state.in_window) = (window, 0);
                }
                state.in_window += 1;
                state.in_window <= most
            }
            Limiter::SlidingWindow(most) => {
                while state.taken.pop_front_if(|then| now - *then >= SECOND).is_some() {}
                let takes = state.taken.len() < most;
                if takes {
                    state.taken.push_back(now);
                }
                takes
            }
            Limiter::TokenBucket(most) => {
                // It is full at first.
                let filled = state.filled.replace(now).unwrap_or(now - SECOND);
                let (burst, rate) = (most as f64 / 10.0, most as f64);
                state.tokens = (state.tokens + (now - filled).as_secs_f64() * rate).min(burst);
                let takes = state.tokens >= 1.0;
                state.tokens -= f64::from(u8::from(takes));
                takes
            }
        }
    }

    /// Answers a request: its status.
    async fn answer(&self) -> u16 {
        sleep(self.latency / 2).await;
        let status = {
            let mut state = locked(&self.state);
            state.at_once += 1;
            if state.is_dead {
                state.failed += 1;
                503
            } else if self.takes(&mut state, Instant::now()) {
                state.accepted += 1;
                201
            } else {
                state.refused += 1;
                429
            }
        };
        let slower = match self.limiter {
            Limiter::AtOnce(most) => locked(&self.state).at_once as f64 / most as f64,
            _ => 1.0,
        };
        sleep((self.latency / 2).mul_f64(slower.max(1.0))).await;
        locked(&self.state).at_once -= 1;
        status
    }
}

/// Sends requests, as many as it may, as deliveries do.
async fn send(throttle: &Throttle, service: &Service) {
    loop {
        let (mut permit, mut pauses) = (None::<Permit<'_>>, 0);
        loop {
            throttle.ready(&mut permit).await;
            let sent = Instant::now();
            let status = service.answer().await;
            let pause = Duration::from_millis(250 * 2_u64.pow(pauses)).min(Duration::from_secs(30));
            match status {
                201 => {
                    throttle.answered(sent, 20_000, true);
                    break;
                }
                429 => {
                    throttle.limited(service.retry_after);
                    if service.retry_after.is_none() {
                        sleep(pause).await;
                    }
                }
                _ => {
                    throttle.failed();
                    sleep(pause).await;
                }
            }
            pauses = (pauses + 1).min(7);
        }
    }
}

/// Starts to send with this many deliveries at the same time.
fn start(throttle: &Arc<Throttle>, service: &Arc<Service>, deliveries: usize) -> JoinSet<()> {
    (0..deliveries)
        .map(|_| {
            let (throttle, service) = (throttle.clone(), service.clone());
            async move { send(&throttle, &service).await }
        })
        .collect()
}

/// How many requests were accepted and refused by a service in so many seconds, after others.
async fn measure(service: Service, most: Most, before: u32, seconds: u32) -> (f64, f64) {
    let (throttle, service) = (Arc::new(Throttle::new(most)), Arc::new(service));
    let _deliveries = start(&throttle, &service, 256);
    sleep(SECOND * before).await;
    let counts = || {
        let state = locked(&service.state);
        (state.accepted as f64, state.refused as f64)
    };
    let at_first = counts();
    sleep(SECOND * seconds).await;
    let at_last = counts();
    ((at_last.0 - at_first.0) / f64::from(seconds), (at_last.1 - at_first.1) / f64::from(seconds))
}

#[tokio::test(start_paused = true)]
async fn it_is_as_fast_as_the_service_at_any_latency_and_hardly_ever_refused() {
    for latency in [5, 50, 150] {
        for limiter in [Limiter::FixedWindows(1000), Limiter::SlidingWindow(1000), Limiter::TokenBucket(1000)] {
            let (accepted, refused) = measure(Service::new(limiter, latency), DEFAULT, 0, 10).await;
            assert!(
                accepted >= 893.0 && refused * 1000.0 < accepted,
                "{limiter:?}, {latency} ms: {accepted} {refused}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_limit_is_found_and_kept() {
    for latency in [5, 50, 150] {
        for limiter in [Limiter::FixedWindows(300), Limiter::SlidingWindow(300), Limiter::TokenBucket(300)] {
            for retry_after in [None, Some(SECOND)] {
                let service = Service { retry_after, ..Service::new(limiter, latency) };
                let (accepted, refused) = measure(service, DEFAULT, 0, 60).await;
                let what = format!("{limiter:?}, {latency} ms, {retry_after:?}: {accepted} {refused}");
                assert!(accepted >= 0.7 * 300.0 && refused < 3.0, "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_becomes_fast_again_when_a_limit_is_gone() {
    let throttle = Arc::new(Throttle::new(DEFAULT));
    throttle.limited(None);
    for _ in 0..4 {
        sleep(2 * SECOND).await;
        throttle.limited(None);
    }
    assert!(throttle.rate() < 30.0, "{}", throttle.rate());
    let service = Arc::new(Service::new(Limiter::None, 50));
    let _deliveries = start(&throttle, &service, 256);
    sleep(200 * SECOND).await;
    assert_eq!(throttle.rate(), DEFAULT.rate);
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_gets_no_more_requests_at_once_than_help() {
    let service = Arc::new(Service::new(Limiter::AtOnce(20), 100));
    let throttle = Arc::new(Throttle::new(DEFAULT));
    let _deliveries = start(&throttle, &service, 256);
    sleep(30 * SECOND).await;
    let accepted = locked(&service.state).accepted;
    assert!((20..128).contains(&throttle.in_flight()) && accepted >= 30 * 250, "{} {accepted}", throttle.in_flight());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_becomes_slower_stays_fast() {
    let mut service = Service::new(Limiter::None, 20);
    let throttle = Arc::new(Throttle::new(DEFAULT));
    let deliveries = start(&throttle, &Arc::new(service), 256);
    sleep(10 * SECOND).await;
    drop(deliveries);
    service = Service::new(Limiter::None, 300);
    let service = Arc::new(service);
    let _deliveries = start(&throttle, &service, 256);
    sleep(20 * SECOND).await;
    let before = locked(&service.state).accepted;
    sleep(10 * SECOND).await;
    let accepted = locked(&service.state).accepted - before;
    assert!(accepted >= 7000, "{accepted}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_service_is_asked_by_few_requests_and_recovers() {
    let (throttle, service) = (Arc::new(Throttle::new(DEFAULT)), Arc::new(Service::new(Limiter::None, 150)));
    let _deliveries = start(&throttle, &service, 256);
    sleep(10 * SECOND).await;
    assert!(throttle.in_flight() > 100, "{}", throttle.in_flight());
    locked(&service.state).is_dead = true;
    sleep(5 * SECOND).await;
    let failed = locked(&service.state).failed;
    assert!(failed < 800, "{failed}");
    sleep(60 * SECOND).await;
    let later = locked(&service.state).failed - failed;
    assert!(later <= 100, "{later} requests in a minute");
    locked(&service.state).is_dead = false;
    sleep(45 * SECOND).await;
    let before = locked(&service.state).accepted;
    sleep(10 * SECOND).await;
    let accepted = locked(&service.state).accepted - before;
    assert!(accepted >= 9000, "{accepted}");
}

#[tokio::test(start_paused = true)]
async fn runs_of_one_destination_share_its_throttle_and_the_lowest_settings_apply() {
    let key = Secret::new("key");
    let first = Shared::join("https://a", &key, DEFAULT);
    let second = Shared::join("https://a", &key, Most { rate: 100.0, in_flight: 4 });
    assert!(Arc::ptr_eq(&first.throttle, &second.throttle));
    assert_eq!((first.rate(), first.in_flight()), (100.0, 4));
    let other = Shared::join("https://a", &Secret::new("other"), DEFAULT);
    let another = Shared::join("https://b", &key, DEFAULT);
    assert_eq!((other.rate(), another.rate()), (975.0, 975.0));
    drop(second);
    assert_eq!(first.rate(), 975.0);
    first.limited(None);
    let third = Shared::join("https://a", &key, DEFAULT);
    drop(first);
    assert!(third.rate() < 975.0, "what was learnt stays while a run is open");
    drop(third);
    assert_eq!(Shared::join("https://a", &key, DEFAULT).rate(), 975.0);
}

#[tokio::test(start_paused = true)]
async fn permits_follow_the_number_in_flight() {
    let throttle = Throttle::new(Most { rate: 1e5, in_flight: 8 });
    let mut permits = Vec::new();
    for _ in 0..8 {
        permits.push(throttle.permit().await);
    }
    let waits = throttle.permit();
    tokio::pin!(waits);
    assert!(futures::poll!(&mut waits).is_pending());
    // Answers that fail make it four.
    throttle.failed();
    permits.drain(..4);
    assert_eq!(throttle.in_flight(), 8, "it is not lowered below eight while nothing is answered");
    assert!(futures::poll!(&mut waits).is_ready());
    drop(permits);
    assert_eq!(throttle.permits.available_permits(), 8);
    let fewer = Most { rate: 1e5, in_flight: 3 };
    let held = throttle.permit().await;
    throttle.change(|state| state.join(fewer));
    assert_eq!((throttle.in_flight(), throttle.permits.available_permits()), (3, 2));
    throttle.change(|state| state.join(Most { in_flight: 1, ..fewer }));
    assert!(!held.is_surplus() && throttle.permits.available_permits() == 0);
    drop(held);
    assert_eq!(throttle.permits.available_permits(), 1);
}
