//! Claims about values in the sentences of table rows: the permitted values, and the default.

use std::sync::LazyLock;

use openapi_model::shape::AllOf;
use openapi_model::span::Spanned;
use regex::Regex;
use serde_json::Value as Json;

use super::about::About;
use super::shapes::Variants;
use crate::page::columns::Entry;
use crate::page::{Cell, Kind, Written, pattern};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The beginning of a list of all values.
static VALUES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)
        (?:\b(?:(?:possible|allowed|valid|accepted|supported|available)\ (?:values|options)(?:\ are|\ include)?
            |one\ of|options|either|can\ be|must\ be|enum)\b(?:\ the\ following(?:\ values)?)?
        |\bvalores\ (?:posibles|permitidos|v[áa]lidos|admitidos|aceptados|possíveis|aceitos)\b|\b(?:uno|um)\ (?:de|dos)\b
        |\bvaleurs\ (?:possibles|autorisées|acceptées|admises|valides)\b|\bl['’]une?\ (?:de|des)\b
        |\b(?:mögliche|erlaubte|gültige|zulässige)\ werte\b|\beiner?\ von\b
        |(?:使用できる|指定できる|有効な|可能な|許可される)値|次のいずれか
        |(?:가능한|허용되는|사용할\ 수\ 있는|유효한)\ 값|다음\ 중\ 하나
        |可选值|可能的?值|可用值|允许的?值|有效值|取值范围)
        \s*[:：]?\s*",
    )
});
/// A note between two values.
static GLOSS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\([^()]*\)"));
/// The beginning of a default.
static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)
        (?:\b(?:defaults?\ (?:to|is|value\ is|value)\b|defaults?\ ?:|by\ default\b|default\b)
        |\b(?:valor\ )?(?:por\ defecto|predeterminado)(?:\ es)?|\b(?:valor\ )?padrão(?:\ é)?
        |\b(?:valeur\ )?par\ défaut|\bstandard(?:wert|mäßig)(?:\ ist)?|\bstandard\ ?:
        |(?:デフォルト|既定)(?:値)?(?:は)?|기본값(?:은)?|默认值?(?:为|是)?)
        \s*[:：]?\s*",
    )
});

/// Compares the permitted values and the default in a row with the contract.
pub fn values(about: &About<'_, '_>, schemas: &[AllOf], entry: &Entry<'_>, name: &Spanned<String>) -> Vec<Finding> {
    let variants = Variants::of(about.basis.document(), schemas);
    let items = variants.items(0).filter(|_| variants.common_kind() == Some(Kind::Array));
    // The items of a list are often described as if they were the list.
    let items = items.map(|items| Variants::of(about.basis.document(), &items));
    let enumeration = variants.values().or_else(|| items.as_ref()?.values());
    let mut findings = Vec::new();
    for cell in &entry.row.cells {
        if let Some((known, span)) = &enumeration {
            let texts: Vec<String> = known.iter().map(|value| text(value)).collect();
            let listed = listed(cell);
            // A list without any known value is about something else.
            let is_of_it = listed.iter().any(|value| texts.contains(&value.value));
            let is_wrong = |value: &&Written<String>| {
                is_of_it
                    && !texts.contains(&value.value)
                    && !["null", "nil", "none"].contains(&value.to_lowercase().as_str())
            };
            for value in listed.iter().filter(is_wrong) {
                let message = format!("`{}` has no value `{}`", name.value, value.value);
                let here = about.page.place(&value.range, "the page says this");
                let finding = Finding::at(Rule::PageEnumExtra, here, message);
                let finding = finding.with(about.basis.place(*span, "these are the values"));
                findings.push(finding.help(format!("the contract has {}", texts.join(", "))));
            }
        }
    }
    if let Some(default) = variants.default() {
        let right = text(default);
        // A boolean may be described as `on` or `enabled`.
        let is_other_word =
            |said: &Written<String>| default.is_boolean() && !["true", "false"].contains(&said.value.as_str());
        let said = defaults(about, entry).into_iter().filter(|said| said.value != right && !is_other_word(said));
        for said in said {
            let message = format!(
                "the page says that `{}` defaults to `{}`, but the contract says `{right}`",
                name.value, said.value
            );
            let here = about.page.place(&said.range, "the page says this");
            let finding = Finding::at(Rule::PageDefault, here, message);
            findings.push(
                finding
                    .with(about.basis.place(name.span, "the contract says this"))
                    .help(format!("write `{right}`, or correct the contract")),
            );
        }
    }
    findings
}

