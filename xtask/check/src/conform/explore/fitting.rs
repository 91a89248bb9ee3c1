//! Values that fit schemas, encoded for a URL. If a schema is too complex, they fit only partly.

use openapi_model::document::Document;
use openapi_model::schema::{Bound, Types};
use openapi_model::shape::{AllOf, Shape};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest::string::string_regex;
use serde_json::Value as Json;

use super::super::percent::encoded;

/// Alternatives and items nested more deeply are ignored.
const MAX_DEPTH: usize = 4;
/// If one bound is missing, decimals stay within this distance of the other.
const WIDTH: f64 = 1_000_000.0;
/// The number of steps into which a range of decimals is divided.
const STEPS: u32 = 10_000;

/// A value that fits a shape.
pub(super) fn fitting(document: &Document, shape: &Shape) -> BoxedStrategy<String> {
    at_depth(document, shape, 0)
}

fn at_depth(document: &Document, shape: &Shape, depth: usize) -> BoxedStrategy<String> {
    if let Some(values) = &shape.enumeration {
        let values: Vec<String> = values.iter().filter_map(|value| text(value)).collect();
        return if values.is_empty() { Just(String::new()).boxed() } else { select(values).boxed() };
    }
    let inner = |schema: &AllOf| at_depth(document, &document.shape(schema), depth + 1);
    if let Some(alternatives) = shape.alternatives.first().filter(|_| depth < MAX_DEPTH) {
        return Union::new(alternatives.members.iter().map(inner)).boxed();
    }
    let mut kinds = Vec::new();
    if shape.types.meets(Types::STRING) {
        kinds.push(texts(shape));
    }
    if shape.types.holds(Types::NUMBER) {
        kinds.push(decimals(shape));
    } else if shape.types.meets(Types::INTEGER) {
        kinds.push(integers(shape));
    }
    if shape.types.meets(Types::BOOLEAN) {
        kinds.push(any::<bool>().prop_map(|flag| flag.to_string()).boxed());
    }
    // A single item is a valid array in every serialisation.
    if let Some(items) = shape.prefix_items.first().or(shape.items.as_ref()).filter(|_| depth < MAX_DEPTH) {
        kinds.push(inner(items));
    }
    if kinds.is_empty() { texts(shape) } else { first_of(shape, kinds) }
}

/// One of these strategies; if no type is given, any text fits.
fn first_of(shape: &Shape, mut kinds: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    if kinds.len() == 1 || shape.types_span.is_none() && shape.types.holds(Types::STRING) {
        return kinds.swap_remove(0);
    }
    Union::new(kinds).boxed()
}

/// A JSON value, percent-encoded.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(encoded(text)),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn texts(shape: &Shape) -> BoxedStrategy<String> {
    let length = |count: &Option<openapi_model::span::Spanned<u64>>| {
        count.as_ref().and_then(|count| usize::try_from(count.value).ok())
    };
    match shape.format.as_ref().map(|format| format.as_str()) {
        Some("uuid") => return any::<u128>().prop_map(uuid).boxed(),
        Some("date") => return date().boxed(),
        Some("date-time") => {
            let times = (date(), 0..24_u8, 0..60_u8, 0..60_u8);
            let shown = |(date, hour, minute, second)| format!("{date}T{hour:02}%3A{minute:02}%3A{second:02}Z");
            return times.prop_map(shown).boxed();
        }
        _ => {}
    }
    if let Some(made) = shape.patterns.first().and_then(|pattern| of_pattern(pattern)) {
        return made;
    }
    let least = length(&shape.min_length).unwrap_or(0).min(1000);
    let most = length(&shape.max_length).unwrap_or(least + 20).clamp(least, least + 1000);
    prop::collection::vec(any::<char>(), least..=most)
        .prop_map(|letters| encoded(&letters.into_iter().collect::<String>()))
        .boxed()
}

fn date() -> impl Strategy<Value = String> {
    (1970..2100_u16, 1..=12_u8, 1..=28_u8).prop_map(|(year, month, day)| format!("{year}-{month:02}-{day:02}"))
}

/// Texts that match a pattern, if the generator supports it.
fn of_pattern(pattern: &str) -> Option<BoxedStrategy<String>> {
    // In JSON Schema these match only ASCII.
    let pattern = pattern.replace("\\d", "[0-9]").replace("\\w", "[A-Za-z0-9_]");
    let pattern = pattern.strip_prefix('^').unwrap_or(&pattern);
    let pattern = pattern.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(pattern);
    Some(string_regex(pattern).ok()?.prop_map(|text| encoded(&text)).boxed())
}

