//! Values that fit a schema, with the place in the contract that each part comes from.

use serde_json::{Value, json};

use super::api::Api;
use super::pick::{one_of, pick};
use super::scalar::{is_of, scalar};
use super::schema::Flat;

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Request,
    Response,
}

/// A key of an object.
#[derive(Debug, Clone)]
pub struct Name {
    pub name: String,
    pub owner: Option<String>,
    /// Whether another name in its place would not fit.
    pub is_closed: bool,
}

#[derive(Debug, Clone)]
pub enum Example {
    Object(Vec<(Name, Example)>),
    List(Vec<Example>),
    /// A scalar, the types that fit there, and the schema it is for.
    Scalar {
        value: Value,
        kinds: Vec<String>,
        at: String,
    },
}

impl Example {
    pub fn value(&self) -> Value {
        match self {
            Example::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.name.clone(), value.value())).collect())
            }
            Example::List(items) => Value::Array(items.iter().map(Example::value).collect()),
            Example::Scalar { value, .. } => value.clone(),
        }
    }

    /// A value of the contract, as it stands there.
    pub fn verbatim(value: &Value) -> Example {
        match value {
            Value::Object(fields) => {
                let name = |name: &String| Name { name: name.clone(), owner: None, is_closed: false };
                Example::Object(fields.iter().map(|(key, value)| (name(key), Example::verbatim(value))).collect())
            }
            Value::Array(items) => Example::List(items.iter().map(Example::verbatim).collect()),
            value => Example::Scalar { value: value.clone(), kinds: Vec::new(), at: String::new() },
        }
    }
}

pub struct Maker<'a> {
    pub api: &'a Api,
    pub way: Way,
    pub seed: String,
    /// How many values are still made: some contracts have huge ones.
    pub left: usize,
}

pub fn example(api: &Api, at: &str, way: Way, seed: &str) -> Option<Example> {
    Maker { api, way, seed: seed.to_owned(), left: 60 }.make(at, "", 0, &[])
}

