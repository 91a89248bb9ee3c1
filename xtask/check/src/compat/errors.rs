//! Compares errors, if an identity distinguishes those with the same status.

use std::collections::BTreeSet;

use apidrift_core::rules::Rule;

use super::compare::{Both, Compare};
use super::parameters::place_of;
use super::report::{At, ReportedChange};
use super::side::{Known, KnownError};

impl Compare<'_> {
    pub(super) fn errors(&mut self, both: &Both<'_>, old: &Known, new: &Known) {
        let is_same = |one: &KnownError, other: &KnownError| {
            one.status == other.status && one.identity.value == other.identity.value
        };
        let only = |some: &[KnownError], others: &[KnownError]| -> Vec<KnownError> {
            some.iter().filter(|error| !others.iter().any(|other| is_same(error, other))).cloned().collect()
        };
        let (mut gone, mut come) = (only(&old.errors, &new.errors), only(&new.errors, &old.errors));
        self.moved_errors(both, &mut gone, &mut come);
        self.renamed_errors(both, &mut gone, &mut come);
        for before in gone {
            let message =
                (format!("`{} {}` is no longer documented for ", before.status, before.identity.value), String::new());
            let (here, other) = (At::Then(before.identity.span), Some(At::Now(place_of(both.new))));
            let help = "make sure that the server no longer sends it: clients have no code for it now";
            self.report.add_to_operation(
                both.at,
                ReportedChange { rule: Rule::CompatErrorRemoved, here, other, message, help },
            );
        }
        for now in come {
            let text = format!("a new error, `{} {}`, is documented for ", now.status, now.identity.value);
            let message = (text, String::new());
            let (here, other) = (At::Now(now.identity.span), Some(At::Then(place_of(both.old))));
            let help = "clients that know only the old errors treat it as undocumented";
            self.report
                .add_to_operation(both.at, ReportedChange { rule: Rule::CompatErrorAdded, here, other, message, help });
        }
    }

    /// Errors that differ only in their status.
    fn moved_errors(&mut self, both: &Both<'_>, gone: &mut Vec<KnownError>, come: &mut Vec<KnownError>) {
        gone.retain(|before| {
            let Some(at) = come.iter().position(|now| now.identity.value == before.identity.value) else {
                return true;
            };
            let now = come.remove(at);
            let status = |operation: &openapi_model::document::Operation, error: &KnownError| {
                let code = openapi_model::document::Status::Code(error.status);
                let response = operation.responses.iter().find(|response| response.status.value == code);
                response.map_or(error.identity.span, |response| response.status.span)
            };
            let message = (
                format!("the error `{}` of ", now.identity.value),
                format!(" has the status {} now, not {}", now.status, before.status),
            );
            let (here, other) = (At::Now(status(both.new, &now)), Some(At::Then(status(both.old, before))));
            let help = "clients branch on the status, for example to decide whether to retry";
            self.report.add_to_operation(
                both.at,
                ReportedChange { rule: Rule::CompatErrorStatus, here, other, message, help },
            );
            false
        });
    }

    /// The only removed and the only added error of a status.
    fn renamed_errors(&mut self, both: &Both<'_>, gone: &mut Vec<KnownError>, come: &mut Vec<KnownError>) {
        let statuses: BTreeSet<u16> = gone.iter().map(|error| error.status).collect();
        for status in statuses {
            let of_status = |some: &[KnownError]| -> Vec<usize> {
                (0..some.len()).filter(|at| some[*at].status == status).collect()
            };
            let (olds, news) = (of_status(gone), of_status(come));
            let pairs = match (&olds[..], &news[..]) {
                ([old], [new]) => vec![(*old, *new)],
                _ => named_alike(gone, come, &olds, &news),
            };
            // From the end, so that earlier indexes stay valid.
            for (old, new) in pairs.into_iter().rev() {
                let before = gone.remove(old);
                let now = come[new].clone();
                come[new].status = 0;
                let message = (
                    format!("the error {status} of "),
                    format!(" is `{}` now, not `{}`", now.identity.value, before.identity.value),
                );
                let (here, other) = (At::Now(now.identity.span), Some(At::Then(before.identity.span)));
                let help = "clients use the message to distinguish errors with the same status";
                self.report.add_to_operation(
                    both.at,
                    ReportedChange { rule: Rule::CompatErrorMessage, here, other, message, help },
                );
            }
            come.retain(|error| error.status != 0);
        }
    }
}

/// Errors of one status with unchanged names.
fn named_alike(gone: &[KnownError], come: &[KnownError], olds: &[usize], news: &[usize]) -> Vec<(usize, usize)> {
    let is_same = |old: usize, new: usize| gone[old].name.is_some() && gone[old].name == come[new].name;
    olds.iter().filter_map(|old| Some((*old, *news.iter().find(|new| is_same(*old, **new))?))).collect()
}
