//! Tables of parameters: name, place, required, type.

use openapi_model::document::{Location, Parameter, SchemeKind};

use super::about::About;
use super::shapes::Variants;
use crate::page::words::{location, required};
use crate::page::{Cell, Kind, Language, Page, Row, Table, Written};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The cell of a row that says whether something is required.
fn required_cell(row: &Row) -> Option<(&Cell, bool)> {
    let others = row.cells.iter().filter(|cell| cell.codes.is_empty());
    others.filter_map(|cell| Some((cell, required(&cell.text)?))).next()
}

/// The cell that says what a value is: short, and not the name.
pub fn kind_cell(row: &Row, language: Language) -> Option<(&Cell, Kind)> {
    let short = row.cells.iter().filter(|cell| cell.text.split_whitespace().count() <= 6 && !cell.text.ends_with('.'));
    short.filter_map(|cell| Some((cell, language.kind(&cell.text)?))).next()
}

impl About<'_, '_> {
    /// Whether a table is one of the operation's parameters: it says whether something is required, and does not list fields or
    /// values instead.
    pub(super) fn is_parameter_table(&self, table: &Table, is_listed: &dyn Fn(&str) -> bool) -> bool {
        let says_required = table.rows.iter().any(|row| required_cell(row).is_some());
        let names = table.rows.iter().filter_map(|row| self.name(row));
        let (own, others): (Vec<&str>, Vec<&str>) =
            names.map(|name| name.value.as_str()).partition(|name| self.parameter(name).is_some());
        says_required && others.into_iter().filter(|name| is_listed(name)).count() <= own.len()
    }

    /// The parameter that a row is about: its first code span that is one, or else the first that does not name a place.
    fn name<'r>(&self, row: &'r Row) -> Option<&'r Written<String>> {
        let codes = || row.cells.iter().flat_map(|cell| &cell.codes);
        let is_place = |code: &&Written<String>| ["path", "query", "header", "cookie"].contains(&code.value.as_str());
        codes().find(|code| self.parameter(code).is_some()).or_else(|| codes().find(|code| !is_place(code)))
    }

    /// The page describes the operation's parameters as the contract does.
    pub(super) fn parameters(&self, tables: &[&Table]) -> Vec<Finding> {
        let language = self.page.language;
        let rows: Vec<(&Table, &Row)> =
            tables.iter().flat_map(|table| table.rows.iter().map(move |row| (*table, row))).collect();
        let mut findings = Vec::new();
        let mut missing: Vec<_> = self.operation.parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let mut odd = Vec::new();
        for (table, row) in rows {
            let Some(name) = self.name(row) else { continue };
            match self.parameter(name) {
                Some(parameter) => {
                    missing.retain(|other| other.value != *parameter.name);
                    findings.extend(self.one_parameter(parameter, table, row));
                }
                // Keys of the security schemes are described as parameters are.
                None if self.is_key(name) => {}
                None => odd.push(name),
            }
        }
        for name in odd {
            let message = format!("the operation has no parameter `{}`", name.value);
            let otherwise = "remove the row, or describe the parameter in the contract";
            findings.push(super::about::unknown_name(
                self.basis,
                self.page,
                Rule::PageParameterExtra,
                name,
                message,
                &mut missing,
                otherwise,
            ));
        }
        let is_missing = |parameter: &&Parameter| missing.iter().any(|name| *name.value == *parameter.name);
        let wanted = self.operation.parameters.iter().filter(|_| self.basis.is_complete());
        for parameter in wanted.filter(is_missing) {
            let last = tables.last().and_then(|table| table.rows.last());
            let here = last
                .map_or_else(|| self.page.top("this page"), |row| self.page.place(&row.range, "the last parameter"));
            let (place, name) = (parameter.location.name(), &parameter.name.value);
            let finding = Finding::at(
                Rule::PageParameterMissing,
                here,
                format!("the page does not describe the {place} parameter `{name}`"),
            );
            let finding = finding.with(self.basis.place(parameter.name.span, "the contract describes it here"));
            let word = language.required_word(*parameter.required);
            findings
                .push(finding.help(format!("add a row with `{name}` and `{word}` to a table of {place} parameters")));
        }
        findings
    }

    /// Whether a name is that of a key which one of the operation's security schemes asks for.
    pub(super) fn is_key(&self, written: &str) -> bool {
        let schemes = self.operation.security.alternatives.iter().flatten();
        let mut schemes = schemes.filter_map(|scheme| self.basis.document().security_scheme(&scheme.name));
        schemes
            .any(|scheme| matches!(&scheme.kind, SchemeKind::ApiKey { name, .. } if name.eq_ignore_ascii_case(written)))
    }

    fn one_parameter(&self, parameter: &Parameter, table: &Table, row: &Row) -> Vec<Finding> {
        let (page, language, name) = (self.page, self.page.language, &parameter.name.value);
        let there = || self.basis.place(parameter.name.span, "the contract says this");
        let mut findings = Vec::new();
        if let Some((cell, required)) = required_cell(row)
            && required != *parameter.required
        {
            let word = language.required_word(*parameter.required);
            let message =
                format!("the parameter `{name}` is {}", if *parameter.required { "required" } else { "optional" });
            let finding =
                Finding::at(Rule::PageParameterRequired, page.place(&cell.range, "the page says this"), message);
            findings.push(finding.with(there()).help(format!("write `{word}`")).fix_with(word));
        }
        let schemas = parameter.schema.map(|schema| [schema.into()]);
        let kind = schemas.and_then(|schemas| Variants::of(self.basis.document(), &schemas).kind());
        if let Some(kind) = kind {
            findings.extend(
                wrong_kind(Rule::PageParameterType, page, row, kind, name).map(|finding| finding.with(there())),
            );
        }
        if let Some(said) = location(&table.heading)
            && said != parameter.location.name()
            && matches!(parameter.location, Location::Path | Location::Query)
            && let Some(cell) = self.name(row)
        {
            let message =
                format!("the parameter `{name}` stands in the {}, not in the {said}", parameter.location.name());
            let finding = Finding::at(Rule::PageParameterLocation, page.place(&cell.range, "in this table"), message);
            findings.push(
                finding.with(there()).help("move the row into a table under a heading that names the right place"),
            );
        }
        findings
    }
}

/// A row that says that something is of another kind than it is, or of none that is known.
pub fn wrong_kind(rule: Rule, page: &Page, row: &Row, kind: Kind, name: &str) -> Option<Finding> {
    let language = page.language;
    let word = language.kind_word(kind);
    match kind_cell(row, language) {
        Some((_, said)) if said.covers(kind) => None,
        Some((cell, said)) => {
            // Only the first word is replaced: what follows it may still be right.
            let length = cell.text.find([' ', '(', ',']).unwrap_or(cell.text.len());
            let plain = page.source.text.get(cell.range.start..cell.range.start + length) == cell.text.get(..length);
            let range = if plain { cell.range.start..cell.range.start + length } else { cell.range.clone() };
            let message = format!("`{name}` is {word:?} on the page's terms, not {:?}", language.kind_word(said));
            let finding =
                Finding::at(rule, page.place(&range, "the page says this"), message).help(format!("write `{word}`"));
            Some(if plain { finding.fix_with(word) } else { finding })
        }
        None => None,
    }
}
