//! The findings of a check as a table, or as JSON.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use crate::commands::audit::{Finding, State};
use crate::terminal;
use crate::text::{counted, printable_line};

/// How the findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table
    Text,
    /// One JSON object
    Json,
}

/// The room that a table has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Screen {
    /// Columns; `None` outside of a terminal and in a narrow one, where each finding is on one line.
    pub width: Option<u16>,
    /// Whether states are coloured.
    pub colour: bool,
}

/// In a narrower terminal, columns of words would be columns of letters.
const NARROWEST: usize = 60;

impl Screen {
    /// Standard output.
    pub fn of_output() -> Screen {
        let width = terminal::width().filter(|width| *width >= NARROWEST);
        Screen { width: width.and_then(|width| u16::try_from(width).ok()), colour: terminal::has_colours() }
    }
}

/// How many findings have this state.
pub fn count(findings: &[Finding], state: State) -> usize {
    findings.iter().filter(|finding| finding.state == state).count()
}

/// The table with its summary.
pub fn table(findings: &[Finding], screen: Screen) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match screen.width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    for finding in findings {
        table.add_row([
            name(finding.state).to_owned(),
            printable_line(&finding.subject),
            printable_line(&finding.message),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.trim_fmt().lines() {
        let state = [State::Ok, State::Warning, State::Failed].into_iter().find(|state| line.starts_with(name(*state)));
        match state.filter(|_| screen.colour) {
            Some(state) => {
                let (style, rest) = (style(state), &line[name(state).len()..]);
                text.push_str(&format!("{style}{}{style:#}{rest}\n", name(state)));
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    let [ok, warnings, failed] = [State::Ok, State::Warning, State::Failed].map(|state| count(findings, state));
    let warnings = counted(warnings, "warning");
    format!("{text}\n{}: {ok} ok, {warnings}, {failed} failed\n", counted(findings.len(), "check"))
}

/// The same for programs.
pub fn json(findings: &[Finding]) -> String {
    let [ok, warnings, failed] = [State::Ok, State::Warning, State::Failed].map(|state| count(findings, state));
    let report = json!({ "checks": findings, "ok": ok, "warnings": warnings, "failed": failed });
    format!("{report:#}\n")
}

fn name(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Warning => "warning",
        State::Failed => "failed",
    }
}

fn style(state: State) -> Style {
    let colour = match state {
        State::Ok => AnsiColor::Green,
        State::Warning => AnsiColor::Yellow,
        State::Failed => AnsiColor::Red,
    };
    colour.on_default()
}
