//! What is said to callers who are refused, and what a request presents to authenticate its caller.

#![allow(clippy::unwrap_used)]

use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use openapi_dropshot_runtime::answers::refusal;
use openapi_dropshot_runtime::credentials::Credentials;
use openapi_dropshot_runtime::decode::Refusal;
use openapi_dropshot_runtime::parameters::Incoming;
use openapi_dropshot_runtime::tables::{Location, OperationInfo, RefusalBody, SchemeKind, SchemeUse, SecurityScheme};

static KEY: SecurityScheme =
    SecurityScheme { name: "key", kind: SchemeKind::Key(Location::Header, "x-key"), schema: "{}" };

static OPERATION: OperationInfo = OperationInfo {
    id: "get",
    method: "GET",
    path: "/",
    tags: &[],
    summary: "",
    description: "",
    deprecated: false,
    security: &[&[SchemeUse { scheme: &KEY, scopes: &[] }]],
    permission: None,
    rate_limit: None,
    parameters: &[],
    body: None,
    answers: &[],
    errors: &[],
    refusals: &[
        RefusalBody { status: "400", media_type: "text/html; charset=utf-8", body: "", reason: "" },
        RefusalBody { status: "415", media_type: "text/plain", body: "", reason: "" },
    ],
};

async fn text(refused: &Refusal) -> String {
    let body = refusal(&OPERATION, refused).into_response().into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn what_was_sent_does_not_become_html() {
    let reason = "\"<script>\" is too long".to_owned();
    assert_eq!(text(&Refusal::Body { reason }).await, "the body: \"&lt;script&gt;\" is too long");
    let refused = Refusal::MediaType { taken: "a<b".to_owned() };
    assert_eq!(text(&refused).await, "the body must be sent as a<b", "a plain text stays as it is");
}

#[test]
fn an_empty_key_is_no_key() {
    let presented = |key: &'static str| {
        let headers: HeaderMap =
            [(http::HeaderName::from_static("x-key"), HeaderValue::from_static(key))].into_iter().collect();
        let uri = "/".parse().unwrap();
        let request = Incoming { uri: &uri, headers: &headers, variables: Vec::new() };
        Credentials { operation: &OPERATION, remote: ([127, 0, 0, 1], 1).into(), request: &request }.presented().len()
    };
    assert_eq!((presented("k"), presented("")), (1, 0));
}
