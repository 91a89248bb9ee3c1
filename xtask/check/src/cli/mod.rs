//! The commands `check`, `conform` and `rules`, for the programs that offer them: their arguments, their help and what they do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Generator;
use apidrift_core::rules::{Rule, Severity};
use apidrift_core::settings::{self, Project};
use clap::{Args, ValueEnum};

use crate::check::{self, Scope, fix};
use crate::conform::{self, Exploration, Limits, Secret, Target, Wanted};
use crate::outcome::Outcome;
use crate::render::{self, Format};
use crate::{allow, reference};

/// What stands below the help of `check`. `program` is what people type before it, such as `cargo xtask`.
pub fn check_help(program: &str) -> String {
    let examples = [
        ("check", "compare everything"),
        ("check --fix --dry-run", "show what could be put right"),
        ("check --against main", "would the contract break clients of main's?"),
        ("check --page ~/docs/post_trigger.md", "does a page from elsewhere tell the truth?"),
        ("check --format sarif > drift.sarif", "for code scanning"),
        ("check --explain page/error-message", "what a rule means"),
        ("check --adopt 'old, see the wiki'", "allow what is found today, fail on what is new"),
    ];
    format!(
        "Exit status: 0 nothing has drifted, 1 something has, 2 something could not be checked.\n\n\
         openapi/check.toml says what is compared, and which findings are allowed for now. It is looked for in the current \
         folder and those above it.\n\n\
         Examples:\n{}",
        shown(program, &examples)
    )
}

/// What stands below the help of `conform`. `program` is what people type before it, such as `cargo xtask`.
pub fn conform_help(program: &str) -> String {
    let examples = [
        ("conform", "start a server of this project, provoke everything"),
        ("conform --url https://rest.iad-03.braze.com --read-only", "with the key in OPENCDI_KEY"),
        (
            "conform --url http://127.0.0.1:8080 --integration 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01",
            "also triggers a sync of this integration",
        ),
        (
            "conform --url http://127.0.0.1:8080 --exhaust-rate-limits --timeout 10m",
            "also uses up the workspace's rate limits, and waits",
        ),
        ("conform --seed 7 --cases 1000", "more requests that are made up, and others"),
        ("conform --url http://127.0.0.1:8080 --explore", "make requests up for a server that nobody needs"),
        ("conform --operation list_integrations --format json", "one operation, for programs"),
        ("check --explain live/order", "what a rule means"),
    ];
    format!(
        "Exit status: 0 everything that was seen is as documented, 1 something is not, 2 it could not be tried. What was not seen \
         is listed with what would be needed. Without --url everything that is documented must be seen.\n\n\
         Keys are better given in the environment than on the command line, where others of the machine can read them.\n\n\
         Examples:\n{}",
        shown(program, &examples)
    )
}

