//! `cargo xtask corpus DIR`: runs the check on other people's contracts.
//!
//! Each document is checked in a process of its own, so that one that panics, hangs or uses up all memory is counted
//! and the run continues. Nothing is written outside a temporary folder.

mod calls;
pub mod generate;
pub mod live;
mod mutants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apidrift::adopt::adopt;
use apidrift::check::{self, Scope};
use apidrift::init::propose;
use apidrift::outcome::Outcome;
use apidrift_core::rules::Severity;
use apidrift_core::settings::Project;
use serde::{Deserialize, Serialize};

/// The time limit for one document.
const LONGEST: Duration = Duration::from_secs(120);

/// The result for one document.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    document: String,
    read: bool,
    operations: usize,
    compared: usize,
    not_compared: Vec<NotCompared>,
    findings: usize,
    panicked: bool,
    adopts: bool,
    diff_with_itself: bool,
    seconds: f64,
    /// The time to read it twice and compare both copies.
    diff_seconds: f64,
    /// Peak memory in megabytes; `None` if the system does not report it.
    megabytes: Option<u64>,
    mutants: usize,
}

/// An operation that was left out of a comparison.
#[derive(Debug, Serialize, Deserialize)]
struct NotCompared {
    operation: String,
    reason: String,
}

/// Checks every contract in a folder.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn run(folder: &Path, mutants: usize, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for file in &contracts(folder)? {
        let row = in_a_process(file, mutants)?;
        if !as_json {
            println!("{}", line(&row));
        }
        rows.push(row);
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", summary(&rows));
    }
    let is_well = |row: &Row| row.read && !row.panicked && row.adopts && row.diff_with_itself;
    Ok(if rows.iter().all(is_well) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The contracts in a folder, by name.
fn contracts(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let is_contract = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_contract).collect();
    files.sort();
    anyhow::ensure!(!files.is_empty(), "{} holds no .yaml, .yml or .json", folder.display());
    Ok(files)
}

/// Checks one document in this process and prints the result, for [`run`].
///
/// # Errors
///
/// If no temporary folder can be made.
pub fn run_one(file: &Path, mutants: usize) -> anyhow::Result<ExitCode> {
    let mut row = check_document(file)?;
    if row.read {
        row.mutants = mutants::check_mutants(file, mutants)?;
    }
    row.megabytes = peak_memory();
    println!("{}", serde_json::to_string(&row)?);
    Ok(ExitCode::SUCCESS)
}

fn in_a_process(file: &Path, mutants: usize) -> anyhow::Result<Row> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let mut command = Command::new(program);
    command.arg("corpus").arg(file).args(["--mutants", &mutants.to_string()]);
    let began = Instant::now();
    let said = limited(&mut command, LONGEST)?;
    let row = said.filter(|said| said.is_success).and_then(|said| serde_json::from_str(said.stdout.trim()).ok());
    Ok(row.unwrap_or_else(|| Row {
        document: name(file),
        panicked: true,
        seconds: began.elapsed().as_secs_f64(),
        ..Row::default()
    }))
}

/// What a process printed, and whether it succeeded.
struct Said {
    stdout: String,
    is_success: bool,
}

/// Runs a process for no longer than `longest`; `None` if it was ended because of that.
fn limited(command: &mut Command, longest: Duration) -> anyhow::Result<Option<Said>> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("a process cannot be started")?;
    let mut stdout = child.stdout.take().context("its output cannot be read")?;
    let reader = std::thread::spawn(move || std::io::read_to_string(&mut stdout).unwrap_or_default());
    let began = Instant::now();
    let ended = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if began.elapsed() > longest => {
                child.kill()?;
                child.wait()?;
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let stdout = reader.join().unwrap_or_default();
    Ok(ended.map(|status| Said { stdout, is_success: status.success() }))
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

fn check_document(file: &Path) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let file = std::path::absolute(file)?;
    let mut row = Row { document: name(&file), ..Row::default() };
    let Ok(proposal) = propose(folder.path(), &file, None) else { return Ok(row) };
    row.read = true;
    let project = Project::parse(folder.path(), proposal.settings()).map_err(anyhow::Error::msg)?;
    let began = Instant::now();
    let outcome = check::check(&project, &Scope::default(), None);
    row.seconds = began.elapsed().as_secs_f64();
    row.findings = failing(&outcome);
    let began = Instant::now();
    let with_itself = check::diff(folder.path(), &file.display().to_string(), &file);
    row.diff_seconds = began.elapsed().as_secs_f64();
    // Parts that could not be compared are counted as such; anything else is a false alarm.
    row.diff_with_itself =
        with_itself.findings.len() == with_itself.not_compared.len() && with_itself.unchecked.is_empty();
    let mut left_out: BTreeMap<String, String> = BTreeMap::new();
    for part in outcome.not_compared.iter().chain(&with_itself.not_compared) {
        left_out.entry(part.operation.clone()).or_insert_with(|| part.reason.clone());
    }
    row.operations = proposal.operations;
    row.compared = proposal.operations.saturating_sub(left_out.len());
    row.not_compared = left_out.into_iter().map(|(operation, reason)| NotCompared { operation, reason }).collect();
    std::fs::write(folder.path().join(&project.source.path), &project.source.text)?;
    let adopted = adopt(folder.path(), "as it is today", None)?;
    row.adopts = adopted.is_ok() && is_in_order(&check::run(folder.path(), &Scope::default(), None));
    Ok(row)
}

fn failing(outcome: &Outcome) -> usize {
    outcome.findings.iter().filter(|finding| finding.severity() == Severity::Error).count()
}

fn is_in_order(outcome: &Outcome) -> bool {
    failing(outcome) == 0 && outcome.unchecked.is_empty()
}

/// The peak memory of this process, in megabytes.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}

fn line(row: &Row) -> String {
    let yes = |flag: bool| if flag { "yes" } else { "NO" };
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for part in &row.not_compared {
        *reasons.entry(&part.reason).or_default() += 1;
    }
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, times)| format!("{times}: {reason}")).collect();
    let memory = row.megabytes.map_or("?".to_owned(), |megabytes| megabytes.to_string());
    format!(
        "{:<44} read {:<3} operations {:>4} compared {:>4} findings {:>5} {} adopts {:<3} silent {:<3} {:>6.3} s {:>6.3} s {memory:>5} MB  {}",
        row.document,
        yes(row.read),
        row.operations,
        row.compared,
        row.findings,
        if row.panicked { "PANICKED" } else { "sound" },
        yes(row.adopts),
        yes(row.diff_with_itself),
        row.seconds,
        row.diff_seconds,
        reasons.join("; "),
    )
}

fn summary(rows: &[Row]) -> String {
    let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let sum = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    let (operations, compared) = (sum(&|row| row.operations), sum(&|row| row.compared));
    format!(
        "{} documents: {} read, {} panicked or hung, {} can be adopted, {} have no changes when compared with themselves; {compared} of {operations} \
         operations compared ({:.1} %), {} findings, {} mutants checked\n\
         seconds: the check, then the comparison with itself; MB: peak memory",
        rows.len(),
        count(&|row| row.read),
        count(&|row| row.panicked),
        count(&|row| row.adopts),
        count(&|row| row.diff_with_itself),
        100.0 * compared as f64 / operations.max(1) as f64,
        sum(&|row| row.findings),
        sum(&|row| row.mutants),
    )
}
