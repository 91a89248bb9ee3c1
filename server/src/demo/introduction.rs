//! The text that the demo prints before its first sync: what takes part, and how to follow it from another terminal.

use super::INTEGRATION;
use super::screen::{BOLD, PLAIN, Screen};
use super::source::Source;
use crate::secret::Secret;
use crate::text::grouped;

/// Prints what the demo is.
pub(super) fn begin(screen: &mut Screen) -> anyhow::Result<()> {
    screen.title("OpenCDI demo")?;
    screen.paragraph(
        PLAIN,
        "A sync from end to end: OpenCDI reads the changed rows of a table and delivers them to Braze. Everything runs on \
         this machine, with made-up users.",
    )?;
    screen.blank()
}

/// Prints what takes part in the sync.
pub(super) fn parts(source: &Source, screen: &mut Screen) -> anyhow::Result<()> {
    show(source, [None, None, None], None, screen)
}

/// Prints what takes part in the sync, with addresses, for a demo that keeps running.
pub(super) fn parts_with_addresses(
    source: &Source,
    destination: &str,
    api: &str,
    note: Option<&str>,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let path = source.path.display().to_string();
    show(source, [Some(&path), Some(destination), Some(api)], note, screen)
}

fn show(source: &Source, places: [Option<&str>; 3], note: Option<&str>, screen: &mut Screen) -> anyhow::Result<()> {
    let table = format!("a SQLite table of {} users", grouped(source.rows));
    let [path, destination, api] = places;
    let texts = |what, place: Option<_>, note: Option<_>| {
        [Some(what), place, note].into_iter().flatten().collect::<Vec<&str>>()
    };
    screen.labelled("Source", BOLD, &texts(&table, path, None))?;
    screen.labelled("Destination", BOLD, &texts("a stand-in for Braze, on this machine", destination, None))?;
    screen.labelled("API", BOLD, &texts("OpenCDI, with the REST API of Braze Cloud Data Ingestion", api, note))?;
    screen.blank()
}

/// Prints the commands to follow and trigger syncs.
pub(super) fn commands(url: &str, key: &Secret, screen: &mut Screen) -> anyhow::Result<()> {
    screen.title("Try it from another terminal")?;
    let url = format!("CDI_URL={url}");
    let key = format!("CDI_API_KEY={}", key.expose());
    screen.commands(&[&["export", &url], &["export", &key]])?;
    screen.blank()?;
    screen.paragraph(PLAIN, "With the command line `cdi` (cargo install --path client --features cli):")?;
    screen.blank()?;
    screen.commands(&[&["cdi", "status", "Users", "--follow"], &["cdi", "trigger", "Users", "--wait"]])?;
    screen.blank()?;
    screen.paragraph(PLAIN, "With curl, to trigger a sync and to see how it is getting on:")?;
    screen.blank()?;
    let users = format!("users=\"$CDI_URL/cdi/integrations/{INTEGRATION}\"");
    screen.commands(&[
        &[&users],
        &["auth=\"Authorization: Bearer $CDI_API_KEY\""],
        &["curl", "--request", "POST", "--header", "\"$auth\"", "\"$users/sync\""],
        &["curl", "--header", "\"$auth\"", "\"$users/job_sync_status\""],
    ])?;
    screen.blank()
}
