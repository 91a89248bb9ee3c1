#![cfg_attr(rustfmt, rustfmt_skip)]
//! A dropshot server, generated from an OpenAPI contract: its types, its operations, and what answers requests. It
//! needs these crates:
//!
//! ```toml
//! base64 = "0.22"
//! bytes = "1"
//! chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
//! dropshot = "=0.18.0"
//! form_urlencoded = "1"
//! futures = "0.3"
//! http = "1"
//! http-body-util = "0.1"
//! jsonschema = { version = "0.61", default-features = false }
//! percent-encoding = "2"
//! schemars = "0.8"
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//! tokio = { version = "1", features = ["time"] }
//! tracing = "0.1"
//! uuid = { version = "1", features = ["serde"] }
//! ```
//!
//! A person implements [`Operations`] and [`Gate`], and gives [`api_description`] to `dropshot::ServerBuilder`.

#![allow(dead_code, missing_docs, rustdoc::all)]
// What these are about is decided by the contract.
#![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::enum_variant_names)]
#![allow(clippy::large_enum_variant, clippy::result_large_err, clippy::too_long_first_doc_paragraph)]
#![allow(clippy::wrong_self_convention)]

/// What is the same for every contract.
pub mod runtime {
    pub mod answers {
        //! Answers: what operations return, and what refuses a request, as responses.

        use bytes::Bytes;
        use dropshot::Body;
        use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
        use serde::Serialize;
        use serde_json::Value;

        use super::decode::{Refusal, essence};
        use super::tables::{OperationInfo, RefusalBody};

        /// A response that is being put together.
        #[derive(Debug)]
        pub struct Answer {
            status: StatusCode,
            headers: HeaderMap,
            body: serde_json::Result<Bytes>,
        }

        /// What an operation returns: one of the documented answers.
        pub trait IntoAnswer: Send + 'static {
            /// The response. `request_id` is for bodies that tell it.
            fn into_answer(self, request_id: &str) -> Answer;
        }

        /// What an operation returns if it fails.
        pub trait OperationError: IntoAnswer + Sized {
            /// The documented error that refuses a request, if the contract names errors one by one.
            fn refuse(_refusal: &Refusal) -> Option<Self> {
                None
            }
        }

        impl Answer {
            /// A response without a body.
            pub fn new(status: u16) -> Answer {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Answer { status, headers: HeaderMap::new(), body: Ok(Bytes::new()) }
            }

            /// With a JSON body.
            #[must_use]
            pub fn json(self, media_type: &'static str, body: &impl Serialize) -> Answer {
                let mut answer = self.header("content-type", &media_type);
                answer.body = serde_json::to_vec(body).map(Bytes::from);
                answer
            }

            /// With a body of any other media type.
            #[must_use]
            pub fn bytes(self, media_type: &str, body: Bytes) -> Answer {
                let mut answer = self.header("content-type", &media_type);
                answer.body = Ok(body);
                answer
            }

            /// With a header. A value that cannot be sent is logged and left out.
            #[must_use]
            pub fn header(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Answer {
                match HeaderValue::from_str(&value.to_string()) {
                    Ok(value) => {
                        self.headers.insert(HeaderName::from_static(name), value);
                    }
                    Err(_) => tracing::error!(header = name, "a header value is not printable; it was left out"),
                }
                self
            }

            /// With a header, if there is a value.
            #[must_use]
            pub fn optional_header(self, name: &'static str, value: Option<&impl ToString>) -> Answer {
                match value {
                    Some(value) => self.header(name, value),
                    None => self,
                }
            }

            /// Its status.
            pub fn status(&self) -> StatusCode {
                self.status
            }

            /// As a response. A body that could not be written is answered with 500.
            pub fn into_response(self) -> Response<Body> {
                let (status, headers, body) = match self.body {
                    Ok(body) => (self.status, self.headers, body),
                    Err(error) => {
                        tracing::error!(%error, "the body of an answer could not be written");
                        (StatusCode::INTERNAL_SERVER_ERROR, HeaderMap::new(), Bytes::new())
                    }
                };
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
        }

        /// The answer to a request that is refused: the body that the contract documents for the first fitting status, with the reason
        /// in it, or a message if it documents none.
        pub fn refusal(operation: &OperationInfo, refusal: &Refusal) -> Answer {
            let statuses = refusal.statuses();
            let named = |name: &str| operation.refusals.iter().find(|body| body.status == name);
            let exact = statuses.iter().find_map(|status| Some((*status, named(&status.to_string())?)));
            let first = statuses.first().copied().unwrap_or(500);
            let documented = exact.or_else(|| {
                let wide = named(&format!("{}XX", first / 100)).or_else(|| named("default"))?;
                Some((first, wide))
            });
            let reason = refusal.to_string();
            let answer = match documented {
                Some((status, body)) => documented_body(Answer::new(status), body, &reason),
                None => Answer::new(first).json("application/json", &serde_json::json!({ "message": reason })),
            };
            let answer = match refusal.retry_after() {
                Some(seconds) => answer.header("retry-after", &seconds),
                None => answer,
            };
            match refusal {
                Refusal::Unauthenticated => answer.optional_header("www-authenticate", challenge(operation).as_ref()),
                _ => answer,
            }
        }

        fn documented_body(answer: Answer, documented: &RefusalBody, reason: &str) -> Answer {
            match documented.media_type {
                "" => return answer,
                text if text.starts_with("text/") => {
                    let is_plain = essence(text) == "text/plain";
                    // The reason may repeat what was sent, and a browser would read that as HTML.
                    let reason = if is_plain { reason.to_owned() } else { escaped(reason) };
                    return answer.bytes(text, Bytes::from(reason));
                }
                _ => {}
            }
            let mut body: Value = serde_json::from_str(documented.body).unwrap_or_default();
            if let Some(text) = body.pointer_mut(documented.reason).filter(|_| !documented.reason.is_empty()) {
                *text = reason.into();
            }
            answer.json(documented.media_type, &body)
        }

        /// A text as HTML or XML.
        fn escaped(text: &str) -> String {
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
        }

        /// The schemes of the `Authorization` header that an operation takes.
        fn challenge(operation: &OperationInfo) -> Option<String> {
            use super::tables::SchemeKind;
            let uses = operation.security.iter().flat_map(|alternative| alternative.iter());
            let mut names: Vec<&str> = uses
                .filter_map(|one| match one.scheme.kind {
                    SchemeKind::Bearer => Some("Bearer"),
                    SchemeKind::Basic => Some("Basic realm=\"api\""),
                    SchemeKind::Http(name) => Some(name),
                    SchemeKind::Key(..) | SchemeKind::Certificate => None,
                })
                .collect();
            names.dedup();
            (!names.is_empty()).then(|| names.join(", "))
        }
    }

    pub mod credentials {
        //! Who calls: what a request carries for the security schemes of its operation, and the gate that decides.

        use std::net::SocketAddr;
        use std::time::Duration;

        use base64::Engine as _;
        use http::header::AUTHORIZATION;

        use super::parameters::{Incoming, cookies, query_pairs};
        use super::tables::{Location, OperationInfo, SchemeKind, SchemeUse, SecurityScheme};

        /// Why the gate could not decide.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum GateFailure {
            /// What it needs is unavailable; answered with 503.
            Unavailable,
            /// It failed; answered with 500. The gate has logged why.
            Failed,
        }

        /// Decides who may call. It is asked before anything else of a request is looked at.
        pub trait Gate: Send + Sync + 'static {
            /// A caller that was authenticated.
            type Caller: Send + Sync + 'static;

            /// Who calls; `None` is answered with 401. It may record the field `peer` of the current span.
            ///
            /// [`Credentials::presented`] says for which of the operation's alternatives the request carries credentials. Whether
            /// they are valid, and whether they have the scopes, is decided here.
            fn authenticate(
                &self,
                credentials: &Credentials<'_>,
            ) -> impl Future<Output = Result<Option<Self::Caller>, GateFailure>> + Send;

            /// A request of an operation has arrived. What this returns is dropped once the request is answered, or is no longer
            /// worked on because its caller has gone.
            fn begun(&self, _operation: &'static OperationInfo) -> impl Send {}

            /// A request of an operation was answered.
            fn answered(&self, _operation: &'static OperationInfo, _status: u16, _elapsed: Duration) {}
        }

        /// A gate that lets everybody in, for contracts without security.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct Everybody;

        impl Gate for Everybody {
            type Caller = ();

            async fn authenticate(&self, _: &Credentials<'_>) -> Result<Option<()>, GateFailure> {
                Ok(Some(()))
            }
        }

        /// What a request carries to say who calls.
        #[derive(Debug, Clone, Copy)]
        pub struct Credentials<'a> {
            /// The operation that is called.
            pub operation: &'static OperationInfo,
            /// The address behind the connection.
            pub remote: SocketAddr,
            /// The request's headers, path and query.
            pub request: &'a Incoming<'a>,
        }

