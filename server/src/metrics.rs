//! The metrics that this process counts while it works: requests, jobs, rows, deliveries.
//!
//! Every module records here with [`METRICS`], which costs an atomic addition, and `admin` exports them. What the store knows
//! is not counted but read from it when somebody asks.

use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Upper bounds of the latencies of requests, in seconds.
const REQUEST_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Upper bounds of the durations of jobs, in seconds: up to a day.
const JOB_SECONDS: [f64; 12] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

/// The labels of an answered request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The ID of the operation in the contract.
    pub operation: &'static str,
    /// The status of the answer.
    pub status: u16,
}

/// The label of a request that belongs to no operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UnmatchedLabels {
    /// The status of the answer.
    pub status: u16,
}

/// The label of an ended job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobLabels {
    /// The status that it ended with.
    pub status: &'static str,
}

/// The label of a request to a destination that has to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RetryLabels {
    /// `rate_limited` or `failed`.
    pub reason: &'static str,
}

/// The label of a failed call to the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StoreErrorLabels {
    /// `unavailable`, `out_of_disk_space`, `busy` or `failed`.
    pub kind: &'static str,
}

/// The label of an attempt to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MessageLabels {
    /// `sent`, `retried` or `given_up`.
    pub result: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics that are counted, and their names and descriptions.
#[derive(Debug)]
pub struct Metrics {
    /// Requests of operations: how many, and how long they took.
    pub requests: Histograms<RequestLabels>,
    /// Requests of operations that are not answered yet.
    pub requests_in_flight: Gauge,
    /// Requests that belong to no operation.
    pub unmatched_requests: Family<UnmatchedLabels, Counter>,
    /// Jobs that were started.
    pub jobs_started: Counter,
    /// Ticks of schedules that this process has taken and that found a job in progress.
    pub ticks_skipped: Counter,
    /// Jobs that workers of this process have claimed.
    pub job_claims: Counter,
    /// Jobs that workers of this process have ended: how many, and how long they took.
    pub jobs_ended: Histograms<JobLabels>,
    /// Runs whose lease was lost to another worker.
    pub lease_losses: Counter,
    /// Rows that were read.
    pub rows_read: Counter,
    /// Rows that were delivered.
    pub rows_delivered: Counter,
    /// Rows that were refused for good.
    pub rows_refused: Counter,
    /// Rows that were read and left out, because an earlier sync has dealt with them or nothing in them has changed.
    pub rows_unchanged: Counter,
    /// Attributes that syncs with `only_changed` have delivered.
    pub attributes_sent: Counter,
    /// Attributes that they have left out.
    pub attributes_spared: Counter,
    /// Requests to destinations that are not answered yet.
    pub destination_requests_in_flight: Gauge,
    /// Requests to destinations that have to be sent again.
    pub destination_retries: Family<RetryLabels, Counter>,
    /// Seconds in which destinations wanted no requests.
    pub destination_rate_limited: Counter<f64, AtomicU64>,
    /// Attempts to send messages of `[[notify]]`.
    pub messages: Family<MessageLabels, Counter>,
    /// Calls to the store that failed.
    pub store_errors: Family<StoreErrorLabels, Counter>,
    registry: Registry,
}

impl Metrics {
    fn new() -> Metrics {
        let mut metrics = Metrics {
            requests: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            requests_in_flight: Gauge::default(),
            unmatched_requests: Family::default(),
            jobs_started: Counter::default(),
            ticks_skipped: Counter::default(),
            job_claims: Counter::default(),
            jobs_ended: Family::new_with_constructor(|| Histogram::new(JOB_SECONDS)),
            lease_losses: Counter::default(),
            rows_read: Counter::default(),
            rows_delivered: Counter::default(),
            rows_refused: Counter::default(),
            rows_unchanged: Counter::default(),
            attributes_sent: Counter::default(),
            attributes_spared: Counter::default(),
            destination_requests_in_flight: Gauge::default(),
            destination_retries: Family::default(),
            destination_rate_limited: Counter::default(),
            messages: Family::default(),
            store_errors: Family::default(),
            registry: Registry::with_prefix("cdi"),
        };
        metrics.register();
        metrics.begin_at_zero();
        metrics
    }

