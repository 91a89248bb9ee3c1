//! How requests are generated from the contract. A failing request shrinks towards the first option of each choice.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;

use apidrift_core::contract;
use apidrift_core::settings::Role;
use openapi_model::document::Location;

use super::super::credentials::{self, Authorization, Credential};
use super::super::fitting::{any_value, fitting, uuid};
use super::super::operation::{Operation, Parameter};
use super::super::percent::encoded;
use super::super::requests::With;
use super::super::session::Session;
use super::super::style;
use super::super::wire::Extra;
use super::attempt::{Attempt, Base, Shape, TESTED_VALUE};
use super::unusual_values::{BODIES, BOUNDARIES, HEADERS, LONG, METHODS, UNKNOWN, UNUSUAL};

/// The credentials that are valid for an operation.
fn valid(session: &Session<'_>, operation: &Operation) -> Vec<Credential> {
    session.full_caller(operation).map(|caller| caller.parts).unwrap_or_default()
}

/// Any credentials, mostly valid.
pub(super) fn any_credentials(session: &Session<'_>, operation: &Operation) -> BoxedStrategy<Authorization> {
    let Ok(full) = session.full_caller(operation) else { return invalid_credentials(session, operation) };
    let mut others = credentials::spellings(&full.parts);
    others.extend(session.caller(Role::WithoutPermission, operation));
    if others.is_empty() {
        others.push(full.clone());
    }
    prop_oneof![6 => Just(full), 1 => select(others), 1 => invalid_credentials(session, operation)].boxed()
}

/// Credentials without a valid key.
pub(super) fn invalid_credentials(session: &Session<'_>, operation: &Operation) -> BoxedStrategy<Authorization> {
    select(credentials::mistakable(&valid(session, operation))).boxed()
}

/// The ordinary request of an operation that others are variations of, with what it requires besides its path; `None`
/// if something is not known.
pub(super) fn base(session: &Session<'_>, operation: &Operation) -> Option<Attempt> {
    let names: Vec<&str> = operation.path_parameters().map(|parameter| parameter.name.as_str()).collect();
    // The values in the path are generated, so they need not be known.
    let values: Vec<(&str, &str)> = names.iter().map(|name| (*name, "0")).collect();
    let request = session.request_with(operation, With { written: &values, ..With::default() }).ok()?;
    let query = request.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Attempt {
        method: request.method,
        values: Vec::new(),
        shape: Shape::Plain,
        base: Base { query, extra: request.extra },
        query: Vec::new(),
        authorization: request.authorization,
        extra: Extra::default(),
    })
}

/// One unusual variation of a request.
#[derive(Debug, Clone)]
enum Variation {
    Method(&'static str),
    Shape(Shape),
    /// The value of a path variable, by its index.
    Value(usize, String),
    Query(String, String),
    Header(String, Vec<u8>),
    Body(Vec<u8>),
}

impl Attempt {
    fn with_variation(mut self, variation: Variation) -> Attempt {
        match variation {
            Variation::Method(method) => self.method = method.to_owned(),
            Variation::Shape(shape) => self.shape = shape,
            Variation::Value(index, value) => {
                if let Some(place) = self.values.get_mut(index) {
                    *place = value;
                }
            }
            Variation::Query(name, value) => self.query.push((name, value)),
            Variation::Header(name, value) => self.extra.headers.push((name, value)),
            Variation::Body(body) => self.extra.body = Some(body),
        }
        self
    }
}

/// Each variation on its own, with a key and without, and each invalid key.
pub(super) fn each(operation: &Operation, session: &Session<'_>, base: &Attempt) -> Vec<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let known = |parameter: &Parameter| {
        let known = session.facts.value(operation, &parameter.name);
        known.map(|value| style::in_path(parameter, value)).or_else(|| listed(parameter))
    };
    let values: Vec<String> =
        of(Location::Path).map(|parameter| known(parameter).unwrap_or_else(|| uuid(UNKNOWN))).collect();
    let mut variations: Vec<Variation> = methods(session, operation).into_iter().map(Variation::Method).collect();
    variations.extend(Shape::ALL.iter().copied().map(Variation::Shape));
    variations.extend(headers(session).into_iter().map(|(name, value)| Variation::Header(name, value)));
    variations.extend(BODIES.iter().map(|body| Variation::Body(body.to_vec())));
    if let Some(Ok(bodies)) = session.bodies(operation) {
        variations.extend(bodies.unfitting.iter().map(|body| Variation::Body(body.clone())));
        variations.extend(unusual_bodies(&bodies.fitting).into_iter().map(Variation::Body));
    }
    for (index, value) in values.iter().enumerate() {
        variations.push(Variation::Value(index, value.to_uppercase()));
        variations.push(Variation::Value(index, uuid(UNKNOWN)));
        variations.extend(UNUSUAL.iter().map(|unusual| Variation::Value(index, format!("{value}{unusual}"))));
        variations.extend(BOUNDARIES.iter().map(|boundary| Variation::Value(index, (*boundary).to_owned())));
    }
    for parameter in of(Location::Query) {
        let values = UNUSUAL.iter().chain(BOUNDARIES).chain(&[""]);
        variations.extend(values.map(|value| Variation::Query(parameter.name.value.clone(), (*value).to_owned())));
    }
    let without_permission = session.caller(Role::WithoutPermission, operation).ok();
    let no_keys = credentials::mistakable(&base.authorization.parts);
    let spellings = credentials::spellings(&base.authorization.parts);
    let alone = no_keys.into_iter().chain(spellings).map(|authorization| (authorization, None));
    let callers = [Some(Authorization::none()), without_permission, Some(base.authorization.clone())];
    let varied = callers
        .into_iter()
        .flatten()
        .flat_map(|caller| variations.iter().map(move |variation| (caller.clone(), Some(variation))));
    alone
        .chain(varied)
        .map(|(authorization, variation)| {
            let attempt = Attempt { values: values.clone(), authorization, ..base.clone() };
            variation.cloned().into_iter().fold(attempt, Attempt::with_variation)
        })
        .collect()
}

