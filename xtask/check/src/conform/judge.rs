//! Compares a response with the contract: status, message, media type, schema and headers.

use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::document::{Header, MediaType, covers, essence};
use openapi_model::node::Node;
use openapi_model::schema::{SchemaId, Types};
use openapi_model::span::Span;
use openapi_model::values::Direction;
use serde_json::Value as Json;

use super::fields;
use super::operation::{Body, Operation, PlannedError, body, is_json_type, is_same};
use super::provocations;
use super::session::{Documented, Session, label};
use super::wire::Answer;

/// The documented JSON body.
pub(super) struct BodySpec<'a> {
    /// Its media type, as written in the contract.
    pub media_type: &'a str,
    pub schema: Option<SchemaId>,
    /// Its place in the contract.
    pub place: Span,
    /// Whether it is a success: errors may contain undocumented fields.
    pub is_success: bool,
}

impl<'a> Session<'a> {
    /// Compares a response with the expected one: an error, or the success. `otherwise` is the rule for another
    /// documented response. Returns whether it is the expected one.
    pub fn judge(
        &mut self,
        operation: &'a Operation,
        answer: &Answer,
        expected: Option<&'a PlannedError>,
        otherwise: Rule,
    ) -> bool {
        let found = self.documented(operation, answer);
        let is_expected = match (found, expected) {
            (Some(Documented::Success(_)), None) => true,
            (Some(Documented::Error(found)), Some(expected)) => is_same(found, expected),
            _ => false,
        };
        if let Some(found) = found.filter(|_| is_expected) {
            self.saw(operation, found);
            self.judge_parts(operation, answer, found);
        } else {
            self.other_answer(operation, answer, expected, found, otherwise);
        }
        is_expected
    }

    /// Judges the response to a request that should succeed. Values that were made up may be refused, which says
    /// nothing about the server. Returns whether it is a success.
    pub fn judge_success(&mut self, operation: &'a Operation, answer: &Answer) -> bool {
        let found = self.documented(operation, answer);
        let is_refused = found.is_some_and(|found| !matches!(found, Documented::Success(_)));
        let made_up = &answer.request.made_up;
        if made_up.is_empty() || !is_refused || !(400..500).contains(&answer.status) {
            return self.judge(operation, answer, None, Rule::LiveAnswer);
        }
        let label = found.map(Documented::label).unwrap_or_default();
        let reason = format!(
            "the server answers `{label}`, and {} {} made up; give better values in [conform.values] or [conform.bodies]",
            made_up.join(", "),
            if made_up.len() == 1 { "was" } else { "were" }
        );
        self.not_tried(operation, None, reason);
        false
    }

    /// Reports a response that is not the expected one.
    fn other_answer(
        &mut self,
        operation: &'a Operation,
        answer: &Answer,
        expected: Option<&'a PlannedError>,
        found: Option<Documented<'a>>,
        otherwise: Rule,
    ) {
        let (wanted, id) = (label(operation, expected), operation.id.as_str());
        let status = expected.map_or(operation.success_span(), |error| error.status.span);
        let identity = expected.and_then(|error| error.identity.as_ref());
        let message = identity.map_or(status, |identity| identity.span);
        let said = answer.identity().unwrap_or_default();
        let (rule, span, text) = match (found, expected) {
            (Some(found), _) => {
                let rule = match (found, expected.map(|error| *error.status)) {
                    (Documented::Success(_), Some(401)) => Rule::LiveAuthentication,
                    (Documented::Success(_), Some(403)) => Rule::LivePermission,
                    _ => otherwise,
                };
                let found = match found {
                    Documented::Other(_) => answer.status.to_string(),
                    Documented::Success(_) | Documented::Error(_) => found.label(),
                };
                (rule, message, format!("`{id}` answers `{found}` where the contract has `{wanted}`"))
            }
            (None, Some(error)) if answer.status == *error.status && answer.json.is_err() => {
                (Rule::LiveBody, message, format!("the body of the {} of `{id}` is not JSON", answer.status))
            }
            (None, Some(error)) if answer.status == *error.status && answer.identity().is_none() => {
                let name = self.identity_name();
                (Rule::LiveSchema, message, format!("the body of the {} of `{id}` has no `{name}`", answer.status))
            }
            (None, Some(error)) if answer.status == *error.status => {
                let (name, wanted) = (self.identity_name(), identity.map_or("", |identity| identity.as_str()));
                (
                    Rule::LiveMessage,
                    message,
                    format!("the server sends the {name} `{said}`, but the contract says `{wanted}`"),
                )
            }
            (None, Some(error)) if identity.is_some_and(|identity| said == identity.value) => (
                Rule::LiveStatus,
                status,
                format!("`{said}` comes with {}, not with {}", answer.status, error.status.value),
            ),
            _ => {
                let shown = if said.is_empty() { String::new() } else { format!(" {said}") };
                let text = format!("`{id}` answers `{}{shown}`, which it does not document", answer.status);
                (Rule::LiveUndocumented, operation.id.span, text)
            }
        };
        let mut finding = Finding::at(rule, self.contract.place(span, "what the contract says"), text);
        if rule == Rule::LiveUndocumented {
            let place = self.contract.place(message, "the expected response");
            finding = finding.with(place).help("answer what is documented, or document it");
        } else {
            finding = finding.help(format!("answer `{wanted}` here, or correct the contract"));
        }
        let shown = self.expectation(operation, expected);
        self.report_answer(finding, answer, &shown);
    }

