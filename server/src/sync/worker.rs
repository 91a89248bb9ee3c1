//! The workers of a process: they claim jobs and run them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::lease_keeper::Clock;
use super::run::{self, Pace, Runner};
use super::shutdown::Stop;
use super::slots::Slot;
use crate::config::{Integration, IntegrationId, WorkerConfig};
use crate::store::{Claimed, Store};

/// After the deadline runs write down where they are; this is how long that may take.
const GRACE: Duration = Duration::from_secs(5);

/// The workers of a process.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<Option<Instant>>,
    supervisor: JoinHandle<()>,
}

impl Workers {
    /// Starts them. They run jobs of these integrations only.
    pub fn start(store: Store, integrations: Vec<Arc<Integration>>, config: WorkerConfig) -> Workers {
        let (stop, asked) = Stop::channel();
        let supervisor = Supervisor {
            store,
            integrations: integrations.into_iter().map(|integration| (integration.id, integration)).collect(),
            config,
            stop: asked,
        };
        Workers { stop, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// Stops them: no new jobs, batches under way end until the deadline, then all jobs are given back.
    pub async fn stop(self, deadline: Duration) {
        let _ = self.stop.send(Some(Instant::now() + deadline));
        if timeout(deadline + GRACE, self.supervisor).await.is_err() {
            tracing::warn!("some syncs could not be given back; other workers take them when their leases run out");
        }
    }
}

struct Supervisor {
    store: Store,
    integrations: HashMap<IntegrationId, Arc<Integration>>,
    config: WorkerConfig,
    stop: Stop,
}

impl Supervisor {
    async fn run(self) {
        let mut runs = JoinSet::new();
        loop {
            while runs.len() < self.config.concurrency
                && let Some(run) = self.claim().await
            {
                runs.spawn(run);
            }
            let has_room = runs.len() < self.config.concurrency;
            tokio::select! {
                () = self.stop.asked() => break,
                Some(ended) = runs.join_next() => report(ended),
                () = self.store.woken(), if has_room => {}
                () = sleep(self.config.poll), if has_room => {}
            }
        }
        while let Some(ended) = runs.join_next().await {
            report(ended);
        }
    }

    /// The run of the next job, if there is one.
    async fn claim(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let claimed_at = Clock::SYSTEM.now();
        let takes = |integration| self.integrations.contains_key(&integration);
        let claimed = match self.store.claim_job(self.config.lease, takes).await {
            Ok(claimed) => claimed?,
            Err(error) => {
                tracing::warn!(%error, "no job could be claimed; trying again");
                return None;
            }
        };
        let integration = self.integrations.get(&claimed.integration)?.clone();
        let span = tracing::info_span!("sync", integration = %claimed.integration, job = %claimed.lease.job);
        let (store, config, stop) = (self.store.clone(), self.config.clone(), self.stop.clone());
        let run = async move { run_claimed(&store, claimed, claimed_at, &config, &integration, stop).await };
        Some(run.instrument(span))
    }
}

async fn run_claimed(
    store: &Store,
    claimed: Claimed,
    claimed_at: Duration,
    config: &WorkerConfig,
    integration: &Integration,
    stop: Stop,
) {
    let attempts = claimed.attempts;
    let ended = if attempts > config.max_attempts {
        tracing::error!(attempts, "the job keeps losing its workers; it is given up");
        run::give_up(store, &claimed).await
    } else {
        tracing::info!(attempts, kind = integration.kind.as_str(), "sync begins");
        let slot = Slot::unlimited();
        let clock = Clock::SYSTEM;
        Runner { store, integration, lease: config.lease, pace: Pace::USUAL, stop, slot, clock }
            .run(claimed, claimed_at)
            .await
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the sync was left to another worker");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a sync broke off; another worker takes it when its lease runs out");
    }
}
