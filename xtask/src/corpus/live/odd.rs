//! Requests on which servers often fail, as somebody would describe them who looks at one parameter, or at the body.

use std::fmt;

use apidrift_core::contract::{Contract, Operation, json};
use openapi_model::document::Location;
use openapi_model::schema::Types;
use serde_json::Value as Json;

use super::routes;
use crate::proxy::Asked;

/// What is odd about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// The parameter, or the body if there is none. `template` is the path of the operation.
    pub parameter: Option<(Location, String)>,
    /// The path of the operation.
    pub template: String,
    /// How its value is.
    pub kind: Kind,
}

/// How a value is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text with more than 200 characters.
    Long,
    /// A text with a character that is not in ASCII.
    NotAscii,
    /// A text that is there and empty.
    Empty,
    /// A number below zero.
    Negative,
    /// Zero.
    Zero,
    /// A number that does not fit into 32 bits.
    Large,
    /// A body that is not JSON.
    Broken,
    /// A body with a null somewhere.
    Null,
    /// An object without anything in it.
    Nothing,
}

impl fmt::Display for Odd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.parameter {
            Some((location, name)) => format!("`{name}` in the {}", location.name()),
            None => "a body".to_owned(),
        };
        let how = match self.kind {
            Kind::Long => "with a text of more than 200 characters",
            Kind::NotAscii => "with a text beyond ASCII",
            Kind::Empty => "with an empty text",
            Kind::Negative => "with a negative number",
            Kind::Zero => "with a zero",
            Kind::Large => "with a number beyond 32 bits",
            Kind::Broken => "that is not JSON",
            Kind::Null => "with a null",
            Kind::Nothing => "that is an empty object",
        };
        write!(formatter, "{what} {how}")
    }
}

impl Odd {
    /// Everything that requests of an operation can have odd in them.
    pub fn all(contract: &Contract, operation: &Operation) -> Vec<Odd> {
        let odd = |parameter: Option<(Location, String)>, kind| Odd {
            parameter,
            template: operation.path.value.clone(),
            kind,
        };
        let mut all = Vec::new();
        for parameter in
            operation.parameters.iter().filter(|it| matches!(it.location, Location::Path | Location::Query))
        {
            let Some(schema) = parameter.value_schema() else { continue };
            let types = contract.document.shape_of(schema).types;
            let kinds: &[Kind] = match types {
                Types::STRING if parameter.location == Location::Path => &[Kind::Long, Kind::NotAscii],
                Types::STRING => &[Kind::Long, Kind::NotAscii, Kind::Empty],
                Types::INTEGER | Types::NUMBER => &[Kind::Negative, Kind::Zero, Kind::Large],
                _ => &[],
            };
            let named = (parameter.location, parameter.name.value.clone());
            all.extend(kinds.iter().map(|kind| odd(Some(named.clone()), *kind)));
        }
        let takes_json = operation.body.as_ref().is_some_and(|body| json(&body.content).is_some());
        if takes_json {
            let kinds = [Kind::Long, Kind::NotAscii, Kind::Empty, Kind::Broken, Kind::Null, Kind::Nothing];
            all.extend(kinds.map(|kind| odd(None, kind)));
        }
        all
    }

    /// Whether a request of the operation is odd in this way.
    pub fn is(&self, asked: &Asked) -> bool {
        let Some((location, name)) = &self.parameter else { return self.is_body(&asked.body) };
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        match location {
            Location::Path => {
                let values = routes::values(&self.template, path).unwrap_or_default();
                values.iter().any(|(key, value)| key == name && self.is_text(value))
            }
            _ => form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == *name && self.is_text(&value)),
        }
    }

    fn is_text(&self, text: &str) -> bool {
        let number = || text.parse::<f64>().ok();
        match self.kind {
            Kind::Long => text.chars().count() > 200,
            Kind::NotAscii => !text.is_ascii(),
            Kind::Empty => text.is_empty(),
            Kind::Negative => number().is_some_and(|number| number < 0.0),
            Kind::Zero => number() == Some(0.0),
            Kind::Large => number().is_some_and(|number| number.abs() > f64::from(u32::MAX)),
            Kind::Broken | Kind::Null | Kind::Nothing => false,
        }
    }

    fn is_body(&self, body: &[u8]) -> bool {
        match (serde_json::from_slice::<Json>(body), self.kind) {
            (Err(_), kind) => kind == Kind::Broken && !body.is_empty(),
            (Ok(_), Kind::Broken) => false,
            (Ok(value), Kind::Nothing) => value.as_object().is_some_and(serde_json::Map::is_empty),
            (Ok(value), _) => self.is_within(&value),
        }
    }

    fn is_within(&self, value: &Json) -> bool {
        match value {
            Json::Null => self.kind == Kind::Null,
            Json::String(text) => self.is_text(text),
            Json::Array(items) => items.iter().any(|item| self.is_within(item)),
            Json::Object(fields) => fields.values().any(|field| self.is_within(field)),
            _ => false,
        }
    }
}
