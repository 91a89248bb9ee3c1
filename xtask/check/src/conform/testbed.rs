//! A server process of this project that is started for testing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
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
    /// Runs the command, which prints one line of JSON that describes the target before the deadline, and exits when
    /// its standard input closes. What it prints later is read and ignored, so it never waits for a reader.
    pub fn start(root: &Path, command: &[String], deadline: Duration) -> Result<Testbed, String> {
        let shown = command.join(" ");
        let Some((program, arguments)) = command.split_first() else {
            return Err("`testbed` in the settings is an empty command".to_owned());
        };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped());
        // In a group of its own it can be ended with everything that it has started.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let Some(mut output) = output.map(BufReader::new) else { return };
            let mut line = String::new();
            let read = output.read_line(&mut line);
            // If nobody waits any more, the line is not needed.
            let _ = sender.send(read.map(|_| line));
            let _ = std::io::copy(&mut output, &mut std::io::sink());
        });
        let mut testbed = Testbed { target: Target::default(), child, input };
        testbed.target = match receiver.recv_timeout(deadline) {
            Ok(Ok(line)) if !line.is_empty() => {
                serde_json::from_str(&line).map_err(|error| format!("`{shown}` prints something else: {error}"))?
            }
            Err(RecvTimeoutError::Timeout) => {
                let seconds = deadline.as_secs_f64();
                return Err(format!(
                    "`{shown}` has printed nothing in {seconds} s; if it needs longer, set `testbed_deadline` in [conform]"
                ));
            }
            _ => return Err(format!("`{shown}` has not started a server")),
        };
        Ok(testbed)
    }

    /// Ends the process and everything that it has started.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // An error here cannot be reported.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        drop(self.input.take());
        // One that has not described itself is not waited for.
        let patience = if self.target.url.is_empty() { Duration::ZERO } else { PATIENCE };
        let end = Instant::now() + patience;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }
}
