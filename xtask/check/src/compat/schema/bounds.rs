//! Compares bounds: of numbers, of lengths and sizes, and patterns.

use openapi_model::schema::{Bound, Types};
use openapi_model::shape::Shape;
use openapi_model::span::Spanned;

use super::values::types_span;
use super::{ChangeKind, Level};

impl Level<'_, '_> {
    pub(super) fn numbers(&mut self, then: &Shape, now: &Shape, types: Types) {
        let whole = !types.holds(Types::NUMBER);
        for (is_upper, before, after) in [(false, &then.minimum, &now.minimum), (true, &then.maximum, &now.maximum)] {
            // A limit that the format of both implies is not a change.
            let limit = if whole { limit_of_both(then, now, is_upper) } else { None };
            let says = |at: &(f64, i8)| limit.is_none_or(|limit| if is_upper { at.0 < limit } else { at.0 > limit });
            let order =
                |bound: &Option<Bound>| bound.as_ref().map(|bound| position(bound, is_upper, whole)).filter(says);
            let wider = match (order(before), order(after)) {
                (before, after) if before == after => continue,
                (Some(_), None) => true,
                (None, _) => false,
                (Some(before), Some(after)) => (after > before) == is_upper,
            };
            let key = if is_upper { "maximum" } else { "minimum" };
            let shown = |bound: &Option<Bound>| match bound {
                None => "none".to_owned(),
                Some(bound) if bound.exclusive => format!("{} (exclusive)", bound.value.value),
                Some(bound) => bound.value.value.to_string(),
            };
            let text = match (before, after) {
                (Some(_), None) => format!("no longer has a `{key}` (it was {})", shown(before)),
                (None, Some(_)) => format!("has a `{key}` of {} now, and had none", shown(after)),
                _ => format!("has a `{key}` of {} now, not {}", shown(after), shown(before)),
            };
            let span = |bound: &Option<Bound>, shape: &Shape| {
                bound.as_ref().map_or_else(|| types_span(shape), |bound| bound.value.span)
            };
            self.change(ChangeKind::Bounds, wider, span(before, then), span(after, now), text);
        }
        self.multiples(then, now, whole);
    }

    fn multiples(&mut self, then: &Shape, now: &Shape, whole: bool) {
        let numbers = |shape: &Shape| -> Vec<f64> {
            let numbers = shape.multiples_of.iter().filter_map(|number| number.as_f64());
            // Every integer is a multiple of one, and of a half.
            numbers.filter(|number| !(whole && is_multiple(1.0, *number))).collect()
        };
        let (before, after) = (numbers(then), numbers(now));
        let holds = |some: &[f64], number: f64| some.iter().any(|known| is_multiple(*known, number));
        let narrower = after.iter().any(|number| !holds(&before, *number));
        let wider = before.iter().any(|number| !holds(&after, *number));
        if wider || narrower {
            let shown = |shape: &Shape| {
                let numbers: Vec<String> = shape.multiples_of.iter().map(|number| number.value.to_string()).collect();
                if numbers.is_empty() { "anything".to_owned() } else { numbers.join(" and ") }
            };
            let text = format!("is a multiple of {} now, not of {}", shown(now), shown(then));
            let span =
                |shape: &Shape| shape.multiples_of.first().map_or_else(|| types_span(shape), |number| number.span);
            self.both(ChangeKind::Bounds, wider, narrower, span(then), span(now), text);
        }
    }

    pub(super) fn patterns(&mut self, then: &Shape, now: &Shape) {
        let has = |some: &[Spanned<String>], text: &str| some.iter().any(|known| known.value == text);
        let wider = then.patterns.iter().any(|pattern| !has(&now.patterns, &pattern.value));
        let narrower = now.patterns.iter().any(|pattern| !has(&then.patterns, &pattern.value));
        if wider || narrower {
            let shown = |shape: &Shape| {
                let patterns: Vec<String> =
                    shape.patterns.iter().map(|pattern| format!("`{}`", pattern.value)).collect();
                if patterns.is_empty() { "none".to_owned() } else { patterns.join(" and ") }
            };
            let text = format!("has a different `pattern`: {} now, not {}", shown(now), shown(then));
            let span = |shape: &Shape| shape.patterns.first().map_or_else(|| types_span(shape), |pattern| pattern.span);
            self.both(ChangeKind::Bounds, wider, narrower, span(then), span(now), text);
        }
    }

    /// Compares a bound of a length or size; `grows` if a larger number permits more.
    pub(super) fn count(
        &mut self,
        key: &str,
        grows: bool,
        then: (&Shape, &Option<Spanned<u64>>),
        now: (&Shape, &Option<Spanned<u64>>),
    ) {
        // A minimum of zero is no restriction.
        let number =
            |count: &Option<Spanned<u64>>| count.as_ref().map(|count| count.value).filter(|count| grows || *count > 0);
        let (before, after) = (number(then.1), number(now.1));
        let wider = match (before, after) {
            (before, after) if before == after => return,
            (Some(_), None) => true,
            (None, _) => false,
            (Some(before), Some(after)) => (after > before) == grows,
        };
        let text = match (before, after) {
            (Some(before), Some(after)) => format!("has a `{key}` of {after} now, not {before}"),
            (Some(before), None) => format!("no longer has a `{key}` (it was {before})"),
            (None, after) => format!("has a `{key}` of {} now, and had none", after.unwrap_or_default()),
        };
        let span = |(shape, count): (&Shape, &Option<Spanned<u64>>)| {
            count.as_ref().map_or_else(|| types_span(shape), |count| count.span)
        };
        self.change(ChangeKind::Bounds, wider, span(then), span(now), text);
    }
}

/// The lowest or highest number of the format that both have.
fn limit_of_both(then: &Shape, now: &Shape, is_upper: bool) -> Option<f64> {
    let name = |shape: &Shape| shape.format.as_ref().map(|format| format.value.clone());
    let format = name(then).filter(|format| Some(format) == name(now).as_ref())?;
    let (is_signed, bits) = match format.strip_prefix("uint") {
        Some(bits) => (false, bits),
        None => (true, format.strip_prefix("int")?),
    };
    let bits: i32 = bits.parse().ok().filter(|bits| [8, 16, 32, 64].contains(bits))?;
    let half = 2f64.powi(bits - 1);
    Some(match (is_signed, is_upper) {
        (true, true) => half - 1.0,
        (true, false) => -half,
        (false, true) => half * 2.0 - 1.0,
        (false, false) => 0.0,
    })
}

/// The position of a bound, so that a greater upper bound and a lesser lower bound permit more.
fn position(bound: &Bound, is_upper: bool, whole: bool) -> (f64, i8) {
    let number = bound.value.as_f64().unwrap_or_default();
    let step = if is_upper { -1 } else { 1 };
    if !whole {
        return (number, if bound.exclusive { step } else { 0 });
    }
    let inside = if is_upper { number.floor() } else { number.ceil() };
    let is_outside = bound.exclusive && inside == number;
    (if is_outside { inside + f64::from(step) } else { inside }, 0)
}

fn is_multiple(number: f64, of: f64) -> bool {
    of != 0.0 && {
        let times = number / of;
        (times - times.round()).abs() < 1e-9
    }
}
