//! The generated clients of the tests are up to date (`EXPECTORATE=overwrite` writes them), and what is said about its operations.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use apidrift_core::contract::Contract;
use openapi_dropshot::{GeneratedClient, Wanted, generate, server, standalone_client};
use openapi_model::source::Source;

fn client(name: &str) -> GeneratedClient {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    let document = openapi_model::read_file(&folder, &folder.join(name)).unwrap();
    standalone_client(&document, &BTreeSet::new()).unwrap()
}

#[test]
fn the_clients_are_as_they_stand_here() {
    expectorate::assert_contents("tests/client/shop.rs", &client("shop.yaml").text);
    expectorate::assert_contents("tests/client/awkward.rs", &client("awkward.yaml").text);
}

#[test]
fn the_servers_are_as_they_stand_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
    for name in ["shop", "awkward"] {
        let source = Source::read(&folder, &folder.join(format!("{name}.yaml"))).unwrap();
        let contract = Contract::read(&source, Some(&folder), None).unwrap();
        let server = server(&contract, &BTreeSet::new()).unwrap();
        expectorate::assert_contents(format!("../runtime/tests/servers/{name}.rs"), &server.text);
    }
}

#[test]
fn the_example_of_the_guide_is_as_the_guide_has_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for file in ["pets.yaml", "server/src/main.rs", "client/src/main.rs"] {
        let text = std::fs::read_to_string(folder.join("example").join(file)).unwrap();
        assert!(guide.contains(text.trim_end()), "README.md does not contain {file}");
    }
    let example = |file: &str| folder.join("example").join(file);
    let wanted = Wanted {
        spec: example("pets.yaml"),
        server: Some(example("server/src/api.rs")),
        client: Some(example("client/src/pets.rs")),
        check: std::env::var_os("EXPECTORATE").is_none(),
        ..Wanted::default()
    };
    let report = generate(&wanted).unwrap();
    assert!(!report.is_incomplete(&wanted), "{report:?}");
}

#[test]
fn every_operation_is_taken() {
    assert_eq!(client("awkward.yaml").refused, []);
    let client = client("shop.yaml");
    assert_eq!(client.refused, []);
    let ids: Vec<&str> = client.operations.iter().map(|operation| operation.id.as_str()).collect();
    let expected = [
        "getPet",
        "patch_pets_by_pet_id",
        "delete",
        "list-pets",
        "createPet",
        "rename",
        "upload",
        "download",
        "attach",
        "post_notes",
        "new",
        "options_shapes",
        "Error",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn losses_are_told() {
    let client = client("shop.yaml");
    let losses = |id: &str| -> Vec<String> {
        let operation = client.operations.iter().find(|operation| operation.id == id).unwrap();
        operation.losses.iter().map(|loss| loss.what.clone()).collect()
    };
    assert_eq!(losses("getPet"), Vec::<String>::new());
    assert_eq!(
        losses("createPet"),
        [
            "`owner` is left out of the body where it could be null, because it is optional",
            "the body could also be `application/xml`; it is always sent as `application/json`",
        ]
    );
    let nested = "OpenAPI does not say how `filter` is nested; it is sent as `filter[key][key]` and `filter[0]`";
    assert_eq!(losses("list-pets"), [nested]);
    assert_eq!(losses("Error"), ["a list or map that contains itself is read as any JSON"]);
}

#[test]
fn what_is_missing_is_listed_in_comments_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("a.yaml");
    let text = r#"
openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  "/x?\nstruct Injected;\n//": {get: {responses: {}}}
  /a/../b: {get: {responses: {}}}
  /y: {get: {description: "\u202e", responses: {}}}
"#;
    std::fs::write(&spec, text).unwrap();
    let server = folder.path().join("a.rs");
    let wanted = Wanted { spec, server: Some(server.clone()), partial: true, ..Wanted::default() };
    let report = generate(&wanted).unwrap();
    assert_eq!((report.refused.len(), report.files[0].operations), (2, 1), "{report:?}");
    let written = std::fs::read_to_string(server).unwrap();
    let list: Vec<&str> = written.lines().skip(2).take(4).collect();
    assert_eq!(list[0], "// These operations could not be generated:");
    assert!(list[1].starts_with("// - GET /x? struct Injected; //: "), "{list:?}");
    assert!(list[2].starts_with("// - GET /a/../b: "), "{list:?}");
    assert_eq!(list[3], "#![cfg_attr(rustfmt, rustfmt_skip)]");
    assert!(!written.contains('\u{202e}'), "it would not compile");
}
