//! The keys that OpenAPI 3.0 knows, and where a document has others: a misspelt key is not read by anybody. Nor is a field
//! that a schema requires and does not have ever sent.

use std::ops::Range;

use super::node::{Entry, Node};

/// What a part of a document is.
#[derive(Debug, Clone, Copy)]
enum Part {
    Document,
    Info,
    Server,
    ServerVariable,
    Tag,
    Components,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    Response,
    Header,
    MediaType,
    Example,
    Schema,
    SecurityScheme,
}

/// What stands under a key.
#[derive(Debug, Clone, Copy)]
enum Holds {
    /// Something that is not looked into.
    Anything,
    One(Part),
    List(Part),
    /// Parts under names that anybody may choose.
    Named(Part),
}

use Holds::{Anything, List, Named, One};

impl Part {
    /// The keys that it may have, in groups with what stands under them.
    fn keys(self) -> &'static [(&'static str, Holds)] {
        match self {
            Part::Document => &[
                ("openapi externalDocs security", Anything),
                ("info", One(Part::Info)),
                ("servers", List(Part::Server)),
                ("tags", List(Part::Tag)),
                ("paths", Named(Part::PathItem)),
                ("components", One(Part::Components)),
            ],
            Part::Info => &[("title description termsOfService contact license version", Anything)],
            Part::Server => &[("url description", Anything), ("variables", Named(Part::ServerVariable))],
            Part::ServerVariable => &[("enum default description", Anything)],
            Part::Tag => &[("name description externalDocs", Anything)],
            Part::Components => &[
                ("schemas", Named(Part::Schema)),
                ("responses", Named(Part::Response)),
                ("parameters", Named(Part::Parameter)),
                ("examples", Named(Part::Example)),
                ("requestBodies", Named(Part::RequestBody)),
                ("headers", Named(Part::Header)),
                ("securitySchemes", Named(Part::SecurityScheme)),
                ("links callbacks", Anything),
            ],
            Part::PathItem => &[
                ("summary description", Anything),
                ("servers", List(Part::Server)),
                ("parameters", List(Part::Parameter)),
                ("get put post delete options head patch trace", One(Part::Operation)),
            ],
            Part::Operation => &[
                ("tags summary description externalDocs operationId callbacks deprecated security", Anything),
                ("parameters", List(Part::Parameter)),
                ("requestBody", One(Part::RequestBody)),
                ("responses", Named(Part::Response)),
                ("servers", List(Part::Server)),
            ],
            Part::Parameter => &[
                (
                    "name in description required deprecated allowEmptyValue style explode allowReserved example",
                    Anything,
                ),
                ("schema", One(Part::Schema)),
                ("examples", Named(Part::Example)),
                ("content", Named(Part::MediaType)),
            ],
            Part::RequestBody => &[("description required", Anything), ("content", Named(Part::MediaType))],
            Part::Response => &[
                ("description links", Anything),
                ("headers", Named(Part::Header)),
                ("content", Named(Part::MediaType)),
            ],
            Part::Header => &[
                ("description required deprecated allowEmptyValue style explode allowReserved example", Anything),
                ("schema", One(Part::Schema)),
                ("examples", Named(Part::Example)),
                ("content", Named(Part::MediaType)),
            ],
            Part::MediaType => {
                &[("example encoding", Anything), ("schema", One(Part::Schema)), ("examples", Named(Part::Example))]
            }
            Part::Example => &[("summary description value externalValue", Anything)],
            Part::Schema => &[
                (
                    "title multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern",
                    Anything,
                ),
                ("maxItems minItems uniqueItems maxProperties minProperties required enum type description", Anything),
                (
                    "format default nullable discriminator readOnly writeOnly xml externalDocs example deprecated",
                    Anything,
                ),
                ("allOf oneOf anyOf", List(Part::Schema)),
                ("not items additionalProperties", One(Part::Schema)),
                ("properties", Named(Part::Schema)),
            ],
            Part::SecurityScheme => {
                &[("type description name in scheme bearerFormat flows openIdConnectUrl", Anything)]
            }
        }
    }

    fn holds(self, key: &str) -> Option<Holds> {
        let group = self.keys().iter().find(|(keys, _)| keys.split(' ').any(|known| known == key));
        group.map(|(_, holds)| *holds)
    }

    /// All of them.
    fn names(self) -> impl Iterator<Item = &'static str> {
        self.keys().iter().flat_map(|(keys, _)| keys.split(' '))
    }
}

