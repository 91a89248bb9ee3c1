//! `cargo xtask corpus DIR --generate --call`: calls every operation of each generated server once, with the generated client, with
//! values made from the schemas, and compares what arrives with what was sent. The document that the server stands for is compared
//! with the contract.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use apidrift::check::{Claims, compare};
use apidrift::conform::sample;
use apidrift_core::contract::Contract;
use openapi_dropshot::{GeneratedClient, round_trip};
use openapi_model::source::Source;
use openapi_model::values::Values;
use serde::{Deserialize, Serialize};

use super::generate::Project;

/// The result of calling the operations of one document.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Calls {
    /// How many operations can be called.
    called: usize,
    /// Their IDs.
    pub operations: Vec<String>,
    /// Whether they were called.
    pub made: bool,
    /// How many of them arrived as they left, and whose answers did.
    arrived: usize,
    /// Those that did not, with the reasons.
    failed: Vec<(String, String)>,
    /// Those that are not called, by reason.
    skipped: BTreeMap<String, usize>,
    /// What the server's document says otherwise than the contract; `None` if it could not be read.
    emitted: Option<Vec<String>>,
    /// The time of compiling and calling.
    seconds: f64,
}

/// The crates that the program needs beside the client and the server.
const DEPENDENCIES: &str = "\
chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }
dropshot = \"=0.18.0\"
http = \"1\"
serde = { version = \"1\", features = [\"derive\"] }
serde_json = \"1\"
tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }
uuid = { version = \"1\", features = [\"serde\"] }
";

/// Writes the program that calls the operations as a crate beside those of the client and the server.
///
/// # Errors
///
/// If the crate cannot be written, or the program is no Rust.
pub fn write(into: &Path, contract: &Contract, client: &GeneratedClient) -> anyhow::Result<Calls> {
    let values = RefCell::new(Values::new(&contract.document));
    let make =
        |schema, direction, is_plain| sample(&contract.document, &mut values.borrow_mut(), schema, direction, is_plain);
    let program = round_trip(contract, client, &make).map_err(anyhow::Error::msg)?;
    let name = super::name(into);
    let base = name.trim_end_matches("_calls");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{DEPENDENCIES}\
         client = {{ path = \"../{base}_client\", package = \"{base}_client\" }}\n\
         server = {{ path = \"../{base}_server\", package = \"{base}_server\" }}\n"
    );
    std::fs::create_dir_all(into.join("src"))?;
    std::fs::write(into.join("Cargo.toml"), manifest)?;
    std::fs::write(into.join("src/main.rs"), program.text).with_context(|| format!("{name} cannot be written"))?;
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for (_, why) in program.skipped {
        *skipped.entry(super::generate::kind(&why)).or_default() += 1;
    }
    Ok(Calls { called: program.called.len(), operations: program.called, skipped, ..Calls::default() })
}

/// The name of a document's program.
pub fn program(crate_name: &str) -> String {
    format!("{crate_name}_calls")
}

/// What the program says of an operation.
#[derive(Deserialize)]
struct Said {
    operation: String,
    why: Option<String>,
}

/// Compiles and runs the program of a document.
///
/// # Errors
///
/// If cargo cannot be run.
pub fn run(project: &Project<'_>, crate_name: &str, file: &Path, calls: &mut Calls) -> anyhow::Result<()> {
    let began = Instant::now();
    calls.made = true;
    let program = program(crate_name);
    if !project.builds(&program)? {
        calls.failed.push((program, "it does not compile".to_owned()));
        return Ok(());
    }
    let said = project.output(&program, &[])?;
    for line in said.lines() {
        let Ok(Said { operation, why }) = serde_json::from_str(line) else { continue };
        match why {
            None => calls.arrived += 1,
            Some(why) => calls.failed.push((operation, why)),
        }
    }
    calls.emitted = emitted(file, &project.output(&program, &["openapi"])?);
    calls.seconds = began.elapsed().as_secs_f64();
    Ok(())
}

/// The differences between the server's document and the contract.
fn emitted(file: &Path, text: &str) -> Option<Vec<String>> {
    let folder = file.parent()?;
    let source = Source::read(folder, file).ok()?;
    serde_json::from_str::<serde_json::Value>(text).ok()?;
    let claims =
        Claims { folder: Some(folder.to_owned()), emitted: Some(Source::new("the server", text)), ..Claims::default() };
    let (outcome, _) = compare(&source, &claims, None);
    let of_server = outcome.findings.iter().filter(|finding| finding.rule.info().name.starts_with("server/"));
    Some(of_server.map(|finding| finding.message.clone()).collect())
}

/// A line of the table, and one for each operation that failed.
pub fn lines(calls: &Calls) -> String {
    let skipped: Vec<String> = calls.skipped.iter().map(|(reason, times)| format!("{times}: {reason}")).collect();
    let emitted = match &calls.emitted {
        Some(differences) if differences.is_empty() => "emits what the contract says".to_owned(),
        Some(differences) => format!("EMITS {} DIFFERENCES", differences.len()),
        None => "emits nothing".to_owned(),
    };
    let mut text = format!(
        "  calls  {:>4}, {:>4} arrived, {emitted} {:>6.1} s  {}",
        calls.called,
        calls.arrived,
        calls.seconds,
        skipped.join("; ")
    );
    for (operation, why) in &calls.failed {
        text.push_str(&format!("\n         {operation}: {}", why.chars().take(300).collect::<String>()));
    }
    for difference in calls.emitted.iter().flatten().take(5) {
        text.push_str(&format!("\n         emitted: {}", difference.chars().take(300).collect::<String>()));
    }
    text
}

/// Whether every operation is called and arrives.
pub fn is_whole(calls: &Calls) -> bool {
    calls.skipped.is_empty() && calls.failed.is_empty() && calls.arrived == calls.called && calls.called > 0
}

/// Whether nothing is wrong with the calls that were made.
pub fn is_well(calls: &Calls) -> bool {
    !calls.made || calls.failed.is_empty() && calls.arrived == calls.called && is_faithful(calls)
}

/// Whether the server says of itself what the contract says.
pub fn is_faithful(calls: &Calls) -> bool {
    calls.emitted.as_ref().is_some_and(Vec::is_empty)
}
