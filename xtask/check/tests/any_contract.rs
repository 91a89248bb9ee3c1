//! Contracts that keep to none of this house's customs: they are read, compared, adopted, and what is new in them is found.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A contract of somebody else's: several successes, ranges, bodies, a key in a header, no names for errors.
const NOTES: &str = r"openapi: 3.1.0
info: {title: Notes, version: v2}
security: [{key: []}, {}]
paths:
  /notes/{id}.json:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
    get:
      responses:
        '200': {description: The note, content: {application/json: {schema: {$ref: '#/components/schemas/Note'}, example: {id: a, at: '2026-11-29'}}}}
        '304': {description: As you have it}
        4XX: {description: No, content: {application/problem+json: {schema: {type: object}}}}
    put:
      operationId: putNote
      requestBody:
        content:
          application/json: {schema: {allOf: [{$ref: '#/components/schemas/Note'}, {type: object, required: [id, text], properties: {text: {type: [string, 'null']}}}]}}
          text/plain: {schema: {type: string}}
      responses:
        '200': {description: Replaced}
        '201': {description: Made}
        default: {description: Something else}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
  schemas:
    Note: {type: object, required: [id], properties: {id: {type: string}, at: {type: string, format: date}}, additionalProperties: {type: integer}}
";

/// A folder with `api.yaml`.
fn folder(contract: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api.yaml", contract);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apidrift"));
    let output = command.args(arguments).env("NO_COLOR", "1").current_dir(folder).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[track_caller]
fn assert_ends(folder: &Path, arguments: &[&str], code: i32, says: &str) -> String {
    let (ended, text) = run(folder, arguments);
    assert_eq!(ended, code, "{arguments:?}: {text}");
    assert!(text.contains(says), "{arguments:?} does not say {says:?}: {text}");
    text
}

#[test]
fn a_contract_without_our_customs_needs_no_settings_and_is_silent() {
    let folder = folder(NOTES);
    assert_ends(folder.path(), &["check", "api.yaml"], 0, "compared: 2 operations, 6 responses, 1 schema");
    assert_ends(folder.path(), &["diff", "api.yaml", "api.yaml"], 0, "nothing has drifted");
}

#[test]
fn what_is_wrong_in_any_contract_is_found_with_its_place() {
    for (find, instead, says) in [
        ("at: '2026-11-29'", "at: yesterday", "\"yesterday\" is not a \"date\""),
        (
            "schema: {type: object}",
            "schema: {type: object, required: [a], properties: {aa: {}}}",
            "`a` is required, and is not",
        ),
        ("security: [{key: []}, {}]", "security: [{kee: []}, {}]", "requires the security scheme `kee`"),
        ("/notes/{id}.json", "/notes/{note}.json", "has a variable `note` that no path parameter describes"),
        ("#/components/schemas/Note'}, example", "#/components/schemas/Not'}, example", "#/components/schemas/Not`"),
        ("title: Notes,", "title: Notes, title: Notes,", "duplicate key"),
        ("'304':", "'30X':", "30X"),
        ("operationId: putNote", "operatonId: putNote", "operatonId"),
    ] {
        assert!(NOTES.contains(find), "{find}");
        let folder = folder(&NOTES.replacen(find, instead, 1));
        let text = assert_ends(folder.path(), &["check", "api.yaml"], 1, says);
        assert!(text.contains("api.yaml:"), "{text}");
    }
}

#[test]
fn a_name_that_is_required_in_one_part_of_a_schema_and_described_in_another_is_no_finding() {
    let folder = folder(&NOTES.replace("required: [id, text], properties: {text", "required: [id], properties: {text"));
    assert_ends(folder.path(), &["check", "api.yaml"], 0, "nothing has drifted");
}