/// The name that is most like one that there is not.
fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    let likeness = |known: &&str| strsim::normalized_damerau_levenshtein(known, name);
    let best = known.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    best.filter(|known| likeness(known) > 0.6).map(str::to_owned)
}

/// A name that means nothing where it stands.
#[derive(Debug)]
pub struct Unknown {
    /// What is wrong.
    pub message: String,
    /// Where it stands.
    pub range: Range<usize>,
    /// What it may have been meant to be.
    pub nearest: Option<String>,
    /// The schema in `components` that it is a part of, if it is one of some.
    pub schema: Option<String>,
}

/// All names of a document that mean nothing, in the order in which they stand: keys that OpenAPI does not know, and required fields that there are not. Those that begin with `x-` are anybody's.
pub fn unknown(root: &Node) -> Vec<Unknown> {
    let mut found = Vec::new();
    part(root, Part::Document, None, &mut found);
    found.sort_by_key(|unknown| unknown.range.start);
    found
}

fn part(node: &Node, kind: Part, schema: Option<&str>, found: &mut Vec<Unknown>) {
    // What stands beside a reference is not read, and nobody expects it to be.
    if node.get("$ref").is_some() {
        return;
    }
    if let (Part::Schema, Some(properties), Some(required)) = (kind, node.get("properties"), node.get("required")) {
        let is_whole = ["allOf", "oneOf", "anyOf"].iter().all(|key| node.get(key).is_none());
        let names = required.items().iter().filter_map(|item| Some((item.as_str()?, &item.range)));
        for (name, range) in names.filter(|(name, _)| is_whole && properties.get(name).is_none()) {
            found.push(Unknown {
                message: format!("`{name}` is required, and is not among the properties"),
                range: range.clone(),
                nearest: nearest(properties.entries().iter().map(|entry| entry.key.as_str()), name),
                schema: schema.map(str::to_owned),
            });
        }
    }
    for Entry { key, key_range, value } in node.entries() {
        if key.starts_with("x-") {
            continue;
        }
        match kind.holds(key) {
            None => found.push(Unknown {
                message: format!("OpenAPI 3.0 has no key `{key}` here: nobody reads it"),
                range: key_range.clone(),
                nearest: nearest(kind.names(), key),
                schema: schema.map(str::to_owned),
            }),
            Some(Anything) => {}
            Some(One(inner)) => part(value, inner, schema, found),
            Some(List(inner)) => value.items().iter().for_each(|item| part(item, inner, schema, found)),
            Some(Named(inner)) => {
                for named in value.entries().iter().filter(|named| !is_extension(inner, &named.key)) {
                    let of = if key == "schemas" { Some(named.key.as_str()) } else { schema };
                    part(&named.value, inner, of, found);
                }
            }
        }
    }
}

/// Paths and responses may have extensions beside them; elsewhere any name is one.
fn is_extension(part: Part, name: &str) -> bool {
    matches!(part, Part::PathItem | Part::Response) && name.starts_with("x-")
}

#[cfg(test)]
mod tests {
    use super::super::node::parse;
    use super::*;

    #[test]
    fn keys_that_openapi_does_not_know_are_found_wherever_they_stand() {
        let text = "openapi: 3.0.3\ninfo: {titel: x, x-y: 1}\npaths:\n  x-a: {b: c}\n  /a:\n    get:\n      sumary: x\n      parameters: [{name: a, requierd: true, schema: {typ: string}}]\n      responses:\n        '200': {$ref: '#/b', more: 1}\n        '400': {content: {a/b: {examples: {any: {value: {any: 1}, valeu: 2}}}}}\ncomponents:\n  schemas:\n    A: {required: [y, x, nullable], properties: {nulable: {nulable: true}, x: {items: {anyOf: [{zzz: 1}]}}}}\n";
        let found: Vec<_> = unknown(&parse(text).unwrap())
            .into_iter()
            .map(|unknown| {
                let name = &text[unknown.range.clone()];
                assert!(unknown.message.contains(&format!("`{name}`")), "{unknown:?}");
                (name, unknown.nearest.unwrap_or_default(), unknown.schema.unwrap_or_default())
            })
            .collect();
        let expected = [
            ("titel", "title", ""),
            ("sumary", "summary", ""),
            ("requierd", "required", ""),
            ("typ", "type", ""),
            ("valeu", "value", ""),
            ("y", "", "A"),
            ("nullable", "nulable", "A"),
            ("nulable", "nullable", "A"),
            ("zzz", "", "A"),
        ];
        assert_eq!(found, expected.map(|(name, nearest, schema)| (name, nearest.to_owned(), schema.to_owned())));
    }
}
