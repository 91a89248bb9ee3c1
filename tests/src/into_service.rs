//! Syncs into the stand-in service, and what has arrived there.

use std::collections::HashSet;
use std::time::Duration;

use cdi_server::connectors::fake_braze::FakeBraze;
use cdi_server::secret::new_key;

use crate::requests::wide_limits;
use crate::{Setup, eventually};

/// A source, a configuration and the service that the rows go to.
pub struct IntoService {
    /// The source and the configuration.
    pub setup: Setup,
    /// The service.
    pub stand_in: FakeBraze,
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
        let stand_in = FakeBraze::start(&key).await.expect("a port on loopback");
        stand_in.delay(delay);
        let file = setup.path("destination.key");
        std::fs::write(&file, key.expose()).expect("the key of the destination");
        setup.destination = destination(&stand_in, &file);
        setup.more = wide_limits();
        IntoService { setup, stand_in }
    }

    /// What has arrived so far.
    pub fn arrived(&self) -> Arrived {
        let objects = self.stand_in.objects();
        let rows: HashSet<u64> = objects.iter().filter_map(|object| object["row"].as_u64()).collect();
        Arrived { rows: rows.len(), again: objects.len() - rows.len() }
    }

    /// Waits until the service has accepted more than so many objects.
    pub async fn accepted_more_than(&self, objects: usize) {
        eventually(&format!("more than {objects} objects are accepted"), async || {
            (self.stand_in.accepted() > objects).then_some(())
        })
        .await;
    }
}

fn destination(stand_in: &FakeBraze, key: &std::path::Path) -> String {
    format!("kind = \"users_track\"\nurl = \"{}\"\napi_key = {{ file = {key:?} }}", stand_in.url())
}
