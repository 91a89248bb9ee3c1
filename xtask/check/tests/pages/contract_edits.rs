//! One fact of the contract is changed; the pages stay.

use apidrift_core::rules::Severity;
use serde_json::{Value, json};

use super::api::{Location, below};
use super::edit::{Kind, Place, Said, Scene, in_contract, misnamed, there};
use super::field_edits::{field_required, field_type, fields, remove, rename};
use super::page::{Target, TargetKind, What};
use super::page_edits::is_claimed;

const fn error(name: &'static str, places: fn(&Scene) -> Vec<Place>) -> Kind {
    Kind { name, least: Severity::Warning, places }
}

pub const KINDS: &[Kind] = &[
    error("contract: a path", path),
    error("contract: a parameter's name", parameter_name),
    error("contract: a parameter less", parameter_less),
    error("contract: whether a parameter is required", parameter_required),
    error("contract: a parameter's type", parameter_type),
    error("contract: a field's name", |scene| fields(scene, rename)),
    error("contract: a field less", |scene| fields(scene, remove)),
    error("contract: a field's type", field_type),
    error("contract: whether a field is required", field_required),
    error("contract: a success's status", success),
    error("contract: an error less", error_less),
    error("contract: a value of an enumeration less", value_less),
];

fn path(scene: &Scene) -> Vec<Place> {
    let mut places = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for said in scene.said().filter(|said| matches!(said.fact.what, What::Segment)) {
        let (old, segment) = (said.operation.path.as_str(), said.text());
        let new = old.replace(&format!("/{segment}"), &format!("/{segment}-x"));
        if seen.contains(&old) || scene.api.fitting(old) != 1 || scene.api.fitting(&new) != 0 {
            continue;
        }
        seen.push(old);
        let about = scene
            .said()
            .filter(|other| other.operation.path == old && matches!(other.fact.what, What::Segment | What::Method));
        let about: Vec<Said> = about.collect();
        let (from, to) = (old.to_owned(), new.clone());
        places.extend(in_contract(format!("{old} -> {new}"), &about, move |root| {
            let paths = there(root, "/paths").as_object_mut().unwrap();
            let renamed = std::mem::take(paths).into_iter();
            *paths = renamed.map(|(key, value)| (if key == from { to.clone() } else { key }, value)).collect();
        }));
    }
    places
}

/// What the pages say of each parameter, by where it stands in the contract.
fn parameters<'a>(
    scene: &'a Scene,
    select: impl Fn(&Said<'a>) -> Option<&'a Target>,
) -> Vec<(String, Location, Vec<Said<'a>>)> {
    let mut found: Vec<(String, Location, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let Some(target) = select(&said) else { continue };
        let (TargetKind::Parameter(location), Some(owner)) = (target.kind, &target.owner) else { continue };
        if !is_claimed(&said, target, true) {
            continue;
        }
        match found.iter_mut().find(|(known, ..)| known == owner) {
            Some((_, _, all)) => all.push(said),
            None => found.push((owner.clone(), location, vec![said])),
        }
    }
    found
}

fn name_of<'a>(said: &Said<'a>) -> Option<&'a Target> {
    match &said.fact.what {
        What::Name(target) => Some(target),
        _ => None,
    }
}

fn parameter_name(scene: &Scene) -> Vec<Place> {
    let all = parameters(scene, name_of).into_iter().filter(|(_, location, _)| *location != Location::Path);
    let place = |(at, _, said): (String, Location, Vec<Said>)| {
        let new = misnamed(said[0].text());
        in_contract(format!("{} -> {new}", said[0].text()), &said, move |root| there(root, &at)["name"] = json!(new))
    };
    all.filter_map(place).collect()
}

fn parameter_less(scene: &Scene) -> Vec<Place> {
    let all = parameters(scene, name_of).into_iter().filter(|(_, location, _)| *location != Location::Path);
    let place = |(at, _, said): (String, Location, Vec<Said>)| {
        let (list, index) = at.rsplit_once('/')?;
        let (list, index) = (list.to_owned(), index.parse::<usize>().ok()?);
        in_contract(format!("{} at {at}", said[0].text()), &said, move |root| {
            there(root, &list).as_array_mut().unwrap().remove(index);
        })
    };
    all.filter_map(place).collect()
}

fn parameter_required(scene: &Scene) -> Vec<Place> {
    let all = parameters(scene, |said| match &said.fact.what {
        What::Required(target, _) if target.stated.is_some() && scene.is_one(said.operation, &target.name) => {
            Some(target)
        }
        _ => None,
    });
    let place = |(at, location, said): (String, Location, Vec<Said>)| {
        let is = scene.api.at(&at)["required"] == true;
        if location == Location::Path || (is && !scene.requires_parameters(&at)) {
            return None;
        }
        in_contract(format!("{at} required -> {}", !is), &said, move |root| there(root, &at)["required"] = json!(!is))
    };
    all.into_iter().filter_map(place).collect()
}

