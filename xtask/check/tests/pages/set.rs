//! All pages of an API in one manner, with what stands around them.

use std::collections::BTreeSet;

use super::about::words_of;
use super::api::{Api, Operation};
use super::manner::{Declaration, Manner, original};
use super::page::Page;
use super::pick::pick;
use super::section::Writing;

/// Pages, those of each edition together.
#[derive(Clone)]
pub struct Set {
    pub manner: &'static str,
    pub pages: Vec<Page>,
}

/// The pages of a manner, and the edition beside them if they are translated.
pub fn write(api: &Api, manner: &Manner) -> Set {
    let mut pages = Vec::new();
    if !manner.words.folder.is_empty() {
        pages.extend(edition(api, &original(manner)));
    }
    pages.extend(edition(api, manner));
    Set { manner: manner.name, pages }
}

fn slug(title: &str) -> String {
    let ascii = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let slug: String = title.chars().map(ascii).collect();
    let parts: Vec<&str> = slug.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

fn edition(api: &Api, manner: &Manner) -> Vec<Page> {
    let folder = match manner.words.folder {
        "" => "docs".to_owned(),
        folder => format!("docs/{folder}"),
    };
    let mut pages: Vec<Page> = Vec::new();
    let mut taken = BTreeSet::new();
    let mut path = |name: &str| {
        let slug = slug(name);
        let numbered = (1..).map(|number| if number == 1 { slug.clone() } else { format!("{slug}-{number}") });
        let free = numbered.into_iter().find(|slug| taken.insert(slug.clone())).unwrap_or_default();
        format!("{folder}/{free}.{}", manner.extension)
    };
    if manner.many {
        for group in groups(api) {
            let mut page = Page::new(path(&words_of(&group[0].group)), manner.words.folder);
            many(&mut page, api, manner, &group);
            pages.push(page);
        }
    } else {
        for operation in &api.operations {
            let mut page = Page::new(path(&operation.title), manner.words.folder);
            one(&mut page, api, manner, operation);
            pages.push(page);
        }
    }
    if manner.words.folder.is_empty() {
        pages.push(overview(api, &path("overview"), &pages));
        pages.push(changelog(&path("changelog")));
    }
    pages
}

/// Operations that share the beginning of their path, in pages of a length that people read.
fn groups(api: &Api) -> Vec<Vec<&Operation>> {
    let mut groups: Vec<Vec<&Operation>> = Vec::new();
    for operation in &api.operations {
        let belongs = |group: &&mut Vec<&Operation>| group[0].group == operation.group && group.len() < 15;
        match groups.iter_mut().find(belongs) {
            Some(group) => group.push(operation),
            None => groups.push(vec![operation]),
        }
    }
    groups
}

fn seed(api: &Api, manner: &Manner, operation: &Operation) -> String {
    // An edition in another language shows the same examples.
    let layout = format!("{:?}", manner.declaration);
    format!("{} {layout} {}", api.name, operation.call())
}

fn one(page: &mut Page, api: &Api, manner: &Manner, operation: &Operation) {
    match manner.declaration {
        Declaration::Liquid => {
            page.put("---\nnav_title: ");
            page.put(&format!("\"{}: {}\"\n", operation.method, operation.title));
            page.put("page_type: reference\n---\n{% api %}\n");
        }
        Declaration::TitledFence => {
            page.block("---\nsidebar_position: 2\n---");
            page.block("import Tabs from '@theme/Tabs';\nimport TabItem from '@theme/TabItem';");
        }
        _ => {}
    }
    let has_base = match manner.declaration {
        Declaration::TitledFence => true,
        _ => pick(&format!("{} {}", api.name, manner.name), 3) == 0,
    };
    let seed = seed(api, manner, operation);
    Writing { api, operation, manner, level: 1, has_base, seed: seed.clone() }.write(page);
    if pick(&format!("{seed} link"), 2) == 0 && manner.words.folder.is_empty() {
        let other = &api.operations[(operation.index + 1) % api.operations.len()];
        page.block(&format!("Once that works, have a look at [{}]({}.md) as well.", other.title, slug(&other.title)));
    }
    match manner.declaration {
        Declaration::Liquid => page.line("{% endapi %}"),
        Declaration::TitledFence => page.line(
            "export const Required = ({children}) => (\n  <span style={{color: \"#DC3309\"}}>\n    {children}\n  </span>\n);",
        ),
        _ => {}
    }
}

fn many(page: &mut Page, api: &Api, manner: &Manner, group: &[&Operation]) {
    let title = words_of(&group[0].group);
    page.heading(1, &format!("API / {title}"));
    let is_one_server = group.iter().all(|operation| operation.server == group[0].server);
    let mut has_base = pick(&format!("{} {} base", api.name, manner.name), 2) == 0;
    if manner.declaration == Declaration::HttpFence && is_one_server {
        page.block(&format!("**Base URL:** `{}`", group[0].server));
        has_base = false;
    }
    if manner.declaration == Declaration::Heading && manner.words.folder.is_empty() {
        index(page, manner, group, has_base);
    }
    if manner.declaration == Declaration::List {
        page.block("Please keep your key to yourself, and do not put it into code that others can read.");
    }
    for operation in group {
        let seed = seed(api, manner, operation);
        Writing { api, operation, manner, level: 2, has_base, seed: seed.clone() }.write(page);
        if pick(&format!("{seed} rule"), 3) == 0 {
            page.block("---");
        }
    }
}

/// A table of what is on the page.
fn index(page: &mut Page, manner: &Manner, group: &[&Operation], has_base: bool) {
    page.line("| Method | Endpoint | Description |");
    page.line("| :----- | :------- | :---------- |");
    for operation in group {
        let base = if has_base { &operation.base } else { "" };
        let path = format!("{base}{}", operation.path);
        let link = slug(&format!("{} {path}", operation.method));
        let shown = if pick(manner.name, 2) == 0 || path.contains(['[', ']']) {
            format!("`{path}`")
        } else {
            format!("[{path}](#{link})")
        };
        page.line(&format!("| {} | {shown} | {}. |", operation.method, operation.title));
    }
    page.block("\n______________________________________________________________________");
}

fn overview(api: &Api, path: &str, pages: &[Page]) -> Page {
    let mut page = Page::new(path.to_owned(), "");
    page.heading(1, "Overview");
    page.block("This is the reference of the API. It speaks JSON in most places, and HTTPS everywhere.");
    page.heading(2, "Contents");
    for other in pages.iter().take(40) {
        let name = other.path.rsplit('/').next().unwrap_or_default();
        page.line(&format!("- [{}]({name})", name.split('.').next().unwrap_or_default().replace('-', " ")));
    }
    page.put("\n");
    page.heading(2, "Errors");
    page.block(
        "What went wrong stands in the body of the response. Do not show it to the people who use your service.",
    );
    if let Some(operation) = api.operations.first() {
        page.block(&format!(
            "If you are new here, begin with `{} {}` and read on from there.",
            operation.method, operation.path
        ));
    }
    page
}

fn changelog(path: &str) -> Page {
    let mut page = Page::new(path.to_owned(), "");
    page.heading(1, "Changelog");
    page.heading(2, "Version 0.4");
    page.line("- `POST /v0/legacy/import` was removed. Nobody had used it for a year.");
    page.line("- The endpoint `/v0/ping` was replaced by a page that shows how the service is doing.");
    page.line("- `GET /v0/legacy/export` now takes `colour` as well as `color`.");
    page.put("\n");
    page.heading(2, "Version 0.3");
    page.block("- Faster searches, and `DELETE /v0/legacy/{id}` for those who want to clean up.");
    page
}
