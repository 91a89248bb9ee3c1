//! The files that are pages: those in the contract's language, and one folder for each other language.

use std::path::Path;
use std::sync::Arc;

use apidrift_core::settings::Project;
use openapi_model::source::Source;

use crate::page::Language;

/// The pages of one language.
#[derive(Debug)]
pub struct Pages {
    /// The language.
    pub language: Language,
    /// The pages that could be read.
    pub sources: Vec<Arc<Source>>,
    /// Whether all of them could be read: a page is missing only then.
    pub are_complete: bool,
}

/// Reads the pages of all languages.
pub fn read(project: &Project, unread: &mut Vec<String>) -> Vec<Pages> {
    let Some(folder) = &project.layout.pages else { return Vec::new() };
    let folders = folders(project, folder, unread);
    folders.into_iter().filter_map(|(language, folder)| read_folder(project, language, &folder, unread)).collect()
}

/// The folders of all languages. Any other folder holds pages that nobody looks at.
fn folders(project: &Project, folder: &str, unread: &mut Vec<String>) -> Vec<(Language, String)> {
    let mut folders = vec![(Language::English, folder.to_owned())];
    let Ok(entries) = std::fs::read_dir(project.root.join(folder)) else {
        return folders;
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir() && holds_pages(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names {
        match Language::ALL.iter().find(|language| language.code() == name && **language != Language::English) {
            Some(language) => folders.push((*language, format!("{folder}/{name}"))),
            None => unread.push(format!(
                "{folder}/{name} is no language that pages are read in; its pages were not compared (xtask/check/src/page/words.rs has the languages)"
            )),
        }
    }
    folders
}

/// Whether a file is a page. What begins with a dot belongs to an editor or a system.
fn is_page(name: &str) -> bool {
    name.ends_with(".md") && !name.starts_with('.')
}

/// Whether there are pages in a folder, however deep.
fn holds_pages(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry)));
    named.any(|(name, entry)| match entry.file_type() {
        Ok(kind) if kind.is_dir() => !name.starts_with('.') && holds_pages(&entry.path()),
        _ => is_page(&name),
    })
}

fn read_folder(project: &Project, language: Language, folder: &str, unread: &mut Vec<String>) -> Option<Pages> {
    let entries = std::fs::read_dir(project.root.join(folder));
    let entries = entries.map_err(|error| unread.push(format!("{folder} cannot be read: {error}"))).ok()?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).filter(|name| is_page(name)).collect();
    names.sort();
    let (mut sources, mut are_complete) = (Vec::new(), true);
    for name in names {
        match project.read(&format!("{folder}/{name}")) {
            Ok(source) => sources.push(source),
            Err(reason) => {
                unread.push(reason);
                are_complete = false;
            }
        }
    }
    Some(Pages { language, sources, are_complete })
}
