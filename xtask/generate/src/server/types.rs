//! The Rust types of the contract's schemas.
//!
//! Types are made from what schemas mean, so `$ref`, `allOf`, `nullable` and the notations of 3.0 and 3.1 need no care
//! here. A type holds every value that its schema allows; what it cannot express (patterns, bounds, combinations) is
//! validated when requests arrive.

use std::collections::{BTreeSet, HashMap};

use openapi_model::document::Document;
use openapi_model::schema::{Discriminator, Schema, SchemaId, Types as JsonTypes};
use openapi_model::shape::{Additional, AllOf, Alternatives, Shape, is_bare};
use proc_macro2::Ident;

use crate::names::{Scope, pascal, type_ident, value_ident};

/// A type as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    /// `String`.
    Text,
    /// `uuid::Uuid`.
    Uuid,
    /// `chrono::DateTime<Utc>`.
    Time,
    /// `chrono::NaiveDate`.
    Date,
    /// An integer type.
    Integer(&'static str),
    /// `f64`.
    Number,
    /// `bool`.
    Flag,
    /// Any JSON.
    Json,
    /// Any JSON object.
    Object,
    /// A list.
    List(Box<Ty>),
    /// An object whose keys are data.
    Map(Box<Ty>),
    /// Null or a value.
    Nullable(Box<Ty>),
    /// An item of [`Types`], by index.
    Item(usize),
}

/// A type that is defined.
#[derive(Debug)]
pub struct Item {
    /// Its name.
    pub name: Ident,
    /// Its documentation.
    pub docs: String,
    /// What it is.
    pub body: Body,
}

/// What an item is.
#[derive(Debug)]
pub enum Body {
    /// An object with named properties, and the type of all others if they are kept.
    Struct(Vec<Field>, Option<Ty>),
    /// One of several texts.
    Texts(Vec<(String, Ident)>),
    /// A value of one of several types.
    Union(Vec<Variant>, Option<String>),
    /// Another name for a type.
    Alias(Ty),
    /// Not known yet, because it is being made.
    Open,
}

/// A property.
#[derive(Debug)]
pub struct Field {
    /// Its name in the contract.
    pub key: String,
    /// Its name in Rust.
    pub name: Ident,
    /// Its documentation.
    pub docs: String,
    /// Its type, without what `required` means.
    pub ty: Ty,
    /// Whether it is always there.
    pub required: bool,
}

/// An alternative.
#[derive(Debug)]
pub struct Variant {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Ty,
    /// The values of the discriminator that select it.
    pub tags: Vec<String>,
}

/// The types of a document, made when they are needed.
pub struct Types<'a> {
    document: &'a Document,
    /// The items, in the order in which they were needed.
    pub items: Vec<Item>,
    known: HashMap<AllOf, usize>,
    /// The names of components, reserved before any other name is made up.
    components: HashMap<SchemaId, Ident>,
    names: Scope,
    /// How many schemas contain the one that a type is made of.
    depth: usize,
}

/// Names that generated code uses beside the contract's types.
const RESERVED: [&str; 7] = ["Box", "Deserialize", "Option", "Serialize", "String", "Vec", "Self"];
/// Schemas without names that are nested deeper become JSON: they may be endless.
const DEEPEST: usize = 64;

