//! The errors of an operation, told apart as the profile says.

use openapi_model::document::{Example, Operation, Status};
use openapi_model::node::{Node, Value};
use openapi_model::span::{Span, Spanned};

use super::{DocumentedError, json};
use crate::profile::Profile;

/// Every error of an operation, by status and name: neither order means anything.
pub(super) fn errors(profile: &Profile, spec: &Operation) -> Vec<DocumentedError> {
    let mut errors = Vec::new();
    for (index, response) in spec.responses.iter().enumerate() {
        let Status::Code(code @ 400..=599) = *response.status else { continue };
        let status = Spanned::new(code, response.status.span);
        let examples = json(&response.content).map(|media| media.examples.as_slice()).unwrap_or_default();
        let before = errors.len();
        errors.extend(examples.iter().filter_map(|example| {
            let identity = identity(profile.error_identity.as_deref()?, example)?;
            Some(DocumentedError {
                name: example.name.clone(),
                status: status.clone(),
                identity: Some(identity),
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

/// What tells an example from other errors of its status: the text or number that the pointer leads to.
pub(super) fn identity(pointer: &str, example: &Example) -> Option<Spanned<String>> {
    let node = at(example.value.as_ref()?, pointer)?;
    let text = match &node.value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| Spanned::new(text, Span::new(example.span.file, &node.range)))
}

fn at<'a>(node: &'a Node, pointer: &str) -> Option<&'a Node> {
    pointer.split('/').skip(1).try_fold(node, |node, part| {
        let key = part.replace("~1", "/").replace("~0", "~");
        match &node.value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => node.get(&key),
        }
    })
}
