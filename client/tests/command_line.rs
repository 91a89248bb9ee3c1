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
        assert_eq!(
            message.ends_with(&format!("Before you trigger again, check: cdi status {ID}")),
            expected,
            "{message}"
        );
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
        let output = run(&server.url, &["trigger", name]);
        assert_eq!(code(&output), 4, "{name}");
        assert!(stderr(&output).contains("did you mean `"), "{output:?}");
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
        &["list", "--jq", ".integrations["],
        &["list", "--jq", "nonsense"],
        &["list", "--jq", ".", "--quiet"],
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
    // The key in the wrong variable.
    let output = command("cdi_secret", &["list"]).env("CDI_API_KEY", "cdi_secret").output().unwrap();
    let expected = "cdi: the URL (a text of 10 characters) from CDI_URL: this looks like an API key; the base URL begins \
                    with https:// or http://\n";
    assert_eq!((code(&output), stderr(&output)), (2, expected));
    for arguments in [&["list"][..], &["list", "--json"], &["auth", "status"]] {
        let output = command("3c9d51be-7a20-4f6e-b8c4-00000secret0", arguments).output().unwrap();
        assert!(code(&output) == 2 && !format!("{output:?}").contains("secret"), "{output:?}");
    }
}

#[test]
fn a_key_that_was_pasted_wrongly_is_refused_before_anything_is_sent() {
    let server = ending("success");
    for (key, expected) in [
        ("'cdi_secret'", "the API key from CDI_API_KEY has quotation marks around it; write the key alone"),
        ("Bearer cdi_secret", "the API key from CDI_API_KEY has the word `Bearer` in front of it; write the key alone"),
        (
            "sha256:secret",
            "the API key from CDI_API_KEY is the hash of a key, which only the server's configuration needs",
        ),
        ("cdi_…", "the API key from CDI_API_KEY is not complete: it ends with dots."),
    ] {
        let output = command(&server.url, &["list"]).env("CDI_API_KEY", key).output().unwrap();
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(stderr(&output).starts_with(&format!("cdi: {expected}")), "{output:?}");
        assert!(!stderr(&output).contains("secret"), "{output:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn exit_codes_are_explained_in_one_place() {
    let help = |arguments: &[&str]| {
        let output = bare(arguments).output().unwrap();
        assert_eq!((code(&output), stderr(&output)), (0, ""), "{arguments:?}");
        stdout(&output).to_owned()
    };
    let topic = help(&["help", "exit-codes"]);
    for expected in ["  0    success", "  5    another sync", "  130  interrupted"] {
        assert!(topic.contains(expected), "{topic}");
    }
    assert!(help(&["help", "json"]).contains("\"integrations\": [...]"));
    assert!(help(&["help", "environment"]).contains("[profiles.default]"));
    let overview = help(&["--help"]);
    for expected in ["--url", "cdi help exit-codes", "cdi help json", "cdi help environment", "cdi auth status"] {
        assert!(overview.contains(expected), "{expected}: {overview}");
    }
    for command in [&["trigger"][..], &["list"], &["status"], &["auth", "status"]] {
        for arguments in [[&["help"], command].concat(), [command, &["--help"]].concat()] {
            let long = help(&arguments);
            assert!(long.contains("Examples:\n") && long.contains("cdi help exit-codes"), "{long}");
            assert!(!long.contains("--url") && !long.contains("  130  "), "{long}");
        }
        let short = help(&[command, &["-h"]].concat());
        assert!(!short.contains("Examples:\n") && short.lines().count() < 22, "{short}");
    }
}

#[test]
fn an_option_for_all_commands_can_stand_anywhere() {
    let server = ending("success");
    for arguments in
        [&["--json", "list"][..], &["list", "--json"], &["auth", "--json", "status"], &["auth", "status", "--json"]]
    {
        let output = run(&server.url, arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {output:?}");
        assert!(told(&output).is_object());
    }
}

#[test]
fn completion_scripts_and_man_pages_need_no_server() {
    for (shell, expected) in [("bash", "-F _clap_complete_cdi cdi"), ("zsh", "#compdef cdi"), ("fish", "--command cdi")]
    {
        let output = bare(&["completion", shell]).output().unwrap();
        assert!(stdout(&output).contains(expected) && code(&output) == 0, "{output:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = bare(&["man", folder.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0, "{output:?}");
    let page = std::fs::read_to_string(folder.path().join("cdi-trigger.1")).unwrap();
    assert!(page.contains(".TH cdi-trigger 1") && page.contains("  8    server or network error"), "{page}");
    assert!(page.contains("\\-\\-profile") && !page.contains("cdi \\-\\-help"), "{page}");
    let page = std::fs::read_to_string(folder.path().join("cdi-auth-status.1")).unwrap();
    assert!(page.contains("cdi auth status \\-\\-json") && page.contains("  8    server or network error"), "{page}");
    let page = std::fs::read_to_string(folder.path().join("cdi.1")).unwrap();
    assert!(page.contains("profiles.default") && page.contains("may_have_taken_effect"), "{page}");
    // A folder that is not there is the caller's mistake.
    let none = folder.path().join("none");
    let output = bare(&["man", none.to_str().unwrap()]).output().unwrap();
    let expected = format!("cdi: the folder {0} does not exist; mkdir -p {0} makes it\n", none.display());
    assert_eq!((code(&output), stderr(&output)), (2, expected.as_str()));
    let output = bare(&["man", "no folder"]).output().unwrap();
    assert!(stderr(&output).ends_with("; mkdir -p 'no folder' makes it\n"), "{output:?}");
    let file = folder.path().join("cdi.1");
    let output = bare(&["man", file.to_str().unwrap()]).output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (2, format!("cdi: {} is not a folder\n", file.display()).as_str()));
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
    let endless = ["list", "--jq", "repeat(1)"];
    for arguments in [&["completion", "bash"][..], &["list"], &endless] {
        let mut child = command(&server.url, arguments).stdout(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn the_beginning_of_an_id_is_enough_if_no_other_id_begins_so() {
    let others = [integration("6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01", "Users"), integration(ID, "Orders")];
    let server = Server::new(move |asked| match asked.method.as_str() {
        "POST" => Told::message(202, "success"),
        _ if asked.target == "/cdi/integrations" => Told::page(&others),
        _ => Told::page(&[]),
    });
    for (text, expected) in [("6f1e24a8", 0), ("6F1E", 0), ("6f1", 4), ("0000000", 0), ("ffff", 4)] {
        assert_eq!(code(&run(&server.url, &["trigger", text])), expected, "{text}");
    }
    let triggered = server.lines().into_iter().filter(|line| line.starts_with("POST")).collect::<Vec<_>>();
    let users = "POST /cdi/integrations/6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01/sync".to_owned();
    assert_eq!(triggered, [users.clone(), users, format!("POST /cdi/integrations/{ID}/sync")]);
}

#[test]
fn jq_selects_what_is_printed() {
    let server = ending("success");
    let output = run(&server.url, &["list", "--jq", ".integrations[] | .integration_name, .last_job_status"]);
    assert_eq!((code(&output), stdout(&output), stderr(&output)), (0, "Users\nsuccess\n", ""));
    let output = run(&server.url, &["trigger", ID, "--wait", "--jq", ".job | {rows_synced}"]);
    assert_eq!((code(&output), stdout(&output)), (0, "{\"rows_synced\":1997}\n"));
    let output = run(&server.url, &["list", "--jq", ".integrations.x"]);
    assert_eq!((code(&output), stdout(&output)), (2, ""));
    assert!(stderr(&output).starts_with("cdi: the result cannot be printed: --jq: cannot index ["), "{output:?}");
    // An error is not what was selected.
    let output = run(&server.url, &["trigger", "Nobody", "--jq", ".triggered"]);
    assert_eq!((code(&output), stdout(&output)), (4, ""));
}

#[test]
fn auth_status_shows_what_is_known_without_triggering_anything() {
    // What the list and the jobs are answered with, the exit code, and the two permissions.
    for (list, jobs, expected) in [
        (Told::page(&[integration(ID, "Users")]), Told::page(&[]), Ok((true.into(), true.into()))),
        (
            Told::message(403, "Access Denied"),
            Told::message(404, "Integration not found"),
            Ok((false.into(), true.into())),
        ),
        (Told::page(&[]), Told::message(403, "Access Denied"), Ok((true.into(), false.into()))),
        (Told::message(403, "Access Denied"), Told::message(403, "Access Denied"), Ok((false.into(), false.into()))),
        (Told::page(&[]), Told::new(418, ""), Ok((true.into(), serde_json::Value::Null))),
        (Told::message(401, "Unauthorized"), Told::page(&[]), Err(3)),
        (Told::new(200, "<html>"), Told::page(&[]), Err(8)),
    ] {
        let server = Server::new(move |asked| match asked.target.as_str() {
            "/cdi/integrations" => list.clone(),
            _ => jobs.clone(),
        });
        let output = run(&server.url, &["auth", "status", "--json"]);
        assert!(!format!("{output:?}").contains("the-key"), "{output:?}");
        assert!(server.asked().iter().all(|asked| asked.method == "GET"));
        let shown = told(&output);
        match expected {
            Ok((list, jobs)) => {
                let permissions = &shown["permissions"];
                assert_eq!(
                    (code(&output), &shown["url"], &shown["key_from"]),
                    (0, &server.url.as_str().into(), &"CDI_API_KEY".into())
                );
                assert_eq!(
                    (&permissions["cdi.integration_list"], &permissions["cdi.integration_job_status"]),
                    (&list, &jobs)
                );
                assert!(permissions["cdi.integration_sync"].is_null());
            }
            Err(expected) => {
                assert_eq!((code(&output), &shown["error"]["key_from"]), (expected, &"CDI_API_KEY".into()));
                assert_eq!(server.asked().len(), 1);
            }
        }
    }
}

#[test]
fn the_wrong_scheme_is_named() {
    // What a server that speaks plain HTTP makes of TLS: an answer.
    let address = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let output = run(&format!("https://{address}"), &["list"]);
    assert_eq!(code(&output), 8);
    assert!(stderr(&output).contains("does the server speak http?"), "{output:?}");
    // What a server that speaks TLS makes of plain HTTP: an alert.
    let address = saying(&[0x15, 3, 3, 0, 2, 2, 0x46]);
    let output = run(&format!("http://{address}"), &["list"]);
    assert_eq!(code(&output), 8);
    assert!(stderr(&output).contains("does the server speak https?"), "{output:?}");
}

/// The address of a server that says this to every client.
fn saying(said: &'static [u8]) -> std::net::SocketAddr {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(said);
        }
    });
    address
}

#[test]
fn a_failed_sync_says_where_its_cause_can_be_seen() {
    for (status, expected) in [
        ("error", "Run `cdi-server jobs Users` on the server to see why the sync failed.\n"),
        ("config_error", "Run `cdi-server jobs Users` on the server to see why the sync failed.\n"),
        ("partial", "Run `cdi-server row-errors Users` on the server to see which rows failed, and why.\n"),
        ("success", ""),
    ] {
        for arguments in [&["trigger", "Users", "--wait"][..], &["trigger", "Users", "--wait", "--json"]] {
            let output = run(&ending(status).url, arguments);
            assert_eq!(stderr(&output), expected, "{status}");
        }
        let output = run(&ending(status).url, &["trigger", "Users", "--wait", "--quiet"]);
        assert_eq!(stderr(&output), "", "{status}");
    }
    let output = run(&ending("partial").url, &["trigger", "Users", "--wait", "--allow-partial"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}
