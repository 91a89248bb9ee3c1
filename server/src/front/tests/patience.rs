//! Peers that are slow.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::rig::{LARGE, Rig, SOON, answered, call, rest};
use crate::front::End;

#[tokio::test]
async fn a_connection_without_a_request_ends() {
    let rig = Rig::start(|settings| settings.first_byte = SOON).await;
    let mut silent = rig.connect().await;
    rig.serves().await;
    assert_eq!(rest(&mut silent).await, "");
    rig.ended(End::Silent, 1).await;
}

#[tokio::test]
async fn a_request_that_does_not_end_is_answered_with_408() {
    for begun in
        ["P", "GET / HTTP/1.1\r\nhost: x\r\nx-half:", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf"]
    {
        let rig = Rig::start(|settings| settings.request = SOON).await;
        let mut half = rig.sent(begun).await;
        rig.serves().await;
        let answer = rest(&mut half).await;
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{begun}: {answer}");
        assert!(answer.contains("\"errors\":[\"the request did not arrive completely in time\"]"), "{answer}");
        rig.ended(End::SlowRequest, 1).await;
    }
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_prolong_a_request() {
    let rig = Rig::start(|settings| settings.request = SOON * 4).await;
    let slow = rig.sent("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
    let (_reading, mut writing) = slow.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    rig.serves().await;
    rig.ended(End::SlowRequest, 1).await;
    drop(_reading);
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_not_used_any_more_ends() {
    let rig = Rig::start(|settings| settings.idle = SOON).await;
    let mut idle = rig.connect().await;
    call(&mut idle).await;
    assert_eq!(rest(&mut idle).await, "");
    rig.ended(End::Idle, 1).await;
}

#[tokio::test]
async fn a_second_request_on_a_connection_has_its_deadline_too() {
    let rig = Rig::start(|settings| settings.request = SOON).await;
    let mut stream = rig.connect().await;
    call(&mut stream).await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    rig.ended(End::SlowRequest, 1).await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_ends_and_stops_the_server_meanwhile() {
    let rig = Rig::start(|settings| settings.stalled_reader = SOON * 4).await;
    let requests = 400;
    let stream = rig.sent(&"GET /large HTTP/1.1\r\nhost: x\r\n\r\n".repeat(requests)).await;
    rig.serves().await;
    rig.ended(End::StalledReader, 1).await;
    // What was made without being read lies in buffers of the kernel, and there is little room.
    let made = rig.seen.lock().unwrap().len();
    assert!(made * LARGE < 16 * 1024 * 1024, "{made} of {requests} answers");
    drop(stream);
}

#[tokio::test]
async fn every_connection_ends_at_its_age() {
    let rig = Rig::start(|settings| settings.lifetime = SOON).await;
    let mut used = rig.connect().await;
    call(&mut used).await;
    assert_eq!(rest(&mut used).await, "");
    rig.ended(End::Old, 1).await;
    // One that is used without a pause.
    let mut begun = rig.sent("GET / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(rest(&mut begun).await.is_empty());
    rig.ended(End::Old, 2).await;
}

#[tokio::test]
async fn an_old_connection_is_closed_while_it_is_idle_and_not_in_a_request() {
    let lifetime = Duration::from_secs(12);
    let rig = Rig::start(|settings| settings.lifetime = lifetime).await;
    let (mut idle, mut busy) = (rig.connect().await, rig.connect().await);
    call(&mut idle).await;
    busy.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    // The front has read it: the server has a second connection.
    while rig.peers.len() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(11_500)).await;
    tokio::time::resume();
    assert_eq!(rest(&mut idle).await, "");
    rig.ended(End::Old, 1).await;
    busy.write_all(b"\r\n").await.unwrap();
    answered(&mut busy).await;
}

#[tokio::test]
async fn requests_sent_at_once_are_all_answered() {
    let rig = Rig::start(|_| ()).await;
    let mut stream = rig.sent(&"GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(500)).await;
    for _ in 0..500 {
        answered(&mut stream).await;
    }
    assert_eq!(rig.seen.lock().unwrap().len(), 500);
}

#[tokio::test]
async fn a_peer_that_closes_its_half_is_closed_and_forgotten() {
    let rig = Rig::start(|_| ()).await;
    let mut stream = rig.connect_from("127.0.0.2").await;
    call(&mut stream).await;
    assert_eq!(*rig.seen.lock().unwrap(), [Some("127.0.0.2".parse().unwrap())]);
    assert_eq!(rig.peers.len(), 1);
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    rig.ended(End::Finished, 1).await;
    assert_eq!(rig.peers.len(), 0);
}

#[tokio::test]
async fn a_shutdown_closes_connections_on_which_nothing_was_asked() {
    let mut rig = Rig::start(|_| ()).await;
    let mut silent = rig.connect().await;
    let mut asking = rig.sent("GET / HTTP/1.1\r\nhost: x\r\n").await;
    while rig.peers.len() < 1 {
        tokio::task::yield_now().await;
    }
    rig.front.drain();
    assert_eq!(rest(&mut silent).await, "");
    rig.ended(End::Draining, 1).await;
    assert!(tokio::net::TcpStream::connect(rig.front.address()).await.is_err(), "it listens no more");
    asking.write_all(b"connection: close\r\n\r\n").await.unwrap();
    answered(&mut asking).await;
    rig.front.closed().await;
}
