//! Statuses in words, and bodies that come with them.

use serde_json::Value;

use super::api::{Api, Response};
use super::example::{Example, Way, example};
use super::pick::pick;

pub fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// A response's body: an error's as the contract has it, where it has one.
pub fn body(api: &Api, response: &Response, seed: &str) -> Option<Example> {
    let media = response.json()?;
    if !response.is_success() {
        let own = &api.object(&media.at);
        let named = own.get("examples").and_then(Value::as_object);
        let named: Vec<&Value> = named
            .into_iter()
            .flat_map(|all| all.keys())
            .filter_map(|name| {
                let at = api.resolved(&super::api::below(&format!("{}/examples", media.at), name))?;
                api.at(&at).get("value")
            })
            .collect();
        let stated = named.get(pick(seed, named.len())).copied().or_else(|| own.get("example"));
        if let Some(value) = stated {
            return Some(Example::verbatim(value));
        }
    }
    example(api, media.schema.as_ref()?, Way::Response, &format!("{seed}{}", response.status))
}
