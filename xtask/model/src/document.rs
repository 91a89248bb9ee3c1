//! The document: its operations with their inputs and responses, each with its place.
//!
//! References to parameters, bodies, responses, headers, examples and path items are resolved while reading: the target
//! replaces the reference and keeps its own place. Schemas are stored separately, see [`crate::schema`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::meaning::Shapes;
use crate::node::{Entry, Node};
use crate::problem::Problem;
use crate::schema::{Schema, SchemaId};
use crate::source::{Place, Source};
use crate::span::{Span, Spanned};

/// The OpenAPI version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.0.x.
    V3_0,
    /// 3.1.x.
    V3_1,
}

/// An OpenAPI document, in one file or many.
#[derive(Debug)]
pub struct Document {
    /// Its files, the opened one first.
    pub files: Vec<Arc<Source>>,
    /// The content of the opened file, unmodified.
    pub root: Node,
    /// Its OpenAPI version.
    pub version: Version,
    /// `openapi`, unmodified.
    pub openapi: Spanned<String>,
    /// `info`.
    pub info: Info,
    /// `servers`.
    pub servers: Vec<Server>,
    /// `tags`.
    pub tags: Vec<Tag>,
    /// `security`: the default for operations that do not define their own.
    pub security: Security,
    /// The key `paths`.
    pub paths: Option<Span>,
    /// The key `components.schemas`.
    pub schemas_key: Option<Span>,
    /// The operations, in document order.
    pub operations: Vec<Arc<Operation>>,
    /// The operations of `webhooks`, which the API calls. Their path is the webhook's name.
    pub webhooks: Vec<Arc<Operation>>,
    /// `components.schemas`, in document order.
    pub components: Vec<(Spanned<String>, SchemaId)>,
    /// `components.securitySchemes`.
    pub security_schemes: Vec<SecurityScheme>,
    /// Problems found while reading, such as invalid parts and unresolved references, in order of places.
    pub problems: Vec<Problem>,
    /// The schemas of `components` by name.
    pub(crate) by_name: HashMap<String, SchemaId>,
    /// Every schema, of components and inline.
    pub(crate) schemas: Vec<Schema>,
    /// The shapes of the schemas, computed on demand.
    pub(crate) shapes: Shapes,
}

/// `info`.
#[derive(Debug, Default)]
pub struct Info {
    /// `title`; empty if there is none.
    pub title: Spanned<String>,
    /// `version`; empty if there is none.
    pub version: Spanned<String>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// The whole object; `None` if there is none.
    pub span: Option<Span>,
}

/// A server of `servers`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its URL, with `{variables}`.
    pub url: Spanned<String>,
    /// Its variables.
    pub variables: Vec<ServerVariable>,
}

/// A variable of a server's URL.
#[derive(Debug, Clone)]
pub struct ServerVariable {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// `default`: its value if none is given.
    pub default: Option<String>,
    /// `enum`: the permitted values.
    pub values: Option<Vec<String>>,
}

/// A tag of `tags`.
#[derive(Debug)]
pub struct Tag {
    /// Its name.
    pub name: Spanned<String>,
    /// `description`; empty if there is none.
    pub description: String,
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// `GET`, `POST`, … in capitals, at the place of the key.
    pub method: Spanned<String>,
    /// The path as written under `paths`, at the place of the key.
    pub path: Spanned<String>,
    /// The place of the whole object.
    pub span: Span,
    /// `operationId`.
    pub id: Option<Spanned<String>>,
    /// `tags`.
    pub tags: Vec<Spanned<String>>,
    /// `summary`.
    pub summary: Option<Spanned<String>>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `deprecated: true`, at its place.
    pub deprecated: Option<Span>,
    /// Its parameters and those of its path that it does not override, in document order, the path's first.
    pub parameters: Vec<Parameter>,
    /// `requestBody`.
    pub body: Option<RequestBody>,
    /// `responses`, in document order.
    pub responses: Vec<Response>,
    /// Its own `security`, or else the document's.
    pub security: Security,
    /// Its own servers or those of its path; if empty, the document's servers apply.
    pub servers: Vec<Server>,
    /// The operations of `callbacks`; their path is the callback's name, a space, and its expression.
    pub callbacks: Vec<Operation>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// Parts that could not be read, such as a parameter without a name, or a `$ref` that does not resolve. References
    /// inside schemas are in [`Schema::reference`] instead.
    pub unread: Vec<Unread>,
}

