//! `cdi-server demo`: the main job from end to end on this machine, nothing to set up.
//!
//! Seeds a source table, serves the API, triggers one sync through the generated client and shows what happens. The
//! destination is a stand-in for `/users/track` that refuses some rows, as the real one would.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use cdi_client::{Client, Job, JobStatus, Progress, Speed, WaitOptions};
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::api;
use crate::config::{Config, IntegrationId};
use crate::connectors::fake_braze::FakeBraze;
use crate::logging;
use crate::process::ShutdownSignals;
use crate::secret::{KeyHash, Secret, new_key};
use crate::service::{Role, Service};
use crate::store::Page;

/// One in so many rows has something wrong with it.
const BAD_EVERY: usize = 500;
const INTEGRATION: &str = "00000000-0000-0000-0000-000000000000";
/// How long the stand-in takes for a request: a sync is long enough to be seen.
const FAKE_BRAZE_DELAY: Duration = Duration::from_millis(60);

/// What the demo can be told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cdi-server demo                 show one sync, then keep serving for you to trigger more\n  cdi-server demo --once          exit when the sync has ended; exit code 0 only if it went well"
)]
pub struct Options {
    /// Exit when the sync has ended
    #[arg(long)]
    once: bool,
    /// How many rows to seed
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// Where to listen; a free port is taken if this one is busy
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// Runs the demo until it has ended or the process is told to end. What it has made for itself goes with it.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    logging::start_quiet()?;
    let cut_short = if options.once { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    let mut signals = ShutdownSignals::listen()?;
    tokio::select! {
        ended = show(options) => ended,
        () = signals.next() => Ok(cut_short),
    }
}

async fn show(options: Options) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("opencdi-demo-").tempdir().context("no temporary folder")?;
    let source = folder.path().join("source.db");
    let rows = options.rows as usize;
    let bad = seed(&source, rows).context("the source cannot be seeded")?;
    println!("source       {} ({rows} rows, {bad} of them bad)", source.display());

    let destination_key = new_key();
    let fake_braze = FakeBraze::start(&destination_key).await.context("the stand-in destination cannot start")?;
    fake_braze.delay(FAKE_BRAZE_DELAY);
    println!("destination  {}/users/track (a stand-in)", fake_braze.url());

    let api_key = new_key();
    let config = configure(folder.path(), &options, &api_key, &destination_key, &fake_braze.url())?;
    let service = Service::start(&config, Role::All).await?;
    let address = service.address().context("the API is not listening")?;
    let url = format!("http://{address}");
    println!("API          {url}\n");

