//! Writes values of parameters into paths, queries, headers and cookies, in the styles of OpenAPI.

use openapi_model::document;
use serde_json::Value as Json;

use super::percent::{encoded, encoded_reserved};

/// A value in a path, in place of `{name}`.
pub(super) fn in_path(parameter: &document::Parameter, value: &Json) -> String {
    let (name, explode) = (encoded(&parameter.name), *parameter.explode);
    let segment = |value: &Json| segment(&text(value));
    match (parameter.style.as_str(), value) {
        ("label", value) => format!(".{}", listed(value, explode, if explode { "." } else { "," }, &segment)),
        ("matrix", Json::Array(items)) if explode => {
            items.iter().map(|item| format!(";{name}={}", segment(item))).collect()
        }
        ("matrix", Json::Object(_)) if explode => format!(";{}", listed(value, true, ";", &segment)),
        ("matrix", value) => format!(";{name}={}", listed(value, false, ",", &segment)),
        (_, value) => listed(value, explode, ",", &segment),
    }
}

/// The names and values of a value in a query, encoded.
pub(super) fn in_query(parameter: &document::Parameter, value: &Json) -> Vec<(String, String)> {
    let part = |value: &Json| match parameter.allow_reserved {
        true => encoded_reserved(&text(value)),
        false => encoded(&text(value)),
    };
    // With `content`, the value is a document of its own.
    if !parameter.content.is_empty() {
        return vec![(encoded(&parameter.name), encoded(&value.to_string()))];
    }
    pairs(&parameter.name, &parameter.style, *parameter.explode, value, &part)
}

/// The names and values of a form field, encoded.
pub(super) fn in_form(name: &str, style: &str, explode: bool, value: &Json) -> Vec<(String, String)> {
    pairs(name, style, explode, value, &|value| encoded(&text(value)))
}

fn pairs(
    name: &str,
    style: &str,
    explode: bool,
    value: &Json,
    part: &dyn Fn(&Json) -> String,
) -> Vec<(String, String)> {
    let shown = encoded(name);
    match (style, value) {
        ("deepObject", Json::Object(_)) => deep(&shown, value, part),
        (_, Json::Array(items)) if explode => items.iter().map(|item| (shown.clone(), part(item))).collect(),
        (_, Json::Object(fields)) if explode => {
            fields.iter().map(|(name, value)| (encoded(name), part(value))).collect()
        }
        ("spaceDelimited", value) => vec![(shown, listed(value, false, "%20", &part))],
        ("pipeDelimited", value) => vec![(shown, listed(value, false, "%7C", &part))],
        (_, value) => vec![(shown, listed(value, false, ",", &part))],
    }
}

/// `name[field]=value`, for each field.
fn deep(name: &str, value: &Json, part: &dyn Fn(&Json) -> String) -> Vec<(String, String)> {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter();
            fields.flat_map(|(field, value)| deep(&format!("{name}%5B{}%5D", encoded(field)), value, part)).collect()
        }
        Json::Array(items) => items.iter().map(|item| (name.to_owned(), part(item))).collect(),
        value => vec![(name.to_owned(), part(value))],
    }
}

/// A value in a header; `None` if it has characters that a header cannot hold.
pub(super) fn in_header(parameter: &document::Parameter, value: &Json) -> Option<String> {
    let text = match parameter.content.is_empty() {
        true => listed(value, *parameter.explode, ",", &text),
        false => value.to_string(),
    };
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then_some(text)
}

/// The names and values of cookies, encoded.
pub(super) fn in_cookies(parameter: &document::Parameter, value: &Json) -> Vec<(String, String)> {
    in_form(&parameter.name, "form", *parameter.explode, value)
}

/// The parts of a value with a separator between them.
fn listed(value: &Json, explode: bool, separator: &str, part: &dyn Fn(&Json) -> String) -> String {
    let parts: Vec<String> = match value {
        Json::Array(items) => items.iter().map(part).collect(),
        Json::Object(fields) => {
            let between = if explode { "=" } else { separator };
            fields.iter().map(|(name, value)| format!("{}{between}{}", encoded(name), part(value))).collect()
        }
        value => vec![part(value)],
    };
    parts.join(separator)
}

/// A value as a text; a nested one as JSON.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// A text as one path segment, whatever characters it contains.
pub(super) fn segment(value: &str) -> String {
    match value {
        "." | ".." => value.replace('.', "%2E"),
        _ => encoded(value),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use openapi_model::document::Parameter;
    use openapi_model::source::Source;
    use serde_json::json;

    use super::*;

    fn parameter(text: &str) -> Parameter {
        let text = format!(
            "openapi: 3.0.3\ninfo: {{title: T, version: '1'}}\npaths:\n  /a:\n    get: {{parameters: [{{name: p, \
             schema: {{}}, {text}}}], responses: {{}}}}\n"
        );
        let document = openapi_model::read(&Source::new("c.yaml", text), None).unwrap();
        document.operations[0].parameters[0].clone()
    }

    #[test]
    fn values_are_written_in_every_style() {
        let (list, object) = (json!(["a b", 2]), json!({"k": "v", "n": 1}));
        for (style, value, wanted) in [
            ("in: path, required: true", &json!("a/b"), "a%2Fb"),
            ("in: path, required: true", &list, "a%20b,2"),
            ("in: path, required: true", &object, "k,v,n,1"),
            ("in: path, required: true, explode: true", &object, "k=v,n=1"),
            ("in: path, required: true, style: label", &list, ".a%20b,2"),
            ("in: path, required: true, style: label, explode: true", &object, ".k=v.n=1"),
            ("in: path, required: true, style: matrix", &list, ";p=a%20b,2"),
            ("in: path, required: true, style: matrix, explode: true", &list, ";p=a%20b;p=2"),
            ("in: path, required: true, style: matrix, explode: true", &object, ";k=v;n=1"),
        ] {
            assert_eq!(in_path(&parameter(style), value), wanted, "{style}");
        }
        for (style, value, wanted) in [
            ("in: query", &json!("a&b"), "p=a%26b"),
            ("in: query", &list, "p=a%20b&p=2"),
            ("in: query, explode: false", &list, "p=a%20b,2"),
            ("in: query", &object, "k=v&n=1"),
            ("in: query, explode: false", &object, "p=k,v,n,1"),
            ("in: query, style: spaceDelimited, explode: false", &list, "p=a%20b%202"),
            ("in: query, style: pipeDelimited, explode: false", &list, "p=a%20b%7C2"),
            (
                "in: query, style: deepObject, explode: true",
                &json!({"a": {"b": 1}, "c": [1, 2]}),
                "p%5Ba%5D%5Bb%5D=1&p%5Bc%5D=1&p%5Bc%5D=2",
            ),
            ("in: query, allowReserved: true", &json!("a/b?c"), "p=a/b?c"),
        ] {
            let pairs: Vec<String> =
                in_query(&parameter(style), value).iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(pairs.join("&"), wanted, "{style}");
        }
        assert_eq!(in_header(&parameter("in: header"), &list).as_deref(), Some("a b,2"));
        assert_eq!(in_header(&parameter("in: header, explode: true"), &object).as_deref(), Some("k=v,n=1"));
        assert_eq!(in_header(&parameter("in: header"), &json!("a\nb")), None);
        assert_eq!(in_cookies(&parameter("in: cookie"), &json!("a b")), [("p".to_owned(), "a%20b".to_owned())]);
    }
}
