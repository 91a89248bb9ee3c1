//! What an operation can answer: one success, and its errors by name.

use super::load::{Loader, spanned, text};
use super::node::Node;
use super::{DocumentedError, Header, Spanned, Success};
use crate::finding::Finding;
use crate::rules::Rule;

const JSON: &str = "application/json";
/// The schema that every error has.
pub const ERROR: &str = "Error";

impl<'a> Loader<'a> {
    /// Reads the answers of an operation.
    pub(super) fn responses(
        &mut self,
        what: &str,
        id: &Spanned<String>,
        body: &'a Node,
    ) -> Option<(Success, Vec<DocumentedError>)> {
        let mut successes = Vec::new();
        let mut usable = None;
        let mut errors: Vec<DocumentedError> = Vec::new();
        for response in body.get("responses").map(Node::entries).unwrap_or_default() {
            let Ok(code) = response.key.parse::<u16>() else {
                self.report(
                    Rule::ContractSubset,
                    &response.key_range,
                    "not one status",
                    format!("{what} documents `{}`; each status has to stand by itself", response.key),
                    "document each status that can be answered",
                );
                continue;
            };
            let status = spanned(code, &response.key_range);
            let Some(answer) = self.resolve(&response.value) else {
                continue;
            };
            let headers = self.headers(answer);
            match code {
                200..=299 => {
                    successes.push(code);
                    usable = self.success(what, status, answer, headers);
                }
                400..=599 => self.errors(what, &status, answer, &headers, &mut errors),
                _ => self.report(
                    Rule::ContractSubset,
                    &response.key_range,
                    "this status",
                    format!("{what} documents {code}, which is neither a success nor an error"),
                    "document 2xx, 4xx and 5xx",
                ),
            }
        }
        if successes.len() != 1 {
            self.report(
                Rule::ContractSubset,
                &id.range,
                "this operation",
                format!("{what} documents {} successes; exactly one is needed", successes.len()),
                "document one 2xx with a JSON body whose schema is a `$ref`",
            );
        }
        // Neither order means anything: the same contract is the same model.
        errors.sort_by(|one, other| (*one.status, &*one.name).cmp(&(*other.status, &*other.name)));
        Some((usable?, errors))
    }

    fn success(&mut self, what: &str, status: Spanned<u16>, answer: &'a Node, headers: Vec<Header>) -> Option<Success> {
        let content = answer.get("content").and_then(|content| content.get(JSON));
        if answer.get("content").is_none() {
            let description = text(answer, "description");
            return Some(Success { description, headers, schema: None, examples: Vec::new(), status });
        }
        let schema = content.and_then(|content| content.get("schema"));
        if schema.is_some_and(|schema| self.resolve(schema).is_none()) {
            return None;
        }
        let Some(schema) = content.and_then(schema_name) else {
            self.report(
                Rule::ContractSubset,
                &status.range,
                "this answer",
                format!("the {} of {what} has no JSON body whose schema is a `$ref`", status.value),
                "put the schema into `components.schemas` and refer to it",
            );
            return None;
        };
        self.depend_on(&schema);
        let mut examples = content.map(|content| self.examples(content)).unwrap_or_default();
        examples.sort_by(|(one, _), (other, _)| one.value.cmp(&other.value));
        Some(Success { description: text(answer, "description"), headers, schema: Some(schema), examples, status })
    }

