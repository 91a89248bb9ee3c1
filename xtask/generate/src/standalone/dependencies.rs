//! The crates that a client needs, and the beginning of its file, which says so.

/// A crate that a client needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its features.
    pub features: &'static [&'static str],
    /// Whether its default features are needed.
    pub default_features: bool,
}

/// The crates that a client needs.
pub fn dependencies(uses_chrono: bool, uses_uuid: bool) -> Vec<Dependency> {
    let is_used = |dependency: &Dependency| match dependency.name {
        "chrono" => uses_chrono,
        "uuid" => uses_uuid,
        _ => true,
    };
    Dependency::all().into_iter().filter(is_used).collect()
}

/// The beginning of the file: what it needs.
pub fn head(dependencies: &[Dependency]) -> String {
    let mut text = String::from("#![cfg_attr(rustfmt, rustfmt_skip)]\n");
    text.push_str("//! A client, generated from an OpenAPI contract. It needs these crates:\n//!\n//! ```toml\n");
    for dependency in dependencies {
        text.push_str(&format!("//! {}\n", dependency.line()));
    }
    text.push_str(
        "//! ```\n//!\n\
         //! For `https`, add a TLS feature to reqwest, such as `rustls`. Credentials are set as default headers of the\n\
         //! `reqwest::Client` given to [`Client::new_with_client`], or in an implementation of\n\
         //! `progenitor_client::ClientHooks` for [`Client`]. Values are not checked against bounds and patterns; the server\n\
         //! does that. A documented error is an `Error::ErrorResponse` with a variant for each status.\n\n\
         #![allow(dead_code, missing_docs, deprecated)]\n\
         // What these are about is decided by the contract.\n\
         #![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items, clippy::enum_variant_names)]\n\
         #![allow(clippy::large_enum_variant, clippy::match_overlapping_arm, clippy::should_implement_trait, clippy::type_complexity)]\n\n",
    );
    text
}

impl Dependency {
    /// Every crate that a client may need.
    pub fn all() -> Vec<Dependency> {
        let needed =
            |name, version, features, default_features| Dependency { name, version, features, default_features };
        vec![
            needed("progenitor-client", "0.15", &[][..], true),
            needed("reqwest", "0.13", &[], false),
            needed("serde", "1", &["derive"], true),
            needed("serde_json", "1", &[], true),
            needed("chrono", "0.4", &["serde", "std"], false),
            needed("uuid", "1", &["serde"], true),
        ]
    }

    /// Its line in `[dependencies]` of a `Cargo.toml`.
    pub fn line(&self) -> String {
        if self.features.is_empty() && self.default_features {
            return format!("{} = \"{}\"", self.name, self.version);
        }
        let mut text = format!("{} = {{ version = \"{}\"", self.name, self.version);
        if !self.default_features {
            text.push_str(", default-features = false");
        }
        if !self.features.is_empty() {
            let features: Vec<String> = self.features.iter().map(|feature| format!("\"{feature}\"")).collect();
            text.push_str(&format!(", features = [{}]", features.join(", ")));
        }
        text.push_str(" }");
        text
    }
}
