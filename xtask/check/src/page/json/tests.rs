use openapi_model::node;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The only value of a block without mistakes.
fn one(text: &str) -> ShownValue {
    let mut shown = read(text, 0);
    assert_eq!(shown.mistake, None, "{text}");
    assert_eq!(shown.values.len(), 1, "{text}");
    shown.values.remove(0)
}

/// The message of the mistake in a block, with the text at its place.
fn mistake(text: &str) -> (String, &str) {
    let mistake = read(text, 0).mistake.unwrap_or_else(|| panic!("{text}"));
    (mistake.message, &text[mistake.range])
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Into::into),
        "[ -~]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            proptest::collection::vec(("[ -~é]{0,6}", inner), 0..5)
                .prop_filter("an ellipsis is not a name", |entries| entries
                    .iter()
                    .all(|(name, _)| !name.trim_matches('.').is_empty() || name.is_empty()))
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Whether two nodes have equal values in equal places.
fn is_same(one: &Node, other: &Node) -> bool {
    let entries = one.entries().iter().zip(other.entries());
    let items = one.items().iter().zip(other.items());
    one.range == other.range
        && one.to_json() == other.to_json()
        && entries.into_iter().all(|(one, other)| one.key_range == other.key_range && is_same(&one.value, &other.value))
        && items.into_iter().all(|(one, other)| is_same(one, other))
}

proptest! {
    #[test]
    fn valid_json_is_parsed_like_by_serde_json(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let shown = read(&text, 0);
        prop_assert!(shown.is_json && shown.mistake.is_none(), "{:?}", shown);
        prop_assert!(!shown.values[0].is_partial);
        prop_assert_eq!(shown.values[0].node.to_json(), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        prop_assert!(is_same(&shown.values[0].node, &node::parse(&text).unwrap()));
    }

    #[test]
    fn blocks_reported_as_json_are_valid_json(text in "[\\[\\]{}\",: a1.\\-n\\\\/#'<>$\\n…é(]{0,24}") {
        let shown = read(&text, 7);
        if shown.is_json {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(theirs.is_ok(), "{:?}", text);
        }
        let places = shown.values.iter().flat_map(|value| value.placeholders()).chain(shown.mistake.as_ref().map(|mistake| &mistake.range));
        for range in places {
            prop_assert!(text.get(range.start - 7..range.end - 7).is_some(), "{:?} of {:?}", range, text);
        }
    }

    #[test]
    fn removing_a_bracket_or_comma_makes_a_mistake_or_no_json(value in any_json(), at: proptest::sample::Index) {
        let text = serde_json::to_string(&[value]).unwrap();
        let marks: Vec<usize> = text.match_indices(['{', '}', '[', ']', ',', ':', '"']).map(|(at, _)| at).collect();
        let mark = marks[at.index(marks.len())];
        let text = format!("{}{}", &text[..mark], &text[mark + 1..]);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok() || !read(&text, 0).is_json, "{}", text);
    }
}

#[test]
fn places_are_relative_to_the_block_offset() {
    let text = "  {\"é\": [\"...\", 1],}";
    let shown = read(text, 100);
    let value = &shown.values[0];
    assert_eq!(value.node.range, 102..100 + text.len());
    let entry = value.node.entry("é").unwrap();
    assert_eq!(&text[entry.key_range.start - 100..entry.key_range.end - 100], "\"é\"");
    assert!(
        value.is_placeholder(&entry.value.items()[0].range) && !value.is_placeholder(&entry.value.items()[1].range)
    );
    assert_eq!(shown.mistake.unwrap().range.start, 100 + text.find(",}").unwrap());
}

