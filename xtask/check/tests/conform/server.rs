//! A server on loopback that writes down each request that it gets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    /// A header, if it came once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        value.filter(|_| found.next().is_none())
    }

    /// The method and the path.
    pub fn call(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A response: status, headers and body.
#[derive(Debug, Clone)]
pub struct Answer(pub u16, pub Vec<(&'static str, String)>, pub String);

/// A JSON response.
pub fn json(status: u16, body: &str) -> Answer {
    Answer(status, vec![("content-type", "application/json".to_owned())], body.to_owned())
}

/// An error with a message.
pub fn error(status: u16, message: &str) -> Answer {
    json(status, &format!("{{\"message\":\"{message}\"}}"))
}

/// The server; it goes on until the tests end.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (here, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (here, answer) = (here.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &here, &*answer));
            }
        });
        Server { url, asked }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests with a method and path.
    pub fn calls(&self, call: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.call() == call).collect()
    }
}

/// Answers the requests of a connection until it ends.
fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Answer) -> Option<()> {
    let mut input = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line).ok().filter(|length| *length > 0)?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request = Asked { method, path: path.to_owned(), query: query.to_owned(), ..Asked::default() };
        loop {
            let mut line = Vec::new();
            input.read_until(b'\n', &mut line).ok()?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let Some((name, value)) = line.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        input.read_exact(&mut body).ok()?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        let Answer(status, headers, body) = answer(&request);
        let mut head = format!("HTTP/1.1 {status} x\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let has_body = status != 204 && request.method != "HEAD";
        if status != 204 {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        let is_last = request.header("connection") == Some("close");
        asked.lock().unwrap().push(request);
        stream.write_all(format!("{head}\r\n{}", if has_body { body.as_str() } else { "" }).as_bytes()).ok()?;
        if is_last {
            return None;
        }
    }
}
