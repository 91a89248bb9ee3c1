//! The code that puts a request together from the values of a builder.

use openapi_model::document::Location;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::lower::LoweredOperation;
use crate::lower::bodies::{Body, Content, FieldStyle, Part};
use crate::lower::parameters::{Parameter, Segment, Style};

/// The body of a builder's method `request`.
pub fn request(operation: &LoweredOperation) -> TokenStream {
    let url = url(operation);
    let of = |location: Location| {
        operation.parameters.iter().filter(move |parameter| parameter.location == location).collect::<Vec<_>>()
    };
    let (queries, headers, cookies) = (of(Location::Query), of(Location::Header), of(Location::Cookie));
    let query: Vec<TokenStream> =
        queries.iter().map(|parameter| in_query(parameter, &format_ident!("query"))).collect();
    let with_query = match query.is_empty() {
        true => quote!(),
        false => quote! {
            let mut query = ::std::vec::Vec::new();
            #(#query)*
            let url = wire::with_query(url, &query);
        },
    };
    let method = method(&operation.method);
    let accept = (!operation.responses.accept.is_empty()).then(|| {
        let types = operation.responses.accept.join(", ");
        quote!(.header(::reqwest::header::ACCEPT, #types))
    });
    let mut steps: Vec<TokenStream> = headers.iter().map(|parameter| in_header(parameter)).collect();
    if !cookies.is_empty() {
        let cookies = cookies.iter().map(|parameter| in_query(parameter, &format_ident!("cookies")));
        steps.push(quote! {
            let mut cookies = ::std::vec::Vec::new();
            #(#cookies)*
            if !cookies.is_empty() {
                request = request.header(::reqwest::header::COOKIE, cookies.join("; "));
            }
        });
    }
    steps.extend(operation.body.as_ref().map(body));
    if steps.is_empty() {
        return quote! {
            #url
            #with_query
            wire::build(self.client.client.request(#method, url)#accept)
        };
    }
    quote! {
        #url
        #with_query
        let mut request = self.client.client.request(#method, url)#accept;
        #(#steps)*
        wire::build(request)
    }
}

fn method(name: &str) -> TokenStream {
    let name = format_ident!("{}", name);
    quote!(::reqwest::Method::#name)
}

/// Puts the URL without its query together.
fn url(operation: &LoweredOperation) -> TokenStream {
    let mut variables: Vec<&Parameter> = Vec::new();
    let mut parts = Vec::new();
    for segment in &operation.segments {
        match segment {
            Segment::Literal(text) => {
                let text = text.replace(' ', "%20");
                parts.push(quote!(#text));
            }
            Segment::Variable(name) => {
                let found = operation
                    .parameters
                    .iter()
                    .find(|parameter| parameter.location == Location::Path && parameter.name == *name);
                let Some(parameter) = found else { continue };
                let variable = format_ident!("{}", parameter.field);
                parts.push(quote!(&#variable));
                if !variables.iter().any(|known| known.field == parameter.field) {
                    variables.push(parameter);
                }
            }
        }
    }
    let variables = variables.into_iter().map(|parameter| {
        let (variable, value) = (format_ident!("{}", parameter.field), in_path(parameter));
        quote!(let #variable = #value;)
    });
    quote! {
        #(#variables)*
        let url = wire::url(&self.client.baseurl, &[#(#parts),*]);
    }
}

/// A required value.
fn required(parameter: &Parameter) -> TokenStream {
    let (field, name) = (format_ident!("{}", parameter.field), &parameter.field);
    quote!(wire::required(#name, self.#field)?)
}

/// A variable of the path, as a text.
fn in_path(parameter: &Parameter) -> TokenStream {
    let (name, explode, value) = (&parameter.name, parameter.explode, required(parameter));
    match parameter.style {
        Style::Label => quote!(wire::label(#name, &#value, #explode)?),
        Style::Matrix => quote!(wire::matrix(#name, &#value, #explode)?),
        Style::Json => quote!(wire::json_segment(#name, &#value)?),
        _ => quote!(wire::simple(#name, &#value, #explode)?),
    }
}

/// What is done with the value of a parameter if there is one.
fn given(parameter: &Parameter, with: impl FnOnce(TokenStream) -> TokenStream) -> TokenStream {
    let field = format_ident!("{}", parameter.field);
    if parameter.required {
        let value = required(parameter);
        return with(quote!(&#value));
    }
    let code = with(quote!(&value));
    quote!(if let Some(value) = self.#field? { #code })
}

/// Adds a parameter to a list of texts.
fn in_query(parameter: &Parameter, list: &Ident) -> TokenStream {
    let name = &parameter.name;
    given(parameter, |value| written(list, name, &value, parameter.style, parameter.explode, parameter.reserved))
}

/// Adds a value to a list of texts `name=value`.
fn written(list: &Ident, name: &str, value: &TokenStream, style: Style, explode: bool, reserved: bool) -> TokenStream {
    match style {
        Style::DeepObject => quote!(wire::deep_object(&mut #list, #name, #value)?;),
        Style::Json => quote!(wire::json_parameter(&mut #list, #name, #value)?;),
        Style::SpaceDelimited if !explode => quote!(wire::delimited(&mut #list, #name, #value, "%20")?;),
        Style::PipeDelimited if !explode => quote!(wire::delimited(&mut #list, #name, #value, "%7C")?;),
        _ => quote!(wire::form(&mut #list, #name, #value, #explode, #reserved)?;),
    }
}

fn in_header(parameter: &Parameter) -> TokenStream {
    let (name, explode) = (&parameter.name, parameter.explode);
    given(parameter, |value| match parameter.style {
        Style::Json => quote!(request = request.header(#name, wire::json_header(#name, #value)?);),
        _ => quote!(request = request.header(#name, wire::header(#name, #value, #explode)?);),
    })
}

/// Adds the body.
fn body(body: &Body) -> TokenStream {
    let media_type = &body.media_type;
    let typed = |content: TokenStream| quote!(request = request.header(::reqwest::header::CONTENT_TYPE, #media_type).body(#content););
    let with = match &body.content {
        Content::Multipart(parts) => return multipart(body, parts),
        Content::Json(_) => typed(quote!(wire::json_text("body", &body)?)),
        Content::Text => typed(quote!(body)),
        Content::Form(_, styles) => {
            let fields = fields(styles);
            let content = typed(quote!(form.join("&")));
            quote!(#fields #content)
        }
        Content::Bytes { has_choice: false } => typed(quote!(body)),
        Content::Bytes { has_choice: true } => quote! {
            let content_type = self.content_type?.unwrap_or_else(|| #media_type.to_owned());
            request = request.header(::reqwest::header::CONTENT_TYPE, content_type).body(body);
        },
    };
    match body.required {
        true => quote!(let body = wire::required("body", self.body)?; #with),
        false => quote!(if let Some(body) = self.body? { #with }),
    }
}

/// Writes the fields of a form.
fn fields(styles: &[FieldStyle]) -> TokenStream {
    let list = format_ident!("form");
    let arms = styles.iter().filter(|style| style.style != Style::Json).map(|style| {
        let name = &style.name;
        let code = written(&list, name, &quote!(&value), style.style, style.explode, false);
        quote!(#name => { #code })
    });
    let arms: Vec<TokenStream> = arms.collect();
    let code = match arms.is_empty() {
        true => quote!(wire::field(&mut form, &name, &value)?;),
        false => quote!(match name.as_str() { #(#arms)* _ => wire::field(&mut form, &name, &value)?, }),
    };
    quote! {
        let mut form = ::std::vec::Vec::new();
        for (name, value) in wire::fields(&body)? { #code }
    }
}

fn multipart(body: &Body, parts: &[Part]) -> TokenStream {
    let steps = parts.iter().map(|part| {
        let (name, field, field_name) = (&part.name, format_ident!("{}", part.field), &part.field);
        let media_type = match &part.media_type {
            Some(name) => quote!(Some(#name)),
            None => quote!(None),
        };
        let code = match (&part.schema, part.is_list) {
            (Some(_), _) => quote!(parts.extend(super::multipart::parts(#name, &value, #media_type)?);),
            (None, true) => quote!(parts.extend(value.into_iter().map(|file| super::multipart::file(#name, file)));),
            (None, false) => quote!(parts.push(super::multipart::file(#name, value));),
        };
        match part.required {
            true => quote!({ let value = wire::required(#field_name, self.#field)?; #code }),
            false => quote!(if let Some(value) = self.#field? { #code }),
        }
    });
    let steps: Vec<TokenStream> = steps.collect();
    let finish = quote! {
        let (media_type, content) = super::multipart::body(&parts);
        request = request.header(::reqwest::header::CONTENT_TYPE, media_type).body(content);
    };
    let finish = if body.required { finish } else { quote!(if !parts.is_empty() { #finish }) };
    quote! {
        let mut parts = ::std::vec::Vec::new();
        #(#steps)*
        #finish
    }
}
