//! How results are printed: as text, as JSON, as what an expression selects from the JSON, or not at all.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;

use anstream::{AutoStream, ColorChoice};
use serde_json::Value;

use crate::args::{Color, Common};
use crate::failure::Failure;
use crate::jq::Jq;
use crate::table::printable;

/// How results are printed.
#[derive(Clone)]
pub(crate) struct Output {
    form: Form,
    pub(crate) colour: bool,
    /// The columns of the terminal; without one there is no limit.
    pub(crate) room: Option<usize>,
}

#[derive(Clone)]
enum Form {
    Text,
    Json,
    /// What an expression selects from the JSON.
    Selection(Jq),
    /// Nothing.
    Quiet,
}

impl Output {
    pub(crate) fn new(common: &Common) -> Output {
        Output {
            form: match (&common.jq, common.json, common.quiet) {
                (Some(jq), ..) => Form::Selection(jq.clone()),
                (None, true, _) => Form::Json,
                (None, false, true) => Form::Quiet,
                (None, false, false) => Form::Text,
            },
            colour: match common.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            },
            room: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into()),
        }
    }

    /// Prints a result in the form that was asked for.
    pub(crate) fn print(&self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        match &self.form {
            Form::Text => Ok(line(&text())?),
            Form::Json => Ok(line(&json().to_string())?),
            Form::Selection(jq) => {
                // What was selected is printed as it is, but nothing of it takes control of a terminal.
                let harmless = |character: char| match character {
                    '\n' | '\t' => character.to_string(),
                    _ => printable(character.encode_utf8(&mut [0; 4])),
                };
                jq.run(&json(), |text| match self.room {
                    Some(_) => try_line(&text.chars().map(harmless).collect::<String>()),
                    None => try_line(text),
                })
            }
            Form::Quiet => Ok(()),
        }
    }

    /// Prints on standard error what can be done about a result, unless only errors are wanted.
    pub(crate) fn advise(&self, text: &str) {
        if !matches!(self.form, Form::Quiet) {
            tell(text);
        }
    }

    /// Whether nothing but errors is printed.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.form, Form::Quiet)
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.form, Form::Json | Form::Selection(_))
    }

    /// Whether progress is shown: on a terminal, unless only errors are wanted.
    pub(crate) fn shows_progress(&self) -> bool {
        !matches!(self.form, Form::Quiet) && io::stderr().is_terminal()
    }
}

/// Writes a line to standard output. A reader that has gone away is no error: `cdi list | head -1`.
pub(crate) fn line(text: &str) -> io::Result<()> {
    try_line(text).map(|_| ())
}

/// Writes a line to standard output; breaks off if nobody reads it any more.
fn try_line(text: &str) -> io::Result<ControlFlow<()>> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}

/// Writes a line to standard error. Where that cannot be written there is nowhere left to report it, and the exit code counts.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
