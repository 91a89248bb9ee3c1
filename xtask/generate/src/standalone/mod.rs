//! The client of any contract: one file that needs nothing of this project.
//!
//! progenitor writes the types and says which type each value of an operation has; the builders, which send requests and
//! read responses, are written here. They are used as progenitor's are.
//!
//! If progenitor does not take the lowered contract, the operations at fault are searched for and refused, and the others
//! are generated.

mod builders;
mod dependencies;
mod file;
mod gate;
mod nulls;
mod requests;
mod responses;
mod runtime;
mod search;
mod types;

use std::collections::BTreeSet;

use openapi_model::document::Document;
use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle};

use crate::client::quietly;
use crate::dependencies::Dependency;
use crate::lower::{Lowered, LoweredOperation, Refused, lower};

/// A generated client.
#[derive(Debug)]
pub struct GeneratedClient {
    /// The source text, one file.
    pub text: String,
    /// The operations that it has, with what is lost of each.
    pub operations: Vec<LoweredOperation>,
    /// The operations that it does not have.
    pub refused: Vec<Refused>,
    /// The crates that it needs.
    pub dependencies: Vec<Dependency>,
}

/// Generates the client of a contract. Operations with an index in `leave_out` are left out.
///
/// # Errors
///
/// If progenitor does not even take a contract without operations, or the code that was put together is no Rust.
pub fn client(document: &Document, leave_out: &BTreeSet<usize>) -> Result<GeneratedClient, String> {
    let mut lowered = lower(document, leave_out);
    let code = match progenitor(&lowered) {
        Ok(code) => code,
        Err(_) => {
            let all: BTreeSet<usize> = (0..document.operations.len()).collect();
            let only = |some: &[usize]| -> Lowered {
                lower(document, &all.iter().copied().filter(|index| !some.contains(index)).collect())
            };
            let operations: Vec<usize> = lowered.operations.iter().map(|operation| operation.index).collect();
            let (taken, at_fault) = search::separate(&operations, &|some| progenitor(&only(some)).map(|_| ()));
            let refused = at_fault.into_iter().filter_map(|(index, why)| {
                let operation = document.operations.get(index)?;
                Some(Refused::new(operation, why, operation.path.span))
            });
            let refused = lowered.refused.into_iter().chain(refused).collect();
            lowered = Lowered { refused, ..only(&taken) };
            progenitor(&lowered)?
        }
    };
    let (text, dependencies) = file::file(document, &lowered, code)?;
    Ok(GeneratedClient { text, operations: lowered.operations, refused: lowered.refused, dependencies })
}

/// What progenitor makes of a lowered contract.
pub(crate) struct Code {
    file: syn::File,
    uses_chrono: bool,
    uses_uuid: bool,
}

/// Runs progenitor. Code that would not compile is an error too.
fn progenitor(lowered: &Lowered) -> Result<Code, String> {
    let spec: openapiv3::OpenAPI = serde_json::from_value(lowered.document.clone())
        .map_err(|error| format!("the lowered contract is not OpenAPI 3.0: {error}"))?;
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder).with_tag(TagStyle::Merged).with_derive("PartialEq");
    let mut generator = Generator::new(&settings);
    let tokens = quietly(|| generator.generate_tokens(&spec))?
        .map_err(|error| format!("progenitor refuses the lowered contract: {error}"))?;
    let tokens = types::with_real_names(tokens, &lowered.wire_names);
    let file = syn::parse2(tokens).map_err(|error| format!("progenitor wrote invalid Rust: {error}"))?;
    gate::check(&file)?;
    let space = generator.get_type_space();
    Ok(Code { file, uses_chrono: space.uses_chrono(), uses_uuid: space.uses_uuid() })
}
