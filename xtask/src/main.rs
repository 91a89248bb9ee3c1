//! `cargo xtask`: the chores of this repository, with nothing but cargo needed.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, ValueEnum};
use xtask::check::{self, Outcome, Project, Scope, fix};
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
    /// Measure something
    Bench {
        /// What to measure
        what: Benchmark,
    },
    /// Install what the tests need (a private Postgres included), run them all, and check that nothing has drifted
    Test {
        /// Parts of the names of the tests to run; without any everything runs
        filter: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Benchmark {
    /// The check, on contracts of up to 1,000 operations
    Check,
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
        Xtask::Bench { what: Benchmark::Check } => bench::run(&root()),
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
