//! Decides what may be sent to the server. Nothing reaches it without a [`Permitted`], and only the gate makes one.
//!
//! GET, HEAD and OPTIONS may always be sent. Other methods need the operation to be named by the user; then they may
//! be sent to its path and to no other. Headers that make a server read a request as another one are never sent,
//! unless everything may be.

use openapi_model::paths;

use super::operation::{Operation, Plan};
use super::percent::decoded;
use super::route::{plain, values};
use super::wire::{Request, Sent};

/// Methods that change nothing.
pub(super) const SAFE_METHODS: &[&str] = &["GET", "HEAD", "OPTIONS"];

/// Headers with another method or path than that of the request, which some servers prefer.
const OVERRIDES: &[&str] = &[
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-forwarded-method",
    "x-forwarded-uri",
];
/// Query parameters with another method, which some frameworks prefer.
const METHOD_PARAMETERS: &[&str] = &["_method", "x-http-method-override"];

/// Decides what may be sent.
pub(super) struct Gate {
    /// Whether everything may be sent.
    everything: bool,
    /// Whether the user forbids more than the safe methods.
    read_only: bool,
    /// The operations whose methods are not safe.
    operations: Vec<Unsafe>,
}

/// An operation whose method is not safe.
struct Unsafe {
    id: String,
    method: String,
    path: String,
    is_permitted: bool,
}

/// A request that may be sent.
pub(super) struct Permitted<'a>(&'a Request);

impl<'a> Permitted<'a> {
    /// The request.
    pub fn request(&self) -> &'a Request {
        self.0
    }
}

impl Gate {
    /// A gate for operations. `named` are the operations whose requests may be sent although their methods are not
    /// safe: IDs, or method and path. `read_only` overrides everything else.
    pub fn new(plan: &Plan, named: &[&str], everything: bool, read_only: bool) -> Gate {
        let everything = (everything || named.contains(&"*")) && !read_only;
        let is_named = |id: &str, method: &str, path: &str| {
            everything || !read_only && named.iter().any(|name| *name == id || *name == format!("{method} {path}"))
        };
        let tested = plan.operations.iter().map(|it| (&it.id.value, &it.method.value, &it.path.value));
        let all = tested.chain(plan.untried.iter().map(|it| (&it.id, &it.method, &it.path)));
        let operations = all
            .filter(|(_, method, _)| !SAFE_METHODS.contains(&method.as_str()))
            .map(|(id, method, path)| Unsafe {
                id: id.clone(),
                method: method.clone(),
                path: path.clone(),
                is_permitted: is_named(id, method, path),
            })
            .collect();
        Gate { everything, read_only, operations }
    }

    /// Whether everything may be sent.
    pub fn is_open(&self) -> bool {
        self.everything
    }

    /// Whether requests of an operation may be sent.
    pub fn permits_operation(&self, operation: &Operation) -> bool {
        self.permits_call(&operation.method, &operation.path)
    }

    /// Whether requests with the method and the path of an operation may be sent.
    pub fn permits_call(&self, method: &str, path: &str) -> bool {
        SAFE_METHODS.contains(&method)
            || self.operations.iter().any(|it| it.is_permitted && it.method == method && it.path == path)
    }

    /// Whether some request with this method may be sent to the path of an operation.
    pub fn permits_method(&self, operation: &Operation, method: &str) -> bool {
        self.everything || self.permits_call(method, &operation.path)
    }

