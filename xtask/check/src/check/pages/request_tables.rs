//! Tables that describe a request: its parameters, and the fields of its body.
//!
//! A table is taken for one if half of its names are parameters or belong to one object of the request. Only then are
//! unknown and missing names reported.

use std::collections::HashSet;

use openapi_model::document::{Location, Parameter, SchemeKind};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::Spanned;

use super::about::About;
use super::basis::unknown_name;
use super::context;
use super::objects::{self, Object};
use super::shapes::{Field, Variants};
use super::stated_values;
use crate::page::columns::{self, Entry, Listing};
use crate::page::words::{self, Role};
use crate::page::{Cell, Kind, Manner, Page, Row, Table, Written};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// A table that describes a request.
struct Described<'a> {
    table: &'a Table,
    listing: Listing<'a>,
    /// The object whose fields it lists; `None` if it lists only parameters.
    object: Option<&'a Object>,
    /// Whether it also lists fields of nested objects, without marking them.
    is_flat: bool,
    /// Whether another table lists the same object, or another object has as many of its names: it may describe a
    /// variant.
    is_one_of_several: bool,
}

/// The result of comparing request tables.
pub struct RequestTables<'a> {
    pub findings: Vec<Finding>,
    /// The tables that do not describe a request.
    pub others: Vec<&'a Table>,
    /// Unknown parameter names.
    pub unknown: HashSet<String>,
}

/// The meaning of a name in a request.
enum Meaning<'a> {
    Parameter(&'a Parameter),
    Field(&'a Field, &'a Object),
    /// Several possible meanings, or one that needs no comparison.
    Known,
    Unknown,
}

