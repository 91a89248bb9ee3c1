//! Recognises placeholders.

use super::reader::has_ellipsis;

/// Words that name a type instead of showing a value.
const TYPES: [&str; 24] = [
    "string",
    "str",
    "text",
    "number",
    "integer",
    "int",
    "int32",
    "int64",
    "long",
    "float",
    "double",
    "decimal",
    "boolean",
    "bool",
    "object",
    "array",
    "list",
    "map",
    "date",
    "datetime",
    "date-time",
    "timestamp",
    "uuid",
    "any",
];

/// Whether a quoted string is a placeholder, possibly for a value that is not a string. The value of a name such as
/// `type` may really be the name of a type.
pub(super) fn is_placeholder(text: &str, name: Option<&str>) -> bool {
    let trimmed = text.trim();
    let names_types =
        || name.is_some_and(|name| ["type", "kind", "format"].iter().any(|word| name.to_lowercase().ends_with(word)));
    is_description(trimmed)
        || is_cut(trimmed)
        || is_template(trimmed)
        || is_mask(trimmed)
        || is_choice(trimmed)
        || (TYPES.contains(&trimmed.to_lowercase().as_str()) && !names_types())
}

/// Whether the name of a member is a placeholder. Names such as `$set` are real.
pub(super) fn is_name_placeholder(name: &str) -> bool {
    let is_operator = name.starts_with('$') && name.bytes().any(|byte| byte.is_ascii_lowercase());
    !is_operator && is_placeholder(name, Some("type"))
}

/// Whether a text begins like a description: `(required, string) the name`.
fn is_description(text: &str) -> bool {
    let Some((inner, _)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')) else { return false };
    let words = inner.to_lowercase();
    let mut words = words.split([',', ' ', '/', '|']).filter(|word| !word.is_empty());
    words
        .any(|word| ["required", "optional"].contains(&word) || TYPES.contains(&word.trim_end_matches(['s', '[', ']'])))
}

/// `...`, or a truncated token.
fn is_cut(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ') && has_ellipsis(text) && text.ends_with(['.', '…'])
}

/// `<id>`, `{{id}}`, `${ID}`, `$ID`, `{id}`, `__ID__`, `YOUR-ID`.
fn is_template(text: &str) -> bool {
    let inside = |open: &str, close: &str| {
        let inner = text.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map(|(inner, _)| inner);
        inner.filter(|inner| !inner.is_empty())
    };
    let is_name =
        |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ' '));
    let has_tags = text.contains("</") || text.contains("/>");
    if inside("{{", "}}").is_some()
        || inside("${", "}").is_some()
        || (!has_tags && inside("<", ">").is_some_and(is_name))
    {
        return true;
    }
    let whole = |open: char, close: char| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if whole('{', '}').is_some_and(|name| !name.is_empty() && is_name(name)) {
        return true;
    }
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if text.strip_prefix('$').is_some_and(|name| is_word(name) && !name.as_bytes()[0].is_ascii_digit()) {
        return true;
    }
    let is_words = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'-'))
    };
    let is_upper = |text: &str| is_words(text) && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_underlined = text.len() > 2 && text.starts_with('_') && text.ends_with('_') && is_upper(text);
    let has_underlined = || inside("__", "__").is_some_and(is_upper);
    is_underlined || has_underlined() || is_yours(text)
}

/// `YOUR-API-KEY`, `YOUR_ID`, `your-api-key-here`.
fn is_yours(text: &str) -> bool {
    let upper = text.to_uppercase();
    let at = upper.find("YOUR").filter(|at| *at == 0 || !upper.as_bytes()[at - 1].is_ascii_alphanumeric());
    let rest = at.and_then(|at| upper[at + 4..].chars().next());
    matches!(rest, Some('-' | '_')) || (rest == Some(' ') && text.contains("YOUR"))
}

/// `free | pro`, `a|b|c`.
fn is_choice(text: &str) -> bool {
    let parts: Vec<&str> = text.split('|').map(str::trim).collect();
    parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && !part.contains(' '))
}

/// `****`, `xxxx`.
fn is_mask(text: &str) -> bool {
    text.contains("***") || (text.len() > 1 && text.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_distinguished_from_real_values() {
        let placeholders = [
            "...",
            "…",
            "abc...",
            "ck_live_****",
            "<id>",
            "<your id>",
            "{{user.id}}",
            "https://x.org/{{id}}",
            "$ID",
            "${ID}",
            "{YOUR-APP}",
            "__CODE__",
            "_ID_",
            "YOUR-KEY",
            "YOUR_KEY",
            "your-api-key",
            "(required, string) the name",
            "string",
            "(array of strings) tags",
            "xxxx-xxxx",
            "Integer",
        ];
        for text in placeholders {
            assert!(is_placeholder(text, Some("name")), "{text}");
        }
        let values = [
            "",
            "a",
            "Hello ...",
            "John Doe",
            "EUR",
            "ACTIVE",
            "<p>Hello</p>",
            "<b>a</b>",
            "/users/{id}",
            "$5.00",
            "_a_",
            "yourself",
            "This is your message.",
            "(555) 123",
            "-",
            "a <b@c.org>",
            "-1",
            "stringent",
        ];
        for text in values {
            assert!(!is_placeholder(text, Some("name")), "{text}");
        }
        assert!(!is_placeholder("string", Some("dataType")));
        assert!(is_name_placeholder("<key>") && is_name_placeholder("$KEY"));
        assert!(!is_name_placeholder("$set") && !is_name_placeholder("string"));
    }
}
