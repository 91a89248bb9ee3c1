//! What an operation is made of: where in the document something has to be right for it to be known what the operation says.

use openapi_model::document::{Document, Header, MediaType, Operation};
use openapi_model::schema::{Schema, SchemaId};
use openapi_model::span::Span;

/// The stretches of a document that an operation is made of: its own, those of the parameters, bodies and answers that it
/// refers to, and those of every schema that it reaches.
pub struct Extent {
    spans: Vec<Span>,
}

impl Extent {
    /// Whether something stands in one of them.
    pub fn holds(&self, span: Span) -> bool {
        self.spans.iter().any(|known| known.holds(span))
    }

    /// That of an operation.
    pub fn of(document: &Document, operation: &Operation) -> Extent {
        let mut walk = Walk { document, reached: vec![false; document.schemas().count()], spans: vec![operation.span] };
        for parameter in &operation.parameters {
            walk.spans.push(parameter.span);
            walk.schema(parameter.schema);
            walk.content(&parameter.content);
        }
        if let Some(body) = &operation.body {
            walk.spans.push(body.span);
            walk.content(&body.content);
        }
        for response in &operation.responses {
            walk.spans.push(response.span);
            walk.headers(&response.headers);
            walk.content(&response.content);
        }
        Extent { spans: walk.spans }
    }
}

struct Walk<'a> {
    document: &'a Document,
    reached: Vec<bool>,
    spans: Vec<Span>,
}

impl Walk<'_> {
    fn headers(&mut self, headers: &[Header]) {
        for header in headers {
            self.spans.push(header.span);
            self.schema(header.schema);
            self.content(&header.content);
        }
    }

    fn content(&mut self, content: &[MediaType]) {
        for media in content {
            self.spans.push(media.span);
            self.schema(media.schema);
        }
    }

    fn schema(&mut self, schema: Option<SchemaId>) {
        let mut open: Vec<SchemaId> = schema.into_iter().collect();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut self.reached[id.index()], true) {
                let schema = self.document.schema(id);
                self.spans.push(schema.span);
                open.extend(parts(schema));
            }
        }
    }
}

/// The schemas that a schema is made of, what it refers to among them.
fn parts(schema: &Schema) -> impl Iterator<Item = SchemaId> {
    let composed = [&schema.all_of, &schema.any_of, &schema.one_of].into_iter().flatten().flat_map(|list| &list.value);
    let named = schema.properties.iter().chain(&schema.pattern_properties).map(|property| property.schema);
    let single = [schema.items, schema.additional_properties, schema.property_names, schema.not];
    let target = schema.reference.as_ref().and_then(|reference| reference.target);
    composed.chain(&schema.prefix_items).copied().chain(named).chain(single.into_iter().flatten()).chain(target)
}
