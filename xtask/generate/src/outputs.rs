//! All files that are generated of a contract, and writing them.

use std::path::Path;

use anyhow::Context as _;
use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::generator::Output;
use apidrift_core::settings::Layout;

use crate::api::{Api, Operation};
use crate::problem::{Problem, findings};
use crate::seal::sealed;
use crate::{client, server, subset};

/// What stands in the contract although no code can be made of it, as far as names and the shape of the document go. What
/// the contract's own rules report is not reported again.
pub fn unsupported(contract: &Contract) -> Vec<Finding> {
    let (api, mut problems) = Api::new(contract);
    problems.extend(subset::check(&api));
    problems.retain(|problem| !problem.is_covered);
    findings(contract, problems)
}

/// All generated files that a layout has a place for, or what in the contract cannot be turned into code. Whether a finding
/// of another rule is allowed does not matter here: without what it asks for there is no code.
pub fn outputs(contract: &Contract, layout: &Layout) -> Result<Vec<Output>, Vec<Finding>> {
    let (api, mut problems) = Api::new(contract);
    problems.extend(subset::check(&api));
    if !problems.is_empty() {
        return Err(findings(contract, problems));
    }
    let mut operations: Vec<&Operation> = api.operations.iter().collect();
    operations.sort_by_key(|operation| (operation.path.value.clone(), operation.method.value.clone()));
    let mut outputs = Vec::new();
    let mut add = |path: &Option<String>, is_server, text: Result<String, Vec<Problem>>| {
        let text: String = text.map_err(|problems| findings(contract, problems))?;
        outputs.extend(path.as_ref().map(|path| Output {
            path: path.clone(),
            is_server,
            text: sealed(contract, &text),
        }));
        Ok::<(), Vec<Finding>>(())
    };
    // Made even where it is not wanted: what cannot be made is always worth knowing.
    add(&layout.server, true, server::server(&api, &operations))?;
    add(&layout.client, false, client::client(&contract.document.root.to_json()))?;
    add(&layout.client_errors, false, client::errors(&operations))?;
    Ok(outputs)
}

/// Writes what has changed and returns the paths.
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
