//! The workers of a process, which claim jobs and run them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{self, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument as _, Span};

use super::integration::{Integration, Integrations};
use super::lease_keeper::Clock;
use super::run::{self, Runner};
use super::run_tuning::RunTuning;
use super::shutdown::Stop;
use super::slots::Slot;
use super::worker_config::WorkerConfig;
use crate::metrics::METRICS;
use crate::store::{Claimed, Store, StoreError};
use crate::types::IntegrationId;

/// How long runs may take for their last checkpoints after the shutdown deadline.
const GRACE: Duration = Duration::from_secs(5);
/// The most runs per slot. Bounds memory and connections, which runs keep while they wait without a slot.
const RUNS_PER_SLOT: usize = 16;
/// The shortest time after an outage of the store in which expired leases of other workers are left alone.
const AFTER_OUTAGE: Duration = Duration::from_secs(3);

/// An environment variable for tests: the supervisor panics once it has claimed a job.
#[cfg(feature = "faults")]
const FAULT: &str = "OPENCDI_FAULT_SUPERVISOR";

/// The workers of a process.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<Option<Instant>>,
    supervisor: JoinHandle<()>,
}

impl Workers {
    /// Starts workers for the jobs of these integrations. A run that has started keeps the integration that it started with.
    pub fn start(store: Store, integrations: watch::Receiver<Integrations>, config: WorkerConfig) -> Workers {
        let (stop, asked) = Stop::channel();
        let supervisor = Supervisor {
            store,
            integrations,
            unknown: BTreeSet::new(),
            slots: Arc::new(Semaphore::new(config.concurrency)),
            config,
            stop: asked,
        };
        Workers { stop, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// Tells at any time whether the supervisor is running.
    pub fn running(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let supervisor = self.supervisor.abort_handle();
        move || !supervisor.is_finished()
    }

    /// Waits until the supervisor ends although no stop was requested, which is a bug, and returns the error.
    pub async fn failed(&mut self) -> String {
        match (&mut self.supervisor).await {
            Ok(()) => "it returned without an error".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Stops the workers: no new jobs are claimed, batches in flight may finish until the deadline, then all jobs are handed
    /// back.
    pub async fn stop(self, deadline: Duration) {
        let _ = self.stop.send(Some(Instant::now() + deadline));
        if timeout(deadline + GRACE, self.supervisor).await.is_err() {
            tracing::warn!("some syncs could not be handed back; other workers resume them when their leases expire");
        }
    }
}

struct Supervisor {
    store: Store,
    integrations: watch::Receiver<Integrations>,
    /// Integrations of jobs that this process cannot run.
    unknown: BTreeSet<IntegrationId>,
    config: WorkerConfig,
    stop: Stop,
    /// One slot for each run that may work at once; further runs may wait.
    slots: Arc<Semaphore>,
}

/// The runs in this process.
#[derive(Default)]
struct Runs {
    tasks: JoinSet<()>,
    syncs: HashMap<task::Id, (IntegrationId, Span)>,
}

impl Runs {
    /// Starts a run in its span, so that all log lines of a sync name its integration and job.
    fn spawn(&mut self, integration: IntegrationId, span: Span, run: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(run.instrument(span.clone()));
        self.syncs.insert(task.id(), (integration, span));
    }

    /// Waits for the end of a run; returns false if there is no run.
    async fn ended(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next_with_id().await else { return false };
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let sync = self.syncs.remove(&id);
        if let Err(error) = ended {
            let span = sync.map_or_else(Span::none, |(_, span)| span);
            span.in_scope(
                || tracing::error!(%error, "sync task failed; another worker resumes the job when its lease expires"),
            );
        }
        true
    }

    fn integrations(&self) -> impl Iterator<Item = IntegrationId> {
        self.syncs.values().map(|(integration, _)| *integration)
    }
}

impl Supervisor {
    async fn run(mut self) {
        let mut runs = Runs::default();
        let most = self.config.concurrency.saturating_mul(RUNS_PER_SLOT);
        // A permit that was waited for. It is kept until the next claim: otherwise the run that let others have its slot would
        // get it back at once.
        let mut permit = None;
        loop {
            while !self.stop.is_asked() && runs.tasks.len() < most {
                let Some(permit) = permit.take().or_else(|| self.slots.clone().try_acquire_owned().ok()) else { break };
                let Some((integration, span, run)) = self.claim(&runs, permit).await else { break };
                runs.spawn(integration, span, run);
            }
            let may_claim = runs.tasks.len() < most;
            let is_free = self.slots.available_permits() > 0;
            tokio::select! {
                biased;
                () = self.stop.asked() => break,
                true = runs.ended() => {}
                Ok(()) = self.integrations.changed() => self.unknown.clear(),
                () = self.store.job_available(), if may_claim && is_free => {}
                () = sleep(self.config.poll), if may_claim && is_free => {}
                acquired = self.slots.clone().acquire_owned(), if may_claim && !is_free => permit = acquired.ok(),
            }
        }
        while runs.ended().await {}
    }

    /// Claims the next job, if there is one, and returns its run.
    async fn claim(
        &mut self,
        runs: &Runs,
        permit: OwnedSemaphorePermit,
    ) -> Option<(IntegrationId, Span, impl Future<Output = ()> + Send + 'static)> {
        // Leases that expired during an outage of the store may still be renewed by their workers.
        let renewals = (self.config.lease / 5).max(AFTER_OUTAGE);
        let just_recovered = self.store.time_since_recovery().is_some_and(|time| time < renewals);
        loop {
            // A job that runs in this process is not claimed again, even if its lease has expired: its run renews it, or ends.
            let except: Vec<IntegrationId> = runs.integrations().chain(self.unknown.iter().copied()).collect();
            let claimed_at = Clock::SYSTEM.now();
            let claimed = match self.store.claim_job(self.config.lease, &except, just_recovered).await {
                Ok(claimed) => claimed?,
                Err(error) => {
                    if !error.is_unavailable() {
                        tracing::warn!(%error, "claiming a job failed; retrying");
                    }
                    return None;
                }
            };
            #[cfg(feature = "faults")]
            assert!(std::env::var_os(FAULT).is_none(), "injected fault");
            METRICS.job_claims.inc();
            let id = claimed.integration;
            let Some(integration) = self.integrations.borrow().get(&id).cloned() else {
                self.unknown.insert(id);
                tracing::warn!(integration = %id, "a job was left to other replicas: this one's configuration does not have its integration");
                // If this fails, others can claim it when the lease expires.
                let _ = self.store.release(&claimed.lease).await;
                continue;
            };
            let span = tracing::info_span!("sync", integration = %claimed.integration, job = %claimed.lease.job);
            let (store, config, stop) = (self.store.clone(), self.config.clone(), self.stop.clone());
            let slot = Slot::new(self.slots.clone(), permit);
            let run = async move { run_claimed(&store, claimed, claimed_at, &config, &integration, stop, slot).await };
            return Some((id, span, run));
        }
    }
}

async fn run_claimed(
    store: &Store,
    claimed: Claimed,
    claimed_at: Duration,
    config: &WorkerConfig,
    integration: &Integration,
    stop: Stop,
    slot: Slot,
) {
    let attempts = claimed.attempts;
    let ended = if attempts > config.max_attempts {
        tracing::error!(attempts, "giving up: too many workers in a row failed while running this job");
        run::give_up(store, &claimed).await
    } else if stop.is_asked() {
        store.release(&claimed.lease).await
    } else {
        let is_resumed = attempts > 1 || claimed.rows_synced + claimed.rows_failed > 0 || claimed.position.is_some();
        let begun = if is_resumed { "sync resumed" } else { "sync started" };
        tracing::info!(attempts, kind = integration.kind.as_str(), "{begun}");
        let (tuning, clock) = (RunTuning::DEFAULT, Clock::SYSTEM);
        let runner = Runner { store, integration, lease: config.lease, tuning, stop, slot, clock };
        runner.run(claimed, claimed_at).await
    };
    match ended {
        Ok(()) => {}
        Err(StoreError::LeaseLost) => {
            METRICS.lease_losses.inc();
            tracing::warn!("lease lost; another worker has claimed the job");
        }
        Err(error) => tracing::error!(%error, "sync aborted; another worker resumes the job when its lease expires"),
    }
}
