//! Whole documents: versions, texts, unknown keys.

use super::*;

fn unreadable(text: &str) -> crate::problem::Unreadable {
    crate::read(&Source::new("t.yaml", text), None).unwrap_err()
}

#[test]
fn unsupported_versions_are_reported() {
    let swagger = unreadable("swagger: '2.0'\npaths: {}\n");
    assert!(swagger.message.contains("OpenAPI 2.0") && swagger.help.unwrap().contains("convert it to 3.0"));
    let newer = unreadable("openapi: 3.2.0\n");
    assert!(newer.message.contains("`3.2.0`") && newer.place.unwrap().range == (9..14));
    for text in ["a: 1\n", "[]", "text", "openapi: 3\n", "openapi: [3]\n"] {
        assert!(!unreadable(text).message.is_empty());
    }
    assert!(unreadable("a: [\n").message.contains("YAML") && unreadable("").message.contains("empty"));
}

#[test]
fn an_unquoted_version_is_accepted() {
    let document =
        crate::read(&Source::new("t.yaml", "openapi: 3.0\ninfo: {title: T, version: 1.10}\n"), None).unwrap();
    assert_eq!((document.openapi.value.as_str(), document.info.version.value.as_str()), ("3.0", "1.10"));
    assert_eq!(problems(&document), [(ProblemKind::WrongType, "3.0"), (ProblemKind::WrongType, "1.10")]);
}

#[test]
fn a_document_may_be_nearly_empty() {
    for rest in ["", "paths:\n", "paths: {}\n", "paths: {/a: }\n", "paths: {/a: {get: }}\n", "components:\n"] {
        let document = document("3.0.3", rest);
        assert!(document.problems.is_empty(), "{rest} {:?}", document.problems);
    }
    let document = document("3.1.0", "webhooks: {new: {post: {responses: {'200': {description: ok}}}}}\n");
    assert_eq!((document.webhooks[0].path.value.as_str(), document.operations.len()), ("new", 0));
}

#[test]
fn the_last_duplicate_key_counts_and_both_are_reported() {
    let document = document("3.0.3", "paths:\n  /a: {get: {summary: x}}\n  /a: {get: {summary: y}}\n");
    assert_eq!(only(&document).summary.as_ref().unwrap().value, "y");
    let problem = &document.problems[0];
    assert_eq!((problem.kind, text(&document, problem.span)), (ProblemKind::DuplicateKey, "/a"));
    let (first, _) = problem.related.as_ref().unwrap();
    assert!(text(&document, *first) == "/a" && first.start < problem.span.start);
}

#[test]
fn a_second_document_is_reported_and_not_read() {
    let document = document("3.0.3", "paths: {}\n---\nother: [\n");
    assert_eq!(problems(&document), [(ProblemKind::SecondDocument, "---")]);
}

#[test]
fn unknown_keys_are_reported_everywhere_with_suggestions() {
    let rest = "x-any: 1
servers: [{url: /, variabels: {}, variables: {a: {default: a, defualt: b}}}]
tags: [{name: a, externalDocs: {uri: x}}]
paths:
  x-a: {b: c}
  /a:
    gett: {}
    get:
      sumary: x
      parameters: [{name: a, in: query, requierd: true, schema: {typ: string}}]
      callbacks: {done: {'{$request.query.url}': {post: {operationid: x, responses: {}}}}}
      responses:
        '200': {description: a, links: {l: {operationID: x}}, headers: {h: {name: h}}}
        '400': {description: b, content: {a/b: {examples: {any: {value: {any: 1}, valeu: 2}}, encoding: {p: {contentTyp: a}}}}}
components:
  schemas:
    A: {properties: {nulable: {nulable: true}, x: {items: {anyOf: [{zzz: 1}]}}}, xml: {wraped: true}, discriminator: {propertyName: x, mappings: {}}}
  securitySchemes:
    o: {type: oauth2, flows: {implicit: {authorizationUrl: a, scope: {}, scopes: {}}, clientCredential: {}}}
";
    let read = document("3.0.3", rest);
    let found: Vec<_> = read
        .problems
        .iter()
        .map(|problem| {
            assert_eq!(problem.kind, ProblemKind::UnknownKey, "{problem:?}");
            (text(&read, problem.span), problem.nearest.as_deref().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("variabels", "variables"),
        ("defualt", "default"),
        ("uri", "url"),
        ("gett", "get"),
        ("sumary", "summary"),
        ("requierd", "required"),
        ("typ", "type"),
        ("operationid", "operationId"),
        ("operationID", "operationId"),
        ("name", ""),
        ("valeu", "value"),
        ("contentTyp", "contentType"),
        ("nulable", "nullable"),
        ("zzz", ""),
        ("wraped", "wrapped"),
        ("mappings", "mapping"),
        ("scope", "scopes"),
        ("clientCredential", "clientCredentials"),
    ];
    assert_eq!(found, expected);
    // In 3.1 a schema may have any key, and other objects have additional ones.
    let read =
        document("3.1.0", "jsonSchemaDialect: x\ncomponents: {schemas: {A: {typ: x, if: {zzz: 1}}}, pathItems: {}}\n");
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}

#[test]
fn values_of_wrong_types_are_reported_and_left_out() {
    let rest = "info: 7
servers: {url: a}
tags: [a, {name: [b]}]
security: x
paths:
  /a: 7
  /b:
    get:
      tags: a
      summary: [a]
      deprecated: 'yes'
      parameters: {a: b}
      requestBody: []
      responses: [a]
      security: [a]
      callbacks: 7
  /c:
    post: {requestBody: {content: {a/b: 7}}, responses: {'200': 7, '201': {description: 1, headers: [], content: x}}}
components: {schemas: {A: 7, B: {properties: [a], required: true, enum: x, type: 7, allOf: {}, items: [a]}}, parameters: 7}
";
    let text = format!("openapi: 3.0.3\n{rest}");
    let document = crate::read(&Source::new("t.yaml", text), None).unwrap();
    assert_eq!(document.operations.len(), 2);
    assert_eq!(document.operations[0].unread.len(), 4, "{:?}", document.operations[0].unread);
    assert_eq!(document.operations[1].responses[0].description.value, "1");
    assert!(
        document
            .problems
            .iter()
            .all(|problem| matches!(problem.kind, ProblemKind::WrongType | ProblemKind::Incomplete))
    );
    assert!(document.problems.len() > 20, "{:#?}", document.problems);
}
