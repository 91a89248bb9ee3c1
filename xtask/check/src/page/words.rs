//! The words by which claims are recognised, for each language. A new language is a variant and its row in each table
//! here.
//!
//! Pages mix languages: tables keep English words in translations, and a translation may have no word of its own. So
//! the text of a cell is looked up in all languages, the page's own first. No word here has two meanings.

use std::sync::LazyLock;

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
    /// French.
    French,
    /// German.
    German,
    /// Portuguese.
    Portuguese,
    /// Japanese.
    Japanese,
    /// Korean.
    Korean,
    /// Chinese.
    Chinese,
    /// Any other: only claims that need no words are read.
    Other,
}

/// The type of a value, in the categories that pages use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// Any number.
    Number,
    /// A boolean.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind of a schema `type`.
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

    /// Whether a page that says `self` is right about a value that is `other`.
    pub fn covers(self, other: Kind) -> bool {
        self == other || (self == Kind::Number && other == Kind::Integer)
    }
}

/// The content of a part of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A request.
    Request,
    /// A response.
    Response,
    /// An error response.
    Error,
}

/// The words of a language.
struct Words {
    code: &'static str,
    name: &'static str,
    /// Frequent words, by which the language of a text is recognised.
    frequent: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// Longer words come before their prefixes. The first word of each kind is the one that fixes use.
    kinds: &'static [(&'static str, Kind)],
    null: &'static [&'static str],
    request: &'static [&'static str],
    response: &'static [&'static str],
    error: &'static [&'static str],
    locations: &'static [(&'static str, &'static str)],
    /// The words between a number of requests and the period.
    per: &'static [&'static str],
    /// Units of time, in seconds. Longer words come before their prefixes.
    units: &'static [(&'static str, u64)],
    /// Words for requests.
    counted: &'static [&'static str],
}

use Kind::{Array, Boolean, Integer, Number, Object, String as Text};

const ENGLISH: Words = Words {
    code: "en",
    name: "English",
    frequent: &["the", "of", "to", "is", "and", "for", "this", "with"],
    required: &["required", "yes", "true", "mandatory", "✓", "✔", "✔️", "✅", "y"],
    optional: &["optional", "no", "false", "not required", "✗", "✘", "❌", "n"],
    kinds: &[
        ("string", Text),
        ("text", Text),
        ("uuid", Text),
        ("date-time", Text),
        ("datetime", Text),
        ("date", Text),
        ("integer", Integer),
        ("int64", Integer),
        ("int32", Integer),
        ("int", Integer),
        ("number", Number),
        ("float", Number),
        ("double", Number),
        ("boolean", Boolean),
        ("bool", Boolean),
        ("array", Array),
        ("list", Array),
        ("object", Object),
    ],
    null: &["null", "nullable"],
    request: &["request", "requests", "body", "input", "arguments"],
    response: &["response", "responses", "answer", "answers", "returns", "reply", "output"],
    error: &["error", "errors"],
    locations: &[("path", "path"), ("query", "query"), ("header", "header"), ("cookie", "cookie")],
    per: &["per", "a", "an", "each", "every", "in", "within"],
    units: &[("second", 1), ("sec", 1), ("minute", 60), ("min", 60), ("hour", 3600), ("day", 86400)],
    counted: &["request", "requests", "call", "calls", "limit", "limits"],
};

const SPANISH: Words = Words {
    code: "es",
    name: "Spanish",
    frequent: &["de", "la", "el", "que", "los", "para", "una", "con"],
    required: &["obligatorio", "obligatoria", "requerido", "requerida", "necesario", "necesaria", "sí", "si"],
    optional: &["opcional", "no", "no obligatorio", "no obligatoria", "no requerido", "no requerida"],
    kinds: &[
        ("cadena", Text),
        ("texto", Text),
        ("fecha", Text),
        ("número entero", Integer),
        ("entero", Integer),
        ("número", Number),
        ("decimal", Number),
        ("booleano", Boolean),
        ("matriz", Array),
        ("lista", Array),
        ("objeto", Object),
    ],
    null: &["nulo", "nula"],
    request: &["solicitud", "petición", "cuerpo"],
    response: &["respuesta", "respuestas"],
    error: &["error", "errores"],
    locations: &[("ruta", "path"), ("consulta", "query"), ("encabezado", "header"), ("cabecera", "header")],
    per: &["por", "al", "a la", "cada", "en"],
    units: &[("segundo", 1), ("seg", 1), ("minuto", 60), ("min", 60), ("hora", 3600), ("día", 86400)],
    counted: &["solicitud", "solicitudes", "petición", "peticiones", "llamada", "llamadas", "límite", "límites"],
};