#[test]
fn everything_can_be_adopted_and_something_new_still_fails() {
    let broken = NOTES
        .replace("title: Notes,", "title: Notes, title: Notes,")
        .replace("at: '2026-11-29'", "at: yesterday, n: many")
        .replace("'304':", "'30X':")
        .replace("'201': {description: Made}", "'201': {$ref: 'elsewhere.yaml#/Made'}")
        .replace("operationId: putNote", "operatonId: putNote");
    let folder = folder(&broken);
    assert_ends(folder.path(), &["check", "api.yaml"], 1, "findings");
    assert_ends(folder.path(), &["check", "api.yaml", "--adopt", "old"], 0, "allowances added to apidrift.toml: ");
    assert_ends(folder.path(), &["check"], 0, "allowed for now");
    // The same place, another finding.
    write(folder.path(), "api.yaml", &broken.replace("at: yesterday", "at: tomorrow"));
    assert_ends(folder.path(), &["check"], 1, "\"tomorrow\" is not a \"date\"");
    // What was put right leaves an allowance that allows nothing; adopting again takes it away.
    write(folder.path(), "api.yaml", &broken.replace("'30X':", "'304':"));
    assert_ends(folder.path(), &["check"], 1, "allow/unused");
    assert_ends(folder.path(), &["check", "--adopt", "old"], 0, "removed, because they no longer matched a finding: 1");
    assert_ends(folder.path(), &["check"], 0, "allowed for now");
}

#[test]
fn the_same_mistake_made_again_is_not_allowed() {
    let broken = NOTES.replace(
        "responses:\n        '200': {description: Replaced}",
        "foo: 1\n      responses:\n        '200': {description: Replaced}",
    );
    let folder = folder(&broken);
    assert_ends(folder.path(), &["check", "api.yaml", "--adopt", "old"], 0, "allowances added to apidrift.toml: 1");
    assert_ends(folder.path(), &["check"], 0, "1 allowed for now");
    let again = broken.replace("    get:\n      responses:", "    get:\n      foo: 1\n      responses:");
    write(folder.path(), "api.yaml", &again);
    assert_ends(folder.path(), &["check"], 1, "`foo`");
    assert_ends(folder.path(), &["check", "--adopt", "old"], 0, "allowances added");
    assert_ends(folder.path(), &["check"], 0, "2 allowed for now");
    let settings = std::fs::read_to_string(folder.path().join("apidrift.toml")).unwrap();
    assert_eq!(settings.matches("[[allow]]").count(), 2, "{settings}");
    // Where one of several that are allowed together is gone, that is told.
    let twice = settings.split("\n[[allow]]").next().unwrap().to_owned()
        + "\n[[allow]]"
        + settings.rsplit("\n[[allow]]").next().unwrap().replace("reason", "times = 2\nreason").as_str();
    write(folder.path(), "apidrift.toml", &twice);
    assert_ends(folder.path(), &["check"], 0, "2 allowed for now");
    write(folder.path(), "api.yaml", &broken);
    assert_ends(folder.path(), &["check"], 1, "is allowed 2 times here, but found only 1 times");
}

#[test]
fn settings_stay_readable_whatever_is_taken_out_of_them() {
    let folder = folder(NOTES);
    assert_ends(folder.path(), &["init", "api.yaml"], 0, "wrote apidrift.toml");
    let settings = std::fs::read_to_string(folder.path().join("apidrift.toml")).unwrap();
    let odd = "\n[[allow]]\nrule = \"contract/parses\"\nfile = \"api.yaml\"\nmessage = \"\"\"\n[weird]\nmulti\"\"\"\nreason = \"old\"\n\n# kept\n";
    write(folder.path(), "apidrift.toml", &format!("{settings}{odd}"));
    assert_ends(folder.path(), &["check"], 1, "allow/unused");
    assert_ends(folder.path(), &["check", "--adopt", "old"], 0, "removed, because they no longer matched a finding: 1");
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    let left = std::fs::read_to_string(folder.path().join("apidrift.toml")).unwrap();
    assert!(left.contains("# kept") && !left.contains("weird"), "{left}");
}

#[test]
fn a_profile_that_can_mean_nothing_is_refused() {
    for (profile, says) in [
        ("error_identity = \"code\"", "must be a JSON pointer such as `/code`"),
        ("permission = \"nope\"", "must be an extension such as `x-nope`"),
        ("rate_limit = \"nope\"", "must be an extension such as `x-nope`"),
    ] {
        let folder = folder(NOTES);
        write(folder.path(), "apidrift.toml", &format!("[project]\ncontract = \"api.yaml\"\n\n[profile]\n{profile}\n"));
        let text = assert_ends(folder.path(), &["check"], 2, says);
        assert!(text.contains("apidrift.toml:4:1: "), "{text}");
    }
}

