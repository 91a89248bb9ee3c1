//! Percent-encoding of texts in URLs.

/// A text, percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The same, but the characters that separate the parts of a URL stay as they are. `&` and `#` would end the value.
pub(super) fn encoded_reserved(text: &str) -> String {
    let reserved = |letter: char| ":/?[]@!$'()*+,;=".contains(letter);
    text.chars()
        .map(|letter| if reserved(letter) { letter.to_string() } else { encoded(&letter.to_string()) })
        .collect()
}

/// A percent-encoded text, decoded; `None` if it is malformed.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_escapes_are_not_decoded() {
        assert_eq!(decoded("a%2Fb%20c").as_deref(), Some("a/b c"));
        for text in ["%", "%2", "%zz", "%ff", "%C0%AF"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
