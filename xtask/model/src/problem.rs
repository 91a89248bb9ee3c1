//! What makes no sense in a document. Which of it matters is for others to say.

use crate::span::Span;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// A key stands twice in one mapping; the last counts.
    DuplicateKey,
    /// A file holds a second YAML document, which is not read.
    SecondDocument,
    /// Something is not of the type that OpenAPI wants there, and was left out: `parameters` that is a text. A number or flag in
    /// place of a text is taken as it is written.
    WrongType,
    /// Something lacks what it cannot be read without: a parameter without a name or with an unknown `in`.
    Incomplete,
    /// A `$ref` leads nowhere.
    UnresolvedReference,
    /// A `$ref` leads back to itself.
    CircularReference,
    /// Something stands beside a `$ref`, where OpenAPI 3.0 does not read it.
    BesideReference,
    /// A key that OpenAPI does not know there.
    UnknownKey,
    /// A status that is none: `20X`, `abc`.
    UnknownStatus,
    /// What references lead to comes to so much, or is nested so deep, that the rest was left out.
    TooLarge,
}

/// Something that makes no sense.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What else has to do with it, and why: the key that stands there first.
    pub related: Option<(Span, String)>,
    /// What it may have been meant to be: a known key, a component that there is.
    pub nearest: Option<String>,
}

/// Why nothing could be made of a document.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What kind of reason it is.
    pub kind: UnreadableKind,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// Where, if it could be read at all.
    pub place: Option<crate::source::Place>,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kinds of reasons why nothing can be made of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadableKind {
    /// It cannot be read, or is neither YAML nor JSON.
    Malformed,
    /// It is not OpenAPI 3.0 or 3.1.
    Version,
}
