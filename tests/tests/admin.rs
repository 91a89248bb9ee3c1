//! The operator's address of a running service: health, metrics, and the alerts and the dashboard that use them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cdi_server::connectors::fake_braze::Answer;
use cdi_server::store::{Store, StoreLocation};
use contract_tests::into_service::IntoService;
use contract_tests::process::{ServerProcess, cdi_server, serve};
use contract_tests::requests::Api;
use contract_tests::{INTEGRATION, Setup, eventually, repository};
use reqwest::{Method, Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";
const PROMTOOL: &str = "OPENCDI_TEST_PROMTOOL";

/// The operator's address of a server, once it is there.
async fn admin(server: &ServerProcess) -> String {
    let address = eventually("the operator's address is there", async || {
        let line = server.last_logged("health and metrics at ");
        Some(line.split_once("http://")?.1.to_owned())
    });
    format!("http://{}", address.await)
}

async fn request(method: Method, url: String) -> Response {
    reqwest::Client::new().request(method, url).send().await.unwrap()
}

async fn get(url: String) -> (StatusCode, Value) {
    let answer = request(Method::GET, url).await;
    (answer.status(), answer.json().await.unwrap())
}

/// The metrics of a server: the value of each series.
async fn metrics(admin: &str) -> BTreeMap<String, f64> {
    let text = request(Method::GET, format!("{admin}/metrics")).await.text().await.unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let series = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.parse().unwrap())
    };
    samples.map(series).collect()
}

