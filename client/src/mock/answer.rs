//! From a request to an answer, in the order of decision that the contract gives.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use super::API_KEY;
use super::state::State;

const PAGE: usize = 10;

pub(super) fn answer(request: &Request<Incoming>, state: &mut State) -> Response<Full<Bytes>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let (status, headers, body) = decide(request.method(), target, request.headers(), state);
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

type Answer = (StatusCode, HeaderMap, Value);

fn decide(method: &Method, target: &str, headers: &HeaderMap, state: &mut State) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (operation, id) = match (method, segments.as_slice()) {
        (&Method::GET, ["cdi", "integrations"]) => ("list_integrations", None),
        (&Method::GET, ["cdi", "integrations", id, "job_sync_status"]) => ("list_job_sync_status", Some(*id)),
        (&Method::POST, ["cdi", "integrations", id, "sync"]) => ("trigger_integration_sync", Some(*id)),
        _ => return error(404, "Not Found"),
    };
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key.and_then(|key| key.strip_prefix("Bearer ")) != Some(API_KEY) {
        return error(401, "Unauthorized");
    }
    if let Some((status, message)) = state.failure(operation) {
        return error(status, message);
    }
    let Some(id) = id else {
        return page(state.integrations(), query);
    };
    let Some(id) = Uuid::parse_str(id).ok().filter(|_| id.len() == 36) else {
        return error(400, "Invalid integration ID");
    };
    let Some(integration) = state.integration(id) else {
        return error(404, "Integration not found");
    };
    if operation == "list_job_sync_status" {
        return page(integration.look(), query);
    }
    match integration.trigger() {
        true => (StatusCode::ACCEPTED, HeaderMap::new(), json!({"message": "success"})),
        false => error(429, "Another job is in progress"),
    }
}

fn error(status: u16, message: &str) -> Answer {
    let mut headers = HeaderMap::new();
    if message == "Rate Limited" || status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("0"));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, json!({ "message": message }))
}

/// The page that the cursor names, which is the number of items before it.
fn page(items: Vec<Value>, query: &str) -> Answer {
    let cursor = Url::parse(&format!("http://localhost/?{query}"))
        .ok()
        .and_then(|url| url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor.into_owned()));
    let begin = match cursor.map(|cursor| cursor.parse::<usize>()) {
        None => 0,
        Some(Ok(begin)) if begin % PAGE == 0 && begin <= items.len() => begin,
        Some(_) => return error(400, "Invalid cursor"),
    };
    let mut links = Vec::new();
    if let Some(before) = begin.checked_sub(PAGE) {
        links.push(format!("<?cursor={before}>; rel=\"prev\""));
    }
    if begin + PAGE < items.len() {
        links.push(format!("<?cursor={}>; rel=\"next\"", begin + PAGE));
    }
    let link = HeaderValue::try_from(links.join(",")).ok().filter(|_| !links.is_empty());
    let headers = link.map(|link| (header::LINK, link)).into_iter().collect();
    let results: Vec<_> = items.into_iter().skip(begin).take(PAGE).collect();
    (StatusCode::OK, headers, json!({"results": results, "message": "success"}))
}
