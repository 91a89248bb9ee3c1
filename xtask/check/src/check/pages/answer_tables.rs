//! Tables that describe an operation's responses.
//!
//! A table is taken for one if a heading or label says so and two thirds of its names belong to one object of a
//! response.

use super::about::About;
use super::context;
use super::objects::{self, Object};
use super::request_tables::wrong_kind;
use super::shapes::Variants;
use crate::page::Table;
use crate::page::columns;
use crate::page::words::{self, Role};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

impl About<'_, '_> {
    /// Compares those of some tables that describe the operation's responses.
    pub(super) fn answer_tables(&self, tables: &[&Table]) -> Vec<Finding> {
        let answers = objects::of_answers(self.basis.document(), self.operation);
        tables.iter().flat_map(|table| self.answer_table(table, &answers)).collect()
    }

    fn answer_table(&self, table: &Table, answers: &[Vec<Object>]) -> Vec<Finding> {
        let Some(listing) = columns::read(self.page, table).filter(|_| self.says_answer(table)) else {
            return Vec::new();
        };
        let names: Vec<&str> = listing.entries.iter().map(|entry| entry.name.as_str()).collect();
        let all = answers.iter().flat_map(|objects| objects.iter().map(move |object| (objects, object)));
        let known = |(objects, object): &(&Vec<Object>, &Object)| {
            names.iter().filter(|name| object.named(objects, name).is_some()).count()
        };
        let best = all
            .map(|found| (known(&found), found))
            .max_by_key(|(known, (_, object))| (*known, std::cmp::Reverse(object.path.len())));
        let Some((known, (objects, object))) = best.filter(|(known, _)| *known > 1 && known * 3 >= names.len() * 2)
        else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for entry in &listing.entries {
            self.basis.count(1 + usize::from(entry.kind.is_some()));
            let parts = columns::parts(&entry.name);
            let field = object.named(objects, &entry.name);
            let is_below = objects.iter().any(|other| other.field(objects, &parts).is_some());
            match field {
                Some(field) => {
                    let variants = Variants::of(self.basis.document(), &field.schemas);
                    let kind = variants.common_kind();
                    let kind = kind.filter(|_| !objects::is_map(self.basis.document(), field, entry));
                    let finding = kind.and_then(|kind| {
                        wrong_kind(
                            Rule::PageFieldType,
                            self.page,
                            entry.kind?,
                            kind,
                            &field.name,
                            self.basis.is_complete(),
                        )
                    });
                    findings.extend(
                        finding
                            .map(|finding| finding.with(self.basis.place(field.name.span, "the contract says this"))),
                    );
                }
                None if parts.len() == 1 && known == names.len() - 1 && !is_below && !object.is_open => {
                    let message = format!("the response has no field `{}`", entry.name.value);
                    let here = self.page.place(&entry.name.range, "the page says this");
                    let finding = Finding::at(Rule::PageFieldExtra, here, message);
                    let beside = object
                        .fields
                        .values()
                        .next()
                        .map(|field| self.basis.place(field.name.span, "it has fields such as this one"));
                    let finding = match beside {
                        Some(place) => finding.with(place),
                        None => finding,
                    };
                    findings.push(finding.help("remove the row, or add the field to the contract"));
                }
                None => {}
            }
        }
        findings
    }

    /// Whether a table is below a word for responses, or has one in its head.
    fn says_answer(&self, table: &Table) -> bool {
        let around = context::headings_around(self.page, table.range.start);
        let mut labels = around.into_iter().filter(|heading| context::is_label(self.page, heading));
        let head = table.head.first().map(|cell| cell.text.as_str()).unwrap_or_default();
        let before = context::paragraph_before(self.page, table.range.start).map(|paragraph| paragraph.text.as_str());
        // A list of error codes for each field is not a description of the field.
        let lists_codes = table.head.iter().any(|cell| {
            let head = cell.text.to_lowercase();
            head.contains("code") || words::role(&head) == Some(Role::Error)
        });
        let tab = self.page.tabs.iter().rev().find(|tab| tab.range.contains(&table.range.start));
        let is_of_error = tab.is_some_and(|tab| context::status(&tab.label).is_some_and(|status| status >= 400));
        if lists_codes || is_of_error {
            return false;
        }
        let is_answer = |text: &str| words::role(text) == Some(Role::Response);
        is_answer(head) || before.is_some_and(is_answer) || labels.any(|heading| is_answer(&heading.text))
    }
}
