use proptest::prelude::*;

use super::*;
use crate::page::http;

fn read(text: &str) -> Request {
    requests(text, 0).unwrap().remove(0)
}

#[test]
fn common_curl_commands_are_read() {
    let whole = read(
        "curl --location --request POST 'https://x.org/a' \\\n--header 'Content-Type: application/json' \\\n--header \"Authorization: Bearer K\"",
    );
    assert_eq!((whole.method.as_str(), whole.url.as_str()), ("POST", "https://x.org/a"));
    let headers: Vec<_> =
        whole.headers.iter().map(|header| (header.value.0.as_str(), header.value.1.as_str())).collect();
    assert_eq!(headers, [("content-type", "application/json"), ("authorization", "Bearer K")]);
    for text in [
        "curl -sSLXPOST https://x.org/a",
        "$ curl -X POST --url https://x.org/a",
        "KEY=1 curl https://x.org/a -d '{}'",
        "curl -o /dev/null -XPOST https://x.org/a | jq .",
        "curl --max-redirs 3 -E cert.pem --noproxy '*' >out 2>&1 -XPOST https://x.org/a",
        "# trigger\ncurl --data-raw $'{\\'a\\'}' https://x.org/a",
    ] {
        let request = read(text);
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://x.org/a"), "{text}");
    }
    assert_eq!(read("curl x.org").method.value, "GET");
    assert_eq!(read("curl -G -d a=b x.org").method.value, "GET");
    assert_eq!(read("curl -I x.org").method.value, "HEAD");
    let query = read("curl -G x.org --data-urlencode a=b -d c=d --oauth2-bearer K");
    assert_eq!(query.query.iter().map(|pair| pair.as_str()).collect::<Vec<_>>(), ["a=b", "c=d"]);
    assert!(matches!(query.body, Body::Nothing));
    assert_eq!(query.headers[0].value, ("authorization".to_owned(), "Bearer K".to_owned()));
    let query =
        read("curl -G x.org --data-urlencode 'at=10:00+02:00' -d b=%20 --data-urlencode c@file --url-query 'd=1 2'")
            .query;
    let query: Vec<_> = query.iter().map(|pair| pair.as_str()).collect();
    assert_eq!(query, ["d=1+2", "at=10%3A00%2B02%3A00", "b=%20", "c=%3Cfile%3E"]);
    for (text, method) in
        [("curl x.org -F file=@a", "POST"), ("curl x.org -T a", "PUT"), ("curl x.org -F a=b -X PUT", "PUT")]
    {
        assert_eq!(read(text).method.value, method, "{text}");
    }
    let headers = read("curl x.org -uname:password --cookie 'a=b'").headers;
    let headers: Vec<_> = headers.iter().map(|header| (header.value.0.as_str(), header.value.1.as_str())).collect();
    assert_eq!(headers, [("authorization", "Basic name:password"), ("cookie", "a=b")]);
    let urls = requests("for i in 1 2; do curl x.org/$i; done\ncurl y.org | curl z.org", 0).unwrap();
    assert_eq!(urls.iter().map(|request| request.url.as_str()).collect::<Vec<_>>(), ["x.org/$i", "y.org", "z.org"]);
}

#[test]
fn invalid_commands_are_reported() {
    assert!(requests("ls -l\napt install curl jq\nman curl", 0).unwrap().is_empty());
    assert!(requests("curl 'https://x.org", 0).is_err());
    assert_eq!(requests("curl x.org; curl -s", 0).unwrap_err().message, "this command has no URL");
}

#[test]
fn request_bodies_equal_those_of_curl() {
    let cases = [
        ("curl x.org", None, "GET"),
        ("curl x.org -d a=b", Some("application/x-www-form-urlencoded"), "POST"),
        ("curl x.org --json '{}'", Some("application/json"), "POST"),
        ("curl x.org --json '{}' -H 'Content-Type: application/a+json'", Some("application/a+json"), "POST"),
        ("curl x.org -d @a -H content-type:text/plain", Some("text/plain"), "POST"),
        ("curl x.org -d a -H 'Content-Type:'", None, "POST"),
        ("curl x.org -F 'a=@b.png;type=image/png' --form-string c=@d", Some("multipart/form-data"), "POST"),
        ("curl x.org -T file", None, "PUT"),
        ("curl x.org -T file -XPOST", None, "POST"),
        ("curl x.org -G -d a=b", None, "GET"),
        ("curl x.org --data-binary=@a", Some("application/x-www-form-urlencoded"), "POST"),
    ];
    for (text, content_type, method) in cases {
        let request = read(text);
        assert_eq!(request.content_type().map(|kind| kind.value), content_type, "{text}");
        assert_eq!(request.method.as_str(), method, "{text}");
    }
    assert_eq!(read("curl x.org --json '{}'").header("accept").unwrap().value, "application/json");
}

