//! How values are written in a request.

use ::serde::Serialize;
use ::serde_json::Value;

/// A value that the caller may have set, or why what was set is no value.
pub type Input<T> = Result<Option<T>, String>;

/// The value of a parameter without which there is no request.
pub fn required<T>(name: &str, value: Input<T>) -> Result<T, String> {
    value?.ok_or_else(|| format!("`{name}` is missing"))
}

/// A URL: the base without a slash at its end, and the parts of the path.
pub fn url(base: &str, parts: &[&str]) -> String {
    let mut url = base.trim_end_matches('/').to_owned();
    parts.iter().for_each(|part| url.push_str(part));
    url
}

/// A URL with parameters.
pub fn with_query(url: String, query: &[String]) -> String {
    if query.is_empty() {
        return url;
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    let query = query.join("&");
    format!("{url}{separator}{query}")
}

/// A variable of a path in the style `simple`. A path with an empty variable, or with dots alone, would be another path.
pub fn simple<T: Serialize>(name: &str, value: &T, explode: bool) -> Result<String, String> {
    let text = joined(&json(name, value)?, ",", if explode { "=" } else { "," }, false);
    if matches!(text.as_str(), "" | "." | "..") {
        return Err(format!("`{name}` cannot be `{text}`"));
    }
    Ok(text)
}

/// A variable of a path in the style `label`.
pub fn label<T: Serialize>(name: &str, value: &T, explode: bool) -> Result<String, String> {
    let (separator, between) = if explode { (".", "=") } else { (",", ",") };
    let text = joined(&json(name, value)?, separator, between, false);
    Ok(format!(".{text}"))
}

/// A variable of a path in the style `matrix`.
pub fn matrix<T: Serialize>(name: &str, value: &T, explode: bool) -> Result<String, String> {
    let value = json(name, value)?;
    let name = encoded(name, false);
    Ok(match &value {
        Value::Array(items) if explode => {
            let parts = items.iter().map(|item| pair(&format!(";{name}"), "=", &encoded(&text(item), false)));
            parts.collect()
        }
        Value::Object(_) if explode => pair("", ";", &joined(&value, ";", "=", false)),
        _ => pair(&format!(";{name}"), "=", &joined(&value, ",", ",", false)),
    })
}

/// A parameter in the style `form`.
pub fn form<T: Serialize>(
    query: &mut Vec<String>,
    name: &str,
    value: &T,
    explode: bool,
    reserved: bool,
) -> Result<(), String> {
    let value = json(name, value)?;
    let name = encoded(name, false);
    match &value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if explode => {
            query.extend(items.iter().map(|item| pair(&name, "=", &encoded(&text(item), reserved))));
        }
        Value::Object(entries) if explode => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            query.extend(entries.map(|(key, value)| pair(&encoded(key, false), "=", &encoded(&text(value), reserved))));
        }
        _ => query.push(pair(&name, "=", &joined(&value, ",", ",", reserved))),
    }
    Ok(())
}

/// A parameter in the styles `spaceDelimited` and `pipeDelimited`, not exploded. The delimiter is percent-encoded.
pub fn delimited<T: Serialize>(query: &mut Vec<String>, name: &str, value: &T, delimiter: &str) -> Result<(), String> {
    let value = json(name, value)?;
    query.push(pair(&encoded(name, false), "=", &joined(&value, delimiter, delimiter, false)));
    Ok(())
}

/// A parameter in the style `deepObject`. Deeper objects and lists are written in the same way, with indexes for lists.
pub fn deep_object<T: Serialize>(query: &mut Vec<String>, name: &str, value: &T) -> Result<(), String> {
    let mut open = vec![(encoded(name, false), json(name, value)?)];
    while let Some((name, value)) = open.pop() {
        let inside = |key: &str| {
            let key = encoded(key, false);
            format!("{name}%5B{key}%5D")
        };
        match value {
            Value::Null => {}
            Value::Object(entries) => open.extend(entries.into_iter().rev().map(|(key, value)| (inside(&key), value))),
            Value::Array(items) => {
                open.extend(items.into_iter().enumerate().rev().map(|(index, value)| (inside(&index.to_string()), value)));
            }
            _ => query.push(pair(&name, "=", &encoded(&text(&value), false))),
        }
    }
    Ok(())
}

