//! `cargo xtask peers`: measures which drifts of the guide's example each of several tools reports. Only run by hand:
//! it installs the tools from npm and PyPI.
//!
//! A tool reports a drift if it prints more errors or warnings than for the unchanged example.

mod drifts;
mod tools;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use drifts::{DRIFTS, Drift, Kind};
use tools::{Complaints, Tool, Tools};

/// The example of the guide.
const EXAMPLE: &str = "xtask/check/example";

/// The measurements.
#[derive(Debug, Default)]
struct Measured {
    /// For each drift and each tool that reads it, the complaints that the tool did not make about the unchanged
    /// example.
    named: BTreeMap<(usize, Tool), Vec<String>>,
    times: BTreeMap<Tool, Vec<Duration>>,
    versions: BTreeMap<Tool, String>,
}

/// Makes the drifts one by one, runs each tool, and prints a table; with `details` also the complaints of each tool.
pub fn run(root: &Path, apidrift: Option<PathBuf>, details: bool) -> anyhow::Result<ExitCode> {
    let tools = Tools::install(root, apidrift)?;
    let mut measured = Measured::default();
    for tool in Tool::ALL {
        measured.versions.insert(tool, tools.version(tool)?);
        let before = ask(&tools, tool, root, None, &mut measured)?;
        for (index, drift) in DRIFTS.iter().enumerate().filter(|(_, drift)| tool.reads(drift.kind)) {
            eprintln!("peers: {}: {}", tool.name(), drift.what);
            let after = ask(&tools, tool, root, Some(drift), &mut measured)?;
            let is_new = |(text, times): &(&String, &usize)| **times > before.get(*text).copied().unwrap_or_default();
            let new = after.iter().filter(is_new).map(|(text, _)| text.clone()).collect();
            measured.named.insert((index, tool), new);
        }
    }
    print!("{}", table(&measured));
    if details {
        print!("\n{}", said(&measured));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a tool on the example, with a drift or without.
fn ask(
    tools: &Tools,
    tool: Tool,
    root: &Path,
    drift: Option<&Drift>,
    measured: &mut Measured,
) -> anyhow::Result<Complaints> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    copy(&root.join(EXAMPLE), folder.path())?;
    std::fs::copy(folder.path().join("openapi.yaml"), folder.path().join("earlier.yaml"))
        .context("the contract cannot be copied")?;
    if let Some(drift) = drift {
        drift.make(folder.path())?;
    }
    let (complaints, time) = tools.ask(tool, folder.path(), drift.map(|drift| drift.kind))?;
    measured.times.entry(tool).or_default().push(time);
    Ok(complaints)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be copied", from.display());
    std::fs::create_dir_all(to).with_context(failed)?;
    for entry in std::fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).with_context(failed)?;
        }
    }
    Ok(())
}

/// The table: a row for each drift, and the number of reported drifts for each kind.
fn table(measured: &Measured) -> String {
    let row = |first: &str, cell: &dyn Fn(Tool) -> String| {
        let cells: Vec<String> = Tool::ALL.into_iter().map(cell).collect();
        format!("| {first} | {} |\n", cells.join(" | "))
    };
    let mut text = row("drift", &|tool| format!("{} {}", tool.name(), measured.versions[&tool]));
    text += &row("---", &|_| "---".to_owned());
    for kind in Kind::ALL {
        let of_kind = || DRIFTS.iter().enumerate().filter(move |(_, drift)| drift.kind == kind);
        text += &row(&format!("**{}**", kind.heading()), &|tool| {
            let named =
                of_kind().filter(|(index, _)| measured.named.get(&(*index, tool)).is_some_and(|new| !new.is_empty()));
            match tool.reads(kind) {
                true => format!("**{} of {}**", named.count(), of_kind().count()),
                false => "not read".to_owned(),
            }
        });
        for (index, drift) in of_kind() {
            text += &row(drift.what, &|tool| match measured.named.get(&(index, tool)) {
                Some(new) if new.is_empty() => "no".to_owned(),
                Some(_) => "yes".to_owned(),
                None => String::new(),
            });
        }
    }
    text += &row("time of a run (median)", &|tool| seconds(&measured.times[&tool]));
    text
}

/// The median, in seconds.
fn seconds(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort();
    format!("{:.2} s", times[times.len() / 2].as_secs_f64())
}

/// The complaints of each tool about each drift, for people to judge.
fn said(measured: &Measured) -> String {
    let mut text = String::new();
    for ((index, tool), new) in &measured.named {
        for complaint in new {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}: {}: {complaint}", DRIFTS[*index].what, tool.name());
        }
    }
    text
}
