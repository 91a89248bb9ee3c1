//! Tables and lists of parameters and fields.

use serde_json::Value;

use super::api::{Api, Location, Operation, Parameter};
use super::page::{Page, Target, TargetKind, What};
use super::pick::{one_of, pick};
use super::scalar::is_of;
use super::schema::Flat;
use super::words::Words;

/// The columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// Parameter, required, type, description; names as code.
    RequiredFirst,
    /// Attributes, type with a component that says what is required, description.
    InType,
    /// Name, type, required as yes or no, description.
    YesOrNo,
    /// Name, type, required, default, description.
    WithDefault,
    /// Parameter, type, optional as yes or no, description; names emphasised.
    Optional,
    /// Field with an asterisk if required, type, description.
    Asterisk,
    /// No table: a list.
    List,
    /// Name, type, description, of an answer.
    Answered,
}

/// A row as the contract would have it.
pub struct Row {
    pub target: Target,
    pub kinds: Vec<String>,
    pub format: Option<String>,
    pub default: Option<Value>,
    pub values: Vec<Value>,
    pub deprecated: bool,
    pub is_nullable: bool,
}

impl Api {
    fn row(&self, target: Target, deprecated: bool) -> Row {
        let schema = target.schema.clone();
        let flat = self.flat(&schema);
        let is_known = !flat.is_unclear && flat.alternatives.is_none();
        let kinds = self.kinds(&schema);
        let is_plain = |value: &Value| match value {
            Value::String(text) => !text.is_empty() && text.len() < 30 && !text.contains(['|', '`', '\n', '<', '{']),
            value => value.is_number() || value.is_boolean(),
        };
        let default = self
            .said(&flat, "default")
            .next()
            .filter(|value| is_known && is_plain(value) && kinds.len() == 1 && is_of(value, &kinds[0]));
        let values = flat.values.clone().unwrap_or_default();
        let are_plain = is_known && values.len() < 9 && values.iter().all(|value| value.is_string() && is_plain(value));
        let format = self.said(&flat, "format").find_map(Value::as_str).filter(|_| kinds == ["string"]);
        Row {
            kinds,
            format: format.map(str::to_owned),
            default: default.cloned(),
            values: if are_plain { values } else { Vec::new() },
            deprecated,
            is_nullable: self.is_nullable(&flat),
            target,
        }
    }

    fn is_nullable(&self, flat: &Flat) -> bool {
        let has_null = |kind: &Value| kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
        self.said(flat, "nullable").any(|is| *is == true) || self.said(flat, "type").any(has_null)
    }

    pub fn parameter_rows(&self, operation: &Operation, location: Location) -> Vec<Row> {
        let here = |parameter: &&Parameter| parameter.location == location;
        let row = |parameter: &Parameter| {
            let target = Target {
                table: 0,
                kind: TargetKind::Parameter(location),
                name: parameter.name.clone(),
                owner: Some(parameter.at.clone()),
                schema: parameter.schema.clone(),
                required: parameter.required,
                stated: None,
            };
            let mut row = self.row(target, parameter.deprecated);
            if parameter.has_content {
                row.kinds = Vec::new();
            }
            row
        };
        operation.parameters.iter().filter(here).map(row).collect()
    }

    pub fn field_rows(&self, flat: &Flat, kind: TargetKind) -> Vec<Row> {
        let is_shown = |field: &&super::schema::Field| match kind {
            TargetKind::Answered => !field.write_only,
            _ => !field.read_only,
        };
        let row = |field: &super::schema::Field| {
            let target = Target {
                table: 0,
                kind,
                name: field.name.clone(),
                owner: field.owner.clone(),
                schema: field.at.clone(),
                required: field.required,
                stated: None,
            };
            self.row(target, field.deprecated)
        };
        flat.fields.iter().filter(is_shown).map(row).collect()
    }
}

/// The type of a row in words.
fn type_of(row: &Row, words: &Words, columns: Columns, seed: &str) -> String {
    if row.kinds.is_empty() {
        return "JSON".into();
    }
    if row.format.as_deref() == Some("binary") {
        return "File".into();
    }
    let is_lower = matches!(columns, Columns::YesOrNo | Columns::WithDefault | Columns::Asterisk | Columns::Answered);
    let name = |kind: &String| {
        let word = words.kind(kind);
        if is_lower && words.folder.is_empty() { word.to_lowercase() } else { word.to_owned() }
    };
    let all: Vec<String> = row.kinds.iter().map(name).collect();
    let mut text = all.join(&format!(" {} ", words.or));
    if let Some(format @ ("uuid" | "date" | "date-time" | "email")) = row.format.as_deref()
        && pick(&format!("{seed}{}", row.target.name), 3) == 0
    {
        text = format!("{text} ({format})");
    }
    if row.is_nullable && pick(&format!("{seed}{} null", row.target.name), 3) == 0 {
        text = format!("{text} {} `null`", words.or);
    }
    text
}

