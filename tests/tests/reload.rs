//! A service that reloads its configuration.

#![allow(clippy::unwrap_used)]

use cdi_server::secret::{Secret, new_key};
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::{Setup, UNKNOWN, eventually};
use rustix::process::Signal;

/// The status of a request for the list of integrations, and the names in it.
async fn listed(server: &ServerProcess, key: &Secret) -> (u16, Vec<String>) {
    let list = reqwest::Client::new().get(format!("{}/cdi/integrations", server.url)).bearer_auth(key.expose());
    let answer = list.send().await.unwrap();
    let status = answer.status().as_u16();
    let body: serde_json::Value = answer.json().await.unwrap();
    let names = body["results"].as_array().into_iter().flatten();
    (status, names.map(|item| item["integration_name"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_integrations_and_limits_change_together_or_not_at_all() {
    let admin = "[admin]\nlisten = \"127.0.0.1:0\"\n";
    let mut setup = Setup::with_rows(3);
    setup.more = admin.to_owned();
    let config = setup.write();
    let server = ServerProcess::start(&config).await;
    let logged = async |text: &str, times: usize| {
        eventually(text, async || (server.logged(text) == times).then_some(())).await;
    };
    let old_key = std::mem::replace(&mut setup.key, new_key());
    assert_eq!(listed(&server, &old_key).await, (200, vec!["Users of ours".to_owned()]));
    assert_eq!(listed(&server, &setup.key).await.0, 401);

    // Another key, another integration, a limit; and sections that need a restart.
    let more = setup.integration(UNKNOWN, "More of ours", "ours", "kind = \"jsonl\"\npath = \"more.jsonl\"");
    let restarts = "[admin]\nlisten = \"127.0.0.1:9\"\n[retention]\njobs = \"400d\"\n";
    setup.more =
        format!("{restarts}{more}[[workspaces]]\nid = \"ours\"\nrate_limits = {{ trigger_integration_sync = 1 }}\n");
    setup.server = "request_deadline = \"9s\"".to_owned();
    std::fs::write(&config, format!("store_connections = 3\n{}", setup.text())).unwrap();
    let changes = "; added: integration \"More of ours\", workspace \"ours\"; changed: key \"all\"";
    logged(&format!("opencdi.toml reloaded: 5 keys, 3 integrations{changes}"), 1).await;
    let restart =
        "restart `cdi-server serve` to use what has changed in store_connections, [server], [admin], [retention]";
    logged(restart, 1).await;
    let admin = server.last_logged("health and metrics at ");
    let ready = reqwest::get(format!("http://{}/readyz", admin.split_once("http://").unwrap().1)).await.unwrap();
    assert_eq!(ready.status(), 200);
    let ready: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(ready["checks"]["configuration"]["warning"], restart, "{ready}");
    assert_eq!(listed(&server, &old_key).await.0, 401, "a key is revoked by a reload");
    let both = vec!["Users of ours".to_owned(), "More of ours".to_owned()];
    assert_eq!(listed(&server, &setup.key).await, (200, both.clone()));
    let client = cdi_client::Client::builder().base_url(&server.url).api_key(setup.key.expose()).build().unwrap();
    let triggered = client.trigger_integration_sync(UNKNOWN.parse().unwrap()).await.unwrap();
    assert_eq!(triggered.response.headers()["x-ratelimit-limit"], "1");
    eventually("the log says which limit", async || {
        // It succeeds if the window has ended meanwhile.
        let _ = Api::new(&server.url, &setup.key).trigger(UNKNOWN).await;
        let line = server.last_logged("over the rate limit of 1 request in 60 s");
        line.contains("operation=\"trigger_integration_sync\"").then_some(())
    })
    .await;
    eventually("a sync of the new integration", async || {
        let lines = std::fs::read_to_string(setup.path("more.jsonl")).unwrap_or_default();
        (lines.lines().count() == 3).then_some(())
    })
    .await;

    // A file with a problem changes nothing, not even the part that is right.
    let valid = setup.text();
    let broken = valid.replace("More of ours", "Renamed") + "\n[[integrations]]\nid = \"no ID\"\n";
    std::fs::write(&config, broken).unwrap();
    let refused = "was not reloaded; the service goes on with what it has: ";
    logged(refused, 1).await;
    assert!(server.last_logged(refused).contains("missing"), "{}", server.last_logged(refused));
    assert_eq!(listed(&server, &setup.key).await, (200, both.clone()));
    std::fs::remove_file(&config).unwrap();
    logged(refused, 2).await;
    assert!(server.last_logged(refused).contains("there is no such file"), "{}", server.log());
    assert_eq!(listed(&server, &setup.key).await, (200, both));
    std::fs::write(&config, &valid).unwrap();
    logged("opencdi.toml reloaded", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_files_of_secrets_again() {
    let mut setup = Setup::with_rows(1);
    let secret = setup.path("braze-key");
    std::fs::write(&secret, "first").unwrap();
    setup.destination =
        format!("kind = \"users_track\"\nurl = \"http://127.0.0.1:9\"\napi_key = {{ file = {:?} }}", secret);
    let server = ServerProcess::start(&setup.write()).await;
    std::fs::remove_file(&secret).unwrap();
    server.signal(Signal::HUP);
    let refused = "was not reloaded; the service goes on with what it has: ";
    eventually("it is refused", async || (server.logged(refused) == 1).then_some(())).await;
    assert!(server.last_logged(refused).contains("braze-key"), "{}", server.log());
    std::fs::write(&secret, "second").unwrap();
    server.signal(Signal::HUP);
    eventually("it is reloaded", async || (server.logged("opencdi.toml reloaded") == 1).then_some(())).await;
}
