//! Converts schemas of the contract to Rust types whose `JsonSchema` is the contract's own text.

use std::collections::{BTreeSet, HashSet};

use openapi_model::document::Document;
use openapi_model::schema::{Property, Schema, SchemaId, Types};
use openapi_model::shape;
use openapi_model::span::{Span, Spanned};
use openapi_model::written;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::{Number, Value as Json};

use super::api::local;
use super::names::{type_ident, value_ident};
use apidrift_core::canonical::{canonical, unwrapped};

/// Why a schema cannot be turned into Rust, and where.
#[derive(Debug)]
pub struct Unsupported {
    /// The reason.
    pub why: String,
    /// Its place.
    pub span: Span,
}

fn unsupported<T>(span: Span, why: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported { why: why.into(), span })
}

/// A keyword that restricts values but is not enforced.
fn unenforced(document: &Document, schema: &Schema) -> Option<(Span, String)> {
    let place = |id: SchemaId| document.schema(id).span;
    let first = |properties: &[Property]| properties.first().map(|property| property.name.span);
    let known = [
        ("oneOf", schema.one_of.as_ref().map(|members| members.span)),
        ("anyOf", schema.any_of.as_ref().map(|members| members.span)),
        ("not", schema.not.map(place)),
        ("additionalProperties", schema.additional_properties.map(place)),
        ("discriminator", schema.discriminator.as_ref().map(|discriminator| discriminator.property.span)),
        ("pattern", schema.pattern.as_ref().map(|pattern| pattern.span)),
        ("patternProperties", first(&schema.pattern_properties)),
        ("propertyNames", schema.property_names.map(place)),
        ("prefixItems", schema.prefix_items.first().map(|item| place(*item))),
    ];
    let known = known.into_iter().find_map(|(word, span)| Some((span?, word.to_owned())));
    known.or_else(|| schema.others.first().map(|other| (schema.span, other.key.clone())))
}

