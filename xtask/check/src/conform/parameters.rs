//! The parameter values in a request, and whether they fit their schemas.

use openapi_model::document::{Document, Location};
use openapi_model::node::{Node, Value};
use openapi_model::schema::{SchemaId, Types};
use openapi_model::shape::{AllOf, Shape};
use openapi_model::values::Direction;
use serde_json::Number;

use super::operation::{Operation, Parameter};
use super::percent::decoded;
use super::route::values;
use super::session::Session;

/// A parameter with its value in a request.
pub(super) struct Given<'a> {
    /// The parameter.
    pub parameter: &'a Parameter,
    /// Whether the value fits the schema; `None` if that is unknown: only the server may know the meaning of a text,
    /// and which of several values counts is not specified.
    pub fits: Option<bool>,
}

/// The parameters in a request of an operation.
pub(super) fn of<'a>(session: &mut Session<'_>, operation: &'a Operation, path: &str, query: &str) -> Vec<Given<'a>> {
    let in_path = values(&operation.path, path, str::eq).unwrap_or_default();
    let in_query: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let given = operation.parameters.iter().map(|parameter| {
        let name = parameter.name.as_str();
        let is_whole = !parameter.shape.types.meets(Types::ARRAY.with(Types::OBJECT)) && parameter.content.is_empty();
        let fits = match parameter.location {
            // These are written in several ways.
            _ if !is_whole => None,
            Location::Path => {
                let value = in_path.iter().find(|(known, _)| *known == name).and_then(|(_, part)| decoded(part));
                value.and_then(|value| fits_parameter(session, operation, parameter, &value))
            }
            Location::Query => {
                let mut values = in_query.iter().filter(|(known, _)| known == name);
                match (values.next(), values.next()) {
                    (None, _) => Some(!*parameter.required),
                    (Some((_, value)), None) => fits_parameter(session, operation, parameter, value),
                    _ => None,
                }
            }
            Location::Header | Location::Cookie => None,
        };
        Given { parameter, fits }
    });
    given.collect()
}

fn fits_parameter(
    session: &mut Session<'_>,
    operation: &Operation,
    parameter: &Parameter,
    value: &str,
) -> Option<bool> {
    let schema = parameter.schema?;
    let document = &session.contract.document;
    fits(document, schema, value, |schema, value| {
        Some(session.misfits(operation, schema, Direction::Request, value)?.is_empty())
    })
}

/// Whether a text fits a schema. `holds` decides it for a value, if that is possible.
fn fits(
    document: &Document,
    schema: SchemaId,
    text: &str,
    mut holds: impl FnMut(SchemaId, &Node) -> Option<bool>,
) -> Option<bool> {
    let shape = document.shape_of(schema);
    let texts = texts_of(document, schema.into());
    match reading(&shape, &texts, text) {
        Reading::None => Some(false),
        Reading::Unclear => None,
        // A schema rarely describes all that a server requires of a text.
        Reading::Text { is_conclusive } => match holds(schema, &Node::text(text))? {
            true => is_conclusive.then_some(true),
            false => Some(false),
        },
        Reading::Value(value) => holds(schema, &Node { range: 0..0, value }),
    }
}

/// How a server may interpret a text.
enum Reading {
    /// Not at all: it has none of the types.
    None,
    /// In more than one way, or in an unknown way.
    Unclear,
    /// As a string. Whether the schema describes all valid strings.
    Text { is_conclusive: bool },
    /// As a number or a boolean.
    Value(Value),
}

