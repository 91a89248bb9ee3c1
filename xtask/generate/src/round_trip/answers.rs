//! What the handlers of the program of [`crate::round_trip()`] answer.

use openapi_model::document::Status;
use openapi_model::schema::SchemaId;
use openapi_model::values::Direction;
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Value as Json, json};

use super::Make;
use crate::names::ident;
use crate::server::{Answer, AnswerBody, PlannedOperation, field_names};

/// The expression of a success, and the JSON that it answers.
pub(super) fn success(
    planned: &PlannedOperation<'_>,
    successes: &[Answer<'_>],
    make: Make<'_>,
) -> Result<(TokenStream, Option<Json>), String> {
    let name = &planned.name;
    let is_two = |answer: &&Answer<'_>| {
        matches!(*answer.response.status, Status::Code(200..=299) | Status::Range(2) | Status::Default)
    };
    let Some(answer) = successes.iter().find(is_two) else {
        return match successes.is_empty() {
            true => Ok((quote!(server::operation::#name::Success), None)),
            false => Err("it has no success that is 2xx".to_owned()),
        };
    };
    let is_struct = successes.len() == 1 && matches!(*answer.response.status, Status::Code(_));
    answer_of(planned, answer, if is_struct { None } else { Some("Success") }, make)
}

/// The expression of the documented 404, if an operation has one and its error can be made.
pub(super) fn not_found(planned: &PlannedOperation<'_>, errors: &[Answer<'_>], make: Make<'_>) -> Option<TokenStream> {
    let answer = errors.iter().find(|answer| matches!(*answer.response.status, Status::Code(404)))?;
    answer_of(planned, answer, Some("Error"), make).ok().map(|(expression, _)| expression)
}

/// The expression of an answer, and the JSON that it answers. It is a variant of an enumeration, or the success alone.
fn answer_of(
    planned: &PlannedOperation<'_>,
    answer: &Answer<'_>,
    enumeration: Option<&str>,
    make: Make<'_>,
) -> Result<(TokenStream, Option<Json>), String> {
    let name = &planned.name;
    let json = answer.bodies.iter().position(|body| body.json.is_some());
    let chosen = json.or_else(|| (!answer.bodies.is_empty()).then_some(0)).and_then(|index| answer.bodies.get(index));
    let media = |body: &AnswerBody| answer.response.content.iter().find(|media| *media.name == *body.media_type);
    let (body, answered) = match chosen {
        None => (quote!(()), None),
        Some(body) if body.json.is_some() => {
            let schema = media(body).and_then(|media| media.schema);
            let value = match schema {
                Some(schema) => make(schema, Direction::Response, false).ok_or("no answer can be made")?,
                None => json!({"any": "thing"}),
            };
            let text = value.to_string();
            (quote!(from(#text)), Some(value))
        }
        Some(body) => {
            let is_text = body.media_type.starts_with("text/");
            (quote!("text that is answered".into()), is_text.then(|| "text that is answered".into()))
        }
    };
    let owner = enumeration.map_or("Success".to_owned(), |enumeration| format!("{enumeration}{}", answer.variant));
    let body = match chosen {
        Some(chosen) if answer.bodies.len() > 1 => {
            let (owner, variant) = (ident(&format!("{owner}Body")), &chosen.variant);
            match chosen.is_range() {
                true => {
                    quote!(server::operation::#name::#owner::#variant { content_type: "text/plain".to_owned(), body: #body })
                }
                false => quote!(server::operation::#name::#owner::#variant(#body)),
            }
        }
        _ => body,
    };
    let fields = field_names(answer).into_iter().map(|field| {
        let header = answer.headers.iter().find(|header| header.name == field);
        let value = match (field.to_string().as_str(), header) {
            ("status", None) => quote!(http::StatusCode::OK),
            ("content_type", None) => quote!("text/plain".to_owned()),
            ("body", None) => body.clone(),
            (_, Some(header)) if header.header.required.value => header_value(header.header.schema, make),
            _ => quote!(None),
        };
        quote!(#field: #value)
    });
    let fields: Vec<TokenStream> = fields.collect();
    let fields = if fields.is_empty() { quote!() } else { quote!({ #(#fields),* }) };
    let variant = &answer.variant;
    let path = match enumeration.map(ident) {
        Some(enumeration) => quote!(#enumeration::#variant),
        None => quote!(Success),
    };
    // A body that several media types could have cannot be read as one JSON value by its type alone.
    Ok((quote!(server::operation::#name::#path #fields), answered.filter(|_| answer.response.content.len() == 1)))
}

fn header_value(schema: Option<SchemaId>, make: Make<'_>) -> TokenStream {
    let value = schema.and_then(|schema| make(schema, Direction::Response, true)).unwrap_or_else(|| "text".into());
    let text = match &value {
        Json::Array(_) | Json::Object(_) => Json::String(value.to_string()).to_string(),
        other => other.to_string(),
    };
    quote!(from(#text))
}
