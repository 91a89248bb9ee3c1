//! A generated request: one of an operation, with unusual variations.

use super::super::credentials::Authorization;
use super::super::operation::Operation;
use super::super::wire::{Extra, Request};

/// Placeholder in a path for the value that two requests differ in.
pub(super) const TESTED_VALUE: &str = "~tested~";

/// A generated request.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// The method.
    pub method: String,
    /// A value for each variable of the operation's path, encoded.
    pub values: Vec<String>,
    /// How the path is written.
    pub shape: Shape,
    /// What the operation requires besides its path. Parts with the names of variations are left out.
    pub base: Base,
    /// The varied part of the query: names and values, encoded.
    pub query: Vec<(String, String)>,
    /// The credentials of a request.
    pub authorization: Authorization,
    /// Varied headers, and another body.
    pub extra: Extra,
}

/// What an operation requires besides its path.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    /// The query: names and values, encoded.
    pub query: Vec<(String, String)>,
    /// Headers, cookies and the body.
    pub extra: Extra,
}

/// How a path is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As in the contract.
    Plain,
    /// With a trailing slash.
    SlashAtEnd,
    /// With an additional leading slash.
    SlashAtStart,
    /// With a letter percent-encoded that need not be.
    Encoded,
    /// In upper case.
    UpperCase,
    /// Without its last segment.
    Shorter,
    /// With an additional segment.
    Longer,
    /// As an unknown path below the first segment.
    Below,
}

impl Shape {
    /// All of them, the plain one first.
    pub const ALL: &[Shape] = &[
        Shape::Plain,
        Shape::SlashAtEnd,
        Shape::SlashAtStart,
        Shape::Encoded,
        Shape::UpperCase,
        Shape::Shorter,
        Shape::Longer,
        Shape::Below,
    ];
}

impl Attempt {
    /// The request to send.
    pub fn request(&self, operation: &Operation) -> Request {
        let mut path = self.template(operation);
        for (variable, value) in operation.path_parameters().zip(&self.values) {
            path = path.replace(&format!("{{{}}}", variable.name.value), value);
        }
        let is_varied = |name: &String| self.query.iter().any(|(varied, _)| varied == name);
        let query = self.base.query.iter().filter(|(name, _)| !is_varied(name)).chain(&self.query);
        let pairs: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            path = format!("{path}?{}", pairs.join("&"));
        }
        Request {
            method: self.method.clone(),
            path,
            authorization: self.authorization.clone(),
            extra: self.extra_parts(),
            made_up: Vec::new(),
        }
    }

    fn extra_parts(&self) -> Extra {
        let mut extra = self.base.extra.clone();
        extra.headers.retain(|(name, _)| !self.extra.headers.iter().any(|(varied, _)| varied == name));
        extra.headers.extend(self.extra.headers.iter().cloned());
        if self.extra.body.is_some() {
            extra.body.clone_from(&self.extra.body);
        }
        extra
    }

    /// The path with its variables in braces.
    fn template(&self, operation: &Operation) -> String {
        let path = operation.path.value.as_str();
        let first = path.split('/').nth(1).unwrap_or_default();
        match self.shape {
            Shape::Plain => path.to_owned(),
            Shape::SlashAtEnd => format!("{path}/"),
            Shape::SlashAtStart => format!("/{path}"),
            Shape::Encoded => match first.bytes().next() {
                Some(letter) => path.replacen(char::from(letter), &format!("%{letter:02X}"), 1),
                None => path.to_owned(),
            },
            Shape::UpperCase => path.replacen(first, &first.to_uppercase(), 1),
            Shape::Shorter => path.rsplit_once('/').map_or("/", |(start, _)| start).to_owned(),
            Shape::Longer => format!("{path}/more"),
            Shape::Below => format!("/{first}/.well-known/admin"),
        }
    }

    /// The same request with this value at the placeholder.
    pub fn with_tested_value(&self, value: &str) -> Attempt {
        let mut attempt = self.clone();
        for text in &mut attempt.values {
            *text = text.replace(TESTED_VALUE, value);
        }
        attempt
    }
}