fn reading(shape: &Shape, texts: &Texts, text: &str) -> Reading {
    if shape.types.meets(Types::ARRAY.with(Types::OBJECT)) || shape.types.is_empty() || !shape.unresolved.is_empty() {
        return Reading::Unclear;
    }
    if shape.types == Types::STRING {
        return match texts {
            Texts::Other => Reading::Unclear,
            Texts::Uuid if !is_uuid(text) => Reading::None,
            Texts::Uuid => Reading::Text { is_conclusive: true },
            Texts::Plain => Reading::Text { is_conclusive: shape.enumeration.is_some() },
        };
    }
    if shape.types.meets(Types::STRING) || shape.nullable {
        return Reading::Unclear;
    }
    let flag = match text {
        _ if !shape.types.meets(Types::BOOLEAN) => None,
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    match flag {
        Some(flag) => Reading::Value(Value::Bool(flag)),
        None if shape.types.meets(Types::INTEGER) => number(shape, text),
        None => Reading::None,
    }
}

/// Interprets a text as a number.
fn number(shape: &Shape, text: &str) -> Reading {
    // Some servers accept leading signs and zeros, wider numbers, and other notations.
    let is_read_by_some = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+' || byte == b'-')
        || text.parse::<f64>().is_ok_and(|number| shape.types.holds(Types::NUMBER) || number.fract() == 0.0);
    match serde_json::from_str::<Number>(text) {
        Ok(number) if number.to_string() != text || is_too_wide(shape, &number) => Reading::Unclear,
        Ok(number) if number.is_i64() || number.is_u64() || shape.types.holds(Types::NUMBER) => {
            Reading::Value(Value::Number(number))
        }
        _ if is_read_by_some => Reading::Unclear,
        _ => Reading::None,
    }
}

/// Whether a number exceeds its format, which schemas do not forbid.
fn is_too_wide(shape: &Shape, number: &Number) -> bool {
    let is_32 = shape.format.as_ref().is_some_and(|format| format.as_str() == "int32");
    let is_wide = number.as_i64().is_none_or(|number| is_32 && i32::try_from(number).is_err());
    shape.types == Types::INTEGER && !number.is_f64() && is_wide
}

/// What is known about the strings of a schema.
enum Texts {
    /// Only what JSON Schema says.
    Plain,
    /// They are UUIDs.
    Uuid,
    /// They have a format, which servers check more or less strictly.
    Other,
}

fn texts_of(document: &Document, schema: AllOf) -> Texts {
    let shape = document.shape(&schema);
    match shape.format.as_ref().map(|format| format.as_str()) {
        Some("uuid") if shape.alternatives.is_empty() => Texts::Uuid,
        // An enumeration says more than a format.
        Some(_) if shape.enumeration.is_none() => Texts::Other,
        _ => {
            let mut members = shape.alternatives.iter().flat_map(|alternatives| &alternatives.members);
            let is_plain = |member: &AllOf| {
                let shape = document.shape(member);
                shape.format.is_none() && shape.alternatives.is_empty()
            };
            if members.all(is_plain) { Texts::Plain } else { Texts::Other }
        }
    }
}

/// Whether this is a UUID in its hyphenated form of 36 characters.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use openapi_model::source::Source;
    use openapi_model::values::Values;

    use super::*;

    /// A document with one component, and that component.
    pub(crate) fn document(schema: &str) -> (Document, SchemaId) {
        let text = format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths: {{}}\ncomponents:\n  schemas:\n    A: {schema}\n    \
             B: {{type: integer, enum: [1, 2]}}\n"
        );
        let document = openapi_model::read(&Source::new("c.yaml", text), None).unwrap();
        let schema = document.component("A").unwrap();
        (document, schema)
    }

    /// Whether a text fits a schema.
    pub(crate) fn fits_schema(document: &Document, schema: SchemaId, text: &str) -> Option<bool> {
        let mut values = Values::new(document);
        fits(document, schema, text, |schema, value| {
            Some(values.misfits(schema, Direction::Request, value).ok()?.is_empty())
        })
    }

    #[test]
    fn values_fit_or_do_not_fit_or_are_undecidable() {
        let uuid = "{type: string, format: uuid}";
        for (schema, value, wanted) in [
            (uuid, "6F1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", Some(true)),
            (uuid, "6f1e24a80a3b4a519d0e0c7a4f7a1b01", Some(false)),
            (uuid, "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0g", Some(false)),
            ("{type: string}", "anything", None),
            ("{type: string, maxLength: 2}", "abc", Some(false)),
            ("{type: string, pattern: '^[0-9]+$'}", "abc", Some(false)),
            ("{type: string, pattern: '^[0-9]+$'}", "123", None),
            ("{type: string, format: date-time}", "yesterday", None),
            ("{type: integer, minimum: 1}", "0", Some(false)),
            ("{type: integer, minimum: 1}", "7", Some(true)),
            ("{type: integer}", "99999999999999999999", None),
            ("{type: integer, format: int32}", "3000000000", None),
            ("{type: integer}", "007", None),
            ("{type: integer}", "2.0", None),
            ("{type: integer}", "2.5", Some(false)),
            ("{type: integer}", "seven", Some(false)),
            ("{type: boolean}", "yes", Some(false)),
            ("{type: boolean}", "false", Some(true)),
            ("{type: string, enum: [a, b]}", "b", Some(true)),
            ("{type: string, enum: [a, b]}", "c", Some(false)),
        ] {
            let (document, id) = document(schema);
            assert_eq!(fits_schema(&document, id, value), wanted, "{schema} {value}");
        }
    }

    #[test]
    fn all_constraints_on_numbers_are_checked() {
        for (schema, value, wanted) in [
            ("{type: integer, enum: [1, 2]}", "2", Some(true)),
            ("{type: integer, enum: [1, 2]}", "3", Some(false)),
            ("{$ref: '#/components/schemas/B'}", "1", Some(true)),
            ("{allOf: [{$ref: '#/components/schemas/B'}, {minimum: 2}]}", "1", Some(false)),
            ("{type: integer, minimum: 0, exclusiveMinimum: true}", "0", Some(false)),
            ("{type: integer, minimum: 0, exclusiveMinimum: true}", "1", Some(true)),
            ("{type: integer, maximum: 9, exclusiveMaximum: true}", "9", Some(false)),
            ("{type: integer, multipleOf: 5}", "7", Some(false)),
            ("{type: integer, multipleOf: 5}", "10", Some(true)),
            ("{type: number, maximum: 1}", "0.5", Some(true)),
            ("{type: number, maximum: 1}", "1.5", Some(false)),
            ("{type: number}", "x", Some(false)),
            ("{oneOf: [{type: integer, maximum: 3}, {type: boolean}]}", "true", Some(true)),
            ("{oneOf: [{type: integer, maximum: 3}, {type: boolean}]}", "4", Some(false)),
            ("{oneOf: [{type: integer}, {type: string}]}", "x", None),
            ("{type: array, items: {type: integer}}", "x", None),
            ("{not: {type: string}}", "x", None),
        ] {
            let (document, id) = document(schema);
            assert_eq!(fits_schema(&document, id, value), wanted, "{schema} {value}");
        }
    }
}
