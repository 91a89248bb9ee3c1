//! Where results go: as text for people, as JSON for programs, or nowhere.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use crate::args::{Color, Common};

/// How results are printed.
pub(crate) struct Output {
    form: Form,
    pub(crate) colour: bool,
    /// The columns of the terminal; without one there is no limit.
    pub(crate) room: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    People,
    Programs,
    Nobody,
}

impl Output {
    pub(crate) fn new(common: &Common) -> Output {
        let terminal = io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Output {
            form: match (common.json, common.quiet) {
                (true, _) => Form::Programs,
                (false, true) => Form::Nobody,
                (false, false) => Form::People,
            },
            colour: match common.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && !set("NO_COLOR") && !dumb,
            },
            room: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into()),
        }
    }

    /// Prints a result in the form that was asked for.
    pub(crate) fn print(
        &self,
        for_people: impl FnOnce() -> String,
        for_programs: impl FnOnce() -> Value,
    ) -> io::Result<()> {
        match self.form {
            Form::People => line(&for_people()),
            Form::Programs => line(&for_programs().to_string()),
            Form::Nobody => Ok(()),
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.form == Form::Programs
    }

    /// Whether progress is shown: to people, on a terminal.
    pub(crate) fn shows_progress(&self) -> bool {
        self.form != Form::Nobody && io::stderr().is_terminal()
    }
}

/// Writes a line to standard output. A reader that has gone away is no error: `cdi list | head -1`.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line to standard error. Where that cannot be written there is nowhere left to report it, and the exit code counts.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
