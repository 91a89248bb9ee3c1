//! Parameters: where each is sent, in which style, and what it is called in Rust.
//!
//! progenitor tells parameters apart by name alone, sends every list exploded and every object in the query as separate
//! parameters, and knows neither cookies nor other styles. So it is asked for the type of a value only; how the value is
//! sent is decided here.

use openapi_model::document::{Location, Operation, Parameter as Written};
use openapi_model::shape::AllOf;
use openapi_model::span::Span;
use serde_json::{Value, json};

use super::names::{Names, type_name, value_name};
use super::types::Types;
use crate::media::{Format, format};

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in Rust.
    pub field: String,
    /// Its name in the request.
    pub name: String,
    /// Where it is sent.
    pub location: Location,
    /// How it is written.
    pub style: Style,
    /// Whether each item of a list and each property of an object is written apart.
    pub explode: bool,
    /// Whether characters that delimit parts of a URL are sent as they are.
    pub reserved: bool,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its documentation.
    pub docs: String,
    /// Its lowered schema.
    pub schema: Value,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `a,b`.
    Simple,
    /// `.a.b`.
    Label,
    /// `;name=a;name=b`.
    Matrix,
    /// `name=a&name=b`.
    Form,
    /// `name=a%20b`.
    SpaceDelimited,
    /// `name=a|b`.
    PipeDelimited,
    /// `name[key]=value`.
    DeepObject,
    /// JSON text.
    Json,
}

impl Style {
    /// The style with this name, where it is allowed.
    pub fn named(name: &str, location: Location) -> Option<Style> {
        match (name, location) {
            ("simple", Location::Path | Location::Header) => Some(Style::Simple),
            ("label", Location::Path) => Some(Style::Label),
            ("matrix", Location::Path) => Some(Style::Matrix),
            ("form", Location::Query | Location::Cookie) => Some(Style::Form),
            ("spaceDelimited", Location::Query) => Some(Style::SpaceDelimited),
            ("pipeDelimited", Location::Query) => Some(Style::PipeDelimited),
            ("deepObject", Location::Query) => Some(Style::DeepObject),
            _ => None,
        }
    }
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text that stands in every URL.
    Literal(String),
    /// A parameter, by its name in the request.
    Variable(String),
}

/// Why an operation cannot be lowered, and where.
pub type Refusal = (String, Span);

/// The parts of a path.
pub fn segments(path: &str, span: Span) -> Result<Vec<Segment>, Refusal> {
    let refuse = |why: &str| Err((format!("the path `{path}` {why}"), span));
    if !path.starts_with('/') {
        return refuse("does not begin with `/`");
    }
    if path.contains('#') {
        return refuse("has a `#`, behind which a client sends nothing");
    }
    let mut segments = Vec::new();
    let mut rest = path;
    while let Some((literal, behind)) = rest.split_once('{') {
        let Some((name, behind)) = behind.split_once('}') else {
            return refuse("has a `{` without a `}`");
        };
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal.to_owned()));
        }
        segments.push(Segment::Variable(name.to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        segments.push(Segment::Literal(rest.to_owned()));
    }
    Ok(segments)
}

