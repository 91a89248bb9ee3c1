//! The keys that OpenAPI defines, and unknown keys in a document: tools ignore a misspelt key.

use super::files::At;
use super::nearest::nearest;
use super::reader::Reader;
use crate::document::Version;
use crate::problem::ProblemKind;

/// The kinds of parts of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Document,
    Info,
    Contact,
    License,
    Server,
    ServerVariable,
    Tag,
    ExternalDocs,
    Components,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    Response,
    Header,
    Link,
    MediaType,
    Encoding,
    Example,
    Schema,
    Discriminator,
    Xml,
    SecurityScheme,
    Flows,
    Flow,
}

/// Parts of which only the keys are checked, by the key that contains them.
const ONLY_KEYS: &[(&str, Part)] = &[
    ("contact", Part::Contact),
    ("externalDocs", Part::ExternalDocs),
    ("license", Part::License),
    ("server", Part::Server),
    ("xml", Part::Xml),
];

impl Part {
    /// The permitted keys: those of 3.0, and those that 3.1 adds. Schemas of 3.1 may have any key.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Part::Document => {
                ("openapi info servers paths components security tags externalDocs", "webhooks jsonSchemaDialect")
            }
            Part::Info => ("title description termsOfService contact license version", "summary"),
            Part::Contact => ("name url email", ""),
            Part::License => ("name url", "identifier"),
            Part::Server => ("url description variables", ""),
            Part::ServerVariable => ("enum default description", ""),
            Part::Tag => ("name description externalDocs", ""),
            Part::ExternalDocs => ("description url", ""),
            Part::Components => (
                "schemas responses parameters examples requestBodies headers securitySchemes links callbacks",
                "pathItems",
            ),
            Part::PathItem => {
                ("$ref summary description get put post delete options head patch trace servers parameters", "")
            }
            Part::Operation => (
                "tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated security servers",
                "",
            ),
            Part::Parameter => (
                "name in description required deprecated allowEmptyValue style explode allowReserved schema example examples content",
                "",
            ),
            Part::Header => (
                "description required deprecated allowEmptyValue style explode allowReserved schema example examples content",
                "",
            ),
            Part::RequestBody => ("description content required", ""),
            Part::Response => ("description headers content links", ""),
            Part::Link => ("operationRef operationId parameters requestBody description server", ""),
            Part::MediaType => ("schema example examples encoding", ""),
            Part::Encoding => ("contentType headers style explode allowReserved", ""),
            Part::Example => ("summary description value externalValue", ""),
            Part::Schema => (
                "title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxProperties minProperties required enum type not allOf oneOf anyOf items properties additionalProperties description format default nullable discriminator readOnly writeOnly xml externalDocs example deprecated",
                "",
            ),
            Part::Discriminator => ("propertyName mapping", ""),
            Part::Xml => ("name namespace prefix attribute wrapped", ""),
            Part::SecurityScheme => ("type description name in scheme bearerFormat flows openIdConnectUrl", ""),
            Part::Flows => ("implicit password clientCredentials authorizationCode", ""),
            Part::Flow => ("authorizationUrl tokenUrl refreshUrl scopes", ""),
        }
    }
}

impl<'a> Reader<'a> {
    /// Reports keys that OpenAPI does not define for a part.
    pub fn keys(&mut self, at: At<'a>, part: Part) {
        if part == Part::Schema && self.version == Version::V3_1 {
            return;
        }
        let (old, new) = part.keys();
        let new = if self.version == Version::V3_1 { new } else { "" };
        for entry in at.entries() {
            let key = entry.key();
            if let Some((_, inner)) = ONLY_KEYS.iter().find(|(known, _)| *known == key) {
                self.keys(entry.value, *inner);
            }
            if key.starts_with("x-") || old.split(' ').chain(new.split(' ')).any(|known| known == key) {
                continue;
            }
            let version = if self.version == Version::V3_1 { "3.1" } else { "3.0" };
            let message = format!("OpenAPI {version} has no key `{key}` here; tools ignore it");
            let known = old.split(' ').chain(new.split(' ')).filter(|known| !known.is_empty());
            let nearest = nearest(known, key);
            self.problem(ProblemKind::UnknownKey, message, entry.key_span()).nearest = nearest;
        }
    }
}
