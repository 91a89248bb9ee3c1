//! `cdi-server preview`: what the next sync would send and refuse. Nothing is changed.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::{argument, config_option, with_store, written};
use crate::config::{Config, Integration};
use crate::process::print_data;
use crate::sync::{self, Known, Planned, Preview, Saving};
use crate::text::{counted, grouped};

/// Shows the first rows of the next sync.
pub async fn run(config: &Config, integration: &Integration, rows: usize) -> anyhow::Result<ExitCode> {
    // What rows are compared with is read from the store during the preview.
    let previewed = with_store(config, async |store| {
        let known = match store {
            Some(store) => {
                let known = Known::of(store, integration).await?;
                let route = store.route(integration.id).await?;
                if let Some(cause) = integration.route_mismatch(route.as_ref(), &known.watermark, &known.record) {
                    bail!("the next sync will end in config_error: {cause}");
                }
                Some(known)
            }
            None => None,
        };
        let read_from = known.as_ref().and_then(|known| known.watermark.read_from);
        let since = known.as_ref().and_then(|known| known.watermark.updated_at);
        Ok((sync::preview(integration, known, rows).await?, since, read_from, store.is_some()))
    });
    let (preview, since, read_from, has_store) = previewed.await?;
    let watermark = format!("cdi-server watermark {}{}", argument(integration), config_option(config));
    print_data(&describe(&preview, since, read_from, &watermark))?;
    if !has_store && !preview.rows.is_empty() {
        eprintln!("There is no store yet: this is what the first sync will send.");
    }
    Ok(ExitCode::SUCCESS)
}

/// The text of a preview. `watermark` is the command that changes the watermark.
fn describe(
    preview: &Preview,
    since: Option<DateTime<Utc>>,
    read_from: Option<DateTime<Utc>>,
    watermark: &str,
) -> String {
    let mut lines: Vec<String> = preview
        .rows
        .iter()
        .map(|row| match row {
            Planned::Sent { object, warnings } => {
                let warnings = warnings.iter().map(|warning| format!("\n        warning: {}", warning.text));
                format!("send    {object}{}", warnings.collect::<String>())
            }
            Planned::Unchanged(user) => format!("spare   {user}: the destination has all of its attributes"),
            Planned::Refused(error) => {
                let row = error.identifier.as_deref().unwrap_or("row without identifier");
                format!("refuse  {row} (UPDATED_AT {}): {}", written(error.updated_at), error.reason)
            }
        })
        .collect();
    lines.push(match (preview.rows.len(), preview.more, since.map(written)) {
        (0, false, Some(since)) => format!("Nothing new since {since}."),
        // Without a watermark all rows are counted.
        (0, false, None) if read_from.is_none() && preview.future == 0 && preview.undated == 0 => {
            "The table has no committed rows.".into()
        }
        (0, false, None) => "Nothing to sync: no row has an UPDATED_AT before the present time.".into(),
        (shown, true, _) => format!("{} shown; there are more.", counted(shown, "row")),
        (1, false, _) => "The only row is shown.".into(),
        (2, false, _) => "Both rows are shown.".into(),
        (shown, false, _) => format!("All {shown} rows are shown."),
    });
    lines.extend(preview.saving.as_ref().filter(|saving| saving.rows > 0).map(saved));
    if preview.future > 0 {
        lines.push(format!(
            "Rows dated in the future, skipped until that time: {}. (An UPDATED_AT without a time zone is read as UTC.)",
            preview.future
        ));
    }
    if let Some(from) = read_from {
        // Before the first row is synced, nothing can have been passed over.
        let backfill = since.map(|_| format!("; after a backfill, use `{watermark} --set TIME` or `--reset`"));
        lines.push(format!("Rows before {} are not read{}.", written(from), backfill.unwrap_or_default()));
    }
    if preview.undated > 0 {
        lines.push(format!("Rows without an UPDATED_AT, never synced: {}.", preview.undated));
    }
    lines.join("\n") + "\n"
}

/// What `only_changed` would spare.
fn saved(saving: &Saving) -> String {
    let Saving { rows, more, spared } = saving;
    let all = spared.attributes_sent + spared.attributes_spared;
    let share = spared.attributes_spared as f64 * 100.0 / all.max(1) as f64;
    format!(
        "With only_changed, of the {}{} that can be sent: {} not sent, because nothing in them has changed; {} of {} sent, {share:.0} % spared.",
        if *more { "first " } else { "" },
        counted(*rows, "row"),
        grouped(spared.rows),
        grouped(spared.attributes_sent),
        counted(all, "attribute")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RowError;
    use crate::sync::WarningKind;

    fn describe(preview: &Preview, since: Option<DateTime<Utc>>, read_from: Option<DateTime<Utc>>) -> String {
        super::describe(preview, since, read_from, "cdi-server watermark Users")
    }

    #[test]
    fn the_preview_lists_each_row_and_the_skipped_ones() {
        let time = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let refused = RowError { identifier: None, updated_at: time, reason: "no".into(), payload: None };
        let preview = Preview {
            rows: vec![
                Planned::Sent {
                    object: "{}".into(),
                    warnings: vec![WarningKind::Time.says("odd"), WarningKind::Identifier.says("long")],
                },
                Planned::Refused(refused),
            ],
            more: true,
            future: 2,
            undated: 0,
            saving: None,
        };
        assert_eq!(
            describe(&preview, None, None),
            "send    {}\n        warning: odd\n        warning: long\n\
             refuse  row without identifier (UPDATED_AT 2026-01-01T00:00:00.500Z): no\n2 rows shown; there are more.\n\
             Rows dated in the future, skipped until that time: 2. (An UPDATED_AT without a time zone is read as UTC.)\n"
        );
        let none_shown = Preview { rows: Vec::new(), more: true, future: 0, undated: 0, saving: None };
        assert_eq!(describe(&none_shown, None, None), "0 rows shown; there are more.\n");
        let all = |rows: usize| {
            let rows = (0..rows).map(|_| Planned::Sent { object: "{}".into(), warnings: Vec::new() }).collect();
            describe(&Preview { rows, more: false, future: 0, undated: 0, saving: None }, None, None)
        };
        assert!(all(15).ends_with("All 15 rows are shown.\n") && all(1).ends_with("The only row is shown.\n"));
        assert!(all(2).ends_with("\nBoth rows are shown.\n"));
        assert_eq!(all(0), "The table has no committed rows.\n");
        let future = Preview { rows: Vec::new(), more: false, future: 1, undated: 0, saving: None };
        let said = describe(&future, None, None);
        assert!(
            said.starts_with("Nothing to sync: no row has an UPDATED_AT before the present time.\nRows dated"),
            "{said}"
        );
        let nothing = Preview { rows: Vec::new(), more: false, future: 0, undated: 1, saving: None };
        assert_eq!(
            describe(&nothing, Some(time), Some(time)),
            "Nothing new since 2026-01-01T00:00:00.500Z.\nRows before 2026-01-01T00:00:00.500Z are not read; after a \
             backfill, use `cdi-server watermark Users --set TIME` or `--reset`.\nRows without an UPDATED_AT, never synced: 1.\n"
        );
        let said = describe(&nothing, None, Some(time));
        assert!(said.contains("\nRows before 2026-01-01T00:00:00.500Z are not read.\n"), "{said}");
    }
}
