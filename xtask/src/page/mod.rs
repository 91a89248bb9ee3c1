//! A page that people read, as a model: what it claims about an operation, with the place of each claim.
//!
//! Claims are found by what they look like, not by the headings above them, so pages in any language and layout will do.

mod mask;
mod parse;
pub mod words;

use std::ops::Range;
use std::sync::Arc;

use crate::contract::Spanned;
use crate::source::{Place, Source};
pub use words::Language;

/// A page.
#[derive(Debug)]
pub struct Page {
    /// The file.
    pub source: Arc<Source>,
    /// The language it is written in.
    pub language: Language,
    /// The method and path it is about, if it is about an operation.
    pub endpoint: Option<Endpoint>,
    /// All code spans outside error tables.
    pub spans: Vec<Spanned<String>>,
    /// The rows of its error tables.
    pub errors: Vec<ErrorRow>,
    /// Numbers of requests a minute that it speaks of.
    pub limits: Vec<Spanned<u64>>,
    /// What it takes from somewhere else: Liquid includes, with their arguments.
    pub includes: Vec<Spanned<String>>,
    /// Where its links lead.
    pub links: Vec<Spanned<String>>,
}

/// `POST /things/{id}`.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// In upper case.
    pub method: Spanned<String>,
    /// The path.
    pub path: Spanned<String>,
}

/// A row that documents an error: a code span that begins with a status.
#[derive(Debug, Clone)]
pub struct ErrorRow {
    /// The status.
    pub status: Spanned<u16>,
    /// What follows it.
    pub message: Spanned<String>,
    /// The whole row.
    pub range: Range<usize>,
}

impl Page {
    /// Reads a page.
    pub fn read(source: &Arc<Source>, language: Language) -> Page {
        parse::parse(source, language)
    }

    /// A labelled place in the page.
    pub fn place(&self, range: &Range<usize>, label: impl Into<String>) -> Place {
        Place::new(&self.source, range.clone(), label)
    }

    /// The place to point at for what a page lacks: its first line that is not blank.
    pub fn top(&self, label: impl Into<String>) -> Place {
        let start = self
            .source
            .text
            .find(|letter: char| !letter.is_whitespace())
            .unwrap_or(0);
        let line = self.source.line_column(start).0;
        self.place(&self.source.line(line), label)
    }
}
