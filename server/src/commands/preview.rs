//! `cdi-server preview`: what the next sync would send and refuse. Changes nothing.

use std::process::ExitCode;

use chrono::SecondsFormat;

use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{Store, Watermark};
use crate::sync::{self, Planned, Preview};

/// Shows the first rows of the next sync.
pub async fn run(config: &Config, integration: &Integration, rows: usize) -> anyhow::Result<ExitCode> {
    let store = Store::open(&config.store).await?;
    let watermark = store.watermark(integration.id).await?;
    let preview = sync::preview(integration, watermark, rows).await?;
    print(&describe(&preview, watermark))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(preview: &Preview, watermark: Option<Watermark>) -> String {
    let mut lines: Vec<String> = preview
        .rows
        .iter()
        .map(|row| match row {
            Planned::Sent(object) => format!("send    {object}"),
            Planned::Refused(error) => {
                let row = error.identifier.clone().unwrap_or_else(|| "a row without identifier".into());
                let time = error.updated_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                format!("refuse  {row} of {time}: {}", error.reason)
            }
        })
        .collect();
    let since = watermark.map(|watermark| watermark.updated_at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    lines.push(match (preview.rows.len(), preview.more, since) {
        (0, _, Some(since)) => format!("Nothing new since {since}."),
        (0, _, None) => "Nothing to sync: there are no rows whose time has come.".into(),
        (rows, true, _) => format!("These are the first {rows} rows; there are more."),
        (rows, false, _) => format!("These are all {rows} rows."),
    });
    if preview.future > 0 {
        lines.push(format!("{} rows are dated in the future and wait until their time comes.", preview.future));
    }
    if preview.undated > 0 {
        lines.push(format!("{} rows have no UPDATED_AT and are never synced.", preview.undated));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RowError;

    #[test]
    fn it_says_what_would_be_done_with_each_row_and_what_is_left_out() {
        let time = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let refused = RowError { identifier: None, updated_at: time, reason: "no".into(), payload: None };
        let preview = Preview {
            rows: vec![Planned::Sent("{}".into()), Planned::Refused(refused)],
            more: true,
            future: 2,
            undated: 0,
        };
        assert_eq!(
            describe(&preview, None),
            "send    {}\nrefuse  a row without identifier of 2026-01-01T00:00:00.500Z: no\nThese are the first 2 rows; there are more.\n\
             2 rows are dated in the future and wait until their time comes.\n"
        );
        let nothing = Preview { rows: Vec::new(), more: false, future: 0, undated: 1 };
        let watermark = Watermark { updated_at: time, rows_at: 1, digest: None };
        assert_eq!(
            describe(&nothing, Some(watermark)),
            "Nothing new since 2026-01-01T00:00:00.500Z.\n1 rows have no UPDATED_AT and are never synced.\n"
        );
    }
}
