//! Parses JSON into a tree with the place of each value, in one pass.
//!
//! The YAML parser takes most of JSON, but not pairs of `\u` escapes, keys of any length, or tabs.

use crate::tree::{Duplicate, Entry, MAX_DEPTH, Node, Value, last_of_each};

/// Parses a text that is one JSON value. `None` if it is not, or if values are nested too deep: then the YAML parser
/// reports the error.
pub fn parse(text: &str) -> Option<(Node, Vec<Duplicate>)> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, duplicates: Vec::new() };
    reader.blanks();
    let node = reader.node(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some((node, reader.duplicates))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    duplicates: Vec<Duplicate>,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Consumes a byte, and blanks before it, if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let comes = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(comes);
        comes
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.at;
        let value = match self.bytes.get(start)? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => Value::String(self.string()?),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return None,
        };
        Some(Node { range: start..self.at, value })
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        if !self.take(b'}') {
            loop {
                self.blanks();
                let start = self.at;
                if self.bytes.get(start) != Some(&b'"') {
                    return None;
                }
                let key = self.string()?;
                let key_range = start..self.at;
                if !self.take(b':') {
                    return None;
                }
                self.blanks();
                entries.push(Entry { key, key_range, value: self.node(depth + 1)? });
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return None;
                }
            }
        }
        Some(Value::Object(last_of_each(entries, &mut self.duplicates)))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.take(b']') {
            loop {
                self.blanks();
                items.push(self.node(depth + 1)?);
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return None;
                }
            }
        }
        Some(Value::Array(items))
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += 1;
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                0..0x20 => return None,
                _ => {}
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at)?;
        if escaped { serde_json::from_str(written).ok() } else { written.get(1..written.len() - 1).map(str::to_owned) }
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        serde_json::from_str(self.text.get(start..self.at)?).ok().map(Value::Number)
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_has_its_byte_range() {
        let text = " {\"é\\ud83d\\ude00\":\t[1.5, {\"b\": null}],\n \"c\"\n:\n\"\\/\"} ";
        let (node, _) = parse(text).unwrap();
        assert_eq!(&text[node.range.clone()], text.trim());
        let list = node.entry("é😀").unwrap();
        assert_eq!(&text[list.key_range.clone()], "\"é\\ud83d\\ude00\"");
        assert_eq!(&text[list.value.items()[1].entry("b").unwrap().value.range.clone()], "null");
        assert_eq!(node.get("c").unwrap().as_str(), Some("/"));
        assert_eq!(node.to_json(), serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn it_accepts_exactly_what_serde_json_accepts() {
        let texts = [
            "",
            " ",
            "1",
            "-0.5e-3",
            "1.",
            "01",
            "+1",
            ".5",
            "-",
            "1e400",
            "18446744073709551616",
            "tru",
            "true",
            "nulll",
            "\"\\u00e9\\n\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"a",
            "\"a\\",
            "\"\t\"",
            "\"é\"",
            "[]",
            "[ ]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{ }",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":}",
            "{\"a\":[{\"b\":[]}]}",
            "{} {}",
            "[1]]",
            "{\"\":0}",
            "a: 1",
            "'a'",
            "\u{a0}1",
            "[1\n,\r\n2\t]",
        ];
        for text in texts {
            let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
            assert_eq!(parse(text).map(|(node, _)| node.to_json()), theirs, "{text}");
        }
        assert!(parse(&("[".repeat(100_000) + &"]".repeat(100_000))).is_none());
    }

    #[test]
    fn the_last_value_of_a_duplicate_key_counts() {
        let text = "{\"a\": 1, \"b\": 2, \"a\": 3}";
        let (node, duplicates) = parse(text).unwrap();
        assert_eq!(node.to_json(), serde_json::json!({"a": 3, "b": 2}));
        assert_eq!((duplicates.len(), duplicates[0].first.start, duplicates[0].second.start), (1, 1, 17));
    }
}