#[test]
fn comments_ellipses_and_placeholders_are_accepted() {
    let value = one("{\n  \"a\": 1, // one\n  /* two */ \"b\": [1, 2], # three\n  \"c\": \"x\" // no comma\n}");
    assert!(!value.is_partial);
    assert_eq!(value.node.to_json(), json!({"a": 1, "b": [1, 2], "c": "x"}));
    for text in [
        "{\"a\": [...]}",
        "{\"a\": [ … ]}",
        "{\"a\": {...}}",
        "{\"a\": ...}",
        "{\"a\": 1, ...}",
        "{\"a\": 1, ..., \"b\": 2}",
        "{\"a\": 1\n...\n}",
        "{\"a\": [1, 2, ...]}",
        "{\"a\": [1, 2...]}",
        "{\"a\": [\n{\"b\": 1},\n... (more of them)\n]}",
        "{\"a\": 1,\n// ...\n}",
        "{\"a\": 1, /* … */ }",
        "{\"a\": [{\"b\": 1},\n...",
        "{\"a\": 1}\n...",
        "{\"a\": 1, \"...\": \"...\"}",
        "{\"a\": 1,\n{{#if b}}\n\"b\": 2\n{{/if}}\n}",
    ] {
        let value = one(text);
        assert!(value.is_partial, "{text}");
        assert!(value.node.get("a").is_some() && value.node.get("...").is_none(), "{text}");
    }
    assert!(one("{\"a\": [1, ...], \"b\": []}").is_abridged(&(6..14)));
    for bare in [
        "<id>",
        "<the id>",
        "{{id}}",
        "{{ user.id }}",
        "$ID",
        "${ID}",
        "YOUR_ID",
        "true|false",
        "\"a\" | \"b\"",
        "1 or 2",
        "<a>-<b>",
        "...",
    ] {
        let text = format!("{{\"a\": {bare}, \"b\": 2}}");
        let value = one(&text);
        assert_eq!(value.node.get("b").unwrap().as_u64(), Some(2), "{text}");
        let range = &value.node.get("a").unwrap().range;
        assert!(value.is_placeholder(range) && &text[range.clone()] == bare, "{text}: {range:?}");
    }
    assert_eq!(mistake("{\"a\": $ID, \"b\": {{b}},}").1, ",");
    assert_eq!(mistake("{\"a\": YOUR_ID\n\"b\": 2}").1, "D");
    assert_eq!(one("{%- raw -%}\n{\"a\": 1}\n{% endraw %}").node.to_json(), json!({"a": 1}));
}

#[test]
fn described_values_prove_only_their_names() {
    let text = "{\n  \"a\": (required, string) one, or \"two\",\n  \"b\": (int) ,\n  \"c\": (string)\n  \"d\": the [d]\n  \"e\": (required, object)\n  {\n    \"f\": string,\n  },\n  \"g\": [\n \"A\", (string) the name,\n \"B\" (string), its name\n ]\n}";
    let value = one(text);
    assert!(value.is_partial);
    let names = |node: &Node| node.entries().iter().map(|entry| entry.key.clone()).collect::<Vec<_>>();
    assert_eq!(names(&value.node), ["a", "b", "c", "d", "e", "g"]);
    assert_eq!(names(value.node.get("e").unwrap()), ["f"]);
    assert_eq!(value.node.get("g").unwrap().to_json(), json!(["A", "B"]));
    for name in ["a", "b", "c", "d"] {
        assert!(value.is_placeholder(&value.node.get(name).unwrap().range), "{name}");
    }
    let value = one("{ \"a\": (string) the a, \"b\": int, \"c\": \"(optional, string) c\" }");
    assert_eq!(names(&value.node), ["a", "b", "c"]);
    assert_eq!(value.node.get("b").unwrap().as_str(), Some("int"));
    assert_eq!(names(&one("{ \"user\": { a user }, \"users\": [ users ] }").node), ["user", "users"]);
    assert_eq!(names(&one("{ \"a\": 1 (the first), \"b\": 2 <- the second\n}").node), ["a", "b"]);
}

#[test]
fn each_value_has_the_caption_and_headers_above_it() {
    let text = "// Request\n{ \"a\": 1 } // not this\n\n// Response 201\nHTTP/1.1 201 Created\nContent-Type: application/json\nX-Id: 5\n\n[1]\nPOST /b?c=1\n{\"b\": 1}\n\nResponse:\n{}";
    let shown = read(text, 0);
    assert_eq!(shown.mistake, None);
    let captions: Vec<_> = shown.values.iter().map(|value| value.caption.as_ref().map(|text| text.as_str())).collect();
    assert_eq!(captions, [Some("Request"), Some("Response 201"), None, Some("Response")]);
    let lines: Vec<_> = shown.values.iter().map(|value| value.start_line.as_ref().map(|text| text.as_str())).collect();
    assert_eq!(lines, [None, Some("HTTP/1.1 201 Created"), Some("POST /b?c=1"), None]);
    let headers = &shown.values[1].headers;
    assert_eq!(headers[0].value, ("content-type".to_owned(), "application/json".to_owned()));
    assert_eq!(&text[headers[1].range.clone()], "X-Id: 5");
    let caption = shown.values[1].caption.as_ref().unwrap();
    assert_eq!(&text[caption.range.clone()], "Response 201");
    assert_eq!(read("{\"a\": 1}\n{\"a\": 2}\n", 0).values.len(), 2);
}

