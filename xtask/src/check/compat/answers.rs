//! Whether clients that could read the answers still can.

use super::schema::{self, Change, Direction, What};
use super::{Compare, Side};
use crate::contract::{DocumentedError, Operation};
use crate::rules::Rule;

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
                changes.into_iter().for_each(|change| self.answer_change(new, change));
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
        self.headers(old, new);
    }

    fn answer_change(&mut self, operation: &Operation, change: Change) {
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
        let message = format!("in the answer of `{}` {}", operation.id.value, change.message);
        let (now, then) = (Side::Now(&change.now), Side::Then(&change.then));
        if matches!(change.what, What::FieldRemoved | What::ValueRemoved) {
            self.report(rule, then, Some(now), message, help);
        } else {
            self.report(rule, now, Some(then), message, help);
        }
    }

    fn headers(&mut self, old: &Operation, new: &Operation) {
        for before in &old.success.headers {
            let now = new.success.headers.iter().find(|header| header.name.eq_ignore_ascii_case(&before.name));
            match now {
                None => self.report(
                    Rule::CompatHeaderRemoved,
                    Side::Then(&before.name.range),
                    Some(Side::Now(&new.success.status.range)),
                    format!("the success of `{}` no longer has the header `{}`", new.id.value, before.name.value),
                    "clients may read it: keep sending it",
                ),
                Some(now) if before.required && !now.required => self.report(
                    Rule::CompatHeaderOptional,
                    Side::Now(&now.name.range),
                    Some(Side::Then(&before.name.range)),
                    format!("the header `{}` of `{}` may be absent now", now.name.value, new.id.value),
                    "clients may rely on it: look whether they do",
                ),
                Some(_) => {}
            }
        }
        for now in &new.success.headers {
            if !old.success.headers.iter().any(|header| header.name.eq_ignore_ascii_case(&now.name)) {
                let message = format!("the success of `{}` has a new header `{}`", new.id.value, now.name.value);
                self.report(
                    Rule::CompatHeaderAdded,
                    Side::Now(&now.name.range),
                    None,
                    message,
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
        for before in &old.errors {
            if new.errors.iter().any(|now| same_answer(before, now)) {
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
