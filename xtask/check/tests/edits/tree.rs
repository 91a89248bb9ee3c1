//! A contract as a plain tree, and what of it each operation takes and answers. Nothing of the model is used: these are
//! the rules of OpenAPI as a reader of the document applies them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    Parameter,
    Taken,
    Sent,
    /// Below `not`, in callbacks: nothing is claimed there.
    Unclear,
}

/// An operation.
pub struct Operation {
    /// Its ID, or method and path.
    pub label: String,
    pub call: String,
    pub method: String,
    pub path: String,
    pub at: String,
    pub parameters: Vec<String>,
    pub body: Option<String>,
    /// By status.
    pub responses: Vec<(String, String)>,
}

/// How a schema is come to.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Visit {
    /// What it and its members say is all that is said, and nothing else may be meant.
    Whole = 1,
    /// It is one of several that count together.
    Member = 2,
    /// It is an alternative, or below one.
    Alternative = 4,
}

/// A schema that values have to fit which go one way.
struct Node {
    way: Way,
    at: String,
    visits: u8,
    parents: Vec<usize>,
    operations: Vec<usize>,
}

impl Node {
    fn is(&self, visit: Visit) -> bool {
        self.visits & visit as u8 != 0
    }
}

/// An object or value, as all members of its `allOf` say together.
#[derive(Clone)]
pub struct Site {
    /// The schemas that say something.
    pub members: Vec<String>,
    pub has_alternatives: bool,
}

pub struct Tree {
    pub root: Value,
    pub is_3_1: bool,
    pub operations: Vec<Operation>,
    nodes: Vec<Node>,
    ids: HashMap<(String, Way), usize>,
}

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// Keys of a schema that say nothing of values.
const TEXTS: [&str; 7] = ["title", "description", "example", "examples", "deprecated", "externalDocs", "xml"];

pub fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

pub fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", escaped(key))
}

