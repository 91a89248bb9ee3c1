//! The files of a document, each read once when something first refers to it, and the targets of JSON pointers in them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::node::{self, Entry, Node, Parsed, Value};
use crate::problem::ProblemKind;
use crate::source::Source;
use crate::span::{FileId, Span};

/// The maximum number of files in a document; references into further files do not resolve.
const MAX_FILES: usize = 1024;

/// A node of a file.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The file.
    pub file: FileId,
    /// The node.
    pub node: &'a Node,
}

/// An entry of a mapping.
#[derive(Clone, Copy)]
pub struct EntryAt<'a> {
    pub entry: &'a Entry,
    pub value: At<'a>,
}

impl<'a> At<'a> {
    pub fn span(self) -> Span {
        Span::new(self.file, &self.node.range)
    }

    pub fn with(self, node: &'a Node) -> At<'a> {
        At { file: self.file, node }
    }

    /// The value of a key, unless it is null.
    pub fn get(self, key: &str) -> Option<At<'a>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// A key whose value is not null.
    pub fn entry(self, key: &str) -> Option<EntryAt<'a>> {
        self.node
            .entry(key)
            .map(|entry| EntryAt { entry, value: self.with(&entry.value) })
            .filter(|entry| !entry.value.is_null())
    }

    pub fn entries(self) -> impl Iterator<Item = EntryAt<'a>> {
        self.node.entries().iter().map(move |entry| EntryAt { entry, value: self.with(&entry.value) })
    }

    pub fn items(self) -> impl Iterator<Item = At<'a>> {
        self.node.items().iter().map(move |item| self.with(item))
    }

    pub fn is_null(self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    pub fn is_mapping(self) -> bool {
        matches!(self.node.value, Value::Object(_))
    }

    /// The address of the node, which identifies it.
    pub fn address(self) -> usize {
        std::ptr::from_ref(self.node) as usize
    }
}

impl<'a> EntryAt<'a> {
    pub fn key(self) -> &'a str {
        &self.entry.key
    }

    pub fn key_span(self) -> Span {
        Span::new(self.value.file, &self.entry.key_range)
    }
}

/// A file that was read.
pub struct File {
    pub source: Arc<Source>,
    pub parsed: Parsed,
    /// Its path, without avoidable `.` and `..`. `None` if it is only in memory.
    path: Option<PathBuf>,
}

/// Why a reference does not resolve.
#[derive(Debug, Clone)]
pub struct Unresolved {
    /// The reason, as a sentence without a full stop.
    pub reason: String,
    /// An existing name that is similar to the missing one.
    pub nearest: Option<String>,
    /// Whether the reference is circular.
    pub circular: bool,
}

impl Unresolved {
    pub fn new(reason: impl Into<String>) -> Unresolved {
        Unresolved { reason: reason.into(), nearest: None, circular: false }
    }

    pub fn kind(&self) -> ProblemKind {
        if self.circular { ProblemKind::CircularReference } else { ProblemKind::UnresolvedReference }
    }
}

/// All files of a document. References into it stay valid while files are added.
pub struct Files {
    slots: Vec<OnceCell<Box<File>>>,
    count: Cell<usize>,
    by_path: RefCell<HashMap<PathBuf, Result<FileId, Unresolved>>>,
}

impl Files {
    /// Starts with the opened file, which is in the folder `base` or only in memory.
    pub fn new(source: &Arc<Source>, parsed: Parsed, base: Option<&Path>) -> Files {
        let name = Path::new(&source.path).file_name().unwrap_or_default();
        let path = base.map(|base| normal(&base.join(name)));
        let files = Files {
            slots: (0..MAX_FILES).map(|_| OnceCell::new()).collect(),
            count: Cell::new(0),
            by_path: RefCell::default(),
        };
        let id = files.add(File { source: source.clone(), parsed, path: path.clone() });
        if let (Some(path), Some(id)) = (path, id) {
            files.by_path.borrow_mut().insert(path, Ok(id));
        }
        files
    }

    /// `None` if there are too many files.
    fn add(&self, file: File) -> Option<FileId> {
        let index = self.count.get();
        self.slots.get(index)?.set(Box::new(file)).ok()?;
        self.count.set(index + 1);
        u16::try_from(index).ok().map(FileId)
    }

    /// All files, the opened one first.
    pub fn all(&self) -> impl Iterator<Item = &File> {
        self.slots.iter().map_while(|slot| slot.get().map(Box::as_ref))
    }

    pub fn into_all(self) -> impl Iterator<Item = File> {
        self.slots.into_iter().map_while(|slot| slot.into_inner().map(|file| *file))
    }

    pub fn root(&self, id: FileId) -> Option<At<'_>> {
        self.file(id).map(|file| At { file: id, node: &file.parsed.node })
    }

    pub fn file(&self, id: FileId) -> Option<&File> {
        self.slots.get(usize::from(id.0))?.get().map(Box::as_ref)
    }

    /// The file at a relative path from another file.
    pub fn open(&self, from: FileId, relative: &str) -> Result<FileId, Unresolved> {
        let is_url = relative.split_once(':').is_some_and(|(scheme, _)| {
            scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        });
        if is_url || relative.starts_with("//") {
            return Err(Unresolved::new(format!("`{relative}` is a URL; only references to files are followed")));
        }
        if relative.starts_with('/') || Path::new(relative).is_absolute() {
            return Err(Unresolved::new(format!("`{relative}` is an absolute path; only relative paths are followed")));
        }
        let file = self.file(from).ok_or_else(|| Unresolved::new("its file is not known"))?;
        let Some(folder) = file.path.as_deref().and_then(Path::parent) else {
            let reason = format!("`{relative}` is another file, and this document was not read from a folder");
            return Err(Unresolved::new(reason));
        };
        let path = normal(&folder.join(relative));
        if let Some(known) = self.by_path.borrow().get(&path) {
            return known.clone();
        }
        let shown_folder = Path::new(&file.source.path).parent().unwrap_or(Path::new(""));
        let shown = normal(&shown_folder.join(relative)).display().to_string();
        // A device or a pipe may have no end.
        if std::fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Err(Unresolved::new(format!("`{shown}` is no file")));
        }
        let read = Source::read_as(&shown, &path).map_err(Unresolved::new).and_then(|source| {
            let parsed = node::read(&source.text).map_err(|malformed| {
                let (line, _) = source.line_column(malformed.range.start);
                Unresolved::new(format!("`{shown}`, line {line}: {}", malformed.message))
            })?;
            let file = File { source, parsed, path: Some(path.clone()) };
            self.add(file).ok_or_else(|| Unresolved::new(format!("the document has more than {MAX_FILES} files")))
        });
        self.by_path.borrow_mut().insert(path, read.clone());
        read
    }
}

/// A path without `.`, and without `..` if it can be resolved.
fn normal(path: &Path) -> PathBuf {
    let mut kept = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(kept.components().next_back(), Some(Component::Normal(_))) => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised() {
        assert_eq!(normal(Path::new("a/./b/../../../c")), PathBuf::from("../c"));
    }
}
