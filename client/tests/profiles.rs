//! Where the settings come from: options, the environment, profiles.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::path::Path;
use std::process::{Command, Output};

use cdi::{bare, code, stderr};
use scripted::{Server, Told};
use tempfile::TempDir;

fn server() -> Server {
    Server::answering([Told::page(&[])])
}

/// The key of the only request.
fn key(server: &Server) -> String {
    let [asked] = &server.asked()[..] else {
        panic!("{:?}", server.lines());
    };
    asked.headers["authorization"].trim_start_matches("Bearer ").to_owned()
}

/// A folder with a configuration file where it is usually looked for, and key files.
fn home(configuration: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/cdi");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), configuration).unwrap();
    for (file, key) in [("staging.key", "staging-key\n"), ("empty.key", "\n")] {
        std::fs::write(folder.join(file), key).unwrap();
        readable_by_others(&folder.join(file), false);
    }
    home
}

fn readable_by_others(file: &Path, readable: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if readable { 0o644 } else { 0o600 };
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn list(home: &TempDir, options: &[&str]) -> Command {
    let mut command = bare(&[&["list"], options].concat());
    command.env("HOME", home.path()).env("LIVE_KEY", "live-key");
    command
}

fn two_profiles(live: &Server, staging: &Server) -> TempDir {
    home(&format!(
        r#"
[profiles.default]
url = "{}"
api_key = {{ env = "LIVE_KEY" }}

[profiles.staging]
url = "{}"
api_key = {{ file = "staging.key" }}
"#,
        live.url, staging.url
    ))
}

#[track_caller]
fn done(output: &Output) {
    assert_eq!((code(output), stderr(output)), (0, ""), "{output:?}");
}

#[test]
fn the_profile_named_default_is_used_unless_another_is_named() {
    let (live, staging) = (server(), server());
    let home = two_profiles(&live, &staging);
    done(&list(&home, &[]).output().unwrap());
    assert_eq!(key(&live), "live-key");
    done(&list(&home, &["--profile", "staging"]).output().unwrap());
    assert_eq!(key(&staging), "staging-key");
    done(&list(&home, &[]).env("CDI_PROFILE", "staging").output().unwrap());
    assert_eq!(staging.asked().len(), 2);
    done(&list(&home, &["--profile", "default"]).env("CDI_PROFILE", "staging").output().unwrap());
    assert_eq!(live.asked().len(), 2);
}

#[test]
fn the_environment_goes_before_a_profile_unless_that_is_named_by_an_option() {
    let (live, staging, other) = (server(), server(), server());
    let home = two_profiles(&live, &staging);
    let with_environment = |options: &[&str]| {
        let mut command = list(&home, options);
        done(&command.env("CDI_URL", &other.url).env("CDI_API_KEY", "other-key").output().unwrap());
    };
    with_environment(&[]);
    assert_eq!(key(&other), "other-key");
    with_environment(&["--profile", "staging"]);
    assert_eq!(key(&staging), "staging-key");
    with_environment(&["--url", &live.url]);
    assert_eq!(key(&live), "other-key");
}

#[test]
fn the_key_of_a_profile_is_sent_to_its_own_server_only() {
    let (live, staging, other) = (server(), server(), server());
    let home = two_profiles(&live, &staging);
    let refused = |output: Output| {
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(stderr(&output).contains("is only sent to the URL of that profile"), "{output:?}");
    };
    refused(list(&home, &["--url", &other.url]).output().unwrap());
    refused(list(&home, &["--url", &other.url, "--profile", "staging"]).output().unwrap());
    refused(list(&home, &[]).env("CDI_URL", &other.url).output().unwrap());
    assert!(other.asked().is_empty());
}

#[test]
fn a_configuration_file_can_be_named() {
    let (live, staging) = (server(), server());
    let home = two_profiles(&live, &staging);
    let file = home.path().join(".config/cdi/config.toml");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = bare(&["list", "--config", file.to_str().unwrap(), "--profile", "staging"]);
    done(&command.env("HOME", elsewhere.path()).output().unwrap());
    done(&bare(&["list"]).env("CDI_CONFIG", &file).env("CDI_PROFILE", "staging").output().unwrap());
    done(&list(&home, &["--profile", "staging"]).env("XDG_CONFIG_HOME", home.path().join(".config")).output().unwrap());
    assert_eq!(staging.asked().len(), 3);
    // One that is named must be there, and one that is not need not.
    let missing = bare(&["list"]).env("CDI_CONFIG", elsewhere.path().join("x.toml")).output().unwrap();
    assert!(code(&missing) == 2 && stderr(&missing).contains("x.toml cannot be read"), "{missing:?}");
    let none = bare(&["list"]).env("HOME", elsewhere.path()).env("CDI_URL", &live.url).env("CDI_API_KEY", "k").output();
    done(&none.unwrap());
    // Services have no home.
    let mut command = bare(&["list"]);
    done(&command.env("HOME", "/dev/null").env("CDI_URL", &live.url).env("CDI_API_KEY", "k").output().unwrap());
}

#[test]
fn how_to_go_on_is_told_with_the_same_options() {
    let staging = Server::answering([Told::message(202, "success")]);
    let home = two_profiles(&staging, &staging);
    let output = bare(&["trigger", cdi::ID, "--profile", "staging"]).env("HOME", home.path()).output().unwrap();
    let expected = format!("The sync was triggered. To follow it: cdi --profile staging status {} --follow\n", cdi::ID);
    assert_eq!(cdi::stdout(&output), expected);
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let (live, staging) = (server(), server());
    let home = two_profiles(&live, &staging);
    let file = home.path().join(".config/cdi/staging.key");
    readable_by_others(&file, true);
    let output = list(&home, &["--profile", "staging"]).output().unwrap();
    assert_eq!(code(&output), 0);
    let expected = format!("cdi: warning: others can read the API key in {0}; chmod 600 {0}\n", file.display());
    assert_eq!(stderr(&output), expected);
    done(&list(&home, &["--profile", "staging", "--quiet"]).output().unwrap());
    // What is to be pasted into a shell is quoted for it.
    let folder = home.path().join("my files");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a.key"), "k").unwrap();
    readable_by_others(&folder.join("a.key"), true);
    let config = folder.join("a.toml");
    std::fs::write(&config, format!("[profiles.a]\nurl = '{}'\napi_key = {{ file = 'a.key' }}", staging.url)).unwrap();
    let output = list(&home, &["--config", config.to_str().unwrap(), "--profile", "a"]).output().unwrap();
    assert!(stderr(&output).ends_with(&format!("; chmod 600 '{}'\n", folder.join("a.key").display())), "{output:?}");
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_place_and_no_key_is_repeated() {
    let url = "url = \"http://127.0.0.1:9\"\n";
    for (configuration, options, expected) in [
        ("[profiles.default]\nurl = hunter2\n", &[][..], "config.toml:2:7: "),
        ("[profiles.default]\n", &[], "config.toml:1:1: missing field `url`"),
        ("profiles = 'hunter2'", &[], "config.toml:1:12: this is not a map"),
        ("[profiles]\napi_key = 'hunter2'", &[], "config.toml:2:11: this is not a profile, which is a table"),
        ("[profiles.default]\nurl = ['hunter2']", &[], "config.toml:2:7: this is not a string"),
        (&format!("[profiles.default]\n{url}apikey = 'hunter2'"), &[], "config.toml:3:1: unknown field `apikey`"),
        (
            &format!("[profiles.default]\n{url}api_key = 'hunter2'"),
            &[],
            "config.toml:3:11: write where the key is, not the key itself",
        ),
        (&format!("[profiles.default]\n{url}api_key = hunter2"), &[], "config.toml:3:11: "),
        (
            &format!("[profiles.default]\n{url}api_key = {{ file = 7 }}"),
            &[],
            "write where the key is, not the key itself",
        ),
        (
            &format!("[profiles.default]\n{url}api_key = {{ env = 'A', file = 'b' }}"),
            &[],
            "write where the key is, not the key itself",
        ),
        (
            &format!("[profiles.default]\n{url}api_key = {{ env = 'NOBODY_SETS_THIS' }}"),
            &[],
            "NOBODY_SETS_THIS is not set",
        ),
        (&format!("[profiles.default]\n{url}api_key = {{ file = 'none.key' }}"), &[], "none.key cannot be read"),
        (&format!("[profiles.default]\n{url}api_key = {{ file = 'empty.key' }}"), &[], "empty.key"),
        (&format!("[profiles.default]\n{url}"), &[], "the API key is missing"),
        ("[profiles.default]\nurl = 'nonsense'\napi_key = { file = 'staging.key' }", &[], "from the profile `default`"),
        (&format!("[profiles.a]\n{url}[profiles.b]\n{url}"), &["--profile", "c"], "there is no profile `c`"),
        ("", &["--profile", "c"], "config.toml has none"),
        (&format!("[default]\n{url}"), &[], "config.toml:1:2: write `[profiles.default]`, not `[default]`"),
        (&format!("[profile.default]\n{url}"), &[], "write `profiles`, not `profile`: `[profiles.NAME]`"),
        (url, &[], "config.toml:1:1: write `[profiles.default]` on a line above it"),
        ("timeout = 5", &[], "unknown field `timeout`, expected `profiles`"),
    ] {
        let output = list(&home(configuration), options).output().unwrap();
        assert_eq!(code(&output), 2, "{configuration}: {output:?}");
        assert!(stderr(&output).contains(expected), "{configuration}: {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    let nowhere = tempfile::tempdir().unwrap();
    let output = list(&nowhere, &["--profile", "c"]).output().unwrap();
    assert!(stderr(&output).contains("there is no profile `c`: there is no file"), "{output:?}");
}
