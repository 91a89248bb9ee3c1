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
    let languages = languages(project, folder, unread);
    let mut pages = vec![read_language(project, Language::English, folder, &languages, unread)];
    for language in &languages {
        if let Some(known) = language_of(language) {
            pages.push(read_language(project, known, &format!("{folder}/{language}"), &[], unread));
        }
    }
    pages.into_iter().flatten().collect()
}

/// The folders that are named after a language, of which one that is not known is told.
fn languages(project: &Project, folder: &str, unread: &mut Vec<String>) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(project.root.join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_language_tag(name))
        .collect();
    names.sort();
    for name in names.iter().filter(|name| language_of(name).is_none()) {
        if names_of_pages(&project.root.join(folder).join(name), "", &[]).is_ok_and(|pages| !pages.is_empty()) {
            let known: Vec<&str> = Language::ALL.iter().map(|language| language.code()).collect();
            unread.push(format!(
                "{folder}/{name} is no language that pages are read in ({}); its pages were not compared",
                known.join(", ")
            ));
        }
    }
    names
}

/// Whether a folder is named after a language: `es`, `pt-BR`.
fn is_language_tag(name: &str) -> bool {
    let (language, region) = name.split_once('-').map_or((name, None), |(language, region)| (language, Some(region)));
    language.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// The language that a folder holds pages of, beside those of the contract's own.
fn language_of(name: &str) -> Option<Language> {
    let known = Language::ALL.iter().copied();
    known.filter(|language| *language != Language::English).find(|language| language.code() == name)
}

/// Whether a file is a page. What begins with a dot belongs to an editor or a system.
fn is_page(name: &str) -> bool {
    (name.ends_with(".md") || name.ends_with(".mdx")) && !name.starts_with('.')
}

/// The paths of all pages below a folder, however deep, without the folders that are left out at its top.
pub fn names_of_pages(folder: &Path, prefix: &str, left_out: &[String]) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)?.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !name.starts_with('.') && !left_out.contains(&name) {
                names.extend(names_of_pages(&entry.path(), &format!("{path}/"), &[]).unwrap_or_default());
            }
        } else if is_page(&name) {
            names.push(path);
        }
    }
    names.sort();
    Ok(names)
}

fn read_language(
    project: &Project,
    language: Language,
    folder: &str,
    left_out: &[String],
    unread: &mut Vec<String>,
) -> Option<Pages> {
    let names = names_of_pages(&project.root.join(folder), "", left_out);
    let names = names.map_err(|error| unread.push(format!("{folder} cannot be read: {error}"))).ok()?;
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
