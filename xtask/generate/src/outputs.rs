//! All files that are generated from a contract, and how they are written.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Output;
use apidrift_core::settings::Layout;

use crate::api::{Api, Operation};
use crate::lower::Refused;
use crate::problem::{Problem, findings};
use crate::seal::sealed;
use crate::{client, server, standalone, subset};

/// The command that the first line of a generated file names.
const COMMAND: &str = "cargo xtask generate";

/// The parts of the contract for which no code can be generated, and why; also those that a client with errors by name does
/// not support, if there is one. Excludes what the contract's own rules report.
pub fn unsupported(contract: &Contract, has_named_errors: bool) -> Vec<Finding> {
    let mut problems: Vec<Problem> = Vec::new();
    if has_named_errors {
        problems.extend(of_named_errors(contract).1);
    }
    problems.extend(server::unsupported(contract));
    let mut seen = BTreeSet::new();
    problems.retain(|problem| !problem.is_covered && seen.insert((problem.span, problem.message.clone())));
    findings(contract, problems)
}

/// The contract for a client with errors by name, and what it does not support.
fn of_named_errors(contract: &Contract) -> (Api<'_>, Vec<Problem>) {
    let (api, mut problems) = Api::new(contract);
    problems.extend(subset::check(&api));
    (api, problems)
}

/// All generated files of a layout, or findings about parts of the contract for which no code can be generated.
/// Findings are returned even if the settings allow them: without a correction there is no code.
pub fn outputs(contract: &Contract, layout: &Layout) -> Result<Vec<Output>, Vec<Finding>> {
    let mut outputs = Vec::new();
    let mut problems = Vec::new();
    let mut add = |path: &Option<String>, is_server, text: Result<String, Vec<Problem>>| match text {
        Ok(text) => outputs.extend(path.as_ref().map(|path| Output {
            path: path.clone(),
            is_server,
            text: sealed(contract, COMMAND, &text),
        })),
        Err(more) => problems.extend(more),
    };
    if layout.server.is_some() {
        let unsupported = server::unsupported(contract);
        let server = server::server(contract, &BTreeSet::new()).map_err(|problem| vec![problem]);
        let text = server.and_then(|server| if unsupported.is_empty() { Ok(server.text) } else { Err(unsupported) });
        add(&layout.server, true, text);
    }
    if layout.client_errors.is_some() {
        // Errors by name, and a client that knows the crate it is in.
        let (api, unsupported) = of_named_errors(contract);
        let mut operations: Vec<&Operation> = api.operations.iter().collect();
        operations.sort_by_key(|operation| (operation.path.value.clone(), operation.method.value.clone()));
        let supported = || if unsupported.is_empty() { Ok(()) } else { Err(Vec::new()) };
        add(&layout.client, false, supported().and_then(|()| client::client(&contract.document.root.to_json())));
        add(&layout.client_errors, false, supported().and_then(|()| client::errors(&operations)));
        problems.extend(unsupported);
    } else if layout.client.is_some() {
        let whole = |why| vec![Problem::new(contract.document.openapi.span, why)];
        let client = standalone::client(&contract.document, &BTreeSet::new()).map_err(whole);
        add(&layout.client, false, client.and_then(|client| complete(client.text, client.refused)));
    }
    if problems.is_empty() { Ok(outputs) } else { Err(findings(contract, problems)) }
}

/// The text, unless operations are missing in it.
fn complete(text: String, refused: Vec<Refused>) -> Result<String, Vec<Problem>> {
    if refused.is_empty() { Ok(text) } else { Err(refused.into_iter().map(Problem::from).collect()) }
}

/// Writes the files that have changed and returns their paths.
pub fn write<'a>(root: &Path, outputs: &'a [Output]) -> anyhow::Result<Vec<&'a str>> {
    let mut written = Vec::new();
    for output in outputs {
        let path = root.join(&output.path);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == output.text) {
            continue;
        }
        std::fs::write(&path, &output.text).with_context(|| format!("{} cannot be written", output.path))?;
        written.push(output.path.as_str());
    }
    Ok(written)
}
