//! `GET /metrics`: what this process has counted, and what the store knows.
//!
//! The store is asked at most once in a few seconds, however many ask here, and less often if its answers take long. While it
//! does not answer, the last values of integrations are exported for a while, because alerts on them must not end with it;
//! after that, only what needs no store.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use super::cached::Cached;
use super::status::{Shown, ShownById, Status};
use crate::front::{End, Renewal, Statistics};
use crate::metrics::METRICS;
use crate::store::{IntegrationStatistics, QueueStatistics};
use crate::types::IntegrationId;

pub(super) use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// How long values of the store count as new.
const FRESH: Duration = Duration::from_secs(3);
/// The same for those of all integrations.
const FRESH_INTEGRATIONS: Duration = Duration::from_secs(5);
/// The same for its size, which Postgres finds out from the file system.
const FRESH_SIZE: Duration = Duration::from_secs(60);
/// How long they are exported while the store does not answer.
const USABLE: Duration = Duration::from_secs(300);
/// How long a scrape waits for the store. Prometheus waits 10 s for all of it by default.
const STORE_TIMEOUT: Duration = Duration::from_secs(3);

/// Answers scrapes.
#[derive(Debug)]
pub(super) struct Scraper {
    status: Arc<Status>,
    queue: Cached<QueueStatistics>,
    size: Cached<u64>,
    /// The text of their metrics.
    integrations: Cached<String>,
}

impl Scraper {
    pub(super) fn new(status: Arc<Status>) -> Scraper {
        Scraper {
            status,
            queue: Cached::new(FRESH, FRESH),
            size: Cached::new(FRESH_SIZE, USABLE),
            integrations: Cached::new(FRESH_INTEGRATIONS, USABLE),
        }
    }

    /// All metrics as text.
    pub(super) async fn scrape(&self) -> Result<String, fmt::Error> {
        let (queue, size, integrations) = tokio::join!(
            self.queue.get(self.read_queue()),
            self.size.get(self.read_size()),
            self.integrations.get(self.read_integrations())
        );
        let process = Process {
            started_at: self.status.started_at,
            is_stopping: self.status.is_draining(),
            are_workers_running: self.status.are_workers_running(),
            has_outage: self.status.store().is_none_or(|store| store.outage().is_some()),
            has_configuration_problem: self.status.configuration_problem().is_some(),
            needs_restart: self.status.restart_needed().is_some(),
            clock_offset: self.status.clock_offset().map(|offset| offset.as_seconds_f64()),
            connections: self.status.connections().cloned(),
            certificate: self.status.certificate().cloned(),
            queue: queue.map(|queue| *queue),
            store_bytes: size.map(|size| *size),
        };
        let mut text = String::new();
        encode(&mut text, METRICS.registry())?;
        encode(&mut text, &of_collector(process))?;
        text.push_str(integrations.as_ref().map_or("", |text| text.as_str()));
        Ok(text)
    }

    async fn read_queue(&self) -> Option<QueueStatistics> {
        within(self.status.store()?.queue_statistics()).await
    }

    async fn read_size(&self) -> Option<u64> {
        within(self.status.store()?.size()).await
    }

    async fn read_integrations(&self) -> Option<String> {
        let statistics = within(self.status.store()?.integration_statistics()).await?;
        let integrations = Integrations { shown: self.status.integrations(), statistics };
        // Of ten thousand integrations it takes a while.
        let text = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            encode(&mut text, &of_collector(integrations)).map(|()| text)
        });
        text.await.ok()?.ok()
    }
}

/// The store's answer; `None` without one in time. The store logs its outages itself.
async fn within<T>(asked: impl Future<Output = Result<T, crate::store::StoreError>>) -> Option<T> {
    match timeout(STORE_TIMEOUT, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) if !error.is_unavailable() => {
            tracing::warn!(%error, "metrics of the store cannot be read");
            None
        }
        Ok(Err(_)) | Err(_) => None,
    }
}

fn of_collector(collector: impl Collector) -> Registry {
    let mut registry = Registry::with_prefix("cdi");
    registry.register_collector(Box::new(collector));
    registry
}

/// What is known without counting.
#[derive(Debug)]
struct Process {
    started_at: DateTime<Utc>,
    is_stopping: bool,
    are_workers_running: Option<bool>,
    has_outage: bool,
    has_configuration_problem: bool,
    needs_restart: bool,
    clock_offset: Option<f64>,
    connections: Option<Arc<Statistics>>,
    certificate: Option<Arc<Renewal>>,
    queue: Option<QueueStatistics>,
    store_bytes: Option<u64>,
}