impl<'a> Types<'a> {
    /// No types yet.
    pub fn new(document: &'a Document) -> Types<'a> {
        let mut names = Scope::with(&RESERVED);
        let mut sorted: Vec<_> = document.components.iter().collect();
        sorted.sort_by(|(one, _), (other, _)| one.value.cmp(&other.value));
        let components = sorted.into_iter().map(|(name, id)| (*id, names.unique(&type_ident(name)))).collect();
        Types { document, items: Vec::new(), known: HashMap::new(), components, names, depth: 0 }
    }

    /// The component that a schema is, apart from null: through references, and through an `allOf`, `anyOf` or `oneOf` with one
    /// member that is not null.
    fn component(&self, id: SchemaId) -> Option<SchemaId> {
        let mut id = id;
        for _ in 0..DEEPEST {
            id = self.document.target(id);
            if self.components.contains_key(&id) {
                return Some(id);
            }
            let schema = self.document.schema(id);
            let rest = Schema { nullable: None, types: None, ..schema.clone() };
            let lists = [&schema.all_of, &schema.any_of, &schema.one_of];
            let members: Vec<SchemaId> =
                lists.into_iter().flatten().flat_map(|list| list.value.iter().copied()).collect();
            let mut members = members.into_iter().filter(|member| !self.is_null(*member));
            id = match (members.next(), members.next()) {
                (Some(only), None) if is_bare(&rest) && schema.reference.is_none() => only,
                _ => return None,
            };
        }
        None
    }

    fn is_null(&self, id: SchemaId) -> bool {
        let types = &self.document.schema(id).types;
        types.as_ref().is_some_and(|types| types.value == JsonTypes::NULL)
    }

    /// The type of the schemas that apply to a value. `hint` names it if it has no name of its own.
    pub fn of(&mut self, schemas: &AllOf, hint: &str) -> Ty {
        let shape = self.document.shape(schemas);
        if self.depth > DEEPEST {
            return Ty::Json;
        }
        self.depth += 1;
        let ty = self.not_null(schemas, &shape, hint);
        self.depth -= 1;
        match ty {
            Ty::Json | Ty::Nullable(_) => ty,
            ty if shape.nullable => Ty::Nullable(Box::new(ty)),
            ty => ty,
        }
    }

    fn not_null(&mut self, schemas: &AllOf, shape: &Shape, hint: &str) -> Ty {
        let component = match schemas.ids() {
            [only] => self.component(*only),
            _ => None,
        };
        let key = component.map_or_else(|| schemas.clone(), AllOf::from);
        if let Some(index) = self.known.get(&key) {
            return Ty::Item(*index);
        }
        if component.is_none()
            && let Some(plain) = self.plain(shape, hint)
        {
            return plain;
        }
        let name = match component {
            Some(id) => self.components[&id].clone(),
            None => self.names.unique(&type_ident(hint)),
        };
        let hint = name.to_string();
        let index = self.items.len();
        self.known.insert(key.clone(), index);
        self.items.push(Item { name, docs: self.docs(&key), body: Body::Open });
        let shape = self.document.shape(&key);
        let body = match self.plain(&shape, &hint) {
            Some(plain) => Body::Alias(plain),
            None => self.body(&shape, &hint),
        };
        self.items[index].body = body;
        Ty::Item(index)
    }

    /// The type of a shape that needs no item. `None` for objects with properties, lists of texts, and alternatives.
    fn plain(&mut self, shape: &Shape, hint: &str) -> Option<Ty> {
        if is_texts(shape) {
            return None;
        }
        match &shape.alternatives[..] {
            [] => {}
            _ if !shape.properties.is_empty() => return None,
            [alternatives] => return self.common_scalar(alternatives),
            _ => return Some(any(shape)),
        }
        match shape.types {
            JsonTypes::OBJECT if !shape.properties.is_empty() => None,
            JsonTypes::OBJECT => Some(match &shape.additional {
                Additional::Schema(values) if shape.pattern_properties.is_empty() => {
                    Ty::Map(Box::new(self.of(values, &format!("{hint}_value"))))
                }
                _ => Ty::Object,
            }),
            JsonTypes::ARRAY => Some(match &shape.items {
                Some(items) if shape.prefix_items.is_empty() => {
                    Ty::List(Box::new(self.of(items, &format!("{hint}_item"))))
                }
                _ => Ty::List(Box::new(Ty::Json)),
            }),
            _ => Some(scalar(shape)),
        }
    }

    /// The one type of alternatives that are all scalars of the same type.
    fn common_scalar(&self, alternatives: &Alternatives) -> Option<Ty> {
        let scalars = alternatives.members.iter().map(|member| {
            let shape = self.document.shape(member);
            let is_scalar = shape.name.is_none()
                && !is_texts(&shape)
                && shape.alternatives.is_empty()
                && !shape.types.meets(JsonTypes::OBJECT.with(JsonTypes::ARRAY));
            is_scalar.then(|| scalar(&shape))
        });
        let scalars: Vec<Ty> = scalars.collect::<Option<_>>()?;
        let (first, rest) = scalars.split_first()?;
        rest.iter().all(|ty| ty == first).then(|| first.clone())
    }

    fn body(&mut self, shape: &Shape, hint: &str) -> Body {
        if let Some(values) = shape.enumeration.as_ref().filter(|_| is_texts(shape)) {
            let mut texts: Vec<String> = values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
            texts.sort();
            texts.dedup();
            let mut names = Scope::with(&["Self"]);
            return Body::Texts(
                texts.into_iter().map(|text| (text.clone(), names.unique(&text_ident(&text)))).collect(),
            );
        }
        match &shape.alternatives[..] {
            [alternatives] if shape.properties.is_empty() => self.union(alternatives, shape, hint),
            _ => self.object(shape, hint),
        }
    }

    fn object(&mut self, shape: &Shape, hint: &str) -> Body {
        let mut names = Scope::with(&["additional_properties"]);
        let mut fields = Vec::new();
        for (key, property) in &shape.properties {
            let meaning = self.document.shape(&property.schema);
            let one_way = meaning.read_only.is_some() || meaning.write_only.is_some();
            fields.push(Field {
                key: key.clone(),
                name: names.unique(&value_ident(key)),
                docs: self.docs(&property.schema),
                ty: self.of(&property.schema, &format!("{hint}_{key}")),
                required: shape.required.contains_key(key) && !one_way,
            });
        }
        let is_open = !shape.alternatives.is_empty()
            || shape.discriminator.is_some()
            || !shape.pattern_properties.is_empty()
            || shape.required.keys().any(|name| !shape.properties.contains_key(name));
        let others = match &shape.additional {
            Additional::Schema(values) if !is_open => Some(self.of(values, &format!("{hint}_value"))),
            Additional::Nothing(_) if !is_open => None,
            _ if is_open => Some(Ty::Json),
            _ => None,
        };
        Body::Struct(fields, others)
    }

    fn union(&mut self, alternatives: &Alternatives, shape: &Shape, hint: &str) -> Body {
        let discriminator = alternatives.discriminator.as_ref().or(shape.discriminator.as_ref());
        let mut names = Scope::with(&["Self"]);
        let mut variants: Vec<Variant> = Vec::new();
        for (number, member) in alternatives.members.iter().enumerate() {
            let meaning = self.document.shape(member);
            let title = member.ids().first().and_then(|id| self.document.schema(*id).title.as_ref());
            let own = title.map_or_else(|| (number + 1).to_string(), |title| title.value.clone());
            let ty = self.of(member, &format!("{hint}_{own}"));
            if ty == Ty::Json {
                return Body::Alias(any(shape));
            }
            if variants.iter().any(|known| known.ty == ty) {
                continue;
            }
            let name = match &meaning.name {
                Some(name) => pascal(name),
                None => title.map_or_else(|| kind_name(&ty).to_owned(), |title| pascal(title)),
            };
            let name = if name.is_empty() { kind_name(&ty).to_owned() } else { name };
            let tags = discriminator.map(|discriminator| self.tags(discriminator, member)).unwrap_or_default();
            variants.push(Variant { name: names.unique(&type_ident(&name)), ty, tags });
        }
        match variants.len() {
            1 => Body::Alias(variants.remove(0).ty),
            _ => Body::Union(variants, discriminator.map(|discriminator| discriminator.property.value.clone())),
        }
    }

    /// The values of a discriminator that select an alternative: those that are mapped to it, and its name.
    fn tags(&self, discriminator: &Discriminator, member: &AllOf) -> Vec<String> {
        let &[id] = member.ids() else { return Vec::new() };
        let target = self.document.target(id);
        let leads_here = |id: SchemaId| self.document.target(id) == target;
        let mapped = discriminator.mapping.iter().filter(|(_, to)| to.target.is_some_and(leads_here));
        let mut tags: BTreeSet<String> = mapped.map(|(value, _)| value.value.clone()).collect();
        tags.extend(self.document.schema(target).name.as_ref().map(|name| name.value.clone()));
        tags.into_iter().collect()
    }

    /// The description of schemas, or their title.
    fn docs(&self, schemas: &AllOf) -> String {
        let mut texts = schemas.ids().iter().map(|id| self.document.schema(*id));
        let text = texts.find_map(|schema| schema.description.as_ref().or(schema.title.as_ref()));
        text.map(|text| text.value.clone()).unwrap_or_default()
    }
}

/// Whether a value is one of several texts.
pub fn is_texts(shape: &Shape) -> bool {
    let all_texts = |values: &[openapi_model::span::Spanned<serde_json::Value>]| {
        !values.is_empty() && values.iter().all(|value| value.is_string())
    };
    shape.types.holds(JsonTypes::STRING)
        && shape.alternatives.is_empty()
        && shape.enumeration.as_ref().is_some_and(|values| all_texts(&values.value))
}

/// The type of values that may be anything, or any object.
fn any(shape: &Shape) -> Ty {
    if shape.types == JsonTypes::OBJECT { Ty::Object } else { Ty::Json }
}

/// The type of a value without structure.
pub fn scalar(shape: &Shape) -> Ty {
    let format = shape.format.as_ref().map(|format| format.value.as_str());
    match shape.types {
        JsonTypes::STRING => match format {
            Some("uuid") => Ty::Uuid,
            Some("date-time") => Ty::Time,
            Some("date") => Ty::Date,
            _ => Ty::Text,
        },
        JsonTypes::INTEGER => Ty::Integer(integer(shape, format)),
        JsonTypes::NUMBER => Ty::Number,
        JsonTypes::BOOLEAN => Ty::Flag,
        _ => Ty::Json,
    }
}

/// The integer type that holds every value of a schema. It is unsigned if nothing below zero is allowed.
fn integer(shape: &Shape, format: Option<&str>) -> &'static str {
    let natural = shape.minimum.as_ref().and_then(|bound| bound.value.as_f64()).is_some_and(|least| least >= 0.0);
    let bounds = [&shape.minimum, &shape.maximum].into_iter().flatten();
    let values = shape.enumeration.iter().flat_map(|values| &values.value).filter_map(|value| value.value.as_f64());
    let extremes: Vec<f64> = bounds.filter_map(|bound| bound.value.as_f64()).chain(values).collect();
    let of_format = match (format, natural) {
        (Some("int8"), false) => Some(("i8", f64::from(i8::MIN), f64::from(i8::MAX))),
        (Some("int16"), false) => Some(("i16", f64::from(i16::MIN), f64::from(i16::MAX))),
        (Some("int32"), false) => Some(("i32", f64::from(i32::MIN), f64::from(i32::MAX))),
        (Some("uint8") | Some("int8"), _) => Some(("u8", 0.0, f64::from(u8::MAX))),
        (Some("uint16") | Some("int16"), _) => Some(("u16", 0.0, f64::from(u16::MAX))),
        (Some("uint32") | Some("int32"), _) => Some(("u32", 0.0, f64::from(u32::MAX))),
        _ => None,
    };
    let fits = |(_, least, most): &(&str, f64, f64)| extremes.iter().all(|value| (*least..=*most).contains(value));
    match of_format.filter(fits) {
        Some((name, ..)) => name,
        None if extremes.iter().any(|value| *value < 0.0) => "i64",
        None if natural || matches!(format, Some("uint8" | "uint16" | "uint32" | "uint64" | "uint")) => "u64",
        None => "i64",
    }
}

