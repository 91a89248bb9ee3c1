//! A text file with its path, and conversions between bytes, lines and columns.
//!
//! Every file that is read for generating or checking is kept as a [`Source`], so that messages can point at places in
//! it.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Longer files are refused, because offsets are stored in 32 bits.
const MAX_LENGTH: u64 = 1 << 30;

/// The text of a file, with the path to show for it.
pub struct Source {
    /// The path for messages, relative to the repository if possible.
    pub path: String,
    /// The whole text.
    pub text: String,
    line_starts: Vec<usize>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Source({})", self.path)
    }
}

impl Source {
    /// Takes a text that is already in memory. A leading byte order mark is removed.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        let mut text = text.into();
        text.drain(..text.len() - without_mark(&text).len());
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Arc::new(Source { path: path.into(), text, line_starts })
    }

    /// Reads a file below `root`; its printed path is relative to `root`.
    pub fn read(root: &Path, file: &Path) -> Result<Arc<Source>, String> {
        let below = file.strip_prefix(root).unwrap_or(file);
        // For the folder itself the relative path is empty.
        let shown = if below.as_os_str().is_empty() { file } else { below }.display().to_string();
        Source::read_as(&shown, file)
    }

    /// Reads a file and shows it under another path.
    pub fn read_as(shown: &str, file: &Path) -> Result<Arc<Source>, String> {
        let failed = |error: std::io::Error| {
            let reason = match error.kind() {
                ErrorKind::NotFound => "there is no such file".to_owned(),
                ErrorKind::IsADirectory => "it is a folder".to_owned(),
                _ => error.to_string(),
            };
            format!("{shown} cannot be read: {reason}")
        };
        let length = std::fs::metadata(file).map_err(failed)?.len();
        if length > MAX_LENGTH {
            return Err(format!("{shown} cannot be read: it is longer than {MAX_LENGTH} bytes"));
        }
        let bytes = std::fs::read(file).map_err(failed)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(shown, text)),
            Err(error) => Err(format!(
                "{shown} is not UTF-8 text: the byte at offset {} is invalid",
                error.utf8_error().valid_up_to()
            )),
        }
    }

    /// Line and column of a byte, both counted from 1; columns count characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let start = self.line_starts[line];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }

    /// Its line ending.
    pub fn line_break(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// The bytes of a line (counted from 1), without its line break.
    pub fn line(&self, line: usize) -> Range<usize> {
        let start =
            line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied().unwrap_or(self.text.len());
        let length = self.text[start..].lines().next().map_or(0, str::len);
        start..start + length
    }
}

/// A text without a leading byte order mark.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// A byte range in a source, with a label.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// The bytes.
    pub range: Range<usize>,
    /// What is at this place, for readers of a message.
    pub label: String,
}

impl Place {
    /// A labelled place.
    pub fn new(source: &Arc<Source>, range: Range<usize>, label: impl Into<String>) -> Place {
        Place { source: source.clone(), range, label: label.into() }
    }
}
