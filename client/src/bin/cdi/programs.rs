//! How integrations and jobs look to programs: as the API writes them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// The fields that are times.
const TIMES: [&str; 6] = [
    "last_job_start_time",
    "last_timestamp_synced",
    "last_updated_at",
    "next_scheduled_run",
    "sync_finish_time",
    "sync_start_time",
];

/// The fields of an integration or a job. Times have six digits after the point, always, so that all of them can be read
/// in one way and sorted as texts.
pub(crate) fn fields(item: &impl Serialize) -> Value {
    let mut fields = json!(item);
    for name in TIMES {
        if let Some(field) = fields.get_mut(name)
            && let Some(time) = field.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok())
        {
            *field = time.to_rfc3339_opts(SecondsFormat::Micros, true).into();
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use cdi_client::{Integration, Job};

    #[test]
    fn every_time_has_six_digits_after_the_point() {
        const TIME: &str = "2026-11-23T20:43:00Z";
        let job = json!({
            "job_status": "success",
            "sync_start_time": TIME,
            "sync_finish_time": TIME,
            "last_timestamp_synced": TIME,
            "rows_synced": 1,
            "rows_failed_with_errors": 0,
        });
        let integration = json!({
            "integration_id": "00000000-0000-0000-0000-000000000000",
            "app_group_id": TIME,
            "integration_name": TIME,
            "integration_type": "attributes",
            "integration_status": "active",
            "contact_emails": "data@example.com",
            "last_updated_at": TIME,
            "warehouse_type": "sqlite",
            "last_job_start_time": TIME,
            "last_job_status": "success",
            "next_scheduled_run": TIME,
        });
        let job: Job = serde_json::from_value(job).unwrap();
        let integration: Integration = serde_json::from_value(integration).unwrap();
        for (fields, times) in [(fields(&job), 3), (fields(&integration), 3)] {
            let six_digits = |value: &&Value| *value == "2026-11-23T20:43:00.000000Z";
            assert_eq!(fields.as_object().unwrap().values().filter(six_digits).count(), times, "{fields}");
        }
        assert_eq!(fields(&integration)["integration_name"], TIME, "a name is no time");
    }
}
