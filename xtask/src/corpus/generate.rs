//! `cargo xtask corpus DIR --generate`: generates code from other people's contracts and compiles it.
//!
//! Each contract is generated in a process of its own, with a time limit, into a crate of its own. The crates are one cargo
//! workspace in a temporary folder with the versions of our `Cargo.lock`; what they depend on is compiled once, into
//! `target/corpus`. Warnings are errors there, those of clippy too, except in very long crates, for which clippy takes too
//! long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apidrift_core::contract::Contract;
use openapi_dropshot::{Dependency, Refused, client_dependencies, server, server_dependencies, standalone_client};
use openapi_model::source::Source;
use serde::{Deserialize, Serialize};

use super::calls::{self, Calls};
use super::live::{self, Live};
use super::{contracts, limited, name};

/// The time limit for generating one crate.
const LONGEST_GENERATE: Duration = Duration::from_secs(300);
/// The time limit for compiling one crate.
const LONGEST_COMPILE: Duration = Duration::from_secs(900);
/// The time limit for the program that calls the operations of one document.
const LONGEST_CALLS: Duration = Duration::from_secs(120);
/// Crates with more lines than this are compiled without clippy.
const MANY_LINES: usize = 100_000;
/// The crate that has every dependency, so that the time of compiling them is nobody's.
const FIRST: &str = "dependencies";

/// The result for one document.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    document: String,
    /// How many operations it has; `None` if it could not be read.
    operations: Option<usize>,
    client: Half,
    server: Half,
    /// The calls; `None` if they were not wanted.
    calls: Option<Calls>,
    /// The tests of the running server; `None` if they were not wanted.
    live: Option<Live>,
}

/// What is done with the generated crates, beside compiling them.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Every operation is called once.
    pub calls: bool,
    /// The servers are tested while they run.
    pub live: Option<live::Options>,
    /// The crates are written into this folder, and kept; by default into a temporary one.
    pub crates: Option<PathBuf>,
}

/// The result for the client or the server of one document.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Half {
    /// How many operations it has.
    taken: usize,
    /// How many it does not have, by reason.
    refused: BTreeMap<String, usize>,
    /// How often something is said that it cannot do of an operation.
    losses: usize,
    /// How many operations have nothing of that kind.
    without_loss: usize,
    lines: usize,
    /// The time of generating.
    seconds: f64,
    /// Why there is no code at all.
    failed: Option<String>,
    /// Whether it compiles without a warning; `None` if it was not tried.
    compiles: Option<bool>,
    compile_seconds: f64,
}

