//! A duration as it is written in a configuration.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

/// The shortest and the longest duration that a setting can have, zero aside.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

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

impl Written {
    /// The duration, zero included; the message says what to write.
    pub fn read(&self) -> Result<Duration, String> {
        let text = match self {
            Written::Text(text) => text.trim(),
            Written::Number(number) if *number >= 0 => {
                return Err(format!("a duration needs a unit; write \"{number}s\" for {number} seconds"));
            }
            Written::Number(_) | Written::Fraction(_) => {
                return Err("a duration is a text in quotes, such as \"10s\", \"500ms\" or \"2m\"".into());
            }
        };
        if !text.is_empty() && text != "0" && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("a duration needs a unit; write \"{text}s\" for {text} seconds"));
        }
        let parsed = humantime::parse_duration(text);
        parsed.map_err(|error| {
            format!("this is not a duration ({error}); write one such as \"30s\", \"500ms\" or \"2m\"")
        })
    }

    /// The duration, which must be from 10 milliseconds to a week.
    pub fn read_positive(&self) -> Result<Duration, String> {
        match self.read()? {
            duration if duration < SHORTEST => Err("this is too short; the shortest possible is \"10ms\"".into()),
            duration if duration > LONGEST => Err("this is too long; the longest possible is \"7d\"".into()),
            duration => Ok(duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_duration_is_refused_with_what_to_write() {
        for (written, expected) in [
            (Written::Number(10), "a duration needs a unit; write \"10s\" for 10 seconds"),
            (Written::Text("10".into()), "a duration needs a unit; write \"10s\" for 10 seconds"),
            (Written::Number(-1), "a duration is a text in quotes, such as \"10s\", \"500ms\" or \"2m\""),
            (Written::Fraction(1.5), "a duration is a text in quotes, such as \"10s\", \"500ms\" or \"2m\""),
            (Written::Text("0s".into()), "this is too short; the shortest possible is \"10ms\""),
            (Written::Text("9ms".into()), "this is too short; the shortest possible is \"10ms\""),
            (Written::Text("8d".into()), "this is too long; the longest possible is \"7d\""),
        ] {
            assert_eq!(written.read_positive(), Err(expected.to_owned()));
        }
        for wrong in ["", "soon", "10 parsecs", "-5s"] {
            let error = Written::Text(wrong.into()).read_positive().unwrap_err();
            assert!(error.starts_with("this is not a duration (") && error.contains("\"30s\""), "{error}");
        }
        assert_eq!(Written::Text("10 seconds".into()).read_positive(), Ok(Duration::from_secs(10)));
        assert_eq!(Written::Text("0s".into()).read(), Ok(Duration::ZERO));
    }
}