#[test]
fn contents_of_files_are_unknown() {
    let text = |text: &str| read(text).body.text().map(|text| text.value.clone());
    assert_eq!(text("curl x.org -d '{}'").as_deref(), Some("{}"));
    assert_eq!(text("curl x.org --data-raw @a").as_deref(), Some("@a"));
    assert_eq!(text("curl x.org -d @- <<EOF\n{\"a\": 1}\nEOF").as_deref(), Some("{\"a\": 1}\n"));
    for unknown in [
        "curl x.org -d @a",
        "curl x.org -d @-",
        "curl x.org -d a -d b",
        "curl x.org --data-urlencode a=b",
        "curl x.org -T a",
    ] {
        assert_eq!(text(unknown), None, "{unknown}");
    }
    let Body::Form(parts) = read("curl x.org -F 'a=@b;type=c/d' -F 'e=f;g' -F 'h=<i' --form-string 'j=@k;l=m'").body
    else {
        panic!("this is a form")
    };
    let parts: Vec<_> = parts
        .iter()
        .map(|part| (part.name.as_str(), part.value.as_deref(), part.is_file, part.content_type.as_deref()))
        .collect();
    assert_eq!(
        parts,
        [
            ("a", None, true, Some("c/d")),
            ("e", Some("f;g"), false, None),
            ("h", None, false, None),
            ("j", Some("@k;l=m"), false, None)
        ]
    );
}

#[test]
fn json_bodies_are_parsed_strictly_with_places() {
    let sent = |text: &str| data(&read(text));
    let text = "curl x.org -d '{\"é\": [\"'\"$ID\"'\", 5], \"b\": $B, \"c\": {{c}}, \"d\": <d>}'";
    let value = sent(text).unwrap().unwrap();
    let items = value.node.get("é").unwrap().items();
    assert_eq!(&text[items[1].range.clone()], "5");
    assert_eq!(&text[items[0].range.clone()], "\"'\"$ID\"'\"");
    assert!(value.is_placeholder(&items[0].range) && !value.is_placeholder(&items[1].range));
    for name in ["b", "c", "d"] {
        assert!(value.is_placeholder(&value.node.get(name).unwrap().range), "{name}");
    }
    let text = "curl x.org -d \"{\\\"a\\\": 5}\"";
    let value = sent(text).unwrap().unwrap();
    assert_eq!(&text[value.node.get("a").unwrap().range.clone()], "5");
    for (text, message, place) in [
        ("curl x.org -d '{\"a\": 1,}'", "JSON allows no comma before `}`", ","),
        ("curl x.org -d '{name: Chair,}'", "a name must be in double quotes", "name"),
        ("curl x.org -d \"{'a': 1}\"", "a string must be in double quotes", "'"),
        ("curl x.org -d '{\"a\": 1 // one\n}'", "JSON has no comments", "// one"),
        ("curl x.org -d '{\"a\": word}'", "a string must be in double quotes", "word"),
        ("curl x.org -d @- <<EOF\n{\"a\" 1}\nEOF", "a colon is missing after this name", "\"a\""),
    ] {
        let mistake = sent(text).unwrap().unwrap_err();
        assert_eq!((mistake.message.as_str(), &text[mistake.range]), (message, place), "{text}");
    }
    assert!(sent("curl x.org -d '{\"a\": 1, ...}'").unwrap().unwrap().is_partial);
    for text in [
        "curl x.org -d a=b",
        "curl x.org -d \"$BODY\"",
        "curl x.org -d @a",
        "curl x.org",
        "curl x.org -d '{}{}'",
        "curl x.org -d '{\"a\":1}' -d b",
    ] {
        assert!(sent(text).is_none(), "{text}");
    }
}

#[test]
fn unsupported_commands_are_not_mistakes() {
    for text in [
        "curl -u 'https://x.org/a'",
        "curl -X POST ^\n  https://x.org",
        "curl -X POST `\n  https://x.org",
        "curl x.org -d 'a LIKE \\'b c\\''",
    ] {
        assert!(!requests(text, 0).unwrap_err().is_sure, "{text}");
    }
    assert!(requests("curl 'x.org", 0).unwrap_err().is_sure);
    assert!(requests("curl x.org \\", 0).unwrap_err().is_sure);
    assert!(requests("copy a ^\n b", 0).unwrap().is_empty());
}

proptest! {
    #[test]
    fn places_are_inside_any_text(text in "[\\[\\]{}\",: a1\\\\'<>$\n(é@=-]{0,24}", is_http: bool) {
        let before = if is_http { "PUT /a\nB: c\n{" } else { "curl x -d '{" };
        let text = format!("{before}{text}");
        let mut found = requests(&text, 7).unwrap_or_default();
        found.extend(http::messages(&text, 7).into_iter().filter_map(|message| match message {
            http::Message::Request(request) => Some(request),
            http::Message::Response(_) => None,
        }));
        for request in &found {
            let mut ranges = vec![request.url.range.clone(), request.method.range.clone()];
            match data(request) {
                Some(Ok(value)) => ranges.push(value.node.range),
                Some(Err(mistake)) => ranges.push(mistake.range),
                None => {}
            }
            for range in ranges {
                prop_assert!(text.get(range.start - 7..range.end - 7).is_some(), "{:?} of {:?}", range, text);
            }
        }
    }
}
