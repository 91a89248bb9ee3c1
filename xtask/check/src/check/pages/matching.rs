//! Determines which operation an endpoint on a page is: exactly one, or none. Names of variables, the path of a server,
//! a trailing slash and a query are ignored; similarity is never a match.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use openapi_model::paths::{anonymous, call};
use regex::Regex;

use super::basis::Basis;
use super::urls;
use crate::page::{Endpoint, METHODS, Page, pattern};
use apidrift_core::contract::Operation;

static BASE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:base|basis|root)[ -]?(?:url|uri|path|pfad)\b|url de base|url base|ruta base|ベース|基本 ?url|基础|기본 ?url",
    )
});
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:https?://[^\s/`<>]+|<[\w -]+>|\{\{?[\w ]+\}?\}|\$\{?\w+\}?)(/[^\s`?#,;)]*)?"));
static PATH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:^|[\s`])(/[\w./{}:-]+)"));

/// A placeholder in the path of an example: `$ID`, `${ID}`, `<id>`, `__ID__`.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$(?:\w+|\{\w+\})|<[\w -]+>|(?:^|\b)__\w+?__(?:\b|$)"));

/// The result of matching an endpoint.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// An operation.
    Operation(&'a Operation),
    /// An operation that is left out of the comparison.
    SetAside,
    /// No existing operation.
    Nothing,
    /// An endpoint of another API: no path of the contract begins like it.
    Elsewhere,
    /// An endpoint below a base path that is not the contract's.
    OtherBase,
}

impl<'a> Target<'a> {
    pub fn operation(&self) -> Option<&'a Operation> {
        match self {
            Target::Operation(operation) => Some(operation),
            _ => None,
        }
    }
}

/// The prefix by which paths on pages differ from those of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prefix {
    /// Pages omit it.
    LeftOut(String),
    /// Pages add it.
    Added(String),
}

/// Finds the operations of endpoints.
pub struct Matcher<'a> {
    by_call: HashMap<String, &'a Operation>,
    set_aside: BTreeSet<&'a str>,
    /// The path prefixes of servers, such as `/v1`.
    folders: BTreeSet<String>,
    /// The prefixes of paths, by method and remaining path.
    beginnings: HashMap<(String, String), Vec<String>>,
    /// The operations with their path segments, by method and number of segments.
    by_length: HashMap<(String, usize), Vec<Split<'a>>>,
    first_parts: BTreeSet<String>,
}

/// The segments of an operation's path, and the operation.
type Split<'a> = (Vec<String>, &'a Operation);

/// A path, normalised for comparison.
fn plain(path: &str) -> String {
    let path = path.split(['?', '#', '[']).next().unwrap_or_default();
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let path = if path.contains(['$', '<', '_']) { VARIABLE.replace_all(path, "{}") } else { path.into() };
    anonymous(&format!("{slash}{path}"))
}

/// The rest of a path after a prefix that consists of whole segments.
fn below<'p>(path: &'p str, beginning: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(beginning)?;
    if rest.is_empty() { Some("/") } else { Some(rest).filter(|rest| rest.starts_with('/')) }
}

/// The ways to split a path before one of its segments, except the first.
fn cuts(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('/').filter(|(at, _)| *at > 0).map(|(at, _)| path.split_at(at))
}

impl<'a> Matcher<'a> {
    pub fn new(basis: &Basis<'a>) -> Matcher<'a> {
        let mut matcher = Matcher {
            by_call: HashMap::new(),
            set_aside: basis.set_aside.iter().map(String::as_str).collect(),
            folders: BTreeSet::new(),
            beginnings: HashMap::new(),
            by_length: HashMap::new(),
            first_parts: BTreeSet::new(),
        };
        let own = basis.operations().flat_map(|operation| &operation.spec.servers);
        for server in basis.document().servers.iter().chain(own) {
            let folder = urls::split(&server.url).1.trim_end_matches('/');
            if !folder.is_empty() {
                matcher.folders.insert(plain(folder));
            }
        }
        for operation in &basis.contract.operations {
            let path = plain(&operation.path);
            matcher.first_parts.extend(path.split('/').nth(1).map(str::to_owned));
            let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
            let key = (operation.method.value.clone(), parts.len());
            matcher.by_length.entry(key).or_default().push((parts, operation));
            for (beginning, rest) in cuts(&path) {
                let key = (operation.method.value.clone(), rest.to_owned());
                matcher.beginnings.entry(key).or_default().push(beginning.to_owned());
            }
            matcher.by_call.insert(call(&operation.method, &path), operation);
        }
        matcher
    }

    /// The operation with a method and a path of the contract.
    fn exact(&self, method: &str, path: &str) -> Option<Target<'a>> {
        let operation = self.by_call.get(&format!("{method} {path}"))?;
        let is_aside = self.set_aside.contains(operation.call().as_str());
        Some(if is_aside { Target::SetAside } else { Target::Operation(operation) })
    }

    /// The operation with a method and a path, which may begin with the path of a server.
    fn below_servers(&self, method: &str, path: &str) -> Option<Target<'a>> {
        self.exact(method, path)
            .or_else(|| self.folders.iter().find_map(|folder| self.exact(method, below(path, folder)?)))
    }

    /// The prefix that most endpoints add or omit: at least three, and four of five.
    pub fn vote(&self, endpoints: &[&Endpoint]) -> Option<Prefix> {
        let mut votes: BTreeMap<Prefix, usize> = BTreeMap::new();
        for endpoint in endpoints {
            let (method, path) = (&endpoint.method.value, plain(&endpoint.path));
            let key = (method.clone(), path.clone());
            let left_out: BTreeSet<&String> = self.beginnings.get(&key).into_iter().flatten().collect();
            for beginning in left_out {
                *votes.entry(Prefix::LeftOut(beginning.clone())).or_default() += 1;
            }
            for (beginning, rest) in cuts(&path) {
                if self.exact(method, rest).is_some() {
                    *votes.entry(Prefix::Added(beginning.to_owned())).or_default() += 1;
                }
            }
        }
        let (prefix, votes) = votes.into_iter().max_by_key(|(_, votes)| *votes)?;
        (votes >= 3 && votes * 5 >= endpoints.len() * 4).then_some(prefix)
    }

    /// The target of an endpoint on a page whose paths are below `base` and have `prefix`.
    pub fn target(&self, endpoint: &Endpoint, base: Option<&str>, prefix: Option<&Prefix>) -> Target<'a> {
        let (method, path) = (endpoint.method.as_str(), plain(&endpoint.path));
        if let Some(base) = base.map(plain).filter(|base| base != "/") {
            let is_below =
                path.strip_prefix(base.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let whole = if is_below { path.clone() } else { format!("{base}{path}") };
            let is_known = self.knows_base(&base);
            // The path may still be written from the root.
            let found =
                self.below_servers(method, &whole).or_else(|| self.below_servers(method, &path).filter(|_| is_known));
            return found.unwrap_or(if is_known { Target::Nothing } else { Target::OtherBase });
        }
        if let Some(found) = self.below_servers(method, &path) {
            return found;
        }
        let found = prefix.and_then(|prefix| match prefix {
            Prefix::LeftOut(beginning) => self.exact(method, &format!("{beginning}{path}")),
            Prefix::Added(beginning) => self.exact(method, below(&path, beginning)?),
        });
        found.unwrap_or(if prefix.is_some() || self.knows_start(&path) { Target::Nothing } else { Target::Elsewhere })
    }

    /// Whether a base path stated on a page is one of the contract's.
    fn knows_base(&self, base: &str) -> bool {
        let is_below = |path: &str| path == base || path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        self.folders.contains(base)
            || self.by_call.keys().any(|call| call.split_once(' ').is_some_and(|(_, path)| is_below(path)))
    }

    /// Whether `path` is `below` with the path of a server in front, both as written.
    pub fn is_below_server(&self, path: &str, below: &str) -> bool {
        path.strip_suffix(below).is_some_and(|folder| self.folders.contains(folder))
    }

    /// Whether a path begins like some path of the contract.
    pub fn knows(&self, path: &str) -> bool {
        self.knows_start(&plain(path))
    }

    /// Whether the first segment of a path, after a server's path, is the first segment of some path of the contract.
    fn knows_start(&self, path: &str) -> bool {
        let below = self.folders.iter().filter_map(|folder| below(path, folder));
        std::iter::once(path)
            .chain(below)
            .any(|path| path.split('/').nth(1).is_some_and(|part| self.first_parts.contains(part)))
    }

    /// The operations at an endpoint's path, with any method.
    pub fn methods_at(&self, path: &str, prefix: Option<&Prefix>) -> Vec<&'a Operation> {
        let path = plain(path);
        let at = |method: &str| {
            let found = self.below_servers(method, &path).or_else(|| match prefix? {
                Prefix::LeftOut(beginning) => self.exact(method, &format!("{beginning}{path}")),
                Prefix::Added(beginning) => self.exact(method, below(&path, beginning)?),
            });
            found?.operation()
        };
        METHODS.split('|').filter_map(at).collect()
    }

    /// The operation that a request with values in its path calls. A literal segment matches only itself.
    pub fn asked(&self, method: &str, path: &str, prefix: Option<&Prefix>) -> Option<&'a Operation> {
        let path = plain(path);
        let shorter = self.folders.iter().filter_map(|folder| below(&path, folder).map(str::to_owned));
        let voted = prefix.and_then(|prefix| match prefix {
            Prefix::LeftOut(beginning) => Some(format!("{beginning}{path}")),
            Prefix::Added(beginning) => below(&path, beginning).map(str::to_owned),
        });
        let paths: Vec<String> = std::iter::once(path.clone()).chain(shorter).chain(voted).collect();
        paths.iter().find_map(|path| self.asked_below(method, path))
    }

    fn asked_below(&self, method: &str, path: &str) -> Option<&'a Operation> {
        if let Some(found) = self.exact(method, path) {
            return found.operation();
        }
        let given: Vec<&str> = path.split('/').collect();
        let candidates = self.by_length.get(&(method.to_owned(), given.len()))?;
        let fits = |wanted: &[String]| {
            let variables = wanted.iter().zip(&given).map(|(wanted, given)| match wanted == *given {
                true => Some(0),
                // Most segments of most paths are different words.
                false if !wanted.contains(['{', '%']) && !given.contains('%') => None,
                false => urls::fits_part(wanted, given).then_some(1),
            });
            variables.sum::<Option<usize>>()
        };
        // A path with fewer variables is more specific.
        let mut fitting: Vec<(usize, &Operation)> =
            candidates.iter().filter_map(|(parts, operation)| Some((fits(parts)?, *operation))).collect();
        fitting.sort_by_key(|(variables, _)| *variables);
        match fitting.as_slice() {
            [(_, only)] => Some(only),
            [(nearest, first), (next, _), ..] if nearest < next => Some(first),
            _ => None,
        }
    }
}

/// The base paths that a page states, and where: each applies until the next.
pub fn stated_bases(page: &Page) -> Vec<(usize, String)> {
    let paragraphs = page.paragraphs.iter().filter(|paragraph| BASE.is_match(&paragraph.text));
    let base = |text: &str| {
        let address = ADDRESS.captures(text).map(|found| found.get(1).map_or("", |path| path.as_str()).to_owned());
        address.or_else(|| PATH.captures(text).map(|found| found[1].to_owned()))
    };
    let found = paragraphs.filter_map(|paragraph| {
        let base = base(&paragraph.text)?.trim_end_matches(['.', '/', '*']).to_owned();
        Some((paragraph.range.start, base))
    });
    found.collect()
}
