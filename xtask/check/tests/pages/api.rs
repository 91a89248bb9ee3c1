//! A contract as a writer reads it: operations with what they take and answer. Nothing of the model is used.

use serde_json::{Map, Value};

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Where a parameter stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub location: Location,
    pub required: bool,
    pub deprecated: bool,
    /// Where it stands, references followed.
    pub at: String,
    /// Its schema; that of its content if it has one.
    pub schema: String,
    pub has_content: bool,
}

#[derive(Debug, Clone)]
pub struct Media {
    pub name: String,
    pub at: String,
    pub schema: Option<String>,
}

impl Media {
    pub fn is_json(&self) -> bool {
        let name = self.name.split(';').next().unwrap_or_default().trim();
        name == "application/json" || name.ends_with("+json") || name == "*/*" || name == "application/*"
    }

    pub fn is_form(&self) -> bool {
        self.name.starts_with("multipart/form-data")
    }

    pub fn is_urlencoded(&self) -> bool {
        self.name.starts_with("application/x-www-form-urlencoded")
    }
}

#[derive(Debug, Clone)]
pub struct Body {
    pub required: bool,
    pub media: Vec<Media>,
}

impl Body {
    /// The media type that pages show.
    pub fn shown(&self) -> Option<&Media> {
        let by = |is: fn(&Media) -> bool| self.media.iter().find(|media| is(media));
        by(Media::is_json).or_else(|| by(Media::is_form)).or_else(|| by(Media::is_urlencoded)).or(self.media.first())
    }
}

#[derive(Debug, Clone)]
pub struct Response {
    /// `200`, `4XX`, `default`.
    pub status: String,
    pub description: String,
    pub media: Vec<Media>,
    /// The object of all responses that it stands in.
    pub all: String,
}

impl Response {
    pub fn code(&self) -> Option<u16> {
        self.status.parse().ok()
    }

    pub fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }

    pub fn json(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.is_json())
    }
}

/// How a caller shows who it is.
#[derive(Debug, Clone)]
pub enum Key {
    Bearer,
    Basic,
    Header(String),
    Query(String),
    Cookie(String),
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub index: usize,
    pub method: String,
    pub path: String,
    pub title: String,
    pub group: String,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub responses: Vec<Response>,
    pub keys: Vec<Key>,
    pub permission: Option<String>,
    /// Requests in a minute.
    pub rate_limit: Option<String>,
    /// The server's address without a slash at the end, and the path in it.
    pub server: String,
    pub base: String,
}

impl Operation {
    pub fn call(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether a status is one that it may answer with.
    pub fn answers(&self, code: u16) -> bool {
        let range = format!("{}XX", code / 100);
        let is = |known: &str| {
            known == code.to_string() || known.eq_ignore_ascii_case(&range) || known.eq_ignore_ascii_case("default")
        };
        self.responses.iter().any(|response| is(&response.status))
    }

    /// The successes with a status of their own.
    pub fn successes(&self) -> impl Iterator<Item = (u16, &Response)> {
        self.responses.iter().filter(|one| one.is_success()).filter_map(|one| Some((one.code()?, one)))
    }

    /// The errors with a status of their own.
    pub fn errors(&self) -> impl Iterator<Item = (u16, &Response)> {
        self.responses.iter().filter_map(|one| Some((one.code()?, one))).filter(|(code, _)| *code >= 400)
    }
}

pub struct Api {
    pub root: Value,
    /// The whole of it in one line.
    pub text: String,
    pub name: String,
    pub operations: Vec<Operation>,
}

pub fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Api {
    pub fn new(name: &str, root: Value) -> Api {
        let mut api = Api { text: root.to_string(), root, name: name.to_owned(), operations: Vec::new() };
        for path in api.keys("/paths") {
            let item = below("/paths", &path);
            for method in METHODS {
                if api.at(&item).get(method).is_some() && !path.contains(['?', '#', ' ', '*', '|', '<']) {
                    let operation = api.operation(&path, method, &item);
                    api.operations.push(operation);
                }
            }
        }
        api
    }

    pub fn at(&self, at: &str) -> &Value {
        self.root.pointer(at).unwrap_or(&Value::Null)
    }

    pub fn object(&self, at: &str) -> &Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.at(at).as_object().unwrap_or(&NONE)
    }

