//! Builds requests of an operation, with values for its parameters.

use openapi_model::document::Location;

use super::operation::Operation;
use super::percent::encoded;
use super::provocations;
use super::session::Session;
use super::wire::{Authorization, Extra, Request};

impl Session<'_> {
    /// A request of an operation with these values overriding the known ones; `None` if a value is missing. Values are
    /// percent-encoded.
    ///
    /// Also `None` for an operation that changes something, unless the user has requested it or one of these values is
    /// in the path: those do not exist, or were provided for this.
    pub fn request(&self, operation: &Operation, values: &[(&str, &str)]) -> Option<Request> {
        let given = |name: &str| values.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        let is_named = operation.path_parameters().any(|parameter| given(&parameter.name).is_some());
        if !is_named && !self.may_really_happen(operation) {
            return None;
        }
        let mut path = operation.path.value.clone();
        let mut query = Vec::new();
        for parameter in &operation.parameters {
            let name = parameter.name.as_str();
            match parameter.location {
                Location::Path => {
                    let known = || {
                        self.target
                            .known
                            .get(name)
                            .or_else(|| self.discovered_values.get(name))
                            .map(|value| segment(value))
                    };
                    path = path.replace(&format!("{{{name}}}"), &given(name).or_else(known)?);
                }
                Location::Query => {
                    let known = || self.target.known.get(name).map(|value| segment(value));
                    let value = given(name).or_else(|| if *parameter.required { known() } else { None });
                    match value {
                        Some(value) => query.push(format!("{name}={value}")),
                        None if *parameter.required => return None,
                        None => {}
                    }
                }
                Location::Header | Location::Cookie => {}
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        Some(Request {
            method: operation.method.value.clone(),
            path,
            authorization: Authorization::Key,
            extra: Extra::default(),
        })
    }
}

/// A request with a malformed parameter, if there is one that can be malformed; the other parameters do not exist.
pub(super) fn with_malformed(session: &Session<'_>, operation: &Operation) -> Option<Request> {
    operation.parameters.iter().find_map(|parameter| {
        let value = provocations::malformed(parameter).into_iter().next()?;
        let mut values = provocations::unknown_values(operation);
        values.retain(|(name, _)| *name != parameter.name.as_str());
        values.push((parameter.name.as_str(), &value));
        session.request(operation, &values)
    })
}

/// A value as one path segment, whatever characters it contains.
fn segment(value: &str) -> String {
    match value {
        "." | ".." => value.replace('.', "%2E"),
        _ => encoded(value),
    }
}
