//! The success that a page shows: its status, and bodies that fit their schemas.

use std::ops::Range;

use openapi_model::document::{Document, Response, Status};
use openapi_model::node::{self, Node, Value};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::source::Place;
use openapi_model::values::Direction;

use super::about::About;
use super::basis::Basis;
use super::fields;
use super::shapes::{self, Others, Variants};
use crate::page::{CodeBlock, Page, Written};
use apidrift_core::contract::{identity, json};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

impl About<'_, '_> {
    pub(super) fn success(&self) -> Vec<Finding> {
        let mut findings = self.status();
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
            // The body of an error that the operation has, and a request body, may be shown too.
            if misfits.as_ref().is_some_and(|_| self.is_error(&body) || self.is_request(&body)) {
                continue;
            }
            shows_success = true;
            let Some((misfits, there)) = misfits else { continue };
            for (message, range) in misfits {
                let finding = Finding::at(Rule::PageBody, self.page.place(&range, "in this body"), message);
                findings.push(finding.with(there.clone()).help("show a body that the operation really returns"));
            }
        }
        let shown = self.operation.successes().find_map(|success| Some((success, json_schema(success)?)));
        if let Some((success, schema)) = shown.filter(|_| !shows_success && self.basis.is_complete()) {
            let message =
                format!("the page shows no body of the {} (a code block of the language `json`)", *success.status);
            let finding = Finding::at(Rule::PageBody, self.page.top("this page"), message).with(self.answer(schema));
            findings.push(finding.help("show an example of it; the contract has one under `examples`"));
        }
        findings
    }

    /// The misfits of a body with the most similar success, and the place of that. `None` if it fits a success, or if
    /// that is unknown.
    fn misfits(&self, body: &Node) -> Option<(Misfits, Place)> {
        let mut successes: Vec<&Response> = self.operation.successes().collect();
        if successes.is_empty() {
            let responses = self.operation.responses.iter();
            successes.extend(responses.filter(|response| *response.status == Status::Default));
        }
        let mut best: Option<(Misfits, Place)> = None;
        let with_body = || successes.iter().filter(|success| !success.content.is_empty());
        for media in with_body().filter_map(|success| json(&success.content)) {
            let schema = media.schema?;
            let misfits = misfits(self.basis, schema, Direction::Response, body)?;
            if misfits.is_empty() {
                return None;
            }
            if best.as_ref().is_none_or(|(known, _)| misfits.len() < known.len()) {
                best = Some((whole(self.basis, schema, misfits), self.answer(schema)));
            }
        }
        // The schemas of bodies of other media types are unknown.
        if best.is_some() || with_body().next().is_some() {
            return best;
        }
        let there = self.basis.place(successes.first()?.status.span, "the contract documents no body");
        Some((vec![("the operation answers without a body".to_owned(), body.range.clone())], there))
    }

    fn answer(&self, schema: SchemaId) -> Place {
        let schema = self.basis.document().schema(schema);
        let span = schema.reference.as_ref().map_or(schema.span, |reference| reference.text.span);
        self.basis.place(span, "the contract documents this body")
    }

    /// Whether a body is one of the operation's errors.
    fn is_error(&self, body: &Node) -> bool {
        let identity = error_identity(self.basis, body);
        self.operation.responses.iter().enumerate().any(|(index, response)| {
            if !matches!(*response.status, Status::Code(400..=599) | Status::Range(4 | 5) | Status::Default) {
                return false;
            }
            let Some(media) = json(&response.content) else { return false };
            let errors = self.operation.errors.iter().filter(|error| error.response == index);
            let mut identities = errors.filter_map(|error| error.identity.as_ref()).peekable();
            let Some(schema) = media.schema else { return true };
            if identities.peek().is_some() {
                let misfits = self.basis.misfits(schema, Direction::Response, body).unwrap_or_default();
                misfits.is_empty()
                    && identities.any(|known| identity.as_ref().is_some_and(|(text, _)| **text == **known))
            } else {
                // Without an identity, it must at least fit the schema.
                misfits(self.basis, schema, Direction::Response, body).unwrap_or_default().is_empty()
            }
        })
    }

    /// Whether a body fits a request of the operation.
    fn is_request(&self, body: &Node) -> bool {
        let Some(media) = self.operation.body.as_ref().and_then(|body| json(&body.content)) else { return false };
        let misfits = |schema| misfits(self.basis, schema, Direction::Request, body).unwrap_or_default();
        media.schema.is_none_or(|schema| misfits(schema).is_empty())
    }

    /// The status is in a code span or a status line, and no other success is.
    fn status(&self) -> Vec<Finding> {
        let documented = || self.operation.responses.iter().map(|response| &response.status);
        let known: Vec<_> = documented()
            .filter_map(|status| match status.value {
                Status::Code(code @ 200..=299) => Some((code.to_string(), status.span)),
                _ => None,
            })
            .collect();
        let Some((first, span)) = known.first() else { return Vec::new() };
        let right = known.iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>().join(" or ");
        let there = || self.basis.place(*span, "the contract says this");
        let help = format!("write `{first}` in a code span");
        let prose: Vec<SuccessStatus> =
            self.page.spans.iter().filter_map(success_status).chain(self.status_lines()).collect();
        let cells: Vec<SuccessStatus> = self.page.cell_spans.iter().filter_map(success_status).collect();
        let takes_others = documented().any(|status| matches!(status.value, Status::Range(2) | Status::Default));
        let is_right = |success_status: &SuccessStatus| {
            takes_others || known.iter().any(|(status, _)| *status == success_status.status)
        };
        if prose.is_empty() && cells.is_empty() {
            if !self.basis.is_complete() {
                return Vec::new();
            }
            let message = format!("the page does not give the success status {right}");
            let finding = Finding::at(Rule::PageSuccessStatus, self.page.top("this page"), message);
            return vec![finding.with(there()).help(help)];
        }
        // A number in a table may have another meaning if the status is given elsewhere.
        let is_said = prose.iter().chain(&cells).any(is_right);
        let cells = cells.into_iter().filter(|_| !is_said);
        let wrong = prose.into_iter().chain(cells).filter(|success_status| !is_right(success_status));
        wrong
            .map(|success_status| {
                let message = format!(
                    "the page gives the success status {}, but the contract says {right}",
                    success_status.status
                );
                let here = self.page.place(&success_status.range, "the page says this");
                let finding = Finding::at(Rule::PageSuccessStatus, here, message).with(there()).help(help.clone());
                // The reason phrase after it would be wrong too; if there are several statuses, the right one is
                // ambiguous.
                if success_status.is_bare && known.len() == 1 { finding.fix_with(&right) } else { finding }
            })
            .collect()
    }

    /// Lines such as `HTTP/1.1 202 Accepted` in code blocks.
    fn status_lines(&self) -> impl Iterator<Item = SuccessStatus> {
        self.page.blocks.iter().flat_map(|block| {
            let line = |(at, _)| {
                let line = block.text[at..].lines().next()?;
                let status = line.split(' ').nth(1).filter(|status| is_success(status))?;
                let range = block.text.range.start + at..block.text.range.start + at + line.len();
                Some(SuccessStatus { status: status.to_owned(), is_bare: false, range })
            };
            block.text.match_indices("HTTP/").filter_map(line)
        })
    }
}

