//! The values of an operation's parameters in a request, and whether they fit their schemas.

use super::aim::decoded;
use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Location, Operation, Parameter};

/// A parameter with its value in a request.
pub(super) struct Given<'a> {
    /// The parameter.
    pub parameter: &'a Parameter,
    /// Whether the value fits the schema; nothing where that cannot be said: a text may mean something to the server only,
    /// and which of several values counts is nowhere written.
    pub fits: Option<bool>,
}

/// What a request gives for the parameters of its operation.
pub(super) fn of<'a>(operation: &'a Operation, path: &str, query: &str) -> Vec<Given<'a>> {
    let parts = operation.path.split('/').zip(path.split('/'));
    let in_path: Vec<(&str, &str)> =
        parts.filter_map(|(template, part)| Some((template.strip_prefix('{')?.strip_suffix('}')?, part))).collect();
    let in_query: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let given = operation.parameters.iter().map(|parameter| {
        let name = parameter.name.as_str();
        let fits = match parameter.location {
            Location::Path => {
                let value = in_path.iter().find(|(known, _)| *known == name).and_then(|(_, part)| decoded(part));
                value.and_then(|value| fits(&parameter.schema, &value))
            }
            Location::Query => {
                let mut values = in_query.iter().filter(|(known, _)| known == name);
                match (values.next(), values.next()) {
                    (None, _) => Some(!parameter.required),
                    (Some((_, value)), None) => fits(&parameter.schema, value),
                    _ => None,
                }
            }
            Location::Header | Location::Cookie => None,
        };
        Given { parameter, fits }
    });
    given.collect()
}

/// Whether a text fits a schema.
fn fits(schema: &Node, value: &str) -> Option<bool> {
    let text = |key: &str| schema.get(key).and_then(Node::as_str);
    let number = |key: &str| schema.get(key)?.to_json().as_i64();
    let length = |key: &str| schema.get(key).and_then(Node::as_u64);
    if let Some(values) = schema.get("enum") {
        return Some(values.items().iter().any(|known| known.as_str() == Some(value)));
    }
    match (text("type"), text("format")) {
        (Some("string"), Some("uuid")) => Some(is_uuid(value)),
        (Some("integer"), _) => match value.parse::<i64>() {
            Ok(value) => Some(
                number("minimum").is_none_or(|least| value >= least)
                    && number("maximum").is_none_or(|most| value <= most),
            ),
            // Wider numbers and a sign in front are read by some.
            Err(_) if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+' || byte == b'-') => None,
            Err(_) => Some(false),
        },
        (Some("boolean"), _) => Some(matches!(value, "true" | "false")),
        (Some("string"), None) => {
            let count = u64::try_from(value.chars().count()).unwrap_or(u64::MAX);
            let too_short = length("minLength").is_some_and(|least| count < least);
            let too_long = length("maxLength").is_some_and(|most| count > most);
            if too_short || too_long { Some(false) } else { None }
        }
        _ => None,
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
mod tests {
    use super::*;
    use apidrift_core::contract::node;

    #[test]
    fn values_fit_their_schemas_or_not_or_it_cannot_be_said() {
        let uuid = "{type: string, format: uuid}";
        for (schema, value, wanted) in [
            (uuid, "6F1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", Some(true)),
            (uuid, "6f1e24a80a3b4a519d0e0c7a4f7a1b01", Some(false)),
            (uuid, "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0g", Some(false)),
            ("{type: string}", "anything", None),
            ("{type: string, maxLength: 2}", "abc", Some(false)),
            ("{type: integer, minimum: 1}", "0", Some(false)),
            ("{type: integer, minimum: 1}", "7", Some(true)),
            ("{type: integer}", "99999999999999999999", None),
            ("{type: integer}", "seven", Some(false)),
            ("{type: boolean}", "yes", Some(false)),
            ("{type: string, enum: [a, b]}", "b", Some(true)),
            ("{type: string, enum: [a, b]}", "c", Some(false)),
        ] {
            assert_eq!(fits(&node::parse(schema).unwrap(), value), wanted, "{schema} {value}");
        }
    }
}
