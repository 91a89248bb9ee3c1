//! Callers authenticate as the security schemes of the contract require, and their secrets are not shown.

use crate::server::{Answer, Asked, Server, error, json};
use crate::{KEY, assert_ends, assert_ends_with, contract, project, with_security};

const PATHS: &str = "  /things:
    get:
      operationId: list
      responses:
        '200': {description: d, content: {application/json: {schema: {type: array, items: {type: integer}}}}}
        '401': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}";

const SECRET: &str = "a-secret-of-the-caller";

/// A server that takes a request if this holds for it.
fn server(is_known: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.call().as_str() {
        "GET /things" if is_known(asked) => json(200, "[1]"),
        "GET /things" => error(401, "Unauthorized"),
        _ => error(404, "Not Found"),
    })
}

const SEEN: &str = "2 of 2 documented responses seen";

#[test]
fn every_kind_of_credentials_is_sent_where_its_scheme_is() {
    let token = "token = { env = \"CALLER\" }";
    let api_key = "api_key = { env = \"CALLER\" }";
    let basic = "basic = { user = \"ann\", password = { env = \"CALLER\" } }";
    let by_scheme = "credentials = { key = { env = \"CALLER\" } }";
    let is_bearer = |asked: &Asked| asked.header("authorization") == Some(&format!("Bearer {SECRET}"));
    // `ann:a-secret-of-the-caller` in Base64.
    let is_basic = |asked: &Asked| asked.header("authorization") == Some("Basic YW5uOmEtc2VjcmV0LW9mLXRoZS1jYWxsZXI=");
    type Known = fn(&Asked) -> bool;
    let schemes: [(&str, &str, Known); 9] = [
        ("{type: http, scheme: bearer}", token, is_bearer),
        ("{type: http, scheme: bearer}", by_scheme, is_bearer),
        ("{type: oauth2, flows: {clientCredentials: {tokenUrl: /token, scopes: {}}}}", token, is_bearer),
        ("{type: openIdConnect, openIdConnectUrl: /oidc}", token, is_bearer),
        ("{type: http, scheme: basic}", basic, is_basic),
        ("{type: apiKey, in: header, name: X-Api-Key}", api_key, |asked| asked.header("x-api-key") == Some(SECRET)),
        ("{type: apiKey, in: query, name: api_key}", api_key, |asked| asked.query == format!("api_key={SECRET}")),
        ("{type: apiKey, in: cookie, name: session}", api_key, |asked| {
            asked.header("cookie") == Some(&format!("session={SECRET}"))
        }),
        ("{type: http, scheme: hoba}", by_scheme, |asked| {
            asked.header("authorization") == Some(&format!("hoba {SECRET}"))
        }),
    ];
    for (scheme, credentials, is_known) in schemes {
        let settings = format!("[[conform.caller]]\nname = \"ann\"\n{credentials}\n");
        let folder = project(&with_security(scheme, PATHS), &settings);
        let server = server(is_known);
        let arguments = ["--url", &server.url, "--explore", "--cases", "20"];
        assert_ends_with(folder.path(), &arguments, &[("CALLER", SECRET)], 0, &[SEEN]);
    }
}

#[test]
fn a_key_on_the_command_line_is_for_any_scheme() {
    for (scheme, is_known) in [
        (
            "{type: http, scheme: bearer}",
            (|asked| asked.header("authorization") == Some("Bearer ann:secret")) as fn(&Asked) -> bool,
        ),
        ("{type: http, scheme: basic}", |asked| asked.header("authorization") == Some("Basic YW5uOnNlY3JldA==")),
        ("{type: apiKey, in: header, name: X-Key}", |asked| asked.header("x-key") == Some("ann:secret")),
    ] {
        let server = server(is_known);
        let variables = [("APIDRIFT_KEY", "ann:secret")];
        assert_ends_with(
            project(&with_security(scheme, PATHS), "").path(),
            &["--url", &server.url],
            &variables,
            0,
            &[SEEN],
        );
    }
}

#[test]
fn all_schemes_of_an_alternative_are_sent_together() {
    let contract = "openapi: 3.1.0
info: {title: T, version: '1'}
security: [{a: [], b: []}]
paths:
  /things:
    get: {operationId: list, responses: {'200': {description: d}, '401': {description: d}}}
  /open:
    get: {operationId: open, security: [], responses: {'200': {description: d}}}
components:
  securitySchemes:
    a: {type: apiKey, in: header, name: X-App}
    b: {type: http, scheme: bearer}";
    let settings = "[[conform.caller]]\nname = \"ann\"\napi_key = { env = \"APP\" }\ntoken = { file = \"token\" }\n";
    let folder = project(contract, settings);
    std::fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
    let server = Server::start(|asked| {
        let both = (asked.header("x-app"), asked.header("authorization"));
        let is_known = both == (Some("the-key-of-the-app"), Some(&format!("Bearer {SECRET}")));
        let is_open = asked.path == "/open" && both == (None, None);
        Answer(if is_known || is_open { 200 } else { 401 }, Vec::new(), String::new())
    });
    let variables = [("APP", "the-key-of-the-app")];
    assert_ends_with(folder.path(), &["--url", &server.url], &variables, 0, &["3 of 3 documented responses seen"]);
}

