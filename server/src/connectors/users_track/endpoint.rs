//! The endpoint of a service, and how requests are sent to it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::Utc;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use reqwest::Client;

use super::connection_error::{Timeouts, describe};
use super::limits::{MOST_DELETES, MOST_OBJECTS};
use super::settings::UsersTrack;
use super::track_response::{self, Meaning, Processed};
use crate::secret::Secret;
use crate::sync::SyncError;
use crate::sync::lease_keeper::Fence;
use crate::sync::object::BatchKey;
use crate::types::IntegrationKind;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer answers are cut off. 75 errors take a few kilobytes.
const LONGEST_ANSWER: usize = 1_000_000;

/// An endpoint of a service, and its API key.
#[derive(Debug)]
pub struct Endpoint {
    /// The base URL.
    url: String,
    address: String,
    kind: IntegrationKind,
    /// Maximum objects per request.
    pub most_objects: usize,
    http: Client,
    key: Secret,
}

impl Endpoint {
    /// Prepares the connections without sending anything.
    pub fn new(settings: &UsersTrack, kind: IntegrationKind) -> Result<Endpoint, SyncError> {
        let wrong = |error: &dyn std::fmt::Display| {
            SyncError::Config(format!("no request can be sent to the destination: {error}"))
        };
        let bearer = format!("Bearer {}", settings.api_key.expose());
        let mut bearer = HeaderValue::try_from(bearer)
            .map_err(|_| wrong(&"`api_key` has characters that a header cannot contain"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let http = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("opencdi/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build();
        let (path, most) = match kind {
            IntegrationKind::UserDeletes => ("users/delete", MOST_DELETES),
            _ => ("users/track", MOST_OBJECTS),
        };
        Ok(Endpoint {
            url: settings.url.clone(),
            address: format!("{}/{path}", settings.url),
            kind,
            most_objects: most,
            http: http.map_err(|error| wrong(&error))?,
            key: settings.api_key.clone(),
        })
    }

    /// The address that requests are sent to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request without objects. The service first checks the key and then refuses the empty request.
    pub async fn probe(&self) -> Result<(), SyncError> {
        let (status, meaning) = self.request(Bytes::from_static(b"{}"), &Fence::none(), 0).await?;
        match meaning {
            Meaning::Processed(Processed { foreign_body: true, .. }) => {
                let status = status.map_or(0, |status| status.as_u16());
                Err(SyncError::Config(format!(
                    "the destination answers {status} with a body that is not Braze's; check `url`"
                )))
            }
            Meaning::Transient(reason, _) => Err(SyncError::Failed(reason)),
            Meaning::ServerError(status, _) => {
                Err(SyncError::Failed(format!("the destination answered {status}; it may be down, try again later")))
            }
            _ => Ok(()),
        }
    }

    /// Sends a request with this many objects, unless the lease ends before its body is written.
    pub async fn post(&self, body: Bytes, fence: &Fence, objects: usize) -> Result<Meaning, SyncError> {
        self.request(body, fence, objects).await.map(|(_, meaning)| meaning)
    }

    /// Sends a request with this many objects. Without an answer there is no status.
    async fn request(
        &self,
        body: Bytes,
        fence: &Fence,
        objects: usize,
    ) -> Result<(Option<StatusCode>, Meaning), SyncError> {
        match self.exchange(FencedBody { bytes: Some(body), fence: fence.clone() }).await {
            Ok((status, headers, answer)) => {
                let meaning = track_response::read(status, &headers, &self.without_key(answer), objects, Utc::now())?;
                Ok((Some(status), meaning))
            }
            Err(error) => {
                let limits = Timeouts { connect: CONNECT_TIMEOUT, request: REQUEST_TIMEOUT };
                Ok((None, Meaning::Transient(describe(&self.url, error, limits), None)))
            }
        }
    }

    /// Removes the key from an answer, because some answers repeat it.
    fn without_key(&self, answer: Vec<u8>) -> Vec<u8> {
        /// A shorter text is not a real key and may occur in an answer by chance.
        const SHORTEST: usize = 8;
        let key = self.key.expose();
        match String::from_utf8_lossy(&answer) {
            text if key.len() >= SHORTEST && text.contains(key) => text.replace(key, "…").into_bytes(),
            _ => answer,
        }
    }

    /// The name of the array that contains the objects of a batch.
    pub fn array(&self, key: BatchKey) -> &'static str {
        match (self.kind, key) {
            (IntegrationKind::Attributes, _) => "attributes",
            (IntegrationKind::Events, _) => "events",
            (IntegrationKind::Purchases, _) => "purchases",
            (IntegrationKind::UserDeletes, BatchKey::ALIASES) => "user_aliases",
            (IntegrationKind::UserDeletes, BatchKey::BRAZE_IDS) => "braze_ids",
            (IntegrationKind::UserDeletes, _) => "external_ids",
        }
    }

    async fn exchange(&self, body: FencedBody) -> reqwest::Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let mut response = self.http.post(&self.address).body(reqwest::Body::wrap(body)).send().await?;
        let status = response.status();
        // The bodies of other answers are not used, so it does not matter if they are incomplete.
        let needs_body = matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE);
        let mut answer = Vec::new();
        while answer.len() < LONGEST_ANSWER {
            match response.chunk().await {
                Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if needs_body => return Err(error),
                Err(_) => break,
            }
        }
        Ok((status, std::mem::take(response.headers_mut()), answer))
    }
}

