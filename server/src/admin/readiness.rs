//! Whether this process can do its work now: `GET /readyz`.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::timeout;

use super::clock;
use super::status::Status;
use crate::front::RENEWAL;
use crate::store::{Ping, StoreError};

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// The result of all checks.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    status: &'static str,
    checks: BTreeMap<&'static str, Check>,
}

/// The result of one check.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
struct Check {
    ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What is wrong without being in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

impl Check {
    fn ok() -> Check {
        Check { ok: true, ..Check::default() }
    }

    fn failed(problem: impl Into<String>) -> Check {
        Check { ok: false, problem: Some(problem.into()), warning: None }
    }

    fn warning(warning: Option<String>) -> Check {
        Check { warning, ..Check::ok() }
    }
}

impl Readiness {
    fn new(checks: BTreeMap<&'static str, Check>) -> Readiness {
        let is_ready = checks.values().all(|check| check.ok);
        Readiness { status: if is_ready { "ready" } else { "not ready" }, checks }
    }

    /// Whether all checks have passed.
    pub(super) fn is_ready(&self) -> bool {
        self.checks.values().all(|check| check.ok)
    }
}

/// Checks everything now.
pub(super) async fn of(status: &Status) -> Readiness {
    let (store, schema) = store(status).await;
    let draining = if status.is_draining() { Check::failed("this process is stopping") } else { Check::ok() };
    let mut checks = BTreeMap::from([
        ("store", store),
        ("schema", schema),
        ("draining", draining),
        ("clock", Check::warning(status.clock_offset().and_then(clock::warning))),
        ("configuration", Check::warning(configuration(status))),
    ]);
    if let Some(certificate) = status.certificate() {
        let warning = certificate_warning(certificate.problem(), certificate.expires_at(), Utc::now());
        checks.insert("certificate", Check::warning(warning));
    }
    match status.are_workers_running() {
        Some(true) => drop(checks.insert("workers", Check::ok())),
        Some(false) => drop(checks.insert("workers", Check::failed("the supervisor of the workers has ended"))),
        None => {}
    }
    Readiness::new(checks)
}

/// The checks of the store and of its schema.
async fn store(status: &Status) -> (Check, Check) {
    let unknown = || Check::failed("not known while the store cannot be reached");
    let Some(store) = status.store() else {
        return (Check::failed("the store is not open yet; the log says what this process waits for"), unknown());
    };
    // It may answer although nothing can be written, as on a full disk.
    if let Some(outage) = store.outage() {
        return (Check::failed(outage), unknown());
    }
    match timeout(STORE_TIMEOUT, store.ping()).await {
        Ok(Ok(ping)) => (Check::ok(), schema(&ping)),
        Ok(Err(error @ StoreError::Unavailable { .. })) => (Check::failed(error.to_string()), unknown()),
        // It answers, but not with a version.
        Ok(Err(error)) => (Check::ok(), Check::failed(error.to_string())),
        Err(_) => (Check::failed(format!("the store has not answered within {STORE_TIMEOUT:?}")), unknown()),
    }
}

/// What is wrong with the configuration file, or not in use.
fn configuration(status: &Status) -> Option<String> {
    joined([status.configuration_problem(), status.restart_needed()])
}

/// What is wrong with the files of the certificate, or with the one in use.
fn certificate_warning(problem: Option<String>, expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    let problem = problem.map(|problem| format!("the renewed certificate is not used: {problem}"));
    let expires = expires.filter(|end| *end - now < RENEWAL).map(|end| {
        let verb = if end < now { "expired" } else { "expires" };
        format!("the certificate in use {verb} on {}; renew it", end.format("%Y-%m-%d %H:%M:%S UTC"))
    });
    joined([problem, expires])
}

fn joined(warnings: [Option<String>; 2]) -> Option<String> {
    let warnings: Vec<String> = warnings.into_iter().flatten().collect();
    (!warnings.is_empty()).then(|| warnings.join("; "))
}

fn schema(ping: &Ping) -> Check {
    let known = ping.known_schema;
    match ping.schema {
        Some(found) if found > known => Check::warning(Some(format!(
            "a newer version of this program has migrated the store to schema {found}; this one knows {known}"
        ))),
        Some(found) if found == known => Check::ok(),
        found => Check::failed(format!(
            "the store has schema {} instead of {known}; restart this process to migrate it",
            found.unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use chrono::TimeDelta;

    use super::*;
    use crate::store::{Store, StoreLocation};

    /// The status of a process with an open store.
    async fn status(folder: &tempfile::TempDir) -> (Status, Arc<AtomicBool>) {
        let draining = Arc::new(AtomicBool::new(false));
        let status = Status::new(draining.clone());
        status.set_store(Store::open(&StoreLocation::Sqlite(folder.path().join("store.db"))).await.unwrap());
        (status, draining)
    }

    #[tokio::test]
    async fn a_process_is_ready_if_all_checks_pass() {
        let folder = tempfile::tempdir().unwrap();
        let (status, draining) = status(&folder).await;
        let readiness = of(&status).await;
        assert!(readiness.is_ready(), "{readiness:?}");
        assert!(!readiness.checks.contains_key("workers"), "it has none");
        let running = Arc::new(AtomicBool::new(true));
        let workers = running.clone();
        status.set_workers(move || workers.load(Ordering::Relaxed));
        assert!(of(&status).await.is_ready());
        running.store(false, Ordering::Relaxed);
        let readiness = of(&status).await;
        assert!(!readiness.is_ready() && !readiness.checks["workers"].ok, "{readiness:?}");
        running.store(true, Ordering::Relaxed);
        draining.store(true, Ordering::Relaxed);
        let readiness = of(&status).await;
        assert!(!readiness.is_ready() && !readiness.checks["draining"].ok, "{readiness:?}");
    }

    #[tokio::test]
    async fn a_wrong_clock_and_a_broken_configuration_file_are_warnings() {
        let folder = tempfile::tempdir().unwrap();
        let (status, _) = status(&folder).await;
        status.set_clock_offset(TimeDelta::seconds(-60));
        status.set_configuration_problem(Some("opencdi.toml: line 3: …".into()));
        let readiness = of(&status).await;
        assert!(readiness.is_ready());
        assert!(readiness.checks["clock"].warning.as_ref().unwrap().contains("60.0 s behind"));
        assert_eq!(readiness.checks["configuration"].warning.as_deref(), Some("opencdi.toml: line 3: …"));
        status.set_configuration_problem(None);
        status.set_restart_needed(vec!["store", "[server]"]);
        let readiness = of(&status).await;
        assert!(readiness.is_ready());
        assert!(readiness.checks["configuration"].warning.as_ref().unwrap().ends_with("changed in store, [server]"));
    }

    #[test]
    fn a_certificate_that_cannot_be_renewed_or_expires_soon_is_a_warning() {
        let now = Utc::now();
        let warning = |problem: Option<&str>, days| {
            certificate_warning(problem.map(str::to_owned), Some(now + TimeDelta::days(days)), now)
        };
        assert_eq!(warning(None, 8), None);
        assert!(warning(Some("key.pem cannot be read"), 60).unwrap().ends_with("not used: key.pem cannot be read"));
        assert!(warning(None, 6).unwrap().contains("in use expires on "));
        assert!(warning(Some("…"), -1).unwrap().contains("…; the certificate in use expired on "));
    }

    #[test]
    fn a_newer_schema_is_a_warning_and_none_a_failure() {
        let with = |schema| super::schema(&Ping { now: Utc::now(), schema, known_schema: 4 });
        assert_eq!(with(Some(4)), Check::ok());
        assert!(with(Some(5)).ok && with(Some(5)).warning.is_some());
        assert!(!with(Some(3)).ok && !with(None).ok);
    }
}