/// The type of a schema besides null, if it has exactly one.
pub fn kind(schema: &Schema) -> Option<&'static str> {
    match schema.types.as_ref()?.without(Types::NULL).names()[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The Rust item of a component.
pub fn component(document: &Document, name: &str, id: SchemaId) -> Result<TokenStream, Unsupported> {
    let schema = document.schema(id);
    let type_name = type_ident(name);
    let docs = doc_lines(description(schema));
    if let Some((span, word)) = unenforced(document, schema) {
        return unsupported(span, format!("it uses `{word}`"));
    }
    if is_nullable(schema) {
        return unsupported(schema.span, "it is `nullable` itself; make the references to it nullable instead");
    }
    let body = match (&schema.enumeration, kind(schema)) {
        (Some(values), Some("string")) => enumeration(&type_name, &docs, values)?,
        (None, Some("object")) => object(document, name, &docs, schema)?,
        _ => {
            return unsupported(schema.span, "it is neither an object nor a string enum (`type: string` with `enum`)");
        }
    };
    let implementation =
        json_schema(&type_name, name, &written::schema(document, id), &references(document, [id].into_iter()));
    Ok(quote!(#body #implementation))
}

fn enumeration(type_name: &Ident, docs: &TokenStream, values: &[Spanned<Json>]) -> Result<TokenStream, Unsupported> {
    let mut texts: Vec<&str> = Vec::new();
    for value in values {
        match value.as_str() {
            Some(text) => texts.push(text),
            None => return unsupported(value.span, "its `enum` has values that are not strings"),
        }
    }
    texts.sort_unstable();
    let variants = texts.iter().map(|value| {
        let variant = type_ident(value);
        let doc = format!(" `{value}`");
        quote!(#[doc = #doc] #[serde(rename = #value)] #variant,)
    });
    Ok(quote! {
        #docs
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum #type_name { #(#variants)* }
    })
}

fn object(document: &Document, name: &str, docs: &TokenStream, schema: &Schema) -> Result<TokenStream, Unsupported> {
    let type_name = type_ident(name);
    if let Some(all) = &schema.all_of {
        return unsupported(all.span, "it uses `allOf`");
    }
    for name in &schema.required {
        if !schema.properties.iter().any(|property| property.name.value == name.value) {
            return unsupported(name.span, format!("it requires `{}`, which is not among its properties", name.value));
        }
    }
    let mut sorted: Vec<_> = schema.properties.iter().collect();
    sorted.sort_by(|one, other| one.name.value.cmp(&other.name.value));
    let mut fields = Vec::new();
    for property in sorted {
        let key = &property.name.value;
        let value = document.schema(property.schema);
        let required = schema.required.iter().any(|name| name.value == *key);
        let field = field(document, property.schema)?;
        let rust = value_ident(key);
        let doc = doc_lines(description(value));
        let mut inner = field.rust;
        if field.reference.is_some_and(|target| holds(document, &target, name)) {
            inner = quote!(::std::boxed::Box<#inner>);
        }
        let optional = is_nullable(value) || !required;
        let rust_type = if optional { quote!(::std::option::Option<#inner>) } else { inner };
        let with = field.time.then(|| {
            let module = if optional { "super::runtime::timestamp::option" } else { "super::runtime::timestamp" };
            quote!(#[serde(with = #module)])
        });
        // An absent optional field is omitted; a required nullable one is written as null.
        let skip = (optional && !required)
            .then(|| quote!(#[serde(default, skip_serializing_if = "::std::option::Option::is_none")]));
        fields.push(quote!(#doc #[serde(rename = #key)] #with #skip pub #rust: #rust_type,));
    }
    Ok(quote! {
        #docs
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct #type_name { #(#fields)* }
    })
}

/// Whether values of one component contain values of another without indirection, so that a cycle would have no finite
/// size.
fn holds(document: &Document, from: &str, wanted: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        if name == wanted {
            return true;
        }
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(id) = document.component(&name) else { continue };
        let properties = document.schema(id).properties.iter();
        open.extend(properties.filter_map(|property| reference(document, property.schema).ok().flatten()));
    }
    false
}

/// A type as it is used in a field.
#[derive(Debug)]
pub struct Field {
    /// The Rust type.
    pub rust: TokenStream,
    /// Whether it is a time, which needs a special format on the wire.
    pub time: bool,
    /// The component it refers to, unless inside a list.
    pub reference: Option<String>,
}

/// The type of a property, a list item, a parameter or a header.
pub fn field(document: &Document, id: SchemaId) -> Result<Field, Unsupported> {
    if let Some(name) = reference(document, id)? {
        let rust = type_ident(&name);
        return Ok(Field { rust: quote!(#rust), time: false, reference: Some(name) });
    }
    field_of(document, document.schema(id))
}

/// The type of a schema that is not a reference.
pub fn field_of(document: &Document, schema: &Schema) -> Result<Field, Unsupported> {
    let plain = |rust| Ok(Field { rust, time: false, reference: None });
    if let Some((span, word)) = unenforced(document, schema) {
        return unsupported(span, format!("`{word}` is not enforced"));
    }
    if let Some(all) = &schema.all_of {
        return unsupported(all.span, "an `allOf`");
    }
    if let Some(values) = &schema.enumeration {
        let why = "an inline `enum`; move it to `components.schemas` and refer to it";
        return unsupported(values.span, why);
    }
    let format = schema.format.as_ref().map(|format| format.value.as_str());
    match (kind(schema), format) {
        (Some("string"), None) => plain(quote!(::std::string::String)),
        (Some("string"), Some("uuid")) => plain(quote!(::uuid::Uuid)),
        (Some("string"), Some("date-time")) => {
            Ok(Field { rust: quote!(::chrono::DateTime<::chrono::Utc>), time: true, reference: None })
        }
        (Some("integer"), _) => plain(integer(schema)?),
        (Some("number"), None | Some("double" | "float")) => plain(quote!(f64)),
        (Some("boolean"), None) => plain(quote!(bool)),
        (Some("array"), None) => {
            let Some(items) = schema.items else {
                return unsupported(schema.span, "a list without `items`");
            };
            let item = field(document, items)?;
            let items = document.schema(items);
            if item.time {
                return unsupported(items.span, "a list of times; wrap each time in an object");
            }
            let rust = item.rust;
            let rust = if is_nullable(items) { quote!(::std::option::Option<#rust>) } else { rust };
            plain(quote!(::std::vec::Vec<#rust>))
        }
        (Some("object"), _) => {
            unsupported(schema.span, "an inline object; move it to `components.schemas` and refer to it")
        }
        (Some(kind), Some(format)) => unsupported(schema.span, format!("a `{kind}` of the format `{format}`")),
        (Some(kind), None) => unsupported(schema.span, format!("the type `{kind}`")),
        (None, _) => unsupported(schema.span, "it has no `type`"),
    }
}

/// The integer type that holds every value a schema allows. Without a format it has 64 bits, whatever its bounds: a
/// bound that changes later does not change the type, and progenitor's client uses 64 bits as well. With a `minimum` of
/// 0 or more it is unsigned, so that invalid values cannot be represented.
fn integer(schema: &Schema) -> Result<TokenStream, Unsupported> {
    let (minimum, maximum) = bounds(schema)?;
    let natural = minimum.is_some_and(|minimum| minimum >= 0);
    let format = schema.format.as_ref().map(|format| format.value.as_str());
    let (rust, least, most) = match (format, natural) {
        (Some("int32"), true) => (quote!(u32), 0, i128::from(u32::MAX)),
        (Some("int32"), false) => (quote!(i32), i128::from(i32::MIN), i128::from(i32::MAX)),
        (None | Some("int64"), true) => (quote!(u64), 0, i128::from(u64::MAX)),
        (None | Some("int64"), false) => (quote!(i64), i128::from(i64::MIN), i128::from(i64::MAX)),
        (Some(other), _) => {
            let why = format!("an integer of the format `{other}`; the generator supports only `int32` and `int64`");
            return unsupported(schema.span, why);
        }
    };
    for (key, value, bound) in [("minimum", minimum, &schema.minimum), ("maximum", maximum, &schema.maximum)] {
        if let Some(value) = value
            && !(least..=most).contains(&value)
        {
            let span = bound.as_ref().map_or(schema.span, |bound| bound.value.span);
            return unsupported(span, format!("its `{key}` of {value} is outside the range of its format"));
        }
    }
    Ok(rust)
}

/// The minimum and the maximum integer of a schema.
pub fn bounds(schema: &Schema) -> Result<(Option<i128>, Option<i128>), Unsupported> {
    let whole = |number: &Spanned<Number>, key: &str| {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        match whole {
            Some(whole) => Ok(whole),
            None => unsupported(number.span, format!("its `{key}` is not a 64-bit integer")),
        }
    };
    let minimum = schema.minimum.as_ref().map(|bound| whole(&bound.value, "minimum")).transpose()?;
    let maximum = schema.maximum.as_ref().map(|bound| whole(&bound.value, "maximum")).transpose()?;
    Ok((minimum, maximum))
}

/// The component that a schema refers to, directly or as the only member of an `allOf` (the OpenAPI 3.0 way to add
/// `nullable` to a reference).
pub fn reference(document: &Document, id: SchemaId) -> Result<Option<String>, Unsupported> {
    let schema = document.schema(id);
    let target = match (&schema.reference, schema.all_of.as_ref().map(|members| &members.value[..])) {
        (Some(target), _) => target,
        (None, Some([only])) => {
            let only = document.schema(*only);
            // Only `nullable` and descriptive keywords are allowed beside it.
            let rest = Schema { nullable: None, types: None, ..schema.clone() };
            let is_object = kind(schema).is_none_or(|kind| kind == "object");
            if !shape::is_bare(&rest) || !is_object || rest.any_of.is_some() || rest.one_of.is_some() {
                return unsupported(schema.span, "an `allOf` with other keys beside it");
            }
            match &only.reference {
                Some(target) => target,
                None => return unsupported(only.span, "an `allOf` whose one member is not a `$ref`"),
            }
        }
        (None, Some(_)) => return unsupported(schema.span, "an `allOf` of several schemas"),
        (None, None) => return Ok(None),
    };
    match local(&target.text) {
        Some(name) => Ok(Some(name.to_owned())),
        None => unsupported(target.text.span, "a reference to something other than `#/components/schemas/…`"),
    }
}

/// The components that schemas refer to, at any depth.
pub fn references(document: &Document, schemas: impl Iterator<Item = SchemaId>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut seen = HashSet::new();
    let mut open: Vec<SchemaId> = schemas.collect();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let schema = document.schema(id);
        found.extend(schema.reference.as_ref().and_then(|reference| local(&reference.text)).map(str::to_owned));
        open.extend(schema.properties.iter().map(|property| property.schema));
        open.extend(schema.items);
        open.extend(schema.all_of.iter().flat_map(|members| &members.value));
    }
    found
}

/// An `impl JsonSchema` that returns the contract's own text, in which some components are references.
pub fn json_schema(type_name: &Ident, name: &str, schema: &Json, references: &BTreeSet<String>) -> TokenStream {
    let register = references.iter().map(|name| {
        let name = type_ident(name);
        quote!(let _ = generator.subschema_for::<super::types::#name>();)
    });
    let register: Vec<TokenStream> = register.collect();
    let generator = if register.is_empty() { quote!(_generator) } else { quote!(generator) };
    let id = format!("contract::{name}");
    let text = draft_7(&canonical(schema)).to_string();
    quote! {
        impl JsonSchema for #type_name {
            fn schema_name() -> ::std::string::String { #name.to_owned() }
            fn schema_id() -> ::std::borrow::Cow<'static, str> { #id.into() }
            fn json_schema(#generator: &mut SchemaGenerator) -> Schema {
                #(#register)*
                contract_schema(#text)
            }
        }
    }
}

/// OpenAPI 3.0 writes exclusive bounds as flags, schemars' draft 7 as numbers.
fn draft_7(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => {
            let mut map: serde_json::Map<String, Json> =
                map.iter().map(|(key, value)| (key.clone(), draft_7(value))).collect();
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                if map.get(flag) == Some(&Json::Bool(true))
                    && let Some(number) = map.remove(bound)
                {
                    map.insert(flag.to_owned(), number);
                }
            }
            Json::Object(map)
        }
        Json::Array(items) => items.iter().map(draft_7).collect(),
        other => other.clone(),
    }
}

/// Converts a text to doc comments.
pub fn doc_lines(text: &str) -> TokenStream {
    let text = if text.trim().is_empty() { "As the contract says." } else { text };
    let lines = unwrapped(text).into_iter().map(|line| format!(" {line}"));
    quote!(#(#[doc = #lines])*)
}

fn description(schema: &Schema) -> &str {
    schema.description.as_ref().map_or("", |text| &text.value)
}

/// Whether a schema allows null. Keywords beside a `$ref` are ignored.
fn is_nullable(schema: &Schema) -> bool {
    schema.nullable.is_some() || schema.types.as_ref().is_some_and(|types| types.holds(Types::NULL))
}
