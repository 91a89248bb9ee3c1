//! Which schemas are sent in requests, and which in responses. `readOnly` and `writeOnly` matter in one of them each.

use std::collections::HashSet;

use openapi_model::document::{Document, MediaType};
use openapi_model::schema::SchemaId;
use openapi_model::shape::AllOf;

/// The schemas of requests and of responses.
#[derive(Debug, Default)]
pub struct Directions {
    requests: HashSet<SchemaId>,
    /// Those in bodies of `PATCH`, in which a missing property and null mean different things.
    patches: HashSet<SchemaId>,
    responses: HashSet<SchemaId>,
}

impl Directions {
    /// The schemas of a document by direction.
    pub fn of(document: &Document) -> Directions {
        let schemas = |content: &[MediaType]| content.iter().filter_map(|media| media.schema).collect::<Vec<_>>();
        let (mut requests, mut responses, mut patches) = (Vec::new(), Vec::new(), Vec::new());
        for operation in &document.operations {
            let bodies: Vec<SchemaId> = operation.body.iter().flat_map(|body| schemas(&body.content)).collect();
            if *operation.method.value == *"PATCH" {
                patches.extend(&bodies);
            }
            requests.extend(bodies);
            for parameter in &operation.parameters {
                requests.extend(parameter.schema.into_iter().chain(schemas(&parameter.content)));
            }
            responses.extend(operation.responses.iter().flat_map(|response| schemas(&response.content)));
        }
        Directions {
            requests: document.reached(requests).collect(),
            patches: document.reached(patches).collect(),
            responses: document.reached(responses).collect(),
        }
    }

    /// Whether a value of these schemas is sent in a request.
    pub fn is_sent(&self, schemas: &AllOf) -> bool {
        schemas.ids().iter().any(|id| self.requests.contains(id))
    }

    /// Whether a value of these schemas is sent in the body of a `PATCH`.
    pub fn is_patched(&self, schemas: &AllOf) -> bool {
        schemas.ids().iter().any(|id| self.patches.contains(id))
    }

    /// Whether a value of these schemas is received in a response.
    pub fn is_received(&self, schemas: &AllOf) -> bool {
        schemas.ids().iter().any(|id| self.responses.contains(id))
    }
}
