//! Slows down peers that send bad keys again and again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bad keys of one peer in a window that are answered at once.
const FREE: u32 = 10;
/// The length of a window.
const WINDOW: Duration = Duration::from_secs(60);
/// Peers that are remembered in a window. Further ones are not slowed down.
const MAX_PEERS: usize = 10_000;
/// How long a further answer is delayed.
pub(super) const DELAY: Duration = Duration::from_millis(200);

/// Counts the bad keys of each peer.
#[derive(Debug)]
pub struct BadKeys {
    delay: Duration,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    start: Instant,
    by_peer: HashMap<IpAddr, u32>,
}

impl BadKeys {
    /// For requests that have this deadline, before which a delayed answer comes too.
    pub fn new(deadline: Duration) -> BadKeys {
        let window = Window { start: Instant::now(), by_peer: HashMap::new() };
        BadKeys { delay: DELAY.min(deadline / 4), window: Mutex::new(window) }
    }

    /// Counts a bad key of this peer. Returns how long its answer is to be delayed.
    ///
    /// Programs of this machine are not slowed down: they are test tools, or a proxy that speaks for many.
    pub fn count(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        if peer.is_loopback() {
            return None;
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.start) >= WINDOW {
            *window = Window { start: now, by_peer: HashMap::new() };
        }
        if window.by_peer.len() >= MAX_PEERS && !window.by_peer.contains_key(&peer) {
            return None;
        }
        let count = window.by_peer.entry(peer).or_default();
        *count = count.saturating_add(1);
        (*count > FREE).then_some(self.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn the_eleventh_bad_key_of_a_peer_in_a_minute_is_answered_late() {
        let bad_keys = BadKeys::new(Duration::from_secs(10));
        let begin = Instant::now();
        for _ in 0..10 {
            assert_eq!(bad_keys.count(peer(1), begin), None);
        }
        assert_eq!(bad_keys.count(peer(1), begin), Some(DELAY));
        assert_eq!(bad_keys.count(peer(2), begin), None, "another peer");
        let this_machine = std::net::Ipv4Addr::LOCALHOST.into();
        assert!((0..20).all(|_| bad_keys.count(this_machine, begin).is_none()));
        assert_eq!(bad_keys.count(peer(1), begin + Duration::from_secs(61)), None, "a minute later");
    }

    #[test]
    fn a_late_answer_comes_before_the_deadline() {
        let bad_keys = BadKeys::new(Duration::from_millis(500));
        let now = Instant::now();
        assert_eq!((0..11).filter_map(|_| bad_keys.count(peer(1), now)).next(), Some(Duration::from_millis(125)));
    }

    #[test]
    fn many_peers_take_a_bounded_amount_of_memory() {
        let bad_keys = BadKeys::new(Duration::from_secs(10));
        let now = Instant::now();
        for number in 0..20_000 {
            bad_keys.count(peer(number), now);
        }
        assert_eq!(bad_keys.window.lock().unwrap().by_peer.len(), MAX_PEERS);
        assert_eq!((0..11).filter_map(|_| bad_keys.count(peer(1), now)).count(), 2, "known peers are still counted");
    }
}
