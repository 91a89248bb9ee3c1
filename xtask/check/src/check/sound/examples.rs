//! Examples and defaults fit their schemas.

use std::collections::HashSet;

use openapi_model::document::{Example, MediaType, Operation};
use openapi_model::node::{self, Node};
use openapi_model::schema::{SchemaId, Types};
use openapi_model::span::{FileId, Span};
use openapi_model::values::{Direction, Misfit, Values};

use apidrift_core::contract::{Contract, json};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Looks at all of them. Of the `unusable` schemas it is told already.
pub(super) fn check(contract: &Contract, unusable: HashSet<SchemaId>, findings: &mut Vec<Finding>) {
    let mut claims = Vec::new();
    for operation in contract.operations.iter().map(|operation| &operation.spec).chain(&contract.document.webhooks) {
        of_operation(operation, &mut claims);
    }
    for (id, schema) in contract.document.schemas() {
        let examples = schema.examples.iter().map(|example| (What::SchemaExample, example));
        for (what, value) in examples.chain(schema.default.iter().map(|default| (What::SchemaDefault, default))) {
            claims.push(Claim { schema: id, way: None, value, file: schema.span.file, what });
        }
    }
    let mut check =
        Check { contract, values: Values::new(&contract.document), said: HashSet::new(), unusable, findings };
    for direction in [Direction::Response, Direction::Request] {
        let first = |claim: &&Claim<'_>| claim.way.unwrap_or(Direction::Response) == direction;
        let schemas: HashSet<SchemaId> = claims.iter().filter(first).map(|claim| claim.schema).collect();
        check.values.expect(direction, &schemas.into_iter().collect::<Vec<_>>());
    }
    claims.iter().for_each(|claim| check.claim(claim));
}

/// A value that should fit a schema.
struct Claim<'a> {
    schema: SchemaId,
    /// Which way it goes, if that is known: the example of a component may be sent either way.
    way: Option<Direction>,
    value: &'a Node,
    file: FileId,
    what: What<'a>,
}

/// What a value is.
enum What<'a> {
    /// An example of a body, by its name.
    Named(&'a str),
    /// An example of a parameter or a header, by its name.
    Of(&'a str),
    /// An example of a schema.
    SchemaExample,
    /// The default of a schema.
    SchemaDefault,
}

/// The examples of an operation.
fn of_operation<'a>(operation: &'a Operation, claims: &mut Vec<Claim<'a>>) {
    for parameter in &operation.parameters {
        let what = |_: &'a Example| What::Of(&parameter.name);
        of_examples(parameter.schema, &parameter.examples, Direction::Request, what, claims);
        of_content(&parameter.content, Direction::Request, claims);
    }
    if let Some(body) = &operation.body {
        of_content(&body.content, Direction::Request, claims);
    }
    for response in &operation.responses {
        for header in &response.headers {
            let what = |_: &'a Example| What::Of(&header.name);
            of_examples(header.schema, &header.examples, Direction::Response, what, claims);
        }
        of_content(&response.content, Direction::Response, claims);
    }
}

/// The examples of a body that is JSON; of other forms it is not known how they are written.
fn of_content<'a>(content: &'a [MediaType], way: Direction, claims: &mut Vec<Claim<'a>>) {
    if let Some(media) = json(content) {
        of_examples(media.schema, &media.examples, way, |example| What::Named(&example.name), claims);
    }
}

fn of_examples<'a>(
    schema: Option<SchemaId>,
    examples: &'a [Example],
    way: Direction,
    what: impl Fn(&'a Example) -> What<'a>,
    claims: &mut Vec<Claim<'a>>,
) {
    let Some(schema) = schema else { return };
    for example in examples {
        let Some(value) = example.value.as_deref() else { continue };
        claims.push(Claim { schema, way: Some(way), value, file: example.span.file, what: what(example) });
    }
}

struct Check<'a> {
    contract: &'a Contract,
    values: Values<'a>,
    /// What was said, and where: a shared example is said once.
    said: HashSet<(Span, String)>,
    /// The schemas of which it was said that they cannot be used, or why.
    unusable: HashSet<SchemaId>,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    fn claim(&mut self, claim: &Claim<'_>) {
        let ways = claim.way.map_or(vec![Direction::Response, Direction::Request], |way| vec![way]);
        let mut first: Option<Vec<Misfit>> = None;
        for way in ways {
            match self.misfits(claim.schema, way, claim.value) {
                Ok(misfits) if misfits.is_empty() => return,
                Ok(misfits) => drop(first.get_or_insert(misfits)),
                Err(reason) => return self.cannot_be_used(claim.schema, &reason),
            }
        }
        // Lists and objects of parameters may be written as they stand in a request.
        let is_written = matches!(claim.what, What::Of(_)) && claim.value.as_str().is_some();
        let several = Types::ARRAY.with(Types::OBJECT);
        if is_written && self.contract.document.shape_of(claim.schema).types.meets(several) {
            return;
        }
        let schema = self.contract.document.schema(claim.schema);
        let of_schema = || schema.name.as_ref().map_or("a schema".to_owned(), |name| format!("`{}`", name.value));
        let what = match claim.what {
            What::Named(name) => format!("the example `{name}`"),
            What::Of(name) => format!("the example of `{name}`"),
            What::SchemaExample => format!("the example of {}", of_schema()),
            What::SchemaDefault => format!("the default of {}", of_schema()),
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

    fn misfits(&mut self, schema: SchemaId, way: Direction, value: &Node) -> Result<Vec<Misfit>, String> {
        let misfits = self.values.misfits(schema, way, value)?;
        if misfits.is_empty() {
            return Ok(misfits);
        }
        // Many write the JSON of an example as a text.
        let Some(Ok(written)) = value.as_str().map(node::parse) else { return Ok(misfits) };
        if written.as_str().is_none() && self.values.misfits(schema, way, &written)?.is_empty() {
            return Ok(Vec::new());
        }
        Ok(misfits)
    }

    /// A schema that no value can be held against: said once, unless something that it reaches has said it.
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
