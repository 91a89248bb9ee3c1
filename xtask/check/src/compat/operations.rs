//! Matches operations of both documents, and compares their properties apart from inputs and responses.

use std::collections::HashMap;
use std::sync::Arc;

use apidrift_core::contract::RateLimit;
use apidrift_core::rules::Rule;
use openapi_model::document::{Operation, Part};
use openapi_model::paths;
use openapi_model::span::Spanned;

use super::compare::{Both, Compare};
use super::report::{At, ReportedChange};
use super::side::{Known, Side, known};

impl<'a> Compare<'a> {
    pub(super) fn operations(&mut self) {
        let (base, new) = (self.base, self.new);
        let call = |operation: &Operation| paths::call(&operation.method.value, &operation.path.value);
        let after: HashMap<String, (&Arc<Operation>, Known)> =
            known(new).map(|(operation, known)| (call(operation), (operation, known))).collect();
        let mut before = HashMap::new();
        for (old, old_known) in known(base) {
            let call = call(old);
            match after.get(&call) {
                Some((new, new_known)) => {
                    let both = self.both(old, new, false);
                    self.operation(&both, &old_known, new_known);
                }
                None => self.removed(
                    old,
                    "was removed",
                    "clients that call it get 404 or 405: keep it until no client calls it",
                ),
            }
            before.insert(call, ());
        }
        for operation in &new.document.operations {
            if !before.contains_key(&call(operation)) {
                self.added(operation, "was added");
            }
        }
        self.sent_operations(&base.document.webhooks, &new.document.webhooks, "webhook");
    }

    fn both<'o>(&mut self, old: &'o Operation, new: &'o Operation, is_reversed: bool) -> Both<'o> {
        Both { old, new, at: self.report.operation(new), is_reversed }
    }

    /// Compares operations that the API calls: those of webhooks or callbacks.
    fn sent_operations<O: AsRef<Operation>>(&mut self, olds: &[O], news: &[O], what: &str) {
        let same = |one: &Operation, other: &Operation| {
            one.method.value == other.method.value && one.path.value == other.path.value
        };
        // A callback is identified by its expression: its name is only for people.
        let renamed = |one: &Operation, others: &[O]| -> Option<usize> {
            let expression = |operation: &Operation| {
                operation.path.value.split_once(' ').map(|(_, rest)| (operation.method.value.clone(), rest.to_owned()))
            };
            let wanted = expression(one)?;
            let mut some =
                others.iter().enumerate().filter(|(_, other)| expression(other.as_ref()).as_ref() == Some(&wanted));
            let found = some.next().map(|(at, _)| at);
            found.filter(|_| some.next().is_none())
        };
        let counterpart = |one: &Operation, own: &[O], others: &[O]| -> Option<usize> {
            let exact = others.iter().position(|other| same(one, other.as_ref()));
            exact.or_else(|| {
                let other = renamed(one, others)?;
                let is_its_own = own.iter().any(|known| same(known.as_ref(), others[other].as_ref()));
                (!is_its_own && renamed(one, own).is_some()).then_some(other)
            })
        };
        for old in olds.iter().map(AsRef::as_ref) {
            match counterpart(old, olds, news).map(|at| news[at].as_ref()) {
                Some(new) => {
                    let both = self.both(old, new, true);
                    self.unread_parts(&both);
                    self.parts(&both, &Known::default(), &Known::default());
                }
                None => self.removed(
                    old,
                    &format!("is no longer sent as a {what}"),
                    "receivers no longer get it: keep sending it",
                ),
            }
        }
        for new in news.iter().map(AsRef::as_ref) {
            if counterpart(new, news, olds).is_none() {
                self.added(new, &format!("is sent as a {what} now"));
            }
        }
    }

    fn removed(&mut self, old: &Operation, how: &str, help: &'static str) {
        let span = old.id.as_ref().map_or(old.method.span, |id| id.span);
        self.report.add_to_document(ReportedChange {
            rule: Rule::CompatOperationRemoved,
            here: At::Then(span),
            other: None,
            message: (format!("{} {} {how}", old.method.value, old.path.value), String::new()),
            help,
        });
    }

    fn added(&mut self, new: &Operation, how: &str) {
        let span = new.id.as_ref().map_or(new.method.span, |id| id.span);
        self.report.add_to_document(ReportedChange {
            rule: Rule::CompatOperationAdded,
            here: At::Now(span),
            other: None,
            message: (format!("{} {} {how}", new.method.value, new.path.value), String::new()),
            help: "no client depends on it yet",
        });
    }

