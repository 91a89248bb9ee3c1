//! The client of any contract: one file that needs nothing of this project.
//!
//! progenitor writes the types and says which type each value of an operation has; the builders, which send requests and
//! read responses, are written here. They are used as progenitor's are.
//!
//! If progenitor does not take the lowered contract, the operations at fault are searched for and refused, and the others
//! are generated.

mod builders;
mod docs;
mod file;
mod nulls;
mod requests;
mod responses;
mod runtime;
mod types;

use std::collections::BTreeSet;

use openapi_model::document::Document;
use proc_macro2::TokenStream;
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
/// If progenitor takes not even an empty contract of this kind, or the code that was put together is no Rust.
pub fn client(document: &Document, leave_out: &BTreeSet<usize>) -> Result<GeneratedClient, String> {
    let mut lowered = lower(document, leave_out);
    let code = match progenitor(&lowered) {
        Ok(code) => code,
        Err(_) => {
            let at_fault = at_fault(document, leave_out, &lowered);
            let leave_out = leave_out.iter().copied().chain(at_fault.iter().map(|(index, _)| *index)).collect();
            let mut refused = lowered.refused;
            lowered = lower(document, &leave_out);
            for (index, why) in at_fault {
                if let Some(operation) = document.operations.get(index) {
                    refused.push(Refused::new(operation, why, operation.path.span));
                }
            }
            lowered.refused = refused;
            progenitor(&lowered)?
        }
    };
    let (text, dependencies) = file::file(document, &lowered, code)?;
    Ok(GeneratedClient { text, operations: lowered.operations, refused: lowered.refused, dependencies })
}

/// What progenitor makes of a lowered contract.
pub(crate) struct Code {
    tokens: TokenStream,
    uses_chrono: bool,
    uses_uuid: bool,
}

/// Runs progenitor.
fn progenitor(lowered: &Lowered) -> Result<Code, String> {
    let spec: openapiv3::OpenAPI = serde_json::from_value(lowered.document.clone())
        .map_err(|error| format!("the lowered contract is not OpenAPI 3.0: {error}"))?;
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder).with_tag(TagStyle::Merged).with_derive("PartialEq");
    let mut generator = Generator::new(&settings);
    let tokens = quietly(|| generator.generate_tokens(&spec))?
        .map_err(|error| format!("progenitor refuses the lowered contract: {error}"))?;
    let space = generator.get_type_space();
    Ok(Code { tokens, uses_chrono: space.uses_chrono(), uses_uuid: space.uses_uuid() })
}

/// The operations that progenitor does not take, with the reasons: by halves, as long as a half is not taken.
fn at_fault(document: &Document, leave_out: &BTreeSet<usize>, lowered: &Lowered) -> Vec<(usize, String)> {
    let mut guilty = Vec::new();
    let mut open: Vec<Vec<usize>> = vec![lowered.operations.iter().map(|operation| operation.index).collect()];
    while let Some(part) = open.pop() {
        let others: BTreeSet<usize> = lowered.operations.iter().map(|operation| operation.index).collect();
        let others = others.into_iter().filter(|index| !part.contains(index)).chain(leave_out.iter().copied());
        let Err(why) = progenitor(&lower(document, &others.collect())) else { continue };
        match &part[..] {
            [] => {}
            [only] => guilty.push((*only, why)),
            _ => {
                let (first, second) = part.split_at(part.len() / 2);
                open.extend([second.to_vec(), first.to_vec()]);
            }
        }
    }
    guilty
}
