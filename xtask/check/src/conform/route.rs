//! Matches a request to the contract: one of its operations, something close to one, or nothing.

use openapi_model::paths;

use super::operation::{Operation, Plan, Untried};
use super::percent::decoded;

/// How a request matches the operations of the contract.
pub(super) enum RouteMatch<'a> {
    /// Exactly this operation.
    Operation(&'a Operation),
    /// A server may match it to one of these operations or not.
    Near(Vec<&'a Operation>),
    /// A method that these operations' path does not have.
    OtherMethod(Vec<&'a Operation>),
    /// An operation that cannot be tested, or something close to it: the permitted responses are not known.
    NotTested,
    /// No match in the contract.
    Nothing,
}

/// Matches a method and an encoded path to the operations.
pub(super) fn route_match<'a>(plan: &'a Plan, method: &str, path: &str) -> RouteMatch<'a> {
    let lenient = plain(path);
    // Some servers split a segment with an encoded slash, and others do not.
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(|part| decoded(part).unwrap_or_else(|| part.to_owned())).collect();
    let whole: String = parts.iter().map(|part| format!("/{}", part.replace('/', "_"))).collect();
    let is_near =
        |template: &str| [&lenient, &whole].into_iter().any(|path| is_of(template, path, str::eq_ignore_ascii_case));
    let mut exactly: Vec<&Operation> =
        plan.operations.iter().filter(|operation| is_of(&operation.path, path, str::eq)).collect();
    // Paths without variables come before those with some.
    exactly.sort_by_key(|operation| paths::variables(&operation.path).len());
    let is_method = |operation: &&Operation| *operation.method == *method;
    let exact = exactly.iter().copied().find(is_method).filter(|_| is_clean(path));
    // What a server may take for an operation that is not tested, if it does not belong to a tested one.
    let is_untried = |untried: &Untried| match exact {
        Some(operation) => {
            let (own, other) = (paths::variables(&operation.path).len(), paths::variables(&untried.path).len());
            is_of(&untried.path, path, str::eq) && (other < own || other == own && untried.method == method)
        }
        None => is_near(&untried.path),
    };
    if plan.untried.iter().any(is_untried) {
        return RouteMatch::NotTested;
    }
    if let Some(operation) = exact {
        return RouteMatch::Operation(operation);
    }
    if !exactly.is_empty() && is_clean(path) {
        let other_case = |operation: &&Operation| operation.method.eq_ignore_ascii_case(method);
        // Methods are case-sensitive, but some frameworks ignore case.
        let near: Vec<&Operation> = exactly.iter().copied().filter(other_case).collect();
        return if near.is_empty() { RouteMatch::OtherMethod(exactly) } else { RouteMatch::Near(near) };
    }
    let nearly: Vec<&Operation> = plan.operations.iter().filter(|operation| is_near(&operation.path)).collect();
    let with_method: Vec<&Operation> = nearly.iter().copied().filter(is_method).collect();
    match (with_method.is_empty(), nearly.is_empty()) {
        (false, _) => RouteMatch::Near(with_method),
        (true, false) => RouteMatch::Near(nearly),
        (true, true) => RouteMatch::Nothing,
    }
}

/// Whether a path matches a template.
fn is_of(template: &str, path: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    values(template, path, same).is_some()
}

/// The variables of a template with their values in a path; `None` if the path does not match.
pub(super) fn values<'a>(
    template: &'a str,
    path: &'a str,
    same: impl Fn(&str, &str) -> bool,
) -> Option<Vec<(&'a str, &'a str)>> {
    let (templates, parts): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let mut found = Vec::new();
    for (template, part) in templates.iter().zip(&parts) {
        found.extend(values_of_part(template, part, &same)?);
    }
    (templates.len() == parts.len()).then_some(found)
}

