//! Problems with a configuration file: line, key, what is wrong and what to do.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::slips;
use crate::text::shell_path;
use crate::types::{absolute, folder, folder_problem, read_problem};

/// The configuration file where no other is named.
pub const DEFAULT_FILE: &str = "opencdi.toml";

/// Where it is on a machine that the service is installed on.
const INSTALLED_FILE: &str = "/etc/opencdi/opencdi.toml";

/// Why a configuration cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The file cannot be read.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound if path == Path::new("-") => {
                "standard input is not read; name a file with --config".into()
            }
            std::io::ErrorKind::NotFound => missing(path, Path::new(INSTALLED_FILE).exists()),
            _ => format!("the configuration cannot be read: {}", read_problem(path, error)),
        };
        let problem = Problem { line: None, key: String::new(), message };
        ConfigError::of(path, vec![problem])
    }

    /// The file is not UTF-8 text; `valid` is the text before the first character that is not.
    pub fn not_utf8(path: &Path, bytes: &[u8], valid: &str) -> ConfigError {
        // Every character of plain English is two bytes in UTF-16, one of which is zero.
        let (line, message) =
            if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
                (None, "this file is UTF-16 text, as Windows PowerShell writes it; save it as UTF-8")
            } else {
                (Some(place(valid, valid.len())), "this character is not UTF-8; save the file as UTF-8")
            };
        ConfigError::of(path, vec![Problem { line, key: String::new(), message: message.into() }])
    }

    /// These problems of a file.
    pub fn of(path: &Path, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(|problem| problem.line);
        ConfigError { file: path.to_owned(), problems }
    }

    /// All problems, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n       ")?;
            }
            write!(formatter, "{}", self.file.display())?;
            if let Some((line, column)) = problem.line {
                write!(formatter, ":{line}:{column}")?;
            }
            formatter.write_str(": ")?;
            if !problem.key.is_empty() {
                write!(formatter, "`{}`: ", problem.key)?;
            }
            formatter.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What to do about a file that is missing. The folder is named, because services and commands start in several.
fn missing(path: &Path, is_installed: bool) -> String {
    let is_default = path == Path::new(DEFAULT_FILE);
    let folder = if path.is_absolute() { String::new() } else { format!(" in {}", absolute(folder(path)).display()) };
    if is_default && is_installed {
        return format!("there is no such file{folder}; did you mean `--config {INSTALLED_FILE}`?");
    }
    let name_another = "with --config or OPENCDI_CONFIG";
    match folder_problem(path) {
        Some(problem) if !self::folder(path).exists() => return format!("{problem}; name another file {name_another}"),
        // A service seldom may write its own configuration.
        Some(_) => return format!("there is no such file{folder}; name another {name_another}"),
        None => {}
    }
    let file = if is_default { String::new() } else { format!(" {}", shell_path(path)) };
    format!(
        "there is no such file{folder}; name another {name_another}, or write one to start with: `cdi-server init{file}`"
    )
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, counted from 1; `None` if it concerns the whole file.
    pub line: Option<(usize, usize)>,
    /// The key as a path, such as `integrations[0].source.table` or `notify["on-call"].on`.
    pub key: String,
    /// What is wrong and what to do. Never a value that may be a secret.
    pub message: String,
}

impl Problem {
    /// A problem with the text at these bytes.
    pub fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem { line: Some(place(text, span.start)), key: Keys::of(text).at(text, &span), message: message.into() }
    }

    /// Problems with the texts at these bytes. The text is parsed once for all of them.
    pub fn all(text: &str, found: Vec<(Range<usize>, String)>) -> Vec<Problem> {
        let keys = Keys::of(text);
        let lines = Lines::of(text);
        let problem = |(span, message): (Range<usize>, String)| Problem {
            line: Some(lines.place(span.start)),
            key: keys.at(text, &span),
            message,
        };
        found.into_iter().map(problem).collect()
    }
}

/// The lines of a text.
struct Lines<'a> {
    text: &'a str,
    /// Where each begins; never empty.
    starts: Vec<usize>,
}

impl Lines<'_> {
    fn of(text: &str) -> Lines<'_> {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes());
        Lines { text, starts: std::iter::once(0).chain(ends.map(|end| end + 1)).collect() }
    }

    /// Line and column of an offset, counted from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let before = self.text.get(self.starts[line - 1]..offset);
        (line, before.map_or(0, |before| before.chars().count()) + 1)
    }
}

