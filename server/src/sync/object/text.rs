//! Texts of a JSON document.

use std::borrow::Cow;

/// A text, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);
