//! `cargo xtask bench check`: how long the check takes, and that its time grows no faster than the contract.
//!
//! The contracts are made in memory from the real one, with its pages: its operations are repeated under new names.
//! Reading them alone is measured too, so that the result does not depend on the machine.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use apidrift::check::{self, Claims, Pages};
use apidrift::page::Page;
use apidrift_core::contract::Contract;
use apidrift_core::profile::{Profile, Requirement};
use apidrift_core::rules::Severity;
use apidrift_core::settings::Project;
use openapi_dropshot::Dropshot;
use openapi_model::node;
use openapi_model::source::Source;

const SIZES: [usize; 4] = [125, 250, 500, 1000];
/// The number of runs; the fastest counts.
const RUNS: usize = 3;

/// Runs the benchmark and prints a table.
pub fn run(root: &Path) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        eprintln!("measuring a release build");
        let mut cargo = Command::new("cargo");
        cargo.args(["run", "--release", "--quiet", "--package", "xtask", "--", "bench", "check"]).current_dir(root);
        let passed = cargo.status().context("cargo cannot be run")?.success();
        return Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let project = Project::load(root).map_err(anyhow::Error::msg)?;
    let contract = project.read(&project.layout.contract).map_err(anyhow::Error::msg)?;
    let pages = check::read_pages(&project).map_err(anyhow::Error::msg)?;
    println!(
        "{:>10} {:>8} {:>8} {:>9} {:>9} {:>7} {:>9} {:>7} {:>10} {:>7}",
        "operations", "MB", "findings", "read", "check", "growth", "drifted", "growth", "generate", "growth"
    );
    let mut before: Option<[Duration; 3]> = None;
    let profile = project.profile.clone().unwrap_or_default();
    let own = Sample { contract: contract.clone(), pages: pages.iter().map(copy).collect(), profile };
    let samples = std::iter::once(Ok(own)).chain(SIZES.iter().map(|size| Sample::new(&contract, &pages, *size)));
    for sample in samples {
        let sample = sample?;
        let drifted = sample.drifted();
        let (read, ()) = best(|| sample.read());
        let (check, (findings, operations)) = best(|| sample.check());
        if findings > 0 {
            bail!("the enlarged contract has {findings} findings, but should have none, like the real contract");
        }
        let (check_drifted, (findings, _)) = best(|| drifted.check());
        let (generate, ()) = best(|| sample.generate(&project));
        let now = [check, check_drifted, generate];
        let growth = |at: usize| match before {
            Some(before) if operations > SIZES[0] + 2 => {
                format!("x{:.2}", now[at].as_secs_f64() / before[at].as_secs_f64())
            }
            _ => String::new(),
        };
        println!(
            "{operations:>10} {:>8.2} {findings:>8} {:>9} {:>9} {:>7} {:>9} {:>7} {:>10} {:>7}",
            sample.size() as f64 / 1e6,
            shown(read),
            shown(check),
            growth(0),
            shown(check_drifted),
            growth(1),
            shown(generate),
            growth(2),
        );
        before = Some(now);
    }
    println!(
        "\nread: parse the contract and the pages. check: all of it, and compare the contract with itself as its earlier version.\n\
         drifted: the same with a wrong message on every page. generate: server and client, in memory. growth: ratio to the row\n\
         above, which has half the operations. The first row is this repository."
    );
    Ok(ExitCode::SUCCESS)
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn best<T>(action: impl Fn() -> T) -> (Duration, T) {
    let measure = || {
        let start = Instant::now();
        let result = action();
        (start.elapsed(), result)
    };
    let first = measure();
    (1..RUNS).map(|_| measure()).fold(first, |best, run| if run.0 < best.0 { run } else { best })
}

/// A contract with its pages.
pub struct Sample {
    contract: Arc<Source>,
    pages: Vec<Pages>,
    /// The profile of this repository, with complete pages.
    profile: Profile,
}

fn copy(pages: &Pages) -> Pages {
    Pages { language: pages.language, sources: pages.sources.clone(), are_complete: true }
}

