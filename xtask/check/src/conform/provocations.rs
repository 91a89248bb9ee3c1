//! How each error is provoked, and values that do not exist or do not fit. It follows from the contract (the status, the
//! parameters and their schemas), or the settings say it.

use apidrift_core::contract::{self, DocumentedError};
use apidrift_core::settings::{self, Conform, ErrorName};
use openapi_model::schema::{Bound, Types};
use openapi_model::shape::{Shape, same_value};
use toml::Spanned;

use super::operation::{Operation, Parameter, PlannedError, label_of};
use super::percent::encoded;

/// How an error is provoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Provocation {
    /// With a request without a key.
    WithoutKey,
    /// With a key that lacks the permission.
    WithoutPermission,
    /// By more requests than the limit allows.
    OverTheLimit,
    /// With this parameter malformed.
    Malformed(String),
    /// With any parameter malformed, or the body.
    AnyMalformed,
    /// With a body of another media type.
    OtherMediaType,
    /// With the ID of something that does not exist.
    NotFound,
    /// As the settings say, by the index of the provocation. Whether the error passes by itself.
    Configured { index: usize, passes: bool },
    /// With a key whose requests fail.
    Failing,
    /// No known way.
    None,
}

/// A UUID that does not exist.
const UNKNOWN_UUID: &str = "d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11";

/// Malformed UUIDs: only the hyphenated form of 36 characters is valid.
const MALFORMED_UUIDS: &[&str] = &[
    "x",
    "%20",
    "d1b5c7f03a604b579a1e6f1c2e0d9b11",
    "%7Bd1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11%7D",
    "urn:uuid:d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11",
    "g1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11",
    "d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b111",
];

impl Provocation {
    /// How an error of an operation is provoked.
    pub fn of(settings: &Conform, operation: &contract::Operation, error: &DocumentedError) -> Provocation {
        let mut configured = settings.provocations.iter().map(Spanned::get_ref).enumerate();
        let configured = configured.find(|(_, provocation)| {
            is_about(provocation, &operation.id, &operation.endpoint()) && names(&provocation.error, error)
        });
        if let Some((index, provocation)) = configured {
            return match provocation.exhaust {
                true => Provocation::OverTheLimit,
                false => Provocation::Configured { index, passes: provocation.passes },
            };
        }
        match (*error.status, &settings.malformed_error) {
            (401, _) => Provocation::WithoutKey,
            (403, _) => Provocation::WithoutPermission,
            (429, _) => Provocation::OverTheLimit,
            (400 | 422, None) => Provocation::AnyMalformed,
            (400 | 422, Some(pattern)) => {
                parameter_in(pattern, &error.name).map_or(Provocation::None, Provocation::Malformed)
            }
            (404, _) => Provocation::NotFound,
            (415, _) => Provocation::OtherMediaType,
            (500.., _) => Provocation::Failing,
            _ => Provocation::None,
        }
    }
}

/// Whether a provocation of the settings is about an operation.
pub(super) fn is_about(provocation: &settings::Provocation, id: &str, endpoint: &str) -> bool {
    let operation = provocation.operation.as_ref().map(Spanned::get_ref);
    operation.is_none_or(|operation| operation == id || operation == endpoint)
}

/// Whether the settings name this error.
pub(super) fn names(name: &Spanned<ErrorName>, error: &DocumentedError) -> bool {
    match name.get_ref() {
        ErrorName::Status(status) => *status == *error.status,
        ErrorName::Name(name) => *name == *error.name || *name == label_of(error),
    }
}

/// The parameter that the name of an error contains, as a pattern such as `invalid_{parameter}` says.
fn parameter_in(pattern: &str, name: &str) -> Option<String> {
    let (before, after) = pattern.split_once("{parameter}")?;
    let parameter = name.strip_prefix(before)?.strip_suffix(after)?;
    (!parameter.is_empty()).then(|| parameter.to_owned())
}

/// Whether an error means that the rate limit is used up.
pub(super) fn is_over_the_limit(error: &PlannedError) -> bool {
    error.provocation == Provocation::OverTheLimit
}

/// Whether an error passes by itself after a moment.
pub(super) fn passes(error: &PlannedError) -> bool {
    matches!(error.provocation, Provocation::Configured { passes: true, .. })
}

/// Malformed values of a parameter, percent-encoded.
pub(super) fn malformed(settings: &Conform, parameter: &Parameter) -> Vec<String> {
    if let Some(values) = settings.malformed.get(parameter.name.as_str()) {
        return values.iter().map(|value| encoded(value)).collect();
    }
    let shape = &parameter.shape;
    // With alternatives, it is unknown which values fit none of them.
    if !shape.alternatives.is_empty() {
        return Vec::new();
    }
    match shape.format.as_ref().map(|format| format.as_str()) {
        _ if shape.types == Types::BOOLEAN => vec!["perhaps".to_owned()],
        _ if shape.types == Types::INTEGER => malformed_integers(shape),
        _ if shape.types == Types::NUMBER => malformed_numbers(shape),
        _ if shape.types != Types::STRING => Vec::new(),
        _ if shape.enumeration.is_some() => vec!["none-of-them".to_owned()],
        Some("uuid") => MALFORMED_UUIDS.iter().map(|value| (*value).to_owned()).collect(),
        Some("date") => vec!["yesterday".to_owned(), "2026-02-30".to_owned(), "2026-13-01".to_owned()],
        Some("date-time") => vec!["yesterday".to_owned(), "2026-02-30T00%3A00%3A00Z".to_owned()],
        Some("ipv4") => vec!["none".to_owned(), "999.1.1.1".to_owned()],
        Some("ipv6") => vec!["none".to_owned()],
        Some("email") => vec!["none".to_owned()],
        _ => malformed_texts(shape),
    }
}

