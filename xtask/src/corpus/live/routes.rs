//! Which operation a request is for, and how requests carry the one secret.

use apidrift_core::contract::Contract;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openapi_model::document::{Document, Location, SchemeKind, Security};

/// A header, query parameter or cookie that a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Where it is.
    pub location: Location,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The index of the operation that a request is for: the one with the fewest variables.
pub fn operation(contract: &Contract, method: &str, path: &str) -> Option<usize> {
    let path = path.split('?').next().unwrap_or(path);
    let fitting = contract.operations.iter().enumerate().filter_map(|(index, operation)| {
        let values = values(&operation.path, path).filter(|_| *operation.method == *method)?;
        Some((values.len(), index))
    });
    fitting.min().map(|(_, index)| index)
}

/// The decoded values of the variables of a path; `None` if it is another one.
pub fn values(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        let (wanted, found) = match (wanted.next(), found.next()) {
            (None, None) => return Some(values),
            (Some(wanted), Some(found)) => (wanted, found),
            _ => return None,
        };
        match (wanted.find('{'), wanted.rfind('}')) {
            (Some(start), Some(end)) if start < end => {
                let value = found.strip_prefix(&wanted[..start])?.strip_suffix(&wanted[end + 1..])?;
                let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?.into_owned();
                // What routers may take for something else is a request of nothing.
                if value.is_empty() || value.contains(['/', '\0']) || matches!(value.as_str(), "." | "..") {
                    return None;
                }
                values.push((wanted[start + 1..end].to_owned(), value));
            }
            _ if wanted == found => {}
            _ => return None,
        }
    }
}

/// How a request carries a secret for one of the alternatives of an operation: the first for which it can.
pub fn credentials(document: &Document, security: &Security, secret: &str) -> Option<Vec<Credential>> {
    security
        .alternatives
        .iter()
        .filter(|alternative| !alternative.is_empty())
        .find_map(|alternative| alternative.iter().map(|scheme| credential(document, &scheme.name, secret)).collect())
}

/// How a request carries a secret for a scheme. For basic authentication it is a user and a password.
pub fn credential(document: &Document, scheme: &str, secret: &str) -> Option<Credential> {
    let authorization = |value| Credential { location: Location::Header, name: "authorization".to_owned(), value };
    match &document.security_scheme(scheme)?.kind {
        SchemeKind::ApiKey { location, name } => {
            Some(Credential { location: *location, name: name.clone(), value: secret.to_owned() })
        }
        SchemeKind::Http { scheme } if scheme == "basic" => {
            Some(authorization(format!("Basic {}", STANDARD.encode(secret))))
        }
        SchemeKind::Http { scheme } if scheme == "bearer" => Some(authorization(format!("Bearer {secret}"))),
        SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect(_) => Some(authorization(format!("Bearer {secret}"))),
        SchemeKind::Http { .. } | SchemeKind::MutualTls | SchemeKind::Other(_) => None,
    }
}
