//! `cdi-server watermark`: shows the watermark of an integration, or changes it.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::{no_store, with_store, written};
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{AttributesSize, KnownAttributes, RecordSize, Route, Store, Watermark, WatermarkChange};
use crate::text::{counted, grouped};

/// The requested change of a watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No change: the watermark is only shown.
    None,
    /// The next sync reads rows with this `UPDATED_AT` or a later one.
    Set(DateTime<Utc>),
    /// The next sync reads all rows.
    Reset,
    /// The watermark is kept although the integration's source, destination or type has changed.
    Keep,
}

/// What to do with the attributes that the destination is known to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Attributes {
    /// Attributes that have not changed since they were sent are still left out
    Keep,
    /// All attributes of the rows that are read again are sent again, for a destination that has lost them
    Forget,
}

/// Applies the change, then prints the watermark.
pub async fn run(
    config: &Config,
    integration: &Integration,
    change: Change,
    attributes: Option<Attributes>,
) -> anyhow::Result<ExitCode> {
    let configured = integration.route();
    let change = match change {
        Change::None => None,
        Change::Set(time) if time > Utc::now() => {
            bail!("{} is in the future, so nothing would be synced until then; nothing was changed", written(time))
        }
        Change::Set(time) => Some(WatermarkChange::Set(time, configured.clone())),
        Change::Reset => Some(WatermarkChange::Reset),
        Change::Keep => Some(WatermarkChange::Keep(configured.clone())),
    };
    let shown = with_store(config, async |store| match (store, change) {
        (Some(store), change) => {
            let before = store.watermark(integration.id).await?.updated_at;
            let known = known_attributes(store, integration, change.as_ref(), attributes).await?;
            if let Some(change) = &change
                && !store.change_watermark(integration.id, change, known).await?
            {
                bail!(
                    "a job of {:?} is in progress, which would move the watermark again; wait until it ends, or end it with `cdi-server cancel`",
                    integration.name
                );
            }
            let shown = Shown::of(store, integration).await?;
            if matches!(change, Some(WatermarkChange::Set(..) | WatermarkChange::Reset)) {
                eprintln!("{}", compared(before, shown.watermark.updated_at));
            }
            Ok(shown)
        }
        (None, Some(WatermarkChange::Set(..))) => bail!(no_store(&config.store)),
        (None, _) => Ok(Shown::default()),
    });
    print(&describe(&shown.await?, &configured))?;
    Ok(ExitCode::SUCCESS)
}

/// What happens to the attributes that are known. Where rows are read again, that has to be said, or is asked for.
async fn known_attributes(
    store: &Store,
    integration: &Integration,
    change: Option<&WatermarkChange>,
    said: Option<Attributes>,
) -> anyhow::Result<KnownAttributes> {
    let reads_again = matches!(change, Some(WatermarkChange::Set(..) | WatermarkChange::Reset));
    Ok(match said {
        Some(Attributes::Keep) => KnownAttributes::Keep,
        Some(Attributes::Forget) => KnownAttributes::Forget,
        None if !reads_again => KnownAttributes::Keep,
        None => match store.attributes_size(integration.id, &integration.destination.account()).await? {
            None | Some(AttributesSize { users: 0, .. }) => KnownAttributes::Keep,
            Some(AttributesSize { users, .. }) => {
                let what = format!(
                    "`only_changed` has recorded which attributes the destination has of {}",
                    counted(users, "user")
                );
                if !io::stdin().is_terminal() {
                    bail!(
                        "{what}; say with `--attributes forget` that all are to be sent again, as for a destination that has lost them, or with `--attributes keep` that those which have not changed are still left out; nothing was changed"
                    );
                }
                eprint!("{what}. Forget it, so that all attributes are sent again? [y/N] ");
                let mut answer = String::new();
                io::stdin().read_line(&mut answer)?;
                match answer.trim().to_lowercase().as_str() {
                    "y" | "yes" => KnownAttributes::Forget,
                    _ => KnownAttributes::Keep,
                }
            }
        },
    })
}

/// The watermark before a change, and a warning if rows are skipped by it.
fn compared(before: Option<DateTime<Utc>>, after: Option<DateTime<Utc>>) -> String {
    let was = before.map_or_else(|| "There was no watermark.".into(), |before| format!("It was {}.", written(before)));
    match after.filter(|after| before.is_none_or(|before| before < *after)) {
        Some(after) => {
            format!("{was} Warning: rows before {} that have not been sent yet will not be sent.", written(after))
        }
        None => was,
    }
}

/// The watermark and the record of an integration.
#[derive(Debug, Default)]
struct Shown {
    watermark: Watermark,
    record: RecordSize,
    route: Option<Route>,
    attributes: Option<AttributesSize>,
}

impl Shown {
    async fn of(store: &Store, integration: &Integration) -> anyhow::Result<Shown> {
        Ok(Shown {
            watermark: store.watermark(integration.id).await?,
            record: store.record_size(integration.id).await?,
            route: store.route(integration.id).await?,
            attributes: store.attributes_size(integration.id, &integration.destination.account()).await?,
        })
    }
}

