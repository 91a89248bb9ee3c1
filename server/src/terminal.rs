//! Standard output as a terminal: its width and whether it has colours.

use std::io;

use anstream::{AutoStream, ColorChoice};

/// Columns of the terminal that standard output is; `None` if it is not a terminal.
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Whether to use colours on standard output (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`).
pub fn has_colours() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}