#[test]
fn callers_have_roles() {
    let paths = "  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    get:
      operationId: show
      responses: {'200': {description: d}, '403': {description: d}, '404': {description: d}}";
    let settings = "[[conform.caller]]\nname = \"ann\"\ntoken = { env = \"ANN\" }
[[conform.caller]]\nname = \"guest\"\nrole = \"without-permission\"\ntoken = { env = \"GUEST\" }
[[conform.caller]]\nname = \"other\"\nrole = \"other-tenant\"\ntoken = { env = \"OTHER\" }
[conform.values]\nid = \"00000000-0000-0000-0000-000000000007\"\n";
    let folder = project(&contract(paths), settings);
    let answer = |of_other: u16| {
        move |asked: &Asked| {
            let is_there = asked.path.ends_with("7");
            let status = match asked.header("authorization") {
                Some("Bearer the-token-of-ann") => {
                    if is_there {
                        200
                    } else {
                        404
                    }
                }
                Some("Bearer the-token-of-guest") => 403,
                _ => {
                    if is_there {
                        of_other
                    } else {
                        404
                    }
                }
            };
            Answer(status, Vec::new(), String::new())
        }
    };
    let variables = [("ANN", "the-token-of-ann"), ("GUEST", "the-token-of-guest"), ("OTHER", "the-token-of-other")];
    let right = Server::start(answer(404));
    assert_ends_with(folder.path(), &["--url", &right.url], &variables, 0, &["3 of 3 documented responses seen"]);
    let leaks = Server::start(answer(403));
    let says = ["error[live/leak]", "--header \"Authorization: Bearer $OTHER\""];
    assert_ends_with(folder.path(), &["--url", &leaks.url], &variables, 1, &says);
    let says = ["not seen  403: not tried: needs a key in GUEST"];
    assert_ends_with(folder.path(), &["--url", &right.url], &variables[..1], 0, &says);
    assert_ends_with(folder.path(), &["--url", &right.url], &[], 2, &["an API key is needed: a key in ANN"]);
}

#[test]
fn a_curl_line_reproduces_each_finding_without_the_secret() {
    let wrong =
        |asked: &Asked| match asked.headers.iter().any(|(_, value)| value.contains(SECRET) || value.contains("YW5u"))
            || asked.query.contains(SECRET)
        {
            true => json(200, "\"no list\""),
            false => error(401, "Unauthorized"),
        };
    for (scheme, credentials, shown) in [
        ("{type: http, scheme: bearer}", "token = { env = \"CALLER\" }", " --header \"Authorization: Bearer $CALLER\""),
        (
            "{type: http, scheme: bearer}",
            "token = { file = \"token\" }",
            " --header \"Authorization: Bearer $(cat 'token')\"",
        ),
        (
            "{type: http, scheme: basic}",
            "basic = { user = \"ann\", password = { env = \"CALLER\" } }",
            " --user \"ann:$CALLER\"",
        ),
        (
            "{type: apiKey, in: query, name: api_key}",
            "api_key = { env = \"CALLER\" }",
            "/things''?api_key='\"$CALLER\"",
        ),
        (
            "{type: apiKey, in: cookie, name: session}",
            "api_key = { env = \"CALLER\" }",
            " --cookie \"session=$CALLER\"",
        ),
        ("{type: apiKey, in: header, name: X-Key}", "api_key = { env = \"CALLER\" }", " --header \"X-Key: $CALLER\""),
    ] {
        let folder =
            project(&with_security(scheme, PATHS), &format!("[[conform.caller]]\nname = \"ann\"\n{credentials}\n"));
        std::fs::write(folder.path().join("token"), SECRET).unwrap();
        let server = Server::start(wrong);
        let text =
            assert_ends_with(folder.path(), &["--url", &server.url], &[("CALLER", SECRET)], 1, &["live/schema", shown]);
        let line = text.lines().find_map(|line| line.split_once("request: ")).unwrap().1;
        // A shell that runs the line sends the same request.
        let before = server.asked().len();
        let curl = std::process::Command::new("sh")
            .args(["-c", line])
            .env("CALLER", SECRET)
            .current_dir(folder.path())
            .output();
        assert!(curl.unwrap().status.success(), "{line}");
        let (asked, again) = (server.asked()[0].clone(), server.asked()[before].clone());
        let parts = |asked: &Asked| {
            let credentials = ["authorization", "x-key", "cookie"].map(|name| asked.header(name).map(str::to_owned));
            (asked.call(), asked.query.clone(), credentials)
        };
        assert_eq!(parts(&asked), parts(&again), "{line}");
    }
}

