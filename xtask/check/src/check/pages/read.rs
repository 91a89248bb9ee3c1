//! Finds the page files and their languages: given by a folder such as `es/` or `i18n/pt-BR/`, or a file name such as
//! `things.es.md`.

use std::collections::BTreeMap;
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
    /// Whether all of them could be read: missing pages are reported only then.
    pub are_complete: bool,
}

/// Reads the pages of all languages, first those without a language in the path.
pub fn read(project: &Project, unread: &mut Vec<String>) -> Vec<Pages> {
    let Some(folder) = &project.layout.pages else { return Vec::new() };
    let path = project.root.join(folder);
    if path.is_file() {
        let source = project.read(folder).map_err(|reason| unread.push(reason)).ok();
        let sources: Vec<Arc<Source>> = source.into_iter().collect();
        let are_complete = !sources.is_empty();
        return vec![Pages { language: most_frequent(&sources), sources, are_complete }];
    }
    let names = match names_of_pages(&path) {
        Ok(names) => names,
        Err(reason) => {
            unread.push(format!("{folder} cannot be read: {reason}"));
            return Vec::new();
        }
    };
    if names.is_empty() {
        unread.push(format!("{folder} has no pages: no file in it ends in {}", ENDINGS.join(", ")));
    }
    let mut editions: BTreeMap<Option<String>, (Vec<Arc<Source>>, bool)> = BTreeMap::from([(None, (Vec::new(), true))]);
    for name in names {
        let edition = editions.entry(language_tag(&name).filter(|tag| tag != "en")).or_insert((Vec::new(), true));
        match project.read(&format!("{folder}/{name}")) {
            Ok(source) => edition.0.push(source),
            Err(reason) => {
                unread.push(reason);
                edition.1 = false;
            }
        }
    }
    // A folder whose name only looks like a language belongs to the others.
    let own = editions.get(&None).map_or(Language::English, |(sources, _)| most_frequent(sources));
    let is_none = |tag: &Option<String>, sources: &[Arc<Source>]| {
        let named = tag.as_deref().map(language_of);
        named == Some(Language::Other) && most_frequent(sources) == own
    };
    let misnamed: Vec<Option<String>> =
        editions.iter().filter(|(tag, (sources, _))| is_none(tag, sources)).map(|(tag, _)| tag.clone()).collect();
    for tag in misnamed {
        if let (Some((sources, are_complete)), Some(none)) = (editions.remove(&tag), editions.get_mut(&None)) {
            none.0.extend(sources);
            none.1 &= are_complete;
        }
    }
    let pages = |(tag, (sources, are_complete)): (Option<String>, (Vec<Arc<Source>>, bool))| {
        let language = match &tag {
            Some(tag) => language_of(tag),
            None => most_frequent(&sources),
        };
        Pages { language, sources, are_complete }
    };
    editions.into_iter().map(pages).collect()
}

/// The language of a tag such as `pt-BR`.
fn language_of(tag: &str) -> Language {
    Language::of_code(tag.split(['-', '_']).next().unwrap_or_default())
}

/// The path of a page without its language: equal for all editions of the page.
pub fn without_language(path: &str) -> String {
    let Some(tag) = language_tag(path) else { return path.to_owned() };
    let folders = path.split('/').filter(|folder| *folder != tag);
    let path = folders.collect::<Vec<_>>().join("/");
    path.replace(&format!(".{tag}."), ".").replace(&format!("_{tag}."), ".")
}

/// The language of most pages.
fn most_frequent(sources: &[Arc<Source>]) -> Language {
    let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
    for source in sources {
        *counts.entry(Language::of(&source.text)).or_default() += 1;
    }
    let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(Language::English, |(language, _)| language)
}

/// The language in the path of a page.
fn language_tag(path: &str) -> Option<String> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let last = |separator| stem.rsplit_once(separator).map(|(_, tag)| tag).filter(|tag| is_language_tag(tag));
    let of_file = last('.').or_else(|| last('_'));
    let of_folder = || folders.split('/').find(|folder| is_language_tag(folder));
    of_file.or_else(of_folder).map(str::to_owned)
}

/// Whether a name is a language tag: `es`, `pt-BR`, `zh_CN`. Other two-letter names are ordinary folders.
fn is_language_tag(name: &str) -> bool {
    const CODES: [&str; 36] = [
        "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id",
        "it", "ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sr", "sv", "th", "tr", "uk", "vi", "zh", "et",
    ];
    let (language, region) =
        name.split_once(['-', '_']).map_or((name, None), |(language, region)| (language, Some(region)));
    let is_region = |region: &str| {
        (2..=4).contains(&region.len())
            && region.starts_with(|first: char| first.is_ascii_uppercase())
            && region.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    CODES.contains(&language) && region.is_none_or(is_region)
}

/// The file extensions of pages, in any case.
const ENDINGS: [&str; 3] = [".md", ".mdx", ".markdown"];

/// Whether a file is a page. Names with a leading dot belong to editors or the system.
fn is_page(name: &str) -> bool {
    let lower = name.to_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending)) && !name.starts_with('.')
}

/// The paths of all pages below a folder, at any depth. Links are followed.
///
/// # Errors
///
/// What cannot be read: an unread page must not count as a page without errors.
pub fn names_of_pages(folder: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let shown = || if prefix.is_empty() { "its files".to_owned() } else { prefix.clone() };
        // A link may form a cycle.
        if !folder.canonicalize().is_ok_and(|folder| seen.insert(folder)) {
            if prefix.is_empty() {
                return Err("there is no such folder".to_owned());
            }
            continue;
        }
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", shown()))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", shown()))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let name = name.to_string_lossy();
                if is_page(&name) {
                    return Err(format!("the name of {prefix}{name} is not UTF-8"));
                }
                continue;
            };
            let path = format!("{prefix}{name}");
            let is_folder = entry.path().is_dir();
            if is_folder && !name.starts_with('.') && name != "node_modules" {
                open.push((entry.path(), format!("{path}/")));
            } else if !is_folder && is_page(name) {
                names.push(path);
            }
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_of_a_page_have_one_path() {
        for path in ["api/es/a.md", "api/a.es.md", "api/a_es.md", "es/api/a.md"] {
            assert_eq!(without_language(path), "api/a.md", "{path}");
        }
    }

    #[test]
    fn paths_name_the_language_of_a_page() {
        for (path, tag) in [
            ("es/a.md", Some("es")),
            ("i18n/pt-BR/api/a.md", Some("pt-BR")),
            ("api/a.zh_CN.md", Some("zh_CN")),
            ("api/a.zh-CN.md", Some("zh-CN")),
            ("api/a_fr.mdx", Some("fr")),
            ("api/a.ja.md", Some("ja")),
            ("db/a.md", None),
            ("api/list_all.md", None),
            ("a.md", None),
        ] {
            assert_eq!(language_tag(path).as_deref(), tag, "{path}");
        }
    }
}
