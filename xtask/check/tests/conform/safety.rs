//! Nothing but GET, HEAD and OPTIONS is sent unless an operation is named.

use std::sync::LazyLock;

use crate::server::{Answer, Asked, Server, error, json};
use crate::{KEY, assert_ends, contract, project, run};

/// An API with every method, with and without path variables.
static CONTRACT: LazyLock<String> = LazyLock::new(|| {
    let operation = |method: &str, id: &str, more: &str| {
        format!(
            "    {method}:\n      operationId: {id}\n{more}      responses:\n        '200': {{description: d}}\n        \
             '400': {{description: d}}\n        '401': {{description: d}}\n        '403': {{description: d}}\n        \
             '404': {{description: d}}\n        '429': {{description: d}}\n        default: {{description: d}}\n"
        )
    };
    let body = "      requestBody: {content: {application/json: {schema: {type: object, required: [name], properties: \
                {name: {type: string}}}}}}\n";
    let id = "    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]\n";
    contract(&format!(
        "  /payments:\n{}{}{}{}{}{}  /payments/{{id}}:\n{id}{}{}{}{}{}",
        operation("get", "list", ""),
        operation("head", "count", ""),
        operation("post", "pay", body),
        operation("put", "replaceAll", body),
        operation("patch", "changeAll", body),
        operation("delete", "deleteAll", ""),
        operation("get", "show", ""),
        operation("post", "confirm", ""),
        operation("put", "replace", body),
        operation("patch", "change", body),
        operation("delete", "remove", ""),
    ))
});

const ID: &str = "00000000-0000-0000-0000-000000000007";

fn answer(asked: &Asked) -> Answer {
    match asked.header("authorization") == Some(&format!("Bearer {KEY}")) {
        true if asked.path.starts_with("/payments") => Answer(200, Vec::new(), String::new()),
        true => error(404, "Not Found"),
        false => error(401, "Unauthorized"),
    }
}

fn is_safe(asked: &Asked) -> bool {
    matches!(asked.method.as_str(), "GET" | "HEAD" | "OPTIONS")
}

/// Whether a request asks the server to read it as another one.
fn is_disguised(asked: &Asked) -> bool {
    let overrides = ["method", "x-original", "x-rewrite"];
    asked.headers.iter().any(|(name, _)| overrides.iter().any(|known| name.contains(known)))
        || asked.query.contains("_method")
}

/// The options that make it send more.
const MODES: [&[&str]; 8] = [
    &[],
    &["--explore", "--cases", "60"],
    &["--exhaust-rate-limits", "--timeout", "20s"],
    &["--read-only"],
    &["--read-only", "--explore", "--cases", "60"],
    &["--key-without-permission", "a-key-without-any"],
    &[
        "--value",
        "id=00000000-0000-0000-0000-000000000007",
        "--value",
        "foreign:id=00000000-0000-0000-0000-000000000008",
    ],
    &[
        "--explore",
        "--cases",
        "60",
        "--exhaust-rate-limits",
        "--key-without-permission",
        "a-key-without-any",
        "--value",
        "id=00000000-0000-0000-0000-000000000007",
        "--value",
        "foreign:id=00000000-0000-0000-0000-000000000008",
        "--operation",
        "list",
        "--operation",
        "pay",
        "--operation",
        "remove",
    ],
];

#[test]
fn without_a_named_operation_nothing_is_sent_that_could_change_something() {
    let folder = project(&CONTRACT, "");
    for mode in MODES {
        let server = Server::start(answer);
        run(folder.path(), &[&["--url", &server.url], mode].concat(), &[("APIDRIFT_KEY", KEY)]);
        let asked = server.asked();
        assert!(asked.len() > 3, "{mode:?}: {asked:?}");
        let wrong = asked.iter().find(|asked| !is_safe(asked) || is_disguised(asked));
        assert!(wrong.is_none(), "{mode:?}: {wrong:?}");
    }
}

