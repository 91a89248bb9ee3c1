//! The few words that a language has for what a page claims. A new language is a variant and its row in each table here.

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// The contract's own language.
    English,
    /// Spanish.
    Spanish,
}

/// What a value is, as far as pages tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Yes or no.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind of a schema's `type`.
    pub fn of(name: &str) -> Option<Kind> {
        Some(match name {
            "string" => Kind::String,
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "array" => Kind::Array,
            "object" => Kind::Object,
            _ => return None,
        })
    }

    /// Whether a page that says `self` of something that is `other` says nothing wrong.
    pub fn covers(self, other: Kind) -> bool {
        self == other || (self == Kind::Number && other == Kind::Integer)
    }
}

impl Language {
    /// All of them, the contract's own first.
    pub const ALL: &'static [Language] = &[Language::English, Language::Spanish];

    /// Its code, which is the name of its folder. Pages in the contract's own language stand in no folder.
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

    /// The language of a text, by its most frequent words.
    pub fn of(text: &str) -> Language {
        let frequent = |language: &Language| match language {
            Language::English => ["the", "of", "to", "is", "and", "for", "this", "with"],
            Language::Spanish => ["de", "la", "el", "que", "los", "para", "una", "con"],
        };
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphabetic()).collect();
        let count = |language: &&Language| words.iter().filter(|word| frequent(language).contains(word)).count();
        let best = Language::ALL.iter().rev().max_by_key(count);
        best.copied().unwrap_or(Language::English)
    }

    /// What stands between a number of requests and the stretch of time that they are allowed in.
    pub fn per(self) -> &'static [&'static str] {
        match self {
            Language::English => &["per", "a", "an", "each", "every", "in", "within"],
            Language::Spanish => &["por", "al", "a la", "cada", "en"],
        }
    }

    /// Stretches of time, and how many seconds they are. A word that another begins with comes after it.
    pub fn units(self) -> &'static [(&'static str, u64)] {
        match self {
            Language::English => {
                &[("second", 1), ("sec", 1), ("minute", 60), ("min", 60), ("hour", 3600), ("day", 86400)]
            }
            Language::Spanish => {
                &[("segundo", 1), ("seg", 1), ("minuto", 60), ("min", 60), ("hora", 3600), ("día", 86400)]
            }
        }
    }

    /// How many seconds a stretch of time is.
    pub fn seconds(self, unit: &str) -> Option<u64> {
        self.units().iter().find(|(word, _)| *word == unit).map(|(_, seconds)| *seconds)
    }

    /// Whether a sentence counts requests, and not something else that happens so often.
    pub fn counts(self, sentence: &str) -> bool {
        let words: &[&str] = match self {
            Language::English => &["request", "requests", "call", "calls", "limit", "limits"],
            Language::Spanish => {
                &["solicitud", "solicitudes", "petición", "peticiones", "llamada", "llamadas", "límite", "límites"]
            }
        };
        sentence.split(|letter: char| !letter.is_alphabetic()).any(|word| words.contains(&word))
    }

    /// Words for what has to be there, and for what may be left out.
    pub fn required(self, word: &str) -> Option<bool> {
        let (yes, no): (&[&str], &[&str]) = match self {
            Language::English => (
                &["required", "yes", "true", "mandatory", "✓", "✔", "✔️", "✅"],
                &["optional", "no", "false", "not required", "✗", "✘", "❌"],
            ),
            Language::Spanish => (
                &["obligatorio", "obligatoria", "requerido", "requerida", "necesario", "necesaria", "sí", "si"],
                &["opcional", "no", "no obligatorio", "no obligatoria", "no requerido", "no requerida"],
            ),
        };
        let word = word.trim().trim_end_matches(['.', '*', '!']).to_lowercase();
        match (yes.contains(&word.as_str()), no.contains(&word.as_str())) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            // Not translated yet.
            (false, false) if self != Language::English => Language::English.required(&word),
            (false, false) => None,
        }
    }

    /// The words that this repository's own pages use for the same.
    pub fn required_word(self, required: bool) -> &'static str {
        match (self, required) {
            (Language::English, true) => "Required",
            (Language::English, false) => "Optional",
            (Language::Spanish, true) => "Obligatorio",
            (Language::Spanish, false) => "Opcional",
        }
    }

    /// Words for what a value is.
    fn kinds(self) -> &'static [(&'static str, Kind)] {
        match self {
            Language::English => &[
                ("string", Kind::String),
                ("text", Kind::String),
                ("uuid", Kind::String),
                ("date-time", Kind::String),
                ("datetime", Kind::String),
                ("date", Kind::String),
                ("integer", Kind::Integer),
                ("int", Kind::Integer),
                ("number", Kind::Number),
                ("float", Kind::Number),
                ("double", Kind::Number),
                ("boolean", Kind::Boolean),
                ("bool", Kind::Boolean),
                ("array", Kind::Array),
                ("list", Kind::Array),
                ("object", Kind::Object),
            ],
            Language::Spanish => &[
                ("cadena", Kind::String),
                ("texto", Kind::String),
                ("uuid", Kind::String),
                ("string", Kind::String),
                ("fecha", Kind::String),
                ("número entero", Kind::Integer),
                ("entero", Kind::Integer),
                ("integer", Kind::Integer),
                ("número", Kind::Number),
                ("number", Kind::Number),
                ("decimal", Kind::Number),
                ("booleano", Kind::Boolean),
                ("boolean", Kind::Boolean),
                ("matriz", Kind::Array),
                ("lista", Kind::Array),
                ("array", Kind::Array),
                ("objeto", Kind::Object),
                ("object", Kind::Object),
            ],
        }
    }

    /// What a cell such as `String (UUID) or null` says a value is.
    pub fn kind(self, cell: &str) -> Option<Kind> {
        let cell = cell.trim().to_lowercase();
        let begins = |word: &str| {
            cell.strip_prefix(word)
                .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '-'))
        };
        self.kinds().iter().find(|(word, _)| begins(word)).map(|(_, kind)| *kind)
    }

    /// The word for a kind.
    pub fn kind_word(self, kind: Kind) -> &'static str {
        let word = self.kinds().iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word);
        match word {
            "string" => "String",
            "integer" => "Integer",
            "number" => "Number",
            "boolean" => "Boolean",
            "array" => "Array",
            "object" => "Object",
            "cadena" => "Cadena",
            "número entero" => "Entero",
            "número" => "Número",
            "booleano" => "Booleano",
            "matriz" => "Matriz",
            "objeto" => "Objeto",
            other => other,
        }
    }

    /// Whether a cell says that a value may be null.
    pub fn may_be_null(self, cell: &str) -> bool {
        let words: &[&str] = match self {
            Language::English => &["null", "nullable"],
            Language::Spanish => &["null", "nulo", "nula"],
        };
        let cell = cell.to_lowercase();
        cell.split(|letter: char| !letter.is_alphanumeric()).any(|word| words.contains(&word))
    }

    /// Words in the heading over a table of parameters for where they stand.
    pub fn locations(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Language::English => &[("path", "path"), ("query", "query"), ("header", "header"), ("cookie", "cookie")],
            Language::Spanish => &[
                ("ruta", "path"),
                ("path", "path"),
                ("consulta", "query"),
                ("query", "query"),
                ("encabezado", "header"),
                ("cookie", "cookie"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_what_a_value_is_in_either_language() {
        for (language, cell, expected) in [
            (Language::English, "String (UUID)", Some(Kind::String)),
            (Language::English, "Integer or null", Some(Kind::Integer)),
            (Language::English, "Array of strings", Some(Kind::Array)),
            (Language::English, "Interest", None),
            (Language::English, "Whatever", None),
            (Language::Spanish, "Cadena (fecha y hora) o nulo", Some(Kind::String)),
            (Language::Spanish, "Número entero", Some(Kind::Integer)),
            (Language::Spanish, "Número", Some(Kind::Number)),
        ] {
            assert_eq!(language.kind(cell), expected, "{cell}");
        }
        assert!(Language::English.may_be_null("String or null") && !Language::English.may_be_null("nullify"));
        for language in Language::ALL {
            for kind in [Kind::String, Kind::Integer, Kind::Number, Kind::Boolean, Kind::Array, Kind::Object] {
                assert_eq!(language.kind(language.kind_word(kind)), Some(kind));
            }
            for required in [true, false] {
                assert_eq!(language.required(language.required_word(required)), Some(required));
            }
        }
    }

    #[test]
    fn the_language_of_a_page_is_recognised() {
        assert_eq!(
            Language::of("Utiliza este punto final para desencadenar una sincronización de la integración."),
            Language::Spanish
        );
        assert_eq!(Language::of("Use this endpoint to trigger a sync of the integration."), Language::English);
        assert_eq!(Language::of(""), Language::English);
    }
}
