//! Takes what is not Markdown out of a page and leaves every byte where it is: Liquid (`{% … %}`, `{{ … }}`) and
//! kramdown's attribute lists (`{: … }`) become blanks.

/// The text with blanks in the place of what is not Markdown.
pub fn mask(text: &str) -> String {
    let mut masked = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let start = at + found;
        let rest = &text[start..];
        let close = if rest.starts_with("{%") {
            "%}"
        } else if rest.starts_with("{{") {
            "}}"
        } else if rest.starts_with("{:") {
            "}"
        } else {
            at = start + 1;
            continue;
        };
        let Some(length) = rest[2..].find(close) else {
            at = start + 2;
            continue;
        };
        let end = start + 2 + length + close.len();
        for byte in &mut masked[start..end] {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole characters were replaced, each of their bytes by a blank.
    String::from_utf8_lossy(&masked).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liquid_and_attribute_lists_become_blanks_of_the_same_length() {
        let text = "{% api %}\n| a |\n{: .x ü}\n`/things/{id}` {{ x }} {% open";
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(masked.trim_start(), "| a |\n         \n`/things/{id}`         {% open");
    }
}
