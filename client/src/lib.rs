//! A client of Cloud Data Ingestion, for OpenCDI and for Braze: triggers syncs, follows their jobs, and tells apart
//! what can go wrong.
//!
//! ```
//! use cdi_client::{Client, JobStatus, WaitOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = cdi_client::mock::Mock::start().await?;
//! # let (url, key, integration_id) = (mock.url(), cdi_client::mock::API_KEY, mock.add_integration("Users"));
//! let client = Client::builder().base_url(url).api_key(key).build()?; // or .instance("iad-03")
//! let job = client.trigger_and_wait(integration_id, WaitOptions::default()).await?;
//! assert_eq!(job.job_status, JobStatus::Success);
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Each operation has its own errors, exactly those that the contract documents. An answer that it does not document,
//! such as a proxy's page, is a value too and keeps its status, headers and body.
//!
//! ```
//! use cdi_client::{Error, errors::TriggerIntegrationSyncError as Trigger};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = cdi_client::mock::Mock::start().await?;
//! # let (client, id) = (mock.client(), mock.add_integration("Users"));
//! # mock.fail_next(Trigger::JobInProgress);
//! match client.trigger_integration_sync(id).await {
//!     Ok(_) => println!("started"),
//!     Err(Error::Documented(answer)) => match answer.error {
//!         Trigger::JobInProgress => println!("it is running already"),
//!         Trigger::RateLimited => println!("try again in {:?}", answer.response.retry_after()),
//!         other => println!("{other}"),
//!     },
//!     Err(error) if error.may_have_taken_effect() => println!("nobody knows whether it has started: {error}"),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A call is made again where that is safe, as long as the server asks for: see [`RetryPolicy`].
//!
//! # Lists
//!
//! [`Client::list_integrations`] and [`Client::job_sync_status`] are streams over all pages.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mock = cdi_client::mock::Mock::start().await?;
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
//! # Features
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `rustls` (default) | `https`, trusting the root certificates of the machine |
//! | `webpki-roots` | Mozilla's root certificates as well, for machines that have none |
//! | `mock` | [`mock`], a server for your tests |
//! | `cli` | the command line `cdi` |
//!
//! The requests and the types come from the contract (`openapi/cdi.yaml`) through progenitor; what this crate adds is
//! typed errors that keep the whole answer, retries that obey the server, lists as streams, and waiting for a run.

mod address;
mod builder;
mod client;
mod error;
pub mod errors;
mod generated;
mod link;
#[cfg(feature = "mock")]
pub mod mock;
mod pages;
mod response;
mod retry;
mod transport;
mod wait;

pub use builder::{BuildError, ClientBuilder};
pub use client::{Client, Reply};
pub use error::{Answer, Error};
pub use generated::types::{self, Integration, IntegrationStatus, Job, JobStatus};
pub use pages::{Cursor, Items, Page};
pub use reqwest;
pub use response::{RateLimit, Response};
pub use retry::RetryPolicy;
pub use wait::{IfRunning, Progress, Speed, Stage, WaitError, WaitOptions};
