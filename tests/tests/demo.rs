//! The demo, which is the first thing that a newcomer runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use anstyle::RgbColor;
use anstyle_svg::{Term, WIN10_CONSOLE};
use contract_tests::terminal::{OnTerminal, drawn, visible_lines, without_colours};
use contract_tests::{program, repository};
use regex::Regex;

/// Printed when the demo waits for the next sync, at every width.
const READY: &str = "ends the demo.";
const PICTURE: &str = "server/demo.svg";

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(program("cdi-server"));
    command.arg("demo").args(arguments);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm").env("TMPDIR", "/tmp");
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The arguments of `cdi` and `curl` when the demo's commands are pasted into a shell.
fn pasted(text: &str) -> Vec<String> {
    let mut is_continued = false;
    let is_command = |line: &&str| {
        let is_command = is_continued || line.starts_with("  ");
        is_continued = is_command && line.ends_with('\\');
        is_command
    };
    let (_, text) = text.split_once("from another terminal").expect("commands");
    let (text, _) = text.split_once("Sync 1").expect("commands before the first sync");
    let commands: Vec<&str> = text.lines().filter(is_command).collect();
    let echo = |name| format!("{name}() {{ printf '%s ' {name} \"$@\"; printf '\\n'; }}\n");
    let script = format!("{}{}{}\n", echo("cdi"), echo("curl"), commands.join("\n"));
    let output = Command::new("sh").args(["-euc", &script]).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    stdout(&output).lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Triggers a sync and lists the jobs, as the pasted commands do; returns both statuses.
async fn trigger(commands: &[String]) -> (u16, u16) {
    let curl = Regex::new(r"^curl .*--header Authorization: Bearer (cdi_\S+) (http://\S+)$").unwrap();
    let part =
        |command: &str, index: usize| curl.captures(command).unwrap_or_else(|| panic!("{command}"))[index].to_owned();
    let [_, _, post, get] = commands else { panic!("{commands:?}") };
    assert_eq!(commands[..2], ["cdi status Users --follow", "cdi trigger Users --wait"]);
    assert!(
        post.contains("--request POST") && post.ends_with("/sync") && get.ends_with("/job_sync_status"),
        "{post} {get}"
    );
    let client = reqwest::Client::new();
    let posted = client.post(part(post, 2)).bearer_auth(part(post, 1)).send().await.unwrap();
    let got = client.get(part(get, 2)).bearer_auth(part(get, 1)).send().await.unwrap();
    (posted.status().as_u16(), got.status().as_u16())
}

#[test]
fn the_demo_ends_with_what_it_seeded() {
    let output = demo(&["--once", "--rows", "8000"]).output().expect("the demo runs");
    let text = stdout(&output);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("partial      7,984 rows delivered, 16 refused, in "), "{text}");
    assert!(text.contains(" of 8,000 rows, ") && text.contains("16 rows are seeded broken on purpose"), "{text}");
    assert!(text.contains("rows such as user-1250: 'email' is not a valid address"), "{text}");
}

#[test]
fn a_finished_demo_mentions_nothing_that_is_gone() {
    let text = stdout(&demo(&["--once", "--rows", "600"]).output().unwrap());
    for gone in ["http:", "cdi_", "/tmp", "curl", "Ctrl-C", "CDI_"] {
        assert!(!text.contains(gone), "{gone}:\n{text}");
    }
    assert!(text.ends_with("Without --once the demo keeps serving, and you can trigger syncs yourself.\n"), "{text}");
}

#[tokio::test]
async fn printed_commands_work_when_pasted_and_later_syncs_are_shown() {
    for columns in [80, 40, 120] {
        let demo = OnTerminal::start(columns, &mut demo(&[]));
        // The commands to follow the first sync are printed before it starts.
        demo.wait_for("Sync 1", 1);
        let commands = pasted(&without_colours(&demo.written()));
        demo.wait_for(READY, 1);
        assert_eq!(trigger(&commands).await, (202, 200));
        demo.wait_for(READY, 2);
        assert_eq!(trigger(&commands).await, (202, 200));
        demo.wait_for(READY, 3);
        let (code, written) = demo.interrupt();
        assert_eq!(code, Some(0), "{written}");
        let columns = usize::from(columns);
        for line in drawn(&written) {
            assert!(line.chars().count() <= columns, "{columns}: {line:?}\n{written}");
            assert!(!line.starts_with("running") || line.chars().count() < columns, "{columns}: {line:?}");
        }
        let text = without_colours(&visible_lines(&written));
        let (_, later) = text.split_once("Sync 2, triggered over the API\n\npartial").expect("the second sync");
        let (_, last) = later.split_once("Sync 3, triggered over the API\n\npartial").expect("the third sync");
        assert!(last.contains("4,990 rows delivered, 10 refused"), "{text}");
        assert!(last.contains("user-250: PAYLOAD is") && last.ends_with("\nThe demo has ended.\n"), "{text}");
        assert!(!text.contains("running"), "progress is cleared:\n{text}");
    }
}