/// A success status on a page.
struct SuccessStatus {
    status: String,
    /// Whether the status is given without a reason phrase.
    is_bare: bool,
    range: Range<usize>,
}

fn is_success(text: &str) -> bool {
    text.len() == 3 && text.starts_with('2') && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// `202`, or `202 Accepted`.
fn success_status(span: &Written<String>) -> Option<SuccessStatus> {
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
    let is_success_status =
        is_success(status) && (reason.is_empty() || REASONS.contains(&reason.to_lowercase().as_str()));
    is_success_status.then(|| SuccessStatus {
        status: status.to_owned(),
        is_bare: reason.is_empty(),
        range: span.range.clone(),
    })
}

/// Compares a page of common errors: its bodies must be errors that operations have, and its fields those of an error.
pub fn common(basis: &Basis<'_>, page: &Page) -> Vec<Finding> {
    let mut findings = fields::common(basis, page);
    let schemas = basis.error_schemas();
    for block in json_blocks(page) {
        match parse(page, block) {
            Ok(body) => {
                for (message, range) in misfits_of_error(basis, &schemas, &body) {
                    let finding = Finding::at(Rule::PageBody, page.place(&range, "in this body"), message);
                    findings.push(finding.help("show a body that operations really return"));
                }
                let known = |text: &str| {
                    let errors = basis.operations().flat_map(|operation| &operation.errors);
                    errors.filter_map(|error| error.identity.as_ref()).any(|known| **known == *text)
                };
                if let Some((identity, range)) = error_identity(basis, &body)
                    && !known(&identity)
                {
                    let message = format!("no operation has an error with the {} `{identity}`", basis.error_word());
                    let finding = Finding::at(Rule::PageBody, page.place(&range, "in this body"), message);
                    findings.push(finding.help("show an error that the contract documents"));
                }
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

/// Why a body is not an error: the misfits of the schema that it fits best.
fn misfits_of_error(basis: &Basis<'_>, schemas: &[SchemaId], body: &Node) -> Misfits {
    let mut best: Option<Misfits> = None;
    for schema in schemas {
        let Some(misfits) = misfits(basis, *schema, Direction::Response, body) else { return Vec::new() };
        if best.as_ref().is_none_or(|known| misfits.len() < known.len()) {
            best = Some(whole(basis, *schema, misfits));
        }
    }
    best.unwrap_or_default()
}

/// The identity of an error body, as the profile defines it, and its place.
fn error_identity(basis: &Basis<'_>, body: &Node) -> Option<(String, Range<usize>)> {
    identity(basis.contract.profile.error_identity.as_deref()?, body)
}

/// The schema of a JSON response.
fn json_schema(response: &Response) -> Option<SchemaId> {
    json(&response.content)?.schema
}

fn json_blocks(page: &Page) -> impl Iterator<Item = &CodeBlock> {
    page.blocks.iter().filter(|block| matches!(block.language.as_str(), "json" | "jsonc" | "json5"))
}

/// The body in a block, with places in the page.
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

/// The messages about a body, with their places.
type Misfits = Vec<(String, Range<usize>)>;

/// The misfits as messages about the whole body.
fn whole(basis: &Basis<'_>, schema: SchemaId, misfits: Misfits) -> Misfits {
    let title = shapes::title(basis.document(), schema);
    misfits.into_iter().map(|(why, range)| (format!("the body does not fit {title}: {why}"), range)).collect()
}

/// The misfits of a body, including fields that the schema does not have. `None` if the schema cannot be used.
fn misfits(basis: &Basis<'_>, schema: SchemaId, direction: Direction, body: &Node) -> Option<Misfits> {
    let misfits = basis.misfits(schema, direction, body)?;
    let mut found: Misfits = misfits.into_iter().map(|misfit| (misfit.message, misfit.range)).collect();
    unknown_fields(basis.document(), &[schema.into()], body, &mut found);
    Some(found)
}

fn unknown_fields(document: &Document, schemas: &[AllOf], body: &Node, found: &mut Misfits) {
    match &body.value {
        Value::Array(items) => {
            let variants = Variants::of(document, schemas);
            for (index, item) in items.iter().enumerate() {
                let Some(schemas) = variants.items(index) else { break };
                unknown_fields(document, &schemas, item, found);
            }
        }
        Value::Object(entries) => {
            let fields = Variants::of(document, schemas).fields();
            let takes_any = schemas.iter().any(|schemas| shapes::takes_any_field(document, schemas));
            for entry in entries {
                match (fields.named.get(&entry.key), &fields.others) {
                    (Some(field), _) => unknown_fields(document, &field.schemas, &entry.value, found),
                    (None, Others::Some(schemas)) => unknown_fields(document, schemas, &entry.value, found),
                    (None, Others::None) if !takes_any => {
                        found.push((format!("there is no field `{}`", entry.key), entry.key_range.clone()));
                    }
                    (None, _) => {}
                }
            }
        }
        _ => {}
    }
}