#[test]
fn pages_may_stand_in_folders_of_any_depth() {
    let folder = folder(NOTES);
    write(folder.path(), "docs/api/notes/get.md", "# Get\n\n`GET /notes/{id}.json`\n");
    write(folder.path(), "docs/api/put.md", "# Put\n\n`PUT /notes/{id}.json`\n");
    let text = run(folder.path(), &["check", "api.yaml", "docs"]).1;
    assert!(text.contains("2 pages") && !text.contains("page/missing"), "{text}");
}

#[test]
fn an_allowance_for_one_missing_error_of_a_page_does_not_hide_the_next() {
    let contract = NOTES.replace(
        "        '304'",
        "        '404': {description: None}\n        '422': {description: Bad}\n        '304'",
    );
    let page = "# Get a note\n\n`GET /notes/{id}.json`\n\n| Status | Meaning |\n| --- | --- |\n| `404` | None |\n| `422` | Bad |\n";
    let folder = folder(&contract);
    write(folder.path(), "docs/get.md", &page.replace("| `404` | None |\n", ""));
    let settings =
        "[project]\ncontract = \"api.yaml\"\npages = \"docs\"\n\n[profile]\nrequire = [\"complete-pages\"]\n";
    write(folder.path(), "apidrift.toml", settings);
    assert_ends(folder.path(), &["check", "--adopt", "old"], 0, "allowances added");
    assert_ends(folder.path(), &["check"], 0, "allowed for now");
    write(folder.path(), "docs/get.md", &page.replace("| `404` | None |\n", "").replace("| `422` | Bad |\n", ""));
    assert_ends(folder.path(), &["check"], 1, "422");
}

#[test]
fn one_operation_that_cannot_be_compared_is_told_and_the_others_are_compared() {
    let folder = folder(&NOTES.replace("'201': {description: Made}", "'201': {$ref: 'elsewhere.yaml#/Made'}"));
    let text =
        assert_ends(folder.path(), &["diff", "api.yaml", "api.yaml"], 1, "PUT /notes/{id}.json was not compared");
    assert!(text.contains("compared: 1 operation, "), "{text}");
    let json = assert_ends(folder.path(), &["diff", "api.yaml", "api.yaml", "--format", "json"], 1, "elsewhere.yaml");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["coverage"]["operations"], 1);
    assert_eq!(json["not_compared"][0]["operation"], "PUT /notes/{id}.json");
    assert_eq!(json["not_compared"][0]["comparison"], "compat");
    assert_eq!(json["not_compared"][0]["place"]["file"], "api.yaml");
    for format in ["github", "sarif"] {
        assert_ends(folder.path(), &["diff", "api.yaml", "api.yaml", "--format", format], 1, "was not compared");
    }
}

#[test]
fn coverage_is_listed() {
    let folder = folder(&NOTES.replace("'201': {description: Made}", "'201': {$ref: 'elsewhere.yaml#/Made'}"));
    write(folder.path(), "docs/get.md", "# Get\n\n`GET /notes/{id}.json`\n");
    let text = assert_ends(
        folder.path(),
        &["check", "api.yaml", "docs", "--coverage"],
        1,
        "comparisons made: contract, pages",
    );
    assert!(text.contains("not compared: PUT /notes/{id}.json with pages: "), "{text}");
}

#[test]
fn where_nothing_was_looked_at_nothing_is_in_order() {
    for nothing in ["openapi: 3.0.3\ninfo: {title: a, version: b}\npaths: {}\n", "openapi: 3.1.0\n"] {
        let folder = folder(nothing);
        assert_ends(folder.path(), &["check", "api.yaml"], 2, "has nothing that could be compared");
        assert_ends(folder.path(), &["diff", "api.yaml", "api.yaml"], 2, "has nothing that could be compared");
        assert_ends(folder.path(), &["check", "api.yaml", "--adopt", "old"], 2, "has nothing that could be compared");
    }
}