const FRENCH: Words = Words {
    code: "fr",
    name: "French",
    frequent: &["le", "les", "des", "une", "pour", "est", "vous", "dans"],
    required: &["requis", "requise", "obligatoire", "oui"],
    optional: &["facultatif", "facultative", "optionnel", "optionnelle", "non", "non requis", "non requise"],
    kinds: &[
        ("chaîne", Text),
        ("texte", Text),
        ("nombre entier", Integer),
        ("entier", Integer),
        ("nombre", Number),
        ("booléen", Boolean),
        ("tableau", Array),
        ("liste", Array),
        ("objet", Object),
    ],
    null: &["nul", "nulle"],
    request: &["demande", "requête", "requêtes", "corps"],
    response: &["réponse", "réponses"],
    error: &["erreur", "erreurs"],
    locations: &[("chemin", "path"), ("query", "query"), ("en-tête", "header")],
    per: &["par", "chaque", "en", "à la"],
    units: &[("seconde", 1), ("minute", 60), ("min", 60), ("heure", 3600), ("jour", 86400)],
    counted: &["requête", "requêtes", "demande", "demandes", "appel", "appels", "limite", "limites"],
};

const GERMAN: Words = Words {
    code: "de",
    name: "German",
    frequent: &["der", "die", "das", "und", "ist", "für", "mit", "eine"],
    required: &["erforderlich", "pflicht", "pflichtfeld", "ja", "notwendig"],
    optional: &["optional", "nein", "nicht erforderlich", "freiwillig"],
    kinds: &[
        ("zeichenfolge", Text),
        ("zeichenkette", Text),
        ("text", Text),
        ("datum", Text),
        ("ganzzahl", Integer),
        ("ganze zahl", Integer),
        ("zahl", Number),
        ("boolescher wert", Boolean),
        ("boolesch", Boolean),
        ("wahrheitswert", Boolean),
        ("array", Array),
        ("liste", Array),
        ("objekt", Object),
    ],
    null: &["null"],
    request: &["anfrage", "anforderung", "anfragetext"],
    response: &["antwort", "antworten"],
    error: &["fehler"],
    locations: &[("pfad", "path"), ("abfrage", "query"), ("kopfzeile", "header")],
    per: &["pro", "je", "in der", "in einer", "alle"],
    units: &[("sekunde", 1), ("minute", 60), ("min", 60), ("stunde", 3600), ("tag", 86400)],
    counted: &["anfrage", "anfragen", "anforderungen", "aufrufe", "aufruf", "limit", "grenze"],
};

const PORTUGUESE: Words = Words {
    code: "pt",
    name: "Portuguese",
    frequent: &["de", "o", "que", "os", "para", "uma", "com", "não"],
    required: &["obrigatório", "obrigatória", "sim", "necessário", "necessária"],
    optional: &["opcional", "não", "não obrigatório", "não obrigatória"],
    kinds: &[
        ("cadeia", Text),
        ("texto", Text),
        ("número inteiro", Integer),
        ("inteiro", Integer),
        ("número", Number),
        ("booleano", Boolean),
        ("matriz", Array),
        ("lista", Array),
        ("objeto", Object),
    ],
    null: &["nulo", "nula"],
    request: &["solicitação", "requisição", "corpo"],
    response: &["resposta", "respostas"],
    error: &["erro", "erros"],
    locations: &[("caminho", "path"), ("consulta", "query"), ("cabeçalho", "header")],
    per: &["por", "a cada", "em"],
    units: &[("segundo", 1), ("minuto", 60), ("min", 60), ("hora", 3600), ("dia", 86400)],
    counted: &["solicitação", "solicitações", "requisição", "requisições", "chamada", "chamadas", "limite", "limites"],
};