/// The name of an alternative that has no other.
fn kind_name(ty: &Ty) -> &'static str {
    match ty {
        Ty::Text | Ty::Item(_) => "Value",
        Ty::Uuid => "Uuid",
        Ty::Time => "Time",
        Ty::Date => "Date",
        Ty::Integer(_) => "Integer",
        Ty::Number => "Number",
        Ty::Flag => "Flag",
        Ty::Json => "Json",
        Ty::Object | Ty::Map(_) => "Object",
        Ty::List(_) => "List",
        Ty::Nullable(inner) => kind_name(inner),
    }
}

/// The name of a text among others: signs have names, so that `+` and `-` can be told apart.
fn text_ident(text: &str) -> Ident {
    let named = |sign: char| match sign {
        '+' => Some("plus"),
        '-' => Some("minus"),
        '*' => Some("star"),
        '/' => Some("slash"),
        '<' => Some("less"),
        '>' => Some("greater"),
        '=' => Some("equal"),
        '!' => Some("not"),
        '%' => Some("percent"),
        '&' => Some("and"),
        '.' => Some("dot"),
        _ => None,
    };
    if text.is_empty() {
        return type_ident("empty");
    }
    if text.chars().any(|letter| letter.is_ascii_alphanumeric()) {
        // A minus in front of a word or a number distinguishes it: `-name`, `-1`.
        return match text.strip_prefix('-') {
            Some(rest) => type_ident(&format!("minus_{rest}")),
            None => type_ident(text),
        };
    }
    let words: Vec<&str> = text.chars().filter_map(named).collect();
    if words.is_empty() { type_ident("other") } else { type_ident(&words.join("_")) }
}
