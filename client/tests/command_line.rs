//! What `cdi` sends, and which exit code says what. How it looks is in `outputs.rs`.

#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use cdi::{ID, STARTED, bare, busy, code, command, ending, integration, job, run, stderr, stdout, told};
use scripted::{Server, Told, nobody};

#[test]
fn a_trigger_has_the_key_and_a_name() {
    let server = Server::answering([Told::message(202, "success")]);
    assert_eq!(code(&run(&server.url, &["trigger", ID])), 0);
    assert_eq!(server.lines(), [format!("POST /cdi/integrations/{ID}/sync")]);
    assert_eq!(server.asked()[0].headers["authorization"], "Bearer the-key");
    assert!(server.asked()[0].headers["user-agent"].starts_with("cdi/"));
}

#[test]
fn the_exit_code_of_wait_tells_how_the_sync_ended() {
    for (status, arguments, expected) in [
        ("success", &["--wait"][..], 0),
        ("partial", &["--wait"], 1),
        ("partial", &["--wait", "--allow-partial"], 0),
        ("error", &["--wait"], 1),
        ("error", &["--wait", "--allow-partial"], 1),
        ("config_error", &["--wait"], 1),
        ("a_status_of_the_future", &["--wait", "--allow-partial"], 1),
        ("running", &["--wait", "--timeout", "700ms"], 7),
    ] {
        let output = run(&ending(status).url, &[&["trigger", ID], arguments].concat());
        assert_eq!(code(&output), expected, "{status}: {output:?}");
    }
}

