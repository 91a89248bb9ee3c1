//! A client of Cloud Data Ingestion, for OpenCDI and for Braze: triggers syncs, follows their jobs, and tells apart
//! what can go wrong.
//!
//! ```no_run
//! use cdi_client::{Client, JobStatus, WaitOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder()
//!     .base_url("https://rest.iad-03.braze.com")
//!     .api_key(std::env::var("CDI_API_KEY")?)
//!     .build()?;
//! let integration_id = "00000000-0000-0000-0000-000000000000".parse()?;
//! let job = client.trigger_and_wait(integration_id, WaitOptions::default()).await?;
//! assert_eq!(job.job_status, JobStatus::Success);
//! # Ok(())
//! # }
//! ```
//!
//! Each operation has its own errors, exactly those that the contract documents:
//!
//! ```no_run
//! # async fn example(client: cdi_client::Client, id: uuid::Uuid) {
//! use cdi_client::{Error, errors::TriggerIntegrationSyncError as Trigger};
//!
//! match client.trigger_integration_sync(id).await {
//!     Ok(_) => println!("started"),
//!     Err(Error::Documented(answer)) => match answer.error {
//!         Trigger::JobInProgress => println!("it is running already"),
//!         Trigger::RateLimited => println!("try again in {:?}", answer.response.retry_after()),
//!         other => println!("{other}: {}", other.help()),
//!     },
//!     Err(error) => println!("{error}"),
//! }
//! # use cdi_client::errors::DocumentedError;
//! # }
//! ```
//!
//! The requests and the types come from the contract (`openapi/cdi.yaml`) through progenitor; what this crate adds is
//! typed errors that keep the whole answer, retries that obey the server, lists as streams, and waiting for a run.

mod builder;
mod client;
mod error;
pub mod errors;
mod generated;
mod link;
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
pub use response::{RateLimit, Response};
pub use retry::RetryPolicy;
pub use wait::{Progress, Stage, WaitError, WaitOptions};