#[test]
fn of_the_operations_that_change_something_only_the_named_one_is_sent() {
    let (by_flag, by_settings) =
        (project(&CONTRACT, ""), project(&CONTRACT, "[conform]\nsend = [\"PATCH /payments/{id}\"]\n"));
    for mode in MODES.iter().filter(|mode| !mode.contains(&"--read-only") && !mode.contains(&"--operation")) {
        for (folder, flags, call) in [
            (&by_flag, ["--send", "pay"].as_slice(), "POST /payments".to_owned()),
            (&by_settings, &["--value", "id=00000000-0000-0000-0000-000000000007"], format!("PATCH /payments/{ID}")),
        ] {
            let server = Server::start(answer);
            run(folder.path(), &[&["--url", &server.url], *mode, flags].concat(), &[("APIDRIFT_KEY", KEY)]);
            let asked = server.asked();
            let (method, path) = call.split_once(' ').unwrap();
            assert!(!server.calls(&call).is_empty(), "{mode:?} {call}");
            let is_named = |asked: &&Asked| {
                let is_in_path = path == "/payments" || asked.path.starts_with("/payments/") && asked.path.len() > 10;
                asked.method == method && is_in_path && (path != "/payments" || asked.path == path)
            };
            let wrong = asked.iter().find(|asked| !is_safe(asked) && !is_named(asked) || is_disguised(asked));
            assert!(wrong.is_none(), "{mode:?} {call}: {wrong:?}");
        }
    }
}

#[test]
fn read_only_comes_before_everything_that_permits_more() {
    let settings = "[conform]\nsend = [\"pay\", \"*\"]\n";
    let server = Server::start(answer);
    let arguments = ["--url", &server.url, "--read-only", "--send", "remove", "--explore", "--cases", "20"];
    run(project(&CONTRACT, settings).path(), &arguments, &[("APIDRIFT_KEY", KEY)]);
    assert!(server.asked().len() > 5 && server.asked().iter().all(|asked| is_safe(asked) && !is_disguised(asked)));
}

#[test]
fn a_named_operation_is_sent_to_its_own_path_only() {
    // `/payments/all` is not what `remove` means, although its path has the same form.
    let paths = "  /payments/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    delete: {operationId: remove, responses: {'204': {description: d}}}
  /payments/all:
    delete: {operationId: removeAll, responses: {'204': {description: d}}}";
    let folder = project(&contract(paths), "");
    for value in ["all", "ALL", "%61ll", "..", "a/../all", "all;x=1"] {
        let server = Server::start(|_| Answer(204, Vec::new(), String::new()));
        let value = format!("id={value}");
        let arguments = ["--url", &server.url, "--send", "remove", "--value", &value, "--explore", "--cases", "20"];
        run(folder.path(), &arguments, &[("APIDRIFT_KEY", KEY)]);
        let wrong = server.asked().into_iter().find(|asked| {
            let path = asked.path.to_ascii_lowercase().replace("%2f", "/").replace("%2e", ".");
            let mut segments = path.split('/');
            !is_safe(asked) && segments.any(|segment| ["all", "%61ll", "..", "..;x=1"].contains(&segment))
        });
        assert!(wrong.is_none(), "{value}: {wrong:?}");
    }
}

#[test]
fn generated_requests_change_only_what_was_named() {
    let paths = "  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer, minimum: 1, maximum: 50}}]
    get: {operationId: show, responses: {'200': {description: d}, default: {description: d}}}
    delete: {operationId: remove, responses: {'204': {description: d}, default: {description: d}}}
  /names/{name}:
    parameters: [{name: name, in: path, required: true, schema: {type: string}}]
    delete: {operationId: forget, responses: {'204': {description: d}, default: {description: d}}}";
    let folder = project(&contract(paths), "");
    let flags = ["--send", "remove", "--send", "forget", "--explore", "--cases", "60"];
    let named = ["--value", "id=7", "--value", "name=seven", "--value", "foreign:id=17"];
    for values in [&named[..], &[]] {
        let server =
            Server::start(|asked| Answer(if asked.method == "GET" { 200 } else { 204 }, Vec::new(), String::new()));
        run(folder.path(), &[&["--url", &server.url], &flags[..], values].concat(), &[("APIDRIFT_KEY", KEY)]);
        let changed: Vec<String> = server.asked().iter().filter(|it| it.method == "DELETE").map(Asked::call).collect();
        let is_other = |call: &&String| {
            let number = call.strip_prefix("DELETE /things/").and_then(|id| id.parse::<u32>().ok());
            let name = call.strip_prefix("DELETE /names/").filter(|name| name.len() < 200 && !name.contains("%"));
            number.is_some_and(|number| !matches!(number, 7 | 17) && (1..=50).contains(&number))
                || name.is_some_and(|name| !["seven", "no-such-d1b5c7f0"].contains(&name))
        };
        assert!(changed.iter().find(is_other).is_none(), "{values:?}: {changed:?}");
        assert_eq!(changed.contains(&"DELETE /things/7".to_owned()), !values.is_empty(), "{changed:?}");
    }
}