    /// The expected response, in a few words: an error, or the first success.
    pub fn expectation(&self, operation: &Operation, expected: Option<&PlannedError>) -> String {
        let (status, response) = match expected {
            Some(error) => (error.status.to_string(), operation.error_response(error)),
            None => {
                let success = operation.successes.first();
                (operation.success_label(), success.and_then(|success| operation.response(success)))
            }
        };
        let documented = response.map_or(Body::Undocumented, |response| body(response, None, expected.is_none()));
        match (expected.and_then(|error| error.value.as_ref()), documented) {
            (Some(value), _) => format!("{status} {}", value.to_json()),
            (None, Body::Json(media)) => match media.schema.and_then(|schema| self.name_of(schema)) {
                Some(name) => format!("{status} with a `{name}`"),
                None => format!("{status} with a JSON body"),
            },
            (None, Body::Other(content)) => format!("{status} with {}", named(content)),
            (None, Body::None) => format!("{status} without a body"),
            (None, Body::Undocumented) => status,
        }
    }

    /// Reports wrong parts of a response whose status and message are right.
    fn judge_parts(&mut self, operation: &'a Operation, answer: &Answer, found: Documented<'a>) {
        let shown = match found {
            Documented::Other(_) => format!("{} as documented", found.label()),
            Documented::Success(_) | Documented::Error(_) => self.expectation(operation, found.error()),
        };
        for finding in self.parts(operation, answer, found) {
            self.report_answer(finding, answer, &shown);
        }
    }

    /// A response to a request that must not succeed, if it is one of those for all other errors. Returns whether it
    /// is.
    pub fn judge_other(&mut self, operation: &'a Operation, answer: &Answer) -> bool {
        let found = self.documented(operation, answer).filter(|found| matches!(found, Documented::Other(_)));
        if let Some(found) = found {
            self.saw(operation, found);
            self.judge_parts(operation, answer, found);
        }
        found.is_some()
    }

    /// The findings for the parts of a response whose status and message are right.
    pub fn parts(&mut self, operation: &'a Operation, answer: &Answer, found: Documented<'a>) -> Vec<Finding> {
        let (status, place, response) = match found {
            Documented::Success(it) | Documented::Other(it) => (it.status.span, it.status.span, operation.response(it)),
            Documented::Error(error) => (error.status.span, error.name.span, operation.error_response(error)),
        };
        let Some(response) = response else { return Vec::new() };
        let is_success = matches!(found, Documented::Success(_));
        let what = format!("`{}` of `{}`", found.label(), operation.id.value);
        let mut findings = Vec::new();
        for header in &response.headers {
            findings.extend(self.header(operation, header, answer, &what));
        }
        let media_type = answer.header("content-type");
        match body(response, media_type.as_deref(), is_success) {
            // Responses to HEAD have no body.
            _ if answer.request.method == "HEAD" => {}
            Body::Json(media) => {
                let spec = BodySpec { media_type: &media.name, schema: media.schema, place, is_success };
                findings.extend(self.body(operation, &spec, answer, &what));
            }
            Body::Other(content) => {
                let is_documented = |found: &str| content.iter().any(|media| covers(&media.name, found));
                if !media_type.as_deref().is_some_and(is_documented) {
                    let shown = media_type.map_or("no media type".to_owned(), |media_type| format!("`{media_type}`"));
                    let message = format!("{what} comes as {shown}, not as {}", named(content));
                    let place = self.contract.place(place, "documented with other media types");
                    let help = format!("send `Content-Type` with {}", named(content));
                    findings.push(Finding::at(Rule::LiveMediaType, place, message).help(help));
                }
            }
            Body::None if !answer.body.is_empty() => {
                let place = self.contract.place(status, "documented without a body");
                findings.push(Finding::at(Rule::LiveBody, place, format!("{what} has a body")));
            }
            Body::None | Body::Undocumented => {}
        }
        findings
    }

