//! Values that exist, found in the responses of the server: what a list contains can be requested one by one.

use openapi_model::document::Location;
use serde_json::Value as Json;

use super::operation::Operation;
use super::session::Session;
use super::wire::Answer;

/// Values found in responses.
#[derive(Default)]
pub(super) struct Discovered {
    /// By the name of the parameter: fields with that name in the items of any list.
    by_name: Vec<(String, String)>,
    /// By the path that ends with the parameter, such as `/things/{id}`: the items of `/things`.
    by_path: Vec<(String, String)>,
}

impl Discovered {
    /// The value of a path parameter of an operation, and whether it is only a guess that it names what the parameter
    /// means.
    pub fn value(&self, operation: &Operation, name: &str) -> Option<(&str, bool)> {
        let by_name = self.by_name.iter().find(|(known, _)| known == name);
        let variable = format!("{{{name}}}");
        let start = operation.path.find(&variable).map(|start| &operation.path[..start + variable.len()]);
        let by_path = || self.by_path.iter().find(|(known, _)| Some(known.as_str()) == start);
        by_name.map(|(_, value)| (value.as_str(), false)).or_else(|| by_path().map(|(_, value)| (value.as_str(), true)))
    }
}

/// Stores the values of path parameters in the items of a list with links to its pages.
pub(super) fn store_items(session: &mut Session<'_>, items: &[Json]) {
    let plan = session.plan;
    let parameters = plan.operations.iter().flat_map(|operation| &operation.parameters);
    for parameter in parameters.filter(|parameter| parameter.location == Location::Path) {
        let name = parameter.name.as_str();
        let is_known = session.discovered.by_name.iter().any(|(known, _)| known == name);
        if let Some(value) = items.iter().find_map(|item| item.get(name)?.as_str()).filter(|_| !is_known) {
            session.discovered.by_name.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// Stores the ID of the first item of a response, if other operations have it in their paths after the path of this
/// one: `/things` and `/things/{id}`.
pub(super) fn store(session: &mut Session<'_>, operation: &Operation, answer: &Answer) {
    let Ok(json) = &answer.json else { return };
    let first =
        json.as_array().or_else(|| json.as_object()?.values().find_map(Json::as_array)).and_then(|it| it.first());
    let Some(first) = first.filter(|_| operation.is_safe()) else { return };
    for other in &session.plan.operations {
        let rest = other.path.strip_prefix(operation.path.as_str()).and_then(|rest| rest.strip_prefix("/{"));
        let Some((name, _)) = rest.and_then(|rest| rest.split_once('}')) else { continue };
        let value = match first {
            Json::Object(fields) => fields.get(name).or_else(|| fields.get("id")),
            scalar => Some(scalar),
        };
        let text = match value {
            Some(Json::String(text)) if !text.is_empty() => text.clone(),
            Some(Json::Number(number)) => number.to_string(),
            _ => continue,
        };
        let path = format!("{}/{{{name}}}", operation.path.value);
        if !session.discovered.by_path.iter().any(|(known, _)| *known == path) {
            session.discovered.by_path.push((path, text));
        }
    }
}