#[test]
fn a_secret_that_the_server_repeats_is_not_shown() {
    let folder = project(&contract(PATHS), "");
    let server = Server::start(|asked| {
        let said = asked.header("authorization").unwrap_or_default();
        let said = serde_json::json!({ "message": said }).to_string();
        json(if said.contains(KEY) { 200 } else { 401 }, &said)
    });
    assert_ends(folder.path(), &["--url", &server.url], 1, &["live/key-echoed", "Bearer $APIDRIFT_KEY"]);
}

#[test]
fn a_key_that_a_link_repeats_is_not_shown() {
    let paths = "  /things:
    get:
      operationId: list
      responses:
        '200':
          description: d
          headers: {Link: {schema: {type: string}}}
          content: {application/json: {schema: {type: object, required: [things], properties: {things: {type: array}}}}}";
    let settings = "[[conform.caller]]\nname = \"ann\"\napi_key = { env = \"CALLER\" }\n";
    let folder = project(&with_security("{type: apiKey, in: query, name: key}", paths), settings);
    let server = Server::start(|asked| match asked.query.contains("page=2") {
        true => json(200, "[]"),
        false => {
            let Answer(status, mut headers, body) = json(200, "{\"things\": [1]}");
            headers.push(("link", format!("</things?{}&page=2>; rel=\"next\"", asked.query)));
            Answer(status, headers, body)
        }
    });
    let says = ["live/schema", "/things?key='\"$CALLER\"'&page=2''&key='\"$CALLER\""];
    assert_ends_with(folder.path(), &["--url", &server.url], &[("CALLER", SECRET)], 1, &says);
}

#[test]
fn a_response_that_is_quoted_as_the_expected_one_does_not_show_the_key() {
    let paths = "  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    get: {operationId: show, responses: {'200': {description: d}, '404': {description: d}, '403': {description: d}}}";
    let folder = project(&contract(paths), "[profile]\nerror_identity = \"/message\"\n");
    let server = Server::start(|asked| match &asked.path[asked.path.len() - 1..] {
        "7" => Answer(200, Vec::new(), String::new()),
        "8" => error(403, "It belongs to somebody else"),
        _ => error(404, asked.header("authorization").unwrap_or_default()),
    });
    let id = |last: &str| format!("id=00000000-0000-0000-0000-00000000000{last}");
    let (own, foreign) = (id("7"), format!("foreign:{}", id("8")));
    let arguments = ["--url", &server.url, "--value", &own, "--value", &foreign];
    let says = ["live/leak", "expected: the same as for a resource that does not exist: 404 Bearer $APIDRIFT_KEY"];
    assert_ends(folder.path(), &arguments, 1, &says);
}

#[test]
fn a_user_and_a_password_in_one_secret_are_not_shown_in_any_form() {
    let echo = || {
        Server::start(|asked| match asked.header("authorization") {
            Some(said) => json(200, &serde_json::json!({ "message": said }).to_string()),
            None => error(401, "Unauthorized"),
        })
    };
    let contract = with_security("{type: http, scheme: basic}", PATHS);
    let by_scheme = "[[conform.caller]]\nname = \"ann\"\ncredentials = { key = { env = \"CALLER\" } }\n";
    for (settings, variable, secret, base64) in [
        (by_scheme, "CALLER", "ann:a-secret-of-the-caller", "YW5uOmEtc2VjcmV0LW9mLXRoZS1jYWxsZXI="),
        // The user is the key, and there is no password.
        ("", "APIDRIFT_KEY", "the-key-of-ann:", "dGhlLWtleS1vZi1hbm46"),
    ] {
        let says = ["live/key-echoed", &format!(" --user \"${variable}\"")];
        let arguments = ["--url", &echo().url];
        let text = assert_ends_with(project(&contract, settings).path(), &arguments, &[(variable, secret)], 1, &says);
        assert!(!text.contains(base64) && !text.contains("the-key-of-ann"), "{text}");
    }
}

