//! The document: its operations and what they take and answer, each with its place.
//!
//! References to parameters, bodies, answers, headers, examples and path items are followed while reading: what they
//! lead to stands where they stood, with the place of what they lead to. Schemas are kept apart, see [`crate::schema`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::meaning::Shapes;
use crate::node::{Entry, Node};
use crate::problem::Problem;
use crate::schema::{Schema, SchemaId};
use crate::source::{Place, Source};
use crate::span::{Span, Spanned};

/// Which OpenAPI a document is written in.
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
    /// Its files; the one that was opened first.
    pub files: Vec<Arc<Source>>,
    /// What the opened file holds, as it was written.
    pub root: Node,
    /// What it is written in.
    pub version: Version,
    /// `openapi`, as it was written.
    pub openapi: Spanned<String>,
    /// `info`.
    pub info: Info,
    /// `servers`.
    pub servers: Vec<Server>,
    /// `tags`.
    pub tags: Vec<Tag>,
    /// `security`: what a request has to prove where an operation does not say.
    pub security: Security,
    /// The key `paths`.
    pub paths: Option<Span>,
    /// The key `components.schemas`.
    pub schemas_key: Option<Span>,
    /// The operations, in the order in which they stand.
    pub operations: Vec<Arc<Operation>>,
    /// The operations of `webhooks`, which the API calls. Their path is the webhook's name.
    pub webhooks: Vec<Arc<Operation>>,
    /// `components.schemas`, in the order in which they stand.
    pub components: Vec<(Spanned<String>, SchemaId)>,
    /// `components.securitySchemes`.
    pub security_schemes: Vec<SecurityScheme>,
    /// What in the document makes no sense, or could not be followed, in the order of places.
    pub problems: Vec<Problem>,
    /// The schemas of `components` by name.
    pub(crate) by_name: HashMap<String, SchemaId>,
    /// Every schema, wherever it stands.
    pub(crate) schemas: Vec<Schema>,
    /// What they mean, computed on demand.
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
    /// All of it; nothing if there is none.
    pub span: Option<Span>,
}

/// A server of `servers`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its URL, with variables in braces.
    pub url: Spanned<String>,
    /// Its variables.
    pub variables: Vec<ServerVariable>,
}

/// A variable of a server's URL.
#[derive(Debug, Clone)]
pub struct ServerVariable {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// `default`: its value where nothing is said.
    pub default: Option<String>,
    /// `enum`: the only values that it may have.
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
    /// The path as it is written under `paths`, at the place of the key.
    pub path: Spanned<String>,
    /// All of it.
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
    /// Its parameters and those of its path that it does not override, in the order in which they stand: the path's first.
    pub parameters: Vec<Parameter>,
    /// `requestBody`.
    pub body: Option<RequestBody>,
    /// `responses`, in the order in which they stand.
    pub responses: Vec<Response>,
    /// What a request has to prove: its own `security`, or else the document's.
    pub security: Security,
    /// Servers of its own or of its path; none means those of the document.
    pub servers: Vec<Server>,
    /// The operations of `callbacks`; their path is the callback's expression, after its name and a blank.
    pub callbacks: Vec<Operation>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// What of it could not be read, such as a parameter without a name, or a `$ref` that leads nowhere. References inside
    /// schemas are told by [`Schema::reference`].
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
    /// One of its answers.
    Responses,
    /// Its security requirements.
    Security,
    /// Something else.
    Other,
}

/// Where a parameter stands in a request.
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
    /// `required`, at the place of its value; parameters of the path always are.
    pub required: Spanned<bool>,
    /// `deprecated: true`, at its place.
    pub deprecated: Option<Span>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// `style`, or the one that its location has by default: `simple`, `form`, ….
    pub style: Spanned<String>,
    /// `explode`, or what its style has by default.
    pub explode: Spanned<bool>,
    /// `allowReserved`.
    pub allow_reserved: bool,
    /// `schema`.
    pub schema: Option<SchemaId>,
    /// `content`, in place of a schema.
    pub content: Vec<MediaType>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// All of it.
    pub span: Span,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// `required`.
    pub required: Spanned<bool>,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// Its forms, by media type.
    pub content: Vec<MediaType>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// The key `requestBody`.
    pub key: Span,
    /// All of it.
    pub span: Span,
}

