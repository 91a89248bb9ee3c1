//! Parameters, bodies, responses, headers and examples.

use std::sync::Arc;

use super::fields::{extensions, moved};
use super::files::{At, EntryAt};
use super::keys::Part;
use super::nearest::nearest;
use super::reader::Reader;
use crate::document::{Encoding, Example, Header, Location, MediaType, Parameter, RequestBody, Response, Status};
use crate::node::{Entry, Node};
use crate::problem::ProblemKind;
use crate::span::{Span, Spanned};

impl<'a> Reader<'a> {
    /// A parameter, or why it cannot be read.
    pub fn parameter(&mut self, reference: At<'a>) -> Result<Parameter, String> {
        self.spend(reference.span())?;
        let at = self.follow(reference, "parameter")?;
        self.keys(at, Part::Parameter);
        let name = self.text(at, "name");
        let place = self.text(at, "in");
        let (Some(name), Some(place)) = (name, place) else {
            let lacking = if at.get("name").is_none() { "name" } else { "in" };
            return Err(self.incomplete(format!("a parameter has no `{lacking}`"), at.span()));
        };
        let location = [Location::Path, Location::Query, Location::Header, Location::Cookie]
            .into_iter()
            .find(|location| location.name() == place.value);
        let Some(location) = location else {
            let nearest = nearest(["path", "query", "header", "cookie"].into_iter(), &place.value);
            let hint = match place.value.as_str() {
                "body" | "formData" => ", which only OpenAPI 2.0 has; use `requestBody` instead",
                _ => "; use `path`, `query`, `header` or `cookie`",
            };
            let reason = format!("the parameter `{}` is in `{}`{hint}", name.value, place.value);
            let reason = self.incomplete(reason, place.span);
            if let Some(problem) = self.problems.last_mut() {
                problem.nearest = nearest;
            }
            return Err(reason);
        };
        let required = self.flag(at, "required").unwrap_or(Spanned::new(false, at.span()));
        let required = Spanned::new(required.value || location == Location::Path, required.span);
        let default_style = match location {
            Location::Path | Location::Header => "simple",
            Location::Query | Location::Cookie => "form",
        };
        let style = self.text(at, "style").unwrap_or_else(|| Spanned::new(default_style.to_owned(), at.span()));
        let explode = self.flag(at, "explode").unwrap_or_else(|| Spanned::new(style.value == "form", at.span()));
        Ok(Parameter {
            name,
            location,
            required,
            deprecated: self.set(at, "deprecated"),
            description: self.beside_text(reference, "description").or_else(|| self.text(at, "description")),
            style,
            explode,
            allow_reserved: self.flag(at, "allowReserved").is_some_and(|flag| flag.value),
            schema: self.schema_in(at, "schema"),
            content: self.content(at),
            examples: self.examples(at),
            extensions: extensions(at),
            span: at.span(),
        })
    }

    fn incomplete(&mut self, reason: String, span: Span) -> String {
        self.problem(ProblemKind::Incomplete, reason.clone(), span);
        reason
    }

    /// A request body at its key, or why it cannot be read.
    pub fn body(&mut self, entry: EntryAt<'a>) -> Result<RequestBody, String> {
        self.spend(entry.key_span())?;
        let at = self.follow(entry.value, "requestBody")?;
        self.keys(at, Part::RequestBody);
        Ok(RequestBody {
            required: self.flag(at, "required").unwrap_or(Spanned::new(false, at.span())),
            description: self.beside_text(entry.value, "description").or_else(|| self.text(at, "description")),
            content: self.content(at),
            extensions: extensions(at),
            key: entry.key_span(),
            span: at.span(),
        })
    }

    /// The media types of `content`.
    fn content(&mut self, at: At<'a>) -> Vec<MediaType> {
        let forms = self.named(at, "content");
        let forms = forms.into_iter().filter(|form| !form.key().starts_with("x-"));
        forms.filter_map(|form| self.media_type(form)).collect()
    }

    fn media_type(&mut self, entry: EntryAt<'a>) -> Option<MediaType> {
        self.spend(entry.key_span()).ok()?;
        let at = entry.value;
        // A media type without a description: `application/pdf:` and nothing else.
        if !at.is_null() && !at.is_mapping() {
            self.wrong(entry.key(), at, "a mapping");
        }
        self.keys(at, Part::MediaType);
        let encoding = self.named(at, "encoding");
        Some(MediaType {
            name: Spanned::new(entry.key().to_owned(), entry.key_span()),
            schema: self.schema_in(at, "schema"),
            examples: self.examples(at),
            encoding: encoding.into_iter().map(|entry| self.encoding(entry)).collect(),
            span: at.span(),
        })
    }