/// A parameter that is written as JSON.
pub fn json_parameter<T: Serialize>(query: &mut Vec<String>, name: &str, value: &T) -> Result<(), String> {
    query.push(pair(&encoded(name, false), "=", &encoded(&json_text(name, value)?, false)));
    Ok(())
}

/// The fields of a form, in order.
pub fn fields<T: Serialize>(body: &T) -> Result<Vec<(String, Value)>, String> {
    match json("body", body)? {
        Value::Object(entries) => Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        _ => Err("`body` has no fields".to_owned()),
    }
}

/// A field of a form: an object as JSON, everything else in the style `form`.
pub fn field(form_body: &mut Vec<String>, name: &str, value: &Value) -> Result<(), String> {
    if value.is_object() { json_parameter(form_body, name, value) } else { form(form_body, name, value, true, false) }
}

/// The value of a header.
pub fn header<T: Serialize>(name: &str, value: &T, explode: bool) -> Result<::reqwest::header::HeaderValue, String> {
    let between = if explode { "=" } else { "," };
    let text = match &json(name, value)? {
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| pair(key, between, &text(value))).collect::<Vec<_>>().join(",")
        }
        value => text(value),
    };
    ::reqwest::header::HeaderValue::try_from(text).map_err(|error| format!("`{name}` cannot be sent: {error}"))
}

/// A header that is written as JSON.
pub fn json_header<T: Serialize>(name: &str, value: &T) -> Result<::reqwest::header::HeaderValue, String> {
    ::reqwest::header::HeaderValue::try_from(json_text(name, value)?)
        .map_err(|error| format!("`{name}` cannot be sent: {error}"))
}

/// A variable of a path that is written as JSON.
pub fn json_segment<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
    Ok(encoded(&json_text(name, value)?, false))
}

/// A value as JSON text.
pub fn json_text<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
    ::serde_json::to_string(value).map_err(|error| format!("`{name}` cannot be written as JSON: {error}"))
}

/// A value as a plain text: an object or a list as JSON.
pub fn plain<T: Serialize>(name: &str, value: &T) -> Result<String, String> {
    Ok(text(&json(name, value)?))
}

/// A finished request, or why it cannot be sent.
pub fn build(request: ::reqwest::RequestBuilder) -> Result<::reqwest::Request, String> {
    request.build().map_err(|error| {
        let mut text = error.to_string();
        let mut source = ::std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    })
}

/// A value as JSON, by way of text: otherwise numbers of 32 bits would get more digits.
fn json<T: Serialize>(name: &str, value: &T) -> Result<Value, String> {
    ::serde_json::from_str(&json_text(name, value)?).map_err(|error| format!("`{name}` is no JSON: {error}"))
}

/// A value as a text without quotes.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Two texts with something between them.
fn pair(first: &str, between: &str, second: &str) -> String {
    format!("{first}{between}{second}")
}

/// The parts of a value with a separator between them, and `between` between key and value.
fn joined(value: &Value, separator: &str, between: &str, reserved: bool) -> String {
    let part = |value: &Value| encoded(&text(value), reserved);
    match value {
        Value::Array(items) => items.iter().map(part).collect::<Vec<_>>().join(separator),
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entries = entries.map(|(key, value)| pair(&encoded(key, false), between, &part(value)));
            entries.collect::<Vec<_>>().join(separator)
        }
        value => part(value),
    }
}

/// A text with every byte percent-encoded that is neither unreserved nor, if they are allowed, reserved.
fn encoded(text: &str, reserved: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_kept = byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || reserved && b":/?@!$'()*,;[]".contains(&byte);
        if is_kept {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
