//! The integrations of a configuration: their keys, and that no two use one file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::file;
use super::schedules::Schedules;
use crate::connectors;
use crate::settings::{Limits, Reader, Section, Text};
use crate::sync::{Destination, Integration};
use crate::types::{IntegrationKind, NotAnId, real};

/// Where more than half of the rows are refused, the integration is more likely to be wrong than they are.
const MAX_FAILED_SHARE: f64 = 0.5;
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);
/// Longer than most transactions that write rows.
const LOOKBACK: Duration = Duration::from_secs(600);
const OR_ZERO: Limits = Limits { shortest: (Duration::ZERO, "0s"), ..Limits::USUAL };

/// Reads integrations one after the other.
pub(super) struct Integrations<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// The files that are used, with links resolved, and what for.
    files: HashMap<PathBuf, String>,
    schedules: Schedules,
    /// The store's file, with links resolved, if it is one.
    store: Option<PathBuf>,
}

impl<'r, 'a> Integrations<'r, 'a> {
    /// Before the first integration.
    pub(super) fn new(reader: &'r mut Reader<'a>) -> Integrations<'r, 'a> {
        Integrations { reader, files: HashMap::new(), schedules: Schedules::default(), store: None }
    }

    /// Notes the store's file, which no integration may read or write.
    pub(super) fn file_of_the_store(&mut self, path: &Path) {
        self.store = Some(real(path));
        self.files.insert(real(path), "the store".to_owned());
    }

    /// Reads all integrations of the file; gives those that are valid, in the order of their IDs.
    pub(super) fn read(mut self, integrations: Vec<file::Integration>) -> Vec<Arc<Integration>> {
        let mut ids = HashMap::new();
        let mut valid: Vec<Arc<Integration>> = integrations
            .into_iter()
            .filter_map(|integration| {
                self.reader.name(&integration.name);
                self.reader.name(&integration.workspace);
                for email in &integration.contact_emails {
                    if !email.get_ref().contains('@') || email.get_ref().contains(',') {
                        self.reader.problem(email.span(), "write one e-mail address in each pair of quotes, such as [\"a@example.com\", \"b@example.com\"]");
                    }
                }
                let id = integration.id.get_ref().parse();
                match &id {
                    Ok(_) => self.reader.once(
                        &mut ids,
                        integration.id.get_ref().to_lowercase(),
                        integration.id.span(),
                        "integration with the ID",
                    ),
                    Err(error) => self.reader.problem(integration.id.span(), NotAnId::to_string(error)),
                }
                let kind = self.kind(&integration.kind);
                let max_failed_share = self.share(integration.max_failed_share);
                let max_duration = self.reader.duration(integration.max_duration, MAX_DURATION);
                let lookback = self.reader.duration_within(integration.lookback, LOOKBACK, &OR_ZERO);
                let schedule = self.schedules.read(self.reader, integration.schedule, integration.timezone);
                let source_span = integration.source.span();
                let source = connectors::source(Section::new(self.reader, integration.source));
                let span = integration.destination.span();
                let destination = connectors::destination(Section::new(self.reader, integration.destination), kind);
                if let Some(path) = source.as_ref().and_then(|source| source.file()) {
                    if self.store.as_ref() == Some(&real(path)) {
                        let message = format!("the file {} is the store too; choose another file", path.display());
                        self.reader.problem(source_span, message);
                    }
                    // Several integrations may read one database.
                    self.files.entry(real(path)).or_insert_with(|| "a source".to_owned());
                }
                if let Some(path) = destination.as_ref().and_then(|destination| destination.file()) {
                    // Two integrations in one file would repair and cut each other's lines.
                    let name = integration.name.get_ref();
                    let user = format!("the destination of {name:?}");
                    if let Some(other) = self.files.insert(real(path), user) {
                        self.reader
                            .problem(span, format!("the file {} is {other} too; choose another file", path.display()));
                    }
                }
                let only_changed = self.only_changed(integration.only_changed, kind, destination.as_deref());
                Some(Arc::new(Integration {
                    id: id.ok()?,
                    name: integration.name.into_inner(),
                    workspace: integration.workspace.into_inner(),
                    kind: kind?,
                    paused: integration.paused,
                    schedule,
                    keep_payloads: integration.keep_payloads,
                    only_changed,
                    max_failed_share,
                    max_duration,
                    lookback,
                    contact_emails: integration.contact_emails.into_iter().map(Spanned::into_inner).collect(),
                    source: source?,
                    destination: destination?,
                }))
            })
            .collect();
        valid.sort_by_key(|integration| integration.id);
        valid
    }

    fn kind(&mut self, kind: &Text) -> Option<IntegrationKind> {
        let found = IntegrationKind::ALL.iter().copied().find(|known| known.as_str() == kind.get_ref());
        if found.is_none() {
            let known: Vec<&str> = IntegrationKind::ALL.iter().map(|known| known.as_str()).collect();
            let message = format!("unknown type `{}`; the types are `{}`", kind.get_ref(), known.join("`, `"));
            self.reader.problem(kind.span(), message);
        }
        found
    }

    /// Whether only changed attributes are sent, where that is possible.
    fn only_changed(
        &mut self,
        flag: Option<Spanned<bool>>,
        kind: Option<IntegrationKind>,
        destination: Option<&dyn Destination>,
    ) -> bool {
        let Some(flag) = flag.filter(|flag| *flag.get_ref()) else { return false };
        let Some(kind) = kind else { return false };
        let update_existing_only = destination.and_then(|destination| destination.encoder(kind).update_existing_only);
        if kind != IntegrationKind::Attributes {
            let message = format!(
                "`only_changed` works with `type = \"attributes\"` only; remove it, because all {} are sent once",
                kind.as_str().replace('_', " ")
            );
            self.reader.problem(flag.span(), message);
        } else if update_existing_only == Some(true) {
            let message = "`only_changed` cannot be used with `update_existing_only = true`: the service leaves out users that it does not know without saying so, and their attributes would never be sent again; remove one of the two";
            self.reader.problem(flag.span(), message);
        }
        true
    }

    /// A share below 1; `None` if any share may be refused.
    fn share(&mut self, share: Option<Spanned<f64>>) -> Option<f64> {
        let Some(share) = share else { return Some(MAX_FAILED_SHARE) };
        if !(0.0..=1.0).contains(share.get_ref()) {
            let message = "write a share from 0.0 to 1.0, such as `0.05` for one row in twenty; `1.0` lets a sync refuse any number of rows";
            self.reader.problem(share.span(), message);
        }
        Some(share.into_inner()).filter(|share| *share < 1.0)
    }
}
