//! Who calls: what a request carries for the security schemes of its operation, and the gate that decides.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use http::header::AUTHORIZATION;

use super::parameters::{Incoming, cookies, query_pairs};
use super::tables::{Location, OperationInfo, SchemeKind, SchemeUse, SecurityScheme};

/// Why the gate could not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateFailure {
    /// What it needs is unavailable; answered with 503.
    Unavailable,
    /// It failed; answered with 500. The gate has logged why.
    Failed,
}

/// Decides who may call. It is asked before anything else of a request is looked at.
pub trait Gate: Send + Sync + 'static {
    /// A caller that was authenticated.
    type Caller: Send + Sync + 'static;

    /// Who calls; `None` is answered with 401. It may record the field `peer` of the current span.
    ///
    /// [`Credentials::presented`] says for which of the operation's alternatives the request carries credentials. Whether
    /// they are valid, and whether they have the scopes, is decided here.
    fn authenticate(
        &self,
        credentials: &Credentials<'_>,
    ) -> impl Future<Output = Result<Option<Self::Caller>, GateFailure>> + Send;

    /// A request of an operation has arrived. What this returns is dropped once the request is answered, or is no longer
    /// worked on because its caller has gone.
    fn begun(&self, _operation: &'static OperationInfo) -> impl Send {}

    /// A request of an operation was answered.
    fn answered(&self, _operation: &'static OperationInfo, _status: u16, _elapsed: Duration) {}
}

/// A gate that lets everybody in, for contracts without security.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everybody;

impl Gate for Everybody {
    type Caller = ();

    async fn authenticate(&self, _: &Credentials<'_>) -> Result<Option<()>, GateFailure> {
        Ok(Some(()))
    }
}

/// What a request carries to say who calls.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The operation that is called.
    pub operation: &'static OperationInfo,
    /// The address behind the connection.
    pub remote: SocketAddr,
    /// The request's headers, path and query.
    pub request: &'a Incoming<'a>,
}

/// What a request carries for one security scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The scheme.
    pub scheme: &'static SecurityScheme,
    /// The scopes that the operation needs.
    pub scopes: &'static [&'static str],
    /// The token, key, or user and password.
    pub secret: Presented,
}

/// A secret as it was presented. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// A token, a key, or the text after the name of another scheme.
    Token(String),
    /// A user and a password.
    UserAndPassword(String, String),
    /// A client certificate, which whatever ends TLS has checked.
    Certificate,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Presented")
    }
}

impl Credentials<'_> {
    /// The alternatives of the operation for which the request carries something for each scheme, in the contract's order. An
    /// empty alternative means that the operation may be called without credentials.
    pub fn presented(&self) -> Vec<Vec<Credential>> {
        if self.operation.security.is_empty() {
            return vec![Vec::new()];
        }
        let carried = |needed: &&[SchemeUse]| {
            let each = needed.iter().map(|one| {
                Some(Credential { scheme: one.scheme, scopes: one.scopes, secret: self.carried(one.scheme.kind)? })
            });
            each.collect::<Option<Vec<Credential>>>()
        };
        self.operation.security.iter().filter_map(carried).collect()
    }

    fn carried(&self, kind: SchemeKind) -> Option<Presented> {
        match kind {
            SchemeKind::Bearer => Some(Presented::Token(self.authorization("bearer")?.to_owned())),
            SchemeKind::Http(scheme) => Some(Presented::Token(self.authorization(scheme)?.to_owned())),
            SchemeKind::Basic => {
                let encoded = self.authorization("basic")?;
                let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
                let text = String::from_utf8(decoded).ok()?;
                let (user, password) = text.split_once(':')?;
                Some(Presented::UserAndPassword(user.to_owned(), password.to_owned()))
            }
            SchemeKind::Key(location, name) => Some(Presented::Token(self.key(location, name)?)),
            SchemeKind::Certificate => Some(Presented::Certificate),
        }
    }

    /// What follows the name of a scheme in the `Authorization` header.
    fn authorization(&self, scheme: &str) -> Option<&str> {
        let (name, value) = self.request.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let value = value.trim();
        (name.eq_ignore_ascii_case(scheme) && !value.is_empty()).then_some(value)
    }

    /// A key; an empty one is none.
    fn key(&self, location: Location, name: &str) -> Option<String> {
        let named = |(key, value): (String, String)| (key == name).then_some(value);
        let key = match location {
            Location::Header => self.request.headers.get(name)?.to_str().ok().map(str::to_owned),
            Location::Query => query_pairs(self.request.query()).find_map(named),
            Location::Cookie => cookies(self.request.headers).find_map(named),
            Location::Path => None,
        };
        key.filter(|key| !key.is_empty())
    }
}
