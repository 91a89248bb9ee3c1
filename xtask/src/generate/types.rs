//! Schemas of the contract as Rust types whose `JsonSchema` is the contract's own text.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value as Json;

use super::names::{ident, pascal, snake};

/// What a schema is in Rust, or why it cannot be turned into Rust.
pub fn component(name: &str, schema: &Json) -> Result<TokenStream, String> {
    let type_name = ident(&pascal(name));
    let docs = docs(schema);
    let body = if let Some(values) = schema.get("enum") {
        let values = string_values(values)?;
        let variants = values.iter().map(|value| {
            let variant = ident(&pascal(value));
            let doc = format!(" `{value}`");
            quote!(#[doc = #doc] #[serde(rename = #value)] #variant,)
        });
        quote! {
            #docs
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            pub enum #type_name { #(#variants)* }
        }
    } else if schema.get("type").and_then(Json::as_str) == Some("object") {
        object(&type_name, &docs, schema)?
    } else {
        return Err("it is neither an object nor a list of text values".into());
    };
    let id = format!("contract::{name}");
    let implementation = json_schema(&type_name, name, &id, schema)?;
    Ok(quote!(#body #implementation))
}

fn object(type_name: &proc_macro2::Ident, docs: &TokenStream, schema: &Json) -> Result<TokenStream, String> {
    if let Some(word) = ["oneOf", "anyOf", "allOf", "not", "additionalProperties"]
        .iter()
        .find(|word| schema.get(**word).is_some())
    {
        return Err(format!("it uses `{word}`"));
    }
    let none = serde_json::Map::new();
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .map(|names| names.iter().filter_map(Json::as_str).collect())
        .unwrap_or_default();
    let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
    if let Some(unknown) = required.iter().find(|name| !properties.contains_key(**name)) {
        return Err(format!("it requires `{unknown}`, which is not among its properties"));
    }
    let mut fields = Vec::new();
    for (name, property) in properties {
        let required = required.contains(&name.as_str());
        let field = self::field(property).map_err(|why| format!("its property `{name}`: {why}"))?;
        let nullable = property.get("nullable").and_then(Json::as_bool).unwrap_or(false);
        let rust = ident(&snake(name));
        let doc = self::docs(property);
        let rename = (snake(name) != *name).then(|| quote!(#[serde(rename = #name)]));
        let inner = &field.rust;
        let optional = nullable || !required;
        let rust_type = if optional {
            quote!(Option<#inner>)
        } else {
            quote!(#inner)
        };
        let with = field.time.then(|| {
            let module = if optional { "timestamp::option" } else { "timestamp" };
            quote!(#[serde(with = #module)])
        });
        // An optional field that is absent is left out; a nullable one that is required is written as null.
        let skip = match (optional, required) {
            (true, false) => Some(quote!(#[serde(default, skip_serializing_if = "Option::is_none")])),
            _ => None,
        };
        fields.push(quote!(#doc #rename #with #skip pub #rust: #rust_type,));
    }
    let default = required
        .iter()
        .all(|name| {
            properties.get(*name).is_some_and(|property| {
                property.get("type") == Some(&"string".into()) && property.get("format").is_none()
            })
        })
        .then(|| quote!(Default,));
    Ok(quote! {
        #docs
        #[derive(Debug, Clone, PartialEq, #default Serialize, Deserialize)]
        pub struct #type_name { #(#fields)* }
    })
}

/// A type in a place where it is used.
pub struct Field {
    /// The Rust type.
    pub rust: TokenStream,
    /// Whether it is a time, which has a form of its own on the wire.
    pub time: bool,
}

/// The type of a property, a list item or a parameter.
pub fn field(schema: &Json) -> Result<Field, String> {
    let plain = |rust| Ok(Field { rust, time: false });
    if let Some(reference) = reference(schema)? {
        let name = ident(&pascal(&reference));
        return plain(quote!(#name));
    }
    if schema.get("enum").is_some() {
        return Err("an `enum` stands inline; put it into `components.schemas` and refer to it".into());
    }
    let format = schema.get("format").and_then(Json::as_str);
    match (schema.get("type").and_then(Json::as_str), format) {
        (Some("string"), None) => plain(quote!(String)),
        (Some("string"), Some("uuid")) => plain(quote!(uuid::Uuid)),
        (Some("string"), Some("date-time")) => Ok(Field {
            rust: quote!(chrono::DateTime<chrono::Utc>),
            time: true,
        }),
        (Some("integer"), format) => {
            let natural = schema
                .get("minimum")
                .and_then(Json::as_i64)
                .is_some_and(|minimum| minimum >= 0);
            match (format, natural) {
                (Some("int32"), true) => plain(quote!(u32)),
                (Some("int32"), false) => plain(quote!(i32)),
                (None | Some("int64"), true) => plain(quote!(u64)),
                (None | Some("int64"), false) => plain(quote!(i64)),
                (Some(other), _) => Err(format!(
                    "an integer of the format `{other}`; `int32` and `int64` are known"
                )),
            }
        }
        (Some("number"), None | Some("double" | "float")) => plain(quote!(f64)),
        (Some("boolean"), None) => plain(quote!(bool)),
        (Some("array"), None) => {
            let items = schema.get("items").ok_or("a list without `items`")?;
            let item = field(items)?;
            if item.time {
                return Err("a list of times; put the time into an object".into());
            }
            let rust = item.rust;
            plain(quote!(Vec<#rust>))
        }
        (Some("object"), _) => Err("an object stands inline; put it into `components.schemas` and refer to it".into()),
        (Some(kind), Some(format)) => Err(format!("a `{kind}` of the format `{format}`")),
        (Some(kind), None) => Err(format!("the type `{kind}`")),
        (None, _) => Err("it has no `type`".into()),
    }
}

/// The component that a schema refers to, directly or as the one member of an `allOf` (the way to add `nullable` to a
/// reference in OpenAPI 3.0).
pub fn reference(schema: &Json) -> Result<Option<String>, String> {
    let target = match (schema.get("$ref"), schema.get("allOf").and_then(Json::as_array)) {
        (Some(target), _) => target,
        (None, Some(all)) => match all.as_slice() {
            [only] => only.get("$ref").ok_or("an `allOf` whose one member is not a `$ref`")?,
            _ => return Err("an `allOf` of several schemas".into()),
        },
        (None, None) => return Ok(None),
    };
    target
        .as_str()
        .and_then(|target| target.strip_prefix("#/components/schemas/"))
        .map(|name| Some(name.to_owned()))
        .ok_or_else(|| format!("a reference to {target}; only `#/components/schemas/…` has a type"))
}

/// `impl JsonSchema` that answers with the contract's own text.
pub fn json_schema(type_name: &proc_macro2::Ident, name: &str, id: &str, schema: &Json) -> Result<TokenStream, String> {
    let mut references = Vec::new();
    collect_references(schema, &mut references)?;
    let register = references.iter().map(|name| {
        let name = ident(&pascal(name));
        quote!(let _ = generator.subschema_for::<#name>();)
    });
    let generator = if references.is_empty() {
        quote!(_generator)
    } else {
        quote!(generator)
    };
    let text = serde_json::to_string(&draft_7(schema)).map_err(|error| error.to_string())?;
    Ok(quote! {
        impl JsonSchema for #type_name {
            fn schema_name() -> String { #name.to_owned() }
            fn schema_id() -> std::borrow::Cow<'static, str> { #id.into() }
            fn json_schema(#generator: &mut SchemaGenerator) -> Schema {
                #(#register)*
                contract_schema(#text)
            }
        }
    })
}

fn collect_references(schema: &Json, found: &mut Vec<String>) -> Result<(), String> {
    match schema {
        Json::Object(map) => {
            if let Some(name) = reference(schema).ok().flatten() {
                if !found.contains(&name) {
                    found.push(name);
                }
                return Ok(());
            }
            map.values().try_for_each(|value| collect_references(value, found))
        }
        Json::Array(items) => items.iter().try_for_each(|item| collect_references(item, found)),
        _ => Ok(()),
    }
}

/// OpenAPI 3.0 writes exclusive bounds as flags, schemars' draft 7 as numbers.
fn draft_7(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => {
            let mut map: serde_json::Map<String, Json> =
                map.iter().map(|(key, value)| (key.clone(), draft_7(value))).collect();
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                match map.get(flag) {
                    Some(Json::Bool(true)) => {
                        if let Some(number) = map.remove(bound) {
                            map.insert(flag.to_owned(), number);
                        }
                    }
                    Some(Json::Bool(false)) => {
                        map.remove(flag);
                    }
                    _ => {}
                }
            }
            Json::Object(map)
        }
        Json::Array(items) => items.iter().map(draft_7).collect(),
        other => other.clone(),
    }
}

fn string_values(values: &Json) -> Result<Vec<&str>, String> {
    let values: Option<Vec<&str>> = values
        .as_array()
        .map(|values| values.iter().map(Json::as_str).collect())
        .unwrap_or(None);
    let values = values.ok_or("its `enum` holds something other than texts")?;
    let mut names: Vec<String> = values.iter().map(|value| pascal(value)).collect();
    names.sort();
    if names.iter().any(String::is_empty) || names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("two values of its `enum` would have the same name in code, or one has none".into());
    }
    Ok(values)
}

/// The description as doc comments.
pub fn docs(schema: &Json) -> TokenStream {
    doc_lines(schema.get("description").and_then(Json::as_str).unwrap_or_default())
}

/// A text as doc comments.
pub fn doc_lines(text: &str) -> TokenStream {
    let text = if text.trim().is_empty() {
        "As the contract says."
    } else {
        text.trim_end()
    };
    let lines = text.lines().map(|line| format!(" {line}"));
    quote!(#(#[doc = #lines])*)
}