/// A part of an operation that could not be read.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Which part.
    pub part: Part,
    /// Why, as a sentence without a full stop, such as "there is no `#/components/parameters/Limit`".
    pub reason: String,
    /// Where.
    pub span: Span,
}

/// The parts of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// One of its parameters.
    Parameters,
    /// Its request body.
    Body,
    /// One of its responses.
    Responses,
    /// Its security requirements.
    Security,
    /// Something else.
    Other,
}

/// Where a parameter is sent in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Its name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Location::Path => "path",
            Location::Query => "query",
            Location::Header => "header",
            Location::Cookie => "cookie",
        }
    }
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: Spanned<String>,
    /// `in`.
    pub location: Location,
    /// `required`, at the place of its value; path parameters are always required.
    pub required: Spanned<bool>,
    /// `deprecated: true`, at its place.
    pub deprecated: Option<Span>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `style`, or the default of its location: `simple`, `form`, ….
    pub style: Spanned<String>,
    /// `explode`, or the default of its style.
    pub explode: Spanned<bool>,
    /// `allowReserved`.
    pub allow_reserved: bool,
    /// `schema`.
    pub schema: Option<SchemaId>,
    /// `content`, instead of a schema.
    pub content: Vec<MediaType>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// The place of the whole object.
    pub span: Span,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// `required`.
    pub required: Spanned<bool>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// Its bodies, by media type.
    pub content: Vec<MediaType>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// The key `requestBody`.
    pub key: Span,
    /// The place of the whole object.
    pub span: Span,
}

/// A body of one media type.
#[derive(Debug, Clone)]
pub struct MediaType {
    /// Its name as written, such as `application/json; charset=utf-8`, at the place of the key.
    pub name: Spanned<String>,
    /// `schema`.
    pub schema: Option<SchemaId>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// `encoding`, by property name.
    pub encoding: Vec<Encoding>,
    /// The place of the whole object.
    pub span: Span,
}

/// How a form property is serialised.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// The property.
    pub property: Spanned<String>,
    /// `contentType`.
    pub content_type: Option<Spanned<String>>,
    /// `style`.
    pub style: Option<Spanned<String>>,
    /// `explode`.
    pub explode: Option<Spanned<bool>>,
    /// `headers`.
    pub headers: Vec<Header>,
}

/// An example.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name under `examples`, or `example`, at the place of the key.
    pub name: Spanned<String>,
    /// `summary`.
    pub summary: Option<Spanned<String>>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `value`. Its ranges are in the file of `span`.
    pub value: Option<Arc<Node>>,
    /// The place of the whole object.
    pub span: Span,
}

/// The statuses that a response is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// One status, such as `404`.
    Code(u16),
    /// `4XX`: all statuses with this first digit.
    Range(u8),
    /// `default`: all statuses that have no response of their own.
    Default,
}

impl std::fmt::Display for Status {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Code(code) => write!(formatter, "{code}"),
            Status::Range(digit) => write!(formatter, "{digit}XX"),
            Status::Default => write!(formatter, "default"),
        }
    }
}

/// A response of an operation.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status, at the place of the key.
    pub status: Spanned<Status>,
    /// `description`; empty if there is none.
    pub description: Spanned<String>,
    /// `headers`.
    pub headers: Vec<Header>,
    /// Its bodies, by media type; empty if it has no body.
    pub content: Vec<MediaType>,
    /// `links`, by name.
    pub links: Vec<Entry>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// The place of the whole object.
    pub span: Span,
}

/// A header of a response.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// `required`.
    pub required: Spanned<bool>,
    /// `deprecated: true`, at its place.
    pub deprecated: Option<Span>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `schema`.
    pub schema: Option<SchemaId>,
    /// `content`, instead of a schema.
    pub content: Vec<MediaType>,
    /// `explode`, which is false by default.
    pub explode: Spanned<bool>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// The place of the whole object.
    pub span: Span,
}

/// The security requirements of a request: one of the alternatives must be satisfied. No alternative, or an empty one,
/// means no authentication.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// The alternatives. All schemes of an alternative are required together.
    pub alternatives: Vec<Vec<SchemeUse>>,
    /// The place of the list, if there is one.
    pub span: Option<Span>,
}

impl Security {
    /// Whether requests without credentials are accepted.
    pub fn is_open(&self) -> bool {
        self.alternatives.is_empty() || self.alternatives.iter().any(Vec::is_empty)
    }
}

