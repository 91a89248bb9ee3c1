//! Compares request and response bodies on a page with their schemas.
//!
//! What a block shows is determined by its surroundings, never by the schema that it fits. Only the first misfit of a
//! block is reported, and for each place of the contract only the first block that does not fit.

use std::collections::HashSet;
use std::ops::Range;

use openapi_model::document::{Document, Response, Status, essence};
use openapi_model::node::{Entry, Node, Value, pointer_keys};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::span::Span;
use openapi_model::values::{self, Direction};

use super::about::About;
use super::context::{self, Shows};
use super::shapes::{self, Others, Variants};
use crate::page::CodeBlock;
use crate::page::json::{self, ShownValue};
use crate::page::words::Role;
use apidrift_core::contract::json as json_media;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Places of the contract with the misfits already reported for them.
pub type Reported = HashSet<(Span, String)>;

/// A part of a body that does not fit its schema.
struct Misfit {
    message: String,
    range: Range<usize>,
    /// The place of the contradicted definition, at which the same misfit in another block is not reported again.
    place: Span,
    key: String,
}

/// Languages of blocks that contain or may contain JSON.
const JSON: [&str; 8] = ["json", "jsonc", "json5", "js", "javascript", "http", "", "text"];

impl About<'_, '_> {
    /// Compares the bodies in code blocks.
    pub(super) fn bodies(&self, reported: &mut Reported) -> Vec<Finding> {
        let blocks = self.page.blocks.iter().filter(|block| JSON.contains(&block.language.as_str()));
        blocks.flat_map(|block| self.block(block, reported)).collect()
    }

    fn block(&self, block: &CodeBlock, reported: &mut Reported) -> Vec<Finding> {
        let shown = json::read(&block.text, block.text.range.start);
        let mut findings = Vec::new();
        // A block with comments or omissions is an illustration.
        let is_cut = shown.values.iter().any(|value| !value.is_fragment && value.is_abridged(&value.node.range));
        let has_comments = block.text.lines().any(|line| line.trim_start().starts_with("//") || line.contains(" // "));
        if let Some(mistake) = shown.mistake.as_ref().filter(|_| !is_cut && !has_comments) {
            let message = format!("this is not JSON: {}", mistake.message);
            let finding = Finding::at(Rule::PageBodySyntax, self.page.place(&mistake.range, "here"), message);
            findings.push(finding.help("show the body as it is sent"));
        }
        // Request bodies in example requests are compared elsewhere.
        let is_request = |value: &&ShownValue| {
            value.start_line.as_ref().is_some_and(|line| {
                context::shows_line(self.page, line).is_some_and(|shows| shows.role == Role::Request)
            })
        };
        for value in shown.values.iter().filter(|value| !is_request(value)) {
            let inside = [&value.start_line, &value.caption].into_iter().flatten();
            let inside = inside.filter_map(|line| context::shows_line(self.page, line)).next();
            let Some(shows) = context::shows(self.page, block, inside) else { continue };
            findings.extend(match shows.role {
                Role::Request if self.operation.body.is_none() => self.unexpected_body(value),
                _ => self.body_finding(value, &shows, reported),
            });
        }
        findings
    }

    /// A request body for an operation that has none.
    fn unexpected_body(&self, value: &ShownValue) -> Option<Finding> {
        let first = value.node.entries().first()?;
        let message = "the page shows a request body, but the operation accepts none";
        let finding = Finding::at(Rule::PageBody, self.page.place(&first.key_range, "in this body"), message);
        let finding = finding.with(self.basis.place(self.operation.id.span, "of this operation"));
        Some(finding.help("leave the body out, or describe it in the contract"))
    }

