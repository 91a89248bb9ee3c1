//! Examples and defaults must fit their schemas.

use std::collections::HashSet;

use openapi_model::document::{Example, MediaType, Operation};
use openapi_model::node::{self, Node};
use openapi_model::schema::{SchemaId, Types};
use openapi_model::span::{FileId, Span};
use openapi_model::values::{Direction, Misfit, Values};

use apidrift_core::contract::{Contract, json};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Checks all of them. Problems of the `unusable` schemas have been reported already.
pub(super) fn check(contract: &Contract, unusable: HashSet<SchemaId>, findings: &mut Vec<Finding>) {
    let mut claims = Vec::new();
    for operation in contract.operations.iter().map(|operation| &operation.spec).chain(&contract.document.webhooks) {
        of_operation(operation, &mut claims);
    }
    for (id, schema) in contract.document.schemas() {
        let examples = schema.examples.iter().map(|example| (Origin::SchemaExample, example));
        for (origin, value) in examples.chain(schema.default.iter().map(|default| (Origin::SchemaDefault, default))) {
            claims.push(Claim { schema: id, direction: None, value, file: schema.span.file, origin });
        }
    }
    let mut check =
        Check { contract, values: Values::new(&contract.document), said: HashSet::new(), unusable, findings };
    for direction in [Direction::Response, Direction::Request] {
        let first = |claim: &&Claim<'_>| claim.direction.unwrap_or(Direction::Response) == direction;
        let schemas: HashSet<SchemaId> = claims.iter().filter(first).map(|claim| claim.schema).collect();
        check.values.expect(direction, &schemas.into_iter().collect::<Vec<_>>());
    }
    claims.iter().for_each(|claim| check.claim(claim));
}

/// A value that should fit a schema.
struct Claim<'a> {
    schema: SchemaId,
    /// Its direction, if it is known: the example of a component may be sent in either direction.
    direction: Option<Direction>,
    value: &'a Node,
    file: FileId,
    origin: Origin<'a>,
}

/// The origin of a value.
enum Origin<'a> {
    /// An example of a body, with its name.
    Named(&'a str),
    /// An example of a parameter or a header, with its name.
    Of(&'a str),
    /// An example of a schema.
    SchemaExample,
    /// The default of a schema.
    SchemaDefault,
}

/// Collects the examples of an operation.
fn of_operation<'a>(operation: &'a Operation, claims: &mut Vec<Claim<'a>>) {
    for parameter in &operation.parameters {
        let origin = |_: &'a Example| Origin::Of(&parameter.name);
        of_examples(parameter.schema, &parameter.examples, Direction::Request, origin, claims);
        of_content(&parameter.content, Direction::Request, claims);
    }
    if let Some(body) = &operation.body {
        of_content(&body.content, Direction::Request, claims);
    }
    for response in &operation.responses {
        for header in &response.headers {
            let origin = |_: &'a Example| Origin::Of(&header.name);
            of_examples(header.schema, &header.examples, Direction::Response, origin, claims);
        }
        of_content(&response.content, Direction::Response, claims);
    }
}

/// Collects the examples of a JSON body; the notation of examples for other media types is not known.
fn of_content<'a>(content: &'a [MediaType], direction: Direction, claims: &mut Vec<Claim<'a>>) {
    if let Some(media) = json(content) {
        of_examples(media.schema, &media.examples, direction, |example| Origin::Named(&example.name), claims);
    }
}

fn of_examples<'a>(
    schema: Option<SchemaId>,
    examples: &'a [Example],
    direction: Direction,
    origin: impl Fn(&'a Example) -> Origin<'a>,
    claims: &mut Vec<Claim<'a>>,
) {
    let Some(schema) = schema else { return };
    for example in examples {
        let Some(value) = example.value.as_deref() else { continue };
        claims.push(Claim {
            schema,
            direction: Some(direction),
            value,
            file: example.span.file,
            origin: origin(example),
        });
    }
}

struct Check<'a> {
    contract: &'a Contract,
    values: Values<'a>,
    /// The messages reported so far, with their places: a shared example is reported once.
    said: HashSet<(Span, String)>,
    /// The schemas that cannot be used and have been reported.
    unusable: HashSet<SchemaId>,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn claim(&mut self, claim: &Claim<'_>) {
        let directions =
            claim.direction.map_or(vec![Direction::Response, Direction::Request], |direction| vec![direction]);
        let mut first: Option<Vec<Misfit>> = None;
        for direction in directions {
            match self.misfits(claim.schema, direction, claim.value) {
                Ok(misfits) if misfits.is_empty() => return,
                Ok(misfits) => drop(first.get_or_insert(misfits)),
                Err(reason) => return self.cannot_be_used(claim.schema, &reason),
            }
        }
        // Arrays and objects of parameters may be written in their serialised form.
        let is_written = matches!(claim.origin, Origin::Of(_)) && claim.value.as_str().is_some();
        let several = Types::ARRAY.with(Types::OBJECT);
        if is_written && self.contract.document.shape_of(claim.schema).types.meets(several) {
            return;
        }
        let schema = self.contract.document.schema(claim.schema);
        let of_schema = || schema.name.as_ref().map_or("a schema".to_owned(), |name| format!("`{}`", name.value));
        let what = match claim.origin {
            Origin::Named(name) => format!("the example `{name}`"),
            Origin::Of(name) => format!("the example of `{name}`"),
            Origin::SchemaExample => format!("the example of {}", of_schema()),
            Origin::SchemaDefault => format!("the default of {}", of_schema()),
        };
        for misfit in first.into_iter().flatten() {
            let span = Span::new(claim.file, &misfit.range);
            let message = format!("{what} does not fit its schema: {}", misfit.message);
            if self.said.insert((span, message.clone())) {
                let finding = Finding::at(Rule::ContractExampleFits, self.contract.place(span, "this value"), message)
                    .with(self.contract.place(schema.span, "its schema"))
                    .help("correct the example, or the schema if the example is right");
                self.findings.push(finding);
            }
        }
    }

    fn misfits(&mut self, schema: SchemaId, direction: Direction, value: &Node) -> Result<Vec<Misfit>, String> {
        let misfits = self.values.misfits(schema, direction, value)?;
        if misfits.is_empty() {
            return Ok(misfits);
        }
        // JSON examples are often written as a string.
        let Some(Ok(written)) = value.as_str().map(node::parse) else { return Ok(misfits) };
        if written.as_str().is_none() && self.values.misfits(schema, direction, &written)?.is_empty() {
            return Ok(Vec::new());
        }
        Ok(misfits)
    }

    /// Reports a schema that cannot be used: once, unless a schema that it reaches has been reported.
    fn cannot_be_used(&mut self, id: SchemaId, reason: &str) {
        let document = &self.contract.document;
        let is_lost = |id: &SchemaId| document.schema(*id).reference.as_ref().is_some_and(|it| it.target.is_none());
        if document.reached([id]).any(|id| self.unusable.contains(&id) || is_lost(&id)) {
            return;
        }
        self.unusable.insert(id);
        let span = document.schema(id).span;
        let message = format!("this schema cannot be used for validation: {reason}");
        let place = self.contract.place(span, "this schema");
        self.findings.push(Finding::at(Rule::ContractSchemaUsable, place, message).help("correct the schema"));
    }
}
