//! What the contract does not allow is refused before an operation sees it, with the body that the contract documents.

use serde_json::{Value, json};

use crate::running::{Running, start};

async fn send(server: &Running, method: &str, path: &str, media_type: &str, body: &str) -> (u16, String) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, format!("{}{path}", server.url)).body(body.to_owned());
    if !media_type.is_empty() {
        request = request.header("content-type", media_type);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn bodies_and_parameters_that_do_not_fit_are_refused_with_the_reason() {
    let server = start();
    let json = "application/json";
    let pet = r#"{"id": 1, "kind": "cat"}"#;
    let parts = "multipart/form-data; boundary=b";
    let part =
        |name: &str, text: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
    let file = part("file", "f");
    let end = |parts: String| format!("{parts}--b--\r\n");
    for (method, path, media_type, body, status, reason) in [
        ("POST", "/pets", json, r#"{"kind": "cat", "name": "too long"}"#, 400, "/name: "),
        ("POST", "/pets", json, r#"{"kind": "cow"}"#, 400, "/kind: "),
        ("POST", "/pets", json, r#"{"name": "Tom"}"#, 400, "\"kind\" is a required property"),
        ("POST", "/pets", json, r#"{"kind": "cat", "price": -1}"#, 400, "/price: "),
        ("POST", "/pets", json, r#"{"kind": "cat", "born": "yesterday"}"#, 400, "/born: "),
        ("POST", "/pets", json, "{", 400, "EOF while parsing"),
        ("POST", "/pets", json, "", 400, "it is missing"),
        ("POST", "/pets", "text/csv", pet, 415, "application/json or application/xml"),
        ("POST", "/pets", "", pet, 415, "application/json or application/xml"),
        ("POST", "/pets", json, &format!("[{}]", " ".repeat(3000)), 413, "more than 2000 bytes"),
        ("GET", "/pets?type=cow", "", "", 400, "the query parameter `type`: "),
        ("GET", "/pets", "", "", 400, "the query parameter `type`: it is missing"),
        ("GET", "/pets?type=cat&send=yes", "", "", 400, "`send`: it is neither true nor false"),
        ("GET", "/pets?type=cat&ids=1,x", "", "", 400, "`ids`: it is not an integer"),
        ("GET", "/pets?type=cat&type=dog", "", "", 400, "`type`: it is there more than once"),
        (
            "PUT",
            "/owners/x.json",
            "application/x-www-form-urlencoded",
            "aliases=a",
            400,
            "\"name\" is a required property",
        ),
        ("POST", "/files/a", "multipart/form-data", "x", 400, "boundary"),
        ("POST", "/files/a", parts, &end(part("title", "T")), 400, "\"file\" is a required property"),
        (
            "POST",
            "/files/a",
            parts,
            &end(format!("{file}{}{}", part("title", "T"), part("title", "U"))),
            400,
            "more than once",
        ),
        (
            "POST",
            "/files/a",
            parts,
            &end(format!("{file}{}", part("pet", "{}"))),
            400,
            "/pet: \"id\" is a required property",
        ),
        (
            "POST",
            "/files/a",
            parts,
            &end(format!("{file}{}", part("pet", "Tom"))),
            400,
            "`pet`: it is not a JSON object",
        ),
        ("GET", "/nothing", "", "", 404, ""),
        ("DELETE", "/pets", "", "", 405, ""),
    ] {
        let (given, text) = send(&server, method, path, media_type, body).await;
        assert_eq!(given, status, "{method} {path} {body}: {text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value["message"].as_str().unwrap().contains(reason), "{method} {path} {body}: {text}");
    }
    assert_eq!(server.arrived.count(), 0, "no operation saw any of them");
    assert_eq!(
        send(&server, "POST", "/pets", json, r#"{"kind": "cat"}"#).await.0,
        201,
        "what is only read is not required"
    );
}

#[tokio::test]
async fn failures_of_the_server_have_the_documented_body() {
    let server = start();
    // Of this operation the contract documents 404, 4XX and a default of its own.
    let (status, text) = send(&server, "GET", "/pets/0", "", "").await;
    assert_eq!(status, 500);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"code": 0}));
    let (status, _) = send(&server, "GET", "/pets/503", "", "").await;
    assert_eq!(status, 503);
    let (status, text) = send(&server, "GET", "/pets/x", "", "").await;
    assert_eq!((status, text.as_str()), (400, "the path parameter `petId`: it is not an integer"), "4XX is a text");
}

#[test]
fn the_server_stands_for_the_contract() {
    let document = crate::shop::openapi().unwrap();
    assert_eq!(document["info"], json!({"title": "Shop", "version": "2024-01"}));
    assert_eq!(document["paths"]["/pets/{petId}"]["get"]["parameters"][0]["in"], "cookie");
    assert!(
        document["paths"]["/owners/{name}.json"]["put"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
            .is_object()
    );
    assert_eq!(crate::awkward::OPERATIONS.len(), 6);
}

#[test]
fn integers_fit_their_formats() {
    use crate::awkward::types::D2;
    let small = serde_json::from_value::<D2>(json!(255)).unwrap();
    assert_eq!(serde_json::to_value(small).unwrap(), json!(255));
    for value in [json!(256), json!(-1)] {
        assert!(serde_json::from_value::<D2>(value).is_err(), "it is a `uint8`");
    }
}
