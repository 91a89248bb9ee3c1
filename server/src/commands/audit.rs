//! Finds what cannot work in a configuration whose values are all valid: workspaces that no API key reaches, keys that are
//! refused, integrations with the same name, secrets that are sent unencrypted, a certificate that cannot be used. It makes no
//! connections.

mod notify;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::written;
use crate::api::generated::OPERATIONS;
use crate::config::{ApiKey, Config, Integration};
use crate::front::RENEWAL;
use crate::service::{Role, read_certificate};
use crate::text::{counted, shell_word};

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it works.
    pub state: State,
    /// What was checked, such as ``key `airflow` ``.
    pub subject: String,
    /// What was found; if it does not work, also what to do.
    pub message: String,
}

/// Whether a thing that was checked works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Ok,
    /// It works, or may be meant, but deserves attention.
    Warning,
    /// It cannot work.
    Failed,
}

impl Finding {
    /// A thing that works.
    pub fn ok(subject: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { state: State::Ok, subject: subject.into(), message: message.into() }
    }

    /// A thing that deserves attention.
    pub fn warning(subject: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { state: State::Warning, ..Finding::ok(subject, message) }
    }

    /// A thing that cannot work.
    pub fn failed(subject: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { state: State::Failed, ..Finding::ok(subject, message) }
    }
}

/// Checks the address, keys, workspaces, names and destinations, in this order.
pub fn audit(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = of_requests(config, now);
    findings.extend(admin(config));
    findings.extend(destinations(config));
    findings.extend(notify::findings(config, now));
    findings
}

/// Writes to the log what cannot work and what deserves attention in this role. A service starts all the same: syncs that were
/// triggered before are still to be finished, and a key may expire while the service runs.
pub fn log(config: &Config, role: Role, now: DateTime<Utc>) {
    let requests = if role == Role::Worker { Vec::new() } else { of_requests(config, now) };
    let deliveries = if role == Role::Api {
        Vec::new()
    } else {
        destinations(config).chain(notify::findings(config, now)).collect()
    };
    for Finding { state, subject, message } in requests.into_iter().chain(admin(config)).chain(deliveries) {
        match state {
            State::Ok => {}
            State::Warning => tracing::warn!("{subject}: {message}"),
            State::Failed => tracing::error!("{subject}: {message}"),
        }
    }
}

/// What matters to a process that answers requests.
fn of_requests(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = listen(config).into_iter().chain(certificate(config, now)).collect();
    findings.extend(keys(config, now));
    findings.extend(workspaces(config, now));
    findings.extend(names(config));
    findings
}

/// A warning if other machines can reach the service unencrypted. It is no failure: a container needs it.
fn listen(config: &Config) -> Option<Finding> {
    let listen = config.server.listen;
    let message = format!(
        "other machines can reach {listen}, and the service has no TLS: add `[server.tls]`, put a reverse proxy with TLS in front of \
         it, or listen on 127.0.0.1:{}",
        listen.port()
    );
    (!listen.ip().is_loopback() && config.server.tls.is_none()).then(|| Finding::warning("listen", message))
}

/// A warning if other machines can reach the operator's address. It is no failure: probes and Prometheus need it.
fn admin(config: &Config) -> Option<Finding> {
    let listen = config.admin.listen.filter(|listen| !listen.ip().is_loopback())?;
    let message = format!(
        "other machines can reach {listen}, and health and metrics need no key: let only Prometheus and probes reach it, by a firewall \
         or a NetworkPolicy, or listen on 127.0.0.1:{}",
        listen.port()
    );
    Some(Finding::warning("admin", message))
}

/// What the certificate is worth, if there is one.
fn certificate(config: &Config, now: DateTime<Utc>) -> Option<Finding> {
    let certificate = match read_certificate(config.server.tls.as_ref()?) {
        Ok(certificate) => certificate,
        Err(error) => return Some(Finding::failed("tls", error.to_string())),
    };
    if let Err(error) = certificate.check_time(now) {
        return Some(Finding::failed("tls", error.to_string()));
    }
    Some(match certificate.validity {
        Some((_, end)) if end - now < RENEWAL => {
            Finding::warning("tls", format!("the certificate expires soon, on {}; renew it", written(end)))
        }
        Some((_, end)) => Finding::ok("tls", format!("the certificate is valid until {}", written(end))),
        None => Finding::ok("tls", "the certificate can be used"),
    })
}

