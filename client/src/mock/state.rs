//! The integrations of the mock, their jobs, and the answers that the test has prepared.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::generated::types::{Job, JobStatus};

#[derive(Debug, Default)]
pub(super) struct State {
    integrations: Vec<MockIntegration>,
    failures: HashMap<&'static str, VecDeque<(u16, &'static str)>>,
}

#[derive(Debug)]
pub(super) struct MockIntegration {
    id: Uuid,
    name: String,
    /// Oldest first.
    jobs: Vec<MockJob>,
    ends: VecDeque<End>,
}

#[derive(Debug)]
struct MockJob {
    started: DateTime<Utc>,
    /// Set when it has been listed as running.
    ended: Option<DateTime<Utc>>,
    end: End,
}

#[derive(Debug, Clone)]
struct End {
    status: JobStatus,
    rows_synced: u64,
    rows_failed: u64,
}

impl State {
    pub(super) fn add_integration(&mut self, name: &str) -> Uuid {
        let id = Uuid::from_u128(self.integrations.len() as u128 + 1);
        self.integrations.push(MockIntegration { id, name: name.to_owned(), jobs: Vec::new(), ends: VecDeque::new() });
        id
    }

    pub(super) fn end_next_job(&mut self, id: Uuid, status: JobStatus, rows_synced: u64, rows_failed: u64) {
        self.expect(id).ends.push_back(End { status, rows_synced, rows_failed });
    }

    pub(super) fn triggers(&mut self, id: Uuid) -> usize {
        self.expect(id).jobs.len()
    }

    pub(super) fn fail_next(&mut self, operation: &'static str, status: u16, message: &'static str) {
        self.failures.entry(operation).or_default().push_back((status, message));
    }

    /// The failure that the next request of an operation is answered with, once.
    pub(super) fn failure(&mut self, operation: &str) -> Option<(u16, &'static str)> {
        self.failures.get_mut(operation)?.pop_front()
    }

    pub(super) fn integration(&mut self, id: Uuid) -> Option<&mut MockIntegration> {
        self.integrations.iter_mut().find(|integration| integration.id == id)
    }

    pub(super) fn integrations(&self) -> Vec<Value> {
        self.integrations.iter().map(MockIntegration::item).collect()
    }

    /// An integration that the test names.
    fn expect(&mut self, id: Uuid) -> &mut MockIntegration {
        self.integration(id)
            .unwrap_or_else(|| panic!("the mock has no integration {id}; add_integration returns its ID"))
    }
}

impl MockIntegration {
    /// Starts a job, unless one is running.
    pub(super) fn trigger(&mut self) -> bool {
        if self.jobs.last().is_some_and(|job| job.ended.is_none()) {
            return false;
        }
        let end = self.ends.pop_front().unwrap_or(End { status: JobStatus::Success, rows_synced: 0, rows_failed: 0 });
        // Start times tell jobs apart.
        let earliest = self.jobs.last().map(|job| job.started + TimeDelta::microseconds(1));
        let started = earliest.map_or(Utc::now(), |earliest| earliest.max(Utc::now()));
        self.jobs.push(MockJob { started, ended: None, end });
        true
    }

    /// The jobs, newest first. One that is running ends when it has been looked at.
    pub(super) fn look(&mut self) -> Vec<Value> {
        let listed = self.jobs.iter().rev().map(|job| json!(job.item())).collect();
        for job in self.jobs.iter_mut().filter(|job| job.ended.is_none()) {
            job.ended = Some(Utc::now().max(job.started));
        }
        listed
    }

    fn item(&self) -> Value {
        let newest = self.jobs.last().map(MockJob::item);
        json!({
            "integration_id": self.id,
            "app_group_id": "mock-workspace",
            "integration_name": self.name,
            "integration_type": "attributes",
            "integration_status": "active",
            "contact_emails": "data@example.com",
            "last_updated_at": null,
            "warehouse_type": "sqlite",
            "last_job_start_time": newest.as_ref().map(|job| job.sync_start_time),
            "last_job_status": newest.as_ref().map(|job| &job.job_status),
            "next_scheduled_run": null,
        })
    }
}

impl MockJob {
    fn item(&self) -> Job {
        let ended = self.ended.is_some();
        Job {
            job_status: if ended { self.end.status.clone() } else { JobStatus::Running },
            last_timestamp_synced: None,
            rows_failed_with_errors: if ended { self.end.rows_failed } else { 0 },
            rows_synced: if ended { self.end.rows_synced } else { 0 },
            sync_finish_time: self.ended,
            sync_start_time: self.started,
        }
    }
}
