//! A client of Cloud Data Ingestion, for OpenCDI and for Braze: it triggers syncs, waits for their jobs, and has a typed
//! error for everything that can go wrong.
//!
//! ```
//! use cdi_client::{Client, Error, WaitOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = cdi_client::mock::Mock::start().await?;
//! # let (url, key, integration_id) = (mock.url(), cdi_client::mock::API_KEY, mock.add_integration("Users"));
//! let client = Client::builder().server(url).api_key(key).build()?; // or Client::from_env()?
//! let job = client.trigger_and_wait(integration_id, WaitOptions::default()).await?;
//! assert!(job.succeeded(), "the sync ended as {}", job.job_status);
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::from_env`] reads the variables `CDI_URL` and `CDI_API_KEY`, as the command line `cdi` does.
//!
//! # Permissions
//!
//! An API key needs a permission for each operation. Without it the answer is `403 Access Denied`.
//!
//! | call | permission |
//! | --- | --- |
//! | [`list_integrations`](Client::list_integrations) | `cdi.integration_list` |
//! | [`job_sync_status`](Client::job_sync_status), [`wait_for_job`](Client::wait_for_job) | `cdi.integration_job_status` |
//! | [`trigger_integration_sync`](Client::trigger_integration_sync) | `cdi.integration_sync` |
//! | [`trigger_and_wait`](Client::trigger_and_wait), [`trigger_in_turn`](Client::trigger_in_turn) | `cdi.integration_sync` and `cdi.integration_job_status` |
//!
//! # Errors
//!
//! [`Error`] is one type for everything: `?` converts the error of every call into it, and it keeps kind, status, message,
//! advice, `Retry-After` and request ID. Use it where several calls meet.
//!
//! [`CallError`] is the error of one operation. Its documented errors are an enum, exactly those that the contract documents.
//! Use it to `match` on them. An undocumented answer, such as a proxy's error page, keeps its status, headers and body.
//!
//! ```
//! use cdi_client::{CallError, errors::TriggerIntegrationSyncError as Trigger};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = cdi_client::mock::Mock::start().await?;
//! # let (client, id) = (mock.client(), mock.add_integration("Users"));
//! # mock.fail_next(Trigger::JobInProgress);
//! match client.trigger_integration_sync(id).await {
//!     Ok(_) => println!("started"),
//!     Err(CallError::Documented(answer)) => match answer.error {
//!         Trigger::JobInProgress => println!("a sync is running already"),
//!         Trigger::RateLimited => println!("try again in {:?}", answer.response.retry_after()),
//!         other => println!("{other}"),
//!     },
//!     Err(error) if error.may_have_taken_effect() => println!("a sync may have been started: {error}"),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`WaitError`] is the error of a wait, and [`BuildError`] that of [`ClientBuilder::build`].
//!
//! Failed calls are repeated where that is safe, after as long a pause as the server asks for: see [`RetryPolicy`].
//! [`ClientBuilder::on_retry`] sets a function that is called before each pause, for example to show why a call takes long.
//!
//! # Lists
//!
//! [`Client::list_integrations`] and [`Client::job_sync_status`] are streams over all pages.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cdi_client::Error> {
//! # let mock = cdi_client::mock::Mock::start().await.unwrap();
//! # mock.add_integration("Users");
//! # let client = mock.client();
//! let mut integrations = client.list_integrations();
//! while let Some(integration) = integrations.next().await {
//!     println!("{}", integration?.integration_name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Waiting, and no longer waiting
//!
//! [`Client::trigger_and_wait`] and [`Client::wait_for_job`] poll the job list until the sync has ended; [`WaitOptions`] sets
//! timeout, pauses and a function for progress. Dropping the future of a wait, for example in `tokio::select!`, ends the
//! waiting only: nothing is cancelled on the server, and a sync that was started runs to its end.
//!
//! # Without async
//!
//! ```
//! use cdi_client::{Client, WaitOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let background = tokio::runtime::Runtime::new()?;
//! # let mock = background.block_on(cdi_client::mock::Mock::start())?;
//! # let (client, id) = (mock.client(), mock.add_integration("Users"));
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let job = runtime.block_on(client.trigger_and_wait(id, WaitOptions::default()))?;
//! println!("{} rows", job.rows_synced);
//! # Ok(())
//! # }
//! ```
//!
//! # Tracing
//!
//! Each call has a `tracing` span `cdi_call` with `operation`, `integration_id`, `attempt` (the
//! number of the last one), `status` and `request_id`; each wait has a span `cdi_wait` with `integration_id`, `job` (its
//! start time) and `job_status`. Repeated calls and failures that are waited out are logged as warnings, everything else at
//! the level debug. The API key is in none of them.
//!
//! # Features
//!
//! | feature | effect |
//! | --- | --- |
//! | `rustls` (default) | `https`, trusting the root certificates of the machine |
//! | `webpki-roots` | Mozilla's root certificates as well, for machines without any |
//! | `mock` | [`mock`], a server for your tests |
//! | `custom-http-client` | [`ClientBuilder::http_client`], which takes your own `reqwest::Client` |
//! | `cli` | the command line `cdi` |
//!
//! # Versions
//!
//! The crate needs Rust 1.95 or newer; a newer minimum comes with a new minor version. What the contract may add to is
//! `#[non_exhaustive]`: new fields, new documented errors and new values of a status break no caller. A status that this
//! version does not know is kept as text, such as [`JobStatus::Unknown`]. Public items use types of `chrono` 0.4, `http` 1,
//! `uuid` 1, `serde` 1 and the trait `futures::Stream`, and of `reqwest` only with the feature `custom-http-client`.

mod address;
mod build_error;
mod builder;
mod call_error;
mod client;
mod error;
mod error_kind;
pub mod errors;
mod from_env;
mod generated;
mod job;
mod key;
mod link;
#[cfg(feature = "mock")]
pub mod mock;
mod pages;
mod pause;
mod proxy;
mod response;
mod retry;
mod trace;
mod transport;
mod transport_error;
mod wait;

pub use build_error::BuildError;
pub use builder::ClientBuilder;
pub use call_error::{Answer, CallError};
pub use client::{Client, Reply};
pub use error::Error;
pub use error_kind::ErrorKind;
/// An integration: a source, a destination, and what is synced between them.
///
/// It can be made of the API's JSON with serde, for example in tests.
pub use generated::types::Integration;
/// Whether an integration is active.
pub use generated::types::IntegrationStatus;
/// A job: one sync of an integration, running or ended.
///
/// It can be made of the API's JSON with serde, for example in tests.
pub use generated::types::Job;
/// Whether a job is running, and how it ended.
pub use generated::types::JobStatus;
/// The body of a successful answer that has no other content.
pub use generated::types::Message;
pub use pages::{Cursor, Items, Page};
pub use pause::Retry;
#[cfg(feature = "custom-http-client")]
pub use reqwest;
pub use response::{RateLimit, Response};
pub use retry::RetryPolicy;
pub use transport_error::TransportError;
pub use wait::{IfRunning, Progress, Speed, Stage, WaitError, WaitOptions};

/// The examples of the package's README, as tests.
#[cfg(all(doctest, feature = "mock"))]
#[doc = include_str!("../README.md")]
struct Readme;
