//! Example requests: a `curl` command that would work.

use std::ops::Range;

use super::about::About;
use crate::page::{self, CodeBlock, Request};
use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Location, Parameter, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Languages of code blocks that hold command lines.
const SHELLS: [&str; 8] = ["bash", "sh", "shell", "zsh", "console", "shell-session", "curl", ""];

impl About<'_> {
    /// The page shows a request for its operation, and every request that it shows is one, or one of another operation
    /// beside it.
    pub(super) fn request(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut requests = Vec::new();
        for block in self.page.blocks.iter().filter(|block| SHELLS.contains(&block.language.as_str())) {
            match page::requests(&block.text, block.text.range.start) {
                Ok(found) => requests.extend(found),
                Err(_) if !block.text.contains("curl") => {}
                Err(malformed) => {
                    let message = format!("a shell would not take this command: {}", malformed.message);
                    let finding =
                        Finding::at(Rule::PageRequestSyntax, self.page.place(&malformed.range, "here"), message);
                    findings.push(
                        finding.help("close the quote, or end the line with a backslash only where another follows"),
                    );
                }
            }
        }
        if requests.is_empty() && findings.is_empty() {
            let (method, path) = (&self.operation.method.value, &self.operation.path.value);
            let finding =
                Finding::at(Rule::PageRequestMissing, self.page.top("this page"), "the page shows no example request");
            let finding = finding.with(self.contract.place(&self.operation.id.range, "of this operation"));
            return vec![finding.help(format!("show a `curl` command for {method} {path} in a code block"))];
        }
        findings.extend(self.links());
        let about = |operation| About { operation, ..*self };
        let asks_for = |operation, request: &Request| {
            about(operation).method(request).is_none() && about(operation).path(&request.url).is_none()
        };
        let is_own: Vec<bool> = requests.iter().map(|request| asks_for(self.operation, request)).collect();
        let has_own = is_own.contains(&true);
        for (request, is_own) in requests.iter().zip(is_own) {
            let mut others = self.contract.operations.iter();
            let other = if is_own || !has_own { None } else { others.find(|other| asks_for(other, request)) };
            findings.extend(about(other.unwrap_or(self.operation)).one_request(request));
        }
        findings
    }

    /// `Link` headers in code blocks, as they lead to other pages of a list.
    fn links(&self) -> Vec<Finding> {
        let link = |block: &CodeBlock, at: usize| {
            let length =
                block.text[at..].find('>').filter(|length| block.text[at + length..].starts_with(">; rel="))?;
            let range = block.text.range.start + at..block.text.range.start + at + length;
            self.path(&Spanned { value: block.text[at..at + length].to_owned(), range })
        };
        let blocks = self.page.blocks.iter();
        blocks.flat_map(|block| block.text.match_indices("<").filter_map(move |(at, _)| link(block, at + 1))).collect()
    }

    fn one_request(&self, request: &Request) -> Vec<Finding> {
        let operation = self.operation;
        let mut findings: Vec<Finding> = self.method(request).into_iter().collect();
        findings.extend(self.url(request));
        let is_bearer = |value: &str| value.to_lowercase().starts_with("bearer ");
        let authorized =
            request.headers.iter().any(|header| header.value.0 == "authorization" && is_bearer(&header.value.1));
        if let (Some(scheme), false) = (operation.security.first(), authorized) {
            let wrong = request.headers.iter().find(|header| header.value.0 == "authorization");
            let range = wrong.map_or(&request.url.range, |header| &header.range);
            let message = "the request sends no API key (`Authorization: Bearer …`)";
            let finding = Finding::at(Rule::PageRequestAuthorization, self.page.place(range, "this request"), message);
            let finding = finding.with(self.contract.place(&scheme.range, "the contract demands it"));
            findings.push(finding.help("add `--header 'Authorization: Bearer YOUR-KEY'`"));
        }
        findings.extend(self.data(request));
        findings
    }

    /// What the request sends is what the operation takes. Files and what a shell puts in are not looked into.
    fn data(&self, request: &Request) -> Vec<Finding> {
        let Some(data) = request.data.first() else { return Vec::new() };
        let finding = |message: String, there: &Range<usize>, help: &str| {
            let here = self.page.place(&data.range, "this data");
            let finding = Finding::at(Rule::PageRequestBody, here, message);
            finding.with(self.contract.place(there, "the contract says this")).help(help)
        };
        let Some(body) = &self.operation.request_body else {
            let message = "the request sends a body, and the operation takes none".to_owned();
            return vec![finding(message, &self.operation.id.range, "leave the data out")];
        };
        let (Some(schema), Ok(value)) = (&body.value, apidrift_core::contract::node::parse(data)) else {
            return Vec::new();
        };
        if request.data.len() > 1 || !data.trim_start().starts_with(['{', '[']) || data.contains('$') {
            return Vec::new();
        }
        let misfits = self.schemas.borrow_mut().misfits_of(schema, &value);
        let misfits = misfits.into_iter().map(|misfit| misfit.message);
        misfits
            .map(|why| finding(format!("the data does not fit its schema: {why}"), &schema.range, "send what fits"))
            .collect()
    }

    fn method(&self, request: &Request) -> Option<Finding> {
        let (said, right) = (&request.method, &self.operation.method);
        if said.value == right.value {
            return None;
        }
        let message = format!("the request has the method {}, not {}", said.value, right.value);
        let finding =
            Finding::at(Rule::PageRequestMethod, self.page.place(&said.range, "the request says this"), message);
        let finding = finding.with(self.contract.place(&right.range, "the contract says this"));
        let finding = finding.help(format!("write `--request {}`", right.value));
        let is_written = self.page.source.text.get(said.range.clone()) == Some(said.value.as_str());
        Some(if is_written { finding.fix_with(&right.value) } else { finding })
    }

    /// Where a part of a URL stands, if the URL stands in one piece.
    fn part(&self, url: &Spanned<String>, part: &str) -> Range<usize> {
        match self.page.source.text[url.range.clone()].find(part) {
            Some(at) if !part.is_empty() => url.range.start + at..url.range.start + at + part.len(),
            _ => url.range.clone(),
        }
    }

    fn url(&self, request: &Request) -> Vec<Finding> {
        let url = &request.url;
        let mut findings = Vec::new();
        let (whole, query) = divide(url);
        let (base, _) = split(whole);
        if !self.is_known_host(base) {
            let message = format!("no server of the contract is at `{base}`");
            let here = self.page.place(&self.part(url, base), "the request goes here");
            let mut finding = Finding::at(Rule::PageRequestHost, here, message);
            if let Some(server) = self.contract.servers.first() {
                finding = finding.with(self.contract.place(&server.range, "the contract has this"));
            }
            findings.push(finding.help("use the address of a server that the contract names"));
        }
        findings.extend(self.path(url));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| (pair, self.part(url, pair)));
        let added = request.query.iter().map(|pair| (pair.as_str(), pair.range.clone()));
        findings.extend(pairs.chain(added).filter_map(|(pair, range)| self.query(pair, &range)));
        findings
    }

    fn path(&self, url: &Spanned<String>) -> Option<Finding> {
        let (base, path) = split(divide(url).0);
        let reason = self.wrong_path(self.below_server(base, path))?;
        let here = self.page.place(&self.part(url, path), "the request goes here");
        let finding = Finding::at(Rule::PageRequestPath, here, reason);
        let finding = finding.with(self.contract.place(&self.operation.path.range, "the contract says this"));
        Some(finding.help(format!("write a path of the form `{}`", self.operation.path.value)))
    }

    /// `name=value` in a query.
    fn query(&self, pair: &str, range: &Range<usize>) -> Option<Finding> {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut parameters = self.operation.parameters.iter();
        let reason = match parameters.find(|other| other.location == Location::Query && *other.name == *name) {
            None => format!("the operation has no query parameter `{name}`"),
            Some(parameter) => format!("`{name}` does not fit its schema: {}", self.misfit(parameter, value)?),
        };
        let finding = Finding::at(Rule::PageRequestQuery, self.page.place(range, "in this query"), reason);
        let finding = finding.with(self.contract.place(&self.operation.id.range, "this operation"));
        Some(finding.help("use the query parameters of the contract"))
    }

    fn is_known_host(&self, base: &str) -> bool {
        let host = base.split_once("://").map_or(base, |(_, host)| host);
        let name = host.split(':').next().unwrap_or_default();
        let is_placeholder =
            host.is_empty() || host.contains(['$', '{', '<']) || ["localhost", "127.0.0.1", "[::1]"].contains(&name);
        is_placeholder
            || self.contract.servers.is_empty()
            || self.contract.servers.iter().any(|server| matches(split(server).0, base))
    }

    /// A path without that of the server, such as `/v1`. A placeholder may stand for any server's address.
    fn below_server<'p>(&self, base: &str, path: &'p str) -> &'p str {
        let is_placeholder = base.is_empty() || base.contains(['$', '{', '<']);
        let servers = self.contract.servers.iter().map(|server| split(server));
        let below =
            servers.filter(|(address, _)| is_placeholder || matches(address, base)).filter_map(|(_, folder)| {
                path.strip_prefix(folder.trim_end_matches('/')).filter(|rest| rest.starts_with('/'))
            });
        // The longest folder that fits.
        below.min_by_key(|rest| rest.len()).unwrap_or(path)
    }

    /// Why a path is not one of the operation.
    fn wrong_path(&self, path: &str) -> Option<String> {
        let wanted: Vec<&str> = self.operation.path.split('/').collect();
        let given: Vec<&str> = path.split('/').collect();
        let mismatch = || Some(format!("the path `{path}` is not one of `{}`", self.operation.path.value));
        if wanted.len() != given.len() {
            return mismatch();
        }
        for (wanted, given) in wanted.iter().zip(given) {
            let Some(name) = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                if *wanted != given {
                    return mismatch();
                }
                continue;
            };
            let parameter = self
                .operation
                .parameters
                .iter()
                .find(|parameter| parameter.location == Location::Path && *parameter.name == *name);
            if let Some(reason) = parameter.and_then(|parameter| self.misfit(parameter, given)) {
                return Some(format!("`{given}` does not fit the schema of `{name}`: {reason}"));
            }
        }
        None
    }

    /// Why a text is no value of a parameter. Placeholders are any value.
    fn misfit(&self, parameter: &Parameter, text: &str) -> Option<String> {
        let is_placeholder = text.contains(['$', '{', '<'])
            || (text.to_uppercase() == text
                && text.contains(['_', '-'])
                && text.contains(char::is_alphabetic)
                && !text.contains(char::is_numeric));
        if is_placeholder {
            return None;
        }
        let kind = parameter.schema.get("type").and_then(Node::as_str);
        let value = match kind {
            Some("integer" | "number" | "boolean") => apidrift_core::contract::node::parse(text).unwrap_or_default(),
            _ => Node::text(text),
        };
        let misfits = self.schemas.borrow_mut().misfits_of(&parameter.schema, &value);
        misfits.into_iter().next().map(|misfit| misfit.message)
    }
}

