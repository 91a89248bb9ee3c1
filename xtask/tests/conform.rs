//! `cargo xtask conform` as people run it, against servers of another API than this project's.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apidrift::check;
use common::{assert_is_sarif, project};
use openapi_dropshot::Dropshot;
use serde_json::Value as Json;

const KEY: &str = "a-key-with-every-permission";
const POWERLESS: &str = "a-key-without-any";
const CHAIR: &str = "00000000-0000-0000-0000-000000000001";

/// A request as it came.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    path: String,
    key: Option<String>,
}

/// Status, headers and body.
type Answer = (u16, String, String);

/// A server of the fixture's API, on loopback; it goes on until the tests end.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server =
            Server { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::new(Mutex::default()) };
        let asked = server.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let Some((method, rest)) = head.first().and_then(|line| line.split_once(' ')) else { continue };
                let key = head.iter().find_map(|line| line.strip_prefix("authorization: "));
                let request = Asked {
                    method: method.to_owned(),
                    path: rest.split(' ').next().unwrap().to_owned(),
                    key: key.map(str::to_owned),
                };
                let (status, headers, body) = answer(&request);
                asked.lock().unwrap().push(request);
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
                );
                // Whoever has gone away has seen enough.
                let _ = stream.write_all(text.as_bytes());
            }
        });
        server
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn saying(status: u16, message: &str) -> Answer {
    (status, String::new(), serde_json::json!({ "message": message }).to_string())
}

/// What the contract says.
fn right(asked: &Asked) -> Answer {
    let with = |key: &str| asked.key.as_deref() == Some(&format!("Bearer {key}"));
    if !with(KEY) {
        return if with(POWERLESS) { saying(403, "Forbidden") } else { saying(401, "Unauthorized") };
    }
    if asked.method == "GET" {
        let limit = asked.path.split_once("limit=").map_or("1", |(_, limit)| limit);
        return match limit.parse() {
            Ok(1..=100) => {
                let chair = r#"{"thing_id":"ID","name":"Chair","kind":"small","weight":4,"painted_at":null}"#;
                (200, String::new(), format!(r#"{{"things":[{}]}}"#, chair.replace("ID", CHAIR)))
            }
            _ => saying(400, "Invalid limit"),
        };
    }
    let id = asked.path.split('/').nth(2).unwrap();
    let is_id = id.len() == 36 && id.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit());
    match (is_id, id) {
        (false, _) => saying(400, "Invalid thing ID"),
        (true, CHAIR) => saying(202, "started"),
        (true, _) => saying(404, "Thing not found"),
    }
}

/// Runs the program in the folder of a project.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("conform")
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("THINGS_KEY", KEY)
        .env_remove("APIDRIFT_KEY")
        .env_remove("APIDRIFT_KEY_WITHOUT_PERMISSION")
        .current_dir(folder)
        .output()
        .unwrap()
}

#[track_caller]
fn assert_ends(folder: &Path, arguments: &[&str], code: i32, says: &[&str]) -> String {
    let output = run(folder, arguments);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    for says in says {
        assert!(text.contains(says), "{arguments:?} does not say {says:?}: {text}");
    }
    assert!(!text.contains("panicked") && !text.contains(KEY) && !text.contains(POWERLESS), "{text}");
    text
}

#[test]
fn what_was_seen_and_what_was_not_is_listed_with_what_it_takes() {
    let server = Server::start(right);
    let says = [
        "conform: only GET, HEAD and OPTIONS will be sent; not sent: paint_thing (POST /things/{thing_id}/paint); permit one with --send\n",
        "  seen      200 (2), 400 Invalid limit (5), 401 Unauthorized (6)\n",
        "  not seen  400 Invalid kind: not tried: no malformed `kind` is known; give one in [conform.malformed] of the settings\n",
        "  not seen  403 Forbidden: not tried: needs --key-without-permission\n",
        "  not seen  429 Too many requests: not tried: needs --exhaust-rate-limits",
        "  not seen  500 Failed: not tried: needs a server that can be made to fail",
        "  not seen  202: not tried: needs --send paint_thing: only GET, HEAD and OPTIONS are sent unless an operation is named\n",
        "paging was not seen: there is one page",
        "3 of 17 documented responses seen",
        "everything that was seen is as documented\n",
    ];
    assert_ends(project().path(), &["--url", &server.url], 0, &says);
    assert!(server.asked().iter().all(|asked| asked.method == "GET"), "nothing happens that nobody has asked for");
}

#[test]
fn a_named_operation_succeeds_with_a_value_and_shows_its_errors_without() {
    let server = Server::start(right);
    let painted = |asked: &Asked| asked.method == "POST" && asked.path.contains(CHAIR) && asked.key.is_some();
    let says = [
        "  not seen  202: not tried: needs --value thing_id=…\n",
        "  not seen  409 Wet paint: not tried: there is no known way to provoke it; describe one in a [[conform.provocation]]",
        "6 of 17 documented responses seen",
    ];
    let arguments = ["--url", &server.url, "--send", "paint_thing"];
    assert_ends(project().path(), &arguments, 0, &says);
    assert!(!server.asked().iter().any(painted), "what a list has shown is not changed");
    let value = format!("thing_id={CHAIR}");
    assert_ends(project().path(), &[&arguments[..], &["--value", &value]].concat(), 0, &["  seen      202 (1)"]);
    assert!(server.asked().iter().any(painted));
}

#[test]
fn a_second_key_shows_what_is_refused() {
    let server = Server::start(right);
    let arguments = ["--url", &server.url, "--key-without-permission", POWERLESS, "--send", "paint_thing"];
    assert_ends(project().path(), &arguments, 0, &["403 Forbidden (2)", "8 of 17 documented responses seen"]);
}