#[test]
fn members_and_items_without_brackets_are_fragments() {
    let value = one("\"data\": {\n  \"id\": 1\n},\n\"more\": [1]");
    assert!(value.is_fragment && !value.is_partial && value.is_abridged(&value.node.range));
    assert_eq!(value.node.to_json(), json!({"data": {"id": 1}, "more": [1]}));
    assert_eq!(one("\"data\": 3,").node.to_json(), json!({"data": 3}));
    let shown = read("{\"a\": 1},\n{\"a\": 2}", 0);
    assert!(shown.mistake.is_none() && shown.values.len() == 2 && shown.values.iter().all(|value| value.is_fragment));
}

#[test]
fn javascript_notation_is_accepted() {
    for text in
        ["{a: 1, b: 'c', \"d-e\": [true,],}", "{'a': 1, 'b': 'c', 'd': True}", "{\n  a: \"b\",\n}", "['a', 'b']"]
    {
        assert!(one(text).is_partial, "{text}");
    }
    assert_eq!(mistake("{\"a\": 1, b: 2}"), ("a name must be in double quotes".to_owned(), "b"));
    assert_eq!(mistake("{\"a\": 'b'}"), ("a string must be in double quotes".to_owned(), "'"));
}

#[test]
fn mistakes_that_break_a_copy_are_reported_at_their_place() {
    let cases = [
        ("{\"a\": 1,}", "JSON allows no comma before `}`", ","),
        ("{\"a\": [1, 2,\n]}", "JSON allows no comma before `]`", ","),
        ("{\"a\": 1 \"b\": 2}", "a comma is missing after this", "1"),
        ("{\"a\": \"ä\"\n\"b\": 2}", "a comma is missing after this", "\""),
        ("[{\"a\": 1} {\"b\": 2}]", "a comma is missing after this", "}"),
        ("{\"a\": 1,, \"b\": 2}", "a value is missing between two commas", ","),
        ("{, \"a\": 1}", "a value is missing before this comma", ","),
        ("{\"a\": \"b,\n\"c\": 1}", "this string is not closed on its line", "\"b,"),
        ("{\"a\": \"b\nc\", \"d\": 1}", "write a line break in a string as `\\n`", "\n"),
        ("{\"a\": \"b\tc\"}", "write a tab in a string as `\\t`", "\t"),
        ("{\"a\": [1, 2}", "`}` is here, but `]` is needed", "}"),
        ("[{\"a\": 1]", "`]` is here, but `}` is needed", "]"),
        ("{\"a\": {\"b\": 1}", "this bracket is never closed", "{"),
        ("{\"a\": 1}}", "`}` closes nothing", "}"),
        ("{\"a\" 1}", "a colon is missing after this name", "\"a\""),
        ("{\"a:\" [1]}", "a colon is missing after this name", "\"a:\""),
        ("{\"a\": , \"b\": 1}", "a value is missing after this colon", ":"),
        ("{\"a\":\n\"b\": 1}", "a value is missing after this colon", ":"),
        ("{\"a\": \"C:\\dir\"}", "`\\d` is not a JSON escape; write a backslash as `\\\\`", "\\d"),
        ("{\"a\": \"\\u12\"}", "`\\u` must be followed by four hexadecimal digits", "\\u"),
        ("{\"a\": \"\\ud800\"}", "`\\u` must be followed by four hexadecimal digits", "\\u"),
        (
            "{\"a\": \"b \"c\" d\", \"e\": 1}",
            "the string ends at this quote; write a quote in a string as `\\\"`",
            "\"",
        ),
        ("{\"a\": b\"}", "a quote is missing before this text", "b\""),
        ("{\"a\": NaN}", "`NaN` is not a JSON value", "NaN"),
        ("{\"a\": True}", "`True` is not a JSON value; write `true`", "True"),
        ("{\"a\": 01}", "`01` is not a JSON number", "01"),
        ("{\"a\": .5, \"b\": 1}", "`.5` is not a JSON number", ".5"),
        ("{\"a\": 2020-01-01}", "`2020-01-01` must be in double quotes", "2020-01-01"),
        ("{“a”: 1}", "a string must be in straight double quotes (`\"`)", "“"),
        ("{\"a\": 1 000}", "this cannot follow a value", "0"),
        ("{\"a\": 1};", "this cannot follow a value", ";"),
        ("{\"a\": 1},", "nothing follows this comma", ","),
        ("{\"a\": 1, {\"b\": 2}}", "a name in double quotes is missing here", "{"),
    ];
    for (text, message, place) in cases {
        assert_eq!(mistake(text), (message.to_owned(), place), "{text}");
        let shown = read(text, 0);
        assert!(!shown.is_json && shown.values[0].is_partial, "{text}");
    }
}

