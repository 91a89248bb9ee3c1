//! Generated requests find the defects of servers that fail only on unusual requests, and report the smallest request
//! that shows each defect. Correct servers that answer unusual requests in other ways are not reported. The score is
//! written to `target/made-up-score.txt`, which `cargo xtask test` prints.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use apidrift::conform::{self, Exploration, Limits, Target};
use apidrift::outcome::Outcome;
use apidrift_core::contract::Contract;
use apidrift_core::settings::{Conform, Project};
use cdi_server::testbed::{Options, Testbed};
use contract_tests::{MADE_UP, keep_score, repository};
use http::{HeaderValue, Method, StatusCode};
use openapi_model::source::Source;
use tokio::runtime::Handle;
use xtask::proxy::{After, Answered, Asked, Before, Proxy};

const LIST: &str = "list_integrations";
const STATUS: &str = "list_job_sync_status";
const TRIGGER: &str = "trigger_integration_sync";
/// Number of cases that run in parallel.
const AT_ONCE: usize = 4;

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository().join("openapi/cdi.yaml")).unwrap();
    let profile = Project::load(repository()).unwrap().profile;
    let contract = Contract::read(&Source::new("openapi/cdi.yaml", text), None, profile.as_ref()).unwrap();
    assert!(contract.document.problems.is_empty());
    contract
});

/// What `openapi/check.toml` knows of our server.
static SETTINGS: LazyLock<Conform> = LazyLock::new(|| Project::load(repository()).unwrap().conform);

/// What a server needs to know for its defect.
#[derive(Clone)]
struct Facts {
    /// The `Authorization` header of the key with every permission.
    key: HeaderValue,
    /// The `Authorization` header of the key without permissions.
    powerless: HeaderValue,
    /// An integration of the key's workspace, and one of another workspace.
    known: String,
    foreign: String,
}

/// A server with a defect, and the expected findings.
struct Case {
    name: &'static str,
    operation: &'static str,
    before: fn(&Facts, &mut Asked),
    after: fn(&Facts, &Asked, &mut Answered),
    /// Rules that must be reported.
    finds: &'static [&'static str],
    /// Rules that may also be reported, because one defect causes another.
    also: &'static [&'static str],
    /// What the smallest failing request must contain.
    shows: &'static str,
}

const RIGHT: Case =
    Case { name: "", operation: STATUS, before: |_, _| {}, after: |_, _, _| {}, finds: &[], also: &[], shows: "" };

/// Gives a request the key with every permission.
fn authorize(facts: &Facts, asked: &mut Asked) {
    asked.headers.insert("authorization", facts.key.clone());
}