    /// The finding for a body, if it does not fit.
    pub(super) fn body_finding(&self, value: &ShownValue, shows: &Shows, reported: &mut Reported) -> Option<Finding> {
        let (misfits, schema) = self.disagreement(value, shows)?;
        // A misfit at a place of the contract is reported only once.
        let mut misfits = misfits.into_iter().filter(|misfit| reported.insert((misfit.place, misfit.key.clone())));
        let first = misfits.next()?;
        let title = shapes::title(self.basis.document(), schema);
        let message = format!("the body does not fit {title}: {}", first.message);
        let finding = Finding::at(Rule::PageBody, self.page.place(&first.range, "in this body"), message);
        let mut finding = finding.with(self.basis.place(first.place, "the contract says this"));
        let others: Vec<String> = misfits.map(|other| other.message).collect();
        for other in others.iter().take(3) {
            finding = finding.note(format!("also: {other}"));
        }
        if others.len() > 3 {
            finding = finding.note(format!("and {} more", others.len() - 3));
        }
        Some(finding.help(match shows.role {
            Role::Request => "show a body that the operation accepts",
            _ => "show a body that the operation really returns",
        }))
    }

    /// The misfits of a value, for the possible schema with the fewest. `None` if the value fits, or if the contract
    /// has no schema for it.
    fn disagreement(&self, value: &ShownValue, shows: &Shows) -> Option<(Vec<Misfit>, SchemaId)> {
        let direction = if shows.role == Role::Request { Direction::Request } else { Direction::Response };
        let schemas = self.schemas(shows);
        self.basis.count(schemas.iter().len());
        let mut best: Option<(Vec<Misfit>, SchemaId)> = None;
        for schema in schemas? {
            let misfits = self.misfits_of(value, schema, direction, shows.is_near)?;
            if best.as_ref().is_none_or(|(known, _)| misfits.len() < known.len()) {
                best = Some((misfits, schema));
            }
        }
        best.filter(|(misfits, _)| !misfits.is_empty())
    }

    /// The possible schemas of the value; `None` if the contract does not define enough.
    fn schemas(&self, shows: &Shows) -> Option<Vec<SchemaId>> {
        if shows.role == Role::Request {
            return self
                .operation
                .body
                .as_ref()?
                .content
                .iter()
                .filter(|media| is_json(&media.name))
                .map(|media| media.schema)
                .collect();
        }
        let of_status = |status: u16| -> Vec<&Response> {
            let exact = |response: &&Response| *response.status == Status::Code(status);
            let range = |response: &&Response| matches!(*response.status, Status::Range(digit) if u16::from(digit) == status / 100);
            let all = || self.operation.responses.iter();
            let first = all().find(exact).or_else(|| all().find(range));
            first.or_else(|| all().find(|response| *response.status == Status::Default)).into_iter().collect()
        };
        let is_error = |response: &&Response| {
            matches!(*response.status, Status::Code(400..=599) | Status::Range(4 | 5) | Status::Default)
        };
        let responses: Vec<&Response> = match (&shows.status, shows.role) {
            (Some(status), _) => of_status(status.value),
            (None, Role::Error) => self.operation.responses.iter().filter(is_error).collect(),
            (None, _) => {
                let successes: Vec<&Response> = self.operation.successes().collect();
                if successes.is_empty() {
                    self.operation.responses.iter().filter(|response| *response.status == Status::Default).collect()
                } else {
                    successes
                }
            }
        };
        // If one of them is not JSON or has no schema, the schema is unknown.
        let schema = |response: &&Response| json_media(&response.content)?.schema;
        let schemas: Option<Vec<SchemaId>> = responses.iter().map(schema).collect();
        schemas.filter(|schemas| !schemas.is_empty())
    }

