//! Log lines about requests that the HTTP framework answers itself, such as those to unknown paths, about requests whose
//! parameters an operation refuses, and about what the framework warns of. dropshot logs them through slog, the first two at its
//! info level, among lines that would repeat ours.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use http::Uri;
use slog::{Drain, KV as _, Key, Level, Never, OwnedKVList, Record};

use crate::front::Peers;
use crate::metrics::METRICS;

/// Longer paths are cut off.
const LONGEST_PATH: usize = 200;

/// The framework's warning of a client that did not wait for its answer.
const DISCONNECTED: &str = "request handling cancelled";
/// What it adds when the operation has ended, which has its own line.
const ENDED_LATER: &str = "request completed after handler was already cancelled";

/// A drain that logs such lines, and passes nothing on.
#[derive(Debug)]
pub struct Requests {
    /// Who sends each request.
    pub peers: Peers,
}

impl Drain for Requests {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        match record.level() {
            Level::Critical | Level::Error | Level::Warning => self.warning(record, values),
            Level::Info => self.request(record, values),
            Level::Debug | Level::Trace => {}
        }
        Ok(())
    }
}

/// What dropshot logs with a request and its answer.
#[derive(Debug, Default)]
struct Fields {
    status: Option<u16>,
    error: Option<String>,
    method: String,
    uri: String,
    request_id: String,
    remote: String,
}

impl slog::Serializer for Fields {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        match AsRef::<str>::as_ref(&key) {
            "response_code" => self.status = value.to_string().parse().ok(),
            "error_message_external" | "error" => self.error = Some(value.to_string()),
            "method" => write!(self.method, "{value}")?,
            "uri" => write!(self.uri, "{value}")?,
            "req_id" => write!(self.request_id, "{value}")?,
            "remote_addr" => write!(self.remote, "{value}")?,
            _ => {}
        }
        Ok(())
    }
}

impl Requests {
    fn request(&self, record: &Record<'_>, values: &OwnedKVList) {
        let mut fields = Fields::default();
        // Its answer first: most requests need no line.
        if record.kv().serialize(record, &mut fields).is_err() || (fields.error.is_none() && fields.status != Some(400))
        {
            return;
        }
        let (Some(status), Ok(())) = (fields.status, values.serialize(record, &mut fields)) else { return };
        if fields.error.is_some() {
            METRICS.unmatched(status);
        }
        let (method, path, request_id) = (fields.method.as_str(), path(&fields.uri), fields.request_id.as_str());
        let peer = self.peer(&fields);
        match (fields.error.as_deref(), status) {
            (None, _) => {
                tracing::info!(request_id, peer, method, path, "the ID in the path or the cursor is not valid");
            }
            (Some(_), 404) => {
                tracing::info!(request_id, peer, status, method, path, reason = "no such path", "answered");
            }
            (Some(_), 405) => {
                let reason = "this path does not take the method";
                tracing::info!(request_id, peer, status, method, path, reason, "answered");
            }
            (Some(reason), _) => tracing::info!(request_id, peer, status, method, path, reason, "answered"),
        }
    }

    fn warning(&self, record: &Record<'_>, values: &OwnedKVList) {
        let message = record.msg().to_string();
        if message == ENDED_LATER {
            return;
        }
        let mut fields = Fields::default();
        // Fields that cannot be written are left out.
        let _ = record.kv().serialize(record, &mut fields);
        let _ = values.serialize(record, &mut fields);
        let request_id = Some(fields.request_id.as_str()).filter(|id| !id.is_empty());
        let (method, path) = (request_id.map(|_| fields.method.as_str()), request_id.map(|_| path(&fields.uri)));
        let (peer, error) = (self.peer(&fields), fields.error.as_deref());
        if message.starts_with(DISCONNECTED) {
            let outcome = "the client disconnected before it was answered; the request is carried out all the same";
            tracing::info!(request_id, peer, method, path, "{outcome}");
        } else if record.level() == Level::Warning {
            tracing::warn!(request_id, peer, method, path, error, "HTTP server: {message}");
        } else {
            tracing::error!(request_id, peer, method, path, error, "HTTP server: {message}");
        }
    }

    fn peer(&self, fields: &Fields) -> Option<String> {
        let connection: SocketAddr = fields.remote.parse().ok()?;
        self.peers.peer_of(connection).map(|peer| peer.to_string())
    }
}

/// The path of a request, without a query, which may contain secrets, and without a user name and password.
fn path(uri: &str) -> String {
    let uri = uri.parse::<Uri>().unwrap_or_default();
    match uri.path().char_indices().nth(LONGEST_PATH) {
        Some((end, _)) => format!("{}…", &uri.path()[..end]),
        None => uri.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_logged_without_its_query_and_not_longer_than_200_characters() {
        assert_eq!(path("/cdi/integrations?cursor=secret"), "/cdi/integrations");
        assert_eq!(path("http://me:secret@host/x?y=z"), "/x");
        assert_eq!(path("*"), "*");
        assert_eq!(path(&format!("/{}", "x".repeat(199))).len(), 200);
        assert_eq!(path(&format!("/{}", "x".repeat(200))), format!("/{}…", "x".repeat(199)));
    }
}