/// Warnings of destinations with unsafe settings.
fn destinations(config: &Config) -> impl Iterator<Item = Finding> {
    config.integrations.iter().filter_map(|integration| {
        Some(Finding::warning(format!("{}: destination", integration.name), integration.destination.warning()?))
    })
}

/// Why requests with a key are refused, if they are.
fn refused(key: &ApiKey, now: DateTime<Utc>) -> Option<String> {
    if key.hash.is_placeholder() {
        return Some("its hash is a placeholder".into());
    }
    if key.revoked {
        return Some("it is revoked".into());
    }
    let expired = key.expires.filter(|expires| *expires <= now)?;
    Some(format!("it expired on {}", written(expired)))
}

/// The permission to trigger syncs.
fn trigger_permission() -> Option<&'static str> {
    OPERATIONS.iter().find(|operation| operation.id == "trigger_integration_sync")?.permission
}

fn used_workspaces(config: &Config) -> BTreeMap<&str, Vec<&Integration>> {
    let mut used: BTreeMap<&str, Vec<&Integration>> = BTreeMap::new();
    for integration in &config.integrations {
        used.entry(&integration.workspace).or_default().push(integration);
    }
    used
}

fn keys(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    if config.keys.is_empty() {
        let message = "there are no API keys, so every request is answered with 401; `cdi-server key new` creates one";
        return vec![Finding::failed("keys", message)];
    }
    let used = used_workspaces(config);
    let one = |key: &ApiKey| {
        let (subject, workspace) = (format!("key {}", quoted(&key.name)), quoted(&key.workspace));
        if key.hash.is_placeholder() {
            let message =
                "the hash is a placeholder, which no key has; `cdi-server key new` prints a key with its hash";
            return Finding::failed(subject, message);
        }
        if key.revoked {
            return Finding::ok(
                subject,
                format!("revoked; requests with it are answered with 401 (workspace {workspace})"),
            );
        }
        if let Some(reason) = refused(key, now) {
            let message = format!(
                "{reason}, so requests with it are answered with 401; remove it, or create another with `cdi-server key new`"
            );
            return Finding::warning(subject, message);
        }
        if key.permissions.is_empty() {
            return Finding::warning(
                subject,
                "it has no permissions, so requests with it are answered with 403; add some to `permissions`",
            );
        }
        let listen = config.server.listen;
        if listen.ip().is_loopback() && !key.is_for(listen.ip()) {
            let message = format!(
                "all requests to {listen} come from this machine, which is not among its `addresses`, so requests with it are answered \
                 with 401; behind a proxy, let the proxy check addresses"
            );
            return Finding::warning(subject, message);
        }
        if !used.is_empty() && !used.contains_key(key.workspace.as_str()) {
            let message = format!(
                "no integration is in its workspace {workspace}; the integrations are in {}",
                listed(used.keys().copied())
            );
            return Finding::warning(subject, message);
        }
        let expires = key.expires.map_or(String::new(), |expires| format!(", expires on {}", written(expires)));
        Finding::ok(
            subject,
            format!("workspace {workspace}, {}{expires}", counted(key.permissions.len(), "permission")),
        )
    };
    config.keys.iter().map(one).collect()
}

fn workspaces(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let used = used_workspaces(config);
    let mut findings: Vec<Finding> = used
        .iter()
        // Without keys one finding says it for all.
        .filter(|_| !config.keys.is_empty())
        .map(|(workspace, integrations)| {
            let subject = format!("workspace {}", quoted(workspace));
            let keys: Vec<&ApiKey> = config.keys.iter().filter(|key| key.workspace == *workspace).collect();
            let usable: Vec<&ApiKey> = keys.iter().copied().filter(|key| refused(key, now).is_none()).collect();
            if usable.is_empty() {
                return Finding::failed(subject, unreachable(config, workspace, &keys, integrations, now));
            }
            let permission = trigger_permission().unwrap_or_default();
            if !usable.iter().any(|key| key.permissions.iter().any(|known| known == permission)) {
                let message =
                    format!("none of its keys can trigger syncs; add `{permission}` to the `permissions` of one");
                return Finding::warning(subject, message);
            }
            let integrations = counted(integrations.len(), "integration");
            Finding::ok(subject, format!("{integrations}, {}", counted(usable.len(), "usable key")))
        })
        .collect();
    let declared = config.workspaces.iter().map(|workspace| workspace.id.as_str());
    let is_unused = |id: &&str| !used.contains_key(id) && !config.keys.iter().any(|key| key.workspace == *id);
    findings.extend(declared.filter(is_unused).map(|id| {
        let message =
            "no key and no integration is in it, so its rate limits have no effect; correct its `id` or remove it";
        Finding::warning(format!("workspace {}", quoted(id)), message)
    }));
    findings
}