const JAPANESE: Words = Words {
    code: "ja",
    name: "Japanese",
    frequent: &["の", "を", "は", "に", "が", "です", "ます", "する"],
    required: &["必須", "はい"],
    optional: &["任意", "オプション", "いいえ", "省略可"],
    kinds: &[
        ("文字列", Text),
        ("整数", Integer),
        ("数値", Number),
        ("真偽値", Boolean),
        ("ブール", Boolean),
        ("配列", Array),
        ("オブジェクト", Object),
    ],
    null: &["null"],
    request: &["リクエスト", "要求"],
    response: &["応答", "レスポンス"],
    error: &["エラー"],
    locations: &[("パス", "path"), ("クエリ", "query"), ("ヘッダ", "header")],
    per: &[],
    units: &[],
    counted: &[],
};

const KOREAN: Words = Words {
    code: "ko",
    name: "Korean",
    frequent: &["이", "를", "은", "에", "니다", "하는", "합니다", "있"],
    required: &["필수", "예"],
    optional: &["선택", "선택 사항", "선택사항", "아니요", "아니오"],
    kinds: &[
        ("문자열", Text),
        ("정수", Integer),
        ("숫자", Number),
        ("부울", Boolean),
        ("불리언", Boolean),
        ("배열", Array),
        ("객체", Object),
        ("개체", Object),
    ],
    null: &["null"],
    request: &["요청"],
    response: &["응답"],
    error: &["오류", "에러"],
    locations: &[("경로", "path"), ("쿼리", "query"), ("헤더", "header")],
    per: &[],
    units: &[],
    counted: &[],
};

const CHINESE: Words = Words {
    code: "zh",
    name: "Chinese",
    frequent: &["的", "是", "在", "了", "和", "您", "请", "为"],
    required: &["必填", "必需", "必须", "是"],
    optional: &["可选", "选填", "否"],
    kinds: &[
        ("字符串", Text),
        ("整数", Integer),
        ("整型", Integer),
        ("数字", Number),
        ("布尔", Boolean),
        ("数组", Array),
        ("对象", Object),
    ],
    null: &["null"],
    request: &["请求"],
    response: &["响应", "返回"],
    error: &["错误"],
    locations: &[("路径", "path"), ("查询", "query"), ("请求头", "header")],
    per: &[],
    units: &[],
    counted: &[],
};

const OTHER: Words = Words {
    code: "",
    name: "another language",
    frequent: &[],
    required: &[],
    optional: &[],
    kinds: &[],
    null: &[],
    request: &[],
    response: &[],
    error: &[],
    locations: &[],
    per: &[],
    units: &[],
    counted: &[],
};

/// The words for required and optional, in all languages.
static REQUIRED: LazyLock<Vec<(&str, bool)>> = LazyLock::new(|| {
    let words = Language::ALL.iter().map(|language| language.words());
    words
        .flat_map(|words| {
            let required = words.required.iter().map(|word| (*word, true));
            required.chain(words.optional.iter().map(|word| (*word, false)))
        })
        .collect()
});

