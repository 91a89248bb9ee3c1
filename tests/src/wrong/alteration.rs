//! The defects of wrong servers, as written in the corpora.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How a wrong server alters the answers of a correct one. Everything else remains unchanged.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alteration {
    /// Only answers with this status, or this status and message.
    pub when: Option<String>,
    /// Only answers to requests whose path and query contain this text.
    pub path: Option<String>,
    /// Only the answers with these numbers, counted from 1 among those that match the conditions above.
    pub only: Vec<usize>,
    /// Another status.
    pub status: Option<u16>,
    /// Other values of headers; an empty one removes the header. `{key}` is the request's key, `{base}` the proxy's address.
    pub headers: BTreeMap<String, String>,
    /// Numbers to add to numeric headers.
    pub shift: BTreeMap<String, i64>,
    /// Texts to replace in headers.
    pub replace: BTreeMap<String, [String; 2]>,
    /// Values to set in the body, by JSON pointer, as JSON; an empty text removes the value.
    pub json: BTreeMap<String, String>,
    /// Another body.
    pub body: Option<String>,
    /// A defect that is not a replaced text.
    pub behaviour: Option<Behaviour>,
}

/// A defect that is not a replaced text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Requests without a key are served.
    ServeWithoutKey,
    /// Keys without `Bearer` are served.
    ServeBareKey,
    /// Keys without the permission are served.
    ServeWithoutPermission,
    /// Parameters are checked before the key.
    ParametersBeforeKey,
    /// A missing integration is reported before the permission is checked.
    ExistenceBeforePermission,
    /// A missing integration is reported before other parameters are checked.
    ExistenceBeforeParameters,
    /// Parameters are checked before the rate limit.
    ParametersBeforeLimit,
    /// The rate limit is never enforced.
    NeverRefuse,
    /// Every page is the first page.
    IgnoreQuery,
    /// The items of a page are reversed.
    ReverseItems,
    /// The first item of a page is dropped.
    DropItem,
    /// The first item of a page is repeated.
    RepeatItem,
    /// Half of the body is sent, with the length of the whole body.
    Truncate,
    /// A chunk is sent, and then the connection is cut.
    BreakChunks,
    /// The connection is cut.
    Cut,
    /// The answer takes too long.
    Hang,
    /// Half of the body is sent, with the length of that half.
    Halve,
    /// The body consists of deeply nested objects.
    Nest,
    /// The remaining requests never decrease.
    FreezeCounter,
    /// The remaining requests decrease by two.
    CountTwice,
    /// The remaining requests are replaced by the number of requests made.
    CountUp,
    /// Every other answer has a different limit.
    WaveringLimit,
    /// Requests are refused long before the limit is reached.
    RefuseEarly,

    // The following are harmless.
    /// The body is sent in chunks.
    Chunked,
    /// The keys of objects are in reverse order.
    ReverseKeys,
    /// JSON is on several lines.
    Pretty,
    /// Some characters of texts are escaped, and slashes too.
    Escape,
    /// Times end with `+00:00`.
    Offset,
    /// A short delay.
    Dawdle,
}