    fn errors(
        &mut self,
        what: &str,
        status: &Spanned<u16>,
        answer: &'a Node,
        headers: &[Header],
        errors: &mut Vec<DocumentedError>,
    ) {
        let content = answer.get("content").and_then(|content| content.get(JSON));
        let schema = content.and_then(schema_name);
        if schema.as_ref().is_none_or(|schema| schema.value != ERROR) {
            self.report(
                Rule::ContractErrorSchema,
                &schema.map_or_else(|| status.range.clone(), |schema| schema.range),
                "this answer",
                format!("the {} of {what} does not have the schema `{ERROR}`", status.value),
                format!("write `$ref: '#/components/schemas/{ERROR}'`: every error has the same body"),
            );
        }
        self.depend_on(ERROR);
        let examples = content.and_then(|content| content.get("examples")).map(Node::entries).unwrap_or_default();
        if examples.is_empty() {
            self.report(
                Rule::ContractErrorUnnamed,
                &status.range,
                "this status",
                format!("the {} of {what} names no error", status.value),
                "name each error under `examples`, with a `summary` and `value: {message: …}`",
            );
        }
        for example in examples {
            let Some(node) = self.resolve(&example.value) else {
                continue;
            };
            let text = |node: Option<&Node>| {
                let node = node?;
                let text = node.as_str()?.trim();
                (!text.is_empty()).then(|| spanned(text.to_owned(), &node.range))
            };
            let message = text(node.get("value").and_then(|value| value.get("message")));
            let (Some(message), Some(summary)) = (message, text(node.get("summary"))) else {
                self.report(
                    Rule::ContractErrorText,
                    &example.key_range,
                    "this error",
                    format!("the error `{}` of {what} lacks a message or a summary", example.key),
                    "write `summary: what to do about it` and `value: {message: what is wrong}`",
                );
                continue;
            };
            let error = DocumentedError {
                name: spanned(example.key.clone(), &example.key_range),
                status: status.clone(),
                message,
                summary,
                headers: headers.to_vec(),
                value: node.get("value").cloned().unwrap_or_default(),
            };
            if let Some(first) = errors.iter().find(|other| is_ambiguous(other, &error)) {
                let finding = Finding::at(
                    Rule::ContractErrorAmbiguous,
                    self.place(&error.name.range, "cannot be told apart"),
                    format!(
                        "{what} documents two errors as one: `{} {}` and `{} {}`",
                        first.status.value, first.message.value, error.status.value, error.message.value
                    ),
                )
                .with(self.place(&first.name.range, "from this one"))
                .help("a client tells errors apart by status and message, and code by name: make both unique");
                self.push(finding);
                continue;
            }
            errors.push(error);
        }
    }

    /// The values under `examples`, or the one of `example`, by name.
    pub(super) fn examples(&mut self, node: &'a Node) -> Vec<(Spanned<String>, Node)> {
        let named = node.get("examples").map(Node::entries).unwrap_or_default().iter();
        let mut examples: Vec<(Spanned<String>, Node)> = named
            .filter_map(|entry| {
                let value = self.resolve(&entry.value)?.get("value")?;
                Some((spanned(entry.key.clone(), &entry.key_range), value.clone()))
            })
            .collect();
        examples
            .extend(node.entry("example").map(|only| (spanned(only.key.clone(), &only.key_range), only.value.clone())));
        examples
    }

    fn headers(&mut self, answer: &'a Node) -> Vec<Header> {
        let entries = answer.get("headers").map(Node::entries).unwrap_or_default().iter();
        entries
            .filter_map(|entry| {
                let node = self.resolve(&entry.value)?;
                let Some(schema) = node.get("schema") else {
                    self.report(
                        Rule::ContractSubset,
                        &entry.key_range,
                        "this header",
                        format!("the header `{}` has no `schema`", entry.key),
                        "write one, such as `schema: {type: string}`",
                    );
                    return None;
                };
                let schema = self.resolve(schema)?;
                self.depend_on_references(schema);
                let constant = match schema.get("enum").map(Node::items) {
                    Some([only]) => only.as_str().map(str::to_owned),
                    _ => None,
                };
                Some(Header {
                    name: spanned(entry.key.clone(), &entry.key_range),
                    required: node.get("required").and_then(Node::as_bool).unwrap_or(false),
                    description: text(node, "description"),
                    schema: schema.clone(),
                    constant,
                    examples: self.examples(node).into_iter().map(|(_, value)| value).collect(),
                })
            })
            .collect()
    }
}

fn is_ambiguous(one: &DocumentedError, other: &DocumentedError) -> bool {
    *one.name == *other.name || (*one.status == *other.status && *one.message == *other.message)
}

/// The component that a media type's schema refers to.
fn schema_name(content: &Node) -> Option<Spanned<String>> {
    let reference = content.get("schema")?.get("$ref")?;
    let name = reference.as_str()?.strip_prefix("#/components/schemas/")?;
    Some(spanned(name.to_owned(), &reference.range))
}
