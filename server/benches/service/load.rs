//! Sends the same request over and over, with a number of callers at once, and measures the answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request that is sent repeatedly.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its name in the table.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The status that it must be answered with.
    pub status: u16,
}

impl Request {
    /// A request with a key.
    pub fn new(name: &'static str, method: &str, path: &str, key: &str, status: u16) -> Request {
        let bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-length: 0\r\n\r\n"
        );
        Request { name, bytes: bytes.into_bytes(), status }
    }
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Answers per second.
    pub per_second: f64,
    /// Half of the answers took at most this long.
    pub median: Duration,
    /// All but one in a hundred took at most this long.
    pub p99: Duration,
}

/// A connection that sends one request at a time.
pub struct Caller {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Caller {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Caller { stream, buffer: vec![0; 64 * 1024] }
    }

    /// Sends a request and reads the whole answer, which must have the expected status.
    pub async fn call(&mut self, request: &Request) {
        let (status, filled) = self.exchange(request).await;
        let answer = String::from_utf8_lossy(&self.buffer[..filled]);
        assert_eq!(status, request.status, "{}: {answer}", request.name);
    }

    /// Sends a request and returns the answer, whatever it is.
    pub async fn call_any(&mut self, request: &Request) -> String {
        let (_, filled) = self.exchange(request).await;
        String::from_utf8_lossy(&self.buffer[..filled]).into_owned()
    }

    async fn exchange(&mut self, request: &Request) -> (u16, usize) {
        self.stream.write_all(&request.bytes).await.unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server has closed the connection");
            filled += read;
            let answer = &self.buffer[..filled];
            let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
            let length: usize = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split('\r').next())
                .unwrap()
                .parse()
                .unwrap();
            if filled >= end + 4 + length {
                return (head[9..12].parse().unwrap(), filled);
            }
        }
    }
}

/// Sends a request with so many callers at once for a while.
pub async fn load(address: SocketAddr, request: &Request, callers: usize, lasting: Duration) -> Load {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move {
                let mut caller = Caller::connect(address).await;
                let mut took = Vec::new();
                while begin.elapsed() < lasting {
                    let sent = Instant::now();
                    caller.call(&request).await;
                    took.push(sent.elapsed());
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await.unwrap());
    }
    let elapsed = begin.elapsed();
    took.sort_unstable();
    Load {
        per_second: took.len() as f64 / elapsed.as_secs_f64(),
        median: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    }
}

/// The median time of so many requests, one after the other.
pub async fn one_by_one(address: SocketAddr, request: &Request, times: usize) -> Duration {
    let mut caller = Caller::connect(address).await;
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let sent = Instant::now();
        caller.call(request).await;
        took.push(sent.elapsed());
    }
    took.sort_unstable();
    took[times / 2]
}
