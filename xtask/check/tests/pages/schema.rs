//! What a schema says together with all that counts with it: references and `allOf` are put together.

use serde_json::Value;

use super::api::Api;

/// A field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    /// Its schema.
    pub at: String,
    /// The schema that has it in its `properties`; nothing if several have.
    pub owner: Option<String>,
    pub required: bool,
    pub read_only: bool,
    pub write_only: bool,
    pub deprecated: bool,
}

/// What a value has to be.
#[derive(Debug, Clone, Default)]
pub struct Flat {
    pub members: Vec<String>,
    /// Its types without null; none if nothing is said of them.
    pub kinds: Vec<String>,
    pub fields: Vec<Field>,
    /// Whether other fields than these are allowed on purpose.
    pub is_open: bool,
    /// The schema of other fields.
    pub others: Option<String>,
    /// `oneOf` or `anyOf`, the schemas in it, and whether several may fit.
    pub alternatives: Option<(Vec<String>, bool)>,
    /// It says things that this reading does not know, or refers to other files.
    pub is_unclear: bool,
    pub values: Option<Vec<Value>>,
}

/// What changes which values fit and is not understood here.
const UNCLEAR: [&str; 15] = [
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "dependencies",
    "unevaluatedProperties",
    "unevaluatedItems",
    "prefixItems",
    "contains",
    "$dynamicRef",
    "$recursiveRef",
];

impl Api {
    /// The schemas that count together at a place.
    fn members(&self, at: &str, found: &mut Vec<String>) -> bool {
        let Some(here) = self.resolved(at) else { return false };
        if found.contains(&here) {
            return true;
        }
        found.push(here.clone());
        // In 3.1, what stands beside a reference counts.
        let beside = at != here && self.at(at).get("$ref").is_some() && self.object(at).len() > 1;
        let known = ["$ref", "description", "summary", "title", "example", "examples", "deprecated"];
        let is_clear = !beside || self.object(at).keys().all(|key| known.contains(&key.as_str()));
        let count = self.at(&here)["allOf"].as_array().map_or(0, Vec::len);
        (0..count).fold(is_clear, |is, index| self.members(&format!("{here}/allOf/{index}"), found) && is)
    }

    pub fn flat(&self, at: &str) -> Flat {
        let mut flat = Flat::default();
        flat.is_unclear = !self.members(at, &mut flat.members);
        for member in flat.members.clone() {
            self.add(&mut flat, &member);
        }
        let required: Vec<&str> = flat
            .members
            .iter()
            .flat_map(|member| self.at(member)["required"].as_array().into_iter().flatten().filter_map(Value::as_str))
            .collect();
        for field in &mut flat.fields {
            field.required = required.contains(&field.name.as_str());
        }
        if required.iter().any(|name| !flat.fields.iter().any(|field| field.name == *name)) {
            flat.is_unclear = true;
        }
        if flat.kinds.is_empty() {
            let says = |key: &str| flat.members.iter().any(|member| self.at(member).get(key).is_some());
            match () {
                () if !flat.fields.is_empty() || says("additionalProperties") => flat.kinds.push("object".into()),
                () if says("items") => flat.kinds.push("array".into()),
                () => {}
            }
        }
        flat
    }

    fn add(&self, flat: &mut Flat, member: &str) {
        let schema = self.at(member);
        flat.is_unclear |= UNCLEAR.iter().any(|key| schema.get(key).is_some()) || schema.is_boolean();
        let kinds: Vec<String> = match &schema["type"] {
            Value::String(kind) => vec![kind.clone()],
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        if flat.kinds.is_empty() {
            flat.kinds = kinds;
        } else if !kinds.is_empty() && flat.kinds != kinds {
            flat.is_unclear = true;
        }
        let values = match (schema.get("const"), schema["enum"].as_array()) {
            (Some(only), _) => Some(vec![only.clone()]),
            (None, Some(values)) => Some(values.clone()),
            (None, None) => None,
        };
        if let Some(values) = values {
            match &mut flat.values {
                Some(known) => known.retain(|value| values.contains(value)),
                None => flat.values = Some(values),
            }
        }
        for (key, may_fit) in [("oneOf", false), ("anyOf", true)] {
            if let Some(all) = schema[key].as_array() {
                flat.is_unclear |= flat.alternatives.is_some();
                flat.alternatives =
                    Some(((0..all.len()).map(|index| format!("{member}/{key}/{index}")).collect(), may_fit));
            }
        }
        match &schema["additionalProperties"] {
            Value::Object(_) => {
                flat.is_open = true;
                flat.others = Some(format!("{member}/additionalProperties"));
            }
            Value::Bool(true) => flat.is_open = true,
            // Beside other members of an `allOf`, a closed one forbids what they have.
            Value::Bool(false) if flat.members.len() > 1 => flat.is_unclear = true,
            _ => {}
        }
        for name in self.object(&format!("{member}/properties")).keys() {
            let at = super::api::below(&format!("{member}/properties"), name);
            if let Some(known) = flat.fields.iter_mut().find(|field| field.name == *name) {
                known.owner = None;
                continue;
            }
            let says = |key: &str| {
                let mut members = Vec::new();
                self.members(&at, &mut members);
                self.at(&at)[key] == true || members.iter().any(|member| self.at(member)[key] == true)
            };
            flat.fields.push(Field {
                name: name.clone(),
                owner: Some(member.to_owned()),
                required: false,
                read_only: says("readOnly"),
                write_only: says("writeOnly"),
                deprecated: says("deprecated"),
                at,
            });
        }
    }

    /// The types that a value may have, through alternatives; none if that is not known.
    pub fn kinds(&self, at: &str) -> Vec<String> {
        let flat = self.flat(at);
        if flat.is_unclear {
            return Vec::new();
        }
        match &flat.alternatives {
            None => flat.kinds,
            Some(_) if !flat.kinds.is_empty() => flat.kinds,
            Some((all, _)) => {
                let mut kinds: Vec<String> = Vec::new();
                for alternative in all {
                    if self.at(alternative)["type"] == "null" {
                        continue;
                    }
                    let more = if all.len() > 12 { Vec::new() } else { self.kinds_below(alternative) };
                    if more.is_empty() {
                        return Vec::new();
                    }
                    more.into_iter().for_each(|kind| {
                        if !kinds.contains(&kind) {
                            kinds.push(kind)
                        }
                    });
                }
                kinds
            }
        }
    }

    fn kinds_below(&self, at: &str) -> Vec<String> {
        let flat = self.flat(at);
        if flat.is_unclear || flat.alternatives.is_some() { Vec::new() } else { flat.kinds }
    }

    /// What one of the schemas that count together says.
    pub fn said<'a>(&'a self, flat: &'a Flat, key: &'a str) -> impl Iterator<Item = &'a Value> {
        flat.members.iter().filter_map(move |member| self.at(member).get(key))
    }

    /// The objects that a field holds, itself or in lists.
    pub fn object_in(&self, at: &str) -> Option<Flat> {
        let flat = self.flat(at);
        if flat.is_unclear || flat.alternatives.is_some() {
            return None;
        }
        match flat.kinds.first().map(String::as_str) {
            Some("object") if !flat.fields.is_empty() => Some(flat),
            Some("array") => {
                let list = flat.members.iter().find(|member| self.at(member).get("items").is_some())?;
                let items = self.flat(&format!("{list}/items"));
                let is = !items.is_unclear && items.alternatives.is_none() && !items.fields.is_empty();
                (is && items.kinds == ["object"]).then_some(items)
            }
            _ => None,
        }
    }
}
