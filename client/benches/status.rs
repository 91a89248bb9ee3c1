//! How long `cdi status` takes from start to exit, beside the bare request that it makes:
//! `cargo bench --package cdi-client --features cli --bench status`.
//!
//! The server is in this process and answers after a given time, so that the difference is what `cdi` itself takes. The two are
//! measured in turn, and medians are compared.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ID: &str = "00000000-0000-0000-0000-000000000000";
const BODY: &str = r#"{"results":[],"message":"success"}"#;

fn main() {
    // As a test, which has no `--bench`, it only has to run.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 200 } else { 1 };
    for answer_takes in [0, 10, 50].map(Duration::from_millis) {
        let server = serve(answer_takes);
        let (mut bare, mut cdi) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            bare.push(timed(|| request(server)));
            cdi.push(timed(|| status(server)));
        }
        let (bare, cdi) = (median(bare), median(cdi));
        let part = 100.0 * bare.as_secs_f64() / cdi.as_secs_f64();
        println!(
            "answer after {answer_takes:>4.0?}: bare request {bare:>8.2?}, cdi status {cdi:>8.2?}, of that the request {part:.0} %"
        );
    }
}

/// A server that answers each request after this time, for as long as the process lives.
fn serve(answer_takes: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Both clients send the request in one piece.
            let _ = stream.read(&mut [0; 4096]);
            std::thread::sleep(answer_takes);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
        }
    });
    address
}

fn request(server: SocketAddr) {
    let mut stream = TcpStream::connect(server).unwrap();
    let request = format!("GET /cdi/integrations/{ID}/job_sync_status HTTP/1.1\r\nhost: {server}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(BODY));
}

fn status(server: SocketAddr) {
    let status = Command::new(env!("CARGO_BIN_EXE_cdi"))
        .args(["status", ID, "--url", &format!("http://{server}")])
        .env("CDI_API_KEY", "k")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
