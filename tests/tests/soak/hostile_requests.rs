//! Makes up requests, most of which are wrong in one or several ways.

use contract_tests::random::Random;
use contract_tests::{FOREIGN, INTEGRATION, UNKNOWN};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The peer waits until the server closes it.
    Wait,
    /// The peer says that it sends no more.
    HalfClose,
    /// The peer is gone without reading an answer.
    Abort,
}

/// What is sent on one connection.
pub struct Requests {
    pub bytes: Vec<u8>,
    pub count: usize,
    /// Whether the answers have no bodies, because they are to HEAD.
    pub without_bodies: bool,
    pub ending: Ending,
}

const METHODS: [&str; 14] = [
    "GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "G\0T", "PRI", "ÄÖ", "G(T",
    "PROPFIND",
];
/// Parts of paths.
const PARTS: [&str; 26] = [
    "cdi",
    "integrations",
    "sync",
    "job_sync_status",
    INTEGRATION,
    UNKNOWN,
    FOREIGN,
    "..",
    ".",
    "",
    "%2e%2e",
    "%00",
    "%ff",
    "%zz",
    "%",
    "ü",
    "%C3%BC",
    "\0",
    "a b",
    "a\tb",
    "\\",
    ";a=b",
    "{integration_id}",
    "%2F",
    "'--",
    "\u{202e}",
];
const QUERIES: [&str; 10] = [
    "",
    "?",
    "?cursor=",
    "?cursor=%00",
    "?cursor=abc",
    "?cursor=%zz",
    "?cursor=a&cursor=b",
    "?x=y#z",
    "?cursor[]=1",
    "?ü=\u{fe0f}",
];
const VERSIONS: [&str; 8] = ["HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.", "HTTP", "", "http/1.1", "HTTP/1.1 x"];
const HOSTS: [&str; 9] = [
    "",
    "Host:\r\n",
    "Host: a\r\nHost: b\r\n",
    "Host: ü\r\n",
    "Host: a b\r\n",
    "Host: [::1\r\n",
    "Host: a:99999\r\n",
    "Host : a\r\n",
    "Host: http://x/../\r\n",
];
const HEADERS: [&str; 24] = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Content-Length: 1\r\nContent-Length: 2\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 99999999999999999999999\r\n",
    "Content-Length: 1099511627776\r\n",
    "Content-Length: 0x10\r\n",
    "Expect: 100-continue\r\nContent-Length: 5\r\n",
    "Expect: something\r\n",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "Connection: keep-alive, close, ü\r\n",
    "no colon\r\n",
    ": no name\r\n",
    "Folded: a\r\n b\r\n",
    "Zero: a\0b\r\n",
    "Bare: a\nInjected: b\r\n",
    "Range: bytes=0-18446744073709551615,-1\r\n",
    "X-Forwarded-For: 127.0.0.1\r\nX-HTTP-Method-Override: DELETE\r\n",
];
const BODIES: [&str; 8] = [
    "{}",
    "5\r\nhello\r\n0\r\n\r\n",
    "zzzz\r\nhello",
    "ffffffffffffffff\r\n",
    "-1\r\n\r\n",
    "5\r\nhel",
    "0\r\nTrailer: x\r\n\r\n",
    "GET /cdi/integrations HTTP/1.1\r\n\r\n",
];

impl Requests {
    /// Some requests with some of these keys.
    pub fn random(random: &mut Random, keys: &[String]) -> Requests {
        let mut requests = Requests { bytes: Vec::new(), count: 1, without_bodies: false, ending: Ending::Wait };
        match random.below(40) {
            0..2 => requests.bytes = junk(random, 4_000),
            2 => {
                requests.bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
                requests.bytes.extend(junk(random, 200));
            }
            // A TLS handshake that is none.
            3 => {
                requests.bytes = vec![0x16, 3, 1];
                requests.bytes.extend(junk(random, 200));
            }
            4 => {
                requests.bytes =
                    proper(random, keys).replacen("GET", "HEAD", 1).replacen("POST", "HEAD", 1).into_bytes();
                requests.without_bodies = true;
            }
            5 => {
                let text = if random.below(2) == 0 { proper(random, keys) } else { hostile(random, keys) };
                requests.bytes = text.into_bytes();
                requests.bytes.truncate(random.below(requests.bytes.len() as u64) as usize);
                // A few wait until the server loses its patience.
                requests.ending = match random.below(60) {
                    0 => Ending::Wait,
                    1..20 => Ending::Abort,
                    _ => Ending::HalfClose,
                };
                return requests;
            }
            // Bytes of a proper request are changed.
            6..10 => {
                requests.bytes = proper(random, keys).into_bytes();
                for _ in 0..=random.below(3) {
                    let place = random.below(requests.bytes.len() as u64) as usize;
                    requests.bytes[place] = random.below(256) as u8;
                }
                // An end that is gone would have to be waited for.
                requests.ending = Ending::HalfClose;
                return requests;
            }
            // Many in a row, without waiting for an answer. The last one closes the connection.
            _ => {
                requests.count = 1 + random.below(20) as usize;
                for _ in 1..requests.count {
                    let text = if random.below(3) == 0 { hostile(random, keys) } else { proper(random, keys) };
                    requests.bytes.extend(text.replace("Connection: close\r\n", "").into_bytes());
                }
                let text = if random.below(3) == 0 { hostile(random, keys) } else { proper(random, keys) };
                requests.bytes.extend(text.into_bytes());
            }
        }
        // What is not a whole request, and what waits for a body, needs an end.
        if random.below(10) == 0 {
            requests.ending = Ending::Abort;
        } else if !requests.bytes.ends_with(b"\r\n\r\n") || random.below(4) == 0 {
            requests.ending = Ending::HalfClose;
        }
        requests
    }
}

