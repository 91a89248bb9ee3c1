//! What changes something is done only to what the user has named: which values a generated request may have in its path.

use super::gate::SAFE_METHODS;
use super::operation::{Operation, Parameter};
use super::parameters;
use super::percent::decoded;
use super::provocations;
use super::route::{RouteMatch, route_match, values};
use super::session::Session;
use super::style;
use super::wire::Request;

/// A longer text names something only if somebody wanted it to.
const LONG: usize = 200;

impl Session<'_> {
    /// Whether a generated request changes nothing, or only what the user has named, or what surely does not exist.
    pub fn changes_only_what_is_named(&mut self, request: &Request) -> bool {
        if self.gate.is_open() || SAFE_METHODS.contains(&request.method.as_str()) {
            return true;
        }
        let Some(sent) = self.wire.sent(request) else { return false };
        let RouteMatch::Operation(operation) = route_match(self.plan, &request.method, &sent.path) else {
            return false;
        };
        let unfit: Vec<&str> = parameters::of(self, operation, &sent.path, &sent.query)
            .into_iter()
            .filter(|given| given.fits == Some(false))
            .map(|given| given.parameter.name.as_str())
            .collect();
        let values = values(&operation.path, &sent.path, str::eq).unwrap_or_default();
        let in_path = |name: &str| operation.path_parameters().find(|parameter| parameter.name.as_str() == name);
        values.iter().all(|(name, written)| {
            let may_be_sent = |parameter| self.is_named_or_nothing(operation, parameter, written);
            unfit.contains(name) || in_path(name).is_some_and(may_be_sent)
        })
    }

    /// Whether a value in a path is one that the user has named, one that is listed, or none that exists.
    fn is_named_or_nothing(&self, operation: &Operation, parameter: &Parameter, written: &str) -> bool {
        let (name, shape) = (parameter.name.as_str(), &parameter.shape);
        let is_uuid = shape.format.as_ref().is_some_and(|format| format.as_str() == "uuid");
        let named = [self.facts.value(operation, name), self.facts.foreign.get(name)];
        let mut named = named.into_iter().flatten().map(|value| style::in_path(parameter, value));
        let is_unknown =
            provocations::unknown_values(operation).iter().any(|(known, value)| *known == name && value == written);
        let text = decoded(written).unwrap_or_default();
        is_uuid
            || shape.enumeration.is_some()
            || is_unknown
            || named.any(|value| value == written || decoded(&value).is_some_and(|value| value == text))
            || text.chars().count() > LONG
            || !text.is_ascii()
    }
}