/// A URL without its query and fragment, and the query.
fn divide(url: &str) -> (&str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    url.split_once('?').unwrap_or((url, ""))
}

/// `https://host:port` and the path of a URL.
pub fn split(url: &str) -> (&str, &str) {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    match url[after_scheme..].find('/') {
        Some(at) => url.split_at(after_scheme + at),
        None => (url, ""),
    }
}

/// Whether an address is one of a server's URL, whose variables are any text without a dot or a slash. Capitals and the
/// usual port mean nothing there.
fn matches(server: &str, base: &str) -> bool {
    let (server, base) = (server.to_lowercase(), base.to_lowercase());
    let usual = [("https://", ":443"), ("http://", ":80")];
    let port = usual.into_iter().find(|(scheme, _)| base.starts_with(scheme)).map_or("", |(_, port)| port);
    let mut rest = base.strip_suffix(port).unwrap_or(&base);
    let mut parts = server.split(['{', '}']);
    let Some(after) = rest.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    rest = after;
    while let (Some(_variable), Some(literal)) = (parts.next(), parts.next()) {
        let end = rest.find(['.', '/']).unwrap_or(rest.len());
        if end == 0 {
            return false;
        }
        let Some(after) = rest[end..].strip_prefix(literal) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_with_variables_are_recognised() {
        let server = "https://rest.{instance}.braze.com";
        assert!(matches(server, "https://rest.iad-03.braze.com"));
        assert!(matches(server, "https://REST.iad-03.Braze.com:443"));
        for other in [
            "https://rest.braze.com",
            "http://rest.iad-03.braze.com",
            "https://rest.iad-03.braze.com.evil.org",
            "https://rest..braze.com",
            "https://rest.a.b.braze.com",
        ] {
            assert!(!matches(server, other), "{other}");
        }
        assert!(matches("https://{host}", "https://x"));
        assert_eq!(split("https://x.{y}.org/v1/"), ("https://x.{y}.org", "/v1/"));
        assert_eq!(split("https://x.org"), ("https://x.org", ""));
    }
}