#[test]
fn every_kind_of_refusal_has_its_exit_code() {
    for (status, message, expected) in [
        (400, "Invalid integration ID", 2),
        (401, "Unauthorized", 3),
        (403, "Access Denied", 3),
        (404, "Integration not found", 4),
        (404, "Not Found", 8),
        (429, "Another job is in progress", 5),
        (429, "Rate Limited", 6),
        (429, "Slow down", 6),
        (500, "Internal Server Error", 8),
        (502, "Bad Gateway", 8),
        (503, "Service Unavailable", 8),
    ] {
        let server = Server::answering([Told::message(status, message).header("retry-after", 1000)]);
        for arguments in [&["trigger", ID][..], &["trigger", ID, "--json"], &["trigger", ID, "--quiet"]] {
            let output = run(&server.url, arguments);
            assert_eq!(code(&output), expected, "{status} {message}: {output:?}");
            assert!(stderr(&output).starts_with("cdi: ") && stderr(&output).contains(message), "{output:?}");
            assert!(!format!("{}{}", stdout(&output), stderr(&output)).contains("the-key"));
            match arguments.contains(&"--json") {
                true => assert_eq!(told(&output)["error"]["exit_code"], expected),
                false => assert_eq!(stdout(&output), ""),
            }
        }
    }
    assert_eq!(code(&run(&nobody(), &["status", ID, "--json"])), 8);
    // A cursor is the server's, not the caller's.
    let forgetful = Server::new(|asked| match asked.target.contains("cursor") {
        true => Told::message(400, "Invalid cursor"),
        false => Told::page(&[]).header("link", r#"</x?cursor=a>; rel="next""#),
    });
    assert_eq!(code(&run(&forgetful.url, &["list"])), 8);
}

#[test]
fn programs_are_told_whether_a_refused_trigger_may_have_taken_effect() {
    for (answer, expected) in [
        (Told::message(404, "Integration not found"), false),
        (Told::message(429, "Another job is in progress"), false),
        (Told::new(429, "<html>"), false),
        (Told::message(500, "Internal Server Error"), true),
        (Told::message(503, "Service Unavailable"), true),
        (Told::new(504, "<html>"), true),
        (Told::new(202, "<html>"), true),
        (Told::message(202, "success").cut_off(), true),
    ] {
        let output = run(&Server::answering([answer]).url, &["trigger", ID, "--json"]);
        let error = &told(&output)["error"];
        assert_eq!(error["may_have_taken_effect"], expected, "{error}");
        assert_eq!(error["integration_id"], ID);
        let message = error["message"].as_str().unwrap();
        assert_eq!(message.starts_with("it is unknown whether the sync was triggered"), expected, "{message}");
        assert_eq!(message.ends_with(&format!("To see: cdi status {ID}")), expected, "{message}");
    }
}

#[test]
fn with_json_every_line_is_an_object() {
    let server = ending("success");
    let unknown = ["trigger", "Nobody", "--json"];
    for arguments in
        [&["list", "--json"][..], &["status", ID, "--json"], &["trigger", ID, "--json"], &unknown, &["--json"]]
    {
        assert!(told(&run(&server.url, arguments)).is_object());
    }
}

#[test]
fn all_pages_are_listed() {
    let mut page = 0;
    let server = Server::new(move |_| {
        page += 1;
        let told = Told::page(&[integration(ID, &format!("Number {page}"))]);
        if page == 1 { told.header("link", r#"</x?cursor=a>; rel="next""#) } else { told }
    });
    let listed = told(&run(&server.url, &["list", "--json"]));
    assert_eq!(listed["integrations"][0]["integration_name"], "Number 1");
    assert_eq!(listed["integrations"][1]["integration_name"], "Number 2");
}

#[test]
fn an_integration_is_known_by_its_name_or_its_id() {
    let server = ending("success");
    assert_eq!(code(&run(&server.url, &["trigger", "Users"])), 0);
    let trigger = format!("POST /cdi/integrations/{ID}/sync");
    assert_eq!(server.lines(), ["GET /cdi/integrations".to_owned(), trigger.clone()]);

    // Only the hyphenated form is an ID; it needs no look at the list.
    let server = ending("success");
    assert_eq!(code(&run(&server.url, &["trigger", ID])), 0);
    assert_eq!(server.lines(), [trigger]);
    for name in ["users", "00000000000000000000000000000000", "urn:uuid:00000000-0000-0000-0000-000000000000"] {
        assert_eq!(code(&run(&server.url, &["trigger", name])), 4, "{name}");
    }
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[test]
fn a_trigger_can_wait_for_its_turn() {
    let (mut looks, mut triggered) = (0, false);
    let server = Server::new(move |asked| {
        if asked.method == "POST" {
            triggered = true;
            return Told::message(202, "success");
        }
        looks += 1;
        let theirs = job("2026-11-23T20:43:00.000000Z", if looks < 2 { "running" } else { "error" });
        match triggered {
            true => Told::page(&[job(STARTED, "success"), theirs]),
            false => Told::page(&[theirs]),
        }
    });
    let output = run(&server.url, &["trigger", ID, "--wait", "--if-running", "wait"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""), "{output:?}");
    assert!(stdout(&output).starts_with("success"));
    // One who does not want to wait asks the server at once, and once.
    let server = busy();
    assert_eq!(code(&run(&server.url, &["trigger", ID, "--if-running", "ignore"])), 0);
    assert_eq!(server.lines(), [format!("POST /cdi/integrations/{ID}/sync")]);
}

#[test]
fn what_is_written_wrongly_is_said_before_anything_is_sent() {
    let server = ending("success");
    for arguments in [
        &["trigger", ""][..],
        &["trigger", ID, "--timeout", "5m"],
        &["trigger", ID, "--wait", "--timeout", "soon"],
        &["trigger", ID, "--if-running", "hope"],
        &["status", ID, "--limit", "0"],
        &["status", ID, "--follow", "--limit", "3"],
        &["--url", "ftp://example.com", "list"],
        &["sync"],
    ] {
        let output = run(&server.url, arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {output:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn an_empty_variable_is_none() {
    let server = ending("success");
    for name in ["CDI_URL", "CDI_API_KEY"] {
        let output = command(&server.url, &["list"]).env(name, "").output().unwrap();
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(&format!("set {name}")), "{output:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn neither_help_nor_errors_show_what_the_environment_holds() {
    let mut help = command("https://secret.example/?secret", &["list", "--help"]);
    let output = help.env("CDI_API_KEY", "secret\n").output().unwrap();
    assert!(!stdout(&output).contains("secret"), "{}", stdout(&output));
    let output = command("https://me:secret@example.com", &["list", "--json"]).output().unwrap();
    assert!(!format!("{output:?}").contains("secret"), "{output:?}");
    let output = command("https://example.com", &["list", "--json"]).env("CDI_API_KEY", "secret\n").output().unwrap();
    assert!(!format!("{output:?}").contains("secret"), "{output:?}");
    assert_eq!(code(&output), 2);
}

#[test]
fn the_help_tells_the_exit_codes_and_gives_examples() {
    for arguments in [&["--help"][..], &["trigger", "--help"], &["list", "--help"], &["status", "--help"]] {
        let output = bare(arguments).output().unwrap();
        assert_eq!(code(&output), 0);
        for expected in ["Exit codes:", "  5    another sync", "  130  interrupted", "Examples:", "--url"] {
            assert!(stdout(&output).contains(expected), "{expected} is missing in {}", stdout(&output));
        }
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_commands() {
    let mut bash = std::process::Command::new("bash");
    bash.args([
        "-c",
        "source <($0 completion bash); COMP_WORDS=(cdi tr) COMP_CWORD=1; _cdi cdi tr cdi; echo $COMPREPLY",
    ]);
    let output = bash.arg(env!("CARGO_BIN_EXE_cdi")).output().unwrap();
    assert_eq!((stdout(&output), stderr(&output)), ("trigger\n", ""));
}

#[test]
fn completion_and_man_pages_need_no_server() {
    for (shell, expected) in [("bash", "complete -F"), ("zsh", "#compdef cdi"), ("fish", "complete -c cdi")] {
        let output = bare(&["completion", shell]).output().unwrap();
        assert!(stdout(&output).contains(expected) && code(&output) == 0, "{output:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = bare(&["man", folder.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0, "{output:?}");
    let page = std::fs::read_to_string(folder.path().join("cdi-trigger.1")).unwrap();
    assert!(page.contains(".TH cdi-trigger 1") && page.contains("Exit codes:"), "{page}");
    let output = bare(&["man", folder.path().join("none").to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 8);
    assert!(stderr(&output).contains("cannot be written to"), "{output:?}");
}

#[test]
fn the_exit_code_counts_where_nobody_can_be_told() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for arguments in [&["status", ID][..], &["status", ID, "--json"]] {
        let output = command(&nobody(), arguments).stderr(writer.try_clone().unwrap()).output().unwrap();
        assert_eq!(code(&output), 8, "{output:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let server = ending("success");
    for arguments in [&["completion", "bash"][..], &["list"]] {
        let mut child = command(&server.url, arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}
