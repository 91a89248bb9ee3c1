//! Values of one of several types (`oneOf`, `anyOf`), and properties that may be absent or null.

use std::cell::Cell;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A type that a value may have: how it is read, the values of the discriminator that select it, and the properties without
/// which it need not be read.
pub type Alternative<T> = (fn(&Value) -> serde_json::Result<T>, &'static [&'static str], &'static [&'static str]);

/// Reads a value as the alternative that its discriminator names, or else as the first that keeps all of the value, or else as
/// the first that takes it.
///
/// # Errors
///
/// If no alternative takes the value.
pub fn one_of<'de, T: Serialize, D: Deserializer<'de>>(
    deserializer: D,
    discriminator: &str,
    alternatives: &[Alternative<T>],
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let effort = Effort::of(&value);
    let tag = value.get(discriminator).and_then(Value::as_str);
    let named = alternatives.iter().filter(|(_, tags, _)| tag.is_some_and(|tag| tags.contains(&tag)));
    let mut taken = None;
    for (read, _, required) in named.chain(alternatives) {
        if required.iter().any(|name| value.get(name).is_none()) {
            continue;
        }
        if !effort.suffices() {
            return Err(D::Error::custom("its alternatives are nested too deeply"));
        }
        let Ok(read) = read(&value) else { continue };
        if serde_json::to_value(&read).is_ok_and(|written| keeps(&value, &written)) {
            return Ok(read);
        }
        taken = taken.or(Some(read));
    }
    taken.ok_or_else(|| D::Error::custom("it fits none of its types"))
}

thread_local! {
    /// How many parts of values may still be read on this thread until the outermost alternatives are decided; none are being
    /// decided without a number.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What it takes to decide between alternatives. Alternatives within alternatives are read again for each of the outer ones, so
/// without a limit a small value that is nested deeply would take years.
struct Effort {
    size: usize,
    is_outermost: bool,
}

impl Effort {
    fn of(value: &Value) -> Effort {
        let size = size(value);
        let is_outermost = LEFT.get().is_none();
        if is_outermost {
            LEFT.set(Some(size.saturating_mul(100).saturating_add(200_000)));
        }
        Effort { size, is_outermost }
    }

    /// Whether the value may be read once more.
    fn suffices(&self) -> bool {
        let left = LEFT.get().unwrap_or_default().checked_sub(self.size);
        LEFT.set(Some(left.unwrap_or_default()));
        left.is_some()
    }
}

impl Drop for Effort {
    fn drop(&mut self) {
        if self.is_outermost {
            LEFT.set(None);
        }
    }
}

/// How many parts a value has.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(properties) => properties.values().map(size).sum::<usize>(),
        _ => 0,
    }
}

/// Reads a value as one type of several.
///
/// # Errors
///
/// If the value has another type.
pub fn read<T: DeserializeOwned>(value: &Value) -> serde_json::Result<T> {
    T::deserialize(value)
}

/// Whether a value that was read and written again still says the same: numbers and times may be written otherwise.
pub fn keeps(value: &Value, written: &Value) -> bool {
    let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
    match (value, written) {
        (Value::Object(one), Value::Object(other)) => {
            let is_kept = |(key, value): (&String, &Value)| other.get(key).is_some_and(|written| keeps(value, written));
            one.len() == other.len() && one.iter().all(is_kept)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| keeps(one, other))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(one), Value::String(other)) => {
            one == other || time(one).is_some_and(|one| time(other) == Some(one))
        }
        (one, other) => one == other,
    }
}

/// Reads a property that may be absent, null or a value: what is there becomes `Some`, null too.
///
/// # Errors
///
/// If the value has another type.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
