//! The contract itself: it must be valid OpenAPI, and follow its profile.

mod errors;
mod examples;
mod operations;
mod patterns;
mod report;

use openapi_model::document::Document;
use openapi_model::problem::{Problem, ProblemKind};

use apidrift_core::contract::Contract;
use apidrift_core::finding::Finding;
use apidrift_core::rules::Rule;

/// The findings about a contract.
pub fn check(contract: &Contract) -> Vec<Finding> {
    let undeclared = operations::undeclared(contract);
    let problems = contract.document.problems.iter().filter(|problem| !undeclared.contains(&problem.span));
    let mut findings: Vec<Finding> = problems.map(|problem| problem_finding(&contract.document, problem)).collect();
    operations::check(contract, &mut findings);
    errors::check(contract, &mut findings);
    required(&contract.document, &mut findings);
    let unusable = patterns::check(contract, &mut findings);
    examples::check(contract, unusable, &mut findings);
    findings
}

/// The rule for a kind of problem.
fn rule(kind: ProblemKind) -> Rule {
    match kind {
        ProblemKind::DuplicateKey
        | ProblemKind::WrongType
        | ProblemKind::Incomplete
        | ProblemKind::UnknownStatus
        | ProblemKind::SecondDocument
        | ProblemKind::TooLarge => Rule::ContractParses,
        ProblemKind::UnresolvedReference | ProblemKind::CircularReference => Rule::ContractRefResolves,
        ProblemKind::BesideReference => Rule::ContractBesideReference,
        ProblemKind::UnknownKey => Rule::ContractUnknownKey,
    }
}

fn problem_finding(document: &Document, problem: &Problem) -> Finding {
    let (label, help) = match problem.kind {
        ProblemKind::DuplicateKey => {
            ("again here", "remove one of them: tools disagree about which one counts".to_owned())
        }
        ProblemKind::WrongType => {
            ("here", "use the type that OpenAPI requires; other tools ignore this value".to_owned())
        }
        ProblemKind::Incomplete => ("here", "complete it, or remove it; other tools ignore it".to_owned()),
        ProblemKind::UnknownStatus => {
            ("this status", "write a status such as '404', a range such as '4XX', or `default`".to_owned())
        }
        ProblemKind::UnresolvedReference => (
            "leads to nothing",
            match &problem.nearest {
                Some(nearest) => format!("write `{nearest}`, if that is what you mean"),
                None => "add what it refers to, or correct the reference".to_owned(),
            },
        ),
        ProblemKind::SecondDocument => {
            ("begins here", "put each document into its own file; only the first is read".to_owned())
        }
        ProblemKind::TooLarge => ("here", "make the document smaller: the rest of it is not read".to_owned()),
        ProblemKind::CircularReference => ("refers to itself", "make it refer to something else".to_owned()),
        ProblemKind::BesideReference => (
            "not read",
            "OpenAPI 3.0 ignores keys beside a `$ref`, but some tools read them: wrap the `$ref` in a one-member `allOf`"
                .to_owned(),
        ),
        ProblemKind::UnknownKey => (
            "this name",
            match &problem.nearest {
                Some(nearest) => format!("write `{nearest}`, if that is what you mean; a key of your own begins with `x-`"),
                None => "remove it; a key of your own begins with `x-`".to_owned(),
            },
        ),
    };
    let finding = Finding::at(rule(problem.kind), document.place(problem.span, label), problem.message.clone());
    match &problem.related {
        Some((span, label)) => finding.with(document.place(*span, label.clone())),
        None => finding,
    }
    .help(help)
}

/// Required fields that are not described. This is valid, but nearly always a misspelt name. Only reported for a schema
/// on its own: within an `allOf`, or beside alternatives, other schemas may describe the field.
fn required(document: &Document, findings: &mut Vec<Finding>) {
    let mut is_part = vec![false; document.schemas().count()];
    for (_, schema) in document.schemas() {
        let composed = [&schema.all_of, &schema.any_of, &schema.one_of];
        let members = composed.into_iter().flatten().flat_map(|members| &members.value).chain(&schema.not);
        for member in members {
            let mut here = Some(*member);
            // The targets of a member's references are parts as well.
            while let Some(id) = here.filter(|id| !std::mem::replace(&mut is_part[id.index()], true)) {
                here = document.schema(id).reference.as_ref().and_then(|reference| reference.target);
            }
        }
    }
    for (id, schema) in document.schemas() {
        let stands_alone = schema.all_of.is_none()
            && schema.any_of.is_none()
            && schema.one_of.is_none()
            && schema.additional_properties.is_none()
            && schema.pattern_properties.is_empty()
            && schema.reference.is_none();
        if !stands_alone || is_part[id.index()] || schema.properties.is_empty() {
            continue;
        }
        for name in &schema.required {
            if schema.properties.iter().any(|property| property.name.value == name.value) {
                continue;
            }
            let known = schema.properties.iter().map(|property| property.name.value.as_str());
            let help = match nearest(known, name) {
                Some(nearest) => {
                    format!("write `{nearest}`, if that is what you mean; or describe it under `properties`")
                }
                None => "describe it under `properties`, or do not require it".to_owned(),
            };
            let message = format!("`{}` is required, and is not among the properties", name.value);
            let place = document.place(name.span, "this name");
            findings.push(Finding::at(Rule::ContractUnknownKey, place, message).help(help));
        }
    }
}

/// The existing name that is most similar to a missing one.
fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let likeness = |known: &&str| strsim::normalized_damerau_levenshtein(known, name);
    known.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).filter(|known| likeness(known) > 0.6)
}
