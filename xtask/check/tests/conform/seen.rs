//! A run that saw little is not green.

use crate::server::{Server, error, json};
use crate::{KEY, assert_ends, contract, project};

const PATHS: &str = "  /things:
    get:
      operationId: list
      responses:
        '200': {description: d, content: {application/json: {schema: {type: array}}}}
        '401': {description: d}
        '409': {description: d}
        '500': {description: d}";

fn server() -> Server {
    Server::start(|asked| match asked.header("authorization") == Some(&format!("Bearer {KEY}")) {
        true => json(200, "[]"),
        false => error(401, "Unauthorized"),
    })
}

#[test]
fn a_required_part_of_the_responses_must_be_seen() {
    let server = server();
    let folder = project(&contract(PATHS), "");
    let url = ["--url", server.url.as_str()];
    assert_ends(
        folder.path(),
        &[&url[..], &["--require-seen", "50"]].concat(),
        0,
        &["2 of 4 documented responses seen"],
    );
    let says = "only 2 of 4 documented responses (50 %) were seen, and 51 % are required";
    assert_ends(folder.path(), &[&url[..], &["--require-seen", "51"]].concat(), 2, &[says]);
    let folder = project(&contract(PATHS), "[conform]\nrequire_seen = 80\n");
    assert_ends(folder.path(), &url, 2, &["only 2 of 4", "and 80 % are required"]);
}

#[test]
fn only_the_selected_operations_count() {
    let server = server();
    let paths = format!(
        "{PATHS}\n  /others:\n    get: {{operationId: others, responses: {{'200': {{description: d}}, '409': {{description: d}}}}}}"
    );
    let folder = project(&contract(&paths), "");
    let arguments = ["--url", &server.url, "--operation", "list", "--require-seen", "50"];
    assert_ends(folder.path(), &arguments, 0, &["2 of 6 documented responses seen"]);
}

#[test]
fn a_run_that_saw_nothing_is_not_green() {
    let paths = "  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: show, responses: {'200': {description: d}}}";
    let server = server();
    let says =
        ["not seen  200: not tried: needs --value id=…", "no documented response was seen, so nothing was compared"];
    assert_ends(project(&contract(paths), "").path(), &["--url", &server.url], 2, &says);
}

#[test]
fn the_server_may_be_in_the_settings_and_a_flag_overrides_it() {
    let (one, other) = (server(), server());
    let folder = project(&contract(PATHS), &format!("testbed = [\"false\"]\n[conform]\nurl = \"{}\"\n", one.url));
    assert_ends(folder.path(), &[], 0, &["2 of 4 documented responses seen"]);
    assert!(!one.asked().is_empty());
    let before = one.asked().len();
    assert_ends(folder.path(), &["--url", &other.url], 0, &["2 of 4 documented responses seen"]);
    assert!(one.asked().len() == before && !other.asked().is_empty());
}