/// One form of a body.
#[derive(Debug, Clone)]
pub struct MediaType {
    /// Its name as it is written, such as `application/json; charset=utf-8`, at the place of the key.
    pub name: Spanned<String>,
    /// `schema`.
    pub schema: Option<SchemaId>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// `encoding`, by the name of the property.
    pub encoding: Vec<Encoding>,
    /// All of it.
    pub span: Span,
}

/// How a property of a form is written.
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
    /// All of it.
    pub span: Span,
}

/// Which answers a response is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// One status, such as `404`.
    Code(u16),
    /// `4XX`: all statuses with this first digit.
    Range(u8),
    /// `default`: all others.
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

/// An answer of an operation.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status, at the place of the key.
    pub status: Spanned<Status>,
    /// `description`; empty if there is none.
    pub description: Spanned<String>,
    /// `headers`.
    pub headers: Vec<Header>,
    /// Its bodies, by media type; none where it has no body.
    pub content: Vec<MediaType>,
    /// `links`, by name.
    pub links: Vec<Entry>,
    /// Keys that begin with `x-`.
    pub extensions: Vec<Entry>,
    /// All of it.
    pub span: Span,
}

/// A header of an answer.
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
    /// `content`, in place of a schema.
    pub content: Vec<MediaType>,
    /// `explode`, which is false by default.
    pub explode: Spanned<bool>,
    /// `example` and `examples`.
    pub examples: Vec<Example>,
    /// All of it.
    pub span: Span,
}

/// What a request must prove: one of the alternatives. No alternative, or an empty one, means no authentication.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// The alternatives, each of which is all of its schemes together.
    pub alternatives: Vec<Vec<SchemeUse>>,
    /// The list, where there is one.
    pub span: Option<Span>,
}

impl Security {
    /// Whether a request without any proof is let in.
    pub fn is_open(&self) -> bool {
        self.alternatives.is_empty() || self.alternatives.iter().any(Vec::is_empty)
    }
}

/// A security scheme that a request has to satisfy.
#[derive(Debug, Clone)]
pub struct SchemeUse {
    /// The scheme's name under `components.securitySchemes`.
    pub name: Spanned<String>,
    /// The scopes that are needed, all of them.
    pub scopes: Vec<Spanned<String>>,
}

/// A way to authenticate.
#[derive(Debug)]
pub struct SecurityScheme {
    /// Its name, at the place of the key.
    pub name: Spanned<String>,
    /// What it is.
    pub kind: SchemeKind,
    /// `description`.
    pub description: Option<Spanned<String>>,
    /// All of it.
    pub span: Span,
}

/// What a security scheme is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemeKind {
    /// A key in a header, the query or a cookie.
    ApiKey {
        /// Where.
        location: Location,
        /// Under which name.
        name: String,
    },
    /// A scheme of the `Authorization` header, in small letters: `bearer`, `basic`, ….
    Http {
        /// The scheme.
        scheme: String,
    },
    /// OAuth 2.
    OAuth2 {
        /// Its flows with their URLs and the scopes that there are.
        flows: Vec<OAuthFlow>,
    },
    /// OpenID Connect, with the URL that describes it.
    OpenIdConnect(String),
    /// A certificate of the client's.
    MutualTls,
    /// A type that OpenAPI does not know, or none.
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
    /// The scopes that there are.
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

    /// A schema, as it is written.
    pub fn schema(&self, id: SchemaId) -> &Schema {
        &self.schemas[id.index()]
    }

    /// All schemas, wherever they stand.
    pub fn schemas(&self) -> impl Iterator<Item = (SchemaId, &Schema)> {
        self.schemas.iter().enumerate().map(|(index, schema)| (SchemaId::at(index), schema))
    }

    /// The schemas that some are made of or refer to, they themselves among them, each once.
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

    /// The scheme of `components.securitySchemes` that a requirement names.
    pub fn security_scheme(&self, name: &str) -> Option<&SecurityScheme> {
        self.security_schemes.iter().find(|scheme| scheme.name.value == name)
    }
}

impl Operation {
    /// How it is called in messages: its ID, or its method and path.
    pub fn label(&self) -> String {
        match &self.id {
            Some(id) => id.value.clone(),
            None => self.endpoint(),
        }
    }

    /// Its method and path, as messages have them.
    pub fn endpoint(&self) -> String {
        format!("{} {}", self.method.value, self.path.value)
    }

    /// The value of an extension.
    pub fn extension(&self, name: &str) -> Option<&Node> {
        self.extensions.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }
}
