//! `cdi-server watermark`: how far an integration has got, and the way to begin again from elsewhere.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::{no_store, with_store, written};
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::Watermark;

/// What to do with the watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only show it.
    None,
    /// The next sync takes the rows of this time and later ones.
    Set(DateTime<Utc>),
    /// The next sync takes every row.
    Reset,
}

/// Moves the watermark if that is wanted, and shows it.
pub async fn run(config: &Config, integration: &Integration, change: Change) -> anyhow::Result<ExitCode> {
    let to = match change {
        Change::None => None,
        Change::Set(time) if time > Utc::now() => {
            bail!("{} is in the future: no row would be synced before it; nothing was changed", written(time))
        }
        Change::Set(time) => Some(Some(Watermark { updated_at: time, rows_at: 0, digest: Some(0) })),
        Change::Reset => Some(None),
    };
    let watermark = with_store(config, async |store| match (store, to) {
        (Some(store), to) => {
            if let Some(to) = to
                && !store.set_watermark(integration.id, to).await?
            {
                bail!(
                    "a job of {:?} is in progress, which would move the watermark again; wait until it has ended",
                    integration.name
                );
            }
            Ok(store.watermark(integration.id).await?)
        }
        (None, Some(Some(_))) => bail!(no_store(&config.store)),
        (None, _) => Ok(None),
    });
    let watermark = watermark.await?;
    print(&format!("{}\n", describe(watermark)))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(watermark: Option<Watermark>) -> String {
    let Some(Watermark { updated_at, rows_at, digest }) = watermark else {
        return "none: the next sync takes every row".into();
    };
    let time = written(updated_at);
    match (rows_at, digest) {
        (0, _) => format!("{time}: the next sync takes the rows of this time and later ones"),
        (rows, None) => {
            format!("{time}: the rows of this time are dealt with ({rows}); the next sync takes later ones")
        }
        (rows, Some(_)) => format!(
            "{time}: some rows of this time are dealt with ({rows}); the next sync takes its other rows and later ones"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_the_next_sync_takes() {
        let updated_at = "2026-01-01T00:00:00Z".parse().unwrap();
        let at = |rows_at, digest| describe(Some(Watermark { updated_at, rows_at, digest }));
        assert_eq!(describe(None), "none: the next sync takes every row");
        assert!(at(0, Some(0)).contains("takes the rows of this time"));
        assert!(at(3, None).contains("the rows of this time are dealt with (3)"));
        assert!(at(3, Some(9)).contains("its other rows"));
    }
}
