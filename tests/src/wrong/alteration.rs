//! What wrong servers do, as the corpora say it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a wrong server does to the answers of a right one. What is not said stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alteration {
    /// Only answers with this status, or with this status and message.
    pub when: Option<String>,
    /// Only answers to requests whose path and query have this text.
    pub path: Option<String>,
    /// Only the answers with these numbers, counted from 1 among those that the above leaves.
    pub only: Vec<usize>,
    /// Another status.
    pub status: Option<u16>,
    /// Other values of headers; an empty one removes the header. `{key}` is the request's key, `{base}` the proxy's address.
    pub headers: BTreeMap<String, String>,
    /// Headers that are numbers become so much larger.
    pub shift: BTreeMap<String, i64>,
    /// A text in headers becomes another.
    pub replace: BTreeMap<String, [String; 2]>,
    /// Other values in the body, by JSON pointer, as JSON; an empty text removes the value.
    pub json: BTreeMap<String, String>,
    /// Another body.
    pub body: Option<String>,
    /// Something that takes more than another text.
    pub behaviour: Option<Behaviour>,
}

/// Something that takes more than another text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Whoever comes without a key is served.
    ServeWithoutKey,
    /// A key without `Bearer` is served.
    ServeBareKey,
    /// Whoever has no permission is served.
    ServeWithoutPermission,
    /// Parameters are looked at before keys.
    ParametersBeforeKey,
    /// What is not there is said before permissions are looked at.
    ExistenceBeforePermission,
    /// What is not there is said before other parameters are looked at.
    ExistenceBeforeParameters,
    /// Parameters are looked at before the rate limit.
    ParametersBeforeLimit,
    /// Nothing is ever over the limit.
    NeverRefuse,
    /// Every page is the first.
    IgnoreQuery,
    /// The items of a page are reversed.
    ReverseItems,
    /// The first item of a page is dropped.
    DropItem,
    /// The first item stands on the page twice.
    RepeatItem,
    /// Half of the body is sent, of the announced length.
    Truncate,
    /// A chunk is sent, and then the connection is cut.
    BreakChunks,
    /// The connection is cut.
    Cut,
    /// The answer takes too long.
    Hang,
    /// Half of the body is sent as if it were all.
    Halve,
    /// The body is an object in an object, and so on.
    Nest,
    /// The counter stands still.
    FreezeCounter,
    /// The counter counts twice.
    CountTwice,
    /// The counter has the requests that were made.
    CountUp,
    /// Every other answer has another limit.
    WaveringLimit,
    /// Refuses long before the limit.
    RefuseEarly,

    // What follows is harmless.
    /// The body is sent in chunks.
    Chunked,
    /// Keys of objects in the opposite order.
    ReverseKeys,
    /// JSON on several lines.
    Pretty,
    /// Letters that are not ASCII as escapes, slashes too.
    Escape,
    /// Times with `+00:00`.
    Offset,
    /// A pause that is not too long.
    Dawdle,
}
