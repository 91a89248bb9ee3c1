//! What is sent again, when, and what is not.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cdi_client::errors::TriggerIntegrationSyncError;
use cdi_client::{CallError, Client, ErrorKind, RetryPolicy, WaitOptions};
use scripted::{Server, Told, nobody};
use uuid::Uuid;

const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// Repeats quickly where the server does not say how long to wait.
fn patient(url: &str) -> Client {
    Client::builder()
        .base_url(url)
        .api_key("the-key")
        .request_timeout(Duration::from_millis(500))
        .retry(RetryPolicy::default().max_retries(2).first_wait(Duration::from_millis(1)))
        .build()
        .unwrap()
}

async fn trigger(client: &Client) -> CallError<TriggerIntegrationSyncError> {
    client.trigger_integration_sync(Uuid::nil()).await.unwrap_err()
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_the_server_says() {
    let server =
        Server::answering([Told::message(429, "Rate Limited").header("retry-after", 1), Told::message(202, "success")]);
    patient(&server.url).trigger_integration_sync(Uuid::nil()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let server = Server::answering([Told::message(429, "Rate Limited").header("retry-after", 3600)]);
    let error = trigger(&patient(&server.url)).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_trigger_that_may_have_arrived_is_sent_once() {
    for answer in [
        Told::hang(),
        Told::message(202, "success").cut_off(),
        Told::message(500, "Internal Server Error"),
        Told::message(503, "Service Unavailable").header("retry-after", 0),
        Told::new(502, HTML),
        Told::message(429, "Another job is in progress"),
        Told::new(429, HTML),
    ] {
        let server = Server::answering([answer]);
        trigger(&patient(&server.url)).await;
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_trigger_that_found_nobody_is_sent_again() {
    let url = nobody();
    let address = url.trim_start_matches("http://").to_owned();
    let client = Client::builder()
        .base_url(&url)
        .api_key("k")
        .retry(RetryPolicy::default().max_retries(20).first_wait(Duration::from_millis(20)))
        .build()
        .unwrap();
    let late = tokio::spawn(async move { client.trigger_integration_sync(Uuid::nil()).await });
    // The server comes up while the client is trying.
    tokio::task::yield_now().await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 21\r\n\r\n{\"message\":\"success\"}",
    )
    .await
    .unwrap();
    late.await.unwrap().unwrap();
}

/// The address of a server that gives every connection this answer, and how many connections there were.
async fn answering_bytes(answer: &'static [u8]) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            // A client that has hung up fails its own assertions.
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
        }
    });
    (address, connections)
}

#[tokio::test]
async fn the_wrong_scheme_is_not_tried_again() {
    for (scheme, answer) in
        [("https", b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice()), ("http", &[0x15, 3, 3, 0, 2, 2, 0x46])]
    {
        if scheme == "https" && cfg!(not(feature = "rustls")) {
            continue;
        }
        let (address, connections) = answering_bytes(answer).await;
        let client = patient(&format!("{scheme}://{address}"));
        let error = client.list_integrations().all().await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), 1, "{scheme}");
        assert!(!trigger(&client).await.is_transient());
        assert_eq!(connections.load(Ordering::SeqCst), 2, "{scheme}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_after_any_passing_trouble() {
    for trouble in
        [Told::hang(), Told::page(&[]).cut_off(), Told::message(500, "Internal Server Error"), Told::new(502, HTML)]
    {
        let server = Server::answering([trouble, Told::page(&[])]);
        assert_eq!(patient(&server.url).list_integrations().all().await.unwrap(), []);
        assert_eq!(server.asked().len(), 2);
    }
    let server = Server::answering([Told::message(401, "Unauthorized")]);
    patient(&server.url).list_integrations().all().await.unwrap_err();
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_pause_is_reported_with_its_cause_before_it_begins() {
    let server = Server::answering([
        Told::message(503, "Service Unavailable"),
        Told::message(429, "Rate Limited").header("retry-after", 0),
        Told::page(&[]),
    ]);
    let reported = Arc::new(Mutex::new(Vec::new()));
    let log = reported.clone();
    let client = Client::builder()
        .base_url(&server.url)
        .api_key("the-key")
        .retry(RetryPolicy::default().first_wait(Duration::from_millis(1)))
        .on_retry(move |retry| log.lock().unwrap().push(retry.clone()))
        .build()
        .unwrap();
    client.list_integrations().all().await.unwrap();
    let reported = reported.lock().unwrap();
    let [first, second] = &reported[..] else { panic!("{reported:?}") };
    assert_eq!((first.operation, first.status, first.is_rate_limited), ("list_integrations", Some(503), false));
    assert!(first.error.contains("503 Service Unavailable") && first.pause <= Duration::from_millis(1), "{first:?}");
    assert_eq!((second.kind, second.status, second.is_rate_limited), (ErrorKind::Documented, Some(429), true));
}

#[tokio::test]
async fn the_pauses_of_a_wait_are_reported_too() {
    let mut triggers = 0;
    let server = Server::new(move |asked| {
        triggers += usize::from(asked.method == "POST");
        match (asked.method.as_str(), triggers) {
            ("POST", 1) => Told::message(429, "Rate Limited").header("retry-after", 0),
            ("POST", _) => Told::message(202, "success"),
            _ => Told::page(&[]),
        }
    });
    let reported = Arc::new(AtomicUsize::new(0));
    let count = reported.clone();
    let client = Client::builder()
        .base_url(&server.url)
        .api_key("the-key")
        .on_retry(move |retry| {
            assert_eq!(retry.operation, "trigger_integration_sync");
            count.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    client.trigger_in_turn(Uuid::nil(), WaitOptions::default()).await.unwrap();
    assert_eq!(reported.load(Ordering::SeqCst), 1);
}
