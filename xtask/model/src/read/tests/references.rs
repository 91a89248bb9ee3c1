//! References, within a file and into others.

use std::path::Path;

use super::*;
use crate::document::{Part, Status};

/// A document in the first of these files, which may refer to the others.
fn files(files: &[(&str, &str)]) -> Document {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    super::super::read_file(folder.path(), &folder.path().join(files[0].0)).unwrap()
}

#[test]
fn references_are_replaced_by_their_targets() {
    let read = document("3.0.3", "paths:
  /a: {$ref: '#/components/x-paths/A', get: {responses: {}}}
components:
  x-paths: {A: {get: {summary: no}, post: {parameters: [{$ref: '#/components/parameters/P'}], requestBody: {$ref: '#/components/requestBodies/B'}, responses: {'200': {$ref: '#/components/responses/R'}}}}}
  parameters: {P: {$ref: '#/components/parameters/Q'}, Q: {name: q, in: query}}
  requestBodies: {B: {content: {a/b: {}}}}
  responses: {R: {description: r, headers: {H: {$ref: '#/components/headers/H'}}, content: {a/b: {examples: {e: {$ref: '#/components/examples/E'}}}}}}
  headers: {H: {description: h}}
  examples: {E: {value: 7}}
");
    // `x-paths` is not a key of components, and is accepted.
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let [get, post] = &read.operations[..] else { panic!("{:?}", read.operations) };
    assert_eq!((get.method.value.as_str(), get.summary.is_none(), post.method.value.as_str()), ("GET", true, "POST"));
    assert_eq!((post.parameters[0].name.value.as_str(), post.body.as_ref().unwrap().content.len()), ("q", 1));
    let response = &post.responses[0];
    assert_eq!((response.description.value.as_str(), response.status.value), ("r", Status::Code(200)));
    assert_eq!(response.headers[0].description.as_ref().unwrap().value, "h");
    assert_eq!(response.content[0].examples[0].value.as_ref().unwrap().as_u64(), Some(7));
}

#[test]
fn pointers_may_have_escapes_and_any_target() {
    let read = document(
        "3.1.0",
        "paths:
  /a/{id}: {get: {responses: {'200': {description: a, content: {application/json: {schema: {type: string}}}}}}}
components:
  schemas:
    A: {$ref: '#/paths/~1a~1{id}/get/responses/200/content/application~1json/schema'}
    B: {$ref: '#/paths/~1a~1%7Bid%7D/get/responses/200/content/application~1json/schema'}
    C: {$ref: '#/components/schemas/D%20d~0/properties/y/anyOf/1'}
    D d~: {properties: {y: {anyOf: [{}, {type: integer}]}}}
    E: {$ref: '#/components/schemas/F/properties/y'}
    F: {$ref: '#/components/schemas/D d~'}
    G: {$ref: '#here'}
    H: {$defs: {h: {$anchor: here, type: object}}}
    I: {$ref: '#'}
",
    );
    let target = |name| {
        let id = read.component(name).unwrap();
        read.schema(id).reference.as_ref().unwrap().target.unwrap()
    };
    assert_eq!(target("A"), target("B"));
    assert_eq!(Some(target("A")), read.operations[0].responses[0].content[0].schema);
    assert_eq!(text(&read, read.schema(target("C")).span), "{type: integer}");
    assert_eq!(text(&read, read.schema(target("E")).span), "{anyOf: [{}, {type: integer}]}");
    assert!(read.schema(target("G")).types.is_some());
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}

#[test]
fn references_are_relative_to_the_file_that_contains_them() {
    let root = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      parameters: [{$ref: '../common/p.json#/Limit'}]\n      responses: {'200': {$ref: ./answers/ok.yaml}, '404': {$ref: 'answers/ok.yaml'}}\ncomponents:\n  schemas: {A: {$ref: '../common/s.yaml#/components/schemas/A'}}\n";
    let read = files(&[
        ("api/openapi.yaml", root),
        (
            "common/p.json",
            "{\"Limit\": {\"name\": \"limit\", \"in\": \"query\", \"schema\": {\"$ref\": \"s.yaml#/components/schemas/A\"}}}",
        ),
        (
            "common/s.yaml",
            "components: {schemas: {A: {type: string}, Back: {$ref: '../api/openapi.yaml#/components/schemas/A'}}}\n",
        ),
        (
            "api/answers/ok.yaml",
            "description: ok\ncontent: {a/b: {schema: {$ref: '../../common/s.yaml#/components/schemas/Back'}, example: 1}}\n",
        ),
    ]);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let paths: Vec<&str> = read.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["api/openapi.yaml", "common/p.json", "api/answers/ok.yaml", "common/s.yaml"]);
    let operation = only(&read);
    assert_eq!((operation.parameters[0].span.file.0, operation.responses.len()), (1, 2));
    let target = |id| read.schema(id).reference.as_ref().unwrap().target;
    let a = read.component("A").unwrap();
    let back = operation.responses[0].content[0].schema.and_then(target).unwrap();
    // Around the cycle of three files it is the same schema.
    assert_eq!((target(back), target(a)), (Some(a), operation.parameters[0].schema.and_then(target)));
}

