//! Runs programs on a pseudo-terminal and shows what is displayed there.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Returns to the start of the line and clears it.
const CLEAR_LINE: &str = "\r\u{1b}[2K";
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal; killed when dropped.
pub struct OnTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl OnTerminal {
    /// Starts a command on a terminal of this many columns.
    pub fn start(columns: u16, command: &mut Command) -> OnTerminal {
        let (mut screen, terminal) = terminal(columns);
        let child = command
            .stdout(terminal.try_clone().expect("the terminal"))
            .stderr(terminal)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The command holds the terminal's other end, and reading ends only when all holders have closed it.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let written = Arc::new(Mutex::default());
        let to = written.clone();
        let reader = std::thread::spawn(move || {
            let mut some = [0; 4096];
            // Linux reports the end as an error.
            while let Ok(bytes @ 1..) = screen.read(&mut some) {
                lock(&to).extend_from_slice(&some[..bytes]);
            }
        });
        OnTerminal { child, written, reader: Some(reader) }
    }

    /// The output so far.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&lock(&self.written)).replace("\r\n", "\n")
    }

    /// Waits until a text has been written this many times.
    pub fn wait_for(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.written().matches(text).count() < times {
            assert!(Instant::now() < deadline, "no {text:?}:\n{}", self.written());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Interrupts the program, as Ctrl-C does. Returns its exit code and its output.
    pub fn interrupt(self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it still runs");
        self.end()
    }

    /// Waits for the program to end. Returns its exit code and its output.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("a child of this process").code();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the terminal is read");
        }
        (code, self.written())
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(written: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}

fn terminal(columns: u16) -> (File, File) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&screen).expect("a terminal");
    unlockpt(&screen).expect("a terminal");
    let name = ptsname(&screen, Vec::new()).expect("a terminal");
    let path = std::ffi::OsStr::from_bytes(name.to_bytes());
    let terminal = OpenOptions::new().read(true).write(true).open(path).expect("a terminal");
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).expect("a terminal");
    (screen.into(), terminal)
}

/// Every version of every line, without colours.
pub fn drawn(written: &str) -> Vec<String> {
    without_colours(&written.replace(CLEAR_LINE, "\n")).lines().map(str::to_owned).collect()
}

/// The lines that were not cleared, with colours.
pub fn visible_lines(written: &str) -> String {
    let last = |line: &str| line.rsplit(CLEAR_LINE).next().unwrap_or_default().to_owned() + "\n";
    written.lines().map(last).collect()
}

/// Removes colour sequences from a text.
pub fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest =
            part.split_once('m').filter(|(codes, _)| codes.chars().all(|code| code.is_ascii_digit() || code == ';'));
        rest.map_or_else(|| format!("{text}\u{1b}[{part}"), |(_, rest)| text.clone() + rest)
    })
}
