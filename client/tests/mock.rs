//! The mock keeps the contract, so that what is tested against it holds against a server.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used)]

use cdi_client::errors::{DocumentedError, ListIntegrationsError, ListJobSyncStatusError, TriggerIntegrationSyncError};
use cdi_client::mock::{API_KEY, Mock};
use cdi_client::{Client, Cursor, JobStatus, RetryPolicy, WaitOptions};
use uuid::Uuid;

fn client(mock: &Mock, key: &str) -> Client {
    Client::builder().base_url(mock.url()).api_key(key).retry(RetryPolicy::never()).build().unwrap()
}

#[tokio::test]
async fn any_documented_error_can_be_had_once() {
    let mock = Mock::start().await.unwrap();
    let id = mock.add_integration("Users");
    let client = client(&mock, API_KEY);
    for &expected in TriggerIntegrationSyncError::ALL {
        mock.fail_next(expected);
        assert_eq!(client.trigger_integration_sync(id).await.unwrap_err().documented(), Some(expected));
    }
    for &expected in ListIntegrationsError::ALL {
        mock.fail_next(expected);
        assert_eq!(client.list_integrations().all().await.unwrap_err().documented(), Some(expected));
    }
    for &expected in ListJobSyncStatusError::ALL {
        mock.fail_next(expected);
        assert_eq!(client.job_sync_status(id).all().await.unwrap_err().documented(), Some(expected));
    }
    assert_eq!(mock.triggers(id), 0);
    client.trigger_integration_sync(id).await.unwrap();
    assert_eq!(mock.triggers(id), 1);
}

#[tokio::test]
async fn requests_are_decided_as_the_contract_says() {
    let mock = Mock::start().await.unwrap();
    let id = mock.add_integration("Users");
    let stranger = client(&mock, "another-key").trigger_integration_sync(id).await.unwrap_err();
    assert_eq!(stranger.documented(), Some(TriggerIntegrationSyncError::Unauthorized));
    let client = client(&mock, API_KEY);
    let nobody = client.trigger_integration_sync(Uuid::nil()).await.unwrap_err();
    assert_eq!(nobody.documented(), Some(TriggerIntegrationSyncError::IntegrationNotFound));
    let cursor = client.list_integrations_page(Some(&Cursor::new("3"))).await.unwrap_err();
    assert_eq!(cursor.documented(), Some(ListIntegrationsError::InvalidCursor));
    client.trigger_integration_sync(id).await.unwrap();
    let busy = client.trigger_integration_sync(id).await.unwrap_err();
    assert_eq!(busy.documented(), Some(TriggerIntegrationSyncError::JobInProgress));
}

#[tokio::test]
async fn jobs_end_as_the_test_says_and_are_listed_newest_first_in_pages() {
    let mock = Mock::start().await.unwrap();
    let id = mock.add_integration("Users");
    let client = client(&mock, API_KEY);
    mock.end_next_job(id, JobStatus::ConfigError, 0, 0);
    for number in 0..24 {
        client.trigger_integration_sync(id).await.unwrap();
        let running = client.job_sync_status_page(id, None).await.unwrap();
        assert_eq!(running.items[0].job_status, JobStatus::Running);
        assert_eq!(running.items.len(), (number + 1).min(10));
    }
    let jobs = client.job_sync_status(id).all().await.unwrap();
    assert_eq!(jobs.len(), 24);
    assert!(jobs.is_sorted_by(|newer, older| newer.sync_start_time > older.sync_start_time));
    assert_eq!(jobs[23].job_status, JobStatus::ConfigError);
    assert_eq!(jobs[0].job_status, JobStatus::Success);
    let listed = client.list_integrations().all().await.unwrap();
    assert_eq!((listed[0].integration_name.as_str(), listed[0].integration_id), ("Users", id));
    assert_eq!(listed[0].last_job_status, Some(JobStatus::Success));
}

#[tokio::test]
async fn a_wait_sees_the_job_run_and_end() {
    let mock = Mock::start().await.unwrap();
    let id = mock.add_integration("Users");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seeing = seen.clone();
    let options = WaitOptions::default().on_progress(move |progress| {
        if let cdi_client::Progress::Job(job) = progress {
            seeing.lock().unwrap().push(job.job_status.to_string());
        }
    });
    mock.client().trigger_and_wait(id, options).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["running", "success"]);
}
