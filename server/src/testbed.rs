//! A service for tests of the HTTP API: keys of every kind, several pages of integrations and jobs, an integration whose sync
//! never ends, and a second workspace. It runs in a temporary folder and listens on loopback.
//!
//! `cdi-server testbed` runs it for `cargo xtask conform` and describes it in one line of JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::api;
use crate::config::{Config, Fault, IntegrationId};
use crate::connectors::fake_braze::FakeBraze;
use crate::logging;
use crate::process::{ShutdownSignals, print};
use crate::secret::{KeyHash, Secret, new_key};
use crate::service::{Role, Service};
use crate::store::{JobStatus, Page};

/// Number of integrations, and of jobs of the integration `QUICK`: more than two pages of each.
const SEVERAL: u32 = 23;
/// The integration with the jobs. Its syncs have no rows.
const QUICK: u32 = 1;
/// The integration whose sync never ends.
const BUSY: u32 = 2;
/// The only integration of the second workspace.
const FOREIGN: u32 = 99;
/// The response time of the busy integration's destination: longer than any test runs.
const FOREVER: Duration = Duration::from_secs(24 * 3600);
/// How long a sync without rows may take, on a busy machine.
const SYNC: Duration = Duration::from_secs(60);

/// Options of a testbed.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Length of the rate-limit windows
    #[arg(long, default_value = "8s", value_parser = humantime::parse_duration)]
    pub window: Duration,
    /// Requests per window for every operation [default: as in the contract]
    #[arg(long)]
    pub limit: Option<u64>,
}

/// A running testbed. Its folder is deleted when it is dropped.
pub struct Testbed {
    /// The service.
    pub service: Service,
    /// Its base URL.
    pub url: String,
    /// A key with every permission.
    pub key: Secret,
    /// A key of the same workspace without permissions.
    pub without_permissions: Secret,
    /// Keys whose requests fail, by the name of their fault.
    pub failing: BTreeMap<&'static str, Secret>,
    /// The destination of the busy integration.
    _destination: FakeBraze,
    _folder: TempDir,
}

impl Testbed {
    /// Starts the service and creates its jobs.
    pub async fn start(options: &Options) -> anyhow::Result<Testbed> {
        let folder = tempfile::Builder::new()
            .prefix("opencdi-testbed-")
            .tempdir()
            .context("cannot create a temporary folder")?;
        let destination_key = new_key();
        let destination = FakeBraze::start(&destination_key).await.context("cannot start the fake Braze server")?;
        destination.delay(FOREVER);
        std::fs::write(folder.path().join("destination.key"), destination_key.expose())?;
        seed(folder.path()).context("cannot seed the sources")?;

        let (key, without_permissions) = (new_key(), new_key());
        let failing: BTreeMap<_, _> = Fault::ALL.iter().map(|fault| (fault.as_str(), new_key())).collect();
        let text = configuration(options, &key, &without_permissions, &failing, &destination.url())?;
        let path = folder.path().join("opencdi.toml");
        std::fs::write(&path, text).context("cannot write the configuration")?;
        let config = Config::load(&path, &api::known())?;
        let service = Service::start(&config, Role::All).await?;
        let address = service.address().context("the API is not listening")?;
        service.store.start_job(id(BUSY), Utc::now()).await?;
        for _ in 0..SEVERAL {
            service.store.start_job(id(QUICK), Utc::now()).await?;
            let ended = async {
                while newest(&service).await? == Some(JobStatus::Running) {}
                anyhow::Ok(())
            };
            tokio::time::timeout(SYNC, ended).await.context("a sync without rows did not end in time")??;
        }
        let url = format!("http://{address}");
        Ok(Testbed { service, url, key, without_permissions, failing, _destination: destination, _folder: folder })
    }

    /// The description for `cargo xtask conform`.
    pub fn description(&self) -> Value {
        let integration = |number| json!({ "integration_id": id(number).to_string() });
        let failing: BTreeMap<&str, Vec<&str>> =
            self.failing.iter().fold(BTreeMap::new(), |mut by_error, (fault, key)| {
                let error = match *fault {
                    "panic" | "store_failed" => "internal_server_error",
                    _ => "service_unavailable",
                };
                by_error.entry(error).or_insert_with(Vec::new).push(key.expose());
                by_error
            });
        json!({
            "url": self.url,
            "key": self.key.expose(),
            "key_without_permission": self.without_permissions.expose(),
            "failing_keys": failing,
            "known": integration(QUICK),
            "resources": { "busy": integration(BUSY) },
            "foreign": integration(FOREIGN),
            "items": { "list_integrations": SEVERAL, "list_job_sync_status": SEVERAL },
        })
    }
}