impl Collector for Process {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        gauge(&mut to, "build_info", "The version of this program; always 1", [(&build, 1_u64)])?;
        let mut plain =
            |name, help, value: Option<f64>| gauge(&mut to, name, help, value.map(|value| (&NO_LABELS, value)));
        plain("process_start_time_seconds", "When this process started, in Unix time", Some(unix(self.started_at)))?;
        plain(
            "draining",
            "Whether this process is stopping: it takes no requests and no jobs",
            flag(self.is_stopping),
        )?;
        plain(
            "configuration_error",
            "Whether the configuration file has an error, so that this process goes on with an earlier version of it",
            flag(self.has_configuration_problem),
        )?;
        plain(
            "restart_needed",
            "Whether the configuration file has changes that only a restart puts to use",
            flag(self.needs_restart),
        )?;
        plain("store_outage", "Whether the store cannot be reached or written", flag(self.has_outage))?;
        plain(
            "clock_offset_seconds",
            "How far the clock of this machine is ahead of the store's; absent until they were compared",
            self.clock_offset,
        )?;
        plain(
            "workers_running",
            "Whether the workers of this process are running; absent where it has none",
            self.are_workers_running.map(|running| f64::from(u8::from(running))),
        )?;
        plain("queue_jobs", "Jobs that wait for a worker", self.queue.map(|queue| queue.waiting as f64))?;
        plain(
            "queue_head_age_seconds",
            "How long the first job of the queue has been waiting for a worker; 0 if the queue is empty",
            self.queue.map(|queue| queue.oldest.map_or(0.0, |oldest| (queue.now - oldest).as_seconds_f64().max(0.0))),
        )?;
        plain(
            "jobs_in_progress",
            "Jobs that a worker of any process has",
            self.queue.map(|queue| queue.running as f64),
        )?;
        plain(
            "store_size_bytes",
            "The size of the store, with indexes and the write-ahead log of SQLite",
            self.store_bytes.map(|bytes| bytes as f64),
        )?;
        plain(
            "certificate_error",
            "Whether the files of the certificate cannot be used, so that an earlier one stays in use; absent without TLS",
            self.certificate.as_ref().and_then(|certificate| flag(certificate.problem().is_some())),
        )?;
        plain(
            "certificate_expiry_timestamp_seconds",
            "When the certificate in use expires, in Unix time; absent without TLS",
            self.certificate.as_ref().and_then(|certificate| certificate.expires_at()).map(unix),
        )?;
        let Some(connections) = &self.connections else { return Ok(()) };
        plain(
            "open_connections",
            "Connections to the API that are open",
            Some(connections.open.load(Ordering::Relaxed) as f64),
        )?;
        let help = "Connections to the API that have ended, by reason.";
        let mut ended = to.encode_descriptor("connections_ended", help, None, MetricType::Counter)?;
        for end in End::ALL {
            let count = connections.ended(end);
            ended.encode_family(&[("reason", end.as_str())])?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }
}

/// How the configured integrations get on.
#[derive(Debug)]
struct Integrations {
    shown: Arc<ShownById>,
    statistics: HashMap<IntegrationId, IntegrationStatistics>,
}

impl Collector for Integrations {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let known: Vec<([(&str, String); 2], IntegrationStatistics)> = self
            .shown
            .iter()
            .map(|(id, Shown { name, .. })| {
                let statistics = self.statistics.get(id).copied().unwrap_or_default();
                ([("integration", id.to_string()), ("name", name.clone())], statistics)
            })
            .collect();
        gauge(
            &mut to,
            "integration_watermark_timestamp_seconds",
            "The watermark of an integration, in Unix time; absent before it has one",
            known.iter().filter_map(|(labels, of)| Some((labels, unix(of.watermark?)))),
        )?;
        gauge(
            &mut to,
            "integration_last_success_timestamp_seconds",
            "When a sync of the integration last ended in success or partial, in Unix time; 0 if none has",
            known.iter().map(|(labels, of)| (labels, of.succeeded_at.map_or(0.0, unix))),
        )?;
        gauge(
            &mut to,
            "integration_last_job_refused_rows",
            "Rows that the last ended sync of the integration refused",
            known.iter().filter(|(_, of)| of.last_status.is_some()).map(|(labels, of)| (labels, of.last_refused)),
        )?;
        gauge(
            &mut to,
            "integration_paused",
            "Whether the integration is paused in the configuration file",
            known.iter().zip(self.shown.values()).map(|((labels, _), shown)| (labels, u64::from(shown.paused))),
        )?;
        let with_status: Vec<_> = known
            .iter()
            .filter_map(|([id, name], of)| {
                Some(([id.clone(), name.clone(), ("status", of.last_status?.as_str().to_owned())], 1_u64))
            })
            .collect();
        gauge(
            &mut to,
            "integration_last_job_status",
            "The status of the last ended sync of the integration, as a label; always 1",
            with_status.iter().map(|(labels, one)| (labels, *one)),
        )
    }
}

const NO_LABELS: [(&str, &str); 0] = [];

/// Writes a gauge with these labels and values; nothing at all if there are none.
fn gauge<'a, L: EncodeLabelSet + 'a, V: EncodeGaugeValue>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (&'a L, V)>,
) -> fmt::Result {
    let mut values = values.into_iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let mut metric = to.encode_descriptor(name, &format!("{help}."), None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn flag(is_set: bool) -> Option<f64> {
    Some(f64::from(u8::from(is_set)))
}

/// Unix time with fractions.
fn unix(time: DateTime<Utc>) -> f64 {
    time.timestamp_micros() as f64 / 1e6
}
