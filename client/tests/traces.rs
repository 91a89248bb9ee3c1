//! Each call and each wait is a span, failures that are waited out are warnings, and the key is in none of them.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cdi_client::{Client, RetryPolicy, WaitOptions};
use scripted::{Server, Told};
use serde_json::{Value, json};
use tracing_subscriber::fmt::format::FmtSpan;
use uuid::Uuid;

const KEY: &str = "hunter2-hunter2";

/// What a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything of this crate that is logged from now on, on this thread.
    fn begin() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_env_filter("cdi_client=debug")
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The spans of a name, as they were when they ended.
    fn spans(&self, name: &str) -> Vec<Value> {
        let ended = |line: &Value| line["fields"]["message"] == "close" && line["span"]["name"] == name;
        self.lines().into_iter().filter(ended).map(|line| line["span"].clone()).collect()
    }

    /// The warnings, with the span that they are in.
    fn warnings(&self) -> Vec<(Value, Value)> {
        let mut lines = self.lines();
        lines.retain(|line| line["level"] == "WARN");
        lines.into_iter().map(|line| (line["fields"].clone(), line["span"]["name"].clone())).collect()
    }
}

fn client(server: &Server) -> Client {
    let retry = RetryPolicy::default().first_wait(Duration::from_millis(1));
    Client::builder().base_url(&server.url).api_key(KEY).retry(retry).build().unwrap()
}

#[tokio::test]
async fn a_call_is_a_span_and_each_repetition_a_warning() {
    let (log, _guard) = Log::begin();
    let server = Server::answering([
        Told::message(429, "Rate Limited").header("retry-after", 0),
        Told::message(202, "success").header("x-request-id", "r-2"),
    ]);
    client(&server).trigger_integration_sync(Uuid::nil()).await.unwrap();
    assert_eq!(
        log.spans("cdi_call"),
        [json!({
            "name": "cdi_call",
            "operation": "trigger_integration_sync",
            "integration_id": Uuid::nil(),
            "attempt": 2,
            "status": 202,
            "request_id": "r-2",
        })]
    );
    let [(warning, span)] = log.warnings().try_into().unwrap();
    assert_eq!((&warning["attempt"], &warning["message"]), (&json!(1), &json!("call failed; repeating it")));
    assert!(warning["error"].as_str().unwrap().starts_with("429 Rate Limited"), "{warning}");
    assert_eq!(span, "cdi_call");
}

#[tokio::test]
async fn a_call_that_fails_has_its_status_and_its_request_id_and_no_warning() {
    let (log, _guard) = Log::begin();
    let body = json!({"message": format!("Unauthorized: {KEY}"), "request_id": "r\u{1b}[2J-1"});
    let server = Server::answering([Told::new(401, body.to_string())]);
    client(&server).list_integrations().all().await.unwrap_err();
    let [span] = log.spans("cdi_call").try_into().unwrap();
    assert_eq!((&span["operation"], &span["status"]), (&json!("list_integrations"), &json!(401)));
    assert_eq!(span["request_id"], "r [2J-1");
    assert!(span.get("integration_id").is_none(), "{span}");
    assert_eq!(log.warnings(), []);
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}

#[tokio::test]
async fn a_wait_is_a_span_around_its_calls() {
    let (log, _guard) = Log::begin();
    let job = |status: &str, end: Option<&str>| {
        Told::page(&[json!({
            "job_status": status,
            "sync_start_time": "2026-11-23T20:43:04.000123Z",
            "sync_finish_time": end,
            "last_timestamp_synced": null,
            "rows_synced": 97,
            "rows_failed_with_errors": 3,
        })])
    };
    let mut listed = vec![
        Told::page(&[]),
        Told::new(502, "<html>"),
        job("running", None),
        job("partial", Some("2026-11-23T20:43:09.000000Z")),
    ]
    .into_iter();
    let server = Server::new(move |asked| match asked.method.as_str() {
        "POST" => Told::message(202, "success"),
        _ => listed.next().unwrap(),
    });
    let client = Client::builder().base_url(&server.url).api_key(KEY).retry(RetryPolicy::never()).build().unwrap();
    let options = WaitOptions::default().poll(Duration::from_millis(10), Duration::from_millis(10));
    client.trigger_and_wait(Uuid::nil(), options).await.unwrap();
    assert_eq!(
        log.spans("cdi_wait"),
        [json!({
            "name": "cdi_wait",
            "integration_id": Uuid::nil(),
            "job": "2026-11-23T20:43:04.000123+00:00",
            "job_status": "partial",
        })]
    );
    let calls = log.lines().into_iter().filter(|line| line["span"]["name"] == "cdi_call");
    let mut around: Vec<_> = calls.map(|line| line["spans"][0]["name"].clone()).collect();
    around.dedup();
    assert_eq!(around, ["cdi_wait"]);
    let [(warning, span)] = log.warnings().try_into().unwrap();
    assert_eq!(warning["message"], "the jobs cannot be listed; trying again");
    assert_eq!(span, "cdi_wait");
    assert!(!log.text().contains("hunter2"), "{}", log.text());
}
