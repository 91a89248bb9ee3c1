//! Log lines of requests that the HTTP framework answers itself, such as those to unknown paths, and of requests whose
//! parameters an operation refuses. dropshot logs them through slog at its info level, among lines that would repeat ours.

use std::fmt::{self, Write as _};

use http::Uri;
use slog::{Drain, KV as _, Key, Level, Never, OwnedKVList, Record};

use crate::metrics::METRICS;

/// Longer paths are cut off.
const LONGEST_PATH: usize = 200;

/// A drain that logs such requests, and passes nothing else.
#[derive(Debug)]
pub struct Requests;

impl Drain for Requests {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        if record.level() == Level::Info {
            log(record, values);
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
}

impl slog::Serializer for Fields {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        match AsRef::<str>::as_ref(&key) {
            "response_code" => self.status = value.to_string().parse().ok(),
            "error_message_external" => self.error = Some(value.to_string()),
            "method" => write!(self.method, "{value}")?,
            "uri" => write!(self.uri, "{value}")?,
            "req_id" => write!(self.request_id, "{value}")?,
            _ => {}
        }
        Ok(())
    }
}

fn log(record: &Record<'_>, values: &OwnedKVList) {
    let mut fields = Fields::default();
    // Its answer first: most requests need no line.
    if record.kv().serialize(record, &mut fields).is_err() || (fields.error.is_none() && fields.status != Some(400)) {
        return;
    }
    let (Some(status), Ok(())) = (fields.status, values.serialize(record, &mut fields)) else { return };
    if fields.error.is_some() {
        METRICS.unmatched(status);
    }
    let (method, path, request_id) = (fields.method.as_str(), path(&fields.uri), fields.request_id.as_str());
    match (fields.error.as_deref(), status) {
        (None, _) => tracing::info!(request_id, method, path, "the ID in the path or the cursor is not valid"),
        (Some(_), 404) => tracing::info!(request_id, status, method, path, reason = "no such path", "answered"),
        (Some(_), 405) => {
            let reason = "this path does not take the method";
            tracing::info!(request_id, status, method, path, reason, "answered");
        }
        (Some(reason), _) => tracing::info!(request_id, status, method, path, reason, "answered"),
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
