//! Whether credentials that were sufficient still are.

use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Location, OAuthFlow, SchemeKind, SchemeUse, Security};

use super::compare::{Both, Compare};
use super::parameters::place_of;
use super::report::{At, ReportedChange};

impl Compare<'_> {
    pub(super) fn security(&mut self, both: &Both<'_>) {
        let (before, now) = (&both.old.security, &both.new.security);
        if now.is_open() {
            return;
        }
        let open = [Vec::new()];
        let alternatives =
            if before.is_open() && before.alternatives.is_empty() { &open[..] } else { &before.alternatives };
        let lost: Vec<&Vec<SchemeUse>> = alternatives
            .iter()
            .filter(|proof| !now.alternatives.iter().any(|wanted| self.suffices(proof, wanted, true)))
            .collect();
        let Some(first) = lost.first() else { return };
        let by_scopes =
            lost.iter().all(|proof| now.alternatives.iter().any(|wanted| self.suffices(proof, wanted, false)));
        let (rule, help) = if by_scopes {
            (Rule::CompatScopes, "tokens with only the old scopes are refused: accept them for a while")
        } else {
            (Rule::CompatSecurity, "clients still authenticate in the old way: accept both for a while")
        };
        let span = |security: &Security, operation| {
            let first = security.alternatives.iter().flatten().next().map(|scheme| scheme.name.span);
            first.or(security.span).unwrap_or_else(|| place_of(operation))
        };
        let lost_at = first.first().map_or_else(|| span(before, both.old), |scheme| scheme.name.span);
        let message = (
            "the authentication of ".to_owned(),
            format!(" is {} now, not {}", shown(&now.alternatives), shown(&before.alternatives)),
        );
        let (here, other) = (At::Now(span(now, both.new)), Some(At::Then(lost_at)));
        self.report.add_to_operation(both.at, ReportedChange { rule, here, other, message, help });
    }

    /// Whether credentials that satisfy `proof` also satisfy `wanted`.
    fn suffices(&self, proof: &[SchemeUse], wanted: &[SchemeUse], with_scopes: bool) -> bool {
        wanted.iter().all(|wanted| {
            proof.iter().any(|proof| {
                let has = |scope: &str| proof.scopes.iter().any(|known| known.value == scope);
                self.is_same(proof, wanted) && (!with_scopes || wanted.scopes.iter().all(|scope| has(&scope.value)))
            })
        })
    }

    /// Whether two schemes are the same; changes of a scheme with an unchanged name are reported for the scheme.
    fn is_same(&self, before: &SchemeUse, now: &SchemeUse) -> bool {
        let kind =
            |document: &Document, name: &str| document.security_scheme(name).map(|scheme| without_case(&scheme.kind));
        before.name.value == now.name.value
            || kind(self.base.document, &before.name.value)
                .is_some_and(|before| kind(self.new.document, &now.name.value) == Some(before))
    }

    /// Compares the schemes whose names have not changed.
    pub(super) fn schemes(&mut self) {
        let (base, new) = (self.base.document, self.new.document);
        for now in &new.security_schemes {
            let Some(before) = base.security_scheme(&now.name.value) else { continue };
            let is_used = base.operations.iter().flat_map(|operation| operation.security.alternatives.iter().flatten());
            if !is_used.into_iter().any(|scheme| scheme.name.value == before.name.value) {
                continue;
            }
            let Some(how) = differs(&before.kind, &now.kind) else { continue };
            self.report.add_to_document(ReportedChange {
                rule: Rule::CompatSecurity,
                here: At::Now(now.name.span),
                other: Some(At::Then(before.name.span)),
                message: (format!("the security scheme `{}` {how}", now.name.value), String::new()),
                help: "clients authenticate in the old way: accept both for a while",
            });
        }
    }
}

/// A scheme with case-insensitive names in lower case.
fn without_case(kind: &SchemeKind) -> SchemeKind {
    match kind {
        SchemeKind::ApiKey { location: Location::Header, name } => {
            SchemeKind::ApiKey { location: Location::Header, name: name.to_ascii_lowercase() }
        }
        other => other.clone(),
    }
}

/// The difference between two versions of a scheme, if there is one.
fn differs(before: &SchemeKind, now: &SchemeKind) -> Option<String> {
    if without_case(before) == without_case(now) {
        return None;
    }
    let (SchemeKind::OAuth2 { flows: before }, SchemeKind::OAuth2 { flows: now }) = (before, now) else {
        return Some(format!("is {} now, not {}", kind(now), kind(before)));
    };
    before.iter().find_map(|flow| {
        let name = &flow.name;
        let Some(now) = now.iter().find(|now| now.name == *name) else {
            return Some(format!("no longer has the flow `{name}`"));
        };
        let urls = |flow: &OAuthFlow| (flow.authorization_url.clone(), flow.token_url.clone());
        if urls(flow) != urls(now) {
            return Some(format!("has other URLs in the flow `{name}`"));
        }
        let gone: Vec<&str> =
            flow.scopes.iter().filter(|scope| !now.scopes.contains(scope)).map(String::as_str).collect();
        (!gone.is_empty()).then(|| format!("no longer has the scopes `{}` in the flow `{name}`", gone.join("`, `")))
    })
}

fn kind(kind: &SchemeKind) -> String {
    match kind {
        SchemeKind::ApiKey { location, name } => format!("the key `{name}` in the {}", location.name()),
        SchemeKind::Http { scheme } => format!("HTTP {scheme}"),
        SchemeKind::OAuth2 { .. } => "OAuth 2".to_owned(),
        SchemeKind::OpenIdConnect(url) => format!("OpenID Connect of {url}"),
        SchemeKind::MutualTls => "a certificate".to_owned(),
        SchemeKind::Other(name) if name.is_empty() => "of no type".to_owned(),
        SchemeKind::Other(name) => format!("`{name}`"),
    }
}

/// The alternatives in words: "`a` with `b`, or nothing".
fn shown(alternatives: &[Vec<SchemeUse>]) -> String {
    let one = |schemes: &Vec<SchemeUse>| {
        let names = schemes.iter().map(|scheme| {
            let scopes: Vec<&str> = scheme.scopes.iter().map(|scope| scope.value.as_str()).collect();
            if scopes.is_empty() {
                format!("`{}`", scheme.name.value)
            } else {
                format!("`{}` ({})", scheme.name.value, scopes.join(", "))
            }
        });
        if schemes.is_empty() { "nothing".to_owned() } else { names.collect::<Vec<_>>().join(" with ") }
    };
    if alternatives.is_empty() {
        return "nothing".to_owned();
    }
    alternatives.iter().map(one).collect::<Vec<_>>().join(", or ")
}
