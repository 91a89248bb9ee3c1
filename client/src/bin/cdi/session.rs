//! What the commands that need a server share: the settings, and how integrations are found by what was written.

use std::time::Duration;

use cdi_client::errors::ListJobSyncStatusError;
use cdi_client::{CallError, Client, Job};
use uuid::Uuid;

use crate::cache::{Known, LIFETIME};
use crate::causes::is_braze;
use crate::failure::Failure;
use crate::names::{self, Match};
use crate::output::Output;
use crate::retries::Retries;
use crate::settings::Settings;
use crate::shell::quoted;

/// What the commands that need a server share.
pub(crate) struct Session<'a> {
    pub(crate) settings: Settings,
    pub(crate) output: &'a Output,
    pub(crate) retries: Retries,
}

/// Where a name may be looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// In the cache first. The integration may have been renamed since.
    Cache,
    /// On the server only.
    Server,
}

/// An integration that was named on the command line.
pub(crate) struct Named {
    pub(crate) id: Uuid,
    /// Its name, or its ID if that is how it was named; as a word of a command line.
    pub(crate) argument: String,
    /// Whether the ID is from the cache, and the integration may be another one by now.
    cached: bool,
}

impl Named {
    pub(crate) fn by_id(id: Uuid) -> Named {
        Named { id, argument: id.to_string(), cached: false }
    }

    fn new(integration: &Known, text: &str, cached: bool) -> Named {
        // What looks like an option would need to be escaped, and the beginning of an ID is not known to everything.
        let by_name = integration.name == text && !text.starts_with('-');
        let argument = if by_name { quoted(text) } else { integration.id.to_string() };
        Named { id: integration.id, argument, cached }
    }
}

impl Session<'_> {
    pub(crate) fn client(&self) -> &Client {
        &self.settings.client
    }

    /// The newest jobs of an integration. A name may be looked up in the cache; if its cached ID does not exist any more, the
    /// integrations are listed.
    pub(crate) async fn jobs(&self, text: &str, limit: usize, lookup: Lookup) -> Result<(Named, Vec<Job>), Failure> {
        let named = match (names::id(text), lookup) {
            (Some(id), _) => Named::by_id(id),
            (None, Lookup::Cache) => self.named(text).await?,
            (None, Lookup::Server) => self.listed(text).await?,
        };
        match self.newest_jobs(named.id, limit).await {
            Ok(jobs) => Ok((named, jobs)),
            Err(error) if named.cached && error.documented() == Some(ListJobSyncStatusError::IntegrationNotFound) => {
                self.settings.cache.clear();
                let named = self.listed(text).await?;
                let jobs = self.newest_jobs(named.id, limit).await?;
                Ok((named, jobs))
            }
            Err(error) => Err(self.with_near_id(error.into(), named.id)),
        }
    }

    /// A failure, and which integration may have been meant if there is none with this ID.
    pub(crate) fn with_near_id(&self, failure: Failure, id: Uuid) -> Failure {
        if failure.kind != "integration_not_found" {
            return failure;
        }
        let known = self.settings.cache.read(Duration::MAX).unwrap_or_default();
        match names::near_id(id, &known) {
            Some(near) => failure.advise(&format!("Did you mean `{}` ({})?", near.id, near.name)),
            None if is_braze(self.client().base_url()) => failure,
            None => failure.advise(names::IF_NEW),
        }
    }

    async fn newest_jobs(&self, id: Uuid, limit: usize) -> Result<Vec<Job>, CallError<ListJobSyncStatusError>> {
        let mut stream = self.client().job_sync_status(id);
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            match stream.next().await {
                Some(job) => jobs.push(job?),
                None => break,
            }
        }
        Ok(jobs)
    }

    /// The integration with this name, in the cache if it is there. The beginning of an ID is always looked up on the server,
    /// because a new integration may have an ID that begins in the same way.
    async fn named(&self, text: &str) -> Result<Named, Failure> {
        if let Some(known) = self.settings.cache.read(LIFETIME)
            && let Match::One(integration) = names::find(text, &known)
            && integration.name == text
        {
            return Ok(Named::new(integration, text, true));
        }
        self.listed(text).await
    }

    /// The integration that a name or the beginning of an ID means, by a list that is requested now.
    pub(crate) async fn listed(&self, text: &str) -> Result<Named, Failure> {
        let listed = self.client().list_integrations().all().await;
        let listed = listed.map_err(|error| match Failure::from(error) {
            failure if failure.lacks().is_some() => {
                failure.advise("It is needed to find an integration by its name; with a whole ID it is not needed")
            }
            failure => failure,
        })?;
        self.retries.clear();
        let known = self.settings.cache.remember(&listed);
        match names::find(text, &known) {
            Match::One(integration) => Ok(Named::new(integration, text, false)),
            _ => {
                let (command, is_braze) = (&self.settings.command, is_braze(self.client().base_url()));
                Err(names::failure(text, &known, command, is_braze))
            }
        }
    }
}
