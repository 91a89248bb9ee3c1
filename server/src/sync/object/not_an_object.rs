//! Why a payload is not a JSON object. Computed for refused rows only; no value of the payload is repeated.

/// Words that other languages write where JSON has its own, and what to write instead.
const WORDS: [(&str, &str); 6] = [
    ("NaN", "NaN is not JSON; write null, or leave the key out"),
    ("Infinity", "Infinity is not JSON; write null, or leave the key out"),
    ("undefined", "undefined is not JSON; write null, or leave the key out"),
    ("None", "None is not JSON; write null"),
    ("True", "True is not JSON; write true"),
    ("False", "False is not JSON; write false"),
];

/// Says what is wrong with a payload that could not be read as an object.
pub fn reason(payload: &str, error: &serde_json::Error) -> String {
    let text = payload.trim_ascii();
    if text.starts_with('\u{feff}') {
        return "PAYLOAD begins with a byte order mark (U+FEFF), which JSON must not have; remove it".into();
    }
    if error.is_data() {
        return format!("PAYLOAD is {}", other_value(text));
    }
    if is_sql_array(text) {
        return "PAYLOAD is not a JSON object but looks like an array of a database, such as {a,b}; use a column of type json or jsonb"
            .into();
    }
    match hint(payload, error) {
        Some(hint) => format!("PAYLOAD is not a JSON object: {error}; {hint}"),
        None => format!("PAYLOAD is not a JSON object: {error}"),
    }
}

/// Describes JSON that is not an object.
fn other_value(text: &str) -> &'static str {
    let is_object = |inside: String| inside.trim_ascii_start().starts_with('{');
    match text.as_bytes().first() {
        Some(b'"') if serde_json::from_str(text).is_ok_and(is_object) => {
            "a JSON string that contains an object, not a JSON object; it was probably encoded twice"
        }
        Some(b'"') => "a string, not a JSON object",
        Some(b'[') => "an array, not a JSON object",
        Some(b't' | b'f') => "true or false, not a JSON object",
        Some(b'n') => "the JSON value null, not a JSON object",
        _ => "a number, not a JSON object",
    }
}

/// Whether the text is an array in the form of a database: in braces like an object, but without names.
fn is_sql_array(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && !text.contains(':')
}

/// What to do, where the mistake is a common one.
fn hint(payload: &str, error: &serde_json::Error) -> Option<&'static str> {
    let line = payload.split('\n').nth(error.line().checked_sub(1)?)?;
    let rest = line.get(error.column().checked_sub(1)?..)?;
    if rest.starts_with('\'') || error.to_string().starts_with("key must be a string") {
        return Some("names and texts need double quotes");
    }
    WORDS.into_iter().find(|(word, _)| rest.starts_with(word)).map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use crate::sync::object::ObjectEncoder;
    use crate::sync::row::{Identifier, Row};
    use crate::types::IntegrationKind;

    #[test]
    fn common_mistakes_are_named() {
        let encoder =
            ObjectEncoder { kind: IntegrationKind::Attributes, update_existing_only: None, bare_deletes: false };
        for (payload, expected) in [
            (
                r#""{\"a\":1}""#,
                "PAYLOAD is a JSON string that contains an object, not a JSON object; it was probably encoded twice",
            ),
            (r#""text""#, "PAYLOAD is a string, not a JSON object"),
            ("[1]", "PAYLOAD is an array, not a JSON object"),
            ("-7", "PAYLOAD is a number, not a JSON object"),
            ("true", "PAYLOAD is true or false, not a JSON object"),
            ("null", "PAYLOAD is the JSON value null, not a JSON object"),
            (
                "\u{feff}{\"a\":1}",
                "PAYLOAD begins with a byte order mark (U+FEFF), which JSON must not have; remove it",
            ),
            (
                "{admin,\"beta tester\"}",
                "PAYLOAD is not a JSON object but looks like an array of a database, such as {a,b}; use a column of type json or jsonb",
            ),
            (
                "{\"a\":1,\n \"b\":NaN}",
                "PAYLOAD is not a JSON object: expected value at line 2 column 6; NaN is not JSON; write null, or leave the key out",
            ),
            (
                r#"{"a":-Infinity}"#,
                "PAYLOAD is not a JSON object: invalid number at line 1 column 7; Infinity is not JSON; write null, or leave the key out",
            ),
            (
                r#"{"é":True}"#,
                "PAYLOAD is not a JSON object: expected value at line 1 column 7; True is not JSON; write true",
            ),
            (
                "{'a':1}",
                "PAYLOAD is not a JSON object: key must be a string at line 1 column 2; names and texts need double quotes",
            ),
            (
                "{\"a\":'secret'}",
                "PAYLOAD is not a JSON object: expected value at line 1 column 6; names and texts need double quotes",
            ),
            ("{\"a\":1,}", "PAYLOAD is not a JSON object: trailing comma at line 1 column 8"),
            ("secret", "PAYLOAD is not a JSON object: expected value at line 1 column 1"),
        ] {
            let row = Row::unkeyed(0, Some(Identifier::ExternalId("u".into())), Some(payload.into()), None);
            assert_eq!(encoder.write(&row, &mut Vec::new()).unwrap_err(), expected, "{payload}");
        }
    }
}
