//! The few words that a language has for what a page claims. A new language is a row here.

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// The contract's own language.
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them, the contract's own first.
    pub const ALL: &'static [Language] = &[Language::English, Language::Spanish];

    /// Its code, which is the name of its folder. The contract's own language has none.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Spanish => "Spanish",
        }
    }

    /// What stands after a number of requests that are allowed in a minute.
    pub fn per_minute(self) -> &'static [&'static str] {
        match self {
            Language::English => &["per minute", "a minute", "each minute", "every minute"],
            Language::Spanish => &["por minuto", "al minuto", "cada minuto"],
        }
    }
}
