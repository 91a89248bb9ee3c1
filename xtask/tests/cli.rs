//! `cargo xtask check` as people run it: what it takes, what it prints, and how it ends.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use apidrift::check;
use common::{project, replace};
use openapi_dropshot::Dropshot;

const CONTRACT: &str = "openapi/things.yaml";
const PAINT: &str = "openapi/reference/paint-thing.md";

/// Runs the program in a folder of a project.
fn xtask(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).env("NO_COLOR", "1").current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_ends(folder: &Path, arguments: &[&str], code: i32, says: &str) {
    let output = xtask(folder, arguments);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(says), "{arguments:?} does not say {says:?}: {text}");
    assert!(!text.contains("panicked"), "{text}");
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
}

#[test]
fn nothing_found_ends_in_0_something_in_1_and_what_cannot_be_checked_in_2() {
    let folder = project();
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    replace(folder.path(), PAINT, "`409 Wet paint`", "`409 Wet Paint`");
    assert_ends(folder.path(), &["check"], 1, "page/error-message");
    std::fs::remove_file(folder.path().join("generated/emitted.json")).unwrap();
    assert_ends(folder.path(), &["check"], 2, "page/error-message");
    assert_ends(folder.path(), &["check"], 2, "could not check: `cat generated/emitted.json` failed");
}

#[test]
fn a_note_alone_does_not_fail_the_check() {
    let folder = project();
    std::fs::write(folder.path().join("openapi/reference/about.md"), "# About\n").unwrap();
    assert_ends(folder.path(), &["check"], 0, "1 note");
}

#[test]
fn a_dry_run_shows_the_fix_and_changes_nothing() {
    let folder = project();
    replace(folder.path(), PAINT, "`409 Wet paint`", "`409 Wet Paint`");
    replace(folder.path(), "generated/errors.rs", "\"Wet paint\"", "\"Still wet\"");
    let before = files(folder.path());
    assert_ends(folder.path(), &["check", "--fix", "--dry-run"], 1, "-| `409 Wet Paint` |");
    assert_eq!(files(folder.path()), before);
    assert_ends(folder.path(), &["check", "--fix"], 0, "nothing has drifted");
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    assert_ne!(files(folder.path()), before);
}

#[test]
fn old_drift_can_be_adopted_and_new_drift_fails() {
    let folder = project();
    replace(folder.path(), PAINT, "`409 Wet paint`", "`409 Wet Paint`");
    assert_ends(folder.path(), &["check", "--adopt", "since \"ever\""], 0, "allowances added to openapi/check.toml: 1");
    assert_ends(folder.path(), &["check"], 0, "1 allowed for now");
    replace(folder.path(), PAINT, "10 requests per minute", "11 requests per minute");
    assert_ends(folder.path(), &["check"], 1, "page/rate-limit");
    let before = files(folder.path());
    assert_ends(folder.path(), &["check", "--adopt", "  "], 2, "say why the findings are allowed");
    assert_ends(folder.path(), &["check", "--adopt", "x", "--against", "main"], 2, "cannot be used with");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn an_allowance_is_unused_only_if_what_it_allows_was_looked_for() {
    let folder = project();
    let allow = |rule: &str| {
        let settings = std::fs::read_to_string(folder.path().join("openapi/check.toml")).unwrap();
        let project = settings.split("[[allow]]").next().unwrap();
        let text = format!("{project}[[allow]]\nrule = \"{rule}\"\nfile = \"{CONTRACT}\"\nreason = \"x\"\n");
        std::fs::write(folder.path().join("openapi/check.toml"), text).unwrap();
    };
    std::fs::copy(folder.path().join(CONTRACT), folder.path().join("base.yaml")).unwrap();
    allow("compat/error-added");
    assert_ends(folder.path(), &["check"], 0, "nothing has drifted");
    assert_ends(folder.path(), &["check", "--against", "base.yaml"], 1, "allow/unused");
    allow("server/text");
    assert_ends(folder.path(), &["check"], 1, "allow/unused");
    std::fs::remove_file(folder.path().join("generated/emitted.json")).unwrap();
    let output = text(&xtask(folder.path(), &["check"]));
    assert!(output.contains("could not check") && !output.contains("allow/unused"), "{output}");
}

#[test]
fn a_fix_keeps_line_breaks_and_the_byte_order_mark() {
    let folder = project();
    let path = folder.path().join(PAINT);
    let right = std::fs::read_to_string(&path).unwrap();
    let in_other_form = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let row = "| `409 Wet paint` | Wait until the paint is dry. |\n";
    std::fs::write(&path, in_other_form(&right.replace(row, "").replace("things.paint", "things.pant"))).unwrap();
    assert_ends(folder.path(), &["check", "--fix"], 0, "nothing has drifted");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), in_other_form(&right));
}

