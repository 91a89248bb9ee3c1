//! A server on loopback that answers what a test tells it to, and remembers what it was asked.
//!
//! It speaks just enough HTTP/1.1 (one request for each connection) and can also misbehave: hang, and cut answers off.

#![allow(dead_code)] // Each test binary uses its part.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    manner: Manner,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Whole,
    /// Says that there is more than there is, and hangs up.
    CutOff,
    /// Says that there is more than there is, and says no more.
    Stall,
    /// Never answers.
    Hang,
}

impl Told {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Told {
        Told {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into(),
            manner: Manner::Whole,
        }
    }

    pub fn message(status: u16, message: &str) -> Told {
        Told::new(status, serde_json::json!({ "message": message }).to_string())
    }

    /// A page of a list.
    pub fn page(results: &[serde_json::Value]) -> Told {
        Told::new(200, serde_json::json!({"results": results, "message": "success"}).to_string())
    }

    pub fn hang() -> Told {
        Told { manner: Manner::Hang, ..Told::new(200, "") }
    }

    pub fn cut_off(mut self) -> Told {
        self.manner = Manner::CutOff;
        self
    }

    pub fn stalled(mut self) -> Told {
        self.manner = Manner::Stall;
        self
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Told {
        self.headers.push((name.into(), value.to_string()));
        self
    }
}

/// The server; it stops when it is dropped.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<Mutex<bool>>,
}

impl Server {
    /// Answers by a rule.
    pub fn new(rule: impl FnMut(&Asked) -> Told + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(Mutex::new(false));
        let rule = Arc::new(Mutex::new(rule));
        let (log, stopped) = (asked.clone(), stop.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *stopped.lock().unwrap() {
                    return;
                }
                let (log, rule) = (log.clone(), rule.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &log, &rule));
            }
        });
        Server { url: format!("http://{address}"), asked, stop }
    }

    /// Gives these answers one after the other, and the last one again and again.
    pub fn answering(answers: impl Into<Vec<Told>>) -> Server {
        let answers = answers.into();
        let mut next = 0;
        Server::new(move |_| {
            let answer = answers[next.min(answers.len() - 1)].clone();
            next += 1;
            answer
        })
    }

    /// All requests until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Method and target of all requests until now.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.target)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.stop.lock().unwrap() = true;
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

/// An address at which nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, rule: &Mutex<impl FnMut(&Asked) -> Told>) {
    let Some(asked) = read(&stream) else { return };
    log.lock().unwrap().push(asked.clone());
    let told = (rule.lock().unwrap())(&asked);
    if told.manner == Manner::Hang {
        return wait_for_the_client(&mut stream);
    }
    let length = told.body.len() + if told.manner == Manner::Whole { 0 } else { 100 };
    let mut answer = format!("HTTP/1.1 {} Scripted\r\ncontent-length: {length}\r\nconnection: close\r\n", told.status);
    for (name, value) in &told.headers {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    // A client that has hung up is what some tests are about.
    let _ = stream.write_all(&[answer.as_bytes(), &told.body].concat());
    if told.manner == Manner::Stall {
        wait_for_the_client(&mut stream);
    }
}

/// Until it hangs up.
fn wait_for_the_client(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let _ = stream.read(&mut [0]);
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Some(Asked { at: Instant::now(), method, target, headers })
}
