//! `conform` on a live server of this project: it matches the contract, and all documented answers can be observed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use apidrift::conform::{self, Limits, Target, Wanted};
use apidrift::outcome::Outcome;
use apidrift_core::settings::Project;
use cdi_server::config::Fault;
use cdi_server::secret::{KeyHash, new_key};
use cdi_server::testbed::{Options, Testbed};
use contract_tests::process::ServerProcess;
use contract_tests::{FOREIGN, INTEGRATION, Setup, UNKNOWN, eventually, repository};
use rustix::process::Signal;

/// Runs `conform` on a testbed with windows of two seconds. `tell` edits the description that `conform` gets.
fn conform(limits: &Limits, tell: impl Fn(&mut serde_json::Value)) -> (Outcome, usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options { window: Duration::from_secs(2), limit: None };
    let testbed = runtime.block_on(Testbed::start(&options)).unwrap();
    let mut description = testbed.description();
    tell(&mut description);
    let target: Target = serde_json::from_value(description.clone()).unwrap();
    let project = Project::load(repository()).unwrap();
    let outcome = conform::project(&project, Wanted::There(Box::new(target)), limits, &|_| {});
    let quick = "6f1e24a8-0a3b-4a51-9d0e-000000000001".parse().unwrap();
    let jobs = testbed.service.store.jobs(quick, &cdi_server::store::Page::First, 100);
    let jobs = runtime.block_on(jobs).unwrap().items.len();
    runtime.block_on(testbed.service.stop());
    (outcome, jobs)
}

/// The documented answers of an operation that were not observed, with reasons.
fn not_seen(outcome: &Outcome, id: &str) -> Vec<(String, String)> {
    let operations = &outcome.live.as_ref().unwrap().operations;
    operations.iter().find(|operation| operation.id == id).unwrap().not_seen.clone()
}

#[test]
fn a_foreign_server_is_not_changed_and_missing_options_are_listed() {
    let (outcome, jobs) = conform(&Limits::default(), |target| {
        for more in ["key_without_permission", "failing_keys", "known", "resources", "foreign", "items"] {
            target.as_object_mut().unwrap().remove(more);
        }
    });
    assert!(outcome.findings.is_empty() && outcome.unchecked.is_empty(), "{outcome:#?}");
    assert_eq!(jobs, 23, "no sync was triggered");
    let missing = not_seen(&outcome, "trigger_integration_sync");
    assert_eq!(missing.len(), 9, "{missing:?}");
    let needed = "not tried: needs --send trigger_integration_sync: only GET, HEAD and OPTIONS are sent unless an operation is named";
    assert!(missing.iter().all(|(_, reason)| reason == needed), "{missing:?}");
    assert_eq!(outcome.live.unwrap().score(), (8, 25));
}

#[test]
fn a_trigger_that_may_be_sent_does_not_reach_an_integration_that_nobody_has_named() {
    let limits = Limits { send: vec!["trigger_integration_sync".to_owned()], ..Limits::default() };
    let (outcome, jobs) = conform(&limits, |target| {
        for more in ["key_without_permission", "failing_keys", "known", "resources", "foreign", "items"] {
            target.as_object_mut().unwrap().remove(more);
        }
    });
    assert!(outcome.findings.is_empty() && outcome.unchecked.is_empty(), "{outcome:#?}");
    assert_eq!(jobs, 23, "no sync was triggered");
    let missing = not_seen(&outcome, "trigger_integration_sync");
    let missing: Vec<(&str, &str)> = missing.iter().map(|(label, reason)| (label.as_str(), reason.as_str())).collect();
    let failing = "not tried: needs a server that can be made to fail: a testbed with `failing_keys`, or a [[conform.provocation]]";
    assert_eq!(
        missing,
        [
            ("202", "not tried: needs --value integration_id=…"),
            ("403 Access Denied", "not tried: needs a key in OPENCDI_KEY_WITHOUT_PERMISSION"),
            ("429 Another job is in progress", "not tried: needs --value busy:integration_id=…"),
            (
                "429 Rate Limited",
                "not tried: needs --exhaust-rate-limits, which blocks the whole tenant until the window ends"
            ),
            ("500 Internal Server Error", failing),
            ("503 Service Unavailable", failing),
        ]
    );
    assert_eq!(outcome.live.unwrap().score(), (11, 25));
}

#[test]
fn a_given_integration_is_triggered_once() {
    let limits = Limits { send: vec!["trigger_integration_sync".to_owned()], ..Limits::default() };
    let (outcome, jobs) = conform(&limits, |_| {});
    assert!(outcome.findings.is_empty() && outcome.unchecked.is_empty(), "{outcome:#?}");
    assert_eq!(jobs, 24);
    let missing = not_seen(&outcome, "trigger_integration_sync");
    assert_eq!(missing.len(), 1, "only the rate limit was spared: {missing:?}");
}

