//! Syncs into the fake Braze service, and what has arrived there.

use std::collections::HashSet;
use std::time::Duration;

use cdi_server::connectors::fake_braze::FakeBraze;
use cdi_server::secret::{Secret, new_key};

use crate::requests::wide_limits;
use crate::{Setup, eventually};

/// A source, a configuration, and the fake service that receives the rows.
pub struct IntoService {
    /// The source and the configuration.
    pub setup: Setup,
    /// The fake service.
    pub fake_braze: FakeBraze,
}

/// The rows that have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Different rows.
    pub rows: usize,
    /// Rows that had arrived before.
    pub again: usize,
}

impl IntoService {
    /// Configures the fake service, with this delay of answers, as the destination of a setup. Text added to
    /// `setup.more` afterwards must begin with a table header.
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

    /// Waits until the service has accepted more than this many objects.
    pub async fn accepted_more_than(&self, objects: usize) {
        eventually(&format!("more than {objects} objects are accepted"), async || {
            (self.fake_braze.accepted() > objects).then_some(())
        })
        .await;
    }
}

/// The TOML of a destination with this URL and key.
pub fn users_track(setup: &Setup, url: &str, key: &Secret) -> String {
    let file = setup.path("destination.key");
    std::fs::write(&file, key.expose()).expect("the key of the destination");
    format!("kind = \"users_track\"\nurl = \"{url}\"\napi_key = {{ file = {file:?} }}")
}
