//! What one call sends, and what each answer becomes.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::io::Write as _;
use std::time::Duration;

use cdi_client::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use cdi_client::{CallError, Client, JobStatus, RetryPolicy};
use scripted::{Server, Told, nobody};
use uuid::Uuid;

const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

fn client(url: &str) -> Client {
    Client::builder()
        .base_url(url)
        .api_key("the-key")
        .request_timeout(Duration::from_millis(500))
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

async fn trigger(client: &Client) -> CallError<TriggerIntegrationSyncError> {
    client.trigger_integration_sync(Uuid::nil()).await.unwrap_err()
}

#[tokio::test]
async fn a_request_has_the_key_and_a_name_and_no_header_that_the_contract_does_not_know() {
    let server = Server::answering([Told::message(202, "success").header("x-ratelimit-limit", 20)]);
    let reply = client(&server.url).trigger_integration_sync(Uuid::nil()).await.unwrap();
    assert_eq!(reply.value.message, "success");
    assert_eq!(reply.response.status(), 202);
    assert_eq!(reply.response.headers()["x-ratelimit-limit"], "20");

    let asked = &server.asked()[0];
    assert_eq!(server.lines(), ["POST /cdi/integrations/00000000-0000-0000-0000-000000000000/sync"]);
    assert_eq!(asked.headers["authorization"], "Bearer the-key");
    assert!(asked.headers["user-agent"].starts_with("cdi-client/"));
    assert!(!asked.headers.contains_key("api-version"), "{:?}", asked.headers);
}

/// Provokes every documented error of an operation and has it recognised.
macro_rules! every_documented_error_is_recognised {
    ($name:ident, $error:ty, |$client:ident| $call:expr) => {
        #[tokio::test]
        async fn $name() {
            for &expected in <$error>::ALL {
                let body = serde_json::json!({
                    "message": expected.message(),
                    "request_id": "r-1",
                    "errors": ["more"],
                    "something_new": {"a": 1},
                });
                let server = Server::answering([Told::new(expected.status(), body.to_string())
                    .header("retry-after", 7)
                    .header("x-ratelimit-limit", 20)
                    .header("x-ratelimit-remaining", 3)
                    .header("x-ratelimit-reset", 1_795_466_640)
                    .header("x-of-its-own", "kept")]);
                let $client = client(&server.url);
                let error: CallError<$error> = $call.unwrap_err();
                let CallError::Documented(answer) = &error else {
                    panic!("{expected} became {error:?}");
                };
                assert_eq!(answer.error, expected);
                assert_eq!(error.documented(), Some(expected));
                assert_eq!(error.status(), Some(expected.status()));
                assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
                let limit = error.rate_limit().unwrap();
                assert_eq!((limit.limit, limit.remaining), (20, 3));
                assert_eq!(limit.reset.to_rfc3339(), "2026-11-23T20:44:00+00:00");
                assert_eq!(error.request_id().as_deref(), Some("r-1"));
                assert_eq!(answer.response.headers()["x-of-its-own"], "kept");
                assert_eq!(answer.response.text(), body.to_string());
                assert!(error.to_string().contains(expected.help()), "{error}");
            }
        }
    };
}

every_documented_error_is_recognised!(
    every_documented_error_of_a_trigger_is_recognised,
    TriggerIntegrationSyncError,
    |client| client.trigger_integration_sync(Uuid::nil()).await
);
every_documented_error_is_recognised!(
    every_documented_error_of_the_integrations_is_recognised,
    ListIntegrationsError,
    |client| client.list_integrations().all().await
);
every_documented_error_is_recognised!(
    every_documented_error_of_the_jobs_is_recognised,
    ListJobSyncStatusError,
    |client| client.job_sync_status(Uuid::nil()).all().await
);

#[tokio::test]
async fn the_two_meanings_of_429_are_told_apart() {
    let busy = Server::answering([Told::message(429, "Another job is in progress")]);
    let error = trigger(&client(&busy.url)).await;
    assert_eq!(error.documented(), Some(TriggerIntegrationSyncError::JobInProgress));
    assert!(!error.is_rate_limited() && !error.is_transient());

    let limited = Server::answering([Told::message(429, "Rate Limited")]);
    let error = trigger(&client(&limited.url)).await;
    assert_eq!(error.documented(), Some(TriggerIntegrationSyncError::RateLimited));
    assert!(error.is_rate_limited() && error.is_transient());
}

#[tokio::test]
async fn a_page_of_a_proxy_keeps_its_status_its_headers_and_its_body() {
    // 500 and 503 are documented, 502 is not; neither is any of them with this body.
    for status in [500, 502, 503] {
        let server = Server::answering([Told::new(status, HTML).header("via", "1.1 proxy").header("retry-after", 3)]);
        let error = trigger(&client(&server.url)).await;
        let CallError::Undocumented(response) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["via"], "1.1 proxy");
        assert_eq!(response.text(), HTML);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        assert!(error.to_string().contains("502 Bad Gateway"), "{error}");
    }
}

