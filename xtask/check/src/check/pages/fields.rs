//! Tables of fields, and tables of the values of a field.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use openapi_model::document::{Document, Status};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::{Span, Spanned};
use openapi_model::values::Direction;
use serde_json::Value as Json;

use super::basis::{Basis, unknown_name};
use super::request_tables::wrong_kind;
use super::shapes::{self, Field, Others, Variants};
use crate::page::{Cell, Kind, Language, Page, Row, Table, Written};
use apidrift_core::contract::{Operation, json};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// What tables can list: the fields of objects, and the values of enumerations.
pub struct Listings {
    /// In the order of their names.
    all: Vec<Listing>,
    /// The index into `all` of each schema.
    by_schema: HashMap<AllOf, usize>,
}

/// A list of fields or values.
struct Listing {
    /// The name of the component, or of the field whose value it is.
    name: String,
    is_component: bool,
    content: Content,
}

enum Content {
    /// The fields of an object, in document order, and whether it may have others.
    Fields(Vec<Listed>, bool),
    /// The values of an enumeration, and its place.
    Values(Vec<Spanned<String>>, Span),
}

/// A field of an object.
struct Listed {
    field: Field,
    /// Whether a table of the object is incomplete without it.
    is_expected: bool,
}

impl Listing {
    fn names(&self) -> impl Iterator<Item = &Spanned<String>> {
        let (fields, values) = match &self.content {
            Content::Fields(fields, _) => (fields.as_slice(), [].as_slice()),
            Content::Values(values, _) => ([].as_slice(), values.as_slice()),
        };
        fields.iter().map(|listed| &listed.field.name).chain(values)
    }

    fn lists(&self, name: &str) -> bool {
        self.names().any(|own| **own == *name)
    }

    fn is_of_values(&self) -> bool {
        matches!(self.content, Content::Values(..))
    }
}

/// The lists that tables on an operation's page can contain.
pub fn of_operation(basis: &Basis<'_>, operation: &Operation) -> Listings {
    let mut roots = Vec::new();
    for response in &operation.responses {
        // For errors, only the common fields are listed.
        let is_error = matches!(*response.status, Status::Code(400..=599) | Status::Range(4 | 5) | Status::Default);
        if !(is_error && basis.contract.error_schema().is_some()) {
            let schema = json(&response.content).and_then(|media| media.schema);
            roots.extend(schema.map(|schema| (schema, Direction::Response)));
        }
    }
    roots.extend(basis.contract.error_schema().map(|schema| (schema, Direction::Response)));
    let request = operation.body.as_ref().and_then(|body| json(&body.content)?.schema);
    roots.extend(request.map(|schema| (schema, Direction::Request)));
    Listings::reached(basis.document(), &roots)
}

/// Compares the field tables on a page of common errors.
pub fn common(basis: &Basis<'_>, page: &Page) -> Vec<Finding> {
    let errors = basis.error_schemas().into_iter().map(|schema| (schema, Direction::Response));
    let listings = Listings::reached(basis.document(), &errors.collect::<Vec<_>>());
    compare(basis, page, &page.tables.iter().collect::<Vec<_>>(), &listings)
}

impl Listings {
    /// The lists of some schemas and everything they contain.
    fn reached(document: &Document, roots: &[(SchemaId, Direction)]) -> Listings {
        let mut walk = Walk { document, found: BTreeMap::new(), by_schema: HashMap::new(), seen: BTreeSet::new() };
        let mut open: Vec<Reached> =
            roots.iter().rev().map(|(id, direction)| (AllOf::from(*id), "body".to_owned(), *direction)).collect();
        while let Some(reached) = open.pop() {
            walk.schema(reached, &mut open);
        }
        let mut found: Vec<(Vec<Span>, Listing)> = walk.found.into_iter().collect();
        found.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        let index: HashMap<&[Span], usize> =
            found.iter().enumerate().map(|(index, (content, _))| (content.as_slice(), index)).collect();
        let by_schema = walk.by_schema.into_iter();
        let by_schema = by_schema.filter_map(|(schemas, content)| Some((schemas, *index.get(content.as_slice())?)));
        Listings { by_schema: by_schema.collect(), all: found.into_iter().map(|(_, listing)| listing).collect() }
    }

