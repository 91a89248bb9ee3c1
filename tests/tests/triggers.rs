//! Triggering a sync: once, many at once, with any body; and what the lists show of it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cdi_server::service::Role;
use contract_tests::{Answer, INTEGRATION, Running, Setup, eventually};
use futures::future::join_all;

fn sync() -> String {
    format!("/cdi/integrations/{INTEGRATION}/sync")
}

fn status() -> String {
    format!("/cdi/integrations/{INTEGRATION}/job_sync_status")
}

async fn finished(service: &Running) -> serde_json::Value {
    eventually("the job has ended", async || {
        let jobs = service.service.store.jobs(INTEGRATION.parse().unwrap(), &cdi_server::store::Page::First, 1).await;
        let job = jobs.unwrap().items.pop()?;
        (job.status != cdi_server::store::JobStatus::Running).then_some(())
    })
    .await;
    service.call("GET", &status()).await.body["results"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_triggers_at_once_exactly_one_starts_a_job() {
    let mut setup = Setup::with_rows(10);
    setup.more = "[[workspaces]]\nid = \"ours\"\nrate_limits = { trigger_integration_sync = 1000 }".to_owned();
    let service = setup.start(Role::Api).await;
    let path = sync();
    let answers = join_all((0..32).map(|_| service.call("POST", &path))).await;
    let count = |status: u16, message: &str| {
        answers.iter().filter(|answer| answer.status == status && answer.body["message"] == message).count()
    };
    assert_eq!(count(202, "success"), 1);
    assert_eq!(count(429, "Another job is in progress"), 31);
    let jobs = service.call("GET", &status()).await;
    assert_eq!(jobs.body["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_trigger_takes_any_body_and_does_not_read_it() {
    let service = Setup::with_rows(1).start(Role::All).await;
    let client = reqwest::Client::new();
    for body in ["", "{}", "{\"a\": 1}", "not JSON"] {
        let answer = client
            .post(format!("{}{}", service.url, sync()))
            .bearer_auth(service.setup.key.expose())
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202, "{body:?}");
        finished(&service).await;
    }
}

#[tokio::test]
async fn a_sync_delivers_the_rows_and_reports_success() {
    let service = Setup::with_rows(200).start(Role::All).await;
    let before = chrono::Utc::now();
    assert_eq!(service.call("POST", &sync()).await.status, 202);
    let job = finished(&service).await;
    assert_eq!(job["job_status"], "success");
    assert_eq!((job["rows_synced"].as_u64(), job["rows_failed_with_errors"].as_u64()), (Some(200), Some(0)));
    assert_eq!(job["last_timestamp_synced"], "2026-01-01T00:03:19.000199Z");
    let start = job["sync_start_time"].as_str().unwrap();
    assert!(start.len() == "2026-11-23T20:43:04.000123Z".len() && start.ends_with('Z'), "{start}");
    assert!(chrono::DateTime::parse_from_rfc3339(start).unwrap() >= before);
    let delivered = std::fs::read_to_string(service.setup.path("out.jsonl")).unwrap();
    assert_eq!(delivered.lines().count(), 200);

    let listed = service.call("GET", "/cdi/integrations").await;
    let integration = &listed.body["results"][0];
    assert_eq!(listed.body["results"].as_array().unwrap().len(), 1, "another workspace's is not listed");
    assert_eq!(integration["contact_emails"], "a@example.com,b@example.com");
    assert_eq!(integration["last_job_status"], "success");
    assert_eq!(integration["last_updated_at"], "2026-01-01T00:03:19.000199Z");
    assert_eq!(integration["last_job_start_time"], job["sync_start_time"]);
    assert_eq!(integration["next_scheduled_run"], serde_json::Value::Null);

    assert_eq!(service.call("POST", &sync()).await.status, 202);
    let job = finished(&service).await;
    assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(0)), "nothing is new");
}

#[tokio::test]
async fn a_job_without_new_rows_reports_the_watermark() {
    let service = Setup::with_rows(0).start(Role::All).await;
    assert_eq!(service.call("POST", &sync()).await.status, 202);
    let job = finished(&service).await;
    assert_eq!(
        (job["job_status"].as_str(), &job["last_timestamp_synced"]),
        (Some("success"), &serde_json::Value::Null)
    );
    service.setup.insert(3, 0..3);
    for rows in [3, 0, 0] {
        assert_eq!(service.call("POST", &sync()).await.status, 202);
        let job = finished(&service).await;
        assert_eq!((job["job_status"].as_str(), job["rows_synced"].as_u64()), (Some("success"), Some(rows)));
        assert_eq!(job["last_timestamp_synced"], "2026-01-01T00:00:02.000002Z", "{rows} rows were new");
    }
}

#[tokio::test]
async fn pages_of_jobs_lead_to_the_end_and_back() {
    let mut setup = Setup::with_rows(0);
    setup.more = "[[workspaces]]\nid = \"ours\"\nrate_limits = { trigger_integration_sync = 1000 }".to_owned();
    let service = setup.start(Role::All).await;
    for _ in 0..23 {
        assert_eq!(service.call("POST", &sync()).await.status, 202);
        finished(&service).await;
    }
    let first = service.call("GET", &status()).await;
    let mut forward = vec![first];
    while let Some(next) = link(forward.last().unwrap(), "next") {
        forward.push(service.call("GET", &next).await);
    }
    let sizes: Vec<usize> = forward.iter().map(|page| page.body["results"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 10, 3]);
    assert!(link(&forward[0], "prev").is_none());
    let starts: Vec<&str> = forward
        .iter()
        .flat_map(|page| page.body["results"].as_array().unwrap())
        .map(|job| job["sync_start_time"].as_str().unwrap())
        .collect();
    assert!(starts.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once: {starts:?}");
    let mut back = link(&forward[2], "prev");
    for page in [&forward[1], &forward[0]] {
        let answer = service.call("GET", &back.unwrap()).await;
        assert_eq!(answer.body, page.body);
        back = link(&answer, "prev");
    }
    assert_eq!(back, None);
    let cursor = link(&forward[0], "next").unwrap();
    let of_another_list = format!("/cdi/integrations?{}", cursor.split_once('?').unwrap().1);
    assert_eq!(service.call("GET", &of_another_list).await.status, 400);
}

fn link(answer: &Answer, relation: &str) -> Option<String> {
    let header = answer.header("link")?;
    let entry = header.split(",<").find(|entry| entry.ends_with(&format!("; rel=\"{relation}\"")))?;
    Some(entry.trim_start_matches('<').split('>').next()?.to_owned())
}
