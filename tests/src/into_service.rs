//! Syncs into the stand-in service, and what has arrived there.

use std::collections::HashSet;
use std::time::Duration;

use cdi_server::connectors::fake_braze::FakeBraze;
use cdi_server::secret::{Secret, new_key};

use crate::requests::wide_limits;
use crate::{Setup, eventually};

/// A source, a configuration and the service that the rows go to.
pub struct IntoService {
    /// The source and the configuration.
    pub setup: Setup,
    /// The service.
    pub fake_braze: FakeBraze,
}

/// Rows at the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Different ones.
    pub rows: usize,
    /// Those that had arrived before.
    pub again: usize,
}

impl IntoService {
    /// The rows of a setup go to a service whose answers take so long. Whatever is added to `setup.more` begins a table.
    pub async fn new(mut setup: Setup, delay: Duration) -> IntoService {
        let key = new_key();
        let fake_braze = FakeBraze::start(&key).await.expect("a port on loopback");
        fake_braze.delay(delay);
        setup.destination = users_track(&setup, &fake_braze.url(), &key);
        setup.more = wide_limits();
        IntoService { setup, fake_braze }
    }

    /// What has arrived so far.
    pub fn arrived(&self) -> Arrived {
        let objects = self.fake_braze.objects();
        let rows: HashSet<u64> = objects.iter().filter_map(|object| object["row"].as_u64()).collect();
        Arrived { rows: rows.len(), again: objects.len() - rows.len() }
    }

    /// Waits until the service has accepted more than so many objects.
    pub async fn accepted_more_than(&self, objects: usize) {
        eventually(&format!("more than {objects} objects are accepted"), async || {
            (self.fake_braze.accepted() > objects).then_some(())
        })
        .await;
    }
}

/// TOML of a destination at this address that takes this key.
pub fn users_track(setup: &Setup, url: &str, key: &Secret) -> String {
    let file = setup.path("destination.key");
    std::fs::write(&file, key.expose()).expect("the key of the destination");
    format!("kind = \"users_track\"\nurl = \"{url}\"\napi_key = {{ file = {file:?} }}")
}
