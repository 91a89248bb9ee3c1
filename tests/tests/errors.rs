//! Every documented error, provoked over HTTP: status, message, headers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cdi_server::service::Role;
use contract_tests::{Answer, FOREIGN, INTEGRATION, Running, Setup, UNKNOWN, eventually};
use futures::future::join_all;

const OPERATIONS: [(&str, &str, u64); 3] = [
    ("POST", "/cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/sync", 20),
    ("GET", "/cdi/integrations", 50),
    ("GET", "/cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/job_sync_status", 100),
];

async fn service() -> Running {
    Setup::with_rows(0).start(Role::Api).await
}

fn assert_error(answer: &Answer, status: u16, message: &str) {
    assert_eq!((answer.status, answer.body["message"].as_str()), (status, Some(message)), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    if status < 500 {
        assert_eq!(answer.body, serde_json::json!({ "message": message }));
    }
}

fn assert_usage(answer: &Answer, limit: u64, remaining: u64) {
    assert_eq!(answer.number("x-ratelimit-limit"), Some(limit), "{answer:?}");
    assert_eq!(answer.number("x-ratelimit-remaining"), Some(remaining), "{answer:?}");
    let now = chrono::Utc::now().timestamp() as u64;
    let reset = answer.number("x-ratelimit-reset").unwrap();
    assert!(reset.is_multiple_of(60) && reset >= now && reset <= now + 60, "{reset} at {now}");
}

/// Windows end on the minute: waits until enough of the current one is left for some requests.
async fn early_in_a_window() {
    eventually("a new minute", async || (chrono::Utc::now().timestamp() % 60 < 50).then_some(())).await;
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_unauthorized_and_costs_nothing() {
    let service = service().await;
    early_in_a_window().await;
    let bearer = |key: &str| Some(format!("Bearer {key}"));
    let keys = [
        None,
        Some("Bearer".to_owned()),
        Some(format!("Basic {}", service.setup.key.expose())),
        Some(service.setup.key.expose().to_owned()),
        bearer(""),
        bearer("two words"),
        bearer("cdi_unknown"),
        bearer(service.setup.expired.expose()),
        bearer(service.setup.revoked.expose()),
    ];
    for (method, path, limit) in OPERATIONS {
        let mut bodies = Vec::new();
        // At once, because the server answers bad keys late after some.
        for answer in join_all(keys.iter().map(|key| service.send(method, path, key.as_deref()))).await {
            assert_error(&answer, 401, "Unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            assert_eq!(answer.header("x-ratelimit-limit"), None, "nothing is told to strangers");
            bodies.push(answer.body);
        }
        assert_usage(&service.call(method, path).await, limit, limit - 1);
    }
}

#[tokio::test]
async fn a_key_without_the_permission_is_denied_before_the_integration_is_looked_up() {
    let service = service().await;
    early_in_a_window().await;
    let key = format!("Bearer {}", service.setup.powerless.expose());
    for id in [INTEGRATION, FOREIGN, UNKNOWN, "not-an-id"] {
        for (method, path, limit) in OPERATIONS {
            let path = path.replace(INTEGRATION, id);
            let answer = service.send(method, &path, Some(&key)).await;
            assert_error(&answer, 403, "Access Denied");
            assert_usage(&answer, limit, limit);
        }
    }
}

#[tokio::test]
async fn an_id_that_is_not_a_hyphenated_uuid_is_invalid() {
    let service = service().await;
    let plain = INTEGRATION.replace('-', "");
    let ids = [
        "x",
        "%20",
        "%zz",
        "a%2Fb",
        &plain,
        &format!("%7B{INTEGRATION}%7D"),
        &format!("urn:uuid:{INTEGRATION}"),
        &format!("{INTEGRATION}%20"),
        &INTEGRATION.replace('6', "g"),
    ];
    for id in ids {
        for (method, path) in [("POST", "sync"), ("GET", "job_sync_status")] {
            let answer = service.call(method, &format!("/cdi/integrations/{id}/{path}")).await;
            assert_error(&answer, 400, "Invalid integration ID");
            assert!(answer.header("x-ratelimit-remaining").is_some());
        }
    }
    let upper = service.call("GET", &format!("/cdi/integrations/{}/job_sync_status", INTEGRATION.to_uppercase())).await;
    assert_eq!(upper.status, 200);
}

#[tokio::test]
async fn a_cursor_that_was_not_issued_for_the_list_is_invalid() {
    let service = service().await;
    let jobs = format!("/cdi/integrations/{INTEGRATION}/job_sync_status");
    for cursor in ["", "x", "%ff", "AAAAAAAAAAAAAAAA", "a&cursor=b"] {
        for path in ["/cdi/integrations", &jobs] {
            let answer = service.call("GET", &format!("{path}?cursor={cursor}")).await;
            assert_error(&answer, 400, "Invalid cursor");
        }
    }
}

#[tokio::test]
async fn an_integration_of_another_workspace_does_not_exist() {
    let service = service().await;
    for id in [FOREIGN, UNKNOWN] {
        for (method, path) in [("POST", "sync"), ("GET", "job_sync_status")] {
            let answer = service.call(method, &format!("/cdi/integrations/{id}/{path}")).await;
            assert_error(&answer, 404, "Integration not found");
            assert!(answer.header("x-ratelimit-remaining").is_some());
        }
    }
}

#[tokio::test]
async fn a_second_trigger_is_refused_while_the_job_runs() {
    // Without a worker the job stays in progress.
    let service = service().await;
    let path = format!("/cdi/integrations/{INTEGRATION}/sync");
    let first = service.call("POST", &path).await;
    assert_eq!((first.status, &first.body), (202, &serde_json::json!({"message": "success"})));
    let second = service.call("POST", &path).await;
    assert_error(&second, 429, "Another job is in progress");
    assert_eq!(second.header("retry-after"), None, "nobody knows how long it takes");
    assert!(second.header("x-ratelimit-remaining").is_some());
    let jobs = service.call("GET", &format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await;
    assert_eq!(jobs.body["results"].as_array().unwrap().len(), 1);
    assert_eq!(jobs.body["results"][0]["job_status"], "running");
}

#[tokio::test]
async fn requests_over_the_limit_are_refused_until_the_window_ends_and_start_nothing() {
    let service = service().await;
    for (method, path, limit) in OPERATIONS {
        early_in_a_window().await;
        for used in 1..=limit {
            let answer = service.call(method, path).await;
            assert_usage(&answer, limit, limit - used);
        }
        // The limit is checked before the ID, so an invalid ID is not examined.
        for path in [path.to_owned(), path.replace(INTEGRATION, "not-an-id")] {
            let answer = service.call(method, &path).await;
            assert_error(&answer, 429, "Rate Limited");
            assert_usage(&answer, limit, 0);
            let left = 60 - chrono::Utc::now().timestamp() as u64 % 60;
            let wait = answer.number("retry-after").unwrap();
            assert!(wait >= 1 && wait.abs_diff(left) <= 1, "{wait} of {left}");
        }
    }
    let jobs: i64 = service.setup.store().query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).unwrap();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn a_broken_store_is_an_internal_error_whose_cause_is_only_in_the_log() {
    let service = service().await;
    service.setup.store().execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE jobs").unwrap();
    for (method, path, _) in OPERATIONS {
        let answer = service.call(method, path).await;
        assert_error(&answer, 500, "Internal Server Error");
        assert_eq!(answer.body["request_id"].as_str(), answer.header("x-request-id"));
        assert_eq!(answer.body.as_object().unwrap().len(), 2, "{answer:?}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_in_time_makes_the_service_unavailable() {
    let mut setup = Setup::with_rows(0);
    setup.server = "request_deadline = \"300ms\"".to_owned();
    let service = setup.start(Role::Api).await;
    let store = service.setup.store();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for (method, path, _) in OPERATIONS {
        let answer = service.call(method, path).await;
        assert_error(&answer, 503, "Service Unavailable");
        assert!(answer.number("retry-after").unwrap() >= 1);
    }
    store.execute_batch("ROLLBACK").unwrap();
    assert_eq!(service.call("GET", "/cdi/integrations").await.status, 200);
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_answered_by_the_framework() {
    let service = service().await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/cdi", 404),
        ("POST", "/cdi/integrations", 405),
        ("DELETE", OPERATIONS[0].1, 405),
        ("GET", "/cdi/integrations/%ff/job_sync_status", 400),
    ] {
        let answer = service.send(method, path, None).await;
        assert_eq!(answer.status, status);
        assert!(answer.body["message"].is_string() && answer.body["request_id"].is_string(), "{answer:?}");
    }
}
