//! Where to look when a sync failed: the API does not tell callers the cause.

use cdi_client::{Job, JobStatus};

/// What to do to see why a job failed, or which of its rows did. Nothing if there is nothing to see.
pub(crate) fn advice(job: &Job, base_url: &str, integration: &str) -> Option<String> {
    if !job.failed() {
        return None;
    }
    let rows = job.job_status == JobStatus::Partial;
    let what = if rows { "which rows failed, and why" } else { "why the sync failed" };
    Some(match (is_braze(base_url), rows) {
        (true, _) => {
            format!("The Braze dashboard shows {what}: Data Settings > Cloud Data Ingestion > Sync Log.")
        }
        (false, true) => format!("Run `cdi-server row-errors {integration}` on the server to see {what}."),
        (false, false) => format!("Run `cdi-server jobs {integration}` on the server to see {what}."),
    })
}

/// What to do to see why a sync had no rows.
pub(crate) fn nothing_new(base_url: &str, integration: &str) -> Option<String> {
    let advice = || format!("Run `cdi-server preview {integration}` on the server to see which rows a sync takes.");
    (!is_braze(base_url)).then(advice)
}

pub(crate) fn is_braze(base_url: &str) -> bool {
    let host = base_url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    [".braze.com", ".braze.eu"].iter().any(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_job_that_has_failed_has_a_cause() {
        let advised = |status: &str, end: Option<&str>| {
            let job = serde_json::json!({
                "job_status": status,
                "sync_start_time": "2026-11-23T20:43:00Z",
                "sync_finish_time": end,
                "last_timestamp_synced": null,
                "rows_synced": 0,
                "rows_failed_with_errors": 0,
            });
            advice(&serde_json::from_value(job).unwrap(), "http://127.0.0.1:8080", "Users")
        };
        let end = Some("2026-11-23T20:44:00Z");
        for (status, end) in [("running", None), ("success", end), ("queued", None)] {
            assert_eq!(advised(status, end), None, "{status}");
        }
        assert!(advised("error", end).unwrap().contains("`cdi-server jobs Users`"));
        assert!(advised("partial", end).unwrap().contains("`cdi-server row-errors Users`"));
        assert!(advised("cancelled", end).unwrap().contains("`cdi-server jobs Users`"));
    }

    #[test]
    fn braze_is_known_by_its_host() {
        assert!(is_braze("https://rest.iad-03.braze.com"));
        assert!(is_braze("https://rest.fra-02.braze.eu/"));
        for other in ["http://127.0.0.1:8080", "https://braze.com.example.com", "https://example.com/rest.braze.com"] {
            assert!(!is_braze(other), "{other}");
        }
    }
}
