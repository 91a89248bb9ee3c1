//! The values of options on the command line.

use std::ops::RangeInclusive;

/// A parser of whole numbers in a range, whose error says the range.
pub fn whole_number(
    range: RangeInclusive<u32>,
) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("write a whole number from {} to {}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_wrong_is_answered_with_the_range() {
        let parse = whole_number(1..=1000);
        assert_eq!((parse("1"), parse("1000")), (Ok(1), Ok(1000)));
        for text in ["0", "1001", "-5", "abc", "1.5", "", "99999999999999999999"] {
            assert_eq!(parse(text), Err("write a whole number from 1 to 1000".to_owned()), "{text}");
        }
    }
}
