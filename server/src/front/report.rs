//! Log lines about connections that were refused, or closed at a limit.
//!
//! Strangers decide how many there are, so the log has one line for each reason in a minute, with the number of those that it
//! leaves out. At debug level it has a line for every connection.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::End;
use super::answers::said;

/// The log has one line about each reason in this time.
const INTERVAL: Duration = Duration::from_secs(60);

/// What was logged.
#[derive(Debug, Default)]
pub(super) struct Reports([Mutex<Report>; End::ALL.len()]);

#[derive(Debug, Default)]
struct Report {
    last: Option<Instant>,
    left_out: u64,
}

impl Reports {
    /// Logs the end of a connection, if it deserves a line.
    pub(super) fn ended(&self, peer: IpAddr, end: End) {
        if !deserves_a_line(end) {
            return;
        }
        let Some(left_out) = self.due(end) else { return };
        let (reason, left_out) = (end.as_str(), (left_out > 0).then_some(left_out));
        let (status, detail) = said(end).map_or((None, None), |(status, _, detail)| (Some(status), Some(detail)));
        if matches!(end, End::TooManyFiles | End::Unavailable) {
            tracing::warn!(%peer, reason, status, detail, left_out, "connection refused");
        } else {
            tracing::info!(%peer, reason, status, detail, left_out, "connection refused or closed");
        }
    }

    /// Whether a line is due, and how many were left out before it.
    fn due(&self, end: End) -> Option<u64> {
        // Its values are replaced one by one, and each is valid with any other.
        let mut report = self.0[end as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if report.last.is_some_and(|last| last.elapsed() < INTERVAL) {
            report.left_out += 1;
            return None;
        }
        report.last = Some(Instant::now());
        Some(std::mem::take(&mut report.left_out))
    }
}

/// Whether a peer may ask why: it was told no, or closed although it was there. The usual ends of connections, and those of
/// connections without any request, as of a load balancer that looks whether the port is open, are none of these.
fn deserves_a_line(end: End) -> bool {
    match end {
        End::TooManyFiles
        | End::Http2
        | End::NotTls
        | End::Tls
        | End::NotHttp
        | End::LargeHead
        | End::Unavailable
        | End::BadHandshake
        | End::SlowHandshake
        | End::SlowRequest
        | End::StalledReader => true,
        // The acceptor tells of these, with what to do.
        End::TooManyConnections | End::TooManyFromAddress => false,
        End::Finished | End::Broken | End::Silent | End::Idle | End::Old | End::Draining => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_reason_has_a_line_a_minute() {
        let reports = Reports::default();
        assert_eq!([(); 3].map(|()| reports.due(End::LargeHead)), [Some(0), None, None]);
        assert_eq!(reports.due(End::SlowRequest), Some(0));
        tokio::time::advance(INTERVAL).await;
        assert_eq!([(); 2].map(|()| reports.due(End::LargeHead)), [Some(2), None]);
    }
}
