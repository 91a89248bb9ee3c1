//! How responses are read.

use super::{ByteStream, Error, ResponseValue};

/// The body of a documented response that is not what the contract says it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// The body as it was received.
    pub body: Vec<u8>,
    /// What is wrong with it.
    pub reason: String,
}

/// A response as an error.
#[allow(clippy::result_large_err)] // progenitor's own error is that large
pub(crate) fn failed<T, E>(response: ResponseValue<E>) -> Result<ResponseValue<T>, Error<E>> {
    Err(Error::ErrorResponse(response))
}

/// Reads a body of JSON.
pub(crate) async fn json<T, U, E>(
    response: ::reqwest::Response,
    variant: impl FnOnce(T) -> U,
) -> Result<ResponseValue<U>, Error<E>>
where
    T: ::serde::de::DeserializeOwned,
    E: From<Unreadable>,
{
    read(response, |body| ::serde_json::from_slice(body).map_err(|error| error.to_string()), variant).await
}

/// Reads a body of text.
pub(crate) async fn text<U, E: From<Unreadable>>(
    response: ::reqwest::Response,
    variant: impl FnOnce(String) -> U,
) -> Result<ResponseValue<U>, Error<E>> {
    read(response, |body| String::from_utf8(body.to_vec()).map_err(|error| error.to_string()), variant).await
}

/// Reads a body of bytes.
pub(crate) async fn bytes<U, E: From<Unreadable>>(
    response: ::reqwest::Response,
    variant: impl FnOnce(Vec<u8>) -> U,
) -> Result<ResponseValue<U>, Error<E>> {
    read(response, |body| Ok(body.to_vec()), variant).await
}

/// A body that the caller reads.
pub(crate) fn stream(response: ::reqwest::Response) -> ResponseValue<ByteStream> {
    ResponseValue::stream(response)
}

/// A response without a body, or whose body says nothing.
pub(crate) fn empty<U>(response: ::reqwest::Response, variant: U) -> ResponseValue<U> {
    ResponseValue::new(variant, response.status(), response.headers().clone())
}

/// Reads a body. If it is not what it should be, status and headers are kept.
async fn read<T, U, E: From<Unreadable>>(
    response: ::reqwest::Response,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
    variant: impl FnOnce(T) -> U,
) -> Result<ResponseValue<U>, Error<E>> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    match parse(&body) {
        Ok(value) => Ok(ResponseValue::new(variant(value), status, headers)),
        Err(reason) => {
            let unreadable = Unreadable { body: body.to_vec(), reason };
            Err(Error::ErrorResponse(ResponseValue::new(unreadable.into(), status, headers)))
        }
    }
}