    /// Whether there is a field or value with this name.
    pub fn lists(&self, name: &str) -> bool {
        self.all.iter().any(|listing| listing.lists(name))
    }

    /// The list of a field's value, or of the items if it is an array.
    fn below(&self, document: &Document, field: &Field) -> Option<usize> {
        let items = || Variants::of(document, &field.schemas).items(0);
        let known = |schemas: &[AllOf]| schemas.iter().find_map(|schemas| self.by_schema.get(schemas).copied());
        known(&field.schemas).or_else(|| known(&items()?))
    }
}

/// Schemas, the name to use if they are not a component, and their direction.
type Reached = (AllOf, String, Direction);

struct Walk<'a> {
    document: &'a Document,
    /// By the places of the listed items, because the same list may be reached in several ways.
    found: BTreeMap<Vec<Span>, Listing>,
    by_schema: HashMap<AllOf, Vec<Span>>,
    seen: BTreeSet<(AllOf, Direction)>,
}

impl Walk<'_> {
    fn schema(&mut self, (schemas, outer, direction): Reached, open: &mut Vec<Reached>) {
        if !self.seen.insert((schemas.clone(), direction)) {
            return;
        }
        let document = self.document;
        let shape = document.shape(&schemas);
        if !shape.unresolved.is_empty() {
            return;
        }
        let component = shapes::name(document, &schemas);
        let is_component = component.is_some();
        let name = component.unwrap_or(outer);
        let variants = Variants::of(document, std::slice::from_ref(&schemas));
        let fields = variants.fields();
        if let Some(values) = &shape.enumeration {
            let named = values.iter().map(|value| Spanned::new(text(value), value.span)).collect();
            self.add(
                &schemas,
                Listing { name: name.clone(), is_component, content: Content::Values(named, values.span) },
            );
        } else if !fields.named.is_empty() {
            let mut listed: Vec<Listed> = fields
                .named
                .into_values()
                .map(|field| Listed { is_expected: is_expected(document, &field, direction), field })
                .collect();
            listed.sort_by_key(|listed| listed.field.name.span);
            for Listed { field, .. } in listed.iter().rev() {
                let values = field.schemas.iter().rev();
                open.extend(values.map(|schemas| (schemas.clone(), field.name.value.clone(), direction)));
            }
            let is_open = !matches!(fields.others, Others::None) || shapes::takes_any_field(document, &schemas);
            let content = Content::Fields(listed, is_open);
            self.add(&schemas, Listing { name: name.clone(), is_component, content });
        }
        if let Others::Some(others) = fields.others {
            open.extend(others.into_iter().map(|schemas| (schemas, name.clone(), direction)));
        }
        let alternatives = shape.alternatives.iter().flat_map(|alternatives| &alternatives.members);
        let items = shape.prefix_items.iter().chain(&shape.items);
        open.extend(alternatives.chain(items).map(|schemas| (schemas.clone(), name.clone(), direction)));
    }

    fn add(&mut self, schemas: &AllOf, listing: Listing) {
        let mut content: Vec<Span> = listing.names().map(|name| name.span).collect();
        content.sort_unstable();
        self.by_schema.insert(schemas.clone(), content.clone());
        let Some(known) = self.found.get_mut(&content) else {
            self.found.insert(content, listing);
            return;
        };
        if listing.is_component && !known.is_component {
            (known.name, known.is_component) = (listing.name, true);
        }
        if let (Content::Fields(known, _), Content::Fields(fields, _)) = (&mut known.content, listing.content) {
            known.iter_mut().zip(fields).for_each(|(known, other)| known.is_expected |= other.is_expected);
        }
    }
}

