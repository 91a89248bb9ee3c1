//! `cdi-server demo`: runs a sync from end to end on this machine, without any setup.
//!
//! Seeds a source table, serves the API, triggers a sync through the client, and shows this sync and all later ones.
//! The destination is a fake of Braze's `/users/track` that refuses some rows, as the real one would.

mod introduction;
mod jobs;
mod screen;
mod shell;
mod source;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use cdi_client::Client;
use uuid::Uuid;

use crate::api;
use crate::config::{Config, IntegrationId};
use crate::connectors::fake_braze::FakeBraze;
use crate::logging;
use crate::process::ShutdownSignals;
use crate::secret::{KeyHash, Secret, new_key};
use crate::service::{Role, Service};
use crate::store::{Job, JobStatus};
use crate::text::grouped;
use crate::values::whole_number;
use jobs::Jobs;
use screen::{PLAIN, RED, ReaderGone, Screen};
use source::Source;

const INTEGRATION: &str = "00000000-0000-0000-0000-000000000000";
/// The delay of the fake's answers, so that a sync takes long enough to be watched.
const FAKE_BRAZE_DELAY: Duration = Duration::from_millis(60);

/// Options of `cdi-server demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cdi-server demo                 show one sync, then keep serving: every sync that you trigger is shown\n  cdi-server demo --once          exit when the first sync has ended; exit code 0 only if it went well"
)]
pub struct Options {
    /// Exit when the first sync has ended
    #[arg(long)]
    once: bool,
    /// How many rows to seed
    #[arg(long, default_value_t = 5000, allow_negative_numbers = true, value_parser = whole_number(1..=1_000_000))]
    rows: u32,
    /// Where to listen; a free port is taken if this one is busy
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080".to_owned())
}

/// Runs the demo until it ends or the process is asked to stop. Its files are then removed.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    logging::start_quiet()?;
    let interrupted = if options.once { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    let mut signals = ShutdownSignals::listen()?;
    tokio::select! {
        ended = show(options) => return match ended {
            Err(error) if error.is::<ReaderGone>() => Ok(ExitCode::SUCCESS),
            ended => ended,
        },
        () = signals.next() => {}
    }
    let mut screen = Screen::new(false);
    screen.blank()?;
    screen.paragraph(PLAIN, "The demo has ended.")?;
    Ok(interrupted)
}