#[test]
fn a_file_that_somebody_else_has_changed_is_left_as_it_is() {
    let folder = project();
    replace(folder.path(), PAINT, "`409 Wet paint`", "`409 Wet Paint`");
    let outcome = check::run(folder.path(), &check::Scope::default(), Some(&Dropshot));
    let fixed = check::fix::fixed(folder.path(), &outcome.findings);
    replace(folder.path(), PAINT, "Wait until", "Do wait until");
    let before = files(folder.path());
    let error = check::fix::write(folder.path(), &fixed).unwrap_err();
    assert!(error.to_string().contains("was changed while it was being checked"), "{error}");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn what_nobody_knows_is_said() {
    let folder = project();
    assert_ends(folder.path(), &["check", "--frobnicate"], 2, "unexpected argument '--frobnicate'");
    assert_ends(folder.path(), &["chekc"], 2, "similar subcommand exists: 'check'");
    assert_ends(folder.path(), &["check", "--format", "xml"], 2, "possible values: human, json, github, sarif");
    assert_ends(folder.path(), &["check", "--dry-run"], 2, "--fix");
    assert_ends(folder.path(), &["check", "--explain", "page/nothing"], 2, "there is no rule `page/nothing`");
    assert_ends(folder.path(), &["check", "--explain", "page/eror-extra"], 2, "only `page/error-extra`");
    assert_ends(folder.path(), &["check", "--explain", "page/error-extra"], 0, "page/error-extra (error)");
    assert_ends(folder.path(), &["check", "--help"], 0, "cargo xtask check --against main");
}

#[test]
fn every_rule_can_be_listed_and_explained() {
    let folder = project();
    let listed = text(&xtask(folder.path(), &["check", "--rules"]));
    assert_eq!(listed.lines().count(), apidrift_core::rules::Rule::ALL.len());
    for line in listed.lines() {
        let name = line.split(' ').next().unwrap();
        assert_ends(folder.path(), &["check", "--explain", name], 0, "Reported when");
    }
}

#[test]
fn pages_from_elsewhere_are_compared_and_unreadable_ones_are_said() {
    let folder = project();
    let page = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    std::fs::copy(folder.path().join(PAINT), folder.path().join("copy.md")).unwrap();
    page("latin1.md", b"# Se\xf1or\n");
    page("empty.md", b"");
    page("nul.md", b"# a\0b\n\n`POST /things/{thing_id}/paint`\n");
    assert_ends(folder.path(), &["check", "--page", "copy.md"], 0, "nothing has drifted");
    assert_ends(folder.path(), &["check", "--page", "empty.md"], 2, "empty.md was not compared");
    assert_ends(folder.path(), &["check", "--page", "openapi/reference/errors.md"], 0, "nothing has drifted");
    assert_ends(folder.path(), &["check", "--page", "copy.md", "--against", "main"], 2, "cannot be used with");
    page("errors.md", b"| Error |\n| --- |\n| `401 Unauthorised` |\n| `403 Forbidden` |\n| `429 Too many requests` |\n| `500 Failed` |\n| `503 Unavailable` |\n");
    assert_ends(folder.path(), &["check", "--page", "errors.md"], 1, "page/error-message");
    assert_ends(folder.path(), &["check", "--page", "nul.md"], 1, "page/permission");
    assert_ends(
        folder.path(),
        &["check", "--page", "latin1.md"],
        2,
        "latin1.md is not UTF-8 text: the byte at offset 4",
    );
    assert_ends(
        folder.path(),
        &["check", "--page", "nowhere.md"],
        2,
        "nowhere.md cannot be read: there is no such file",
    );
    assert_ends(folder.path(), &["check", "--page", "openapi"], 2, "openapi cannot be read: it is a folder");
    assert_ends(
        folder.path(),
        &["check", "--page", "nowhere.md", "copy.md", "empty.md"],
        2,
        "empty.md was not compared",
    );
    assert_ends(&folder.path().join("openapi"), &["check", "--page", "../copy.md"], 0, "nothing has drifted");
    assert_ends(&folder.path().join("openapi"), &["check", "--page", "copy.md"], 2, "cannot be read");
}

#[test]
fn contracts_that_are_none_are_said() {
    for (contract, code, says) in [
        ("", 2, "the document is empty"),
        ("   \n# nothing\n", 2, "the document is empty"),
        ("- a\n- b\n", 2, "this is not an OpenAPI document"),
        ("just a text", 2, "this is not an OpenAPI document"),
        ("swagger: '2.0'\ninfo: {title: a, version: b}\npaths: {}\n", 2, "this is OpenAPI 2.0 (Swagger)"),
        ("openapi: 3.1.0\ninfo: {title: a, version: b}\n", 1, "the contract has no operation"),
        ("openapi: 3.0.3\ninfo: {title: a, version: b}\n", 1, "the contract has no operation"),
        ("openapi: 3.0.3\npaths: []\n", 1, "the contract has no operation"),
        ("openapi: 3\n", 2, "`openapi` is `3`"),
        ("openapi: 3.0\n", 1, "the contract has no operation"),
        ("openapi: 3.0.3\n---\nopenapi: 3.0.3\n", 1, "a second document begins here"),
        ("openapi: 3.0.3\n\tpaths: {}\n", 2, "this is not YAML"),
        ("{\"openapi\": \"3.0.3\", ", 2, "this is not YAML"),
    ] {
        let folder = project();
        std::fs::write(folder.path().join(CONTRACT), contract).unwrap();
        assert_ends(folder.path(), &["check"], code, says);
    }
    let folder = project();
    std::fs::write(folder.path().join(CONTRACT), [0xff, 0xfe, 0x00]).unwrap();
    assert_ends(folder.path(), &["check"], 2, "openapi/things.yaml is not UTF-8 text");
    std::fs::remove_file(folder.path().join(CONTRACT)).unwrap();
    assert_ends(folder.path(), &["check"], 2, "openapi/things.yaml cannot be read: there is no such file");
    std::fs::create_dir(folder.path().join(CONTRACT)).unwrap();
    assert_ends(folder.path(), &["check"], 2, "openapi/things.yaml cannot be read: it is a folder");
}

#[test]
fn settings_that_mean_nothing_are_said_with_their_place() {
    for (settings, says) in [
        ("", "openapi/check.toml:1:1: missing field `project`"),
        ("[project]\n", "missing field `contract`"),
        ("[project]\ncontract = 1\n", "openapi/check.toml:2:12: invalid type: integer `1`, expected a string"),
        ("[project]\ncontract = \"a\"\npage = \"b\"\n", "openapi/check.toml:3:1: unknown field `page`"),
        ("[project\n", "openapi/check.toml:1:9"),
        ("[project]\ncontract = \"openapi/things.yaml\"\nemits = []\n", "`emits` in openapi/check.toml is empty"),
        (
            "[project]\ncontract = \"openapi/things.yaml\"\nemits = [\"no-such-program\"]\n",
            "`no-such-program` cannot be run",
        ),
        (
            "[project]\ncontract = \"openapi/things.yaml\"\nemits = [\"echo\", \"hello\"]\n",
            "`echo hello` printed no JSON",
        ),
        ("[project]\ncontract = \"openapi/things.yaml\"\npages = \"nowhere\"\n", "nowhere cannot be read"),
        (
            "[project]\ncontract = \"openapi/things.yaml\"\n[[allow]]\nrule = \"page/x\"\nreason = \"r\"\n",
            "openapi/check.toml:3:1: there is no rule `page/x`",
        ),
        (
            "[project]\ncontract = \"openapi/things.yaml\"\n[[allow]]\nrule = \"page/body\"\nreason = \" \"\n",
            "an allowance needs a reason",
        ),
    ] {
        let folder = project();
        std::fs::write(folder.path().join("openapi/check.toml"), settings).unwrap();
        assert_ends(folder.path(), &["check"], 2, says);
    }
    let folder = project();
    std::fs::remove_file(folder.path().join("openapi/check.toml")).unwrap();
    std::fs::create_dir(folder.path().join("openapi/check.toml")).unwrap();
    assert_ends(folder.path(), &["check"], 2, "openapi/check.toml cannot be read: it is a folder");
}

#[test]
fn the_project_is_the_nearest_that_the_current_folder_belongs_to() {
    let folder = project();
    replace(folder.path(), PAINT, "`409 Wet paint`", "`409 Wet Paint`");
    assert_ends(&folder.path().join("openapi/reference/es"), &["check"], 1, "page/error-message");
    let inner = folder.path().join("generated/inner");
    std::fs::create_dir_all(inner.join("openapi")).unwrap();
    std::fs::write(inner.join("openapi/check.toml"), "[project]\ncontract = \"nowhere.yaml\"\n").unwrap();
    assert_ends(&inner, &["check"], 2, "nowhere.yaml cannot be read: there is no such file");
}

#[test]
fn where_there_is_no_project_that_is_said_and_nothing_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["check"][..], &["generate", "--check"], &["conform"], &["bench", "check"]] {
        assert_ends(folder.path(), arguments, 2, "there is no apidrift.toml or openapi/check.toml in ");
    }
    assert_ends(folder.path(), &["check", "--explain", "page/body"], 0, "page/body (error)");
    assert_ends(folder.path(), &["check", "--rules"], 0, "page/body");
}

