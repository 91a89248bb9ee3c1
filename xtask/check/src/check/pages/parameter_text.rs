//! Values of parameters as written in a URL.
//!
//! A URL contains only text. Its value depends on the schema and the parameter's style: `1,2` is a list of numbers, a
//! string, or two of the items of one list. If a text may be several values, one valid value is enough.

use openapi_model::document::{Document, Parameter};
use openapi_model::node::{Node, Value};
use openapi_model::schema::Types;
use openapi_model::shape::{AllOf, Shape};
use serde_json::Number;

/// The name and the value of `name=value`. The name is decoded, the value is not.
pub fn pair(written: &str) -> (String, &str) {
    let (name, value) = written.split_once('=').unwrap_or((written, ""));
    (decoded(&name.replace('+', " ")), value)
}

/// A text with percent-encoding decoded.
pub fn decoded(text: &str) -> String {
    // In a path, a plus sign is literal; and the text is one value, whatever characters it contains.
    let text = text.replace('&', "%26").replace('+', "%2B");
    let pair = format!("={text}");
    form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// Whether a parameter is an array.
pub fn is_list(document: &Document, parameter: &Parameter) -> bool {
    let shape = parameter.schema.map(|schema| document.shape_of(schema));
    shape.is_some_and(|shape| shape.types.meets(Types::ARRAY) && !shape.types.meets(Types::STRING))
}

/// The possible values of the texts given for a parameter. `None` if they are placeholders, or serialised in an
/// unsupported way.
pub fn values(document: &Document, parameter: &Parameter, texts: &[&str]) -> Option<Vec<Node>> {
    let is_query = parameter.location == openapi_model::document::Location::Query;
    let decode = |text: &str| if is_query { decoded(&text.replace('+', " ")) } else { decoded(text) };
    let Some(schema) = parameter.schema else {
        // `content`: the text is JSON.
        let text = decode(texts.first()?);
        let is_json = serde_json::from_str::<serde_json::Value>(&text).map(|json| Node::from_json(&json));
        return if is_placeholder(&text) { None } else { Some(vec![is_json.ok()?]) };
    };
    let shape = document.shape_of(schema);
    let is_anything = shape.types.meets(Types::OBJECT);
    let parts: Vec<String> = if is_list(document, parameter) {
        texts
            .iter()
            .flat_map(|text| split(parameter, text))
            .map(|(text, is_decoded)| if is_decoded { text } else { decode(&text) })
            .collect()
    } else {
        texts.iter().map(|text| decode(text)).collect()
    };
    if is_anything || parts.iter().any(|part| is_placeholder(part)) {
        return None;
    }
    if !is_list(document, parameter) {
        return Some(scalars(&shape, parts.first()?));
    }
    let list = |items: Vec<Node>| Node { range: 0..0, value: Value::Array(items) };
    let anything = AllOf::default();
    let item = |(index, part): (usize, &String)| {
        let item = shape.prefix_items.get(index).or(shape.items.as_ref()).unwrap_or(&anything);
        scalars(&document.shape(item), part)
    };
    let items: Vec<Vec<Node>> = parts.iter().enumerate().map(item).collect();
    // Either all items as typed values, or all as strings.
    let first = items.iter().filter_map(|values| values.first().cloned()).collect();
    let last = items.iter().filter_map(|values| values.last().cloned()).collect();
    Some(vec![list(first), list(last)])
}

/// The items of a list in one text, and whether they are decoded.
fn split(parameter: &Parameter, text: &str) -> Vec<(String, bool)> {
    let is_decoded =
        |text: String, separator: char| text.split(separator).map(|item| (item.to_owned(), true)).collect();
    let separated = |text: &str| text.split(',').map(|item| (item.to_owned(), false)).collect();
    match (parameter.style.as_str(), *parameter.explode) {
        ("form", true) => vec![(text.to_owned(), false)],
        ("spaceDelimited", false) => is_decoded(decoded(&text.replace('+', " ")), ' '),
        ("pipeDelimited", false) => is_decoded(decoded(text), '|'),
        ("spaceDelimited" | "pipeDelimited", true) => vec![(text.to_owned(), false)],
        ("label", true) => text.trim_start_matches('.').split('.').map(|item| (item.to_owned(), false)).collect(),
        ("label", false) => separated(text.trim_start_matches('.')),
        ("matrix", _) => text
            .trim_start_matches(';')
            .split(';')
            .map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value))
            .flat_map(|value| value.split(','))
            .map(|item| (item.to_owned(), false))
            .collect(),
        _ => separated(text),
    }
}

/// The possible values of a text: those that the types of its schema permit, the string last.
fn scalars(shape: &Shape, text: &str) -> Vec<Node> {
    let node = |value: Value| Node { range: 0..0, value };
    let mut values = Vec::new();
    if shape.types.meets(Types::NUMBER) {
        values.extend(number(text).map(|number| node(Value::Number(number))));
    }
    if shape.types.meets(Types::BOOLEAN) {
        values.extend(text.parse().ok().map(|flag| node(Value::Bool(flag))));
    }
    if shape.nullable && matches!(text, "" | "null") {
        values.push(node(Value::Null));
    }
    if values.is_empty() || shape.types.meets(Types::STRING) {
        values.push(Node::text(text));
    }
    values
}

fn number(text: &str) -> Option<Number> {
    let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    whole.ok().or_else(|| Number::from_f64(text.parse().ok()?))
}

/// Whether a text is a placeholder: `$ID`, `{id}`, `<id>`, `YOUR_ID`.
fn is_placeholder(text: &str) -> bool {
    text.contains(['$', '{', '<'])
        || (text.to_uppercase() == text
            && text.contains(['_', '-'])
            && text.contains(char::is_alphabetic)
            && !text.contains(char::is_numeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_texts_are_decoded() {
        assert_eq!(decoded("a%20b+c&d=%C3%A9%2"), "a b+c&d=é%2");
        assert_eq!(pair("a%5Bb%5D=1=2"), ("a[b]".to_owned(), "1=2"));
        assert_eq!(pair("a+b"), ("a b".to_owned(), ""));
    }

    #[test]
    fn numbers_are_parsed_as_in_urls() {
        assert_eq!(number("007"), Some(7.into()));
        assert_eq!(number("1.5"), Number::from_f64(1.5));
        assert_eq!((number("x"), number("nan"), number("")), (None, None, None));
    }
}