/// The same for one path segment: a variable may have text around it, such as `{id}.json`.
fn values_of_part<'a>(
    template: &'a str,
    part: &'a str,
    same: &impl Fn(&str, &str) -> bool,
) -> Option<Vec<(&'a str, &'a str)>> {
    let (before, rest) = match template.split_once('{') {
        Some((before, rest)) if rest.contains('}') => (before, rest),
        _ => return same(template, part).then(Vec::new),
    };
    let (name, rest) = rest.split_once('}')?;
    let (start, part) = part.split_at_checked(before.len())?;
    if !same(before, start) {
        return None;
    }
    // A variable takes as little as possible, but at least one character.
    let ends = part.char_indices().map(|(at, letter)| at + letter.len_utf8());
    ends.into_iter().find_map(|end| {
        let (value, after) = part.split_at(end);
        let others = values_of_part(rest, after, same)?;
        Some([(name, value)].into_iter().chain(others).collect())
    })
}

/// Whether every segment of a path can be decoded without ceasing to be one segment.
fn is_clean(path: &str) -> bool {
    path.split('/').all(|part| {
        decoded(part).is_some_and(|text| !text.contains(['/', '\\', '\0']) && !matches!(text.as_str(), "." | ".."))
    })
}

/// A path as lenient servers read it: decoded as far as possible, without empty segments.
pub(super) fn plain(path: &str) -> String {
    let parts = path.split('/').map(|part| decoded(part).unwrap_or_else(|| part.to_owned()));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use apidrift_core::contract::Contract;
    use apidrift_core::settings::Conform;
    use openapi_model::source::Source;

    const CONTRACT: &str = include_str!("../../../fixtures/things/openapi/things.yaml");

    fn kind(method: &str, path: &str) -> &'static str {
        let contract = Contract::read(&Source::new("things.yaml", CONTRACT), None, None).unwrap();
        match route_match(&Plan::of(&contract, &Conform::default()), method, path) {
            RouteMatch::Operation(_) => "operation",
            RouteMatch::Near(_) => "near",
            RouteMatch::OtherMethod(_) => "other method",
            RouteMatch::NotTested => "not tested",
            RouteMatch::Nothing => "nothing",
        }
    }

    #[test]
    fn exact_requests_are_distinguished_from_near_ones() {
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
    fn an_operation_that_is_not_tested_hides_only_what_may_be_its_own() {
        let text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    \
                    get: {responses: {'200': {description: A}}}\n    delete: {responses: {'404': {description: B}}}\n  \
                    /{b}:\n    parameters: [{name: b, in: path, required: true, schema: {type: string}}]\n    \
                    get: {responses: {'404': {description: C}}}\n";
        let contract = Contract::read(&Source::new("a.yaml", text), None, None).unwrap();
        let plan = Plan::of(&contract, &Conform::default());
        assert!(matches!(route_match(&plan, "GET", "/a"), RouteMatch::Operation(_)));
        for (method, path) in [("DELETE", "/a"), ("GET", "/A"), ("GET", "/b"), ("GET", "/a/")] {
            assert!(matches!(route_match(&plan, method, path), RouteMatch::NotTested), "{method} {path}");
        }
    }

    #[test]
    fn an_encoded_slash_may_be_part_of_a_value() {
        let text = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a/{id}/b:\n    get:\n      \
                    parameters: [{name: id, in: path, required: true, schema: {type: string}}]\n      \
                    responses: {'200': {description: B}}\n";
        let contract = Contract::read(&Source::new("a.yaml", text), None, None).unwrap();
        let plan = Plan::of(&contract, &Conform::default());
        assert!(matches!(route_match(&plan, "GET", "/a/x%2Fy/b"), RouteMatch::Near(_)));
        assert!(matches!(route_match(&plan, "GET", "/%61/%2F/b/"), RouteMatch::Near(_)));
        assert!(matches!(route_match(&plan, "GET", "/a/x/y/b"), RouteMatch::Nothing));
    }

    #[test]
    fn path_variables_may_have_text_around_them() {
        let found = |template, path| values(template, path, str::eq);
        assert_eq!(found("/a/{id}.json", "/a/7.json"), Some(vec![("id", "7")]));
        assert_eq!(found("/{from}-{to}", "/1-2-3"), Some(vec![("from", "1"), ("to", "2-3")]));
        assert_eq!(found("/a/{id}", "/a/7"), Some(vec![("id", "7")]));
        for (template, path) in
            [("/a/{id}.json", "/a/.json"), ("/a/{id}", "/a/"), ("/a/{id}", "/a/7/b"), ("/é{id}", "/e")]
        {
            assert_eq!(found(template, path), None, "{template} {path}");
        }
    }
}
