//! One fact of a page is changed; the contract stays.

use apidrift_core::rules::Severity;
use serde_json::Value;

use super::api::{Location, Parameter};
use super::call;
use super::edit::{Change, Kind, Place, Said, Scene, misnamed};
use super::example::Way;
use super::page::{Target, TargetKind, What};
use super::words::Words;

const fn error(name: &'static str, places: fn(&Scene) -> Vec<Place>) -> Kind {
    Kind { name, least: Severity::Warning, places }
}

pub const KINDS: &[Kind] = &[
    error("page: a declared path", path),
    error("page: a declared method", method),
    error("page: a parameter's name", |scene| names(scene, true)),
    error("page: a field's name", |scene| names(scene, false)),
    error("page: a row less", row_less),
    error("page: whether a parameter is required", |scene| required(scene, true)),
    error("page: whether a field is required", |scene| required(scene, false)),
    error("page: a parameter's type", |scene| types(scene, true)),
    error("page: a field's type", |scene| types(scene, false)),
    error("page: a value of an enumeration", listed),
    error("page: a default", defaults),
    error("page: a success's status", |scene| statuses(scene, 200..300, &[200, 201, 202, 204])),
    error("page: an error's status", |scene| statuses(scene, 400..600, &[418, 423, 451, 507])),
    error("page: a field in an answer", |scene| keys(scene, Way::Response)),
    error("page: a value's type in an answer", |scene| literals(scene, Way::Response)),
    error("page: a field in a request", |scene| keys(scene, Way::Request)),
    error("page: a value's type in a request", |scene| literals(scene, Way::Request)),
    error("page: a command's method", command_method),
    error("page: a command's path", command_path),
    error("page: a command's query", command_query),
    error("page: a comma too many", comma),
    error("page: a string without its end", string_end),
    // Those who read a shell's quotes as well as people do say this aside.
    Kind { name: "page: a command without its last quote", least: Severity::Note, places: quote },
    error("page: a permission", permission),
    error("page: a rate limit", rate_limit),
];

fn path(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| {
        let new = said.operation.path.replace(&format!("/{}", said.text()), &format!("/{}-x", said.text()));
        matches!(said.fact.what, What::Segment) && scene.api.fitting(&new) == 0
    };
    scene.said().filter(is).map(|said| said.replaced(format!("{}-x", said.text()))).collect()
}

fn method(scene: &Scene) -> Vec<Place> {
    let declared = scene.said().filter(|said| matches!(said.fact.what, What::Method));
    let place = |said: Said| {
        let other = scene.other_method(said.operation)?;
        let is_lower = said.text().chars().all(char::is_lowercase);
        Some(said.replaced(if is_lower { other.to_lowercase() } else { other.to_owned() }))
    };
    declared.filter_map(place).collect()
}

/// A parameter or a field of the request's own object, in a table that is surely one of those.
pub fn is_claimed(said: &Said, target: &Target, is_parameter: bool) -> bool {
    let is_kind = match target.kind {
        TargetKind::Parameter(_) => is_parameter,
        TargetKind::Field { .. } => !is_parameter,
        _ => false,
    };
    is_kind && said.is_anchored(target) && target.owner.is_some()
}

fn names(scene: &Scene, is_parameter: bool) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said() {
        if let What::Name(target) = &said.fact.what
            && is_claimed(&said, target, is_parameter)
        {
            places.push(said.replaced(misnamed(&target.name)));
        }
    }
    places
}