/// Line and column of an offset, counted from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    Lines::of(text).place(offset)
}

/// What is wrong with a text that is not TOML, or that does not have the expected values.
pub fn toml_problem(text: &str, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    if message.contains("invalid type: map, expected a sequence") {
        let mut problem = Problem::at(text, span, "");
        let name = problem.key.split('.').next().unwrap_or_default();
        problem.message = format!("write `[[{name}]]`, with two brackets, above each of them");
        return problem;
    }
    if let Some(explained) = slips::explained(text, &span, message) {
        return Problem::at(text, span, explained);
    }
    if !message.contains("duplicate key") {
        return Problem::at(text, span, plain_types(message));
    }
    let mut problem = Problem::at(text, span.clone(), "");
    let key = text.get(span.clone()).unwrap_or_default();
    let first = lines_of_table(text, span.start).find(|(_, line)| first_word(line) == key);
    let first = first.map_or(String::new(), |(line, _)| format!(", on line {line} too"));
    problem.message = format!("`{key}` is set twice{first}; keep one of them");
    problem
}

/// Messages of serde name Rust's types, and repeat values.
pub(super) fn plain_types(message: &str) -> String {
    let message = &without_text(message);
    let plain = [
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a string", "expected a text in quotes"),
        ("expected a sequence", "expected a list in `[` and `]`"),
        ("expected struct Email", "expected a table, `{ from = \"…\", smtp = … }`"),
        ("expected struct Webhook", "expected a table, `{ url = …, secret = … }`"),
    ]
    .into_iter()
    .fold(message.to_owned(), |message, (rust, plain)| message.replace(rust, plain));
    let needs_no_quotes = ["expected a whole number", "expected a number", "expected true or false"];
    if plain.starts_with("invalid value: integer `-") {
        return plain.replace("expected a whole number", "expected a whole number that is not negative");
    }
    if plain.contains("as i128") || plain.contains("as u128") {
        return "the number is too large".to_owned();
    }
    let is_text = plain.starts_with("invalid type: string");
    if is_text && needs_no_quotes.iter().any(|end| plain.ends_with(end)) {
        return format!("{plain}; remove the quotes");
    }
    plain
}

/// A message without the text that it repeats, which may be a secret where a table or a list should be.
fn without_text(message: &str) -> String {
    let is_harmless = ["a boolean", "u64", "f64"].iter().any(|expected| message.ends_with(expected));
    let repeated = message.strip_prefix("invalid type: string \"").and_then(|rest| rest.rsplit_once("\", expected "));
    match repeated {
        Some((_, expected)) if !is_harmless => format!("invalid type: a text, expected {expected}"),
        _ => message.to_owned(),
    }
}

/// The keys of a text; `None` if it is not TOML.
struct Keys<'a>(Option<Spanned<DeTable<'a>>>);

impl Keys<'_> {
    fn of(text: &str) -> Keys<'_> {
        let (document, errors) = DeTable::parse_recoverable(text);
        // The parser recovers by leaving out what it does not understand, which may be the very key.
        Keys(errors.is_empty().then_some(document))
    }

    /// The path of the innermost key whose name or value holds these bytes.
    fn at(&self, text: &str, span: &Range<usize>) -> String {
        let Some(document) = &self.0 else { return key_by_sight(text, span.start) };
        let mut path = String::new();
        descend(document.get_ref(), span, &mut path);
        named(document.get_ref(), &path).unwrap_or(path)
    }
}

/// A path below `notify[0]` with the name of the entry, which is what people know it by, instead of its index.
fn named(document: &DeTable<'_>, path: &str) -> Option<String> {
    let (index, below) = path.strip_prefix("notify[")?.split_once(']')?;
    let DeValue::Array(entries) = document.get("notify")?.get_ref() else { return None };
    let DeValue::Table(entry) = entries.get(index.parse::<usize>().ok()?)?.get_ref() else { return None };
    let DeValue::String(name) = entry.get("name")?.get_ref() else { return None };
    Some(format!("notify[{name:?}]{below}"))
}

