//! The operations as methods of the client, and a builder for each: a field and a setter for each of its values.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Type;

use super::requests::request;
use super::responses::Answers;
use crate::docs::doc;
use crate::lower::LoweredOperation;
use crate::lower::bodies::Content;

/// A value that the caller sets.
pub struct Input {
    /// Its name in Rust.
    pub field: String,
    /// Its type.
    pub kind: TokenStream,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Its documentation.
    pub docs: String,
}

/// The values that the caller sets. `types` are those of [`crate::lower::document::sent`], in the same order.
pub fn inputs(operation: &LoweredOperation, types: &[Type]) -> Vec<Input> {
    let mut types = types.iter();
    let mut next = || types.next().map_or_else(|| quote!(::serde_json::Value), |kind| quote!(#kind));
    let mut inputs = Vec::new();
    for parameter in &operation.parameters {
        let (field, docs) = (parameter.field.clone(), parameter.docs.clone());
        inputs.push(Input { field, kind: next(), required: parameter.required, docs });
    }
    let Some(body) = &operation.body else { return inputs };
    let whole = |kind: TokenStream| Input {
        field: "body".to_owned(),
        kind,
        required: body.required,
        docs: if body.docs.is_empty() { "The body of the request.".to_owned() } else { body.docs.clone() },
    };
    match &body.content {
        Content::Json(_) | Content::Form(..) => inputs.push(whole(next())),
        Content::Text => inputs.push(whole(quote!(::std::string::String))),
        Content::Bytes { has_choice } => {
            inputs.push(whole(quote!(::reqwest::Body)));
            if *has_choice {
                inputs.push(Input {
                    field: "content_type".to_owned(),
                    kind: quote!(::std::string::String),
                    required: false,
                    docs: format!("The media type of the body.\n\nDefault: `{}`.", body.media_type),
                });
            }
        }
        Content::Multipart(parts) => {
            for part in parts {
                let kind = match (&part.schema, part.is_list) {
                    (Some(_), _) => next(),
                    (None, true) => quote!(::std::vec::Vec<super::multipart::File>),
                    (None, false) => quote!(super::multipart::File),
                };
                let (field, docs) = (part.field.clone(), part.docs.clone());
                inputs.push(Input { field, kind, required: part.required, docs });
            }
        }
    }
    inputs
}

/// The method of the client that begins an operation.
pub fn method(operation: &LoweredOperation, inputs: &[Input]) -> TokenStream {
    let (name, builder) = (format_ident!("{}", operation.name), format_ident!("{}", operation.type_name()));
    let mut text = operation.summary.clone();
    for part in [&operation.description, &format!("Sends a `{}` request to `{}`.", operation.method, operation.path)] {
        if !part.is_empty() && *part != text {
            text = format!("{text}\n\n{part}");
        }
    }
    let required: Vec<String> =
        inputs.iter().filter(|input| input.required).map(|input| format!("`{}`", input.field)).collect();
    if !required.is_empty() {
        text = format!("{text}\n\nRequired: {}.", required.join(", "));
    }
    let credentials: Vec<String> = operation.credentials.iter().map(|schemes| alternative(schemes)).collect();
    if !credentials.is_empty() {
        text = format!("{text}\n\nCredentials: {}.", credentials.join(", or "));
    }
    if !operation.losses.is_empty() {
        let losses: BTreeSet<&str> = operation.losses.iter().map(|loss| loss.what.as_str()).collect();
        let losses: String = losses.iter().map(|loss| format!("\n- {loss}.")).collect();
        text = format!("{text}\n\nNot as the contract says:\n{losses}");
    }
    let docs = doc(&text);
    let deprecated = operation.is_deprecated.then(|| quote!(#[deprecated]));
    quote! {
        #docs
        #deprecated
        pub fn #name(&self) -> builder::#builder<'_> {
            builder::#builder::new(self)
        }
    }
}

/// Credentials that are needed together.
fn alternative(schemes: &[String]) -> String {
    if schemes.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<String> = schemes.iter().map(|name| format!("`{name}`")).collect();
    names.join(" and ")
}

/// The builder of an operation.
pub fn builder(operation: &LoweredOperation, inputs: &[Input], answers: &Answers) -> TokenStream {
    let name = format_ident!("{}", operation.type_name());
    let fields: Vec<_> = inputs.iter().map(|input| format_ident!("{}", input.field)).collect();
    let kinds: Vec<_> = inputs.iter().map(|input| &input.kind).collect();
    let setters = inputs.iter().map(setter);
    let is_clone = !matches!(operation.body.as_ref().map(|body| &body.content), Some(Content::Bytes { .. }));
    let derive = if is_clone { quote!(#[derive(Clone, Debug)]) } else { quote!(#[derive(Debug)]) };
    let docs = doc(&format!("A `{}` request to `{}`.", operation.method, operation.path));
    let id = &operation.id;
    let request = request(operation);
    let Answers { success, error, arms } = answers;
    quote! {
        #docs
        #derive
        pub struct #name<'a> {
            client: &'a super::Client,
            #(#fields: wire::Input<#kinds>,)*
        }
        impl<'a> #name<'a> {
            /// A request without any values.
            pub fn new(client: &'a super::Client) -> Self {
                Self { client, #(#fields: Ok(None),)* }
            }
            #(#setters)*
            /// Sends the request.
            pub async fn send(
                self,
            ) -> ::std::result::Result<super::ResponseValue<#success>, super::Error<#error>> {
                let response = super::execute(self.client, self.request(), #id).await?;
                match response.status().as_u16() {
                    #arms
                }
            }
            fn request(self) -> ::std::result::Result<::reqwest::Request, ::std::string::String> {
                #request
            }
        }
    }
}

fn setter(input: &Input) -> TokenStream {
    let (field, kind) = (format_ident!("{}", input.field), &input.kind);
    let text = match (input.docs.is_empty(), input.required) {
        (true, true) => "Required.".to_owned(),
        (true, false) => "Optional.".to_owned(),
        (false, true) => format!("{}\n\nRequired.", input.docs),
        (false, false) => input.docs.clone(),
    };
    let docs = doc(&text);
    let message = format!("`{}`: {{error}}", input.field);
    quote! {
        #docs
        pub fn #field<V>(mut self, value: V) -> Self
        where
            V: ::std::convert::TryInto<#kind>,
            V::Error: ::std::fmt::Display,
        {
            self.#field = value.try_into().map(Some).map_err(|error| format!(#message));
            self
        }
    }
}