fn wrong_servers() -> Vec<Case> {
    vec![
        Case {
            name: "fails at a NUL in the path",
            after: |_, asked, answered| {
                if asked.path.contains("%00") {
                    answered.say(500, "Internal Server Error");
                }
            },
            finds: &["live/server-error"],
            shows: "%00",
            ..RIGHT
        },
        Case {
            name: "fails at an override of the method",
            operation: LIST,
            after: |_, asked, answered| {
                if asked.headers.contains_key("x-http-method-override") {
                    answered.say(502, "Bad Gateway");
                }
            },
            finds: &["live/server-error"],
            shows: "--header 'x-http-method-override: DELETE'",
            ..RIGHT
        },
        Case {
            name: "fails at a cursor that is there twice",
            operation: LIST,
            after: |_, asked, answered| {
                if asked.path.matches("cursor=").count() > 1 {
                    answered.say(500, "Internal Server Error");
                }
            },
            finds: &["live/server-error"],
            shows: "/cdi/integrations?cursor=",
            ..RIGHT
        },
        Case {
            name: "fails at a body that is no text",
            operation: TRIGGER,
            after: |_, asked, answered| {
                if std::str::from_utf8(&asked.body).is_err() {
                    answered.say(500, "Internal Server Error");
                }
            },
            finds: &["live/server-error"],
            shows: "--data-binary $'",
            ..RIGHT
        },
        Case {
            name: "cuts the connection at an unknown method",
            operation: LIST,
            after: |_, asked, answered| answered.cut = asked.method.as_str() == "FOO",
            finds: &["live/no-answer"],
            shows: "--request FOO 'http",
            ..RIGHT
        },
        Case {
            name: "trusts X-Original-URL instead of the key",
            operation: LIST,
            before: |facts, asked| {
                if asked.headers.contains_key("x-original-url") {
                    authorize(facts, asked);
                }
            },
            finds: &["live/authentication"],
            also: &["live/order", "live/permission"],
            shows: "--header 'x-original-url: /'",
            ..RIGHT
        },
        Case {
            name: "takes the key in X-Api-Key",
            operation: LIST,
            before: |facts, asked| {
                if asked.headers.contains_key("x-api-key") {
                    authorize(facts, asked);
                }
            },
            finds: &["live/authentication"],
            also: &["live/order"],
            shows: "--header \"x-api-key: Bearer $OPENCDI_KEY\"",
            ..RIGHT
        },
        Case {
            name: "takes the key as that of another scheme",
            operation: LIST,
            before: |facts, asked| {
                let key = facts.key.to_str().unwrap().trim_start_matches("Bearer ").to_owned();
                if asked.header("authorization").ends_with(&key) {
                    authorize(facts, asked);
                }
            },
            finds: &["live/authentication"],
            also: &["live/order"],
            shows: "$OPENCDI_KEY\"",
            ..RIGHT
        },
        Case {
            name: "takes a key that only begins as the right one does",
            operation: STATUS,
            before: |facts, asked| {
                if asked.header("authorization").starts_with(facts.key.to_str().unwrap()) {
                    authorize(facts, asked);
                }
            },
            finds: &["live/authentication"],
            also: &["live/order", "live/leak"],
            shows: "Bearer ${OPENCDI_KEY}",
            ..RIGHT
        },
        Case {
            name: "asks for no key where the path ends with a slash",
            operation: LIST,
            before: |facts, asked| {
                if asked.path.split('?').next().unwrap().ends_with('/') {
                    authorize(facts, asked);
                }
            },
            finds: &["live/authentication"],
            also: &["live/permission"],
            shows: "/cdi/integrations/'",
            ..RIGHT
        },
        Case {
            name: "asks for no permission where a media type is given",
            operation: TRIGGER,
            before: |facts, asked| {
                let is_powerless = asked.headers.get("authorization") == Some(&facts.powerless);
                if is_powerless && asked.headers.contains_key("content-type") {
                    authorize(facts, asked);
                }
            },
            finds: &["live/permission"],
            also: &["live/order", "live/leak"],
            shows: "$OPENCDI_KEY_WITHOUT_PERMISSION",
            ..RIGHT
        },
        Case {
            name: "reads the body before the key",
            operation: TRIGGER,
            after: |_, asked, answered| {
                if answered.status == 401 && asked.body.first() == Some(&b'[') {
                    answered.say(400, "Invalid integration ID");
                }
            },
            finds: &["live/order"],
            shows: "--data-binary '[",
            ..RIGHT
        },
        Case {
            name: "looks for the integration before the key",
            operation: STATUS,
            after: |facts, asked, answered| {
                if answered.status == 401 && !asked.path.contains(&facts.known) {
                    answered.say(404, "Integration not found");
                }
            },
            finds: &["live/order", "live/leak"],
            also: &["live/header-missing"],
            shows: "curl",
            ..RIGHT
        },
        Case {
            name: "sends a 405 without Allow",
            operation: LIST,
            after: |_, _, answered| {
                answered.headers.remove("allow");
            },
            finds: &["live/method"],
            shows: "/cdi/integrations'",
            ..RIGHT
        },
        Case {
            name: "allows a method that is not there, and not the one that is",
            operation: TRIGGER,
            after: |_, _, answered| {
                if answered.status == 405 {
                    answered.headers.insert("allow", HeaderValue::from_static("GET, HEAD"));
                }
            },
            finds: &["live/method"],
            shows: "/sync'",
            ..RIGHT
        },
        Case {
            name: "deletes",
            operation: LIST,
            after: |facts, asked, answered| {
                if asked.method == Method::DELETE && asked.headers.get("authorization") == Some(&facts.key) {
                    answered.say(200, "success");
                }
            },
            finds: &["live/method"],
            shows: "--request DELETE 'http",
            ..RIGHT
        },
        Case {
            name: "repeats what TRACE has sent",
            operation: LIST,
            after: |_, asked, answered| {
                if asked.method == Method::TRACE {
                    answered.say(200, &asked.header("authorization"));
                }
            },
            finds: &["live/key-echoed", "live/authentication"],
            also: &["live/method", "live/permission"],
            shows: "--request TRACE 'http",
            ..RIGHT
        },
        Case {
            name: "cuts IDs after 36 characters",
            before: |_, asked| {
                let mut parts: Vec<String> = asked.path.split('/').map(str::to_owned).collect();
                if let Some(id) = parts.get_mut(3) {
                    *id = id.chars().take(36).collect();
                }
                asked.path = parts.join("/");
            },
            finds: &["live/answer"],
            also: &["live/undocumented"],
            shows: "curl",
            ..RIGHT
        },
        Case {
            name: "refuses IDs in upper case",
            after: |_, asked, answered| {
                let id = asked.path.split('/').nth(3).unwrap_or_default();
                if answered.status == 200 && id.contains(char::is_uppercase) {
                    answered.say(400, "Invalid integration ID");
                }
            },
            finds: &["live/answer"],
            shows: "/6F1E24A8-",
            ..RIGHT
        },
        Case {
            name: "answers 422 to an odd cursor",
            operation: LIST,
            after: |_, asked, answered| {
                if answered.status == 400 && asked.path.contains("aaaa") {
                    answered.say(422, "Unprocessable");
                }
            },
            finds: &["live/undocumented"],
            shows: "aaaa'",
            ..RIGHT
        },
        Case {
            name: "answers in HTML whoever prefers it",
            operation: LIST,
            after: |_, asked, answered| {
                if asked.header("accept") == "text/html" {
                    answered.headers.insert("content-type", HeaderValue::from_static("text/html"));
                }
            },
            finds: &["live/media-type"],
            shows: "--header 'accept: text/html'",
            ..RIGHT
        },
        Case {
            name: "has a page of HTML for what is not there",
            operation: LIST,
            after: |_, asked, answered| {
                if answered.status == 404 && !asked.path.contains("integrations") {
                    answered.headers.insert("content-type", HeaderValue::from_static("text/html"));
                    answered.body = "<h1>Not found</h1>".into();
                }
            },
            finds: &["live/media-type"],
            also: &["live/body"],
            shows: "curl",
            ..RIGHT
        },
        Case {
            name: "has a page for every path",
            operation: LIST,
            after: |facts, asked, answered| {
                if answered.status == 404 && asked.headers.get("authorization") == Some(&facts.key) {
                    answered.say(200, "Welcome");
                }
            },
            finds: &["live/undocumented"],
            also: &["live/header-missing"],
            shows: "curl",
            ..RIGHT
        },
        Case {
            name: "says which key is wrong",
            operation: LIST,
            after: |_, asked, answered| {
                if answered.status == 401 && asked.headers.contains_key("authorization") {
                    let key = asked.header("authorization");
                    answered.body = serde_json::json!({"message": "Unauthorized", "errors": [key]}).to_string().into();
                }
            },
            finds: &["live/key-echoed"],
            shows: "OPENCDI_KEY",
            ..RIGHT
        },
        Case {
            name: "leaves WWW-Authenticate out where there is a body",
            operation: TRIGGER,
            after: |_, asked, answered| {
                if !asked.body.is_empty() {
                    answered.headers.remove("www-authenticate");
                }
            },
            finds: &["live/header-missing"],
            shows: "--data-binary",
            ..RIGHT
        },
        Case {
            name: "lists nothing for a language that it does not know",
            operation: LIST,
            after: |_, asked, answered| {
                if answered.status == 200 && asked.headers.contains_key("accept-language") {
                    answered.body = r#"{"results":null,"message":"success"}"#.into();
                }
            },
            finds: &["live/schema"],
            shows: "--header $'accept-language: \\xff\\xfe'",
            ..RIGHT
        },
        Case {
            name: "denies what is another workspace's",
            after: |facts, asked, answered| {
                if answered.status == 404 && asked.path.contains(&facts.foreign) {
                    answered.say(403, "Access Denied");
                }
            },
            finds: &["live/leak"],
            shows: "curl",
            ..RIGHT
        },
        Case {
            name: "tells what is another workspace's by a header",
            operation: TRIGGER,
            after: |facts, asked, answered| {
                if answered.status == 404 && asked.path.contains(&facts.foreign) {
                    answered.headers.insert("x-cache", HeaderValue::from_static("hit"));
                }
            },
            finds: &["live/leak"],
            shows: "header x-cache",
            ..RIGHT
        },
        Case {
            name: "tells what is another workspace's by a space in the body",
            after: |facts, asked, answered| {
                if answered.status == 404 && asked.path.contains(&facts.foreign) {
                    answered.say(404, "Integration not found ");
                }
            },
            finds: &["live/leak"],
            shows: "field message",
            ..RIGHT
        },
        Case {
            name: "tells strangers what is there",
            after: |facts, asked, answered| {
                if answered.status == 401 && asked.path.contains(&facts.known) {
                    answered.headers.insert("x-workspace", HeaderValue::from_static("ours"));
                }
            },
            finds: &["live/leak"],
            shows: "header x-workspace",
            ..RIGHT
        },
        Case {
            name: "takes long to find what is another workspace's",
            after: |facts, asked, answered| {
                if answered.status == 404 && asked.path.contains(&facts.foreign) {
                    answered.delay = Duration::from_millis(150);
                }
            },
            finds: &["live/leak"],
            shows: "a response after the same time",
            ..RIGHT
        },
        Case {
            name: "takes the key of the request before on the connection",
            operation: LIST,
            before: |_, asked| {
                if let (None, Some(key)) = (asked.headers.get("authorization"), &asked.earlier) {
                    let key = key.clone();
                    asked.headers.insert("authorization", key);
                }
            },
            finds: &["live/connection", "live/authentication"],
            also: &["live/order", "live/permission"],
            shows: "curl",
            ..RIGHT
        },
    ]
}

