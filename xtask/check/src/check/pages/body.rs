//! The success that a page shows: its status, and bodies that fit their schemas.

use std::cell::RefCell;
use std::ops::Range;

use super::about::About;
use super::fields;
use crate::page::{CodeBlock, Page};
use apidrift_core::contract::node::{self, Node};
use apidrift_core::contract::validate::Schemas;
use apidrift_core::contract::{Contract, ERROR, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

impl About<'_> {
    pub(super) fn success(&self) -> Vec<Finding> {
        let mut findings = self.status();
        let success = &self.operation.success;
        let there = || match &success.schema {
            Some(schema) => self.contract.place(&schema.range, "the contract answers with this"),
            None => self.contract.place(&success.status.range, "the contract answers without a body"),
        };
        let mut shows_success = false;
        for block in json_blocks(self.page) {
            let body = match parse(self.page, block) {
                Ok(body) => body,
                Err(finding) => {
                    shows_success = true;
                    findings.push(finding);
                    continue;
                }
            };
            let misfits = self.misfits(&body);
            // An error's body may be shown too, if it is one that the operation has.
            if !misfits.is_empty() && self.is_error(&body) {
                continue;
            }
            shows_success = true;
            for (message, range) in misfits {
                let finding = Finding::at(Rule::PageBody, self.page.place(&range, "in this body"), message);
                findings.push(finding.with(there()).help("show a body that the operation really answers with"));
            }
        }
        if !shows_success && success.schema.is_some() {
            let message =
                format!("the page shows no body of the {} (a code block of the language `json`)", success.status.value);
            let finding = Finding::at(Rule::PageBody, self.page.top("this page"), message).with(there());
            findings.push(finding.help("show an example of it; the contract has one under `examples`"));
        }
        findings
    }

    /// How a body is not one of the success.
    fn misfits(&self, body: &Node) -> Vec<(String, Range<usize>)> {
        let Some(schema) = &self.operation.success.schema else {
            return vec![("the operation answers without a body".to_owned(), body.range.clone())];
        };
        let misfits = misfits(self.contract, &mut self.schemas.borrow_mut(), schema, body);
        let whole = |message| format!("the body does not fit `{}`: {message}", schema.value);
        misfits.into_iter().map(|(message, range)| (whole(message), range)).collect()
    }

    /// Whether a body is that of an error which the operation has.
    fn is_error(&self, body: &Node) -> bool {
        let message = body.get("message").and_then(Node::as_str);
        self.schemas.borrow_mut().misfits(ERROR, body).is_empty()
            && self.operation.errors.iter().any(|error| Some(error.message.as_str()) == message)
    }

    /// The status stands in a code span or a status line, and no other success does.
    fn status(&self) -> Vec<Finding> {
        let status = &self.operation.success.status;
        let right = status.value.to_string();
        let there = || self.contract.place(&status.range, "the contract says this");
        let help = format!("write `{right}` in a code span");
        let prose: Vec<Said> = self.page.spans.iter().filter_map(said).chain(self.status_lines()).collect();
        let cells: Vec<Said> = self.page.cell_spans.iter().filter_map(said).collect();
        let is_right = |said: &Said| said.status == right;
        if prose.is_empty() && cells.is_empty() {
            let message = format!("the page does not say that the success has the status {right}");
            let finding = Finding::at(Rule::PageSuccessStatus, self.page.top("this page"), message);
            return vec![finding.with(there()).help(help)];
        }
        // A number in a table may be anything, if the status stands somewhere.
        let is_said = prose.iter().chain(&cells).any(is_right);
        let cells = cells.into_iter().filter(|_| !is_said);
        let wrong = prose.into_iter().chain(cells).filter(|said| !is_right(said));
        wrong
            .map(|said| {
                let message = format!("the success has the status {right}, not {}", said.status);
                let here = self.page.place(&said.range, "the page says this");
                let finding = Finding::at(Rule::PageSuccessStatus, here, message).with(there()).help(help.clone());
                // The words after it would be wrong as well.
                if said.is_bare { finding.fix_with(&right) } else { finding }
            })
            .collect()
    }

    /// Lines such as `HTTP/1.1 202 Accepted` in code blocks.
    fn status_lines(&self) -> impl Iterator<Item = Said> {
        self.page.blocks.iter().flat_map(|block| {
            let line = |(at, _)| {
                let line = block.text[at..].lines().next()?;
                let status = line.split(' ').nth(1).filter(|status| is_success(status))?;
                let range = block.text.range.start + at..block.text.range.start + at + line.len();
                Some(Said { status: status.to_owned(), is_bare: false, range })
            };
            block.text.match_indices("HTTP/").filter_map(line)
        })
    }
}