/// A value as written on pages.
fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The code spans of a list that claims to be complete.
fn listed(cell: &Cell) -> Vec<Written<String>> {
    let Some(start) = VALUES.find(&cell.text).map(|found| found.end()) else { return Vec::new() };
    let rest = &cell.text[start..];
    let mut listed = Vec::new();
    let mut at = 0;
    for code in &cell.codes {
        let Some(found) = rest[at..].find(code.value.as_str()) else { continue };
        // Only a comma or a conjunction may be between two values.
        let plain = GLOSS.replace_all(&rest[at..at + found], "");
        let between = plain.trim_matches(|letter: char| letter.is_whitespace() || ",|/\"'(`、，".contains(letter));
        if !["", "or", "and", "oder", "und", "ou", "et", "o", "y", "e", "と", "または", "또는", "和", "或"]
            .contains(&between)
        {
            break;
        }
        listed.push(Written { value: code.trim_matches(['"', '\'', ',', ' ']).to_owned(), range: code.range.clone() });
        at += found + code.value.len();
    }
    if listed.len() > 1 { listed } else { Vec::new() }
}

/// The default according to a row: in a column of defaults, or in a code span after a word for it.
fn defaults(about: &About<'_, '_>, entry: &Entry<'_>) -> Vec<Written<String>> {
    if let Some(cell) = entry.default {
        let value = match cell.codes.as_slice() {
            [code] => code.clone(),
            _ => Written { value: cell.text.trim().to_owned(), range: cell.range.clone() },
        };
        let value = Written { value: value.trim_matches(['"', '\'']).to_owned(), range: value.range };
        return Some(value).filter(is_value).into_iter().collect();
    }
    let said = |cell: &Cell| {
        let found = DEFAULT.find(&cell.text)?;
        let rest = cell.text[found.end()..].trim_start_matches(['"', '\'']);
        if let Some(code) = cell.codes.iter().find(|code| rest.starts_with(code.value.as_str())) {
            return Some(Written { value: code.trim_matches(['"', '\'']).to_owned(), range: code.range.clone() });
        }
        // A number or a boolean, or a single word in parentheses: `(default: 50, max: 100)`.
        let before = cell.text[..found.start()].trim_end();
        let is_inside = before.is_empty() || before.ends_with(['(', ',']);
        let first = rest.split([',', ')', ' ', ';']).next().map(|word| word.trim_end_matches('.')).unwrap_or_default();
        let is_plain = first.parse::<f64>().is_ok() || ["true", "false"].contains(&first);
        let word =
            rest.split([',', ')']).next().filter(|word| (word.len() < rest.len() || before.is_empty()) && is_inside);
        let word = word.or(Some(first).filter(|_| is_plain))?;
        // The place, if the cell's source equals its text up to there.
        let text = about.page.source.text.get(cell.range.clone())?;
        let shown = &cell.text[found.start()..cell.text.len() - rest.len() + word.len()];
        let end = cell.range.start + text.find(shown)? + shown.len();
        let value = word.trim_matches(['"', '\'']).to_owned();
        Some(Written { value, range: end - word.len()..end })
    };
    // The described name itself may be `default_x`.
    entry.row.cells.iter().skip(1).filter_map(said).filter(is_value).collect()
}

/// Whether a text is a value, and not a word for none or a sentence.
fn is_value(said: &Written<String>) -> bool {
    let none = ["", "-", "–", "—", "none", "null", "n/a", "no", "nil"];
    !none.contains(&said.to_lowercase().as_str()) && !said.contains(' ')
}