#[test]
fn unresolved_references_are_reported_with_the_reason_and_the_rest_is_read() {
    let rest = "paths:
  /a:
    get:
      parameters: [{$ref: '#/components/parameters/Limt'}, {$ref: 'https://a.b/c.yaml#/d'}, {$ref: /etc/passwd}, {$ref: 7}]
      requestBody: {$ref: other.yaml}
      responses: {'200': {$ref: '#/components/responses/'}, '201': {description: b}}
components: {parameters: {Limit: {name: limit, in: query}}, schemas: {A: {$ref: '#/components/schemas/B'}, D: {discriminator: {propertyName: a, mapping: {a: A, b: E}}}}}
";
    let read = document("3.0.3", rest);
    let operation = only(&read);
    let reasons: Vec<&str> = operation.unread.iter().map(|unread| unread.reason.as_str()).collect();
    let expected = [
        "there is no `#/components/parameters/Limt`",
        "only references to files are followed",
        "an absolute path",
        "a number",
        "not read from a folder",
        "there is no",
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.contains(expected), "{reason}");
    }
    assert_eq!((reasons.len(), operation.unread[4].part, operation.responses.len()), (6, Part::Body, 1));
    assert_eq!(read.problems[0].nearest.as_deref(), Some("Limit"));
    let id = read.component("A").unwrap();
    assert!(read.schema(id).reference.as_ref().unwrap().target.is_none());
    assert_eq!(read.problems.len(), 8, "{:#?}", read.problems);

    let missing = files(&[
        (
            "a.yaml",
            "openapi: 3.0.3\npaths: {/a: {$ref: b/none.yaml}, /b: {$ref: bad.yaml}, /c: {$ref: 'b'}, /d: {get: {responses: {}}}}\n",
        ),
        ("bad.yaml", "a: [\n"),
        ("b/x.yaml", ""),
    ]);
    let messages: Vec<&str> = missing.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(
        messages[0].contains("no such file")
            && messages[1].contains("`bad.yaml`, line")
            && messages[2].contains("folder"),
        "{messages:?}"
    );
    assert_eq!((missing.operations.len(), missing.files.len()), (1, 1));
}

#[test]
fn circular_references_are_reported_and_end() {
    let read = document("3.0.3", "paths:
  /a: {get: {parameters: [{$ref: '#/components/parameters/A'}], responses: {}, callbacks: {c: {$ref: '#/components/callbacks/C'}}}}
  /b: {$ref: '#/paths/~1b'}
components:
  parameters: {A: {$ref: '#/components/parameters/B'}, B: {$ref: '#/components/parameters/A'}}
  headers: {H: {content: {a/b: {encoding: {p: {headers: {H: {$ref: '#/components/headers/H'}}}}}}}}
  callbacks: {C: {/x: {post: {responses: {}, callbacks: {c: {$ref: '#/components/callbacks/C'}}}}}}
  schemas: {A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}, T: {items: {$ref: '#/components/schemas/T'}}, P: {$ref: '#/components/schemas/P/properties/x'}}
");
    assert!(read.problems.iter().all(|problem| problem.kind == ProblemKind::CircularReference), "{:#?}", read.problems);
    assert_eq!(read.problems.len(), 7, "{:#?}", read.problems);
    assert_eq!(only(&read).callbacks.len(), 1);
}

