//! Whole requests of strangers, sent to a running service.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{bytes, cases};
use crate::config::Config;
use crate::secret::{KeyHash, new_key};
use crate::service::{Role, Service};

/// What a case waits for. It only bounds a failure.
const DEADLINE: Duration = Duration::from_secs(30);
const TARGETS: &[&str] = &[
    "/cdi/integrations",
    "/cdi/integrations?cursor=UTvYBv1l3bVhZnRlciA3",
    "/cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/sync",
    "/cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/job_sync_status?cursor=UTvYBv1l3bVhZnRlciA3&cursor=",
];
const TARGET_TOKENS: &[&str] = &[
    "/", "//", "/../", "%2F", "%00", "%", "%ff%fe", "%zz", "?", "&", "=", "#", "cursor", "+", ";", "*", "@", "http://",
];
const HEADS: &[&str] = &[
    "GET /cdi/integrations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n",
    "POST /cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/sync HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    "POST /cdi/integrations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\nGET /cdi/integrations HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
];
const HEAD_TOKENS: &[&str] = &[
    "\r\n",
    "\n",
    "\r\n\r\n",
    " ",
    ":",
    "\0",
    "\t",
    "HTTP/1.1",
    "HTTP/9.9",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: -1\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Expect: 100-continue\r\n",
    "Upgrade: h2c\r\n",
    "ffffffffffffffff\r\n",
    "CONNECT",
    "OPTIONS",
];

/// A service without integrations, and a key that may do everything.
async fn service(folder: &Path) -> (Service, SocketAddr, String) {
    let key = new_key();
    let known = crate::api::known();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[[workspaces]]\nid = \"ours\"\nrate_limits = {{ {} }}\n\
         [[keys]]\nname = \"all\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = {:?}\n",
        known.operations.iter().map(|operation| format!("{operation} = 1000000")).collect::<Vec<_>>().join(", "),
        KeyHash::of(key.expose()),
        known.permissions,
    );
    let config = Config::parse(&text, &folder.join("opencdi.toml"), &known).unwrap();
    let service = Service::start(&config, Role::Api).await.unwrap();
    let address = service.address().unwrap();
    (service, address, key.expose().to_owned())
}

/// Sends bytes and reads until the server closes the connection. What was sent is over if `over`.
fn exchange(address: SocketAddr, request: &[u8], over: bool) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(request)?;
    if over {
        stream.shutdown(Shutdown::Write)?;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The status of an answer.
fn status(answer: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(answer.get(..12)?).into_owned();
    text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

/// Runs a target beside a service, and asks it for its list at the end.
async fn fuzz(target: impl FnOnce(SocketAddr, &str) + Send + 'static) {
    let folder = tempfile::tempdir().unwrap();
    let (service, address, key) = service(folder.path()).await;
    let run = tokio::task::spawn_blocking(move || {
        target(address, &key);
        let list = format!(
            "GET /cdi/integrations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(status(&exchange(address, list.as_bytes(), false).unwrap()), Some(200));
    });
    run.await.unwrap();
    service.stop().await;
}

/// With a valid key, so that paths and queries are decoded. Whatever they are, there is one of the answers of the contract or
/// of HTTP, and nothing but the list is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_and_query_has_a_documented_answer() {
    fuzz(|address, key| {
        let ask = |method: &str, target: &str| {
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
            );
            String::from_utf8(exchange(address, head.as_bytes(), false).unwrap()).unwrap()
        };
        let body = |answer: &str| answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        let list = body(&ask("GET", "/cdi/integrations"));
        let strategy = (prop::sample::select(&["GET", "POST"][..]), bytes(TARGETS, TARGET_TOKENS));
        TestRunner::new(cases(400))
            .run(&strategy, |(method, target)| {
                let target: String = target.into_iter().filter(u8::is_ascii_graphic).map(char::from).collect();
                let answer = ask(method, &target);
                match status(answer.as_bytes()) {
                    Some(200) => prop_assert_eq!((method, body(&answer)), ("GET", list.clone()), "{}", target),
                    Some(400 | 404 | 405 | 414 | 431) => {}
                    _ => prop_assert!(false, "{method} {target}: {answer}"),
                }
                Ok(())
            })
            .unwrap();
    })
    .await;
}

/// Whatever bytes arrive, the connection ends when the peer's half does, nothing is done without a key, and no answer says
/// that the server failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_bytes_are_answered_or_refused() {
    fuzz(|address, _| {
        // Few enough that no answer is late because of too many bad keys.
        TestRunner::new(cases(150))
            .run(&bytes(HEADS, HEAD_TOKENS), |request| {
                // A reset is an end too.
                let answer = match exchange(address, &request, true) {
                    Err(error) if is_end(&error) => return Ok(()),
                    answer => answer.unwrap(),
                };
                let status = status(&answer);
                // Frames of HTTP/2 have no status that could be read here.
                let is_http_2 = status.is_none() && request.starts_with(b"PRI * HTTP/2.0");
                prop_assert!(
                    answer.is_empty() || is_http_2 || matches!(status, Some(100 | 400..=499 | 505)),
                    "{}",
                    String::from_utf8_lossy(&answer)
                );
                Ok(())
            })
            .unwrap();
    })
    .await;
}

fn is_end(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionReset | NotConnected)
}
