//! What is known about the server: from the settings, from the command line or the testbed's own description, which
//! come before the settings.

use std::collections::BTreeMap;

use apidrift_core::contract::Contract;
use apidrift_core::settings::{self, Conform, Role, SecretSource};
use openapi_model::document::{Document, Security};
use serde_json::Value as Json;
use toml::Spanned;

use super::credentials::{Authorization, CallerRole, Credential, Secrets};
use super::operation::Operation;
use super::provocations;
use super::secret::Secret;
use super::target::Target;

/// Values by the names of parameters.
pub(super) type Values = BTreeMap<String, Json>;

/// What is known about the server.
pub(super) struct Facts<'a> {
    pub settings: &'a Conform,
    callers: Vec<Caller>,
    /// Callers of the settings whose secrets are not set, with what is missing.
    missing: Vec<(settings::Caller, String)>,
    /// Credentials whose requests fail, by the name of the error.
    pub failing: BTreeMap<String, Vec<Secrets>>,
    values: Values,
    pub foreign: Values,
    resources: BTreeMap<String, Values>,
    /// How many items a list has, by operation.
    pub items: BTreeMap<String, usize>,
}

/// Somebody who sends requests.
struct Caller {
    name: String,
    role: Role,
    secrets: Secrets,
}

impl<'a> Facts<'a> {
    /// The facts about a server.
    ///
    /// # Errors
    ///
    /// What in the settings does not match the contract, or which secret cannot be read.
    pub fn new(contract: &Contract, settings: &'a Conform, target: &Target) -> Result<Facts<'a>, String> {
        check(contract, settings)?;
        let mut callers = Vec::new();
        let variable = |role| {
            let mut same = settings.callers.iter().map(Spanned::get_ref).filter(|caller| caller.role == role);
            same.find_map(variable_of)
        };
        let mut given = |name: &str, role, secret: &Option<Secret>| {
            let Some(secret) = secret else { return };
            let secret = match variable(role).filter(|_| secret.is_unnamed()) {
                Some(variable) => secret.clone().shown_as(variable),
                None => secret.clone(),
            };
            callers.push(Caller { name: name.to_owned(), role, secrets: Secrets::universal(&secret) });
        };
        given("--key", Role::Full, &target.key);
        given("--key-without-permission", Role::WithoutPermission, &target.key_without_permission);
        let mut missing = Vec::new();
        for caller in &settings.callers {
            let it = caller.get_ref();
            match secrets(settings, it).map_err(|reason| format!("{}{reason}", settings.at(caller)))? {
                Ok(secrets) => callers.push(Caller { name: it.name.clone(), role: it.role, secrets }),
                Err(variable) => missing.push((it.clone(), variable)),
            }
        }
        let of_target = target.known.iter().chain(&target.foreign);
        if let Some((name, _)) = of_target.into_iter().find(|(name, value)| !is_about(contract, name, value)) {
            return Err(format!("a value is given for `{name}`, and the contract has no such parameter"));
        }
        let failing = target.failing_keys.iter().map(|(error, keys)| {
            let keys = keys.iter().map(|key| key.clone().shown_as("KEY_THAT_FAILS"));
            (error.clone(), keys.map(|key| Secrets::universal(&key)).collect())
        });
        let plain = |values: &BTreeMap<Spanned<String>, Json>| -> Values {
            values.iter().map(|(name, value)| (name.get_ref().clone(), value.clone())).collect()
        };
        let over = |mut values: Values, more: &Values| {
            values.extend(more.clone());
            values
        };
        let mut resources = settings.resources.clone();
        for (name, values) in &target.resources {
            resources.entry(name.clone()).or_default().extend(values.clone());
        }
        Ok(Facts {
            settings,
            callers,
            missing,
            failing: failing.collect(),
            values: over(plain(&settings.values), &target.known),
            foreign: over(plain(&settings.foreign), &target.foreign),
            resources,
            items: target.items.clone(),
        })
    }

    /// All texts that must not be shown.
    pub fn secrets(&self) -> Vec<Secret> {
        let callers = self.callers.iter().map(|caller| &caller.secrets);
        callers.chain(self.failing.values().flatten()).flat_map(Secrets::all).collect()
    }

    /// The credentials of the first caller with a role who can call an operation.
    ///
    /// # Errors
    ///
    /// What is needed for one.
    pub fn caller(&self, role: Role, document: &Document, security: &Security) -> Result<Authorization, String> {
        let mut lacking = None;
        for caller in self.callers.iter().filter(|caller| caller.role == role) {
            match caller.secrets.for_security(document, security) {
                Ok(parts) => return Ok(authorization(role, parts)),
                Err(schemes) => {
                    lacking.get_or_insert_with(|| format!("credentials of the caller `{}` for {schemes}", caller.name));
                }
            }
        }
        if role == Role::Full && security.is_open() {
            return Ok(Authorization { role: CallerRole::Authorized, parts: Vec::new() });
        }
        Err(lacking.unwrap_or_else(|| self.needed(role)))
    }

    /// The credentials of a caller of the settings, by name.
    ///
    /// # Errors
    ///
    /// What is needed for it.
    pub fn named_caller(&self, name: &str, document: &Document, security: &Security) -> Result<Authorization, String> {
        if let Some(caller) = self.callers.iter().find(|caller| caller.name == name) {
            let parts = caller.secrets.for_security(document, security);
            let parts = parts.map_err(|schemes| format!("credentials of the caller `{name}` for {schemes}"))?;
            return Ok(Authorization { role: CallerRole::Uncertain, parts });
        }
        let missing = self.missing.iter().find(|(caller, _)| caller.name == name);
        Err(missing.map_or_else(|| format!("the caller `{name}`"), |(_, variable)| needed_variable(variable)))
    }

    /// Whether there is a caller who may do everything.
    pub fn has_full_caller(&self) -> bool {
        self.callers.iter().any(|caller| caller.role == Role::Full)
    }

    /// What is needed for a caller with a role.
    pub fn needed(&self, role: Role) -> String {
        let mut missing = self.missing.iter().filter(|(caller, _)| caller.role == role);
        missing.next().map(|(_, variable)| needed_variable(variable)).unwrap_or_else(|| match role {
            Role::Full => "--key".to_owned(),
            Role::WithoutPermission => "--key-without-permission".to_owned(),
            Role::OtherTenant => "a caller with the role `other-tenant` in the settings".to_owned(),
        })
    }

    /// The value of a parameter that exists, if one is given for this operation or for all.
    pub fn value(&self, operation: &Operation, name: &str) -> Option<&Json> {
        let own = |operation: &str| self.values.get(operation).and_then(|values| values.as_object()?.get(name));
        own(&operation.id).or_else(|| own(&operation.endpoint())).or_else(|| self.values.get(name))
    }

    /// The values of a resource that a provocation names; `None` if none are known.
    pub fn resource(&self, name: &str) -> Option<&Values> {
        self.resources.get(name).filter(|values| !values.is_empty())
    }
}

fn authorization(role: Role, parts: Vec<Credential>) -> Authorization {
    let role = match role {
        Role::Full => CallerRole::Authorized,
        Role::WithoutPermission => CallerRole::NoPermission,
        Role::OtherTenant => CallerRole::Uncertain,
    };
    Authorization { role, parts }
}

fn needed_variable(variable: &str) -> String {
    format!("a key in {variable}")
}

/// The environment variable of a caller's first secret.
fn variable_of(caller: &settings::Caller) -> Option<&str> {
    sources(caller).into_iter().find_map(|source| match source {
        SecretSource::Env { env } => Some(env.as_str()),
        SecretSource::File { .. } => None,
    })
}

fn sources(caller: &settings::Caller) -> Vec<&SecretSource> {
    let basic = caller.basic.iter().map(|basic| &basic.password);
    caller.token.iter().chain(&caller.api_key).chain(basic).chain(caller.credentials.values()).collect()
}

/// The secrets of a caller, or the environment variable that is missing.
fn secrets(settings: &Conform, caller: &settings::Caller) -> Result<Result<Secrets, String>, String> {
    let mut missing = None;
    let mut read = |source: &SecretSource| -> Result<Option<Secret>, String> {
        let found = source.read(&settings.root)?;
        if found.is_none() {
            missing.get_or_insert_with(|| source.name().to_owned());
        }
        Ok(found.map(|(text, shown)| Secret::named(text, shown)))
    };
    let mut secrets = Secrets {
        token: caller.token.as_ref().map(&mut read).transpose()?.flatten(),
        api_key: caller.api_key.as_ref().map(&mut read).transpose()?.flatten(),
        ..Secrets::default()
    };
    if let Some(basic) = &caller.basic {
        secrets.basic = read(&basic.password)?.map(|password| (basic.user.clone(), password));
    }
    for (scheme, source) in &caller.credentials {
        secrets.by_scheme.extend(read(source)?.map(|secret| (scheme.clone(), secret)));
    }
    Ok(missing.map_or(Ok(secrets), Err))
}

/// Whether the contract has an operation with this ID, or with this method and path.
pub(super) fn has_operation(contract: &Contract, name: &str) -> bool {
    contract.operations.iter().any(|operation| *operation.id == *name || operation.endpoint() == name)
}

fn has_parameter(contract: &Contract, name: &str) -> bool {
    contract.operations.iter().flat_map(|operation| &operation.parameters).any(|it| *it.name == *name)
}

/// Whether a value is that of a parameter, or a table is about an operation.
fn is_about(contract: &Contract, name: &str, value: &Json) -> bool {
    has_parameter(contract, name) || value.is_object() && has_operation(contract, name)
}

/// Checks that what the settings name is in the contract.
fn check(contract: &Contract, settings: &Conform) -> Result<(), String> {
    let is_operation = |name: &str| has_operation(contract, name);
    let is_parameter = |name: &str| has_parameter(contract, name);
    let unknown = |name: &Spanned<String>, what: &str| {
        Err(format!("{}the contract has no {what} `{}`", settings.at(name), name.get_ref()))
    };
    let provocations = settings.provocations.iter().map(Spanned::get_ref);
    let of_provocations = provocations.flat_map(|provocation| provocation.operation.iter().chain(&provocation.before));
    let lists = settings.lists.iter().map(|list| &list.get_ref().operation);
    let named = settings.send.iter().filter(|name| name.get_ref() != "*").chain(of_provocations).chain(lists);
    if let Some(name) = named.chain(settings.bodies.keys()).find(|name| !is_operation(name.get_ref())) {
        return unknown(name, "operation");
    }
    for (name, value) in &settings.values {
        if !is_about(contract, name.get_ref(), value) {
            return unknown(name, if value.is_object() { "operation or parameter" } else { "parameter" });
        }
    }
    if let Some(name) =
        settings.foreign.keys().chain(settings.malformed.keys()).find(|name| !is_parameter(name.get_ref()))
    {
        return unknown(name, "parameter");
    }
    for provocation in settings.provocations.iter().map(Spanned::get_ref) {
        let mut errors = contract.operations.iter().flat_map(|operation| {
            let is_meant = provocations::is_about(provocation, &operation.id, &operation.endpoint());
            operation.errors.iter().filter(move |_| is_meant)
        });
        if !errors.any(|error| provocations::names(&provocation.error, error)) {
            let (at, name) = (settings.at(&provocation.error), provocation.error.get_ref());
            return Err(format!("{at}the contract has no error `{name}` where it should be provoked"));
        }
    }
    for caller in &settings.callers {
        let mut schemes = caller.get_ref().credentials.keys();
        if let Some(name) = schemes.find(|name| contract.document.security_scheme(name).is_none()) {
            return Err(format!("{}the contract has no security scheme `{name}`", settings.at(caller)));
        }
    }
    Ok(())
}
