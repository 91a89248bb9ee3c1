//! `cdi-server notify test`: sends a test message to the receivers of `[[notify]]` entries.

use std::process::ExitCode;

use anyhow::bail;
use futures::StreamExt as _;

use crate::config::Config;
use crate::process::print;
use crate::text::printable_line;

/// Messages that are sent at the same time.
const AT_ONCE: usize = 8;

/// Sends a test message of each entry, or of one, and prints a line for each. Fails if one was not taken.
pub async fn test(config: &Config, wanted: Option<&str>) -> anyhow::Result<ExitCode> {
    let file = config.file.display();
    if config.notify.is_empty() {
        bail!(
            "{file} has no [[notify]] entry, so there is nothing to test; `email` or `webhook` in one says where messages go"
        );
    }
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let entries: Vec<_> = config.notify.iter().filter(|entry| is_wanted(&entry.name)).collect();
    if entries.is_empty() {
        let names: Vec<String> = config.notify.iter().map(|entry| format!("{:?}", entry.name)).collect();
        bail!("{file} has no [[notify]] entry {:?}; it has {}", wanted.unwrap_or_default(), names.join(", "));
    }
    let notifications = config.notifications();
    let tests = entries.iter().map(async |entry| (&entry.name, entry.send_test(&notifications).await));
    let tested: Vec<_> = futures::stream::iter(tests).buffered(AT_ONCE).collect().await;
    let line = |(name, sent): &(&String, Result<String, String>)| {
        let (state, message) = match sent {
            Ok(receiver) => ("sent", receiver),
            Err(problem) => ("failed", problem),
        };
        format!("{state:<6}  {}: {}\n", printable_line(name), printable_line(message))
    };
    print(&tested.iter().map(line).collect::<String>())?;
    let all_sent = tested.iter().all(|(_, sent)| sent.is_ok());
    Ok(if all_sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