#[test]
fn parsing_continues_after_a_mistake() {
    let cases = [
        ("{\"a\": 1,}", json!({"a": 1})),
        ("{\"a\": [1, 2,], \"b\": 3 \"c\": 4}", json!({"a": [1, 2], "b": 3, "c": 4})),
        ("{\"a\": \"b,\n\"c\": 1}", json!({"a": "b", "c": 1})),
        ("{\"a\": \"b\nc\", \"d\": 1}", json!({"a": "b\nc", "d": 1})),
        ("{\"a\": [1, 2}", json!({"a": [1, 2]})),
        ("{\"a:\" [1], \"b\": 2}", json!({"a": [1], "b": 2})),
        ("{\"a\": , \"b\": 1}", json!({"a": null, "b": 1})),
        ("{\"a\": \"b \"c\" d\", \"e\": 1}", json!({"a": "b ", "e": 1})),
        ("{\"a\": 1, {\"b\": 2}, \"c\": 3}", json!({"a": 1, "c": 3})),
    ];
    for (text, value) in cases {
        assert_eq!(read(text, 0).values[0].node.to_json(), value, "{text}");
    }
}

#[test]
fn other_languages_are_not_json() {
    for text in [
        "",
        "\n\n",
        "See above, 'List owned forms'",
        "curl -X POST https://x.org -d '{\"a\": 1,}'",
        "$ curl x.org \\\n  -d '{\"a\": 1,}'",
        "X-Key: a",
        "POST /things HTTP/1.1\nHost: x.org",
        "<xml a=\"b\">{\"a\"}</xml>",
        "en:\n  a: b\n  [1.1] c: d",
        "[1.1] name: Invoice",
        "[section]\nkey = value",
        "[link](https://x.org)",
        "\"a\",\"b\"\n\"c\",\"d\"",
        "const a = {\n  \"b\": 1,\n};",
        "{ user(id: 1) { name } }",
        "{\n  hero {\n    name\n  }\n}",
        "{ \"a\" => 1, \"b\" => 2 }",
        "{id}/things",
        "https://x.org/a?b=c",
        "window.addEventListener('a', (b) => {\n return\n})",
    ] {
        let shown = read(text, 0);
        assert!(shown.values.is_empty() && shown.mistake.is_none(), "{text}: {shown:?}");
    }
    let deep = "[".repeat(100_000);
    assert!(read(&deep, 0).values.is_empty());
}

#[test]
fn duplicate_names_are_reported() {
    let shown = read(" {\"a\": 1, \"a\": 2}", 10);
    assert_eq!((shown.duplicates.len(), shown.duplicates[0].second.clone()), (1, 20..23));
    assert_eq!(shown.values[0].node.to_json(), json!({"a": 2}));
}

#[test]
fn parsing_time_is_linear_in_the_block_length() {
    let parts = [
        "{\"a\":",
        "[",
        "\"a\": \"b\n",
        "\"a\" b\"",
        "<",
        "$a",
        "{{",
        "/**/",
        "// ...\n",
        "(",
        ", \"",
        "“",
        "...",
        "a: b, ",
        "{\"a\": 1}, ",
        "\\",
        "'",
        "{\"a\": x, ",
        "a\n\n",
    ];
    for part in parts {
        for start in ["", "{\"a\": 1, ", "[", "{\"a\": "] {
            let began = std::time::Instant::now();
            read(&format!("{start}{}", part.repeat(200_000 / part.len())), 0);
            assert!(began.elapsed() < std::time::Duration::from_secs(2), "{start}{part}: {:?}", began.elapsed());
        }
    }
}

#[test]
fn texts_that_were_once_misread() {
    for text in ["{\"\\ \n", "[\"\\ \n'"] {
        assert!(!read(text, 0).is_json, "{text}");
    }
    assert_eq!(one("{\".\": 1}").node.to_json(), json!({".": 1}));
}
