//! Documents with damage of every kind are read without a panic, in bounded time, and what is said of them points into them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use openapi_model::document::Document;
use openapi_model::node::Node;
use openapi_model::source::Source;
use openapi_model::span::Span;
use openapi_model::values::{Direction, Values};
use serde_json::{Map, Value as Json, json};

const YAML: &str = include_str!("documents/shop.yaml");
const JSON: &str = include_str!("documents/events.json");
const FILES: [(&str, &str); 3] = [
    ("split.yaml", include_str!("documents/split.yaml")),
    ("common.yaml", include_str!("documents/common.yaml")),
    ("parts/item.json", include_str!("documents/parts/item.json")),
];

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// Calls back for the value with this number, counted from the outside inwards.
fn nth(value: &mut Json, left: &mut usize, change: &mut dyn FnMut(&mut Json)) -> bool {
    if *left == 0 {
        change(value);
        return true;
    }
    *left -= 1;
    match value {
        Json::Object(map) => map.values_mut().any(|value| nth(value, left, change)),
        Json::Array(items) => items.iter_mut().any(|value| nth(value, left, change)),
        _ => false,
    }
}

fn count(value: &Json) -> usize {
    1 + match value {
        Json::Object(map) => map.values().map(count).sum(),
        Json::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// All `$ref`s of a value, and pointers to all that it holds.
fn references(value: &Json, pointer: &str, found: &mut Vec<String>) {
    found.push(format!("#{pointer}"));
    if let Json::Object(map) = value {
        found.extend(map.get("$ref").and_then(Json::as_str).map(str::to_owned));
        for (key, value) in map {
            references(value, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }
    }
}

/// A document with some damage.
fn damaged(document: &Json, known: &[String], random: &mut Random) -> Json {
    let mut damaged = document.clone();
    for _ in 0..=random.below(3) {
        let mut at = random.below(count(&damaged));
        let kind = random.below(9);
        let (one, other) = (random.below(50), random.below(50));
        let reference = known[random.below(known.len())].clone();
        nth(&mut damaged, &mut at, &mut |value| match (kind, &mut *value) {
            (0, Json::Object(map)) if !map.is_empty() => {
                let key = map.keys().nth(one % map.len()).cloned().unwrap();
                map.shift_remove(&key);
            }
            (0, Json::Array(items)) if !items.is_empty() => drop(items.remove(one % items.len())),
            (1, Json::Array(items)) if !items.is_empty() => items.push(items[one % items.len()].clone()),
            // A value under the name of another.
            (1 | 2, Json::Object(map)) if !map.is_empty() => {
                let value = map.values().nth(one % map.len()).cloned().unwrap();
                let key = map.keys().nth(other % map.len()).cloned().unwrap();
                map.insert(key, value);
            }
            (3, value) => {
                let others =
                    [json!(null), json!(true), json!(-7.5), json!("é"), json!([]), json!({}), json!([{"a": 1}])];
                *value = others[one % others.len()].clone();
            }
            (4, value) => *value = json!({ "$ref": reference }),
            (5, Json::Object(map)) => drop(map.insert("$ref".to_owned(), reference.clone().into())),
            (6, value) => {
                let inner = value.take();
                *value = [json!([inner]), json!({ "a": inner }), json!({ "allOf": [inner] })][one % 3].clone();
            }
            (7, Json::Object(map)) => drop(map.insert("é<<".to_owned(), json!({}))),
            (_, Json::String(text)) => {
                *text = [reference.clone(), text.repeat(2), String::new(), "(".into()][one % 4].clone()
            }
            _ => {}
        });
    }
    damaged
}

/// A text with some damage.
fn torn(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    for _ in 0..=random.below(2) {
        let (one, other) = (random.below(lines.len()), random.below(lines.len()));
        match random.below(5) {
            0 => drop(lines.remove(one)),
            1 => lines.insert(other, lines[one]),
            2 => lines.swap(one, other),
            3 => {
                lines[one] =
                    ["  <<: *item\n", "---\n", "\t- é: [\n", "      ? {a: b}\n", "x: &item {a: *item}\n"][other % 5]
            }
            _ => {
                let whole = lines.concat();
                let end = (0..=random.below(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap();
                return whole[..end].to_owned();
            }
        }
    }
    lines.concat()
}

/// What has to hold of whatever was read.
fn check(source: &std::sync::Arc<Source>, base: Option<&Path>) -> bool {
    let began = Instant::now();
    let read = openapi_model::read(source, base);
    let holds = |document: &Document, span: Span| {
        let file = document.files.get(usize::from(span.file.0)).expect("a file of the document");
        assert!(file.text.get(span.range()).is_some(), "{span:?} of {}:\n{}", file.path, file.text);
    };
    let is_read = match read {
        Err(unreadable) => {
            if let Some(place) = unreadable.place {
                assert!(place.source.text.get(place.range.clone()).is_some(), "{:?}\n{}", place.range, source.text);
            }
            false
        }
        Ok(document) => {
            for problem in &document.problems {
                assert!(!problem.message.is_empty() && !problem.message.ends_with('.'), "{problem:?}");
                holds(&document, problem.span);
                problem.related.iter().for_each(|(span, _)| holds(&document, *span));
            }
            for operation in document.operations.iter().chain(&document.webhooks) {
                holds(&document, operation.span);
                operation.unread.iter().for_each(|unread| holds(&document, unread.span));
                operation.responses.iter().for_each(|response| holds(&document, response.span));
            }
            let mut values = Values::new(&document);
            for (id, schema) in document.schemas() {
                holds(&document, schema.span);
                schema.reference.iter().for_each(|reference| holds(&document, reference.text.span));
                if id.index() % 29 == 0 {
                    let _ =
                        values.misfits(id, Direction::Request, &Node::from_json(&json!({"id": [null], "name": "é"})));
                }
            }
            true
        }
    };
    assert!(began.elapsed() < Duration::from_secs(5), "{:?} for\n{}", began.elapsed(), source.text);
    is_read
}

#[test]
fn documents_with_changed_values_are_read() {
    let mut random = Random(7);
    let mut read = 0;
    for text in [YAML, JSON] {
        let whole = openapi_model::node::parse(text).unwrap().to_json();
        let mut known =
            vec!["#".to_owned(), "#/é/%41/~2".to_owned(), "none.yaml#/a".to_owned(), "http://a.b/c".to_owned()];
        references(&whole, "", &mut known);
        assert!(check(&Source::new("a.json", whole.to_string()), None));
        for _ in 0..500 {
            let changed = damaged(&whole, &known, &mut random);
            read += usize::from(check(&Source::new("a.json", changed.to_string()), None));
        }
    }
    assert!(read > 850, "only {read} of 1000 were documents still");
}

#[test]
fn texts_with_changed_lines_are_read_or_refused() {
    let mut random = Random(11);
    let read = (0..600).filter(|number| {
        let text = torn(if number % 4 == 0 { JSON } else { YAML }, &mut random);
        check(&Source::new("a.yaml", text), None)
    });
    let read = read.count();
    assert!((100..500).contains(&read), "{read} of 600 could be read");
}

#[test]
fn documents_of_several_damaged_files_are_read() {
    let mut random = Random(13);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("parts")).unwrap();
    let wholes = FILES.map(|(_, text)| openapi_model::node::parse(text).unwrap().to_json());
    let mut known = Vec::new();
    for ((path, _), whole) in FILES.iter().zip(&wholes) {
        let mut inner = Vec::new();
        references(whole, "", &mut inner);
        known.extend(
            inner.iter().filter(|reference| reference.starts_with('#')).map(|reference| format!("{path}{reference}")),
        );
        known.extend(inner);
    }
    for round in 0..400 {
        for ((path, text), whole) in FILES.iter().zip(&wholes) {
            let text = match random.below(4) {
                _ if round == 0 => (*text).to_owned(),
                0 => torn(text, &mut random),
                1 => whole.to_string(),
                _ => damaged(whole, &known, &mut random).to_string(),
            };
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        let text = std::fs::read_to_string(folder.path().join(FILES[0].0)).unwrap();
        let read = check(&Source::new(FILES[0].0, text), Some(folder.path()));
        assert!(read || round > 0);
    }
}

#[test]
fn the_documents_themselves_have_no_problems() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    for name in ["shop.yaml", "events.json", "split.yaml"] {
        let document = openapi_model::read_file(&folder, &folder.join(name)).unwrap();
        assert!(document.problems.is_empty(), "{name}: {:#?}", document.problems);
        assert!(document.operations.len() + document.webhooks.len() > 1);
    }
    let _: Map<String, Json> = serde_json::from_str(JSON).unwrap();
}