        /// What a request carries for one security scheme.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Credential {
            /// The scheme.
            pub scheme: &'static SecurityScheme,
            /// The scopes that the operation needs.
            pub scopes: &'static [&'static str],
            /// The token, key, or user and password.
            pub secret: Presented,
        }

        /// A secret as it was presented. It is not printed.
        #[derive(Clone, PartialEq, Eq)]
        pub enum Presented {
            /// A token, a key, or the text after the name of another scheme.
            Token(String),
            /// A user and a password.
            UserAndPassword(String, String),
            /// A client certificate, which whatever ends TLS has checked.
            Certificate,
        }

        impl std::fmt::Debug for Presented {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("Presented")
            }
        }

        impl Credentials<'_> {
            /// The alternatives of the operation for which the request carries something for each scheme, in the contract's order. An
            /// empty alternative means that the operation may be called without credentials.
            pub fn presented(&self) -> Vec<Vec<Credential>> {
                if self.operation.security.is_empty() {
                    return vec![Vec::new()];
                }
                let carried = |needed: &&[SchemeUse]| {
                    let each = needed.iter().map(|one| {
                        Some(Credential { scheme: one.scheme, scopes: one.scopes, secret: self.carried(one.scheme.kind)? })
                    });
                    each.collect::<Option<Vec<Credential>>>()
                };
                self.operation.security.iter().filter_map(carried).collect()
            }

            fn carried(&self, kind: SchemeKind) -> Option<Presented> {
                match kind {
                    SchemeKind::Bearer => Some(Presented::Token(self.authorization("bearer")?.to_owned())),
                    SchemeKind::Http(scheme) => Some(Presented::Token(self.authorization(scheme)?.to_owned())),
                    SchemeKind::Basic => {
                        let encoded = self.authorization("basic")?;
                        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
                        let text = String::from_utf8(decoded).ok()?;
                        let (user, password) = text.split_once(':')?;
                        Some(Presented::UserAndPassword(user.to_owned(), password.to_owned()))
                    }
                    SchemeKind::Key(location, name) => Some(Presented::Token(self.key(location, name)?)),
                    SchemeKind::Certificate => Some(Presented::Certificate),
                }
            }

            /// What follows the name of a scheme in the `Authorization` header.
            fn authorization(&self, scheme: &str) -> Option<&str> {
                let (name, value) = self.request.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
                let value = value.trim();
                (name.eq_ignore_ascii_case(scheme) && !value.is_empty()).then_some(value)
            }

            /// A key; an empty one is none.
            fn key(&self, location: Location, name: &str) -> Option<String> {
                let named = |(key, value): (String, String)| (key == name).then_some(value);
                let key = match location {
                    Location::Header => self.request.headers.get(name)?.to_str().ok().map(str::to_owned),
                    Location::Query => query_pairs(self.request.query()).find_map(named),
                    Location::Cookie => cookies(self.request.headers).find_map(named),
                    Location::Path => None,
                };
                key.filter(|key| !key.is_empty())
            }
        }
    }

    pub mod decode {
        //! From a request to typed parameters and a typed body, or the reason why it is refused.

        use bytes::Bytes;
        use http::header::CONTENT_TYPE;
        use serde::de::DeserializeOwned;
        use serde_json::Value;

        use super::parameters::{Incoming, object, query_pairs, value};
        use super::tables::{BodyInfo, Kind, Location, Media, Parameter};

        /// Why a request is refused before its operation sees it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Refusal {
            /// It carries no valid credentials: 401.
            Unauthenticated,
            /// Its caller lacks the permission: 403.
            AccessDenied,
            /// Its caller is over the rate limit: 429.
            RateLimited {
                /// Seconds to wait.
                retry_after: u64,
            },
            /// A parameter is missing or invalid: 400.
            Parameter {
                /// The parameter.
                name: &'static str,
                /// Where it is sent.
                location: Location,
                /// What is wrong with it.
                reason: String,
            },
            /// The body is missing or invalid: 400.
            Body {
                /// What is wrong with it.
                reason: String,
            },
            /// The body is too large: 413.
            TooLarge {
                /// The size that is accepted, in bytes.
                most: usize,
            },
            /// The body has a media type that the operation does not take: 415.
            MediaType {
                /// The media types that it takes.
                taken: String,
            },
            /// The server cannot answer now: 503.
            Unavailable {
                /// Seconds to wait.
                retry_after: u64,
            },
            /// The server failed: 500.
            Failed,
        }

        impl Refusal {
            /// The statuses that stand for it, best first. The first that the operation documents is used.
            pub fn statuses(&self) -> &'static [u16] {
                match self {
                    Refusal::Unauthenticated => &[401],
                    Refusal::AccessDenied => &[403],
                    Refusal::RateLimited { .. } => &[429],
                    Refusal::Parameter { .. } | Refusal::Body { .. } => &[400, 422],
                    Refusal::TooLarge { .. } => &[413, 400],
                    Refusal::MediaType { .. } => &[415, 400],
                    Refusal::Unavailable { .. } => &[503, 500],
                    Refusal::Failed => &[500],
                }
            }

            /// Seconds to wait before the next try.
            pub fn retry_after(&self) -> Option<u64> {
                match self {
                    Refusal::RateLimited { retry_after } | Refusal::Unavailable { retry_after } => Some(*retry_after),
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for Refusal {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    Refusal::Unauthenticated => formatter.write_str("the request carries no valid credentials"),
                    Refusal::AccessDenied => formatter.write_str("the caller lacks the permission"),
                    Refusal::RateLimited { retry_after } => write!(formatter, "too many requests; wait {retry_after} s"),
                    Refusal::Parameter { name, location, reason } => {
                        write!(formatter, "the {} parameter `{name}`: {reason}", location.name())
                    }
                    Refusal::Body { reason } => write!(formatter, "the body: {reason}"),
                    Refusal::TooLarge { most } => write!(formatter, "the body has more than {most} bytes"),
                    Refusal::MediaType { taken } => write!(formatter, "the body must be sent as {taken}"),
                    Refusal::Unavailable { .. } => formatter.write_str("the server cannot answer now"),
                    Refusal::Failed => formatter.write_str("the server failed"),
                }
            }
        }

        /// A request with its body, not yet decoded.
        #[derive(Debug, Clone)]
        pub struct Undecoded<'a> {
            /// Everything but the body.
            pub request: Incoming<'a>,
            /// The body; empty if there is none.
            pub body: Bytes,
        }

        impl Undecoded<'_> {
            /// The value of a parameter that is required or has a default.
            ///
            /// # Errors
            ///
            /// If it is missing or invalid.
            pub fn required<T: DeserializeOwned>(&self, parameter: &Parameter) -> Result<T, Refusal> {
                self.optional(parameter)?.ok_or_else(|| refused(parameter, "it is missing".to_owned()))
            }

            /// The value of a parameter, if there is one.
            ///
            /// # Errors
            ///
            /// If it is invalid.
            pub fn optional<T: DeserializeOwned>(&self, parameter: &Parameter) -> Result<Option<T>, Refusal> {
                let sent = value(&self.request, parameter).map_err(|reason| refused(parameter, reason))?;
                let value = match (sent, parameter.default) {
                    (Some(value), _) => value,
                    (None, Some(default)) => {
                        serde_json::from_str(default).map_err(|error| refused(parameter, error.to_string()))?
                    }
                    (None, None) => return Ok(None),
                };
                if let Some(reason) = parameter.validate.and_then(|schema| schema.violation(&value)) {
                    return Err(refused(parameter, reason));
                }
                serde_json::from_value(value).map(Some).map_err(|error| refused(parameter, error.to_string()))
            }

            /// Which of the operation's media types the body has, by index; `None` if there is no body and none is required.
            ///
            /// # Errors
            ///
            /// If it is missing, or of another media type.
            pub fn media(&self, info: &BodyInfo) -> Result<Option<usize>, Refusal> {
                let missing = || match info.required {
                    true => Err(Refusal::Body { reason: "it is missing".to_owned() }),
                    false => Ok(None),
                };
                let sent = self.request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                let index = match sent.map(essence) {
                    None if self.body.is_empty() && !info.content.iter().any(is_bytes) => return missing(),
                    None if self.body.is_empty() && !info.required => return Ok(None),
                    None if info.content.len() == 1 => 0,
                    None => return Err(not_taken(info)),
                    Some(sent) => index_of(info, &sent).ok_or_else(|| not_taken(info))?,
                };
                match info.content.get(index) {
                    Some(media) if self.body.is_empty() && !is_bytes(media) => missing(),
                    _ => Ok(Some(index)),
                }
            }

            /// The body as JSON.
            ///
            /// # Errors
            ///
            /// If it is not JSON, or not as the contract says.
            pub fn json<T: DeserializeOwned>(&self, media: &Media) -> Result<T, Refusal> {
                let invalid = |error: serde_json::Error| Refusal::Body { reason: error.to_string() };
                let Some(schema) = media.validate else {
                    return serde_json::from_slice(&self.body).map_err(invalid);
                };
                let value: Value = serde_json::from_slice(&self.body).map_err(invalid)?;
                match schema.violation(&value) {
                    Some(reason) => Err(Refusal::Body { reason }),
                    None => serde_json::from_value(value).map_err(invalid),
                }
            }

            /// The body as a form, `application/x-www-form-urlencoded`.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn form<T: DeserializeOwned>(&self, media: &Media) -> Result<T, Refusal> {
                let invalid = |reason: String| Refusal::Body { reason };
                let text = std::str::from_utf8(&self.body).map_err(|error| invalid(error.to_string()))?;
                let pairs: Vec<(String, String)> = query_pairs(text).collect();
                let value = object(&pairs, &media.kind.unwrap_or(Kind::Text)).map_err(invalid)?;
                match media.validate.and_then(|schema| schema.violation(&value)) {
                    Some(reason) => Err(invalid(reason)),
                    None => serde_json::from_value(value).map_err(|error| invalid(error.to_string())),
                }
            }
        }

        /// The media type that was sent among those that an operation takes: itself, or a range that covers it.
        fn index_of(info: &BodyInfo, sent: &str) -> Option<usize> {
            let exact = info.content.iter().position(|media| essence(media.name) == sent);
            let covers = |media: &Media| match essence(media.name).split_once('/') {
                Some(("*", "*")) => true,
                Some((kind, "*")) => sent.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')),
                _ => false,
            };
            exact.or_else(|| info.content.iter().position(covers))
        }

        /// Whether an empty body may be all there is: it is neither JSON nor a form.
        fn is_bytes(media: &Media) -> bool {
            media.validate.is_none() && media.kind.is_none() && !is_json(media.name)
        }

        /// Whether a media type is JSON.
        pub fn is_json(name: &str) -> bool {
            let name = essence(name);
            name == "application/json" || name == "text/json" || name.ends_with("+json")
        }

        /// A media type without its parameters, in lower case.
        pub fn essence(name: &str) -> String {
            name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
        }

        fn not_taken(info: &BodyInfo) -> Refusal {
            let names: Vec<&str> = info.content.iter().map(|media| media.name).collect();
            Refusal::MediaType { taken: names.join(" or ") }
        }

        fn refused(parameter: &Parameter, reason: String) -> Refusal {
            Refusal::Parameter { name: parameter.name, location: parameter.location, reason }
        }
    }

    pub mod document {
        //! The document that a server stands for, from the tables that it is built from.

        use serde_json::{Map, Value, json};

        use super::tables::{BodyInfo, OperationInfo, Parameter, SecurityScheme, Style};

        /// What the document says of the whole API.
        #[derive(Debug)]
        pub struct Api {
            /// `info.title`.
            pub title: &'static str,
            /// `info.version`.
            pub version: &'static str,
            /// Tags with their descriptions.
            pub tags: &'static [(&'static str, &'static str)],
            /// `components.schemas`: names with schemas as JSON.
            pub schemas: &'static [(&'static str, &'static str)],
            /// `components.securitySchemes`.
            pub security_schemes: &'static [&'static SecurityScheme],
            /// The extensions in which operations have their permission and their rate limit; empty if they have none.
            pub extensions: (&'static str, &'static str),
        }

        /// The document.
        ///
        /// # Errors
        ///
        /// If a schema of the tables is not JSON.
        pub fn document(api: &Api, operations: &[&OperationInfo]) -> Result<Value, String> {
            let mut paths = Map::new();
            for operation in operations {
                let path = paths.entry(operation.path).or_insert_with(|| json!({}));
                path[operation.method.to_lowercase()] = operation_object(api, operation)?;
            }
            let named = |pairs: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
                pairs.map(|(name, text)| Ok((name.to_owned(), parsed(text)?))).collect::<Result<Map<String, Value>, String>>()
            };
            let schemas = named(&mut api.schemas.iter().copied())?;
            let schemes = named(&mut api.security_schemes.iter().map(|scheme| (scheme.name, scheme.schema)))?;
            let mut document = json!({
                "openapi": "3.0.3",
                "info": { "title": api.title, "version": api.version },
                "paths": paths,
            });
            let tags: Vec<Value> =
                api.tags.iter().map(|(name, text)| with_text(json!({ "name": name }), "description", text)).collect();
            if !tags.is_empty() {
                document["tags"] = tags.into();
            }
            for (key, values) in [("schemas", schemas), ("securitySchemes", schemes)] {
                if !values.is_empty() {
                    document["components"][key] = values.into();
                }
            }
            Ok(document)
        }

        fn operation_object(api: &Api, operation: &OperationInfo) -> Result<Value, String> {
            let mut object = json!({ "operationId": operation.id });
            if !operation.tags.is_empty() {
                object["tags"] = operation.tags.into();
            }
            object = with_text(object, "summary", operation.summary);
            object = with_text(object, "description", operation.description);
            if operation.deprecated {
                object["deprecated"] = true.into();
            }
            if let Some(permission) = operation.permission.filter(|_| !api.extensions.0.is_empty()) {
                object[api.extensions.0] = permission.into();
            }
            if let Some(limit) = operation.rate_limit {
                object[api.extensions.1] = json!({ "requests": limit.requests, "window_seconds": limit.window_seconds });
            }
            let alternatives = operation.security.iter().map(|needed| {
                let schemes = needed.iter().map(|one| (one.scheme.name.to_owned(), one.scopes.into()));
                Value::Object(schemes.collect())
            });
            object["security"] = alternatives.collect();
            if !operation.parameters.is_empty() {
                let parameters: Result<Vec<Value>, String> = operation.parameters.iter().map(parameter).collect();
                object["parameters"] = parameters?.into();
            }
            if let Some(body) = operation.body {
                object["requestBody"] = request_body(body)?;
            }
            let mut responses = Map::new();
            for (status, response) in operation.answers {
                responses.insert((*status).to_owned(), parsed(response)?);
            }
            for error in operation.errors {
                let examples = &mut responses[&error.status.to_string()]["content"]["application/json"]["examples"];
                examples[error.name] = json!({ "summary": error.summary, "value": { "message": error.message } });
            }
            object["responses"] = responses.into();
            Ok(object)
        }

        fn parameter(parameter: &Parameter) -> Result<Value, String> {
            let mut object = json!({
                "name": parameter.name,
                "in": parameter.location.name(),
                "required": parameter.required,
            });
            match parameter.style {
                Style::Json(media) | Style::Whole(media) => {
                    object["content"] = content([(media, parameter.schema)].into_iter())?.into()
                }
                style => {
                    object["style"] = style.name().into();
                    object["explode"] = parameter.explode.into();
                    object["schema"] = parsed(parameter.schema)?;
                }
            }
            if parameter.deprecated {
                object["deprecated"] = true.into();
            }
            Ok(with_text(object, "description", parameter.description))
        }

        fn request_body(body: &BodyInfo) -> Result<Value, String> {
            let content = content(body.content.iter().map(|media| (media.name, media.schema)))?;
            Ok(with_text(json!({ "required": body.required, "content": content }), "description", body.description))
        }

        fn content(media: impl Iterator<Item = (&'static str, &'static str)>) -> Result<Map<String, Value>, String> {
            let of = |(name, schema): (&str, &str)| {
                let body = if schema.is_empty() { json!({}) } else { json!({ "schema": parsed(schema)? }) };
                Ok((name.to_owned(), body))
            };
            media.map(of).collect()
        }

        fn with_text(mut object: Value, key: &str, text: &str) -> Value {
            if !text.is_empty() {
                object[key] = text.into();
            }
            object
        }

        fn parsed(text: &str) -> Result<Value, String> {
            serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
        }
    }

    pub mod parameters {
        //! Parameters: from the texts of a request to JSON values, as style and kind of each parameter say.

        use std::collections::HashMap;

        use http::{HeaderMap, Uri};
        use serde_json::{Map, Value};

        use super::tables::{Kind, Location, Parameter, Style};

        /// How deep `name[key][key]=value` may be nested, as deep as JSON.
        const DEEPEST: usize = 127;

        /// A request without its body.
        #[derive(Debug, Clone)]
        pub struct Incoming<'a> {
            /// Path and query.
            pub uri: &'a Uri,
            /// The headers.
            pub headers: &'a HeaderMap,
            /// The values of the path's variables, decoded.
            pub variables: Vec<(&'static str, String)>,
        }

        impl<'a> Incoming<'a> {
            /// The query string, still encoded; empty if there is none.
            pub fn query(&self) -> &'a str {
                self.uri.query().unwrap_or_default()
            }
        }

        /// The names and values of a query string or a form.
        pub fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
            form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
        }

        /// The names and values of the cookies.
        pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> + '_ {
            let lines = headers.get_all(http::header::COOKIE).iter().filter_map(|line| line.to_str().ok());
            lines.flat_map(|line| line.split(';')).filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
            })
        }

        /// The value of a parameter as JSON; `None` if the request has none.
        ///
        /// # Errors
        ///
        /// Why its text cannot be such a value.
        pub fn value(request: &Incoming<'_>, parameter: &Parameter) -> Result<Option<Value>, String> {
            match parameter.location {
                Location::Path => {
                    let text = request.variables.iter().find(|(name, _)| *name == parameter.name);
                    text.map(|(_, text)| path_value(text, parameter)).transpose()
                }
                Location::Header => {
                    let lines: Result<Vec<&str>, _> =
                        request.headers.get_all(parameter.name).iter().map(|line| line.to_str()).collect();
                    let lines = lines.map_err(|_| "it is not printable ASCII".to_owned())?;
                    if lines.is_empty() {
                        return Ok(None);
                    }
                    separated(&lines.join(","), ",", parameter.explode, parameter).map(Some)
                }
                Location::Query => form_value(&query_pairs(request.query()).collect::<Vec<_>>(), parameter),
                Location::Cookie => form_value(&cookies(request.headers).collect::<Vec<_>>(), parameter),
            }
        }

        fn path_value(text: &str, parameter: &Parameter) -> Result<Value, String> {
            match parameter.style {
                Style::Label => {
                    let text = text.strip_prefix('.').ok_or("it does not begin with `.`")?;
                    separated(text, if parameter.explode { "." } else { "," }, parameter.explode, parameter)
                }
                Style::Matrix => {
                    let text = text.strip_prefix(';').ok_or("it does not begin with `;`")?;
                    let name = format!("{}=", parameter.name);
                    if !parameter.explode || !matches!(parameter.kind, Kind::List(_) | Kind::Object(..)) {
                        let text = text.strip_prefix(&name).ok_or_else(|| format!("it does not begin with `;{name}`"))?;
                        return separated(text, ",", false, parameter);
                    }
                    let bare: Vec<&str> = text.split(';').map(|item| item.strip_prefix(&name).unwrap_or(item)).collect();
                    separated(&bare.join(";"), ";", true, parameter)
                }
                _ => separated(text, ",", parameter.explode, parameter),
            }
        }

        /// A value written as one text. `explode` means `key=value` for properties of an object, instead of `key,value`.
        fn separated(text: &str, separator: &str, explode: bool, parameter: &Parameter) -> Result<Value, String> {
            match parameter.style {
                Style::Json(_) => return serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}")),
                Style::Whole(_) => return scalar(text, &parameter.kind),
                _ => {}
            }
            match parameter.kind {
                Kind::List(item) => {
                    let texts = text.split(separator).filter(|_| !text.is_empty());
                    texts.map(|text| scalar(text.trim(), item)).collect()
                }
                Kind::Object(properties, others) => {
                    let mut parts = text.split(separator);
                    let mut object = Map::new();
                    while let Some(part) = parts.next().filter(|_| !text.is_empty()) {
                        let (key, value) = match explode {
                            true => part.split_once('=').ok_or_else(|| format!("`{part}` has no `=`"))?,
                            false => (part, parts.next().ok_or_else(|| format!("`{part}` has no value"))?),
                        };
                        object.insert(key.to_owned(), scalar(value, property(properties, others, key))?);
                    }
                    Ok(Value::Object(object))
                }
                kind => scalar(text, &kind),
            }
        }

        /// The kind of a property.
        pub fn property<'a>(properties: &'a [(&str, Kind)], others: &'a Kind, key: &str) -> &'a Kind {
            properties.iter().find(|(name, _)| *name == key).map_or(others, |(_, kind)| kind)
        }

        fn form_value(pairs: &[(String, String)], parameter: &Parameter) -> Result<Option<Value>, String> {
            let name = parameter.name;
            let values: Vec<&str> = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
            match (parameter.kind, parameter.style) {
                (Kind::Object(..) | Kind::OneOf(_), Style::DeepObject) => nested(pairs, name, &parameter.kind),
                (Kind::Object(properties, others), Style::Form) if parameter.explode => {
                    // Each property is a parameter of its own; only those that are named belong to it.
                    let own = pairs.iter().filter(|(key, _)| properties.iter().any(|(name, _)| name == key));
                    let own = own.map(|(key, text)| Ok((key.clone(), scalar(text, property(properties, others, key))?)));
                    let own: Map<String, Value> = own.collect::<Result<_, String>>()?;
                    Ok((!own.is_empty()).then_some(Value::Object(own)))
                }
                (Kind::List(item), Style::Form | Style::DeepObject) if parameter.explode => {
                    let bracketed = [format!("{name}[]"), format!("{name}[")];
                    let is_item = |key: &str| {
                        let index = key.strip_prefix(&bracketed[1]).and_then(|rest| rest.strip_suffix(']'));
                        key == name || key == bracketed[0] || index.is_some_and(|index| index.parse::<u32>().is_ok())
                    };
                    let items = pairs.iter().filter(|(key, _)| is_item(key)).map(|(_, text)| scalar(text, item));
                    let items: Vec<Value> = items.collect::<Result<_, String>>()?;
                    Ok((!items.is_empty()).then_some(Value::Array(items)))
                }
                // Of several types, only a list is written as several texts.
                (Kind::OneOf(kinds), Style::Form) if parameter.explode && values.len() > 1 => {
                    let list = kinds.iter().find(|kind| matches!(kind, Kind::List(_)));
                    let list = list.ok_or_else(|| "it is there more than once".to_owned())?;
                    form_value(pairs, &Parameter { kind: *list, ..*parameter })
                }
                (_, style) => match values[..] {
                    [] => Ok(None),
                    [only] => {
                        let separator = match style {
                            Style::SpaceDelimited => " ",
                            Style::PipeDelimited => "|",
                            _ => ",",
                        };
                        separated(only, separator, false, parameter).map(Some)
                    }
                    _ => Err("it is there more than once".to_owned()),
                },
            }
        }

        /// A value written as `name[key][key]=value`.
        fn nested(pairs: &[(String, String)], name: &str, kind: &Kind) -> Result<Option<Value>, String> {
            let inside = inside(pairs, name)?;
            if inside.is_empty() {
                return Ok(None);
            }
            object(&inside, kind).map(Some)
        }

        /// The pairs `name[key]…`, as `key…`.
        fn inside(pairs: &[(String, String)], name: &str) -> Result<Vec<(String, String)>, String> {
            let inside: Vec<(String, String)> = pairs
                .iter()
                .filter_map(|(key, value)| {
                    let (first, rest) = key.strip_prefix(name)?.strip_prefix('[')?.split_once(']')?;
                    Some((format!("{first}{rest}"), value.clone()))
                })
                .collect();
            // Each level is a call.
            match inside.iter().any(|(key, _)| key.matches('[').count() > DEEPEST) {
                true => Err(format!("`{name}` is nested too deeply")),
                false => Ok(inside),
            }
        }

        /// The name of the property that a pair belongs to.
        fn property_of(key: &str) -> &str {
            key.split_once('[').map_or(key, |(name, _)| name)
        }

        /// The pairs of each property, in the order in which the properties come.
        fn by_property(pairs: &[(String, String)]) -> Vec<(&str, Vec<(String, String)>)> {
            let mut groups: Vec<(&str, Vec<(String, String)>)> = Vec::new();
            let mut known: HashMap<&str, usize> = HashMap::new();
            for pair in pairs {
                let name = property_of(&pair.0);
                let index = *known.entry(name).or_insert(groups.len());
                match groups.get_mut(index) {
                    Some((_, group)) => group.push(pair.clone()),
                    None => groups.push((name, vec![pair.clone()])),
                }
            }
            groups
        }

        /// An object from the pairs of a form: `key=value`, lists as `key=a&key=b` or `key[]=a`, objects as `key[inner]=value`.
        ///
        /// # Errors
        ///
        /// Why a text cannot be the value that it stands for.
        pub fn object(pairs: &[(String, String)], kind: &Kind) -> Result<Value, String> {
            let (properties, others) = match kind {
                Kind::Object(properties, others) => (*properties, *others),
                Kind::List(item) => {
                    let items = pairs.iter().map(|(_, text)| scalar(text, item));
                    return items.collect();
                }
                Kind::OneOf(kinds) => {
                    let fits = kinds.iter().find_map(|kind| object(pairs, kind).ok());
                    return fits.ok_or_else(|| "it fits none of its types".to_owned());
                }
                _ => (&[][..], &Kind::Text),
            };
            let mut result = Map::new();
            for (name, group) in by_property(pairs) {
                let is_nested = group.first().is_some_and(|(key, _)| key.contains('['));
                let value = match property(properties, others, name) {
                    Kind::List(item) if !matches!(item, Kind::Object(..)) => {
                        group.iter().map(|(_, text)| scalar(text, item)).collect::<Result<Value, String>>()?
                    }
                    Kind::List(item) => {
                        let inside = inside(&group, name)?;
                        let items: HashMap<&str, Vec<(String, String)>> = by_property(&inside).into_iter().collect();
                        let numbered = (0..items.len()).map_while(|index| items.get_key_value(index.to_string().as_str()));
                        let items = numbered.map(|(index, pairs)| Ok(nested(pairs, index, item)?.unwrap_or_default()));
                        items.collect::<Result<Value, String>>()?
                    }
                    kind if is_nested => nested(&group, name, kind)?.unwrap_or_default(),
                    kind => {
                        let mut values = group.iter().filter(|(key, _)| key == name).map(|(_, text)| text);
                        match (values.next(), values.next()) {
                            (Some(text), None) => scalar(text, kind).map_err(|why| format!("`{name}`: {why}"))?,
                            _ => return Err(format!("`{name}` is there more than once")),
                        }
                    }
                };
                result.insert(name.to_owned(), value);
            }
            Ok(Value::Object(result))
        }

        /// A value from a text without structure.
        ///
        /// # Errors
        ///
        /// Why the text cannot be such a value.
        pub fn scalar(text: &str, kind: &Kind) -> Result<Value, String> {
            // JSON may have space around it, a text of a parameter may not.
            let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(|_| text.trim() == text);
            match kind {
                Kind::Text => Ok(text.into()),
                // The types of UUIDs also take braces, `urn:uuid:` and no hyphens.
                Kind::Uuid => match text.len() {
                    36 if uuid::Uuid::try_parse(text).is_ok() => Ok(text.into()),
                    _ => Err("it is not a UUID".to_owned()),
                },
                Kind::Boolean => json(text).filter(Value::is_boolean).ok_or_else(|| "it is neither true nor false".to_owned()),
                Kind::Integer => {
                    let integer = json(text).filter(|value| value.is_i64() || value.is_u64());
                    integer.ok_or_else(|| "it is not an integer".to_owned())
                }
                Kind::Number => json(text).filter(Value::is_number).ok_or_else(|| "it is not a number".to_owned()),
                Kind::List(item) => text.split(',').filter(|_| !text.is_empty()).map(|text| scalar(text, item)).collect(),
                Kind::Object(..) => json(text).filter(Value::is_object).ok_or_else(|| "it is not a JSON object".to_owned()),
                Kind::OneOf(kinds) => {
                    let fits = kinds.iter().find_map(|kind| scalar(text, kind).ok());
                    fits.ok_or_else(|| "it fits none of its types".to_owned())
                }
            }
        }
    }

    pub mod routes {
        //! Routes: the operations as dropshot's endpoints.
        //!
        //! dropshot's router takes either literal segments or one variable at each position of a path. If the paths of a contract are
        //! like that, each operation becomes an endpoint of its own. If not, dropshot hands every request to one endpoint, and the
        //! operation is found here.

        use std::collections::BTreeMap;
        use std::sync::Arc;

        use dropshot::{
            ApiDescription, ApiEndpoint, ApiEndpointBodyContentType, ApiEndpointParameter, ApiEndpointParameterLocation,
            ApiEndpointVersions, Body, ClientErrorStatusCode, HttpError, Path, RawRequest, RequestContext, ServerContext,
            SharedExtractor,
        };
        use futures::future::BoxFuture;
        use http::{Method, Response};
        use percent_encoding::percent_decode_str;
        use schemars::JsonSchema;
        use schemars::r#gen::SchemaGenerator;
        use schemars::schema::{InstanceType, Schema, SchemaObject};
        use serde::Deserialize;

        use super::tables::OperationInfo;

        /// An operation and the function that answers its requests.
        #[derive(Debug)]
        pub struct Route<C: ServerContext> {
            /// The operation.
            pub operation: &'static OperationInfo,
            /// Answers a request.
            pub call: Call<C>,
        }

        /// Answers a request.
        pub type Call<C> = fn(RequestContext<C>, RawRequest) -> BoxFuture<'static, Response<Body>>;

        /// What dropshot is told of every endpoint: bodies are read here.
        const JSON: &str = "application/json";

        /// The methods that operations can have.
        const METHODS: [Method; 8] = [
            Method::GET,
            Method::PUT,
            Method::POST,
            Method::DELETE,
            Method::OPTIONS,
            Method::HEAD,
            Method::PATCH,
            Method::TRACE,
        ];

        /// What dropshot serves.
        ///
        /// # Errors
        ///
        /// If dropshot refuses an endpoint.
        pub fn describe<C: ServerContext>(routes: Vec<Route<C>>) -> Result<ApiDescription<C>, String> {
            let mut description = ApiDescription::new();
            let paths: Vec<&str> = routes.iter().map(|route| route.operation.path).collect();
            // dropshot's own document leaves the endpoints out: the server has `openapi()` instead.
            let mut register =
                |endpoint: ApiEndpoint<C>| description.register(endpoint.visible(false)).map_err(|error| error.to_string());
            let all = ApiEndpointVersions::all;
            if suits_dropshot(&paths) {
                for Route { operation, call } in routes {
                    let handler = move |rqctx: RequestContext<C>, raw: RawRequest| async move {
                        Ok::<_, HttpError>(call(rqctx, raw).await)
                    };
                    let method = Method::from_bytes(operation.method.as_bytes()).map_err(|error| error.to_string())?;
                    let path = operation.path.trim_end_matches('/');
                    let path = if path.is_empty() { "/" } else { path };
                    let mut endpoint = ApiEndpoint::new(operation.id.to_owned(), handler, method, JSON, path, all());
                    endpoint.parameters = segments(path).filter_map(whole_variable).filter_map(path_parameter).collect();
                    register(endpoint)?;
                }
                return Ok(description);
            }
            let routes: Arc<[Route<C>]> = routes.into();
            for method in METHODS {
                let routes = routes.clone();
                let handler = move |rqctx: RequestContext<C>, raw: RawRequest| {
                    let found = find(&routes, rqctx.request.method(), rqctx.request.uri().path());
                    async move {
                        match found {
                            Ok(call) => Ok(call(rqctx, raw).await),
                            Err(error) => Err(error),
                        }
                    }
                };
                let id = format!("any_{}", method.as_str().to_lowercase());
                let mut endpoint = ApiEndpoint::new(id, handler, method, JSON, "/{path:.*}", all());
                endpoint.parameters = <Path<Rest> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters;
                register(endpoint)?;
            }
            Ok(description)
        }

        /// The operation that a request is for: of those whose path fits, the one with the most literal text in its first segments.
        fn find<C: ServerContext>(routes: &[Route<C>], method: &Method, path: &str) -> Result<Call<C>, HttpError> {
            let Some(given) = decoded(path) else {
                return Err(HttpError::for_bad_request(None, "invalid path encoding".to_owned()));
            };
            let fitting = routes.iter().filter(|route| fits(route.operation.path, &given));
            let Some(best) = fitting.clone().map(|route| rank(route.operation.path)).min() else {
                return Err(HttpError::for_not_found(None, format!("there is no {path}")));
            };
            let of_path: Vec<&Route<C>> = fitting.filter(|route| rank(route.operation.path) == best).collect();
            if let Some(route) = of_path.iter().find(|route| route.operation.method == method.as_str()) {
                return Ok(route.call);
            }
            let mut error = HttpError::for_client_error_with_status(None, ClientErrorStatusCode::METHOD_NOT_ALLOWED);
            for route in of_path {
                // A method is always a valid header value.
                let _ = error.add_header(http::header::ALLOW, route.operation.method);
            }
            Err(error)
        }

        /// The values of the variables in the path of a request that fits a template, decoded.
        pub fn variables(template: &'static str, path: &str) -> Vec<(&'static str, String)> {
            let Some(given) = decoded(path) else { return Vec::new() };
            segments(template).zip(&given).filter_map(|(segment, text)| matched(segment, text)).flatten().collect()
        }

        /// The segments of a path; empty ones do not count.
        fn segments(path: &str) -> impl Iterator<Item = &str> {
            path.split('/').filter(|segment| !segment.is_empty())
        }

        /// The segments of a request's path, decoded.
        fn decoded(path: &str) -> Option<Vec<String>> {
            segments(path).map(|segment| percent_decode_str(segment).decode_utf8().ok().map(Into::into)).collect()
        }

        fn fits(template: &'static str, given: &[String]) -> bool {
            let count = segments(template).count();
            count == given.len() && segments(template).zip(given).all(|(segment, text)| matched(segment, text).is_some())
        }

        /// Smaller for more literal text in earlier segments.
        fn rank(template: &str) -> Vec<u8> {
            let of_segment = |segment: &str| match (segment.contains('{'), whole_variable(segment)) {
                (false, _) => 0,
                (true, None) => 1,
                (true, Some(_)) => 2,
            };
            segments(template).map(of_segment).collect()
        }

        /// The variable that a segment consists of.
        fn whole_variable(segment: &str) -> Option<&str> {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            (!name.contains(['{', '}'])).then_some(name)
        }

        /// The values of the variables in a segment, such as `{id}.json`, if a text fits it. A variable is never empty.
        fn matched<'t>(segment: &'t str, text: &str) -> Option<Vec<(&'t str, String)>> {
            let literal = |text: &'t str| percent_decode_str(text).decode_utf8_lossy();
            let Some((before, rest)) = segment.split_once('{') else {
                return (literal(segment) == text).then(Vec::new);
            };
            let text = text.strip_prefix(&*literal(before))?;
            let (name, rest) = rest.split_once('}')?;
            let written = rest.split('{').next().unwrap_or_default();
            let next = &*literal(written);
            // Up to the next literal text: at its first place, or at its last if it is the end.
            let end = match (next.is_empty(), written.len() == rest.len()) {
                (true, true) => text.len(),
                (true, false) => text.char_indices().nth(1).map_or(text.len(), |(at, _)| at),
                (false, true) => text.len().checked_sub(next.len()).filter(|at| text.get(*at..) == Some(next))?,
                (false, false) => text.char_indices().skip(1).find(|(at, _)| text[*at..].starts_with(next))?.0,
            };
            let (value, after) = text.split_at_checked(end).filter(|(value, _)| !value.is_empty())?;
            let mut found = vec![(name, value.to_owned())];
            found.extend(matched(rest, after)?);
            Some(found)
        }

        /// Whether dropshot's router takes these paths: at each position literal segments, or one variable.
        pub fn suits_dropshot(paths: &[&str]) -> bool {
            let mut variables: BTreeMap<Vec<&str>, Option<&str>> = BTreeMap::new();
            paths.iter().all(|path| {
                let mut before: Vec<&str> = Vec::new();
                // dropshot compares literals as they are written, and panics at an empty one.
                let is_usual = !path.trim_end_matches('/').contains("//") && !path.contains('%');
                is_usual
                    && segments(path).all(|segment| {
                        let variable = whole_variable(segment);
                        let is_name = |name: &str| !name.is_empty() && !name.contains(':') && !before.contains(&segment);
                        let is_plain = variable.map_or(!segment.contains(['{', '}']), is_name);
                        let known = *variables.entry(before.clone()).or_insert(variable);
                        before.push(segment);
                        is_plain && known == variable
                    })
            })
        }

        /// A parameter for each variable of a path, which dropshot wants to know.
        fn path_parameter(name: &str) -> Option<ApiEndpointParameter> {
            let schema =
                <Path<Segment> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters.pop()?.schema;
            let location = ApiEndpointParameterLocation::Path;
            Some(ApiEndpointParameter::new_named(&location, name.to_owned(), None, true, schema, Vec::new()))
        }

        /// A variable of a path, as dropshot sees it.
        #[derive(Debug, Deserialize)]
        struct Segment {}

        impl JsonSchema for Segment {
            fn schema_name() -> String {
                "Segment".to_owned()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                object_with("segment", String::json_schema(generator))
            }
        }

        /// The whole path, as dropshot sees it.
        #[derive(Debug, Deserialize)]
        struct Rest {}

        impl JsonSchema for Rest {
            fn schema_name() -> String {
                "Rest".to_owned()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                object_with("path", Vec::<String>::json_schema(generator))
            }
        }

        fn object_with(name: &str, schema: Schema) -> Schema {
            let mut object = SchemaObject { instance_type: Some(InstanceType::Object.into()), ..SchemaObject::default() };
            object.object().properties.insert(name.to_owned(), schema);
            object.object().required.insert(name.to_owned());
            object.into()
        }
    }

    pub mod serve {
        //! Everything that happens to a request: authenticate, check permission and rate limit, decode, run the operation, answer; all
        //! under a deadline and with panics caught.

        use std::panic::AssertUnwindSafe;
        use std::sync::Arc;
        use std::time::{Duration, Instant};

        use bytes::Bytes;
        use dropshot::{Body, RawRequest, RequestContext};
        use futures::FutureExt as _;
        use http::Response;
        use http_body_util::{BodyExt as _, LengthLimitError, Limited};
        use tracing::Instrument as _;

        use super::answers::{Answer, IntoAnswer, OperationError, refusal};
        use super::credentials::{Credentials, Gate, GateFailure};
        use super::decode::{Refusal, Undecoded};
        use super::parameters::Incoming;
        use super::routes::variables;
        use super::tables::OperationInfo;

        /// The parts that a server is put together from; dropshot's context.
        #[derive(Debug)]
        pub struct Api<G, O> {
            /// Who may call.
            pub gate: G,
            /// What the operations do.
            pub operations: O,
            /// A request that takes longer is answered with 503.
            pub deadline: Duration,
            /// The `Retry-After` of a 503, in seconds.
            pub retry_after: u64,
        }

        /// Why a request was not admitted.
        #[derive(Debug)]
        pub enum Admitted {
            /// It is refused.
            Refused(Refusal),
            /// The gate could not decide.
            Undecided(GateFailure),
        }

        impl From<Refusal> for Admitted {
            fn from(refusal: Refusal) -> Admitted {
                Admitted::Refused(refusal)
            }
        }

        impl From<GateFailure> for Admitted {
            fn from(failure: GateFailure) -> Admitted {
                Admitted::Undecided(failure)
            }
        }

        /// What is checked before an operation sees a request.
        pub trait Admission<G: Gate> {
            /// What becomes known of the caller while it is checked.
            type Standing: Default + Send;

            /// The caller, if it may call.
            fn admit(
                gate: &G,
                credentials: &Credentials<'_>,
                standing: &mut Self::Standing,
            ) -> impl Future<Output = Result<G::Caller, Admitted>> + Send;

            /// Adds what became known to the answer.
            fn finish(answer: Answer, standing: Self::Standing) -> Answer;
        }

        /// Admits every caller who is authenticated.
        #[derive(Debug)]
        pub struct Authenticated;

        impl<G: Gate> Admission<G> for Authenticated {
            type Standing = ();

            async fn admit(gate: &G, credentials: &Credentials<'_>, (): &mut ()) -> Result<G::Caller, Admitted> {
                Ok(gate.authenticate(credentials).await?.ok_or(Refusal::Unauthenticated)?)
            }

            fn finish(answer: Answer, (): ()) -> Answer {
                answer
            }
        }

        /// Answers a request of an operation. `decode` makes its typed request, `run` calls it.
        pub async fn answer<A, G, O, R, S, E, F>(
            rqctx: RequestContext<Arc<Api<G, O>>>,
            raw: RawRequest,
            operation: &'static OperationInfo,
            decode: fn(&Undecoded<'_>) -> Result<R, Refusal>,
            run: impl FnOnce(Arc<Api<G, O>>, G::Caller, R) -> F + Send,
        ) -> Response<Body>
        where
            A: Admission<G>,
            G: Gate,
            O: Send + Sync + 'static,
            R: Send,
            S: IntoAnswer,
            E: OperationError,
            F: Future<Output = Result<S, E>> + Send,
        {
            let api = rqctx.context().clone();
            let began = Instant::now();
            let begun = api.gate.begun(operation);
            let request_id = rqctx.request_id.as_str();
            let span = tracing::info_span!("request", operation = operation.id, request_id, peer = tracing::field::Empty);
            let mut standing = A::Standing::default();
            let decide = async {
                let (uri, headers) = (rqctx.request.uri(), rqctx.request.headers());
                let request = Incoming { uri, headers, variables: variables(operation.path, uri.path()) };
                let credentials = Credentials { operation, remote: rqctx.request.remote_addr(), request: &request };
                let caller = A::admit(&api.gate, &credentials, &mut standing).await.map_err(|admitted| match admitted {
                    Admitted::Refused(refusal) => refusal,
                    Admitted::Undecided(GateFailure::Unavailable) => Refusal::Unavailable { retry_after: api.retry_after },
                    Admitted::Undecided(GateFailure::Failed) => Refusal::Failed,
                })?;
                let body = match operation.body {
                    Some(_) => whole(raw, rqctx.request_body_max_bytes()).await?,
                    None => Bytes::new(),
                };
                let request = decode(&Undecoded { request, body })?;
                Ok(run(api.clone(), caller, request).await)
            };
            let outcome =
                tokio::time::timeout(api.deadline, AssertUnwindSafe(decide).catch_unwind()).instrument(span.clone()).await;
            let _entered = span.enter();
            let outcome: Result<Result<S, E>, Refusal> = match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => {
                    let reason = panic
                        .downcast_ref::<String>()
                        .map(String::as_str)
                        .or_else(|| panic.downcast_ref::<&str>().copied())
                        .unwrap_or("no reason given");
                    tracing::error!(reason, "the operation panicked");
                    Err(Refusal::Failed)
                }
                Err(_) => {
                    tracing::error!(deadline = ?api.deadline, "the operation did not end before the deadline");
                    Err(Refusal::Unavailable { retry_after: api.retry_after })
                }
            };
            let answer = match outcome {
                Ok(Ok(success)) => success.into_answer(request_id),
                Ok(Err(error)) => error.into_answer(request_id),
                Err(refused) => {
                    tracing::debug!(reason = %refused, "refused");
                    match E::refuse(&refused) {
                        Some(error) => error.into_answer(request_id),
                        None => refusal(operation, &refused),
                    }
                }
            };
            let answer = A::finish(answer, standing);
            let status = answer.status().as_u16();
            let elapsed = Duration::from_micros(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
            tracing::info!(status, ?elapsed, "answered");
            api.gate.answered(operation, status, elapsed);
            drop(begun);
            answer.into_response()
        }

        /// The whole body, if it is not too large.
        async fn whole(raw: RawRequest, most: usize) -> Result<Bytes, Refusal> {
            match Limited::new(raw.into_inner().into_body(), most).collect().await {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { most }),
                Err(error) => Err(Refusal::Body { reason: format!("it could not be read: {error}") }),
            }
        }
    }

    pub mod tables {
        //! What the contract says, as tables that the server is built from: requests are decoded and validated by them, and
        //! `openapi()` prints them.

        /// What the contract says of an operation.
        #[derive(Debug)]
        pub struct OperationInfo {
            /// `operationId`, or a name derived from method and path.
            pub id: &'static str,
            /// The method, in upper case.
            pub method: &'static str,
            /// The path, with its variables in braces.
            pub path: &'static str,
            /// `tags`.
            pub tags: &'static [&'static str],
            /// `summary`; empty if there is none.
            pub summary: &'static str,
            /// `description`; empty if there is none.
            pub description: &'static str,
            /// `deprecated`.
            pub deprecated: bool,
            /// Who may call: the alternatives, of which one must be satisfied. An empty list, or an empty alternative, means
            /// that no credentials are needed.
            pub security: &'static [&'static [SchemeUse]],
            /// The permission that a caller needs, if the contract names permissions.
            pub permission: Option<&'static str>,
            /// The rate limit, if the contract names limits.
            pub rate_limit: Option<RateLimit>,
            /// The parameters.
            pub parameters: &'static [Parameter],
            /// The request body.
            pub body: Option<&'static BodyInfo>,
            /// The documented answers: `200`, `4XX` or `default`, with the response as the contract has it, as JSON.
            pub answers: &'static [(&'static str, &'static str)],
            /// The errors that the contract names one by one.
            pub errors: &'static [Documented],
            /// The documented bodies with which requests are refused before the operation sees them, by status.
            pub refusals: &'static [RefusalBody],
        }

        /// How many requests each window has, for one caller.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct RateLimit {
            /// How many requests.
            pub requests: u64,
            /// How long a window is, in seconds.
            pub window_seconds: u64,
        }

        /// An error that the contract names.
        #[derive(Debug)]
        pub struct Documented {
            /// Its name in the contract.
            pub name: &'static str,
            /// Its status.
            pub status: u16,
            /// Its message, to the letter.
            pub message: &'static str,
            /// What to do about it.
            pub summary: &'static str,
        }

        /// Where a parameter is sent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Location {
            /// In the path.
            Path,
            /// In the query string.
            Query,
            /// In a header.
            Header,
            /// In a cookie.
            Cookie,
        }

        impl Location {
            /// Its name in the contract.
            pub fn name(self) -> &'static str {
                match self {
                    Location::Path => "path",
                    Location::Query => "query",
                    Location::Header => "header",
                    Location::Cookie => "cookie",
                }
            }
        }

        /// How a list or an object is written as text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Style {
            /// `a,b` in paths and headers.
            Simple,
            /// `.a.b` in paths.
            Label,
            /// `;name=a;name=b` in paths.
            Matrix,
            /// `name=a&name=b` or `name=a,b`.
            Form,
            /// `name=a%20b`.
            SpaceDelimited,
            /// `name=a|b`.
            PipeDelimited,
            /// `name[key]=value`.
            DeepObject,
            /// JSON as text, with its media type.
            Json(&'static str),
            /// The text of another media type, as it is.
            Whole(&'static str),
        }

        impl Style {
            /// Its name in the contract; empty if a media type says how it is written.
            pub fn name(self) -> &'static str {
                match self {
                    Style::Simple => "simple",
                    Style::Label => "label",
                    Style::Matrix => "matrix",
                    Style::Form => "form",
                    Style::SpaceDelimited => "spaceDelimited",
                    Style::PipeDelimited => "pipeDelimited",
                    Style::DeepObject => "deepObject",
                    Style::Json(_) | Style::Whole(_) => "",
                }
            }
        }

        /// What a text stands for: text has no types of its own.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Kind {
            /// The text itself.
            Text,
            /// A UUID in its hyphenated form of 36 characters.
            Uuid,
            /// An integer.
            Integer,
            /// A number.
            Number,
            /// `true` or `false`.
            Boolean,
            /// A list.
            List(&'static Kind),
            /// An object: its properties, and the kind of all others.
            Object(&'static [(&'static str, Kind)], &'static Kind),
            /// The first of these that fits.
            OneOf(&'static [Kind]),
        }

        /// A schema that is validated when values arrive.
        pub trait Validate: Sync + std::fmt::Debug {
            /// The first violation, with its place in the value.
            fn violation(&self, value: &serde_json::Value) -> Option<String>;
        }

        /// A parameter.
        #[derive(Debug, Clone, Copy)]
        pub struct Parameter {
            /// Its name.
            pub name: &'static str,
            /// Where it is sent.
            pub location: Location,
            /// Whether a request without it is refused.
            pub required: bool,
            /// How it is written.
            pub style: Style,
            /// Whether each item or property is written separately.
            pub explode: bool,
            /// What its text stands for.
            pub kind: Kind,
            /// Its value if a request has none, as JSON.
            pub default: Option<&'static str>,
            /// Validates its value, if its type does not say everything.
            pub validate: Option<&'static dyn Validate>,
            /// Its schema as the contract has it, as JSON.
            pub schema: &'static str,
            /// Its description; empty if there is none.
            pub description: &'static str,
            /// Whether it is deprecated.
            pub deprecated: bool,
        }

        /// A request body.
        #[derive(Debug, Clone, Copy)]
        pub struct BodyInfo {
            /// Whether a request without it is refused.
            pub required: bool,
            /// Its description; empty if there is none.
            pub description: &'static str,
            /// Its media types.
            pub content: &'static [Media],
        }

        /// A body of one media type.
        #[derive(Debug, Clone, Copy)]
        pub struct Media {
            /// The media type, such as `application/json`, or a range such as `image/*`.
            pub name: &'static str,
            /// What the texts of a form stand for.
            pub kind: Option<Kind>,
            /// Validates a JSON body or a form.
            pub validate: Option<&'static dyn Validate>,
            /// Its schema as the contract has it, as JSON.
            pub schema: &'static str,
        }

        /// A documented error body into which the reason of a refusal is written.
        #[derive(Debug)]
        pub struct RefusalBody {
            /// `400`, `4XX` or `default`.
            pub status: &'static str,
            /// The media type: JSON, or a text that is nothing but the reason; empty if there is no body.
            pub media_type: &'static str,
            /// The body, as JSON.
            pub body: &'static str,
            /// The JSON pointer of the text that is replaced by the reason; empty if there is none.
            pub reason: &'static str,
        }

        /// A way to authenticate.
        #[derive(Debug, PartialEq, Eq)]
        pub struct SecurityScheme {
            /// Its name in the contract.
            pub name: &'static str,
            /// What a request carries.
            pub kind: SchemeKind,
            /// The scheme as the contract has it, as JSON.
            pub schema: &'static str,
        }

        /// What a request carries to authenticate its caller.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SchemeKind {
            /// `Authorization: Bearer TOKEN`, also for OAuth 2 and OpenID Connect.
            Bearer,
            /// `Authorization: Basic …`.
            Basic,
            /// Another scheme of the `Authorization` header, in lower case.
            Http(&'static str),
            /// A key in a header, the query or a cookie, with its name.
            Key(Location, &'static str),
            /// A client certificate, which whatever ends TLS has to check.
            Certificate,
        }

        /// A scheme that a request has to satisfy, and the scopes that it needs.
        #[derive(Debug)]
        pub struct SchemeUse {
            /// The scheme.
            pub scheme: &'static SecurityScheme,
            /// The scopes, all of them.
            pub scopes: &'static [&'static str],
        }
    }

    pub mod timestamps {
        //! Times on the wire: RFC 3339 in UTC with six fractional digits.

        use chrono::{DateTime, SecondsFormat, Utc};
        use serde::{Deserialize, Deserializer, Serializer};

        /// Writes a time.
        ///
        /// # Errors
        ///
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
        }

        /// Reads a time with any offset.
        ///
        /// # Errors
        ///
        /// If the value is not a time.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
            DateTime::<Utc>::deserialize(deserializer)
        }

        /// Times that may be null.
        pub mod option {
            use super::{DateTime, Deserialize, Deserializer, Serializer, Utc};

            /// Writes a time or null.
            ///
            /// # Errors
            ///
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
                match time {
                    Some(time) => super::serialize(time, serializer),
                    None => serializer.serialize_none(),
                }
            }

            /// Reads a time or null.
            ///
            /// # Errors
            ///
            /// If the value is neither.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
                Option::<DateTime<Utc>>::deserialize(deserializer)
            }
        }
    }

    pub mod unions {
        //! Values of one of several types (`oneOf`, `anyOf`), and properties that may be absent or null.

        use std::cell::Cell;

        use serde::de::{DeserializeOwned, Error as _};
        use serde::{Deserialize, Deserializer, Serialize};
        use serde_json::Value;

        /// A type that a value may have: how it is read, the values of the discriminator that select it, and the properties without
        /// which it need not be read.
        pub type Alternative<T> = (fn(&Value) -> serde_json::Result<T>, &'static [&'static str], &'static [&'static str]);

        /// Reads a value as the alternative that its discriminator names, or else as the first that keeps all of the value, or else as
        /// the first that takes it.
        ///
        /// # Errors
        ///
        /// If no alternative takes the value.
        pub fn one_of<'de, T: Serialize, D: Deserializer<'de>>(
            deserializer: D,
            discriminator: &str,
            alternatives: &[Alternative<T>],
        ) -> Result<T, D::Error> {
            let value = Value::deserialize(deserializer)?;
            let effort = Effort::of(&value);
            let tag = value.get(discriminator).and_then(Value::as_str);
            let named = alternatives.iter().filter(|(_, tags, _)| tag.is_some_and(|tag| tags.contains(&tag)));
            let mut taken = None;
            for (read, _, required) in named.chain(alternatives) {
                if required.iter().any(|name| value.get(name).is_none()) {
                    continue;
                }
                if !effort.suffices() {
                    return Err(D::Error::custom("its alternatives are nested too deeply"));
                }
                let Ok(read) = read(&value) else { continue };
                if serde_json::to_value(&read).is_ok_and(|written| keeps(&value, &written)) {
                    return Ok(read);
                }
                taken = taken.or(Some(read));
            }
            taken.ok_or_else(|| D::Error::custom("it fits none of its types"))
        }

        thread_local! {
            /// How many parts of values may still be read on this thread until the outermost alternatives are decided; none are being
            /// decided without a number.
            static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
        }

        /// What it takes to decide between alternatives. Alternatives within alternatives are read again for each of the outer ones, so
        /// without a limit a small value that is nested deeply would take years.
        struct Effort {
            size: usize,
            is_outermost: bool,
        }

        impl Effort {
            fn of(value: &Value) -> Effort {
                let size = size(value);
                let is_outermost = LEFT.get().is_none();
                if is_outermost {
                    LEFT.set(Some(size.saturating_mul(100).saturating_add(200_000)));
                }
                Effort { size, is_outermost }
            }

            /// Whether the value may be read once more.
            fn suffices(&self) -> bool {
                let left = LEFT.get().unwrap_or_default().checked_sub(self.size);
                LEFT.set(Some(left.unwrap_or_default()));
                left.is_some()
            }
        }

        impl Drop for Effort {
            fn drop(&mut self) {
                if self.is_outermost {
                    LEFT.set(None);
                }
            }
        }

        /// How many parts a value has.
        fn size(value: &Value) -> usize {
            1 + match value {
                Value::Array(items) => items.iter().map(size).sum(),
                Value::Object(properties) => properties.values().map(size).sum::<usize>(),
                _ => 0,
            }
        }

        /// Reads a value as one type of several.
        ///
        /// # Errors
        ///
        /// If the value has another type.
        pub fn read<T: DeserializeOwned>(value: &Value) -> serde_json::Result<T> {
            T::deserialize(value)
        }

        /// Whether a value that was read and written again still says the same: numbers and times may be written otherwise.
        pub fn keeps(value: &Value, written: &Value) -> bool {
            let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
            match (value, written) {
                (Value::Object(one), Value::Object(other)) => {
                    let is_kept = |(key, value): (&String, &Value)| other.get(key).is_some_and(|written| keeps(value, written));
                    one.len() == other.len() && one.iter().all(is_kept)
                }
                (Value::Array(one), Value::Array(other)) => {
                    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| keeps(one, other))
                }
                (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
                (Value::String(one), Value::String(other)) => {
                    one == other || time(one).is_some_and(|one| time(other) == Some(one))
                }
                (one, other) => one == other,
            }
        }

        /// Reads a property that may be absent, null or a value: what is there becomes `Some`, null too.
        ///
        /// # Errors
        ///
        /// If the value has another type.
        pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
            T::deserialize(deserializer).map(Some)
        }
    }

    pub mod validation {
        //! Validates values against the contract's schemas with the `jsonschema` crate: patterns, bounds, alternatives and all else that
        //! types do not express.

        use std::collections::{BTreeMap, BTreeSet};
        use std::sync::{LazyLock, OnceLock};

        use jsonschema::Validator;
        use serde_json::{Map, Value, json};

        use super::tables::Validate;

        /// The contract's schemas as JSON Schema 2020-12 by name. They refer to each other as `#/$defs/NAME`.
        #[derive(Debug)]
        pub struct Schemas {
            parsed: LazyLock<Map<String, Value>>,
        }

        impl Schemas {
            /// The schemas, parsed by `parse` when they are first needed.
            pub const fn new(parse: fn() -> Map<String, Value>) -> Schemas {
                Schemas { parsed: LazyLock::new(parse) }
            }

            /// A schema with everything that it refers to.
            fn closed(&self, schema: &Value) -> Value {
                let mut needed = BTreeSet::new();
                let mut open = references(schema);
                while let Some(name) = open.pop() {
                    if let Some((name, schema)) = self.parsed.get_key_value(&name)
                        && needed.insert(name)
                    {
                        open.extend(references(schema));
                    }
                }
                let definitions: Map<String, Value> =
                    needed.into_iter().filter_map(|name| Some((name.clone(), self.parsed.get(name)?.clone()))).collect();
                json!({ "allOf": [schema], "$defs": definitions })
            }
        }

        /// Parses a list of schemas.
        pub fn parse(schemas: &[(&str, &str)]) -> Map<String, Value> {
            let parsed = schemas
                .iter()
                .map(|(name, text)| ((*name).to_owned(), serde_json::from_str(text).unwrap_or(Value::Bool(false))));
            parsed.collect()
        }

        /// The names that a schema refers to.
        fn references(schema: &Value) -> Vec<String> {
            match schema {
                Value::Object(map) => {
                    let own = map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
                    own.map(str::to_owned).into_iter().chain(map.values().flat_map(references)).collect()
                }
                Value::Array(items) => items.iter().flat_map(references).collect(),
                _ => Vec::new(),
            }
        }

        /// A schema that values are validated against. It is compiled when the first value arrives.
        #[derive(Debug)]
        pub struct Checked {
            schemas: &'static Schemas,
            schema: &'static str,
            compiled: OnceLock<Result<Compiled, String>>,
        }

        /// A schema that was compiled.
        #[derive(Debug)]
        struct Compiled {
            validator: Validator,
            /// How many alternatives it has at most at one place, if it contains itself.
            alternatives: usize,
        }

        impl Checked {
            /// A schema, as JSON that may refer to `schemas`.
            pub const fn new(schemas: &'static Schemas, schema: &'static str) -> Checked {
                Checked { schemas, schema, compiled: OnceLock::new() }
            }

            fn compile(&self) -> Result<Compiled, String> {
                let schema: Value = serde_json::from_str(self.schema).map_err(|error| error.to_string())?;
                let schema = self.schemas.closed(&schema);
                let options = jsonschema::draft202012::options().should_validate_formats(true);
                let validator = options.build(&schema).map_err(|error| error.to_string())?;
                let alternatives = if contains_itself(&schema["$defs"]) { alternatives(&schema) } else { 0 };
                Ok(Compiled { validator, alternatives })
            }
        }

        impl Compiled {
            /// Whether a violation can be described: a description has what is wrong with each alternative, and for each of those what
            /// is wrong with the alternatives in it, which for a value that is nested deeply would take years.
            fn describes(&self, value: &Value) -> bool {
                let depth = u32::try_from(depth(value)).unwrap_or(u32::MAX);
                self.alternatives < 2 || self.alternatives.saturating_pow(depth) < 10_000
            }
        }

        /// Whether a definition leads back to itself.
        fn contains_itself(definitions: &Value) -> bool {
            let definitions = definitions.as_object().into_iter().flatten();
            let mut open: BTreeMap<&String, Vec<String>> = definitions.map(|(name, it)| (name, references(it))).collect();
            loop {
                // What leads only to what leads nowhere is done with.
                let is_done = |needed: &[String]| !needed.iter().any(|name| open.contains_key(name));
                let done: BTreeSet<_> = open.iter().filter(|(_, needed)| is_done(needed)).map(|(name, _)| *name).collect();
                if done.is_empty() {
                    return !open.is_empty();
                }
                open.retain(|name, _| !done.contains(name));
            }
        }

        /// How many alternatives a schema has at most at one place.
        fn alternatives(schema: &Value) -> usize {
            match schema {
                Value::Object(map) => {
                    let own = ["anyOf", "oneOf"].into_iter().filter_map(|key| map.get(key)?.as_array()).map(Vec::len);
                    own.chain(map.values().map(alternatives)).max().unwrap_or_default()
                }
                Value::Array(items) => items.iter().map(alternatives).max().unwrap_or_default(),
                _ => 0,
            }
        }

        /// How deep a value is nested.
        fn depth(value: &Value) -> usize {
            match value {
                Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
                Value::Object(properties) => 1 + properties.values().map(depth).max().unwrap_or_default(),
                _ => 0,
            }
        }

        impl Validate for Checked {
            fn violation(&self, value: &Value) -> Option<String> {
                let compiled = match self.compiled.get_or_init(|| self.compile()) {
                    Ok(compiled) => compiled,
                    Err(error) => {
                        tracing::error!(%error, "a schema of the contract cannot be used");
                        return Some("the server cannot validate it".to_owned());
                    }
                };
                if compiled.validator.is_valid(value) {
                    return None;
                }
                if !compiled.describes(value) {
                    return Some("it does not fit its schema".to_owned());
                }
                let error = compiled.validator.iter_errors(value).next()?;
                let place = error.instance_path().as_str();
                let message = error.to_string();
                // Long values are not repeated.
                let message = if message.len() > 200 { error.masked().to_string() } else { message };
                Some(if place.is_empty() { message } else { format!("{place}: {message}") })
            }
        }
    }

    /// What the modules of operations use.
    #[allow(unused_imports)]
    pub mod prelude {
        pub use super::answers::{Answer, IntoAnswer, OperationError, refusal};
        pub use super::decode::{Refusal, Undecoded};
        pub use super::tables::{
            BodyInfo, Documented, Kind, Location, Media, OperationInfo, Parameter, RateLimit, RefusalBody, SchemeUse,
            Style,
        };
        pub use super::validation::Checked;
    }
}

