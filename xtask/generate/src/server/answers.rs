//! The answers of an operation: what it returns on success and on failure, and how both become responses.

use openapi_model::document::{Document, Header, Response, Status};
use openapi_model::shape::AllOf;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::items::{Place, rust};
use super::plan::{PlannedOperation, media_ident};
use super::types::{Ty, Types, scalar};
use crate::docs::doc;
use crate::media::{Format, format};
use crate::names::{Scope, ident, type_ident, value_ident};

/// A documented answer.
pub struct Answer<'a> {
    /// Its response in the contract.
    pub response: &'a Response,
    /// Its variant.
    pub variant: Ident,
    /// Its bodies by media type.
    pub bodies: Vec<AnswerBody>,
    /// Its headers.
    pub headers: Vec<AnswerHeader<'a>>,
}

/// A body of an answer.
pub struct AnswerBody {
    /// The media type as the contract has it.
    pub media_type: String,
    /// Its variant, if there are several.
    pub variant: Ident,
    /// The type of a JSON body; `None` for bytes.
    pub json: Option<Ty>,
}

impl AnswerBody {
    /// Whether the contract leaves the media type open.
    pub fn is_range(&self) -> bool {
        self.media_type.contains('*') && self.json.is_none()
    }

    /// The media type that is sent.
    fn sent(&self) -> String {
        if self.media_type.contains('*') { "application/json".to_owned() } else { self.media_type.clone() }
    }
}

/// A header of an answer.
pub struct AnswerHeader<'a> {
    /// The header in the contract.
    pub header: &'a Header,
    /// Its field.
    pub name: Ident,
    /// Its type.
    pub ty: Ty,
    /// Its value, if there is only one.
    pub constant: Option<String>,
}

/// Headers that are set from the rate limit.
const USAGE_HEADERS: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// The answers of an operation: those of a success, then those of a failure.
pub fn answers<'a>(
    document: &'a Document,
    planned: &PlannedOperation<'a>,
    types: &mut Types<'a>,
) -> (Vec<Answer<'a>>, Vec<Answer<'a>>) {
    let operation = planned.operation;
    let mut responses: Vec<&'a Response> = operation.spec.responses.iter().collect();
    responses.sort_by_key(|response| response.status.value);
    let has_success =
        responses.iter().any(|response| matches!(*response.status, Status::Code(200..=299) | Status::Range(2)));
    let is_success = |status: Status| match status {
        Status::Code(code) => code < 400,
        Status::Range(digit) => digit < 4,
        Status::Default => !has_success,
    };
    let successes = responses.iter().filter(|response| is_success(*response.status)).count();
    let mut names = [Scope::with(&["Self"]), Scope::with(&["Self", "Refused"])];
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for response in responses {
        let success = is_success(*response.status);
        let variant = names[usize::from(!success)].unique(&type_ident(&status_name(*response.status)));
        let part = match success && successes == 1 {
            true => "response".to_owned(),
            false => status_name(*response.status),
        };
        let hint = planned.hint(&part);
        let answer = Answer {
            response,
            bodies: bodies(document, response, types, &hint),
            headers: headers(document, response, planned.rate_limit().is_some()),
            variant,
        };
        if success { good.push(answer) } else { bad.push(answer) }
    }
    (good, bad)
}

fn bodies<'a>(document: &'a Document, response: &'a Response, types: &mut Types<'a>, hint: &str) -> Vec<AnswerBody> {
    let mut names = Scope::with(&["Self"]);
    let each = response.content.iter().map(|media| {
        let format = format(document, media);
        let json = (format == Format::Json).then(|| match media.schema {
            Some(schema) => types.of(&AllOf::from(schema), hint),
            None => Ty::Json,
        });
        let variant = names.unique(&media_ident(&media.name, format));
        AnswerBody { media_type: media.name.value.clone(), variant, json }
    });
    each.collect()
}

fn headers<'a>(document: &Document, response: &'a Response, has_rate_limit: bool) -> Vec<AnswerHeader<'a>> {
    let is_own = |header: &&Header| {
        let name = header.name.to_lowercase();
        let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        let is_valid = !name.is_empty() && name.chars().all(is_token);
        is_valid && name != "content-type" && !(has_rate_limit && USAGE_HEADERS.contains(&name.as_str()))
    };
    let mut own: Vec<&Header> = response.headers.iter().filter(is_own).collect();
    own.sort_by_key(|header| header.name.to_lowercase());
    let mut names = Scope::with(&["body", "content_type", "status"]);
    let each = own.into_iter().map(|header| {
        let shape = header.schema.map(|schema| document.shape_of(schema));
        let values = shape.as_ref().and_then(|shape| shape.enumeration.as_ref()).map(|values| values.value.as_slice());
        let constant = match values {
            Some([only]) => only.as_str().map(str::to_owned),
            _ => None,
        };
        let ty = shape.as_deref().filter(|shape| shape.alternatives.is_empty()).map_or(Ty::Text, scalar);
        let ty = match ty {
            Ty::Integer(_) | Ty::Number | Ty::Flag | Ty::Uuid => ty,
            _ => Ty::Text,
        };
        AnswerHeader { header, name: names.unique(&value_ident(&header.name)), ty, constant }
    });
    each.collect()
}

