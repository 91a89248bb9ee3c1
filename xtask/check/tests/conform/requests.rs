//! Requests have the parameters and the bodies that the contract describes.

use serde_json::Value as Json;

use crate::server::{Answer, Asked, Server, error, json};
use crate::{KEY, assert_ends, contract, project};

/// A server that takes every request with the key.
fn open() -> Server {
    Server::start(|_| Answer(200, Vec::new(), String::new()))
}

/// The only request of an operation.
#[track_caller]
fn only(server: &Server, call: &str) -> Asked {
    let calls = server.calls(call);
    assert_eq!(calls.len(), 1, "{:?}", server.asked());
    calls[0].clone()
}

#[test]
fn required_parameters_of_every_place_and_style_are_sent() {
    let paths = "  /a/{id}/{kind}:
    get:
      operationId: a
      parameters:
        - {name: id, in: path, required: true, style: matrix, schema: {type: array, items: {type: integer}}}
        - {name: kind, in: path, required: true, schema: {type: string, enum: [small, large]}}
        - {name: filter, in: query, required: true, style: deepObject, explode: true, schema: {type: object}, example: {size: {min: 3}}}
        - {name: tags, in: query, required: true, style: pipeDelimited, explode: false, schema: {type: array, items: {type: string}}, example: [x, y]}
        - {name: ids, in: query, required: true, schema: {type: array, items: {type: integer}}, example: [1, 2]}
        - {name: X-Trace, in: header, required: true, schema: {type: string, format: uuid}}
        - {name: theme, in: cookie, required: true, schema: {type: string, default: dark}}
        - {name: no, in: query, schema: {type: string}}
      responses: {'200': {description: d}}";
    let server = open();
    let folder = project(&contract(paths), "[conform.values]\nid = [3, 4]\n");
    assert_ends(folder.path(), &["--url", &server.url], 0, &["1 of 1 documented responses seen"]);
    let asked = only(&server, "GET /a/;id=3,4/small");
    assert_eq!(asked.query, "filter%5Bsize%5D%5Bmin%5D=3&tags=x%7Cy&ids=1&ids=2");
    assert_eq!((asked.header("x-trace").unwrap().len(), asked.header("cookie")), (36, Some("theme=dark")));
}

#[test]
fn optional_parameters_are_sent_once_if_something_is_known_about_them() {
    let paths = "  /a:
    get:
      operationId: a
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 2, maximum: 3, exclusiveMinimum: true}}
        - {name: sort, in: query, schema: {type: string, enum: [up]}}
        - {name: cursor, in: query, schema: {type: string}}
        - {name: X-Version, in: header, schema: {type: string}, example: v1}
      responses: {'200': {description: d}}";
    let server = open();
    assert_ends(project(&contract(paths), "").path(), &["--url", &server.url], 0, &["200 (2)"]);
    let asked = server.calls("GET /a");
    assert_eq!((asked[0].query.as_str(), asked[0].header("x-version")), ("", None));
    assert_eq!((asked[1].query.as_str(), asked[1].header("x-version")), ("limit=3&sort=up", Some("v1")));
}

/// Operations with bodies of several kinds.
fn with_body(content: &str) -> String {
    contract(&format!(
        "  /a:\n    post:\n      operationId: a\n      requestBody: {{required: true, content: {content}}}\n      responses: {{'200': {{description: d}}, '422': {{description: d}}}}"
    ))
}