#[allow(unused_imports)]
pub use self::runtime::{
    credentials::{Credential, Credentials, Everybody, Gate, GateFailure, Presented},
    decode::Refusal, serve::Api, tables::{Documented, OperationInfo, RateLimit},
};
/// The contract's schemas as types.
pub mod types {
    use ::serde::{Deserialize, Serialize};
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Box2 {
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "super::runtime::unions::present"
        )]
        pub arr: Option<Option<Vec<Option<i64>>>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub b: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub big: Option<i64>,
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "super::runtime::unions::present"
        )]
        pub builder: Option<Option<Builder>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cl: Option<Client2>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub dup: Option<Box2Dup>,
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "super::runtime::unions::present"
        )]
        pub error: Option<Option<String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub errs: Option<Error>,
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "super::runtime::unions::present"
        )]
        pub map: Option<Option<::std::collections::BTreeMap<String, Option<String>>>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub n: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub n32: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub nest: Option<Box2Nest>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sf: Option<Self_>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tys: Option<Types>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub u: Option<Box2U>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub uid: Option<::uuid::Uuid>,
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "super::runtime::timestamps::option"
        )]
        pub when: Option<::chrono::DateTime<::chrono::Utc>>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Box2Dup {
        Value(String),
        List(Vec<String>),
    }
    impl<'de> Deserialize<'de> for Box2Dup {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Box2Dup::Value), &[], &[]),
                    (|value| read(value).map(Box2Dup::List), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Box2Nest {
        Value(String),
        /// [`Box2Nest2`]
        Value2(Box<Box2Nest2>),
    }
    impl<'de> Deserialize<'de> for Box2Nest {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Box2Nest::Value), &[], &[]),
                    (|value| read(value).map(Box2Nest::Value2), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Box2Nest2 {
        Integer(i64),
        /// [`Box2Nest22`]
        Value(Box<Box2Nest22>),
    }
    impl<'de> Deserialize<'de> for Box2Nest2 {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Box2Nest2::Integer), &[], &[]),
                    (|value| read(value).map(Box2Nest2::Value), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Box2Nest22 {
        Flag(bool),
        /// [`Box2`]
        Box(Box<Box2>),
    }
    impl<'de> Deserialize<'de> for Box2Nest22 {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Box2Nest22::Flag), &[], &[]),
                    (|value| read(value).map(Box2Nest22::Box), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Box2U {
        Integer(i64),
        Number(f64),
        Value(String),
        Flag(bool),
        List(Vec<::serde_json::Value>),
        Object(::serde_json::Map<String, ::serde_json::Value>),
    }
    impl<'de> Deserialize<'de> for Box2U {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Box2U::Integer), &[], &[]),
                    (|value| read(value).map(Box2U::Number), &[], &[]),
                    (|value| read(value).map(Box2U::Value), &[], &[]),
                    (|value| read(value).map(Box2U::Flag), &[], &[]),
                    (|value| read(value).map(Box2U::List), &[], &[]),
                    (|value| read(value).map(Box2U::Object), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Builder {
        #[serde(rename = "Default", default, skip_serializing_if = "Option::is_none")]
        pub default: Option<String>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Client2 {
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "super::runtime::unions::present"
        )]
        pub a: Option<::serde_json::Value>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum D2 {
        Integer(u8),
        Value(String),
        /// [`Box2`]
        Box(Box<Box2>),
    }
    impl<'de> Deserialize<'de> for D2 {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(D2::Integer), &[], &[]),
                    (|value| read(value).map(D2::Value), &[], &[]),
                    (|value| read(value).map(D2::Box), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Default {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub x: Option<String>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Error {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub x: Option<String>,
    }
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum IntoDirection {
        /// `\u{202e}`
        #[serde(rename = "\u{202e}")]
        Other,
        /// `\u{2066}*/`
        #[serde(rename = "\u{2066}*/")]
        StarSlash,
    }
    #[derive(Debug, Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    pub enum Ok {
        /// [`Some`]
        Some(Box<Some>),
        /// [`Default`]
        Default(Box<Default>),
    }
    impl<'de> Deserialize<'de> for Ok {
        fn deserialize<D: ::serde::Deserializer<'de>>(
            deserializer: D,
        ) -> ::std::result::Result<Self, D::Error> {
            use super::runtime::unions::{one_of, read};
            one_of(
                deserializer,
                "",
                &[
                    (|value| read(value).map(Ok::Some), &[], &[]),
                    (|value| read(value).map(Ok::Default), &[], &[]),
                ],
            )
        }
    }
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum Self_ {
        /// `Self`
        #[serde(rename = "Self")]
        Self_,
        /// `self`
        #[serde(rename = "self")]
        Self2,
    }
    pub type SmallResponseValueValue = Vec<Option<Vec<i64>>>;
    pub type Some = Vec<String>;
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub enum Types {
        /// `a`
        #[serde(rename = "a")]
        A,
    }
}
/// What each operation takes and returns.
pub mod operation {
    /// `get_a_by_x_y_by_x`: GET /a/{x}{y}/{x}
    pub mod get_a_by_x_y_by_x {
        use super::super::runtime::prelude::*;
        use super::super::schemas;
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "get_a_by_x_y_by_x",
            method: "GET",
            path: "/a/{x}{y}/{x}",
            tags: &[],
            summary: "",
            description: "",
            deprecated: false,
            security: &[],
            permission: None,
            rate_limit: None,
            parameters: &PARAMETERS,
            body: None,
            answers: &[],
            errors: &[],
            refusals: &[],
        };
        static PARAMETERS: [Parameter; 2] = [
            Parameter {
                name: "x",
                location: Location::Path,
                required: true,
                style: Style::Matrix,
                explode: true,
                kind: Kind::Object(&[], &Kind::Text),
                default: None,
                validate: Some(&X_CHECK),
                schema: r#"{"additionalProperties":{"type":"string"},"type":"object"}"#,
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "y",
                location: Location::Path,
                required: true,
                style: Style::Json("application/json"),
                explode: false,
                kind: Kind::List(&Kind::Text),
                default: None,
                validate: Some(&Y_CHECK),
                schema: r#"{"type":"array"}"#,
                description: "",
                deprecated: false,
            },
        ];
        static X_CHECK: Checked = Checked::new(
            &schemas::SCHEMAS,
            r#"{"type":["object"],"additionalProperties":{"type":["string"]}}"#,
        );
        static Y_CHECK: Checked = Checked::new(
            &schemas::SCHEMAS,
            r#"{"type":["array"]}"#,
        );
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {
            pub x: ::std::collections::BTreeMap<String, String>,
            pub y: Vec<::serde_json::Value>,
        }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {
                    x: undecoded.required(&PARAMETERS[0])?,
                    y: undecoded.required(&PARAMETERS[1])?,
                })
            }
        }
        /// The contract documents no success; this is 200 without a body.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Success;
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                Answer::new(200)
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
    /// `Client`: GET /client
    pub mod client {
        use super::super::runtime::prelude::*;
        use super::super::types;
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "Client",
            method: "GET",
            path: "/client",
            tags: &[],
            summary: "",
            description: "",
            deprecated: false,
            security: &[],
            permission: None,
            rate_limit: None,
            parameters: &[],
            body: None,
            answers: &[
                (
                    "2XX",
                    r##"{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Box"}}},"description":"d"}"##,
                ),
            ],
            errors: &[],
            refusals: &[],
        };
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {}
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(_: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {})
            }
        }
        /// The successes that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Success {
            /// 2XX: d
            Success {
                /// The status.
                status: ::http::StatusCode,
                /// The body.
                body: types::Box2,
            },
        }
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Success::Success { status, body } => {
                        Answer::new(status.as_u16()).json("application/json", &body)
                    }
                }
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
    /// `into`: PUT /into
    pub mod into {
        use super::super::runtime::prelude::*;
        use super::super::{schemas, types};
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "into",
            method: "PUT",
            path: "/into",
            tags: &[],
            summary: "left \u{202e} right end",
            description: "",
            deprecated: false,
            security: &[
                &[
                    SchemeUse {
                        scheme: &schemas::security::API_KEY,
                        scopes: &[],
                    },
                    SchemeUse {
                        scheme: &schemas::security::API_KEY2,
                        scopes: &[],
                    },
                ],
            ],
            permission: None,
            rate_limit: None,
            parameters: &PARAMETERS,
            body: Some(&BODY),
            answers: &[
                (
                    "200",
                    "{\"content\":{\"application/hal+json\":{\"schema\":{\"$ref\":\"#/components/schemas/D\"}},\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/D\"}}},\"description\":\"left \u{202e} right end\"}",
                ),
                (
                    "400",
                    r##"{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Ok"}}},"description":"d"}"##,
                ),
            ],
            errors: &[],
            refusals: &[
                RefusalBody {
                    status: "400",
                    media_type: "application/json",
                    body: r#"[]"#,
                    reason: "",
                },
            ],
        };
        static PARAMETERS: [Parameter; 2] = [
            Parameter {
                name: "direction",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Text,
                default: Some("\"\u{202e}\""),
                validate: None,
                schema: "{\"default\":\"\u{202e}\",\"enum\":[\"\u{202e}\",\"\u{2066}*/\"],\"type\":\"string\"}",
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "json_body",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Text,
                default: None,
                validate: Some(&JSON_BODY_CHECK),
                schema: r#"{"maxLength":3,"type":"string"}"#,
                description: "left \u{202e} right end",
                deprecated: false,
            },
        ];
        static BODY: BodyInfo = BodyInfo {
            required: false,
            description: "",
            content: &[
                Media {
                    name: "application/json",
                    kind: None,
                    validate: None,
                    schema: r##"{"$ref":"#/components/schemas/D"}"##,
                },
                Media {
                    name: "text/plain",
                    kind: None,
                    validate: None,
                    schema: "{}",
                },
            ],
        };
        static JSON_BODY_CHECK: Checked = Checked::new(
            &schemas::SCHEMAS,
            r#"{"type":["string"],"maxLength":3}"#,
        );
        /// A body of one of the documented media types.
        #[derive(Debug, Clone, PartialEq)]
        pub enum RequestBody {
            /// `application/json`
            Json(types::D2),
            /// `text/plain`
            TextPlain(::bytes::Bytes),
        }
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {
            pub direction: types::IntoDirection,
            /// left \u{202e} right end
            pub json_body: Option<String>,
            /// The body.
            pub body: Option<RequestBody>,
        }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {
                    direction: undecoded.required(&PARAMETERS[0])?,
                    json_body: undecoded.optional(&PARAMETERS[1])?,
                    body: match undecoded.media(&BODY)? {
                        Some(0) => {
                            Some(RequestBody::Json(undecoded.json(&BODY.content[0])?))
                        }
                        Some(1) => Some(RequestBody::TextPlain(undecoded.body.clone())),
                        _ => None,
                    },
                })
            }
        }
        /// A body of one of the documented media types.
        #[derive(Debug, Clone, PartialEq)]
        pub enum SuccessBody {
            /// `application/json`
            Json(types::D2),
            /// `application/hal+json`
            HalJson(types::D2),
        }
        /// left \u{202e} right end
        #[derive(Debug, Clone, PartialEq)]
        pub struct Success {
            /// The body.
            pub body: SuccessBody,
        }
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                let Success { body } = self;
                {
                    let answer = Answer::new(200);
                    match body {
                        SuccessBody::Json(body) => answer.json("application/json", &body),
                        SuccessBody::HalJson(body) => {
                            answer.json("application/hal+json", &body)
                        }
                    }
                }
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// 400: d
            BadRequest {
                /// The body.
                body: types::Ok,
            },
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::BadRequest { body } => {
                        Answer::new(400).json("application/json", &body)
                    }
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
    /// `super`: PATCH /p
    pub mod super_ {
        use super::super::runtime::prelude::*;
        use super::super::types;
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "super",
            method: "PATCH",
            path: "/p",
            tags: &[],
            summary: "",
            description: "",
            deprecated: false,
            security: &[],
            permission: None,
            rate_limit: None,
            parameters: &[],
            body: Some(&BODY),
            answers: &[("204", r#"{"description":"d"}"#)],
            errors: &[],
            refusals: &[],
        };
        static BODY: BodyInfo = BodyInfo {
            required: false,
            description: "",
            content: &[
                Media {
                    name: "application/json",
                    kind: None,
                    validate: None,
                    schema: r##"{"$ref":"#/components/schemas/Box"}"##,
                },
            ],
        };
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {
            /// The body.
            pub body: Option<types::Box2>,
        }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {
                    body: match undecoded.media(&BODY)? {
                        Some(_) => Some(undecoded.json(&BODY.content[0])?),
                        None => None,
                    },
                })
            }
        }
        /// d
        #[derive(Debug, Clone, PartialEq)]
        pub struct Success;
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                Answer::new(204)
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
    /// `small`: GET /small/{note}
    pub mod small {
        use super::super::runtime::prelude::*;
        use super::super::{schemas, types};
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "small",
            method: "GET",
            path: "/small/{note}",
            tags: &[],
            summary: "",
            description: "",
            deprecated: false,
            security: &[],
            permission: None,
            rate_limit: None,
            parameters: &PARAMETERS,
            body: None,
            answers: &[
                (
                    "200",
                    r#"{"content":{"application/json":{"schema":{"additionalProperties":{"additionalProperties":{"items":{"items":{"type":"integer"},"nullable":true,"type":"array"},"type":"array"},"type":"object"},"type":"object"}}},"description":"Nested"}"#,
                ),
            ],
            errors: &[],
            refusals: &[],
        };
        static PARAMETERS: [Parameter; 5] = [
            Parameter {
                name: "note",
                location: Location::Path,
                required: true,
                style: Style::Whole("text/plain"),
                explode: false,
                kind: Kind::Text,
                default: None,
                validate: None,
                schema: "",
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "plain",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Integer,
                default: None,
                validate: None,
                schema: r#"{"format":"uint","type":"integer"}"#,
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "signed",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Integer,
                default: None,
                validate: Some(&SIGNED_CHECK),
                schema: r#"{"format":"int8","minimum":-5,"type":"integer"}"#,
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "tiny",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Integer,
                default: None,
                validate: None,
                schema: r#"{"format":"uint8","type":"integer"}"#,
                description: "",
                deprecated: false,
            },
            Parameter {
                name: "wide",
                location: Location::Query,
                required: false,
                style: Style::Form,
                explode: true,
                kind: Kind::Integer,
                default: None,
                validate: Some(&WIDE_CHECK),
                schema: r#"{"format":"uint8","maximum":300,"type":"integer"}"#,
                description: "",
                deprecated: false,
            },
        ];
        static SIGNED_CHECK: Checked = Checked::new(
            &schemas::SCHEMAS,
            r#"{"type":["integer"],"format":"int8","minimum":-5}"#,
        );
        static WIDE_CHECK: Checked = Checked::new(
            &schemas::SCHEMAS,
            r#"{"type":["integer"],"format":"uint8","maximum":300}"#,
        );
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {
            pub note: String,
            pub plain: Option<u64>,
            pub signed: Option<i8>,
            pub tiny: Option<u8>,
            pub wide: Option<u64>,
        }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {
                    note: undecoded.required(&PARAMETERS[0])?,
                    plain: undecoded.optional(&PARAMETERS[1])?,
                    signed: undecoded.optional(&PARAMETERS[2])?,
                    tiny: undecoded.optional(&PARAMETERS[3])?,
                    wide: undecoded.optional(&PARAMETERS[4])?,
                })
            }
        }
        /// Nested
        #[derive(Debug, Clone, PartialEq)]
        pub struct Success {
            /// The body.
            pub body: ::std::collections::BTreeMap<
                String,
                ::std::collections::BTreeMap<String, types::SmallResponseValueValue>,
            >,
        }
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                let Success { body } = self;
                Answer::new(200).json("application/json", &body)
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
    /// `types`: TRACE /types
    pub mod types {
        use super::super::runtime::prelude::*;
        /// What the contract says of the operation.
        pub static INFO: OperationInfo = OperationInfo {
            id: "types",
            method: "TRACE",
            path: "/types",
            tags: &[],
            summary: "",
            description: "",
            deprecated: false,
            security: &[],
            permission: None,
            rate_limit: None,
            parameters: &[],
            body: None,
            answers: &[
                ("299", r#"{"description":"e"}"#),
                ("2XX", r#"{"description":"d"}"#),
            ],
            errors: &[],
            refusals: &[],
        };
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request {}
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(_: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request {})
            }
        }
        /// The successes that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Success {
            /// 299: e
            Status299,
            /// 2XX: d
            Success {
                /// The status.
                status: ::http::StatusCode,
            },
        }
        impl IntoAnswer for Success {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Success::Status299 => Answer::new(299),
                    Success::Success { status } => Answer::new(status.as_u16()),
                }
            }
        }
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
}
/// All operations, by path and method.
pub const OPERATIONS: &[&OperationInfo] = &[
    &operation::get_a_by_x_y_by_x::INFO,
    &operation::client::INFO,
    &operation::into::INFO,
    &operation::super_::INFO,
    &operation::small::INFO,
    &operation::types::INFO,
];
/// What the operations do. This is what a person writes: decoded and validated requests in, one of the documented answers
/// out.
pub trait Operations: Send + Sync + 'static {
    /// A caller, as the gate knows it.
    type Caller: Send + Sync + 'static;
    /// GET /a/{x}{y}/{x}
    fn get_a_by_x_y_by_x(
        &self,
        caller: &Self::Caller,
        request: operation::get_a_by_x_y_by_x::Request,
    ) -> impl Future<
        Output = Result<
            operation::get_a_by_x_y_by_x::Success,
            operation::get_a_by_x_y_by_x::Error,
        >,
    > + Send;
    /// GET /client
    fn client(
        &self,
        caller: &Self::Caller,
        request: operation::client::Request,
    ) -> impl Future<
        Output = Result<operation::client::Success, operation::client::Error>,
    > + Send;
    /// left \u{202e} right end.
    fn into(
        &self,
        caller: &Self::Caller,
        request: operation::into::Request,
    ) -> impl Future<
        Output = Result<operation::into::Success, operation::into::Error>,
    > + Send;
    /// PATCH /p
    fn super_(
        &self,
        caller: &Self::Caller,
        request: operation::super_::Request,
    ) -> impl Future<
        Output = Result<operation::super_::Success, operation::super_::Error>,
    > + Send;
    /// GET /small/{note}
    fn small(
        &self,
        caller: &Self::Caller,
        request: operation::small::Request,
    ) -> impl Future<
        Output = Result<operation::small::Success, operation::small::Error>,
    > + Send;
    /// TRACE /types
    fn types(
        &self,
        caller: &Self::Caller,
        request: operation::types::Request,
    ) -> impl Future<
        Output = Result<operation::types::Success, operation::types::Error>,
    > + Send;
}
/// What dropshot serves.
///
/// # Errors
///
/// If dropshot refuses an endpoint.
pub fn api_description<G: Gate, O: Operations<Caller = G::Caller>>() -> Result<
    ::dropshot::ApiDescription<::std::sync::Arc<Api<G, O>>>,
    String,
