//! Contract → code: what is generated, and writing it or comparing it with what stands there.

mod client;
mod names;
mod server;
mod types;

use std::path::Path;

use crate::contract::Contract;
use crate::finding::Finding;
use crate::rules::Rule;

/// A file that the generator owns.
#[derive(Debug)]
pub struct Output {
    /// Its path below the repository.
    pub path: &'static str,
    /// The rule that speaks when the file is not what the contract generates.
    pub stale: Rule,
    /// Its text.
    pub text: String,
}

/// Where the server's code stands.
pub const SERVER: &str = "server/src/api/generated.rs";
const CLIENT: &str = "client/src/generated.rs";
const CLIENT_ERRORS: &str = "client/src/errors.rs";

/// All generated files, or what in the contract cannot be turned into code.
pub fn outputs(contract: &Contract) -> Result<Vec<Output>, Vec<Finding>> {
    let server = server::server(contract)?;
    let client = client::client(&contract.root.to_json()).map_err(|message| {
        let place = contract.place(&(0..0), "this document");
        vec![Finding::at(Rule::ContractSubset, place, message)]
    })?;
    let errors = client::client_errors(
        &contract
            .operations
            .iter()
            .map(|operation| client::ErrorsOf {
                operation_id: operation.id.value.clone(),
                errors: operation
                    .errors
                    .iter()
                    .map(|error| client::ErrorOf {
                        name: error.name.value.clone(),
                        status: error.status.value,
                        message: error.message.value.clone(),
                        help: error.summary.value.clone(),
                    })
                    .collect(),
            })
            .collect::<Vec<_>>(),
    );
    Ok(vec![
        Output {
            path: SERVER,
            stale: Rule::ServerStale,
            text: server,
        },
        Output {
            path: CLIENT,
            stale: Rule::ClientStale,
            text: client,
        },
        Output {
            path: CLIENT_ERRORS,
            stale: Rule::ClientStale,
            text: errors,
        },
    ])
}

/// Writes what has changed and returns the paths.
pub fn write(root: &Path, outputs: &[Output]) -> anyhow::Result<Vec<&'static str>> {
    use anyhow::Context as _;
    let mut written = Vec::new();
    for output in outputs {
        let path = root.join(output.path);
        if std::fs::read_to_string(&path).is_ok_and(|text| text == output.text) {
            continue;
        }
        std::fs::write(&path, &output.text).with_context(|| format!("{} cannot be written", output.path))?;
        written.push(output.path);
    }
    Ok(written)
}
