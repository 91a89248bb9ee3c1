//! Provokes errors as the settings say: with values, a caller, a body, or requests before.

use apidrift_core::rules::Rule;
use apidrift_core::settings;
use toml::Spanned;

use super::facts::Values;
use super::operation::{Operation, PlannedError};
use super::requests::With;
use super::session::{Session, Stop, error_of};
use super::wire::Request;

/// Provokes an error with the provocation of the settings that has this index.
pub(super) fn provoke<'a>(
    session: &mut Session<'a>,
    operation: &'a Operation,
    error: &'a PlannedError,
    index: usize,
) -> Result<(), Stop> {
    let Some(provocation) = session.facts.settings.provocations.get(index).map(Spanned::get_ref) else { return Ok(()) };
    let request = match request(session, operation, provocation) {
        Ok(request) => request,
        Err(needed) => {
            if !session.has_seen(operation, error) {
                session.not_tried(operation, Some(error), format!("needs {needed}"));
            }
            return Ok(());
        }
    };
    for name in &provocation.before {
        let Some(before) = session.operation(name.get_ref()) else { continue };
        match session.request_with(before, With::default()) {
            Ok(request) => drop(session.ask(before, &request)?),
            Err(needed) => {
                session.not_tried(
                    operation,
                    Some(error),
                    format!("needs {needed}, to call `{}` before", name.get_ref()),
                );
                return Ok(());
            }
        }
    }
    let Some(answer) = session.ask(operation, &request)? else { return Ok(()) };
    // The first request may have brought about what the error needs: something busy, or something that exists already.
    let answer = if operation.is_success(answer.status) { session.ask(operation, &request)? } else { Some(answer) };
    let Some(answer) = answer else { return Ok(()) };
    // Several errors may be provoked in the same way.
    let found = error_of(operation, &answer).filter(|found| found.provocation == error.provocation);
    session.judge(operation, &answer, Some(found.unwrap_or(error)), Rule::LiveAnswer);
    Ok(())
}

/// The request of a provocation, or what is needed for it.
fn request(
    session: &Session<'_>,
    operation: &Operation,
    provocation: &settings::Provocation,
) -> Result<Request, String> {
    let mut values = Values::new();
    if let Some(name) = &provocation.resource {
        let name = name.get_ref();
        let known = session.facts.resource(name).ok_or_else(|| {
            let parameters = operation.path_parameters().map(|parameter| parameter.name.as_str());
            let flags: Vec<String> = parameters.map(|parameter| format!("--value {name}:{parameter}=…")).collect();
            if flags.is_empty() { format!("values of `{name}`") } else { flags.join(" and ") }
        })?;
        values.extend(known.clone());
    }
    values.extend(provocation.values.clone());
    let with = With { values: Some(&values), body: provocation.body.as_ref(), ..With::default() };
    let request = session.request_with(operation, with)?;
    match &provocation.caller {
        None => Ok(request),
        Some(name) => {
            let document = &session.contract.document;
            let caller = session.facts.named_caller(name.get_ref(), document, &operation.security)?;
            Ok(request.by(caller))
        }
    }
}