#[test]
fn an_earlier_form_is_a_file_or_a_revision_and_anything_else_is_said() {
    let folder = project();
    let path = folder.path();
    std::fs::copy(path.join(CONTRACT), path.join("base.yaml")).unwrap();
    replace(path, "base.yaml", "{requests: 10, window_seconds: 60}", "{requests: 20, window_seconds: 60}");
    assert_ends(path, &["check", "--against", "base.yaml"], 1, "compat/rate-limit-stricter");
    // Outside of any repository.
    assert_ends(path, &["check", "--against", "main"], 2, "`main` is neither a file nor a revision");
    git(path, &["init", "--quiet"]);
    assert_ends(path, &["check", "--against", "main"], 2, "`main` is neither a file nor a revision");
    git(path, &["add", "."]);
    git(path, &["commit", "--quiet", "--message", "first"]);
    assert_ends(path, &["check", "--against", "main"], 0, "nothing has drifted");
    git(path, &["commit", "--quiet", "--allow-empty", "--message", "second"]);
    assert_ends(path, &["check", "--against", "HEAD~1"], 0, "nothing has drifted");
    assert_ends(path, &["check", "--against", "HEAD~7"], 2, "`HEAD~7` is neither a file nor a revision");
    assert_ends(path, &["check", "--against=--output=x"], 2, "is neither a file nor a revision");
    assert!(!path.join("x:./openapi/things.yaml").exists());
    assert_ends(path, &["check", "--against", ""], 2, "neither a file nor a revision");
    std::fs::write(path.join("broken.yaml"), "openapi: [").unwrap();
    assert_ends(
        path,
        &["check", "--against", "broken.yaml"],
        2,
        "compared with broken.yaml, which cannot be read: this is not YAML",
    );
    let shallow = tempfile::tempdir().unwrap();
    let from = format!("file://{}", path.display());
    git(shallow.path(), &["clone", "--quiet", "--depth", "1", &from, "clone"]);
    assert_ends(&shallow.path().join("clone"), &["check", "--against", "HEAD~1"], 2, "git fetch --unshallow");
}

#[test]
fn a_project_in_a_folder_of_a_repository_finds_its_earlier_form() {
    let repository = project();
    git(repository.path(), &["init", "--quiet"]);
    let inner = repository.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    for name in ["openapi", "generated"] {
        std::fs::rename(repository.path().join(name), inner.join(name)).unwrap();
    }
    git(repository.path(), &["add", "."]);
    git(repository.path(), &["commit", "--quiet", "--message", "first"]);
    assert_ends(&inner, &["check", "--against", "HEAD"], 0, "nothing has drifted");
}
