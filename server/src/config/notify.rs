//! The `[[notify]]` entries.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;
use toml::Spanned;

use super::{Secrets, file};
use crate::notify::{Channel, Email, Entry, Event, SigningKey, SmtpUrl, Webhook};
use crate::secret::Secret;
use crate::settings::{DurationText, Limits, Reader, SecretText, Text};
use crate::types::IntegrationId;

/// Shorter times are surely mistakes.
const OVERDUE_AFTER: Limits = Limits {
    shortest: (Duration::from_secs(1), "1s"),
    longest: (Duration::from_secs(366 * 24 * 3600), "366d"),
    or_forever: false,
};

const PASSWORD: &str = "this URL contains a password in plain text; put the whole URL in an environment variable and write `{ env = \"NAME\" }`, or in \
                        a file and write `{ file = \"path\" }`";

/// Reads all entries of the file; gives those that are valid.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entries: Vec<Spanned<file::Notify>>,
    integrations: &[file::Integration],
    secrets: Secrets,
) -> Vec<Arc<Entry>> {
    let mut names = HashMap::new();
    let mut check = Check { reader, integrations, secrets };
    entries.into_iter().filter_map(|entry| check.entry(entry, &mut names)).map(Arc::new).collect()
}

struct Check<'c, 'a> {
    reader: &'c mut Reader<'a>,
    integrations: &'c [file::Integration],
    secrets: Secrets,
}

impl Check<'_, '_> {
    fn entry(&mut self, entry: Spanned<file::Notify>, names: &mut HashMap<String, usize>) -> Option<Entry> {
        let (place, entry) = (entry.span(), entry.into_inner());
        let name = entry.name;
        self.reader.name(&name);
        self.reader.once(names, name.get_ref().clone(), name.span(), "[[notify]] entry with the name");
        let channel = self.channel(place, entry.webhook, entry.email);
        let asked =
            entry.on.iter().flat_map(|on| on.get_ref()).find(|event| event.get_ref() == Event::Overdue.as_str());
        let overdue = asked.map(Spanned::span);
        let on = self.events(entry.on);
        let overdue_after = self.overdue_after(entry.overdue_after, overdue);
        let integrations = self.covered(entry.workspaces, entry.integrations);
        Some(Entry { name: name.into_inner(), channel: channel?, on, overdue_after, integrations })
    }

    fn channel(
        &mut self,
        entry: Range<usize>,
        webhook: Option<file::Webhook>,
        email: Option<file::Email>,
    ) -> Option<Channel> {
        match (webhook, email) {
            (Some(webhook), None) => self.webhook(webhook).map(Channel::Webhook),
            (None, Some(email)) => self.email(email).map(Channel::Email),
            (Some(_), Some(email)) => {
                self.reader.problem(email.from.span(), "an entry has either `webhook` or `email`; write two entries");
                None
            }
            (None, None) => {
                let message = "this entry does not say where messages go; add `webhook = { url = \"https://…\", secret = { env = \"NAME\" } }` or \
                               `email = { from = \"…\", smtp = { env = \"NAME\" } }`";
                self.reader.problem(entry, message);
                None
            }
        }
    }

    fn email(&mut self, email: file::Email) -> Option<Email> {
        let from = self.mailbox(&email.from);
        let to = email.to.map(|to| self.recipients(to)).unwrap_or_default();
        let (span, subject) = (email.smtp.span(), email.smtp.get_ref().subject("this URL"));
        let in_clear = matches!(email.smtp.get_ref(), SecretText::Clear(_));
        let url = self.reader.url(email.smtp, "smtp")?;
        if !in_clear && !self.secrets.of_notify() {
            return None;
        }
        let smtp = SmtpUrl::new(&url);
        match &smtp {
            Ok(smtp) if in_clear && smtp.has_password() => self.reader.problem(span, PASSWORD),
            Ok(_) => {}
            Err(error) => self.reader.problem(span, format!("{subject} {error}")),
        }
        Some(Email { from: from?, to, smtp: smtp.ok()? })
    }

    fn recipients(&mut self, to: Spanned<Vec<Text>>) -> Vec<Mailbox> {
        if to.get_ref().is_empty() {
            let message = "this list is empty; name recipients, or remove it for e-mail to the `contact_emails` of each integration";
            self.reader.problem(to.span(), message);
        }
        to.get_ref().iter().filter_map(|to| self.mailbox(to)).collect()
    }

    fn mailbox(&mut self, text: &Text) -> Option<Mailbox> {
        let mailbox = text.get_ref().parse();
        let message = "write one e-mail address, such as \"cdi@example.com\" or \"OpenCDI <cdi@example.com>\"";
        mailbox.map_err(|_| self.reader.problem(text.span(), message)).ok()
    }