/// Generates a client and a server of every contract of a folder, or of those whose name contains one of the texts in
/// `only`, and compiles them.
///
/// # Errors
///
/// If the folder cannot be read, or cargo cannot be run.
pub fn run(root: &Path, folder: &Path, only: &[String], options: &Options, as_json: bool) -> anyhow::Result<ExitCode> {
    let files = if folder.is_file() { vec![folder.to_owned()] } else { contracts(folder)? };
    let is_wanted = |file: &Path| only.is_empty() || only.iter().any(|text| name(file).contains(text));
    let files = files.iter().filter(|file| is_wanted(file));
    let scratch = tempfile::tempdir().context("no temporary folder can be made")?;
    let project = Project { folder: options.crates.as_deref().unwrap_or(scratch.path()), root };
    std::fs::create_dir_all(project.folder)?;
    let calls = options.calls || options.live.is_some();
    let mut rows = Vec::new();
    for file in files {
        rows.push((file, project.crate_name(file), generated(file, calls, &project)?));
    }
    anyhow::ensure!(!rows.is_empty(), "{} holds no such contract", folder.display());
    project.prepare()?;
    for (file, crate_name, row) in &mut rows {
        // What is only tested while it runs is compiled for that.
        let is_only_run = options.live.is_some() && !options.calls;
        let halves = [("client", &mut row.client), ("server", &mut row.server)];
        for (part, half) in halves.into_iter().filter(|_| !is_only_run) {
            if half.failed.is_none() && row.operations.is_some() {
                let began = Instant::now();
                half.compiles = Some(project.compiles(&format!("{crate_name}_{part}"), half.lines <= MANY_LINES)?);
                half.compile_seconds = began.elapsed().as_secs_f64();
            }
        }
        let both_compile = row.client.compiles == Some(true) && row.server.compiles == Some(true);
        if let Some(calls) = row.calls.as_mut().filter(|_| both_compile) {
            calls::run(&project, crate_name, file, calls)?;
        }
        let operations = row.calls.iter().flat_map(|calls| calls.operations.clone()).collect::<Vec<_>>();
        let program = calls::program(crate_name);
        if let Some(options) = options.live.as_ref().filter(|_| !operations.is_empty()) {
            row.live = Some(match project.builds(&program)? {
                true => live::test(&project.program(&program), file, &operations, options)?,
                false => Live { untested: vec!["its program does not compile".to_owned()], ..Live::default() },
            });
        }
        if !as_json {
            println!("{}", line(row));
        }
    }
    let rows: Vec<Row> = rows.into_iter().map(|(_, _, row)| row).collect();
    if as_json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", summary(&rows));
    }
    Ok(if rows.iter().all(is_well) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether everything that was tried of a document went well. Operations that are refused are told, but are no failure.
fn is_well(row: &Row) -> bool {
    [&row.client, &row.server].iter().all(|half| half.failed.is_none() && half.compiles != Some(false))
        && row.calls.as_ref().is_none_or(calls::is_well)
        && row.live.as_ref().is_none_or(live::is_well)
}

/// Generates the client and the server of one document in this process, writes them as crates whose names begin with that of
/// `into`, and prints the result, for [`run`].
///
/// # Errors
///
/// If the crate cannot be written.
pub fn run_one(file: &Path, into: &Path, calls: bool) -> anyhow::Result<ExitCode> {
    let mut row = Row { document: name(file), ..Row::default() };
    let folder = file.parent().unwrap_or(Path::new("."));
    let contract = Source::read(folder, file).ok().and_then(|source| Contract::read(&source, Some(folder), None).ok());
    if let Some(contract) = contract {
        row.operations = Some(contract.operations.len());
        let began = Instant::now();
        match standalone_client(&contract.document, &BTreeSet::new()) {
            Ok(client) => {
                let losses: Vec<usize> = client.operations.iter().map(|operation| operation.losses.len()).collect();
                row.client = half(&client.text, &losses, &client.refused);
                write(&part(into, "client"), &client.text, &client.dependencies)?;
                if calls {
                    row.calls = Some(calls::write(&part(into, "calls"), &contract, &client)?);
                }
            }
            Err(why) => row.client.failed = Some(why),
        }
        row.client.seconds = began.elapsed().as_secs_f64();
        let began = Instant::now();
        match server(&contract, &BTreeSet::new()) {
            Ok(server) => {
                row.server = half(&server.text, &vec![0; server.operations], &server.refused);
                row.server.losses = server.not_validated.len();
                write(&part(into, "server"), &server.text, &server.dependencies)?;
            }
            Err(problem) => row.server.failed = Some(problem.message),
        }
        row.server.seconds = began.elapsed().as_secs_f64();
    }
    println!("{}", serde_json::to_string(&row)?);
    Ok(ExitCode::SUCCESS)
}

/// The folder, and so the name, of the crate of a client or a server.
fn part(into: &Path, part: &str) -> PathBuf {
    into.with_file_name(format!("{}_{part}", name(into)))
}

fn half(text: &str, losses: &[usize], refused: &[Refused]) -> Half {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for operation in refused {
        *reasons.entry(kind(&operation.reason)).or_default() += 1;
    }
    Half {
        taken: losses.len(),
        refused: reasons,
        losses: losses.iter().sum(),
        without_loss: losses.iter().filter(|losses| **losses == 0).count(),
        lines: text.lines().count(),
        ..Half::default()
    }
}

/// A reason without the names in it.
pub fn kind(reason: &str) -> String {
    let parts = reason.split('`').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "…" });
    parts.collect()
}

fn write(into: &Path, text: &str, dependencies: &[Dependency]) -> anyhow::Result<()> {
    let crate_name = name(into);
    std::fs::create_dir_all(into.join("src"))?;
    std::fs::write(into.join("Cargo.toml"), manifest(&crate_name, dependencies))?;
    std::fs::write(into.join("src/lib.rs"), text).with_context(|| format!("{crate_name} cannot be written"))
}

fn manifest(crate_name: &str, dependencies: &[Dependency]) -> String {
    let dependencies: String = dependencies.iter().map(|dependency| dependency.line() + "\n").collect();
    format!(
        "[package]\nname = \"{crate_name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lints]\nworkspace = true\n\n\
         [dependencies]\n{dependencies}"
    )
}

fn generated(file: &Path, calls: bool, project: &Project<'_>) -> anyhow::Result<Row> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let into = project.folder.join(project.crate_name(file));
    let mut command = Command::new(program);
    command.arg("corpus").arg(file).args(["--generate", "--into"]).arg(&into);
    if calls {
        command.arg("--call");
    }
    let said = limited(&mut command, LONGEST_GENERATE)?;
    let row = said.filter(|said| said.is_success).and_then(|said| serde_json::from_str(said.stdout.trim()).ok());
    Ok(row.unwrap_or_else(|| {
        let failed = Some("the generator panicked or took too long".to_owned());
        let failed = || Half { failed: failed.clone(), ..Half::default() };
        Row { document: name(file), operations: None, client: failed(), server: failed(), calls: None, live: None }
    }))
}