impl Types<'_> {
    /// The parameters of an operation, those of the path first. `operation_name` is in front of the names of their types.
    pub(super) fn parameters(
        &mut self,
        operation: &Operation,
        operation_name: &str,
        segments: &[Segment],
        fields: &mut Names,
    ) -> Result<Vec<Parameter>, Refusal> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for segment in segments {
            let Segment::Variable(name) = segment else { continue };
            if parameters.iter().any(|known| known.name == *name) {
                continue;
            }
            let written = operation
                .parameters
                .iter()
                .find(|parameter| parameter.location == Location::Path && parameter.name.value == *name);
            match written {
                Some(written) => parameters.push(self.parameter(written, operation_name, fields)?),
                None => {
                    self.lose(
                        operation.path.span,
                        format!("`{{{name}}}` in the path is no parameter; it is taken as text"),
                    );
                    parameters.push(Parameter {
                        field: fields.unique(&value_name(name)),
                        name: name.clone(),
                        location: Location::Path,
                        style: Style::Simple,
                        explode: false,
                        reserved: false,
                        required: true,
                        docs: String::new(),
                        schema: json!({"type": "string"}),
                    });
                }
            }
        }
        for written in &operation.parameters {
            let name = written.name.to_lowercase();
            match written.location {
                Location::Path if parameters.iter().any(|known| known.name == written.name.value) => {}
                Location::Path => {
                    let what = format!("the parameter `{}` is not in the path and is not sent", written.name.value);
                    self.lose(written.span, what);
                }
                // OpenAPI ignores parameters with these names.
                Location::Header if matches!(name.as_str(), "accept" | "content-type" | "authorization") => {}
                _ => parameters.push(self.parameter(written, operation_name, fields)?),
            }
        }
        Ok(parameters)
    }

    fn parameter(&mut self, written: &Written, operation_name: &str, fields: &mut Names) -> Result<Parameter, Refusal> {
        let name = &written.name.value;
        let schema = written.value_schema();
        let style = match written.content.first() {
            Some(media) if format(self.document, media) == Format::Json => Style::Json,
            // A text is written as itself.
            Some(_) if matches!(written.location, Location::Query | Location::Cookie) => Style::Form,
            Some(_) => Style::Simple,
            None => Style::named(&written.style, written.location).ok_or_else(|| {
                let place = written.location.name();
                let why = format!(
                    "the parameter `{name}` has the style `{}`, which a {place} cannot have",
                    written.style.value
                );
                (why, written.style.span)
            })?,
        };
        let schemas = schema.map(AllOf::from);
        let lowered = match &schemas {
            Some(schemas) => self.without_null(schemas, &format!("{operation_name}{}", type_name(name))),
            None => json!({"type": "string"}),
        };
        let mut docs = written.description.as_ref().map(|text| text.value.trim().to_owned()).unwrap_or_default();
        if docs.is_empty() {
            docs = schemas.as_ref().map(|schemas| self.docs(schemas)).unwrap_or_default();
        }
        if let Some(default) = schemas.as_ref().and_then(|schemas| self.document.shape(schemas).default.clone()) {
            docs = format!("{docs}\n\nDefault: `{default}`.").trim().to_owned();
        }
        if written.deprecated.is_some() {
            docs = format!("{docs}\n\nDeprecated.").trim().to_owned();
        }
        if style == Style::DeepObject && self.is_nested(schemas.as_ref()) {
            let what = format!(
                "OpenAPI does not say how `{name}` is nested; it is sent as `{name}[key][key]` and `{name}[0]`"
            );
            self.lose(written.span, what);
        }
        Ok(Parameter {
            field: self.field(written, fields),
            name: name.clone(),
            location: written.location,
            style,
            explode: written.explode.value,
            reserved: written.allow_reserved,
            required: written.required.value,
            docs,
            schema: lowered,
        })
    }

    /// The name of a parameter in Rust; if it is taken, its location is added: `id_query`.
    fn field(&self, written: &Written, fields: &mut Names) -> String {
        let name = value_name(&written.name.value);
        if fields.take(&name) {
            name
        } else {
            fields.unique(&format!("{}_{}", name.trim_end_matches('_'), written.location.name()))
        }
    }

    /// Whether a value is a list, or has lists or objects in it, for which `deepObject` is not defined.
    pub(super) fn is_nested(&self, schemas: Option<&AllOf>) -> bool {
        use openapi_model::schema::Types as Kinds;
        let structured = Kinds::OBJECT.with(Kinds::ARRAY);
        let Some(schemas) = schemas else { return false };
        let shape = self.document.shape(schemas);
        let mut parts = shape.properties.values();
        shape.types.meets(Kinds::ARRAY)
            || parts.any(|property| self.document.shape(&property.schema).types.meets(structured))
    }
}
