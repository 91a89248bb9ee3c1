//! The IDs of operations, written or derived. Everything that is generated from a contract names an operation alike.

use openapi_model::document::{Document, Operation};

use super::lower::names::{Names, value_name};

/// The ID of each of `document.operations`, in the same order.
///
/// A written `operationId` is kept if it becomes a Rust name that no earlier operation has. Otherwise the ID is derived
/// from method and path: `GET /pets/{petId}` becomes `get_pets_by_pet_id`. A derived ID that is taken gets a number.
pub fn operation_ids(document: &Document) -> Vec<String> {
    let mut names = Names::default();
    let mut ids: Vec<Option<String>> = Vec::new();
    for operation in &document.operations {
        let written = operation.id.as_ref().map(|id| id.value.clone());
        ids.push(written.filter(|id| is_usable(id) && names.take(&value_name(id))));
    }
    let operations = document.operations.iter().zip(ids);
    operations.map(|(operation, id)| id.unwrap_or_else(|| names.unique(&derived(operation)))).collect()
}

/// Whether an ID has a letter, so that a Rust name can be made of it.
fn is_usable(id: &str) -> bool {
    id.chars().any(|letter| letter.is_ascii_alphabetic())
}

/// The ID of an operation by its method and path.
fn derived(operation: &Operation) -> String {
    let mut words = operation.method.to_lowercase();
    for segment in operation.path.split(['/', '.', ':']).filter(|segment| !segment.is_empty()) {
        let is_variable = segment.starts_with('{');
        let word = value_name(&segment.replace(['{', '}'], " "));
        let word = word.trim_end_matches('_');
        words.push_str(if is_variable { "_by_" } else { "_" });
        words.push_str(word);
    }
    value_name(&words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use openapi_model::source::Source;

    use super::*;

    #[test]
    fn ids_are_kept_if_they_can_be_and_derived_otherwise() {
        let text = "
openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /pets:
    get: {operationId: listPets, responses: {}}
    post: {responses: {}}
  /pets/{petId}:
    get: {operationId: list_pets, responses: {}}
  /pets/{pet_id}:
    get: {operationId: '!', responses: {}}
  /{type}/self.json:
    put: {responses: {}}
  /:
    get: {responses: {}}
";
        let document = openapi_model::read(&Source::new("a.yaml", text), None).unwrap();
        let expected =
            ["listPets", "post_pets", "get_pets_by_pet_id", "get_pets_by_pet_id2", "put_by_type_self_json", "get"];
        assert_eq!(operation_ids(&document), expected.map(str::to_owned));
    }
}