/// The cargo workspace of all generated crates.
pub struct Project<'a> {
    folder: &'a Path,
    root: &'a Path,
}

impl Project<'_> {
    /// The name of a document's crate. In front of it stands a letter, because a name must not begin with a digit.
    fn crate_name(&self, file: &Path) -> String {
        let letters = name(file).to_lowercase();
        let words = letters.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        format!("c_{}", words.collect::<Vec<_>>().join("_"))
    }

    /// Writes the workspace and compiles what all crates depend on.
    fn prepare(&self) -> anyhow::Result<()> {
        let manifest_text = "[workspace]\nmembers = [\"*\"]\nresolver = \"3\"\n\n[workspace.lints.rust]\nwarnings = \"deny\"\n\n\
                             [workspace.lints.clippy]\nall = \"deny\"\n";
        std::fs::write(self.folder.join("Cargo.toml"), manifest_text)?;
        std::fs::copy(self.root.join("Cargo.lock"), self.folder.join("Cargo.lock"))
            .context("Cargo.lock cannot be copied")?;
        let first = self.folder.join(FIRST);
        std::fs::create_dir_all(first.join("src"))?;
        std::fs::write(first.join("Cargo.toml"), manifest(FIRST, &all_dependencies()))?;
        std::fs::write(first.join("src/lib.rs"), "//! Nothing.\n")?;
        anyhow::ensure!(self.compiles(FIRST, false)?, "what the generated crates depend on cannot be compiled");
        Ok(())
    }

    /// Whether a crate compiles without a warning in the time that it has.
    fn compiles(&self, crate_name: &str, with_clippy: bool) -> anyhow::Result<bool> {
        self.cargo(if with_clippy { "clippy" } else { "check" }, crate_name)
    }

    /// Builds a program.
    pub fn builds(&self, crate_name: &str) -> anyhow::Result<bool> {
        self.cargo("build", crate_name)
    }

    /// The path of a program that was built.
    fn program(&self, crate_name: &str) -> PathBuf {
        self.root.join("target/corpus/debug").join(crate_name)
    }

    /// What a program that was built prints.
    pub fn output(&self, crate_name: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(self.program(crate_name));
        command.args(arguments).stdin(Stdio::null());
        Ok(limited(&mut command, LONGEST_CALLS)?.map(|said| said.stdout).unwrap_or_default())
    }

    fn cargo(&self, subcommand: &str, crate_name: &str) -> anyhow::Result<bool> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .arg(subcommand)
            .args(["--quiet", "--offline", "--package", crate_name, "--target-dir"])
            .arg(self.root.join("target/corpus"))
            .current_dir(self.folder)
            // Hardly any crate is compiled twice.
            .env("CARGO_INCREMENTAL", "0")
            .stdin(Stdio::null());
        Ok(limited(&mut command, LONGEST_COMPILE)?.is_some_and(|said| said.is_success))
    }
}

/// Every crate that generated code may need.
fn all_dependencies() -> Vec<Dependency> {
    let mut all: Vec<Dependency> = client_dependencies().into_iter().chain(server_dependencies()).collect();
    all.sort_by_key(|dependency| dependency.name);
    all.dedup_by_key(|dependency| dependency.name);
    all
}

fn line(row: &Row) -> String {
    let operations = row.operations.map_or("?".to_owned(), |count| count.to_string());
    let parts = [("client", &row.client), ("server", &row.server)].map(|(part, half)| {
        let compiles = match half.compiles {
            Some(true) => "compiles",
            Some(false) => "DOES NOT COMPILE",
            None => "not compiled",
        };
        let refused: Vec<String> = half.refused.iter().map(|(reason, times)| format!("{times}: {reason}")).collect();
        format!(
            "  {part} {:>4}, losses {:>5} ({:>4} without) {:>6} lines {:>5.1} s {compiles} {:>6.1} s  {}{}",
            half.taken,
            half.losses,
            half.without_loss,
            half.lines,
            half.seconds,
            half.compile_seconds,
            refused.join("; "),
            half.failed.as_deref().unwrap_or_default(),
        )
    });
    let made = row.calls.as_ref().filter(|calls| calls.made);
    let calls = made.map(|calls| format!("\n{}", calls::lines(calls))).unwrap_or_default();
    let live = row.live.as_ref().map(|live| format!("\n{}", live::lines(live))).unwrap_or_default();
    format!("{}: {operations} operations\n{}\n{}{calls}{live}", row.document, parts[0], parts[1])
}