#[test]
fn a_base_url_has_no_secrets() {
    for url in [
        "http://ann:the-password@127.0.0.1:9",
        "http://:the-password@127.0.0.1:9",
        "http://127.0.0.1:9/?key=the-password",
        "http://127.0.0.1:9/#the-password",
        "http://ann:the-password@127.0.0.1:none",
    ] {
        let says = if url.ends_with("none") { "is not a URL" } else { "is not the base URL of a server" };
        let text = assert_ends(project(&contract(PATHS), "").path(), &["--url", url], 2, &[says]);
        assert!(!text.contains("the-password"), "{text}");
    }
}

#[test]
fn an_open_operation_may_be_called_without_a_permission() {
    let paths = "  /open: {get: {operationId: open, security: [{}, {key: []}], responses: {'200': {description: d}}}}";
    let server = Server::start(|asked| match (asked.path.as_str(), asked.method.as_str()) {
        ("/open", "GET" | "HEAD") => Answer(200, Vec::new(), String::new()),
        ("/open", _) => Answer(405, vec![("allow", "GET".to_owned())], String::new()),
        _ => Answer(404, Vec::new(), String::new()),
    });
    let arguments =
        ["--url", &server.url, "--key-without-permission", "a-key-without-any", "--explore", "--cases", "20"];
    assert_ends(project(&contract(paths), "").path(), &arguments, 0, &["1 of 1 documented responses seen"]);
}

#[test]
fn what_is_near_an_open_operation_is_not_open_itself() {
    let paths = "  /{a}/{b}:
    parameters: [{name: a, in: path, required: true, schema: {type: string}}, {name: b, in: path, required: true, schema: {type: string}}]
    get: {operationId: open, security: [], responses: {'204': {description: d}, '404': {description: d}}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
    get: {operationId: show, responses: {'200': {description: d}, '401': {description: d}, '404': {description: d}}}";
    let answer = |is_right: bool| {
        move |asked: &Asked| {
            let is_keyed = asked.header("authorization") == Some(&format!("Bearer {KEY}"));
            let status = match asked.path.as_str() {
                path if path.ends_with("7/") && !is_right => 200,
                path if !path.starts_with("/things/") => 404,
                _ if !is_keyed => 401,
                path if path.ends_with('7') => 200,
                _ => 404,
            };
            Answer(status, Vec::new(), String::new())
        }
    };
    let flags =
        ["--value", "id=00000000-0000-0000-0000-000000000007", "--operation", "show", "--explore", "--cases", "20"];
    let (right, wrong) = (Server::start(answer(true)), Server::start(answer(false)));
    let folder = project(&contract(paths), "");
    assert_ends(folder.path(), &[&["--url", &right.url], &flags[..]].concat(), 0, &[]);
    let says = ["the 200 to a request that matches no operation is not documented"];
    assert_ends(folder.path(), &[&["--url", &wrong.url], &flags[..]].concat(), 1, &says);
}

#[test]
fn a_connection_that_breaks_does_not_show_the_key_in_the_query() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let settings = "[[conform.caller]]\nname = \"ann\"\napi_key = { env = \"CALLER\" }\n";
    let folder = project(&with_security("{type: apiKey, in: query, name: key}", PATHS), settings);
    let text = assert_ends_with(folder.path(), &["--url", &url], &[("CALLER", SECRET)], 1, &["live/no-answer"]);
    assert!(text.contains("''?key='\"$CALLER\""), "{text}");
}

#[test]
fn secrets_are_not_written_in_the_settings() {
    for (settings, says) in [
        (
            "[[conform.caller]]\nname = \"a\"\ntoken = \"abc\"\n",
            "apidrift.toml:5:9: expected { env = \"NAME\" } or { file = \"PATH\" }",
        ),
        (
            "[[conform.caller]]\nname = \"a\"\ntoken = { file = \"none\" }\n",
            "apidrift.toml:3:1: the secret in none cannot be read",
        ),
        (
            "[[conform.caller]]\nname = \"a\"\n[[conform.caller]]\nname = \"a\"\n",
            "apidrift.toml:5:1: two callers are named `a`",
        ),
        (
            "[[conform.caller]]\nname = \"a\"\nrole = \"king\"\n",
            "apidrift.toml:5:8: unknown variant `king`, expected one of `full`, `without-permission`, `other-tenant`",
        ),
        (
            "[[conform.caller]]\nname = \"a\"\ncredentials = { no = { env = \"A\" } }\n",
            "apidrift.toml:3:1: the contract has no security scheme `no`",
        ),
    ] {
        let folder = project(&contract(PATHS), settings);
        assert_ends(folder.path(), &["--url", "http://127.0.0.1:9"], 2, &[says]);
    }
}