/// Examples as a table. What is too long for its column has the explanation on the next line.
fn shown(program: &str, examples: &[(&str, &str)]) -> String {
    const LONGEST: usize = 48;
    let commands = examples.iter().map(|(arguments, meaning)| (format!("{program} {arguments}"), meaning));
    let commands: Vec<_> = commands.collect();
    let lengths = commands.iter().map(|(command, _)| command.len()).filter(|length| *length <= LONGEST);
    let width = lengths.max().unwrap_or(LONGEST);
    let mut text = String::new();
    for (command, meaning) in commands {
        // Writing to a String cannot fail.
        let _ = match command.len() {
            length if length <= width => writeln!(text, "  {command:<width$}    {meaning}"),
            _ => writeln!(text, "  {command}\n  {:<width$}    {meaning}", ""),
        };
    }
    text.trim_end().to_owned()
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
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

/// The arguments of `conform`.
#[derive(Debug, Args)]
pub struct Conform {
    /// The server's base URL; without it a server of this project is built and started
    #[arg(long)]
    url: Option<String>,
    /// An API key with every permission
    #[arg(long, env = conform::KEY, hide_env_values = true)]
    key: Option<String>,
    /// An API key of the same workspace without permissions: provokes 403
    #[arg(long, env = conform::KEY_WITHOUT_PERMISSION, hide_env_values = true, value_name = "KEY")]
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
    /// Also make requests up, with methods, values, headers and bodies that the contract does not have: not for a server that
    /// others need. Without --url this is done anyway
    #[arg(long, requires = "url")]
    explore: bool,
    /// What made-up requests start from: the same number, the same requests
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many requests are made up for each property of an operation
    #[arg(long, default_value_t = 100)]
    cases: u32,
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

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    /// Whether to use them now.
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

/// The project that the current folder belongs to: the nearest folder, from there upwards, that holds `openapi/check.toml`.
pub fn root() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    settings::find_root(&here).with_context(|| {
        format!(
            "there is no {} in {} or a folder above it: go to a project that has one, or write one that names the contract:\n\n\
             [project]\ncontract = \"openapi/api.yaml\"",
            settings::FILE,
            here.display()
        )
    })
}

/// Runs `check` on the project that the current folder belongs to. `program` is what people type before it.
pub fn check(arguments: &Check, program: &str, generator: Option<&dyn Generator>) -> anyhow::Result<ExitCode> {
    if arguments.rules || arguments.explain.is_some() {
        return rules(arguments.explain.as_deref(), program);
    }
    let root = root()?;
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    let scope = Scope {
        against: arguments.against.as_ref().map(|against| {
            let file = here.join(against);
            if file.is_file() { file.display().to_string() } else { against.clone() }
        }),
        pages: arguments.pages.iter().map(|page| here.join(page)).collect(),
    };
    let mut outcome = check::run(&root, &scope, generator);
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
            outcome = check::run(&root, &scope, generator);
        }
    }
    print(&render::render(&outcome, arguments.format, arguments.color.wanted()))?;
    Ok(code(&outcome))
}

/// Explains a rule, or lists all of them. `program` is what people type before `check`.
pub fn rules(name: Option<&str>, program: &str) -> anyhow::Result<ExitCode> {
    let Some(name) = name else {
        print(&reference::list())?;
        return Ok(ExitCode::SUCCESS);
    };
    let rule = Rule::named(name).with_context(|| {
        let nearest = reference::nearest(name).map(|rule| format!(", only `{}`", rule.info().name));
        format!("there is no rule `{name}`{}; `{program} check --rules` lists them", nearest.unwrap_or_default())
    })?;
    print(&format!("{}\n", reference::explain(rule).trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs `conform` for the project that the current folder belongs to.
pub fn conform(arguments: Conform) -> anyhow::Result<ExitCode> {
    let project = Project::load(&root()?).map_err(anyhow::Error::msg)?;
    let limits = Limits {
        read_only: arguments.read_only,
        exhaust: arguments.exhaust_rate_limits || arguments.url.is_none(),
        complete: arguments.url.is_none() && arguments.operations.is_empty() && !arguments.read_only,
        operations: arguments.operations,
        time: arguments.timeout,
        http2: arguments.http2,
        explore: (arguments.explore || arguments.url.is_none())
            .then_some(Exploration { seed: arguments.seed, cases: arguments.cases }),
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

/// Shows findings to people, and says by the exit status whether one is an error.
pub fn show(findings: Vec<Finding>) -> anyhow::Result<ExitCode> {
    let outcome = Outcome { findings, ..Outcome::default() };
    print(&render::render(&outcome, Format::Human, Colour::Auto.wanted()))?;
    Ok(code(&outcome))
}

fn adopt(root: &Path, outcome: &Outcome, reason: &str) -> anyhow::Result<ExitCode> {
    if !outcome.unchecked.is_empty() {
        print(&render::render(outcome, Format::Human, Colour::Auto.wanted()))?;
        return Ok(ExitCode::from(2));
    }
    let path = root.join(settings::FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", settings::FILE))?;
    let allowances = allow::adopt(&outcome.findings, reason);
    std::fs::write(&path, format!("{}\n{allowances}", text.trim_end()))
        .with_context(|| format!("{} cannot be written", settings::FILE))?;
    println!("allowances added to {}: {}", settings::FILE, allowances.matches("[[allow]]").count());
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

/// Writes to standard output. A reader that has gone away is no error: `check --rules | head`.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}
