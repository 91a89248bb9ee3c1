//! Plain values: texts and integers, with the formats that have a type in Rust.

use openapi_model::shape::Shape;
use serde_json::{Value, json};

/// Texts with a format that has a type in Rust.
pub fn text(shape: &Shape) -> Value {
    match shape.format.as_ref().map(|format| format.value.as_str()) {
        Some(format @ ("uuid" | "date" | "date-time" | "ip" | "ipv4" | "ipv6")) => {
            json!({"type": "string", "format": format})
        }
        _ => json!({"type": "string"}),
    }
}

/// Integers of 64 bits if there is no other format; unsigned if they cannot be negative.
pub fn integer(shape: &Shape) -> Value {
    let is_natural =
        shape.minimum.as_ref().and_then(|bound| bound.value.as_f64()).is_some_and(|minimum| minimum >= 0.0);
    let format = match shape.format.as_ref().map(|format| format.value.as_str()) {
        Some(format @ ("int8" | "int16" | "uint8" | "uint16" | "uint32" | "uint64")) => format,
        // Without this, typify takes it for 32 bits.
        Some("uint") => "uint64",
        Some("int32") if is_natural => "uint32",
        Some("int32") => "int32",
        _ if is_natural => "uint64",
        _ => "int64",
    };
    json!({"type": "integer", "format": format})
}
