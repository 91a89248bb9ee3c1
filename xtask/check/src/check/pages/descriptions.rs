//! Claims in the contract's own texts: many contracts state permissions, rate limits and the names of errors only in
//! the descriptions of operations. Pages are compared with those.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use openapi_model::source::Source;
use openapi_model::span::Span;
use regex::Regex;

use super::about::About;
use crate::page::words::{self, Role};
use crate::page::{Language, Page, Written, pattern};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

static PERMISSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:permissions?|permisos?|berechtigung|autorisations?|permiss(?:ão|ões))\b|権限|권한|权限")
});
/// The name of a permission: `area.action`, `area:action`.
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z][\w-]*(?:[.:][\w-]+)+$"));
/// The name of an error: words in lower case with hyphens or underscores between them.
static SLUG: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z0-9]+(?:[-_][a-z0-9]+)+$"));

impl About<'_, '_> {
    /// Compares claims of the page with those in the description of its operation.
    pub(super) fn description(&self) -> Vec<Finding> {
        let Some(text) = self.operation.spec.description.as_ref().filter(|text| text.value.contains('`')) else {
            return Vec::new();
        };
        let profile = &self.basis.contract.profile;
        let said = Page::read(&Source::new("description", text.value.as_str()), Language::of(&text.value));
        let mut findings = Vec::new();
        if profile.permission.is_none() {
            findings.extend(self.described_permission(&said, text.span));
        }
        if profile.rate_limit.is_none() {
            findings.extend(self.described_limit(&said, text.span));
        }
        findings.extend(self.described_errors(&said, text.span));
        findings
    }

    fn described_permission(&self, said: &Page, there: Span) -> Option<Finding> {
        let (right, written) = (permission(said)?, permission(self.page)?);
        if right.value == written.value {
            return None;
        }
        let message =
            format!("the page names the permission `{}`, but the operation requires `{}`", written.value, right.value);
        let finding = Finding::at(Rule::PagePermission, self.page.place(&written.range, "the page says this"), message);
        let finding = finding.with(self.basis.place(there, "the contract says so here"));
        Some(finding.help(format!("write `{}`, or correct the description", right.value)))
    }

    /// Compares rate limits if both give exactly one number, without conditions.
    fn described_limit(&self, said: &Page, there: Span) -> Option<Finding> {
        let ([right], [written]) = (said.limits.as_slice(), self.page.limits.as_slice()) else { return None };
        let same = u128::from(right.number.value) * u128::from(written.seconds)
            == u128::from(written.number.value) * u128::from(right.seconds);
        if same || !right.is_of_requests || !written.is_of_requests || !self.page.includes.is_empty() {
            return None;
        }
        let message = format!(
            "the page says {} requests in {} seconds; the contract says {} in {}",
            written.number.value, written.seconds, right.number.value, right.seconds
        );
        let here = self.page.place(&written.number.range, "the page says this");
        let finding = Finding::at(Rule::PageRateLimit, here, message);
        Some(finding.with(self.basis.place(there, "the contract says so here")).help("give the same limit in both"))
    }

