//! What a change of the contract does to clients and servers that were written against its earlier form.
//!
//! Every rule says by its severity what it is: an error breaks somebody, a warning needs somebody's care, a note is
//! harmless.

mod answers;
mod requests;
mod schema;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Contract, Operation, SecurityScheme, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::source::Place;

/// Compares a contract with its earlier form.
pub fn check(base: &Contract, contract: &Contract) -> Vec<Finding> {
    let mut compare = Compare { base, contract, findings: Vec::new(), said: HashSet::new() };
    compare.operations();
    compare.error_body();
    compare.schemes();
    compare.servers();
    compare.findings
}

struct Compare<'a> {
    base: &'a Contract,
    contract: &'a Contract,
    findings: Vec<Finding>,
    /// The changes of components that were said: a component may be part of several answers.
    said: HashSet<(Rule, usize, usize)>,
}

/// Where something stands now, or where to look for it.
enum Side<'a> {
    /// In the contract.
    Now(&'a Range<usize>),
    /// In its earlier form.
    Then(&'a Range<usize>),
}

impl<'a> Compare<'a> {
    fn report(&mut self, rule: Rule, here: Side<'_>, other: Option<Side<'_>>, message: String, help: &str) {
        let finding = Finding::at(rule, self.place(here), message).help(help);
        self.findings.push(match other {
            Some(other) => finding.with(self.place(other)),
            None => finding,
        });
    }

    fn place(&self, side: Side<'_>) -> Place {
        match side {
            Side::Now(range) => self.contract.place(range, "now"),
            Side::Then(range) => self.base.place(range, "before"),
        }
    }

    fn operations(&mut self) {
        let (base, contract) = (self.base, self.contract);
        let by_call = |contract: &'a Contract| -> HashMap<String, &'a Operation> {
            contract.operations.iter().map(|operation| (operation.call(), operation)).collect()
        };
        let (before, now) = (by_call(base), by_call(contract));
        for old in &base.operations {
            match now.get(&old.call()) {
                Some(new) => self.operation(old, new),
                None if contract.is_troubled(&old.method, &old.path) => {}
                None => self.report(
                    Rule::CompatOperationRemoved,
                    Side::Then(&old.id.range),
                    None,
                    format!("{} {} is gone", old.method.value, old.path.value),
                    "clients that call it are answered with 404 or 405: keep it until nobody calls it",
                ),
            }
        }
        for new in &contract.operations {
            if !before.contains_key(&new.call()) && !base.is_troubled(&new.method, &new.path) {
                let message = format!("{} {} is new", new.method.value, new.path.value);
                self.report(
                    Rule::CompatOperationAdded,
                    Side::Now(&new.id.range),
                    None,
                    message,
                    "nobody depends on it yet",
                );
            }
        }
    }

    fn operation(&mut self, old: &Operation, new: &Operation) {
        self.id(old, new);
        self.parameters(old, new);
        self.success(old, new);
        self.errors(old, new);
        self.permission(old, new);
        self.rate_limit(old, new);
        self.security(old, new);
    }

    fn id(&mut self, old: &Operation, new: &Operation) {
        if *old.id != *new.id {
            self.report(
                Rule::CompatOperationRenamed,
                Side::Now(&new.id.range),
                Some(Side::Then(&old.id.range)),
                format!("`{}` was renamed to `{}`", old.id.value, new.id.value),
                "generated clients name a method after it: code that calls the old name no longer compiles",
            );
        }
    }

    fn permission(&mut self, old: &Operation, new: &Operation) {
        let (Some(before), Some(now)) = (&old.permission, &new.permission) else {
            return;
        };
        if **before != **now {
            self.report(
                Rule::CompatPermission,
                Side::Now(&now.range),
                Some(Side::Then(&before.range)),
                format!("`{}` requires `{}` now, not `{}`", new.id.value, now.value, before.value),
                "keys that have only the old permission are refused with 403: accept both for a while",
            );
        }
    }

    fn rate_limit(&mut self, old: &Operation, new: &Operation) {
        let (Some(before), Some(now)) = (&old.rate_limit, &new.rate_limit) else {
            return;
        };
        // Requests in a stretch of time, compared without fractions; and how many may come at once.
        let rate = |one: &Spanned<apidrift_core::contract::RateLimit>,
                    other: &Spanned<apidrift_core::contract::RateLimit>| {
            u128::from(one.requests) * u128::from(other.window_seconds)
        };
        let (slower, fewer) = (rate(now, before) < rate(before, now), now.requests < before.requests);
        if slower || fewer {
            self.report(
                Rule::CompatRateLimitStricter,
                Side::Now(&now.range),
                Some(Side::Then(&before.range)),
                format!(
                    "`{}` allows {} requests in {} s now, and allowed {} in {} s",
                    new.id.value, now.requests, now.window_seconds, before.requests, before.window_seconds
                ),
                "clients that stayed within the old limit are refused with 429",
            );
        } else if before.value != now.value {
            self.report(
                Rule::CompatRateLimitLooser,
                Side::Now(&now.range),
                Some(Side::Then(&before.range)),
                format!("`{}` allows more requests than before", new.id.value),
                "nobody is refused who was not",
            );
        }
    }

    fn security(&mut self, old: &Operation, new: &Operation) {
        let names =
            |operation: &Operation| operation.security.iter().map(|scheme| scheme.value.clone()).collect::<Vec<_>>();
        let (before, now) = (names(old), names(new));
        if before != now {
            let here = new.security.first().map_or(&new.id.range, |scheme| &scheme.range);
            let there = old.security.first().map_or(&old.id.range, |scheme| &scheme.range);
            self.report(
                Rule::CompatSecurity,
                Side::Now(here),
                Some(Side::Then(there)),
                format!("`{}` demands [{}] now, not [{}]", new.id.value, now.join(", "), before.join(", ")),
                "clients authenticate as they did: accept both ways for a while",
            );
        }
    }

    /// What a scheme is whose name has stayed.
    fn schemes(&mut self) {
        let (base, contract) = (self.base, self.contract);
        for now in &contract.security_schemes {
            let Some(before) = base.security_schemes.iter().find(|scheme| scheme.name.value == now.name.value) else {
                continue;
            };
            let meaning = |scheme: &SecurityScheme| {
                let keys = ["type", "scheme", "in", "name", "openIdConnectUrl"];
                keys.map(|key| scheme.node.get(key).and_then(Node::as_str).unwrap_or_default().to_lowercase())
            };
            if meaning(before) != meaning(now) {
                self.report(
                    Rule::CompatSecurity,
                    Side::Now(&now.name.range),
                    Some(Side::Then(&before.name.range)),
                    format!("the security scheme `{}` is another than before", now.name.value),
                    "clients authenticate in the old way: accept both for a while",
                );
            }
        }
    }

    fn servers(&mut self) {
        let (base, contract) = (self.base, self.contract);
        for old in &base.servers {
            if !contract.servers.iter().any(|new| **new == **old) {
                self.report(
                    Rule::CompatServerRemoved,
                    Side::Then(&old.range),
                    None,
                    format!("the server `{}` is gone", old.value),
                    "clients call it: keep it answering, or tell them",
                );
            }
        }
    }
}
