//! What a check finds in the first rows that the next sync would take: the warnings and refusals of a preview, counted.

use crate::commands::audit::Finding;
use crate::commands::{argument, config_option};
use crate::config::{Config, Integration};
use crate::store::Store;
use crate::sync::{self, Known, Planned, Preview, Warning};
use crate::text::{counted, grouped};

/// How many rows are looked at.
const ROWS: usize = 100;
/// How many rows are read to find them: those that were sent already may come first.
const READ: u64 = 100_000;

/// The findings about the rows of an integration: at most one of each kind.
pub async fn findings(
    config: &Config,
    subject: &str,
    integration: &Integration,
    store: Option<&Store>,
) -> Vec<Finding> {
    let known = match store {
        // If the store fails, that is said of the watermark.
        Some(store) => Known::of(store, integration).await.ok(),
        None => None,
    };
    match sync::bounded_preview(integration, known, ROWS, READ).await {
        Ok(preview) => {
            let command =
                format!("cdi-server preview {} --rows {ROWS}{}", argument(integration), config_option(config));
            messages(&preview, &command).into_iter().map(|message| Finding::warning(subject, message)).collect()
        }
        Err(error) => vec![Finding::failed(subject, error.to_string())],
    }
}

/// What to warn of. `command` shows the same rows one by one.
fn messages(preview: &Preview, command: &str) -> Vec<String> {
    let Preview { rows, future, undated, .. } = preview;
    let is_are = |rows: u64| if rows == 1 { "is" } else { "are" };
    let future = (*future > 0).then(|| {
        let (rows, is_are) = (counted(*future, "row"), is_are(*future));
        format!("{rows} {is_are} dated in the future and skipped until that time (an UPDATED_AT without a time zone is read as UTC)")
    });
    let undated = (*undated > 0).then(|| {
        let (rows, has_have) = (counted(*undated, "row"), if *undated == 1 { "has" } else { "have" });
        format!("{rows} {has_have} no UPDATED_AT and {} never synced", is_are(*undated))
    });
    let mut kinds: Vec<(&Warning, usize)> = Vec::new();
    let mut refused = Vec::new();
    for row in rows {
        let warnings = match row {
            Planned::Sent { warnings, .. } => warnings,
            Planned::Unchanged(_) => continue,
            Planned::Refused(error) => {
                refused.push(error);
                continue;
            }
        };
        for (place, warning) in warnings.iter().enumerate() {
            let is_counted = warnings[..place].iter().any(|earlier| earlier.kind == warning.kind);
            match kinds.iter_mut().find(|(first, _)| first.kind == warning.kind) {
                Some((_, count)) => *count += usize::from(!is_counted),
                None => kinds.push((warning, 1)),
            }
        }
    }
    let share = |count: usize| match (rows.len(), preview.more) {
        (1, false) => "the only row to sync".to_owned(),
        (2, false) if count == 2 => "both rows to sync".to_owned(),
        (all, false) if count == all => format!("all {} rows to sync", grouped(all as u64)),
        (all, false) => format!("{count} of the {all} rows to sync"),
        (all, true) => format!("{count} of the first {all} rows to sync"),
    };
    let refused = refused.first().map(|first| {
        let such_as = if refused.len() == 1 { "" } else { "such as " };
        let row = first.identifier.as_deref().unwrap_or("one without identifier");
        format!("{} would be refused, {such_as}{row}: {}; see `{command}`", share(refused.len()), first.reason)
    });
    let warnings = kinds.into_iter().map(|(warning, count)| format!("{}: {}", share(count), warning.text));
    future.into_iter().chain(undated).chain(refused).chain(warnings).collect()
}
