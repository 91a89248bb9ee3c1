//! Removes everything that is not Markdown from a page without moving any byte: Liquid (`{% … %}`, `{{ … }}`) and
//! kramdown's attribute lists (`{: … }`) become blanks, or commas where blanks would have a meaning.

/// The text with everything that is not Markdown replaced by blanks.
pub fn mask(text: &str) -> String {
    let mut masked = text.as_bytes().to_vec();
    let mut at = 0;
    let mut absent = std::collections::HashSet::new();
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
        // A closing mark that is missing after one place is missing after later ones too, so a page full of openings is
        // searched only once.
        let Some(length) = Some(close).filter(|close| !absent.contains(close)).and_then(|close| rest[2..].find(close))
        else {
            absent.insert(close);
            at = start + 2;
            continue;
        };
        let end = start + 2 + length + close.len();
        // Blanks at the start of a non-empty line would turn it into a code block.
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let goes_on = text[end..].lines().next().is_some_and(|rest| !rest.trim().is_empty());
        let is_mark = |letter: char| letter.is_whitespace() || "-*+>.)".contains(letter) || letter.is_ascii_digit();
        let filler = if text[line_start..start].chars().all(is_mark) && goes_on { b',' } else { b' ' };
        for byte in &mut masked[start..end] {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = filler;
            }
        }
        at = end;
    }
    // Only whole characters were replaced, each byte by a blank.
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
        assert_eq!(mask("{% a %} b"), ",,,,,,, b");
    }
}