/// A success's status that a page gives.
struct Said {
    status: String,
    /// Whether nothing stands beside it.
    is_bare: bool,
    range: Range<usize>,
}

fn is_success(text: &str) -> bool {
    text.len() == 3 && text.starts_with('2') && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// `202`, or `202 Accepted`.
fn said(span: &Spanned<String>) -> Option<Said> {
    const REASONS: [&str; 7] = [
        "ok",
        "created",
        "accepted",
        "non-authoritative information",
        "no content",
        "reset content",
        "partial content",
    ];
    let (status, reason) = span.split_once(' ').unwrap_or((span, ""));
    let is_one = is_success(status) && (reason.is_empty() || REASONS.contains(&reason.to_lowercase().as_str()));
    is_one.then(|| Said { status: status.to_owned(), is_bare: reason.is_empty(), range: span.range.clone() })
}

/// A page of common errors: its bodies are errors that operations have, and its fields those of an error.
pub fn common(contract: &Contract, page: &Page, schemas: &RefCell<Schemas>) -> Vec<Finding> {
    let mut findings = fields::common(contract, page);
    for block in json_blocks(page) {
        match parse(page, block) {
            Ok(body) => {
                for (message, range) in misfits(contract, &mut schemas.borrow_mut(), ERROR, &body) {
                    let message = format!("the body does not fit `{ERROR}`: {message}");
                    let finding = Finding::at(Rule::PageBody, page.place(&range, "in this body"), message);
                    findings.push(finding.help("show a body that operations really answer with"));
                }
                let said = body.get("message");
                let known = |text: &str| {
                    let mut errors = contract.operations.iter().flat_map(|operation| &operation.errors);
                    errors.any(|error| error.message.value == text)
                };
                if let Some(said) = said
                    && said.as_str().is_some_and(|text| !known(text))
                {
                    let message =
                        format!("no operation has an error with the message `{}`", said.as_str().unwrap_or_default());
                    let finding = Finding::at(Rule::PageBody, page.place(&said.range, "in this body"), message);
                    findings.push(finding.help("show an error that the contract documents"));
                }
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn json_blocks(page: &Page) -> impl Iterator<Item = &CodeBlock> {
    page.blocks.iter().filter(|block| matches!(block.language.as_str(), "json" | "jsonc" | "json5"))
}

/// The body of a block, its places counted in the page.
fn parse(page: &Page, block: &CodeBlock) -> Result<Node, Finding> {
    let (text, start) = (&block.text.value, block.text.range.start);
    let malformed = |message: String, at: usize| {
        let at = (start + at).min(page.source.text.len());
        let end = page.source.text[at..].chars().next().map_or(at, |letter| at + letter.len_utf8());
        let finding =
            Finding::at(Rule::PageBodySyntax, page.place(&(at..end), "here"), format!("this is not JSON: {message}"));
        finding.help("show the body as it is sent")
    };
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = line_start + error.column().saturating_sub(1);
        return Err(malformed(error.to_string(), (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)));
    }
    match node::parse(text) {
        Ok(mut body) => {
            body.shift(start);
            Ok(body)
        }
        Err(error) => Err(malformed(error.message, error.range.start)),
    }
}

/// How a body does not fit a schema. A field that the schema does not know is none that is sent.
fn misfits(contract: &Contract, schemas: &mut Schemas, name: &str, body: &Node) -> Vec<(String, Range<usize>)> {
    let mut found: Vec<(String, Range<usize>)> =
        schemas.misfits(name, body).into_iter().map(|misfit| (misfit.message, misfit.range)).collect();
    let Some(schema) = contract.schema(name) else {
        return found;
    };
    unknown_fields(contract, &schema.node, body, &mut found);
    found
}

fn unknown_fields(contract: &Contract, schema: &Node, body: &Node, found: &mut Vec<(String, Range<usize>)>) {
    let schema = resolved(contract, schema);
    if let Some(items) = schema.get("items") {
        body.items().iter().for_each(|item| unknown_fields(contract, items, item, found));
    }
    let Some(properties) = schema.get("properties") else {
        return;
    };
    for entry in body.entries() {
        match properties.get(&entry.key) {
            Some(property) => unknown_fields(contract, property, &entry.value, found),
            None => found.push((format!("there is no field `{}`", entry.key), entry.key_range.clone())),
        }
    }
}

fn resolved<'a>(contract: &'a Contract, schema: &'a Node) -> &'a Node {
    let reference = schema.get("$ref").or_else(|| schema.get("allOf")?.items().first()?.get("$ref"));
    let name = reference.and_then(Node::as_str).and_then(|target| target.strip_prefix("#/components/schemas/"));
    name.and_then(|name| contract.schema(name)).map_or(schema, |schema| &schema.node)
}