fn right_servers() -> Vec<Case> {
    vec![
        Case { name: "answers as ours does", ..RIGHT },
        Case { name: "answers as ours does to triggers", operation: TRIGGER, ..RIGHT },
        Case {
            name: "refuses whatever is long",
            operation: LIST,
            after: |_, asked, answered| {
                let headers: usize = asked.headers.values().map(HeaderValue::len).sum();
                if asked.path.len() > 6_000 || headers > 6_000 {
                    answered.status = if headers > 6_000 {
                        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
                    } else {
                        StatusCode::URI_TOO_LONG
                    };
                    answered.headers.clear();
                    answered.body = "too long".into();
                }
            },
            ..RIGHT
        },
        Case {
            name: "knows no other methods, and says 501 to those that nobody knows",
            operation: LIST,
            after: |_, asked, answered| {
                if matches!(asked.method.as_str(), "FOO" | "X-Y") {
                    answered.status = StatusCode::NOT_IMPLEMENTED;
                    answered.body = "".into();
                } else if answered.status == 405 {
                    answered.say(404, "Not Found");
                }
            },
            ..RIGHT
        },
        Case {
            name: "has HEAD, and OPTIONS for browsers",
            operation: LIST,
            before: |_, asked| {
                if asked.method == Method::HEAD && asked.path.starts_with("/cdi/integrations") {
                    asked.method = Method::GET;
                }
            },
            after: |_, asked, answered| {
                if asked.method == Method::OPTIONS {
                    answered.status = StatusCode::NO_CONTENT;
                    answered.headers.insert("allow", HeaderValue::from_static("GET, HEAD, OPTIONS"));
                    answered.body = "".into();
                }
            },
            ..RIGHT
        },
        Case {
            name: "refuses everybody first, whatever is asked for",
            operation: STATUS,
            after: |facts, asked, answered| {
                if asked.headers.get("authorization") != Some(&facts.key)
                    && matches!(answered.status.as_u16(), 400..=405)
                    && answered.status != 403
                {
                    answered.say(401, "Unauthorized");
                    answered.headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
                }
            },
            ..RIGHT
        },
        Case {
            name: "leads to the path without the slash",
            operation: LIST,
            after: |_, asked, answered| {
                if asked.path.split('?').next().unwrap().ends_with('/') {
                    answered.status = StatusCode::PERMANENT_REDIRECT;
                    answered.headers.insert("location", HeaderValue::from_static("/cdi/integrations"));
                    answered.body = "".into();
                }
            },
            ..RIGHT
        },
        Case {
            name: "numbers its answers, and takes the client's request ID",
            operation: TRIGGER,
            after: |_, asked, answered| {
                static NUMBER: AtomicUsize = AtomicUsize::new(0);
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                answered.headers.insert("x-number", HeaderValue::from(number));
                if let Some(id) = asked.headers.get("x-request-id") {
                    answered.headers.insert("x-request-id", id.clone());
                }
            },
            ..RIGHT
        },
    ]
}

