//! The manners in which pages are written.

use super::tables::Columns;
use super::words::{ENGLISH, LANGUAGES, Words};

/// How an operation's endpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declaration {
    /// A tag of a template language around the path.
    Liquid,
    /// A fence with the method in its title.
    TitledFence,
    /// A fence whose first line it is.
    HttpFence,
    Heading,
    /// Items of a list.
    List,
    /// A code span under a heading of its own.
    Route,
    /// A code span.
    Span,
    /// The example request is it.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Sentences with the status, under headings.
    Sentences,
    /// Tabs named after the status.
    Tabs,
    /// Labels in bold.
    Labels,
    /// A heading, and the status in a table.
    Headings,
    /// Items of a list.
    List,
    /// A table of statuses.
    Table,
    /// As they come over the wire.
    Raw,
}

pub struct Manner {
    pub name: &'static str,
    pub extension: &'static str,
    /// Whether a page has many operations.
    pub many: bool,
    pub declaration: Declaration,
    /// For parameters.
    pub columns: Columns,
    /// For fields.
    pub fields: Columns,
    /// The language of the fence around a command.
    pub shell: &'static str,
    pub json: &'static str,
    pub answers: Answers,
    pub words: &'static Words,
}

pub const ENGLISH_MANNERS: [Manner; 8] = [
    Manner {
        name: "liquid",
        extension: "md",
        many: false,
        declaration: Declaration::Liquid,
        columns: Columns::RequiredFirst,
        fields: Columns::RequiredFirst,
        shell: "",
        json: "json",
        answers: Answers::Sentences,
        words: &ENGLISH,
    },
    Manner {
        name: "mdx",
        extension: "mdx",
        many: false,
        declaration: Declaration::TitledFence,
        columns: Columns::InType,
        fields: Columns::InType,
        shell: "bash",
        json: "json",
        answers: Answers::Tabs,
        words: &ENGLISH,
    },
    Manner {
        name: "fences",
        extension: "md",
        many: true,
        declaration: Declaration::HttpFence,
        columns: Columns::YesOrNo,
        fields: Columns::WithDefault,
        shell: "bash",
        json: "json",
        answers: Answers::Labels,
        words: &ENGLISH,
    },
    Manner {
        name: "headings",
        extension: "md",
        many: true,
        declaration: Declaration::Heading,
        columns: Columns::YesOrNo,
        fields: Columns::WithDefault,
        shell: "shell",
        json: "json",
        answers: Answers::Headings,
        words: &ENGLISH,
    },
    Manner {
        name: "lists",
        extension: "md",
        many: true,
        declaration: Declaration::List,
        columns: Columns::Optional,
        fields: Columns::Optional,
        shell: "sh",
        json: "",
        answers: Answers::List,
        words: &ENGLISH,
    },
    Manner {
        name: "routes",
        extension: "md",
        many: true,
        declaration: Declaration::Route,
        columns: Columns::Asterisk,
        fields: Columns::Asterisk,
        shell: "",
        json: "",
        answers: Answers::Table,
        words: &ENGLISH,
    },
    Manner {
        name: "wire",
        extension: "md",
        many: true,
        declaration: Declaration::Raw,
        columns: Columns::List,
        fields: Columns::List,
        shell: "",
        json: "http",
        answers: Answers::Raw,
        words: &ENGLISH,
    },
    Manner {
        name: "spans",
        extension: "md",
        many: false,
        declaration: Declaration::Span,
        columns: Columns::RequiredFirst,
        fields: Columns::RequiredFirst,
        shell: "bash",
        json: "json",
        answers: Answers::Sentences,
        words: &ENGLISH,
    },
];

const fn translated(index: usize) -> Manner {
    let (declaration, columns, answers) = match index % 3 {
        0 => (Declaration::Span, Columns::RequiredFirst, Answers::Sentences),
        1 => (Declaration::Liquid, Columns::RequiredFirst, Answers::Sentences),
        _ => (Declaration::Heading, Columns::YesOrNo, Answers::Headings),
    };
    Manner {
        name: LANGUAGES[index].folder,
        extension: "md",
        many: index % 3 == 2,
        declaration,
        columns,
        fields: columns,
        shell: "bash",
        json: "json",
        answers,
        words: &LANGUAGES[index],
    }
}

pub static TRANSLATED_MANNERS: [Manner; 7] =
    [translated(0), translated(1), translated(2), translated(3), translated(4), translated(5), translated(6)];

/// The edition beside one in another language.
pub fn original(translated: &Manner) -> Manner {
    Manner { name: "original", words: &ENGLISH, ..*translated }
}
