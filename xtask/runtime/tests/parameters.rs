//! Parameters in every style that OpenAPI has, as its tables of styles show them.

#![allow(clippy::unwrap_used)]

use http::{HeaderMap, HeaderValue};
use openapi_dropshot_runtime::parameters::{Incoming, object, query_pairs, scalar, value};
use openapi_dropshot_runtime::tables::{Kind, Location, Parameter, Style};
use serde_json::{Value, json};

const COLORS: Kind = Kind::List(&Kind::Text);
const RGB: Kind = Kind::Object(&[("R", Kind::Integer), ("G", Kind::Integer), ("B", Kind::Integer)], &Kind::Text);

fn parameter(location: Location, style: Style, explode: bool, kind: Kind) -> Parameter {
    Parameter {
        name: "color",
        location,
        required: false,
        style,
        explode,
        kind,
        default: None,
        validate: None,
        schema: "{}",
        description: "",
        deprecated: false,
    }
}

/// The value of a parameter in a request.
fn value_in(
    uri: &str,
    segment: &str,
    headers: &[(&'static str, &'static str)],
    parameter: &Parameter,
) -> Result<Option<Value>, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    let variables = vec![("color", segment.to_owned())];
    value(&Incoming { uri: &uri.parse().unwrap(), headers: &map, variables }, parameter)
}

fn in_path(text: &str, style: Style, explode: bool, kind: Kind) -> Result<Option<Value>, String> {
    value_in("/", text, &[], &parameter(Location::Path, style, explode, kind))
}

fn in_query(query: &str, style: Style, explode: bool, kind: Kind) -> Result<Option<Value>, String> {
    value_in(&format!("/?{query}"), "", &[], &parameter(Location::Query, style, explode, kind))
}

#[test]
fn lists_and_objects_in_paths() {
    let colors = Ok(Some(json!(["blue", "black", "brown"])));
    let rgb = Ok(Some(json!({"R": 100, "G": 200, "B": 150})));
    for (text, style, explode) in [
        ("blue,black,brown", Style::Simple, false),
        ("blue,black,brown", Style::Simple, true),
        (".blue,black,brown", Style::Label, false),
        (".blue.black.brown", Style::Label, true),
        (";color=blue,black,brown", Style::Matrix, false),
        (";color=blue;color=black;color=brown", Style::Matrix, true),
    ] {
        assert_eq!(in_path(text, style, explode, COLORS), colors, "{text}");
    }
    for (text, style, explode) in [
        ("R,100,G,200,B,150", Style::Simple, false),
        ("R=100,G=200,B=150", Style::Simple, true),
        (".R,100,G,200,B,150", Style::Label, false),
        (".R=100.G=200.B=150", Style::Label, true),
        (";color=R,100,G,200,B,150", Style::Matrix, false),
        (";R=100;G=200;B=150", Style::Matrix, true),
    ] {
        assert_eq!(in_path(text, style, explode, RGB), rgb, "{text}");
    }
    assert_eq!(in_path(".blue", Style::Label, false, Kind::Text), Ok(Some(json!("blue"))));
    assert_eq!(in_path(";color=blue", Style::Matrix, false, Kind::Text), Ok(Some(json!("blue"))));
    assert!(in_path("blue", Style::Matrix, false, Kind::Text).is_err());
    assert!(in_path("R,100,G", Style::Simple, false, RGB).is_err());
}

#[test]
fn lists_and_objects_in_queries() {
    let colors = Ok(Some(json!(["blue", "black"])));
    for (query, style, explode) in [
        ("color=blue&color=black", Style::Form, true),
        ("color[]=blue&color[]=black", Style::Form, true),
        ("color=blue,black", Style::Form, false),
        ("color=blue%20black", Style::SpaceDelimited, false),
        ("color=blue%7Cblack", Style::PipeDelimited, false),
        ("color[0]=blue&color[1]=black", Style::DeepObject, true),
    ] {
        assert_eq!(in_query(query, style, explode, COLORS), colors, "{query}");
    }
    let rgb = Ok(Some(json!({"R": 100, "G": 200})));
    for (query, style, explode) in [
        ("R=100&G=200&other=1", Style::Form, true),
        ("color=R,100,G,200", Style::Form, false),
        ("color[R]=100&color[G]=200", Style::DeepObject, true),
    ] {
        assert_eq!(in_query(query, style, explode, RGB), rgb, "{query}");
    }
    assert_eq!(in_query("other=1", Style::Form, true, COLORS), Ok(None));
    assert!(in_query("color=1&color=2", Style::Form, true, Kind::Integer).is_err(), "twice");
    assert_eq!(in_query("color=", Style::Form, true, Kind::Text), Ok(Some(json!(""))));
}

