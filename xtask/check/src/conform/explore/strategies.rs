//! How requests are generated from the contract. A failing request shrinks towards the first option of each choice.

use proptest::prelude::*;
use proptest::sample::select;

use openapi_model::document::Location;

use super::super::operation::{Operation, Parameter};
use super::super::percent::encoded;
use super::super::session::Session;
use super::super::wire::{Authorization, Extra};
use super::attempt::{Attempt, Shape, TESTED_VALUE};
use super::fitting::{fitting, uuid};
use super::unusual_values::{BODIES, HEADERS, METHODS, NO_KEYS, SPELLINGS, UNKNOWN, UNUSUAL};

/// Any credentials, mostly valid.
pub(super) fn any_credentials(session: &Session<'_>) -> BoxedStrategy<Authorization> {
    let others =
        if session.target.key_without_permission.is_some() { &[Authorization::WithoutPermission][..] } else { &[] };
    let spelled = SPELLINGS.iter().chain(others).cloned().collect::<Vec<_>>();
    prop_oneof![6 => Just(Authorization::Key), 1 => select(spelled), 1 => invalid_credentials()].boxed()
}

/// Credentials without a valid key.
pub(super) fn invalid_credentials() -> BoxedStrategy<Authorization> {
    select(NO_KEYS).boxed()
}

