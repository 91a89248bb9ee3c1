//! The demo's output. On a terminal it is wrapped and coloured, and one progress line is redrawn; elsewhere it is plain
//! lines.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter};

use super::shell;
use crate::terminal;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// The width if standard output is not a terminal.
const USUAL_WIDTH: usize = 80;
/// The maximum width: longer lines are hard to read.
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=100;
/// The width of the labels. In narrow terminals they are above their texts.
const LABEL: usize = 13;
const ROOM_FOR_LABELS: usize = 60;
/// How often progress is printed where it cannot be redrawn.
const PLAIN_PROGRESS: Duration = Duration::from_secs(2);
/// Returns to the start of the line and clears it.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// Standard output.
pub(super) struct Screen {
    colours: bool,
    redraws: bool,
    /// Whether a progress line is shown on the terminal.
    shows_progress: bool,
    last_plain_progress: Option<Instant>,
    /// Whether it is an error if the reader of standard output goes away.
    needs_reader: bool,
}

/// The reader of standard output has gone away, as in `demo | head -1`.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub(super) struct ReaderGone;

impl Screen {
    /// Detects whether standard output is a terminal and wants colours (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`,
    /// `TERM`). If its reader goes away, printing fails with [`ReaderGone`] if `needs_reader`, and otherwise does
    /// nothing.
    pub(super) fn new(needs_reader: bool) -> Screen {
        let output = io::stdout();
        let is_capable = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        Screen {
            colours: terminal::has_colours(),
            redraws: output.is_terminal() && is_capable,
            shows_progress: false,
            last_plain_progress: None,
            needs_reader,
        }
    }

    pub(super) fn blank(&mut self) -> anyhow::Result<()> {
        self.print("\n")
    }

    pub(super) fn title(&mut self, text: &str) -> anyhow::Result<()> {
        self.paragraph(BOLD, text)?;
        self.blank()
    }

    pub(super) fn paragraph(&mut self, style: Style, text: &str) -> anyhow::Result<()> {
        let lines = wrapped(text, "", "", width());
        self.print(&lines.iter().map(|line| format!("{style}{line}{style:#}\n")).collect::<String>())
    }

    /// Prints texts beside a label, each on its own line.
    pub(super) fn labelled(&mut self, label: &str, style: Style, texts: &[&str]) -> anyhow::Result<()> {
        self.print(&labelled(label, style, texts, width()))
    }

    /// Prints shell commands so that they can be pasted.
    pub(super) fn commands(&mut self, commands: &[&[&str]]) -> anyhow::Result<()> {
        let lines = commands.iter().flat_map(|words| shell::fold(words, width()));
        self.print(&lines.map(|line| format!("{CYAN}{line}{CYAN:#}\n")).collect::<String>())
    }

    /// Shows progress until something else is printed. Parts that do not fit in the line are left out, last ones first.
    /// If lines cannot be redrawn, a line is printed now and then.
    pub(super) fn progress(&mut self, label: &str, parts: &[String]) -> anyhow::Result<()> {
        if self.redraws {
            return self.hint(label, parts);
        }
        if self.last_plain_progress.is_some_and(|last| last.elapsed() < PLAIN_PROGRESS) {
            return Ok(());
        }
        self.last_plain_progress = Some(Instant::now());
        self.print(&format!("{label:<LABEL$}{}\n", parts.join(", ")))
    }

    /// Like `progress`, but prints nothing if lines cannot be redrawn.
    pub(super) fn hint(&mut self, label: &str, parts: &[String]) -> anyhow::Result<()> {
        if !self.redraws {
            return Ok(());
        }
        let line = fitting(label, parts, width());
        let (shown, rest) = line.split_at(label.len().min(line.len()));
        self.shows_progress = true;
        self.write(&format!("{CLEAR_LINE}{}", self.styled(&format!("{CYAN}{shown}{CYAN:#}{rest}"))))
    }

    /// Marks the start of another activity: its first progress is shown at once.
    pub(super) fn new_progress(&mut self) {
        self.last_plain_progress = None;
    }

