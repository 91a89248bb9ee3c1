//! Chooses which media type of a body is compared.

use openapi_model::document::{MediaType, essence};

/// The JSON media type of a body: `application/json`, otherwise a `+json` type, otherwise a range that covers both.
pub fn json(content: &[MediaType]) -> Option<&MediaType> {
    let first = |fits: &dyn Fn(&str) -> bool| content.iter().find(|media| fits(&essence(&media.name)));
    first(&|name| name == "application/json")
        .or_else(|| first(&|name| name.ends_with("+json")))
        .or_else(|| first(&|name| matches!(name, "*/*" | "application/*")))
}