/// One unusual variation of a request.
#[derive(Debug, Clone)]
enum Variation {
    Method(&'static str),
    Shape(Shape),
    /// The value of a path variable, by its index.
    Value(usize, String),
    Query(String, String),
    Header(&'static str, Vec<u8>),
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

/// A plain request of an operation.
fn plain(operation: &Operation, values: Vec<String>, authorization: Authorization) -> Attempt {
    let method = operation.method.value.clone();
    Attempt { method, values, shape: Shape::Plain, query: Vec::new(), authorization, extra: Extra::default() }
}

/// Each variation on its own, with a key and without, and each invalid key.
pub(super) fn each(operation: &Operation, session: &Session<'_>) -> Vec<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let known = |parameter: &Parameter| session.target.known.get(&parameter.name.value).map(|value| encoded(value));
    let values: Vec<String> =
        of(Location::Path).map(|parameter| known(parameter).unwrap_or_else(|| uuid(UNKNOWN))).collect();
    let mut variations: Vec<Variation> = methods(session).into_iter().map(Variation::Method).collect();
    variations.extend(Shape::ALL.iter().copied().map(Variation::Shape));
    variations.extend(HEADERS.iter().map(|(name, value)| Variation::Header(name, value.to_vec())));
    variations.extend(BODIES.iter().map(|body| Variation::Body(body.to_vec())));
    for (index, value) in values.iter().enumerate() {
        variations.push(Variation::Value(index, value.to_uppercase()));
        variations.push(Variation::Value(index, uuid(UNKNOWN)));
        variations.extend(UNUSUAL.iter().map(|unusual| Variation::Value(index, format!("{value}{unusual}"))));
    }
    for parameter in of(Location::Query) {
        variations.extend(
            UNUSUAL.iter().map(|unusual| Variation::Query(parameter.name.value.clone(), (*unusual).to_owned())),
        );
    }
    let keyed = variations.iter().map(|variation| (Authorization::Key, Some(variation)));
    let without_permission = session.target.key_without_permission.as_ref().map(|_| &variations).into_iter().flatten();
    let without_permission = without_permission.map(|variation| (Authorization::WithoutPermission, Some(variation)));
    let without_key = variations.iter().map(|variation| (Authorization::None, Some(variation)));
    let no_keys = NO_KEYS.iter().chain(SPELLINGS).map(|authorization| (authorization.clone(), None));
    let all = no_keys.chain(without_key).chain(without_permission).chain(keyed);
    all.map(|(authorization, variation)| {
        let attempt = plain(operation, values.clone(), authorization);
        variation.cloned().into_iter().fold(attempt, Attempt::with_variation)
    })
    .collect()
}

fn methods(session: &Session<'_>) -> Vec<&'static str> {
    let is_safe = |method: &&str| !session.limits.read_only || matches!(*method, "GET" | "HEAD");
    METHODS.iter().copied().filter(is_safe).collect()
}

/// Requests of an operation with some variations.
pub(super) fn attempts(
    operation: &Operation,
    session: &Session<'_>,
    authorization: BoxedStrategy<Authorization>,
) -> BoxedStrategy<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let values: Vec<_> = of(Location::Path).map(|parameter| good(parameter, session)).collect();
    let mut variations = vec![
        (3, header()),
        (2, select(methods(session)).prop_map(Variation::Method).boxed()),
        (1, select(Shape::ALL).prop_map(Variation::Shape).boxed()),
        (1, body()),
        (1, (unusual(), unusual()).prop_map(|(name, value)| Variation::Query(name, value)).boxed()),
    ];
    variations.extend(of(Location::Path).enumerate().map(|(index, parameter)| {
        (3, value(parameter, session).prop_map(move |value| Variation::Value(index, value)).boxed())
    }));
    variations.extend(of(Location::Query).map(|parameter| {
        let name = parameter.name.value.clone();
        (3, value(parameter, session).prop_map(move |value| Variation::Query(name.clone(), value)).boxed())
    }));
    let variations = prop::collection::vec(proptest::strategy::Union::new_weighted(variations), 0..4);
    // Only the contract's definition of the operation is used.
    let start = plain(operation, Vec::new(), Authorization::None);
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
    parameter: &str,
    authorization: BoxedStrategy<Authorization>,
) -> BoxedStrategy<Attempt> {
    let open: Vec<bool> = operation.path_parameters().map(|known| known.name.value == parameter).collect();
    let around = prop_oneof![
        4 => Just((String::new(), String::new())),
        1 => (Just(String::new()), unusual()),
        1 => (unusual(), Just(String::new())),
    ];
    (attempts(operation, session, authorization), around)
        .prop_map(move |(mut attempt, (before, after))| {
            for (value, _) in attempt.values.iter_mut().zip(&open).filter(|(_, open)| **open) {
                *value = format!("{before}{TESTED_VALUE}{after}");
            }
            attempt
        })
        .boxed()
}

/// A value of a parameter, percent-encoded: a valid one, or an unusual one.
fn value(parameter: &Parameter, session: &Session<'_>) -> BoxedStrategy<String> {
    let good = good(parameter, session);
    prop_oneof![3 => good.clone(), 2 => unusual(), 1 => (good, unusual()).prop_map(|(good, unusual)| format!("{good}{unusual}"))]
        .boxed()
}

/// A value that exists, or one that fits the schema.
fn good(parameter: &Parameter, session: &Session<'_>) -> BoxedStrategy<String> {
    let fitting = fitting(&session.contract.document, &parameter.shape);
    match session.target.known.get(&parameter.name.value) {
        Some(known) => prop_oneof![
            3 => Just(encoded(known)),
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

fn header() -> BoxedStrategy<Variation> {
    let value = prop::collection::vec(prop_oneof![32..=126_u8, 128..=255_u8], 0..20);
    prop_oneof![
        8 => select(HEADERS).prop_map(|(name, value)| Variation::Header(name, value.to_vec())),
        1 => value.prop_map(|value| Variation::Header("x-odd", value)),
        1 => (1..12_000_usize).prop_map(|length| Variation::Header("x-long", vec![b'c'; length])),
    ]
    .boxed()
}

fn body() -> BoxedStrategy<Variation> {
    prop_oneof![
        3 => select(BODIES).prop_map(|body| body.to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (1..8_000_usize).prop_map(|length| vec![b'd'; length]),
    ]
    .prop_map(Variation::Body)
    .boxed()
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
