//! Operations and their parts.

use super::*;
use crate::document::{Location, Part, SchemeKind, Status};

#[test]
fn an_operation_overrides_parameters_of_its_path_by_name_and_place() {
    let read = document(
        "3.0.3",
        "paths:
  /a/{id}:
    parameters:
      - {name: id, in: path, schema: {type: string}}
      - {name: size, in: query, description: old}
      - {name: size, in: header}
    get:
      parameters:
        - {name: size, in: query, description: new, style: deepObject}
        - {name: Authorization, in: header, explode: true}
        - {name: c, in: cookie, required: true, deprecated: true, allowReserved: true, x-a: 1}
      responses: {}
",
    );
    let shown: Vec<_> = only(&read)
        .parameters
        .iter()
        .map(|parameter| {
            (
                parameter.name.value.as_str(),
                parameter.location,
                parameter.required.value,
                parameter.style.value.as_str(),
                parameter.explode.value,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("id", Location::Path, true, "simple", false),
            ("size", Location::Header, false, "simple", false),
            ("size", Location::Query, false, "deepObject", false),
            ("Authorization", Location::Header, false, "simple", true),
            ("c", Location::Cookie, true, "form", true),
        ]
    );
    let last = &only(&read).parameters[4];
    assert!(last.deprecated.is_some() && last.allow_reserved && last.extensions.len() == 1);
    assert!(read.problems.is_empty());
}

#[test]
fn unreadable_parameters_are_reported_and_the_others_are_read() {
    let read = document(
        "3.0.3",
        "paths: {/a: {get: {parameters: [{in: query}, {name: a}, {name: b, in: body}, {name: c, in: quer}, {name: d, in: query}], responses: {}}}}\n",
    );
    let operation = only(&read);
    assert_eq!((operation.parameters.len(), operation.unread.len()), (1, 4));
    assert!(operation.unread.iter().all(|unread| unread.part == Part::Parameters));
    assert!(operation.unread[2].reason.contains("`requestBody`"));
    assert!(read.problems.iter().all(|problem| problem.kind == ProblemKind::Incomplete));
    assert_eq!(read.problems[3].nearest.as_deref(), Some("query"));
}

#[test]
fn statuses_are_codes_ranges_and_default() {
    let read = document(
        "3.0.3",
        "paths:\n  /a:\n    get:\n      responses:\n        200: {description: a}\n        '404': {description: b}\n        4XX: {description: c}\n        5xx: {description: d}\n        default: {description: e}\n        x-any: 1\n        20X: {description: f}\n        abc: {description: g}\n        999: {description: h}\n",
    );
    let statuses: Vec<Status> = only(&read).responses.iter().map(|response| response.status.value).collect();
    assert_eq!(statuses, [Status::Code(200), Status::Code(404), Status::Range(4), Status::Range(5), Status::Default]);
    let unknown = ["20X", "abc", "999"].map(|text| (ProblemKind::UnknownStatus, text));
    assert_eq!(problems(&read), unknown);
    assert_eq!(only(&read).unread.iter().filter(|unread| unread.part == Part::Responses).count(), 3);
}

#[test]
fn security_defaults_to_that_of_the_document() {
    let read = document(
        "3.0.3",
        "security: [{key: []}]
paths:
  /a: {get: {responses: {}}}
  /b: {get: {responses: {}, security: []}}
  /c: {get: {responses: {}, security: [{oauth: [read, write], key: }, {}]}}
  /d: {get: {responses: {}, security: [{kei: []}]}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: /t, scopes: {read: r, write: w}}}}
    http: {type: http, scheme: Bearer}
    odd: {type: magic}
",
    );
    let uses: Vec<Vec<Vec<(&str, usize)>>> = read
        .operations
        .iter()
        .map(|operation| {
            let alternatives = operation.security.alternatives.iter();
            alternatives
                .map(|uses| uses.iter().map(|used| (used.name.value.as_str(), used.scopes.len())).collect())
                .collect()
        })
        .collect();
    assert_eq!(
        uses,
        [vec![vec![("key", 0)]], vec![], vec![vec![("oauth", 2), ("key", 0)], vec![]], vec![vec![("kei", 0)]]]
    );
    assert_eq!(problems(&read), [(ProblemKind::UnresolvedReference, "kei")]);
    assert_eq!(read.problems[0].nearest.as_deref(), Some("key"));
    let kinds: Vec<&SchemeKind> = read.security_schemes.iter().map(|scheme| &scheme.kind).collect();
    assert_eq!(kinds[0], &SchemeKind::ApiKey { location: Location::Header, name: "X-Key".into() });
    assert!(matches!(kinds[1], SchemeKind::OAuth2 { flows } if flows[0].scopes == ["read", "write"]));
    assert_eq!(
        (kinds[2], kinds[3]),
        (&SchemeKind::Http { scheme: "bearer".into() }, &SchemeKind::Other("magic".into()))
    );
}

#[test]
fn bodies_responses_headers_links_callbacks_and_servers_are_read() {
    let read = document(
        "3.0.3",
        "servers: [{url: 'https://{a}', variables: {a: {default: x, enum: [y, x]}}}]
paths:
  /a:
    servers: [{url: /path}]
    post:
      operationId: create
      x-permission: things
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: {type: object}
            encoding: {file: {contentType: image/png, headers: {X-A: {schema: {type: string}}}}}
      responses:
        '201':
          description: made
          headers: {Location: {required: true, schema: {type: string}}}
          links: {next: {operationId: create}}
          content: {application/json: {example: , examples: {one: {summary: s, value: {a: 1}}}}, application/pdf: }
      callbacks:
        done: {'{$request.body#/url}': {post: {responses: {}}, put: {responses: {}}}}
",
    );
    let operation = only(&read);
    let body = operation.body.as_ref().unwrap();
    assert_eq!((text(&read, body.key), body.required.value), ("requestBody", true));
    assert_eq!(body.content[0].encoding[0].headers[0].name.value, "X-A");
    let response = &operation.responses[0];
    assert_eq!((response.headers.len(), response.links[0].key.as_str(), response.content.len()), (1, "next", 2));
    let examples: Vec<_> =
        response.content[0].examples.iter().map(|example| example.value.as_ref().unwrap().to_json()).collect();
    assert_eq!(examples, [serde_json::json!(null), serde_json::json!({"a": 1})]);
    assert_eq!(operation.callbacks[1].path.value, "done {$request.body#/url}");
    assert_eq!(
        (operation.servers[0].url.value.as_str(), read.servers[0].variables[0].default.as_deref()),
        ("/path", Some("x"))
    );
    assert_eq!(read.servers[0].variables[0].values, Some(vec!["y".to_owned(), "x".to_owned()]));
    assert_eq!(operation.extension("x-permission").unwrap().as_str(), Some("things"));
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}
