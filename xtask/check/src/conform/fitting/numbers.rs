//! Numbers that fit bounds and multiples.

use openapi_model::schema::Bound;
use openapi_model::shape::Shape;
use proptest::prelude::*;
use serde_json::{Number, Value as Json};

/// If one bound is missing, decimals stay within this distance of the other.
const WIDTH: f64 = 1_000_000.0;
/// The number of steps into which a range of decimals is divided.
const STEPS: u32 = 10_000;

/// Integers that fit a shape.
pub(super) fn integers(shape: &Shape) -> BoxedStrategy<Json> {
    let (least, most) = whole_numbers(shape);
    let step = step(shape);
    // The multiples in the range, counted from zero.
    let first = least.div_euclid(step) + i64::from(least.rem_euclid(step) != 0);
    let last = most.div_euclid(step);
    (first..=last.max(first)).prop_map(move |count| Json::from(count.saturating_mul(step))).boxed()
}

/// The range of integers.
fn whole_numbers(shape: &Shape) -> (i64, i64) {
    let (least, most) = match shape.format.as_ref().map(|format| format.as_str()) {
        Some("int8") => (i64::from(i8::MIN), i64::from(i8::MAX)),
        Some("int16") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some("uint" | "uint64") => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    };
    let whole = |bound: &Bound, up: bool| {
        let number = bound.value.as_i64().or_else(|| {
            let number = bound.value.as_f64()?;
            let rounded = if up { number.ceil() } else { number.floor() };
            rounded.to_string().parse().ok()
        })?;
        let is_itself = bound.exclusive && bound.value.as_f64().is_some_and(|number| number.fract() == 0.0);
        match (is_itself, up) {
            (true, true) => number.checked_add(1),
            (true, false) => number.checked_sub(1),
            (false, _) => Some(number),
        }
    };
    let least = shape.minimum.as_ref().and_then(|bound| whole(bound, true)).unwrap_or(least).max(least);
    let most = shape.maximum.as_ref().and_then(|bound| whole(bound, false)).unwrap_or(most).min(most);
    (least, most.max(least))
}

/// The step of integers: the least common multiple of all `multipleOf`.
fn step(shape: &Shape) -> i64 {
    let divisor = |one: i64, other: i64| {
        let (mut one, mut other) = (one, other);
        while other != 0 {
            (one, other) = (other, one % other);
        }
        one
    };
    let multiples = shape.multiples_of.iter().filter_map(|multiple| multiple.as_i64().filter(|multiple| *multiple > 0));
    multiples.fold(1, |step, multiple| (step / divisor(step, multiple)).checked_mul(multiple).unwrap_or(step))
}

/// Decimals that fit a shape.
pub(super) fn decimals(shape: &Shape) -> BoxedStrategy<Json> {
    let limit = |bound: &Option<Bound>| bound.as_ref().and_then(|bound| bound.value.as_f64());
    let (least, most) = match (limit(&shape.minimum), limit(&shape.maximum)) {
        (Some(least), Some(most)) => (least, most.max(least)),
        (Some(least), None) => (least, least + WIDTH),
        (None, Some(most)) => (most - WIDTH, most),
        (None, None) => (-WIDTH, WIDTH),
    };
    match shape.multiples_of.first().map(|multiple| (multiple.to_string(), multiple.as_f64())) {
        Some((written, Some(step))) if step > 0.0 => {
            let digits = written.split_once('.').map_or(0, |(_, digits)| digits.len());
            let exclusive = |bound: &Option<Bound>| bound.as_ref().is_some_and(|bound| bound.exclusive);
            let is_inside = |count: f64| {
                let number = count * step;
                (number > least || number == least && !exclusive(&shape.minimum))
                    && (number < most || number == most && !exclusive(&shape.maximum))
            };
            let first = (least / step).ceil();
            let first = if is_inside(first) { first } else { first + 1.0 };
            let count = ((most - first * step) / step).clamp(0.0, f64::from(STEPS));
            (0..=STEPS)
                .prop_map(move |index| {
                    let index = f64::from(index).min(count.floor());
                    number(&format!("{:.digits$}", (first + index) * step))
                })
                .boxed()
        }
        // Never a bound itself, because it may be exclusive.
        _ => {
            let is_single = shape.format.as_ref().is_some_and(|format| format.value == "float");
            let between = move |index| least + (most - least) * f64::from(index) / f64::from(STEPS);
            let shown = move |value: f64| if is_single { (value as f32).to_string() } else { value.to_string() };
            (1..STEPS).prop_map(move |index| number(&shown(between(index)))).boxed()
        }
    }
}

/// A number as it is written: as a decimal it could get more digits.
fn number(text: &str) -> Json {
    text.parse::<Number>().map_or(Json::Null, Json::Number)
}
