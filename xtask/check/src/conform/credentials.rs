//! Who sends a request, and how it shows: in a header, the query or a cookie, as the security schemes of the contract
//! require.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openapi_model::document::{Document, Location, SchemeKind, Security};

use super::secret::Secret;

/// The header of HTTP authentication.
const AUTHORIZATION: &str = "authorization";

/// What the caller is allowed to do, as far as it is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallerRole {
    /// No valid credentials.
    NoKey,
    /// Valid credentials without the permission.
    NoPermission,
    /// The caller who may do everything, and sends whatever is not about others.
    Authorized,
    /// Another caller, or it is unspecified whether a server accepts the credentials.
    Uncertain,
}

/// The credentials of a request.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub role: CallerRole,
    pub parts: Vec<Credential>,
}

/// One credential of a request: a secret at a place, with text around it.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub location: Location,
    /// The name of the header, query parameter or cookie.
    pub name: String,
    pub before: String,
    /// `None` if the text before is all there is.
    pub secret: Option<Secret>,
    pub after: String,
    /// The user, if the secret is the password of a basic scheme.
    pub user: Option<String>,
}

/// The secrets of a caller.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets {
    /// For bearer, OAuth 2 and OpenID Connect schemes.
    pub token: Option<Secret>,
    /// For API key schemes.
    pub api_key: Option<Secret>,
    /// For basic schemes: user and password.
    pub basic: Option<(String, Secret)>,
    /// By the name of the scheme.
    pub by_scheme: BTreeMap<String, Secret>,
}

impl Secrets {
    /// One secret for whatever scheme an operation has. A basic scheme takes the user before the first colon.
    pub fn universal(secret: &Secret) -> Secrets {
        let basic = secret.expose().split_once(':').map(|(user, password)| {
            (user.to_owned(), Secret::named(password, format!("{{{}#*:}}", secret.variable())))
        });
        Secrets { token: Some(secret.clone()), api_key: Some(secret.clone()), basic, by_scheme: BTreeMap::new() }
    }

    /// All texts that must not be shown.
    pub fn all(&self) -> Vec<Secret> {
        // That of a scheme may be a user and a password.
        let by_scheme = self.by_scheme.values().flat_map(|secret| Secrets::universal(secret).all());
        let mut all: Vec<Secret> = self.token.iter().chain(&self.api_key).cloned().chain(by_scheme).collect();
        if let Some((user, password)) = &self.basic {
            let whole = format!("{user}:{}", password.expose());
            let given = self.token.as_ref().filter(|token| token.expose() == whole);
            let word =
                given.map_or_else(|| format!("{user}:{}", password.placeholder(true)), |it| it.placeholder(true));
            all.push(Secret::named(STANDARD.encode(whole), format!("(printf '%s' \"{word}\" | base64)")));
            // The user alone may be the key.
            all.extend(Some(password).filter(|password| !password.expose().is_empty()).cloned());
        }
        all
    }

    /// The credentials for a request of an operation: those of the first alternative that this caller can satisfy.
    ///
    /// # Errors
    ///
    /// The schemes for which a secret is missing, if there is no such alternative.
    pub fn for_security(&self, document: &Document, security: &Security) -> Result<Vec<Credential>, String> {
        let mut missing = Vec::new();
        for alternative in security.alternatives.iter().filter(|alternative| !alternative.is_empty()) {
            let parts: Result<Vec<Credential>, String> =
                alternative.iter().map(|scheme| self.for_scheme(document, &scheme.name)).collect();
            match parts {
                Ok(parts) => return Ok(parts),
                Err(scheme) => missing.push(scheme),
            }
        }
        if security.is_open() {
            // A contract that describes no security at all may have left it out.
            let is_undescribed = security.alternatives.is_empty() && document.security_schemes.is_empty();
            return Ok(self.token.iter().filter(|_| is_undescribed).map(bearer).collect());
        }
        Err(missing.join(" or "))
    }

    /// The credential for a scheme; the description of the scheme if there is none.
    fn for_scheme(&self, document: &Document, name: &str) -> Result<Credential, String> {
        let own = self.by_scheme.get(name);
        let scheme = document.security_scheme(name).ok_or_else(|| format!("`{name}`, which is not described"))?;
        let (found, kind) = match &scheme.kind {
            SchemeKind::ApiKey { location, name } => {
                (own.or(self.api_key.as_ref()).map(|key| Credential::new(*location, name, "", key)), "an API key")
            }
            SchemeKind::Http { scheme } if scheme == "basic" => {
                let own = own.and_then(|own| Secrets::universal(own).basic);
                let basic = own.as_ref().or(self.basic.as_ref());
                (basic.map(|(user, password)| basic_credential(user, password)), "a user and a password")
            }
            SchemeKind::Http { scheme } if scheme == "bearer" => (own.or(self.token.as_ref()).map(bearer), "a token"),
            SchemeKind::Http { scheme } => {
                let before = format!("{scheme} ");
                (own.map(|own| Credential::new(Location::Header, AUTHORIZATION, &before, own)), "credentials")
            }
            SchemeKind::OAuth2 { .. } | SchemeKind::OpenIdConnect(_) => {
                (own.or(self.token.as_ref()).map(bearer), "a token")
            }
            SchemeKind::MutualTls => (None, "a client certificate, which cannot be sent yet"),
            SchemeKind::Other(_) => (None, "credentials of an unknown kind"),
        };
        found.ok_or_else(|| format!("`{name}` ({kind})"))
    }
}

fn bearer(token: &Secret) -> Credential {
    Credential::new(Location::Header, AUTHORIZATION, "Bearer ", token)
}

