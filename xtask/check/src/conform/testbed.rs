//! A server of this project that was made to be held to the contract, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::target::Target;

/// How long it may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server. It ends with this.
pub struct Testbed {
    /// What it says is there.
    pub target: Target,
    child: Child,
    /// It ends when this is closed, and so does not outlive a process that was killed.
    input: Option<ChildStdin>,
}

impl Testbed {
    /// Runs the command, which prints one line of JSON that describes the target, and ends with its standard input.
    pub fn start(root: &Path, command: &[String]) -> Result<Testbed, String> {
        let shown = command.join(" ");
        let Some((program, arguments)) = command.split_first() else {
            return Err("`testbed` in the settings is an empty command".to_owned());
        };
        let child = Command::new(program)
            .args(arguments)
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
        let input = child.stdin.take();
        let mut line = String::new();
        let read = child.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
        let target = match read {
            Some(Ok(1..)) => {
                serde_json::from_str(&line).map_err(|error| format!("`{shown}` prints something else: {error}"))
            }
            _ => Err(format!("`{shown}` has not started a server")),
        };
        match target {
            Ok(target) => Ok(Testbed { target, child, input }),
            Err(reason) => {
                drop(input);
                // Either it has ended already, or it ends now.
                let _ = child.kill();
                let _ = child.wait();
                Err(reason)
            }
        }
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        drop(self.input.take());
        let end = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        // What is left of it has no reason to stay; there is nobody to tell if it does.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