impl Sample {
    /// A copy of the contract and its pages with at least so many operations.
    pub fn new(contract: &Source, pages: &[Pages], operations: usize) -> anyhow::Result<Sample> {
        let text = &contract.text;
        let section = |from: &str, to: &str| -> anyhow::Result<(usize, usize)> {
            let start = text.find(from).with_context(|| format!("{} has no line `{}`", contract.path, from.trim()))?;
            let start = start + from.len();
            let end = text[start..].find(to).map_or(text.len(), |at| start + at);
            Ok((start, end))
        };
        let (paths, schemas) = (section("\npaths:\n", "\ncomponents:\n")?, section("\n  schemas:\n", "\n\n\n")?);
        let copies = operations.div_ceil(text[paths.0..paths.1].matches("operationId:").count().max(1));
        let mut large = text[..paths.0].to_owned();
        (0..copies).for_each(|copy| large.push_str(&renamed(&text[paths.0..=paths.1], copy)));
        large.push_str(&text[paths.1 + 1..schemas.0]);
        large.push_str(&text[schemas.0..schemas.1]);
        (0..copies).for_each(|copy| large.push_str(&own_schemas(&text[schemas.0..schemas.1], copy)));
        let pages = pages.iter().map(|pages| {
            let (common, own): (Vec<_>, Vec<_>) =
                pages.sources.iter().partition(|source| Page::read(source, pages.language).declarations.is_empty());
            let copies = (0..copies).flat_map(|copy| own.iter().map(move |source| page(source, copy)));
            let sources = common.into_iter().cloned().chain(copies).collect();
            Pages { language: pages.language, sources, are_complete: true }
        });
        let contract = Source::new("openapi/large.yaml", large);
        let read = Contract::read(&contract, None, None);
        let mut profile = read.map_err(|error| anyhow::anyhow!("{}", error.message))?.profile;
        profile.require.push(Requirement::CompletePages);
        Ok(Sample { contract, pages: pages.collect(), profile })
    }

    /// The same, with an error on every page that the contract does not have.
    pub fn drifted(&self) -> Sample {
        let drift = |source: &Arc<Source>| {
            Source::new(source.path.as_str(), source.text.replace("`400 Invalid", "`400 Invalit"))
        };
        let pages = self.pages.iter().map(|pages| Pages {
            language: pages.language,
            sources: pages.sources.iter().map(drift).collect(),
            are_complete: true,
        });
        Sample { contract: self.contract.clone(), pages: pages.collect(), profile: self.profile.clone() }
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        let pages = self.pages.iter().flat_map(|pages| &pages.sources).map(|source| source.text.len());
        self.contract.text.len() + pages.sum::<usize>()
    }

    /// Parses everything without comparing anything.
    fn read(&self) {
        std::hint::black_box(node::parse(&self.contract.text).is_ok());
        for pages in &self.pages {
            for source in &pages.sources {
                std::hint::black_box(Page::read(source, pages.language));
            }
        }
    }

    /// The numbers of findings and operations.
    pub fn check(&self) -> (usize, usize) {
        let claims = Claims {
            profile: Some(self.profile.clone()),
            base: Some(self.contract.clone().into()),
            pages: self.pages.iter().map(copy).collect(),
            is_generated: true,
            has_named_errors: true,
            ..Claims::default()
        };
        let (outcome, contract) = check::compare(&self.contract, &claims, Some(&Dropshot));
        let findings = outcome.findings.iter().filter(|finding| finding.severity() != Severity::Note).count();
        (findings, contract.map_or(0, |contract| contract.operations.len()))
    }

    fn generate(&self, project: &Project) {
        if let Ok(contract) = Contract::read(&self.contract, None, project.profile.as_ref()) {
            std::hint::black_box(openapi_dropshot::outputs(&contract, &project.layout).is_ok());
        }
    }
}

/// The operations with the names of a copy.
fn renamed(paths: &str, copy: usize) -> String {
    paths
        .replace("  /", &format!("  /copy-{copy}/"))
        .replace("operationId: ", &format!("operationId: copy_{copy}_"))
        .replace("#/components/schemas/", &format!("#/components/schemas/Copy{copy}"))
        .replace(&format!("#/components/schemas/Copy{copy}Error"), "#/components/schemas/Error")
}

/// The schemas of a copy, which refer to each other.
fn own_schemas(schemas: &str, copy: usize) -> String {
    let renamed = schemas.replace("#/components/schemas/", &format!("#/components/schemas/Copy{copy}"));
    let lines = renamed.lines().map(|line| match line.strip_prefix("    ") {
        Some(name) if name.starts_with(|first: char| first.is_ascii_uppercase()) => format!("    Copy{copy}{name}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn page(source: &Source, copy: usize) -> Arc<Source> {
    let path = source.path.replace(".md", &format!("-{copy}.md"));
    Source::new(path, source.text.replace("/cdi/", &format!("/copy-{copy}/cdi/")))
}
