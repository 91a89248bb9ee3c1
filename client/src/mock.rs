//! A Cloud Data Ingestion server for tests of applications that use this crate (feature `mock`).
//!
//! It listens on loopback and implements the contract: API keys, pages, one job at a time. The test decides how jobs end, and
//! which documented errors it answers with; it cannot be made to answer with an undocumented one.
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
//! // By default jobs succeed.
//! mock.end_next_job(users, JobStatus::Partial, 97, 3);
//! let job = client.trigger_and_wait(users, WaitOptions::default()).await?;
//! assert_eq!((job.job_status, job.rows_synced, job.rows_failed_with_errors), (JobStatus::Partial, 97, 3));
//!
//! // The type of the error says which operation fails.
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
    /// Starts the server on a free port, without integrations.
    ///
    /// # Errors
    ///
    /// The error of the operating system if no port can be opened.
    pub async fn start() -> std::io::Result<Mock> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Mock { url, state, task })
    }

    /// The base URL, with its port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of this server, with the default settings.
    pub fn client(&self) -> Client {
        #[allow(clippy::expect_used)] // The URL and the key are the mock's own.
        Client::builder().base_url(&self.url).api_key(API_KEY).build().expect("a client of the mock can be built")
    }

    /// Adds an active integration and returns its ID. Its jobs succeed with no rows.
    pub fn add_integration(&self, name: &str) -> Uuid {
        self.state().add_integration(name)
    }

    /// Sets how the next job of an integration ends. Further calls set it for the jobs after that one.
    ///
    /// A job is listed as running once; from the second time on it is listed as ended.
    ///
    /// # Panics
    ///
    /// If no integration has this ID.
    pub fn end_next_job(&self, integration_id: Uuid, status: JobStatus, rows_synced: u64, rows_failed: u64) {
        self.state().end_next_job(integration_id, status, rows_synced, rows_failed);
    }

    /// Answers the next request of the error's operation with this error. Further calls add errors for the requests after
    /// that one. `Retry-After` is 0 where the contract has it, so that tests are quick.
    pub fn fail_next<E: DocumentedError>(&self, error: E) {
        self.state().fail_next(E::OPERATION, error.status(), error.message());
    }

    /// How many syncs of an integration were triggered.
    ///
    /// # Panics
    ///
    /// If no integration has this ID.
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
    // A client that hangs up is not an error of the server.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
