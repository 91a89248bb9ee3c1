//! The workers of a process: they claim jobs and run them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::Instrument as _;

use super::run::{self, Pace, Runner};
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

/// Tells a run that the process is to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    /// Where a moment can be said by which everything has to end.
    pub fn channel() -> (watch::Sender<Option<Instant>>, Stop) {
        let (stop, asked) = watch::channel(None);
        (stop, Stop(asked))
    }

    /// Waits until the process is to stop.
    pub async fn asked(&self) {
        self.when().await;
    }

    /// Waits until the time is over that a run has to end by itself.
    pub async fn deadline(&self) {
        sleep_until(self.when().await).await;
    }

    async fn when(&self) -> Instant {
        let mut asked = self.0.clone();
        match asked.wait_for(Option::is_some).await.map(|deadline| *deadline) {
            Ok(Some(deadline)) => deadline,
            // The workers were dropped without being stopped: this very moment.
            Ok(None) | Err(_) => Instant::now(),
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
        let claimed_at = Instant::now();
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
    claimed_at: Instant,
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
        Runner { store, integration, lease: config.lease, pace: Pace::USUAL, stop }.run(claimed, claimed_at).await
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