impl Maker<'_> {
    fn make(&mut self, at: &str, name: &str, depth: usize, fixed: &[(String, String)]) -> Option<Example> {
        if depth > 7 {
            return None;
        }
        let flat = self.api.flat(at);
        if flat.is_unclear {
            return None;
        }
        if flat.alternatives.is_some() {
            return self.alternative(&flat, name, depth);
        }
        let mut fixed = fixed.to_vec();
        self.discriminators(&flat, &mut fixed)?;
        if let Some(values) = &flat.values {
            let fits = |value: &&Value| flat.kinds.is_empty() || flat.kinds.iter().any(|kind| is_of(value, kind));
            let fitting: Vec<&Value> = values.iter().filter(|value| !value.is_null()).filter(fits).collect();
            let value = fitting.get(pick(&format!("{}{at}", self.seed), fitting.len()))?;
            return Some(Example::Scalar { value: (*value).clone(), kinds: flat.kinds.clone(), at: at.to_owned() });
        }
        match flat.kinds.first().map(String::as_str) {
            Some("object") => self.object(&flat, depth, &fixed),
            Some("array") => self.list(&flat, name, depth),
            Some(kind) => {
                let value = scalar(self.api, &flat, kind, &format!("{}{name}", self.seed))?;
                self.left = self.left.saturating_sub(1);
                Some(Example::Scalar { value, kinds: flat.kinds.clone(), at: at.to_owned() })
            }
            None => {
                let value = scalar(self.api, &flat, "string", &format!("{}{name}", self.seed))?;
                Some(Example::Scalar { value, kinds: Vec::new(), at: at.to_owned() })
            }
        }
    }

    /// The first alternative, where it is clear that no other fits as well.
    fn alternative(&mut self, flat: &Flat, name: &str, depth: usize) -> Option<Example> {
        let (all, may_fit) = flat.alternatives.clone()?;
        let says_more = flat.members.iter().any(|member| {
            let harmless =
                ["oneOf", "anyOf", "allOf", "type", "description", "title", "discriminator", "nullable", "deprecated"];
            self.api.object(member).keys().any(|key| !harmless.contains(&key.as_str()) && !key.starts_with("x-"))
        });
        if says_more || flat.members.len() > 1 {
            return None;
        }
        let discriminator = self.api.said(flat, "discriminator").next().cloned();
        let first = all.first()?;
        if let Some(discriminator) = discriminator {
            let property = discriminator["propertyName"].as_str()?.to_owned();
            let at = self.api.resolved(first)?;
            let value = self.mapped(&discriminator, &at)?;
            return self.make(first, name, depth + 1, &[(property, value)]);
        }
        if !may_fit {
            let kinds: Vec<Vec<String>> = all.iter().map(|at| self.api.kinds(at)).collect();
            let own = kinds.first()?;
            let is_alone =
                kinds.iter().skip(1).all(|other| !other.is_empty() && other.iter().all(|kind| !own.contains(kind)));
            let has_number = |kinds: &[String]| kinds.iter().any(|kind| ["number", "integer"].contains(&kind.as_str()));
            if own.is_empty() || !is_alone || kinds.iter().filter(|kinds| has_number(kinds)).count() > 1 {
                return None;
            }
        }
        // Its scalars stand for several types.
        match self.make(first, name, depth + 1, &[])? {
            Example::Scalar { value, at, .. } => Some(Example::Scalar { value, kinds: Vec::new(), at }),
            _ if all.len() > 1 => {
                let value = self.make(first, name, depth + 1, &[])?.value();
                Some(Example::verbatim(&value))
            }
            example => Some(example),
        }
    }

    fn mapped(&self, discriminator: &Value, at: &str) -> Option<String> {
        let mapping = discriminator["mapping"].as_object();
        let named = mapping.and_then(|mapping| {
            let is = |value: &Value| value.as_str().is_some_and(|to| to.strip_prefix('#') == Some(at));
            mapping.iter().find(|(_, to)| is(to)).map(|(key, _)| key.clone())
        });
        match mapping {
            Some(_) => named,
            None => at.rsplit('/').next().map(str::to_owned),
        }
    }

    /// The fields whose value says which schema is meant. Nothing if that is not known.
    fn discriminators(&self, flat: &Flat, fixed: &mut Vec<(String, String)>) -> Option<()> {
        for discriminator in self.api.said(flat, "discriminator") {
            let property = discriminator["propertyName"].as_str()?;
            if fixed.iter().any(|(name, _)| name == property) {
                continue;
            }
            let named = flat.members.iter().find_map(|member| self.mapped(discriminator, member))?;
            fixed.push((property.to_owned(), named));
        }
        Some(())
    }

    fn object(&mut self, flat: &Flat, depth: usize, fixed: &[(String, String)]) -> Option<Example> {
        let mut fields = Vec::new();
        for field in &flat.fields {
            let hidden = if self.way == Way::Request { field.read_only } else { field.write_only };
            let seed = format!("{}{}", self.seed, field.name);
            let is_shown = field.required
                || (!field.deprecated && self.left > 0 && fields.len() < 8 && depth < 3 && pick(&seed, 3) > 0);
            if hidden || !is_shown {
                continue;
            }
            let fixed_here = fixed.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value);
            let value = match fixed_here {
                Some(value) => {
                    let own = self.api.flat(&field.at);
                    if own.values.as_ref().is_some_and(|values| !values.contains(&json!(value))) {
                        return None;
                    }
                    Some(Example::Scalar { value: json!(value), kinds: vec!["string".into()], at: field.at.clone() })
                }
                None => self.make(&field.at, &field.name, depth + 1, &[]),
            };
            let name = Name { name: field.name.clone(), owner: field.owner.clone(), is_closed: !flat.is_open };
            match value {
                Some(value) => fields.push((name, value)),
                None if field.required => return None,
                None => {}
            }
        }
        if let (Some(others), true) = (&flat.others, fields.is_empty()) {
            let key = one_of(&self.seed, &["en", "size", "region", "source"]);
            let name = Name { name: key.to_owned(), owner: None, is_closed: false };
            if let Some(value) = self.make(others, key, depth + 1, &[]) {
                fields.push((name, value));
            }
        }
        if fields.len() < 2 {
            // Alone, a name that nobody knows may begin a fragment.
            fields.iter_mut().for_each(|(name, _)| name.is_closed = false);
        }
        let bound = |key| self.api.said(flat, key).filter_map(Value::as_u64).max();
        let count = fields.len() as u64;
        let fits = bound("minProperties").is_none_or(|least| count >= least)
            && bound("maxProperties").is_none_or(|most| count <= most);
        fits.then_some(Example::Object(fields))
    }

    fn list(&mut self, flat: &Flat, name: &str, depth: usize) -> Option<Example> {
        let bound = |key: &str| self.api.said(flat, key).filter_map(Value::as_u64).max();
        let (least, most) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(9));
        let is_unique = self.api.said(flat, "uniqueItems").any(|value| *value == true);
        let items = flat.members.iter().find(|member| self.api.at(member).get("items").is_some()).cloned();
        if least > 3 || (is_unique && least > 1) || least > most {
            return None;
        }
        let (Some(items), true) = (items, most > 0) else { return (least == 0).then(|| Example::List(Vec::new())) };
        let wanted = least.max(if is_unique || depth > 1 { 1 } else { 2.min(most) });
        let mut made = Vec::new();
        for index in 0..wanted {
            let seed = std::mem::take(&mut self.seed);
            self.seed = format!("{seed}{index}");
            let item = self.make(&format!("{items}/items"), name, depth + 1, &[]);
            self.seed = seed;
            match item {
                Some(item) => made.push(item),
                None if least == 0 => return Some(Example::List(Vec::new())),
                None => return None,
            }
        }
        Some(Example::List(made))
    }
}
