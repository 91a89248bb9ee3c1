//! A program that calls every operation of a generated server once, with the generated client of the same contract, and says
//! whether what was sent arrived, and what was answered came back. With `serve SECRET` it prints the URL of the server instead,
//! which demands that secret, and serves until its standard input ends.

mod answers;
mod builders;
mod gate;

use std::collections::BTreeMap;

use apidrift_core::contract::Contract;
use openapi_model::document::Location;
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;
use openapi_model::values::Direction;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::{Value as Json, json};
use syn::Type;

use self::answers::{not_found, success};
use self::builders::Builders;
use self::gate::gate;
use crate::lower::LoweredOperation;
use crate::lower::bodies::Content;
use crate::media::Format;
use crate::names::ident;
use crate::server::{self, PlannedOperation, Types};
use crate::standalone::GeneratedClient;

/// Makes a value that fits a schema when it is sent in a direction; `None` if it cannot. The last argument says whether it is for
/// a text, such as a parameter, so that it must be plain.
pub type Make<'a> = &'a dyn Fn(SchemaId, Direction, bool) -> Option<Json>;

/// The program.
#[derive(Debug)]
pub struct RoundTrip {
    /// Its source text. It refers to the crates `client` and `server`.
    pub text: String,
    /// The IDs of the operations that it calls.
    pub called: Vec<String>,
    /// The operations that it does not call, and why.
    pub skipped: Vec<(String, String)>,
}