    fn misfits_of(
        &self,
        value: &ShownValue,
        schema: SchemaId,
        direction: Direction,
        is_near: bool,
    ) -> Option<Vec<Misfit>> {
        let document = self.basis.document();
        let schemas = [AllOf::from(schema)];
        let fields = Variants::of(document, &schemas).fields();
        let is_known = |key: &str| fields.named.contains_key(key) || !matches!(fields.others, Others::None);
        let entries = value.node.entries();
        if entries.is_empty() || fields.named.is_empty() || entries.iter().any(|entry| is_known(&entry.key)) {
            return self.held(value, &schemas, direction, is_near);
        }
        // If none of the names is known, it may be part of a body, or an object around one.
        if let Some(part) = part_with(document, &schemas, entries) {
            return self.held(value, &part, direction, false);
        }
        let is_around = |entry: &Entry| {
            let inner = entry.value.items().first().unwrap_or(&entry.value).entries();
            inner.iter().filter(|entry| is_known(&entry.key)).count() * 2 >= inner.len().max(1)
        };
        if !is_near || value.is_fragment || value.is_partial || entries.iter().any(is_around) {
            return None;
        }
        let names: Vec<String> = entries.iter().take(4).map(|entry| format!("`{}`", entry.key)).collect();
        Some(vec![Misfit {
            message: format!("it has none of the fields that are shown ({})", names.join(", ")),
            range: entries[0].key_range.clone(),
            place: document.schema(document.target(schema)).span,
            key: names.join(" "),
        }])
    }

    /// Validates a value against schemas, one of which must fit. Nothing can be missing from an incomplete value.
    fn held(&self, value: &ShownValue, schemas: &[AllOf], direction: Direction, is_whole: bool) -> Option<Vec<Misfit>> {
        let document = self.basis.document();
        let mut found = Vec::new();
        if let [only] = schemas
            && let [id] = only.ids()
            && !value.is_fragment
        {
            let all = self.basis.misfits(*id, direction, &value.node)?;
            let all = all.into_iter().flat_map(|misfit| self.narrowed(schemas, direction, &value.node, misfit, 0));
            for misfit in all {
                let is_missing = misfit.message.ends_with("is a required property");
                if (is_whole || !is_missing) && self.is_claim(value, &misfit.range, &misfit.message) {
                    // A missing field is reported at the place of the object that requires it.
                    let pointer = misfit.pointer.as_str();
                    let whose =
                        if is_missing { pointer.rsplit_once('/').map_or("", |(outer, _)| outer) } else { pointer };
                    let place = place_of(document, *id, whose);
                    let key = generalised(&misfit.message);
                    let message = about_part(whose, &misfit.message);
                    found.push(Misfit { key, message, range: misfit.range, place });
                }
            }
        }
        unknown_fields(document, schemas, direction, value, &value.node, &mut found);
        // An unknown field comes before a missing one, because it may be a misspelling of that.
        found.sort_by_key(|misfit| (!misfit.message.starts_with("there is no field"), misfit.range.start));
        Some(found)
    }

