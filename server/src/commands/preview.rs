//! `cdi-server preview`: what the next sync would send and refuse. Changes nothing.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::{with_store, written};
use crate::config::{Config, Integration};
use crate::process::print;
use crate::sync::{self, Known, Planned, Preview};

/// Shows the first rows of the next sync.
pub async fn run(config: &Config, integration: &Integration, rows: usize) -> anyhow::Result<ExitCode> {
    let known = with_store(config, async |store| match store {
        Some(store) => {
            let known = Known {
                watermark: store.watermark(integration.id).await?,
                record: store.record(integration.id).await?,
                digest_key: store.digest_key(),
            };
            let route = store.route(integration.id).await?;
            match integration.route_mismatch(route.as_ref(), &known.watermark, &known.record) {
                Some(cause) => bail!("the next sync will end in config_error: {cause}"),
                None => Ok(Some(known)),
            }
        }
        None => {
            eprintln!("there is no store yet: this is what the first sync will send");
            Ok(None)
        }
    });
    let known = known.await?;
    let since = known.as_ref().and_then(|known| known.watermark.updated_at);
    let preview = sync::preview(integration, known, rows).await?;
    print(&describe(&preview, since))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(preview: &Preview, since: Option<DateTime<Utc>>) -> String {
    let mut lines: Vec<String> = preview
        .rows
        .iter()
        .map(|row| match row {
            Planned::Sent(object) => format!("send    {object}"),
            Planned::Refused(error) => {
                let row = error.identifier.clone().unwrap_or_else(|| "a row without identifier".into());
                let time = written(error.updated_at);
                format!("refuse  {row} of {time}: {}", error.reason)
            }
        })
        .collect();
    let since = since.map(written);
    lines.push(match (preview.rows.len(), preview.more, since) {
        (0, false, Some(since)) => format!("Nothing new since {since}."),
        (0, false, None) => "Nothing to sync: there are no rows whose time has come.".into(),
        (shown, true, _) => format!("Rows shown: {shown}; there are more."),
        (shown, false, _) => format!("Rows shown: {shown}, which are all."),
    });
    if preview.future > 0 {
        lines.push(format!("Rows dated in the future, which wait until their time comes: {}.", preview.future));
    }
    if preview.undated > 0 {
        lines.push(format!("Rows without an UPDATED_AT, which are never synced: {}.", preview.undated));
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
            "send    {}\nrefuse  a row without identifier of 2026-01-01T00:00:00.500Z: no\nRows shown: 2; there are more.\n\
             Rows dated in the future, which wait until their time comes: 2.\n"
        );
        let none_shown = Preview { rows: Vec::new(), more: true, future: 0, undated: 0 };
        assert_eq!(describe(&none_shown, None), "Rows shown: 0; there are more.\n");
        let nothing = Preview { rows: Vec::new(), more: false, future: 0, undated: 1 };
        assert_eq!(
            describe(&nothing, Some(time)),
            "Nothing new since 2026-01-01T00:00:00.500Z.\nRows without an UPDATED_AT, which are never synced: 1.\n"
        );
    }
}
