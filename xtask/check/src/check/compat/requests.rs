//! Whether requests that were right are still right.

use super::schema::{self, Change, Direction};
use super::{Compare, Side};
use apidrift_core::contract::{Location, Operation, Parameter};
use apidrift_core::rules::Rule;

impl Compare<'_> {
    pub(super) fn parameters(&mut self, old: &Operation, new: &Operation) {
        for now in &new.parameters {
            let name = &now.name.value;
            match counterpart(now, new, old) {
                None if now.required => self.report(
                    Rule::CompatParameterRequired,
                    Side::Now(&now.name.range),
                    Some(Side::Then(&old.id.range)),
                    format!("`{}` requires a new {} parameter `{name}`", new.id.value, now.location.name()),
                    "clients do not send it: make it optional",
                ),
                None => self.report(
                    Rule::CompatParameterAdded,
                    Side::Now(&now.name.range),
                    None,
                    format!("`{}` takes a new optional parameter `{name}`", new.id.value),
                    "clients that do not send it are served as before",
                ),
                Some(before) => self.parameter(before, now, new),
            }
        }
        for before in &old.parameters {
            if counterpart(before, old, new).is_none() {
                self.report(
                    Rule::CompatParameterRemoved,
                    Side::Then(&before.name.range),
                    Some(Side::Now(&new.id.range)),
                    format!("`{}` no longer takes the parameter `{}`", new.id.value, before.name.value),
                    "clients that send it are served as if they did not: make sure that is what they mean",
                );
            }
        }
    }

    fn parameter(&mut self, before: &Parameter, now: &Parameter, operation: &Operation) {
        let (id, name) = (&operation.id.value, &now.name.value);
        if now.required && !before.required {
            self.report(
                Rule::CompatParameterRequired,
                Side::Now(&now.name.range),
                Some(Side::Then(&before.name.range)),
                format!("the parameter `{name}` of `{id}` was optional and is required now"),
                "clients may leave it out: keep it optional",
            );
        }
        let default = |parameter: &Parameter| parameter.schema.get("default").map(|value| value.to_json().to_string());
        let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
        if default(before) != default(now) {
            self.report(
                Rule::CompatParameterDefault,
                Side::Now(&now.name.range),
                Some(Side::Then(&before.name.range)),
                format!(
                    "the parameter `{name}` of `{id}` is {} where it is left out, not {}",
                    shown(default(now)),
                    shown(default(before))
                ),
                "clients that leave it out are answered otherwise: look whether that is what they want",
            );
        }
        let mut changes = Vec::new();
        schema::compare(self.base, &before.schema, self.contract, &now.schema, Direction::Request, &mut changes);
        for change in changes {
            let (rule, what, help) = if change.breaks {
                (
                    Rule::CompatParameterNarrowed,
                    "takes less than before",
                    "values that were right are refused now: keep taking them",
                )
            } else {
                (Rule::CompatParameterWidened, "takes more than before", "values that were right are still right")
            };
            let Change { message, now, then, .. } = change;
            let message = format!("the parameter `{name}` of `{id}` {what}: {message}");
            self.report(rule, Side::Now(&now), Some(Side::Then(&then)), message, help);
        }
    }
}

/// The same parameter of another operation: of the same name and place, or in the same segment of the path.
fn counterpart<'a>(parameter: &Parameter, own: &Operation, other: &'a Operation) -> Option<&'a Parameter> {
    if parameter.location == Location::Path {
        let position = own.path.split('/').position(|segment| segment == format!("{{{}}}", parameter.name.value))?;
        let segment = other.path.split('/').nth(position)?;
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        return other.parameters.iter().find(|known| known.location == Location::Path && *known.name == *name);
    }
    other.parameters.iter().find(|known| known.location == parameter.location && *known.name == *parameter.name)
}