    fn webhook(&mut self, webhook: file::Webhook) -> Option<Webhook> {
        let url = self.url(webhook.url);
        let span = webhook.secret.span();
        let subject = webhook.secret.get_ref().subject("this secret");
        let secret = self.reader.secret(webhook.secret, "secret");
        if !self.secrets.of_notify() {
            return None;
        }
        let key = secret.and_then(|secret| match secret.expose().parse::<SigningKey>() {
            Ok(key) => Some(key),
            Err(error) => {
                self.reader.problem(span, format!("{subject} {error}"));
                None
            }
        });
        Some(Webhook { url: url?, key: key? })
    }

    fn url(&mut self, written: Spanned<SecretText>) -> Option<Secret> {
        let (span, subject) = (written.span(), written.get_ref().subject("this URL"));
        let in_clear = matches!(written.get_ref(), SecretText::Clear(_));
        let url = self.reader.url(written, "url")?;
        if !in_clear && !self.secrets.of_notify() {
            return None;
        }
        let parsed = Url::parse(url.expose().trim()).ok().filter(|url| url.has_host());
        let Some(parsed) = parsed.filter(|url| ["http", "https"].contains(&url.scheme())) else {
            self.reader.problem(span, format!("{subject} is not the URL of a webhook; write `https://<host>/<path>`"));
            return None;
        };
        if in_clear && parsed.password().is_some() {
            self.reader.problem(span, PASSWORD);
        }
        Some(Secret::new(parsed))
    }

    fn events(&mut self, on: Option<Spanned<Vec<Text>>>) -> BTreeSet<Event> {
        let Some(on) = on else { return Event::DEFAULT.into() };
        let known = Event::ALL.map(Event::as_str).join("`, `");
        if on.get_ref().is_empty() {
            self.reader.problem(on.span(), format!("name at least one of `{known}`"));
        }
        let mut events = BTreeSet::new();
        for name in on.into_inner() {
            match Event::ALL.into_iter().find(|event| event.as_str() == name.get_ref()) {
                Some(event) => {
                    events.insert(event);
                }
                None => {
                    let message = format!("there are no messages about `{}`; name some of `{known}`", name.get_ref());
                    self.reader.problem(name.span(), message);
                }
            }
        }
        events
    }

    /// `overdue` is where `on` asks for these messages, if it does.
    fn overdue_after(&mut self, written: Option<DurationText>, overdue: Option<Range<usize>>) -> Option<Duration> {
        let Some(written) = written else {
            if let Some(overdue) = overdue {
                let message = "`overdue` needs `overdue_after` in the same entry, the time without a successful sync, such as \"6h\"";
                self.reader.problem(overdue, message);
            }
            return None;
        };
        let read = match written.get_ref().within(&OVERDUE_AFTER) {
            Ok(_) if overdue.is_none() => {
                Err("`overdue_after` is for messages about `overdue`; add that to `on`, or remove this line".to_owned())
            }
            read => read,
        };
        read.map_err(|message| self.reader.problem(written.span(), message)).ok()
    }

    /// The integrations of an entry; `None` for all. Invalid IDs are reported where the integration is read.
    fn covered(
        &mut self,
        workspaces: Option<Spanned<Vec<Text>>>,
        integrations: Option<Spanned<Vec<Text>>>,
    ) -> Option<BTreeSet<IntegrationId>> {
        let (wanted, by_workspace) = match (workspaces, integrations) {
            (None, None) => return None,
            (Some(_), Some(integrations)) => {
                self.reader.problem(integrations.span(), "write either `workspaces` or `integrations`");
                return None;
            }
            (Some(workspaces), None) => (workspaces, true),
            (None, Some(integrations)) => (integrations, false),
        };
        if wanted.get_ref().is_empty() {
            self.reader
                .problem(wanted.span(), "this list is empty; remove this line for messages about all integrations");
        }
        let mut covered = BTreeSet::new();
        for wanted in wanted.into_inner() {
            let text = wanted.get_ref();
            let is_wanted = |integration: &&file::Integration| match by_workspace {
                true => integration.workspace.get_ref() == text,
                false => integration.name.get_ref() == text || integration.id.get_ref().eq_ignore_ascii_case(text),
            };
            let found: Vec<_> = self.integrations.iter().filter(is_wanted).collect();
            let problem = match found.len() {
                0 if by_workspace => Some(format!("no integration has the workspace `{text}`")),
                0 => Some(format!("there is no integration with the name or the ID `{text}`")),
                1 => None,
                _ if by_workspace => None,
                _ => Some(format!("several integrations have the name `{text}`; write their IDs")),
            };
            covered.extend(found.iter().filter_map(|found| found.id.get_ref().parse::<IntegrationId>().ok()));
            if let Some(problem) = problem {
                self.reader.problem(wanted.span(), problem);
            }
        }
        Some(covered)
    }
}
