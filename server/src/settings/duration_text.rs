//! A duration as it is written in a configuration.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

/// A duration such as `"10s"` with its place in the file.
pub type DurationText = Spanned<Written>;

/// The value of a setting that is a duration. A number is read too, so that it can be refused with what to write instead.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a duration is a text in quotes, such as \"10s\"")]
pub enum Written {
    /// A text, which should have a unit.
    Text(String),
    /// A whole number, whose unit is missing.
    Number(i64),
    /// A number, whose unit is missing.
    Fraction(f64),
}

/// Which durations a setting can have.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The shortest, and how it is written.
    pub shortest: (Duration, &'static str),
    /// The longest, and how it is written.
    pub longest: (Duration, &'static str),
    /// Whether `"forever"` may be written for the longest. Such a setting is a matter of days, others are one of seconds.
    pub or_forever: bool,
}

impl Limits {
    /// From 10 milliseconds to a week.
    pub const USUAL: Limits = Limits {
        shortest: (Duration::from_millis(10), "10ms"),
        longest: (Duration::from_secs(7 * 24 * 3600), "7d"),
        or_forever: false,
    };

    /// A number without a unit is probably one of these.
    fn unit(&self) -> (char, &'static str) {
        if self.or_forever { ('d', "days") } else { ('s', "seconds") }
    }
}

/// What to write.
impl fmt::Display for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((_, shortest), (_, longest)) = (self.shortest, self.longest);
        if self.or_forever {
            write!(formatter, "write a duration of at least \"{shortest}\", such as \"90d\", or \"forever\"")
        } else {
            write!(formatter, "write a duration from \"{shortest}\" to \"{longest}\"")
        }
    }
}

impl Written {
    /// The duration, if a setting with these limits can have it; otherwise what is wrong and what to write.
    pub fn within(&self, limits: &Limits) -> Result<Duration, String> {
        let text = match self {
            Written::Text(text) => text.trim(),
            Written::Number(number) if *number >= 0 => return Err(without_unit(number, limits)),
            Written::Number(_) | Written::Fraction(_) => {
                return Err(format!("a duration is a text in quotes, such as \"10s\"; {limits}"));
            }
        };
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits && text.bytes().any(|byte| byte != b'0') {
            return Err(without_unit(&text, limits));
        }
        if limits.or_forever && text.eq_ignore_ascii_case("forever") {
            return Ok(limits.longest.0);
        }
        match humantime::parse_duration(text) {
            Ok(duration) if duration < limits.shortest.0 => Err(format!("this is too short; {limits}")),
            Ok(duration) if duration > limits.longest.0 => Err(format!("this is too long; {limits}")),
            Ok(duration) => Ok(duration),
            Err(_) if text.starts_with('-') => Err(format!("a duration cannot be negative; {limits}")),
            Err(_) => Err(format!("this is not a duration; {limits}")),
        }
    }
}

fn without_unit(number: &impl fmt::Display, limits: &Limits) -> String {
    let (unit, units) = limits.unit();
    format!("a duration needs a unit; write \"{number}{unit}\" for {number} {units}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Written {
        Written::Text(text.into())
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_what_is_possible() {
        for (written, expected) in [
            (Written::Number(10), "a duration needs a unit; write \"10s\" for 10 seconds"),
            (text("10"), "a duration needs a unit; write \"10s\" for 10 seconds"),
            (Written::Number(-1), "a duration is a text in quotes, such as \"10s\"; write a duration from"),
            (Written::Fraction(1.5), "a duration is a text in quotes, such as \"10s\"; write a duration from"),
            (text("0"), "this is too short; write a duration from \"10ms\" to \"7d\""),
            (text("0s"), "this is too short; write a duration from \"10ms\" to \"7d\""),
            (text("9ms"), "this is too short; write a duration from \"10ms\" to \"7d\""),
            (text("8d"), "this is too long; write a duration from \"10ms\" to \"7d\""),
            (text("-5m"), "a duration cannot be negative; write a duration from \"10ms\" to \"7d\""),
            (text("forever"), "this is not a duration; write a duration from \"10ms\" to \"7d\""),
            (text("5 parsecs"), "this is not a duration; write a duration from \"10ms\" to \"7d\""),
            (text(""), "this is not a duration; write a duration from \"10ms\" to \"7d\""),
        ] {
            let message = written.within(&Limits::USUAL).unwrap_err();
            assert!(message.starts_with(expected), "{written:?}: {message}");
        }
        assert_eq!(text("10 seconds").within(&Limits::USUAL), Ok(Duration::from_secs(10)));
        let or_zero = Limits { shortest: (Duration::ZERO, "0s"), ..Limits::USUAL };
        for zero in ["0", "0s"] {
            assert_eq!(text(zero).within(&or_zero), Ok(Duration::ZERO));
        }
    }

    #[test]
    fn what_has_no_end_is_written_as_forever() {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let limits = Limits { shortest: (DAY, "1d"), longest: (100 * DAY, "100d"), or_forever: true };
        assert_eq!(text("forever").within(&limits), Ok(100 * DAY));
        assert_eq!(text("30").within(&limits).unwrap_err(), "a duration needs a unit; write \"30d\" for 30 days");
        for wrong in ["never", "0", "-1d", "12h"] {
            let message = text(wrong).within(&limits).unwrap_err();
            assert!(
                message.ends_with("; write a duration of at least \"1d\", such as \"90d\", or \"forever\""),
                "{message}"
            );
        }
    }
}
