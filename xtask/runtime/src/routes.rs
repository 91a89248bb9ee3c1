//! Routes: the operations as dropshot's endpoints.
//!
//! dropshot's router takes either literal segments or one variable at each position of a path. If the paths of a contract are
//! like that, each operation becomes an endpoint of its own. If not, dropshot hands every request to one endpoint, and the
//! operation is found here.

use std::collections::BTreeMap;
use std::sync::Arc;

use dropshot::{
    ApiDescription, ApiEndpoint, ApiEndpointBodyContentType, ApiEndpointParameter, ApiEndpointParameterLocation,
    ApiEndpointVersions, Body, ClientErrorStatusCode, HttpError, Path, RawRequest, RequestContext, ServerContext,
    SharedExtractor,
};
use futures::future::BoxFuture;
use http::{Method, Response};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde::Deserialize;

use super::tables::OperationInfo;

/// An operation and the function that answers its requests.
#[derive(Debug)]
pub struct Route<C: ServerContext> {
    /// The operation.
    pub operation: &'static OperationInfo,
    /// Answers a request.
    pub call: Call<C>,
}

/// Answers a request.
pub type Call<C> = fn(RequestContext<C>, RawRequest) -> BoxFuture<'static, Response<Body>>;

/// What dropshot is told of every endpoint: bodies are read here.
const JSON: &str = "application/json";

/// The methods that operations can have.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::PUT,
    Method::POST,
    Method::DELETE,
    Method::OPTIONS,
    Method::HEAD,
    Method::PATCH,
    Method::TRACE,
];

/// What dropshot serves.
///
/// # Errors
///
/// If dropshot refuses an endpoint.
pub fn describe<C: ServerContext>(routes: Vec<Route<C>>) -> Result<ApiDescription<C>, String> {
    let mut description = ApiDescription::new();
    let paths: Vec<&str> = routes.iter().map(|route| route.operation.path).collect();
    // dropshot's own document leaves the endpoints out: the server has `openapi()` instead.
    let mut register =
        |endpoint: ApiEndpoint<C>| description.register(endpoint.visible(false)).map_err(|error| error.to_string());
    let all = ApiEndpointVersions::all;
    if suits_dropshot(&paths) {
        for Route { operation, call } in routes {
            let handler = move |rqctx: RequestContext<C>, raw: RawRequest| async move {
                Ok::<_, HttpError>(call(rqctx, raw).await)
            };
            let method = Method::from_bytes(operation.method.as_bytes()).map_err(|error| error.to_string())?;
            let path = operation.path.trim_end_matches('/');
            let path = if path.is_empty() { "/" } else { path };
            let mut endpoint = ApiEndpoint::new(operation.id.to_owned(), handler, method, JSON, path, all());
            endpoint.parameters = segments(path).filter_map(whole_variable).filter_map(path_parameter).collect();
            register(endpoint)?;
        }
        return Ok(description);
    }
    let routes: Arc<[Route<C>]> = routes.into();
    for method in METHODS {
        let routes = routes.clone();
        let handler = move |rqctx: RequestContext<C>, raw: RawRequest| {
            let found = find(&routes, rqctx.request.method(), rqctx.request.uri().path());
            async move {
                match found {
                    Ok(call) => Ok(call(rqctx, raw).await),
                    Err(error) => Err(error),
                }
            }
        };
        let id = format!("any_{}", method.as_str().to_lowercase());
        let mut endpoint = ApiEndpoint::new(id, handler, method, JSON, "/{path:.*}", all());
        endpoint.parameters = <Path<Rest> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters;
        register(endpoint)?;
    }
    Ok(description)
}

/// The operation that a request is for: of those whose path fits, the one with the most literal text in its first segments.
fn find<C: ServerContext>(routes: &[Route<C>], method: &Method, path: &str) -> Result<Call<C>, HttpError> {
    let Some(given) = decoded(path) else {
        return Err(HttpError::for_bad_request(None, "invalid path encoding".to_owned()));
    };
    let fitting = routes.iter().filter(|route| fits(route.operation.path, &given));
    let Some(best) = fitting.clone().map(|route| rank(route.operation.path)).min() else {
        return Err(HttpError::for_not_found(None, format!("there is no {path}")));
    };
    let of_path: Vec<&Route<C>> = fitting.filter(|route| rank(route.operation.path) == best).collect();
    if let Some(route) = of_path.iter().find(|route| route.operation.method == method.as_str()) {
        return Ok(route.call);
    }
    let mut error = HttpError::for_client_error_with_status(None, ClientErrorStatusCode::METHOD_NOT_ALLOWED);
    for route in of_path {
        // A method is always a valid header value.
        let _ = error.add_header(http::header::ALLOW, route.operation.method);
    }
    Err(error)
}

