//! The examples that pages show fit their schemas, as another validator sees it.

use jsonschema::{Draft, ValidationError};
use serde_json::{Value, json};

use super::api::Api;
use super::example::{Way, example};
use super::slices;

/// Examples that do not fit.
pub fn wrong(api: &Api) -> (usize, Vec<String>) {
    let (mut made, mut wrong) = (0, Vec::new());
    let is_3_1 = api.root["openapi"].as_str().is_some_and(|version| version.starts_with("3.1"));
    for operation in &api.operations {
        let taken = operation.parameters.iter().map(|one| (Some(&one.schema), Way::Request));
        let bodies = operation.body.iter().flat_map(|body| &body.media);
        let sent = bodies.map(|media| (media.schema.as_ref(), Way::Request));
        let answers = operation.responses.iter().flat_map(|response| &response.media);
        let answers = answers.map(|media| (media.schema.as_ref(), Way::Response));
        for (schema, way) in taken.chain(sent).chain(answers) {
            let Some((schema, example)) = schema.and_then(|at| Some((at, example(api, at, way, &operation.call())?)))
            else {
                continue;
            };
            let draft = if is_3_1 { Draft::Draft202012 } else { Draft::Draft4 };
            let document = json!({
                "allOf": [{"$ref": format!("#{schema}")}],
                "components": api.root["components"],
                "paths": api.root["paths"],
            });
            let Ok(validator) = jsonschema::options().with_draft(draft).build(&document) else { continue };
            made += 1;
            let value: Value = example.value();
            // What is read only is left out of requests, and the other way round.
            let counts = |error: &ValidationError| !error.to_string().contains("is a required property");
            if let Some(error) = validator.iter_errors(&value).find(counts) {
                wrong.push(format!("{} {}: {schema}: {error} in {value}", api.name, operation.call()));
            }
        }
    }
    (made, wrong)
}

#[test]
fn the_examples_of_pages_fit_their_schemas() {
    let mut files = slices::own();
    if let Some(folder) = std::env::var_os("APIDRIFT_CORPUS") {
        for file in slices::files_of(std::path::Path::new(&folder)) {
            files.extend(slices::of_file(&file));
        }
    }
    let results: Vec<(usize, Vec<String>)> = files.iter().map(wrong).collect();
    let made: usize = results.iter().map(|(made, _)| made).sum();
    let wrong: Vec<String> = results.into_iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "{} of {made} are wrong\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert!(made > 100, "{made}");
}
