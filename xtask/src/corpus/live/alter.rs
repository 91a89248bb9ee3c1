//! Applies faults to requests and answers that pass a proxy.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use apidrift_core::contract::Contract;
use http::{HeaderName, HeaderValue, StatusCode, header};
use openapi_model::document::Location;
use serde_json::Value as Json;

use super::faults::{Change, Fault, Seen};
use super::routes::{self, Credential};
use crate::proxy::{Answered, Asked, Proxy};

/// Starts a proxy that passes everything on as it is and keeps the answers.
///
/// # Errors
///
/// If it cannot be started.
pub async fn recording(right: &str, contract: &Arc<Contract>, seen: &Arc<Mutex<Seen>>) -> std::io::Result<Proxy> {
    let (contract, seen) = (contract.clone(), seen.clone());
    let after = move |asked: &Asked, answered: &mut Answered| {
        let Some(operation) = routes::operation(&contract, asked.method.as_str(), &asked.path) else { return };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry((operation, answered.status.as_u16())).or_insert_with(|| answered.clone());
    };
    Proxy::start(right, Box::new(|_| {}), Box::new(after)).await
}

/// How often each fault was applied, by the index of its operation.
pub type Applied = BTreeMap<usize, AtomicUsize>;

/// Starts a proxy with faults, at most one for each operation.
///
/// # Errors
///
/// If it cannot be started.
pub async fn faulty(
    right: &str,
    contract: &Arc<Contract>,
    faults: &[Fault],
    applied: &Arc<Applied>,
) -> std::io::Result<Proxy> {
    let faults: Arc<BTreeMap<usize, Change>> =
        Arc::new(faults.iter().map(|fault| (fault.operation, fault.change.clone())).collect());
    let (contract, before_faults, before_contract) = (contract.clone(), faults.clone(), contract.clone());
    let before = move |asked: &mut Asked| {
        let operation = routes::operation(&before_contract, asked.method.as_str(), &asked.path);
        if let Some(Change::Open(credentials)) = operation.and_then(|operation| before_faults.get(&operation)) {
            credentials.iter().for_each(|credential| present(asked, credential));
        }
    };
    let applied = applied.clone();
    let after = move |asked: &Asked, answered: &mut Answered| {
        let Some(operation) = routes::operation(&contract, asked.method.as_str(), &asked.path) else { return };
        let is_applied = faults.get(&operation).is_some_and(|change| alter(change, asked, answered));
        if let Some(times) = applied.get(&operation).filter(|_| is_applied) {
            times.fetch_add(1, Ordering::Relaxed);
        }
    };
    Proxy::start(right, Box::new(before), Box::new(after)).await
}

/// Adds a credential to a request, instead of what it has there.
fn present(asked: &mut Asked, credential: &Credential) {
    match credential.location {
        Location::Query => {
            let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
            let others = query
                .split('&')
                .filter(|pair| !pair.is_empty() && pair.split('=').next().unwrap_or_default() != credential.name);
            let own = form_urlencoded::Serializer::new(String::new())
                .append_pair(&credential.name, &credential.value)
                .finish();
            let pairs: Vec<&str> = others.chain([own.as_str()]).collect();
            asked.path = format!("{path}?{}", pairs.join("&"));
        }
        Location::Cookie => {
            let value = HeaderValue::from_str(&format!("{}={}", credential.name, credential.value));
            value.into_iter().for_each(|value| drop(asked.headers.insert(header::COOKIE, value)));
        }
        Location::Header | Location::Path => {
            let name = HeaderName::from_bytes(credential.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&credential.value)) {
                asked.headers.insert(name, value);
            }
        }
    }
}

/// Changes an answer, if the fault is about it.
pub fn alter(change: &Change, asked: &Asked, answered: &mut Answered) -> bool {
    let now = answered.status.as_u16();
    match change {
        Change::Status { from, to } if *from == now => {
            answered.status = StatusCode::from_u16(*to).unwrap_or(answered.status);
            true
        }
        Change::Header { status, name, value } if *status == now => {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return false };
            match value.as_ref().map(|value| HeaderValue::from_str(value)) {
                Some(Ok(value)) => drop(answered.headers.insert(name, value)),
                Some(Err(_)) => return false,
                None => drop(answered.headers.remove(name)),
            }
            true
        }
        Change::Field { status, parent, name, value } if *status == now => {
            let Ok(mut body) = serde_json::from_slice::<Json>(&answered.body) else { return false };
            let Some(fields) = body.pointer_mut(parent).and_then(Json::as_object_mut) else { return false };
            match value {
                Some(value) => drop(fields.insert(name.clone(), value.clone())),
                None => drop(fields.remove(name)),
            }
            answered.body = body.to_string().into();
            true
        }
        Change::NoBody { status } if *status == now => {
            answered.body = Default::default();
            true
        }
        Change::Fails(odd) if odd.is(asked) => {
            answered.say(500, "internal error");
            true
        }
        Change::Open(_) => now < 400,
        _ => false,
    }
}
