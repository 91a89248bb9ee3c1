//! `cargo xtask`: the chores of this repository, with nothing but cargo needed.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, ValueEnum};
use xtask::check::{self, Outcome, Project, Scope, fix};
use xtask::conform::{self, Limits, Secret, Target, Wanted};
use xtask::contract::Contract;
use xtask::finding::{Finding, Severity};
use xtask::render::{self, Format};
use xtask::rules::Rule;
use xtask::{bench, generate, reference, test};

/// The chores of OpenCDI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Xtask {
    /// Turn the contract into the server's and the client's code, and the table of rules into its page
    Generate {
        /// Change nothing; exit 1 if a generated file is not what it should be
        #[arg(long)]
        check: bool,
    },
    /// Prove that the contract, the server, the client and the reference pages say the same things
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Hold a live server to the contract, over HTTP; without --url one of this project
    #[command(after_help = CONFORM_HELP)]
    Conform(Box<Conform>),
    /// Measure something, beside a reference in the same run
    #[command(subcommand)]
    Bench(Bench),
    /// Install what the tests need (a private Postgres included), run them all, and check that nothing has drifted
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

const CHECK_HELP: &str = "\
Exit status: 0 nothing has drifted, 1 something has, 2 something could not be checked.

openapi/check.toml says what is compared, and which findings are allowed for now.

Examples:
  cargo xtask check                                  compare everything
  cargo xtask check --fix --dry-run                  show what could be put right
  cargo xtask check --against main                   would the contract break clients of main's?
  cargo xtask check --page ~/docs/post_trigger.md    does a page from elsewhere tell the truth?
  cargo xtask check --format sarif > drift.sarif     for code scanning
  cargo xtask check --explain page/error-message     what a rule means
  cargo xtask check --adopt 'old, see the wiki'      allow what is found today, fail on what is new";

#[derive(Debug, Args)]
struct Check {
    /// How findings are shown
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// When colours are used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
    /// Apply what is safe, and show it
    #[arg(long)]
    fix: bool,
    /// With --fix: only show it
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Also find what breaks clients of an earlier contract: a revision of this repository, or a file
    #[arg(long, value_name = "REV|FILE")]
    against: Option<String>,
    /// Compare only this page from somewhere else with the contract
    #[arg(long = "page", value_name = "FILE", num_args = 1.., conflicts_with = "against")]
    pages: Vec<PathBuf>,
    /// Write an allowance for everything that is found, with this reason
    #[arg(long, value_name = "REASON", conflicts_with_all = ["fix", "against", "pages"], value_parser = reason)]
    adopt: Option<String>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["fix", "against", "pages", "adopt", "explain"])]
    rules: bool,
    /// Explain a rule
    #[arg(long, value_name = "RULE", conflicts_with_all = ["fix", "against", "pages", "adopt"])]
    explain: Option<String>,
}

const CONFORM_HELP: &str = "\
Exit status: 0 everything that was seen is as documented, 1 something is not, 2 it could not be tried. What was not seen
is listed with what would be needed. Without --url everything that is documented must be seen.

Keys are better given in the environment than on the command line, where others of the machine can read them.

Examples:
  cargo xtask conform                                            start a server of this project, provoke everything
  OPENCDI_KEY=… cargo xtask conform --url https://rest.iad-03.braze.com --read-only
  cargo xtask conform --url http://127.0.0.1:8080 --integration 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01
                                                                 also triggers a sync of this integration
  cargo xtask conform --url http://127.0.0.1:8080 --exhaust-rate-limits --timeout 10m
                                                                 also uses up the workspace's rate limits, and waits
  cargo xtask conform --operation list_integrations --format json
  cargo xtask check --explain live/order                         what a rule means";

