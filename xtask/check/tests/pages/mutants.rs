//! Pages that nobody has written: cut off, torn, doubled, nested without end. Reading them ends, and ends well.

use std::path::Path;
use std::time::Duration;

use super::api::Api;
use super::page::Page;
use super::pick::Dice;
use super::{manners, set, slices, verdict};

/// A place between characters.
fn boundary(text: &str, dice: &mut Dice) -> usize {
    let mut at = dice.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mutant(text: &str, dice: &mut Dice) -> String {
    let (one, other) = (boundary(text, dice), boundary(text, dice));
    let (start, end) = (one.min(other), one.max(other));
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (line, second) = (dice.below(lines.len().max(1)), dice.below(lines.len().max(1)));
    let insert = |what: &str| format!("{}{what}{}", &text[..one], &text[one..]);
    match dice.below(14) {
        0 => text[..one].to_owned(),
        1 => text[one..].to_owned(),
        2 => format!("{}{}", &text[..start], &text[end..]),
        3 => format!("{}{}", &text[..end], &text[start..]),
        4 if !lines.is_empty() => {
            lines.remove(line);
            lines.concat()
        }
        5 if !lines.is_empty() => {
            lines.insert(line, lines[second]);
            lines.concat()
        }
        6 if !lines.is_empty() => {
            lines.swap(line, second);
            lines.concat()
        }
        7 => insert("```"),
        8 => insert(["|", "||||", "`", "**", "\\", "'", "\"", "\r", "\u{0}", "\u{feff}", "<", "{%"][dice.below(12)]),
        9 => insert(["{", "[", "(", "}", "]", "<TabItem value=\"", "</Tabs>", "<!--", "$(", "<<EOF"][dice.below(10)]),
        10 => text.chars().rev().collect(),
        11 => text.replace("\n", ""),
        12 => text.replace('\n', "\r\n"),
        _ => {
            let bytes: Vec<u8> =
                text.bytes().enumerate().map(|(at, byte)| if at == one { byte ^ 0x15 } else { byte }).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// Texts that lead a reader far down, or far along a line.
fn monsters() -> Vec<String> {
    let many = |text: &str| text.repeat(10_000);
    let mut all = Vec::new();
    for deep in [
        "{", "[", ">", "> ", "- ", "* ", "<b>", "(", "`", "|", "#", "*", "_", "![", "<Tabs>", "{\"a\":", "[[\"a\",",
        "$(",
    ] {
        all.push(many(deep));
        all.push(format!("# Things\n\n`GET /things`\n\n```json\n{}\n```\n", many(deep)));
        all.push(format!(
            "# Things\n\n`GET /things`\n\n| Name | Type | Required |\n| --- | --- | --- |\n| {} | a | b |\n",
            many(deep)
        ));
        all.push(format!("# Things\n\n`GET /things`\n\n```bash\ncurl 'https://example.com/{}'\n```\n", many(deep)));
    }
    all.push(format!("```json\n{}1{}\n```", many("["), many("]")));
    all.push(format!("```json\n{}1{}\n```", many("{\"a\":"), many("}")));
    all.push(many("| a | b |\n"));
    all.push(format!("| a | b |\n| --- | --- |\n{}", many("| `a` | `b` |\n")));
    all.push(many("GET /things\n"));
    all.push(many("# GET /things\n\n"));
    all.push(many("```http\nGET /things\n```\n"));
    all.push(format!("# GET /{}", many("a/")));
    all.push(format!("# GET /{}", many("{a}/")));
    all.push(format!("# GET /{}", many("{")));
    all.push(format!("```bash\ncurl{}\n```", many(" \\\n  -H 'A: b'")));
    all
}

/// The time that this process has worked: other programs of the machine do not count.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Reads some mutants of pages; those that take too long are handed over.
pub fn slow(apis: &[Api], count: usize, others: &[(String, String)]) -> Vec<String> {
    let mut slow = Vec::new();
    let contracts: Vec<_> = apis.iter().map(|api| verdict::contract(&api.root)).collect();
    let sets: Vec<(usize, set::Set)> = apis
        .iter()
        .enumerate()
        .flat_map(|(index, api)| manners().map(move |manner| (index, set::write(api, manner))))
        .collect();
    let mut texts: Vec<(usize, String, String)> = Vec::new();
    for (index, set) in &sets {
        texts.extend(set.pages.iter().map(|page| (*index, page.path.clone(), page.text.clone())));
    }
    texts.extend(others.iter().map(|(path, text)| (0, path.clone(), text.clone())));
    let mut dice = Dice::new("mutants");
    let mut read = |index: usize, path: &str, text: String| {
        let start = cpu_time();
        let mut page = Page::new(path.to_owned(), "");
        page.text = text;
        let length = page.text.len();
        verdict::of(&contracts[index], &[page]);
        let took = cpu_time() - start;
        if took > Duration::from_secs(5) {
            slow.push(format!("{path}, {length} bytes: {took:?}"));
        }
    };
    for _ in 0..count {
        let (index, path, text) = &texts[dice.below(texts.len())];
        let mut text = text.clone();
        for _ in 0..=dice.below(3) {
            text = mutant(&text, &mut dice);
        }
        read(*index, path, text);
    }
    for (number, monster) in monsters().into_iter().enumerate() {
        read(0, &format!("monster-{number}.md"), monster);
    }
    slow
}

/// The Markdown files below a folder.
pub fn markdown(folder: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        if file.is_dir() {
            markdown(&file, found);
        } else if file.extension().is_some_and(|kind| kind == "md" || kind == "mdx") {
            let text = std::fs::read(&file).unwrap();
            found.push((file.display().to_string(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
}

#[test]
fn whatever_happens_to_a_page_it_is_read_in_good_time() {
    let apis = slices::own();
    let slow = slow(&apis, 60, &[]);
    assert!(slow.is_empty(), "{} are slow\n{}", slow.len(), slow.join("\n"));
}
