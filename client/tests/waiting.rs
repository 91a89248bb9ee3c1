//! A sync is triggered, its own run is recognised, and its end is told.

#![allow(clippy::unwrap_used)]

mod scripted;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cdi_client::{Client, IfRunning, JobStatus, Progress, RetryPolicy, Stage, WaitError, WaitOptions};
use scripted::{Server, Told};
use serde_json::{Value, json};
use uuid::Uuid;

const OLD: &str = "2026-11-23T20:00:00.000000Z";
const OURS: &str = "2026-11-23T20:43:04.000123Z";
const LATER: &str = "2026-11-23T20:50:00.000000Z";
/// When the trigger is answered.
const DATE: &str = "Mon, 23 Nov 2026 20:43:04 GMT";

fn client(server: &Server) -> Client {
    Client::builder().base_url(&server.url).api_key("k").retry(RetryPolicy::never()).build().unwrap()
}

fn options() -> WaitOptions {
    WaitOptions::default().poll(Duration::from_millis(5), Duration::from_millis(20)).timeout(Duration::from_secs(20))
}

fn job(start: &str, status: &str, rows: u64) -> Value {
    json!({
        "job_status": status,
        "sync_start_time": start,
        "sync_finish_time": if status == "running" { Value::Null } else { json!("2026-11-23T20:59:00.000000Z") },
        "last_timestamp_synced": null,
        "rows_synced": rows,
        "rows_failed_with_errors": 0,
    })
}

/// Lists these jobs, one list for each look and the last again and again, and accepts triggers.
fn server(looks: Vec<Vec<Value>>) -> Server {
    let looks = looks.into_iter().map(|jobs| Told::page(&jobs)).collect();
    server_telling(looks)
}

fn server_telling(looks: Vec<Told>) -> Server {
    let mut look = 0;
    Server::new(move |asked| {
        if asked.method == "POST" {
            return Told::message(202, "success").header("date", DATE);
        }
        look += 1;
        looks[look.min(looks.len()) - 1].clone()
    })
}

