//! What `cdi` does with a server that fails for a while: the timeout of the whole command, and the line that says why it
//! takes long.

#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use cdi::{ID, bare, code, command, job, run, stderr, stdout, told};
use scripted::{Server, Told, nobody};

fn unavailable() -> Server {
    Server::answering([Told::message(503, "Service Unavailable")])
}

fn limited(seconds: u32) -> Told {
    Told::message(429, "Rate Limited").header("retry-after", seconds)
}

#[test]
fn the_timeout_holds_for_finding_the_integration_too() {
    for (server, reason) in [
        (unavailable(), "the server is unavailable (503)"),
        (Server::answering([limited(30)]), "rate limit reached"),
        (Server::answering([Told::hang()]), "the server did not answer in time"),
    ] {
        for arguments in [
            &["trigger", "Users", "--wait", "--timeout", "1s", "--quiet"][..],
            &["trigger", "Users", "--if-running", "wait", "--timeout", "1s", "--quiet"],
        ] {
            let output = run(&server.url, arguments);
            let expected = format!("cdi: gave up after 1 s: {reason}; nothing was triggered\n");
            assert_eq!((code(&output), stderr(&output)), (7, expected.as_str()));
        }
        let output = run(&server.url, &["status", "Users", "--follow", "--timeout", "1s", "--quiet"]);
        assert_eq!((code(&output), stderr(&output)), (7, format!("cdi: gave up after 1 s: {reason}\n").as_str()));
        assert!(server.lines().iter().all(|line| line.starts_with("GET")), "{:?}", server.lines());
    }
}

#[test]
fn a_wait_that_gives_up_names_the_last_failure_and_its_own_timeout() {
    let server = unavailable();
    let output = run(&server.url, &["trigger", ID, "--wait", "--timeout", "1s", "--json"]);
    assert_eq!(code(&output), 7);
    let error = &told(&output)["error"];
    assert_eq!(error["message"], "gave up after 1 s: the server is unavailable (503); nothing was triggered");
    assert_eq!((&error["kind"], &error["may_have_taken_effect"]), (&"deadline".into(), &false.into()));
    // A failure that has passed is not named, and finding the integration takes from the same time.
    let mut listed = 0;
    let server = Server::new(move |asked| {
        listed += u32::from(asked.target == "/cdi/integrations");
        match (asked.target.as_str(), listed) {
            ("/cdi/integrations", 1) => Told::message(503, "Service Unavailable"),
            ("/cdi/integrations", _) => Told::page(&[cdi::integration(ID, "Users")]),
            _ => Told::page(&[job(cdi::STARTED, "running")]),
        }
    });
    let output = run(&server.url, &["trigger", "Users", "--if-running", "wait", "--timeout", "2s"]);
    let expected = "cdi: gave up after 2 s: another sync is still running, and nothing was triggered\n";
    assert_eq!((code(&output), stderr(&output)), (7, expected));
}

#[test]
fn a_long_pause_is_announced_on_standard_error() {
    let announced = |arguments: &[&str]| {
        let server = Server::answering([limited(2), limited(2), Told::page(&[])]);
        let output = run(&server.url, arguments);
        assert_eq!(code(&output), 0);
        (stdout(&output).to_owned(), stderr(&output).to_owned())
    };
    let line = "rate limit reached; trying again in 2 s\n";
    assert_eq!(announced(&["list"]), ("The workspace of this API key has no integrations.\n".into(), line.into()));
    assert_eq!(announced(&["list", "--json"]), ("{\"integrations\":[]}\n".into(), line.into()));
    assert_eq!(announced(&["list", "--quiet"]), (String::new(), String::new()));
}

#[test]
fn a_server_that_accepts_connections_and_does_not_answer_is_named() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let mut child = command(&url, &["list"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line, format!("waiting for the server at {url}\n"));
}

#[test]
fn a_short_pause_is_not_announced() {
    let server = Server::answering([Told::message(503, "Service Unavailable"), Told::page(&[])]);
    let output = run(&server.url, &["list"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}

#[test]
fn a_proxy_that_is_not_there_is_named_with_its_variable() {
    let (server, proxy) = (nobody(), nobody());
    let address = proxy.trim_start_matches("http://");
    let list = |without: &str| {
        let mut command = command(&server, &["trigger", ID, "--quiet"]);
        command.env("http_proxy", format!("http://me:hunter2@{address}")).env("no_proxy", without);
        let output = command.output().unwrap();
        assert_eq!(code(&output), 8);
        stderr(&output).to_owned()
    };
    let text = list("");
    let expected = format!(
        "the server cannot be reached through the proxy {proxy} (http_proxy): nothing listens on {address}; is the proxy \
         running? (error sending"
    );
    assert!(text.contains(&expected) && !text.contains("hunter2"), "{text}");
    let text = list("127.0.0.1");
    let expected =
        format!("the server cannot be reached: nothing listens on {}; is the server running? (", &server[7..]);
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn a_url_that_has_the_path_already_is_recognised() {
    let server = Server::answering([Told::message(404, "Not Found")]);
    for path in ["/cdi", "/cdi/", "/cdi/integrations"] {
        let output =
            bare(&["--url", &format!("{}{path}", server.url), "list"]).env("CDI_API_KEY", "k").output().unwrap();
        let (path, url) = (path.trim_end_matches('/'), server.url.as_str());
        let expected =
            format!("cdi: remove {path} from the URL {url}{path} (from --url): the server answered 404 Not Found\n");
        assert_eq!(stderr(&output), expected);
    }
    let output = run(&server.url, &["list"]);
    assert!(!stderr(&output).contains("remove"), "{output:?}");
}

#[test]
fn only_a_server_that_is_not_of_braze_is_to_be_restarted_for_a_new_key() {
    let server = Server::answering([Told::message(401, "Unauthorized")]);
    let text = |url: &str| {
        let mut command = command(url, &["list"]);
        // The answer comes from the proxy, so that the URL can be any.
        command.env("http_proxy", &server.url);
        stderr(&command.output().unwrap()).to_owned()
    };
    let unknown = "cdi: the server does not know the API key from CDI_API_KEY, or it has expired or was revoked (401 Unauthorized).";
    assert_eq!(text("http://rest.iad-03.braze.com"), format!("{unknown}\n"));
    let restart = "A new key works once the OpenCDI server has been restarted.";
    assert_eq!(text("http://cdi.example"), format!("{unknown} {restart}\n"));
}
