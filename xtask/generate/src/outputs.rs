//! All files that are generated from a contract, and how they are written.

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

/// The parts of the contract for which no code can be generated, judged by names and the structure of the document.
/// Excludes what the contract's own rules report.
pub fn unsupported(contract: &Contract) -> Vec<Finding> {
    let (api, mut problems) = Api::new(contract);
    problems.extend(subset::check(&api));
    problems.retain(|problem| !problem.is_covered);
    findings(contract, problems)
}

/// All generated files of a layout, or findings about parts of the contract for which no code can be generated.
/// Findings are returned even if the settings allow them: without a correction there is no code.
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
    // Generated even if the layout does not need it, because its findings are always useful.
    add(&layout.server, true, server::server(&api, &operations))?;
    add(&layout.client, false, client::client(&contract.document.root.to_json()))?;
    add(&layout.client_errors, false, client::errors(&operations))?;
    Ok(outputs)
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
