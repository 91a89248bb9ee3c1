//! How each error is provoked. Most of it follows from the contract: the status, the name, the parameters and their
//! schemas. The tables here contain the rest; another API needs only a line in them.

use apidrift_core::contract::DocumentedError;
use openapi_model::document::Location;
use openapi_model::schema::{Bound, Types};
use openapi_model::shape::{Shape, same_value};

use super::operation::{Operation, Parameter};

/// How an error is provoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provocation<'a> {
    /// With a request without a key.
    WithoutKey,
    /// With a key that lacks the permission.
    WithoutPermission,
    /// By more requests than the limit allows.
    OverTheLimit,
    /// With a malformed parameter.
    Malformed(&'a str),
    /// With the ID of something that does not exist.
    NotFound,
    /// With the ID of something that is busy.
    Busy,
    /// With a key whose requests fail.
    Failing,
    /// No known way.
    None,
}

/// Errors whose provocation does not follow from name and status.
const ERRORS: &[(&str, Provocation<'static>)] = &[("job_in_progress", Provocation::Busy)];

/// Malformed values of parameters whose schemas accept any text, percent-encoded.
const MALFORMED: &[(&str, &[&str])] = &[("cursor", &["not-a-cursor", "AAAAAAAAAAAAAAAAAAAAAAAA", "%F0%9F%98%80"])];

/// The fields that identify the items of a list, and the order of the list.
const ITEMS: &[(&str, &str, Order)] = &[
    ("list_integrations", "integration_id", Order::Any),
    ("list_job_sync_status", "sync_start_time", Order::NewestFirst),
];

/// The flags that set the values of parameters.
const FLAGS: &[(&str, &str, &str)] = &[("integration_id", "--integration", "--busy-integration")];

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Any order.
    Any,
    /// Descending by the times that identify the items.
    NewestFirst,
}

/// A UUID that does not exist.
const UNKNOWN_UUID: &str = "d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11";

/// Malformed UUIDs. The contract accepts only the hyphenated form of 36 characters.
const MALFORMED_UUIDS: &[&str] = &[
    "x",
    "%20",
    "d1b5c7f03a604b579a1e6f1c2e0d9b11",
    "%7Bd1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11%7D",
    "urn:uuid:d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11",
    "g1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11",
    "d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b111",
];

/// How an error is provoked.
pub(super) fn provocation(error: &DocumentedError) -> Provocation<'_> {
    let name = error.name.as_str();
    if let Some((_, provocation)) = ERRORS.iter().find(|(known, _)| *known == name) {
        return *provocation;
    }
    match (*error.status, name.strip_prefix("invalid_")) {
        (401, _) => Provocation::WithoutKey,
        (403, _) => Provocation::WithoutPermission,
        (429, _) if name == "rate_limited" || error.identity.is_none() => Provocation::OverTheLimit,
        (400, Some(parameter)) => Provocation::Malformed(parameter),
        (404, _) => Provocation::NotFound,
        (500.., _) => Provocation::Failing,
        _ => Provocation::None,
    }
}

/// Whether an error means that the rate limit is used up.
pub(super) fn is_over_the_limit(error: &DocumentedError) -> bool {
    provocation(error) == Provocation::OverTheLimit
}

/// Whether an error means that the resource is busy.
pub(super) fn is_busy(error: &DocumentedError) -> bool {
    provocation(error) == Provocation::Busy
}

/// Malformed values of a parameter, percent-encoded.
pub(super) fn malformed(parameter: &Parameter) -> Vec<String> {
    if let Some((_, values)) = MALFORMED.iter().find(|(name, _)| *name == parameter.name.as_str()) {
        return values.iter().map(|value| (*value).to_owned()).collect();
    }
    let shape = &parameter.shape;
    // With alternatives, it is unknown which values fit none of them.
    if !shape.alternatives.is_empty() {
        return Vec::new();
    }
    match shape.format.as_ref().map(|format| format.as_str()) {
        _ if shape.types == Types::BOOLEAN => vec!["perhaps".to_owned()],
        _ if shape.types == Types::INTEGER => malformed_integers(shape),
        _ if shape.types == Types::NUMBER => vec!["x".to_owned()],
        _ if shape.types != Types::STRING => Vec::new(),
        _ if shape.enumeration.is_some() => vec!["none-of-them".to_owned()],
        Some("uuid") => MALFORMED_UUIDS.iter().map(|value| (*value).to_owned()).collect(),
        _ => {
            let most = shape.max_length.as_ref().and_then(|most| usize::try_from(most.value).ok());
            most.filter(|most| *most < 10_000).map(|most| "x".repeat(most + 1)).into_iter().collect()
        }
    }
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

/// Values of resources that do not exist, for every path parameter that has any.
pub(super) fn unknown_values(operation: &Operation) -> Vec<(&str, &'static str)> {
    let is_uuid = |shape: &Shape| {
        let listed = shape.enumeration.as_ref();
        let is_fitting = listed.is_none_or(|values| values.iter().any(|value| same_value(value, &UNKNOWN_UUID.into())));
        is_fitting && shape.format.as_ref().is_some_and(|format| format.as_str() == "uuid")
    };
    let path = operation.path_parameters().filter(|parameter| is_uuid(&parameter.shape));
    path.map(|parameter| (parameter.name.as_str(), UNKNOWN_UUID)).collect()
}

/// The field that identifies the items of a list, and their order.
pub(super) fn items(operation: &Operation) -> Option<(&'static str, Order)> {
    let found = ITEMS.iter().find(|(id, ..)| *id == operation.id.as_str());
    found.map(|(_, property, order)| (*property, *order))
}

/// The flags that set the path parameters.
pub(super) fn flags(operation: &Operation) -> String {
    flags_of(operation, |(_, known, _)| known)
}

/// The flags that name a busy resource.
pub(super) fn busy_flags(operation: &Operation) -> String {
    flags_of(operation, |(_, _, busy)| busy)
}

fn flags_of(operation: &Operation, of: impl Fn(&(&str, &'static str, &'static str)) -> &'static str) -> String {
    let is_needed = |parameter: &&Parameter| match parameter.location {
        Location::Path => true,
        Location::Query => *parameter.required,
        Location::Header | Location::Cookie => false,
    };
    let flags: Vec<String> = operation
        .parameters
        .iter()
        .filter(is_needed)
        .map(|parameter| {
            let name = parameter.name.as_str();
            let flag = FLAGS.iter().find(|(known, ..)| *known == name);
            flag.map_or_else(|| format!("a value of `{name}`"), |flag| of(flag).to_owned())
        })
        .collect();
    flags.join(" and ")
}
