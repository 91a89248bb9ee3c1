//! The document that a server stands for, from the tables that it is built from.

use serde_json::{Map, Value, json};

use super::tables::{BodyInfo, OperationInfo, Parameter, SecurityScheme, Style};

/// What the document says of the whole API.
#[derive(Debug)]
pub struct Api {
    /// `info.title`.
    pub title: &'static str,
    /// `info.version`.
    pub version: &'static str,
    /// Tags with their descriptions.
    pub tags: &'static [(&'static str, &'static str)],
    /// `components.schemas`: names with schemas as JSON.
    pub schemas: &'static [(&'static str, &'static str)],
    /// `components.securitySchemes`.
    pub security_schemes: &'static [&'static SecurityScheme],
    /// The extensions in which operations have their permission and their rate limit; empty if they have none.
    pub extensions: (&'static str, &'static str),
}

/// The document.
///
/// # Errors
///
/// If a schema of the tables is not JSON.
pub fn document(api: &Api, operations: &[&OperationInfo]) -> Result<Value, String> {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = operation_object(api, operation)?;
    }
    let named = |pairs: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
        pairs.map(|(name, text)| Ok((name.to_owned(), parsed(text)?))).collect::<Result<Map<String, Value>, String>>()
    };
    let schemas = named(&mut api.schemas.iter().copied())?;
    let schemes = named(&mut api.security_schemes.iter().map(|scheme| (scheme.name, scheme.schema)))?;
    let mut document = json!({
        "openapi": "3.0.3",
        "info": { "title": api.title, "version": api.version },
        "paths": paths,
    });
    let tags: Vec<Value> =
        api.tags.iter().map(|(name, text)| with_text(json!({ "name": name }), "description", text)).collect();
    if !tags.is_empty() {
        document["tags"] = tags.into();
    }
    for (key, values) in [("schemas", schemas), ("securitySchemes", schemes)] {
        if !values.is_empty() {
            document["components"][key] = values.into();
        }
    }
    Ok(document)
}

fn operation_object(api: &Api, operation: &OperationInfo) -> Result<Value, String> {
    let mut object = json!({ "operationId": operation.id });
    if !operation.tags.is_empty() {
        object["tags"] = operation.tags.into();
    }
    object = with_text(object, "summary", operation.summary);
    object = with_text(object, "description", operation.description);
    if operation.deprecated {
        object["deprecated"] = true.into();
    }
    if let Some(permission) = operation.permission.filter(|_| !api.extensions.0.is_empty()) {
        object[api.extensions.0] = permission.into();
    }
    if let Some(limit) = operation.rate_limit {
        object[api.extensions.1] = json!({ "requests": limit.requests, "window_seconds": limit.window_seconds });
    }
    let alternatives = operation.security.iter().map(|needed| {
        let schemes = needed.iter().map(|one| (one.scheme.name.to_owned(), one.scopes.into()));
        Value::Object(schemes.collect())
    });
    object["security"] = alternatives.collect();
    if !operation.parameters.is_empty() {
        let parameters: Result<Vec<Value>, String> = operation.parameters.iter().map(parameter).collect();
        object["parameters"] = parameters?.into();
    }
    if let Some(body) = operation.body {
        object["requestBody"] = request_body(body)?;
    }
    let mut responses = Map::new();
    for (status, response) in operation.answers {
        responses.insert((*status).to_owned(), parsed(response)?);
    }
    for error in operation.errors {
        let examples = &mut responses[&error.status.to_string()]["content"]["application/json"]["examples"];
        examples[error.name] = json!({ "summary": error.summary, "value": { "message": error.message } });
    }
    object["responses"] = responses.into();
    Ok(object)
}

fn parameter(parameter: &Parameter) -> Result<Value, String> {
    let mut object = json!({
        "name": parameter.name,
        "in": parameter.location.name(),
        "required": parameter.required,
    });
    match parameter.style {
        Style::Json(media) | Style::Whole(media) => {
            object["content"] = content([(media, parameter.schema)].into_iter())?.into()
        }
        style => {
            object["style"] = style.name().into();
            object["explode"] = parameter.explode.into();
            object["schema"] = parsed(parameter.schema)?;
        }
    }
    if parameter.deprecated {
        object["deprecated"] = true.into();
    }
    Ok(with_text(object, "description", parameter.description))
}

fn request_body(body: &BodyInfo) -> Result<Value, String> {
    let content = content(body.content.iter().map(|media| (media.name, media.schema)))?;
    Ok(with_text(json!({ "required": body.required, "content": content }), "description", body.description))
}

fn content(media: impl Iterator<Item = (&'static str, &'static str)>) -> Result<Map<String, Value>, String> {
    let of = |(name, schema): (&str, &str)| {
        let body = if schema.is_empty() { json!({}) } else { json!({ "schema": parsed(schema)? }) };
        Ok((name.to_owned(), body))
    };
    media.map(of).collect()
}

fn with_text(mut object: Value, key: &str, text: &str) -> Value {
    if !text.is_empty() {
        object[key] = text.into();
    }
    object
}

fn parsed(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))
}