#[test]
fn headers_and_cookies() {
    let of = |location, kind, headers: &[(&'static str, &'static str)]| {
        value_in("/", "", headers, &parameter(location, Style::Simple, false, kind))
    };
    assert_eq!(of(Location::Header, COLORS, &[("Color", "a, b"), ("color", "c")]), Ok(Some(json!(["a", "b", "c"]))));
    assert_eq!(of(Location::Header, Kind::Integer, &[]), Ok(None));
    assert_eq!(of(Location::Cookie, Kind::Text, &[("cookie", "a=1; color=blue")]), Ok(Some(json!("blue"))));
    let json = parameter(Location::Query, Style::Json("application/json"), false, Kind::Text);
    assert_eq!(value_in("/?color=%7B%22a%22:1%7D", "", &[], &json), Ok(Some(json!({"a": 1}))));
    assert!(value_in("/?color=%7B", "", &[], &json).is_err());
    let whole = |location| parameter(location, Style::Whole("text/plain"), false, Kind::Text);
    assert_eq!(value_in("/", "a,b", &[], &whole(Location::Path)), Ok(Some(json!("a,b"))));
    assert_eq!(value_in("/?color=a%2Cb", "", &[], &whole(Location::Query)), Ok(Some(json!("a,b"))));
}

#[test]
fn texts_become_values_of_their_kind_or_are_refused() {
    let either = Kind::OneOf(&[Kind::Integer, Kind::Boolean, Kind::Text]);
    for (text, kind, expected) in [
        ("17", Kind::Integer, json!(17)),
        ("-1.5", Kind::Number, json!(-1.5)),
        ("true", Kind::Boolean, json!(true)),
        ("17", either, json!(17)),
        ("false", either, json!(false)),
        ("x", either, json!("x")),
        ("1,2", Kind::List(&Kind::Integer), json!([1, 2])),
        ("", COLORS, json!([])),
    ] {
        assert_eq!(scalar(text, &kind), Ok(expected), "{text}");
    }
    for (text, kind) in [
        ("1.5", Kind::Integer),
        ("", Kind::Integer),
        (" 1", Kind::Integer),
        ("true\n", Kind::Boolean),
        ("\"1\"", Kind::Integer),
        ("True", Kind::Boolean),
        ("false ", Kind::Boolean),
        (" 1", Kind::Integer),
        ("NaN", Kind::Number),
        ("{d1b5c7f0-3a60-4b57-9a1e-6f1c2e0d9b11}", Kind::Uuid),
        ("d1b5c7f03a604b579a1e6f1c2e0d9b11", Kind::Uuid),
        ("a,b", Kind::List(&Kind::Integer)),
    ] {
        assert!(scalar(text, &kind).is_err(), "{text}");
    }
}

#[test]
fn forms_hold_lists_and_objects() {
    const ADDRESS: Kind = Kind::Object(&[("city", Kind::Text), ("zip", Kind::Integer)], &Kind::Text);
    const LINES: Kind = Kind::List(&ADDRESS);
    let kind =
        Kind::Object(&[("amount", Kind::Integer), ("to", ADDRESS), ("tags", COLORS), ("lines", LINES)], &Kind::Text);
    let form = |text: &str| object(&query_pairs(text).collect::<Vec<_>>(), &kind);
    assert_eq!(
        form("amount=5&to[city]=Ulm&to[zip]=89073&tags[]=a&tags[]=b&note=x%20y"),
        Ok(json!({"amount": 5, "to": {"city": "Ulm", "zip": 89073}, "tags": ["a", "b"], "note": "x y"}))
    );
    assert_eq!(form("tags=a&tags=b"), Ok(json!({"tags": ["a", "b"]})));
    assert_eq!(
        form("lines[0][city]=Ulm&lines[1][city]=Bonn&lines[1][zip]=1"),
        Ok(json!({"lines": [{"city": "Ulm"}, {"city": "Bonn", "zip": 1}]}))
    );
    assert!(form("amount=5&amount=6").is_err());
    assert!(form("amount=x").unwrap_err().contains("amount"));
}

#[test]
fn a_list_among_other_types_is_written_as_several_texts() {
    let list_or_text = Kind::OneOf(&[COLORS, Kind::Text]);
    let colors = in_query("color=blue&color=black", Style::Form, true, list_or_text);
    assert_eq!(colors, Ok(Some(json!(["blue", "black"]))));
    let number_or_text = Kind::OneOf(&[Kind::Integer, Kind::Text]);
    assert!(in_query("color=1&color=2", Style::Form, true, number_or_text).is_err(), "twice");
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = |depth: usize| format!("color{}=1", "[a]".repeat(depth));
    let open = Kind::Object(&[], &Kind::Text);
    assert!(in_query(&deep(100), Style::DeepObject, true, open).is_ok());
    assert!(in_query(&deep(10_000), Style::DeepObject, true, open).is_err());
    let pairs: Vec<_> = query_pairs(&deep(100_000)).collect();
    assert_eq!(object(&pairs, &open), Err("`color` is nested too deeply".to_owned()));
}

#[test]
fn a_form_of_many_properties_is_read_in_one_go() {
    let form = |pair: fn(usize) -> String| -> Vec<_> {
        let text: Vec<String> = (0..200_000).map(pair).collect();
        query_pairs(&text.join("&")).collect()
    };
    let began = std::time::Instant::now();
    let read = object(&form(|number| format!("k{number}=1")), &Kind::Object(&[], &Kind::Text)).unwrap();
    assert_eq!(read.as_object().unwrap().len(), 200_000);
    let lists = Kind::Object(&[("l", Kind::List(&RGB))], &Kind::Text);
    let read = object(&form(|number| format!("l[{number}][R]=1")), &lists).unwrap();
    assert_eq!(read["l"].as_array().unwrap().len(), 200_000);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
