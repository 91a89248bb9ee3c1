//! Lists are followed to their end, by the server's cursors.

#![allow(clippy::unwrap_used)]

mod scripted;

use cdi_client::{CallError, Client, Cursor, RetryPolicy};
use futures::TryStreamExt;
use scripted::{Server, Told};
use serde_json::{Value, json};
use uuid::Uuid;

fn client(server: &Server) -> Client {
    Client::builder().base_url(&server.url).api_key("k").retry(RetryPolicy::never()).build().unwrap()
}

fn job(rows: u64) -> Value {
    json!({
        "job_status": "success",
        "sync_start_time": "2026-11-23T20:43:04.000123Z",
        "sync_finish_time": null,
        "last_timestamp_synced": null,
        "rows_synced": rows,
        "rows_failed_with_errors": 0,
    })
}

/// Three pages whose cursors are as odd as cursors may be.
fn three_pages() -> Server {
    Server::new(|asked| match asked.target.split_once("?cursor=") {
        None => Told::page(&[job(1), job(2)]).header("link", r#"</x?cursor=a%2B%2F%3D%26b>; rel="next""#),
        Some((_, "a%2B%2F%3D%26b")) => Told::page(&[])
            .header("link", r#"</x?cursor=0>; rel="prev",<https://elsewhere.example/x?cursor=%C3%BC>; rel="next""#),
        Some((_, "%C3%BC")) => Told::page(&[job(3)]).header("link", r#"</x?cursor=1>; rel="prev""#),
        Some((_, other)) => Told::message(400, &format!("unexpected cursor {other}")),
    })
}

#[tokio::test]
async fn all_pages_are_followed_and_cursors_go_back_unchanged() {
    let server = three_pages();
    let jobs = client(&server).job_sync_status(Uuid::nil()).all().await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.rows_synced).collect::<Vec<_>>(), [1, 2, 3]);
    let path = "GET /cdi/integrations/00000000-0000-0000-0000-000000000000/job_sync_status";
    assert_eq!(
        server.lines(),
        [path.to_owned(), format!("{path}?cursor=a%2B%2F%3D%26b"), format!("{path}?cursor=%C3%BC")]
    );
}

#[tokio::test]
async fn pages_are_fetched_only_when_they_are_needed() {
    let server = three_pages();
    let mut jobs = client(&server).job_sync_status(Uuid::nil());
    jobs.next().await.unwrap().unwrap();
    jobs.next().await.unwrap().unwrap();
    assert_eq!(server.asked().len(), 1);
    assert_eq!(jobs.try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn one_page_can_be_fetched_by_its_cursor() {
    let server = three_pages();
    let client = client(&server);
    let first = client.job_sync_status_page(Uuid::nil(), None).await.unwrap();
    assert_eq!(first.previous, None);
    let kept = Cursor::new(first.next.unwrap().as_str());
    let second = client.job_sync_status_page(Uuid::nil(), Some(&kept)).await.unwrap();
    assert_eq!(second.previous, Some(Cursor::new("0")));
    assert_eq!(second.response.status(), 200);
}

#[tokio::test]
async fn an_error_on_a_later_page_ends_the_list() {
    let mut pages = 0;
    let server = Server::new(move |_| {
        pages += 1;
        match pages {
            1 => Told::page(&[job(1)]).header("link", r#"</x?cursor=a>; rel="next""#),
            _ => Told::message(400, "Invalid cursor"),
        }
    });
    let mut jobs = client(&server).job_sync_status(Uuid::nil());
    assert!(jobs.next().await.unwrap().is_ok());
    assert!(matches!(jobs.next().await, Some(Err(CallError::Documented(_)))));
    assert!(jobs.next().await.is_none());
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_is_an_error() {
    let server = Server::answering([Told::page(&[job(1)]).header("link", r#"</x?cursor=a>; rel="next""#)]);
    let error = client(&server).job_sync_status(Uuid::nil()).all().await.unwrap_err();
    assert!(error.to_string().contains("already seen"), "{error}");
    assert_eq!(server.asked().len(), 2);
}