/// The findings about a server.
fn explore(case: &Case, testbed: &Testbed, runtime: &Handle) -> Outcome {
    let mut description = testbed.description();
    let id = |kind: &str| description[kind]["integration_id"].as_str().unwrap().to_owned();
    let bearer = |key: &str| format!("Bearer {key}").parse().unwrap();
    let (key, powerless) = (bearer(testbed.key.expose()), bearer(testbed.without_permissions.expose()));
    let facts = Facts { key, powerless, known: id("known"), foreign: id("foreign") };
    let (before, after, other) = (case.before, case.after, facts.clone());
    let before: Box<Before> = Box::new(move |asked| before(&facts, asked));
    let after: Box<After> = Box::new(move |asked, answered| after(&other, asked, answered));
    let proxy = runtime.block_on(Proxy::start(&testbed.url, before, after)).unwrap();
    description["url"] = proxy.url.clone().into();
    let target: Target = serde_json::from_value(description).unwrap();
    let limits = Limits {
        operations: vec![case.operation.to_owned()],
        everything: true,
        explore: Some(Exploration { seed: 1, cases: 60 }),
        ..Limits::default()
    };
    conform::made_up(&CONTRACT, &SETTINGS, &target, &limits, &|_| {})
}

/// How the findings differ from the expected ones; `None` if they do not.
fn judge(case: &Case, testbed: &Testbed, outcome: &Outcome) -> Option<String> {
    let found: Vec<&str> = outcome.findings.iter().map(|finding| finding.rule.info().name).collect();
    let missing: Vec<_> = case.finds.iter().filter(|rule| !found.contains(rule)).collect();
    let others: Vec<_> = found.iter().filter(|rule| !case.finds.contains(rule) && !case.also.contains(rule)).collect();
    let shown: Vec<String> = outcome
        .findings
        .iter()
        .map(|finding| {
            format!("{}: {}\n      {}", finding.rule.info().name, finding.message, finding.notes.join("\n      "))
        })
        .collect();
    let shown = shown.join("\n    ");
    let first = outcome.findings.iter().find(|finding| case.finds.first() == Some(&finding.rule.info().name));
    let is_shown =
        first.is_none_or(|finding| format!("{} {}", finding.message, finding.notes.join("\n")).contains(case.shows));
    let is_redacted = !shown.contains(testbed.key.expose());
    let fine = missing.is_empty() && others.is_empty() && outcome.unchecked.is_empty() && is_shown && is_redacted;
    (!fine).then(|| {
        format!(
            "{}: missing {missing:?}, unexpected {others:?}, not checked {:?}, shown {is_shown}, redacted {is_redacted}\n    {shown}",
            case.name, outcome.unchecked
        )
    })
}

