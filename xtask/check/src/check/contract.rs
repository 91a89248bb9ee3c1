//! The contract itself: what every operation needs, and examples that fit their schemas.

use std::collections::HashSet;
use std::ops::Range;

use crate::outcome::Outcome;
use apidrift_core::contract::node::Node;
use apidrift_core::contract::validate::{Misfit, Schemas};
use apidrift_core::contract::{Contract, ERROR, Operation, Spanned};
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// Looks at a contract that could be read.
pub fn check(contract: &Contract) -> Outcome {
    let mut check = Check { contract, schemas: Schemas::new(contract), findings: Vec::new(), said: HashSet::new() };
    let troubled = contract.troubled.iter().filter_map(|troubled| troubled.operation.as_ref());
    for operation in contract.operations.iter().chain(troubled) {
        check.operation(operation);
    }
    // Of the others it is not known what their examples have to fit.
    for operation in &contract.operations {
        check.examples(operation);
    }
    for schema in contract.schemas.iter().filter(|schema| schema.is_whole) {
        check.schema(&schema.node, &schema.name);
    }
    check.error_schema();
    Outcome { findings: check.findings, ..Outcome::default() }
}

struct Check<'a> {
    contract: &'a Contract,
    schemas: Schemas,
    findings: Vec<Finding>,
    /// The misfits of examples that were said: where, and what.
    said: HashSet<(usize, String)>,
}

impl Check<'_> {
    fn report(&mut self, rule: Rule, range: &Range<usize>, label: &str, message: String, help: &str) {
        let place = self.contract.place(range, label);
        self.findings.push(Finding::at(rule, place, message).help(help));
    }

    fn operation(&mut self, operation: &Operation) {
        let what = format!("{} {}", operation.method.value, operation.path.value);
        if operation.permission.as_ref().is_none_or(|permission| permission.value.trim().is_empty()) {
            self.report(
                Rule::ContractPermission,
                &operation.id.range,
                "this operation",
                format!("{what} names no permission"),
                "write `x-required-permission: area.action`",
            );
        }
        if operation.rate_limit.is_none() {
            self.report(
                Rule::ContractRateLimit,
                &operation.id.range,
                "this operation",
                format!("{what} gives no usable rate limit"),
                "write `x-rate-limit: {requests: 20, window_seconds: 60}`, both above 0",
            );
        }
        if operation.security.is_empty() {
            self.report(
                Rule::ContractSecurity,
                &operation.id.range,
                "this operation",
                format!("{what} can be called by anybody: it demands no security scheme"),
                "write `security: [{name_of_a_scheme: []}]` for the document or the operation",
            );
        }
        for scheme in &operation.security {
            if !self.contract.security_schemes.iter().any(|known| known.name.value == scheme.value) {
                self.report(
                    Rule::ContractSecurity,
                    &scheme.range,
                    "not declared",
                    format!("{what} demands the security scheme `{}`, which is not declared", scheme.value),
                    "declare it under `components.securitySchemes`",
                );
            }
        }
    }

    fn examples(&mut self, operation: &Operation) {
        let success = &operation.success;
        for (name, value) in &success.examples {
            let Some(schema) = &success.schema else { break };
            let misfits = self.schemas.misfits(schema, value);
            self.misfits(misfits, &format!("the example `{}`", name.value), &schema.range);
        }
        for error in &operation.errors {
            let misfits = self.schemas.misfits(ERROR, &error.value);
            self.misfits(misfits, &format!("the error `{}`", error.name.value), &error.name.range);
        }
        for parameter in &operation.parameters {
            self.values(&parameter.schema, &parameter.examples, &parameter.name);
        }
        let headers = operation.errors.iter().flat_map(|error| &error.headers).chain(&success.headers);
        for header in headers {
            self.values(&header.schema, &header.examples, &header.name);
        }
    }

    /// The examples of a parameter or a header, and those of its schema.
    fn values(&mut self, schema: &Node, examples: &[Node], name: &Spanned<String>) {
        for example in examples {
            let misfits = self.schemas.misfits_of(schema, example);
            self.misfits(misfits, &format!("the example of `{}`", name.value), &schema.range);
        }
        self.schema(schema, &name.value);
    }

    /// The examples and defaults of a schema and of everything in it.
    fn schema(&mut self, schema: &Node, name: &str) {
        for (key, what) in [("example", "the example"), ("default", "the default")] {
            if let Some(value) = schema.get(key) {
                let misfits = self.schemas.misfits_of(schema, value);
                self.misfits(misfits, &format!("{what} of `{name}`"), &schema.range);
            }
        }
        for property in schema.get("properties").map(Node::entries).unwrap_or_default() {
            self.schema(&property.value, &property.key);
        }
        if let Some(items) = schema.get("items") {
            self.schema(items, name);
        }
    }

    fn misfits(&mut self, misfits: Vec<Misfit>, what: &str, schema: &Range<usize>) {
        for misfit in misfits {
            let place = self.contract.place(&misfit.range, "this value");
            let message = format!("{what} does not fit its schema: {}", misfit.message);
            // A shared example is said once.
            if self.said.insert((misfit.range.start, message.clone())) {
                let finding = Finding::at(Rule::ContractExampleFits, place, message);
                let finding = finding.with(self.contract.place(schema, "the schema is named here"));
                self.findings
                    .push(finding.help("correct the example, or the schema if the example is what really happens"));
            }
        }
    }

    /// Servers may add fields to errors, and clients must accept them.
    fn error_schema(&mut self) {
        let closed = self.contract.schema(ERROR).and_then(|schema| schema.node.entry("additionalProperties"));
        if let Some(entry) = closed
            && entry.value.as_bool() == Some(false)
        {
            self.report(
                Rule::ContractErrorSchema,
                &entry.key_range.clone(),
                "closes the schema",
                format!("the schema `{ERROR}` is closed: a body with one more field could not be read by a client"),
                "leave `additionalProperties` out",
            );
        }
        for required in self
            .contract
            .schema(ERROR)
            .and_then(|schema| schema.node.get("required"))
            .map(Node::items)
            .unwrap_or_default()
        {
            if required.as_str().is_some_and(|name| name != "message") {
                self.report(
                    Rule::ContractErrorSchema,
                    &required.range.clone(),
                    "required",
                    format!(
                        "the schema `{ERROR}` requires `{}`; every error has a `message` and may have more",
                        required.as_str().unwrap_or_default()
                    ),
                    "require `message` only",
                );
            }
        }
    }
}
