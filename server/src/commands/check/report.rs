//! The findings of a check as a table, or as JSON.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use crate::commands::audit::{Finding, State, counted};

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
    /// Columns; `None` outside of a terminal, where each finding is on one line.
    pub width: Option<u16>,
    /// Whether states are coloured.
    pub colour: bool,
}

impl Screen {
    /// Standard output.
    pub fn of_output() -> Screen {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let output = std::io::stdout();
        Screen {
            width: terminal_size::terminal_size_of(&output).map(|(width, _)| width.0),
            colour: output.is_terminal() && !is_set("NO_COLOR") && !is_dumb,
        }
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
        table.add_row([name(finding.state).to_owned(), printable(&finding.subject), printable(&finding.message)]);
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

/// A text without what could control a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}