async fn show(options: Options) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::new(!options.once);
    introduction::begin(&mut screen)?;
    let folder = tempfile::Builder::new().prefix("opencdi-demo-").tempdir().context("no temporary folder")?;
    screen.hint("seeding", &[format!("{} rows", grouped(options.rows.into()))])?;
    let source = Source::seed(folder.path().join("source.db"), options.rows).await?;
    let destination_key = new_key();
    let fake_braze = FakeBraze::start(&destination_key).await.context("the stand-in destination cannot start")?;
    fake_braze.delay(FAKE_BRAZE_DELAY);
    let api_key = new_key();
    let (listen, refused) = free_address(options.listen);
    let config = configure(folder.path(), listen, &api_key, &destination_key, &fake_braze.url())?;
    let service = Service::start(&config, Role::All).await?;
    let mut address = service.address().context("the API is not listening")?;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let url = format!("http://{address}");
    if options.once {
        introduction::parts(&source, &mut screen)?;
    } else {
        introduction::parts_with_addresses(&source, &fake_braze.url(), &url, refused.as_deref(), &mut screen)?;
        introduction::commands(&url, &api_key, &mut screen)?;
    }

    let client = Client::builder().base_url(&url).api_key(api_key.expose()).build()?;
    client.trigger_integration_sync(INTEGRATION.parse::<Uuid>()?).await.context("the sync was not triggered")?;
    screen.title("Sync 1, triggered by the demo itself")?;
    let id: IntegrationId = INTEGRATION.parse().map_err(|_| anyhow::anyhow!("the demo's ID is malformed"))?;
    let mut jobs = Jobs::new(&service.store, id);
    let job = jobs.next().await?;
    let job = jobs.until_ended(job, source.rows, &mut screen).await?;
    jobs.report(&job, &fake_braze, &mut screen).await?;
    let went_well = is_as_seeded(&job, &source, &fake_braze, &mut screen)?;
    if source.bad > 0 {
        screen.blank()?;
        let bad = match source.bad {
            1 => "1 row is".to_owned(),
            bad => format!("{} rows are", grouped(bad)),
        };
        let text = format!("{bad} seeded broken on purpose: OpenCDI reports such rows and delivers the others.");
        screen.paragraph(PLAIN, &text)?;
    }
    screen.blank()?;
    if options.once {
        screen.paragraph(PLAIN, "Without --once the demo keeps serving, and you can trigger syncs yourself.")?;
        service.stop().await;
        return Ok(if went_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    prepare_next(&source, &fake_braze, &mut screen).await?;
    screen.paragraph(
        PLAIN,
        "What next? Trigger a sync with one of the commands above and watch it here. After each sync every row gets a new \
         UPDATED_AT, so there is always something to send. Ctrl-C ends the demo.",
    )?;
    match keep_showing(&mut jobs, &source, &fake_braze, &mut screen).await? {}
}

/// Shows every sync that is triggered.
async fn keep_showing(
    jobs: &mut Jobs<'_>,
    source: &Source,
    fake_braze: &FakeBraze,
    screen: &mut Screen,
) -> anyhow::Result<Infallible> {
    let mut number = 1;
    loop {
        let job = jobs.next().await?;
        number += 1;
        screen.blank()?;
        screen.title(&format!("Sync {number}, triggered over the API"))?;
        let job = jobs.until_ended(job, source.rows, screen).await?;
        jobs.report(&job, fake_braze, screen).await?;
        prepare_next(source, fake_braze, screen).await?;
        screen.blank()?;
        screen.paragraph(PLAIN, "Ready for the next sync: every row has a new UPDATED_AT. Ctrl-C ends the demo.")?;
    }
}

/// Changes the rows so that the next sync has something to send.
async fn prepare_next(source: &Source, fake_braze: &FakeBraze, screen: &mut Screen) -> anyhow::Result<()> {
    fake_braze.forget();
    match source.change().await {
        Ok(()) => Ok(()),
        // Users may have done anything to the demo's file.
        Err(error) => screen.labelled("error", RED, &[&format!("{error:#}")]),
    }
}

/// The wanted address if it is free; otherwise an address with a free port, and the reason.
fn free_address(wanted: SocketAddr) -> (SocketAddr, Option<String>) {
    match TcpListener::bind(wanted) {
        Ok(_) => (wanted, None),
        Err(error) => {
            let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let why = match error.kind() {
                ErrorKind::AddrInUse => "is in use".to_owned(),
                _ => format!("cannot be used ({error})"),
            };
            (free, Some(format!("{wanted} {why}, so a free port was taken")))
        }
    }
}

/// Writes the demo's `opencdi.toml` and loads it like any other.
fn configure(
    folder: &Path,
    listen: SocketAddr,
    api_key: &Secret,
    destination_key: &Secret,
    destination: &str,
) -> anyhow::Result<Config> {
    let key_file = folder.join("destination.key");
    std::fs::write(&key_file, destination_key.expose()).context("the key file cannot be written")?;
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

/// Whether a job has delivered and refused the seeded rows as expected. If not, prints what was expected.
fn is_as_seeded(job: &Job, source: &Source, fake_braze: &FakeBraze, screen: &mut Screen) -> anyhow::Result<bool> {
    let good = source.rows - source.bad;
    let expected = match (good, source.bad) {
        (_, 0) => JobStatus::Success,
        _ => JobStatus::Partial,
    };
    let matches = job.status == expected
        && job.rows_synced == good
        && job.rows_failed_with_errors == source.bad
        && fake_braze.accepted() as u64 == good;
    if !matches {
        let text = format!("{}: {} rows delivered, {} refused", expected.as_str(), grouped(good), grouped(source.bad));
        screen.labelled("expected", RED, &[&text])?;
    }
    Ok(matches)
}
