//! A testbed has a deadline, and its output never blocks or kills it.

use std::time::{Duration, Instant};

use crate::server::{Server, error, json};
use crate::{assert_ends, contract, project};

const PATHS: &str = "  /things:
    post:
      operationId: create
      responses: {'200': {description: d, content: {application/json: {schema: {type: array}}}}, '401': {description: d}}";

fn settings(script: &str, more: &str) -> String {
    format!("testbed = [\"sh\", \"-c\", '''{script}''']\n[conform]\n{more}\n")
}

fn server() -> Server {
    Server::start(|asked| match asked.header("authorization") {
        Some("Bearer the-key-of-the-testbed") => json(200, "[]"),
        _ => error(401, "Unauthorized"),
    })
}

fn line(server: &Server) -> String {
    format!("echo \"{{\\\"url\\\": \\\"{}\\\", \\\"key\\\": \\\"the-key-of-the-testbed\\\"}}\"", server.url)
}

#[test]
fn one_that_prints_nothing_is_ended_with_all_that_it_has_started() {
    let folder =
        project(&contract(PATHS), &settings("sleep 1000 & echo $! > child; sleep 1000", "testbed_deadline = \"2s\""));
    let began = Instant::now();
    let says = "has printed nothing in 2 s; if it needs longer, set `testbed_deadline` in [conform]";
    assert_ends(folder.path(), &[], 2, &[says]);
    assert!(began.elapsed() < Duration::from_secs(60));
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let is_there =
        || std::path::Path::new(&format!("/proc/{}/cmdline", child.trim())).exists() && !is_zombie(child.trim());
    let end = Instant::now() + Duration::from_secs(20);
    while is_there() {
        assert!(Instant::now() < end, "its child goes on");
        std::thread::yield_now();
    }
}

fn is_zombie(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    status.is_ok_and(|status| status.lines().any(|line| line.starts_with("State:") && line.contains('Z')))
}

#[test]
fn one_that_prints_much_is_neither_blocked_nor_killed() {
    let server = server();
    // More than any pipe holds; then it says that it has come to the end, and waits for the end of its input.
    let script =
        format!("{}; yes | head -c 3000000 && echo yes > end; cat > /dev/null; echo closed > closed", line(&server));
    let folder = project(&contract(PATHS), &settings(&script, ""));
    let text = assert_ends(folder.path(), &["--cases", "5"], 0, &["2 of 2 documented responses seen"]);
    assert!(text.contains("everything may be sent"), "{text}");
    assert!(folder.path().join("end").exists() && folder.path().join("closed").exists());
    assert!(server.asked().iter().any(|asked| asked.method == "POST" && asked.header("authorization").is_some()));
}

#[test]
fn read_only_holds_for_a_testbed_too() {
    let server = server();
    let paths = format!(
        "{PATHS}\n    get: {{operationId: list, responses: {{'200': {{description: d, content: {{application/json: {{}}}}}}}}}}"
    );
    let script = format!("{}; cat > /dev/null", line(&server));
    let folder = project(&contract(&paths), &settings(&script, ""));
    assert_ends(folder.path(), &["--read-only", "--cases", "5"], 0, &["only GET, HEAD and OPTIONS will be sent"]);
    assert!(server.asked().iter().all(|asked| ["GET", "HEAD", "OPTIONS"].contains(&asked.method.as_str())));
}

#[test]
fn a_value_on_the_command_line_needs_a_url() {
    let folder = project(&contract(PATHS), &settings("true", ""));
    assert_ends(folder.path(), &["--value", "id=1"], 2, &["--value needs --url"]);
}

#[test]
fn a_wrong_deadline_is_said_with_its_place() {
    let folder = project(&contract(PATHS), &settings("true", "testbed_deadline = \"soon\""));
    assert_ends(folder.path(), &[], 2, &["apidrift.toml:5:20: `soon` is not a duration such as `90s` or `10m`"]);
}
