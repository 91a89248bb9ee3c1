//! Which values are the same to JSON.

use std::collections::HashSet;

use serde_json::Value as Json;

/// More values than this are looked up by their canonical texts.
const FEW: usize = 64;

/// Whether two values are the same to JSON: 1 and 1.0 are, and so are objects whatever the order of their keys.
pub fn same_value(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same_value(value, other)))
        }
        _ => one == other,
    }
}

/// Whether two lists hold the same values, in whatever order and however often.
pub fn is_one_set(one: &[Json], other: &[Json]) -> bool {
    let (mine, theirs) = (Known::new(one.iter()), Known::new(other.iter()));
    one.iter().all(|value| theirs.holds(value)) && other.iter().all(|value| mine.holds(value))
}

/// Values that others are looked up in.
pub enum Known<'a> {
    /// A few.
    Few(Vec<&'a Json>),
    /// Many, by their canonical texts.
    Many(HashSet<String>),
}

impl<'a> Known<'a> {
    /// These values.
    pub fn new(values: impl ExactSizeIterator<Item = &'a Json>) -> Known<'a> {
        if values.len() > FEW { Known::Many(values.map(canonical).collect()) } else { Known::Few(values.collect()) }
    }

    /// Whether one of them is the same as another value.
    pub fn holds(&self, value: &Json) -> bool {
        match self {
            Known::Few(known) => known.iter().any(|known| same_value(known, value)),
            Known::Many(known) => known.contains(&canonical(value)),
        }
    }
}

/// A text that is the same for values that are the same, and for no others.
fn canonical(value: &Json) -> String {
    match value {
        // Without a sign of zero.
        Json::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| (number + 0.0).to_string()),
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Json::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", Json::from(key.as_str()), canonical(value))).collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(","))
        }
        Json::Null | Json::Bool(_) | Json::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_compared_as_few_are() {
        let values = serde_json::json!([
            null, true, "1", 1, 1.0, 1.5, 0, -0.0, 1e300, -1, 18446744073709551615u64, "", "a,b", ["a", "b"], ["a,b"],
            [[1], 2], [[1.0], 2.0], [[1, 2]], {}, [], {"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}, {"a": "1"}, {"a:1": 1}
        ]);
        let values = values.as_array().unwrap();
        for one in values {
            for other in values {
                assert_eq!(canonical(one) == canonical(other), same_value(one, other), "{one} {other}");
            }
        }
    }

    #[test]
    fn the_order_of_many_values_means_nothing() {
        let one: Vec<Json> = (0..20_000).map(Json::from).collect();
        let other: Vec<Json> = (0..20_000).rev().map(|number| Json::from(f64::from(number))).collect();
        assert!(is_one_set(&one, &other));
        assert!(!is_one_set(&one, &other[1..]) && !is_one_set(&one[1..], &other));
    }
}