/// Runs all cases in parallel. Returns the failures.
fn try_all(cases: &[Case]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let options = Options { window: Duration::from_secs(60), limit: Some(1_000_000) };
                let testbed = runtime.block_on(Testbed::start(&options)).expect("a testbed");
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = explore(case, &testbed, runtime.handle());
                    wrong.lock().unwrap().extend(judge(case, &testbed, &outcome));
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

#[test]
fn servers_that_fail_on_unusual_requests_are_reported_and_correct_ones_are_not() {
    let (wrong, right) = (wrong_servers(), right_servers());
    let (missed, alarms) = (try_all(&wrong), try_all(&right));
    let score = format!(
        "{} of {} servers that stumble over odd requests named with the smallest, {} false alarms of {} that do not\n",
        wrong.len() - missed.len(),
        wrong.len(),
        alarms.len(),
        right.len()
    );
    keep_score("made-up", &score);
    assert!(missed.is_empty() && alarms.is_empty(), "{score}{}\n{}", missed.join("\n"), alarms.join("\n"));
    for rule in MADE_UP.map(|rule| rule.info().name) {
        assert!(wrong.iter().any(|case| case.finds.contains(&rule)), "no server breaks {rule}");
    }
}

#[test]
fn the_same_seed_generates_the_same_requests() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = Options { window: Duration::from_secs(60), limit: Some(1_000_000) };
    let testbed = runtime.block_on(Testbed::start(&options)).expect("a testbed");
    let requests = |seed| {
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let here = seen.clone();
        let before: Box<Before> = Box::new(move |asked| here.lock().unwrap().push(format!("{asked:?}")));
        let proxy = runtime.block_on(Proxy::start(&testbed.url, before, Box::new(|_, _| {}))).unwrap();
        let mut description = testbed.description();
        description["url"] = proxy.url.clone().into();
        let target: Target = serde_json::from_value(description).unwrap();
        let limits = Limits {
            operations: vec![LIST.to_owned()],
            everything: true,
            explore: Some(Exploration { seed, cases: 20 }),
            ..Limits::default()
        };
        conform::made_up(&CONTRACT, &SETTINGS, &target, &limits, &|_| {});
        let port = proxy.url.rsplit(':').next().unwrap();
        let seen: Vec<String> = seen.lock().unwrap().iter().map(|asked| asked.replace(port, "PORT")).collect();
        seen
    };
    let first = requests(1);
    assert!(first.len() > 40, "{}", first.len());
    assert!(first == requests(1) && first != requests(2));
}