/// Another type than one that is said in a page.
pub fn other(kind: &str, in_query: bool) -> Option<&'static str> {
    Some(match kind {
        "integer" | "number" => "boolean",
        "boolean" => "integer",
        "string" if !in_query => "boolean",
        _ => return None,
    })
}

pub fn retype(at: String, to: &'static str) -> impl Fn(&mut Value) {
    move |root| {
        let schema = there(root, &at).as_object_mut().unwrap();
        schema.retain(|key, _| ["description", "title", "deprecated", "readOnly", "writeOnly"].contains(&key.as_str()));
        schema.insert("type".into(), json!(to));
    }
}

fn parameter_type(scene: &Scene) -> Vec<Place> {
    let all = parameters(scene, |said| match &said.fact.what {
        What::Type(target) if scene.is_one(said.operation, &target.name) && said.text() != "JSON" => Some(target),
        _ => None,
    });
    let place = |(at, _, said): (String, Location, Vec<Said>)| {
        let schema = format!("{at}/schema");
        let kind = scene.api.at(&schema)["type"].as_str()?;
        let to = other(kind, true)?;
        in_contract(format!("{at} {kind} -> {to}"), &said, retype(schema, to))
    };
    all.into_iter().filter_map(place).collect()
}

/// What the pages say of each response of an operation, by its status.
fn responses<'a>(scene: &'a Scene, is: fn(u16) -> bool) -> Vec<(usize, u16, Vec<Said<'a>>)> {
    let mut found: Vec<(usize, u16, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let What::Status(code) = said.fact.what else { continue };
        match found.iter_mut().find(|(index, known, _)| *index == said.fact.operation && *known == code) {
            Some((.., all)) => all.push(said),
            None if is(code) => found.push((said.fact.operation, code, vec![said])),
            None => {}
        }
    }
    found
}

fn success(scene: &Scene) -> Vec<Place> {
    let place = |(index, code, said): (usize, u16, Vec<Said>)| {
        let operation = &scene.api.operations[index];
        let all = operation.responses.first()?.all.clone();
        let to = [200, 201, 202, 203].into_iter().find(|other| !operation.answers(*other))?;
        in_contract(format!("{} {code} -> {to}", operation.call()), &said, move |root| {
            let all = there(root, &all).as_object_mut().unwrap();
            let response = all.shift_remove(&code.to_string()).unwrap();
            all.insert(to.to_string(), response);
        })
    };
    responses(scene, |code| code < 300).into_iter().filter_map(place).collect()
}

fn error_less(scene: &Scene) -> Vec<Place> {
    let place = |(index, code, said): (usize, u16, Vec<Said>)| {
        let operation = &scene.api.operations[index];
        let all = operation.responses.first()?.all.clone();
        let statuses = operation.responses.iter().map(|response| response.status.to_uppercase());
        let is_covered = statuses.clone().any(|status| status == "DEFAULT" || status == format!("{}XX", code / 100));
        if is_covered || statuses.count() < 2 {
            return None;
        }
        in_contract(format!("{} without {code}", operation.call()), &said, move |root| {
            there(root, &all).as_object_mut().unwrap().shift_remove(&code.to_string());
        })
    };
    responses(scene, |code| code >= 400).into_iter().filter_map(place).collect()
}

fn value_less(scene: &Scene) -> Vec<Place> {
    let mut found: Vec<(String, Value, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let (at, value) = match &said.fact.what {
            What::Listed(target, value) if said.is_anchored(target) && scene.is_one(said.operation, &target.name) => {
                (&target.schema, value)
            }
            What::Literal { kinds, at, value, .. } if kinds.len() == 1 => (at, value),
            _ => continue,
        };
        let flat = scene.api.flat(at);
        let listing = flat.members.iter().find(|member| scene.api.at(member).get("enum").is_some());
        let Some(listing) = listing.filter(|_| flat.alternatives.is_none()) else { continue };
        match found.iter_mut().find(|(known, same, _)| known == listing && same == value) {
            Some((.., all)) => all.push(said),
            None => found.push((listing.clone(), value.clone(), vec![said])),
        }
    }
    let place = |(at, value, said): (String, Value, Vec<Said>)| {
        let schema = scene.api.at(&at);
        if schema["enum"].as_array()?.len() < 2 || scene.api.text.contains(&format!("\"default\":{value}")) {
            return None;
        }
        in_contract(format!("{at} without {value}"), &said, move |root| {
            there(root, &below(&at, "enum")).as_array_mut().unwrap().retain(|known| *known != value);
        })
    };
    found.into_iter().filter_map(place).collect()
}