#[test]
fn long_chains_and_references_that_multiply_are_bounded() {
    let chain = |number: usize| format!("    A{number}: {{$ref: '#/components/schemas/A{}'}}\n", number + 1);
    let schemas: String = (0..20_000).map(chain).collect();
    let read = document("3.0.3", &format!("components:\n  schemas:\n{schemas}    A20000: {{type: string}}\n"));
    assert!(read.problems.is_empty());

    let through = |number: usize| format!("    A{number}: {{$ref: '#/components/schemas/A{}/not'}}\n", number + 1);
    let schemas: String = (0..2000).map(through).collect();
    assert!(!document("3.0.3", &format!("components:\n  schemas:\n{schemas}")).problems.is_empty());

    let multiply = |number: usize| {
        let headers: Vec<String> =
            (0..10).map(|name| format!("h{name}: {{$ref: '#/components/headers/H{}'}}", number + 1)).collect();
        format!("    H{number}: {{content: {{a/b: {{encoding: {{p: {{headers: {{{}}}}}}}}}}}}}\n", headers.join(", "))
    };
    let headers: String = (0..12).map(multiply).collect();
    let read = document("3.0.3", &format!("components:\n  headers:\n{headers}    H12: {{}}\n"));
    assert!(read.problems.iter().any(|problem| problem.kind == ProblemKind::TooLarge));
}

#[test]
fn keys_beside_a_reference_are_read_in_3_1_and_reported_in_3_0() {
    let rest = "components:
  schemas: {A: {type: string}, B: {$ref: '#/components/schemas/A', nullable: true, description: b, x-a: 1}}
  responses: {R: {description: old}, S: {$ref: '#/components/responses/R', description: new, headers: {}}}
paths: {/a: {get: {responses: {'200': {$ref: '#/components/responses/S'}}}}}
";
    let old = document("3.0.3", rest);
    assert_eq!(problems(&old), [(ProblemKind::BesideReference, "nullable"), (ProblemKind::BesideReference, "headers")]);
    let b = |read: &Document| read.schema(read.component("B").unwrap()).clone();
    assert!(b(&old).nullable.is_none() && b(&old).description.is_none());
    let new = document("3.1.0", rest);
    assert!(b(&new).nullable.is_some() && b(&new).description.is_some());
    assert_eq!(problems(&new), [(ProblemKind::BesideReference, "headers")]);
}

#[test]
fn unused_components_are_read_to_report_their_problems() {
    let read = document(
        "3.0.3",
        "components:\n  responses: {R: {$ref: '#/a'}}\n  parameters: {P: {name: p}}\n  requestBodies: {B: {content: {a/b: {schema: {$ref: '#/b'}}}}}\n  headers: {H: {$ref: '#/c'}}\n  examples: {E: {$ref: '#/d'}}\n  links: {L: {$ref: '#/e'}}\n  callbacks: {C: {$ref: '#/f'}}\n  securitySchemes: {S: {$ref: '#/g'}}\n",
    );
    assert_eq!(read.problems.len(), 8, "{:#?}", read.problems);
}

#[test]
fn a_document_in_memory_may_have_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.yaml"), "get: {responses: {}}\n").unwrap();
    let source = Source::new("somewhere/a.yaml", "openapi: 3.0.3\npaths: {/a: {$ref: b.yaml}}\n");
    let read = super::super::read(&source, Some(folder.path())).unwrap();
    assert_eq!((read.operations.len(), Path::new(&read.files[1].path)), (1, Path::new("somewhere/b.yaml")));
}

#[cfg(unix)]
#[test]
fn devices_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/null", folder.path().join("device.yaml")).unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "openapi: 3.0.3\npaths: {/a: {get: {requestBody: {$ref: device.yaml}, responses: {}}}}\n")
        .unwrap();
    let read = super::super::read_file(folder.path(), &file).unwrap();
    assert_eq!(only(&read).unread[0].reason, "`device.yaml` is no file");
}