#[test]
fn progress_is_redrawn_on_a_terminal_and_cleared_by_ctrl_c() {
    let demo = OnTerminal::start(60, &mut demo(&["--rows", "100000"]));
    demo.wait_for(" s left", 2);
    let (code, written) = demo.interrupt();
    assert_eq!(code, Some(0), "{written}");
    let lines = drawn(&written);
    let progress: Vec<&String> = lines.iter().filter(|line| line.starts_with("running      ")).collect();
    assert!(
        progress.len() >= 2 && progress.iter().all(|line| line.contains(" 100,000 rows") && line.len() < 60),
        "{lines:#?}"
    );
    let text = without_colours(&visible_lines(&written));
    assert!(text.ends_with("\n\n\nThe demo has ended.\n") && !text.contains("running"), "{text:?}");
}

#[test]
fn colours_and_redraws_are_for_terminals_that_want_them() {
    let run = |name: &str, value: &str| {
        let mut command = demo(&["--once", "--rows", "5000"]);
        let (code, text) = OnTerminal::start(80, command.env(name, value)).end();
        assert_eq!(code, Some(0), "{text}");
        (text.contains("\u{1b}[33mpartial"), text.contains("\r\u{1b}[2K"))
    };
    assert_eq!(run("TERM", "xterm"), (true, true));
    assert_eq!(run("NO_COLOR", "1"), (false, true));
    assert_eq!(run("CLICOLOR", "0"), (false, true));
    assert_eq!(run("TERM", "dumb"), (false, false));
    let piped = stdout(&demo(&["--once", "--rows", "5000"]).output().unwrap());
    assert!(piped.contains("\nrunning      ") && piped.lines().all(|line| line.len() <= 80), "{piped}");
    assert!(!piped.chars().any(|letter| letter.is_control() && letter != '\n'), "{piped:?}");
    let forced = demo(&["--once"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(stdout(&forced).contains("\u{1b}[33mpartial"));
}

#[test]
fn a_reader_that_goes_away_ends_the_demo() {
    for arguments in [&[][..], &["--once", "--rows", "600"]] {
        let mut child = demo(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "OpenCDI demo\n");
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = demo(&["--once", "--rows", "600"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: cannot write to standard output: "));
}

#[test]
fn a_busy_address_is_reported_with_the_one_used_instead() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let demo = OnTerminal::start(80, &mut demo(&["--listen", &address]));
    demo.wait_for(READY, 1);
    let (_, written) = demo.interrupt();
    assert!(written.contains(&format!("{address} is in use, so a free port was taken")), "{written}");
    assert!(!written.contains(&format!("CDI_URL=http://{address}")), "{written}");
}

/// The output of the demo on a terminal of 80 columns, with the values that differ between runs replaced.
fn pictured() -> String {
    let demo = OnTerminal::start(80, &mut demo(&[]));
    demo.wait_for(READY, 1);
    let text = visible_lines(&demo.written());
    demo.interrupt();
    let address = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let mut addresses = address.find_iter(&text);
    let destination = addresses.next().unwrap().as_str();
    let api = addresses.next().unwrap().as_str();
    let text = text.replace(destination, "127.0.0.1:40404").replace(api, "127.0.0.1:8080");
    [
        (r"opencdi-demo-\w+", "opencdi-demo-Yk3oZs"),
        (r"cdi_[\w-]{43}", "cdi_EXAMPLE-KEY-of-the-demo-0123456789abcdefghi"),
        (r"in (\d+ min )?\d+(\.\d)? s", "in 0.7 s"),
        (r"in \d+ requests", "in 71 requests"),
    ]
    .iter()
    .fold(text, |text, (pattern, with)| {
        let pattern = Regex::new(pattern).unwrap();
        assert!(pattern.is_match(&text), "{pattern}:\n{text}");
        pattern.replace_all(&text, *with).into_owned()
    })
}

/// Makes the picture scale down, instead of being cut off, where a page has less room.
fn scalable(picture: &str) -> String {
    let size = Regex::new(r#"<svg width="(\d+)px" height="(\d+)px""#).unwrap();
    size.replace(picture, r#"<svg width="$1" height="$2" viewBox="0 0 $1 $2""#).into_owned()
}

#[test]
fn the_picture_shows_what_the_demo_prints() {
    let term = Term::new()
        .palette(WIN10_CONSOLE)
        .bg_color(RgbColor(0x1b, 0x1f, 0x26).into())
        .fg_color(RgbColor(0xd6, 0xdb, 0xe2).into())
        .min_width_px(680);
    let picture = scalable(&term.render_svg(pictured().trim_end()));
    let file = repository().join(PICTURE);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, &picture).unwrap();
    }
    let current = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        current == picture,
        "{PICTURE} is not what the demo prints; run this test with UPDATE_GENERATED=1 and look at the difference:\n{picture}"
    );
}
