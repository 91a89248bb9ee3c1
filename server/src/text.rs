//! Text for people and programs: numbers, times, words of a shell, and text from elsewhere that goes to a terminal.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with its noun, in the plural unless there is one: `1 row`, `2,000 rows`.
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A time as the API has it: in UTC, with six digits after the point.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Text as one word of a shell command that can be pasted.
pub fn shell_word(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "._-/:@%+,".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The same for a path, which must not be taken for an option.
pub fn shell_path(path: &Path) -> String {
    let text = path.display().to_string();
    shell_word(&if text.starts_with('-') { format!("./{text}") } else { text })
}

/// Text without characters that could control a terminal: control characters but line breaks and tabs, and those that change
/// the direction of what follows.
pub fn printable(text: &str) -> String {
    let controls = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\t'))
            || matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|character| if controls(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// The same in one line.
pub fn printable_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2_000].map(|rows| counted(rows, "row")), ["0 rows", "1 row", "2,000 rows"]);
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let words = ["Users", "Users of ours", "It's", "", "$(id)", "a`id`"].map(shell_word);
        assert_eq!(words, ["Users", "'Users of ours'", r"'It'\''s'", "''", "'$(id)'", "'a`id`'"]);
        assert_eq!(
            ["a/b.toml", "-x.toml", "a b/x"].map(|path| shell_path(Path::new(path))),
            ["a/b.toml", "./-x.toml", "'a b/x'"]
        );
    }

    #[test]
    fn nothing_that_is_printed_controls_a_terminal() {
        assert_eq!(printable("a\u{1b}]0;x\u{7}\u{9b}b\u{202e}c\nd"), "a\u{fffd}]0;x\u{fffd}\u{fffd}b\u{fffd}c\nd");
        assert_eq!(printable_line("a\nb\tc"), "a b c");
    }
}