#[tokio::test]
async fn a_documented_status_with_another_message_or_none_is_undocumented() {
    for body in [r#"{"message":"Nope"}"#, r#"{"message":7}"#, "[]", "", "null"] {
        for status in [400, 401, 404, 429] {
            let server = Server::answering([Told::new(status, body)]);
            let error = trigger(&client(&server.url)).await;
            assert!(matches!(error, CallError::Undocumented(_)), "{status} {body}: {error:?}");
            assert_eq!(error.status(), Some(status));
        }
    }
}

#[tokio::test]
async fn a_success_that_is_not_what_the_contract_says_is_an_error() {
    let server = Server::answering([Told::new(200, r#"{"results":[{"job_status":7}]}"#)]);
    let error = client(&server.url).job_sync_status(Uuid::nil()).all().await.unwrap_err();
    assert!(matches!(error, CallError::Unreadable { .. }));
    assert!(error.to_string().contains("invalid type: integer `7`"), "{error}");

    for status in [200, 201, 204] {
        let server = Server::answering([Told::message(status, "success")]);
        let error = trigger(&client(&server.url)).await;
        assert!(matches!(error, CallError::Undocumented(_)));
        assert!(error.may_have_taken_effect(), "{status}");
    }
}

#[tokio::test]
async fn a_value_that_a_newer_server_has_is_kept() {
    let job = r#"{"job_status":"sleeping","sync_start_time":"2026-11-23T20:43:04.000123Z","sync_finish_time":null,
        "last_timestamp_synced":null,"rows_synced":1,"rows_failed_with_errors":0,"mood":"fine"}"#;
    let server = Server::answering([Told::new(200, format!(r#"{{"results":[{job}],"message":"success"}}"#))]);
    let jobs = client(&server.url).job_sync_status(Uuid::nil()).all().await.unwrap();
    assert_eq!(jobs[0].job_status, JobStatus::Unknown("sleeping".into()));
    assert_eq!(jobs[0].job_status.to_string(), "sleeping");
    assert_eq!(serde_json::to_value(&jobs[0]).unwrap()["job_status"], "sleeping");
    assert!(!jobs[0].is_finished());
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    compressed.write_all(br#"{"results":[],"message":"success"}"#).unwrap();
    let compressed = compressed.finish().unwrap();
    let server = Server::answering([Told::new(200, compressed).header("content-encoding", "gzip")]);
    assert_eq!(client(&server.url).list_integrations().all().await.unwrap(), []);
    assert_eq!(server.asked()[0].headers["accept-encoding"], "gzip");

    let server = Server::answering([Told::new(200, "not compressed at all").header("content-encoding", "gzip")]);
    let error = client(&server.url).list_integrations().all().await.unwrap_err();
    assert!(matches!(error, CallError::Interrupted { .. }), "{error:?}");
}

#[tokio::test]
async fn what_a_server_says_cannot_take_control_of_a_terminal() {
    for body in ["\u{1b}[2J", r#"{"message":"\u001b[2J"}"#, r#"{"results":[{"job_status":{"\u001b[2J":1}}]}"#] {
        for status in [200, 429, 500] {
            let server = Server::answering([Told::new(status, body).header("location", "/\u{9b}2J")]);
            let error = client(&server.url).job_sync_status(Uuid::nil()).all().await.unwrap_err();
            assert!(!error.to_string().contains(char::is_control), "{:?}", error.to_string());
        }
    }
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_not_kept() {
    let key = "0f8fad5b-d9cb-469f";
    for body in [
        format!(r#"{{"message":"Invalid API key: {key}"}}"#),
        format!(r#"{{"message":"Unauthorized","errors":["{key}"],"request_id":"{key}"}}"#),
        format!("{key}<pre>authorization: Bearer {key}"),
        format!(r#"{{"message":"success","results":"{key}"}}"#),
    ] {
        for status in [200, 202, 401, 500] {
            let server = Server::answering([Told::new(status, body.clone())]);
            let client = Client::builder().base_url(&server.url).api_key(key).retry(RetryPolicy::never());
            let error = client.build().unwrap().list_integrations().all().await.unwrap_err();
            let response = error.response().unwrap();
            let kept = format!("{error} {error:?} {} {:?}", response.text(), error.request_id());
            assert!(!kept.contains(key) && response.text().contains('…'), "{kept}");
            assert_eq!(server.asked()[0].headers["authorization"], format!("Bearer {key}"));
        }
    }
}

#[cfg(feature = "custom-http-client")]
#[tokio::test]
async fn an_http_client_of_ones_own_is_used_and_never_takes_the_key_to_another_host() {
    let elsewhere = Server::answering([Told::message(202, "success")]);
    let server = Server::answering([Told::new(307, "").header("location", &elsewhere.url)]);
    let http = cdi_client::reqwest::Client::builder().build().unwrap();
    let client = Client::builder().base_url(&server.url).api_key("the-key").http_client(http).build().unwrap();
    client.trigger_integration_sync(Uuid::nil()).await.unwrap();
    assert_eq!(server.asked()[0].headers["authorization"], "Bearer the-key");
    assert!(server.asked()[0].headers["user-agent"].starts_with("cdi-client/"));
    // That client follows redirects, as its maker wanted.
    assert!(!elsewhere.asked()[0].headers.contains_key("authorization"));

    let hanging = Server::answering([Told::hang()]);
    let http = cdi_client::reqwest::Client::builder().build().unwrap();
    let client = Client::builder().base_url(&hanging.url).api_key("k").http_client(http).retry(RetryPolicy::never());
    let client = client.request_timeout(Duration::from_millis(100)).build().unwrap();
    assert!(matches!(trigger(&client).await, CallError::Timeout { .. }));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering([Told::message(202, "success")]);
    let server = Server::answering([Told::new(307, "").header("location", &elsewhere.url)]);
    let error = trigger(&client(&server.url)).await;
    assert_eq!(error.status(), Some(307));
    assert!(error.to_string().contains(&elsewhere.url), "{error}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_has_received_nothing() {
    let error = trigger(&client(&nobody())).await;
    assert!(matches!(error, CallError::Connection(_)), "{error:?}");
    assert!(!error.may_have_taken_effect());
    assert!(error.to_string().contains("refused"), "{error}");
    // Its causes are in its text, so what prints the chain of an error does not repeat them.
    assert!(std::error::Error::source(&error).is_none());
    assert!(std::error::Error::source(&cdi_client::Error::from(error)).is_none());
}

#[tokio::test]
async fn after_a_time_out_nobody_knows() {
    let server = Server::answering([Told::hang()]);
    let error = trigger(&client(&server.url)).await;
    assert!(matches!(error, CallError::Timeout { .. }), "{error:?}");
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn an_answer_that_stops_half_way_keeps_what_had_come() {
    let server = Server::answering([Told::message(202, "success").header("x-of-its-own", "kept").stalled()]);
    let error = trigger(&client(&server.url)).await;
    let CallError::Timeout { partial: Some(partial), .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(partial.status(), 202);
    assert_eq!(partial.headers()["x-of-its-own"], "kept");
    assert_eq!(partial.message().as_deref(), Some("success"));
    assert_eq!(error.status(), Some(202));
}

#[tokio::test]
async fn a_broken_answer_keeps_what_had_come() {
    let server = Server::answering([Told::message(202, "success").header("x-of-its-own", "kept").cut_off()]);
    let error = trigger(&client(&server.url)).await;
    let CallError::Interrupted { partial: Some(partial), .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(partial.status(), 202);
    assert_eq!(partial.headers()["x-of-its-own"], "kept");
    assert!(error.may_have_taken_effect());
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let server = Server::answering([Told::new(200, "[".repeat(17 * 1024 * 1024))]);
    let client = Client::builder().base_url(&server.url).api_key("k").retry(RetryPolicy::never()).build().unwrap();
    let error = client.list_integrations().all().await.unwrap_err();
    assert_eq!(error.response().unwrap().body().len(), 16 * 1024 * 1024);
    assert!(error.to_string().contains("longer than"), "{error}");
}

/// A server that reads once, answers these bytes to it, and hangs up.
async fn answering_bytes(answer: &'static [u8]) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // A client that has hung up fails its own assertions.
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
    });
    address
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn https_to_a_server_that_speaks_http_is_named_as_such() {
    for answer in [b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".as_slice(), b""] {
        let error = trigger(&client(&format!("https://{}", answering_bytes(answer).await))).await;
        assert!(matches!(error, CallError::Connection(_)), "{error:?}");
        assert!(!error.may_have_taken_effect());
        let advice = "the server cannot be reached: the TLS handshake failed; does the server speak http? Then write http:// \
                      in the base URL (error sending request";
        assert!(error.to_string().starts_with(advice), "{error}");
    }
}

#[tokio::test]
async fn http_to_a_server_that_speaks_https_is_named_as_such() {
    // A fatal alert, `unexpected_message`.
    let error = trigger(&client(&format!("http://{}", answering_bytes(&[21, 3, 3, 0, 2, 2, 10]).await))).await;
    let advice = "the answer is not HTTP; does the server speak https? Then write https:// in the base URL (";
    assert!(error.to_string().contains(advice), "{error}");
}
