//! The crates that a client needs, and the beginning of its file, which says so.

use crate::dependencies::{Dependency, client_dependencies, doc_of};

/// The crates that a client needs.
pub fn dependencies(uses_chrono: bool, uses_uuid: bool) -> Vec<Dependency> {
    let is_used = |dependency: &Dependency| match dependency.name {
        "chrono" => uses_chrono,
        "uuid" => uses_uuid,
        _ => true,
    };
    client_dependencies().into_iter().filter(is_used).collect()
}

/// The beginning of the file: what it needs.
pub fn head(dependencies: &[Dependency]) -> String {
    let needed = doc_of(dependencies);
    format!(
        "#![cfg_attr(rustfmt, rustfmt_skip)]\n\
         //! A client, generated from an OpenAPI contract. It needs these crates:\n//!\n{needed}//!\n\
         //! For `https`, add a TLS feature to reqwest, such as `rustls`. Credentials are set as default headers of the\n\
         //! `reqwest::Client` given to [`Client::new_with_client`], or in an implementation of\n\
         //! `progenitor_client::ClientHooks` for [`Client`]. Values are not checked against bounds and patterns; the server\n\
         //! does that. A documented error is an `Error::ErrorResponse` with a variant for each status.\n\n\
         #![allow(dead_code, missing_docs, deprecated)]\n\
         // What these are about is decided by the contract.\n\
         #![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::enum_variant_names)]\n\
         #![allow(clippy::large_enum_variant, clippy::match_overlapping_arm, clippy::should_implement_trait, clippy::type_complexity)]\n\n"
    )
}
