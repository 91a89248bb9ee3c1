//! Example requests: `curl` commands, which must work.

use std::ops::Range;

use openapi_model::document::{Location, Parameter, SchemeKind, SchemeUse, Server};
use openapi_model::node::Node;
use openapi_model::span::Span;
use openapi_model::values::Direction;

use super::about::About;
use super::endpoint::Section;
use super::objects;
use super::parameter_text::{self};
use super::shapes::{Others, Variants};
use super::urls::{divide, matches, split, variables};
use crate::page::{self, CodeBlock, Malformed, Request, Written};
use apidrift_core::contract::json;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

impl<'a> About<'a, '_> {
    /// The page must show a command for its operation, and every command must be valid for that or for another
    /// operation beside it.
    pub(super) fn request(&self, section: &Section<'_>) -> Vec<Finding> {
        let requests: Vec<&Request> = section.requests.iter().filter(|request| !request.is_raw).collect();
        let mut findings = self.malformed(section);
        if requests.is_empty() && findings.is_empty() {
            let (method, path) = (&self.operation.method.value, &self.operation.path.value);
            let finding =
                Finding::at(Rule::PageRequestMissing, self.page.top("this page"), "the page shows no example request");
            let finding = finding.with(self.basis.place(self.operation.id.span, "of this operation"));
            return vec![finding.help(format!("show a `curl` command for {method} {path} in a code block"))];
        }
        findings.extend(self.links());
        let about = |operation: &'a _| About { operation, ..*self };
        let asks_for = |operation: &'a _, request: &Request| {
            about(operation).method(request).is_none() && about(operation).path(&request.url).is_none()
        };
        let is_own: Vec<bool> = requests.iter().map(|request| asks_for(self.operation, request)).collect();
        let has_own = is_own.contains(&true);
        for (request, is_own) in requests.into_iter().zip(is_own) {
            let mut others = self.basis.contract.operations.iter();
            let other = if is_own || !has_own { None } else { others.find(|other| asks_for(other, request)) };
            let operation = other.unwrap_or(self.operation);
            if self.basis.is_compared(operation) {
                findings.extend(about(operation).one_request(request));
            }
        }
        findings
    }

    /// Commands that a shell would reject.
    pub(super) fn malformed(&self, section: &Section<'_>) -> Vec<Finding> {
        let finding = |malformed: &Malformed| {
            let message = format!("a shell cannot run this command: {}", malformed.message);
            let finding = Finding::at(Rule::PageRequestSyntax, self.page.place(&malformed.range, "here"), message);
            finding.help("close the quote, or end the line with a backslash only where another follows")
        };
        section.malformed.iter().filter(|malformed| malformed.is_sure).map(finding).collect()
    }

    /// Compares `Link` headers in code blocks, which contain URLs of the operation.
    fn links(&self) -> Vec<Finding> {
        let link = |block: &CodeBlock, at: usize| {
            let length =
                block.text[at..].find('>').filter(|length| block.text[at + length..].starts_with(">; rel="))?;
            let range = block.text.range.start + at..block.text.range.start + at + length;
            self.path(&Written { value: block.text[at..at + length].to_owned(), range })
        };
        let blocks = self.page.blocks.iter();
        blocks.flat_map(|block| block.text.match_indices("<").filter_map(move |(at, _)| link(block, at + 1))).collect()
    }

    fn one_request(&self, request: &Request) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.method(request).into_iter().collect();
        findings.extend(self.url(request));
        findings.extend(self.authorization(request));
        findings.extend(self.data(request));
        findings
    }

    /// The request must include the credentials of one of the alternatives in the operation's security.
    pub(super) fn authorization(&self, request: &Request) -> Option<Finding> {
        let security = &self.operation.security;
        let missing = |alternative: &'a Vec<SchemeUse>| {
            alternative.iter().find_map(|scheme| Some((scheme, self.missing_proof(scheme, request)?)))
        };
        if security.is_open() || security.alternatives.iter().any(|alternative| missing(alternative).is_none()) {
            return None;
        }
        let (scheme, Proof { what, help }) = security.alternatives.first().and_then(missing)?;
        let wrong = request.headers.iter().find(|header| header.value.0 == "authorization");
        let range = wrong.map_or(&request.url.range, |header| &header.range);
        let finding = Finding::at(
            Rule::PageRequestAuthorization,
            self.page.place(range, "this request"),
            format!("the request sends no {what}"),
        );
        Some(finding.with(self.basis.place(scheme.name.span, "the contract requires it")).help(help))
    }

    /// The credential that a security scheme requires and a request does not send. Schemes that a command line cannot
    /// show are not checked.
    fn missing_proof(&self, scheme: &SchemeUse, request: &Request) -> Option<Proof> {
        let sends = |name: &str, begins: &str| {
            let name = name.to_lowercase();
            let mut headers = request.headers.iter().map(|header| &header.value);
            headers.any(|(known, value)| *known == name && value.to_lowercase().starts_with(begins))
        };
        let bearer = Proof {
            what: "API key (`Authorization: Bearer …`)".to_owned(),
            help: "add `--header 'Authorization: Bearer YOUR-KEY'`".to_owned(),
        };
        let (is_sent, proof) = match &self.basis.document().security_scheme(&scheme.name)?.kind {
            SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect(_) => (sends("authorization", "bearer "), bearer),
            SchemeKind::Http { scheme } => match scheme.as_str() {
                "bearer" => (sends("authorization", "bearer "), bearer),
                "basic" => (
                    sends("authorization", "basic "),
                    Proof {
                        what: "user and password (`Authorization: Basic …`)".to_owned(),
                        help: "add `--user 'NAME:PASSWORD'`".to_owned(),
                    },
                ),
                other => (
                    sends("authorization", ""),
                    Proof {
                        what: format!("`Authorization` of the scheme `{other}`"),
                        help: format!("add a header `Authorization: {other} …`"),
                    },
                ),
            },
            SchemeKind::ApiKey { location, name } => {
                let (is_sent, shown, help) = match location {
                    Location::Query => {
                        let query = divide(&request.url).1.split('&');
                        let mut pairs = query.chain(request.query.iter().map(|pair| pair.as_str()));
                        let is_sent = pairs.any(|pair| parameter_text::pair(pair).0 == *name);
                        (is_sent, format!("?{name}=…"), format!("add `{name}=YOUR-KEY` to the query"))
                    }
                    Location::Cookie => {
                        let cookies = request.headers.iter().filter(|header| header.value.0 == "cookie");
                        let mut parts = cookies.flat_map(|header| header.value.1.split(';'));
                        // Without `=`, it is the name of a cookie file.
                        let is_this_cookie =
                            |part: &str| part.split_once('=').is_none_or(|(known, _)| known.trim() == name);
                        let help = format!("add `--cookie '{name}=YOUR-KEY'`");
                        (parts.any(is_this_cookie), format!("Cookie: {name}=…"), help)
                    }
                    _ => {
                        let help = format!("add `--header '{name}: YOUR-KEY'`");
                        (sends(name, ""), format!("{name}: …"), help)
                    }
                };
                (is_sent, Proof { what: format!("API key (`{shown}`)"), help })
            }
            SchemeKind::MutualTls | SchemeKind::Other(_) => return None,
        };
        (!is_sent).then_some(proof)
    }

    /// The request's body must be valid for the operation. Files and shell substitutions are not checked.
    fn data(&self, request: &Request) -> Vec<Finding> {
        let Some(range) = request.body.range() else { return Vec::new() };
        let finding = |message: String, there: Span, help: &str| {
            let here = self.page.place(range, "this data");
            let finding = Finding::at(Rule::PageRequestBody, here, message);
            finding.with(self.basis.place(there, "the contract says this")).help(help)
        };
        let Some(body) = &self.operation.body else {
            let message = "the request sends a body, but the operation accepts none".to_owned();
            return vec![finding(message, self.operation.id.span, "leave the data out")];
        };
        let schema = json(&body.content).and_then(|media| media.schema);
        let (Some(schema), Some(Ok(value))) = (schema, page::data(request)) else {
            return Vec::new();
        };
        if value.is_partial || !value.placeholders().is_empty() {
            return Vec::new();
        }
        let misfits = self.basis.misfits(schema, Direction::Request, &value.node).unwrap_or_default();
        let there = self.basis.document().schema(schema).span;
        let misfits = misfits.into_iter().map(|misfit| misfit.message);
        misfits
            .map(|why| finding(format!("the data does not fit its schema: {why}"), there, "send a body that fits"))
            .collect()
    }

    pub(super) fn method(&self, request: &Request) -> Option<Finding> {
        let (said, right) = (&request.method, &self.operation.method);
        if said.value == right.value {
            return None;
        }
        let message = format!("the request uses the method {}, not {}", said.value, right.value);
        let finding =
            Finding::at(Rule::PageRequestMethod, self.page.place(&said.range, "the request says this"), message);
        let finding = finding.with(self.basis.place(right.span, "the contract says this"));
        let finding = finding.help(format!("write `--request {}`", right.value));
        let is_written = self.page.source.text.get(said.range.clone()) == Some(said.value.as_str());
        Some(if is_written { finding.fix_with(&right.value) } else { finding })
    }

    /// The place of a part of a URL, which must be a slice of it.
    pub(super) fn part(&self, url: &Written<String>, part: &str) -> Range<usize> {
        let at = (part.as_ptr() as usize).checked_sub(url.value.as_ptr() as usize);
        let at = at.filter(|at| !part.is_empty() && at + part.len() <= url.value.len());
        // The range includes the quotes around the URL.
        let start = self.page.source.text.get(url.range.clone()).and_then(|text| text.find(url.value.as_str()));
        match (at, start) {
            (Some(at), Some(start)) => url.range.start + start + at..url.range.start + start + at + part.len(),
            _ => url.range.clone(),
        }
    }

    fn url(&self, request: &Request) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.host(request).into_iter().collect();
        findings.extend(self.path(&request.url));
        findings.extend(self.query(&self.pairs(request)));
        findings
    }

    /// A request to a server that is not in the contract.
    pub(super) fn host(&self, request: &Request) -> Option<Finding> {
        let (base, _) = split(divide(&request.url).0);
        if self.is_known_host(base) {
            return None;
        }
        let message = format!("the contract has no server at `{base}`");
        let here = self.page.place(&self.part(&request.url, base), "the request goes here");
        let mut finding = Finding::at(Rule::PageRequestHost, here, message);
        if let Some(server) = self.servers().first() {
            finding = finding.with(self.basis.place(server.url.span, "the contract has this"));
        }
        Some(finding.help("use the address of a server that the contract names"))
    }

    /// The `name=value` pairs of a request's query, each with its place.
    pub(super) fn pairs<'r>(&self, request: &'r Request) -> Vec<(&'r str, Range<usize>)> {
        let url = &request.url;
        let pairs = divide(url).1.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| (pair, self.part(url, pair)));
        pairs.chain(request.query.iter().map(|pair| (pair.as_str(), pair.range.clone()))).collect()
    }

    fn path(&self, url: &Written<String>) -> Option<Finding> {
        let (base, path) = split(divide(url).0);
        let reason = self.wrong_path(self.below_server(base, path))?;
        let here = self.page.place(&self.part(url, path), "the request goes here");
        let finding = Finding::at(Rule::PageRequestPath, here, reason);
        let finding = finding.with(self.basis.place(self.operation.path.span, "the contract says this"));
        Some(finding.help(format!("write a path of the form `{}`", self.operation.path.value)))
    }

    /// Compares the `name=value` pairs of a query. Repeated names are items of one list.
    pub(super) fn query(&self, pairs: &[(&str, Range<usize>)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut lists: Vec<(&Parameter, Vec<&str>, &Range<usize>)> = Vec::new();
        for (written, range) in pairs {
            let (name, value) = parameter_text::pair(written);
            let finding = |reason: String| {
                let finding = Finding::at(Rule::PageRequestQuery, self.page.place(range, "in this query"), reason);
                let finding = finding.with(self.basis.place(self.operation.id.span, "this operation"));
                finding.help("use the query parameters of the contract")
            };
            let mut parameters = self.operation.parameters.iter();
            match parameters.find(|other| other.location == Location::Query && *other.name == *name) {
                None if self.is_key(&name) || self.is_part(&name) || name.starts_with("utm_") => {}
                None => findings.push(match self.field_of_body(&name) {
                    Some(span) => {
                        let reason = format!("`{name}` is a field of the body, not a query parameter");
                        let here = self.page.place(range, "in this query");
                        let finding = Finding::at(Rule::PageRequestQuery, here, reason);
                        finding.with(self.basis.place(span, "the contract has it here")).help("send it in the body")
                    }
                    None => finding(format!("the operation has no query parameter `{name}`")),
                }),
                Some(parameter) if parameter_text::is_list(self.basis.document(), parameter) => {
                    match lists.iter_mut().find(|(known, ..)| std::ptr::eq(*known, parameter)) {
                        Some((_, values, _)) => values.push(value),
                        None => lists.push((parameter, vec![value], range)),
                    }
                }
                Some(parameter) => {
                    let misfit = self.misfit(parameter, &[value]);
                    findings.extend(misfit.map(|why| {
                        let reason = format!("`{name}` does not fit its schema: {why}");
                        let here = self.page.place(range, "in this query");
                        let finding = Finding::at(Rule::PageRequestQuery, here, reason);
                        let there = self.basis.place(parameter.name.span, "the contract says this");
                        finding.with(there).help("show a value that fits")
                    }));
                }
            }
        }
        for (parameter, values, range) in lists {
            let Some(why) = self.misfit(parameter, &values) else { continue };
            let reason = format!("`{}` does not fit its schema: {why}", parameter.name.value);
            let finding = Finding::at(Rule::PageRequestQuery, self.page.place(range, "in this query"), reason);
            let finding = finding.with(self.basis.place(self.operation.id.span, "this operation"));
            findings.push(finding.help("use the query parameters of the contract"));
        }
        findings
    }

    /// The place of a field with this name in the request body.
    fn field_of_body(&self, name: &str) -> Option<Span> {
        let objects = objects::of_request(self.basis.document(), self.operation);
        objects.first()?.fields.get(name).map(|field| field.name.span)
    }

    /// Whether a query name is part of an object parameter: `filter[name]`, or `name` if its properties are sent
    /// separately.
    fn is_part(&self, name: &str) -> bool {
        let queries = self.operation.parameters.iter().filter(|parameter| parameter.location == Location::Query);
        queries.into_iter().any(|parameter| {
            if let Some((outer, _)) = name.split_once('[') {
                return *parameter.style == "deepObject" && *parameter.name == *outer;
            }
            let Some(schema) = parameter.schema.filter(|_| *parameter.style == "form" && *parameter.explode) else {
                return false;
            };
            let document = self.basis.document();
            let is_object = Variants::of(document, &[schema.into()]).kind() == Some(page::Kind::Object);
            let fields = || Variants::of(document, &[schema.into()]).fields();
            is_object && {
                let fields = fields();
                fields.named.contains_key(name) || !matches!(fields.others, Others::None)
            }
        })
    }

    /// The servers of the operation, or those of the document.
    fn servers(&self) -> &'a [Server] {
        let own = &self.operation.servers;
        if own.is_empty() { &self.basis.contract.document.servers } else { own }
    }

    pub(super) fn is_known_host(&self, base: &str) -> bool {
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        let name = host.split(':').next().unwrap_or_default();
        let is_placeholder =
            host.is_empty() || host.contains(['$', '{', '<']) || ["localhost", "127.0.0.1", "[::1]"].contains(&name);
        // A relative server URL is relative to the contract, and one that is only a variable may be any.
        let is_this_server = |server: &Server| {
            let address = split(&server.url).0;
            address.is_empty() || address.starts_with('{') || matches(address, base)
        };
        is_placeholder || self.servers().is_empty() || self.servers().iter().any(is_this_server)
    }

    /// A path without the path of the server, such as `/v1`. A placeholder may be the address of any server.
    fn below_server<'p>(&self, base: &str, path: &'p str) -> &'p str {
        let is_placeholder = base.is_empty() || base.contains(['$', '{', '<']);
        let servers = self.servers().iter().map(|server| split(&server.url));
        let below =
            servers.filter(|(address, _)| is_placeholder || address.is_empty() || matches(address, base)).filter_map(
                |(_, folder)| path.strip_prefix(folder.trim_end_matches('/')).filter(|rest| rest.starts_with('/')),
            );
        // The longest matching prefix.
        below.min_by_key(|rest| rest.len()).unwrap_or(path)
    }

    /// Why a path does not belong to the operation.
    fn wrong_path(&self, path: &str) -> Option<String> {
        let wanted: Vec<&str> = self.operation.path.split('/').collect();
        let given: Vec<&str> = path.split('/').collect();
        let mismatch = || Some(format!("the path `{path}` is not one of `{}`", self.operation.path.value));
        if wanted.len() != given.len() {
            return mismatch();
        }
        for (wanted, given) in wanted.iter().zip(given) {
            let Some(variables) = variables(wanted, given) else { return mismatch() };
            for (name, given) in variables {
                let mut parameters = self.operation.parameters.iter();
                let parameter =
                    parameters.find(|parameter| parameter.location == Location::Path && *parameter.name == *name);
                if let Some(reason) = parameter.and_then(|parameter| self.misfit(parameter, &[given])) {
                    return Some(format!("`{given}` does not fit the schema of `{name}`: {reason}"));
                }
            }
        }
        None
    }

    /// Why texts are not a valid value of a parameter. Placeholders are always valid.
    fn misfit(&self, parameter: &Parameter, texts: &[&str]) -> Option<String> {
        let document = self.basis.document();
        let schema = parameter.schema.or_else(|| json(&parameter.content)?.schema)?;
        let values: Vec<Node> = parameter_text::values(document, parameter, texts)?;
        let mut first = None;
        for value in values {
            let misfits = self.basis.misfits(schema, Direction::Request, &value)?;
            let misfit = misfits.into_iter().next()?;
            first.get_or_insert(misfit.message);
        }
        first
    }
}

/// A credential that a security scheme requires, and how to send it.
struct Proof {
    what: String,
    help: String,
}
