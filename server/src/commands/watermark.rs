//! `cdi-server watermark`: how far an integration has got, and the way to begin again from elsewhere.

use std::process::ExitCode;

use anyhow::bail;
use chrono::{DateTime, Utc};

use super::{no_store, with_store, written};
use crate::config::{Config, Integration};
use crate::process::print;
use crate::store::{Watermark, WatermarkChange};

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
        Change::Set(time) => Some(Some(WatermarkChange::Set(time, integration.route()))),
        Change::Reset => Some(Some(WatermarkChange::Reset)),
    };
    let watermark = with_store(config, async |store| match (store, to) {
        (Some(store), to) => {
            if let Some(to) = to
                && !store.change_watermark(integration.id, &to.unwrap()).await?
            {
                bail!(
                    "a job of {:?} is in progress, which would move the watermark again; wait until it has ended",
                    integration.name
                );
            }
            Ok(Some(store.watermark(integration.id).await?))
        }
        (None, Some(Some(_))) => bail!(no_store(&config.store)),
        (None, _) => Ok(None),
    });
    let watermark = watermark.await?;
    print(&format!("{}\n", describe(watermark)))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(watermark: Option<Watermark>) -> String {
    format!("{watermark:?}")
}
