//! Tables of fields and of the values that a field can have.

use std::collections::BTreeSet;

use super::{About, parameters, unknown_name};
use crate::contract::node::Node;
use crate::contract::{Contract, ERROR, Spanned};
use crate::finding::Finding;
use crate::page::{Page, Row, Table};
use crate::rules::Rule;

impl About<'_> {
    /// The fields and values of the operation's answer, where the page has tables of them.
    pub(super) fn fields(&self) -> Vec<Finding> {
        let mut schemas = BTreeSet::new();
        if let Some(schema) = &self.operation.success.schema {
            reach(self.contract, schema, &mut schemas);
        }
        reach(self.contract, ERROR, &mut schemas);
        compare(self.contract, self.page, &schemas)
    }
}

/// The same for a page of common errors.
pub fn common(contract: &Contract, page: &Page) -> Vec<Finding> {
    compare(contract, page, &BTreeSet::from([ERROR.to_owned()]))
}

/// The schemas that a schema refers to, itself included.
fn reach(contract: &Contract, name: &str, found: &mut BTreeSet<String>) {
    if !found.insert(name.to_owned()) {
        return;
    }
    let Some(schema) = contract.schema(name) else { return };
    let mut references = Vec::new();
    references_of(&schema.node, &mut references);
    for name in references {
        reach(contract, &name, found);
    }
}

fn references_of(node: &Node, found: &mut Vec<String>) {
    if let Some(target) = node.get("$ref").and_then(Node::as_str) {
        found.extend(target.strip_prefix("#/components/schemas/").map(str::to_owned));
    }
    node.entries().iter().for_each(|entry| references_of(&entry.value, found));
    node.items().iter().for_each(|item| references_of(item, found));
}

/// The component that a property refers to, itself, through `allOf` or as the items of a list.
fn reference(property: &Node) -> Option<String> {
    let mut found = Vec::new();
    references_of(property, &mut found);
    found.into_iter().next()
}

fn compare(contract: &Contract, page: &Page, schemas: &BTreeSet<String>) -> Vec<Finding> {
    let tables = page.tables.iter().filter(|table| !parameters::is_one(table, page.language));
    tables.flat_map(|table| table_findings(contract, page, table, schemas)).collect()
}

