//! Names of integrations that are cached on disk: what they save, and what happens where they are out of date.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cdi::{ID, STARTED, code, command, integration, job, stderr, stdout};
use scripted::{Server, Told};
use tempfile::TempDir;

const OTHER: &str = "11111111-1111-1111-1111-111111111111";
const LISTING: &str = "GET /cdi/integrations";

/// A server whose integrations can change: ID and name of each.
struct Changing {
    server: Server,
    integrations: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
}

impl Changing {
    fn new(integrations: &[(&'static str, &'static str)]) -> Changing {
        let integrations = Arc::new(Mutex::new(integrations.to_vec()));
        let now = integrations.clone();
        let server = Server::new(move |asked| {
            let now = now.lock().unwrap();
            if asked.target == "/cdi/integrations" {
                return Told::page(&now.iter().map(|(id, name)| integration(id, name)).collect::<Vec<_>>());
            }
            if !now.iter().any(|(id, _)| asked.target.contains(id)) {
                return Told::message(404, "Integration not found");
            }
            match asked.method.as_str() {
                "POST" => Told::message(202, "success"),
                _ => Told::page(&[job(STARTED, "success")]),
            }
        });
        Changing { server, integrations }
    }

    fn become_(&self, integrations: &[(&'static str, &'static str)]) {
        *self.integrations.lock().unwrap() = integrations.to_vec();
    }

    /// The requests since the last look.
    fn new_lines(&self, seen: &mut usize) -> Vec<String> {
        let lines = self.server.lines().split_off(*seen);
        *seen += lines.len();
        lines
    }
}

fn run(home: &TempDir, server: &Server, arguments: &[&str]) -> Output {
    with_home(home, command(&server.url, arguments)).output().unwrap()
}

fn with_home(home: &TempDir, mut command: Command) -> Command {
    command.env("HOME", home.path());
    command
}

fn files(home: &TempDir) -> Vec<PathBuf> {
    let folder = home.path().join(".cache/cdi");
    folder.read_dir().map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

fn jobs(id: &str) -> String {
    format!("GET /cdi/integrations/{id}/job_sync_status")
}

#[test]
fn a_name_costs_a_listing_only_once() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    let mut seen = 0;
    assert_eq!(code(&run(&home, &changing.server, &["status", "Users"])), 0);
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), jobs(ID)]);
    for arguments in [&["status", "Users"][..], &["status", "Users", "--json"]] {
        assert_eq!(code(&run(&home, &changing.server, arguments)), 0);
        assert_eq!(changing.new_lines(&mut seen), [jobs(ID)], "{arguments:?}");
    }
    // A new integration may have an ID that begins in the same way.
    assert_eq!(code(&run(&home, &changing.server, &["status", "0000"])), 0);
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), jobs(ID)]);
    // `cdi list` brings them too.
    let home = tempfile::tempdir().unwrap();
    run(&home, &changing.server, &["list"]);
    run(&home, &changing.server, &["status", "Users"]);
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), jobs(ID)]);
}

#[test]
fn the_file_is_private_and_holds_no_key() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    run(&home, &changing.server, &["list"]);
    let [file] = &files(&home)[..] else { panic!("{:?}", files(&home)) };
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
    let content = std::fs::read_to_string(file).unwrap();
    assert_eq!(content, format!(r#"{{"integrations":[{{"id":"{ID}","name":"Users"}}]}}"#));
    assert!(!file.to_string_lossy().contains("the-key"));
}

#[test]
fn another_key_or_server_has_names_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let (one, other) = (Changing::new(&[(ID, "Users")]), Changing::new(&[(OTHER, "Users")]));
    run(&home, &one.server, &["list"]);
    assert_eq!(code(&run(&home, &other.server, &["status", "Users"])), 0);
    assert_eq!(other.server.lines(), [LISTING.to_owned(), jobs(OTHER)]);
    let mut with_other_key = with_home(&home, command(&one.server.url, &["status", "Users"]));
    assert_eq!(code(&with_other_key.env("CDI_API_KEY", "another").output().unwrap()), 0);
    assert_eq!(one.server.lines(), [LISTING.to_owned(), LISTING.to_owned(), jobs(ID)]);
    assert_eq!(files(&home).len(), 3);
}

#[test]
fn an_integration_that_is_gone_is_looked_up_anew() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    run(&home, &changing.server, &["list"]);
    changing.become_(&[(OTHER, "Users")]);
    let mut seen = 1;
    let output = run(&home, &changing.server, &["status", "Users", "--json"]);
    assert!(code(&output) == 0 && stdout(&output).contains(OTHER), "{output:?}");
    assert_eq!(changing.new_lines(&mut seen), [jobs(ID), LISTING.to_owned(), jobs(OTHER)]);
    changing.become_(&[]);
    let output = run(&home, &changing.server, &["status", "Users", "--follow"]);
    assert!(code(&output) == 4 && stderr(&output).contains("the workspace of this API key has none"), "{output:?}");
}

