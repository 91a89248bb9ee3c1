//! Which schemas are sent in requests, and which in responses. `readOnly` and `writeOnly` matter in one of them each.

use std::collections::HashSet;

use openapi_model::document::{Document, MediaType};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;

/// The schemas of requests and of responses.
#[derive(Debug, Default)]
pub struct Directions {
    requests: HashSet<SchemaId>,
    responses: HashSet<SchemaId>,
}

impl Directions {
    /// The schemas of a document by direction.
    pub fn of(document: &Document) -> Directions {
        let schemas = |content: &[MediaType]| content.iter().filter_map(|media| media.schema).collect::<Vec<_>>();
        let (mut requests, mut responses) = (Vec::new(), Vec::new());
        for operation in &document.operations {
            requests.extend(operation.body.iter().flat_map(|body| schemas(&body.content)));
            for parameter in &operation.parameters {
                requests.extend(parameter.schema.into_iter().chain(schemas(&parameter.content)));
            }
            responses.extend(operation.responses.iter().flat_map(|response| schemas(&response.content)));
        }
        Directions { requests: document.reached(requests).collect(), responses: document.reached(responses).collect() }
    }

    /// Whether a value of these schemas is sent in a request.
    pub fn is_sent(&self, schemas: &AllOf) -> bool {
        schemas.ids().iter().any(|id| self.requests.contains(id))
    }

    /// Whether a value of these schemas is received in a response.
    pub fn is_received(&self, schemas: &AllOf) -> bool {
        schemas.ids().iter().any(|id| self.responses.contains(id))
    }
}
