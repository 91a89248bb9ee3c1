//! How each error is provoked. Most follow from the contract's own rules: the status, the name, the parameters and their
//! schemas. What does not stands in the tables here: a line in them is all that another API needs.

use apidrift_core::contract::{DocumentedError, Location, Operation, Parameter};

/// How an error is provoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way<'a> {
    /// By nobody's request.
    WithoutKey,
    /// With a key that lacks the permission.
    WithoutPermission,
    /// By more requests than the limit allows.
    OverTheLimit,
    /// With a malformed parameter.
    Malformed(&'a str),
    /// With a parameter that leads to nothing.
    Unknown,
    /// With something that is busy.
    Busy,
    /// With a key whose requests fail.
    Failing,
    /// Nobody has said how.
    Untold,
}

/// Errors that their names and statuses do not explain.
const ERRORS: &[(&str, Way<'static>)] = &[("job_in_progress", Way::Busy)];

/// Malformed values of parameters whose schemas take any text, as they stand in an address.
const MALFORMED: &[(&str, &[&str])] = &[("cursor", &["not-a-cursor", "AAAAAAAAAAAAAAAAAAAAAAAA", "%F0%9F%98%80"])];

/// What tells the items of a list apart, and in which order they stand.
const ITEMS: &[(&str, &str, Order)] = &[
    ("list_integrations", "integration_id", Order::Any),
    ("list_job_sync_status", "sync_start_time", Order::NewestFirst),
];

/// The flags that give values of parameters.
const FLAGS: &[(&str, &str, &str)] = &[("integration_id", "--integration", "--busy-integration")];

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Whatever the server likes.
    Any,
    /// By the times that tell the items apart, descending.
    NewestFirst,
}

/// A UUID that nobody has.
const UNKNOWN_UUID: &str = "d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11";

/// Malformed UUIDs. The contract takes the hyphenated form of 36 characters and no other.
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
pub(super) fn way(error: &DocumentedError) -> Way<'_> {
    let name = error.name.as_str();
    if let Some((_, way)) = ERRORS.iter().find(|(known, _)| *known == name) {
        return *way;
    }
    match (*error.status, name.strip_prefix("invalid_")) {
        (401, _) => Way::WithoutKey,
        (403, _) => Way::WithoutPermission,
        (429, _) if name == "rate_limited" => Way::OverTheLimit,
        (400, Some(parameter)) => Way::Malformed(parameter),
        (404, _) => Way::Unknown,
        (500.., _) => Way::Failing,
        _ => Way::Untold,
    }
}

/// Whether an error says that the rate limit is used up.
pub(super) fn is_over_the_limit(error: &DocumentedError) -> bool {
    way(error) == Way::OverTheLimit
}

/// Whether an error says that what was asked for is busy.
pub(super) fn is_busy(error: &DocumentedError) -> bool {
    way(error) == Way::Busy
}

/// Malformed values of a parameter, as they stand in an address.
pub(super) fn malformed(parameter: &Parameter) -> Vec<String> {
    if let Some((_, values)) = MALFORMED.iter().find(|(name, _)| *name == parameter.name.as_str()) {
        return values.iter().map(|value| (*value).to_owned()).collect();
    }
    let schema = &parameter.schema;
    let text = |key: &str| schema.get(key).and_then(|node| node.as_str());
    let number = |key: &str| schema.get(key)?.to_json().as_i64();
    let mut values = Vec::new();
    match (text("type"), text("format")) {
        (Some("string"), Some("uuid")) => values.extend(MALFORMED_UUIDS.iter().map(|value| (*value).to_owned())),
        (Some("string"), _) if schema.get("enum").is_some() => values.push("none-of-them".to_owned()),
        (Some("string"), _) => {
            let most =
                schema.get("maxLength").and_then(|node| node.as_u64()).and_then(|most| usize::try_from(most).ok());
            values.extend(most.filter(|most| *most < 10_000).map(|most| "x".repeat(most + 1)));
        }
        (Some("integer"), _) => {
            values.extend(["x".to_owned(), "1.5".to_owned()]);
            values.extend(number("minimum").and_then(|least| least.checked_sub(1)).map(|value| value.to_string()));
            values.extend(number("maximum").and_then(|most| most.checked_add(1)).map(|value| value.to_string()));
        }
        (Some("boolean"), _) => values.push("perhaps".to_owned()),
        _ => {}
    }
    values
}

/// Values that lead to nothing, for every parameter of the path that has such.
pub(super) fn unknown_values(operation: &Operation) -> Vec<(&str, &'static str)> {
    let path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
    path.filter(|parameter| parameter.schema.get("format").and_then(|node| node.as_str()) == Some("uuid"))
        .map(|parameter| (parameter.name.as_str(), UNKNOWN_UUID))
        .collect()
}

/// What tells the items of a list apart, and their order.
pub(super) fn items(operation: &Operation) -> Option<(&'static str, Order)> {
    let found = ITEMS.iter().find(|(id, ..)| *id == operation.id.as_str());
    found.map(|(_, property, order)| (*property, *order))
}

/// The flags that give the parameters in the path.
pub(super) fn flags(operation: &Operation) -> String {
    flags_of(operation, |(_, known, _)| known)
}

/// The flags that give something busy.
pub(super) fn busy_flags(operation: &Operation) -> String {
    flags_of(operation, |(_, _, busy)| busy)
}

fn flags_of(operation: &Operation, of: impl Fn(&(&str, &'static str, &'static str)) -> &'static str) -> String {
    let path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
    let flags: Vec<String> = path
        .map(|parameter| {
            let name = parameter.name.as_str();
            let flag = FLAGS.iter().find(|(known, ..)| *known == name);
            flag.map_or_else(|| format!("a value of `{name}`"), |flag| of(flag).to_owned())
        })
        .collect();
    flags.join(" and ")
}