#[test]
fn bodies_come_from_the_settings_or_an_example_or_the_schema() {
    let schema = "{type: object, required: [id, name, size, kind], properties: {id: {type: string, readOnly: true}, name: {type: string, minLength: 3}, \
                  size: {type: integer, minimum: 0, exclusiveMinimum: true, multipleOf: 5, maximum: 7}, kind: {type: integer, enum: [4]}, more: {type: string}}}";
    let made = format!("{{application/json: {{schema: {schema}}}}}");
    let example = format!(
        "{{application/json: {{schema: {schema}, examples: {{one: {{value: {{id: x, name: Ann, size: 5, kind: 4}}}}}}}}}}"
    );
    for (content, settings, wanted) in [
        (made.as_str(), "", r#"{"kind":4,"name":"xxxxx","size":5}"#),
        (&example, "", r#"{"name":"Ann","size":5,"kind":4}"#),
        (&example, "bodies = { a = { name = \"Bob\", size = 5, kind = 4 } }", r#"{"kind":4,"name":"Bob","size":5}"#),
    ] {
        let server = Server::start(|asked| {
            let body: Json = serde_json::from_str(&asked.body).unwrap_or_default();
            let fits = body["name"].is_string() && body["size"] == 5 && body["kind"] == 4;
            Answer(if fits { 200 } else { 422 }, Vec::new(), String::new())
        });
        let folder = project(&with_body(content), &format!("[conform]\nsend = [\"a\"]\n{settings}\n"));
        assert_ends(folder.path(), &["--url", &server.url], 0, &["200 (1), 422 (4)"]);
        let asked = server.calls("POST /a").remove(0);
        assert_eq!((asked.body.as_str(), asked.header("content-type")), (wanted, Some("application/json")));
    }
}

#[test]
fn a_server_that_takes_bodies_that_do_not_fit_is_reported() {
    let content = "{application/json: {schema: {type: object, required: [name], properties: {name: {type: string}}}}}";
    let server = open();
    let folder = project(&with_body(content), "[conform]\nsend = [\"a\"]\n");
    assert_ends(
        folder.path(),
        &["--url", &server.url],
        1,
        &["error[live/answer]: `a` answers `200` where the contract has `422`", "--data-binary '{}'"],
    );
    let says = "but the request body does not fit its schema: \"name\" is a required property";
    let arguments = ["--url", &server.url, "--explore", "--cases", "20"];
    let strict = with_body(content).replace(", '422': {description: d}", ", 4XX: {description: d}");
    assert_ends(project(&strict, "[conform]\nsend = [\"a\"]\n").path(), &arguments, 1, &[says]);
}

#[test]
fn forms_and_other_media_types_are_written_as_such() {
    let schema = "{schema: {type: object, required: [name, tags], properties: {name: {type: string}, tags: {type: array, items: {type: string}}}}, example: {name: a b, tags: [x, y]}}";
    for (media_type, more, wanted) in [
        ("application/x-www-form-urlencoded", schema, "name=a%20b&tags=x&tags=y"),
        ("application/vnd.api+json", schema, r#"{"name":"a b","tags":["x","y"]}"#),
        ("text/csv", "{example: 'a,b'}", "a,b"),
    ] {
        let server = open();
        let folder = project(
            &with_body(&format!("{{{media_type}: {more}}}")).replace(", '422': {description: d}", ""),
            "[conform]\nsend = [\"a\"]\n",
        );
        assert_ends(folder.path(), &["--url", &server.url], 0, &["1 of 1 documented responses seen"]);
        let asked = only(&server, "POST /a");
        assert_eq!((asked.body.as_str(), asked.header("content-type")), (wanted, Some(media_type)));
    }
    let server = open();
    let multipart = with_body(&format!("{{multipart/form-data: {schema}}}"));
    assert_ends(
        project(&multipart.replace(", '422': {description: d}", ""), "[conform]\nsend = [\"a\"]\n").path(),
        &["--url", &server.url],
        0,
        &[],
    );
    let asked = only(&server, "POST /a");
    let boundary = asked.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!(
        asked.body.starts_with(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n")),
        "{asked:?}"
    );
    assert!(asked.body.ends_with(&format!("--{boundary}--\r\n")), "{asked:?}");
}

#[test]
fn a_body_that_cannot_be_made_is_asked_for() {
    let server = open();
    let folder = project(&with_body("{image/png: {}}"), "[conform]\nsend = [\"a\"]\n");
    let says = "not tried: needs a request body of the type image/png, which cannot be made";
    assert_ends(folder.path(), &["--url", &server.url], 2, &[says]);
    let folder =
        project(&with_body("{application/json: {schema: {type: object, not: {}}}}"), "[conform]\nsend = [\"a\"]\n");
    assert_ends(folder.path(), &["--url", &server.url], 2, &["give one in [conform.bodies]"]);
    assert!(server.asked().is_empty());
}

#[test]
fn made_up_values_may_be_refused() {
    let paths = "  /a:
    get:
      operationId: a
      parameters: [{name: account, in: query, required: true, schema: {type: string, format: uuid}}]
      responses: {'200': {description: d}, '404': {description: d}}";
    let server = Server::start(|asked| match asked.query.as_str() {
        "account=00000000-0000-0000-0000-000000000007" => Answer(200, Vec::new(), String::new()),
        _ => error(404, "No account"),
    });
    let folder = project(&contract(paths), "");
    let says = "not seen  200: not tried: the server answers `404`, and `account` was made up; give better values";
    assert_ends(folder.path(), &["--url", &server.url], 2, &[says]);
    let value = ["--url", &server.url, "--value", "account=00000000-0000-0000-0000-000000000007"];
    assert_ends(folder.path(), &value, 0, &["200 (1)"]);
    let wrong = Server::start(|_| error(404, "No account"));
    let value = ["--url", &wrong.url, "--value", "account=00000000-0000-0000-0000-000000000007"];
    assert_ends(folder.path(), &value, 1, &["`a` answers `404` where the contract has `200`"]);
}

#[test]
fn values_that_do_not_fit_are_refused_whatever_makes_them_unfit() {
    let unfit = [
        ("{type: integer, enum: [2, 5]}", "6"),
        ("{type: integer, minimum: 3, exclusiveMinimum: true}", "3"),
        ("{type: integer, maximum: 9, exclusiveMaximum: true}", "9"),
        ("{type: integer, multipleOf: 5}", "6"),
        ("{type: number, minimum: 0, exclusiveMinimum: true}", "0"),
        ("{type: number, multipleOf: 0.5}", "0.75"),
        ("{type: string, minLength: 4}", "xxx"),
        ("{type: string, maxLength: 4}", "xxxxx"),
        ("{type: string, pattern: '^[a-c]+$'}", "x"),
        ("{type: string, format: date}", "2026-02-30"),
        ("{type: string, format: date-time}", "yesterday"),
        ("{type: string, format: ipv4}", "999.1.1.1"),
        ("{type: boolean}", "perhaps"),
    ];
    for (schema, value) in unfit {
        let paths = format!(
            "  /a:\n    get:\n      operationId: a\n      parameters: [{{name: p, in: query, schema: {schema}}}]\n      responses: {{'200': {{description: d}}, '400': {{description: d}}}}"
        );
        let taken = format!("p={value}");
        let server = Server::start(move |asked| {
            let is_fitting = asked.query.is_empty() || asked.query == taken;
            json(if is_fitting { 200 } else { 400 }, "").without_body()
        });
        let text = assert_ends(
            project(&contract(&paths), "").path(),
            &["--url", &server.url],
            1,
            &["answers `200` where the contract has `400`"],
        );
        assert!(text.contains(&format!("/a?p={value}'")), "{schema}: {text}");
    }
}

impl Answer {
    fn without_body(self) -> Answer {
        Answer(self.0, Vec::new(), String::new())
    }
}

#[test]
fn the_host_has_its_port_on_pipelined_requests_too() {
    let paths = "  /a:
    get: {operationId: a, responses: {'200': {description: d}, '401': {description: d}}}";
    // It answers only requests to its own host and port.
    let server = Server::start(|asked| {
        let host = asked.header("host").unwrap_or_default();
        let is_known = asked.header("authorization") == Some(&format!("Bearer {KEY}"));
        let has_port = host.starts_with("127.0.0.1:");
        Answer(
            if !has_port {
                421
            } else if is_known {
                200
            } else {
                401
            },
            Vec::new(),
            String::new(),
        )
    });
    let text = assert_ends(
        project(&contract(paths), "").path(),
        &["--url", &server.url, "--explore", "--cases", "20"],
        1,
        &[],
    );
    assert!(!text.contains("live/connection"), "{text}");
}

#[test]
fn an_undocumented_refusal_of_a_request_that_fits_is_a_finding() {
    let limit = "  /a:
    get:
      operationId: a
      parameters:
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: limit, in: query, schema: {type: integer}}
      responses: {'200': {description: d}}";
    let form = "  /a:
    post:
      operationId: a
      requestBody: {required: true, content: {multipart/form-data: {schema: {type: object, properties: {a: {type: string}}}}}}
      responses: {'200': {description: d}}";
    for (paths, refused) in [(limit, 400), (form, 415)] {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/a" if asked.query == "limit=2147483648" || asked.header("x-user").is_some() && refused == 415 => {
                Answer(refused, Vec::new(), String::new())
            }
            "/a" if !["GET", "POST", "HEAD"].contains(&asked.method.as_str()) => Answer(405, Vec::new(), String::new()),
            "/a" => Answer(200, Vec::new(), String::new()),
            _ => Answer(404, Vec::new(), String::new()),
        });
        let says = format!("`a` answers `{refused}`, which it does not document");
        let arguments = ["--url", &server.url, "--send", "a", "--explore", "--cases", "20"];
        assert_ends(project(&contract(paths), "").path(), &arguments, 1, &[&says]);
    }
}

#[test]
fn what_a_list_contains_is_requested_one_by_one_but_not_changed() {
    let paths = "  /things:
    get: {operationId: list, responses: {'200': {description: d, content: {application/json: {schema: {type: object}}}}}}
  /things/{thing_id}:
    parameters: [{name: thing_id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: show, responses: {'200': {description: d}, '404': {description: d}}}
    delete: {operationId: remove, responses: {'204': {description: d}}}
  /others/{thing_id}:
    parameters: [{name: thing_id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: other, responses: {'200': {description: d}}}";
    let server = Server::start(|asked| match asked.path.as_str() {
        "/things" => json(200, r#"{"data": [{"id": 7}, {"id": 8}]}"#),
        "/things/7" => Answer(200, Vec::new(), String::new()),
        _ => Answer(404, Vec::new(), String::new()),
    });
    let arguments = ["--url", &server.url, "--send", "remove"];
    let says =
        ["not seen  204: not tried: needs --value thing_id=…", "not seen  200: not tried: needs --value thing_id=…"];
    let text = assert_ends(project(&contract(paths), "").path(), &arguments, 0, &says);
    assert!(text.contains("show (GET /things/{thing_id})\n  seen      200 (1), 404 (1)\n"), "{text}");
    assert!(server.asked().iter().all(|asked| asked.call() != "DELETE /things/7"));
}
