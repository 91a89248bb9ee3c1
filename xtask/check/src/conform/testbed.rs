//! A server process of this project that is started for testing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::target::Target;

/// How long it may take to exit by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running server, stopped on drop.
pub struct Testbed {
    /// The target that it describes.
    pub target: Target,
    child: Child,
    /// The server exits when this is closed, so it does not outlive a killed process.
    input: Option<ChildStdin>,
}

impl Testbed {
    /// Runs the command, which prints one line of JSON that describes the target, and exits when its standard input
    /// closes.
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
                // It may have exited already.
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
        // An error here cannot be reported.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
