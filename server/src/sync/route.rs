//! What a watermark belongs to.

use crate::config::{Destination, Integration, Source};
use crate::store::Route;

impl Integration {
    /// Its source, destination and type, without secrets.
    pub fn route(&self) -> Route {
        let source = match &self.source {
            Source::Sqlite { path, table } => format!("sqlite:{}#{table}", path.display()),
            Source::Postgres { url, table } => format!("{url}#{table}"),
        };
        let destination = match &self.destination {
            Destination::UsersTrack(service) => format!("users_track:{}", service.url),
            Destination::Jsonl { path } => format!("jsonl:{}", path.display()),
        };
        Route { source, destination, kind: self.kind.as_str().to_owned() }
    }
}