/// Texts that are too long or too short, or do not match the pattern.
fn malformed_texts(shape: &Shape) -> Vec<String> {
    let length = |length: &Option<openapi_model::span::Spanned<u64>>| {
        length.as_ref().and_then(|length| usize::try_from(length.value).ok()).filter(|length| *length < 10_000)
    };
    let long = length(&shape.max_length).map(|most| "x".repeat(most + 1));
    // An empty value may mean that there is none.
    let short = length(&shape.min_length).filter(|least| *least > 1).map(|least| "x".repeat(least - 1));
    let pattern = shape.patterns.first().and_then(|pattern| regex::Regex::new(pattern).ok());
    let other =
        pattern.and_then(|pattern| ["x", "0", "~", "none of them"].into_iter().find(|it| !pattern.is_match(it)));
    [long, short, other.map(encoded)].into_iter().flatten().collect()
}

/// Numbers beyond the bounds and between the multiples, and a text.
fn malformed_numbers(shape: &Shape) -> Vec<String> {
    let outside = |bound: &Option<Bound>, step: f64| {
        let bound = bound.as_ref()?;
        let number = bound.value.as_f64()?;
        Some(if bound.exclusive { number } else { number + step })
    };
    let multiple = shape.multiples_of.first().and_then(|multiple| multiple.as_f64());
    let beside = multiple.map(|multiple| {
        let least = shape.minimum.as_ref().and_then(|bound| bound.value.as_f64()).unwrap_or(0.0);
        ((least / multiple).floor() + 1.5) * multiple
    });
    let listed =
        shape.enumeration.as_ref().and_then(|values| values.iter().filter_map(|value| value.as_f64()).reduce(f64::max));
    let numbers = [outside(&shape.minimum, -1.0), outside(&shape.maximum, 1.0), listed.map(|most| most + 1.0), beside];
    let texts = numbers.into_iter().flatten().map(|number| number.to_string());
    ["x".to_owned()].into_iter().chain(texts).collect()
}

fn malformed_integers(shape: &Shape) -> Vec<String> {
    let outside = |bound: &Option<Bound>, step: i64| {
        let bound = bound.as_ref()?;
        let number = bound.value.as_i64()?;
        if bound.exclusive { Some(number) } else { number.checked_add(step) }
    };
    let listed = shape.enumeration.as_ref().and_then(|values| values.iter().filter_map(|value| value.as_i64()).max());
    let beside = shape.multiples_of.iter().find_map(|multiple| multiple.as_i64().filter(|multiple| *multiple > 1));
    let beside = beside.and_then(|multiple| {
        let least = shape.minimum.as_ref().and_then(|bound| bound.value.as_i64()).unwrap_or(0);
        (least.checked_div(multiple)?.checked_add(1)?).checked_mul(multiple)?.checked_add(1)
    });
    let numbers =
        [outside(&shape.minimum, -1), outside(&shape.maximum, 1), listed.and_then(|most| most.checked_add(1)), beside];
    let texts = numbers.into_iter().flatten().map(|number| number.to_string());
    ["x".to_owned(), "1.5".to_owned()].into_iter().chain(texts).collect()
}

/// Values of resources that do not exist, percent-encoded, for every path parameter that has any.
pub(super) fn unknown_values(operation: &Operation) -> Vec<(&str, String)> {
    let path = operation.path_parameters();
    path.filter_map(|parameter| Some((parameter.name.as_str(), unknown_value(&parameter.shape)?))).collect()
}

/// Whether the unknown values of an operation surely fit their schemas: a server may want more of a text or a number
/// than its schema says.
pub(super) fn surely_fit(operation: &Operation) -> bool {
    operation.path_parameters().all(|parameter| is_uuid(&parameter.shape))
}

fn is_uuid(shape: &Shape) -> bool {
    shape.format.as_ref().is_some_and(|format| format.as_str() == "uuid")
}

fn unknown_value(shape: &Shape) -> Option<String> {
    const TEXT: &str = "no-such-d1b5c7f0";
    let is_listed = |value: &str| {
        let listed = shape.enumeration.as_ref();
        listed.is_none_or(|values| values.iter().any(|known| same_value(known, &value.into())))
    };
    if is_uuid(shape) {
        return is_listed(UNKNOWN_UUID).then(|| UNKNOWN_UUID.to_owned());
    }
    if shape.enumeration.is_some() || !shape.alternatives.is_empty() {
        return None;
    }
    if shape.types == Types::INTEGER {
        let is_inside = |number: i64| {
            let most = shape.maximum.as_ref().and_then(|bound| bound.value.as_f64());
            most.is_none_or(|most| (number as f64) < most) && shape.multiples_of.is_empty()
        };
        return [2_147_480_000, 32_000].into_iter().find(|number| is_inside(*number)).map(|number| number.to_string());
    }
    let is_short_enough = shape.max_length.as_ref().is_none_or(|most| most.value >= TEXT.len() as u64);
    let matches = |pattern: &str| regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(TEXT));
    let fits = is_short_enough && shape.patterns.iter().all(|pattern| matches(pattern));
    (shape.types == Types::STRING && shape.format.is_none() && fits).then(|| TEXT.to_owned())
}