/// The values of the variables in the path of a request that fits a template, decoded.
pub fn variables(template: &'static str, path: &str) -> Vec<(&'static str, String)> {
    let Some(given) = decoded(path) else { return Vec::new() };
    segments(template).zip(&given).filter_map(|(segment, text)| matched(segment, text)).flatten().collect()
}

/// The segments of a path; empty ones do not count.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// The segments of a request's path, decoded.
fn decoded(path: &str) -> Option<Vec<String>> {
    segments(path).map(|segment| percent_decode_str(segment).decode_utf8().ok().map(Into::into)).collect()
}

fn fits(template: &'static str, given: &[String]) -> bool {
    let count = segments(template).count();
    count == given.len() && segments(template).zip(given).all(|(segment, text)| matched(segment, text).is_some())
}

/// Smaller for more literal text in earlier segments.
fn rank(template: &str) -> Vec<u8> {
    let of_segment = |segment: &str| match (segment.contains('{'), whole_variable(segment)) {
        (false, _) => 0,
        (true, None) => 1,
        (true, Some(_)) => 2,
    };
    segments(template).map(of_segment).collect()
}

/// The variable that a segment consists of.
fn whole_variable(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}'])).then_some(name)
}

/// The values of the variables in a segment, such as `{id}.json`, if a text fits it. A variable is never empty.
fn matched<'t>(segment: &'t str, text: &str) -> Option<Vec<(&'t str, String)>> {
    let literal = |text: &'t str| percent_decode_str(text).decode_utf8_lossy();
    let Some((before, rest)) = segment.split_once('{') else {
        return (literal(segment) == text).then(Vec::new);
    };
    let text = text.strip_prefix(&*literal(before))?;
    let (name, rest) = rest.split_once('}')?;
    let written = rest.split('{').next().unwrap_or_default();
    let next = &*literal(written);
    // Up to the next literal text: at its first place, or at its last if it is the end.
    let end = match (next.is_empty(), written.len() == rest.len()) {
        (true, true) => text.len(),
        (true, false) => text.char_indices().nth(1).map_or(text.len(), |(at, _)| at),
        (false, true) => text.len().checked_sub(next.len()).filter(|at| text.get(*at..) == Some(next))?,
        (false, false) => text.char_indices().skip(1).find(|(at, _)| text[*at..].starts_with(next))?.0,
    };
    let (value, after) = text.split_at_checked(end).filter(|(value, _)| !value.is_empty())?;
    let mut found = vec![(name, value.to_owned())];
    found.extend(matched(rest, after)?);
    Some(found)
}

/// Whether dropshot's router takes these paths: at each position literal segments, or one variable.
pub fn suits_dropshot(paths: &[&str]) -> bool {
    let mut variables: BTreeMap<Vec<&str>, Option<&str>> = BTreeMap::new();
    paths.iter().all(|path| {
        let mut before: Vec<&str> = Vec::new();
        // dropshot compares literals as they are written, and panics at an empty one.
        let is_usual = !path.trim_end_matches('/').contains("//") && !path.contains('%');
        is_usual
            && segments(path).all(|segment| {
                let variable = whole_variable(segment);
                let is_name = |name: &str| !name.is_empty() && !name.contains(':') && !before.contains(&segment);
                let is_plain = variable.map_or(!segment.contains(['{', '}']), is_name);
                let known = *variables.entry(before.clone()).or_insert(variable);
                before.push(segment);
                is_plain && known == variable
            })
    })
}

/// A parameter for each variable of a path, which dropshot wants to know.
fn path_parameter(name: &str) -> Option<ApiEndpointParameter> {
    let schema =
        <Path<Segment> as SharedExtractor>::metadata(ApiEndpointBodyContentType::Json).parameters.pop()?.schema;
    let location = ApiEndpointParameterLocation::Path;
    Some(ApiEndpointParameter::new_named(&location, name.to_owned(), None, true, schema, Vec::new()))
}

/// A variable of a path, as dropshot sees it.
#[derive(Debug, Deserialize)]
struct Segment {}

impl JsonSchema for Segment {
    fn schema_name() -> String {
        "Segment".to_owned()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        object_with("segment", String::json_schema(generator))
    }
}

/// The whole path, as dropshot sees it.
#[derive(Debug, Deserialize)]
struct Rest {}

impl JsonSchema for Rest {
    fn schema_name() -> String {
        "Rest".to_owned()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        object_with("path", Vec::<String>::json_schema(generator))
    }
}

fn object_with(name: &str, schema: Schema) -> Schema {
    let mut object = SchemaObject { instance_type: Some(InstanceType::Object.into()), ..SchemaObject::default() };
    object.object().properties.insert(name.to_owned(), schema);
    object.object().required.insert(name.to_owned());
    object.into()
}
