//! Requests on a connection of their own, in plain HTTP/1.1, without an HTTP client between them and the server.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::gate::Permitted;
use super::wire::Wire;

/// The longest time limit for all responses together.
const LONGEST: Duration = Duration::from_secs(5);
/// The maximum number of bytes of all responses to read.
const MOST_BYTES: usize = 16_000_000;

/// Sends requests one after the other without waiting, and reads the statuses of the responses that arrive before the
/// connection is closed, or the time is over: a server may send without end.
pub(super) fn exchange(
    wire: &Wire,
    host: &str,
    requests: &[Permitted<'_>],
    patience: Duration,
) -> std::io::Result<Vec<u16>> {
    let last = requests.len().saturating_sub(1);
    let heads = requests.iter().enumerate().map(|(index, request)| wire.head(request, index == last));
    let sent = heads.collect::<Vec<String>>().concat();
    let patience = patience.min(LONGEST);
    let address = host.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
    let end = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(sent.as_bytes())?;
    let (mut bytes, mut part) = (Vec::new(), [0; 8192]);
    while bytes.len() < MOST_BYTES {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        // Bytes received before an error are evaluated as well.
        match stream.read(&mut part) {
            Ok(length @ 1..) => bytes.extend_from_slice(&part[..length]),
            Ok(0) | Err(_) => break,
        }
    }
    Ok(statuses(&bytes))
}

/// The statuses of consecutive complete responses.
fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let Some(status) = head.split(' ').nth(1).and_then(|status| status.parse().ok()) else { break };
        let header =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let rest = &bytes[end + 4..];
        let length = match header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => Some(length),
            None if header("transfer-encoding").is_some() => {
                rest.windows(5).position(|window| window == b"0\r\n\r\n").map(|at| at + 5)
            }
            None => Some(0),
        };
        let Some(next) = length.and_then(|length: usize| rest.get(length..)) else { break };
        statuses.push(status);
        bytes = next;
    }
    statuses
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::target::Limits;
    use super::*;

    #[test]
    fn a_response_without_end_is_not_read_without_end() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.write_all(b": still there\n").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let wire = Wire::new(&format!("http://{host}"), Vec::new(), &Limits::default(), None).unwrap();
        let began = Instant::now();
        assert_eq!(exchange(&wire, &host, &[], Duration::from_millis(200)).unwrap(), Vec::<u16>::new());
        assert!(began.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn consecutive_responses_are_separated() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        assert_eq!(statuses(text.as_bytes()), [200, 401, 204]);
    }
}
