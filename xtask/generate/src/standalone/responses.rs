//! The responses of an operation in Rust: an enum of its successes if they differ, and an enum of its errors.

use openapi_model::document::Status;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Type;

use crate::docs::doc;
use crate::lower::LoweredOperation;
use crate::lower::responses::{Content, Response};

/// How the builder of an operation reads its responses.
pub struct Answers {
    /// The type of a success.
    pub success: TokenStream,
    /// The type of an error.
    pub error: TokenStream,
    /// The arms of a `match` by status.
    pub arms: TokenStream,
}

/// The enums of an operation, for the module `responses`, and how its builder reads them. `types` are those of the bodies of
/// JSON, of the successes first.
pub fn responses(operation: &LoweredOperation, types: &[Type]) -> (TokenStream, Answers) {
    let mut types = types.iter();
    let mut of = |response: &Response| match &response.content {
        Content::Empty => quote!(()),
        Content::Text => quote!(::std::string::String),
        Content::Bytes => quote!(::std::vec::Vec<u8>),
        Content::Json(_) => types.next().map_or_else(|| quote!(::serde_json::Value), |kind| quote!(#kind)),
    };
    let successes: Vec<(&Response, TokenStream)> =
        operation.responses.successes.iter().map(|response| (response, of(response))).collect();
    let errors: Vec<(&Response, TokenStream)> =
        operation.responses.errors.iter().map(|response| (response, of(response))).collect();
    let (mut items, mut arms) = (TokenStream::new(), TokenStream::new());
    let success = match &successes[..] {
        [] => {
            arms.extend(quote!(200..=299 => Ok(responses::stream(response)),));
            quote!(super::ByteStream)
        }
        [(first, kind), rest @ ..] if rest.iter().all(|(other, _)| other.content == first.content) => {
            for (response, kind) in &successes {
                let pattern = pattern(response.status, true);
                let read = read(&response.content, kind, None, rest.is_empty());
                arms.extend(quote!(#pattern => #read,));
            }
            if first.content == Content::Bytes && rest.is_empty() { quote!(super::ByteStream) } else { kind.clone() }
        }
        _ => {
            let name = format_ident!("{}Success", operation.type_name());
            items.extend(variants(operation, &name, &successes, false));
            for (response, kind) in &successes {
                let pattern = pattern(response.status, true);
                let variant = format_ident!("{}", response.variant);
                let read = read(&response.content, kind, Some(quote!(responses::#name::#variant)), false);
                arms.extend(quote!(#pattern => #read,));
            }
            quote!(responses::#name)
        }
    };
    let error = if errors.is_empty() {
        quote!(responses::Unreadable)
    } else {
        let name = format_ident!("{}Error", operation.type_name());
        items.extend(variants(operation, &name, &errors, true));
        for (response, _) in &errors {
            let pattern = pattern(response.status, false);
            let variant = format_ident!("{}", response.variant);
            let path = quote!(responses::#name::#variant);
            let read = match &response.content {
                Content::Empty => quote!(responses::failed(responses::empty(response, #path))),
                content => {
                    let function = reader(content);
                    quote!(responses::failed(responses::#function(response, #path).await?))
                }
            };
            arms.extend(quote!(#pattern => #read,));
        }
        quote!(responses::#name)
    };
    let has_rest =
        |responses: &[Response], all: &[Status]| responses.iter().any(|response| all.contains(&response.status));
    let catches_all = has_rest(&operation.responses.errors, &[Status::Default])
        && has_rest(&operation.responses.successes, &[Status::Default, Status::Range(2)]);
    if !catches_all {
        arms.extend(quote!(_ => Err(super::Error::UnexpectedResponse(response)),));
    }
    (items, Answers { success, error, arms })
}

/// The statuses that a response is for. `default` is for those of no other response: as a success 2xx, as an error the rest.
fn pattern(status: Status, is_success: bool) -> TokenStream {
    let number = |number: u16| proc_macro2::Literal::u16_unsuffixed(number);
    match status {
        Status::Code(code) => {
            let code = number(code);
            quote!(#code)
        }
        Status::Range(digit) => {
            let (first, last) = (number(u16::from(digit) * 100), number(u16::from(digit) * 100 + 99));
            quote!(#first..=#last)
        }
        Status::Default if is_success => quote!(200..=299),
        Status::Default => quote!(0..=199 | 300..),
    }
}

/// The function that reads a body.
fn reader(content: &Content) -> proc_macro2::Ident {
    format_ident!(
        "{}",
        match content {
            Content::Json(_) | Content::Empty => "json",
            Content::Text => "text",
            Content::Bytes => "bytes",
        }
    )
}

/// Reads a success: into a variant, or as it is.
fn read(content: &Content, kind: &TokenStream, variant: Option<TokenStream>, may_stream: bool) -> TokenStream {
    match (content, variant) {
        (Content::Empty, None) => quote!(Ok(responses::empty(response, ()))),
        (Content::Empty, Some(variant)) => quote!(Ok(responses::empty(response, #variant))),
        (Content::Bytes, None) if may_stream => quote!(Ok(responses::stream(response))),
        (content, variant) => {
            let function = reader(content);
            let variant = variant.unwrap_or_else(|| quote!(|body: #kind| body));
            quote!(responses::#function(response, #variant).await)
        }
    }
}

/// An enum with a variant for each response.
fn variants(
    operation: &LoweredOperation,
    name: &proc_macro2::Ident,
    responses: &[(&Response, TokenStream)],
    is_error: bool,
) -> TokenStream {
    let variants = responses.iter().map(|(response, kind)| {
        let variant = format_ident!("{}", response.variant);
        let status = match response.status {
            Status::Default => "Any other status".to_owned(),
            status => format!("{status}"),
        };
        let docs = doc(&match response.docs.trim() {
            "" => format!("{status}."),
            text => format!("{status}: {text}"),
        });
        match &response.content {
            Content::Empty => quote!(#docs #variant),
            _ => quote!(#docs #variant(#kind)),
        }
    });
    let what = if is_error { "errors" } else { "successes" };
    let docs = doc(&format!("The {what} of `{} {}`.", operation.method, operation.path));
    let unreadable = is_error.then(|| {
        quote! {
            /// A documented response whose body is not what the contract says it is.
            Unreadable(Unreadable),
        }
    });
    let conversion = is_error.then(|| {
        quote! {
            impl ::std::convert::From<Unreadable> for #name {
                fn from(unreadable: Unreadable) -> Self {
                    Self::Unreadable(unreadable)
                }
            }
        }
    });
    quote! {
        #docs
        #[derive(Clone, Debug)]
        pub enum #name {
            #(#variants,)*
            #unreadable
        }
        #conversion
    }
}
