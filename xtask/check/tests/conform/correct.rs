//! Right servers are not reported, and wrong ones are, where contracts are not in the form of our own.

use crate::server::{Answer, Server, json};
use crate::{KEY, assert_ends, contract, project};

fn answering(body: &'static str) -> Server {
    Server::start(move |_| json(200, body))
}

fn returning(schema: &str) -> String {
    contract(&format!(
        "  /a:\n    get:\n      operationId: a\n      responses: {{'200': {{description: d, content: {{application/json: {{schema: {schema}}}}}}}}}"
    ))
}

#[test]
fn responses_omit_what_is_only_written() {
    let schema = "{type: object, required: [id, password], properties: {id: {type: integer, readOnly: true}, password: {type: string, writeOnly: true}}}";
    let folder = project(&returning(schema), "");
    assert_ends(folder.path(), &["--url", &answering(r#"{"id": 1}"#).url], 0, &["200 (1)"]);
    assert_ends(folder.path(), &["--url", &answering("{}").url], 1, &["\"id\" is a required property"]);
}

#[test]
fn the_values_of_maps_are_compared_and_their_keys_are_free() {
    let schema = "{type: object, properties: {total: {type: integer}}, additionalProperties: {type: object, properties: {size: {type: integer}}}}";
    let folder = project(&returning(schema), "");
    assert_ends(folder.path(), &["--url", &answering(r#"{"total": 1, "x": {"size": 1}}"#).url], 0, &["200 (1)"]);
    let server = answering(r#"{"total": 1, "x": {"size": "1", "other": 2}}"#);
    assert_ends(folder.path(), &["--url", &server.url], 1, &["does not fit its schema at `/x/size`", "has `/x/other`"]);
}

#[test]
fn errors_of_one_status_are_told_apart_and_each_is_right() {
    let error =
        |examples: &str| format!("{{description: d, content: {{application/json: {{examples: {{{examples}}}}}}}}}");
    let paths = format!(
        "  /users/{{user}}/things/{{id}}:
    parameters:
      - {{name: user, in: path, required: true, schema: {{type: string, format: uuid}}}}
      - {{name: id, in: path, required: true, schema: {{type: string, format: uuid}}}}
    get:
      operationId: a
      responses:
        '200': {{description: d}}
        '401': {}
        '403': {}
        '404': {}",
        error("missing: {value: {code: no-key}}, wrong: {value: {code: bad-key}}"),
        error("scope: {value: {code: scope}}, plan: {value: {code: plan}}"),
        error("user: {value: {code: no-user}}, thing: {value: {code: no-thing}}"),
    );
    let settings = "[profile]\nerror_identity = \"/code\"\n[[conform.provocation]]\nerror = \"thing\"\nvalues = { user = \"00000000-0000-0000-0000-000000000001\" }\n\
                    [conform.values]\nid = \"00000000-0000-0000-0000-000000000002\"\nuser = \"00000000-0000-0000-0000-000000000003\"\n";
    let server = Server::start(|asked| match asked.header("authorization") {
        None => json(401, r#"{"code": "no-key"}"#),
        Some("Bearer a-key-without-any") => json(403, r#"{"code": "plan"}"#),
        Some(key) if key != format!("Bearer {KEY}") => json(401, r#"{"code": "bad-key"}"#),
        Some(_) if asked.path.contains("00000003/") => Answer(200, Vec::new(), String::new()),
        Some(_) if asked.path.contains("00000001/") => json(404, r#"{"code": "no-thing"}"#),
        Some(_) => json(404, r#"{"code": "no-user"}"#),
    });
    let says = [
        "seen      200 (1), 401 no-key (1), 401 bad-key (4), 403 plan (1), 404 no-thing (1), 404 no-user (1)",
        "403 scope: not tried: there is no known way to provoke it rather than `plan`",
    ];
    let arguments = ["--url", &server.url, "--key-without-permission", "a-key-without-any"];
    assert_ends(project(&contract(&paths), settings).path(), &arguments, 0, &says[1..]);
}

#[test]
fn times_with_offsets_are_moments() {
    let paths = "  /a:
    get:
      operationId: a
      responses:
        '200':
          description: d
          headers: {Link: {schema: {type: string}}}
          content: {application/json: {schema: {type: object, properties: {items: {type: array, items: {type: object, properties: {at: {type: string, format: date-time}}}}}}}}";
    let settings = "[[conform.list]]\noperation = \"a\"\nitem = \"at\"\norder = \"newest-first\"\n";
    let pages = |first: &'static str, second: &'static str| {
        Server::start(move |asked| {
            let (time, link) = match asked.query.as_str() {
                "page=2" => (second, "</a?page=1>; rel=\"prev\""),
                "page=1" => (first, "</a?page=2>; rel=\"next\""),
                _ => (first, "</a?page=2>; rel=\"next\""),
            };
            let Answer(status, mut headers, body) = json(200, &format!("{{\"items\": [{{\"at\": \"{time}\"}}]}}"));
            headers.push(("link", link.to_owned()));
            Answer(status, headers, body)
        })
    };
    let folder = project(&contract(paths), settings);
    // The first is half an hour later.
    let right = pages("2026-11-23T21:30:00Z", "2026-11-23T23:00:00+02:00");
    assert_ends(folder.path(), &["--url", &right.url], 0, &["paged through 2 pages"]);
    let wrong = pages("2026-11-23T22:00:00+02:00", "2026-11-23T20:00:01.5Z");
    assert_ends(folder.path(), &["--url", &wrong.url], 1, &["error[live/page-order]"]);
}

#[test]
fn a_204_has_no_body_and_other_media_types_are_only_named() {
    let paths = "  /a:
    get: {operationId: a, responses: {'204': {description: d}}}
  /b:
    get: {operationId: b, responses: {'200': {description: d, content: {text/csv: {}, 'image/*': {}}}}}
  /c:
    get: {operationId: c, responses: {'303': {description: d, headers: {Location: {required: true, schema: {type: string}}}}}}";
    let answer = |media_type: &'static str| {
        Server::start(move |asked| match asked.path.as_str() {
            "/a" => Answer(204, Vec::new(), String::new()),
            "/b" => Answer(200, vec![("content-type", media_type.to_owned())], "x".to_owned()),
            _ => Answer(303, vec![("location", "/b".to_owned())], String::new()),
        })
    };
    let folder = project(&contract(paths), "");
    assert_ends(
        folder.path(),
        &["--url", &answer("text/csv; header=present").url],
        0,
        &["3 of 3 documented responses seen"],
    );
    assert_ends(folder.path(), &["--url", &answer("image/png").url], 0, &["3 of 3 documented responses seen"]);
    let says = "`200` of `b` comes as `text/html`, not as `text/csv` or `image/*`";
    assert_ends(folder.path(), &["--url", &answer("text/html").url], 1, &[says]);
}

#[test]
fn errors_in_the_contract_concern_only_what_they_are_about() {
    let paths = "  /a:
    get: {operationId: a, responses: {'200': {description: d, content: {application/json: {schema: {type: object, required: [none]}, example: 1}}}}}
  /{x}:
    get: {operationId: b, responses: {'200': {description: d}}}";
    let server = Server::start(|_| json(200, r#"{"none": 1}"#));
    let says = ["seen      200 (1)", "its path has a variable `x` that no path parameter describes"];
    assert_ends(project(&contract(paths), "").path(), &["--url", &server.url], 0, &says);
    let says = "nothing was compared with openapi.yaml, which cannot be read";
    assert_ends(project("swagger: '2.0'", "").path(), &["--url", &server.url], 2, &[says]);
}
