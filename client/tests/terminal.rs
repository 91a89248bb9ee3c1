//! What `cdi` does on a terminal: tables that fit, colours, progress, Ctrl-C.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod cdi;
mod scripted;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cdi::{ID, STARTED, busy, command, ending, integration, job};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use scripted::{Server, Told};

/// Runs a command on a terminal of this many columns; its exit code and what it wrote.
fn on_terminal(columns: u16, command: &mut Command) -> (i32, String) {
    let (mut screen, terminal) = terminal(columns);
    let mut child = command.stdout(terminal.try_clone().unwrap()).stderr(terminal).spawn().unwrap();
    // The command holds the terminal too; what it wrote ends when nobody else holds it.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut written = Vec::new();
    // Linux ends it with an error.
    let _ = screen.read_to_end(&mut written);
    (child.wait().unwrap().code().unwrap(), String::from_utf8(written).unwrap().replace("\r\n", "\n"))
}

fn terminal(columns: u16) -> (File, File) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap();
    let path = std::ffi::OsStr::from_bytes(name.to_bytes());
    let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    (screen.into(), terminal)
}

fn integrations() -> Server {
    Server::answering([Told::page(&[integration(ID, "Users of all the shops of the world")])])
}

#[test]
fn a_table_fits_the_terminal_and_says_what_it_leaves_out() {
    let server = integrations();
    let list = |columns, color: &str| {
        let (code, text) = on_terminal(columns, command(&server.url, &["list"]).env("NO_COLOR", color));
        assert_eq!(code, 0);
        text
    };
    let expected = "\
ID        NAME                      TYPE        STATUS  LAST SYNC
00000000  Users of all the shops …  attributes  active  success
Not shown, to fit the terminal: SOURCE, STARTED, SYNCED UP TO, NEXT RUN
";
    assert_eq!(list(80, "1"), expected);
    let wide = list(200, "1");
    assert!(wide.contains("NEXT RUN") && wide.contains("of the world") && wide.contains(ID), "{wide}");
    assert!(!wide.contains("Not shown"), "{wide}");
    // A name of the usual length leaves room for the time.
    let server = Server::answering([Told::page(&[integration(ID, "Users of the shop")])]);
    let (_, text) = on_terminal(80, command(&server.url, &["list"]).env("NO_COLOR", "1"));
    assert!(text.contains("00000000  Users of the shop  attributes  active  success    2026-11-23 20:43Z"), "{text}");
}

#[test]
fn ids_that_differ_at_their_end_only_are_shortened_where_the_names_differ() {
    const NEXT: &str = "00000000-0000-0000-0000-000000000001";
    let list = |names: [&str; 2]| {
        let server = Server::answering([Told::page(&[integration(ID, names[0]), integration(NEXT, names[1])])]);
        on_terminal(80, command(&server.url, &["list"]).env("NO_COLOR", "1")).1
    };
    let expected = "\
ID         NAME    TYPE        STATUS  LAST SYNC  STARTED
00000000…  Users   attributes  active  success    2026-11-23 20:43Z
00000000…  Orders  attributes  active  success    2026-11-23 20:43Z
Not shown, to fit the terminal: SOURCE, SYNCED UP TO, NEXT RUN
";
    assert_eq!(list(["Users", "Orders"]), expected);
    let text = list(["Users", "Users"]);
    assert!(text.contains(ID) && text.contains(NEXT), "nothing else tells them apart: {text}");
}

#[test]
fn jobs_fit_the_terminal_and_the_newest_says_where_its_cause_is() {
    let mut partial = job(STARTED, "partial");
    partial["last_timestamp_synced"] = "2026-11-23T20:30:00.000000Z".into();
    let server = Server::answering([Told::page(&[partial, job("2026-11-23T20:00:00Z", "success")])]);
    let status = ["status", ID];
    let (_, text) = on_terminal(80, command(&server.url, &status).env("NO_COLOR", "1"));
    let expected = format!(
        "\
STARTED            STATUS     TOOK  ROWS SYNCED  ROWS FAILED  SYNCED UP TO
2026-11-23 20:44Z  partial   5.5 s         1997            3  2026-11-23 20:30Z
2026-11-23 20:00Z  success  44 min         1997            3  -
Run `cdi-server row-errors {ID}` on the server to see which rows failed, and why.
"
    );
    assert_eq!(text, expected);
    let piped = command(&server.url, &status).output().unwrap();
    assert!(!cdi::stdout(&piped).contains("cdi-server"), "{piped:?}");
}

