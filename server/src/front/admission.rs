//! How many connections there may be, in total and from one peer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{End, Settings, Statistics};

/// Counts the open connections.
#[derive(Debug)]
pub(super) struct Admission {
    max_total: usize,
    max_per_peer: usize,
    open: Mutex<Open>,
    statistics: Arc<Statistics>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_peer: HashMap<IpAddr, usize>,
}

impl Admission {
    pub(super) fn new(settings: &Settings, statistics: Arc<Statistics>) -> Arc<Admission> {
        Arc::new(Admission {
            max_total: settings.max_connections,
            max_per_peer: settings.max_connections_per_address,
            open: Mutex::default(),
            statistics,
        })
    }

    /// Counts a connection until the ticket is dropped, or says why there may not be another one.
    pub(super) fn admit(self: &Arc<Admission>, peer: IpAddr) -> Result<Ticket, End> {
        let peer = network(peer);
        let mut open = self.open();
        // The address first: a peer with too many learns that it is the reason.
        if open.by_peer.get(&peer).is_some_and(|count| *count >= self.max_per_peer) {
            return Err(End::TooManyFromAddress);
        }
        if open.total >= self.max_total {
            return Err(End::TooManyConnections);
        }
        open.total += 1;
        *open.by_peer.entry(peer).or_default() += 1;
        self.statistics.open.store(open.total, Ordering::Relaxed);
        Ok(Ticket { admission: self.clone(), peer })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    peer: IpAddr,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.total -= 1;
        if let Some(count) = open.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
        self.admission.statistics.open.store(open.total, Ordering::Relaxed);
    }
}

/// What counts as one peer of this address: an IPv4 address, or the 64 bits of an IPv6 address that a single customer has.
pub fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admission(max_total: usize, max_per_peer: usize) -> Arc<Admission> {
        let settings = Settings {
            max_connections: max_total,
            max_connections_per_address: max_per_peer,
            ..Settings::new(Duration::ZERO)
        };
        Admission::new(&settings, Arc::default())
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_counted_in_total_and_by_peer_until_they_end() {
        let admission = admission(3, 2);
        let first = admission.admit(peer("192.0.2.1")).unwrap();
        let second = admission.admit(peer("::ffff:192.0.2.1")).unwrap();
        assert_eq!(admission.admit(peer("192.0.2.1")).unwrap_err(), End::TooManyFromAddress);
        let third = admission.admit(peer("192.0.2.2")).unwrap();
        assert_eq!(admission.admit(peer("192.0.2.3")).unwrap_err(), End::TooManyConnections);
        assert_eq!(admission.statistics.open.load(Ordering::Relaxed), 3);
        drop((first, third));
        let _fourth = admission.admit(peer("192.0.2.1")).unwrap();
        drop(second);
        assert_eq!(admission.open().by_peer.len(), 1, "peers without a connection take no memory");
        assert_eq!(admission.statistics.open.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_ipv6_peer_is_a_network_of_64_bits() {
        let admission = admission(9, 1);
        let _first = admission.admit(peer("2001:db8:0:1::1")).unwrap();
        assert_eq!(admission.admit(peer("2001:db8:0:1:ffff::2")).unwrap_err(), End::TooManyFromAddress);
        assert!(admission.admit(peer("2001:db8:0:2::1")).is_ok());
    }
}
