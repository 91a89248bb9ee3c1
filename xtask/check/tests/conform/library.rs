//! A right server of an API with bodies, a key in a header and problem documents: nothing is reported, whatever is sent.

use serde_json::Value as Json;

use crate::server::{Answer, Asked, Server};
use crate::{assert_ends_with, project};

const CONTRACT: &str = "openapi: 3.1.0
info: {title: Library, version: '1'}
security: [{key: []}]
paths:
  /books:
    get:
      operationId: listBooks
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 50}}
        - {name: sort, in: query, schema: {type: string, enum: [title, year]}}
      responses:
        '200': {description: d, content: {application/json: {schema: {type: object, required: [books], properties: {books: {type: array, items: {$ref: '#/components/schemas/Book'}}}}}}}
        4XX: {$ref: '#/components/responses/Problem'}
    post:
      operationId: addBook
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}
      responses:
        '201': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}
        '401': {$ref: '#/components/responses/Problem'}
        '400': {$ref: '#/components/responses/Problem'}
        '422': {$ref: '#/components/responses/Problem'}
        default: {$ref: '#/components/responses/Problem'}
  /books/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: '^[a-z0-9-]{1,20}$'}}]
    get:
      operationId: showBook
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}
        '404': {$ref: '#/components/responses/Problem'}
        default: {$ref: '#/components/responses/Problem'}
    delete:
      operationId: removeBook
      responses: {'204': {description: d}, '401': {$ref: '#/components/responses/Problem'}, '404': {$ref: '#/components/responses/Problem'}, default: {$ref: '#/components/responses/Problem'}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Api-Key}
  responses:
    Problem: {description: d, content: {application/problem+json: {schema: {type: object, required: [title], properties: {title: {type: string}}}}}}
  schemas:
    Book:
      type: object
      required: [id, title, year, secret]
      additionalProperties: {type: integer}
      properties:
        id: {type: string, readOnly: true}
        secret: {type: string, writeOnly: true, minLength: 3}
        title: {type: string, minLength: 1, maxLength: 30}
        year: {type: integer, exclusiveMinimum: 1449, maximum: 2100}
        isbn: {type: [string, 'null'], pattern: '^[0-9]{13}$'}
";

const KEY: &str = "the-key-of-the-library";

fn problem(status: u16) -> Answer {
    Answer(status, vec![("content-type", "application/problem+json".to_owned())], "{\"title\":\"No\"}".to_owned())
}

fn book(id: &str, title: &str) -> String {
    serde_json::json!({"id": id, "title": title, "year": 2000, "isbn": null, "copies": 3}).to_string()
}

fn json(status: u16, body: String) -> Answer {
    Answer(status, vec![("content-type", "application/json".to_owned())], body)
}

