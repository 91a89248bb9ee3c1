//! A server that answers one request and tells what it received.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

/// A server for one request.
pub struct Server {
    /// Its address, as a base URL.
    pub url: String,
    thread: JoinHandle<String>,
}

impl Server {
    /// Answers with a status, headers and a body.
    pub fn answering(status: u16, media_type: &str, body: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/", listener.local_addr().unwrap());
        let kind = if media_type.is_empty() { String::new() } else { format!("content-type: {media_type}\r\n") };
        let answer = format!(
            "HTTP/1.1 {status} Any\r\nconnection: close\r\nx-request-id: 7\r\n{kind}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&received) {
                let count = stream.read(&mut buffer).unwrap();
                assert_ne!(count, 0, "the request is cut off");
                received.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(received).unwrap()
        });
        Server { url, thread }
    }

    /// What was received: the request line, the headers that are worth comparing in order of their names, and the body.
    pub fn received(self) -> String {
        let received = self.thread.join().unwrap();
        let (head, body) = received.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        // Whether reqwest asks for compressed answers depends on what else is built.
        let ignored = ["host:", "accept-encoding:"];
        let is_ignored = |line: &&str| ignored.iter().any(|name| line.to_lowercase().starts_with(name));
        let mut headers: Vec<&str> = lines.filter(|line| !is_ignored(line)).collect();
        headers.sort_unstable();
        let mut text = format!("{first}\n");
        for header in headers {
            text.push_str(header);
            text.push('\n');
        }
        if !body.is_empty() {
            text.push('\n');
            text.push_str(&body.replace("\r\n", "\n"));
        }
        text
    }
}

/// Whether head and body are there.
fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    assert!(!head.to_lowercase().contains("transfer-encoding"), "the length of the body is known");
    body.len() >= length.unwrap_or(0)
}
