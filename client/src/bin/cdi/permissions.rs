//! The permissions that an API key can have.

/// The permission to list integrations.
pub(crate) const LIST: &str = "cdi.integration_list";
/// The permission to list jobs.
pub(crate) const JOBS: &str = "cdi.integration_job_status";
/// The permission to trigger syncs.
pub(crate) const SYNC: &str = "cdi.integration_sync";
