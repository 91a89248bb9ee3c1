//! The file of a client, put together.

use std::collections::{BTreeSet, HashMap, HashSet};

use openapi_model::document::Document;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, GenericArgument, Item, ItemMod, PathArguments, Type};

use super::builders::{builder, inputs, method};
use super::dependencies::{dependencies, head};
use super::responses::responses;
use super::{Code, nulls, runtime, types};
use crate::characters::harmless;
use crate::dependencies::Dependency;
use crate::docs::doc;
use crate::lower::document::{references, sent, value_key, values};
use crate::lower::names::progenitor_type_name;
use crate::lower::record::reached;
use crate::lower::{Lowered, LoweredOperation, all_servers};

/// The text of the file, and the crates that it needs.
pub fn file(document: &Document, lowered: &Lowered, code: Code) -> Result<(String, Vec<Dependency>), String> {
    let no_rust = |error: syn::Error| format!("the generated code is no Rust: {error}");
    let Code { file: mut parsed, uses_chrono, uses_uuid } = code;
    let known = value_types(&parsed);
    let mut type_module = module(&mut parsed, "types").ok_or("progenitor wrote no types")?;
    let roots = lowered.operations.iter().flat_map(sent).flat_map(references).collect();
    types::finish(&mut type_module, lowered, &reached(&lowered.types, &roots)).map_err(no_rust)?;

    let (mut methods, mut builders, mut enums) = (Vec::new(), Vec::new(), Vec::new());
    for operation in &lowered.operations {
        let kinds = types_of(operation, &known)?;
        let (sent, received) = kinds.split_at(sent(operation).count());
        let inputs = inputs(operation, sent);
        let (items, answers) = responses(operation, received);
        methods.push(method(operation, &inputs));
        builders.push(builder(operation, &inputs, &answers));
        enums.push(items);
    }
    let builders = quote!(#(#builders)*);
    let mut names = HashSet::new();
    runtime::identifiers(builders.clone(), &mut names);
    let multipart = if names.contains("multipart") {
        names.extend(["File", "file"].map(str::to_owned));
        used(runtime::MULTIPART, &mut names, "multipart", true).map_err(no_rust)?
    } else {
        quote!()
    };
    names.insert("Unreadable".to_owned());
    let wire = used(runtime::WIRE, &mut names, "wire", false).map_err(no_rust)?;
    let readers = runtime::used(runtime::RESPONSES, &mut names).map_err(no_rust)?;
    let nulls = lowered.types.values().any(|named| !named.nulls.is_empty()).then(nulls::module);
    let client = client(document);
    let stream = names.contains("ByteStream").then(|| quote!(ByteStream,));
    let whole = quote! {
        pub use ::progenitor_client::{#stream ClientInfo, Error, ResponseValue};
        use ::progenitor_client::{ClientHooks, OperationInfo};
        #client
        impl Client { #(#methods)* }
        #type_module
        /// The requests of the operations.
        pub mod builder {
            #[allow(unused_imports)]
            use super::{responses, types, wire};
            #builders
        }
        /// The responses of the operations.
        pub mod responses {
            #[allow(unused_imports)]
            use super::types;
            #(#readers)*
            #(#enums)*
        }
        #multipart
        #nulls
        #wire
    };
    let file: syn::File = syn::parse2(whole).map_err(no_rust)?;
    let dependencies = dependencies(uses_chrono, uses_uuid);
    let text = format!("{}{}", head(&dependencies), spaced(&harmless(&prettyplease::unparse(&file))));
    Ok((text, dependencies))
}

/// Code with an empty line between items.
fn spaced(code: &str) -> String {
    let mut text = String::with_capacity(code.len() + code.len() / 32);
    let mut before = "";
    for line in code.lines() {
        let (trimmed, previous) = (line.trim_start(), before.trim_start());
        let begins = ["///", "#[", "pub ", "pub(", "impl", "mod ", "fn ", "async fn"];
        let ends = previous == "}" || previous.starts_with("use ") || previous.starts_with("pub use ");
        let is_import = trimmed.starts_with("use ") || trimmed.starts_with("pub use ");
        let is_aligned = line.len() - trimmed.len() == before.len() - previous.len();
        if ends && is_aligned && !is_import && begins.iter().any(|begin| trimmed.starts_with(begin)) {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        before = line;
    }
    text
}

/// The parts of the runtime that are used, as a module.
fn used(source: &str, names: &mut HashSet<String>, name: &str, is_public: bool) -> syn::Result<TokenStream> {
    let items = runtime::used(source, names)?;
    if items.is_empty() {
        return Ok(quote!(
            #[allow(unused)]
            mod wire {}
        ));
    }
    let name = quote::format_ident!("{name}");
    let text = syn::parse_file(source)?.attrs.into_iter().find_map(|attribute| match attribute.meta {
        syn::Meta::NameValue(meta) => match meta.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let docs = doc(&text.unwrap_or_default());
    let public = is_public.then(|| quote!(pub));
    Ok(quote!(#docs #public mod #name { #(#items)* }))
}

/// The types that progenitor gives to the values of each operation: those of the fields of its builder, which are
/// `Result<Option<Vec<TYPE>>, String>`.
fn value_types(file: &syn::File) -> HashMap<String, HashMap<String, Type>> {
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.ident == "builder" => module.content.as_ref(),
        _ => None,
    });
    let structs = modules.flat_map(|(_, items)| items).filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        _ => None,
    });
    let of = |fields: &Fields| {
        let inner = |field: &syn::Field| {
            let kind = argument(&field.ty).and_then(argument).and_then(argument)?;
            Some((field.ident.as_ref()?.to_string(), kind.clone()))
        };
        fields.iter().filter_map(inner).collect()
    };
    structs.map(|item| (item.ident.to_string(), of(&item.fields))).collect()
}

/// The first type argument of a type.
fn argument(kind: &Type) -> Option<&Type> {
    let Type::Path(path) = kind else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

/// The types of the values of an operation, in order.
fn types_of(operation: &LoweredOperation, known: &HashMap<String, HashMap<String, Type>>) -> Result<Vec<Type>, String> {
    let fields = known.get(&progenitor_type_name(&operation.name));
    let count = values(operation).count();
    (0..count)
        .map(|index| {
            let kind = fields.and_then(|fields| fields.get(&value_key(index))).cloned();
            kind.ok_or_else(|| format!("progenitor wrote no builder for `{}`", operation.name))
        })
        .collect()
}

/// A module of a file.
fn module(file: &mut syn::File, name: &str) -> Option<ItemMod> {
    let at = file.items.iter().position(|item| matches!(item, Item::Mod(module) if module.ident == name))?;
    match file.items.swap_remove(at) {
        Item::Mod(mut module) => {
            module.attrs.retain(|attribute| attribute.path().is_ident("doc"));
            Some(module)
        }
        _ => None,
    }
}

/// The client itself.
fn client(document: &Document) -> TokenStream {
    let title = document.info.title.value.trim();
    let title = if title.is_empty() { "A client.".to_owned() } else { format!("A client of {title}.") };
    let description = document.info.description.as_ref().map(|text| text.value.as_str()).unwrap_or_default();
    let servers: BTreeSet<&str> = all_servers(document).into_iter().flatten().collect();
    let servers: String = servers.iter().map(|url| format!("\n- `{url}`")).collect();
    let servers = if servers.is_empty() { servers } else { format!("\n\nServers of the contract:\n{servers}") };
    let docs = doc(&format!("{title}\n\n{description}{servers}"));
    let version = &document.info.version.value;
    quote! {
        #docs
        #[derive(Clone, Debug)]
        pub struct Client {
            pub(crate) baseurl: String,
            pub(crate) client: ::reqwest::Client,
        }
        impl Client {
            /// A client that gives up when connecting takes 15 seconds, or when a response stops coming for 60 seconds.
            ///
            /// `baseurl` is what the paths of the contract are appended to, such as `https://api.example.com/v1`.
            pub fn new(baseurl: &str) -> Self {
                #[cfg(not(target_arch = "wasm32"))]
                let client = ::reqwest::ClientBuilder::new()
                    .connect_timeout(::std::time::Duration::from_secs(15))
                    .read_timeout(::std::time::Duration::from_secs(60));
                #[cfg(target_arch = "wasm32")]
                let client = ::reqwest::ClientBuilder::new();
                Self::new_with_client(baseurl, client.build().unwrap_or_default())
            }
            /// A client that sends its requests through a given one, which may have timeouts and default headers of its
            /// own, such as credentials.
            pub fn new_with_client(baseurl: &str, client: ::reqwest::Client) -> Self {
                Self { baseurl: baseurl.to_owned(), client }
            }
        }
        impl ClientInfo<()> for Client {
            fn api_version() -> &'static str {
                #version
            }
            fn baseurl(&self) -> &str {
                self.baseurl.as_str()
            }
            fn client(&self) -> &::reqwest::Client {
                &self.client
            }
            fn inner(&self) -> &() {
                &()
            }
        }
        impl ClientHooks<()> for &Client {}
        /// Sends a request, with the hooks around it.
        async fn execute<E>(
            client: &Client,
            request: Result<::reqwest::Request, String>,
            operation_id: &'static str,
        ) -> Result<::reqwest::Response, Error<E>> {
            let mut request = request.map_err(Error::InvalidRequest)?;
            let info = OperationInfo { operation_id };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            Ok(result?)
        }
    }
}
