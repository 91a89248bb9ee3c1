//! A documentation page as a model: its tables, code spans, code blocks and links, each with its place.
//!
//! The claims of a page are recognised by their form, not by the headings above them, so pages in any language and
//! layout are supported. The comparisons interpret the claims.

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
