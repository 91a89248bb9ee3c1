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
