//! The servers of the document, and of operations that have their own.

use apidrift_core::rules::Rule;
use openapi_model::document::{Document, Server};

use super::compare::{Both, Compare};
use super::report::{At, ReportedChange};

/// A server URL that was removed or changed.
struct Lost {
    text: String,
    here: At,
    other: Option<At>,
}

impl Compare<'_> {
    /// Compares the servers of the document.
    pub(super) fn servers(&mut self) {
        let (base, new) = (self.base.document, self.new.document);
        for lost in lost(&base.servers, &new.servers) {
            let message = (lost.text.clone(), String::new());
            self.report.add_to_document(lost.said(message));
        }
    }

    /// Compares the servers of an operation, if it has its own.
    pub(super) fn servers_of(&mut self, both: &Both<'_>) {
        let (base, new) = (self.base.document, self.new.document);
        let (olds, news) = (&both.old.servers, &both.new.servers);
        if olds.is_empty() && news.is_empty() {
            return;
        }
        let all = |own: &Vec<Server>, document: &Document| -> Vec<Server> {
            if own.is_empty() { document.servers.clone() } else { own.clone() }
        };
        let (olds, news) = (all(olds, base), all(news, new));
        if let ([], [first, ..]) = (&olds[..], &news[..])
            && !news.iter().any(|server| address(&server.url).is_empty())
        {
            let text = format!(" is called at `{}` now, and had no server of its own", first.url.value);
            let lost = Lost { text: String::new(), here: At::Now(first.url.span), other: None };
            self.report.add_to_operation(both.at, lost.said((String::new(), text)));
        }
        for lost in lost(&olds, &news) {
            let message = (format!("{} for ", lost.text), String::new());
            self.report.add_to_operation(both.at, lost.said(message));
        }
    }
}

impl Lost {
    fn said(self, message: (String, String)) -> ReportedChange {
        ReportedChange {
            rule: Rule::CompatServerRemoved,
            here: self.here,
            other: self.other,
            message,
            help: "clients may call it: keep it running, or tell them",
        }
    }
}

/// A URL without a trailing slash, which does not matter.
fn address(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

fn lost(olds: &[Server], news: &[Server]) -> Vec<Lost> {
    let mut all = Vec::new();
    for old in olds {
        let Some(now) = news.iter().find(|now| address(&now.url) == address(&old.url)) else {
            let text = format!("the server `{}` was removed", old.url.value);
            all.push(Lost { text, here: At::Then(old.url.span), other: None });
            continue;
        };
        for before in &old.variables {
            let name = &before.name.value;
            let Some(after) = now.variables.iter().find(|after| after.name.value == *name) else { continue };
            let mut say = |how: String| {
                let text = format!("the variable `{name}` of the server `{}` {how}", old.url.value);
                all.push(Lost { text, here: At::Now(after.name.span), other: Some(At::Then(before.name.span)) });
            };
            if let (Some(then), Some(now)) = (&before.default, &after.default)
                && then != now
            {
                say(format!("defaults to `{now}` now, not to `{then}`"));
            }
            let (Some(then), Some(now)) = (&before.values, &after.values) else { continue };
            let gone: Vec<&str> = then.iter().filter(|value| !now.contains(value)).map(String::as_str).collect();
            if !gone.is_empty() {
                say(format!("no longer has `{}`", gone.join("`, `")));
            }
        }
    }
    all
}