#[test]
fn no_path_leads_to_another_server() {
    let paths = "  .example.com/things: {get: {operationId: other, responses: {'200': {description: d}}}}
  /things: {get: {operationId: list, responses: {'200': {description: d}}}}";
    let server = Server::start(|_| Answer(200, Vec::new(), String::new()));
    let says = ["not seen  200: not tried: its path does not begin with `/`"];
    assert_ends(project(&contract(paths), "").path(), &["--url", &server.url, "--explore", "--cases", "5"], 1, &says);
}

#[test]
fn a_request_that_could_be_taken_for_another_operation_is_not_sent_and_that_is_said() {
    let paths = "  /payments/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    delete: {operationId: remove, responses: {'204': {description: d}}}
  /payments/all:
    delete: {operationId: removeAll, responses: {'204': {description: d}}}
    get: {operationId: all, responses: {'200': {description: d}}}";
    let server = Server::start(|_| Answer(200, Vec::new(), String::new()));
    let arguments = ["--url", &server.url, "--send", "remove", "--value", "id=all"];
    let says = ["not seen  204: not tried: DELETE /payments/all may not be sent"];
    assert_ends(project(&contract(paths), "").path(), &arguments, 0, &says);
}

#[test]
fn a_documented_parameter_cannot_carry_another_method() {
    for parameter in ["{name: X-HTTP-Method-Override, in: header", "{name: _method, in: query"] {
        let paths = format!(
            "  /payments:
    get:
      operationId: list
      parameters: [{parameter}, required: true, schema: {{type: string, enum: [DELETE]}}}}]
      responses: {{'200': {{description: d}}}}"
        );
        let server = Server::start(|_| Answer(200, Vec::new(), String::new()));
        let arguments = ["--url", &server.url, "--explore", "--cases", "20"];
        assert_ends(project(&contract(&paths), "").path(), &arguments, 2, &["not seen  200: not tried: "]);
        assert!(!server.asked().iter().any(is_disguised), "{parameter}: {:?}", server.asked());
    }
}

#[test]
fn a_value_of_an_unknown_parameter_is_a_mistake() {
    let arguments = ["--url", "http://127.0.0.1:9", "--value", "idd=1"];
    let says = "a value is given for `idd`, and the contract has no such parameter";
    assert_ends(project(&CONTRACT, "").path(), &arguments, 2, &[says]);
}

#[test]
fn what_will_be_sent_is_said_before_the_run() {
    let server = Server::start(answer);
    let folder = project(&CONTRACT, "");
    let says = "conform: only GET, HEAD and OPTIONS will be sent, and requests of pay (POST /payments); not sent: replaceAll (PUT /payments), ";
    let text = String::from_utf8(
        run(folder.path(), &["--url", &server.url, "--send", "pay"], &[("APIDRIFT_KEY", KEY)]).stderr,
    );
    assert!(text.as_ref().unwrap().starts_with(says), "{text:?}");
    let says = "conform: everything may be sent, also what changes data and what the contract does not have\n";
    let text =
        String::from_utf8(run(folder.path(), &["--url", &server.url, "--send", "*"], &[("APIDRIFT_KEY", KEY)]).stderr);
    assert!(text.as_ref().unwrap().starts_with(says), "{text:?}");
}

#[test]
fn an_unknown_operation_cannot_be_named() {
    let url = ["--url", "http://127.0.0.1:9"];
    let says = "--send pai: the contract has no such operation";
    assert_ends(project(&CONTRACT, "").path(), &[&url[..], &["--send", "pai"]].concat(), 2, &[says]);
    let says = "apidrift.toml:4:9: the contract has no operation `pai`";
    assert_ends(project(&CONTRACT, "[conform]\nsend = [\"pai\"]\n").path(), &url, 2, &[says]);
}

#[test]
fn everything_is_sent_to_a_server_that_is_there_for_it() {
    let server = Server::start(|asked| match asked.method.as_str() {
        "FOO" => json(405, "{}"),
        _ => answer(asked),
    });
    let arguments = ["--url", &server.url, "--send", "*", "--explore", "--cases", "20"];
    run(project(&CONTRACT, "").path(), &arguments, &[("APIDRIFT_KEY", KEY)]);
    assert!(server.asked().iter().any(|asked| asked.method == "FOO") && server.asked().iter().any(is_disguised));
}