fn summary(rows: &[Row]) -> String {
    let operations: usize = rows.iter().filter_map(|row| row.operations).sum();
    let halves =
        [("clients", |row: &Row| &row.client), ("servers", |row: &Row| &row.server)] as [(_, fn(&Row) -> &Half); 2];
    let lines = halves.map(|(part, half)| {
        let taken: usize = rows.iter().map(|row| half(row).taken).sum();
        let compile = rows.iter().filter(|row| half(row).compiles == Some(true)).count();
        let percent = 100.0 * taken as f64 / operations.max(1) as f64;
        format!("{part}: {taken} of {operations} operations ({percent:.1} %); {compile} compile without a warning\n")
    });
    let is_complete = |row: &&Row| {
        [&row.client, &row.server].iter().all(|half| {
            row.operations.is_some_and(|count| count > 0 && count == half.taken) && half.compiles == Some(true)
        })
    };
    let complete = rows.iter().filter(is_complete);
    let calls: Vec<&Calls> = rows.iter().filter_map(|row| row.calls.as_ref()).filter(|calls| calls.made).collect();
    let count = |fits: fn(&Calls) -> bool| calls.iter().filter(|calls| fits(calls)).count();
    let called = match calls.is_empty() {
        true => String::new(),
        false => format!(
            "calls: every operation of {} documents arrived; {} servers emit what the contract says\n",
            count(calls::is_whole),
            count(calls::is_faithful)
        ),
    };
    let lives: Vec<&Live> = rows.iter().filter_map(|row| row.live.as_ref()).collect();
    let tested = if lives.is_empty() { String::new() } else { live::summary(&lives) };
    format!(
        "{} documents\n{}{}{called}{tested}{} documents are complete, {} of them with more than 50 operations\n\
         seconds: generating, then compiling",
        rows.len(),
        lines[0],
        lines[1],
        complete.clone().count(),
        complete.filter(|row| row.operations.is_some_and(|count| count > 50)).count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_a_crate_of_a_valid_name() {
        let project = Project { folder: Path::new("."), root: Path::new(".") };
        assert_eq!(project.crate_name(Path::new("a/3Shop__api-v1.0.yaml")), "c_3shop_api_v1_0_yaml");
    }

    #[test]
    fn reasons_are_counted_without_the_names_in_them() {
        assert_eq!(kind("the parameter `a` has the style `matrix`"), "the parameter … has the style …");
    }

    #[test]
    fn a_document_is_complete_if_every_operation_is_taken_and_compiles() {
        let half = |taken, compiles| Half { taken, compiles: Some(compiles), ..Half::default() };
        let row = |operations, taken, compiles| Row {
            document: String::new(),
            operations: Some(operations),
            client: half(taken, true),
            server: half(taken, compiles),
            calls: None,
            live: None,
        };
        let text = summary(&[row(60, 60, true), row(3, 3, false), row(4, 3, true)]);
        assert!(text.contains("clients: 66 of 67 operations (98.5 %); 3 compile without a warning"), "{text}");
        assert!(text.contains("servers: 66 of 67 operations (98.5 %); 2 compile without a warning"), "{text}");
        assert!(text.contains("1 documents are complete, 1 of them with more than 50 operations"), "{text}");
    }

    #[test]
    fn a_call_that_does_not_arrive_an_alarm_and_a_fault_that_is_not_named_are_failures() {
        let row = |calls: serde_json::Value, live: Live| {
            let calls: Calls = serde_json::from_value(calls).unwrap();
            Row { calls: Some(calls), live: Some(live), ..Row::default() }
        };
        let calls = |made, arrived, emitted: &[&str]| {
            serde_json::json!({"called": 1, "operations": ["a"], "made": made, "arrived": arrived, "failed": [],
                "skipped": {}, "emitted": emitted, "seconds": 0.0})
        };
        let faults = |missed: &[&str]| live::Faults {
            missed: missed.iter().map(ToString::to_string).collect(),
            ..live::Faults::default()
        };
        assert!(is_well(&row(calls(true, 1, &[]), Live::default())));
        assert!(is_well(&row(calls(false, 0, &[]), Live { classes: vec![faults(&[])], ..Live::default() })));
        assert!(!is_well(&row(calls(true, 0, &[]), Live::default())));
        assert!(!is_well(&row(calls(true, 1, &["another schema"]), Live::default())));
        assert!(!is_well(&row(calls(true, 1, &[]), Live { alarms: vec!["a".to_owned()], ..Live::default() })));
        assert!(!is_well(&row(calls(true, 1, &[]), Live { classes: vec![faults(&["a"])], ..Live::default() })));
    }
}
