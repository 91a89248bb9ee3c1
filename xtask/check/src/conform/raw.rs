//! Requests on a connection of their own, in plain HTTP/1.1, without an HTTP client between them and the server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::gate::Permitted;
use super::wire::Wire;

/// The time limit for responses.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests one after the other without waiting, and reads the statuses of the responses that arrive before the
/// connection is closed.
pub(super) fn exchange(wire: &Wire, host: &str, requests: &[Permitted<'_>]) -> std::io::Result<Vec<u16>> {
    let last = requests.len().saturating_sub(1);
    let heads = requests.iter().enumerate().map(|(index, request)| wire.head(request, index == last));
    let sent = heads.collect::<Vec<String>>().concat();
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(sent.as_bytes())?;
    let mut bytes = Vec::new();
    // Bytes received before an error are evaluated as well.
    let _ = stream.read_to_end(&mut bytes);
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
mod tests {
    use super::statuses;

    #[test]
    fn consecutive_responses_are_separated() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        assert_eq!(statuses(text.as_bytes()), [200, 401, 204]);
    }
}
