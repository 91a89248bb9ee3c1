//! One feature of a contract at a time: what the client has for it, what is lost, and what is refused.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use openapi_dropshot::{GeneratedClient, lower, standalone_client};
use openapi_model::document::Document;
use openapi_model::source::Source;

fn read(version: &str, rest: &str) -> Document {
    let text = format!("openapi: {version}\ninfo: {{title: T, version: '1'}}\n{rest}");
    openapi_model::read(&Source::new("a.yaml", text), None).unwrap()
}

/// The client of a contract with these schemas, of which `A` is received and `B` is sent.
fn of_schemas(version: &str, schemas: &str) -> GeneratedClient {
    let text = format!(
        "paths:
  /a:
    post:
      operationId: a
      requestBody: {{content: {{application/json: {{schema: {{$ref: '#/components/schemas/B'}}}}}}}}
      responses: {{'200': {{description: d, content: {{application/json: {{schema: {{$ref: '#/components/schemas/A'}}}}}}}}}}
components:
  schemas:
{schemas}"
    );
    standalone_client(&read(version, &text), &BTreeSet::new()).unwrap()
}

/// The source text of an item, without line breaks and with single blanks.
fn item(client: &GeneratedClient, beginning: &str) -> String {
    let at = client.text.find(beginning).unwrap_or_else(|| panic!("no `{beginning}` in\n{}", client.text));
    let rest = &client.text[at..];
    let text = rest[..rest.find("\n    }").unwrap()].to_owned();
    text.replace("::std::option::", "")
        .replace("::std::string::", "")
        .replace("::std::vec::", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn losses(client: &GeneratedClient) -> Vec<&str> {
    client.operations.iter().flat_map(|operation| &operation.losses).map(|loss| loss.what.as_str()).collect()
}

fn refusals(paths: &str) -> Vec<String> {
    let client = standalone_client(&read("3.0.3", paths), &BTreeSet::new()).unwrap();
    client.refused.iter().map(|refused| format!("{} {}: {}", refused.method, refused.path, refused.reason)).collect()
}

#[test]
fn contracts_of_3_1_are_lowered() {
    let client = of_schemas(
        "3.1.0",
        "    A: {type: object, required: [id, kind], properties: {id: {type: [string, 'null']}, kind: {const: a}, old: {$ref: '#/components/schemas/B', description: The old one.}, both: {type: [string, integer]}, mixed: {type: [object, string], properties: {x: {type: string}}}}}
    B: {type: [object, 'null'], properties: {n: {type: integer, exclusiveMinimum: 0}}}",
    );
    let a = item(&client, "pub struct A {");
    for field in [
        "pub id: Option<String>,",
        "pub kind: AKind,",
        "/// The old one.",
        "pub old: Option<B>,",
        "pub both: Option<ABoth>,",
        "pub mixed: Option<AMixed>,",
    ] {
        assert!(a.contains(field), "{field} in {a}");
    }
    assert!(item(&client, "pub struct B {").contains("pub n: Option<u64>,"));
    assert_eq!(item(&client, "pub enum AMixed {"), "pub enum AMixed { String(String), AMixedObject(AMixedObject),");
    assert!(
        client.text.contains("body: wire::Input<Option<types::B>>")
            || client.text.contains("::std::option::Option<types::B>")
    );
}

#[test]
fn all_of_becomes_one_struct_and_members_may_be_recursive() {
    let client = of_schemas(
        "3.0.3",
        "    A: {allOf: [{$ref: '#/components/schemas/Base'}, {type: object, required: [base], properties: {next: {$ref: '#/components/schemas/A'}}}]}
    Base: {type: object, properties: {base: {type: string, description: Its base.}}}
    B: {type: object, properties: {all: {type: array, items: {$ref: '#/components/schemas/B'}}}}",
    );
    assert_eq!(
        item(&client, "pub struct A {"),
        "pub struct A { /// Its base. pub base: String, #[serde(skip_serializing_if = \"Option::is_none\")] \
         pub next: Option<::std::boxed::Box<A>>,"
    );
    assert!(item(&client, "pub struct B {").contains("pub all: Option<Vec<B>>,"));
}

#[test]
fn conditions_are_no_variants_and_the_common_part_belongs_to_each_variant() {
    let client = of_schemas(
        "3.0.3",
        "    A: {type: object, properties: {x: {type: string}, y: {type: string}}, anyOf: [{required: [x]}, {required: [y]}]}
    B:
      type: object
      required: [id]
      properties: {id: {type: string}}
      oneOf:
        - {title: Round, type: object, required: [radius], properties: {radius: {type: number}}}
        - {title: Flat, type: object, required: [width], properties: {width: {type: number}}}",
    );
    assert!(item(&client, "pub struct A {").contains("pub x: Option<String>,"));
    assert_eq!(item(&client, "pub enum B {"), "pub enum B { Round(BRound), Flat(BFlat),");
    assert_eq!(item(&client, "pub struct BRound {"), "pub struct BRound { pub id: String, pub radius: f64,");
}

#[test]
fn schemas_that_are_derived_from_a_base_with_a_discriminator_are_variants_of_it() {
    let client = of_schemas(
        "3.0.3",
        "    A: {type: object, required: [kind], properties: {kind: {type: string}}, discriminator: {propertyName: kind, mapping: {c: '#/components/schemas/Cat'}}}
    Cat: {allOf: [{$ref: '#/components/schemas/A'}, {type: object, properties: {lives: {type: integer}}}]}
    Dog: {allOf: [{$ref: '#/components/schemas/A'}]}
    B: {oneOf: [{$ref: '#/components/schemas/X'}, {$ref: '#/components/schemas/Y'}], discriminator: {propertyName: type}, properties: {type: {type: string}}}
    X: {allOf: [{$ref: '#/components/schemas/B'}, {properties: {x: {type: string}}}]}
    Y: {allOf: [{$ref: '#/components/schemas/B'}, {properties: {y: {type: string}}}]}",
    );
    assert_eq!(item(&client, "pub enum A {"), "pub enum A { Cat(Cat), ABase(ABase),");
    let cat = item(&client, "pub struct Cat {");
    assert!(cat.contains("pub kind: CatKind,") && cat.contains("pub lives: Option<i64>,"), "{cat}");
    assert!(item(&client, "pub enum CatKind {").contains("#[serde(rename = \"c\")]"));
    assert!(
        item(&client, "pub struct X {")
            .contains("pub type_: XType, #[serde(skip_serializing_if = \"Option::is_none\")] pub x: Option<String>,")
    );
}

#[test]
fn what_is_lost_is_told_for_the_operations_that_it_concerns() {
    let client = of_schemas(
        "3.0.3",
        "    A: {anyOf: [{type: object, properties: {x: {type: string}}}, {type: object, properties: {y: {type: string}}}]}
    B: {type: object, properties: {n: {type: string, nullable: true}, gone: {$ref: '#/components/schemas/None'}}}",
    );
    assert_eq!(
        losses(&client),
        [
            "`#/components/schemas/None` does not resolve; its values are read as any JSON",
            "`n` is left out of the body where it could be null, because it is optional",
            "where several alternatives of an `anyOf` fit, only one is read",
        ]
    );
    assert!(client.text.contains("/// - where several alternatives of an `anyOf` fit, only one is read."));
}

#[test]
fn an_operation_that_cannot_be_done_is_refused_and_the_others_are_not() {
    let paths = "paths:
  /socket: {get: {operationId: socket, responses: {'101': {description: d}}}}
  /form: {post: {operationId: form, requestBody: {content: {multipart/form-data: {}}}, responses: {'204': {description: d}}}}
  /{a: {get: {responses: {'204': {description: d}}}}
  /style: {get: {parameters: [{name: a, in: query, style: matrix, schema: {type: string}}], responses: {'204': {description: d}}}}
  /reference: {get: {parameters: [{$ref: '#/components/parameters/None'}], responses: {'204': {description: d}}}}
  /works: {get: {operationId: works, responses: {'204': {description: d}}}}
";
    assert_eq!(
        refusals(paths),
        [
            "GET /socket: the response changes the protocol, which the client cannot",
            "POST /form: the contract does not say which parts the multipart body has",
            "GET /{a: the path `/{a` has a `{` without a `}`",
            "GET /style: the parameter `a` has the style `matrix`, which a query cannot have",
            "GET /reference: there is no `#/components/parameters/None`",
        ]
    );
    let client = standalone_client(&read("3.0.3", paths), &BTreeSet::new()).unwrap();
    assert!(client.text.contains("pub fn works(&self) -> builder::Works<'_>"));
}

#[test]
fn bodies_that_are_neither_json_nor_a_form_are_bytes() {
    let document = read(
        "3.0.3",
        "paths:
  /a:
    post:
      operationId: a
      requestBody: {content: {application/xml: {schema: {type: object, properties: {x: {type: string}}}}}}
      responses: {'200': {description: d, content: {application/xml: {schema: {type: array, items: {type: string}}}}}, '404': {description: d, content: {image/png: {}}}}
",
    );
    let client = standalone_client(&document, &BTreeSet::new()).unwrap();
    assert_eq!(
        losses(&client),
        [
            "the body is bytes, because the client does not write `application/xml`",
            "the response 200 is bytes, because the client does not read `application/xml`",
        ]
    );
    assert!(client.text.contains("body: wire::Input<::reqwest::Body>"));
    assert!(client.text.contains("NotFound(::std::vec::Vec<u8>)"));
}

#[test]
fn schemas_of_other_files_are_named_after_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "pet.yaml",
        "type: object\nproperties: {toy: {$ref: 'common.yaml#/schemas/Toy'}, parent: {$ref: pet.yaml}}\n",
    );
    write("common.yaml", "schemas: {Toy: {type: object, properties: {name: {type: string}}}}\n");
    write(
        "api.yaml",
        "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a: {get: {operationId: a, responses: {'200': {description: d, content: {application/json: {schema: {$ref: pet.yaml}}}}}}}\n",
    );
    let document = openapi_model::read_file(folder.path(), &folder.path().join("api.yaml")).unwrap();
    let client = standalone_client(&document, &BTreeSet::new()).unwrap();
    let pet = item(&client, "pub struct Pet {");
    assert!(
        pet.contains("pub toy: Option<Toy>,") && pet.contains("pub parent: Option<::std::boxed::Box<Pet>>,"),
        "{pet}"
    );
    assert!(item(&client, "pub struct Toy {").contains("pub name: Option<String>,"));
}

#[test]
fn servers_of_operations_are_lost_only_if_they_differ() {
    let lost = |second: &str| {
        let text = format!(
            "paths:
  /a: {{servers: [{{url: 'https://a.test'}}], get: {{responses: {{'204': {{description: d}}}}}}}}
  /b: {{servers: [{{url: '{second}'}}], get: {{responses: {{'204': {{description: d}}}}}}}}
"
        );
        let client = standalone_client(&read("3.0.3", &text), &BTreeSet::new()).unwrap();
        assert!(client.text.contains("/// - `https://a.test`"));
        losses(&client).len()
    };
    assert_eq!((lost("https://a.test"), lost("https://b.test")), (0, 2));
}

#[test]
fn operations_that_are_left_out_change_no_name() {
    let paths = "paths:
  /a: {get: {operationId: get_a, responses: {'204': {description: d}}}}
  /b: {get: {operationId: getA, responses: {'204': {description: d}}}}
";
    let document = read("3.0.3", paths);
    let names = |leave_out: &[usize]| -> Vec<String> {
        let lowered = lower(&document, &leave_out.iter().copied().collect());
        lowered.operations.iter().map(|operation| operation.name.clone()).collect()
    };
    assert_eq!(names(&[]), ["get_a", "get_b"]);
    assert_eq!(names(&[0]), ["get_b"]);
}

#[test]
fn a_small_change_of_the_contract_is_a_small_change_of_the_client() {
    let client = |field: &str| {
        of_schemas(
            "3.0.3",
            &format!("    A: {{type: object, properties: {{a: {{type: string}}{field}}}}}\n    B: {{type: object, properties: {{b: {{type: string}}}}}}"),
        )
        .text
    };
    let (before, after) = (client(""), client(", c: {type: integer}"));
    let added = after.lines().filter(|line| !before.lines().any(|known| known == *line)).count();
    assert_eq!((after.lines().count() - before.lines().count(), added), (2, 1));
}

#[test]
fn the_lowered_document_is_openapi_3_0_with_components_that_refer_to_each_other() {
    let document = read(
        "3.1.0",
        "paths:
  /a/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
      responses: {'200': {description: d, content: {application/json: {schema: {type: object, properties: {x: {type: object, properties: {y: {}}}}}}}}}
",
    );
    let lowered = lower(&document, &BTreeSet::new());
    assert_eq!(lowered.document["openapi"], "3.0.3");
    let schemas = &lowered.document["components"]["schemas"];
    assert_eq!(
        schemas["GetAByIdResponse"]["properties"]["x"],
        serde_json::json!({"$ref": "#/components/schemas/GetAByIdResponseX"})
    );
}
