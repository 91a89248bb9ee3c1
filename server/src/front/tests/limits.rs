//! Peers that are too many, or send too much.

use tokio::io::AsyncWriteExt as _;

use super::rig::{Rig, answered, call, rest};
use crate::front::{End, Peers};

#[tokio::test]
async fn connections_beyond_the_limit_are_answered_with_503() {
    let rig = Rig::start(|settings| settings.max_connections = 3).await;
    let (mut first, second) = (rig.connect().await, rig.connect().await);
    call(&mut first).await;
    let third = rig.connect().await;
    let mut surplus = rig.sent("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = rest(&mut surplus).await;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(
        answer.contains("\r\nretry-after: 5\r\n") && answer.contains("\"message\":\"Service Unavailable\""),
        "{answer}"
    );
    rig.ended(End::TooManyConnections, 1).await;
    call(&mut first).await;
    drop((second, third));
    rig.ended(End::Finished, 2).await;
    rig.serves().await;
}

#[tokio::test]
async fn connections_of_one_address_beyond_its_limit_leave_others_alone() {
    let rig = Rig::start(|settings| settings.max_connections_per_address = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(rig.connect_from("127.0.0.2").await);
    }
    let mut surplus = rig.connect_from("127.0.0.2").await;
    surplus.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = rest(&mut surplus).await;
    assert!(answer.contains("your address has as many connections to the server as it may have"), "{answer}");
    rig.ended(End::TooManyFromAddress, 1).await;
    rig.serves().await;
    call(&mut open[2]).await;
}

#[tokio::test]
async fn a_flood_of_refused_connections_ends() {
    let rig = Rig::start(|settings| settings.max_connections_per_address = 1).await;
    let mut first = rig.connect_from("127.0.0.2").await;
    call(&mut first).await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(rig.connect_from("127.0.0.2").await);
    }
    rig.serves().await;
    rig.ended(End::TooManyFromAddress, 200).await;
    for stream in &mut flood {
        rest(stream).await;
    }
    call(&mut first).await;
}

#[tokio::test]
async fn the_head_of_a_request_may_not_be_too_long() {
    let (log, _logging) = crate::testing::logged();
    let rig = Rig::start(|_| ()).await;
    for begin in ["GET / HTTP/1.1\r\nx: ", "GET /", "\r\n\r\nGET /"] {
        let mut stream = rig.connect().await;
        let (mut reading, mut writing) = stream.split();
        let head = [begin.as_bytes(), &vec![b'x'; 64 * 1024 * 1024]].concat();
        let (_, answer) = tokio::join!(writing.write_all(&head), rest(&mut reading));
        assert!(answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{begin}: {answer}");
    }
    // To the byte, although bytes are read in larger pieces.
    for (length, refused) in [(32 * 1024, false), (32 * 1024 + 1, true)] {
        let (begin, end) = ("GET / HTTP/1.1\r\nhost: x\r\nx: ", "\r\n\r\n");
        let mut stream = rig.sent(&format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))).await;
        match refused {
            true => assert!(rest(&mut stream).await.starts_with("HTTP/1.1 431 "), "{length}"),
            false => answered(&mut stream).await,
        }
    }
    rig.ended(End::LargeHead, 4).await;
    rig.serves().await;
    let lines = log.lines("large_head");
    assert!(lines.len() == 1 && lines[0].contains("peer=127.0.0.1") && lines[0].contains("status=431"), "{lines:?}");
    // A long body is no long head.
    let length = 4 * 1024 * 1024;
    let mut stream = rig.sent(&format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")).await;
    stream.write_all(&vec![b'x'; length]).await.unwrap();
    answered(&mut stream).await;
}

#[tokio::test]
async fn http_2_is_refused_in_its_own_words() {
    let rig = Rig::start(|_| ()).await;
    let mut stream = rig.connect().await;
    for part in ["PRI * HTTP/2.0\r\n", "\r\nSM\r\n\r\n", "\0\0\0\x04\0\0\0\0\0"] {
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = rest(&mut stream).await;
    assert!(answer.ends_with("\0\0\0\x0dthis server uses HTTP/1.1"), "{answer:?}");
    rig.ended(End::Http2, 1).await;
    rig.serves().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_logged() {
    let (log, _logging) = crate::testing::logged();
    let rig = Rig::start(|_| ()).await;
    // A TLS handshake, then what no method begins with.
    for (begin, end) in [(&b"\x16\x03\x01\x02\0\x01"[..], End::Tls), (b"\0\xff\x01", End::NotHttp)] {
        let mut stream = rig.connect().await;
        stream.write_all(begin).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        rig.ended(end, 1).await;
        let lines = log.lines(&format!("reason={:?}", end.as_str()));
        assert!(lines.len() == 1 && lines[0].contains("peer=127.0.0.1"), "{}", log.text());
    }
    // Empty lines before a request are skipped, and methods may be unknown.
    let mut stream = rig.sent("\r\nmkcol / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    answered(&mut stream).await;
    rig.serves().await;
}

#[tokio::test]
async fn without_an_http_server_requests_are_answered_with_503() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let rig = Rig::before(nobody, Peers::default(), std::sync::Arc::default(), |_| ()).await;
    let mut stream = rig.sent("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    rig.ended(End::Unavailable, 1).await;
}