fn integers(shape: &Shape) -> BoxedStrategy<String> {
    let (least, most) = whole_numbers(shape);
    let step = step(shape);
    // The multiples in the range, counted from zero.
    let first = least.div_euclid(step) + i64::from(least.rem_euclid(step) != 0);
    let last = most.div_euclid(step);
    (first..=last.max(first)).prop_map(move |count| count.saturating_mul(step).to_string()).boxed()
}

/// The range of integers.
fn whole_numbers(shape: &Shape) -> (i64, i64) {
    let is_32 = shape.format.as_ref().is_some_and(|format| format.as_str() == "int32");
    let (least, most) = if is_32 { (i64::from(i32::MIN), i64::from(i32::MAX)) } else { (i64::MIN, i64::MAX) };
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

fn decimals(shape: &Shape) -> BoxedStrategy<String> {
    let number = |bound: &Option<Bound>| bound.as_ref().and_then(|bound| bound.value.as_f64());
    let (least, most) = match (number(&shape.minimum), number(&shape.maximum)) {
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
                    format!("{:.digits$}", (first + index) * step)
                })
                .boxed()
        }
        // Never a bound itself, because it may be exclusive.
        _ => (1..STEPS)
            .prop_map(move |index| (least + (most - least) * f64::from(index) / f64::from(STEPS)).to_string())
            .boxed(),
    }
}

/// A UUID in hyphenated form.
pub(super) fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::super::super::percent::decoded;
    use super::super::parameters::tests::{document, fits_schema};
    use super::*;

    #[test]
    fn generated_values_fit_their_schemas() {
        let mut runner = TestRunner::deterministic();
        for schema in [
            "{type: string, format: uuid}",
            "{type: string, minLength: 3, maxLength: 5}",
            "{type: string, pattern: '^[A-Z]{2}-\\d+$'}",
            "{type: string, enum: [a b, c/d]}",
            "{type: integer, enum: [3, 5]}",
            "{type: integer, format: int32}",
            "{type: integer, minimum: 0, exclusiveMinimum: true, maximum: 3, exclusiveMaximum: true}",
            "{type: integer, minimum: 7, maximum: 50, multipleOf: 5}",
            "{type: integer, minimum: -9, maximum: -1, multipleOf: 4}",
            "{type: integer, minimum: 1.5, maximum: 2.5}",
            "{allOf: [{type: integer, multipleOf: 4}, {multipleOf: 6, minimum: 1, maximum: 100}]}",
            "{type: number, minimum: 0, exclusiveMinimum: true, maximum: 1}",
            "{type: number, multipleOf: 0.25, minimum: 0, exclusiveMinimum: true, maximum: 1}",
            "{type: boolean}",
            "{oneOf: [{type: integer, minimum: 1}, {type: boolean}]}",
            "{$ref: '#/components/schemas/B'}",
        ] {
            let (document, id) = document(schema);
            let strategy = fitting(&document, &document.shape_of(id));
            for _ in 0..200 {
                let value = strategy.new_tree(&mut runner).unwrap().current();
                let fits = fits_schema(&document, id, &decoded(&value).unwrap());
                assert!(fits != Some(false), "{schema}: {value}");
            }
        }
    }

    #[test]
    fn values_are_generated_for_any_schema() {
        let mut runner = TestRunner::deterministic();
        for schema in [
            "{}",
            "{type: object}",
            "{type: array, items: {$ref: '#/components/schemas/A'}}",
            "{oneOf: [{$ref: '#/components/schemas/A'}, {type: array, items: {$ref: '#/components/schemas/A'}}]}",
            "{type: integer, minimum: 5, maximum: 1}",
            "{type: integer, minimum: 9223372036854775807, exclusiveMinimum: true}",
            "{type: integer, multipleOf: 9223372036854775807}",
            "{type: number, minimum: 1e308, maximum: -1e308, multipleOf: 0.000001}",
            "{type: number, multipleOf: 1e-300}",
            "{type: string, minLength: 18446744073709551615, maxLength: 1}",
            "{type: string, pattern: '(?=a)b['}",
            "{type: string, enum: []}",
            "{allOf: [{type: string}, {type: integer}]}",
            "{not: {}}",
        ] {
            let (document, id) = document(schema);
            let strategy = fitting(&document, &document.shape_of(id));
            for _ in 0..20 {
                strategy.new_tree(&mut runner).unwrap().current();
            }
        }
    }
}
