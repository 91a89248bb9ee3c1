//! Texts and numbers that fit a schema.

use serde_json::{Value, json};

use super::api::Api;
use super::pick::{one_of, pick};
use super::schema::Flat;

const TEXTS: [&str; 8] =
    ["Spring campaign", "blue", "north-7", "Weekly report", "a1b2c3", "main", "Harbour Street 12", "sample"];

/// What stands in fields whose name ends like this.
const NAMED: [(&str, &str); 7] = [
    ("message", "Try again later"),
    ("currency", "EUR"),
    ("country", "DE"),
    ("url", "https://example.com/about"),
    ("email", "anna@example.com"),
    ("phone", "+4930123456"),
    ("error", "Something went wrong"),
];

pub fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

pub fn scalar(api: &Api, flat: &Flat, kind: &str, seed: &str) -> Option<Value> {
    match kind {
        "string" => text(api, flat, seed).map(Value::String),
        "boolean" => Some(Value::Bool(pick(seed, 2) == 0)),
        "integer" | "number" => number(api, flat, kind == "integer", seed),
        _ => None,
    }
}

fn text(api: &Api, flat: &Flat, seed: &str) -> Option<String> {
    if api.said(flat, "pattern").next().is_some() || api.said(flat, "contentEncoding").next().is_some() {
        return None;
    }
    let known = NAMED.iter().find(|(name, _)| seed.ends_with(name)).map(|(_, text)| *text);
    let plain = known.unwrap_or_else(|| one_of(seed, &TEXTS));
    let text = match api.said(flat, "format").find_map(Value::as_str).unwrap_or_default() {
        "uuid" => one_of(seed, &["3fa85f64-5717-4562-b3fc-2c963f66afa6", "0b1f4c2e-7a55-4d0a-9e1b-6d2f8c3a4e90"]),
        "date" => "2024-03-05",
        "date-time" => one_of(seed, &["2024-03-05T14:30:00Z", "2023-11-21T08:15:42Z"]),
        "email" => "anna@example.com",
        "uri" | "url" => one_of(seed, &["https://example.com/hooks/7", "https://example.com/about"]),
        "ipv4" | "ip" => "203.0.113.7",
        "hostname" => "db.example.com",
        "" | "password" | "int64" | "string" | "name" | "text" => plain,
        _ => return None,
    };
    let bound = |key: &str| api.said(flat, key).filter_map(Value::as_u64).max();
    let mut text = text.to_owned();
    let length = text.chars().count() as u64;
    let is_plain = text == plain;
    if let Some(least) = bound("minLength").filter(|least| *least > length) {
        if !is_plain || least > 60 {
            return None;
        }
        text.push_str(&"x".repeat(usize::try_from(least - length).ok()?));
    }
    if let Some(most) = bound("maxLength").filter(|most| *most < length) {
        if !is_plain || most == 0 {
            return None;
        }
        text = text.chars().filter(|letter| letter.is_alphanumeric()).take(usize::try_from(most).ok()?).collect();
    }
    bound("minLength").is_none_or(|least| text.chars().count() as u64 >= least).then_some(text)
}

fn number(api: &Api, flat: &Flat, is_whole: bool, seed: &str) -> Option<Value> {
    let all = |key: &str| api.said(flat, key).filter_map(Value::as_f64).collect::<Vec<f64>>();
    let excludes = |key: &str| api.said(flat, key).any(|value| *value == true);
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    all("minimum")
        .into_iter()
        .for_each(|bound| low = low.max(bound + if excludes("exclusiveMinimum") { 1.0 } else { 0.0 }));
    all("maximum")
        .into_iter()
        .for_each(|bound| high = high.min(bound - if excludes("exclusiveMaximum") { 1.0 } else { 0.0 }));
    all("exclusiveMinimum").into_iter().for_each(|bound| low = low.max(bound + 1.0));
    all("exclusiveMaximum").into_iter().for_each(|bound| high = high.min(bound - 1.0));
    let step = all("multipleOf").into_iter().next().unwrap_or(if is_whole { 1.0 } else { 0.5 });
    if step < 0.1 || low > high {
        return None;
    }
    let wanted = (one_of(seed, &[&3.0, &12.0, &25.0, &40.0]) * if step > 1.0 { step } else { 1.0 }).clamp(low, high);
    let value = [(wanted / step).floor() * step, (wanted / step).ceil() * step]
        .into_iter()
        .find(|value| (low..=high).contains(value))?;
    let is_small = value.abs() < 1e9;
    match is_whole {
        true if is_small && value.fract() == 0.0 => Some(json!(value as i64)),
        false if is_small && value.fract() == 0.0 => Some(json!(value as i64)),
        false if is_small => Some(json!(value)),
        _ => None,
    }
}
