//! Pipelined requests on one connection: each must get its own response, in order, independent of the others.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::super::operation::Operation;
use super::super::session::{Session, Stop};
use super::super::target::Exploration;
use super::counterexample::{Counterexample, find_counterexample};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use proptest::prelude::*;

/// The time limit for responses.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends requests with and without a key on one connection, if the server speaks plain HTTP/1.1.
pub(super) fn explore<'a>(
    session: &mut Session<'a>,
    operations: &[&'a Operation],
    exploration: &Exploration,
) -> Result<(), Stop> {
    // An operation that changes nothing and needs no parameters.
    let Some(operation) =
        operations.iter().find(|operation| *operation.method == *"GET" && !operation.path.contains('{'))
    else {
        return Ok(());
    };
    let Some(request) = session.request(operation, &[]) else { return Ok(()) };
    let Some(host) = session.wire.plain_host() else {
        session
            .of(operation)
            .remarks
            .push("several requests at once on one connection: not tried, needs plain HTTP".to_owned());
        return Ok(());
    };
    let few = Exploration { cases: exploration.cases.min(20), ..exploration.clone() };
    let keyed = prop::collection::vec(any::<bool>(), 2..6);
    find_counterexample(session, &few, "pipeline", &[], &keyed, |session, keyed| {
        let last = keyed.len() - 1;
        let heads = keyed.iter().enumerate();
        let heads: Vec<String> =
            heads.map(|(index, keyed)| session.wire.head(&request, *keyed, index == last)).collect();
        session.left()?;
        let Ok(statuses) = exchange(&host, &heads.concat()) else {
            // A server may close the connection instead.
            return Ok(None);
        };
        let wrong = statuses.iter().zip(keyed).position(|(status, keyed)| (*status == 401) == *keyed);
        Ok(wrong.map(|index| {
            let who = if keyed[index] { "with a key" } else { "without a key" };
            let place = session.contract.place(operation.id.span, "this operation");
            let message = format!(
                "of {} pipelined requests on one connection, number {} ({who}) is answered with {}",
                keyed.len(),
                index + 1,
                statuses[index]
            );
            let shown: Vec<&str> = keyed.iter().map(|keyed| if *keyed { "a key" } else { "no key" }).collect();
            let finding = Finding::at(Rule::LiveConnection, place, message)
                .help("keep nothing of a request for the next one on the connection, and answer in order")
                .note(format!(
                    "request: {} several times at once, with {}",
                    session.wire.curl(&request),
                    shown.join(", ")
                ))
                .note(format!("answered: {statuses:?}"));
            Counterexample(finding)
        }))
    })
}

/// Sends bytes and reads the statuses of the responses that arrive before the connection is closed.
fn exchange(host: &str, sent: &str) -> std::io::Result<Vec<u16>> {
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