/// The first of the values that a parameter may have, encoded, if they are listed.
fn listed(parameter: &Parameter) -> Option<String> {
    let values = parameter.shape.enumeration.as_ref()?;
    values.first().map(|value| style::in_path(parameter, value))
}

/// The methods that may be sent to the path of an operation.
fn methods(session: &Session<'_>, operation: &Operation) -> Vec<&'static str> {
    METHODS.iter().copied().filter(|method| session.gate.permits_method(operation, method)).collect()
}

/// The headers that may be sent.
fn headers(session: &Session<'_>) -> Vec<(String, Vec<u8>)> {
    let permitted = HEADERS.iter().filter(|(name, _)| session.gate.permits_header(name));
    permitted.map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

/// Requests of an operation with some variations.
pub(super) fn attempts(
    operation: &Operation,
    session: &Session<'_>,
    base: &Attempt,
    authorization: BoxedStrategy<Authorization>,
) -> BoxedStrategy<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let values: Vec<_> = of(Location::Path).map(|parameter| good(operation, parameter, session)).collect();
    let mut variations = vec![
        (3, header(session)),
        (2, select(methods(session, operation)).prop_map(Variation::Method).boxed()),
        (1, select(Shape::ALL).prop_map(Variation::Shape).boxed()),
        (if operation.body.is_some() { 4 } else { 1 }, body(session, operation)),
        (1, (unusual(), unusual()).prop_map(|(name, value)| Variation::Query(name, value)).boxed()),
    ];
    variations.extend(of(Location::Path).enumerate().map(|(index, parameter)| {
        (3, value(operation, parameter, session).prop_map(move |value| Variation::Value(index, value)).boxed())
    }));
    variations.extend(of(Location::Query).map(|parameter| {
        let name = parameter.name.value.clone();
        (3, value(operation, parameter, session).prop_map(move |value| Variation::Query(name.clone(), value)).boxed())
    }));
    let variations = prop::collection::vec(proptest::strategy::Union::new_weighted(variations), 0..4);
    let start = base.clone();
    (values, authorization, variations)
        .prop_map(move |(values, authorization, variations)| {
            let attempt = Attempt { values, authorization, ..start.clone() };
            variations.into_iter().fold(attempt, Attempt::with_variation)
        })
        .boxed()
}

/// Requests in whose path the value of one parameter is a placeholder.
pub(super) fn existence_pairs(
    operation: &Operation,
    session: &Session<'_>,
    base: &Attempt,
    parameter: &str,
    authorization: BoxedStrategy<Authorization>,
) -> BoxedStrategy<Attempt> {
    let open: Vec<bool> = operation.path_parameters().map(|known| known.name.value == parameter).collect();
    let around = prop_oneof![
        4 => Just((String::new(), String::new())),
        1 => (Just(String::new()), unusual()),
        1 => (unusual(), Just(String::new())),
    ];
    (attempts(operation, session, base, authorization), around)
        .prop_map(move |(mut attempt, (before, after))| {
            for (value, _) in attempt.values.iter_mut().zip(&open).filter(|(_, open)| **open) {
                *value = format!("{before}{TESTED_VALUE}{after}");
            }
            attempt
        })
        .boxed()
}

/// A value of a parameter, percent-encoded: a valid one, or an unusual one.
fn value(operation: &Operation, parameter: &Parameter, session: &Session<'_>) -> BoxedStrategy<String> {
    let good = good(operation, parameter, session);
    prop_oneof![3 => good.clone(), 2 => unusual(), 1 => (good, unusual()).prop_map(|(good, unusual)| format!("{good}{unusual}"))]
        .boxed()
}

/// A value that exists, or one that fits the schema.
fn good(operation: &Operation, parameter: &Parameter, session: &Session<'_>) -> BoxedStrategy<String> {
    let fitting = fitting(&session.contract.document, &parameter.shape);
    match session.facts.value(operation, &parameter.name).map(style::text) {
        Some(known) => prop_oneof![
            3 => Just(encoded(&known)),
            1 => Just(encoded(&known.to_uppercase())),
            2 => fitting,
        ]
        .boxed(),
        None => fitting,
    }
}

/// A value of the same form as another, with the same first half: letters and digits of its second half differ.
pub(super) fn alike(value: &str, number: u128) -> String {
    let (half, mut number) = (value.chars().count() / 2, number);
    let mut other = |letter: char| {
        let digit = u32::try_from(number % 6).unwrap_or(0);
        number = (number / 6).rotate_right(3);
        match letter {
            '0'..='9' => char::from_digit(digit + 1, 10),
            'a'..='z' => char::from_digit(digit + 10, 16),
            'A'..='Z' => char::from_digit(digit + 10, 16).map(|letter| letter.to_ascii_uppercase()),
            _ => None,
        }
        .unwrap_or(letter)
    };
    value.chars().enumerate().map(|(index, letter)| if index < half { letter } else { other(letter) }).collect()
}

/// Values that hardly any schema anticipates.
fn unusual() -> BoxedStrategy<String> {
    let part = prop_oneof![
        4 => select(UNUSUAL).prop_map(str::to_owned),
        2 => ".{0,6}".prop_map(|text| encoded(&text)),
        1 => (1..600_usize).prop_map(|length| "a".repeat(length)),
    ];
    let parts = prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat());
    prop_oneof![12 => parts, 1 => (2_000..20_000_usize).prop_map(|length| "b".repeat(length))].boxed()
}