/// What a table lists.
enum Listing<'a> {
    /// The fields of an object.
    Fields(&'a Node),
    /// The values of an `enum`.
    Values(&'a Node),
}

fn table_findings(contract: &Contract, page: &Page, table: &Table, schemas: &BTreeSet<String>) -> Vec<Finding> {
    let names: Vec<&str> = table.rows.iter().filter_map(Row::name).map(|name| name.value.as_str()).collect();
    let listed = |name: &str| -> Option<(Listing<'_>, Vec<&str>)> {
        let node = &contract.schema(name)?.node;
        if let Some(values) = node.get("enum") {
            return Some((Listing::Values(values), values.items().iter().filter_map(Node::as_str).collect()));
        }
        let properties = node.get("properties")?;
        Some((Listing::Fields(properties), properties.entries().iter().map(|entry| entry.key.as_str()).collect()))
    };
    // A paragraph before the table may name the field whose values it lists.
    let introduced: Vec<String> = schemas
        .iter()
        .filter_map(|name| contract.schema(name)?.node.get("properties"))
        .flat_map(Node::entries)
        .filter(|property| table.introduced_by.contains(&property.key))
        .filter_map(|property| reference(&property.value))
        .collect();
    let score = |name: &String| -> Option<(usize, bool, std::cmp::Reverse<usize>)> {
        let (_, known) = listed(name)?;
        let common = names.iter().filter(|name| known.contains(name)).count();
        // Half of the rows at least, or half of what there is to list.
        (common > 0 && (common * 2 >= names.len() || common * 2 >= known.len()))
            .then(|| (common, introduced.contains(name), std::cmp::Reverse(known.len())))
    };
    let best = schemas.iter().filter_map(|name| Some((score(name)?, name))).max_by(|one, other| one.0.cmp(&other.0));
    // With its introduction, a table of values is known even where most of them are wrong.
    let by_introduction = introduced.iter().find(|name| matches!(listed(name), Some((Listing::Values(_), _))));
    let chosen = match (best, by_introduction) {
        (Some((_, best)), Some(introduced))
            if best != introduced && !matches!(listed(best), Some((Listing::Fields(_), _))) =>
        {
            Some(introduced)
        }
        (Some((_, best)), _) => Some(best),
        (None, introduced) => introduced,
    };
    let Some(name) = chosen else { return Vec::new() };
    match listed(name) {
        Some((Listing::Values(values), _)) => value_findings(contract, page, table, name, values),
        Some((Listing::Fields(properties), _)) => field_findings(contract, page, table, name, properties),
        None => Vec::new(),
    }
}

fn value_findings(contract: &Contract, page: &Page, table: &Table, name: &str, values: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed =
        |text: Option<&str>| table.rows.iter().filter_map(Row::name).any(|row| Some(row.value.as_str()) == text);
    let known = |text: &str| values.items().iter().any(|value| value.as_str() == Some(text));
    let absent = values.items().iter().filter(|value| !listed(value.as_str()));
    let mut missing: Vec<Spanned<String>> = absent
        .map(|value| Spanned { value: value.as_str().unwrap_or_default().to_owned(), range: value.range.clone() })
        .collect();
    for row in table.rows.iter().filter_map(Row::name).filter(|row| !known(row)) {
        let message = format!("`{name}` has no value `{}`", row.value);
        let otherwise = "remove the row, or add the value to the contract";
        let finding = unknown_name(contract, page, Rule::PageEnumExtra, row, message, &mut missing, otherwise);
        findings.push(if finding.related.is_empty() {
            finding.with(contract.place(&values.range, "these are the values"))
        } else {
            finding
        });
    }
    for value in missing {
        let message = format!("the table does not list the value `{}` of `{name}`", value.value);
        let finding = Finding::at(Rule::PageEnumMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(contract.place(&value.range, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", value.value)));
    }
    findings
}

fn field_findings(contract: &Contract, page: &Page, table: &Table, name: &str, properties: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rows: Vec<&Row> = table.rows.iter().filter(|row| row.name().is_some()).collect();
    let listed = |key: &str| rows.iter().any(|row| row.name().is_some_and(|name| name.value == key));
    let absent = properties.entries().iter().filter(|property| !listed(&property.key));
    let mut missing: Vec<Spanned<String>> =
        absent.map(|property| Spanned { value: property.key.clone(), range: property.key_range.clone() }).collect();
    for row in rows {
        let Some(field) = row.name() else { continue };
        let Some(property) = properties.entry(field) else {
            let message = format!("`{name}` has no field `{}`", field.value);
            let otherwise = "remove the row, or add the field to the contract";
            findings.push(unknown_name(contract, page, Rule::PageFieldExtra, field, message, &mut missing, otherwise));
            continue;
        };
        let there = || contract.place(&property.key_range, "the contract says this");
        // A reference to values is a text; one to an object is an object.
        let kind = parameters::kind_of(&property.value)
            .or_else(|| parameters::kind_of(&contract.schema(&reference(&property.value)?)?.node));
        let wrong = kind.and_then(|kind| parameters::wrong_kind(Rule::PageFieldType, page, row, kind, &property.key));
        let is_right = wrong.is_none();
        findings.extend(wrong.map(|finding| finding.with(there())));
        let nullable = property.value.get("nullable").and_then(Node::as_bool).unwrap_or(false);
        if let Some((cell, _)) = parameters::kind_cell(row, page.language)
            && is_right
            && page.language.may_be_null(&cell.text) != nullable
        {
            let message = format!("`{}` {} be null", property.key, if nullable { "may" } else { "cannot" });
            let finding = Finding::at(Rule::PageFieldType, page.place(&cell.range, "the page says this"), message);
            findings.push(finding.with(there()).help("say in the same cell whether it may be null"));
        }
    }
    for property in missing {
        let message = format!("the table does not list the field `{}` of `{name}`", property.value);
        let finding = Finding::at(Rule::PageFieldMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(contract.place(&property.range, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", property.value)));
    }
    findings
}