#[test]
fn only_gets_are_sent_where_nothing_else_may_be() {
    let server = Server::start(right);
    let says = ["  not seen  404 Thing not found: not tried: --read-only\n"];
    assert_ends(project().path(), &["--url", &server.url, "--read-only"], 0, &says);
    assert!(server.asked().len() > 5 && server.asked().iter().all(|asked| asked.method == "GET"));
}

#[test]
fn what_is_wrong_is_shown_in_every_format_with_the_request_and_the_answer() {
    let server = Server::start(|asked| match right(asked) {
        (404, ..) => saying(404, &format!("No thing for {}", asked.key.as_deref().unwrap_or("nobody"))),
        other => other,
    });
    let folder = project();
    let url = ["--url", server.url.as_str(), "--send", "paint_thing"];
    let human = [
        "error[live/message]: the server sends the message `No thing for Bearer $THINGS_KEY`, but the contract says `Thing not found`",
        "openapi/things.yaml:104:36",
        &format!("request: curl --include --request POST '{}/things/d1b5c7f0", server.url),
        "--header \"Authorization: Bearer $THINGS_KEY\"",
        "expected: 404 {\"message\":\"Thing not found\"}",
        "answered: 404",
        "error[live/key-echoed]",
        "2 findings",
    ];
    assert_ends(folder.path(), &url, 1, &human);
    let json = assert_ends(folder.path(), &[&url[..], &["--format", "json"]].concat(), 1, &[]);
    let json: Json = serde_json::from_str(&json[..json.rfind("}\n").unwrap() + 1]).unwrap();
    assert_eq!(json["findings"][1]["rule"], "live/message");
    assert_eq!(json["findings"][1]["place"]["line"], 104);
    assert_eq!(json["live"]["operations"][0]["seen"]["200"], 2);
    assert_eq!(
        json["live"]["operations"][1]["not_seen"]["404 Thing not found"],
        "the server answered something else, see the findings"
    );
    let says = ["::error file=openapi/things.yaml,line=104,", "::notice title=not seen::`500 Failed` of `list_things`"];
    assert_ends(folder.path(), &[&url[..], &["--format", "github"]].concat(), 1, &says);
    let sarif = assert_ends(folder.path(), &[&url[..], &["--format", "sarif"]].concat(), 1, &["live/message"]);
    assert_is_sarif(&sarif[..sarif.rfind("}\n").unwrap() + 1]);
}

#[test]
fn a_finding_can_be_allowed_for_now() {
    let server = Server::start(|asked| match right(asked) {
        (404, ..) => saying(404, "No such thing"),
        other => other,
    });
    let folder = project();
    let allowance = "[[allow]]\nrule = \"live/message\"\nfile = \"openapi/things.yaml\"\ntext = \"Thing not found\"\nreason = \"soon\"\n\n[project]\n";
    common::apply(folder.path(), &apidrift_core::rules::Edit::Replace("openapi/check.toml", "[project]\n", allowance));
    let arguments = ["--url", &server.url, "--send", "paint_thing"];
    assert_ends(folder.path(), &arguments, 0, &["1 allowed for now"]);
    let outcome = check::run(folder.path(), &check::Scope::default(), Some(&Dropshot));
    assert!(outcome.findings.is_empty(), "it is not for the other command to say that it is unused");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let folder = project();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let unreachable = format!("http://{nobody}");
    let server = Server::start(right);
    let strict = Server::start(|_| saying(401, "Unauthorized"));
    for (arguments, says) in [
        (vec!["--url", &unreachable], "the server cannot be reached"),
        (vec!["--url", &strict.url], "the key is refused"),
        (vec!["--url", &server.url, "--key", "another"], "the key is refused"),
        (vec!["--url", &server.url, "--key", "two\nlines"], "a character that cannot be sent"),
        (vec!["--url", "rest.example.com"], "`rest.example.com` is not a URL"),
        (vec!["--url", "ftp://example.com"], "is not the base URL of a server"),
        (vec!["--url", &server.url, "--operation", "list_thing"], "no operation `list_thing`; it has `list_things`"),
        (vec!["--url", &server.url, "--read-only", "--operation", "paint_thing"], "nothing to test"),
        (vec!["--url", &server.url, "--timeout", "soon"], "invalid value 'soon' for '--timeout"),
        (vec![], "give --url, or set `testbed` in openapi/check.toml"),
    ] {
        assert_ends(folder.path(), &arguments, 2, &[says]);
    }
}

#[test]
fn the_time_is_bounded_and_what_it_did_not_suffice_for_is_said() {
    let server = Server::start(|asked| {
        std::thread::sleep(Duration::from_millis(400));
        right(asked)
    });
    let began = Instant::now();
    let says = ["the time limit was reached", "  not seen  400 Invalid limit: not tried: the time limit was reached\n"];
    assert_ends(project().path(), &["--url", &server.url, "--timeout", "1s"], 2, &says);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_server_that_tells_ids_does_not_lead_to_other_paths() {
    let server = Server::start(|asked| {
        let (status, headers, body) = right(asked);
        (status, headers, body.replace(CHAIR, "../../admin?x=/y"))
    });
    let text = assert_ends(project().path(), &["--url", &server.url], 1, &["live/schema"]);
    assert!(text.contains("does not fit `ThingPage` at `/things/0/thing_id`"), "{text}");
    let strays = |asked: &Asked| !asked.path.starts_with("/things");
    assert!(!server.asked().iter().any(strays), "{:?}", server.asked());
}