/// The key on a line that is not TOML: the header above it, and the first word of the line.
fn key_by_sight(text: &str, offset: usize) -> String {
    let (number, _) = place(text, offset);
    let mut arrays = HashMap::new();
    let mut header = String::new();
    for line in text.lines().take(number).map(str::trim_start) {
        if let Some(name) = header_name(line) {
            if line.starts_with("[[") {
                *arrays.entry(name.to_owned()).or_insert(0) += 1;
            }
            header = with_indices(name, &arrays);
        }
    }
    let line = text.lines().nth(number - 1).unwrap_or_default();
    [header.as_str(), first_word(line)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// The name in a line such as `[server]`, closed or not.
fn header_name(line: &str) -> Option<&str> {
    let name = line.strip_prefix("[[").or_else(|| line.strip_prefix('['))?.trim_start();
    Some(&name[..name.find(|letter| !is_of_key(letter)).unwrap_or(name.len())])
}

/// `integrations.source` as `integrations[1].source`, where `integrations` was declared as an array twice so far.
fn with_indices(name: &str, arrays: &HashMap<String, usize>) -> String {
    let mut path = String::new();
    for (end, _) in name.match_indices('.').chain([(name.len(), "")]) {
        let part = name[..end].rsplit('.').next().unwrap_or_default();
        path.push_str(if path.is_empty() { "" } else { "." });
        path.push_str(part);
        if let Some(count) = arrays.get(&name[..end]) {
            path.push_str(&format!("[{}]", count - 1));
        }
    }
    path
}

/// The key that a line begins with.
fn first_word(line: &str) -> &str {
    let line = line.trim_start();
    &line[..line.find(|letter| !is_of_key(letter)).unwrap_or(line.len())]
}

fn is_of_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.".contains(letter)
}

/// The lines of the table that holds this offset, above it, with their numbers.
fn lines_of_table(text: &str, offset: usize) -> impl Iterator<Item = (usize, &str)> {
    let (number, _) = place(text, offset);
    let above: Vec<(usize, &str)> =
        text.lines().take(number - 1).enumerate().map(|(index, line)| (index + 1, line)).collect();
    let start = above.iter().rposition(|(_, line)| line.trim_start().starts_with('[')).unwrap_or(0);
    above.into_iter().skip(start)
}

fn descend(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (name, value) in table {
        // A table's own span is its header only, so its contents are searched too.
        let mut below = String::new();
        inside(value, span, &mut below);
        if below.is_empty() && !holds(name.span()) && !holds(value.span()) {
            continue;
        }
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name.get_ref());
        path.push_str(&below);
        return;
    }
}

/// The path below a value: `[0].name`, `.name` or nothing.
fn inside(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut String) {
    match value.get_ref() {
        DeValue::Table(table) => {
            let mut below = String::new();
            descend(table, span, &mut below);
            if !below.is_empty() {
                path.push('.');
                path.push_str(&below);
            }
        }
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut below = String::new();
                inside(item, span, &mut below);
                let outer = item.span();
                if !below.is_empty() || (outer.start <= span.start && span.end <= outer.end) {
                    path.push_str(&format!("[{index}]{below}"));
                    return;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_is_looked_for_elsewhere_or_written() {
        let here = absolute(Path::new("."));
        let here = here.display();
        assert_eq!(
            missing(Path::new(DEFAULT_FILE), false),
            format!(
                "there is no such file in {here}; name another with --config or OPENCDI_CONFIG, or write one to start with: `cdi-server init`"
            )
        );
        assert_eq!(
            missing(Path::new(DEFAULT_FILE), true),
            format!("there is no such file in {here}; did you mean `--config /etc/opencdi/opencdi.toml`?")
        );
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a b.toml");
        let said = missing(&path, true);
        assert!(said.starts_with("there is no such file; name another with --config"), "{said}");
        assert!(said.ends_with(&format!(": `cdi-server init '{}'`", path.display())), "{said}");
        // There, `init` could not write one either.
        let said = missing(&path.join("x.toml"), true);
        assert!(said.starts_with("there is no folder ") && !said.contains("init"), "{said}");
    }

    #[test]
    fn a_key_that_is_not_toml_is_found_by_its_line_and_header() {
        let text = "[[keys]]\nname = 1\n[[keys]]\n  name 2\n[integrations.source # open\nkind\n";
        let key = |part: &str| key_by_sight(text, text.find(part).unwrap());
        assert_eq!(key("name 2"), "keys[1].name");
        assert_eq!(key(" # open"), "integrations.source");
        assert_eq!(key("kind"), "integrations.source.kind");
        let text = "[[integrations]]\n[[integrations]]\n[integrations.source]\nkind";
        assert_eq!(key_by_sight(text, text.len()), "integrations[1].source.kind");
    }
}
