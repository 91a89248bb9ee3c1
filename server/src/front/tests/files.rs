//! A process that may not open more files.

use std::fs::File;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpStream;

use super::rig::{Rig, rest};
use crate::front::End;

/// Sets the limit of open files back when dropped.
struct Limited(Rlimit);

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = setrlimit(Resource::Nofile, self.0);
    }
}

#[tokio::test]
async fn without_room_for_open_files_connections_are_answered_or_closed() {
    let rig = Rig::start(|_| ()).await;
    rig.serves().await;
    // The peers have their files already: only those of the server count.
    let sockets: Vec<Socket> = (0..40).map(|_| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()).collect();
    let before = getrlimit(Resource::Nofile);
    let limited = Limited(before);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), maximum: before.maximum }).unwrap();
    // Room for ten connections on which nothing is asked.
    let mut files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    files.truncate(files.len() - 10);
    let mut streams: Vec<TcpStream> = sockets
        .into_iter()
        .map(|socket| {
            socket.connect(&rig.front.address().into()).unwrap();
            socket.set_nonblocking(true).unwrap();
            TcpStream::from_std(socket.into()).unwrap()
        })
        .collect();
    for stream in &mut streams[10..] {
        let answer = rest(stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    rig.ended(End::TooManyFiles, 30).await;
    drop((streams, files, limited));
    rig.serves().await;
}