impl<'a> About<'a, '_> {
    /// Compares the tables that describe a request, and returns the others.
    pub(super) fn request_tables(&self, is_listed: &dyn Fn(&str) -> bool) -> RequestTables<'a> {
        let objects = objects::of_request(self.basis.document(), self.operation);
        let (mut described, mut others) = (Vec::new(), Vec::new());
        let lists = self.page.lists.iter().filter(|_| !self.basis.is_complete());
        for table in self.page.tables.iter().chain(lists) {
            match self.described(table, &objects, is_listed) {
                Some(table) => described.push(table),
                None => others.push(table),
            }
        }
        let of_one: Vec<Option<*const Object>> =
            described.iter().map(|table| table.object.map(std::ptr::from_ref)).collect();
        for (table, own) in described.iter_mut().zip(&of_one) {
            table.is_one_of_several |= own.is_some() && of_one.iter().filter(|other| *other == own).count() > 1;
        }
        let mut findings = Vec::new();
        // A misspelt name does not count as missing.
        let mut misspelt = HashSet::new();
        let mut unknown = HashSet::new();
        for table in &described {
            let mut missing = self.missing_names(&described, table);
            let before: HashSet<String> = missing.iter().map(|name| name.value.clone()).collect();
            for entry in &table.listing.entries {
                let found = self.entry(entry, table, &objects, &mut missing, is_listed);
                if found.iter().any(|finding| finding.rule == Rule::PageParameterExtra) {
                    unknown.insert(entry.name.value.clone());
                }
                findings.extend(found);
            }
            misspelt.extend(before.into_iter().filter(|name| !missing.iter().any(|left| left.value == *name)));
        }
        findings.extend(self.missing_parameters(&described, &misspelt));
        findings.extend(self.missing_fields(&described, &misspelt));
        RequestTables { findings, others, unknown }
    }

    /// Interprets a table as one that describes the request, if it is one.
    fn described<'o>(
        &self,
        table: &'a Table,
        objects: &'o [Object],
        is_listed: &dyn Fn(&str) -> bool,
    ) -> Option<Described<'o>>
    where
        'a: 'o,
    {
        let listing = columns::read(self.page, table)?;
        if !listing.says_kind_or_required && !words::is_of_parameters(&listing.head) {
            return None;
        }
        let below = self.named_field(table, objects);
        if self.is_of_answer(table, below.is_some()) {
            return None;
        }
        let names: HashSet<&str> = listing.entries.iter().map(|entry| entry.name.as_str()).collect();
        let is_parameter = |name: &&&str| self.parameter(name).is_some() || self.is_key(name);
        let parameters = names.iter().filter(is_parameter).count();
        let score = |object: &&'o Object| {
            let own = |name: &&&str| object.named(objects, name).is_some();
            let fields = names.iter().filter(own).count();
            let known = names.iter().filter(|name| own(name) || is_parameter(name)).count();
            (fields > 0 && known * 2 >= names.len()).then_some((known, fields, std::cmp::Reverse(object.path.len())))
        };
        let candidates = objects.iter().filter(|object| below.as_ref().is_none_or(|below| object.path.contains(below)));
        let best = candidates.filter_map(|object| Some((score(&object)?, object))).max_by_key(|(score, _)| *score);
        let (known, object) = best.map_or((0, None), |((known, ..), object)| (known, Some(object)));
        // If another object has as many of the names, the table is ambiguous.
        let others = objects.iter().filter(|object| below.as_ref().is_none_or(|below| object.path.contains(below)));
        let ties = others.filter_map(|object| score(&object)).filter(|(others, ..)| *others == known).count();
        let says_query = table_location(table, &listing) == Some("query");
        // A name may also be a field of a response.
        let is_of_answers = || names.iter().filter(|name| is_listed(name)).count() > parameters.max(known);
        let is_half = parameters > 0 && parameters * 2 >= names.len() && parameters >= known;
        let is_of_parameters = below.is_none() && is_half && (says_query || !is_of_answers());
        // If pages must be complete, a table with a `required` column that describes nothing else lists parameters.
        let says_required = listing.entries.iter().any(|entry| entry.required.is_some());
        let can_be_no_other = self.basis.is_complete() && objects.is_empty() && says_required && !is_of_answers();
        if is_of_parameters || (says_query && object.is_none()) {
            Some(Described { table, listing, object: None, is_flat: false, is_one_of_several: false })
        } else if object.is_some() && (self.basis.is_complete() || self.is_of_request(table) || !is_of_answers()) {
            let deeper = names.iter().filter(|name| self.is_deeper(name, object, objects)).count();
            Some(Described { table, is_flat: deeper * 4 > names.len(), is_one_of_several: ties > 1, listing, object })
        } else {
            can_be_no_other.then_some(Described {
                table,
                listing,
                object: None,
                is_flat: false,
                is_one_of_several: false,
            })
        }
    }

    /// Whether a name is a field of a nested object, and not of this one.
    fn is_deeper(&self, name: &str, object: Option<&Object>, objects: &[Object]) -> bool {
        let parts = columns::parts(name);
        let is_here =
            object.is_some_and(|object| object.field(objects, &parts).is_some()) || self.parameter(name).is_some();
        !is_here && objects.iter().any(|object| object.field(objects, &parts).is_some())
    }

    /// Whether a heading around a table, or the label before it, says that it describes a request.
    fn is_of_request(&self, table: &Table) -> bool {
        let says = |label: &str| words::role(label) == Some(Role::Request) || words::is_of_parameters(label);
        let around = context::headings_around(self.page, table.range.start);
        let mut labels = around.into_iter().filter(|heading| context::is_label(self.page, heading));
        labels.any(|heading| says(&heading.text)) || self.label_before(table).is_some_and(|label| says(&label))
    }

    /// Whether the context of a table says that it describes a response, or an object in general.
    fn is_of_answer(&self, table: &Table, is_of_field: bool) -> bool {
        let start = self.page.declarations.first().map_or(0, |declaration| declaration.range.end);
        let around = context::headings_around(self.page, table.range.start);
        let mut enclosing = around.into_iter().filter(|heading| heading.range.start >= start);
        let is_other = |label: &str| {
            let is_label = label.split_whitespace().count() <= 4;
            let is_object = words::is_of_object(label) && !is_of_field;
            is_label && (words::is_of_answers(label) || is_object)
        };
        let tabs = self.page.tabs.iter().filter(|tab| tab.range.contains(&table.range.start));
        enclosing.any(|heading| is_other(&heading.text))
            || tabs.into_iter().any(|tab| tab.label.contains(|letter: char| letter.is_ascii_digit()))
            || table.head.iter().any(|cell| words::is_of_past(&cell.text))
            || self.label_before(table).is_some_and(|label| is_other(&label))
            || table.head.first().is_some_and(|cell| words::is_of_answers(&cell.text))
    }

    /// The paragraph directly before a table, if it is only a label.
    fn label_before(&self, table: &Table) -> Option<String> {
        let at = self.page.paragraphs.partition_point(|paragraph| paragraph.range.start < table.range.start);
        let above = self.page.paragraphs[..at].iter().rev();
        let before = above.into_iter().find(|paragraph| paragraph.range.end <= table.range.start)?;
        let is_near = self.page.source.text[before.range.end..table.range.start].trim().is_empty();
        let is_label = before.text.split_whitespace().count() <= 5;
        (is_near && is_label).then(|| before.text.trim_end_matches(':').to_owned())
    }

    /// The field that the heading of a table, or the label before it, names.
    fn named_field(&self, table: &Table, objects: &[Object]) -> Option<String> {
        let fields = || objects.iter().flat_map(|object| object.fields.values());
        let is_named = |label: &str| {
            let label = label.to_lowercase();
            let first = label.split([' ', ':', '(', '[', '`', '-']).find(|word| !word.is_empty())?.to_owned();
            let name = |field: &&Field| {
                let name = field.name.to_lowercase();
                name == first || name == format!("{first}s") || format!("{name}s") == first
            };
            fields().filter(name).map(|field| field.name.value.clone()).next()
        };
        let is_short = table.heading.split_whitespace().count() <= 5;
        let by_label = self.label_before(table).and_then(|label| is_named(&label));
        by_label.or_else(|| is_named(&table.heading).filter(|_| is_short))
    }

    /// The meaning of a name in a table.
    fn meaning<'o>(
        &self,
        name: &str,
        table: &Described<'o>,
        objects: &'o [Object],
        is_listed: &dyn Fn(&str) -> bool,
    ) -> Meaning<'o>
    where
        'a: 'o,
    {
        let parts = columns::parts(name);
        let parameter = self.parameter(name);
        let field = table.object.and_then(|object| Some((object.named(objects, name)?, object)));
        match (parameter, field) {
            (Some(_), Some(_)) => Meaning::Known,
            (Some(parameter), None) => Meaning::Parameter(parameter),
            (None, Some((field, object))) if parts.len() == 1 || *field.name == *name => Meaning::Field(field, object),
            (None, Some(_)) => Meaning::Known,
            (None, None) => {
                // A table may also list fields of nested objects, and the fields of open objects are unknown.
                let is_below =
                    |object: &Object| table.object.is_none_or(|anchor| object.path.starts_with(&anchor.path));
                let is_deep = table.is_flat
                    && objects
                        .iter()
                        .filter(|object| is_below(object))
                        .any(|object| object.field(objects, &parts).is_some());
                let is_open =
                    table.object.is_some_and(|object| object.is_open) || self.leads_into_open(&parts, table, objects);
                let is_answered = !self.basis.is_complete() && !self.is_of_request(table.table) && is_listed(name);
                let is_known = is_answered || is_deep || is_open || self.is_key(name) || self.is_in_endpoint(name);
                if is_known || (!self.basis.is_complete() && self.is_part_of_parameter(name)) {
                    Meaning::Known
                } else {
                    Meaning::Unknown
                }
            }
        }
    }

    /// Whether a name is a path into an object whose fields are unknown.
    fn leads_into_open(&self, parts: &[&str], table: &Described<'_>, objects: &[Object]) -> bool {
        let Some(object) = table.object.filter(|_| parts.len() > 1) else { return false };
        let longest = (1..parts.len()).rev().find(|length| object.field(objects, &parts[..*length]).is_some());
        longest.is_some_and(|length| {
            let mut path = object.path.clone();
            path.extend(parts[..length].iter().map(|part| (*part).to_owned()));
            objects.iter().find(|object| object.path == path).is_none_or(|object| object.is_open)
        })
    }

    /// Whether the page's endpoint has a variable with this name in its query: `/things?from={thing_id}`.
    fn is_in_endpoint(&self, name: &str) -> bool {
        let variable = format!("{{{name}}}");
        let text = &self.page.source.text;
        let rest = |end: usize| text[end..].lines().next().unwrap_or_default();
        let declared = self.page.declarations.iter().filter(|one| one.manner != Manner::Mention);
        declared.map(|one| rest(one.endpoint.path.range.end)).any(|rest| rest.contains(&variable))
    }

    /// `filter[name]`, where `filter` is a parameter.
    fn is_part_of_parameter(&self, name: &str) -> bool {
        let first = name.split(['[', '.']).next().unwrap_or_default();
        first != name
            && self.operation.parameters.iter().any(|parameter| parameter.name.split('[').next() == Some(first))
    }

    /// Whether a name is that of a key in one of the operation's security schemes, or of a header that every request
    /// may have.
    pub(super) fn is_key(&self, written: &str) -> bool {
        const HEADERS: [&str; 5] = ["authorization", "content-type", "accept", "user-agent", "cookie"];
        let schemes = self.operation.security.alternatives.iter().flatten();
        let mut schemes = schemes.filter_map(|scheme| self.basis.document().security_scheme(&scheme.name));
        let is_scheme_key = schemes.any(
            |scheme| matches!(&scheme.kind, SchemeKind::ApiKey { name, .. } if name.eq_ignore_ascii_case(written)),
        );
        is_scheme_key || HEADERS.contains(&written.to_lowercase().as_str())
    }

    /// The names that a table may have misspelt: those that no table contains.
    fn missing_names(&self, described: &[Described<'_>], table: &Described<'_>) -> Vec<Spanned<String>> {
        let stands = |name: &str| described.iter().any(|table| lists(&table.listing, name));
        let parameters = self.operation.parameters.iter().map(|parameter| &parameter.name);
        let is_renamed = |name: &str| self.names.iter().any(|(written, right)| right == name && stands(written));
        let mut names: Vec<Spanned<String>> =
            parameters.filter(|name| !stands(name) && !is_renamed(name)).cloned().collect();
        let fields = table.object.iter().flat_map(|object| object.fields.values());
        names.extend(fields.map(|field| field.name.clone()).filter(|name| !stands(name)));
        names
    }

    fn entry(
        &self,
        entry: &Entry<'_>,
        table: &Described<'_>,
        objects: &[Object],
        missing: &mut Vec<Spanned<String>>,
        is_listed: &dyn Fn(&str) -> bool,
    ) -> Vec<Finding> {
        let document = self.basis.document();
        self.basis.count(1 + usize::from(entry.required.is_some()) + usize::from(entry.kind.is_some()));
        // A duplicate name may mean two things, as may any name in a table of several objects.
        let times = table.listing.entries.iter().filter(|other| other.name.value == entry.name.value).count();
        let is_ambiguous = (times > 1 || table.is_flat) && !self.basis.is_complete();
        match self.meaning(&entry.name, table, objects, is_listed) {
            Meaning::Field(..) if is_ambiguous => Vec::new(),
            Meaning::Known => Vec::new(),
            Meaning::Unknown => vec![self.unknown(&entry.name, table, missing)],
            Meaning::Parameter(parameter) => {
                let name = &parameter.name;
                let mut findings = Vec::new();
                let is_said = parameter.location == Location::Path || self.basis.states_required();
                if is_said && self.is_sure_of_required() {
                    findings.extend(self.required(
                        Rule::PageParameterRequired,
                        "parameter",
                        name,
                        *parameter.required,
                        entry,
                    ));
                }
                let schemas: Vec<AllOf> = parameter.schema.into_iter().map(AllOf::from).collect();
                let kind = Variants::of(document, &schemas).common_kind().filter(|_| !schemas.is_empty());
                findings.extend(kind.and_then(|kind| self.parameter_kind(entry, kind, name, *parameter.explode)));
                findings.extend(self.location(parameter, entry, table));
                findings.extend(stated_values::values(self, &schemas, entry, name));
                findings
            }
            Meaning::Field(field, object) => {
                let name = &field.name;
                let mut findings = Vec::new();
                if let Some(is_required) = object.is_required(name).filter(|_| self.is_sure_of_required()) {
                    findings.extend(self.required(Rule::PageFieldRequired, "field", name, is_required, entry));
                }
                let kind = Variants::of(document, &field.schemas).common_kind();
                let kind = kind.filter(|_| !objects::is_map(document, field, entry));
                findings.extend(kind.and_then(|kind| {
                    let finding =
                        wrong_kind(Rule::PageFieldType, self.page, entry.kind?, kind, name, self.basis.is_complete())?;
                    Some(finding.with(self.basis.place(name.span, "the contract says this")))
                }));
                findings.extend(stated_values::values(self, &field.schemas, entry, name));
                findings
            }
        }
    }

    /// Whether the `required` claims of pages can be compared: a second section may describe another case.
    fn is_sure_of_required(&self) -> bool {
        self.is_only || self.basis.is_complete()
    }

    fn unknown(&self, name: &Written<String>, table: &Described<'_>, missing: &mut Vec<Spanned<String>>) -> Finding {
        let (rule, what) = match table.object {
            None => (Rule::PageParameterExtra, "the operation has no parameter"),
            Some(object) if object.path.is_empty() => {
                (Rule::PageFieldExtra, "the request has no parameter and no field")
            }
            Some(_) => (Rule::PageFieldExtra, "the object in the request has no field"),
        };
        let within = table.object.filter(|object| !object.path.is_empty());
        let within = within.map_or(String::new(), |object| format!(" in `{}`", object.path.join(".")));
        let message = format!("{what} `{}`{within}", name.value);
        let otherwise = "remove the row, or describe it in the contract";
        let finding = unknown_name(self.basis, self.page, rule, name, message, missing, otherwise);
        let first = table.object.and_then(|object| object.fields.values().next());
        match first.filter(|_| finding.related.is_empty() && !self.basis.is_complete()) {
            Some(field) => finding.with(self.basis.place(field.name.span, "it has fields such as this one")),
            None => finding,
        }
    }

    fn required(
        &self,
        rule: Rule,
        what: &str,
        name: &Spanned<String>,
        is_required: bool,
        entry: &Entry<'_>,
    ) -> Option<Finding> {
        let said = entry.required.as_ref().filter(|said| said.value != is_required)?;
        let word = self.page.language.required_word(is_required);
        let shown = |is_required: bool| if is_required { "required" } else { "optional" };
        let (here, there) = (shown(said.value), shown(is_required));
        let message =
            format!("the page says that the {what} `{}` is {here}, but the contract says {there}", name.value);
        let finding = Finding::at(rule, self.page.place(&said.range, "the page says this"), message);
        let finding = finding.with(self.basis.place(name.span, "the contract says this"));
        let written = self.page.source.text.get(said.range.clone()).unwrap_or_default();
        // A word is replaced only by another word of the same kind.
        let is_word = words::strongly_required(written) == Some(said.value);
        let word = if written.starts_with(char::is_uppercase) { capitalised(word) } else { word.to_owned() };
        let finding = finding.help(format!("write `{word}`"));
        Some(if is_word { finding.fix_with(word) } else { finding })
    }

    /// A parameter with another type than the page says. In a URL every value is text, so `string` is always right.
    fn parameter_kind(
        &self,
        entry: &Entry<'_>,
        kind: Kind,
        name: &Spanned<String>,
        is_exploded: bool,
    ) -> Option<Finding> {
        let said = entry.kind?;
        // A list may be one text, with commas, and an object several parameters.
        let is_text = said.1 == Kind::String && (kind != Kind::Array || !is_exploded);
        if !self.basis.is_complete() && (is_text || kind == Kind::Object) {
            return None;
        }
        let finding = wrong_kind(Rule::PageParameterType, self.page, said, kind, name, self.basis.is_complete())?;
        Some(finding.with(self.basis.place(name.span, "the contract says this")))
    }

    fn location(&self, parameter: &Parameter, entry: &Entry<'_>, table: &Described<'_>) -> Option<Finding> {
        let said = entry.location.or_else(|| table_location(table.table, &table.listing))?;
        let is_compared =
            matches!(parameter.location, Location::Path | Location::Query) && ["path", "query"].contains(&said);
        if !is_compared || said == parameter.location.name() {
            return None;
        }
        let message = format!(
            "the parameter `{}` is in the {}, not in the {said}",
            parameter.name.value,
            parameter.location.name()
        );
        let here = self.page.place(&entry.name.range, "in this table");
        let finding = Finding::at(Rule::PageParameterLocation, here, message);
        let finding = finding.with(self.basis.place(parameter.name.span, "the contract says this"));
        Some(finding.help("move the row into a table under a heading that names the right place"))
    }

    /// Whether a name occurs in a table or code span of the page.
    fn speaks_of(&self, name: &str, described: &[Described<'_>]) -> bool {
        let is_it = |written: &str| written == name || columns::parts(written).contains(&name);
        described.iter().flat_map(|table| &table.listing.entries).any(|entry| is_it(&entry.name))
            || self.page.spans.iter().chain(&self.page.cell_spans).any(|span| is_it(span))
    }

    /// Whether a page describes a field other than by a row: below a heading, in a table of its own, or in an example.
    fn shows(&self, field: &Field, object: &Object, described: &[Described<'_>]) -> bool {
        let name = field.name.to_lowercase();
        let stem = name.trim_end_matches('s');
        let has_heading = self.page.headings.iter().any(|heading| {
            let text = heading.text.to_lowercase();
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .any(|word| word.trim_end_matches('s') == stem)
                || text.replace([' ', '-'], "_").contains(&name)
        });
        let mut below = object.path.clone();
        below.push(field.name.value.clone());
        let has_table =
            described.iter().any(|table| table.object.is_some_and(|object| object.path.starts_with(&below)));
        let quoted = format!("\"{}\"", field.name.value);
        has_heading || has_table || self.page.blocks.iter().any(|block| block.text.contains(&quoted))
    }

    /// Parameters that are in no table: those of the query, if a table lists parameters; all, if pages must be
    /// complete.
    fn missing_parameters(&self, described: &[Described<'_>], misspelt: &HashSet<String>) -> Vec<Finding> {
        let is_strict = self.basis.is_complete();
        let lists = |parameter: &Parameter| {
            let written = self.names.iter().find(|(_, right)| **right == *parameter.name).map(|(written, _)| written);
            let names = [Some(&parameter.name.value), written];
            let listed = |name: &String| described.iter().any(|table| lists(&table.listing, name));
            names.into_iter().flatten().any(listed)
        };
        let is_of_query = |table: &&Described| {
            let is_query = |name: &str| self.parameter(name).is_some_and(|known| known.location == Location::Query);
            table.object.is_none() && table.listing.entries.iter().any(|entry| is_query(&entry.name))
        };
        let table = described.iter().rfind(is_of_query).or(described.last().filter(|_| is_strict));
        if !is_strict && (table.is_none() || !self.is_only || self.leads_to_parameters()) {
            return Vec::new();
        }
        let last = table.and_then(|table| table.table.rows.last());
        let is_missing = |parameter: &&Parameter| {
            let is_asked = is_strict || (parameter.location == Location::Query && parameter.deprecated.is_none());
            is_asked
                && !misspelt.contains(&parameter.name.value)
                && !lists(parameter)
                && (is_strict || !self.speaks_of(&parameter.name, described))
        };
        let missing: Vec<&Parameter> = self.operation.parameters.iter().filter(is_missing).collect();
        let names: Vec<String> = missing.iter().map(|parameter| format!("`{}`", parameter.name.value)).collect();
        match missing.as_slice() {
            // An outdated list is one finding.
            [first, _, ..] if !is_strict => {
                let finding = self.missing_parameter(first, last);
                let message = format!("the page does not describe the query parameters {}", names.join(", "));
                vec![Finding { message, ..finding }.help("describe them beside the others")]
            }
            _ => missing.into_iter().map(|parameter| self.missing_parameter(parameter, last)).collect(),
        }
    }

    /// Whether a link leads to parameters that are described elsewhere.
    fn leads_to_parameters(&self) -> bool {
        let speaks = |text: &str| words::is_of_parameters(text) || text.to_lowercase().contains("paginat");
        self.page.paragraphs.iter().filter(|paragraph| speaks(&paragraph.text)).any(|paragraph| {
            self.page
                .links
                .iter()
                .any(|link| paragraph.range.contains(&link.range.start) && !link.value.starts_with('#'))
        })
    }

    fn missing_parameter(&self, parameter: &Parameter, last: Option<&Row>) -> Finding {
        let here =
            last.map_or_else(|| self.page.top("this page"), |row| self.page.place(&row.range, "the last parameter"));
        let (place, name) = (parameter.location.name(), &parameter.name.value);
        let message = format!("the page does not describe the {place} parameter `{name}`");
        let finding = Finding::at(Rule::PageParameterMissing, here, message);
        let finding = finding.with(self.basis.place(parameter.name.span, "the contract describes it here"));
        let word = self.page.language.required_word(*parameter.required);
        finding.help(format!("add a row with `{name}` and `{word}` to a table of {place} parameters"))
    }

    /// Fields that are missing from the tables of an object. If several operations take the object, it may be described
    /// elsewhere.
    fn missing_fields(&self, described: &[Described<'_>], misspelt: &HashSet<String>) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Other parts of the pages may contain it.
        if !self.is_only {
            return findings;
        }
        let mut seen: Vec<&Object> = Vec::new();
        for table in described {
            let Some(object) = table.object.filter(|object| !seen.iter().any(|seen| std::ptr::eq(*seen, *object)))
            else {
                continue;
            };
            seen.push(object);
            let document = self.basis.document();
            let is_shared = object.is_shared(self.basis);
            if is_shared || object.is_answered(document, self.operation) {
                continue;
            }
            let is_sent = |field: &&Field| {
                field.schemas.iter().all(|schemas| {
                    let shape = self.basis.document().shape(schemas);
                    // Keys beside a reference are not interpreted, but `readOnly` there is clearly intended.
                    let is_meant = |id: &SchemaId| self.basis.document().schema(*id).read_only.is_none();
                    shape.read_only.is_none() && shape.deprecated.is_none() && schemas.ids().iter().all(is_meant)
                })
            };
            let fields =
                object.fields.values().filter(|field| field.is_common && !misspelt.contains(&field.name.value));
            let fields = fields.filter(is_sent);
            let is_silent =
                |field: &&Field| !self.speaks_of(&field.name, described) && !self.shows(field, object, described);
            let silent: Vec<&Field> = fields.filter(is_silent).collect();
            let (Some(first), Some(last)) = (silent.first(), table.table.rows.last()) else { continue };
            let names: Vec<String> = silent.iter().map(|field| format!("`{}`", field.name.value)).collect();
            let what = if names.len() == 1 { "the field" } else { "the fields" };
            let message = format!("the page does not describe {what} {} of the request", names.join(", "));
            let finding = Finding::at(Rule::PageFieldMissing, self.page.place(&last.range, "the last field"), message);
            let finding = finding.with(self.basis.place(first.name.span, "the contract has it"));
            findings.push(finding.help("add a row for it"));
        }
        findings
    }
}

fn lists(listing: &Listing<'_>, name: &str) -> bool {
    listing.entries.iter().any(|entry| entry.name.value == name)
}

/// The location that a table's heading or head gives for its parameters.
fn table_location(table: &Table, listing: &Listing<'_>) -> Option<&'static str> {
    words::location(&listing.head).or_else(|| words::location(&table.heading))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The finding for a cell with the wrong type.
pub fn wrong_kind(
    rule: Rule,
    page: &Page,
    said: (&Cell, Kind),
    kind: Kind,
    name: &str,
    is_strict: bool,
) -> Option<Finding> {
    let (cell, said) = said;
    // An integer is not a contradiction to a number.
    if said.covers(kind) || kind.covers(said) {
        return None;
    }
    let word = page.language.kind_word(kind);
    // Only the first word is replaced: the rest may still be right.
    let length = cell.text.find([' ', '(', ',']).unwrap_or(cell.text.len());
    let plain = page.source.text.get(cell.range.start..cell.range.start + length) == cell.text.get(..length);
    let range = if plain { cell.range.start..cell.range.start + length } else { cell.range.clone() };
    let word = if cell.text.trim_start().starts_with(char::is_uppercase) { capitalised(word) } else { word.to_owned() };
    let written = capitalised(page.language.kind_word(said));
    let message = format!("the page says that `{name}` is {written}, but the contract says {}", capitalised(&word));
    let finding = Finding::at(rule, page.place(&range, "the page says this"), message)
        .help(format!("write `{word}`, or correct the contract"));
    // Otherwise an example may prove that the page is right.
    Some(if plain && length > 0 && is_strict { finding.fix_with(word) } else { finding })
}
