//! Problems in a document. The check decides which of them matter.

use crate::span::Span;

/// The kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// A duplicate key in a mapping; the last one counts.
    DuplicateKey,
    /// A file holds a second YAML document, which is not read.
    SecondDocument,
    /// A value is not of the type that OpenAPI requires and was left out: `parameters` that is a text. A number or flag
    /// in place of a text is accepted as written.
    WrongType,
    /// Something cannot be read because a part is missing or invalid: a parameter without a name or with an unknown
    /// `in`.
    Incomplete,
    /// A `$ref` does not resolve.
    UnresolvedReference,
    /// A `$ref` refers to itself.
    CircularReference,
    /// A key beside a `$ref`, which OpenAPI 3.0 ignores.
    BesideReference,
    /// A key that OpenAPI does not define there.
    UnknownKey,
    /// An invalid status: `20X`, `abc`.
    UnknownStatus,
    /// References expand to so many parts, or are nested so deep, that the rest was left out.
    TooLarge,
}

/// A problem in a document.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A related place, with a label, such as the first of two duplicate keys.
    pub related: Option<(Span, String)>,
    /// What was probably meant: a known key, or an existing component.
    pub nearest: Option<String>,
}

/// Why a document could not be read at all.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The kind of reason.
    pub kind: UnreadableKind,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// The place, if the file could be read at all.
    pub place: Option<crate::source::Place>,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kinds of reasons why a document cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadableKind {
    /// It cannot be read, or is neither YAML nor JSON.
    Malformed,
    /// It is not OpenAPI 3.0 or 3.1.
    Version,
}