    fn header(&mut self, operation: &Operation, header: &Header, answer: &Answer, what: &str) -> Vec<Finding> {
        let place = |session: &Session<'_>| session.contract.place(header.name.span, "this header");
        let name = header.name.as_str();
        let Some(text) = answer.header(name) else {
            if !*header.required {
                return Vec::new();
            }
            let finding = Finding::at(Rule::LiveHeaderMissing, place(self), format!("{what} comes without `{name}`"))
                .help("send it with every such response, or make it optional in the contract");
            return vec![finding];
        };
        let Some(schema) = header.schema else { return Vec::new() };
        let Some(value) = header_value(self.contract.document.shape_of(schema).types, &text) else { return Vec::new() };
        let misfits = self.misfits(operation, schema, Direction::Response, &Node::from_json(&value));
        let findings = misfits.unwrap_or_default().into_iter().map(|misfit| {
            let message = format!("`{name}: {text}` of {what} does not fit: {}", misfit.message);
            Finding::at(Rule::LiveHeaderValue, place(self), message).help("send a value of its schema")
        });
        findings.collect()
    }

    /// The findings for a body that must be JSON.
    pub fn body(&mut self, operation: &Operation, spec: &BodySpec<'_>, answer: &Answer, what: &str) -> Vec<Finding> {
        let contract = self.contract;
        let mut findings = Vec::new();
        let media_type = answer.header("content-type");
        if !media_type.as_deref().is_some_and(|media_type| is_json(media_type, spec.media_type)) {
            let wanted = essence(spec.media_type);
            let shown = media_type.map_or("no media type".to_owned(), |media_type| format!("`{media_type}`"));
            let message = format!("{what} comes as {shown}, not as `{wanted}`");
            let place = contract.place(spec.place, "documented as JSON");
            let help = format!("send `Content-Type: {wanted}`");
            findings.push(Finding::at(Rule::LiveMediaType, place, message).help(help));
        }
        let json = match &answer.json {
            Ok(json) => json,
            Err(reason) => {
                let place = contract.place(spec.place, "documented as JSON");
                let message = format!("the body of {what} is not JSON: {reason}");
                findings.push(Finding::at(Rule::LiveBody, place, message).help("send one JSON document in UTF-8"));
                return findings;
            }
        };
        let Some(schema) = spec.schema else { return findings };
        let shown = self.name_of(schema).map_or("its schema".to_owned(), |name| format!("`{name}`"));
        let misfits = self.misfits(operation, schema, Direction::Response, &Node::from_json(json));
        for misfit in misfits.unwrap_or_default() {
            let span = fields::place(&contract.document, schema, &misfit.pointer).unwrap_or(spec.place);
            let at = if misfit.pointer.is_empty() { "the body" } else { &misfit.pointer };
            let message = format!("{what} does not fit {shown} at `{at}`: {}", misfit.message);
            let place = contract.place(span, "what the contract says");
            findings
                .push(Finding::at(Rule::LiveSchema, place, message).help("answer what fits, or correct the schema"));
        }
        // Errors may contain undocumented fields, by the conventions of the contract.
        if spec.is_success {
            for field in fields::undocumented(&contract.document, schema, json) {
                let name = contract.document.shape_of(schema).name.as_ref().map(|name| name.span);
                let place = contract.place(name.unwrap_or(spec.place), "this schema");
                let message = format!("{what} has `{field}`, which {shown} does not describe");
                let help = "describe it: clients cannot know what it means";
                findings.push(Finding::at(Rule::LiveUndocumentedField, place, message).help(help));
            }
        }
        findings
    }

    /// The name of a schema, if it is a component.
    fn name_of(&self, schema: SchemaId) -> Option<String> {
        self.contract.document.shape_of(schema).name.as_ref().map(|name| name.value.clone())
    }
}

/// The value of a header; `None` if its format is unknown.
fn header_value(types: Types, text: &str) -> Option<Json> {
    if types.meets(Types::STRING) {
        return Some(text.into());
    }
    let is_scalar = !types.meets(Types::ARRAY.with(Types::OBJECT));
    is_scalar.then(|| serde_json::from_str(text.trim()).unwrap_or_else(|_| text.into()))
}

/// The names of media types.
fn named(content: &[MediaType]) -> String {
    let names: Vec<String> = content.iter().map(|media| format!("`{}`", essence(&media.name))).collect();
    names.join(" or ")
}

/// Whether this is UTF-8 JSON of the documented media type.
fn is_json(media_type: &str, documented: &str) -> bool {
    let is_utf8 = |part: &str| match part.trim().to_ascii_lowercase().strip_prefix("charset=") {
        Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "utf8"),
        None => true,
    };
    let is_range = documented.contains('*');
    let is_wanted = if is_range { is_json_type(media_type) } else { essence(media_type) == essence(documented) };
    is_wanted && media_type.split(';').skip(1).all(is_utf8)
}

/// The documented error of the rate limit, if there is one.
pub(super) fn rate_limited(operation: &Operation) -> Option<&PlannedError> {
    operation.errors.iter().find(|error| provocations::is_over_the_limit(error))
}
