//! Tables of fields and of the values that a field can have.

use std::collections::{BTreeMap, BTreeSet};

use super::about::unknown_name;
use super::parameters;
use crate::page::{Page, Row, Table};
use apidrift_core::contract::node::Node;
use apidrift_core::contract::{Contract, ERROR, Operation, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The schemas of what an operation answers with.
pub fn answered(contract: &Contract, operation: &Operation) -> BTreeSet<String> {
    let mut schemas = BTreeSet::new();
    if let Some(schema) = &operation.success.schema {
        reach(contract, schema, &mut schemas);
    }
    reach(contract, ERROR, &mut schemas);
    schemas
}

/// Whether a schema has a field or a value of this name.
pub fn is_listed(contract: &Contract, schemas: &BTreeSet<String>, name: &str) -> bool {
    schemas
        .iter()
        .filter_map(|schema| Listing::of(contract, schema))
        .any(|listing| listing.names().any(|own| own == name))
}

/// A page of common errors has tables of the fields of errors.
pub fn common(contract: &Contract, page: &Page) -> Vec<Finding> {
    compare(contract, page, &page.tables.iter().collect::<Vec<_>>(), &BTreeSet::from([ERROR.to_owned()]))
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

/// The tables of a page that list the fields and values of some schemas.
pub fn compare(contract: &Contract, page: &Page, tables: &[&Table], schemas: &BTreeSet<String>) -> Vec<Finding> {
    // Several tables about one schema list it together.
    let mut by_schema: BTreeMap<&String, Vec<&Table>> = BTreeMap::new();
    for table in tables {
        if let Some(schema) = schema_of(contract, table, schemas) {
            by_schema.entry(schema).or_default().push(table);
        }
    }
    let mut findings = Vec::new();
    for (name, tables) in by_schema {
        match Listing::of(contract, name) {
            Some(Listing::Values(values)) => findings.extend(value_findings(contract, page, &tables, name, values)),
            Some(Listing::Fields(fields)) => findings.extend(field_findings(contract, page, &tables, name, fields)),
            None => {}
        }
    }
    findings
}

/// What a table lists.
enum Listing<'a> {
    /// The fields of an object.
    Fields(&'a Node),
    /// The values of an `enum`.
    Values(&'a Node),
}

impl<'a> Listing<'a> {
    fn of(contract: &'a Contract, schema: &str) -> Option<Listing<'a>> {
        let node = &contract.schema(schema)?.node;
        node.get("enum").map(Listing::Values).or_else(|| node.get("properties").map(Listing::Fields))
    }

    fn names(&self) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match self {
            Listing::Fields(fields) => Box::new(fields.entries().iter().map(|entry| entry.key.as_str())),
            Listing::Values(values) => Box::new(values.items().iter().filter_map(Node::as_str)),
        }
    }
}

/// The schema that a table lists, if it is one of some.
fn schema_of<'a>(contract: &Contract, table: &Table, schemas: &'a BTreeSet<String>) -> Option<&'a String> {
    let names: Vec<&str> = table.rows.iter().filter_map(Row::name).map(|name| name.value.as_str()).collect();
    // A paragraph before the table may name the field whose values it lists.
    let introduced: Vec<String> = schemas
        .iter()
        .filter_map(|name| contract.schema(name)?.node.get("properties"))
        .flat_map(Node::entries)
        .filter(|property| table.introduced_by.contains(&property.key))
        .filter_map(|property| reference(&property.value))
        .collect();
    let is_of_values = |name: &str| matches!(Listing::of(contract, name), Some(Listing::Values(_)));
    let score = |name: &String| {
        let known: Vec<&str> = Listing::of(contract, name)?.names().collect();
        let common = names.iter().filter(|name| known.contains(name)).count();
        // Half of the rows at least, or half of what there is to list.
        (common > 0 && (common * 2 >= names.len() || common * 2 >= known.len()))
            .then(|| (common, introduced.contains(name), std::cmp::Reverse(known.len())))
    };
    let best = schemas.iter().filter_map(|name| Some((score(name)?, name))).max_by(|one, other| one.0.cmp(&other.0));
    let best = best.map(|(_, name)| name);
    // With its introduction, a table of values is known even where most of them are wrong.
    let introduced = schemas.iter().find(|name| introduced.contains(name) && is_of_values(name));
    match (best, introduced) {
        (Some(best), Some(introduced)) if is_of_values(best) => Some(introduced),
        (best, introduced) => best.or(introduced),
    }
}

/// The rows of tables that have a name.
fn rows<'a>(tables: &[&'a Table]) -> impl Iterator<Item = (&'a Row, &'a Spanned<String>)> {
    let rows: Vec<&Row> = tables.iter().flat_map(|table| &table.rows).collect();
    rows.into_iter().filter_map(|row| Some((row, row.name()?)))
}

/// The table that lists most.
fn longest<'a>(tables: &[&'a Table]) -> Option<&'a Table> {
    tables.iter().rev().max_by_key(|table| table.rows.len()).copied()
}

fn value_findings(contract: &Contract, page: &Page, tables: &[&Table], name: &str, values: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = |text: Option<&str>| rows(tables).any(|(_, row)| Some(row.value.as_str()) == text);
    let known = |text: &str| values.items().iter().any(|value| value.as_str() == Some(text));
    let absent = values.items().iter().filter(|value| !listed(value.as_str()));
    let mut missing: Vec<Spanned<String>> = absent
        .map(|value| Spanned { value: value.as_str().unwrap_or_default().to_owned(), range: value.range.clone() })
        .collect();
    for (_, row) in rows(tables).filter(|(_, row)| !known(row)) {
        let message = format!("`{name}` has no value `{}`", row.value);
        let otherwise = "remove the row, or add the value to the contract";
        let finding = unknown_name(contract, page, Rule::PageEnumExtra, row, message, &mut missing, otherwise);
        findings.push(if finding.related.is_empty() {
            finding.with(contract.place(&values.range, "these are the values"))
        } else {
            finding
        });
    }
    let Some(table) = longest(tables) else { return findings };
    for value in missing {
        let message = format!("the table does not list the value `{}` of `{name}`", value.value);
        let finding = Finding::at(Rule::PageEnumMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(contract.place(&value.range, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", value.value)));
    }
    findings
}

fn field_findings(contract: &Contract, page: &Page, tables: &[&Table], name: &str, properties: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = |key: &str| rows(tables).any(|(_, name)| name.value == key);
    let absent = properties.entries().iter().filter(|property| !listed(&property.key));
    let mut missing: Vec<Spanned<String>> =
        absent.map(|property| Spanned { value: property.key.clone(), range: property.key_range.clone() }).collect();
    for (row, field) in rows(tables) {
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
    let Some(table) = longest(tables) else { return findings };
    for property in missing {
        let message = format!("the table does not list the field `{}` of `{name}`", property.value);
        let finding = Finding::at(Rule::PageFieldMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(contract.place(&property.range, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", property.value)));
    }
    findings
}