fn row_less(scene: &Scene) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said() {
        let What::Row(target) = &said.fact.what else { continue };
        let is_parameter = matches!(target.kind, TargetKind::Parameter(_));
        if !is_claimed(&said, target, is_parameter) || target.kind == TargetKind::Parameter(Location::Path) {
            continue;
        }
        let here =
            |fact: &&super::page::Fact| fact.operation == said.fact.operation && matches!(fact.what, What::Section);
        let Some(section) = said.page.facts.iter().find(here) else { continue };
        let (before, after) = (
            &said.page.text[section.range.start..said.fact.range.start],
            &said.page.text[said.fact.range.end..section.range.end],
        );
        // It is nowhere else, and belongs to this operation alone.
        let is_shared = scene.said().any(|other| {
            let same = |what: &What| matches!(what, What::Row(known) if known.owner == target.owner && known.name == target.name);
            other.fact.operation != said.fact.operation && same(&other.fact.what)
        });
        // What the operation answers with, too, may be left to the server.
        let answers = said.operation.responses.iter().flat_map(|response| &response.media);
        let mut answers = answers.filter_map(|media| media.schema.as_ref());
        let is_answered = answers.any(|schema| {
            let flat = scene.api.flat(schema);
            target.owner.as_ref().is_some_and(|owner| flat.members.contains(owner))
        });
        if is_answered || before.contains(&target.name) || after.contains(&target.name) || is_shared {
            continue;
        }
        let lines = said.page.line_of(section.range.start)..said.page.line_of(section.range.end);
        places.push(Place {
            at: format!("{}:{} without `{}`", said.page.path, said.line().1, target.name),
            change: Change::Page { page: said.number, range: said.fact.range.clone(), with: String::new() },
            lines: Vec::new(),
            missing: Some((target.name.clone(), said.number, lines)),
        });
    }
    places
}

/// Whether what a page says of a parameter or field being required can be held against it.
pub fn is_required_claim(scene: &Scene, said: &Said, target: &Target) -> bool {
    let is_stated = match target.kind {
        TargetKind::Parameter(Location::Path) => true,
        TargetKind::Parameter(_) => scene.requires_parameters(""),
        _ => said.targets(target).any(|other| other.required),
    };
    is_stated && scene.is_one(said.operation, &target.name)
}

fn required(scene: &Scene, is_parameter: bool) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said() {
        let What::Required(target, other) = &said.fact.what else { continue };
        // An asterisk that is not there says nothing.
        let says = !other.is_empty();
        if says && is_claimed(&said, target, is_parameter) && is_required_claim(scene, &said, target) {
            places.push(said.replaced(*other));
        }
    }
    places
}

/// Another type in the words of a page.
pub fn retyped(words: &Words, kind: &str, shown: &str, is_parameter: bool) -> Option<String> {
    let other = match kind {
        "string" if shown.len().is_multiple_of(2) => "array",
        "string" | "integer" | "number" => "boolean",
        "boolean" => "integer",
        // In a query everything is text somehow.
        "array" | "object" if !is_parameter => "string",
        _ => return None,
    };
    let word = words.kind(other);
    Some(if shown.chars().next().is_some_and(char::is_lowercase) { word.to_lowercase() } else { word.to_owned() })
}

fn types(scene: &Scene, is_parameter: bool) -> Vec<Place> {
    let words = super::words_of(scene.language);
    let mut places = Vec::new();
    for said in scene.said() {
        let What::Type(target) = &said.fact.what else { continue };
        let kinds = scene.api.kinds(&target.schema);
        let ([kind], true) = (&kinds[..], is_claimed(&said, target, is_parameter)) else { continue };
        let is_other = ["JSON", "File"].contains(&said.text());
        if let Some(other) = retyped(words, kind, said.text(), is_parameter).filter(|_| !is_other)
            && scene.is_one(said.operation, &target.name)
        {
            places.push(said.replaced(other));
        }
    }
    places
}

fn listed(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| matches!(&said.fact.what, What::Listed(target, _) if said.is_anchored(target) && scene.is_one(said.operation, &target.name));
    scene.said().filter(is).map(|said| said.replaced(format!("{}ish", said.text()))).collect()
}

fn defaults(scene: &Scene) -> Vec<Place> {
    let other = |text: &str| match text {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        text if text.parse::<i64>().is_ok() => format!("{text}7"),
        text => format!("{text}ish"),
    };
    let is = |said: &Said| matches!(&said.fact.what, What::Default(target) if said.is_anchored(target) && scene.is_one(said.operation, &target.name));
    scene.said().filter(is).map(|said| said.replaced(other(said.text()))).collect()
}