impl Language {
    /// All languages that have words.
    pub const ALL: &'static [Language] = &[
        Language::English,
        Language::Spanish,
        Language::French,
        Language::German,
        Language::Portuguese,
        Language::Japanese,
        Language::Korean,
        Language::Chinese,
    ];

    fn words(self) -> &'static Words {
        match self {
            Language::English => &ENGLISH,
            Language::Spanish => &SPANISH,
            Language::French => &FRENCH,
            Language::German => &GERMAN,
            Language::Portuguese => &PORTUGUESE,
            Language::Japanese => &JAPANESE,
            Language::Korean => &KOREAN,
            Language::Chinese => &CHINESE,
            Language::Other => &OTHER,
        }
    }

    /// The language of a code such as `es`, without a region.
    pub fn of_code(code: &str) -> Language {
        Language::ALL.iter().copied().find(|language| language.words().code == code).unwrap_or(Language::Other)
    }

    /// The name of the language in English.
    pub fn name(self) -> &'static str {
        self.words().name
    }

    /// The language of a text, by its most frequent words.
    pub fn of(text: &str) -> Language {
        // The beginning is enough.
        let end = text.char_indices().nth(4000).map_or(text.len(), |(at, _)| at);
        let text = text[..end].to_lowercase();
        let is_cjk = |letter: char| {
            ('\u{3040}'..='\u{30ff}').contains(&letter)
                || ('\u{4e00}'..='\u{9fff}').contains(&letter)
                || ('\u{ac00}'..='\u{d7a3}').contains(&letter)
        };
        if text.chars().filter(|letter| is_cjk(*letter)).count() * 10 > text.len() / 4 {
            let has = |from: char, to: char| text.chars().filter(|letter| (from..=to).contains(letter)).count();
            let (kana, hangul) = (has('\u{3040}', '\u{30ff}'), has('\u{ac00}', '\u{d7a3}'));
            return match (kana > 0 && kana >= hangul, hangul > 0) {
                (true, _) => Language::Japanese,
                (false, true) => Language::Korean,
                (false, false) => Language::Chinese,
            };
        }
        let words: Vec<&str> = text.split(|letter: char| !letter.is_alphabetic()).collect();
        let count = |language: &&Language| words.iter().filter(|word| language.words().frequent.contains(word)).count();
        let best = Language::ALL.iter().rev().max_by_key(count);
        best.copied().unwrap_or(Language::English)
    }

    /// The words between a number of requests and the period.
    pub fn per(self) -> &'static [&'static str] {
        self.words().per
    }

    /// Units of time, in seconds. Longer words come before their prefixes.
    pub fn units(self) -> &'static [(&'static str, u64)] {
        self.words().units
    }

    /// The length of a unit of time in seconds.
    pub fn seconds(self, unit: &str) -> Option<u64> {
        self.units().iter().find(|(word, _)| *word == unit).map(|(_, seconds)| *seconds)
    }

    /// Whether a sentence counts requests, and not other events.
    pub fn counts(self, sentence: &str) -> bool {
        sentence.split(|letter: char| !letter.is_alphabetic()).any(|word| self.words().counted.contains(&word))
    }

    /// The word that this repository's own pages use for required or optional.
    pub fn required_word(self, required: bool) -> &'static str {
        let words = self.words();
        let own = if required { words.required } else { words.optional };
        match (own.first(), required) {
            (Some(word), _) => word,
            (None, true) => "required",
            (None, false) => "optional",
        }
    }

    /// The word for a kind.
    pub fn kind_word(self, kind: Kind) -> &'static str {
        let word = |words: &Words| words.kinds.iter().find(|(_, known)| *known == kind).map(|(word, _)| *word);
        word(self.words()).or_else(|| word(&ENGLISH)).unwrap_or_default()
    }

    /// The type that a cell such as `String (UUID) or null` gives.
    pub fn kind(self, cell: &str) -> Option<Kind> {
        let cell = cell.trim().to_lowercase();
        let begins = |word: &str| {
            cell.strip_prefix(word).is_some_and(|rest| {
                !word.is_ascii() && !word.starts_with(|letter: char| letter.is_alphabetic() && letter < '\u{3000}')
                    || !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '-')
            })
        };
        let of =
            |language: Language| language.words().kinds.iter().find(|(word, _)| begins(word)).map(|(_, kind)| *kind);
        of(self).or_else(|| Language::ALL.iter().copied().find_map(of))
    }

    /// Whether a cell says that a value may be null.
    pub fn may_be_null(self, cell: &str) -> bool {
        let cell = cell.to_lowercase();
        let says =
            |words: &Words| cell.split(|letter: char| !letter.is_alphanumeric()).any(|word| words.null.contains(&word));
        says(self.words()) || says(&ENGLISH)
    }
}

/// Whether a cell consists of words that mean required, or optional.
pub fn required(cell: &str) -> Option<bool> {
    let cell = cell.trim().trim_matches(['*', '(', ')', '.', '!', '<', '>', ',']).trim().to_lowercase();
    REQUIRED.iter().find(|(word, _)| *word == cell).map(|(_, required)| *required)
}

/// The same, only for unambiguous words: not for a mere yes or no.
pub fn strongly_required(word: &str) -> Option<bool> {
    const WEAK: [&str; 26] = [
        "yes",
        "no",
        "true",
        "false",
        "y",
        "n",
        "sí",
        "si",
        "oui",
        "non",
        "ja",
        "nein",
        "sim",
        "não",
        "はい",
        "いいえ",
        "예",
        "아니요",
        "아니오",
        "是",
        "否",
        "✓",
        "✔",
        "✔️",
        "✅",
        "✗",
    ];
    let word = word.trim().trim_matches(['*', '(', ')', '.', ',']).to_lowercase();
    if WEAK.contains(&word.as_str()) || ["✘", "❌"].contains(&word.as_str()) { None } else { required(&word) }
}

