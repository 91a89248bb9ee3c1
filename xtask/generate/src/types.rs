//! Schemas of the contract as Rust types whose `JsonSchema` is the contract's own text.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::Value as Json;

use super::names::{type_ident, value_ident};
use apidrift_core::canonical::{canonical, unwrapped};
use apidrift_core::contract::Contract;
use apidrift_core::contract::node::Node;

/// Why a schema cannot be turned into Rust, and where.
#[derive(Debug)]
pub struct Unsupported {
    /// What it is that cannot be turned into Rust.
    pub why: String,
    /// Where it stands.
    pub range: Range<usize>,
}

fn unsupported<T>(node: &Node, why: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported { why: why.into(), range: node.range.clone() })
}

/// Keywords that restrict values in a way that is not enforced.
const UNENFORCED: [&str; 6] = ["oneOf", "anyOf", "not", "additionalProperties", "discriminator", "pattern"];

/// What a component is in Rust.
pub fn component(contract: &Contract, name: &str, schema: &Node) -> Result<TokenStream, Unsupported> {
    let type_name = type_ident(name);
    let docs = doc_lines(text(schema, "description").unwrap_or_default());
    if let Some(word) = UNENFORCED.iter().find_map(|word| schema.entry(word)) {
        return unsupported(&word.value, format!("it uses `{}`", word.key));
    }
    let body = match (schema.get("enum"), text(schema, "type")) {
        (Some(values), Some("string")) => enumeration(&type_name, &docs, values)?,
        (None, Some("object")) => object(contract, name, &docs, schema)?,
        _ => {
            return unsupported(
                schema,
                "it is neither an object nor a list of text values (`type: string` with `enum`)",
            );
        }
    };
    let implementation = json_schema(&type_name, name, &schema.to_json());
    Ok(quote!(#body #implementation))
}

fn enumeration(type_name: &Ident, docs: &TokenStream, values: &Node) -> Result<TokenStream, Unsupported> {
    let mut texts: Vec<&str> = Vec::new();
    for value in values.items() {
        match value.as_str() {
            Some(text) => texts.push(text),
            None => return unsupported(value, "its `enum` holds something other than texts"),
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

fn object(contract: &Contract, name: &str, docs: &TokenStream, schema: &Node) -> Result<TokenStream, Unsupported> {
    let type_name = type_ident(name);
    if let Some(all) = schema.get("allOf") {
        return unsupported(all, "it uses `allOf`");
    }
    let required: Vec<&Node> = schema.get("required").map(Node::items).unwrap_or_default().iter().collect();
    let properties = schema.get("properties").map(Node::entries).unwrap_or_default();
    for node in &required {
        let name = node.as_str().unwrap_or_default();
        if !properties.iter().any(|property| property.key == name) {
            return unsupported(node, format!("it requires `{name}`, which is not among its properties"));
        }
    }
    let mut sorted: Vec<_> = properties.iter().collect();
    sorted.sort_by(|one, other| one.key.cmp(&other.key));
    let mut fields = Vec::new();
    for property in sorted {
        let key = &property.key;
        let required = required.iter().any(|node| node.as_str() == Some(key));
        let field = field(&property.value)?;
        let nullable = flag(&property.value, "nullable");
        let rust = value_ident(key);
        let doc = doc_lines(text(&property.value, "description").unwrap_or_default());
        let mut inner = field.rust;
        if field.reference.is_some_and(|target| holds(contract, &target, name)) {
            inner = quote!(::std::boxed::Box<#inner>);
        }
        let optional = nullable || !required;
        let rust_type = if optional { quote!(::std::option::Option<#inner>) } else { inner };
        let with = field.time.then(|| {
            let module = if optional { "super::runtime::timestamp::option" } else { "super::runtime::timestamp" };
            quote!(#[serde(with = #module)])
        });
        // An optional field that is absent is left out; a nullable one that is required is written as null.
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

/// Whether values of one component hold values of another inside themselves, so that neither has a size.
fn holds(contract: &Contract, from: &str, wanted: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        if name == wanted {
            return true;
        }
        if !seen.insert(name.clone()) {
            continue;
        }
        let schema = contract.schema(&name).map(|schema| &schema.node);
        let properties = schema.and_then(|schema| schema.get("properties")).map(Node::entries).unwrap_or_default();
        open.extend(properties.iter().filter_map(|property| reference(&property.value).ok().flatten()));
    }
    false
}

/// A type in a place where it is used.
#[derive(Debug)]
pub struct Field {
    /// The Rust type.
    pub rust: TokenStream,
    /// Whether it is a time, which has a form of its own on the wire.
    pub time: bool,
    /// The component that it is, not in a list.
    pub reference: Option<String>,
}

/// The type of a property, a list item, a parameter or a header.
pub fn field(schema: &Node) -> Result<Field, Unsupported> {
    let plain = |rust| Ok(Field { rust, time: false, reference: None });
    if let Some(name) = reference(schema)? {
        let rust = type_ident(&name);
        return Ok(Field { rust: quote!(#rust), time: false, reference: Some(name) });
    }
    if let Some(word) = UNENFORCED.iter().find_map(|word| schema.entry(word)) {
        return unsupported(&word.value, format!("`{}` is not enforced", word.key));
    }
    if let Some(values) = schema.get("enum") {
        return unsupported(values, "an `enum` stands inline; put it into `components.schemas` and refer to it");
    }
    match (text(schema, "type"), text(schema, "format")) {
        (Some("string"), None) => plain(quote!(::std::string::String)),
        (Some("string"), Some("uuid")) => plain(quote!(::uuid::Uuid)),
        (Some("string"), Some("date-time")) => {
            Ok(Field { rust: quote!(::chrono::DateTime<::chrono::Utc>), time: true, reference: None })
        }
        (Some("integer"), _) => plain(integer(schema)?),
        (Some("number"), None | Some("double" | "float")) => plain(quote!(f64)),
        (Some("boolean"), None) => plain(quote!(bool)),
        (Some("array"), None) => {
            let Some(items) = schema.get("items") else {
                return unsupported(schema, "a list without `items`");
            };
            let item = field(items)?;
            if item.time {
                return unsupported(items, "a list of times; put the time into an object");
            }
            let rust = item.rust;
            let rust = if flag(items, "nullable") { quote!(::std::option::Option<#rust>) } else { rust };
            plain(quote!(::std::vec::Vec<#rust>))
        }
        (Some("object"), _) => {
            unsupported(schema, "an object stands inline; put it into `components.schemas` and refer to it")
        }
        (Some(kind), Some(format)) => unsupported(schema, format!("a `{kind}` of the format `{format}`")),
        (Some(kind), None) => unsupported(schema, format!("the type `{kind}`")),
        (None, _) => unsupported(schema, "it has no `type`"),
    }
}

/// The integer type that holds every value a schema allows. Without a format it has 64 bits, whatever its bounds are: a
/// bound that moves later does not change the type, and progenitor's client takes 64 bits as well. A `minimum` of 0 or more
/// takes the sign away, so that a wrong state cannot be written down.
fn integer(schema: &Node) -> Result<TokenStream, Unsupported> {
    let natural = bound(schema, "minimum")?.is_some_and(|minimum| minimum >= 0);
    let (rust, least, most) = match (text(schema, "format"), natural) {
        (Some("int32"), true) => (quote!(u32), 0, i128::from(u32::MAX)),
        (Some("int32"), false) => (quote!(i32), i128::from(i32::MIN), i128::from(i32::MAX)),
        (None | Some("int64"), true) => (quote!(u64), 0, i128::from(u64::MAX)),
        (None | Some("int64"), false) => (quote!(i64), i128::from(i64::MIN), i128::from(i64::MAX)),
        (Some(other), _) => {
            return unsupported(schema, format!("an integer of the format `{other}`; `int32` and `int64` are known"));
        }
    };
    for key in ["minimum", "maximum"] {
        if let Some(value) = bound(schema, key)?
            && !(least..=most).contains(&value)
        {
            let node = schema.get(key).unwrap_or(schema);
            return unsupported(node, format!("its `{key}` of {value} lies outside what its format can hold"));
        }
    }
    Ok(rust)
}

/// A whole-numbered bound.
pub fn bound(schema: &Node, key: &str) -> Result<Option<i128>, Unsupported> {
    let Some(node) = schema.get(key) else { return Ok(None) };
    let number = node.to_json();
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match whole {
        Some(whole) => Ok(Some(whole)),
        None => unsupported(node, format!("its `{key}` is no whole number of 64 bits")),
    }
}

/// The component that a schema refers to, directly or as the one member of an `allOf` (the way to add `nullable` to a
/// reference in OpenAPI 3.0).
pub fn reference(schema: &Node) -> Result<Option<String>, Unsupported> {
    let target = match (schema.get("$ref"), schema.get("allOf").map(Node::items)) {
        (Some(target), _) => target,
        (None, Some([only])) => match only.get("$ref") {
            Some(target) => target,
            None => return unsupported(only, "an `allOf` whose one member is not a `$ref`"),
        },
        (None, Some(_)) => return unsupported(schema, "an `allOf` of several schemas"),
        (None, None) => return Ok(None),
    };
    match target.as_str().and_then(|target| target.strip_prefix("#/components/schemas/")) {
        Some(name) => Ok(Some(name.to_owned())),
        None => unsupported(target, "a reference to something else than `#/components/schemas/…`"),
    }
}

/// `impl JsonSchema` that answers with the contract's own text.
pub fn json_schema(type_name: &Ident, name: &str, schema: &Json) -> TokenStream {
    let mut references = BTreeSet::new();
    collect_references(schema, &mut references);
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

fn collect_references(schema: &Json, found: &mut BTreeSet<String>) {
    match schema {
        Json::Object(map) => {
            let target =
                map.get("$ref").and_then(Json::as_str).and_then(|target| target.strip_prefix("#/components/schemas/"));
            found.extend(target.map(str::to_owned));
            map.values().for_each(|value| collect_references(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
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

/// A text as doc comments.
pub fn doc_lines(text: &str) -> TokenStream {
    let text = if text.trim().is_empty() { "As the contract says." } else { text };
    let lines = unwrapped(text).into_iter().map(|line| format!(" {line}"));
    quote!(#(#[doc = #lines])*)
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::as_str)
}

fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}