fn describe(shown: &Shown, configured: &Route) -> String {
    let Shown { watermark, record, route, attributes } = shown;
    let is_recorded = record.versions > 0 || watermark.overflow.is_some();
    let reached = match watermark.updated_at {
        Some(time) => written(time),
        None => "no watermark".into(),
    };
    let takes = match (watermark.read_from, is_recorded) {
        (None, false) => "takes every row".into(),
        (None, true) => "reads every row and takes those that are not in the record".into(),
        (Some(from), false) if watermark.updated_at == Some(from) => {
            "takes the rows of this time and later ones".into()
        }
        (Some(from), false) => format!("takes the rows of {} and later ones", written(from)),
        (Some(from), true) => {
            format!("reads the rows of {} and later ones and takes those that are not in the record", written(from))
        }
    };
    let mut lines = vec![format!("{reached}: the next sync {takes}")];
    if record.changes > 0 {
        lines.push(format!("record: {}, {}", counted(record.versions, "row version"), size(record.bytes)));
    }
    if let Some(overflow) = watermark.overflow {
        lines.push(format!(
            "beyond the record: {} row versions of {}, of which only the number and a checksum are kept",
            grouped(overflow.versions),
            written(overflow.updated_at)
        ));
    }
    if let Some(AttributesSize { users, bytes }) = attributes {
        lines.push(format!("attributes: of {}, about {}", counted(*users, "user"), size(*bytes)));
    }
    if let Some(route) = route {
        lines.push(format!("belongs to: {}", described(route)));
        if route != configured {
            lines.push(format!("configured: {}", described(configured)));
            lines.push("Use --keep to continue from this watermark, or --reset or --set to start again.".into());
        }
    }
    lines.join("\n") + "\n"
}

fn described(Route { source, destination, kind }: &Route) -> String {
    format!("{source} -> {destination}, type {kind}")
}

/// A number of bytes in a suitable unit.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", grouped(bytes / 1_000_000), bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Overflow;

    fn a_route(table: &str) -> Route {
        Route { source: format!("sqlite:/a.db#{table}"), destination: "jsonl:/b".into(), kind: "events".into() }
    }

    fn time(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_output_says_what_the_next_sync_reads() {
        let first_line = |updated_at, read_from, versions| {
            let watermark = Watermark { updated_at, read_from, overflow: None };
            let record = RecordSize { versions, bytes: versions * 16, changes: versions };
            let said = describe(&Shown { watermark, record, ..Shown::default() }, &a_route("a"));
            said.lines().next().unwrap().to_owned()
        };
        let (reached, from) = (time("2026-01-01T00:00:00Z"), time("2025-12-31T23:50:00Z"));
        assert_eq!(first_line(None, None, 0), "no watermark: the next sync takes every row");
        assert_eq!(
            first_line(None, None, 3),
            "no watermark: the next sync reads every row and takes those that are not in the record"
        );
        assert_eq!(
            first_line(reached, reached, 0),
            "2026-01-01T00:00:00Z: the next sync takes the rows of this time and later ones"
        );
        assert_eq!(
            first_line(reached, from, 0),
            "2026-01-01T00:00:00Z: the next sync takes the rows of 2025-12-31T23:50:00Z and later ones"
        );
        assert_eq!(
            first_line(reached, from, 3),
            "2026-01-01T00:00:00Z: the next sync reads the rows of 2025-12-31T23:50:00Z and later ones and takes those \
             that are not in the record"
        );
    }

    #[test]
    fn the_output_shows_the_size_of_the_record_and_the_route_of_the_watermark() {
        let overflow = Overflow { updated_at: time("2026-01-01T00:00:00Z").unwrap(), versions: 4_500_000, sum: 7 };
        let watermark = Watermark { updated_at: None, read_from: None, overflow: Some(overflow) };
        let record = RecordSize { versions: 12_345, bytes: 197_520, changes: 3 };
        let attributes = Some(AttributesSize { users: 1, bytes: 300 });
        let shown = Shown { watermark, record, route: Some(a_route("a")), attributes };
        let expected = "no watermark: the next sync reads every row and takes those that are not in the record\n\
                        record: 12,345 row versions, 197 kB\n\
                        beyond the record: 4,500,000 row versions of 2026-01-01T00:00:00Z, of which only the number \
                        and a checksum are kept\n\
                        attributes: of 1 user, about 300 bytes\n\
                        belongs to: sqlite:/a.db#a -> jsonl:/b, type events\n";
        assert_eq!(describe(&shown, &a_route("a")), expected);
        let differs = "configured: sqlite:/a.db#b -> jsonl:/b, type events\n\
                       Use --keep to continue from this watermark, or --reset or --set to start again.\n";
        assert_eq!(describe(&shown, &a_route("b")), format!("{expected}{differs}"));
    }

    #[test]
    fn a_change_is_compared_with_what_was_there() {
        let (early, late) = (time("2026-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"));
        let skipped = "Warning: rows before 2026-02-01T00:00:00Z that have not been sent yet will not be sent.";
        assert_eq!(compared(early, late), format!("It was 2026-01-01T00:00:00Z. {skipped}"));
        assert_eq!(compared(None, late), format!("There was no watermark. {skipped}"));
        for after in [late, early, None] {
            assert_eq!(compared(late, after), "It was 2026-02-01T00:00:00Z.");
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0, 999, 1_000, 999_999, 1_000_000, 64_000_000, 4_256_789_000].map(size),
            ["0 bytes", "999 bytes", "1 kB", "999 kB", "1.0 MB", "64.0 MB", "4,256.7 MB"]
        );
    }
}
