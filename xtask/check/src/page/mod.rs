//! A page that people read, as a model: its tables, code spans, code blocks and links, each with its place.
//!
//! What a page claims is found by what it looks like, not by the headings above it, so pages in any language and layout
//! will do. What the claims mean is up to the comparisons.

pub mod columns;
mod curl;
mod declarations;
mod html;
pub mod http;
pub mod json;
mod limits;
mod lists;
mod mask;
mod model;
mod parse;
mod pattern;
mod shell;
pub mod words;

pub use curl::{Body, Data, Part, Request, data, requests};
pub use declarations::METHODS;
pub use model::{
    Cell, CodeBlock, Declaration, Endpoint, ErrorRow, Heading, Limit, Manner, Page, Paragraph, Row, Tab, Table, Written,
};
pub use pattern::pattern;
pub use shell::{Malformed, Word};
pub use words::{Kind, Language, Role};