    /// The reason why a value fits none of several alternatives: the misfits of the best alternative, if that is clear.
    fn narrowed(
        &self,
        schemas: &[AllOf],
        direction: Direction,
        node: &Node,
        misfit: values::Misfit,
        depth: usize,
    ) -> Vec<values::Misfit> {
        let is_of_none = misfit.message.contains("is not valid under any of the schemas");
        let (Some(here), true) = (at(node, &misfit.pointer), is_of_none && depth < 4) else { return vec![misfit] };
        let document = self.basis.document();
        let shapes = walk(document, schemas, &misfit.pointer).unwrap_or_default();
        let groups = shapes.iter().flat_map(|schemas| document.shape(schemas).alternatives.clone());
        let members: Vec<AllOf> = groups.flat_map(|alternatives| alternatives.members).collect();
        let mut best: Vec<(usize, SchemaId, Vec<values::Misfit>)> = Vec::new();
        for id in members.iter().filter_map(|member| if let [id] = member.ids() { Some(*id) } else { None }) {
            let misfits = self.basis.misfits(id, direction, here).unwrap_or_default();
            // An alternative of a different type.
            let is_other =
                misfits.iter().any(|misfit| misfit.pointer.is_empty() && misfit.message.contains("is not of type"));
            if !misfits.is_empty() && !is_other {
                // A wrong discriminator value counts more.
                let tells = |misfit: &&values::Misfit| {
                    let is_value = misfit.message.contains("is not one of") || misfit.message.contains("was expected");
                    is_value && misfit.pointer.matches('/').count() == 1
                };
                best.push((misfits.len() + 10 * misfits.iter().filter(tells).count(), id, misfits));
            }
        }
        best.sort_by_key(|(count, ..)| *count);
        match &best[..] {
            [(least, _, misfits), (next, ..), ..] if least == next => {
                // A misfit with every alternative is certain.
                let is_in_all = |one: &&values::Misfit| {
                    let has = |misfits: &[values::Misfit]| misfits.iter().any(|other| other.pointer == one.pointer);
                    !one.pointer.is_empty() && best.iter().all(|(.., misfits)| has(misfits))
                };
                let common = misfits.iter().find(is_in_all).map(|common| values::Misfit {
                    pointer: format!("{}{}", misfit.pointer, common.pointer),
                    ..common.clone()
                });
                vec![common.unwrap_or(misfit)]
            }
            [(_, id, misfits), ..] => {
                let schemas = [AllOf::from(*id)];
                let below = misfits.clone().into_iter();
                let below = below.flat_map(|below| self.narrowed(&schemas, direction, here, below, depth + 1));
                let moved = |below: values::Misfit| values::Misfit {
                    pointer: format!("{}{}", misfit.pointer, below.pointer),
                    ..below
                };
                below.map(moved).collect()
            }
            [] => vec![misfit],
        }
    }

    /// Whether a misfit is a claim of the page: not if the value is a placeholder, and not if something is left out.
    fn is_claim(&self, value: &ShownValue, range: &Range<usize>, message: &str) -> bool {
        let text = self.page.source.text.get(range.clone()).unwrap_or_default();
        // An example may fit several alternatives, and its IDs may be shorter than real ones.
        if message.contains("more than one of the schemas") || message.ends_with("is not a \"uuid\"") {
            return false;
        }
        let is_missing = message.ends_with("is a required property");
        let is_cut = value.is_partial || value.is_abridged(range);
        // The type of a placeholder is unknown, and so is the alternative that contains it.
        let is_of_type = message.contains(" is not of type");
        let is_placeholder = value.placeholders().iter().any(|placeholder| match is_of_type {
            true => placeholder == range,
            false => placeholder.start >= range.start && placeholder.end <= range.end,
        });
        // Contracts often omit that a value may be null.
        !(is_missing && is_cut) && text != "null" && (is_missing || !is_placeholder)
    }
}

/// The first object in the schemas that has half of the given names.
fn part_with(document: &Document, schemas: &[AllOf], entries: &[Entry]) -> Option<Vec<AllOf>> {
    let mut open = vec![schemas.to_vec()];
    let mut seen: HashSet<Vec<AllOf>> = HashSet::new();
    while let Some(schemas) = open.pop() {
        if seen.len() > 200 || !seen.insert(schemas.clone()) {
            continue;
        }
        let variants = Variants::of(document, &schemas);
        let fields = variants.fields();
        let known = entries.iter().filter(|entry| fields.named.contains_key(&entry.key)).count();
        if known * 2 >= entries.len() && known > 0 {
            return Some(schemas);
        }
        open.extend(fields.named.into_values().rev().map(|field| field.schemas));
        open.extend(variants.items(0));
    }
    None
}

fn is_json(name: &str) -> bool {
    let essence = essence(name);
    essence.ends_with("json") || matches!(essence.as_str(), "*/*" | "application/*")
}

