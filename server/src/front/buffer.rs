//! A fixed amount of bytes on their way, and the search for the end of a request's head in them.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes that each direction of a connection may have on their way.
const SIZE: usize = 8 * 1024;

/// Bytes that were read and not written yet.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer { bytes: vec![0; SIZE].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Forgets all bytes.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Reads behind the bytes that are there. Returns the number of bytes; zero at the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Poll<std::io::Result<usize>> {
        if self.is_empty() {
            self.clear();
        }
        let mut free = ReadBuf::new(&mut self.bytes[self.end..]);
        std::task::ready!(Pin::new(from).poll_read(cx, &mut free))?;
        let read = free.filled().len();
        self.end += read;
        Poll::Ready(Ok(read))
    }

    /// Writes the bytes, or some of them.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<std::io::Result<()>> {
        let written = std::task::ready!(Pin::new(to).poll_write(cx, &self.bytes[self.start..self.end]))?;
        if written == 0 {
            return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
        }
        self.start += written;
        Poll::Ready(Ok(()))
    }
}

/// Looks for the empty line that ends the head of a request.
#[derive(Debug, Default)]
pub(super) struct HeadSearch {
    /// Whether the last byte ended a line of the head, perhaps before a carriage return. Empty lines before it do not count.
    at_line_end: bool,
    has_begun: bool,
    length: usize,
    is_found: bool,
}

impl HeadSearch {
    /// Looks at further bytes. Returns the number of bytes of the head so far; zero for bytes behind its end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        if self.is_found {
            return 0;
        }
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if self.at_line_end => {
                    self.is_found = true;
                    return self.length + index + 1;
                }
                b'\n' => self.at_line_end = self.has_begun,
                b'\r' => {}
                _ => (self.at_line_end, self.has_begun) = (false, true),
            }
        }
        self.length += bytes.len();
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_an_empty_line_wherever_its_bytes_are_cut() {
        let head = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        for cut in 0..head.len() {
            let mut search = HeadSearch::default();
            assert_eq!(search.push(&head[..cut]), cut);
            assert_eq!(search.push(&head[cut..]), head.len());
            assert_eq!(search.push(&[b'x'; 100]), 0, "bodies do not count");
        }
        assert_eq!(HeadSearch::default().push(b"GET / HTTP/1.1\nhost: x\n\nbody"), 24);
        assert_eq!(
            HeadSearch::default().push(b"\r\n\r\nGET / HTTP/1.1\r\n"),
            20,
            "empty lines before a request are skipped"
        );
        let mut endless = HeadSearch::default();
        assert_eq!((endless.push(b"GET /x\r\n"), endless.push(b"y: z\r\n")), (8, 14));
    }
}
