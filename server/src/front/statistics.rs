//! What the front counts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Refused: there were as many connections as allowed.
    TooManyConnections,
    /// Refused: there were as many connections from its address as allowed.
    TooManyFromAddress,
    /// Refused: the process had as many open files as allowed.
    TooManyFiles,
    /// Refused: it began with HTTP/2.
    Http2,
    /// Refused: it began with plain HTTP where TLS is spoken.
    NotTls,
    /// Refused: it began with TLS where plain HTTP is spoken.
    Tls,
    /// Refused: it began with something that begins no request.
    NotHttp,
    /// Refused: the head of a request was too long.
    LargeHead,
    /// Refused: the HTTP server took no connection.
    Unavailable,
    /// The peer or the HTTP server closed it.
    Finished,
    /// It failed, as when the peer reset it.
    Broken,
    /// The TLS handshake failed.
    BadHandshake,
    /// The TLS handshake took too long.
    SlowHandshake,
    /// No request came.
    Silent,
    /// A request did not come completely in time.
    SlowRequest,
    /// No further request came.
    Idle,
    /// The peer did not read an answer.
    StalledReader,
    /// It was open for as long as allowed.
    Old,
    /// The service shut down.
    Draining,
}

impl End {
    /// All of them, in the order of their declaration.
    pub const ALL: [End; 19] = [
        End::TooManyConnections,
        End::TooManyFromAddress,
        End::TooManyFiles,
        End::Http2,
        End::NotTls,
        End::Tls,
        End::NotHttp,
        End::LargeHead,
        End::Unavailable,
        End::Finished,
        End::Broken,
        End::BadHandshake,
        End::SlowHandshake,
        End::Silent,
        End::SlowRequest,
        End::Idle,
        End::StalledReader,
        End::Old,
        End::Draining,
    ];

    /// Whether the connection was refused, rather than used and closed.
    pub fn is_refusal(self) -> bool {
        (self as usize) < End::Finished as usize
    }

    /// Its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            End::TooManyConnections => "too_many_connections",
            End::TooManyFromAddress => "too_many_from_address",
            End::TooManyFiles => "too_many_open_files",
            End::Http2 => "http2",
            End::NotTls => "not_tls",
            End::Tls => "tls",
            End::NotHttp => "not_http",
            End::LargeHead => "large_head",
            End::Unavailable => "unavailable",
            End::Finished => "finished",
            End::Broken => "broken",
            End::BadHandshake => "bad_handshake",
            End::SlowHandshake => "slow_handshake",
            End::Silent => "silent",
            End::SlowRequest => "slow_request",
            End::Idle => "idle",
            End::StalledReader => "stalled_reader",
            End::Old => "old",
            End::Draining => "draining",
        }
    }
}

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Connections that are open now, without refused ones.
    pub open: AtomicUsize,
    ended: [AtomicU64; End::ALL.len()],
}

impl Statistics {
    /// How many connections ended for this reason.
    pub fn ended(&self, end: End) -> u64 {
        self.ended[end as usize].load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, end: End) {
        self.ended[end as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        assert!(End::ALL.iter().enumerate().all(|(index, end)| *end as usize == index));
        let names: std::collections::HashSet<&str> = End::ALL.iter().map(|end| end.as_str()).collect();
        assert_eq!(names.len(), End::ALL.len());
        assert_eq!(End::ALL.iter().filter(|end| end.is_refusal()).count(), 9);
    }
}
