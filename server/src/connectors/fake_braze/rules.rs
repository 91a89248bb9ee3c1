//! Braze's limits and its reasons for refusing objects.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// Maximum objects per request.
const MOST_OBJECTS: usize = 75;
/// Maximum users per deletion request.
const MOST_DELETES: usize = 50;
/// Maximum bytes per request.
pub const MOST_BYTES: usize = 4_000_000;
/// Processes a `/users/track` body as Braze does: accepts the valid objects and names the others.
pub fn track(body: &Value, accepted: &mut Vec<Value>) -> (StatusCode, Value) {
    let arrays = ["attributes", "events", "purchases"];
    let found = arrays.iter().filter_map(|array| Some((*array, body.get(array)?.as_array()?))).collect::<Vec<_>>();
    if found.iter().all(|(_, objects)| objects.is_empty()) {
        let message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.";
        return (StatusCode::BAD_REQUEST, json!({ "message": message }));
    }
    let mut errors = Vec::new();
    let mut answer = Map::from_iter([("message".to_owned(), Value::from("success"))]);
    let mut processed = 0;
    for (array, objects) in found {
        if objects.len() > MOST_OBJECTS {
            let message = format!("No more than {MOST_OBJECTS} {array} may be sent at once");
            return (StatusCode::BAD_REQUEST, json!({ "message": message }));
        }
        let before = accepted.len();
        for (index, object) in objects.iter().enumerate() {
            match fault(array, object) {
                Some(fault) => errors.push(json!({ "index": index, "input_array": array, "type": fault })),
                None => accepted.push(object.clone()),
            }
        }
        processed += accepted.len() - before;
        answer.insert(format!("{array}_processed"), (accepted.len() - before).into());
    }
    if processed == 0 {
        return (StatusCode::BAD_REQUEST, json!({ "message": "No valid objects", "errors": errors }));
    }
    if !errors.is_empty() {
        answer.insert("errors".into(), errors.into());
    }
    (StatusCode::CREATED, Value::Object(answer))
}

/// Processes a `/users/delete` body as Braze does: accepts the valid users and names the others.
pub fn delete(body: &Value, accepted: &mut Vec<Value>) -> (StatusCode, Value) {
    let refused = |message: &str| (StatusCode::BAD_REQUEST, json!({ "message": message }));
    let arrays = ["external_ids", "user_aliases", "braze_ids"];
    let mut found = arrays.iter().filter_map(|array| body.get(array)?.as_array());
    match (found.next(), found.next()) {
        (Some(ids), None) if (1..=MOST_DELETES).contains(&ids.len()) => {
            accepted.extend(ids.iter().cloned());
            (StatusCode::CREATED, json!({ "deleted": ids.len(), "message": "success" }))
        }
        (Some(_), None) => refused("Between 1 and 50 users can be deleted at once"),
        _ => refused("Exactly one of 'external_ids', 'user_aliases' and 'braze_ids' must be provided"),
    }
}

/// Why an object is refused; `None` if it is valid.
fn fault(array: &str, object: &Value) -> Option<String> {
    let Some(object) = object.as_object() else {
        return Some(format!("'{array}' must be objects"));
    };
    let fault =
        if !["external_id", "user_alias", "braze_id", "email", "phone"].iter().any(|name| object.contains_key(*name)) {
            "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
        } else if object.keys().any(|name| name.starts_with('$')) {
            "attribute names must not begin with '$'"
        } else if object.get("email").and_then(Value::as_str).is_some_and(|email| !email.contains('@')) {
            "'email' is not a valid address"
        } else if array != "attributes" && !object.contains_key("time") {
            "'time' is required"
        } else {
            return None;
        };
    Some(fault.to_owned())
}