#[derive(Debug, Args)]
struct Conform {
    /// The server's base URL; without it a server of this project is built and started
    #[arg(long)]
    url: Option<String>,
    /// An API key with every permission
    #[arg(long, env = conform::KEY, hide_env_values = true)]
    key: Option<String>,
    /// An API key of the same workspace without permissions: provokes 403
    #[arg(long, env = conform::KEY_WITHOUT_PERMISSION, hide_env_values = true, value_name = "KEY", requires = "url")]
    key_without_permission: Option<String>,
    /// An integration whose sync may really be triggered
    #[arg(long, value_name = "ID", requires = "url")]
    integration: Option<String>,
    /// An integration whose sync is in progress: provokes `Another job is in progress`
    #[arg(long, value_name = "ID", requires = "url")]
    busy_integration: Option<String>,
    /// An integration of another workspace: it must look like one that does not exist
    #[arg(long, value_name = "ID", requires = "url")]
    foreign_integration: Option<String>,
    /// Send only GETs
    #[arg(long)]
    read_only: bool,
    /// Use up rate limits: until their windows end, nobody in the workspace can call
    #[arg(long, requires = "url")]
    exhaust_rate_limits: bool,
    /// Try only this operation; give the flag again for others
    #[arg(long = "operation", value_name = "ID")]
    operations: Vec<String>,
    /// How long everything may take, such as 90s or 10m
    #[arg(long, default_value = "5m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Speak HTTP/2 without negotiating it
    #[arg(long)]
    http2: bool,
    /// How findings are shown
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// When colours are used
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl Colour {
    fn wanted(self) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// A reason that says something: the settings take no other.
fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why the findings are allowed".into()) } else { Ok(text.to_owned()) }
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Generate { check } => run_generate(check),
        Xtask::Check(check) => run_check(&check),
        Xtask::Conform(conform) => run_conform(*conform),
        Xtask::Bench(Bench::Check) => bench::check::run(&root()),
        Xtask::Bench(Bench::Status) => bench::status(&root()),
        Xtask::Bench(Bench::Sync { rows }) => bench::sync(&root(), rows),
        Xtask::Test { filter } => test::run(&root(), &filter),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn run_generate(only_check: bool) -> anyhow::Result<ExitCode> {
    let root = root();
    let project = Project::load(&root).map_err(anyhow::Error::msg)?;
    let source = project.read(&project.layout.contract).map_err(anyhow::Error::msg)?;
    let (contract, findings) = Contract::load(&source);
    let contract = match contract {
        Some(contract) if findings.is_empty() => contract,
        _ => return show_findings(findings),
    };
    let outputs = match generate::outputs(&contract, &project.layout) {
        Ok(outputs) => outputs,
        Err(findings) => return show_findings(findings),
    };
    let rules = root.join(reference::PAGE);
    let rules_are_fresh = std::fs::read_to_string(&rules).is_ok_and(|text| text == reference::page());
    if only_check {
        let stale: Vec<Finding> =
            outputs.iter().filter_map(|output| check::generated_file(&project, output, &contract)).collect();
        if !rules_are_fresh {
            eprintln!("{} is not what the table of rules says; run `cargo xtask generate`", reference::PAGE);
        }
        let code = show_findings(stale)?;
        return Ok(if rules_are_fresh { code } else { ExitCode::from(1) });
    }
    for path in generate::write(&root, &outputs)? {
        println!("wrote {path}");
    }
    if !rules_are_fresh {
        std::fs::write(&rules, reference::page()).with_context(|| format!("{} cannot be written", reference::PAGE))?;
        println!("wrote {}", reference::PAGE);
    }
    Ok(ExitCode::SUCCESS)
}

fn show_findings(findings: Vec<Finding>) -> anyhow::Result<ExitCode> {
    let outcome = Outcome { findings, ..Outcome::default() };
    print(&render::render(&outcome, Format::Human, Colour::Auto.wanted()))?;
    Ok(code(&outcome))
}

fn run_check(arguments: &Check) -> anyhow::Result<ExitCode> {
    if arguments.rules {
        print(&reference::list())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &arguments.explain {
        let rule = Rule::named(name).with_context(|| {
            let nearest = reference::nearest(name).map(|rule| format!(", only `{}`", rule.info().name));
            format!("there is no rule `{name}`{}; `cargo xtask check --rules` lists them", nearest.unwrap_or_default())
        })?;
        print(&format!("{}\n", reference::explain(rule).trim_end()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = root();
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    let scope = Scope {
        against: arguments.against.as_ref().map(|against| {
            let file = here.join(against);
            if file.is_file() { file.display().to_string() } else { against.clone() }
        }),
        pages: arguments.pages.iter().map(|page| here.join(page)).collect(),
    };
    let mut outcome = check::run(&root, &scope);
    if let Some(reason) = &arguments.adopt {
        return adopt(&root, &outcome, reason);
    }
    if arguments.fix {
        let fixed = fix::fixed(&root, &outcome.findings);
        for file in &fixed {
            eprint!("{}", file.diff());
        }
        if !arguments.dry_run {
            fix::write(&root, &fixed)?;
            // What is left, and what the fixes themselves have brought about.
            outcome = check::run(&root, &scope);
        }
    }
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}

fn run_conform(arguments: Conform) -> anyhow::Result<ExitCode> {
    let root = root();
    let project = Project::load(&root).map_err(anyhow::Error::msg)?;
    let limits = Limits {
        read_only: arguments.read_only,
        exhaust: arguments.exhaust_rate_limits || arguments.url.is_none(),
        complete: arguments.url.is_none() && arguments.operations.is_empty() && !arguments.read_only,
        operations: arguments.operations,
        time: arguments.timeout,
        http2: arguments.http2,
        ..Limits::default()
    };
    let value = |id: Option<String>| id.map(|id| ("integration_id".to_owned(), id)).into_iter().collect();
    let target = match (arguments.url, arguments.key) {
        (Some(url), Some(key)) => Wanted::There(Target {
            url,
            key: Secret::new(key),
            key_without_permission: arguments.key_without_permission.map(Secret::new),
            failing_keys: BTreeMap::new(),
            known: value(arguments.integration),
            busy: value(arguments.busy_integration),
            foreign: value(arguments.foreign_integration),
            items: BTreeMap::new(),
        }),
        (Some(_), None) => anyhow::bail!("an API key is needed: set {} or give --key", conform::KEY),
        (None, _) => Wanted::Testbed,
    };
    let outcome = conform::project(&project, target, &limits, &|stage| eprintln!("conform: {stage}"));
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}

fn adopt(root: &Path, outcome: &Outcome, reason: &str) -> anyhow::Result<ExitCode> {
    if !outcome.unchecked.is_empty() {
        print(&render::render(outcome, Format::Human, Colour::Auto.wanted()))?;
        return Ok(ExitCode::from(2));
    }
    let path = root.join(check::SETTINGS);
    let settings = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", check::SETTINGS))?;
    let allowances = check::adopt(&outcome.findings, reason);
    std::fs::write(&path, format!("{}\n{allowances}", settings.trim_end()))
        .with_context(|| format!("{} cannot be written", check::SETTINGS))?;
    println!("allowances added to {}: {}", check::SETTINGS, allowances.matches("[[allow]]").count());
    Ok(ExitCode::SUCCESS)
}

fn code(outcome: &Outcome) -> ExitCode {
    let failed = outcome.findings.iter().any(|finding| finding.severity() == Severity::Error);
    match (outcome.unchecked.is_empty(), failed) {
        (false, _) => ExitCode::from(2),
        (true, true) => ExitCode::from(1),
        (true, false) => ExitCode::SUCCESS,
    }
}

/// Writes to standard output. A reader that has gone away is no error: `cargo xtask check --rules | head`.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

/// The repository: the folder above this crate, of the checkout that cargo runs in.
fn root() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_path_buf).unwrap_or_default()
}
