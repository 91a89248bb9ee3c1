//! Bodies of several parts.

/// A file of a multipart body.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The name that the server is told, such as `cat.png`.
    pub name: String,
    /// The media type, such as `image/png`.
    pub media_type: String,
    /// The content.
    pub content: Vec<u8>,
}

impl File {
    /// A file of unknown type.
    pub fn new(name: impl Into<String>, content: impl Into<Vec<u8>>) -> File {
        File { name: name.into(), media_type: "application/octet-stream".to_owned(), content: content.into() }
    }
}

/// A part of a body.
pub(crate) struct Part {
    name: String,
    file_name: Option<String>,
    media_type: Option<String>,
    content: Vec<u8>,
}

/// A part that is a file.
pub(crate) fn file(name: &str, file: File) -> Part {
    let File { name: file_name, media_type, content } = file;
    Part { name: name.to_owned(), file_name: Some(file_name), media_type: Some(media_type), content }
}

/// A part that is a text.
pub(crate) fn text(name: &str, text: String, media_type: Option<&str>) -> Part {
    Part { name: name.to_owned(), file_name: None, media_type: media_type.map(str::to_owned), content: text.into_bytes() }
}

/// The parts of a value: each item of a list is a part, an object is a part with JSON.
pub(crate) fn parts<T: ::serde::Serialize>(
    name: &str,
    value: &T,
    media_type: Option<&str>,
) -> Result<Vec<Part>, String> {
    use ::serde_json::Value;
    let written = super::wire::json_text(name, value)?;
    let value = ::serde_json::from_str(&written).map_err(|error| format!("`{name}` is no JSON: {error}"))?;
    let part = |value: &Value| match value {
        Value::String(content) => text(name, content.clone(), media_type),
        Value::Object(_) | Value::Array(_) => text(name, value.to_string(), media_type.or(Some("application/json"))),
        value => text(name, value.to_string(), media_type),
    };
    Ok(match &value {
        Value::Null => Vec::new(),
        Value::Array(items) if media_type.is_none() => items.iter().map(part).collect(),
        value => vec![part(value)],
    })
}

/// The media type with its boundary, and the body.
pub(crate) fn body(parts: &[Part]) -> (String, Vec<u8>) {
    let holds = |content: &[u8], boundary: &str| {
        content.windows(boundary.len()).any(|window| window == boundary.as_bytes())
    };
    let mut boundary = "part-boundary".to_owned();
    while parts.iter().any(|part| holds(&part.content, &boundary)) {
        boundary.push('x');
    }
    let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut body = Vec::new();
    for part in parts {
        let name = quoted(&part.name);
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some(file_name) = &part.file_name {
            let file_name = quoted(file_name);
            head.push_str(&format!("; filename=\"{file_name}\""));
        }
        if let Some(media_type) = &part.media_type {
            let media_type = media_type.replace(['\r', '\n'], "");
            head.push_str(&format!("\r\nContent-Type: {media_type}"));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