/// The value of a series; zero if it is missing.
fn value(metrics: &BTreeMap<String, f64>, series: &str) -> f64 {
    metrics.get(series).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted() {
    // Two of 202 rows are refused, and the service answers 429 and 503 at first.
    let mut sync = IntoService::new(Setup::with_rows(200), Duration::ZERO).await;
    let broken =
        "INSERT INTO users VALUES ('2026-01-02T00:00:00Z', 'broken', '{'), ('2026-01-02T00:00:00Z', 'odd', '[]')";
    sync.setup.source().execute_batch(broken).unwrap();
    sync.setup.more.push_str(ADMIN);
    sync.fake_braze.script([
        Answer::new(429, "{\"message\":\"Rate limited\"}").header("Retry-After", "1"),
        Answer::new(503, "{\"message\":\"Service unavailable\"}"),
    ]);
    let server = ServerProcess::start(&sync.setup.write()).await;
    let admin = admin(&server).await;
    let api = Api::new(&server.url, &sync.setup.key);
    api.triggered().await;
    let job = api.ended(INTEGRATION, Duration::from_secs(30)).await;
    assert_eq!(job["job_status"], "partial", "{job}");
    // The second sync reads the rows at the watermark again and finds them unchanged.
    api.triggered().await;
    eventually("the second sync has ended", async || {
        (api.jobs(INTEGRATION).await?.iter().filter(|job| job["job_status"] != "running").count() == 2).then_some(())
    })
    .await;
    assert_eq!(request(Method::GET, format!("{}/nothing", server.url)).await.status(), 404);
    assert_eq!(request(Method::DELETE, format!("{}/cdi/integrations", server.url)).await.status(), 405);

    let labels = format!("integration=\"{INTEGRATION}\",name=\"Users of ours\"");
    let last_status = format!("cdi_integration_last_job_status{{{labels},status=\"success\"}}");
    let metrics = metrics(&admin).await;
    assert_eq!(metrics.get(&last_status), Some(&1.0), "{metrics:#?}");
    let expected = [
        ("cdi_http_request_duration_seconds_count{operation=\"trigger_integration_sync\",status=\"202\"}", 2.0),
        ("cdi_http_unmatched_requests_total{status=\"404\"}", 1.0),
        ("cdi_http_unmatched_requests_total{status=\"405\"}", 1.0),
        ("cdi_http_requests_in_flight", 0.0),
        ("cdi_jobs_started_total", 2.0),
        ("cdi_job_claims_total", 2.0),
        ("cdi_job_duration_seconds_count{status=\"partial\"}", 1.0),
        ("cdi_job_duration_seconds_count{status=\"success\"}", 1.0),
        ("cdi_rows_delivered_total", 200.0),
        ("cdi_rows_refused_total", 2.0),
        ("cdi_rows_unchanged_total", 2.0),
        ("cdi_rows_read_total", 204.0),
        ("cdi_destination_requests_in_flight", 0.0),
        ("cdi_destination_retries_total{reason=\"rate_limited\"}", 1.0),
        ("cdi_destination_retries_total{reason=\"failed\"}", 1.0),
        ("cdi_lease_losses_total", 0.0),
        ("cdi_queue_jobs", 0.0),
        ("cdi_store_outage", 0.0),
        ("cdi_workers_running", 1.0),
    ];
    for (series, count) in expected {
        assert_eq!(metrics.get(series), Some(&count), "{series} in\n{metrics:#?}");
    }
    assert!(value(&metrics, "cdi_destination_rate_limited_seconds_total") >= 1.0);
    assert!(value(&metrics, "cdi_store_size_bytes") > 50_000.0);
    assert!(value(&metrics, "cdi_clock_offset_seconds").abs() < 5.0);

    let of = |name: &str| format!("cdi_integration_{name}{{{labels}}}");
    assert_eq!(value(&metrics, &of("watermark_timestamp_seconds")), 1_767_312_000.0, "2026-01-02");
    assert!(value(&metrics, &of("last_success_timestamp_seconds")) > 1_767_312_000.0);
    assert_eq!(metrics.get(&of("last_job_refused_rows")), Some(&0.0), "the first sync has refused them");
    assert_eq!(metrics.get(&of("paused")), Some(&0.0));
    let never: Vec<_> = metrics.iter().filter(|(series, _)| series.contains("Users of theirs")).collect();
    let [(series, 0.0), (paused, 0.0)] = never[..] else { panic!("{never:?}") };
    assert!(series.starts_with("cdi_integration_last_success_timestamp_seconds"), "{series}");
    assert!(paused.starts_with("cdi_integration_paused"), "{paused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there_are_refused_and_nothing_is_cached() {
    let mut setup = Setup::with_rows(1);
    setup.more = ADMIN.to_owned();
    let server = ServerProcess::start(&setup.write()).await;
    let admin = admin(&server).await;
    assert_eq!(get(format!("{admin}/healthz")).await, (StatusCode::OK, json!({ "status": "ok" })));
    let ok = json!({ "ok": true });
    let checks = json!({ "clock": ok, "configuration": ok, "draining": ok, "schema": ok, "store": ok, "workers": ok });
    assert_eq!(
        get(format!("{admin}/readyz?verbose")).await,
        (StatusCode::OK, json!({ "status": "ready", "checks": checks }))
    );
    for path in ["healthz", "readyz", "metrics"] {
        let asked = request(Method::GET, format!("{admin}/{path}")).await;
        assert_eq!(asked.headers()["cache-control"], "no-store", "{path}");
        let head = request(Method::HEAD, format!("{admin}/{path}")).await;
        assert_eq!(
            (head.status(), &head.headers()["content-type"]),
            (StatusCode::OK, &asked.headers()["content-type"])
        );
        assert_eq!(head.text().await.unwrap(), "");
        let post = request(Method::POST, format!("{admin}/{path}")).await;
        assert_eq!(
            (post.status(), post.headers()["allow"].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
    }
    for path in ["", "cdi/integrations", "metrics/"] {
        assert_eq!(request(Method::GET, format!("{admin}/{path}")).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    // The API has none of these paths.
    assert_eq!(request(Method::GET, format!("{}/metrics", server.url)).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_closed_and_keep_no_probe_waiting_for_ever() {
    let mut setup = Setup::with_rows(1);
    setup.more = ADMIN.to_owned();
    let server = ServerProcess::start(&setup.write()).await;
    let admin = admin(&server).await;
    let address = admin.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
        silent.push(stream);
    }
    // More than are accepted at once: this one waits for the deadline of those.
    assert_eq!(get(format!("{admin}/healthz")).await.0, StatusCode::OK);
    let mut rest = Vec::new();
    silent[0].read_to_end(&mut rest).await.unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_its_store_is_alive_and_not_ready_and_tells_what_needs_no_store() {
    let mut setup = Setup::with_rows(1);
    setup.more = ADMIN.to_owned();
    let config = setup.write();
    // A process that starts without the store.
    let store = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = store.local_addr().unwrap().port();
    drop(store);
    let text = std::fs::read_to_string(&config).unwrap();
    let away = format!("store = \"postgres://opencdi@127.0.0.1:{port}/opencdi\"");
    std::fs::write(&config, text.replace("store = \"sqlite:opencdi.db\"", &away)).unwrap();
    let waiting = ServerProcess::launch(serve(&config), &config);
    let address = admin(&waiting).await;
    assert_eq!(get(format!("{address}/healthz")).await.0, StatusCode::OK);
    let (status, body) = get(format!("{address}/readyz")).await;
    assert_eq!((status, &body["checks"]["store"]["ok"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(false)), "{body}");
    assert!(body["checks"]["store"]["problem"].as_str().unwrap().contains("not open yet"), "{body}");
    let told = metrics(&address).await;
    assert_eq!((value(&told, "cdi_store_outage"), told.get("cdi_queue_jobs")), (1.0, None));
    drop(waiting);

    // A process that loses it.
    std::fs::write(&config, text).unwrap();
    let server = ServerProcess::start(&config).await;
    let address = admin(&server).await;
    assert_eq!(get(format!("{address}/readyz")).await.0, StatusCode::OK);
    assert_eq!(metrics(&address).await.get("cdi_queue_jobs"), Some(&0.0));
    std::fs::rename(setup.path("opencdi.db"), setup.path("moved.db")).unwrap();
    let (_, body) = eventually("it is not ready", async || {
        let (status, body) = get(format!("{address}/readyz")).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some((status, body))
    })
    .await;
    assert!(body["checks"]["store"]["problem"].as_str().unwrap().contains("was deleted or moved"), "{body}");
    assert_eq!(body["checks"]["workers"], json!({ "ok": true }), "{body}");
    assert_eq!(get(format!("{address}/healthz")).await.0, StatusCode::OK);
    let told = eventually("the queue is not exported any more", async || {
        let told = metrics(&address).await;
        (!told.contains_key("cdi_queue_jobs")).then_some(told)
    })
    .await;
    assert_eq!(value(&told, "cdi_store_outage"), 1.0);
    assert!(
        told.contains_key("cdi_rows_read_total")
            && value(&told, "cdi_store_call_errors_total{kind=\"unavailable\"}") > 0.0
    );
    std::fs::rename(setup.path("moved.db"), setup.path("opencdi.db")).unwrap();
    eventually("it is ready again", async || {
        (get(format!("{address}/readyz")).await.0 == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_drains_is_alive_and_not_ready() {
    let mut sync = IntoService::new(Setup::with_rows(100), Duration::from_secs(3)).await;
    sync.setup.more.push_str(ADMIN);
    let config = sync.setup.write();
    let mut command = serve(&config);
    command.args(["--role", "worker"]);
    let mut worker = ServerProcess::launch(command, &config);
    let address = admin(&worker).await;
    eventually("the worker is ready", async || {
        (get(format!("{address}/readyz")).await.0 == StatusCode::OK).then_some(())
    })
    .await;
    let store = StoreLocation::Sqlite(sync.setup.path("opencdi.db"));
    let store = Store::open(&store).await.unwrap();
    store.start_job(INTEGRATION.parse().unwrap(), chrono::Utc::now()).await.unwrap();
    eventually("requests are in flight", async || {
        (value(&metrics(&address).await, "cdi_destination_requests_in_flight") > 0.0).then_some(())
    })
    .await;
    worker.signal(Signal::TERM);
    eventually("it drains", async || {
        let (status, body) = get(format!("{address}/readyz")).await;
        (body["checks"]["draining"]["ok"] == false).then(|| assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE))
    })
    .await;
    assert_eq!(get(format!("{address}/healthz")).await.0, StatusCode::OK);
    assert_eq!(value(&metrics(&address).await, "cdi_draining"), 1.0);
    assert!(worker.ends_within(Duration::from_secs(30)).await.expect("it ends").success());
    assert!(worker.log().trim_end().ends_with(" INFO stopped"), "{}", worker.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_used_is_an_error_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap();
    let mut setup = Setup::with_rows(1);
    let cases = [
        (format!("{taken}"), format!("cannot listen on {taken} (set `listen` under `[admin]` to a free address)")),
        (
            "192.0.2.1:9090".to_owned(),
            "this machine does not have that address; set `listen` under `[admin]`".to_owned(),
        ),
        ("localhost".to_owned(), "`admin.listen`: write an IP address and a port, such as `127.0.0.1:9090`".to_owned()),
        ("0.0.0.0:8080".to_owned(), "`admin.listen`: the API listens on 127.0.0.1:8080".to_owned()),
    ];
    for (listen, error) in cases {
        setup.listen = if listen.ends_with(":8080") { "127.0.0.1:8080" } else { "127.0.0.1:0" }.to_owned();
        setup.more = format!("[admin]\nlisten = \"{listen}\"\n");
        let output = cdi_server(&setup.write(), &["serve"]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(&error), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alerts_and_the_dashboard_name_metrics_that_are_exported_and_described() {
    let mut setup = Setup::with_rows(1);
    setup.more = ADMIN.to_owned();
    let server = ServerProcess::start(&setup.write()).await;
    let admin = admin(&server).await;
    let api = Api::new(&server.url, &setup.key);
    api.triggered().await;
    api.ended(INTEGRATION, Duration::from_secs(30)).await;
    let text = eventually("the clocks are compared", async || {
        let text = request(Method::GET, format!("{admin}/metrics")).await.text().await.unwrap();
        text.contains("cdi_clock_offset_seconds").then_some(text)
    })
    .await;
    let text = text + &metrics_of_certificates().await;
    check_metrics(&text);
    let exported: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(['{', ' ']).next().unwrap()).collect();
    let described: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    let is_described = |name: &&str| {
        ["", "_bucket", "_sum", "_count"]
            .iter()
            .any(|part| name.strip_suffix(part).is_some_and(|name| described.contains(name)))
    };
    for name in &exported {
        assert!(name.starts_with("cdi_"), "{name}");
        assert!(is_described(name), "{name} has no HELP");
    }
    let (labelled, documented) = (exported_labels(&text), documented_labels());
    let without = |some: &Labelled, others: &Labelled| -> Labelled {
        some.iter()
            .filter(|(name, labels)| others.get(*name) != Some(labels))
            .map(|(n, l)| (n.clone(), l.clone()))
            .collect()
    };
    let (missing, wrong) = (without(&labelled, &documented), without(&documented, &labelled));
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "the table of metrics in server/README.md lacks {missing:?}, and has {wrong:?}"
    );
    let mut used = BTreeSet::new();
    for file in ["prometheus-alerts.yml", "grafana-dashboard.json"] {
        let named = metric_names(&std::fs::read_to_string(deploy(file)).unwrap());
        assert!(named.len() > 10, "{file}: {named:?}");
        for name in &named {
            assert!(exported.contains(name.as_str()), "{file} names {name}, which is not exported");
        }
        used.extend(named);
    }
    // What nobody looks at is not worth its place; a histogram is looked at in one of its series.
    let used: BTreeSet<String> = used.iter().map(|name| family(name)).collect();
    let unused: Vec<&&str> = exported.iter().filter(|name| !used.contains(&family(name))).collect();
    assert!(unused.is_empty(), "neither alerts nor the dashboard use {unused:?}");
}

/// The metric that a series belongs to: a histogram has several.
fn family(series: &str) -> String {
    series.trim_end_matches("_bucket").trim_end_matches("_count").trim_end_matches("_sum").to_owned()
}

/// The labels of each metric.
type Labelled = BTreeMap<String, BTreeSet<String>>;

/// The labels of each metric that is exported; `le` is of histograms, not of the metric.
fn exported_labels(text: &str) -> Labelled {
    let label = regex::Regex::new(r#"(?:\{|",)([a-z_]+)=""#).unwrap();
    let mut labels = Labelled::new();
    for series in text.lines().filter(|line| !line.starts_with('#')) {
        let name = family(series.split(['{', ' ']).next().unwrap());
        let found = label.captures_iter(series).map(|found| found[1].to_owned()).filter(|label| label != "le");
        labels.entry(name).or_default().extend(found);
    }
    labels
}

/// The same by the table of metrics in the guide.
fn documented_labels() -> Labelled {
    let guide = std::fs::read_to_string(repository().join("server/README.md")).unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = guide.lines().filter(|line| line.starts_with("| `cdi_"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        let [name] = quoted(cells[1]).try_into().unwrap();
        (name, quoted(cells[2]).into_iter().collect())
    };
    rows.map(row).collect()
}

/// The metrics that only a server with TLS has.
async fn metrics_of_certificates() -> String {
    let mut setup = Setup::with_rows(1);
    setup.more = ADMIN.to_owned();
    setup.server = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"".to_owned();
    setup.certify();
    let server = ServerProcess::start(&setup.write()).await;
    let text = request(Method::GET, format!("{}/metrics", admin(&server).await)).await.text().await.unwrap();
    text.lines().filter(|line| line.contains("cdi_certificate_")).map(|line| format!("{line}\n")).collect()
}

/// The names of metrics in a text.
fn metric_names(text: &str) -> BTreeSet<String> {
    let name = regex::Regex::new(r"\bcdi_[a-z0-9_]+").unwrap();
    name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

fn deploy(file: &str) -> PathBuf {
    repository().join("server/deploy").join(file)
}

/// A promtool command.
fn promtool() -> Command {
    let program = std::env::var_os(PROMTOOL).unwrap_or_else(|| {
        panic!(
            "{PROMTOOL} is not set: run `cargo xtask test`, which finds or downloads promtool, or set it to its path"
        )
    });
    Command::new(program)
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}");
}

/// Fails if promtool finds fault with names, units or descriptions.
fn check_metrics(text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.txt");
    std::fs::write(&file, text).unwrap();
    succeeds(promtool().args(["check", "metrics"]).stdin(std::fs::File::open(file).unwrap()));
}

#[test]
fn the_expressions_of_the_alerts_and_of_the_dashboard_are_valid() {
    succeeds(promtool().args(["check", "rules"]).arg(deploy("prometheus-alerts.yml")));
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(deploy("grafana-dashboard.json")).unwrap()).unwrap();
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    for (number, target) in targets.enumerate() {
        // Grafana replaces these.
        let expression = target["expr"].as_str().unwrap().replace("$__rate_interval", "5m").replace("$instance", ".*");
        rules += &format!("      - record: panel:{number}\n        expr: {}\n", json!(expression));
    }
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels with one ID");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    std::fs::write(&file, rules).unwrap();
    succeeds(promtool().args(["check", "rules"]).arg(file));
}

#[test]
fn the_alerts_fire_when_they_should() {
    // Prometheus' own tests of rules: series by the minute from 1970 on, and the alerts at a time.
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/alerts.yml");
    let folder = tempfile::tempdir().unwrap();
    for (from, name) in [(deploy("prometheus-alerts.yml"), "prometheus-alerts.yml"), (tests, "alerts.yml")] {
        std::fs::copy(from, folder.path().join(name)).unwrap();
    }
    succeeds(promtool().args(["test", "rules"]).arg(folder.path().join("alerts.yml")));
}
