//! One field of an object in the contract is changed; the pages stay.

use serde_json::{Value, json};

use super::contract_edits::{other, retype};
use super::edit::{Place, Said, Scene, in_contract, misnamed, there};
use super::page::{Name, Target, What};
use super::page_edits::{is_claimed, is_required_claim};

/// What the pages say of each field, by the object it is in.
fn about_fields<'a>(scene: &'a Scene) -> Vec<(String, String, Vec<Said<'a>>)> {
    let mut found: Vec<(String, String, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let (owner, name) = match &said.fact.what {
            What::Name(target) if is_claimed(&said, target, false) => (&target.owner, &target.name),
            What::Key(name, _) if name.is_closed => (&name.owner, &name.name),
            _ => continue,
        };
        let Some(owner) = owner else { continue };
        match found.iter_mut().find(|(at, known, _)| at == owner && known == name) {
            Some((.., all)) => all.push(said),
            None => found.push((owner.clone(), name.clone(), vec![said])),
        }
    }
    // Elsewhere it may be said less surely, and is as wrong.
    for said in scene.said() {
        let (What::Name(Target { owner, name, .. }) | What::Key(Name { owner, name, .. }, _)) = &said.fact.what else {
            continue;
        };
        let known = found.iter_mut().find(|(at, known, _)| Some(at) == owner.as_ref() && known == name);
        if let Some((.., all)) = known.filter(|(.., all)| all.iter().all(|other| other.line() != said.line())) {
            all.push(said);
        }
    }
    // Another schema that requires it would be at odds with the change.
    found.retain(|(owner, name, _)| !is_discriminator(scene, owner, name));
    found
}

fn is_discriminator(scene: &Scene, owner: &str, name: &str) -> bool {
    let text = &scene.api.text;
    scene.api.at(owner).get("discriminator").is_some() || text.contains(&format!("\"propertyName\":\"{name}\""))
}

pub fn fields(scene: &Scene, change: fn(&mut Value, &str, &str)) -> Vec<Place> {
    let place = |(owner, name, said): (String, String, Vec<Said>)| {
        let is_last = scene.api.object(&format!("{owner}/properties")).len() < 3;
        if is_last {
            return None;
        }
        in_contract(format!("`{name}` of {owner}"), &said, move |root| change(root, &owner, &name))
    };
    about_fields(scene).into_iter().filter_map(place).collect()
}

pub fn rename(root: &mut Value, owner: &str, name: &str) {
    let new = misnamed(name);
    let properties = there(root, &format!("{owner}/properties")).as_object_mut().unwrap();
    let renamed = std::mem::take(properties).into_iter();
    *properties = renamed.map(|(key, value)| (if key == name { new.clone() } else { key }, value)).collect();
    for required in there(root, owner).get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        if required == name {
            *required = json!(new);
        }
    }
}

pub fn remove(root: &mut Value, owner: &str, name: &str) {
    there(root, &format!("{owner}/properties")).as_object_mut().unwrap().shift_remove(name);
    require(there(root, owner), name, false);
}

fn require(schema: &mut Value, name: &str, is: bool) {
    let schema = schema.as_object_mut().unwrap();
    let mut names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    names.retain(|known| known != name);
    if is {
        names.push(json!(name));
    }
    match names.is_empty() {
        true => drop(schema.shift_remove("required")),
        false => drop(schema.insert("required".into(), json!(names))),
    }
}

pub fn field_type(scene: &Scene) -> Vec<Place> {
    let mut found: Vec<(String, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let at = match &said.fact.what {
            What::Type(target)
                if is_claimed(&said, target, false)
                    && scene.is_one(said.operation, &target.name)
                    && said.text() != "File" =>
            {
                &target.schema
            }
            What::Literal { kinds, at, .. } if kinds.len() == 1 => at,
            _ => continue,
        };
        match found.iter_mut().find(|(known, _)| known == at) {
            Some((_, all)) => all.push(said),
            None => found.push((at.clone(), vec![said])),
        }
    }
    let place = |(at, said): (String, Vec<Said>)| {
        let kind = scene.api.at(&at)["type"].as_str()?;
        let name = at.rsplit('/').next().unwrap_or_default();
        let to = other(kind, false).filter(|_| !is_discriminator(scene, &at, name))?;
        in_contract(format!("{at} {kind} -> {to}"), &said, retype(at, to))
    };
    found.into_iter().filter_map(place).collect()
}

pub fn field_required(scene: &Scene) -> Vec<Place> {
    let mut found: Vec<(String, String, bool, Vec<Said>)> = Vec::new();
    for said in scene.said() {
        let What::Required(target, _) = &said.fact.what else { continue };
        let is_claim =
            target.stated.is_some() && is_claimed(&said, target, false) && is_required_claim(scene, &said, target);
        // The object still requires something.
        let others = said.targets(target).filter(|other| other.required && other.name != target.name).count();
        let (Some(owner), true) = (&target.owner, is_claim && others > 0) else { continue };
        match found.iter_mut().find(|(at, known, ..)| at == owner && *known == target.name) {
            Some((.., all)) => all.push(said),
            None => found.push((owner.clone(), target.name.clone(), target.required, vec![said])),
        }
    }
    let place = |(owner, name, is, said): (String, String, bool, Vec<Said>)| {
        let own =
            scene.api.at(&owner)["required"].as_array().is_some_and(|names| names.iter().any(|known| *known == *name));
        // Otherwise another schema says it.
        (own == is).then(|| {
            in_contract(format!("`{name}` of {owner} required -> {}", !is), &said, move |root| {
                require(there(root, &owner), &name, !is);
            })
        })?
    };
    found.into_iter().filter_map(place).collect()
}