/// Whether every object of this direction can be expected to have the field.
fn is_expected(document: &Document, field: &Field, direction: Direction) -> bool {
    let is_sent = |schemas: &AllOf| {
        let shape = document.shape(schemas);
        match direction {
            Direction::Request => shape.read_only.is_none(),
            Direction::Response => shape.write_only.is_none(),
        }
    };
    field.is_common && field.schemas.iter().all(is_sent)
}

/// A value as written on pages.
fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Compares the tables of a page that list some of these fields and values.
pub fn compare(basis: &Basis<'_>, page: &Page, tables: &[&Table], listings: &Listings) -> Vec<Finding> {
    // Several tables about one schema are compared together.
    let mut by_listing: BTreeMap<usize, Vec<&Table>> = BTreeMap::new();
    for table in tables {
        if let Some(index) = listing_of(basis.document(), table, listings) {
            by_listing.entry(index).or_default().push(table);
        }
    }
    let mut findings = Vec::new();
    for (index, tables) in by_listing {
        let listing = &listings.all[index];
        findings.extend(match &listing.content {
            Content::Values(values, span) => value_findings(basis, page, &tables, &listing.name, values, *span),
            Content::Fields(fields, is_open) => field_findings(basis, page, &tables, &listing.name, fields, *is_open),
        });
    }
    findings
}

/// The list that a table contains, if it is one of these.
fn listing_of(document: &Document, table: &Table, listings: &Listings) -> Option<usize> {
    let names: Vec<&str> = table.rows.iter().filter_map(Row::name).map(|name| name.value.as_str()).collect();
    // The paragraph before a table may name the field whose values it lists.
    let introduced: BTreeSet<usize> = listings
        .all
        .iter()
        .filter_map(|listing| match &listing.content {
            Content::Fields(fields, _) => Some(fields),
            Content::Values(..) => None,
        })
        .flatten()
        .filter(|listed| table.introduced_by.contains(&listed.field.name.value))
        .filter_map(|listed| listings.below(document, &listed.field))
        .collect();
    let score = |index: usize| {
        let listing = &listings.all[index];
        let known = listing.names().count();
        let common = names.iter().filter(|name| listing.lists(name)).count();
        // At least half of the rows, or half of the list. A few enumeration values without a name of their own occur in
        // many tables.
        let is_introduced = introduced.contains(&index);
        let by_rest = listing.is_component || is_introduced || !listing.is_of_values();
        (common > 0 && (common * 2 >= names.len() || (by_rest && common * 2 >= known))).then_some((
            common,
            is_introduced,
            std::cmp::Reverse(known),
        ))
    };
    let scores = (0..listings.all.len()).filter_map(|index| Some((score(index)?, index)));
    let best = scores.max_by(|one, other| one.0.cmp(&other.0)).map(|(_, index)| index);
    // With an introduction, a table of values is recognised even if most of them are wrong.
    let introduced = introduced.iter().copied().find(|index| listings.all[*index].is_of_values());
    match (best, introduced) {
        (Some(best), Some(introduced)) if listings.all[best].is_of_values() => Some(introduced),
        (best, introduced) => best.or(introduced),
    }
}

/// The rows that have a name.
fn rows<'a>(tables: &[&'a Table]) -> impl Iterator<Item = (&'a Row, &'a Written<String>)> {
    let rows: Vec<&Row> = tables.iter().flat_map(|table| &table.rows).collect();
    rows.into_iter().filter_map(|row| Some((row, row.name()?)))
}

/// The table with the most rows.
fn longest<'a>(tables: &[&'a Table]) -> Option<&'a Table> {
    tables.iter().rev().max_by_key(|table| table.rows.len()).copied()
}

