//! Characters of a contract that the compiler refuses in comments.

/// Without the characters that the compiler refuses in comments: carriage returns, and those that change the direction of a
/// text so that code is not what it looks like. In literals they are escaped anyway.
pub fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\r' => harmless.push(' '),
            letter if changes_direction(letter) => harmless.extend(letter.escape_unicode()),
            letter => harmless.push(letter),
        }
    }
    harmless
}

/// Whether a character changes the direction of the text after it.
pub fn changes_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_compiler_refuses_is_replaced() {
        assert_eq!(harmless("/// a\rb \u{202e}c\nd"), "/// a b \\u{202e}c\nd");
    }
}