    fn encoding(&mut self, entry: EntryAt<'a>) -> Encoding {
        let at = entry.value;
        self.keys(at, Part::Encoding);
        Encoding {
            property: Spanned::new(entry.key().to_owned(), entry.key_span()),
            content_type: self.text(at, "contentType"),
            style: self.text(at, "style"),
            explode: self.flag(at, "explode"),
            headers: self.headers(at),
        }
    }

    /// The headers of `headers`. Those that cannot be read are recorded for the operation that they belong to.
    pub fn headers(&mut self, at: At<'a>) -> Vec<Header> {
        let mut headers = Vec::new();
        for entry in self.named(at, "headers") {
            match self.header(entry) {
                Ok(header) => headers.push(header),
                Err(reason) => self.lost_headers.push((reason, entry.value.span())),
            }
        }
        headers
    }

    pub fn header(&mut self, entry: EntryAt<'a>) -> Result<Header, String> {
        self.spend(entry.key_span())?;
        let at = self.follow(entry.value, "header")?;
        self.within(at, entry.value, |reader| {
            reader.keys(at, Part::Header);
            Header {
                name: Spanned::new(entry.key().to_owned(), entry.key_span()),
                required: reader.flag(at, "required").unwrap_or(Spanned::new(false, at.span())),
                deprecated: reader.set(at, "deprecated"),
                description: reader.beside_text(entry.value, "description").or_else(|| reader.text(at, "description")),
                schema: reader.schema_in(at, "schema"),
                content: reader.content(at),
                explode: reader.flag(at, "explode").unwrap_or(Spanned::new(false, at.span())),
                examples: reader.examples(at),
                span: at.span(),
            }
        })
    }

    /// `example` and `examples`.
    fn examples(&mut self, at: At<'a>) -> Vec<Example> {
        let mut found = Vec::new();
        // An example may be null.
        if let Some(entry) = at.entries().find(|entry| entry.key() == "example") {
            found.push(Example {
                name: Spanned::new("example".to_owned(), entry.key_span()),
                summary: None,
                description: None,
                value: Some(self.shared(entry.value.node)),
                span: entry.value.span(),
            });
        }
        let named = self.named(at, "examples");
        found.extend(named.into_iter().filter_map(|entry| self.example(entry).ok()));
        found
    }

    pub fn example(&mut self, entry: EntryAt<'a>) -> Result<Example, String> {
        self.spend(entry.key_span())?;
        let at = self.follow(entry.value, "example")?;
        self.keys(at, Part::Example);
        Ok(Example {
            name: Spanned::new(entry.key().to_owned(), entry.key_span()),
            summary: self.beside_text(entry.value, "summary").or_else(|| self.text(at, "summary")),
            description: self.beside_text(entry.value, "description").or_else(|| self.text(at, "description")),
            value: at.node.get("value").map(|value| self.shared(value)),
            span: at.span(),
        })
    }

    /// A value that is stored once, even if it is referred to several times.
    fn shared(&mut self, node: &'a Node) -> Arc<Node> {
        let address = std::ptr::from_ref(node) as usize;
        self.values.entry(address).or_insert_with(|| Arc::new(node.clone())).clone()
    }

    /// The response of a status.
    pub fn response(&mut self, status: Spanned<Status>, reference: At<'a>) -> Result<Response, String> {
        self.spend(reference.span())?;
        let at = self.follow(reference, "response")?;
        self.keys(at, Part::Response);
        let description = self.beside_text(reference, "description").or_else(|| self.text(at, "description"));
        Ok(Response {
            status,
            description: description.unwrap_or_else(|| Spanned::new(String::new(), at.span())),
            headers: self.headers(at),
            content: self.content(at),
            links: self.links(at),
            extensions: extensions(at),
            span: at.span(),
        })
    }

    fn links(&mut self, at: At<'a>) -> Vec<Entry> {
        let links = self.named(at, "links");
        links.into_iter().filter_map(|entry| self.link(entry).ok()).collect()
    }

    pub fn link(&mut self, entry: EntryAt<'a>) -> Result<Entry, String> {
        self.spend(entry.key_span())?;
        let at = self.follow(entry.value, "link")?;
        self.keys(at, Part::Link);
        let value = if at.file == entry.value.file { at.node.clone() } else { moved(at.node, &entry.value.node.range) };
        Ok(Entry { value, ..entry.entry.clone() })
    }
}

/// The status of a key of `responses`.
pub fn status(key: &str) -> Option<Status> {
    if key == "default" {
        return Some(Status::Default);
    }
    let [first @ b'1'..=b'5', rest @ ..] = key.as_bytes() else { return None };
    match rest {
        [b'x' | b'X', b'x' | b'X'] => Some(Status::Range(first - b'0')),
        [b'0'..=b'9', b'0'..=b'9'] => key.parse().ok().map(Status::Code),
        _ => None,
    }
}