/// Whether a body is a book.
fn is_book(body: &str) -> bool {
    let Ok(Json::Object(fields)) = serde_json::from_str(body) else { return false };
    let text = |name: &str, least: usize, most: usize| {
        fields.get(name).and_then(Json::as_str).is_some_and(|text| (least..=most).contains(&text.chars().count()))
    };
    let is_year =
        |year: &Json| year.as_f64().is_some_and(|year| year.fract() == 0.0 && year > 1449.0 && year <= 2100.0);
    let is_isbn = |isbn: &Json| {
        isbn.is_null() || isbn.as_str().is_some_and(|it| it.len() == 13 && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let is_whole = |value: &Json| value.as_f64().is_some_and(|number| number.fract() == 0.0);
    let known = ["id", "secret", "title", "year", "isbn"];
    text("title", 1, 30)
        && text("secret", 3, usize::MAX)
        && fields.get("year").is_some_and(is_year)
        && fields.get("isbn").is_none_or(is_isbn)
        && fields.get("id").is_none_or(Json::is_string)
        && fields.iter().all(|(name, value)| known.contains(&name.as_str()) || is_whole(value))
}

/// Whether a query is well-formed.
fn is_query(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).all(|(name, value)| match name.as_ref() {
        "limit" => value.parse().is_ok_and(|limit: u32| (1..=50).contains(&limit)),
        "sort" => ["title", "year"].contains(&value.as_ref()),
        _ => true,
    })
}

fn answer(asked: &Asked) -> Answer {
    let id = asked.path.strip_prefix("/books/").filter(|id| !id.contains('/') && !id.is_empty());
    let methods: &[&str] = match (asked.path.as_str(), id) {
        ("/books", _) => &["GET", "POST"],
        (_, Some(_)) => &["GET", "DELETE"],
        _ => return problem(404),
    };
    if !methods.contains(&asked.method.as_str()) {
        let Answer(status, mut headers, body) = problem(405);
        headers.push(("allow", methods.join(", ")));
        return Answer(status, headers, body);
    }
    if asked.header("x-api-key") != Some(KEY) {
        return problem(401);
    }
    let media_type = asked.header("content-type").unwrap_or_default();
    match (asked.method.as_str(), id) {
        ("GET", None) if !is_query(&asked.query) => problem(400),
        ("GET", None) => json(200, format!("{{\"books\":[{}]}}", book("dune", "Dune"))),
        ("POST", None) if !media_type.starts_with("application/json") => problem(415),
        ("POST", None) if serde_json::from_str::<Json>(&asked.body).is_err() => problem(400),
        ("POST", None) if !is_book(&asked.body) => problem(422),
        ("POST", None) => json(201, book("new", "New")),
        ("GET", Some("dune")) => json(200, book("dune", "Dune")),
        ("DELETE", Some("old")) => Answer(204, Vec::new(), String::new()),
        _ => problem(404),
    }
}

const SETTINGS: &str = "[conform]
order = [401, 400, 404]
[[conform.caller]]
name = \"reader\"
api_key = { env = \"LIBRARY\" }
[conform.values]
removeBook = { id = \"old\" }
";

#[test]
fn nothing_is_reported_about_a_right_server() {
    let folder = project(CONTRACT, SETTINGS);
    for flags in
        [&[][..], &["--send", "addBook", "--send", "removeBook"], &["--send", "*", "--explore", "--cases", "150"]]
    {
        let server = Server::start(answer);
        let arguments = [&["--url", &server.url], flags].concat();
        let says = ["showBook (GET /books/{id})\n  seen      200 (1), 404 (1), default (1)\n"];
        let text = assert_ends_with(folder.path(), &arguments, &[("LIBRARY", KEY)], 0, &says);
        assert_eq!(text.contains("12 of 14 documented responses seen"), !flags.is_empty(), "{text}");
    }
}

#[test]
fn what_a_wrong_server_does_with_bodies_is_found() {
    let folder = project(CONTRACT, SETTINGS);
    let flags = ["--send", "*", "--explore", "--cases", "150"];
    let wrong = |alter: fn(&Asked, Answer) -> Answer, says: &str| {
        let server = Server::start(move |asked| alter(asked, answer(asked)));
        assert_ends_with(
            folder.path(),
            &[&["--url", &server.url], &flags[..]].concat(),
            &[("LIBRARY", KEY)],
            1,
            &[says],
        );
    };
    wrong(
        |asked, answer| {
            if asked.body.contains("\"isbn\":\"") && answer.0 == 422 { json(201, book("new", "New")) } else { answer }
        },
        "but the request body does not fit its schema",
    );
    wrong(|asked, answer| if asked.body == "null" { problem(500) } else { answer }, "error[live/server-error]");
    wrong(
        |asked, answer| {
            if asked.body.starts_with('{') && answer.0 == 401 { json(201, book("new", "New")) } else { answer }
        },
        "error[live/authentication]",
    );
    wrong(
        |_, answer| if answer.0 == 201 { json(201, "{}".to_owned()) } else { answer },
        "\"title\" is a required property",
    );
    wrong(
        |_, answer| if answer.0 == 422 { json(422, "{\"title\": \"No\"}".to_owned()) } else { answer },
        "error[live/media-type]",
    );
}
