//! Equality of JSON values.

use std::collections::HashSet;

use serde_json::Value as Json;

/// Lists longer than this are looked up by canonical text.
const FEW: usize = 64;

/// Whether two JSON values are equal: 1 equals 1.0, and the order of keys does not matter.
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

/// Whether two lists contain the same values, regardless of order and repetition.
pub fn is_one_set(one: &[Json], other: &[Json]) -> bool {
    let (mine, theirs) = (Known::new(one.iter()), Known::new(other.iter()));
    one.iter().all(|value| theirs.holds(value)) && other.iter().all(|value| mine.holds(value))
}

/// Values to look others up in.
pub enum Known<'a> {
    /// Few values, compared one by one.
    Few(Vec<&'a Json>),
    /// Many values, by their canonical texts.
    Many(HashSet<String>),
}

impl<'a> Known<'a> {
    /// Prepares these values for lookups.
    pub fn new(values: impl ExactSizeIterator<Item = &'a Json>) -> Known<'a> {
        if values.len() > FEW { Known::Many(values.map(canonical).collect()) } else { Known::Few(values.collect()) }
    }

    /// Whether one of them equals another value.
    pub fn holds(&self, value: &Json) -> bool {
        match self {
            Known::Few(known) => known.iter().any(|known| same_value(known, value)),
            Known::Many(known) => known.contains(&canonical(value)),
        }
    }
}

/// A text that is identical exactly for equal values.
fn canonical(value: &Json) -> String {
    match value {
        // Adding 0.0 turns -0.0 into 0.0.
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
    fn many_values_are_compared_like_few() {
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
    fn the_order_of_many_values_is_ignored() {
        let one: Vec<Json> = (0..20_000).map(Json::from).collect();
        let other: Vec<Json> = (0..20_000).rev().map(|number| Json::from(f64::from(number))).collect();
        assert!(is_one_set(&one, &other));
        assert!(!is_one_set(&one, &other[1..]) && !is_one_set(&one[1..], &other));
    }
}
