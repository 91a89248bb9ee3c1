//! The files that are pages, and the languages they are written in: that of a folder such as `es/` or `i18n/pt-BR/`, or of a
//! file such as `things.es.md`.

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
    /// Whether all of them could be read: a page is missing only then.
    pub are_complete: bool,
}

/// Reads the pages of all languages: those of files and folders that name none first.
pub fn read(project: &Project, unread: &mut Vec<String>) -> Vec<Pages> {
    let Some(folder) = &project.layout.pages else { return Vec::new() };
    let path = project.root.join(folder);
    if path.is_file() {
        let source = project.read(folder).map_err(|reason| unread.push(reason)).ok();
        let sources: Vec<Arc<Source>> = source.into_iter().collect();
        let are_complete = !sources.is_empty();
        return vec![Pages { language: most_frequent(&sources), sources, are_complete }];
    }
    let names = match names_of_pages(&path, "") {
        Ok(names) => names,
        Err(error) => {
            unread.push(format!("{folder} cannot be read: {error}"));
            return Vec::new();
        }
    };
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
    let pages = |(tag, (sources, are_complete)): (Option<String>, (Vec<Arc<Source>>, bool))| {
        let language = match &tag {
            Some(tag) => Language::of_code(tag.split(['-', '_']).next().unwrap_or_default()),
            None => most_frequent(&sources),
        };
        Pages { language, sources, are_complete }
    };
    editions.into_iter().map(pages).collect()
}

/// The language that most pages are written in.
fn most_frequent(sources: &[Arc<Source>]) -> Language {
    let mut counts: BTreeMap<Language, usize> = BTreeMap::new();
    for source in sources {
        *counts.entry(Language::of(&source.text)).or_default() += 1;
    }
    let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    best.map_or(Language::English, |(language, _)| language)
}

/// The language that the path of a page names.
fn language_tag(path: &str) -> Option<String> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let last = |separator| stem.rsplit_once(separator).map(|(_, tag)| tag).filter(|tag| is_language_tag(tag));
    let of_file = last('.').or_else(|| last('_'));
    let of_folder = || folders.split('/').find(|folder| is_language_tag(folder));
    of_file.or_else(of_folder).map(str::to_owned)
}

/// Whether a name is one of a language: `es`, `pt-BR`, `zh_CN`. Other names of two letters are names of folders.
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

/// Whether a file is a page. What begins with a dot belongs to an editor or a system.
fn is_page(name: &str) -> bool {
    let endings = [".md", ".mdx", ".markdown"];
    endings.iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.')
}

/// The paths of all pages below a folder, however deep.
pub fn names_of_pages(folder: &Path, prefix: &str) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)?.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !name.starts_with('.') && name != "node_modules" {
                names.extend(names_of_pages(&entry.path(), &format!("{path}/")).unwrap_or_default());
            }
        } else if is_page(&name) {
            names.push(path);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

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