fn value_findings(
    basis: &Basis<'_>,
    page: &Page,
    tables: &[&Table],
    name: &str,
    values: &[Spanned<String>],
    span: Span,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = |value: &str| rows(tables).any(|(_, row)| row.value == value);
    let known = |text: &str| values.iter().any(|value| value.value == text);
    let mut missing: Vec<Spanned<String>> = values.iter().filter(|value| !listed(value)).cloned().collect();
    for (_, row) in rows(tables).filter(|(_, row)| !known(row)) {
        let message = format!("`{name}` has no value `{}`", row.value);
        let otherwise = "remove the row, or add the value to the contract";
        let finding = unknown_name(basis, page, Rule::PageEnumExtra, row, message, &mut missing, otherwise);
        findings.push(if finding.related.is_empty() {
            finding.with(basis.place(span, "these are the values"))
        } else {
            finding
        });
    }
    let Some(table) = longest(tables) else { return findings };
    for value in missing {
        let message = format!("the table does not list the value `{}` of `{name}`", value.value);
        let finding = Finding::at(Rule::PageEnumMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(basis.place(value.span, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", value.value)));
    }
    findings
}

fn field_findings(
    basis: &Basis<'_>,
    page: &Page,
    tables: &[&Table],
    name: &str,
    fields: &[Listed],
    is_open: bool,
) -> Vec<Finding> {
    let document = basis.document();
    let mut findings = Vec::new();
    let stands = |key: &str| rows(tables).any(|(_, name)| name.value == key);
    let absent = fields.iter().filter(|listed| listed.is_expected && !stands(&listed.field.name));
    let mut missing: Vec<Spanned<String>> = absent.map(|absent| absent.field.name.clone()).collect();
    for (row, written) in rows(tables) {
        let Some(Listed { field, .. }) = fields.iter().find(|listed| *listed.field.name == **written) else {
            let message = format!("`{name}` has no field `{}`", written.value);
            let otherwise = "remove the row, or add the field to the contract";
            let finding = unknown_name(basis, page, Rule::PageFieldExtra, written, message, &mut missing, otherwise);
            // If other fields are permitted, an unknown name is reported only if it resembles a known one.
            findings.extend(Some(finding).filter(|finding| !is_open || !finding.related.is_empty()));
            continue;
        };
        let key = &field.name;
        let there = || basis.place(key.span, "the contract says this");
        let variants = Variants::of(document, &field.schemas);
        let kind = variants.kind();
        let wrong = kind.and_then(|kind| {
            wrong_kind(Rule::PageFieldType, page, kind_cell(row, page.language)?, kind, key, basis.is_complete())
        });
        let is_right = wrong.is_none();
        findings.extend(wrong.map(|finding| finding.with(there())));
        if let Some((cell, _)) = kind_cell(row, page.language)
            && is_right
            && let Some(nullable) = variants.nullable()
            && page.language.may_be_null(&cell.text) != nullable
        {
            let message = format!("`{}` {} be null", key.value, if nullable { "may" } else { "cannot" });
            let finding = Finding::at(Rule::PageFieldType, page.place(&cell.range, "the page says this"), message);
            findings.push(finding.with(there()).help("say in the same cell whether it may be null"));
        }
    }
    let Some(table) = longest(tables) else { return findings };
    for field in missing {
        let message = format!("the table does not list the field `{}` of `{name}`", field.value);
        let finding = Finding::at(Rule::PageFieldMissing, page.place(&table.range, "this table"), message);
        let finding = finding.with(basis.place(field.span, "the contract has it"));
        findings.push(finding.help(format!("add a row for `{}`", field.value)));
    }
    findings
}

/// The cell that gives the type of a value: short, and not the name.
fn kind_cell(row: &Row, language: Language) -> Option<(&Cell, Kind)> {
    let short = row.cells.iter().filter(|cell| cell.text.split_whitespace().count() <= 6 && !cell.text.ends_with('.'));
    short.filter_map(|cell| Some((cell, language.kind(&cell.text)?))).next()
}
