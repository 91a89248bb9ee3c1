//! Whether clients that could read the answers still can.

use std::collections::BTreeSet;
use std::ops::Range;

use super::schema::{self, Change, Direction, What};
use super::{Compare, Side};
use apidrift_core::contract::{DocumentedError, ERROR, Header, Operation};
use apidrift_core::rules::Rule;

impl Compare<'_> {
    pub(super) fn success(&mut self, old: &Operation, new: &Operation) {
        let (before, now) = (&old.success, &new.success);
        if *before.status != *now.status {
            self.report(
                Rule::CompatSuccessStatus,
                Side::Now(&now.status.range),
                Some(Side::Then(&before.status.range)),
                format!(
                    "the success of `{}` has the status {} now, not {}",
                    new.id.value, now.status.value, before.status.value
                ),
                "clients take another status than the one they know for something undocumented",
            );
        }
        let (base, contract) = (self.base, self.contract);
        match (&before.schema, &now.schema) {
            (Some(before), Some(now)) => {
                let mut changes = Vec::new();
                if let (Some(before), Some(now)) = (base.schema(before), contract.schema(now)) {
                    schema::compare(base, &before.node, contract, &now.node, Direction::Answer, &mut changes);
                }
                let what = format!("in the answer of `{}`", new.id.value);
                changes.into_iter().for_each(|change| self.answer_change(&what, change));
            }
            (Some(before), None) => self.report(
                Rule::CompatFieldRemoved,
                Side::Now(&now.status.range),
                Some(Side::Then(&before.range)),
                format!("the success of `{}` no longer has a body", new.id.value),
                "clients read it: keep sending it",
            ),
            (None, Some(now)) => self.report(
                Rule::CompatFieldAdded,
                Side::Now(&now.range),
                Some(Side::Then(&before.status.range)),
                format!("the success of `{}` has a body now", new.id.value),
                "clients that expect none do not read it",
            ),
            (None, None) => {}
        }
        let what = format!("the success of `{}`", new.id.value);
        self.headers(&what, &before.headers, &now.headers, &now.status.range);
    }

    /// The body that every error has.
    pub(super) fn error_body(&mut self) {
        let (base, contract) = (self.base, self.contract);
        let (Some(before), Some(now)) = (base.schema(ERROR), contract.schema(ERROR)) else { return };
        let mut changes = Vec::new();
        schema::compare(base, &before.node, contract, &now.node, Direction::Answer, &mut changes);
        changes.into_iter().for_each(|change| self.answer_change("in the body of errors", change));
    }

    fn answer_change(&mut self, what: &str, change: Change) {
        let (rule, help) = match change.what {
            What::FieldRemoved => (Rule::CompatFieldRemoved, "clients read it: keep sending it"),
            What::FieldAdded => (Rule::CompatFieldAdded, "clients accept fields that they do not know"),
            What::MayBeAbsent => (Rule::CompatFieldOptional, "clients rely on it: keep sending it, and not as null"),
            What::IsThere => (Rule::CompatFieldThere, "clients that could do without it can do with it"),
            What::ValueAdded => {
                (Rule::CompatValueAdded, "clients know the old values only: some cannot read an answer with another")
            }
            What::ValueRemoved => (Rule::CompatValueRemoved, "clients that know it do not meet it any more"),
            What::Kind => (Rule::CompatFieldType, "clients read it as what it was: add a new field instead"),
            What::Bounds if change.breaks => {
                (Rule::CompatFieldType, "clients rely on the old bounds: keep within them")
            }
            What::Bounds => (Rule::CompatFieldThere, "clients that could read more can read less"),
        };
        if !self.said.insert((rule, change.then.start, change.now.start)) {
            return;
        }
        let message = format!("{what} {}", change.message);
        let (now, then) = (Side::Now(&change.now), Side::Then(&change.then));
        if matches!(change.what, What::FieldRemoved | What::ValueRemoved) {
            self.report(rule, then, Some(now), message, help);
        } else {
            self.report(rule, now, Some(then), message, help);
        }
    }

    /// The headers of an answer; `now` is where it stands.
    fn headers(&mut self, what: &str, old: &[Header], new: &[Header], now_at: &Range<usize>) {
        let (base, contract) = (self.base, self.contract);
        for before in old {
            let name = &before.name.value;
            let place = before.name.range.start;
            let Some(now) = new.iter().find(|header| header.name.eq_ignore_ascii_case(name)) else {
                if !self.said.insert((Rule::CompatHeaderRemoved, place, 0)) {
                    continue;
                }
                self.report(
                    Rule::CompatHeaderRemoved,
                    Side::Then(&before.name.range),
                    Some(Side::Now(now_at)),
                    format!("{what} no longer has the header `{name}`"),
                    "clients may read it: keep sending it",
                );
                continue;
            };
            let is_news = self.said.insert((Rule::CompatHeaderOptional, place, now.name.range.start));
            if before.required && !now.required && is_news {
                self.report(
                    Rule::CompatHeaderOptional,
                    Side::Now(&now.name.range),
                    Some(Side::Then(&before.name.range)),
                    format!("the header `{name}` of {what} may be absent now"),
                    "clients may rely on it: look whether they do",
                );
            }
            let mut changes = Vec::new();
            schema::compare(base, &before.schema, contract, &now.schema, Direction::Answer, &mut changes);
            let what = format!("in the header `{name}` of {what}");
            changes.into_iter().for_each(|change| self.answer_change(&what, change));
        }
        for now in new {
            let is_new = !old.iter().any(|header| header.name.eq_ignore_ascii_case(&now.name));
            if is_new && self.said.insert((Rule::CompatHeaderAdded, 0, now.name.range.start)) {
                self.report(
                    Rule::CompatHeaderAdded,
                    Side::Now(&now.name.range),
                    None,
                    format!("{what} has a new header `{}`", now.name.value),
                    "clients that do not know it ignore it",
                );
            }
        }
    }

    pub(super) fn errors(&mut self, old: &Operation, new: &Operation) {
        let id = &new.id.value;
        let same_name = |one: &DocumentedError, other: &DocumentedError| *one.name == *other.name;
        let same_answer = |one: &DocumentedError, other: &DocumentedError| {
            *one.status == *other.status && *one.message == *other.message
        };
        let mut statuses = BTreeSet::new();
        for before in &old.errors {
            if let Some(now) = new.errors.iter().find(|now| same_answer(before, now)) {
                // The errors of one status have the same headers.
                if statuses.insert(*now.status) {
                    let what = format!("the {} of `{id}`", now.status.value);
                    self.headers(&what, &before.headers, &now.headers, &now.status.range);
                }
                continue;
            }
            let (was, status) = (&before.message.value, before.status.value);
            match new.errors.iter().find(|now| same_name(before, now)) {
                Some(now) if *now.status != *before.status => self.report(
                    Rule::CompatErrorStatus,
                    Side::Now(&now.status.range),
                    Some(Side::Then(&before.status.range)),
                    format!(
                        "the error `{}` of `{id}` has the status {} now, not {status}",
                        now.name.value, now.status.value
                    ),
                    "clients decide by the status: whether to try again, and whom to tell",
                ),
                Some(now) => self.report(
                    Rule::CompatErrorMessage,
                    Side::Now(&now.message.range),
                    Some(Side::Then(&before.message.range)),
                    format!(
                        "the error `{}` of `{id}` has the message `{}` now, not `{was}`",
                        now.name.value, now.message.value
                    ),
                    "clients tell errors of one status apart by the message",
                ),
                None => self.report(
                    Rule::CompatErrorRemoved,
                    Side::Then(&before.message.range),
                    Some(Side::Now(&new.id.range)),
                    format!("`{id}` no longer documents `{status} {was}`"),
                    "make sure that it is never answered any more: clients have no name for it now",
                ),
            }
        }
        for now in &new.errors {
            let known = old.errors.iter().any(|before| same_answer(before, now) || same_name(before, now));
            if !known {
                let message = format!("`{id}` documents a new error: `{} {}`", now.status.value, now.message.value);
                let help = "clients that know the old errors only take it for an undocumented answer";
                self.report(
                    Rule::CompatErrorAdded,
                    Side::Now(&now.message.range),
                    Some(Side::Then(&old.id.range)),
                    message,
                    help,
                );
            }
        }
    }
}