/// A body that is not written once the lease has ended: a process that was suspended goes on with what its connections were
/// about to write, before anything else.
struct FencedBody {
    bytes: Option<Bytes>,
    fence: Fence,
}

impl Body for FencedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.bytes.take().map(|bytes| match self.fence.has_ended() {
            true => Err(std::io::Error::other("the lease of the sync has ended")),
            false => Ok(Frame::data(bytes)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Probes a server that always answers this. An error names the server as `SERVER`.
    async fn probe(scheme: &str, answer: String) -> Result<(), String> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", server.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut caller in server.incoming().flatten() {
                let _ = caller.read(&mut [0; 1024]);
                let _ = caller.write_all(answer.as_bytes());
            }
        });
        probe_url(&url).await
    }

    /// What a server receives of a request with the body `objects`.
    async fn received(fence: Fence) -> String {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = endpoint(&format!("http://{}", server.local_addr().unwrap()));
        let received = std::thread::spawn(move || {
            let (mut caller, _) = server.accept().unwrap();
            let mut received = Vec::new();
            let mut part = [0; 1024];
            while !received.ends_with(b"objects") {
                match caller.read(&mut part).unwrap_or(0) {
                    0 => break,
                    length => received.extend_from_slice(&part[..length]),
                }
            }
            String::from_utf8(received).unwrap()
        });
        assert!(matches!(endpoint.post(Bytes::from_static(b"objects"), &fence, 1).await, Ok(Meaning::Transient(..))));
        received.join().unwrap()
    }

    #[tokio::test]
    async fn a_body_is_not_written_once_the_lease_has_ended() {
        let request = received(Fence::none()).await;
        assert!(request.to_lowercase().contains("content-length: 7\r\n") && request.ends_with("objects"), "{request}");
        let request = received(Fence::ended()).await;
        assert!(!request.contains("objects"), "{request}");
    }

    fn endpoint(url: &str) -> Endpoint {
        let settings = UsersTrack {
            url: url.to_owned(),
            api_key: Secret::new("key"),
            batch_size: None,
            requests_per_second: None,
            max_in_flight: None,
            update_existing_only: false,
            give_up_after: Duration::ZERO,
            give_up_when_limited_after: Duration::ZERO,
        };
        Endpoint::new(&settings, IntegrationKind::Attributes).unwrap()
    }

    async fn probe_url(url: &str) -> Result<(), String> {
        let probed = endpoint(url).probe().await;
        probed.map_err(|error| error.to_string().replace(url, "SERVER"))
    }

    #[tokio::test]
    async fn a_probe_that_another_service_accepts_is_an_error() {
        let answer = |body: &str| {
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        };
        for foreign in ["", "{}"] {
            let error = probe("http", answer(foreign)).await.unwrap_err();
            assert_eq!(error, "the destination answers 200 with a body that is not Braze's; check `url`");
        }
        assert_eq!(
            probe("http", answer("<html>It works!</html>")).await.unwrap_err(),
            "the destination answers 200 OK with a web page instead of Braze's JSON, so nothing in that request counts as \
             delivered; check `url`, and whether a login page or a proxy answers in its place"
        );
        assert_eq!(probe("http", answer(r#"{"message":"success"}"#)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_destination_that_cannot_be_reached_is_named_with_the_cause() {
        assert_eq!(
            probe("https", "HTTP/1.1 400 Bad Request\r\n\r\n".into()).await.unwrap_err(),
            "the destination SERVER cannot be reached: it does not answer in TLS; does it speak http:// instead of https://?"
        );
        assert_eq!(
            probe("http", "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{32}".into()).await.unwrap_err(),
            "the destination SERVER cannot be reached: it does not answer in HTTP; does it speak https:// instead of http://?"
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert_eq!(
            probe_url(&format!("http://127.0.0.1:{port}")).await.unwrap_err(),
            "the destination SERVER cannot be reached: nothing listens there; check `url`"
        );
        // No name server is asked for such a name.
        let host = format!("{}.example", "x".repeat(64));
        let error = probe_url(&format!("http://{host}")).await.unwrap_err();
        assert!(error.starts_with("the destination SERVER cannot be reached: "), "{error}");
        assert!(error.contains(&format!("host `{host}`")) && error.ends_with("; check `url`"), "{error}");
        let error = probe("http", String::new()).await.unwrap_err();
        assert!(error.starts_with("the request to the destination SERVER failed: "), "{error}");
    }
}
