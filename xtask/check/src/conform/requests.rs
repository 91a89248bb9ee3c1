//! Builds requests of an operation, with values for its parameters and a body.

use openapi_model::document::Location;
use openapi_model::node::Node;
use openapi_model::schema::Types;
use serde_json::Value as Json;

use super::bodies::body_of;
use super::facts::Values;
use super::fitting::plain_values;
use super::operation::{Operation, Parameter};
use super::provocations;
use super::session::Session;
use super::style;
use super::wire::{Extra, Request};

/// What a request contains other than usual.
#[derive(Clone, Copy, Default)]
pub(super) struct With<'v> {
    /// Values of parameters, encoded for their place.
    pub written: &'v [(&'v str, &'v str)],
    /// Values of parameters.
    pub values: Option<&'v Values>,
    /// The body.
    pub body: Option<&'v Json>,
    /// Also the optional parameters of which something is known.
    pub optional: bool,
}

/// Why there is no request: what is needed for it.
pub(super) type Needed = String;

impl Session<'_> {
    /// A request of an operation with these values overriding the known ones, percent-encoded; `None` if a value is
    /// missing, or nothing may be sent to the operation.
    pub fn request(&self, operation: &Operation, written: &[(&str, &str)]) -> Option<Request> {
        self.request_with(operation, With { written, ..With::default() }).ok()
    }

    /// A request of an operation.
    ///
    /// # Errors
    ///
    /// What is needed for it.
    pub fn request_with(&self, operation: &Operation, with: With<'_>) -> Result<Request, Needed> {
        if !self.gate.permits_operation(operation) {
            return Err(super::session::not_permitted(operation));
        }
        let mut path = operation.path.value.clone();
        let (mut query, mut extra, mut made_up) = (Vec::new(), Extra::default(), Vec::new());
        for parameter in &operation.parameters {
            let name = parameter.name.as_str();
            let written = with.written.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
            if let Some(written) = written {
                match parameter.location {
                    Location::Path => path = path.replace(&format!("{{{name}}}"), written),
                    Location::Query => query.push((super::percent::encoded(name), written.to_owned())),
                    Location::Header => extra.headers.push((name.to_owned(), decoded_bytes(written))),
                    Location::Cookie => extra.cookies.push((name.to_owned(), written.to_owned())),
                }
                continue;
            }
            let given = with.values.and_then(|values| values.get(name));
            let (value, is_made_up) = match given.or_else(|| self.facts.value(operation, name)) {
                Some(value) if *parameter.required || given.is_some() || with.optional => (value.clone(), false),
                Some(_) => continue,
                None => match self.unknown_value(operation, parameter, with.optional) {
                    Some(found) => found,
                    None if !*parameter.required => continue,
                    None => return Err(format!("--value {name}=…")),
                },
            };
            if is_made_up {
                made_up.push(format!("`{name}`"));
            }
            match parameter.location {
                Location::Path => path = path.replace(&format!("{{{name}}}"), &style::in_path(parameter, &value)),
                Location::Query => query.extend(style::in_query(parameter, &value)),
                Location::Header => match style::in_header(parameter, &value) {
                    Some(text) => extra.headers.push((name.to_owned(), text.into_bytes())),
                    None => return Err(format!("a value of the header `{name}` that can be sent")),
                },
                Location::Cookie => extra.cookies.extend(style::in_cookies(parameter, &value)),
            }
        }
        self.add_body(operation, with.body, &mut extra, &mut made_up)?;
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        let authorization = self.full_caller(operation)?;
        Ok(Request { method: operation.method.value.clone(), path, authorization, extra, made_up })
    }

    /// The value of a parameter that nobody has given, and whether it is made up. `optional`: also of one that is not
    /// required, if something is known about it.
    fn unknown_value(&self, operation: &Operation, parameter: &Parameter, optional: bool) -> Option<(Json, bool)> {
        let (name, shape) = (parameter.name.as_str(), &parameter.shape);
        if parameter.location == Location::Path {
            // What changes something does so only to what the user has named.
            let discovered = self.discovered.value(operation, name);
            if let Some((value, is_guess)) = discovered.filter(|_| operation.is_safe() || self.gate.is_open()) {
                return Some((value.into(), is_guess));
            }
            // An example in a path hardly ever exists.
            let is_listed = shape.enumeration.is_some() || shape.types == Types::BOOLEAN;
            return if is_listed { self.made_value(parameter).map(|value| (value, true)) } else { None };
        }
        if !*parameter.required && !optional {
            return None;
        }
        let example = parameter.examples.iter().find_map(|example| example.value.as_ref());
        let media = parameter.content.first();
        let example = example.or_else(|| media?.examples.iter().find_map(|example| example.value.as_ref()));
        if let Some(example) = example {
            return Some((example.to_json(), true));
        }
        let schema = parameter.schema.or(media.and_then(|media| media.schema));
        let schema = schema.map(|schema| self.contract.document.schema(self.contract.document.target(schema)));
        if let Some(example) = schema.and_then(|schema| schema.examples.first()).map(Node::to_json) {
            return Some((example, true));
        }
        if let Some(default) = &shape.default {
            return Some((default.clone(), true));
        }
        // An optional text may be anything, such as a cursor.
        let is_told = shape.enumeration.is_some() || !shape.types.meets(Types::STRING.with(Types::OBJECT));
        if *parameter.required || is_told { self.made_value(parameter).map(|value| (value, true)) } else { None }
    }

    fn made_value(&self, parameter: &Parameter) -> Option<Json> {
        plain_values(&self.contract.document, &parameter.shape).next()
    }

    /// Adds the body that an operation needs, or that is given.
    fn add_body(
        &self,
        operation: &Operation,
        given: Option<&Json>,
        extra: &mut Extra,
        made_up: &mut Vec<String>,
    ) -> Result<(), Needed> {
        let (media_type, body) = match (given, self.bodies(operation)) {
            (Some(value), _) => body_of(&self.contract.document, operation, value)
                .ok_or_else(|| format!("an operation that takes a body, which `{}` does not", operation.id.value))?,
            (None, Some(Ok(bodies))) => {
                if bodies.is_made_up {
                    made_up.push("the body".to_owned());
                }
                (bodies.media_type.clone(), bodies.fitting.clone())
            }
            (None, Some(Err(needed))) if operation.body.as_ref().is_some_and(|body| *body.required) => {
                return Err(needed);
            }
            (None, _) => return Ok(()),
        };
        extra.headers.push(("content-type".to_owned(), media_type.into_bytes()));
        extra.body = Some(body);
        Ok(())
    }
}

impl Request {
    /// The same request with another body of the same media type.
    pub fn with_body(&self, body: Vec<u8>) -> Request {
        let mut request = self.clone();
        request.extra.body = Some(body);
        request
    }
}

/// A percent-encoded text as the bytes of a header.
fn decoded_bytes(written: &str) -> Vec<u8> {
    super::percent::decoded(written).unwrap_or_else(|| written.to_owned()).into_bytes()
}

/// A request with a malformed parameter, if there is one that can be malformed; the other parameters do not exist.
pub(super) fn with_malformed(session: &Session<'_>, operation: &Operation) -> Option<Request> {
    operation.parameters.iter().find_map(|parameter| {
        let value = provocations::malformed(session.facts.settings, parameter).into_iter().next()?;
        let unknown = provocations::unknown_values(operation);
        let mut values: Vec<(&str, &str)> = unknown.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.retain(|(name, _)| *name != parameter.name.as_str());
        values.push((parameter.name.as_str(), &value));
        session.request(operation, &values)
    })
}
