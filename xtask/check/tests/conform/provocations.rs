//! Errors are provoked as the settings say.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::server::{Answer, Asked, Server, error, json};
use crate::{KEY, assert_ends, assert_ends_with, contract, project};

/// An API for orders, whose errors are told apart by their messages.
const PATHS: &str = "  /orders:
    post:
      operationId: order
      requestBody: {content: {application/json: {schema: {type: object, required: [dish], properties: {dish: {type: string}}}}}}
      responses:
        '201': {description: d}
        '401': {description: d}
        '402': {description: d}
        '409':
          description: d
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Error'}
              examples:
                sold_out: {value: {message: Sold out}}
                already_ordered: {value: {message: Already ordered}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    delete:
      operationId: cancel
      responses:
        '204': {description: d}
        '404':
          description: d
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Error'}
              examples:
                no_order: {value: {message: No such order}}
                no_kitchen: {value: {message: No kitchen}}
        '409': {description: d}";

const PROFILE: &str = "[profile]\nerror_identity = \"/message\"\n";

fn answer(asked: &Asked) -> Answer {
    let key = asked.header("authorization").unwrap_or_default().to_owned();
    match (asked.method.as_str(), key.strip_prefix("Bearer ").unwrap_or_default()) {
        (_, "the-token-of-a-debtor") => Answer(402, Vec::new(), String::new()),
        (_, key) if key != KEY => error(401, "Unauthorized"),
        ("POST", _) if asked.body.contains("soup") => error(409, "Sold out"),
        ("POST", _) if asked.body.contains("cake") => error(409, "Already ordered"),
        ("POST", _) => Answer(201, Vec::new(), String::new()),
        (_, _) if asked.path.ends_with("09") => Answer(409, Vec::new(), String::new()),
        (_, _) if asked.path.ends_with("04") => error(404, "No kitchen"),
        (_, _) if asked.path.ends_with("07") => Answer(204, Vec::new(), String::new()),
        _ => error(404, "No such order"),
    }
}

const SETTINGS: &str = "[conform]
send = [\"order\", \"DELETE /orders/{id}\"]
[[conform.caller]]
name = \"guest\"
token = { env = \"APIDRIFT_KEY\" }
[[conform.caller]]
name = \"debtor\"
token = { env = \"DEBTOR\" }
[conform.values]
cancel = { id = \"00000000-0000-0000-0000-000000000007\" }
[conform.resources.cooked]
id = \"00000000-0000-0000-0000-000000000009\"
[[conform.provocation]]
error = 402
caller = \"debtor\"
[[conform.provocation]]
operation = \"order\"
error = \"sold_out\"
body = { dish = \"soup\" }
[[conform.provocation]]
error = \"409 Already ordered\"
body = { dish = \"cake\" }
[[conform.provocation]]
operation = \"cancel\"
error = 409
resource = \"cooked\"
before = [\"order\"]
[[conform.provocation]]
error = \"no_kitchen\"
values = { id = \"00000000-0000-0000-0000-000000000004\" }
";

#[test]
fn values_callers_bodies_and_requests_before_bring_errors_about() {
    let server = Server::start(answer);
    let folder = project(&contract(PATHS), &format!("{PROFILE}{SETTINGS}"));
    let variables = [("APIDRIFT_KEY", KEY), ("DEBTOR", "the-token-of-a-debtor")];
    let says = [
        "seen      201 (2), 401 (5), 402 (1), 409 Already ordered (1), 409 Sold out (1)\n",
        "seen      204 (1), 404 No kitchen (1), 404 No such order (1), 409 (1)\n",
        "9 of 9 documented responses seen",
    ];
    let text = assert_ends_with(folder.path(), &["--url", &server.url], &variables, 0, &says[2..]);
    assert!(text.contains("204 (1), 404 No kitchen (1), 404 No such order (1), 409 (1)\n"), "{text}");
    let asked = server.asked();
    let cooked = asked.iter().position(|asked| asked.path.ends_with("09")).unwrap();
    assert_eq!(
        (asked[cooked - 1].call(), asked[cooked - 1].body.as_str()),
        ("POST /orders".to_owned(), "{\"dish\":\"xxxxx\"}")
    );
}

#[test]
fn an_error_that_is_not_provoked_as_the_settings_say_is_a_finding() {
    let server = Server::start(|asked| match answer(asked) {
        Answer(409, ..) if asked.body.contains("soup") => error(409, "Not any more"),
        other => other,
    });
    let folder = project(&contract(PATHS), &format!("{PROFILE}{SETTINGS}"));
    let variables = [("APIDRIFT_KEY", KEY), ("DEBTOR", "the-token-of-a-debtor")];
    let says = [
        "the server sends the message `Not any more`, but the contract says `Sold out`",
        "--data-binary '{\"dish\":\"soup\"}'",
    ];
    assert_ends_with(folder.path(), &["--url", &server.url], &variables, 1, &says);
}

#[test]
fn what_a_provocation_needs_is_said() {
    let server = Server::start(answer);
    let settings = "[conform]\nsend = [\"cancel\"]\n[[conform.provocation]]\noperation = \"cancel\"\nerror = 409\nresource = \"cooked\"\n";
    let folder = project(&contract(PATHS), &format!("{PROFILE}{settings}"));
    let url = ["--url", server.url.as_str()];
    assert_ends(folder.path(), &url, 0, &["not seen  409: not tried: needs --value cooked:id=…"]);
    let value = ["--value", "cooked:id=00000000-0000-0000-0000-000000000009"];
    assert_ends(folder.path(), &[&url[..], &value].concat(), 0, &["404 No such order (2), 409 (1)"]);
}

#[test]
fn a_resource_that_becomes_busy_only_by_a_request_is_asked_twice() {
    let paths = "  /cars/{id}/wash:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    post: {operationId: wash, responses: {'202': {description: d}, '409': {description: d}}}";
    let settings = "[conform]\nsend = [\"wash\"]\n[[conform.provocation]]\nerror = 409\nvalues = { id = \"00000000-0000-0000-0000-000000000009\" }\n";
    let times = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let status = if times.fetch_add(1, Ordering::Relaxed) == 0 { 202 } else { 409 };
        Answer(status, Vec::new(), String::new())
    });
    assert_ends(
        project(&contract(paths), settings).path(),
        &["--url", &server.url],
        0,
        &["not seen  202: not tried: needs --value id=…", "409 (1)"],
    );
}

#[test]
fn nothing_is_said_about_the_order_of_errors_unless_the_settings_do() {
    let paths = "  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: show
      responses: {'200': {description: d}, '400': {description: d}, '401': {description: d}, '404': {description: d}}";
    // It looks at the ID before the key.
    let server = Server::start(|asked| {
        let id = asked.path.rsplit('/').next().unwrap();
        let status = match asked.header("authorization") == Some(&format!("Bearer {KEY}")) {
            _ if id.len() != 36 || id.contains('g') => 400,
            false => 401,
            true => {
                if id.ends_with('7') {
                    200
                } else {
                    404
                }
            }
        };
        Answer(status, Vec::new(), String::new())
    });
    let arguments = ["--url", server.url.as_str(), "--value", "id=00000000-0000-0000-0000-000000000007"];
    let seen = ["4 of 4 documented responses seen"];
    assert_ends(project(&contract(paths), "").path(), &arguments, 0, &seen);
    assert_ends(project(&contract(paths), "[conform]\norder = [400, 401, 404]\n").path(), &arguments, 0, &seen);
    let other = project(&contract(paths), "[conform]\norder = [401, 400, 404]\n");
    assert_ends(other.path(), &arguments, 1, &["error[live/order]", "answers `400` where the contract has `401`"]);
}

#[test]
fn what_counts_against_a_limit_is_what_the_settings_say() {
    let headers = "headers: {X-RateLimit-Limit: {schema: {type: integer}}, X-RateLimit-Remaining: {schema: {type: integer}}, X-RateLimit-Reset: {schema: {type: integer}}}";
    let paths = format!(
        "  /things:
    get:
      operationId: list
      parameters: [{{name: limit, in: query, schema: {{type: integer, minimum: 1, maximum: 9}}}}]
      responses: {{'200': {{description: d, {headers}}}, '400': {{description: d, {headers}}}}}"
    );
    // Malformed requests do not count here.
    let left = AtomicUsize::new(50);
    let server = Server::start(move |asked| {
        let limit = asked.query.strip_prefix("limit=").unwrap_or("1");
        let is_right = limit.parse().is_ok_and(|limit: u32| (1..=9).contains(&limit));
        let left = if is_right { left.fetch_sub(1, Ordering::Relaxed) - 1 } else { left.load(Ordering::Relaxed) };
        let reset = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 100_000
            * 100_000
            + 100_000;
        let headers = vec![
            ("x-ratelimit-limit", "50".to_owned()),
            ("x-ratelimit-remaining", left.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ];
        Answer(if is_right { 200 } else { 400 }, headers, String::new())
    });
    let says = |counted: &str, code: i32, says: &str| {
        let allow = "[[allow]]\nrule = \"live/rate-limit-reset\"\nfile = \"openapi.yaml\"\nreason = \"long windows\"\n";
        let folder = project(&contract(&paths), &format!("[conform]\n{counted}\n{allow}"));
        assert_ends(folder.path(), &["--url", &server.url], code, &[says]);
    };
    says("", 0, "2 of 2 documented responses seen");
    says("counted = [\"2XX\"]", 0, "2 of 2 documented responses seen");
    says(
        "counted = [200, 400]",
        1,
        "error[live/rate-limit-count]: the counter of `list` stays as it is after a request",
    );
}

#[test]
fn an_error_passes_by_itself_before_the_success() {
    let paths = "  /jobs:
    get: {operationId: run, responses: {'200': {description: d}, '503': {description: d}}}";
    let settings = "[[conform.provocation]]\nerror = 503\nvalues = { none = \"\" }\npasses = true\n";
    let times = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let status = if times.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 200 };
        Answer(status, Vec::new(), String::new())
    });
    let text =
        assert_ends(project(&contract(paths), settings).path(), &["--url", &server.url], 1, &["200 (1), 503 (1)"]);
    assert!(text.contains("answers `200` where the contract has `503`"), "it was provoked in vain: {text}");
}

#[test]
fn mistakes_in_the_settings_are_said_with_their_place() {
    for (settings, says) in [
        (
            "[[conform.provocation]]\nerror = \"sold\"\nvalues = { id = \"1\" }\n",
            "apidrift.toml:6:9: the contract has no error `sold` where it should be provoked",
        ),
        (
            "[[conform.provocation]]\noperation = \"cook\"\nerror = 409\nexhaust = true\n",
            "apidrift.toml:6:13: the contract has no operation `cook`",
        ),
        (
            "[[conform.provocation]]\nerror = 409\n",
            "apidrift.toml:5:1: this provocation does nothing: give it `values`",
        ),
        (
            "[[conform.provocation]]\nerror = 409\ncaller = \"ann\"\n",
            "apidrift.toml:7:10: there is no caller `ann`; the settings have none",
        ),
        ("[conform.values]\nidd = \"1\"\n", "apidrift.toml:6:1: the contract has no parameter `idd`"),
        ("[conform.bodies]\ncook = {}\n", "apidrift.toml:6:1: the contract has no operation `cook`"),
        ("[conform.malformed]\nidd = [\"1\"]\n", "apidrift.toml:6:1: the contract has no parameter `idd`"),
        ("[conform]\nsent = []\n", "apidrift.toml:6:1: unknown field `sent`"),
    ] {
        let folder = project(&contract(PATHS), &format!("{PROFILE}{settings}"));
        assert_ends(folder.path(), &["--url", "http://127.0.0.1:9"], 2, &[says]);
    }
    assert_eq!(json(200, "").0, 200);
}

#[test]
fn a_limit_is_used_up_for_any_error_that_says_so() {
    let paths = "  /things:
    get:
      operationId: list
      x-limit: {requests: 5, window_seconds: 60}
      responses:
        '200': {description: d}
        '402':
          description: d
          content: {application/json: {examples: {no_credit: {value: {message: No credit}}, no_quota: {value: {message: No quota}}}}}";
    let settings = "[profile]\nerror_identity = \"/message\"\nrate_limit = \"x-limit\"\n[[conform.provocation]]\nerror = 402\nexhaust = true\n";
    let times = AtomicUsize::new(0);
    let server = Server::start(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        ..5 => Answer(200, Vec::new(), String::new()),
        _ => error(402, "No quota"),
    });
    let folder = project(&contract(paths), settings);
    let says = ["not seen  402 No credit: not tried: needs --exhaust-rate-limits"];
    assert_ends(folder.path(), &["--url", &server.url], 0, &says);
    let says = ["402 No quota (1)", "not seen  402 No credit: "];
    assert_ends(folder.path(), &["--url", &server.url, "--exhaust-rate-limits"], 0, &says);
}