/// The name of a status: `NotFound`, `ClientError`, `Default`.
fn status_name(status: Status) -> String {
    match status {
        Status::Code(code) => {
            let reason = http::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
            match reason {
                // Statuses are `I'm a teapot` and `URI Too Long` to people.
                Some(reason) => reason.replace('\'', ""),
                None => format!("status_{code}"),
            }
        }
        Status::Range(1) => "informational".to_owned(),
        Status::Range(2) => "success".to_owned(),
        Status::Range(3) => "redirection".to_owned(),
        Status::Range(4) => "client_error".to_owned(),
        Status::Range(5) => "server_error".to_owned(),
        Status::Range(digit) => format!("status_{digit}xx"),
        Status::Default => "default".to_owned(),
    }
}

/// `Success`: a struct if there is one success, otherwise an enum.
pub fn success(types: &Types<'_>, answers: &[Answer<'_>]) -> TokenStream {
    match answers {
        [only] if matches!(*only.response.status, Status::Code(_)) => {
            let docs = doc(&only.response.description);
            let bodies = body_enum(types, only, "Success");
            let fields = fields(types, only, "Success", true);
            let names = field_names(only);
            let writes = writes(only, "Success");
            let (declared, bound) = match names.is_empty() {
                true => (
                    quote!(
                        pub struct Success;
                    ),
                    quote!(),
                ),
                false => (quote!(pub struct Success { #(#fields)* }), quote!(let Success { #(#names),* } = self;)),
            };
            quote! {
                #bodies
                #docs
                #[derive(Debug, Clone, PartialEq)]
                #declared
                impl IntoAnswer for Success {
                    fn into_answer(self, _: &str) -> Answer {
                        #bound
                        #writes
                    }
                }
            }
        }
        [] => quote! {
            /// The contract documents no success; this is 200 without a body.
            #[derive(Debug, Clone, PartialEq)]
            pub struct Success;
            impl IntoAnswer for Success {
                fn into_answer(self, _: &str) -> Answer {
                    Answer::new(200)
                }
            }
        },
        several => {
            let (bodies, variants, arms) = variants(types, several, "Success");
            quote! {
                #bodies
                /// The successes that the operation documents.
                #[derive(Debug, Clone, PartialEq)]
                pub enum Success { #variants }
                impl IntoAnswer for Success {
                    fn into_answer(self, _: &str) -> Answer {
                        match self { #arms }
                    }
                }
            }
        }
    }
}

/// `Error`: an enum with a variant for each documented failure.
pub fn error(types: &Types<'_>, answers: &[Answer<'_>]) -> TokenStream {
    let (bodies, variants, arms) = variants(types, answers, "Error");
    quote! {
        #bodies
        /// The failures that the operation documents.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Error {
            #variants
            /// The request is refused as the server itself refuses requests: with the documented body of that status, if there
            /// is one.
            Refused(Refusal),
        }
        impl IntoAnswer for Error {
            fn into_answer(self, _: &str) -> Answer {
                match self {
                    #arms
                    Error::Refused(refused) => refusal(&INFO, &refused),
                }
            }
        }
        impl OperationError for Error {}
        impl From<Refusal> for Error {
            fn from(refused: Refusal) -> Error {
                Error::Refused(refused)
            }
        }
    }
}

fn variants(types: &Types<'_>, answers: &[Answer<'_>], owner: &str) -> (TokenStream, TokenStream, TokenStream) {
    let owner_name = ident(owner);
    let (mut bodies, mut variants, mut arms) = (quote!(), quote!(), quote!());
    for answer in answers {
        let variant = &answer.variant;
        let enum_name = format!("{owner}{variant}");
        bodies.extend(body_enum(types, answer, &enum_name));
        let status = answer.response.status.value;
        let text = match answer.response.description.trim() {
            "" => format!("{status}"),
            text => format!("{status}: {text}"),
        };
        let docs = doc(&text);
        let fields = fields(types, answer, &enum_name, false);
        let names = field_names(answer);
        let writes = writes(answer, &enum_name);
        if names.is_empty() {
            variants.extend(quote!(#docs #variant,));
            arms.extend(quote!(#owner_name::#variant => #writes,));
        } else {
            variants.extend(quote!(#docs #variant { #(#fields)* },));
            arms.extend(quote!(#owner_name::#variant { #(#names),* } => { #writes }));
        }
    }
    (bodies, variants, arms)
}

/// The enum of bodies, if an answer has several media types.
fn body_enum(types: &Types<'_>, answer: &Answer<'_>, owner: &str) -> TokenStream {
    if answer.bodies.len() < 2 {
        return quote!();
    }
    let name = ident(&format!("{owner}Body"));
    let variants = answer.bodies.iter().map(|body| {
        let variant = &body.variant;
        let doc = format!(" `{}`", body.media_type);
        match &body.json {
            Some(ty) => {
                let ty = rust(types, ty, Place::Operation);
                quote!(#[doc = #doc] #variant(#ty),)
            }
            None if body.is_range() => quote!(#[doc = #doc] #variant {
                /// The media type that is sent.
                content_type: String,
                /// The body.
                body: ::bytes::Bytes,
            },),
            None => quote!(#[doc = #doc] #variant(::bytes::Bytes),),
        }
    });
    quote! {
        /// A body of one of the documented media types.
        #[derive(Debug, Clone, PartialEq)]
        pub enum #name { #(#variants)* }
    }
}

fn fields(types: &Types<'_>, answer: &Answer<'_>, owner: &str, public: bool) -> Vec<TokenStream> {
    let public = public.then(|| quote!(pub));
    let mut fields = Vec::new();
    if !matches!(*answer.response.status, Status::Code(_)) {
        fields.push(quote! {
            /// The status.
            #public status: ::http::StatusCode,
        });
    }
    match &answer.bodies[..] {
        [] => {}
        [only] => {
            if only.is_range() {
                fields.push(quote! {
                    /// The media type that is sent.
                    #public content_type: String,
                });
            }
            let ty = only.json.as_ref().map_or_else(|| quote!(::bytes::Bytes), |ty| rust(types, ty, Place::Operation));
            let doc = match &only.json {
                Some(_) => " The body.".to_owned(),
                None => format!(" The body, `{}`.", only.media_type),
            };
            fields.push(quote!(#[doc = #doc] #public body: #ty,));
        }
        _ => {
            let name = ident(&format!("{owner}Body"));
            fields.push(quote! {
                /// The body.
                #public body: #name,
            });
        }
    }
    for header in answer.headers.iter().filter(|header| header.constant.is_none()) {
        let AnswerHeader { header, name, ty, .. } = header;
        let docs = header
            .description
            .as_ref()
            .map_or_else(|| format!("The header `{}`.", header.name.value), |text| text.value.clone());
        let docs = doc(&docs);
        let ty = rust(types, ty, Place::Operation);
        let ty = if header.required.value { ty } else { quote!(Option<#ty>) };
        fields.push(quote!(#docs #public #name: #ty,));
    }
    fields
}

/// The fields of an answer.
pub fn field_names(answer: &Answer<'_>) -> Vec<Ident> {
    let mut names = Vec::new();
    if !matches!(*answer.response.status, Status::Code(_)) {
        names.push(ident("status"));
    }
    if let [only] = &answer.bodies[..]
        && only.is_range()
    {
        names.push(ident("content_type"));
    }
    if !answer.bodies.is_empty() {
        names.push(ident("body"));
    }
    names.extend(answer.headers.iter().filter(|header| header.constant.is_none()).map(|header| header.name.clone()));
    names
}

/// The expression that makes the response, of the fields as variables.
fn writes(answer: &Answer<'_>, owner: &str) -> TokenStream {
    let start = match *answer.response.status {
        Status::Code(code) => {
            let code = proc_macro2::Literal::u16_unsuffixed(code);
            quote!(Answer::new(#code))
        }
        _ => quote!(Answer::new(status.as_u16())),
    };
    let with_body = match &answer.bodies[..] {
        [] => start,
        [only] => {
            let media_type = only.sent();
            match &only.json {
                Some(_) => quote!(#start.json(#media_type, &body)),
                None if only.is_range() => quote!(#start.bytes(&content_type, body)),
                None => quote!(#start.bytes(#media_type, body)),
            }
        }
        several => {
            let name = ident(&format!("{owner}Body"));
            let arms = several.iter().map(|body| {
                let (variant, media_type) = (&body.variant, body.sent());
                match &body.json {
                    Some(_) => quote!(#name::#variant(body) => answer.json(#media_type, &body),),
                    None if body.is_range() => {
                        quote!(#name::#variant { content_type, body } => answer.bytes(&content_type, body),)
                    }
                    None => quote!(#name::#variant(body) => answer.bytes(#media_type, body),),
                }
            });
            quote!({
                let answer = #start;
                match body { #(#arms)* }
            })
        }
    };
    let headers = header_writes(&answer.headers);
    quote!(#with_body #headers)
}

/// The calls that add headers, of the fields as variables.
pub fn header_writes<'a>(headers: impl IntoIterator<Item = &'a AnswerHeader<'a>>) -> TokenStream {
    let each = headers.into_iter().map(|header| {
        let (key, name) = (header.header.name.to_lowercase(), &header.name);
        match (&header.constant, header.header.required.value) {
            (Some(value), _) => quote!(.header(#key, #value)),
            (None, true) => quote!(.header(#key, &#name)),
            (None, false) => quote!(.optional_header(#key, #name.as_ref())),
        }
    });
    quote!(#(#each)*)
}