/// A message with the name of the field that it is about, and without long values.
fn about_part(pointer: &str, message: &str) -> String {
    let names: Vec<String> = pointer_keys(pointer).filter(|key| key.parse::<usize>().is_err()).collect();
    let message = match message.find(" is not ") {
        Some(at) if at > 60 => format!("what is shown{}", &message[at..]),
        _ => message.to_owned(),
    };
    if names.is_empty() { message } else { format!("`{}`: {message}", names.join(".")) }
}

/// A message without the value that it is about.
fn generalised(message: &str) -> String {
    match message.find(" is not ") {
        Some(at) => message[at..].to_owned(),
        None => message.to_owned(),
    }
}

/// The part of a value at a JSON pointer.
fn at<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer_keys(pointer).try_fold(node, |here, key| here.child(&key))
}

/// The schemas below some schemas at one key of a JSON pointer.
fn below(document: &Document, schemas: &[AllOf], key: &str) -> Option<Vec<AllOf>> {
    let variants = Variants::of(document, schemas);
    let fields = variants.fields();
    match (fields.named.get(key), key.parse::<usize>()) {
        (Some(field), _) => Some(field.schemas.clone()),
        (None, Ok(index)) => variants.items(index),
        (None, Err(_)) => match fields.others {
            Others::Some(others) => Some(others),
            _ => None,
        },
    }
}

/// The schemas below some schemas at a JSON pointer.
fn walk(document: &Document, schemas: &[AllOf], pointer: &str) -> Option<Vec<AllOf>> {
    pointer_keys(pointer).try_fold(schemas.to_vec(), |schemas, key| below(document, &schemas, &key))
}

/// The place in the contract that defines the value at a JSON pointer.
fn place_of(document: &Document, schema: SchemaId, pointer: &str) -> Span {
    let mut schemas = vec![AllOf::from(schema)];
    let mut place = document.schema(document.target(schema)).span;
    for key in pointer_keys(pointer) {
        let Some(below) = below(document, &schemas, &key) else { break };
        let id = below.first().and_then(|schemas| schemas.ids().first().copied());
        place = id.map_or(place, |id| document.schema(document.target(id)).span);
        schemas = below;
    }
    place
}

/// Fields that the contract does not have, in objects for which it lists all fields.
fn unknown_fields(
    document: &Document,
    schemas: &[AllOf],
    direction: Direction,
    shown: &ShownValue,
    node: &Node,
    found: &mut Vec<Misfit>,
) {
    match &node.value {
        Value::Array(items) => {
            let variants = Variants::of(document, schemas);
            for (index, item) in items.iter().enumerate() {
                let Some(schemas) = variants.items(index) else { break };
                unknown_fields(document, &schemas, direction, shown, item, found);
            }
        }
        Value::Object(entries) => {
            let fields = Variants::of(document, schemas).fields();
            // A request object with mostly unknown fields may have names chosen by the user.
            let known = entries.iter().filter(|entry| fields.named.contains_key(&entry.key)).count();
            let is_own = direction == Direction::Request && known * 2 < entries.len();
            let takes_any = is_own || schemas.iter().any(|schemas| shapes::takes_any_field(document, schemas));
            for entry in entries {
                match (fields.named.get(&entry.key), &fields.others) {
                    (Some(field), _) => unknown_fields(document, &field.schemas, direction, shown, &entry.value, found),
                    (None, Others::Some(schemas)) => {
                        unknown_fields(document, schemas, direction, shown, &entry.value, found)
                    }
                    (None, Others::None)
                        if !takes_any && !fields.named.is_empty() && !shown.is_placeholder(&entry.key_range) =>
                    {
                        let id = schemas.first().and_then(|schemas| schemas.ids().first().copied());
                        let Some(id) = id else { continue };
                        found.push(Misfit {
                            message: format!("there is no field `{}`", entry.key),
                            range: entry.key_range.clone(),
                            place: document.schema(document.target(id)).span,
                            key: entry.key.clone(),
                        });
                    }
                    (None, _) => {}
                }
            }
        }
        _ => {}
    }
}