/// Writes rows as a table, or as a list.
pub fn write(page: &mut Page, rows: &[Row], columns: Columns, words: &Words, seed: &str) {
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.target.name.contains(['|', '`', '*', ' '])).collect();
    if rows.is_empty() {
        return;
    }
    page.tables += 1;
    if columns != Columns::List {
        let head = header(columns, &rows, words);
        page.line(&format!("| {} |", head.join(" | ")));
        let rule = one_of(seed, &["---", "-----", ":----"]);
        page.line(&format!("| {} |", vec![rule; head.len()].join(" | ")));
    }
    for row in rows {
        let start = page.text.len();
        let mut target = row.target.clone();
        target.table = page.tables;
        target.stated = match columns {
            Columns::Answered => None,
            Columns::Asterisk => target.required.then_some(true),
            _ => Some(target.required),
        };
        line(page, row, &target, columns, words, seed);
        page.mark(What::Row(target), start);
    }
    page.put("\n");
}

fn header<'a>(columns: Columns, rows: &[&Row], words: &'a Words) -> Vec<&'a str> {
    let is_english = words.folder.is_empty();
    let is_parameter = rows.iter().all(|row| matches!(row.target.kind, TargetKind::Parameter(_)));
    let kind = if is_english { "Type" } else { words.data_type };
    let name = if is_english { "Name" } else { words.parameter };
    match columns {
        Columns::RequiredFirst => vec![words.parameter, words.required, words.data_type, words.description],
        Columns::InType => vec!["Attributes", kind, words.description],
        Columns::YesOrNo => vec![name, kind, words.required, words.description],
        Columns::WithDefault => vec![name, kind, words.required, "Default", words.description],
        Columns::Optional => vec![words.parameter, kind, "Optional", words.description],
        Columns::Asterisk if rows.iter().all(|row| row.target.kind == TargetKind::Parameter(Location::Query)) => {
            vec!["Query-String Field", kind, words.description]
        }
        Columns::Asterisk if is_parameter => vec!["Parameter Name", kind, words.description],
        Columns::Asterisk => vec!["Request Field", kind, words.description],
        Columns::Answered => vec![words.field, kind, words.description],
        Columns::List => Vec::new(),
    }
}

fn line(page: &mut Page, row: &Row, target: &Target, columns: Columns, words: &Words, seed: &str) {
    let required = if target.required { words.is_required } else { words.is_optional };
    let other = if target.required { words.is_optional } else { words.is_required };
    let yes = if target.required { words.yes } else { words.no };
    let other_yes = if target.required { words.no } else { words.yes };
    let kind = type_of(row, words, columns, seed);
    let named = |page: &mut Page, before: &str, after: &str| {
        page.put(before);
        page.fact(What::Name(target.clone()), &target.name);
        page.put(after);
    };
    let typed = |page: &mut Page| page.fact(What::Type(target.clone()), &kind);
    match columns {
        Columns::RequiredFirst => {
            named(page, "| `", "` | ");
            page.fact(What::Required(target.clone(), other), required);
            page.put(" | ");
            typed(page);
        }
        Columns::InType => {
            named(page, "| ", " | ");
            typed(page);
            page.put(" &nbsp &nbsp &nbsp");
            let marks = ["<Optional>**Optional**</Optional>", "<Required>**Required**</Required>"];
            let (is, is_not) = (marks[usize::from(target.required)], marks[usize::from(!target.required)]);
            page.fact(What::Required(target.clone(), is_not), is);
        }
        Columns::YesOrNo | Columns::WithDefault => {
            named(page, "| ", " | ");
            typed(page);
            page.put(" | ");
            page.fact(What::Required(target.clone(), other_yes), yes);
            if columns == Columns::WithDefault {
                page.put(" | ");
                if let Some(default) = &row.default {
                    let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                    page.put("`");
                    page.fact(What::Default(target.clone()), &text);
                    page.put("`");
                }
            }
        }
        Columns::Optional => {
            // Emphasis with underscores ends inside of nothing else.
            let is_emphasis = target.name.chars().all(char::is_alphanumeric);
            named(page, if is_emphasis { "| _" } else { "| `" }, if is_emphasis { "_ | " } else { "` | " });
            typed(page);
            page.put(" | ");
            page.fact(What::Required(target.clone(), yes), other_yes);
        }
        Columns::Asterisk => {
            named(page, "| ", "");
            page.fact(
                What::Required(target.clone(), if target.required { "" } else { "*" }),
                if target.required { "*" } else { "" },
            );
            page.put(" | ");
            typed(page);
        }
        Columns::Answered => {
            named(page, "| `", "` | ");
            typed(page);
        }
        Columns::List => {
            named(page, "- `", "` (");
            page.put(&format!("{}, {}): ", kind.to_lowercase(), required.to_lowercase()));
        }
    }
    page.put(if columns == Columns::List { "" } else { " | " });
    describe(page, row, target, columns, words);
    page.put(if columns == Columns::List { "\n" } else { " |\n" });
}

fn describe(page: &mut Page, row: &Row, target: &Target, columns: Columns, words: &Words) {
    page.put(&words.describe(&target.name));
    if row.deprecated {
        page.put(if words.folder.is_empty() { " **Deprecated.**" } else { " (deprecated)" });
    }
    if !row.values.is_empty() {
        page.put(&format!(" {} ", words.values));
        for (index, value) in row.values.iter().enumerate() {
            page.put(if index == 0 { "`" } else { ", `" });
            page.fact(What::Listed(target.clone(), value.clone()), value.as_str().unwrap_or_default());
            page.put("`");
        }
        page.put(".");
    }
    if let (Some(default), true, false) = (&row.default, words.folder.is_empty(), columns == Columns::WithDefault) {
        page.put(&format!(" Defaults to `{}`.", default.as_str().map_or_else(|| default.to_string(), str::to_owned)));
    }
}