    fn operation(&mut self, both: &Both<'_>, old_known: &Known, new_known: &Known) {
        self.unread_parts(both);
        if self.ids_matter {
            self.id(both);
        }
        self.parts(both, old_known, new_known);
        self.permission(both, old_known, new_known);
        self.rate_limit(both, old_known, new_known);
        self.servers_of(both);
        if !both.is_unread(Part::Security) {
            self.security(both);
        }
        let (old, new) = (both.old, both.new);
        let olds: Vec<Boxed<'_>> = old.callbacks.iter().map(Boxed).collect();
        let news: Vec<Boxed<'_>> = new.callbacks.iter().map(Boxed).collect();
        self.sent_operations(&olds, &news, "callback");
    }

    fn parts(&mut self, both: &Both<'_>, old_known: &Known, new_known: &Known) {
        self.parameters(both);
        if !both.is_unread(Part::Body) {
            self.body(both);
        }
        self.answers(both, old_known, new_known);
        if !both.is_unread(Part::Responses) {
            self.errors(both, old_known, new_known);
        }
    }

    /// Reports the parts of an operation that could not be read.
    fn unread_parts(&mut self, both: &Both<'_>) {
        for unread in &both.old.unread {
            self.report.not_compared(both.at, unread.reason.clone(), At::Then(unread.span));
        }
        for unread in &both.new.unread {
            self.report.not_compared(both.at, unread.reason.clone(), At::Now(unread.span));
        }
    }

    fn id(&mut self, both: &Both<'_>) {
        let (Some(before), Some(now)) = (&both.old.id, &both.new.id) else { return };
        if before.value != now.value {
            self.report.add_to_operation(
                both.at,
                ReportedChange {
                    rule: Rule::CompatOperationRenamed,
                    here: At::Now(now.span),
                    other: Some(At::Then(before.span)),
                    message: (format!("`{}` was renamed to ", before.value), String::new()),
                    help: "generated clients name a method after it: code that calls the old name no longer compiles",
                },
            );
        }
    }

    fn permission(&mut self, both: &Both<'_>, old: &Known, new: &Known) {
        let (before, now) = match (&old.permission, &new.permission) {
            (Some(before), Some(now)) if before.value != now.value => (Some(before), now),
            (None, Some(now)) if old_has_any(self.base, |known| known.permission.is_some()) => (None, now),
            _ => return,
        };
        let was = before.map_or("none".to_owned(), |before| format!("`{}`", before.value));
        self.report.add_to_operation(
            both.at,
            ReportedChange {
                rule: Rule::CompatPermission,
                here: At::Now(now.span),
                other: before.map(|before| At::Then(before.span)),
                message: (format!("`{}` is required by ", now.value), format!(" now, not {was}")),
                help: "keys that have only the old permission are refused with 403: accept both for a while",
            },
        );
    }

    fn rate_limit(&mut self, both: &Both<'_>, old: &Known, new: &Known) {
        let (Some(before), Some(now)) = (&old.rate_limit, &new.rate_limit) else { return };
        // The rates, compared without fractions, and the permitted bursts.
        let rate = |one: &Spanned<RateLimit>, other: &Spanned<RateLimit>| {
            u128::from(one.requests) * u128::from(other.window_seconds)
        };
        let (slower, fewer) = (rate(now, before) < rate(before, now), now.requests < before.requests);
        if before.value == now.value {
            return;
        }
        let (rule, help) = if slower || fewer {
            (Rule::CompatRateLimitStricter, "clients that stayed within the old limit get 429")
        } else {
            (Rule::CompatRateLimitLooser, "requests that were allowed are still allowed")
        };
        let text = format!(
            " is {} requests in {} s now, and was {} in {} s",
            now.requests, now.window_seconds, before.requests, before.window_seconds
        );
        let (here, other) = (At::Now(now.span), Some(At::Then(before.span)));
        self.report.add_to_operation(
            both.at,
            ReportedChange { rule, here, other, message: ("the rate limit of ".to_owned(), text), help },
        );
    }
}

impl Both<'_> {
    /// Whether a part could not be read in one of the documents: then nothing can be reported as missing from it.
    pub(super) fn is_unread(&self, part: Part) -> bool {
        let reasons = |operation: &Operation| {
            let unread = operation.unread.iter().filter(|unread| unread.part == part);
            let mut reasons: Vec<String> = unread.map(|unread| unread.reason.clone()).collect();
            reasons.sort_unstable();
            reasons
        };
        reasons(self.old) != reasons(self.new)
    }
}

fn old_has_any(side: &Side<'_>, has: impl Fn(&Known) -> bool) -> bool {
    side.known.iter().any(has)
}

/// An operation of a callback, in the form in which webhooks are passed.
struct Boxed<'a>(&'a Operation);

impl AsRef<Operation> for Boxed<'_> {
    fn as_ref(&self) -> &Operation {
        self.0
    }
}