fn header(session: &Session<'_>) -> BoxedStrategy<Variation> {
    let value = prop::collection::vec(prop_oneof![32..=126_u8, 128..=255_u8], 0..20);
    prop_oneof![
        8 => select(headers(session)).prop_map(|(name, value)| Variation::Header(name, value)),
        1 => value.prop_map(|value| Variation::Header("x-odd".to_owned(), value)),
        1 => (1..12_000_usize).prop_map(|length| Variation::Header("x-long".to_owned(), vec![b'c'; length])),
    ]
    .boxed()
}

fn body(session: &Session<'_>, operation: &Operation) -> BoxedStrategy<Variation> {
    let unusual = prop_oneof![
        3 => select(BODIES).prop_map(|body| body.to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (1..8_000_usize).prop_map(|length| vec![b'd'; length]),
    ];
    let media = operation.body.as_ref().and_then(|body| contract::json(&body.content));
    let bodies = match media.and_then(|media| media.schema) {
        Some(schema) => {
            let fitting = any_value(&session.contract.document, &session.contract.document.shape_of(schema));
            let altered = (fitting.clone(), any::<prop::sample::Index>(), select(ALTERED));
            let altered = altered.prop_map(|(value, index, with)| altered_body(value, &index, with));
            let made = prop_oneof![2 => altered, 1 => fitting].prop_map(|value| value.to_string().into_bytes());
            prop_oneof![1 => unusual, 3 => made].boxed()
        }
        None => unusual.boxed(),
    };
    bodies.prop_map(Variation::Body).boxed()
}

/// Values in place of fields of a body, as JSON; nothing means that the field is left out.
const ALTERED: &[&str] = &["", "null", "\"\"", "\"x\"", "-1", "1.5", "1e30", "true", "[]", "{}", "\"\\u0000\""];

/// A JSON body with another value of one of its fields, the first ones each for itself.
fn unusual_bodies(fitting: &[u8]) -> Vec<Vec<u8>> {
    const MOST_FIELDS: usize = 8;
    let Ok(Json::Object(fields)) = serde_json::from_slice(fitting) else { return Vec::new() };
    let values = ALTERED.iter().filter_map(|text| serde_json::from_str::<Json>(text).ok());
    let values: Vec<Json> = values.chain([LONG.into(), "\u{e9}\u{65e5}\u{1f600}".into()]).collect();
    let each = fields.keys().take(MOST_FIELDS).flat_map(|name| values.iter().map(move |value| (name, value)));
    each.map(|(name, value)| {
        let mut fields = fields.clone();
        fields.insert(name.clone(), value.clone());
        Json::Object(fields).to_string().into_bytes()
    })
    .collect()
}

/// A JSON object with another value of one field.
fn altered_body(mut body: Json, index: &prop::sample::Index, with: &str) -> Json {
    if let Json::Object(fields) = &mut body
        && !fields.is_empty()
        && let Some(name) = fields.keys().nth(index.index(fields.len())).cloned()
    {
        match serde_json::from_str(with) {
            Ok(value) => drop(fields.insert(name, value)),
            Err(_) => drop(fields.remove(&name)),
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_values_differ_only_in_their_second_half() {
        let value = "6f1e24a8-0a3b-4a51-9d0e-0C7A4f7a1b99";
        let others: Vec<String> = (1..200_u128).map(|number| alike(value, number << 90 | number)).collect();
        for other in &others {
            assert!(other.starts_with("6f1e24a8-0a3b-4a51-") && other != value, "{other}");
            let form = |text: &str| text.replace(|letter: char| letter.is_ascii_hexdigit(), "0");
            assert_eq!(form(other), form(value));
        }
        assert!(others.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
