//! The request of an operation as a type, and how it is decoded.

use openapi_model::shape::AllOf;
use proc_macro2::TokenStream;
use quote::quote;

use super::items::{Place, rust};
use super::plan::{PlannedBody, PlannedMedia, PlannedOperation};
use super::shared::Shared;
use super::types::{Ty, Types};
use crate::docs;
use crate::media::Format;

/// `Request` and how it is decoded.
pub fn request<'a>(shared: &Shared<'a>, planned: &PlannedOperation<'a>, types: &mut Types<'a>) -> TokenStream {
    let mut fields = Vec::new();
    let mut decoders = Vec::new();
    for (index, parameter) in planned.parameters.iter().enumerate() {
        let name = &parameter.name;
        let ty = match parameter.parameter {
            // A text without a schema is a text.
            Some(_) if parameter.schemas.ids().is_empty() && !matches!(parameter.media, Some((_, true))) => Ty::Text,
            Some(_) => types.of(&parameter.schemas, &planned.hint(&parameter.key)),
            None => Ty::Text,
        };
        let ty = match ty {
            // An empty text is no null.
            Ty::Nullable(inner) => *inner,
            other => other,
        };
        let rust = rust(types, &ty, Place::Operation);
        let docs = parameter.parameter.and_then(|parameter| parameter.description.as_ref());
        let docs = docs::doc(docs.map_or("", |text| &text.value));
        let required = parameter.parameter.is_none_or(|parameter| parameter.required.value);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let has_value = required || shared.default_of(&parameter.schemas).is_some();
        if has_value {
            fields.push(quote!(#docs pub #name: #rust,));
            decoders.push(quote!(#name: undecoded.required(&PARAMETERS[#index])?,));
        } else {
            fields.push(quote!(#docs pub #name: Option<#rust>,));
            decoders.push(quote!(#name: undecoded.optional(&PARAMETERS[#index])?,));
        }
    }
    let mut body_enum = quote!();
    if let Some(body) = &planned.body {
        let (declared, field, decoder) = self::body(planned, body, types);
        body_enum = declared;
        fields.push(field);
        decoders.push(decoder);
    }
    let undecoded = if decoders.is_empty() { quote!(_) } else { quote!(undecoded) };
    quote! {
        #body_enum
        /// A request, decoded and validated.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Request { #(#fields)* }
        impl Request {
            /// Decodes a request.
            ///
            /// # Errors
            ///
            /// If it is not as the contract says.
            pub fn decode(#undecoded: &Undecoded<'_>) -> Result<Request, Refusal> {
                Ok(Request { #(#decoders)* })
            }
        }
    }
}

/// The enum of bodies if there are several, the field and its decoder.
fn body<'a>(
    planned: &PlannedOperation<'a>,
    body: &PlannedBody<'a>,
    types: &mut Types<'a>,
) -> (TokenStream, TokenStream, TokenStream) {
    let required = body.body.required.value;
    let docs = docs::doc(body.body.description.as_ref().map_or("The body.", |text| &text.value));
    let single = body.media.len() == 1;
    let mut variants = Vec::new();
    let mut arms = Vec::new();
    for (index, media) in body.media.iter().enumerate() {
        let part =
            if single || media.format == Format::Json { "body".to_owned() } else { format!("{}_body", media.variant) };
        let rust = media_type(planned, media, types, &part);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let table = quote!(&BODY.content[#index]);
        let read = match media.format {
            Format::Json => quote!(undecoded.json(#table)?),
            Format::Form => quote!(undecoded.form(#table)?),
            Format::Multipart => quote!(undecoded.multipart(#table)?),
            Format::Text | Format::Bytes => quote!(undecoded.body.clone()),
        };
        if single {
            let (rust, decoder) = match (required, media.format) {
                (true, _) => (rust, quote!(body: { undecoded.media(&BODY)?; #read },)),
                (false, Format::Text | Format::Bytes) => {
                    (quote!(Option<#rust>), quote!(body: undecoded.media(&BODY)?.map(|_| #read),))
                }
                (false, _) => (
                    quote!(Option<#rust>),
                    quote!(body: match undecoded.media(&BODY)? {
                        Some(_) => Some(#read),
                        None => None,
                    },),
                ),
            };
            return (quote!(), quote!(#docs pub body: #rust,), decoder);
        }
        let variant = &media.variant;
        let doc = format!(" `{}`", media.media.name.value);
        variants.push(quote!(#[doc = #doc] #variant(#rust),));
        let read = quote!(RequestBody::#variant(#read));
        let read = if required { read } else { quote!(Some(#read)) };
        arms.push(quote!(Some(#index) => #read,));
    }
    let none = match required {
        true => quote!(_ => return Err(Refusal::Body { reason: "it is missing".to_owned() }),),
        false => quote!(_ => None,),
    };
    let declared = quote! {
        /// A body of one of the documented media types.
        #[derive(Debug, Clone, PartialEq)]
        pub enum RequestBody { #(#variants)* }
    };
    let rust = if required { quote!(RequestBody) } else { quote!(Option<RequestBody>) };
    let decoder = quote!(body: match undecoded.media(&BODY)? { #(#arms)* #none },);
    (declared, quote!(#docs pub body: #rust,), decoder)
}

fn media_type<'a>(
    planned: &PlannedOperation<'a>,
    media: &PlannedMedia<'a>,
    types: &mut Types<'a>,
    part: &str,
) -> TokenStream {
    match (media.format, media.media.schema) {
        (Format::Json | Format::Form, Some(schema)) => {
            let ty = types.of(&AllOf::from(schema), &planned.hint(part));
            rust(types, &ty, Place::Operation)
        }
        (Format::Json | Format::Form, None) => quote!(::serde_json::Value),
        (Format::Multipart, _) => quote!(Vec<Part>),
        (Format::Text | Format::Bytes, _) => quote!(::bytes::Bytes),
    }
}
