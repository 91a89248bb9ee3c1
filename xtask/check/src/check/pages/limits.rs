//! The permission and the rate limit on a page.

use super::about::About;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;
use openapi_model::span::Span;

/// Endings of file names, which otherwise look like permissions.
const FILES: [&str; 7] = [".yaml", ".yml", ".json", ".toml", ".md", ".rs", ".py"];

impl About<'_, '_> {
    /// The page must name the required permission, and no other. There may be several scopes, all of which are
    /// required.
    pub(super) fn permission(&self) -> Vec<Finding> {
        let Some(required) = &self.operation.permission else {
            return Vec::new();
        };
        let all: Vec<&str> = required.split_whitespace().collect();
        all.iter().flat_map(|one| self.one_permission(one, &all, required.span)).collect()
    }

    fn one_permission(&self, required: &str, all: &[&str], span: Span) -> Vec<Finding> {
        let there = || self.basis.place(span, "the contract requires this");
        let help = format!("write `{required}` in a code span");
        // Texts that look like a permission: one of another operation, or in the same area.
        let area = required.split('.').next().unwrap_or_default();
        let is_name = |text: &str| {
            !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || "_.-".contains(letter))
        };
        let is_alike = |span: &str| {
            let is_file = FILES.iter().any(|ending| span.ends_with(ending));
            let same_area =
                span.split_once('.').is_some_and(|(other, rest)| other == area && is_name(rest)) && !is_file;
            let typo = span.contains('.') && is_name(span) && strsim::normalized_levenshtein(span, required) > 0.8;
            same_area || typo
        };
        let mut spans = self.page.spans.iter().chain(&self.page.cell_spans);
        let named = spans.any(|span| span.value == required);
        // A table may also list permissions of other operations.
        let known = |span: &str| {
            let mut permissions = self.basis.operations().filter_map(|operation| operation.permission.as_ref());
            permissions.any(|permission| permission.split_whitespace().any(|known| known == span))
        };
        let in_cells = self.page.cell_spans.iter().filter(|span| is_alike(span) && !known(span));
        let others: Vec<_> = self.page.spans.iter().filter(|span| is_alike(span)).chain(in_cells).collect();
        let others: Vec<_> = others.into_iter().filter(|span| !all.contains(&span.as_str())).collect();
        if !named && others.is_empty() {
            // Pages may omit the obvious.
            if !self.basis.is_complete() {
                return Vec::new();
            }
            let message = format!("the page does not name the permission `{required}`");
            let finding = Finding::at(Rule::PagePermission, self.page.top("this page"), message);
            return vec![finding.with(there()).help(help)];
        }
        let wrong = others.into_iter().map(|span| {
            let message =
                format!("the page names the permission `{}`, but the operation requires `{required}`", span.value);
            let finding =
                Finding::at(Rule::PagePermission, self.page.place(&span.range, "the page says this"), message);
            let finding = finding.with(there()).help(help.clone());
            // If the right one is named too, it is unclear what the wrong one should be.
            if named { finding } else { finding.fix_with(required) }
        });
        wrong.collect()
    }

    /// The page must give the rate limit.
    pub(super) fn rate_limit(&self) -> Vec<Finding> {
        let Some(limit) = &self.operation.rate_limit else {
            return Vec::new();
        };
        let page = self.page;
        let place = || self.basis.place(limit.span, "the contract limits it here");
        let (requests, seconds) = (limit.requests, limit.window_seconds);
        let help = format!("write that {requests} requests {} are allowed", per(seconds));
        if page.limits.is_empty() {
            let elsewhere = page.includes.iter().find(|include| include.to_lowercase().contains("rate"));
            if elsewhere.is_none() && !self.basis.is_complete() {
                return Vec::new();
            }
            let finding = match elsewhere {
                Some(include) => Finding::at(
                    Rule::PageUnknownRateLimit,
                    page.place(&include.range, "from here"),
                    "the page includes its rate limit from another file, which was not read",
                ),
                None => {
                    let message =
                        format!("the page does not say that {requests} requests {} are allowed", per(seconds));
                    Finding::at(Rule::PageRateLimit, page.top("this page"), message).help(help)
                }
            };
            return vec![finding.with(place())];
        }
        // `1,200 per hour` equals `20 per minute`.
        let same = |number: u64, stretch: u64| {
            u128::from(number) * u128::from(seconds) == u128::from(requests) * u128::from(stretch)
        };
        let wrong = page.limits.iter().filter(|found| !same(found.number.value, found.seconds));
        wrong
            .map(|found| {
                let here = page.place(&found.number.range, "the page says this");
                let message = format!(
                    "the page says {} {}, but the contract allows {requests} {}",
                    found.number.value,
                    per(found.seconds),
                    per(seconds)
                );
                let finding = Finding::at(Rule::PageRateLimit, here, message).with(place()).help(help.clone());
                if found.seconds == seconds { finding.fix_with(requests.to_string()) } else { finding }
            })
            .collect()
    }
}

fn per(seconds: u64) -> String {
    match seconds {
        1 => "per second".into(),
        60 => "per minute".into(),
        3600 => "per hour".into(),
        86400 => "per day".into(),
        other => format!("in {other} seconds"),
    }
}