    /// Whether a header may be sent.
    pub fn permits_header(&self, name: &str) -> bool {
        self.everything || !OVERRIDES.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The request, if it may be sent. `sent` is how it will be sent.
    ///
    /// # Errors
    ///
    /// Why it may not be sent.
    pub fn permit<'a>(&self, request: &'a Request, sent: Option<&Sent>) -> Result<Permitted<'a>, String> {
        if self.everything {
            return Ok(Permitted(request));
        }
        if let Some((name, _)) = request.extra.headers.iter().find(|(name, _)| !self.permits_header(name)) {
            return Err(format!("the header `{name}` may not be sent"));
        }
        let query = sent.map(|sent| sent.query.as_str()).unwrap_or_default();
        let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        let is_method = |name: String| METHOD_PARAMETERS.contains(&name.to_ascii_lowercase().as_str());
        if names.any(|name| decoded(name).is_some_and(is_method)) {
            return Err("a query parameter that names a method may not be sent".to_owned());
        }
        if SAFE_METHODS.contains(&request.method.as_str()) {
            return Ok(Permitted(request));
        }
        let path = sent.map(|sent| sent.path.as_str()).unwrap_or_default();
        match self.is_of_permitted_operation(&request.method, path) {
            true => Ok(Permitted(request)),
            false => Err(format!("{} {path} may not be sent", request.method)),
        }
    }

    /// Whether a method and a path are those of a permitted operation, and no server could take them for another one.
    fn is_of_permitted_operation(&self, method: &str, path: &str) -> bool {
        let is_clean = path.split('/').all(|part| decoded(part).is_some_and(|text| is_segment(&text)));
        let exact = |it: &&Unsafe| it.method == method && values(&it.path, path, str::eq).is_some();
        let fewest = |it: &&Unsafe| paths::variables(&it.path).len();
        let Some(permitted) = self.operations.iter().filter(|it| it.is_permitted).filter(exact).min_by_key(fewest)
        else {
            return false;
        };
        let lenient = plain(path);
        let is_taken_first = |it: &Unsafe| {
            !it.is_permitted
                && it.method == method
                && fewest(&it) <= fewest(&permitted)
                && values(&it.path, &lenient, str::eq_ignore_ascii_case).is_some()
        };
        is_clean && !self.operations.iter().any(is_taken_first)
    }

    /// What will be sent and what not, for people.
    pub fn description(&self) -> String {
        if self.everything {
            return "everything may be sent, also what changes data and what the contract does not have".to_owned();
        }
        let list = |is_permitted: bool| {
            let some = self.operations.iter().filter(|it| it.is_permitted == is_permitted);
            let some: Vec<String> = some.map(|it| format!("{} ({} {})", it.id, it.method, it.path)).collect();
            (!some.is_empty()).then(|| some.join(", "))
        };
        let sent = list(true).map(|some| format!(", and requests of {some}")).unwrap_or_default();
        let how = if self.read_only { "" } else { "; permit one with --send" };
        let not_sent = list(false).map(|some| format!("; not sent: {some}{how}")).unwrap_or_default();
        format!("only GET, HEAD and OPTIONS will be sent{sent}{not_sent}")
    }
}

/// Whether a decoded text is one segment of a path for every server: some ignore what follows a semicolon, resolve dots
/// and slashes that are encoded, or decode twice.
fn is_segment(text: &str) -> bool {
    let is_one =
        !text.contains(['/', '\\', '\0']) && !matches!(text.split(';').next().unwrap_or(text).trim(), "." | "..");
    is_one && decoded(text).is_none_or(|again| again == text || is_segment(&again))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use apidrift_core::contract::Contract;
    use apidrift_core::settings::Conform;
    use openapi_model::source::Source;

    use super::super::credentials::Authorization;
    use super::super::wire::Extra;
    use super::*;

    fn is_permitted(method: &str, path: &str, query: &str) -> bool {
        let text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a/{b}:\n    \
                    parameters: [{name: b, in: path, required: true, schema: {type: string}}]\n    \
                    delete: {operationId: remove, responses: {'204': {description: d}}}\n";
        let contract = Contract::read(&Source::new("a.yaml", text), None, None).unwrap();
        let gate = Gate::new(&Plan::of(&contract, &Conform::default()), &["remove"], false, false);
        let sent = Sent { path: path.to_owned(), query: query.to_owned(), headers: 0 };
        let (authorization, extra) = (Authorization::none(), Extra::default());
        let path = format!("{path}?{query}");
        let request = Request { method: method.to_owned(), path, authorization, extra, made_up: Vec::new() };
        gate.permit(&request, Some(&sent)).is_ok()
    }

    #[test]
    fn no_spelling_leads_to_another_path_or_method() {
        assert!(is_permitted("DELETE", "/a/7", "") && is_permitted("DELETE", "/a/%25", ""));
        for path in ["/a/7%2F..", "/a/7%252F%2e%2e", "/a/%252e%252e", "/a/%25252e%25252e;x", "/a/", "/b/7"] {
            assert!(!is_permitted("DELETE", path, ""), "{path}");
        }
        assert!(is_permitted("GET", "/a/7", "method=DELETE"));
        for query in ["_method=DELETE", "a=b&_METHOD=DELETE", "%5F%4Dethod=DELETE"] {
            assert!(!is_permitted("GET", "/a/7", query), "{query}");
        }
    }
}
