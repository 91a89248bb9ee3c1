//! `cargo xtask generate`: generates the server and client code from the contract, and the rules page from the table of
//! rules.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use apidrift::{check, cli, reference};
use apidrift_core::generator::Generator as _;
use apidrift_core::settings::Project;
use openapi_dropshot::Dropshot;

/// Writes the files that have changed; with `only_check`, fails if there are any instead.
pub fn run(root: &Path, only_check: bool) -> anyhow::Result<ExitCode> {
    let project = Project::load(root).map_err(anyhow::Error::msg)?;
    let source = project.read(&project.layout.contract).map_err(anyhow::Error::msg)?;
    let contract = match check::sound_contract(&project, &source, &Dropshot) {
        Ok(contract) => contract,
        Err(findings) => return cli::show(findings),
    };
    let rules = root.join(reference::PAGE);
    let rules_are_fresh = std::fs::read_to_string(&rules).is_ok_and(|text| text == reference::page());
    if only_check {
        let stale = Dropshot.stale(&project, &contract);
        if !rules_are_fresh {
            eprintln!("{} is out of date with the table of rules; run `cargo xtask generate`", reference::PAGE);
        }
        let code = cli::show(stale)?;
        return Ok(if rules_are_fresh { code } else { ExitCode::from(1) });
    }
    let outputs = match openapi_dropshot::outputs(&contract, &project.layout) {
        Ok(outputs) => outputs,
        Err(findings) => return cli::show(findings),
    };
    for path in openapi_dropshot::write(root, &outputs)? {
        println!("wrote {path}");
    }
    if !rules_are_fresh {
        std::fs::write(&rules, reference::page()).with_context(|| format!("{} cannot be written", reference::PAGE))?;
        println!("wrote {}", reference::PAGE);
    }
    Ok(ExitCode::SUCCESS)
}