/// Whether a text contains one of some words, or one of some parts: for languages without spaces between words.
fn says(text: &str, words: &[&str], parts: &[&str]) -> bool {
    let text = text.to_lowercase();
    text.split(|letter: char| !letter.is_alphanumeric()).any(|word| words.contains(&word))
        || parts.iter().any(|part| text.contains(part))
}

/// Whether a label describes an object in general, or marks something as deprecated.
pub fn is_of_object(label: &str) -> bool {
    const WORDS: [&str; 9] =
        ["object", "objects", "objeto", "objet", "objekt", "deprecated", "obsolete", "veraltet", "obsoleto"];
    const PARTS: [&str; 4] = ["オブジェクト", "객체", "对象", "非推奨"];
    says(label, &WORDS, &PARTS)
}

/// Whether a label announces parameters.
pub fn is_of_parameters(label: &str) -> bool {
    const PARTS: [&str; 9] = [
        "parameter",
        "parámetro",
        "paramètre",
        "parâmetro",
        "パラメータ",
        "매개변수",
        "파라미터",
        "参数",
        "query string",
    ];
    says(label, &[], &PARTS)
}

/// Whether a head is that of a column of removed things.
pub fn is_of_past(head: &str) -> bool {
    const WORDS: [&str; 8] = ["removed", "deprecated", "old", "former", "renamed", "replaced", "obsolete", "eliminado"];
    says(head, &WORDS, &[])
}

/// Whether a label says that the following is deliberately wrong.
pub fn is_of_mistake(label: &str) -> bool {
    const WORDS: [&str; 6] = ["invalid", "wrong", "incorrect", "malformed", "bad", "don"];
    says(label, &WORDS, &[])
}

/// Whether a head is that of a column of types.
pub fn is_type_head(head: &str) -> bool {
    const WORDS: [&str; 4] = ["type", "typ", "tipo", "datatype"];
    const PARTS: [&str; 7] = ["datentyp", "データ型", "型", "タイプ", "유형", "타입", "类型"];
    says(head, &WORDS, &PARTS)
}

/// Whether a head is that of a column of defaults.
pub fn is_default_head(head: &str) -> bool {
    const PARTS: [&str; 10] = [
        "default",
        "standard",
        "défaut",
        "predeterminado",
        "por defecto",
        "padrão",
        "デフォルト",
        "既定",
        "기본",
        "默认",
    ];
    says(head, &[], &PARTS)
}

/// The location that a heading gives for the parameters below it.
pub fn location(heading: &str) -> Option<&'static str> {
    let heading = heading.to_lowercase();
    let words: Vec<&str> = heading.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
    let says = |word: &str| if word.is_ascii() { words.contains(&word) } else { heading.contains(word) };
    let of = |language: &Language| language.words().locations.iter().find(|(word, _)| says(word)).map(|(_, at)| *at);
    Language::ALL.iter().find_map(of)
}

/// Whether a label announces a body, without saying of what.
pub fn is_of_any_body(label: &str) -> bool {
    const WORDS: [&str; 6] = ["body", "payload", "corps", "cuerpo", "corpo", "input"];
    let label = label.to_lowercase();
    let words = label.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let (bodies, others): (Vec<&str>, Vec<&str>) = words.partition(|word| WORDS.contains(word));
    !bodies.is_empty() && role(&others.join(" ")).is_none()
}

/// The role that a heading or a label announces.
pub fn role(label: &str) -> Option<Role> {
    let label = label.to_lowercase();
    let words: Vec<&str> = label.split(|letter: char| !letter.is_alphanumeric()).collect();
    let says = |own: fn(&Words) -> &'static [&'static str]| {
        Language::ALL.iter().any(|language| {
            own(language.words()).iter().any(|word| {
                let is_written_together = word.chars().next().is_some_and(|first| first >= '\u{3000}');
                // `Fehlerantwort`, `Anfragetext`.
                let is_part = |known: &&str| known.starts_with(word) || known.ends_with(word);
                match (is_written_together, *language) {
                    (true, _) => label.contains(word),
                    (false, Language::German) if word.len() > 5 => words.iter().any(is_part),
                    (false, _) => words.contains(word),
                }
            })
        })
    };
    if says(|words| words.error) {
        Some(Role::Error)
    } else if says(|words| words.response) {
        Some(Role::Response)
    } else {
        says(|words| words.request).then_some(Role::Request)
    }
}