#[test]
fn answers_that_must_be_seen_and_are_not_count_as_unchecked() {
    let limits = Limits { complete: true, everything: true, ..Limits::default() };
    let (outcome, _) = conform(&limits, |_| {});
    assert_eq!(outcome.unchecked.len(), 3, "the rate limits: {:?}", outcome.unchecked);
    assert!(outcome.unchecked[0].starts_with("`list_integrations` was not seen to answer `429 Rate Limited`"));
}

#[test]
fn a_testbed_that_does_not_start_is_reported() {
    let mut project = Project::load(repository()).unwrap();
    let limits = Limits::default();
    for (command, says) in [
        (vec!["false"], "`false` has not started a server"),
        (vec!["echo", "hello"], "`echo hello` prints something else"),
        (vec!["no-such-program"], "`no-such-program` cannot be run"),
        (vec![], "is an empty command"),
    ] {
        project.layout.testbed = Some(command.into_iter().map(str::to_owned).collect());
        let outcome = conform::project(&project, Wanted::Testbed, &limits, &|_| {});
        assert!(outcome.unchecked.len() == 1 && outcome.unchecked[0].contains(says), "{:?}", outcome.unchecked);
    }
}

#[test]
fn a_service_with_everything_on_conforms_before_and_after_a_reload() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut setup = Setup::with_rows(3);
    setup.server = "rate_limit_window = \"1s\"\nrequest_deadline = \"500ms\"\nmax_connections = 100\n\
                    max_connections_per_address = 100\n\
                    [server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\""
        .to_owned();
    setup.certify();
    let limits = Limits { trusted: Some(setup.path("cert.pem")), everything: true, ..Limits::default() };
    let failing: Vec<_> = Fault::ALL.iter().map(|fault| (fault.as_str(), new_key())).collect();
    let permissions: Vec<String> =
        cdi_server::api::known().permissions.iter().map(|permission| format!("{permission:?}")).collect();
    let permissions = permissions.join(", ");
    let more = failing.iter().map(|(fault, key)| {
        let hash = KeyHash::of(key.expose());
        format!(
            "[[keys]]\nname = \"{fault}\"\nworkspace = \"failing\"\nhash = \"{hash}\"\n\
             permissions = [{permissions}]\nfault = \"{fault}\"\n"
        )
    });
    setup.more = more.collect();
    setup.more.push_str("[admin]\nlisten = \"127.0.0.1:0\"\n[retention]\njobs = \"30d\"\n");
    let another = setup.integration(UNKNOWN, "Scheduled", "ours", "kind = \"jsonl\"\npath = \"scheduled.jsonl\"");
    let schedule = "schedule = \"* * * * *\"\ntimezone = \"Europe/Berlin\"\n[integrations.source]";
    setup.more.push_str(&another.replace("[integrations.source]", schedule));
    let server = runtime.block_on(ServerProcess::start(&setup.write()));
    assert!(server.url.starts_with("https://"), "{}", server.url);

    let conforms = |setup: &Setup, integrations: usize| {
        let mut by_error = std::collections::BTreeMap::<_, Vec<_>>::new();
        for (fault, key) in &failing {
            let is_internal = matches!(*fault, "panic" | "store_failed");
            let error = if is_internal { "internal_server_error" } else { "service_unavailable" };
            by_error.entry(error).or_default().push(key.expose());
        }
        let target = serde_json::json!({
            "url": server.url,
            "key": setup.key.expose(),
            "key_without_permission": setup.powerless.expose(),
            "failing_keys": by_error,
            "known": { "integration_id": INTEGRATION },
            "foreign": { "integration_id": FOREIGN },
            "items": { "list_integrations": integrations },
        });
        let target: Target = serde_json::from_value(target).unwrap();
        let outcome =
            conform::project(&Project::load(repository()).unwrap(), Wanted::There(Box::new(target)), &limits, &|_| {});
        assert!(outcome.findings.is_empty() && outcome.unchecked.is_empty(), "{outcome:#?}");
        let missing: Vec<String> =
            not_seen(&outcome, "trigger_integration_sync").into_iter().map(|(label, _)| label).collect();
        assert_eq!(missing, ["429 Another job is in progress", "429 Rate Limited"]);
    };
    conforms(&setup, 2);
    // Another key, another integration, another schedule.
    setup.key = new_key();
    let destination = "kind = \"jsonl\"\npath = \"more.jsonl\"";
    let more = setup.integration(&UNKNOWN.replace("ff", "fe"), "More of ours", "ours", destination);
    setup.more = setup.more.replace("* * * * *", "@hourly") + &more;
    setup.write();
    server.signal(Signal::HUP);
    runtime.block_on(eventually("it is reloaded", async || (server.logged("opencdi.toml reloaded") > 0).then_some(())));
    conforms(&setup, 3);
}