/// The message for a workspace without a usable key.
fn unreachable(
    config: &Config,
    workspace: &str,
    keys: &[&ApiKey],
    integrations: &[&Integration],
    now: DateTime<Utc>,
) -> String {
    let names = listed(integrations.iter().map(|integration| integration.name.as_str()));
    let reasons = keys.iter().filter_map(|key| Some(format!("{}: {}", quoted(&key.name), refused(key, now)?)));
    let reasons: Vec<String> = reasons.collect();
    let others: BTreeSet<&str> = config.keys.iter().map(|key| key.workspace.as_str()).collect();
    let (why, correct) = if reasons.is_empty() {
        let others = listed(others.into_iter());
        (format!("the keys are for {others}"), "correct the name of the workspace, or create")
    } else {
        (reasons.join("; "), "create")
    };
    format!(
        "no usable API key reaches this workspace ({why}), so {names} cannot be listed or triggered; {correct} a key with \
         `cdi-server key new --name NAME --workspace {}`",
        shell_word(workspace)
    )
}

fn names(config: &Config) -> Vec<Finding> {
    let mut named: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for integration in &config.integrations {
        named.entry((&integration.name, &integration.workspace)).or_default().push(integration.id.to_string());
    }
    let repeated = named.into_iter().filter(|(_, ids)| ids.len() > 1);
    let finding = |((name, workspace), ids): ((&str, &str), Vec<String>)| {
        let message = format!(
            "{} integrations in the workspace {} have this name ({}), so none can be triggered by name; give each its own",
            ids.len(),
            quoted(workspace),
            ids.join(", ")
        );
        Finding::failed(format!("name {}", quoted(name)), message)
    };
    repeated.map(finding).collect()
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const OTHER_HASH: &str = "sha256:cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34";

    fn key(name: &str, workspace: &str, hash: &str, more: &str) -> String {
        format!(
            "[[keys]]\nname = {name:?}\nworkspace = {workspace:?}\nhash = {hash:?}\n{}\n",
            if more.contains("permissions") {
                more.to_owned()
            } else {
                format!("permissions = [\"cdi.integration_sync\"]\n{more}")
            }
        )
    }

    fn integration(number: u8, name: &str, workspace: &str) -> String {
        format!(
            "[[integrations]]\nid = \"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0{number}\"\nname = {name:?}\nworkspace = {workspace:?}\n\
             type = \"attributes\"\nsource = {{ kind = \"sqlite\", path = \"s.db\", table = \"t\" }}\n\
             destination = {{ kind = \"jsonl\", path = \"{number}.jsonl\" }}\n"
        )
    }

    /// What is found beside what works.
    fn found(parts: &[String]) -> Vec<(State, String)> {
        let config = Config::parse(&parts.concat(), Path::new("opencdi.toml"), &crate::api::known()).unwrap();
        let findings = audit(&config, "2026-06-01T00:00:00Z".parse().unwrap());
        let wrong = findings.into_iter().filter(|finding| finding.state != State::Ok);
        wrong.map(|finding| (finding.state, format!("{}: {}", finding.subject, finding.message))).collect()
    }

    #[track_caller]
    fn assert_found(parts: &[String], expected: &[(State, &str)]) {
        let found = found(parts);
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for ((state, said), (expected_state, begins)) in found.iter().zip(expected) {
            assert!(state == expected_state && said.starts_with(begins), "{state:?} {said}");
        }
    }

    #[test]
    fn a_configuration_that_works_has_no_findings() {
        let later = key("later", "ours", OTHER_HASH, "expires = 2027-01-01T00:00:00Z");
        assert_found(&[key("k", "ours", HASH, ""), later, integration(1, "Users", "ours")], &[]);
    }

    #[test]
    fn a_workspace_that_no_key_reaches_cannot_work() {
        let parts = [key("k", "ours", HASH, ""), integration(1, "Users", "orus"), integration(2, "Orders", "ours")];
        let expected = "workspace `orus`: no usable API key reaches this workspace (the keys are for `ours`), so `Users` cannot be \
                        listed or triggered; correct the name of the workspace, or create a key with `cdi-server key new --name NAME \
                        --workspace orus`";
        assert_found(&parts, &[(State::Failed, expected)]);
    }

    #[test]
    fn no_keys_at_all_cannot_work() {
        assert_found(&[], &[(State::Failed, "keys: there are no API keys, so every request is answered with 401")]);
        assert_found(&[integration(1, "Users", "ours")], &[(State::Failed, "keys: there are no API keys")]);
    }

    #[test]
    fn keys_that_are_refused_do_not_reach_a_workspace() {
        let zeros = format!("sha256:{}", "0".repeat(64));
        for (hash, more, of_the_key, of_the_workspace) in [
            (
                HASH,
                "expires = 2026-01-01T00:00:00Z",
                Some((State::Warning, "key `k`: it expired on 2026-01-01T00:00:00Z, so")),
                "(`k`: it expired on 2026-01-01T00:00:00Z)",
            ),
            (
                zeros.as_str(),
                "",
                Some((State::Failed, "key `k`: the hash is a placeholder")),
                "(`k`: its hash is a placeholder)",
            ),
            (HASH, "revoked = true", None, "(`k`: it is revoked)"),
        ] {
            let parts = [key("k", "ours", hash, more), integration(1, "Users", "ours")];
            let workspace = format!("workspace `ours`: no usable API key reaches this workspace {of_the_workspace}");
            let expected: Vec<_> = of_the_key.into_iter().chain([(State::Failed, workspace.as_str())]).collect();
            assert_found(&parts, &expected);
        }
        // One that works is enough.
        let parts = [
            key("old", "ours", HASH, "revoked = true"),
            key("new", "ours", OTHER_HASH, ""),
            integration(1, "Users", "ours"),
        ];
        assert_found(&parts, &[]);
    }

    #[test]
    fn two_integrations_of_one_name_cannot_be_addressed() {
        let key = key("k", "ours", HASH, "");
        let parts = [key.clone(), integration(1, "Users", "ours"), integration(2, "Users", "ours")];
        let expected = "name `Users`: 2 integrations in the workspace `ours` have this name (6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01, \
                        6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02), so none";
        assert_found(&parts, &[(State::Failed, expected)]);
        let theirs = self::key("t", "theirs", OTHER_HASH, "");
        assert_found(&[key, theirs, integration(1, "Users", "ours"), integration(2, "Users", "theirs")], &[]);
    }

    #[test]
    fn an_operators_address_that_other_machines_can_reach_is_a_warning() {
        let at = |listen: &str| [format!("[admin]\nlisten = \"{listen}\"\n"), key("k", "ours", HASH, "")];
        for open in ["0.0.0.0:9090", "[::]:9090", "192.168.1.7:9090"] {
            let expected = format!("admin: other machines can reach {open}, and health and metrics need no key");
            assert_found(&at(open), &[(State::Warning, &expected)]);
        }
        for closed in ["127.0.0.1:9090", "[::1]:9090"] {
            assert_found(&at(closed), &[]);
        }
    }

    #[test]
    fn what_is_sent_unencrypted_to_other_machines_is_a_warning() {
        let key = || key("k", "ours", HASH, "");
        let at = |listen: &str| format!("[server]\nlisten = \"{listen}\"\n");
        for open in ["0.0.0.0:8080", "[::]:8080", "192.168.1.7:8080"] {
            let expected = format!(
                "listen: other machines can reach {open}, and the service has no TLS: add `[server.tls]`, put a reverse proxy with TLS \
                 in front of it, or listen on 127.0.0.1:8080"
            );
            assert_found(&[at(open), key()], &[(State::Warning, &expected)]);
        }
        for closed in ["127.0.0.1:0", "[::1]:80"] {
            assert_found(&[at(closed), key()], &[]);
        }
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "key").unwrap();
        let to = |url: &str| {
            let destination =
                format!("{{ kind = \"users_track\", url = {url:?}, api_key = {{ file = {:?} }} }}", secret.path());
            integration(1, "Users", "ours").replace("{ kind = \"jsonl\", path = \"1.jsonl\" }", &destination)
        };
        let expected = "Users: destination: the API key and the rows are sent to rest.iad-03.braze.com unencrypted";
        assert_found(&[key(), to("http://rest.iad-03.braze.com")], &[(State::Warning, expected)]);
        assert_found(&[key(), to("http://127.0.0.1:1")], &[]);
    }

    #[test]
    fn a_key_for_other_addresses_than_can_come_is_a_warning() {
        let addresses = |list: &str| key("k", "ours", HASH, &format!("addresses = [{list}]"));
        let expected =
            "key `k`: all requests to 127.0.0.1:8080 come from this machine, which is not among its `addresses`";
        assert_found(&[addresses("\"10.0.0.0/8\"")], &[(State::Warning, expected)]);
        assert_found(&[addresses("\"10.0.0.0/8\", \"127.0.0.1\"")], &[]);
    }

    #[test]
    fn a_certificate_is_read_and_its_days_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let made = rcgen::KeyPair::generate().unwrap();
        std::fs::write(path("key"), made.serialize_pem()).unwrap();
        let until = |year, month, day| {
            let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            parameters.not_before = rcgen::date_time_ymd(2026, 2, 1);
            parameters.not_after = rcgen::date_time_ymd(year, month, day);
            std::fs::write(path("pem"), parameters.self_signed(&made).unwrap().pem()).unwrap();
        };
        let tls = format!("[server.tls]\ncertificate = {:?}\nkey = {:?}\n", path("pem"), path("key"));
        let parts = || ["[server]\nlisten = \"0.0.0.0:8080\"\n".to_owned() + &tls, key("k", "ours", HASH, "")];
        let missing = format!("tls: {} cannot be read: there is no such file", path("pem"));
        assert_found(&parts(), &[(State::Failed, &missing)]);
        // Now is 2026-06-01.
        until(2026, 6, 9);
        assert_found(&parts(), &[]);
        until(2026, 6, 7);
        assert_found(&parts(), &[(State::Warning, "tls: the certificate expires soon, on 2026-06-07")]);
        until(2026, 5, 31);
        let expired = format!("tls: the certificate in {} expired on 2026-05-31 00:00:00 UTC; renew it", path("pem"));
        assert_found(&parts(), &[(State::Failed, &expired)]);
    }

    #[test]
    fn a_schedule_that_is_overdue_between_two_ticks_is_a_warning() {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let parts = |schedule: &str, after: &str| {
            let scheduled = |number, name| {
                let kind = format!("{schedule}\ntype =");
                integration(number, name, "ours").replace("type =", &kind)
            };
            let notify = format!(
                "[[notify]]\nname = \"ops\"\nwebhook = {{ url = \"https://x/y\", secret = {{ file = {:?} }} }}\non = [\"overdue\"]\n\
                 overdue_after = {after:?}\n",
                secret.path()
            );
            [key("k", "ours", HASH, ""), scheduled(1, "Users"), scheduled(2, "Orders"), notify]
        };
        let expected = "notify `ops`: `overdue_after` is 6h, but the schedule of `Users` starts no sync between 2026-06-02T00:00:00Z and \
                        2026-06-03T00:00:00Z; write a longer time, or there will be messages about it and 1 other integration although";
        assert_found(&parts("schedule = \"@daily\"", "6h"), &[(State::Warning, expected)]);
        assert_found(&parts("schedule = \"@daily\"", "25h"), &[]);
        assert_found(&parts("schedule = \"@daily\"\npaused = true", "6h"), &[]);
        assert_found(&parts("", "6h"), &[]);
    }

    #[test]
    fn what_may_be_a_mistake_is_a_warning() {
        let users = || integration(1, "Users", "ours");
        let good = || key("k", "ours", HASH, "");
        assert_found(
            &[good(), key("p", "ours", OTHER_HASH, "permissions = []"), users()],
            &[(State::Warning, "key `p`: it has no permissions")],
        );
        assert_found(
            &[good(), key("t", "theirs", OTHER_HASH, ""), users()],
            &[(State::Warning, "key `t`: no integration is in its workspace `theirs`; the integrations are in `ours`")],
        );
        assert_found(
            &[key("k", "ours", HASH, "permissions = [\"cdi.integration_list\"]"), users()],
            &[(State::Warning, "workspace `ours`: none of its keys can trigger syncs; add `cdi.integration_sync`")],
        );
        assert_found(
            &["[[workspaces]]\nid = \"orus\"\n".to_owned(), good(), users()],
            &[(State::Warning, "workspace `orus`: no key and no integration is in it")],
        );
    }
}