    fn styled(&self, text: &str) -> String {
        if self.colours { text.to_owned() } else { anstream::adapter::strip_str(text).to_string() }
    }

    fn print(&mut self, text: &str) -> anyhow::Result<()> {
        let clear = if std::mem::take(&mut self.shows_progress) { CLEAR_LINE } else { "" };
        self.write(&format!("{clear}{}", self.styled(text)))
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let mut output = io::stdout().lock();
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => match self.needs_reader {
                true => Err(ReaderGone.into()),
                false => Ok(()),
            },
            result => result.context("cannot write to standard output"),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.shows_progress {
            // A failure to clear the line does not matter.
            let _ = self.write(CLEAR_LINE);
        }
    }
}

fn width() -> usize {
    terminal::width().unwrap_or(USUAL_WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end())
}

fn wrapped(text: &str, first: &str, further: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(further)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

fn labelled(label: &str, style: Style, texts: &[&str], width: usize) -> String {
    let label_width = display_width(label);
    let styled = format!("{style}{label}{style:#}");
    let mut lines = Vec::new();
    if width < ROOM_FOR_LABELS {
        lines.push(styled);
        lines.extend(texts.iter().flat_map(|text| wrapped(text, "  ", "  ", width)));
    } else {
        let blank = " ".repeat(LABEL);
        let mut before = format!("{styled}{}", " ".repeat(LABEL.saturating_sub(label_width)));
        for text in texts {
            lines.extend(wrapped(text, &before, &blank, width));
            before.clone_from(&blank);
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A label and as many parts as fit. The last column is not used, because some terminals wrap there.
fn fitting(label: &str, parts: &[String], width: usize) -> String {
    let before = if width < ROOM_FOR_LABELS { format!("{label}  ") } else { format!("{label:<LABEL$}") };
    let width = width - 1;
    let line = |count: usize| format!("{before}{}", parts[..count].join(", "));
    let count = (1..=parts.len()).rev().find(|count| display_width(&line(*count)) <= width);
    count.map_or_else(|| line(parts.len().min(1)).chars().take(width).collect(), line)
}

/// A duration in words, such as `1 min 5 s`.
pub(super) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        whole => seconds(whole),
    }
}

/// A number of seconds in words.
pub(super) fn seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_word_is_broken_that_fits() {
        let text = "every row has a new UPDATED_AT, so that the next sync has something to send";
        for width in *WIDTHS.start()..130 {
            let lines = labelled("destination", GREEN, &[text, "http://127.0.0.1:8080"], width);
            assert!(lines.lines().all(|line| display_width(line) <= width), "{width}:\n{lines}");
            let words: Vec<&str> = lines.split_whitespace().collect();
            assert!(words.contains(&"UPDATED_AT,") && words.contains(&"something"), "{width}:\n{lines}");
        }
    }

    #[test]
    fn labels_are_above_their_texts_in_narrow_terminals() {
        assert_eq!(labelled("source", PLAIN, &["a table", "/tmp/a.db"], 40), "source\n  a table\n  /tmp/a.db\n");
        let wide = "source       a table\n             /tmp/a.db\n";
        assert_eq!(labelled("source", PLAIN, &["a table", "/tmp/a.db"], 80), wide);
    }

    #[test]
    fn progress_leaves_out_what_does_not_fit() {
        let parts = ["12,400 of 300,000 rows", "18 s left", "264 refused", "9,100 rows/s"].map(str::to_owned);
        let whole = "running      12,400 of 300,000 rows, 18 s left, 264 refused, 9,100 rows/s";
        assert_eq!(fitting("running", &parts, 80), whole);
        assert_eq!(fitting("running", &parts, 40), "running  12,400 of 300,000 rows");
        assert_eq!(fitting("running", &parts, 46), "running  12,400 of 300,000 rows, 18 s left");
        assert_eq!(fitting("running", &parts, 20), "running  12,400 of ");
    }

    #[test]
    fn durations_are_easy_to_read() {
        let durations = [700, 9_940, 48_100, 125_000].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(durations, ["0.7 s", "9.9 s", "48 s", "2 min 5 s"]);
    }
}