#[tokio::test]
async fn it_waits_for_its_own_run_and_tells_what_happens() {
    let server = server(vec![
        vec![job(OLD, "error", 7)],
        // Not listed yet.
        vec![job(OLD, "error", 7)],
        vec![job(OURS, "running", 0), job(OLD, "error", 7)],
        vec![job(OURS, "running", 0), job(OLD, "error", 7)],
        vec![job(OURS, "running", 50), job(OLD, "error", 7)],
        vec![job(LATER, "running", 1), job(OURS, "success", 99), job(OLD, "error", 7)],
    ]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let options = options().on_progress(move |progress| {
        telling.lock().unwrap().push(match progress {
            Progress::Triggering => "triggering".to_owned(),
            Progress::Triggered => "triggered".to_owned(),
            Progress::Job(job) => format!("{} {}", job.job_status, job.rows_synced),
            other => format!("{other:?}"),
        });
    });
    let job = client(&server).trigger_and_wait(Uuid::nil(), options).await.unwrap();
    assert_eq!(job.job_status, JobStatus::Success);
    assert_eq!(job.rows_synced, 99);
    assert_eq!(*told.lock().unwrap(), ["triggering", "triggered", "running 0", "running 50", "success 99"]);
    let triggers = server.asked().iter().filter(|asked| asked.method == "POST").count();
    assert_eq!(triggers, 1);
}

#[tokio::test]
async fn the_first_run_ever_is_recognised() {
    let server = server(vec![vec![], vec![], vec![job(OURS, "config_error", 0)]]);
    let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!(job.job_status, JobStatus::ConfigError);
}

#[tokio::test]
async fn a_run_of_somebody_else_just_before_is_not_taken_for_ours() {
    let theirs = "2026-11-23T20:43:01.000000Z";
    let server = server(vec![
        vec![job(OLD, "success", 1)],
        vec![job(OURS, "running", 0), job(theirs, "error", 0), job(OLD, "success", 1)],
        vec![job(OURS, "partial", 5), job(theirs, "error", 0), job(OLD, "success", 1)],
    ]);
    let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!(job.job_status, JobStatus::Partial);
}

#[tokio::test]
async fn a_run_that_has_moved_to_a_later_page_is_still_found() {
    let newer: Vec<Value> =
        (0..10).map(|minute| job(&format!("2026-11-23T21:{:02}:00.000000Z", 9 - minute), "success", 0)).collect();
    let mut looks = 0;
    let server = Server::new(move |asked| {
        if asked.method == "POST" {
            return Told::message(202, "success").header("date", DATE);
        }
        if asked.target.contains("cursor=second") {
            return Told::page(&[job(OURS, "success", 42), job(OLD, "error", 7)]);
        }
        looks += 1;
        match looks {
            1 => Told::page(&[job(OLD, "error", 7)]),
            2 => Told::page(&[job(OURS, "running", 0), job(OLD, "error", 7)]),
            _ => Told::page(&newer).header("link", r#"</x?cursor=second>; rel="next""#),
        }
    });
    let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!(job.rows_synced, 42);
}

#[tokio::test]
async fn what_runs_while_a_trigger_is_refused_is_not_taken_for_ours() {
    // Refused for the rate limit; then another run comes and goes; then the answer to our trigger is lost.
    let theirs = "2026-11-23T20:43:01.000000Z";
    let (mut looks, mut triggers) = (0, 0);
    let server = Server::new(move |asked| {
        if asked.method == "POST" {
            triggers += 1;
            return match triggers {
                1 => Told::message(429, "Rate Limited").header("retry-after", 0),
                _ => Told::message(202, "success").cut_off(),
            };
        }
        looks += 1;
        match looks {
            1 => Told::page(&[job(OLD, "success", 1)]),
            2 => Told::page(&[job(theirs, "error", 0), job(OLD, "success", 1)]),
            _ => Told::page(&[job(OURS, "success", 5), job(theirs, "error", 0), job(OLD, "success", 1)]),
        }
    });
    let client = Client::builder().base_url(&server.url).api_key("k").build().unwrap();
    let job = client.trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!((job.job_status, job.rows_synced), (JobStatus::Success, 5));
}

#[tokio::test]
async fn clocks_that_differ_do_not_matter() {
    // The server's clock is years behind ours, and the one that dates its answers is ahead of the one that dates jobs.
    for date in ["Mon, 23 Nov 2009 20:43:04 GMT", "Mon, 23 Nov 2099 20:43:04 GMT"] {
        let (mut looks, ours) = (0, "2009-11-23T20:41:00.000000Z");
        let server = Server::new(move |asked| {
            if asked.method == "POST" {
                return Told::message(202, "success").header("date", date);
            }
            looks += 1;
            let old = job("2009-11-23T20:40:59.999999Z", "error", 7);
            match looks {
                1 | 2 => Told::page(&[old]).header("date", date),
                _ => Told::page(&[job(ours, "success", 2), old]).header("date", date),
            }
        });
        let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
        assert_eq!(job.rows_synced, 2);
    }
}

#[tokio::test]
async fn the_turn_of_a_trigger_comes_after_the_run_that_is_in_progress() {
    let (mut looks, mut triggers) = (0, 0);
    let server = Server::new(move |asked| {
        if asked.method == "POST" {
            triggers += 1;
            return match triggers {
                // Another one was quicker.
                1 => Told::message(429, "Another job is in progress"),
                _ => Told::message(202, "success").header("date", DATE),
            };
        }
        looks += 1;
        match looks {
            1 => Told::page(&[job(OLD, "running", 1)]),
            2 => Told::message(503, "Service Unavailable"),
            3 | 4 => Told::page(&[job(OLD, "success", 9)]),
            _ => Told::page(&[job(OURS, "partial", 3), job(OLD, "success", 9)]),
        }
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let options = options().if_running(IfRunning::Wait).on_progress(move |progress| {
        telling.lock().unwrap().push(match progress {
            Progress::Busy(job) => format!("busy {}", job.rows_synced),
            Progress::Trouble(_) => "trouble".to_owned(),
            Progress::Refused(why) => why[..3].to_owned(),
            Progress::Job(job) => job.job_status.to_string(),
            other => format!("{other:?}"),
        });
    });
    let job = client(&server).trigger_and_wait(Uuid::nil(), options).await.unwrap();
    assert_eq!(job.rows_synced, 3);
    let expected = ["busy 1", "trouble", "Triggering", "429", "Triggering", "Triggered", "partial"];
    assert_eq!(*told.lock().unwrap(), expected);
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn a_trigger_in_turn_returns_when_it_is_accepted() {
    let server = server(vec![vec![job(OLD, "running", 1)], vec![job(OLD, "error", 1)]]);
    client(&server).trigger_in_turn(Uuid::nil(), options().if_running(IfRunning::Wait)).await.unwrap();
    assert_eq!(server.lines().last().unwrap().split(' ').next(), Some("POST"));
}

#[tokio::test]
async fn a_status_that_is_not_known_is_waited_for_until_it_has_an_end() {
    let mut going = job(OURS, "thinking", 1);
    going["sync_finish_time"] = Value::Null;
    let server = server(vec![vec![], vec![going], vec![job(OURS, "thought", 2)]]);
    let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!(job.job_status, JobStatus::Unknown("thought".into()));
}

#[tokio::test]
async fn a_refused_trigger_is_told_at_once() {
    let server = Server::new(|asked| match asked.method.as_str() {
        "POST" => Told::message(429, "Another job is in progress"),
        _ => Told::page(&[job(OLD, "running", 1)]),
    });
    let error = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap_err();
    assert!(matches!(error, WaitError::Trigger(_)));
    assert!(error.to_string().starts_with("the sync was not triggered: 429 Another job"), "{error}");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_trigger_whose_answer_is_lost_is_recognised_by_its_new_job() {
    for answer in
        [Told::message(202, "success").cut_off(), Told::message(503, "Service Unavailable"), Told::new(504, "<html>")]
    {
        let mut looks = 0;
        let server = Server::new(move |asked| {
            if asked.method == "POST" {
                return answer.clone();
            }
            looks += 1;
            match looks {
                1 | 2 => Told::page(&[job(OLD, "error", 7)]),
                3 => Told::page(&[job(OURS, "running", 0), job(OLD, "error", 7)]),
                _ => Told::page(&[job(OURS, "success", 9), job(OLD, "error", 7)]),
            }
        });
        let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
        assert_eq!(job.rows_synced, 9);
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
    }
}

#[tokio::test]
async fn a_trigger_whose_answer_is_lost_and_that_shows_no_job_is_an_error() {
    let server = Server::new(|asked| match asked.method.as_str() {
        "POST" => Told::message(500, "Internal Server Error"),
        _ => Told::page(&[job(OLD, "error", 7)]),
    });
    let options = options().lost_answer_timeout(Duration::from_millis(50));
    let error = client(&server).trigger_and_wait(Uuid::nil(), options).await.unwrap_err();
    assert!(error.to_string().starts_with("it is unknown whether the sync was triggered: 500"), "{error}");
}

#[tokio::test]
async fn waits_can_run_on_any_thread() {
    fn sendable(_: &(impl Send + 'static)) {}
    let server = Server::answering([Told::hang()]);
    let client = client(&server);
    sendable(&client.clone().list_integrations());
    sendable(&async move { client.trigger_and_wait(Uuid::nil(), options()).await });
}

#[tokio::test]
async fn nothing_is_triggered_if_the_jobs_cannot_be_listed() {
    let server = Server::answering([Told::message(403, "Access Denied")]);
    let error = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap_err();
    assert!(matches!(error, WaitError::Status { triggered: false, .. }));
    assert!(server.asked().iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn passing_trouble_is_sat_out() {
    let server = server_telling(vec![
        Told::page(&[]),
        Told::new(502, "<html>"),
        Told::message(503, "Service Unavailable"),
        Told::page(&[job(OURS, "running", 1)]).cut_off(),
        Told::page(&[job(OURS, "success", 1)]),
    ]);
    let job = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap();
    assert_eq!(job.job_status, JobStatus::Success);
}

#[tokio::test]
async fn lasting_trouble_is_not() {
    let server = server_telling(vec![Told::page(&[]), Told::new(502, "<html>")]);
    let options = options().patience(Duration::from_millis(50));
    let error = client(&server).trigger_and_wait(Uuid::nil(), options).await.unwrap_err();
    assert!(matches!(error, WaitError::Status { triggered: true, .. }));
    assert!(error.to_string().starts_with("the sync was triggered, but"), "{error}");
}

#[tokio::test]
async fn trouble_is_sat_out_as_long_as_the_server_asks_for() {
    let busy = Told::message(503, "Service Unavailable").header("retry-after", 1);
    for looks in [
        // Before the trigger, after it, and while the job runs.
        vec![Told::page(&[job(OLD, "running", 1)]), busy.clone(), Told::page(&[])],
        vec![Told::page(&[]), busy.clone()],
        vec![Told::page(&[]), Told::page(&[job(OURS, "running", 1)]), busy],
    ] {
        let server = server_telling([looks, vec![Told::page(&[job(OURS, "success", 1)])]].concat());
        let options = options().if_running(IfRunning::Wait);
        client(&server).trigger_and_wait(Uuid::nil(), options).await.unwrap();
        let mut looks = server.asked();
        looks.retain(|asked| asked.method == "GET");
        let longest = looks.windows(2).map(|two| two[1].at - two[0].at).max().unwrap();
        assert!(longest >= Duration::from_secs(1), "{longest:?}");
    }
    // Nobody waits for longer than patience allows.
    let away = Told::message(503, "Service Unavailable").header("retry-after", u64::MAX);
    let server = server_telling(vec![Told::page(&[]), away]);
    let error = client(&server).trigger_and_wait(Uuid::nil(), options()).await.unwrap_err();
    assert!(matches!(error, WaitError::Status { triggered: true, .. }), "{error:?}");
}

#[tokio::test]
async fn a_job_that_is_listed_no_more_is_not_waited_for_for_ever() {
    let server = server(vec![vec![job(OURS, "running", 1)], vec![job(OLD, "error", 7)]]);
    let options = options().timeout(None).patience(Duration::from_millis(50));
    let error = client(&server).wait_for_job(Uuid::nil(), OURS.parse().unwrap(), options).await.unwrap_err();
    assert!(matches!(error, WaitError::Gone { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the job that started at 2026-11-23 20:43:04.000123 UTC is not listed any more");
}

#[tokio::test]
async fn the_deadline_tells_how_far_the_sync_had_come() {
    async fn stage(server: Server) -> Stage {
        let options = options().if_running(IfRunning::Wait).timeout(Duration::from_millis(300));
        match client(&server).trigger_and_wait(Uuid::nil(), options).await {
            Err(WaitError::Deadline { stage, .. }) => *stage,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stage(Server::answering([Told::hang()])).await, Stage::Untriggered);
    let hanging = Server::new(|asked| match asked.method.as_str() {
        "POST" => Told::hang(),
        _ => Told::page(&[]),
    });
    assert_eq!(stage(hanging).await, Stage::Triggering);
    assert_eq!(stage(server(vec![vec![]])).await, Stage::Triggered);
    let busy = server(vec![vec![job(OLD, "running", 3)]]);
    assert!(matches!(stage(busy).await, Stage::Busy(job) if job.rows_synced == 3));
    let running = server(vec![vec![], vec![job(OURS, "running", 3)]]);
    assert!(matches!(stage(running).await, Stage::Running(job) if job.rows_synced == 3));
}

#[tokio::test]
async fn a_known_job_can_be_waited_for() {
    let server = server(vec![
        vec![job(LATER, "running", 0), job(OURS, "running", 1)],
        vec![job(LATER, "running", 0), job(OURS, "error", 1)],
    ]);
    let start = OURS.parse().unwrap();
    let job = client(&server).wait_for_job(Uuid::nil(), start, options()).await.unwrap();
    assert_eq!(job.job_status, JobStatus::Error);
}

#[tokio::test]
async fn dropping_a_wait_cancels_nothing_and_sends_nothing_more() {
    let server = server(vec![vec![], vec![job(OURS, "running", 1)], vec![job(OURS, "success", 2)]]);
    let found = Arc::new(Mutex::new(None));
    let (notify, finding) = (Arc::new(tokio::sync::Notify::new()), found.clone());
    let notified = notify.clone();
    let options = options().poll(Duration::from_millis(10), Duration::from_secs(3600)).on_progress(move |progress| {
        if let Progress::Job(job) = progress {
            *finding.lock().unwrap() = Some(job.sync_start_time);
            notified.notify_one();
        }
    });
    let client = client(&server);
    tokio::select! {
        ended = client.trigger_and_wait(Uuid::nil(), options) => panic!("{ended:?}"),
        () = notify.notified() => {}
    }
    // The wait is gone. All that it has sent is its trigger and its lists; none of it takes anything back.
    let path = "/cdi/integrations/00000000-0000-0000-0000-000000000000";
    let sent = server.lines();
    assert_eq!(
        sent[..2],
        [format!("GET {path}/job_sync_status"), format!("POST {path}/sync")],
        "the trigger was sent and nothing else"
    );
    assert!(sent[2..].iter().all(|line| line.starts_with("GET")), "{sent:?}");
    // The job goes on, and can be waited for again.
    let start = found.lock().unwrap().unwrap();
    let job = client.wait_for_job(Uuid::nil(), start, self::options()).await.unwrap();
    assert_eq!((job.succeeded(), job.rows_synced), (true, 2));
}