/// Writes the program for the operations that both the client and the server of a contract have.
///
/// # Errors
///
/// If the client's text is not what this generator writes.
pub fn round_trip(contract: &Contract, client: &GeneratedClient, make: Make<'_>) -> Result<RoundTrip, String> {
    let builders = Builders::read(&client.text)?;
    let (planned, mut types) = server::planned(contract);
    let mut skipped = Vec::new();
    let (mut methods, mut calls, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for planned in &planned {
        let lowered = client.operations.iter().find(|lowered| lowered.index == planned.index);
        let parts = lowered.map_or_else(
            || Err("the client does not have it".to_owned()),
            |lowered| operation(contract, planned, lowered, &builders, &mut types, make),
        );
        let parts = parts.unwrap_or_else(|why| {
            skipped.push((planned.id.clone(), why));
            (not_called(planned), None)
        });
        methods.push(parts.0);
        if let Some(call) = parts.1 {
            calls.push(call);
            names.push(planned.operation.id.value.clone());
        }
    }
    let gate = gate();
    let functions: Vec<_> = (0..calls.len()).map(|index| format_ident!("call_{index}")).collect();
    let tokens = quote! {
        use std::sync::{Arc, Mutex};
        use client::types;
        use serde::Serialize;
        use serde::de::DeserializeOwned;
        use serde_json::{Value, json};

        /// What arrived last.
        #[derive(Debug, Default)]
        struct Echo(Arc<Mutex<Value>>);

        impl Echo {
            fn arrived(&self, request: Value) {
                *self.0.lock().unwrap() = request;
            }
        }

        impl server::Operations for Echo {
            type Caller = ();
            #(#methods)*
        }

        #gate

        fn from<T: DeserializeOwned>(text: &str) -> T {
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
        }

        fn to(value: &impl Serialize) -> Value {
            serde_json::to_value(value).unwrap()
        }

        fn compare(what: &str, sent: &Value, arrived: &Value) -> Result<(), String> {
            if server::runtime::unions::keeps(sent, arrived) { Ok(()) } else { Err(format!("{what}: {sent} arrived as {arrived}")) }
        }

        #(async fn #functions(client: &client::Client, echo: &Mutex<Value>) -> Result<(), String> { #calls })*

        #[tokio::main]
        async fn main() {
            if std::env::args().nth(1).as_deref() == Some("openapi") {
                println!("{}", server::openapi().unwrap());
                return;
            }
            let secret = std::env::args().nth(1).filter(|argument| argument == "serve").and_then(|_| std::env::args().nth(2));
            let is_asked_to_serve = secret.is_some();
            let seen = Arc::new(Mutex::new(Value::Null));
            let api = server::Api {
                gate: OneSecret(secret),
                operations: Echo(seen.clone()),
                deadline: std::time::Duration::from_secs(60),
                retry_after: 1,
            };
            let config = dropshot::ConfigDropshot { default_request_body_max_bytes: 10_000_000, ..Default::default() };
            let log = dropshot::ConfigLogging::StderrTerminal { level: dropshot::ConfigLoggingLevel::Critical };
            let description = server::api_description().unwrap();
            let started = dropshot::ServerBuilder::new(description, Arc::new(api), log.to_logger("echo").unwrap()).config(config);
            let started = started.start().unwrap();
            if is_asked_to_serve {
                println!("{}", json!({ "url": format!("http://{}", started.local_addr()) }));
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                return;
            }
            let client = client::Client::new(&format!("http://{}", started.local_addr()));
            #({
                let (client, seen) = (client.clone(), seen.clone());
                let ended = tokio::spawn(async move { #functions(&client, &seen).await }).await;
                let ended = ended.unwrap_or_else(|panic| Err(format!("{panic}")));
                println!("{}", json!({ "operation": #names, "why": ended.err() }));
            })*
        }
    };
    let file = syn::parse2(tokens).map_err(|error| format!("the generator wrote invalid Rust: {error}"))?;
    let text = format!("#![allow(warnings)]\n//! Calls every operation once.\n\n{}", prettyplease::unparse(&file));
    Ok(RoundTrip { text, called: names, skipped })
}

/// A method that is never called.
fn not_called(planned: &PlannedOperation<'_>) -> TokenStream {
    let name = &planned.name;
    quote! {
        async fn #name(&self, (): &(), _: server::operation::#name::Request)
            -> Result<server::operation::#name::Success, server::operation::#name::Error> {
            Err(server::Refusal::Failed.into())
        }
    }
}

/// The method of the server, and the call of the client.
fn operation<'a>(
    contract: &'a Contract,
    planned: &PlannedOperation<'a>,
    lowered: &LoweredOperation,
    builders: &Builders,
    types: &mut Types<'a>,
    make: Make<'_>,
) -> Result<(TokenStream, Option<TokenStream>), String> {
    let (name, document) = (&planned.name, &contract.document);
    let mut in_path = Vec::new();
    let inputs = builders.inputs.get(&lowered.type_name()).ok_or("the client has no builder of it")?;
    let mut setters = Vec::new();
    let mut expected = serde_json::Map::new();
    for parameter in &planned.parameters {
        let value = match parameter.schemas.ids().first() {
            Some(schema) => make(*schema, Direction::Request, true),
            None => Some("text".into()),
        };
        let value = value.ok_or_else(|| format!("no value of the parameter `{}` can be made", parameter.key))?;
        let same = |other: &&crate::lower::parameters::Parameter| {
            other.name == parameter.key && other.location == parameter.location
        };
        let Some(sent) = lowered.parameters.iter().find(same) else {
            return Err(format!("the client has no parameter `{}`", parameter.key));
        };
        setters.push(setter(&sent.field, inputs, &value)?);
        if parameter.location == Location::Path {
            in_path.push((&parameter.name, value.to_string()));
        }
        expected.insert(parameter.name.to_string(), value);
    }
    let mut arrived: Vec<TokenStream> = planned
        .parameters
        .iter()
        .map(|parameter| {
            let (key, field) = (parameter.name.to_string(), &parameter.name);
            quote!(#key: to(&request.#field))
        })
        .collect();
    if let Some(body) = &planned.body {
        let sent = lowered.body.as_ref().ok_or("the client sends no body")?;
        let media = body.media.iter().find(|media| *media.media.name == *sent.media_type);
        let media = media.ok_or_else(|| format!("the server does not take `{}`", sent.media_type))?;
        let is_single = body.media.len() == 1;
        let variant = &media.variant;
        let unwrapped = match (is_single, body.body.required.value) {
            (true, true) => quote!(Some(&request.body)),
            (true, false) => quote!(request.body.as_ref()),
            (false, true) => quote!(match &request.body {
                server::operation::#name::RequestBody::#variant(body) => Some(body),
                _ => None,
            }),
            (false, false) => quote!(match &request.body {
                Some(server::operation::#name::RequestBody::#variant(body)) => Some(body),
                _ => None,
            }),
        };
        match (media.format, &sent.content) {
            (Format::Json | Format::Form, Content::Json(_) | Content::Form(..)) => {
                let value = media
                    .media
                    .schema
                    .and_then(|schema| make(schema, Direction::Request, media.format == Format::Form));
                let value = value.ok_or("no body can be made")?;
                setters.push(setter("body", inputs, &value)?);
                expected.insert("body".to_owned(), value);
                arrived.push(quote!("body": to(&#unwrapped)));
            }
            (Format::Text | Format::Bytes, Content::Text | Content::Bytes { .. }) => {
                setters.push(quote!(let call = call.body("text that is sent".to_owned());));
                expected.insert("body".to_owned(), "text that is sent".into());
                arrived.push(quote!("body": to(&#unwrapped.map(|body| String::from_utf8_lossy(body)))));
            }
            (Format::Multipart, Content::Multipart(parts)) => {
                let shape = document.shape(&media.media.schema.map(AllOf::from).unwrap_or_default());
                let mut texts: Vec<Json> = Vec::new();
                for part in parts {
                    if part.schema.is_none() {
                        let (field, file) =
                            (ident(&part.field), quote!(client::multipart::File::new("file", "a file")));
                        let files = if part.is_list { quote!(vec![#file]) } else { file };
                        setters.push(quote!(let call = call.#field(#files);));
                        texts.push(json!([part.name, "a file"]));
                        continue;
                    }
                    let schema = shape.properties.get(&part.name).and_then(|property| property.schema.ids().first());
                    let value = schema.and_then(|schema| make(*schema, Direction::Request, true));
                    let value = value.ok_or_else(|| format!("no part `{}` can be made", part.name))?;
                    setters.push(setter(&part.field, inputs, &value)?);
                    let items = match value {
                        Json::Array(items) if part.media_type.is_none() => items,
                        value => vec![value],
                    };
                    texts.extend(items.iter().map(|item| match item {
                        Json::String(text) => json!([part.name, text]),
                        other => json!([part.name, other.to_string()]),
                    }));
                }
                expected.insert("body".to_owned(), texts.into());
                let text = quote!(|part| json!([part.name, String::from_utf8_lossy(&part.content)]));
                arrived.push(quote!("body": #unwrapped.map(|parts| parts.iter().map(#text).collect::<Vec<Value>>())));
            }
            _ => return Err(format!("a body of the type `{}` is not made here", sent.media_type)),
        }
    }
    let (successes, errors) = server::answers(document, planned, types);
    let (success, answered) = success(planned, &successes, make)?;
    // What the path names exists if it is what the client sends.
    let absent = if server::names_errors(contract) { None } else { not_found(planned, &errors, make) };
    let absent = absent.filter(|_| !in_path.is_empty()).map(|absent| {
        let others = in_path.iter().map(|(field, text)| quote!(to(&request.#field) != from::<Value>(#text)));
        quote!(if #(#others)||* { return Err(#absent); })
    });
    let unused = if arrived.is_empty() { quote!(let _ = request;) } else { quote!() };
    let method = quote! {
        async fn #name(&self, (): &(), request: server::operation::#name::Request)
            -> Result<server::operation::#name::Success, server::operation::#name::Error> {
            #unused
            #absent
            self.arrived(json!({ #(#arrived),* }));
            Ok(#success)
        }
    };
    let client_name = ident(&lowered.name);
    let expected = Json::Object(expected).to_string();
    let is_compared = builders.answers.get(&lowered.type_name()).is_some_and(|kind| !kind.starts_with("responses ::"));
    let compared = answered.filter(|_| is_compared).map(|value| {
        let value = value.to_string();
        quote!(compare("the answer", &from::<Value>(#value), &to(&*answer))?;)
    });
    let call = quote! {
        let call = client.#client_name();
        #(#setters)*
        let answer = call.send().await.map_err(|error| format!("{error:?}"))?;
        compare("the request", &from::<Value>(#expected), &echo.lock().unwrap())?;
        #compared
        let _ = answer;
        Ok(())
    };
    Ok((method, Some(call)))
}

fn setter(field: &str, inputs: &BTreeMap<String, Type>, value: &Json) -> Result<TokenStream, String> {
    let kind = inputs.get(field).ok_or_else(|| format!("the builder has no field `{field}`"))?;
    let (field, text) = (ident(field), value.to_string());
    Ok(quote!(let call = call.#field(from::<#kind>(#text));))
}
