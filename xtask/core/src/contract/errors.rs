//! The errors of an operation, distinguished as the profile defines.

use std::ops::Range;
use std::sync::Arc;

use openapi_model::document::{Operation, Status};
use openapi_model::node::{Node, Value, pointer_keys};
use openapi_model::span::{Span, Spanned};

use super::media::json;
use crate::profile::Profile;

/// An error that an operation documents: one of its named examples, or a status that names none.
#[derive(Debug, Clone)]
pub struct DocumentedError {
    /// The name of its example; its status if no example identifies it.
    pub name: Spanned<String>,
    /// Its status.
    pub status: Spanned<u16>,
    /// The value that distinguishes it from other errors with its status, at the profile's `error_identity`.
    pub identity: Option<Spanned<String>>,
    /// The summary of its example: what to do about it.
    pub summary: Option<Spanned<String>>,
    /// Its whole body. Its ranges are in the file of `span`.
    pub value: Option<Arc<Node>>,
    /// The place of its example, or of its response if it has no example.
    pub span: Span,
    /// The index of its response in the operation.
    pub response: usize,
}

/// Every error of an operation, sorted by status and name, because the document's order does not matter.
pub(super) fn errors(profile: &Profile, spec: &Operation) -> Vec<DocumentedError> {
    let mut errors = Vec::new();
    for (index, response) in spec.responses.iter().enumerate() {
        let Status::Code(code @ 400..=599) = *response.status else { continue };
        let status = Spanned::new(code, response.status.span);
        let examples = json(&response.content).map(|media| media.examples.as_slice()).unwrap_or_default();
        let before = errors.len();
        errors.extend(examples.iter().filter_map(|example| {
            let (text, range) = identity(profile.error_identity.as_deref()?, example.value.as_ref()?)?;
            Some(DocumentedError {
                name: example.name.clone(),
                status: status.clone(),
                identity: Some(Spanned::new(text, Span::new(example.span.file, &range))),
                summary: example.summary.clone(),
                value: example.value.clone(),
                span: example.span,
                response: index,
            })
        }));
        if errors.len() == before {
            errors.push(DocumentedError {
                name: Spanned::new(code.to_string(), status.span),
                status,
                identity: None,
                summary: None,
                value: None,
                span: response.span,
                response: index,
            });
        }
    }
    errors.sort_by(|one, other| (*one.status, &*one.name).cmp(&(*other.status, &*other.name)));
    errors
}

/// The value that distinguishes an error from others with its status, and its place in the error's body: the string or
/// number that the JSON pointer leads to, trimmed. `None` if it is missing or empty.
pub fn identity(pointer: &str, body: &Node) -> Option<(String, Range<usize>)> {
    let node = pointer_keys(pointer).try_fold(body, |node, key| node.child(&key))?;
    let text = match &node.value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| (text, node.range.clone()))
}

#[cfg(test)]
mod tests {
    use openapi_model::node;

    use super::identity;

    #[test]
    fn an_error_identity_is_a_string_or_a_number() {
        let body = node::parse(r#"{"a/b": [{"code": 7}, {"code": " late "}], "empty": " ", "not": true}"#).unwrap();
        let text = |pointer: &str| identity(pointer, &body).map(|(text, _)| text);
        assert_eq!(text("/a~1b/0/code").as_deref(), Some("7"));
        assert_eq!(text("/a~1b/1/code").as_deref(), Some("late"));
        for nothing in ["/empty", "/not", "/a~1b", "/a~1b/2/code", "/else"] {
            assert_eq!(text(nothing), None, "{nothing}");
        }
    }
}
