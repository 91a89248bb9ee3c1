//! A Cloud Data Ingestion server for the tests of those who use this crate (feature `mock`).
//!
//! It listens on loopback and keeps the contract: keys, pages, one job at a time. Jobs end as the test says, and any
//! documented error can be had on demand; one that is not documented cannot be asked for.
//!
//! ```
//! use cdi_client::errors::TriggerIntegrationSyncError as Trigger;
//! use cdi_client::mock::Mock;
//! use cdi_client::{JobStatus, WaitOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mock = Mock::start().await?;
//! let users = mock.add_integration("Users");
//! let client = mock.client(); // or any client with `mock.url()` and `mock::API_KEY`
//!
//! // Jobs succeed, unless told otherwise.
//! mock.end_next_job(users, JobStatus::Partial, 97, 3);
//! let job = client.trigger_and_wait(users, WaitOptions::default()).await?;
//! assert_eq!((job.job_status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 97, 3));
//!
//! // Errors are those of the operation.
//! mock.fail_next(Trigger::JobInProgress);
//! let error = client.trigger_integration_sync(users).await.unwrap_err();
//! assert_eq!(error.documented(), Some(Trigger::JobInProgress));
//! assert_eq!(mock.triggers(users), 1);
//! # Ok(())
//! # }
//! ```

mod answer;
mod state;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::client::Client;
use crate::errors::DocumentedError;
use crate::generated::types::JobStatus;
use state::State;

/// The only key that the mock accepts.
pub const API_KEY: &str = "mock-api-key";

/// The server; it stops when it is dropped.
#[derive(Debug)]
pub struct Mock {
    url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Mock {
    /// Starts the server on a free port. It has no integrations.
    pub async fn start() -> std::io::Result<Mock> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Mock { url, state, task })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of it with the usual settings.
    pub fn client(&self) -> Client {
        #[allow(clippy::expect_used)] // The URL and the key are the mock's own.
        Client::builder().base_url(&self.url).api_key(API_KEY).build().expect("a client of the mock can be built")
    }

    /// Adds an active integration, whose jobs succeed with no rows.
    pub fn add_integration(&self, name: &str) -> Uuid {
        self.state().add_integration(name)
    }

    /// Says how the next job of an integration ends. Said several times, it goes for the jobs after it too.
    ///
    /// A job that the next trigger starts is listed as running once, and ended from then on.
    pub fn end_next_job(&self, integration_id: Uuid, status: JobStatus, rows_synced: u32, rows_failed: u32) {
        self.state().end_next_job(integration_id, status, rows_synced, rows_failed);
    }

    /// Answers the next request of the error's operation with it. Said several times, it goes for the requests after it
    /// too. Where the contract has a `Retry-After` it is 0, so that tests are quick.
    pub fn fail_next<E: DocumentedError>(&self, error: E) {
        self.state().fail_next(E::OPERATION, error.status(), error.message());
    }

    /// How many jobs of an integration were triggered.
    pub fn triggers(&self, integration_id: Uuid) -> usize {
        self.state().triggers(integration_id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until it is aborted, and its connections with it.
async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        // What cannot be accepted is the client's loss.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, state.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| {
        let answer = answer::answer(&request, &mut lock(&state));
        async move { Ok::<_, Infallible>(answer) }
    });
    // A client that hangs up is no trouble of the server's.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