impl Tree {
    pub fn new(root: Value) -> Tree {
        let is_3_1 = root["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"));
        let mut tree = Tree { root, is_3_1, operations: Vec::new(), nodes: Vec::new(), ids: HashMap::new() };
        tree.read_operations();
        tree.walk();
        tree
    }

    pub fn at(&self, at: &str) -> &Value {
        self.root.pointer(at).unwrap_or(&Value::Null)
    }

    pub fn object(&self, at: &str) -> &Map<String, Value> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.at(at).as_object().unwrap_or(&NONE)
    }

    /// Where a chain of references ends.
    pub fn resolved(&self, at: &str) -> Option<String> {
        let mut at = at.to_owned();
        for _ in 0..20 {
            match self.at(&at).get("$ref").and_then(Value::as_str) {
                None => return (!self.at(&at).is_null()).then_some(at),
                Some(reference) => at = target(reference)?,
            }
        }
        None
    }

    fn read_operations(&mut self) {
        let mut operations = Vec::new();
        for path in self.object("/paths").keys() {
            let at_path = below("/paths", path);
            for method in METHODS {
                let at = below(&at_path, method);
                if !self.at(&at).is_object() {
                    continue;
                }
                let call = format!("{} {path}", method.to_uppercase());
                let label = self.at(&at)["operationId"].as_str().map_or_else(|| call.clone(), str::to_owned);
                let list = |at: &str| -> Vec<String> {
                    let count = self.at(&format!("{at}/parameters")).as_array().map_or(0, Vec::len);
                    (0..count).filter_map(|index| self.resolved(&format!("{at}/parameters/{index}"))).collect()
                };
                let own = list(&at);
                let key = |at: &String| (self.at(at)["name"].clone(), self.at(at)["in"].clone());
                let mut parameters = list(&at_path);
                parameters.retain(|shared| !own.iter().any(|own| key(own) == key(shared)));
                parameters.extend(own);
                let responses = self.object(&format!("{at}/responses"));
                let responses = responses.keys().filter_map(|status| {
                    Some((status.clone(), self.resolved(&below(&format!("{at}/responses"), status))?))
                });
                operations.push(Operation {
                    label,
                    call,
                    method: method.to_owned(),
                    path: path.clone(),
                    parameters,
                    body: self.resolved(&format!("{at}/requestBody")),
                    responses: responses.collect(),
                    at,
                });
            }
        }
        self.operations = operations;
    }

    /// The media types of a body or answer, by name.
    pub fn contents(&self, at: &str) -> Vec<(String, String)> {
        let at = format!("{at}/content");
        self.object(&at).keys().map(|name| (name.clone(), below(&at, name))).collect()
    }

    /// The headers of an answer, by name.
    pub fn headers(&self, at: &str) -> Vec<(String, String)> {
        let at = format!("{at}/headers");
        let names = self.object(&at).keys();
        names.filter_map(|name| Some((name.clone(), self.resolved(&below(&at, name))?))).collect()
    }

    fn walk(&mut self) {
        let mut open: Vec<(String, Way, Visit, Result<usize, usize>)> = Vec::new();
        for (index, operation) in self.operations.iter().enumerate() {
            let mut add = |at: String, way| open.push((at, way, Visit::Whole, Err(index)));
            let content = |at: &str| self.contents(at).into_iter().map(|(_, at)| format!("{at}/schema"));
            for parameter in &operation.parameters {
                add(format!("{parameter}/schema"), Way::Parameter);
                content(parameter).for_each(|at| add(at, Way::Parameter));
            }
            operation.body.iter().flat_map(|body| content(body)).for_each(|at| add(at, Way::Taken));
            for (_, response) in &operation.responses {
                content(response).for_each(|at| add(at, Way::Sent));
                self.headers(response).into_iter().for_each(|(_, at)| add(format!("{at}/schema"), Way::Sent));
            }
            for name in self.object(&format!("{}/callbacks", operation.at)).keys() {
                let at = below(&format!("{}/callbacks", operation.at), name);
                for expression in self.object(&at).keys() {
                    for method in METHODS {
                        let at = format!("{}/{method}", below(&at, expression));
                        if let Some(body) = self.resolved(&format!("{at}/requestBody")) {
                            content(&body).for_each(|at| add(at, Way::Unclear));
                        }
                        for status in self.object(&format!("{at}/responses")).keys() {
                            if let Some(response) = self.resolved(&below(&format!("{at}/responses"), status)) {
                                content(&response).for_each(|at| add(at, Way::Unclear));
                            }
                        }
                    }
                }
            }
        }
        open.reverse();
        while let Some((at, way, visit, from)) = open.pop() {
            if self.at(&at).is_null() {
                continue;
            }
            let key = (at.clone(), way);
            let is_known = self.ids.contains_key(&key);
            let id = *self.ids.entry(key).or_insert(self.nodes.len());
            if !is_known {
                let (parents, operations) = (Vec::new(), Vec::new());
                self.nodes.push(Node { way, at: at.clone(), visits: 0, parents, operations });
            }
            let node = &mut self.nodes[id];
            match from {
                Ok(parent) => node.parents.push(parent),
                Err(operation) => node.operations.push(operation),
            }
            if !node.is(visit) {
                node.visits |= visit as u8;
                open.extend(
                    self.children(&at, way, visit).into_iter().map(|(at, way, visit)| (at, way, visit, Ok(id))),
                );
            }
        }
    }

    fn children(&self, at: &str, way: Way, visit: Visit) -> Vec<(String, Way, Visit)> {
        let schema = self.at(at);
        let mut children = Vec::new();
        let target_of = |value: &Value| value["$ref"].as_str().and_then(target);
        let site = self.site(at);
        // Where one schema says it all, what leads to it says nothing.
        let part = if site.members.len() > 1 && visit == Visit::Whole { Visit::Member } else { visit };
        if let Some(target) = target_of(schema) {
            let is_all =
                !self.is_3_1 || self.object(at).keys().all(|key| key == "$ref" || TEXTS.contains(&key.as_str()));
            children.push((target, way, if is_all { visit } else { part }));
            if is_all {
                return children;
            }
        }
        let list = |key: &str| schema[key].as_array().map_or(0, Vec::len);
        for index in 0..list("allOf") {
            children.push((format!("{at}/allOf/{index}"), way, part));
        }
        for key in ["oneOf", "anyOf"] {
            for index in 0..list(key) {
                children.push((format!("{at}/{key}/{index}"), way, Visit::Alternative));
            }
        }
        let mapped = schema["discriminator"]["mapping"].as_object().into_iter().flat_map(|mapping| mapping.values());
        let mapped = mapped.filter_map(Value::as_str).filter_map(target);
        children.extend(mapped.map(|at| (at, way, Visit::Alternative)));
        children.push((format!("{at}/not"), Way::Unclear, Visit::Alternative));
        // What stands below several members is come to from all of them together.
        let members = if visit == Visit::Whole { site.members.clone() } else { vec![at.to_owned()] };
        for member in &members {
            for key in ["items", "additionalProperties"] {
                if self.at(member)[key].is_object() {
                    let is_alone = members.iter().filter(|member| self.at(member).get(key).is_some()).count() == 1;
                    let visit = if is_alone { visit } else { Visit::Alternative };
                    children.push((format!("{member}/{key}"), way, visit));
                }
            }
            for name in self.object(&format!("{member}/properties")).keys() {
                let has = |member: &&String| !self.at(&below(&format!("{member}/properties"), name)).is_null();
                let is_alone = members.iter().filter(has).count() == 1;
                if self.goes(member, name, way) {
                    let visit = if is_alone { visit } else { Visit::Alternative };
                    children.push((below(&format!("{member}/properties"), name), way, visit));
                }
            }
        }
        children
    }

    /// All that is said of a value.
    pub fn site(&self, at: &str) -> Site {
        let mut site = Site { members: Vec::new(), has_alternatives: false };
        let (mut open, mut seen) = (vec![at.to_owned()], BTreeSet::new());
        while let Some(at) = open.pop() {
            if !seen.insert(at.clone()) {
                continue;
            }
            let schema = self.object(&at);
            let reference = schema.get("$ref").and_then(Value::as_str);
            open.extend(reference.and_then(target));
            if reference.is_some() && !self.is_3_1 {
                continue;
            }
            let count = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
            open.extend((0..count).map(|index| format!("{at}/allOf/{index}")));
            site.has_alternatives |= schema.contains_key("oneOf") || schema.contains_key("anyOf");
            let says = |key: &str| !TEXTS.contains(&key) && !["$ref", "allOf"].contains(&key) && !key.starts_with("x-");
            if schema.keys().any(|key| says(key)) || self.at(&at).is_boolean() {
                site.members.push(at);
            }
        }
        site
    }

    /// The sites that values go through one way, past no alternative, and that somebody can change.
    pub fn sites(&self, way: Way) -> Vec<Site> {
        let plain = self.nodes.iter().filter(|node| node.way == way && node.is(Visit::Whole));
        let mut seen = BTreeSet::new();
        plain.map(|node| self.site(&node.at)).filter(|site| seen.insert(site.members.clone())).collect()
    }

    /// Those with one schema that says it all.
    pub fn values(&self, way: Way) -> Vec<String> {
        let sites = self.sites(way).into_iter().filter(|site| site.members.len() == 1 && !site.has_alternatives);
        let mut found: Vec<String> = sites.flat_map(|site| site.members).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The ways that values of a schema go, and whether always past no alternative.
    pub fn ways(&self, at: &str) -> (BTreeSet<Way>, bool) {
        let of_schema = [Way::Parameter, Way::Taken, Way::Sent, Way::Unclear].into_iter();
        let nodes: Vec<&Node> =
            of_schema.filter_map(|way| Some(&self.nodes[*self.ids.get(&(at.to_owned(), way))?])).collect();
        (nodes.iter().map(|node| node.way).collect(), nodes.iter().all(|node| !node.is(Visit::Alternative)))
    }

    /// The operations in which a schema is.
    pub fn operations_of(&self, at: &str) -> Vec<&Operation> {
        let ways = [Way::Parameter, Way::Taken, Way::Sent, Way::Unclear].into_iter();
        let mut open: Vec<usize> = ways.filter_map(|way| self.ids.get(&(at.to_owned(), way)).copied()).collect();
        let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::<usize>::new());
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                found.extend(&self.nodes[id].operations);
                open.extend(&self.nodes[id].parents);
            }
        }
        found.into_iter().map(|index| &self.operations[index]).collect()
    }

    /// The properties of an object by the members that have them.
    pub fn properties(&self, site: &Site) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for member in &site.members {
            for name in self.object(&format!("{member}/properties")).keys() {
                found.entry(name.clone()).or_default().push(member.clone());
            }
        }
        found
    }

    /// The members that require a property.
    pub fn requiring(&self, site: &Site, name: &str) -> Vec<String> {
        let requires = |member: &&String| {
            self.at(member)["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
        };
        site.members.iter().filter(requires).cloned().collect()
    }

    /// Whether a property may go this way at all.
    pub fn goes(&self, member: &str, name: &str, way: Way) -> bool {
        let at = below(&format!("{member}/properties"), name);
        let hides = if way == Way::Sent { "writeOnly" } else { "readOnly" };
        !self
            .site(&at)
            .members
            .iter()
            .any(|member| self.at(member)[hides] == true || self.at(member) == &Value::Bool(false))
    }

    /// The type of a schema, if it is one, and whether null fits too.
    pub fn kind(&self, at: &str) -> Option<(&str, bool)> {
        let schema = self.at(at);
        match &schema["type"] {
            Value::String(kind) => Some((kind, schema["nullable"] == true)),
            Value::Array(kinds) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                match kinds[..] {
                    [kind, "null"] | ["null", kind] => Some((kind, true)),
                    [kind] => Some((kind, false)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

fn target(reference: &str) -> Option<String> {
    let pointer = reference.strip_prefix('#')?;
    let mut bytes = Vec::new();
    let mut rest = pointer.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
