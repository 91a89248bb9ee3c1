//! What a request asks for, as far as the contract says: one of its operations, something near one, or nothing of it.

use apidrift_core::contract::{Contract, Operation};

/// What a request asks for.
pub(super) enum Aim<'a> {
    /// This operation and nothing else.
    Operation(&'a Operation),
    /// Something that a server may take for one of these operations or not.
    Near(Vec<&'a Operation>),
    /// A method that the path of these operations does not have.
    OtherMethod(Vec<&'a Operation>),
    /// Nothing that the contract knows.
    Nothing,
}

/// What a method and a path as it is sent ask for.
pub(super) fn aim<'a>(contract: &'a Contract, method: &str, path: &str) -> Aim<'a> {
    let exactly: Vec<&Operation> =
        contract.operations.iter().filter(|operation| is_of(&operation.path, path, str::eq)).collect();
    let is_method = |operation: &&Operation| *operation.method == *method;
    if !exactly.is_empty() && is_clean(path) {
        let other_case = |operation: &&Operation| operation.method.eq_ignore_ascii_case(method);
        if let Some(operation) = exactly.iter().copied().find(is_method) {
            return Aim::Operation(operation);
        }
        // Methods are told apart by their case, and not by every framework.
        let near: Vec<&Operation> = exactly.iter().copied().filter(other_case).collect();
        return if near.is_empty() { Aim::OtherMethod(exactly) } else { Aim::Near(near) };
    }
    let plain = plain(path);
    let nearly: Vec<&Operation> = contract
        .operations
        .iter()
        .filter(|operation| is_of(&operation.path, &plain, str::eq_ignore_ascii_case))
        .collect();
    if nearly.is_empty() { Aim::Nothing } else { Aim::Near(nearly) }
}

/// Whether a path is one of a template's.
fn is_of(template: &str, path: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let is_variable = |part: &str| part.starts_with('{') && part.ends_with('}');
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(template, part)| if is_variable(template) { !part.is_empty() } else { same(template, part) })
}

/// Whether every part of a path can be decoded, and is still a part then.
fn is_clean(path: &str) -> bool {
    path.split('/').all(|part| {
        decoded(part).is_some_and(|text| !text.contains(['/', '\\', '\0']) && !matches!(text.as_str(), "." | ".."))
    })
}

/// What a percent-encoded text says; nothing where it is not well-formed.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A path as lenient servers read it: decoded as far as possible, without empty parts.
fn plain(path: &str) -> String {
    let parts = path.split('/').map(|part| decoded(part).unwrap_or_else(|| part.to_owned()));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use openapi_model::source::Source;

    const CONTRACT: &str = include_str!("../../../../fixtures/things/openapi/things.yaml");

    fn kind(method: &str, path: &str) -> &'static str {
        let contract = Contract::load(&Source::new("things.yaml", CONTRACT)).0.unwrap();
        match aim(&contract, method, path) {
            Aim::Operation(_) => "operation",
            Aim::Near(_) => "near",
            Aim::OtherMethod(_) => "other method",
            Aim::Nothing => "nothing",
        }
    }

    #[test]
    fn what_is_exactly_an_operation_s_request_is_told_from_what_is_nearly_one() {
        for (method, path, wanted) in [
            ("GET", "/things", "operation"),
            ("DELETE", "/things", "other method"),
            ("get", "/things", "near"),
            ("GET", "/things/", "near"),
            ("GET", "//things", "near"),
            ("GET", "/%74hings", "near"),
            ("GET", "/Things", "near"),
            ("GET", "/other", "nothing"),
            ("GET", "/", "nothing"),
        ] {
            assert_eq!(kind(method, path), wanted, "{method} {path}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_not_decoded() {
        assert_eq!(decoded("a%2Fb%20c").as_deref(), Some("a/b c"));
        for text in ["%", "%2", "%zz", "%ff", "%C0%AF"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
