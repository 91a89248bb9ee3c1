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

/// Any credentials.
pub(super) fn anybody(session: &Session<'_>) -> BoxedStrategy<Authorization> {
    let others =
        if session.target.key_without_permission.is_some() { &[Authorization::WithoutPermission][..] } else { &[] };
    let spelled = SPELLINGS.iter().chain(others).cloned().collect::<Vec<_>>();
    prop_oneof![6 => Just(Authorization::Key), 1 => select(spelled), 1 => nobody()].boxed()
}

/// No valid key.
pub(super) fn nobody() -> BoxedStrategy<Authorization> {
    select(NO_KEYS).boxed()
}

/// One unusual thing about a request.
#[derive(Debug, Clone)]
enum Oddity {
    Method(&'static str),
    Shape(Shape),
    /// The value of a variable of the path, by its index.
    Value(usize, String),
    Query(String, String),
    Header(&'static str, Vec<u8>),
    Body(Vec<u8>),
}

impl Attempt {
    fn but(mut self, oddity: Oddity) -> Attempt {
        match oddity {
            Oddity::Method(method) => self.method = method.to_owned(),
            Oddity::Shape(shape) => self.shape = shape,
            Oddity::Value(index, value) => {
                if let Some(place) = self.values.get_mut(index) {
                    *place = value;
                }
            }
            Oddity::Query(name, value) => self.query.push((name, value)),
            Oddity::Header(name, value) => self.extra.headers.push((name, value)),
            Oddity::Body(body) => self.extra.body = Some(body),
        }
        self
    }
}

/// A plain request of an operation.
fn plain(operation: &Operation, values: Vec<String>, authorization: Authorization) -> Attempt {
    let method = operation.method.value.clone();
    Attempt { method, values, shape: Shape::Plain, query: Vec::new(), authorization, extra: Extra::default() }
}

/// Each unusual thing by itself, with a key and without, and each invalid key.
pub(super) fn each(operation: &Operation, session: &Session<'_>) -> Vec<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let known = |parameter: &Parameter| session.target.known.get(&parameter.name.value).map(|value| encoded(value));
    let values: Vec<String> =
        of(Location::Path).map(|parameter| known(parameter).unwrap_or_else(|| uuid(UNKNOWN))).collect();
    let mut oddities: Vec<Oddity> = methods(session).into_iter().map(Oddity::Method).collect();
    oddities.extend(Shape::ALL.iter().copied().map(Oddity::Shape));
    oddities.extend(HEADERS.iter().map(|(name, value)| Oddity::Header(name, value.to_vec())));
    oddities.extend(BODIES.iter().map(|body| Oddity::Body(body.to_vec())));
    for (index, value) in values.iter().enumerate() {
        oddities.push(Oddity::Value(index, value.to_uppercase()));
        oddities.push(Oddity::Value(index, uuid(UNKNOWN)));
        oddities.extend(UNUSUAL.iter().map(|unusual| Oddity::Value(index, format!("{value}{unusual}"))));
    }
    for parameter in of(Location::Query) {
        oddities
            .extend(UNUSUAL.iter().map(|unusual| Oddity::Query(parameter.name.value.clone(), (*unusual).to_owned())));
    }
    let keyed = oddities.iter().map(|oddity| (Authorization::Key, Some(oddity)));
    let powerless = session.target.key_without_permission.as_ref().map(|_| &oddities).into_iter().flatten();
    let powerless = powerless.map(|oddity| (Authorization::WithoutPermission, Some(oddity)));
    let nobody = oddities.iter().map(|oddity| (Authorization::None, Some(oddity)));
    let no_keys = NO_KEYS.iter().chain(SPELLINGS).map(|authorization| (authorization.clone(), None));
    let all = no_keys.chain(nobody).chain(powerless).chain(keyed);
    all.map(|(authorization, oddity)| {
        let attempt = plain(operation, values.clone(), authorization);
        oddity.cloned().into_iter().fold(attempt, Attempt::but)
    })
    .collect()
}

fn methods(session: &Session<'_>) -> Vec<&'static str> {
    let is_safe = |method: &&str| !session.limits.read_only || matches!(*method, "GET" | "HEAD");
    METHODS.iter().copied().filter(is_safe).collect()
}

/// A request of an operation with some unusual things about it.
pub(super) fn attempts(
    operation: &Operation,
    session: &Session<'_>,
    authorization: BoxedStrategy<Authorization>,
) -> BoxedStrategy<Attempt> {
    let of = |location| operation.parameters.iter().filter(move |parameter| parameter.location == location);
    let values: Vec<_> = of(Location::Path).map(|parameter| good(parameter, session)).collect();
    let mut oddities = vec![
        (3, header()),
        (2, select(methods(session)).prop_map(Oddity::Method).boxed()),
        (1, select(Shape::ALL).prop_map(Oddity::Shape).boxed()),
        (1, body()),
        (1, (unusual(), unusual()).prop_map(|(name, value)| Oddity::Query(name, value)).boxed()),
    ];
    oddities.extend(of(Location::Path).enumerate().map(|(index, parameter)| {
        (3, value(parameter, session).prop_map(move |value| Oddity::Value(index, value)).boxed())
    }));
    oddities.extend(of(Location::Query).map(|parameter| {
        let name = parameter.name.value.clone();
        (3, value(parameter, session).prop_map(move |value| Oddity::Query(name.clone(), value)).boxed())
    }));
    let oddities = prop::collection::vec(proptest::strategy::Union::new_weighted(oddities), 0..4);
    // What the contract says of the operation is all that is kept of it.
    let start = plain(operation, Vec::new(), Authorization::None);
    (values, authorization, oddities)
        .prop_map(move |(values, authorization, oddities)| {
            let attempt = Attempt { values, authorization, ..start.clone() };
            oddities.into_iter().fold(attempt, Attempt::but)
        })
        .boxed()
}

/// A request in whose path the value of one parameter is still open.
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

/// A value of a parameter, encoded: a valid one, or an unusual one.
fn value(parameter: &Parameter, session: &Session<'_>) -> BoxedStrategy<String> {
    let good = good(parameter, session);
    prop_oneof![3 => good.clone(), 2 => unusual(), 1 => (good, unusual()).prop_map(|(good, unusual)| format!("{good}{unusual}"))]
        .boxed()
}

/// A value that leads to something, or one that fits the schema.
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

/// A value of the same form as another that begins as it does: other letters and digits in its second half.
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

/// What hardly any schema has in mind.
fn unusual() -> BoxedStrategy<String> {
    let part = prop_oneof![
        4 => select(UNUSUAL).prop_map(str::to_owned),
        2 => ".{0,6}".prop_map(|text| encoded(&text)),
        1 => (1..600_usize).prop_map(|length| "a".repeat(length)),
    ];
    let parts = prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat());
    prop_oneof![12 => parts, 1 => (2_000..20_000_usize).prop_map(|length| "b".repeat(length))].boxed()
}

fn header() -> BoxedStrategy<Oddity> {
    let value = prop::collection::vec(prop_oneof![32..=126_u8, 128..=255_u8], 0..20);
    prop_oneof![
        8 => select(HEADERS).prop_map(|(name, value)| Oddity::Header(name, value.to_vec())),
        1 => value.prop_map(|value| Oddity::Header("x-odd", value)),
        1 => (1..12_000_usize).prop_map(|length| Oddity::Header("x-long", vec![b'c'; length])),
    ]
    .boxed()
}

fn body() -> BoxedStrategy<Oddity> {
    prop_oneof![
        3 => select(BODIES).prop_map(|body| body.to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (1..8_000_usize).prop_map(|length| vec![b'd'; length]),
    ]
    .prop_map(Oddity::Body)
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_alike_differ_in_their_second_half_only() {
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