/// A security scheme that a request has to satisfy.
#[derive(Debug, Clone)]
pub struct SchemeUse {
    /// The scheme's name under `components.securitySchemes`.
    pub name: Spanned<String>,
    /// The required scopes, all of them.
    pub scopes: Vec<Spanned<String>>,
}

/// A way to authenticate.
#[derive(Debug)]
pub struct SecurityScheme {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// The kind of scheme.
    pub kind: SchemeKind,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// The place of the whole object.
    pub span: Span,
}

/// The kinds of security schemes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemeKind {
    /// A key in a header, the query or a cookie.
    ApiKey {
        /// Where it is sent.
        location: Location,
        /// The name of the header, query parameter or cookie.
        name: String,
    },
    /// A scheme of the `Authorization` header, in lower case: `bearer`, `basic`, ….
    Http {
        /// The scheme.
        scheme: String,
    },
    /// OAuth 2.
    OAuth2 {
        /// Its flows with their URLs and available scopes.
        flows: Vec<OAuthFlow>,
    },
    /// OpenID Connect, with the discovery URL.
    OpenIdConnect(String),
    /// A client certificate.
    MutualTls,
    /// A type that is missing or not defined by OpenAPI.
    Other(String),
}

/// A flow of OAuth 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthFlow {
    /// `implicit`, `password`, `clientCredentials` or `authorizationCode`.
    pub name: String,
    /// `authorizationUrl`.
    pub authorization_url: Option<String>,
    /// `tokenUrl`.
    pub token_url: Option<String>,
    /// The available scopes.
    pub scopes: Vec<String>,
}

impl Document {
    /// The file that was opened.
    pub fn source(&self) -> &Arc<Source> {
        &self.files[0]
    }

    /// A labelled place of the document.
    pub fn place(&self, span: Span, label: impl Into<String>) -> Place {
        Place::new(&self.files[usize::from(span.file.0)], span.range(), label)
    }

    /// The schema as written.
    pub fn schema(&self, id: SchemaId) -> &Schema {
        &self.schemas[id.index()]
    }

    /// All schemas, of components and inline.
    pub fn schemas(&self) -> impl Iterator<Item = (SchemaId, &Schema)> {
        self.schemas.iter().enumerate().map(|(index, schema)| (SchemaId::at(index), schema))
    }

    /// The given schemas and all schemas that they contain or refer to, each once.
    pub fn reached(&self, roots: impl IntoIterator<Item = SchemaId>) -> impl Iterator<Item = SchemaId> {
        let mut open: Vec<SchemaId> = roots.into_iter().collect();
        let mut seen = HashSet::new();
        std::iter::from_fn(move || {
            while let Some(id) = open.pop() {
                if seen.insert(id) {
                    open.extend(self.schema(id).parts());
                    return Some(id);
                }
            }
            None
        })
    }

    /// A schema of `components.schemas`.
    pub fn component(&self, name: &str) -> Option<SchemaId> {
        self.by_name.get(name).copied()
    }

    /// The scheme of `components.securitySchemes` with this name.
    pub fn security_scheme(&self, name: &str) -> Option<&SecurityScheme> {
        self.security_schemes.iter().find(|scheme| scheme.name.value == name)
    }
}

/// A media type without its parameters, in lower case.
pub fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a documented media type, which may be a range such as `text/*`, covers another one.
pub fn covers(documented: &str, found: &str) -> bool {
    let (documented, found) = (essence(documented), essence(found));
    match documented.strip_suffix('*') {
        Some("*/") => true,
        Some(start) => found.starts_with(start),
        None => documented == found,
    }
}

impl Parameter {
    /// The schema of its value, also if that is described by `content`.
    pub fn value_schema(&self) -> Option<SchemaId> {
        self.schema.or_else(|| self.content.first().and_then(|media| media.schema))
    }
}

impl Operation {
    /// Its name for messages: its ID, or its method and path.
    pub fn label(&self) -> String {
        match &self.id {
            Some(id) => id.value.clone(),
            None => self.endpoint(),
        }
    }

    /// Its method and path, for messages.
    pub fn endpoint(&self) -> String {
        format!("{} {}", self.method.value, self.path.value)
    }

    /// The value of an extension.
    pub fn extension(&self, name: &str) -> Option<&Node> {
        self.extensions.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }
}