    /// Gives each metric its name, to which counters add `_total`, and its description, to which the library adds a full stop.
    fn register(&mut self) {
        let to = &mut self.registry;
        to.register(
            "http_request_duration_seconds",
            "Requests to the API by operation and status: their number and the time until the answer",
            self.requests.clone(),
        );
        to.register(
            "http_requests_in_flight",
            "Requests to the API that are not answered yet",
            self.requests_in_flight.clone(),
        );
        to.register(
            "http_unmatched_requests",
            "Requests to the API that belong to no operation, such as those to unknown paths, by status",
            self.unmatched_requests.clone(),
        );
        to.register("jobs_started", "Jobs that this process has started", self.jobs_started.clone());
        to.register(
            "notify_attempts",
            "Attempts to send messages of [[notify]], by result: sent, retried or given_up",
            self.messages.clone(),
        );
        to.register(
            "schedule_ticks_skipped",
            "Ticks of schedules that started no job, because one was in progress",
            self.ticks_skipped.clone(),
        );
        to.register(
            "job_claims",
            "Jobs that workers of this process have taken from the queue",
            self.job_claims.clone(),
        );
        to.register(
            "job_duration_seconds",
            "Jobs that workers of this process have ended, by status: their number and the time since a worker first took them",
            self.jobs_ended.clone(),
        );
        to.register(
            "lease_losses",
            "Syncs in this process that ended because another worker had taken their job",
            self.lease_losses.clone(),
        );
        to.register("rows_read", "Rows that were read from sources", self.rows_read.clone());
        to.register("rows_delivered", "Rows that destinations have accepted", self.rows_delivered.clone());
        to.register("rows_refused", "Rows that were refused for good", self.rows_refused.clone());
        to.register(
            "rows_unchanged",
            "Rows that were read and not sent, because an earlier sync has dealt with them or nothing in them has changed",
            self.rows_unchanged.clone(),
        );
        to.register(
            "attributes_sent",
            "Attributes that syncs with only_changed have delivered",
            self.attributes_sent.clone(),
        );
        to.register(
            "attributes_spared",
            "Attributes that syncs with only_changed have not sent, because the destination has them",
            self.attributes_spared.clone(),
        );
        to.register(
            "destination_requests_in_flight",
            "Requests to destinations that are not answered yet",
            self.destination_requests_in_flight.clone(),
        );
        to.register(
            "destination_retries",
            "Requests to destinations that have to be sent again, by reason (rate_limited, failed)",
            self.destination_retries.clone(),
        );
        to.register(
            "destination_rate_limited_seconds",
            "Seconds in which syncs sent nothing because a destination's rate limit was reached",
            self.destination_rate_limited.clone(),
        );
        to.register(
            "store_call_errors",
            "Calls to the store that failed, by kind (unavailable, out_of_disk_space, busy, failed)",
            self.store_errors.clone(),
        );
    }

    /// Begins the series whose labels are known at zero: of one that appears with its first event, Prometheus misses this event.
    fn begin_at_zero(&self) {
        for status in ["success", "partial", "error", "config_error"] {
            drop(self.jobs_ended.get_or_create(&JobLabels { status }));
        }
        for reason in ["rate_limited", "failed"] {
            drop(self.destination_retries.get_or_create(&RetryLabels { reason }));
        }
        for kind in ["unavailable", "out_of_disk_space", "busy", "failed"] {
            drop(self.store_errors.get_or_create(&StoreErrorLabels { kind }));
        }
        for result in ["sent", "retried", "given_up"] {
            drop(self.messages.get_or_create(&MessageLabels { result }));
        }
        for status in [404, 405] {
            drop(self.unmatched_requests.get_or_create(&UnmatchedLabels { status }));
        }
    }

    /// The registry with all of them.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Records an answered request.
    pub fn answered(&self, operation: &'static str, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&RequestLabels { operation, status }).observe(elapsed.as_secs_f64());
    }

    /// Records an answer to a request that belongs to no operation.
    pub fn unmatched(&self, status: u16) {
        self.unmatched_requests.get_or_create(&UnmatchedLabels { status }).inc();
    }

    /// Records the end of a job.
    pub fn job_ended(&self, status: &'static str, took: Duration) {
        self.jobs_ended.get_or_create(&JobLabels { status }).observe(took.as_secs_f64());
    }

    /// Records a request to a destination that has to be sent again.
    pub fn retries(&self, reason: &'static str) {
        self.destination_retries.get_or_create(&RetryLabels { reason }).inc();
    }

    /// Records a failed call to the store.
    pub fn store_failed(&self, kind: &'static str) {
        self.store_errors.get_or_create(&StoreErrorLabels { kind }).inc();
    }
}

/// Counts something that is in flight until it is dropped.
#[derive(Debug)]
pub struct InFlight(&'static Gauge);

impl InFlight {
    /// Counts one more.
    pub fn begin(gauge: &'static Gauge) -> InFlight {
        gauge.inc();
        InFlight(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
