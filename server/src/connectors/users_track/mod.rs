//! A destination: Braze's `POST /users/track` and `POST /users/delete`, or a compatible service.

mod connection_error;
mod delivery;
mod endpoint;
mod failures;
#[cfg(test)]
mod fuzz;
mod limits;
mod patience;
mod retry_after;
mod settings;
mod stretches;
mod suspects;
mod throttle;
mod track_response;

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::secret::KeyHash;
use crate::sync::batch::Batch;
use crate::sync::destination::{Delivery, DeliveryContext, Limits, OpenDestination};
use crate::sync::object::ObjectEncoder;
use crate::sync::{Destination, SyncError};
use crate::types::IntegrationKind;
use delivery::OpenUsersTrack;
use endpoint::Endpoint;
pub use settings::{UsersTrack, configure};

/// The name of this kind of destination in the configuration.
pub const KIND: &str = "users_track";

impl Destination for UsersTrack {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn identity(&self) -> String {
        format!("{KIND}:{}", self.url)
    }

    fn account(&self) -> String {
        // Workspaces with one URL have different keys.
        format!("{} {}", self.identity(), KeyHash::of(self.api_key.expose()))
    }

    fn file(&self) -> Option<&Path> {
        None
    }

    fn encoder(&self, kind: IntegrationKind) -> ObjectEncoder {
        ObjectEncoder { kind, update_existing_only: Some(self.update_existing_only), bare_deletes: true }
    }

    fn open(
        &self,
        kind: IntegrationKind,
        _position: Option<String>,
        context: DeliveryContext,
    ) -> BoxFuture<'_, Result<Arc<dyn OpenDestination>, SyncError>> {
        let open = OpenUsersTrack::open(self, kind, context).map(|open| Arc::new(open) as Arc<dyn OpenDestination>);
        Box::pin(std::future::ready(open))
    }

    fn warning(&self) -> Option<String> {
        settings::unencrypted(&self.url)
    }

    fn probe(&self, kind: IntegrationKind) -> BoxFuture<'_, Result<(), SyncError>> {
        Box::pin(async move { Endpoint::new(self, kind)?.probe().await })
    }
}

impl OpenDestination for OpenUsersTrack {
    fn limits(&self) -> Limits {
        OpenUsersTrack::limits(self)
    }

    fn deliver(&self, batch: Batch) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            let mut outcomes = vec![None; batch.len()];
            let ended = OpenUsersTrack::deliver(self, &batch, &mut outcomes).await;
            Delivery { batch, outcomes, ended }
        })
    }

    fn begin(&self, accepted: bool) {
        self.suspects().begin(accepted);
    }

    fn confirmed(&self) -> u64 {
        self.suspects().confirmed()
    }

    fn judge_rest(&self) -> Result<(), SyncError> {
        self.suspects().judge_rest()
    }
}