/// Whether a heading or a label announces responses, including errors.
pub fn is_of_answers(label: &str) -> bool {
    matches!(role(label), Some(Role::Response | Role::Error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_any_language() {
        for (language, cell, expected) in [
            (Language::English, "String (UUID)", Some(Kind::String)),
            (Language::English, "Integer or null", Some(Kind::Integer)),
            (Language::English, "Array of strings", Some(Kind::Array)),
            (Language::English, "Interest", None),
            (Language::English, "Whatever", None),
            (Language::Spanish, "Cadena (fecha y hora) o nulo", Some(Kind::String)),
            (Language::Spanish, "Número entero", Some(Kind::Integer)),
            (Language::Spanish, "Número", Some(Kind::Number)),
            (Language::Japanese, "文字列（UUID）", Some(Kind::String)),
            (Language::Korean, "문자열", Some(Kind::String)),
            (Language::Chinese, "整数", Some(Kind::Integer)),
            (Language::French, "Chaîne de caractères", Some(Kind::String)),
            (Language::German, "Ganzzahl", Some(Kind::Integer)),
            (Language::Other, "string", Some(Kind::String)),
        ] {
            assert_eq!(language.kind(cell), expected, "{cell}");
        }
        assert!(Language::English.may_be_null("String or null") && !Language::English.may_be_null("nullify"));
        for language in Language::ALL {
            for kind in [Kind::String, Kind::Integer, Kind::Number, Kind::Boolean, Kind::Array, Kind::Object] {
                assert_eq!(language.kind(language.kind_word(kind)), Some(kind));
            }
            for is_required in [true, false] {
                assert_eq!(required(language.required_word(is_required)), Some(is_required));
            }
        }
    }

    #[test]
    fn required_and_optional_are_read() {
        for (cell, expected) in [
            ("Required*", Some(true)),
            ("**Obligatoire**", Some(true)),
            ("必須", Some(true)),
            ("No", Some(false)),
            ("nicht erforderlich", Some(false)),
            ("Required for `add`", None),
            ("", None),
        ] {
            assert_eq!(required(cell), expected, "{cell}");
        }
    }

    #[test]
    fn no_word_has_two_meanings() {
        for (word, is_required) in REQUIRED.iter() {
            assert!(!REQUIRED.iter().any(|(other, says)| word == other && is_required != says), "{word}");
        }
    }

    #[test]
    fn labels_name_their_role() {
        for (label, expected) in [
            ("Request body", Some(Role::Request)),
            ("**Response:**", Some(Role::Response)),
            ("Error response", Some(Role::Error)),
            ("Beispielantwort", Some(Role::Response)),
            ("Anfrage-Header", Some(Role::Request)),
            ("Fehlerantwort", Some(Role::Error)),
            ("Verantwortung", None),
            ("Antwort", Some(Role::Response)),
            ("リクエスト例", Some(Role::Request)),
            ("Things", None),
        ] {
            assert_eq!(role(label), expected, "{label}");
        }
        assert_eq!((location("Path parameters"), location("パスパラメータ")), (Some("path"), Some("path")));
    }

    #[test]
    fn the_language_of_a_page_is_recognised() {
        for (text, language) in [
            ("Utiliza este punto final para desencadenar una sincronización de la integración.", Language::Spanish),
            ("Use this endpoint to trigger a sync of the integration.", Language::English),
            (
                "Utilisez ce point de terminaison pour déclencher une synchronisation dans les intégrations.",
                Language::French,
            ),
            ("Verwende diesen Endpunkt, um die Synchronisation der Integration auszulösen.", Language::German),
            ("このエンドポイントを使用して、同期をトリガーします。", Language::Japanese),
            ("이 엔드포인트를 사용하여 동기화를 트리거합니다.", Language::Korean),
            ("使用此端点来触发同步。", Language::Chinese),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(text), language, "{text}");
        }
    }
}
