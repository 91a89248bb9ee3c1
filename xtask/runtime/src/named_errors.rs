//! Errors that the contract names one by one: each with its status and its message.

use serde::Serialize;

use super::answers::Answer;
use super::tables::Documented;

/// What the errors of an operation have in common if the contract names them.
pub trait NamedError: Sized + Send + 'static {
    /// The errors that the operation documents.
    const DOCUMENTED: &'static [Documented];
    /// What the contract says of this one.
    fn documented(&self) -> &'static Documented;
    /// The answer to a failure inside the server.
    fn internal_server_error() -> Self;
    /// The answer of a server that cannot answer now; seconds to wait.
    fn service_unavailable(retry_after: u64) -> Self;
}

/// The body of a named error.
#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// The answer of a named error, without its headers. Failures of the server tell the request's ID if the schema has a place
/// for it.
pub fn answer(documented: &Documented, request_id: Option<&str>) -> Answer {
    let request_id = request_id.filter(|_| documented.status >= 500);
    Answer::new(documented.status).json("application/json", &Body { message: documented.message, request_id })
}
