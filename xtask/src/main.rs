//! `cargo xtask`: the chores of this repository, with nothing but cargo needed.

use std::path::PathBuf;
use std::process::ExitCode;

use apidrift::cli::{self, Check, Conform};
use clap::Parser;
use openapi_dropshot::Dropshot;
use xtask::{bench, corpus, generate, peers, test};

/// Contracts are read into many small values.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What people type before a command.
const PROGRAM: &str = "cargo xtask";

/// The chores of OpenCDI.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, bin_name = PROGRAM)]
enum Xtask {
    /// Turn the contract into the server's and the client's code, and the table of rules into its page
    Generate {
        /// Change nothing; exit 1 if a generated file is not what it should be
        #[arg(long)]
        check: bool,
    },
    /// Prove that the contract, the server, the client and the reference pages say the same things
    #[command(after_help = cli::check_help(PROGRAM))]
    Check(Check),
    /// Hold a live server to the contract, over HTTP; without --url one of this project
    #[command(after_help = cli::conform_help(PROGRAM))]
    Conform(Box<Conform>),
    /// Say what the check makes of other people's contracts: all those of a folder, or one as a line of JSON
    Corpus {
        /// The folder, or one contract
        path: PathBuf,
        /// Also look at so many documents made of each by mistakes
        #[arg(long, default_value_t = 0)]
        mutants: usize,
        /// How it is shown: a table, or one array of objects
        #[arg(long, value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// Measure which drifts of the guide's example other tools name, and print it as a table; installs them from npm and PyPI
    Peers {
        /// The `apidrift` to measure, instead of one that is built for it
        #[arg(long, value_name = "FILE")]
        apidrift: Option<PathBuf>,
        /// Also print what each tool said
        #[arg(long)]
        details: bool,
    },
    /// Measure something, beside a reference in the same run
    #[command(subcommand)]
    Bench(Bench),
    /// Install what the tests need (a private Postgres included), run them all, check that nothing has drifted, and hold a server
    /// to the contract
    Test {
        /// Parts of the names of the tests to run; without any everything runs
        filter: Vec<String>,
    },
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// The check, on contracts of up to 1,000 operations
    Check,
    /// `cdi status` from start to exit, beside the bare request
    Status,
    /// Rows from SQLite and Postgres into a file and a local service, beside the same without work in between
    Sync {
        /// How many rows
        #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10..=100_000_000))]
        rows: u32,
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
        Xtask::Corpus { path, mutants, .. } if path.is_file() => corpus::run_one(&path, mutants),
        Xtask::Corpus { path, mutants, format } => corpus::run(&path, mutants, format == "json"),
        Xtask::Peers { apidrift, details } => peers::run(&cli::root()?, apidrift, details),
        Xtask::Bench(Bench::Check) => bench::check::run(&cli::root()?),
        Xtask::Bench(Bench::Status) => bench::status(&cli::root()?),
        Xtask::Bench(Bench::Sync { rows }) => bench::sync(&cli::root()?, rows),
        Xtask::Test { filter } => test::run(&cli::root()?, &filter),
    }
}
