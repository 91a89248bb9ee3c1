//! The commands `check` and `rules`: their arguments, their help and what they do.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use apidrift_core::generator::Generator;
use apidrift_core::rules::Rule;
use apidrift_core::settings::{FILES, Project};
use clap::Args;

use super::output::{Colour, code, print, shown};
use super::root::root;
use crate::adopt::adopt;
use crate::check::{self, Scope, fix};
use crate::init::propose;
use crate::outcome::Outcome;
use crate::reference;
use crate::render::{self, Format};

/// The text below the help of `check`. `program` is the command that users type before it, such as `cargo xtask`.
pub fn check_help(program: &str) -> String {
    let examples = [
        ("check", "compare everything named in the settings"),
        ("check openapi.yaml docs", "without settings: this contract with the pages in docs"),
        ("check --fix --dry-run", "show what --fix would change"),
        ("check --against main", "would the contract break clients of main's?"),
        ("check --page ~/docs/post_trigger.md", "is a page from elsewhere correct?"),
        ("check --coverage", "what was compared, and what was not"),
        ("check --format sarif > drift.sarif", "for code scanning"),
        ("check --explain page/error-message", "what a rule means"),
        ("check --adopt 'old, see the wiki'", "allow what is found today, fail on what is new"),
    ];
    format!(
        "Exit status: 0 nothing has drifted, 1 something has, 2 something could not be checked.\n\n\
         {} names what is compared, the conventions of the contract, and the findings that are allowed for now. It is searched for in the current folder and its parents; `apidrift init` writes one.\n\n\
         Examples:\n{}",
        FILES.join(" or "),
        shown(program, &examples)
    )
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The contract; by default the one in the settings
    contract: Option<PathBuf>,
    /// The folder of its pages, or one page
    #[arg(requires = "contract")]
    docs: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// When to use colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
    /// Apply the safe fixes, and print them as a diff
    #[arg(long)]
    fix: bool,
    /// With --fix: only print the diff
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Also report changes that break clients of an earlier contract, given as a Git revision or a file
    #[arg(long, value_name = "REV|FILE")]
    against: Option<String>,
    /// Compare only these pages, from outside the project, with the contract
    #[arg(long = "page", value_name = "FILE", num_args = 1.., conflicts_with = "against")]
    pages: Vec<PathBuf>,
    /// Also list what was compared and what was not, with reasons; formats other than `human` always do
    #[arg(long)]
    coverage: bool,
    /// Allow every current finding, with this reason, and remove allowances that no longer match a finding
    #[arg(long, value_name = "REASON", conflicts_with_all = ["fix", "against", "pages"], value_parser = reason)]
    adopt: Option<String>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["contract", "fix", "against", "pages", "adopt", "explain"])]
    rules: bool,
    /// Explain a rule
    #[arg(long, value_name = "RULE", conflicts_with_all = ["contract", "fix", "against", "pages", "adopt"])]
    explain: Option<String>,
}

/// Rejects a blank reason, which the settings would not accept.
fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why the findings are allowed".into()) } else { Ok(text.to_owned()) }
}

/// Runs `check`, on the given contract or else on the project of the current folder. `program` is the command that
/// users type before it.
///
/// # Errors
///
/// What could not be read or written.
pub fn check(arguments: &Check, program: &str, generator: Option<&dyn Generator>) -> anyhow::Result<ExitCode> {
    if arguments.rules || arguments.explain.is_some() {
        return rules(arguments.explain.as_deref(), program);
    }
    let here = std::env::current_dir().context("the current folder cannot be determined")?;
    let project = match project(arguments, &here) {
        Ok(project) => project?,
        Err(outcome) => return show(arguments, &outcome),
    };
    let scope = Scope {
        against: arguments.against.as_ref().map(|against| {
            let file = here.join(against);
            if file.is_file() { file.display().to_string() } else { against.clone() }
        }),
        pages: arguments.pages.iter().map(|page| here.join(page)).collect(),
    };
    if let Some(reason) = &arguments.adopt {
        return run_adopt(arguments, &project, reason, generator);
    }
    let mut outcome = check::check(&project, &scope, generator);
    if arguments.fix {
        let fixed = fix::fixed(&project.root, &outcome.findings);
        for file in &fixed {
            eprint!("{}", file.diff());
        }
        if !arguments.dry_run {
            fix::write(&project.root, &fixed)?;
            // The remaining findings, including any that the fixes caused.
            outcome = check::check(&project, &scope, generator);
        }
    }
    show(arguments, &outcome)
}

/// The project to check: proposed for the given contract, or that of the current folder.
fn project(arguments: &Check, here: &Path) -> Result<anyhow::Result<Project>, Outcome> {
    let Some(contract) = &arguments.contract else {
        return Ok(root().and_then(|root| Project::load(&root).map_err(anyhow::Error::msg)));
    };
    let proposal = propose(here, contract, arguments.docs.as_deref())?;
    Ok(Project::parse(here, proposal.settings()).map_err(anyhow::Error::msg))
}

fn show(arguments: &Check, outcome: &Outcome) -> anyhow::Result<ExitCode> {
    print(&render::render(outcome, arguments.format, arguments.color.wanted()))?;
    if arguments.coverage && arguments.format == Format::Human {
        print(&render::coverage(outcome))?;
    }
    Ok(code(outcome))
}

fn run_adopt(
    arguments: &Check,
    project: &Project,
    reason: &str,
    generator: Option<&dyn Generator>,
) -> anyhow::Result<ExitCode> {
    let settings = project.root.join(&project.source.path);
    if arguments.contract.is_some() {
        anyhow::ensure!(
            !settings.exists(),
            "{} already exists: run `check --adopt` without naming the contract",
            project.source.path
        );
        std::fs::write(&settings, &project.source.text)
            .with_context(|| format!("{} cannot be written", project.source.path))?;
        println!("wrote {}", project.source.path);
    }
    match adopt(&project.root, reason, generator)? {
        Ok(adopted) => {
            println!("allowances added to {}: {}", project.source.path, adopted.added);
            if adopted.removed > 0 {
                println!("removed, because they no longer matched a finding: {}", adopted.removed);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(outcome) => show(arguments, &outcome),
    }
}

/// Explains a rule, or lists all of them. `program` is the command that users type before `check`.
///
/// # Errors
///
/// If there is no such rule.
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