    fn keys(&self, at: &str) -> Vec<String> {
        self.object(at).keys().cloned().collect()
    }

    pub fn text(&self, at: &str) -> String {
        self.at(at).as_str().unwrap_or_default().to_owned()
    }

    /// Where a chain of references ends; nothing if it leaves the document.
    pub fn resolved(&self, at: &str) -> Option<String> {
        let mut at = at.to_owned();
        for _ in 0..20 {
            match self.at(&at).get("$ref").and_then(Value::as_str) {
                Some(reference) => at = decoded(reference.strip_prefix('#')?),
                None => return (!self.at(&at).is_null()).then_some(at),
            }
        }
        None
    }

    fn list(&self, at: &str) -> Vec<String> {
        let count = self.at(at).as_array().map_or(0, Vec::len);
        (0..count).filter_map(|index| self.resolved(&format!("{at}/{index}"))).collect()
    }

    fn operation(&self, path: &str, method: &str, item: &str) -> Operation {
        let at = below(item, method);
        let mut parameters: Vec<Parameter> = Vec::new();
        for place in self.list(&format!("{at}/parameters")).into_iter().chain(self.list(&format!("{item}/parameters")))
        {
            let Some(parameter) = self.parameter(&place) else { continue };
            let is = |known: &Parameter| known.name == parameter.name && known.location == parameter.location;
            if !parameters.iter().any(is) {
                parameters.push(parameter);
            }
        }
        parameters.sort_by_key(|parameter| parameter.location);
        let all = format!("{at}/responses");
        let responses = self.keys(&all).into_iter().filter(|status| !status.starts_with("x-"));
        let responses = responses.filter_map(|status| {
            let at = self.resolved(&below(&all, &status))?;
            let (description, media) = (self.text(&format!("{at}/description")), self.media(&at));
            Some(Response { status, description, media, all: all.clone() })
        });
        let body = self
            .resolved(&format!("{at}/requestBody"))
            .map(|at| Body { required: self.at(&at)["required"] == true, media: self.media(&at) });
        let (server, base) = self.server(&[&at, item, ""]);
        let first = path.split('/').find(|part| !part.is_empty() && !part.starts_with('{')).unwrap_or("api");
        Operation {
            index: self.operations.len(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            title: self.title(&at, method, path),
            group: first.to_owned(),
            parameters,
            body,
            responses: responses.collect(),
            keys: self.security(&at),
            permission: self.at(&at)["x-required-permission"].as_str().map(str::to_owned),
            rate_limit: self.rate_limit(&at),
            server,
            base,
        }
    }

    fn parameter(&self, at: &str) -> Option<Parameter> {
        let name = self.text(&format!("{at}/name"));
        let location = match self.at(at)["in"].as_str()? {
            "path" => Location::Path,
            "query" => Location::Query,
            "cookie" => Location::Cookie,
            // OpenAPI ignores parameters with these names.
            "header" if !["accept", "content-type", "authorization"].contains(&&*name.to_lowercase()) => {
                Location::Header
            }
            _ => return None,
        };
        let content = self.keys(&format!("{at}/content")).into_iter().next();
        let schema = match &content {
            Some(media) => format!("{}/schema", below(&format!("{at}/content"), media)),
            None => format!("{at}/schema"),
        };
        let required = self.at(at)["required"] == true || location == Location::Path;
        let deprecated = self.at(at)["deprecated"] == true;
        Some(Parameter { name, location, required, deprecated, at: at.into(), schema, has_content: content.is_some() })
    }

    fn media(&self, at: &str) -> Vec<Media> {
        let all = format!("{at}/content");
        let one = |name: String| {
            let at = below(&all, &name);
            let schema = self.at(&at).get("schema").is_some().then(|| format!("{at}/schema"));
            Media { name, at, schema }
        };
        self.keys(&all).into_iter().map(one).collect()
    }
}

fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = pointer.bytes();
    while let Some(byte) = rest.next() {
        let digits = || rest.clone().take(2).collect::<Vec<u8>>();
        match (byte, std::str::from_utf8(&digits()).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest.nth(1);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}
