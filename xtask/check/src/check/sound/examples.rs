//! Examples and defaults fit their schemas.

use std::collections::HashSet;

use openapi_model::document::{Example, MediaType};
use openapi_model::node::{self, Node};
use openapi_model::schema::SchemaId;
use openapi_model::span::Span;
use openapi_model::values::{Direction, Misfit, Values};

use apidrift_core::view::{Contract, json};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Which way a value goes, if that is known: the example of a component may be sent either way.
type Way = Option<Direction>;

pub(super) fn check(contract: &Contract, findings: &mut Vec<Finding>) {
    let mut check = Check {
        contract,
        values: Values::new(&contract.document),
        said: HashSet::new(),
        unusable: HashSet::new(),
        findings,
    };
    for operation in contract.operations.iter().map(|operation| &operation.spec).chain(&contract.document.webhooks) {
        for parameter in &operation.parameters {
            let what = format!("the example of `{}`", parameter.name.value);
            check.examples(parameter.schema, &parameter.examples, Some(Direction::Request), |_| what.clone());
            check.content(&parameter.content, Some(Direction::Request));
        }
        check.content(operation.body.as_ref().map_or(&[], |body| &body.content), Some(Direction::Request));
        for response in &operation.responses {
            for header in &response.headers {
                let what = format!("the example of `{}`", header.name.value);
                check.examples(header.schema, &header.examples, Some(Direction::Response), |_| what.clone());
            }
            check.content(&response.content, Some(Direction::Response));
        }
    }
    for (id, schema) in contract.document.schemas() {
        let file = schema.span.file;
        let name = || schema.name.as_ref().map_or_else(|| "a schema".to_owned(), |name| format!("`{}`", name.value));
        for (what, value) in
            schema.examples.iter().map(|example| ("example", example)).chain(schema.default.iter().map(|it| ("default", it)))
        {
            check.value(id, None, value, file, &format!("the {what} of {}", name()), schema.span);
        }
    }
}

struct Check<'a> {
    contract: &'a Contract,
    values: Values<'a>,
    /// What was said, and where: a shared example is said once.
    said: HashSet<(Span, String)>,
    /// The schemas of which it was said that they cannot be used.
    unusable: HashSet<SchemaId>,
    findings: &'a mut Vec<Finding>,
}

impl Check<'_> {
    /// The examples of a body that is JSON; of other forms it is not known how they are written.
    fn content(&mut self, content: &[MediaType], way: Way) {
        let Some(media) = json(content) else { return };
        self.examples(media.schema, &media.examples, way, |example| format!("the example `{}`", example.name.value));
    }

    fn examples(&mut self, schema: Option<SchemaId>, examples: &[Example], way: Way, what: impl Fn(&Example) -> String) {
        let Some(schema) = schema else { return };
        for example in examples {
            let Some(value) = &example.value else { continue };
            let span = self.contract.document.schema(schema).span;
            self.value(schema, way, value, example.span.file, &what(example), span);
        }
    }

    fn value(
        &mut self,
        schema: SchemaId,
        way: Way,
        value: &Node,
        file: openapi_model::span::FileId,
        what: &str,
        schema_span: Span,
    ) {
        let ways = way.map_or(vec![Direction::Response, Direction::Request], |way| vec![way]);
        let mut first: Option<Vec<Misfit>> = None;
        for way in ways {
            match self.misfits(schema, way, value) {
                Ok(misfits) if misfits.is_empty() => return,
                Ok(misfits) => drop(first.get_or_insert(misfits)),
                Err(reason) => return self.cannot_be_used(schema, &reason),
            }
        }
        for misfit in first.into_iter().flatten() {
            let span = Span::new(file, &misfit.range);
            let message = format!("{what} does not fit its schema: {}", misfit.message);
            if self.said.insert((span, message.clone())) {
                let finding = Finding::at(Rule::ContractExampleFits, self.contract.place(span, "this value"), message)
                    .with(self.contract.place(schema_span, "its schema"))
                    .help("correct the example, or the schema if the example is what really happens");
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

    /// A schema that no value can be held against: said once, unless a reference that leads nowhere has said it.
    fn cannot_be_used(&mut self, id: SchemaId, reason: &str) {
        if !self.unusable.insert(id) || reason.contains("$ref") {
            return;
        }
        let span = self.contract.document.schema(id).span;
        let message = format!("no example can be held against this schema: {reason}");
        let place = self.contract.place(span, "this schema");
        self.findings.push(Finding::at(Rule::ContractSchemaUsable, place, message).help("correct what is said"));
    }
}