    let client = Client::builder().base_url(&url).api_key(api_key.expose()).build()?;
    let begin = Instant::now();
    let job =
        client.trigger_and_wait(INTEGRATION.parse::<Uuid>()?, watching(rows)).await.context("the sync did not end")?;
    let went_well = report(&job, rows, bad, begin.elapsed(), &service, &fake_braze).await?;
    println!("\nTrigger the next sync:\n\n{}\n", curl(&url, &api_key));
    if options.once {
        service.stop().await;
        return Ok(if went_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!("The source changes after every sync, so there is always something to send. Ctrl-C ends the demo.");
    match keep_changing(&source, &service).await? {}
}

/// A table of users: attributes as JSON, a few rows that must be refused. Returns how many those are.
fn seed(path: &Path, rows: usize) -> rusqlite::Result<usize> {
    let mut database = rusqlite::Connection::open(path)?;
    // Rows are changed while they are being read.
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.execute_batch("CREATE TABLE users (UPDATED_AT TEXT NOT NULL, EXTERNAL_ID TEXT, PAYLOAD TEXT NOT NULL)")?;
    let transaction = database.transaction()?;
    let start = Utc::now() - chrono::Duration::milliseconds(i64::try_from(rows).unwrap_or(i64::MAX) + 1000);
    let mut bad = 0;
    {
        let mut insert = transaction.prepare("INSERT INTO users VALUES (?1, ?2, ?3)")?;
        for row in 0..rows {
            let updated_at = time(start + chrono::Duration::milliseconds(i64::try_from(row).unwrap_or(0)));
            let broken = row % BAD_EVERY == BAD_EVERY / 2;
            bad += usize::from(broken);
            let payload = match (broken, row / BAD_EVERY % 3) {
                (false, _) => format!(
                    r#"{{"first_name":"Ada {row}","email":"user-{row}@example.com","visits":{},"last_seen":"{updated_at}"}}"#,
                    row % 97
                ),
                (true, 0) => format!(r#"["not an object", {row}]"#),
                (true, 1) => format!(r#"{{"external_id":"someone-else-{row}"}}"#),
                (true, _) => format!(r#"{{"email":"no at sign {row}"}}"#),
            };
            insert.execute((updated_at, format!("user-{row}"), payload))?;
        }
    }
    transaction.commit()?;
    Ok(bad)
}

/// The demo's `opencdi.toml`, read like anybody's.
fn configure(
    folder: &Path,
    options: &Options,
    api_key: &Secret,
    destination_key: &Secret,
    destination: &str,
) -> anyhow::Result<Config> {
    let key_file = folder.join("destination.key");
    std::fs::write(&key_file, destination_key.expose()).context("the key file cannot be written")?;
    let listen = if TcpListener::bind(options.listen).is_ok() {
        options.listen
    } else {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    };
    let permissions: Vec<String> = api::known().permissions.iter().map(|name| format!("\"{name}\"")).collect();
    let mut text = String::new();
    write!(
        text,
        r#"store = "sqlite:opencdi.db"

[server]
listen = "{listen}"

[[keys]]
name = "demo"
workspace = "demo"
hash = "{}"
permissions = [{}]

[[integrations]]
id = "{INTEGRATION}"
name = "Users"
workspace = "demo"
type = "attributes"
contact_emails = ["data@example.com"]

[integrations.source]
kind = "sqlite"
path = "source.db"
table = "users"

[integrations.destination]
kind = "users_track"
url = "{destination}"
api_key = {{ file = "destination.key" }}
"#,
        KeyHash::of(api_key.expose()),
        permissions.join(", "),
    )?;
    let path = folder.join("opencdi.toml");
    std::fs::write(&path, &text).context("the configuration cannot be written")?;
    Ok(Config::load(&path, &api::known())?)
}

/// Prints how the sync goes on.
fn watching(rows: usize) -> WaitOptions {
    let speed = Mutex::new(Speed::default());
    WaitOptions::default()
        .timeout(Duration::from_secs(600))
        .poll(Duration::from_millis(250), Duration::from_millis(700))
        .on_progress(move |progress| match progress {
            Progress::Job(job) if job.job_status == JobStatus::Running => {
                let mut speed = speed.lock().unwrap_or_else(PoisonError::into_inner);
                speed.note(job, Instant::now());
                println!("running      {}", going(job, rows as u64, &speed));
            }
            _ => {}
        })
}

fn going(job: &Job, rows: u64, speed: &Speed) -> String {
    let (synced, failed) = (job.rows_synced, job.rows_failed_with_errors);
    let mut text = format!("{} of {rows} rows read, {synced} delivered, {failed} refused", synced + failed);
    if let (Some(rate), Some(left)) = (speed.rows_per_second(), speed.time_left(rows)) {
        let _ = write!(text, ", {rate:.0} rows/s, {:.1} s left", left.as_secs_f64());
    }
    text
}

/// Prints what went where. Whether it matches what was seeded.
async fn report(
    job: &Job,
    rows: usize,
    bad: usize,
    took: Duration,
    service: &Service,
    fake_braze: &FakeBraze,
) -> anyhow::Result<bool> {
    let (synced, failed) = (job.rows_synced, job.rows_failed_with_errors);
    println!(
        "\n{:<12} {synced} rows delivered, {failed} refused, in {:.1} s",
        job.job_status.to_string(),
        took.as_secs_f64()
    );
    println!("received     {} objects in {} requests", fake_braze.accepted(), fake_braze.requests());
    let id: IntegrationId = INTEGRATION.parse().map_err(|_| anyhow::anyhow!("the demo's ID is malformed"))?;
    let newest = service.store.jobs(id, &Page::First, 1).await?.items.pop().context("the store has no job")?;
    let errors = service.store.row_errors(newest.id, 0, 5).await.context("the refused rows cannot be read")?;
    for (_, error) in &errors {
        println!("refused      {}: {}", error.identifier.as_deref().unwrap_or("?"), error.reason);
    }
    if failed as usize > errors.len() {
        println!("             and {} more", failed as usize - errors.len());
    }
    let expected = if bad == 0 { JobStatus::Success } else { JobStatus::Partial };
    let matches = job.job_status == expected
        && synced as usize == rows - bad
        && failed as usize == bad
        && fake_braze.accepted() == rows - bad;
    if !matches {
        println!("expected     {expected}: {} rows delivered, {bad} refused", rows - bad);
    }
    Ok(matches)
}

fn curl(url: &str, key: &Secret) -> String {
    format!(
        "curl --include --request POST '{url}/cdi/integrations/{INTEGRATION}/sync' \\\n  --header 'Authorization: Bearer {}'",
        key.expose()
    )
}

/// Gives every row a new time once a sync has ended.
async fn keep_changing(source: &Path, service: &Service) -> anyhow::Result<Infallible> {
    let id: IntegrationId = INTEGRATION.parse().map_err(|_| anyhow::anyhow!("the demo's ID is malformed"))?;
    let mut changed_for = None;
    loop {
        let state = service.store.integration_states(&[id]).await?.remove(&id);
        if let Some(state) = state
            && state.last_job_status.is_some_and(|status| status != crate::store::JobStatus::Running)
            && state.last_job_start_time != changed_for
        {
            changed_for = state.last_job_start_time;
            let source: PathBuf = source.to_owned();
            tokio::task::spawn_blocking(move || touch(&source)).await?.context("the source cannot be changed")?;
            println!("changed      every row has a new UPDATED_AT: there is something to sync");
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn touch(source: &Path) -> rusqlite::Result<()> {
    let mut database = rusqlite::Connection::open(source)?;
    database.busy_timeout(Duration::from_secs(5))?;
    let transaction = database.transaction()?;
    {
        let rows: i64 = transaction.query_row("SELECT max(rowid) FROM users", (), |row| row.get(0))?;
        let mut update = transaction.prepare("UPDATE users SET UPDATED_AT = ?1 WHERE rowid = ?2")?;
        let now = Utc::now();
        for row in 1..=rows {
            // A microsecond apart and all in the past: rows of the future wait until their time comes.
            update.execute((time(now - chrono::Duration::microseconds(rows - row)), row))?;
        }
    }
    transaction.commit()
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
