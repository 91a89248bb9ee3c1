//! The source ranges that an operation depends on.

use openapi_model::document::{Document, Header, MediaType, Operation};
use openapi_model::schema::SchemaId;
use openapi_model::span::Span;

/// The ranges of a document that define an operation: its own, those of the parameters, bodies and responses that it
/// refers to, and those of every schema that it reaches.
pub struct Extent {
    spans: Vec<Span>,
}

impl Extent {
    /// An item that lies in one of the ranges, if there is one. `sorted` is in order of places.
    pub fn find<'a, T>(&self, sorted: &'a [T], place: impl Fn(&T) -> Span) -> Option<&'a T> {
        let within = |span: &Span| {
            let first = sorted.partition_point(|thing| place(thing) < Span { end: 0, ..*span });
            let mut inside = sorted[first..].iter().take_while(|thing| {
                let place = place(thing);
                place.file == span.file && place.start <= span.end
            });
            inside.find(|thing| span.holds(place(thing)))
        };
        self.spans.iter().find_map(within)
    }

    /// The extent of an operation.
    pub fn of(document: &Document, operation: &Operation) -> Extent {
        let mut parts = Parts { spans: vec![operation.span], schemas: Vec::new() };
        for parameter in &operation.parameters {
            parts.spans.push(parameter.span);
            parts.schemas.extend(parameter.schema);
            parts.content(&parameter.content);
        }
        if let Some(body) = &operation.body {
            parts.spans.push(body.span);
            parts.content(&body.content);
        }
        for response in &operation.responses {
            parts.spans.push(response.span);
            parts.headers(&response.headers);
            parts.content(&response.content);
        }
        let Parts { mut spans, schemas } = parts;
        spans.extend(document.reached(schemas).map(|id| document.schema(id).span));
        Extent { spans }
    }
}

struct Parts {
    spans: Vec<Span>,
    schemas: Vec<SchemaId>,
}

impl Parts {
    fn headers(&mut self, headers: &[Header]) {
        for header in headers {
            self.spans.push(header.span);
            self.schemas.extend(header.schema);
            self.content(&header.content);
        }
    }

    fn content(&mut self, content: &[MediaType]) {
        for media in content {
            self.spans.push(media.span);
            self.schemas.extend(media.schema);
        }
    }
}