#[test]
fn a_document_of_2_0_gets_one_sentence() {
    let folder = folder("swagger: '2.0'\ninfo: {title: a, version: b}\npaths: {}\n");
    assert_ends(folder.path(), &["check", "api.yaml"], 2, "convert it to 3.0 first");
}

#[test]
fn the_profile_decides_what_is_asked_of_every_operation() {
    let folder = folder(NOTES);
    assert_ends(folder.path(), &["init", "api.yaml"], 0, "wrote apidrift.toml");
    assert_ends(folder.path(), &["init", "api.yaml"], 2, "apidrift.toml already exists");
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    let settings = std::fs::read_to_string(folder.path().join("apidrift.toml")).unwrap();
    for (rule, says) in [
        ("operation-id", "GET /notes/{id}.json has no `operationId`"),
        ("security", "so anyone can call it"),
        ("permission", "has no permission"),
        ("rate-limit", "has no valid rate limit"),
    ] {
        let (start, _) = settings.split_once("require = ").unwrap();
        write(folder.path(), "apidrift.toml", &format!("{start}require = [\"{rule}\"]\n"));
        assert_ends(folder.path(), &["check"], 1, says);
    }
    write(folder.path(), "apidrift.toml", &settings.replace("require = ", "requires = "));
    assert_ends(folder.path(), &["check"], 2, "unknown field `requires`");
}

#[test]
fn what_a_contract_keeps_to_is_proposed_and_asked_for_from_then_on() {
    let contract = NOTES
        .replace("security: [{key: []}, {}]", "security: [{key: []}]")
        .replace("    get:\n", "    get:\n      operationId: getNote\n");
    let folder = folder(&contract);
    let text =
        assert_ends(folder.path(), &["init", "api.yaml", "--print"], 0, "require = [\"operation-id\", \"security\"]");
    assert!(
        text.contains("# OpenAPI 3.1.0 with 2 operations") && !folder.path().join("apidrift.toml").exists(),
        "{text}"
    );
    assert_ends(folder.path(), &["init", "api.yaml"], 0, "wrote apidrift.toml");
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    write(folder.path(), "api.yaml", &contract.replace("      operationId: getNote\n", "      security: []\n"));
    let text = assert_ends(folder.path(), &["check"], 1, "has no `operationId`");
    assert!(text.contains("so anyone can call it"), "{text}");
}

#[test]
fn a_contract_of_many_files_is_compared_with_an_earlier_revision_of_all_of_them() {
    let shared = "Note: {type: object, required: [id], properties: {id: {type: string}}}\n";
    let contract = "openapi: 3.0.3\ninfo: {title: a, version: b}\npaths:\n  /notes:\n    get:\n      responses:\n        '200': {description: a, content: {application/json: {schema: {$ref: 'shared/note.yaml#/Note'}}}}\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api/api.yaml", contract);
    write(folder.path(), "api/shared/note.yaml", shared);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
        assert!(command.current_dir(folder.path()).output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);
    assert_ends(folder.path(), &["diff", "HEAD", "api/api.yaml"], 0, "nothing has drifted");
    write(folder.path(), "api/shared/note.yaml", "Note: {type: object, properties: {id: {type: string}}}\n");
    let text = assert_ends(folder.path(), &["diff", "HEAD", "api/api.yaml"], 1, "`/id` may be absent now");
    assert!(text.contains("api/shared/note.yaml:1:"), "{text}");
    // From a folder of it, and under the name that it had.
    let folder_of_contract = folder.path().join("api");
    assert_ends(&folder_of_contract, &["diff", "HEAD", "api.yaml"], 1, "`/id` may be absent now");
    std::fs::rename(folder.path().join("api/api.yaml"), folder.path().join("api/new.yaml")).unwrap();
    assert_ends(folder.path(), &["diff", "HEAD:api/api.yaml", "api/new.yaml"], 1, "`/id` may be absent now");
    assert_ends(folder.path(), &["diff", "HEAD", "api/new.yaml"], 2, "neither a file nor a revision that has new.yaml");
    git(&["diff", "--cached", "--exit-code"]);
}