fn basic_credential(user: &str, password: &Secret) -> Credential {
    Credential { user: Some(user.to_owned()), ..Credential::new(Location::Header, AUTHORIZATION, "Basic ", password) }
}

impl Credential {
    fn new(location: Location, name: &str, before: &str, secret: &Secret) -> Credential {
        Credential {
            location,
            name: name.to_owned(),
            before: before.to_owned(),
            secret: Some(secret.clone()),
            after: String::new(),
            user: None,
        }
    }

    /// A text without a secret in it.
    fn text(location: Location, name: &str, text: &str) -> Credential {
        Credential {
            location,
            name: name.to_owned(),
            before: text.to_owned(),
            secret: None,
            after: String::new(),
            user: None,
        }
    }

    /// The value to send.
    pub fn value(&self) -> String {
        let secret = self.secret.as_ref().map(Secret::expose).unwrap_or_default();
        match &self.user {
            Some(user) => format!("{}{}{}", self.before, STANDARD.encode(format!("{user}:{secret}")), self.after),
            None => format!("{}{secret}{}", self.before, self.after),
        }
    }

    /// The value with what stands for the secret, for a double-quoted shell word.
    pub fn shown(&self) -> String {
        let secret = self.secret.as_ref().map(|secret| secret.placeholder(self.after.is_empty()));
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{}{}{}", quoted(&self.before), secret.unwrap_or_default(), quoted(&self.after))
    }
}

impl Authorization {
    /// No credentials.
    pub fn none() -> Authorization {
        Authorization { role: CallerRole::NoKey, parts: Vec::new() }
    }

    /// Whether the caller is the one who may do everything.
    pub fn is_full(&self) -> bool {
        self.role == CallerRole::Authorized
    }
}

/// Invalid credentials in place of valid ones: a few that every server must refuse.
pub(super) fn refused(valid: &[Credential]) -> Vec<Authorization> {
    let mut all = vec![Authorization::none()];
    for part in valid {
        let text = |text: &str| Credential::text(part.location, &part.name, text);
        let Some(secret) = &part.secret else { continue };
        match part.before.as_str() {
            "Bearer " => {
                all.push(instead(Credential::new(part.location, &part.name, "", secret)));
                all.extend(
                    ["Bearer", "Basic dXNlcjpwYXNzd29yZA==", "Bearer an-unknown-key"].map(|it| instead(text(it))),
                );
            }
            "Basic " => {
                all.extend(["Basic", "Basic dXNlcjpwYXNzd29yZA==", "Bearer an-unknown-key"].map(|it| instead(text(it))))
            }
            before => all.push(instead(text(&format!("{before}an-unknown-key")))),
        }
    }
    all
}

/// Invalid credentials that servers often mistake for valid ones: texts before and after the secret, and the secret in
/// other places.
pub(super) fn mistakable(valid: &[Credential]) -> Vec<Authorization> {
    let mut all = vec![Authorization::none()];
    for part in valid {
        let text = |text: &str| instead(Credential::text(part.location, &part.name, text));
        let spelled = |before: &str, after: &str| {
            instead(Credential { before: before.to_owned(), after: after.to_owned(), ..part.clone() })
        };
        let elsewhere = |name: &str| {
            let before = part.before.clone();
            instead(Credential { name: name.to_owned(), location: Location::Header, before, ..part.clone() })
        };
        match part.before.as_str() {
            "Bearer " => {
                all.extend(BEARERS.map(text));
                all.extend(SPELLED.map(|(before, after)| spelled(before, after)));
            }
            "Basic " => {
                all.extend(["Basic", "Basic ", "Basic dXNlcjpwYXNzd29yZA==", "Bearer null"].map(text));
                all.extend([("", ""), ("Bearer ", ""), ("Basic x", "")].map(|(before, after)| spelled(before, after)));
            }
            before => {
                all.extend(["", "null", "undefined", "*"].map(|value| text(&format!("{before}{value}"))));
                all.extend([spelled(&format!("{before}x"), ""), spelled(before, "x")]);
            }
        }
        let names = ["x-api-key", "proxy-authorization", "x-authorization"];
        let is_own = |name: &&str| part.location == Location::Header && part.name.eq_ignore_ascii_case(name);
        all.extend(names.into_iter().filter(|name| !is_own(name)).map(elsewhere));
    }
    all
}

/// Credentials that a server may accept or not: names of schemes are case-insensitive, and spaces follow them.
pub(super) fn spellings(valid: &[Credential]) -> Vec<Authorization> {
    let bearers = valid.iter().filter(|part| part.before == "Bearer ");
    let spelled = |part: &Credential, before: &str| Authorization {
        role: CallerRole::Uncertain,
        parts: vec![Credential { before: before.to_owned(), ..part.clone() }],
    };
    bearers.flat_map(|part| ["bearer ", "BEARER ", "Bearer  "].map(|before| spelled(part, before))).collect()
}

/// A single credential that is not valid.
fn instead(credential: Credential) -> Authorization {
    Authorization { role: CallerRole::NoKey, parts: vec![credential] }
}

const BEARERS: [&str; 9] = [
    "Bearer",
    "Bearer ",
    "Bearer null",
    "Bearer undefined",
    "Bearer *",
    "Bearer YOUR-REST-API-KEY",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    "Basic dXNlcjpwYXNzd29yZA==",
    "Bearer \u{80}\u{ff}",
];

const SPELLED: [(&str, &str); 11] = [
    ("", ""),
    ("Basic ", ""),
    ("Token ", ""),
    ("Bearer", ""),
    ("Bearer: ", ""),
    ("Bearer Bearer ", ""),
    ("Bearer \"", "\""),
    ("Bearer ", "x"),
    ("Bearer x", ""),
    ("Bearer ", ", Basic eA=="),
    ("Bearer ", "\u{ff}"),
];
