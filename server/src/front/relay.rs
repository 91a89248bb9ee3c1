//! Passes bytes between a peer and the HTTP server until the connection ends, in two fixed buffers.
//!
//! It does not parse HTTP: a request begins with the first byte from the peer after an answer, and its answer with the next byte
//! from the server. Of requests sent at once, only the first is known; the others are bounded by the server's own deadline.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::buffer::{Buffer, HeadSearch};
use super::{End, Settings};

/// Before a connection becomes too old, it has this part of its lifetime to be found idle.
const RETIREMENT: u32 = 12;
/// How long an old connection has to be idle to be closed: longer than a peer takes to send its next request.
const SETTLED: Duration = Duration::from_millis(500);

/// A connection and what it is doing.
pub(super) struct Relay<'a, S> {
    settings: &'a Settings,
    client: &'a mut S,
    server: &'a mut TcpStream,
    opened: Instant,
    phase: Phase,
    head: HeadSearch,
    /// From the peer to the server.
    up: Buffer,
    /// From the server to the peer.
    down: Buffer,
    /// When the peer last took something of an answer, or an answer began to wait for it.
    taken: Instant,
    /// Whether written bytes may still be in the TLS session.
    is_flushing: bool,
    client_ended: bool,
    /// Whether the server knows that.
    server_knows: bool,
    /// Whether the server takes no more bytes.
    server_is_deaf: bool,
    server_ended: bool,
    has_answered: bool,
}

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// For the answer to a request that began at this time.
    Request(Instant),
    /// For the next request; the last byte of an answer came at this time.
    Idle(Instant),
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Relay<'a, S> {
    /// A connection whose first request began at `began`; `first` are its first bytes.
    pub(super) fn new(
        settings: &'a Settings,
        (client, server): (&'a mut S, &'a mut TcpStream),
        (opened, began): (Instant, Instant),
        first: Buffer,
    ) -> Relay<'a, S> {
        Relay {
            settings,
            client,
            server,
            opened,
            phase: Phase::Request(began),
            head: HeadSearch::default(),
            up: first,
            down: Buffer::new(),
            taken: began,
            is_flushing: false,
            client_ended: false,
            server_knows: false,
            server_is_deaf: false,
            server_ended: false,
            has_answered: false,
        }
    }

    /// Runs until the connection ends. Returns why, and whether the peer may be told so: not in the middle of an answer.
    pub(super) async fn run(mut self) -> (End, bool) {
        if self.head.push(self.up.filled()) > self.settings.max_head {
            return (End::LargeHead, true);
        }
        let mut timer = std::pin::pin!(sleep_until(self.deadline().0));
        let end = poll_fn(|cx| self.poll(cx, timer.as_mut())).await;
        (end, !self.has_answered)
    }

    fn poll(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<End> {
        let now = Instant::now();
        loop {
            let moved = match (self.move_up(cx, now), self.move_down(cx, now)) {
                (Ok(up), Ok(down)) => up || down,
                (Err(end), _) | (_, Err(end)) => return Poll::Ready(end),
            };
            // A peer that never stops sending does not stop the clock: the runtime makes every task pause.
            if !moved {
                break;
            }
        }
        loop {
            let (deadline, end) = self.deadline();
            if deadline <= Instant::now() {
                return Poll::Ready(end);
            }
            // A later deadline needs no change: the timer is set anew when it has fired.
            if deadline < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(deadline);
            }
            std::task::ready!(timer.as_mut().poll(cx));
        }
    }

    /// Moves bytes from the peer to the server. Returns whether any moved.
    fn move_up(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, End> {
        let mut moved = false;
        if self.up.is_empty() && !self.client_ended {
            match self.up.poll_read(cx, self.client) {
                Poll::Ready(Ok(0)) => (self.client_ended, moved) = (true, true),
                Poll::Ready(Ok(_)) => {
                    moved = true;
                    if let Phase::Idle(_) = self.phase {
                        self.phase = Phase::Request(now);
                        self.head = HeadSearch::default();
                    }
                    if self.head.push(self.up.filled()) > self.settings.max_head {
                        return Err(End::LargeHead);
                    }
                }
                // A peer that ends TLS without saying so.
                Poll::Ready(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    (self.client_ended, moved) = (true, true);
                }
                Poll::Ready(Err(_)) => return Err(End::Broken),
                Poll::Pending => {}
            }
        }
        if self.server_is_deaf {
            self.up.clear();
        }
        if !self.up.is_empty() {
            match self.up.poll_write(cx, self.server) {
                Poll::Ready(Ok(())) => moved = true,
                // Its answer may still be on the way.
                Poll::Ready(Err(_)) => (self.server_is_deaf, moved) = (true, true),
                Poll::Pending => {}
            }
        }
        if self.client_ended && self.up.is_empty() && !self.server_knows {
            self.server_knows = Pin::new(&mut *self.server).poll_shutdown(cx).is_ready();
        }
        Ok(moved)
    }

    /// Moves bytes from the server to the peer. Returns whether any moved.
    fn move_down(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, End> {
        let mut moved = false;
        if self.down.is_empty() && !self.is_flushing && !self.server_ended {
            match self.down.poll_read(cx, self.server) {
                Poll::Ready(Ok(0) | Err(_)) => (self.server_ended, moved) = (true, true),
                Poll::Ready(Ok(_)) => {
                    moved = true;
                    self.phase = Phase::Idle(now);
                    (self.has_answered, self.taken) = (true, now);
                }
                Poll::Pending => {}
            }
        }
        if !self.down.is_empty() {
            match self.down.poll_write(cx, self.client) {
                Poll::Ready(Ok(())) => (self.is_flushing, self.taken, moved) = (true, now, true),
                Poll::Ready(Err(_)) => return Err(End::Broken),
                Poll::Pending => {}
            }
        }
        if self.is_flushing && self.down.is_empty() {
            match Pin::new(&mut *self.client).poll_flush(cx) {
                Poll::Ready(Ok(())) => (self.is_flushing, moved) = (false, true),
                Poll::Ready(Err(_)) => return Err(End::Broken),
                Poll::Pending => {}
            }
        }
        if self.server_ended && self.down.is_empty() && !self.is_flushing {
            return Err(End::Finished);
        }
        Ok(moved)
    }

    /// When the connection ends if nothing happens until then, and why.
    fn deadline(&self) -> (Instant, End) {
        let lifetime = self.settings.lifetime;
        let mut first = (self.opened + lifetime, End::Old);
        let mut add = |deadline: Instant, end| {
            if deadline < first.0 {
                first = (deadline, end);
            }
        };
        match self.phase {
            Phase::Request(began) => add(began + self.settings.request, End::SlowRequest),
            Phase::Idle(since) => {
                add(since + self.settings.idle, End::Idle);
                let retires = self.opened + (lifetime - lifetime / RETIREMENT);
                add(retires.max(since + SETTLED), End::Old);
            }
        }
        if !self.down.is_empty() || self.is_flushing {
            add(self.taken + self.settings.stalled_reader, End::StalledReader);
        }
        first
    }
}
