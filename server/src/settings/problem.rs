//! What is wrong with a configuration file: file, line, key, and what to do.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a configuration cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The file cannot be read.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "; name another file with --config, or see the README for one to start with"
            }
            _ => "",
        };
        let problem = Problem {
            line: None,
            key: String::new(),
            message: format!("the configuration cannot be read: {error}{hint}"),
        };
        ConfigError::of(path, vec![problem])
    }

    /// These problems of a file.
    pub fn of(path: &Path, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(|problem| problem.line);
        ConfigError { file: path.to_owned(), problems }
    }

    /// Everything that is wrong, in the order of the file.
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

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, counted from 1; nothing where it concerns the whole file.
    pub line: Option<(usize, usize)>,
    /// The key as a path, such as `integrations[0].source.table`.
    pub key: String,
    /// What is wrong and what to do. Never a value that may be a secret.
    pub message: String,
}

impl Problem {
    /// A problem with what stands at these bytes.
    pub fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Problem {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count()) + 1;
        Problem { line: Some((line, column)), key: key_at(text, &span), message: message.into() }
    }
}

/// The path of the innermost key whose name or value holds these bytes.
fn key_at(text: &str, span: &Range<usize>) -> String {
    let mut path = String::new();
    // What is malformed is known as far as it can be.
    let (document, _) = DeTable::parse_recoverable(text);
    descend(document.get_ref(), span, &mut path);
    if path.is_empty() { key_by_sight(text, span.start) } else { path }
}

/// The key on a line that is no TOML: the header above it, and the word that the line begins with.
fn key_by_sight(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let mut headers = text[..line_start].lines().map(str::trim).filter(|line| line.starts_with('['));
    let header = headers.next_back().map(|line| line.trim_matches(['[', ']'])).unwrap_or_default();
    let line = text[line_start..].lines().next().unwrap_or_default().trim_start();
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let word = &line[..line.find(|letter| !is_key(letter)).unwrap_or(line.len())];
    [header, word].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

fn descend(table: &DeTable<'_>, span: &Range<usize>, path: &mut String) {
    let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (name, value) in table {
        // A table's own span is its header, so what stands below it is found by looking.
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
