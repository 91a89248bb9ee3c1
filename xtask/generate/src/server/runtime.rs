//! The runtime as part of a generated server: the modules of `openapi-dropshot-runtime` that the contract needs.

use proc_macro2::TokenStream;
use quote::quote;

use crate::dependencies::{Dependency, server_dependencies};

/// Which modules a contract needs besides those that all need.
#[derive(Debug)]
pub struct Needs {
    /// Permissions or rate limits.
    pub limits: bool,
    /// Errors with names.
    pub named_errors: bool,
    /// Schemas that types do not express.
    pub validation: bool,
    /// Multipart forms.
    pub multipart: bool,
}

/// The text of a module of the runtime.
macro_rules! text {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../runtime/src/", $name, ".rs")))
    };
}

/// The modules that every server needs.
const ALWAYS: [(&str, &str); 10] = [
    text!("answers"),
    text!("credentials"),
    text!("decode"),
    text!("document"),
    text!("parameters"),
    text!("routes"),
    text!("serve"),
    text!("tables"),
    text!("timestamps"),
    text!("unions"),
];
const LIMITS: (&str, &str) = text!("limits");
const NAMED_ERRORS: (&str, &str) = text!("named_errors");
const VALIDATION: (&str, &str) = text!("validation");
const MULTIPART: (&str, &str) = text!("multipart");

/// The module `runtime`.
pub fn module(needs: &Needs) -> String {
    let more = [
        (needs.limits, LIMITS),
        (needs.named_errors, NAMED_ERRORS),
        (needs.validation, VALIDATION),
        (needs.multipart, MULTIPART),
    ];
    let more = more.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, module)| module);
    let mut modules: Vec<(&str, &str)> = ALWAYS.into_iter().chain(more).collect();
    modules.sort_unstable();
    let mut text = String::from("/// What is the same for every contract.\npub mod runtime {\n");
    for (name, source) in modules {
        text.push_str(&format!("    pub mod {name} {{\n"));
        for line in source.lines() {
            if !line.is_empty() {
                text.push_str("        ");
                text.push_str(line);
            }
            text.push('\n');
        }
        text.push_str("    }\n\n");
    }
    text.push_str(&prelude(needs));
    text.push_str("}\n");
    text
}

fn prelude(needs: &Needs) -> String {
    let mut lines = vec![
        "super::answers::{Answer, IntoAnswer, OperationError, refusal}",
        "super::decode::{Refusal, Undecoded}",
        "super::tables::{\n            BodyInfo, Documented, Kind, Location, Media, OperationInfo, Parameter, RateLimit, RefusalBody, SchemeUse,\n            Style,\n        }",
    ];
    if needs.named_errors {
        lines.push("super::named_errors::{NamedError, answer as named_error}");
    }
    if needs.validation {
        lines.push("super::validation::Checked");
    }
    if needs.multipart {
        lines.push("super::multipart::Part");
    }
    let mut text = String::from(
        "    /// What the modules of operations use.\n    #[allow(unused_imports)]\n    pub mod prelude {\n",
    );
    for line in lines {
        text.push_str(&format!("        pub use {line};\n"));
    }
    text.push_str("    }\n");
    text
}

/// The crates that a server needs.
pub fn dependencies(needs: &Needs) -> Vec<Dependency> {
    let is_needed = |dependency: &Dependency| match dependency.name {
        "jsonschema" => needs.validation,
        "multer" => needs.multipart,
        _ => true,
    };
    server_dependencies().into_iter().filter(is_needed).collect()
}

/// The names that users of a server need most.
pub fn public(needs: &Needs) -> TokenStream {
    let limits = needs.limits.then(|| {
        quote!(
            #[allow(unused_imports)]
            pub use self::runtime::limits::{Limits, Usage};
        )
    });
    let named = needs.named_errors.then(|| {
        quote!(
            #[allow(unused_imports)]
            pub use self::runtime::named_errors::NamedError;
        )
    });
    let multipart = needs.multipart.then(|| {
        quote!(
            #[allow(unused_imports)]
            pub use self::runtime::multipart::Part;
        )
    });
    quote! {
        #[allow(unused_imports)]
        pub use self::runtime::{
            credentials::{Credential, Credentials, Everybody, Gate, GateFailure, Presented},
            decode::Refusal,
            serve::Api,
            tables::{Documented, OperationInfo, RateLimit},
        };
        #limits
        #named
        #multipart
    }
}