/// Runs a testbed until a shutdown signal, or until standard input is closed, as when the parent process ends.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    logging::start_filtered("off")?;
    let testbed = Testbed::start(&options).await?;
    print(&format!("{}\n", testbed.description()))?;
    let mut signals = ShutdownSignals::listen()?;
    tokio::select! {
        () = signals.next() => {}
        _ = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn id(number: u32) -> IntegrationId {
    IntegrationId::from(Uuid::from_u128(0x6f1e_24a8_0a3b_4a51_9d0e_0000_0000_0000 + u128::from(number)))
}

async fn newest(service: &Service) -> anyhow::Result<Option<JobStatus>> {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let page = service.store.jobs(id(QUICK), &Page::First, 1).await?;
    Ok(page.items.first().map(|job| job.status))
}

/// A source without rows, and one with a row for the destination that does not answer.
fn seed(folder: &std::path::Path) -> rusqlite::Result<()> {
    let table = "CREATE TABLE users (UPDATED_AT TEXT, EXTERNAL_ID TEXT, PAYLOAD TEXT)";
    rusqlite::Connection::open(folder.join("empty.db"))?.execute_batch(table)?;
    let row = "INSERT INTO users VALUES ('2026-01-01T00:00:00Z', 'user-1', '{\"visits\":1}')";
    rusqlite::Connection::open(folder.join("source.db"))?.execute_batch(&format!("{table}; {row}"))
}

/// The text of its `opencdi.toml`.
fn configuration(
    options: &Options,
    key: &Secret,
    without_permissions: &Secret,
    failing: &BTreeMap<&'static str, Secret>,
    destination: &str,
) -> anyhow::Result<String> {
    let known = api::known();
    let permissions = known.permissions.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "store = \"sqlite:opencdi.db\"\n[server]\nlisten = \"127.0.0.1:0\"\nrequest_deadline = \"500ms\"\n\
         drain_deadline = \"100ms\"\nrate_limit_window = \"{}\"\n",
        humantime::format_duration(options.window)
    );
    if let Some(limit) = options.limit {
        writeln!(text, "[[workspaces]]\nid = \"ours\"\n[workspaces.rate_limits]")?;
        known.operations.iter().try_for_each(|operation| writeln!(text, "{operation} = {limit}"))?;
    }
    let mut add_key = |name: &str, workspace: &str, key: &Secret, permissions: &str, more: &str| {
        writeln!(
            text,
            "[[keys]]\nname = \"{name}\"\nworkspace = \"{workspace}\"\nhash = \"{}\"\npermissions = [{permissions}]\n{more}",
            KeyHash::of(key.expose())
        )
    };
    add_key("all", "ours", key, &permissions, "")?;
    add_key("without_permissions", "ours", without_permissions, "", "")?;
    for (fault, key) in failing {
        add_key(fault, "failing", key, &permissions, &format!("fault = \"{fault}\""))?;
    }
    let ours = (1..=SEVERAL).map(|number| (number, "ours"));
    for (number, workspace) in ours.chain([(FOREIGN, "theirs")]) {
        let (source, destination) = match number {
            BUSY => (
                "source.db",
                format!("kind = \"users_track\"\nurl = \"{destination}\"\napi_key = {{ file = \"destination.key\" }}"),
            ),
            _ => ("empty.db", format!("kind = \"jsonl\"\npath = \"{number}.jsonl\"")),
        };
        writeln!(
            text,
            "[[integrations]]\nid = \"{}\"\nname = \"Users {number}\"\nworkspace = \"{workspace}\"\ntype = \"attributes\"\n\
             contact_emails = [\"data@example.com\"]\n[integrations.source]\nkind = \"sqlite\"\npath = \"{source}\"\n\
             table = \"users\"\n[integrations.destination]\n{destination}",
            id(number)
        )?;
    }
    Ok(text)
}
