//! Example requests: a `curl` command that would work.

use super::About;
use crate::contract::node::Node;
use crate::contract::{Location, Parameter, Spanned};
use crate::finding::Finding;
use crate::page::{self, Request};
use crate::rules::Rule;

/// Languages of code blocks that hold command lines.
const SHELLS: [&str; 8] = ["bash", "sh", "shell", "zsh", "console", "shell-session", "curl", ""];

impl About<'_> {
    /// The page shows a request for its operation, and every request that it shows is one.
    pub(super) fn request(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut shown = false;
        for block in self.page.blocks.iter().filter(|block| SHELLS.contains(&block.language.as_str())) {
            if !block.text.contains("curl") {
                continue;
            }
            match page::request(&block.text, block.text.range.start) {
                Ok(Some(request)) => {
                    shown = true;
                    findings.extend(self.one_request(&request));
                }
                Ok(None) => {}
                Err(malformed) => {
                    shown = true;
                    let message = format!("a shell would not take this command: {}", malformed.message);
                    let finding =
                        Finding::at(Rule::PageRequestSyntax, self.page.place(&malformed.range, "here"), message);
                    findings.push(
                        finding.help("close the quote, or end the line with a backslash only where another follows"),
                    );
                }
            }
        }
        if !shown {
            let (method, path) = (&self.operation.method.value, &self.operation.path.value);
            let finding =
                Finding::at(Rule::PageRequestMissing, self.page.top("this page"), "the page shows no example request");
            let finding = finding.with(self.contract.place(&self.operation.id.range, "of this operation"));
            findings.push(finding.help(format!("show a `curl` command for {method} {path} in a code block")));
        }
        findings
    }

    fn one_request(&self, request: &Request) -> Vec<Finding> {
        let operation = self.operation;
        let mut findings = Vec::new();
        if request.method.value != *operation.method {
            let here = self.page.place(&request.method.range, "the request says this");
            let message =
                format!("the request has the method {}, not {}", request.method.value, operation.method.value);
            let finding = Finding::at(Rule::PageRequestMethod, here, message);
            let finding = finding.with(self.contract.place(&operation.method.range, "the contract says this"));
            let finding = finding.help(format!("write `--request {}`", operation.method.value));
            let written =
                self.page.source.text.get(request.method.range.clone()) == Some(request.method.value.as_str());
            findings.push(if written { finding.fix_with(&operation.method.value) } else { finding });
        }
        findings.extend(self.url(&request.url));
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
        if let (Some(data), None) = (&request.data, &operation.request_body) {
            let here = self.page.place(&data.range, "this data");
            let finding =
                Finding::at(Rule::PageRequestBody, here, "the request sends a body, and the operation takes none");
            let finding = finding.with(self.contract.place(&operation.id.range, "this operation"));
            findings.push(finding.help("leave the data out"));
        }
        findings
    }

    fn url(&self, url: &Spanned<String>) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Where the URL stands in one piece, its parts have places of their own.
        let raw = &self.page.source.text[url.range.clone()];
        let part = |text: &str| match raw.find(text) {
            Some(at) if !text.is_empty() => url.range.start + at..url.range.start + at + text.len(),
            _ => url.range.clone(),
        };
        let (whole, query) = url.split_once('?').unwrap_or((url, ""));
        let (base, path) = split(whole);
        if !self.is_known_host(base) {
            let message = format!("no server of the contract is at `{base}`");
            let mut finding =
                Finding::at(Rule::PageRequestHost, self.page.place(&part(base), "the request goes here"), message);
            if let Some(server) = self.contract.servers.first() {
                finding = finding.with(self.contract.place(&server.range, "the contract has this"));
            }
            findings.push(finding.help("use the address of a server that the contract names"));
        }
        if let Some(reason) = self.wrong_path(self.below_server(base, path)) {
            let finding =
                Finding::at(Rule::PageRequestPath, self.page.place(&part(path), "the request goes here"), reason);
            let finding = finding.with(self.contract.place(&self.operation.path.range, "the contract says this"));
            findings.push(finding.help(format!("write a path of the form `{}`", self.operation.path.value)));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let parameter = self
                .operation
                .parameters
                .iter()
                .find(|parameter| parameter.location == Location::Query && *parameter.name == *name);
            let reason = match parameter {
                None => Some(format!("the operation has no query parameter `{name}`")),
                Some(parameter) => {
                    self.misfit(parameter, value).map(|reason| format!("`{name}` does not fit its schema: {reason}"))
                }
            };
            if let Some(reason) = reason {
                let here = self.page.place(&part(pair), "in this query");
                let finding = Finding::at(Rule::PageRequestQuery, here, reason);
                let finding = finding.with(self.contract.place(&self.operation.id.range, "this operation"));
                findings.push(finding.help("use the query parameters of the contract"));
            }
        }
        findings
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
            Some("integer" | "number" | "boolean") => crate::contract::node::parse(text).unwrap_or_default(),
            _ => Node::text(text),
        };
        let misfits = self.schemas.borrow_mut().misfits_of(&parameter.schema, &value);
        misfits.into_iter().next().map(|misfit| misfit.message)
    }
}

/// `https://host:port` and the path of a URL.
fn split(url: &str) -> (&str, &str) {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    match url[after_scheme..].find('/') {
        Some(at) => url.split_at(after_scheme + at),
        None => (url, ""),
    }
}

/// Whether an address is one of a server's URL, whose variables are any text without a dot or a slash.
fn matches(server: &str, base: &str) -> bool {
    let mut rest = base;
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