> {
    use self::runtime::routes::describe;
    use ::futures::FutureExt as _;
    use self::runtime::serve::Authenticated;
    use self::runtime::routes::Route;
    use self::runtime::serve::answer;
    describe::<
        ::std::sync::Arc<Api<G, O>>,
    >(
        vec![
            Route { operation : & operation::get_a_by_x_y_by_x::INFO, call : | rqctx, raw
            | { answer:: < Authenticated, G, O, _, _, _, _ > (rqctx, raw, &
            operation::get_a_by_x_y_by_x::INFO,
            operation::get_a_by_x_y_by_x::Request::decode, | api, caller, request | async
            move { Operations::get_a_by_x_y_by_x(& api.operations, & caller, request).
            await },).boxed() }, }, Route { operation : & operation::client::INFO, call :
            | rqctx, raw | { answer:: < Authenticated, G, O, _, _, _, _ > (rqctx, raw, &
            operation::client::INFO, operation::client::Request::decode, | api, caller,
            request | async move { Operations::client(& api.operations, & caller,
            request). await },).boxed() }, }, Route { operation : &
            operation::into::INFO, call : | rqctx, raw | { answer:: < Authenticated, G,
            O, _, _, _, _ > (rqctx, raw, & operation::into::INFO,
            operation::into::Request::decode, | api, caller, request | async move {
            Operations::into(& api.operations, & caller, request). await },).boxed() },
            }, Route { operation : & operation::super_::INFO, call : | rqctx, raw | {
            answer:: < Authenticated, G, O, _, _, _, _ > (rqctx, raw, &
            operation::super_::INFO, operation::super_::Request::decode, | api, caller,
            request | async move { Operations::super_(& api.operations, & caller,
            request). await },).boxed() }, }, Route { operation : &
            operation::small::INFO, call : | rqctx, raw | { answer:: < Authenticated, G,
            O, _, _, _, _ > (rqctx, raw, & operation::small::INFO,
            operation::small::Request::decode, | api, caller, request | async move {
            Operations::small(& api.operations, & caller, request). await },).boxed() },
            }, Route { operation : & operation::types::INFO, call : | rqctx, raw | {
            answer:: < Authenticated, G, O, _, _, _, _ > (rqctx, raw, &
            operation::types::INFO, operation::types::Request::decode, | api, caller,
            request | async move { Operations::types(& api.operations, & caller, request)
            . await },).boxed() }, }
        ],
    )
}
/// What the document says of the whole API.
static API: runtime::document::Api = runtime::document::Api {
    title: "Awkward */ \" \\ {x}",
    version: "",
    tags: &[],
    schemas: schemas::COMPONENTS,
    security_schemes: &[&schemas::security::API_KEY, &schemas::security::API_KEY2],
    extensions: ("", ""),
};
/// The document that this server stands for, from the tables that it is built from.
///
/// # Errors
///
/// If a table is not JSON.
pub fn openapi() -> Result<::serde_json::Value, String> {
    runtime::document::document(&API, OPERATIONS)
}
/// The contract's schemas.
pub mod schemas {
    /// What requests are validated against, as JSON Schema.
    pub static SCHEMAS: Schemas = Schemas::new(|| parse(&[]));
    use super::runtime::validation::{Schemas, parse};
    /// `components.schemas`.
    pub const COMPONENTS: &[(&str, &str)] = &[
        (
            "Box",
            r##"{"properties":{"arr":{"items":{"nullable":true,"type":"integer"},"nullable":true,"type":"array"},"b":{"enum":[true]},"big":{"format":"int64","maximum":18446744073709551615,"minimum":-9223372036854775808,"type":"integer"},"builder":{"oneOf":[{"enum":[null],"nullable":true,"type":"string"},{"$ref":"#/components/schemas/Builder"}]},"cl":{"$ref":"#/components/schemas/client"},"default":{"default":1,"type":"string"},"dup":{"oneOf":[{"format":"uri","type":"string"},{"format":"email","type":"string"},{"items":{"format":"a","type":"string"},"type":"array"},{"items":{"format":"b","type":"string"},"type":"array"}]},"error":{"default":"x","nullable":true,"type":"string"},"errs":{"$ref":"#/components/schemas/error"},"map":{"additionalProperties":{"nullable":true,"type":"string"},"nullable":true,"type":"object"},"n":{"enum":[5]},"n32":{"format":"float","type":"number"},"nest":{"oneOf":[{"oneOf":[{"type":"string"}]},{"anyOf":[{"type":"integer"},{"oneOf":[{"type":"boolean"},{"$ref":"#/components/schemas/Box"}]}]}]},"sf":{"$ref":"#/components/schemas/Self"},"tys":{"$ref":"#/components/schemas/types"},"u":{"anyOf":[{"type":"integer"},{"type":"number"},{"type":"string"},{"type":"boolean"},{"items":{},"type":"array"},{"type":"object"}]},"uid":{"format":"uuid","maxLength":36,"pattern":"(","type":"string"},"when":{"format":"date-time","type":"string"}},"type":"object"}"##,
        ),
        ("Builder", r#"{"properties":{"Default":{"type":"string"}},"type":"object"}"#),
        ("Client", r#"{"type":"object"}"#),
        (
            "D",
            r##"{"oneOf":[{"format":"uint8","type":"integer"},{"type":"string"},{"$ref":"#/components/schemas/Box"}]}"##,
        ),
        (
            "Deep",
            r##"{"allOf":[{"$ref":"#/components/schemas/Deep"},{"properties":{"":{"type":"string"},"$ref":{"type":"string"},"1":{},"gen":{"type":"string"},"never":false,"r#x":{},"self":{"$ref":"#/components/schemas/Deep"},"tuple":{"prefixItems":[{"type":"string"},{"type":"integer"}],"type":"array"},"type":{},"日本":{"type":"integer"}},"required":["self","undefined"],"type":"object"}]}"##,
        ),
        ("Default", r#"{"properties":{"x":{"type":"string"}},"type":"object"}"#),
        ("Loop", r##"{"$ref":"#/components/schemas/Loop2"}"##),
        ("Loop2", r##"{"allOf":[{"$ref":"#/components/schemas/Loop"}]}"##),
        (
            "Ok",
            r##"{"oneOf":[{"$ref":"#/components/schemas/Some"},{"$ref":"#/components/schemas/Default"}]}"##,
        ),
        ("Self", r#"{"enum":["Self","self"],"type":"string"}"#),
        ("Some", r#"{"items":{"type":"string"},"type":"array"}"#),
        ("client", r#"{"properties":{"a":{}},"type":"object"}"#),
        ("error", r#"{"properties":{"x":{"type":"string"}},"type":"object"}"#),
        ("types", r#"{"enum":["a"],"type":"string"}"#),
    ];
    /// The ways to authenticate.
    pub mod security {
        #[allow(unused_imports)]
        use super::super::runtime::tables::{Location, SchemeKind, SecurityScheme};
        /// `api_key`
        pub static API_KEY: SecurityScheme = SecurityScheme {
            name: "api_key",
            kind: SchemeKind::Key(Location::Header, "X-Key"),
            schema: r#"{"in":"header","name":"X-Key","type":"apiKey"}"#,
        };
        /// `API-Key`
        pub static API_KEY2: SecurityScheme = SecurityScheme {
            name: "API-Key",
            kind: SchemeKind::Key(Location::Query, "key"),
            schema: r#"{"in":"query","name":"key","type":"apiKey"}"#,
        };
    }
}