fn statuses(scene: &Scene, range: std::ops::Range<u16>, others: &[u16]) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said() {
        let What::Status(code) = said.fact.what else { continue };
        let other = others.iter().find(|other| !said.operation.answers(**other));
        if let Some(other) = other.filter(|_| range.contains(&code)) {
            places.push(said.replaced(said.text().replace(&code.to_string(), &other.to_string())));
        }
    }
    places
}

fn keys(scene: &Scene, way: Way) -> Vec<Place> {
    let is = |said: &Said| matches!(&said.fact.what, What::Key(name, own) if *own == way && name.is_closed);
    scene.said().filter(is).map(|said| said.replaced(misnamed(said.text()))).collect()
}

fn literals(scene: &Scene, way: Way) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said() {
        let What::Literal { kinds, value, way: own, .. } = &said.fact.what else { continue };
        if *own == way && kinds.len() == 1 {
            let other = if matches!(value, Value::String(_)) { "17" } else { "\"seventeen\"" };
            places.push(said.replaced(other));
        }
    }
    places
}

fn command_method(scene: &Scene) -> Vec<Place> {
    let called = scene.said().filter(|said| matches!(said.fact.what, What::CallMethod));
    called.filter_map(|said| Some(said.replaced(scene.other_method(said.operation)?))).collect()
}

fn command_path(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| {
        let parts = call::parts(&said.operation.path, |name| format!("{{{name}}}"));
        let changed = call::text_of(&parts).replace(&format!("/{}", said.text()), &format!("/{}-x", said.text()));
        matches!(said.fact.what, What::CallSegment) && scene.api.fitting(&changed) == 0
    };
    scene.said().filter(is).map(|said| said.replaced(format!("{}-x", said.text()))).collect()
}

fn command_query(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| {
        let query = || said.operation.parameters.iter().filter(|one| one.location == Location::Query);
        // A parameter that is an object may have any name.
        let is_plain = |one: &Parameter| {
            let kinds = scene.api.kinds(&one.schema);
            !one.has_content && !kinds.is_empty() && !kinds.iter().any(|kind| kind == "object")
        };
        query().any(|one| one.name == said.text()) && query().all(is_plain)
    };
    let sent = scene.said().filter(|said| matches!(said.fact.what, What::CallQuery));
    sent.filter(is).map(|said| said.replaced(misnamed(said.text()))).collect()
}

/// What stands in this line of JSON or the next, where a reader notices.
fn broken(said: &Said, with: &str) -> Place {
    let mut place = said.replaced(with);
    let (page, line) = said.line();
    place.lines.push((page, line + 1));
    place
}

fn comma(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| matches!(said.fact.what, What::Last) && scene.has_json_fences;
    scene.said().filter(is).map(|said| broken(&said, ",")).collect()
}

fn string_end(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| matches!(said.fact.what, What::StringEnd) && scene.has_json_fences;
    scene.said().filter(is).map(|said| broken(&said, "")).collect()
}

fn quote(scene: &Scene) -> Vec<Place> {
    let mut places = Vec::new();
    for said in scene.said().filter(|said| matches!(said.fact.what, What::Quote)) {
        let fence = said.page.text[..said.fact.range.start].rfind("```").unwrap_or_default();
        let mut place = said.replaced("");
        place.lines = (said.page.line_of(fence)..=said.line().1).map(|line| (said.number, line)).collect();
        places.push(place);
    }
    places
}

fn permission(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| matches!(said.fact.what, What::Permission);
    scene.said().filter(is).map(|said| said.replaced(format!("{}_all", said.text()))).collect()
}

fn rate_limit(scene: &Scene) -> Vec<Place> {
    let is = |said: &Said| matches!(said.fact.what, What::RateLimit);
    scene.said().filter(is).map(|said| said.replaced(format!("{}5", said.text()))).collect()
}