#[test]
fn a_trigger_never_relies_on_names_that_may_be_out_of_date() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users"), (OTHER, "Orders")]);
    run(&home, &changing.server, &["list"]);
    // The two have changed their names.
    changing.become_(&[(ID, "Orders"), (OTHER, "Users")]);
    let mut seen = 1;
    assert_eq!(code(&run(&home, &changing.server, &["trigger", "Users"])), 0);
    let trigger = format!("POST /cdi/integrations/{OTHER}/sync");
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), trigger]);
    // There are two of this name now.
    changing.become_(&[(ID, "Users"), (OTHER, "Users")]);
    assert_eq!(code(&run(&home, &changing.server, &["trigger", "Users"])), 2);
    assert_eq!(changing.new_lines(&mut seen), [LISTING]);
}

#[test]
fn the_exit_code_of_follow_is_that_of_the_integration_that_has_the_name_now() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users"), (OTHER, "Orders")]);
    run(&home, &changing.server, &["list"]);
    changing.become_(&[(ID, "Orders"), (OTHER, "Users")]);
    let mut seen = 1;
    assert_eq!(code(&run(&home, &changing.server, &["status", "Users", "--follow"])), 0);
    let lines = changing.new_lines(&mut seen);
    assert!(lines[0] == LISTING && lines[1..].iter().all(|line| *line == jobs(OTHER)), "{lines:?}");
}

#[test]
fn old_files_are_deleted_when_a_new_one_is_written() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    run(&home, &changing.server, &["list"]);
    let folder = home.path().join(".cache/cdi");
    let old = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    let hash = "0123456789abcdef0123456789abcdef";
    let (listing, unfinished) = (format!("integrations-{hash}.json"), ".integrationsAbC123".to_owned());
    let foreign = ["notes.json", "integrations-of-mine.json", ".integrations-of-mine.txt"].map(str::to_owned);
    for name in foreign.iter().chain([&listing, &unfinished]) {
        std::fs::File::create(folder.join(name)).unwrap().set_modified(old).unwrap();
    }
    let young = ".integrationsXyZ789";
    std::fs::write(folder.join(young), "").unwrap();
    run(&home, &changing.server, &["list"]);
    for gone in [&listing, &unfinished] {
        assert!(!folder.join(gone).exists(), "{gone}");
    }
    for kept in foreign.iter().map(String::as_str).chain([young]) {
        assert!(folder.join(kept).exists(), "{kept}");
    }
    assert_eq!(files(&home).len(), 5, "{:?}", files(&home));
}

#[test]
fn names_are_used_for_five_minutes() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    run(&home, &changing.server, &["list"]);
    let mut seen = 1;
    let listed = |ago: Duration| {
        let file = std::fs::File::options().append(true).open(&files(&home)[0]).unwrap();
        file.set_modified(SystemTime::now() - ago).unwrap();
    };
    listed(Duration::from_secs(240));
    run(&home, &changing.server, &["status", "Users"]);
    assert_eq!(changing.new_lines(&mut seen), [jobs(ID)]);
    listed(Duration::from_secs(301));
    run(&home, &changing.server, &["status", "Users"]);
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), jobs(ID)]);
}

#[test]
fn a_name_that_is_not_cached_is_looked_up() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users")]);
    run(&home, &changing.server, &["list"]);
    changing.become_(&[(ID, "Users"), (OTHER, "Orders")]);
    let mut seen = 1;
    assert_eq!(code(&run(&home, &changing.server, &["status", "Orders"])), 0);
    assert_eq!(changing.new_lines(&mut seen), [LISTING.to_owned(), jobs(OTHER)]);
}

#[test]
fn a_cache_that_cannot_be_used_is_no_error() {
    let changing = Changing::new(&[(ID, "Users")]);
    // No folder can be made.
    let output = command(&changing.server.url, &["status", "Users"]).output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    // A file that is damaged.
    let home = tempfile::tempdir().unwrap();
    run(&home, &changing.server, &["list"]);
    std::fs::write(&files(&home)[0], "{").unwrap();
    let output = run(&home, &changing.server, &["status", "Users"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    assert!(std::fs::read_to_string(&files(&home)[0]).unwrap().contains(ID), "it is replaced");
}

#[test]
fn hints_have_the_name_or_the_whole_id() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(ID, "Users of $5"), (OTHER, "-x")]);
    for (text, expected) in [("Users of $5", "'Users of $5'"), ("0000", ID), (ID, ID)] {
        let output = run(&home, &changing.server, &["trigger", text]);
        let expected = format!("The sync was triggered. To follow it: cdi status {expected} --follow\n");
        assert_eq!((code(&output), stdout(&output)), (0, expected.as_str()));
    }
    let output = run(&home, &changing.server, &["trigger", "--", "-x"]);
    assert!(stdout(&output).contains(&format!("cdi status {OTHER} --follow")), "{output:?}");
}

#[test]
fn an_id_that_was_copied_wrongly_is_recognised() {
    let home = tempfile::tempdir().unwrap();
    let changing = Changing::new(&[(OTHER, "Users")]);
    run(&home, &changing.server, &["list"]);
    for command in ["trigger", "status"] {
        let output = run(&home, &changing.server, &[command, "11111111-1111-1111-1111-111111111112"]);
        assert_eq!(code(&output), 4);
        assert!(stderr(&output).ends_with(&format!("Did you mean `{OTHER}` (Users)?\n")), "{output:?}");
    }
}
