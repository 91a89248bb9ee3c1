//! Bounds of numbers: 3.0 has a number and a flag, 3.1 has two numbers.

use serde_json::Number;

use crate::schema::Bound;
use crate::span::Spanned;

/// The lower and upper bounds of a schema, in the notations of both versions.
#[derive(Default)]
pub struct Bounds {
    pub minimum: Option<Spanned<Number>>,
    pub maximum: Option<Spanned<Number>>,
    pub lower_is_exclusive: bool,
    pub upper_is_exclusive: bool,
    pub exclusive_minimum: Option<Spanned<Number>>,
    pub exclusive_maximum: Option<Spanned<Number>>,
}

impl Bounds {
    pub fn lower(&mut self) -> Option<Bound> {
        let plain = self.minimum.take().map(|value| Bound { value, exclusive: self.lower_is_exclusive });
        let exclusive = self.exclusive_minimum.take().map(|value| Bound { value, exclusive: true });
        stricter(plain, exclusive, |exclusive, plain| exclusive >= plain)
    }

    pub fn upper(&mut self) -> Option<Bound> {
        let plain = self.maximum.take().map(|value| Bound { value, exclusive: self.upper_is_exclusive });
        let exclusive = self.exclusive_maximum.take().map(|value| Bound { value, exclusive: true });
        stricter(plain, exclusive, |exclusive, plain| exclusive <= plain)
    }
}

fn stricter(plain: Option<Bound>, exclusive: Option<Bound>, is_stricter: fn(f64, f64) -> bool) -> Option<Bound> {
    match (plain, exclusive) {
        (Some(plain), Some(exclusive)) => {
            let number = |bound: &Bound| bound.value.value.as_f64().unwrap_or_default();
            Some(if is_stricter(number(&exclusive), number(&plain)) { exclusive } else { plain })
        }
        (plain, exclusive) => plain.or(exclusive),
    }
}