    /// Compares error names if both list them.
    fn described_errors(&self, said: &Page, there: Span) -> Vec<Finding> {
        let (right, written) = (errors(said), errors(self.page));
        if right.is_empty() || written.is_empty() {
            return Vec::new();
        }
        let there = || self.basis.place(there, "the contract lists its errors here");
        // With a hyphen instead of an underscore it is the same error.
        let plain = |name: &str| name.replace('_', "-");
        let mut findings = Vec::new();
        for (name, error) in written.iter().filter(|(name, _)| !right.contains_key(*name)) {
            let here = self.page.place(&error.range, "the page says this");
            let meant = right.keys().find(|other| plain(other) == plain(name) && !written.contains_key(*other));
            findings.push(match meant {
                Some(meant) => {
                    let message = format!("the page calls this error `{name}`, the contract calls it `{meant}`");
                    let finding = Finding::at(Rule::PageErrorMessage, here, message).with(there());
                    finding.help("use the same name in both")
                }
                None => {
                    let message = format!("the contract does not list the error `{name}` here");
                    let finding = Finding::at(Rule::PageErrorExtra, here, message).with(there());
                    finding.help("remove the row, or list the error in the contract")
                }
            });
        }
        let Some(last) = written.values().max_by_key(|error| error.range.start) else { return findings };
        let is_written = |name: &str| written.keys().any(|other| plain(other) == plain(name));
        let missing: Vec<String> =
            right.keys().filter(|name| !is_written(name)).map(|name| format!("`{name}`")).collect();
        if !missing.is_empty() {
            let here = self.page.place(&last.range, "the last error of the page");
            let message = format!("the page does not list the error {}", missing.join(", "));
            let finding = Finding::at(Rule::PageErrorMissing, here, message).with(there());
            findings.push(finding.help("add a row for it"));
        }
        // The same difference in many names is reported once.
        let is_spelling = |finding: &Finding| finding.rule == Rule::PageErrorMessage;
        let spelt = findings.iter().filter(|finding| is_spelling(finding)).count();
        if spelt > 2
            && let Some(first) = findings.iter().position(is_spelling)
        {
            findings[first] = findings[first].clone().note(format!("{} other names differ in the same way", spelt - 1));
            let mut at = 0;
            findings.retain(|finding| {
                at += 1;
                !is_spelling(finding) || at - 1 == first
            });
        }
        findings
    }
}

/// The one permission that a page names: directly before or after the word for it.
fn permission(page: &Page) -> Option<Written<String>> {
    let is_permission = |text: &str, code: &str| {
        let Some((before, after)) = text.split_once(code) else { return false };
        let follows = PERMISSION.find(after.trim_start()).is_some_and(|found| found.start() == 0);
        let before = before.trim_end_matches([' ', ':', '：', '「', '“', '"']);
        follows || PERMISSION.find_iter(before).last().is_some_and(|found| found.end() == before.len())
    };
    let mut named: Vec<&Written<String>> = Vec::new();
    for paragraph in page.paragraphs.iter().filter(|paragraph| PERMISSION.is_match(&paragraph.text)) {
        let names: Vec<&Written<String>> = paragraph.codes.iter().filter(|code| NAME.is_match(code)).collect();
        if names.iter().any(|code| is_permission(&paragraph.text, code)) {
            named.extend(names);
        }
    }
    let first = named.first()?;
    named.iter().all(|other| other.value == first.value).then(|| (*first).clone())
}

/// The names of errors in the first column of tables of errors.
fn errors(page: &Page) -> BTreeMap<&str, &Written<String>> {
    let tables = page.tables.iter().filter(|table| {
        let head = table.head.first().map(|cell| cell.text.as_str()).unwrap_or_default();
        words::role(head) == Some(Role::Error)
    });
    let cells = tables.flat_map(|table| table.rows.iter().filter_map(|row| row.cells.first()));
    let names = cells.filter_map(|cell| cell.codes.first()).filter(|code| SLUG.is_match(code));
    names.map(|code| (code.value.as_str(), code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::read(&Source::new("page.md", text), Language::English)
    }

    #[test]
    fn the_one_permission_that_a_page_names_is_found() {
        let read = |text: &str| permission(&page(text)).map(|name| name.value);
        assert_eq!(read("You need a key with the `things.read` permission."), Some("things.read".to_owned()));
        assert_eq!(read("Berechtigung: `things:read`"), Some("things:read".to_owned()));
        assert_eq!(read("The permissions `a.b` and `c.d`."), None);
        assert_eq!(read("See `openapi.yaml`."), None);
    }

    #[test]
    fn errors_are_named_in_tables_of_errors() {
        let page = page(
            "| Error | What to do |\n|---|---|\n| `thing-not-found` | x |\n| `Other` | x |\n\n| Name |\n|---|\n| `a-b` |\n",
        );
        assert_eq!(errors(&page).keys().copied().collect::<Vec<_>>(), ["thing-not-found"]);
    }
}