#[test]
fn a_sync_without_rows_says_where_to_look_on_a_terminal_only() {
    let server = || {
        let mut triggered = false;
        Server::new(move |asked| {
            triggered |= asked.method == "POST";
            let mut empty = job(STARTED, "success");
            (empty["rows_synced"], empty["rows_failed_with_errors"]) = (0.into(), 0.into());
            match asked.method.as_str() {
                "POST" => Told::message(202, "success"),
                _ if triggered => Told::page(&[empty]),
                _ => Told::page(&[]),
            }
        })
    };
    let wait = ["trigger", ID, "--wait"];
    let (code, text) = on_terminal(80, command(&server().url, &wait).env("NO_COLOR", "1"));
    let advice = format!("Run `cdi-server preview {ID}` on the server to see which rows a sync takes.\n");
    assert!(code == 0 && text.ends_with(&format!("success: 0 rows synced, 0 failed, in 5.5 s\n{advice}")), "{text:?}");
    assert_eq!(cdi::stderr(&command(&server().url, &wait).output().unwrap()), "");
}

#[test]
fn a_terminal_has_colours_unless_they_are_not_wanted() {
    let server = integrations();
    let coloured =
        |command: &mut Command| on_terminal(200, command.env("TERM", "xterm")).1.contains("\u{1b}[32msuccess");
    assert!(coloured(&mut command(&server.url, &["list"])));
    assert!(coloured(command(&server.url, &["list", "--color", "always"]).env("NO_COLOR", "1")));
    assert!(coloured(command(&server.url, &["list"]).env("NO_COLOR", "")));
    assert!(!coloured(command(&server.url, &["list"]).env("NO_COLOR", "1")));
    assert!(!coloured(command(&server.url, &["list"]).env("CLICOLOR", "0")));
    assert!(!coloured(command(&server.url, &["list"]).env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1")));
    assert!(!coloured(&mut command(&server.url, &["list", "--color", "never"])));
    let (_, dumb) = on_terminal(200, command(&server.url, &["list"]).env("TERM", "dumb"));
    assert!(!dumb.contains('\u{1b}'));
    let piped = |command: &mut Command| cdi::stdout(&command.output().unwrap()).contains('\u{1b}');
    assert!(piped(command(&server.url, &["list"]).env("CLICOLOR_FORCE", "1")));
    assert!(!piped(&mut command(&server.url, &["list"])));
}

#[test]
fn progress_is_shown_on_a_terminal_and_wiped_at_the_end() {
    let wait = ["trigger", ID, "--wait"];
    let (code, text) = on_terminal(80, command(&ending("success").url, &wait).env("NO_COLOR", "1"));
    assert_eq!(code, 0);
    assert!(text.contains("\r\u{1b}[2Ktriggered (0 s)"), "{text:?}");
    assert!(text.ends_with("\r\u{1b}[2Ksuccess: 1997 rows synced, 3 failed, in 5.5 s\n"), "{text:?}");
    let (_, quiet) = on_terminal(80, &mut command(&ending("success").url, &["trigger", ID, "--wait", "--quiet"]));
    assert_eq!(quiet, "");
    let piped = command(&ending("success").url, &wait).output().unwrap();
    assert_eq!(cdi::stderr(&piped), "");
}

#[test]
fn progress_says_how_many_rows_were_read_and_how_fast() {
    let mut looks = 0;
    let server = Server::new(move |_| {
        looks += 1;
        let mut job = job(STARTED, if looks < 4 { "running" } else { "partial" });
        job["rows_synced"] = (500 * looks).into();
        Told::page(&[job])
    });
    let (code, text) = on_terminal(80, command(&server.url, &["status", ID, "--follow"]).env("NO_COLOR", "1"));
    assert_eq!(code, 1);
    assert!(text.contains("\r\u{1b}[2Krunning: 1003 rows read, 1000 synced, 3 failed (0 s)"), "{text:?}");
    let (_, second) = text.split_once("running: 1503 rows read, 1500 synced, 3 failed, ").unwrap();
    let (rate, _) = second.split_once(" rows/s").unwrap();
    assert!((1..=1000).contains(&rate.parse::<u32>().unwrap()), "two looks half a second apart: {text:?}");
}

#[test]
fn progress_stays_on_one_line_and_its_seconds_go_on() {
    let mut looks = 0;
    let server = Server::new(move |_| {
        looks += 1;
        match looks {
            1..=4 => Told::page(&[job(STARTED, "running")]),
            // Long, and not sent again at once.
            5 => Told::new(503, "Away ".repeat(100)).header("retry-after", 100),
            _ => Told::page(&[job(STARTED, "success")]),
        }
    });
    let mut follow = command(&server.url, &["status", ID, "--follow", "--timeout", "4s"]);
    let (_, text) = on_terminal(50, follow.env("NO_COLOR", "1"));
    assert!(text.contains("1997 synced, 3 fa… (1 s)") && text.contains("trying again: the answer 503"), "{text:?}");
    let (progress, _) = text.rsplit_once("\r\u{1b}[2K").unwrap();
    assert!(progress.split("\r\u{1b}[2K").all(|line| line.chars().count() < 50), "{text:?}");
}

#[test]
fn what_a_server_says_does_not_reach_the_terminal_as_it_is() {
    let server = Server::answering([Told::new(502, "\u{1b}[2J\u{9b}2J")]);
    let (code, text) = on_terminal(80, &mut command(&server.url, &["trigger", ID]));
    assert_eq!(code, 8);
    assert!(text.contains("[2J") && !text.contains('\u{1b}') && !text.contains('\u{9b}'), "{text:?}");
}

/// Starts a command, interrupts it as soon as the server has been asked this, and returns its exit code and its errors.
fn interrupted(server: &Server, arguments: &[&str], asked: &str) -> (Option<i32>, String) {
    let child = command(&server.url, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    // The second time, so that the answer to the first has been understood.
    while server.lines().iter().filter(|line| line.contains(asked)).count() < 2 {
        assert!(Instant::now() < deadline, "{:?}", server.lines());
        std::thread::yield_now();
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn interrupt(child: &Child) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[test]
fn ctrl_c_ends_the_waiting_and_says_what_goes_on() {
    let mut looks = 0;
    let running = Server::new(move |asked| {
        if asked.method == "POST" {
            return Told::message(202, "success");
        }
        looks += 1;
        if looks == 1 { Told::page(&[]) } else { Told::page(&[job(STARTED, "running")]) }
    });
    let follow = format!("cdi: interrupted: the sync is still running. To follow it: cdi status {ID} --follow\n");
    // The first look is before the trigger.
    assert_eq!(interrupted(&running, &["trigger", ID, "--wait"], "job_sync_status"), (Some(130), follow.clone()));
    let watched = Server::answering([Told::page(&[job(STARTED, "running")])]);
    assert_eq!(interrupted(&watched, &["status", ID, "--follow"], "job_sync_status"), (Some(130), follow));
    let wait = ["trigger", ID, "--if-running", "wait"];
    let nothing = "cdi: interrupted: nothing was triggered\n".to_owned();
    assert_eq!(interrupted(&busy(), &wait, "job_sync_status"), (Some(130), nothing.clone()));
    // Refused for the rate limit; before it is sent again the jobs are listed, which takes its time.
    let mut looks = 0;
    let limited = Server::new(move |asked| {
        if asked.method == "POST" {
            return Told::message(429, "Rate Limited").header("retry-after", 0);
        }
        looks += 1;
        if looks == 1 { Told::page(&[]) } else { Told::hang() }
    });
    assert_eq!(interrupted(&limited, &["trigger", ID, "--wait"], "job_sync_status"), (Some(130), nothing));
}
