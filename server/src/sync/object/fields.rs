//! The fields of events and purchases: what a payload has beside them, and whether it looks like one of another type.

use serde_json::{Map, Value};

use super::event_time;
use crate::types::IntegrationKind;

/// The fields that events and purchases share. Identifiers are among them, because a payload may have one that is not the
/// row's own.
const COMMON: [&str; 8] =
    ["external_id", "user_alias", "braze_id", "email", "phone", "app_id", "time", "_update_existing_only"];
const OF_EVENTS: [&str; 2] = ["name", "properties"];
const OF_PURCHASES: [&str; 5] = ["product_id", "currency", "price", "quantity", "properties"];
/// How many unknown fields a warning names.
const SHOWN: usize = 5;

fn is_field(kind: IntegrationKind, key: &str) -> bool {
    COMMON.contains(&key)
        || match kind {
            IntegrationKind::Events => OF_EVENTS.contains(&key),
            IntegrationKind::Purchases => OF_PURCHASES.contains(&key),
            IntegrationKind::Attributes | IntegrationKind::UserDeletes => true,
        }
}

/// A warning for the keys that are not fields of an event or a purchase: Braze ignores them.
pub fn unknown(kind: IntegrationKind, object: &Map<String, Value>) -> Option<String> {
    let unknown: Vec<String> = object.keys().filter(|key| !is_field(kind, key)).map(|key| format!("`{key}`")).collect();
    let what = if kind == IntegrationKind::Events { "an event" } else { "a purchase" };
    match unknown.as_slice() {
        [] => None,
        [one] => Some(format!("{one} is not a field of {what}; put it in `properties`")),
        some if some.len() > SHOWN => {
            let (named, others) = (some[..SHOWN].join(", "), some.len() - SHOWN);
            Some(format!("{named} and {others} more are not fields of {what}; put them in `properties`"))
        }
        some => Some(format!("{} are not fields of {what}; put them in `properties`", some.join(", "))),
    }
}

/// A warning for the payload of attributes that looks like an event or a purchase.
pub fn of_another_type(object: &Map<String, Value>) -> Option<String> {
    let has = |key: &str| object.contains_key(key);
    let is_text = |key: &str| object.get(key).is_some_and(Value::is_string);
    let has_time = object.get("time").and_then(Value::as_str).is_some_and(event_time::is_common);
    let has_properties = object.get("properties").is_some_and(Value::is_object);
    let has_only_fields = object.keys().all(|key| is_field(IntegrationKind::Events, key));
    // Users may have a `name` as well.
    let is_event = is_text("name") && (has_time && has_properties || has_only_fields && (has_time || has_properties));
    let is_purchase = is_text("product_id") && is_text("currency") && has("price");
    let (what, of, kind) = match (is_purchase, is_event) {
        (true, _) => ("a purchase", &["product_id", "currency", "price"][..], "purchases"),
        (false, true) => ("an event", &["name", "time", "properties"][..], "events"),
        (false, false) => return None,
    };
    let found: Vec<String> = of.iter().filter(|key| has(key)).map(|key| format!("`{key}`")).collect();
    Some(format!(
        "PAYLOAD looks like {what} ({}), but the `type` of the integration is `attributes`; should it be `{kind}`?",
        found.join(", ")
    ))
}
