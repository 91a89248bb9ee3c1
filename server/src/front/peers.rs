//! Who is behind each connection of the front to the HTTP server.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

/// A table of the connections to the HTTP server. It is shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    /// By the address of the front's end of the connection.
    by_connection: Arc<RwLock<HashMap<SocketAddr, IpAddr>>>,
}

impl Peers {
    /// The address of the peer whose requests arrive at the HTTP server from this address; `None` if the front has no such
    /// connection, as for another program of this machine.
    pub fn peer_of(&self, connection: SocketAddr) -> Option<IpAddr> {
        self.by_connection.read().unwrap_or_else(PoisonError::into_inner).get(&connection).copied()
    }

    /// Adds a connection until the entry is dropped, which must be before the connection is closed: afterwards another one may
    /// have its port.
    pub(crate) fn add(&self, connection: SocketAddr, peer: IpAddr) -> PeerEntry {
        self.by_connection.write().unwrap_or_else(PoisonError::into_inner).insert(connection, peer);
        PeerEntry { peers: self.clone(), connection }
    }
}

/// A connection in the table.
#[derive(Debug)]
pub(crate) struct PeerEntry {
    peers: Peers,
    connection: SocketAddr,
}

impl Drop for PeerEntry {
    fn drop(&mut self) {
        self.peers.by_connection.write().unwrap_or_else(PoisonError::into_inner).remove(&self.connection);
    }
}

#[cfg(test)]
impl Peers {
    pub(super) fn len(&self) -> usize {
        self.by_connection.read().unwrap().len()
    }
}
