//! The crates that generated code needs.

/// A crate that generated code needs.
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

/// Every crate that a client may need.
pub fn client_dependencies() -> Vec<Dependency> {
    vec![
        needed("progenitor-client", "0.15", &[], true),
        needed("reqwest", "0.13", &[], false),
        needed("serde", "1", &["derive"], true),
        needed("serde_json", "1", &[], true),
        needed("chrono", "0.4", &["serde", "std"], false),
        needed("uuid", "1", &["serde"], true),
    ]
}

/// Every crate that a server may need.
pub fn server_dependencies() -> Vec<Dependency> {
    vec![
        needed("base64", "0.22", &[], true),
        needed("bytes", "1", &[], true),
        needed("chrono", "0.4", &["serde", "std"], false),
        needed("dropshot", "=0.18.0", &[], true),
        needed("form_urlencoded", "1", &[], true),
        needed("futures", "0.3", &[], true),
        needed("http", "1", &[], true),
        needed("http-body-util", "0.1", &[], true),
        needed("jsonschema", "0.61", &[], false),
        needed("multer", "3", &[], true),
        needed("percent-encoding", "2", &[], true),
        needed("schemars", "0.8", &[], true),
        needed("serde", "1", &["derive"], true),
        needed("serde_json", "1", &[], true),
        needed("tokio", "1", &["time"], true),
        needed("tracing", "0.1", &[], true),
        needed("uuid", "1", &["serde"], true),
    ]
}

fn needed(
    name: &'static str,
    version: &'static str,
    features: &'static [&'static str],
    default_features: bool,
) -> Dependency {
    Dependency { name, version, features, default_features }
}

/// The lines of `[dependencies]` as a block of TOML in the documentation of a file.
pub fn doc_of(dependencies: &[Dependency]) -> String {
    let lines: String = dependencies.iter().map(|dependency| format!("//! {}\n", dependency.line())).collect();
    format!("//! ```toml\n{lines}//! ```\n")
}

impl Dependency {
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