fn pick<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len() as u64) as usize]
}

fn junk(random: &mut Random, most: u64) -> Vec<u8> {
    (0..=random.below(most)).map(|_| random.below(256) as u8).collect()
}

fn authorization(random: &mut Random, keys: &[String]) -> String {
    let key = |random: &mut Random| keys[random.below(keys.len() as u64) as usize].clone();
    match random.below(16) {
        0 => String::new(),
        1 => "Authorization: Bearer wrong\r\n".to_owned(),
        2 => format!("Authorization: Basic {}\r\n", key(random)),
        3 => format!("Authorization: Bearer {}\r\nAuthorization: Bearer {}\r\n", key(random), key(random)),
        4 => format!("Authorization: Bearer {}\r\n", "a".repeat(random.below(20_000) as usize)),
        5 => format!("authorization:bearer   {}\r\n", key(random)),
        6 => "Authorization:\r\n".to_owned(),
        7 => format!("Authorization: Bearer {}\u{e9}\r\n", key(random)),
        _ => format!("Authorization: Bearer {}\r\n", key(random)),
    }
}

/// A request as it should be, though perhaps without a good key or for an integration that is not there.
fn proper(random: &mut Random, keys: &[String]) -> String {
    let id = pick(random, &[INTEGRATION, UNKNOWN, FOREIGN, "no-id"]);
    let line = match random.below(3) {
        0 => "GET /cdi/integrations".to_owned(),
        1 => format!("GET /cdi/integrations/{id}/job_sync_status"),
        _ => format!("POST /cdi/integrations/{id}/sync"),
    };
    format!("{line} HTTP/1.1\r\nHost: a\r\n{}Connection: close\r\n\r\n", authorization(random, keys))
}

/// A request with something wrong almost everywhere.
fn hostile(random: &mut Random, keys: &[String]) -> String {
    let method = match random.below(12) {
        0 => "A".repeat(random.below(50_000) as usize),
        1..6 => pick(random, &METHODS).to_owned(),
        6..9 => "GET".to_owned(),
        _ => "POST".to_owned(),
    };
    let path = match random.below(12) {
        0 => "/a".repeat(random.below(30_000) as usize),
        1 => "*".to_owned(),
        2 => format!("http://other/cdi/integrations/{INTEGRATION}/sync"),
        3 => "cdi".to_owned(),
        4..7 => (0..random.below(6)).map(|_| format!("/{}", pick(random, &PARTS))).collect(),
        7 => format!("/cdi/integrations/{}/sync", pick(random, &PARTS)),
        8 => format!("/cdi/integrations/{}/job_sync_status", pick(random, &PARTS)),
        _ => "/cdi/integrations".to_owned(),
    };
    let query = match random.below(8) {
        0 => format!("?cursor={}", "a".repeat(random.below(40_000) as usize)),
        _ => pick(random, &QUERIES).to_owned(),
    };
    let version = if random.below(8) == 0 { pick(random, &VERSIONS) } else { "HTTP/1.1" };
    let host = if random.below(4) == 0 { pick(random, &HOSTS) } else { "Host: a\r\n" };
    let mut headers: String = (0..random.below(3)).map(|_| pick(random, &HEADERS)).collect();
    match random.below(24) {
        0 => headers.push_str(&"X: y\r\n".repeat(random.below(200) as usize)),
        1 => headers.push_str(&format!("X: {}\r\n", "y".repeat(random.below(50_000) as usize))),
        _ => {}
    }
    let body = if random.below(2) == 0 { pick(random, &BODIES) } else { "" };
    let authorization = authorization(random, keys);
    format!("{method} {path}{query} {version}\r\n{host}{authorization}{headers}Connection: close\r\n\r\n{body}")
}
