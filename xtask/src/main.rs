//! `cargo xtask`: the development tasks of this repository. They need nothing but cargo.

use std::path::PathBuf;
use std::process::ExitCode;

use apidrift::cli::{self, Check, Conform};
use clap::Parser;
use openapi_dropshot::Dropshot;
use xtask::{bench, corpus, generate, peers, schemathesis, test};

/// Parsing contracts makes many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command that users type before a subcommand.
const PROGRAM: &str = "cargo xtask";

/// Development tasks of OpenCDI.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, bin_name = PROGRAM)]
enum Xtask {
    /// Generate the server and client code from the contract, and RULES.md from the table of rules
    Generate {
        /// Change nothing; exit 1 if a generated file is out of date
        #[arg(long)]
        check: bool,
    },
    /// Check that the contract, the server, the client and the reference pages agree
    #[command(after_help = cli::check_help(PROGRAM))]
    Check(Check),
    /// Test a live server against the contract, over HTTP; without --url, this project's server
    #[command(after_help = cli::conform_help(PROGRAM))]
    Conform(Box<Conform>),
    /// Run the check on other people's contracts: a folder of them as a table, or one as a line of JSON
    #[command(after_help = "Example: cargo xtask corpus contracts --generate --conform --peers --only shop")]
    Corpus {
        /// A folder of contracts, or one contract
        path: PathBuf,
        /// Also check this many mutated copies of each contract
        #[arg(long, default_value_t = 0)]
        mutants: usize,
        /// Output format: a table, or one JSON array of objects
        #[arg(long, value_parser = ["table", "json"], default_value = "table")]
        format: String,
        /// Instead of checking, generate a client and a server of each contract and compile them
        #[arg(long, conflicts_with = "mutants")]
        generate: bool,
        /// Take only contracts whose file name contains this text; may be given several times
        #[arg(long, requires = "generate")]
        only: Vec<String>,
        /// Also call every operation of each server once, with the client, and compare what arrives with what was sent
        #[arg(long, requires = "generate")]
        call: bool,
        /// Also run each server, and test it with `conform`: as it is, and with faults that a proxy adds
        #[arg(long, requires = "generate")]
        conform: bool,
        /// Also test the same servers with Schemathesis, which is installed from PyPI
        #[arg(long, requires = "conform")]
        peers: bool,
        /// The seed of generated requests and of faults
        #[arg(long, requires = "conform", default_value_t = 1)]
        seed: u64,
        /// How many faults of each class a server gets at most
        #[arg(long, requires = "conform", default_value_t = 5)]
        faults: usize,
        /// Keep the generated crates, in this folder
        #[arg(long, value_name = "FOLDER", requires = "generate")]
        crates: Option<PathBuf>,
        /// Write the generated crates of one contract beside this folder
        #[arg(long, requires = "generate", hide = true)]
        into: Option<PathBuf>,
    },
    /// Measure which drifts in the guide's example other tools report; installs the tools from npm and PyPI
    Peers {
        /// The `apidrift` binary to measure; by default one is built
        #[arg(long, value_name = "FILE")]
        apidrift: Option<PathBuf>,
        /// Also print the output of each tool
        #[arg(long)]
        details: bool,
    },
    /// Run a benchmark, with a reference measurement in the same run
    #[command(subcommand)]
    Bench(Bench),
    /// Install what the tests need (including a private Postgres), run them all, run the check, and test a server
    Test {
        /// Run only tests whose names contain one of these; by default everything runs
        filter: Vec<String>,
        /// Let each test of `tests/tests/soak/` (kills, crashes, hostile requests) take this long instead of seconds
        #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..))]
        soak: Option<u32>,
    },
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// The check, on contracts of up to 1,000 operations
    Check,
    /// Requests a second compared with a bare HTTP server; then with many jobs, integrations and replicas
    Service,
    /// `cdi status` from start to exit, compared with the bare request
    Status,
    /// Sync rows from SQLite and Postgres into a file and a local service, compared with only moving them
    Sync {
        /// What to measure
        #[arg(value_enum, default_value_t = bench::SyncPart::Throughput)]
        part: bench::SyncPart,
        /// How many rows; by default a million, or ten for a first load. `latency` sends for 25 seconds whatever this says
        #[arg(long, value_parser = clap::value_parser!(u32).range(10..=100_000_000))]
        rows: Option<u32>,
    },
}

fn main() -> ExitCode {
    run(Xtask::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run(chore: Xtask) -> anyhow::Result<ExitCode> {
    match chore {
        Xtask::Generate { check } => generate::run(&cli::root()?, check),
        Xtask::Check(check) => cli::check(&check, PROGRAM, Some(&Dropshot)),
        Xtask::Conform(conform) => cli::conform(*conform),
        Xtask::Corpus { path, generate: true, into: Some(into), call, .. } => {
            corpus::generate::run_one(&path, &into, call)
        }
        Xtask::Corpus { path, generate: true, only, call, conform, peers, seed, faults, crates, format, .. } => {
            let root = cli::root()?;
            let peer = if peers { Some(schemathesis::install(&root)?) } else { None };
            let live = conform.then_some(corpus::live::Options { peer, seed, faults });
            let options = corpus::generate::Options { calls: call, live, crates };
            corpus::generate::run(&root, &path, &only, &options, format == "json")
        }
        Xtask::Corpus { path, mutants, .. } if path.is_file() => corpus::run_one(&path, mutants),
        Xtask::Corpus { path, mutants, format, .. } => corpus::run(&path, mutants, format == "json"),
        Xtask::Peers { apidrift, details } => peers::run(&cli::root()?, apidrift, details),
        Xtask::Bench(Bench::Check) => bench::check::run(&cli::root()?),
        Xtask::Bench(Bench::Service) => bench::service(&cli::root()?),
        Xtask::Bench(Bench::Status) => bench::status(&cli::root()?),
        Xtask::Bench(Bench::Sync { part, rows }) => bench::sync(&cli::root()?, part, rows),
        Xtask::Test { filter, soak } => test::run(&cli::root()?, &filter, soak),
    }
}
