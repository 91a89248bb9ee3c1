//! What the client sends and how it reads the answers, tried on a server that tells what it received.

use std::collections::HashMap;

use progenitor_client::{ClientHooks, OperationInfo};

use crate::awkward;
use crate::server::Server;
use crate::shop::responses::{DeleteError, GetPetError, PatchPetsByPetIdSuccess};
use crate::shop::{Client, Error, multipart, types};

const PET: &str = r#"{"id": 1, "kind": "cat", "name": "Tom", "owner": null, "later": true}"#;

#[tokio::test]
async fn parameters_are_sent_where_and_how_the_contract_says() {
    let server = Server::answering(200, "application/json", PET);
    let client = Client::new(&server.url);
    let call =
        client.get_pet().pet_id(7).pet_id_query("a b&c").x_trace(vec!["a".to_owned(), "b".to_owned()]).session("s;1");
    let pet = call.send().await.unwrap();
    assert_eq!(pet.status(), 200);
    assert_eq!((pet.id, pet.name.as_deref(), pet.kind.as_str(), &pet.owner), (Some(1), Some("Tom"), "cat", &None));
    assert_eq!(
        server.received(),
        "GET /api/pets/7?petId=a%20b%26c HTTP/1.1\n\
         accept: application/json, application/problem+json, text/plain\n\
         cookie: session=s%3B1\n\
         x-trace: a,b\n"
    );
}

#[tokio::test]
async fn every_style_of_the_query_is_written() {
    let server = Server::answering(206, "application/json", "[]");
    let client = Client::new(&server.url);
    let filter =
        types::ListPetsFilter { name: Some("T".to_owned()), age: Some(types::ListPetsFilterAge { min: Some(3) }) };
    let call = client
        .list_pets()
        .type_("a-b")
        .tags(vec!["x".to_owned(), "y z".to_owned()])
        .ids(vec![1, 2])
        .near(vec![1.5, 2.0])
        .colors(vec!["red".into(), types::Color::Green])
        .filter(filter)
        .page(types::ListPetsPage { limit: Some(5), after: None })
        .where_(HashMap::from([("a".to_owned(), "1".to_owned())]))
        .path("/a?b=c")
        .send_query(true)
        .since("2024-01-02T03:04:05Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    assert_eq!(call.send().await.unwrap().into_inner(), []);
    let received = server.received();
    let url = received.split(' ').nth(1).unwrap();
    let (_, query) = url.split_once('?').unwrap();
    let expected = [
        "tags=x",
        "tags=y%20z",
        "ids=1,2",
        "near=1.5%202.0",
        "colors=red%7Cgreen",
        "filter%5Bage%5D%5Bmin%5D=3",
        "filter%5Bname%5D=T",
        "limit=5",
        "where=%7B%22a%22%3A%221%22%7D",
        "path=/a?b%3Dc",
        "type=a-b",
        "send=true",
        "since=2024-01-02T03%3A04%3A05Z",
    ];
    assert_eq!(query, expected.join("&"), "{received}");
}

#[tokio::test]
async fn bodies_of_json_have_the_media_type_of_the_contract_and_may_be_missing() {
    let server = Server::answering(202, "application/json", r#"{"id": "6f1e2cb0-0f6b-4a57-8c1b-5c8d0d5d7a11"}"#);
    let client = Client::new(&server.url);
    let change = types::PetChange::builder().name(Some("Tim".to_owned())).price(Some(0.1));
    let answer = client.patch_pets_by_pet_id().pet_id(1).body(change).send().await.unwrap();
    assert!(matches!(&*answer, PatchPetsByPetIdSuccess::Accepted(ticket) if ticket.id.get_version_num() == 4));
    assert_eq!(
        server.received(),
        "PATCH /api/pets/1 HTTP/1.1\naccept: application/json\ncontent-length: 26\n\
         content-type: application/merge-patch+json\n\n{\"name\":\"Tim\",\"price\":0.1}"
    );

    let server = Server::answering(204, "", "");
    let client = Client::new(&server.url);
    let answer = client.patch_pets_by_pet_id().pet_id(1).send().await.unwrap();
    assert!(matches!(&*answer, PatchPetsByPetIdSuccess::NoContent));
    assert_eq!(server.received(), "PATCH /api/pets/1 HTTP/1.1\naccept: application/json\n");
}

#[tokio::test]
async fn a_patch_tells_null_from_what_is_missing() {
    let sent = async |change: types::builder::PetChange| {
        let server = Server::answering(204, "", "");
        let client = Client::new(&server.url);
        client.patch_pets_by_pet_id().pet_id(1).body(change).send().await.unwrap();
        server.received().split_once("\n\n").map(|(_, body)| body.to_owned()).unwrap()
    };
    let change = types::PetChange::builder;
    assert_eq!(sent(change()).await, "{}");
    assert_eq!(sent(change().owner(None::<types::Owner>)).await, r#"{"owner":null}"#);
    let owner = types::Owner { name: "Ann".to_owned() };
    assert_eq!(sent(change().owner(Some(owner))).await, r#"{"owner":{"name":"Ann"}}"#);
    let read = |text: &str| serde_json::from_str::<types::PetChange>(text).unwrap().owner;
    assert_eq!((read("{}"), read(r#"{"owner": null}"#)), (None, Some(None)));
}

#[tokio::test]
async fn forms_are_written_by_their_encoding() {
    let server = Server::answering(204, "", "");
    let client = Client::new(&server.url);
    let body = types::RenameBody::builder()
        .name("A & B")
        .aliases(Some(vec!["x".to_owned(), "y".to_owned()]))
        .address(Some(types::RenameBodyAddress { city: Some("Rom".to_owned()) }))
        .meta(Some(HashMap::from([("k".to_owned(), "v".to_owned())])));
    client.rename().name("a/b").body(body).send().await.unwrap();
    assert_eq!(
        server.received(),
        "PUT /api/owners/a%2Fb.json HTTP/1.1\naccept: */*\ncontent-length: 87\n\
         content-type: application/x-www-form-urlencoded\n\n\
         address=%7B%22city%22%3A%22Rom%22%7D&aliases=x&aliases=y&meta%5Bk%5D=v&name=A%20%26%20B"
    );
}

#[tokio::test]
async fn bytes_and_texts_are_sent_as_what_they_are() {
    let server = Server::answering(200, "text/plain", "https://a.test");
    let client = Client::new(&server.url);
    let address = client.upload().key("k").body("PNG").content_type("image/jpeg").send().await.unwrap();
    assert_eq!(*address, "https://a.test");
    assert_eq!(
        server.received(),
        "PUT /api/files/;key=k HTTP/1.1\naccept: text/plain\ncontent-length: 3\ncontent-type: image/jpeg\n\nPNG"
    );

    let server = Server::answering(200, "application/json", "[1]");
    let client = Client::new(&server.url);
    assert_eq!(*client.post_notes().body("Text").send().await.unwrap(), serde_json::json!([1]));
    assert_eq!(
        server.received(),
        "POST /api/notes HTTP/1.1\naccept: application/json\ncontent-length: 4\ncontent-type: text/plain\n\nText"
    );

    let server = Server::answering(200, "application/octet-stream", "FILE");
    let client = Client::new(&server.url);
    let answer = client.download().key("k").send().await;
    assert_eq!(answer.map(|file| file.content_length()).unwrap_or_default(), Some(4));
    assert_eq!(server.received(), "GET /api/files/.k HTTP/1.1\naccept: application/octet-stream\n");
}

#[tokio::test]
async fn multipart_bodies_have_files_texts_and_json() {
    let server = Server::answering(201, "", "");
    let client = Client::new(&server.url);
    let file = multipart::File { media_type: "image/png".to_owned(), ..multipart::File::new("a\"b.png", "PNG") };
    let ticket = types::Ticket { id: uuid::Uuid::nil() };
    let more = vec![multipart::File::new("1", "one")];
    client.attach().key("k").file(file).more(more).title("Tom").pet(ticket).send().await.unwrap();
    let received = server.received();
    let (head, body) = received.split_once("\n\n").unwrap();
    assert!(head.contains("content-type: multipart/form-data; boundary=part-boundary"), "{head}");
    assert_eq!(
        body,
        "--part-boundary\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\nContent-Type: image/png\n\nPNG\n\
         --part-boundary\n\
         Content-Disposition: form-data; name=\"more\"; filename=\"1\"\nContent-Type: application/octet-stream\n\none\n\
         --part-boundary\n\
         Content-Disposition: form-data; name=\"pet\"\nContent-Type: application/json\n\n{\"id\":\"00000000-0000-0000-0000-000000000000\"}\n\
         --part-boundary\n\
         Content-Disposition: form-data; name=\"title\"\n\nTom\n\
         --part-boundary--\n"
    );
}

#[tokio::test]
async fn every_documented_error_has_its_own_body() {
    let get = async |status, media_type, body| {
        let server = Server::answering(status, media_type, body);
        let client = Client::new(&server.url);
        let error = client.get_pet().pet_id(1).send().await.unwrap_err();
        drop(server.received());
        match error {
            Error::ErrorResponse(response) => response,
            other => panic!("{other}"),
        }
    };
    let response = get(404, "application/problem+json", r#"{"message": "no"}"#).await;
    assert!(matches!(&*response, GetPetError::NotFound(problem) if problem.message == "no"));
    let response = get(304, "", "").await;
    assert!(matches!(&*response, GetPetError::NotModified));
    let response = get(418, "text/plain", "teapot").await;
    assert_eq!((response.status().as_u16(), response.headers()["x-request-id"].to_str().unwrap()), (418, "7"));
    assert!(matches!(&*response, GetPetError::ClientError(text) if text == "teapot"));
    let response = get(500, "application/json", r#"{"code": 3}"#).await;
    assert!(matches!(&*response, GetPetError::Default(error) if error.code == 3));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_keeps_status_and_headers() {
    let server = Server::answering(502, "text/html", "<html>");
    let client = Client::new(&server.url);
    #[allow(deprecated)]
    let error = client.delete().pet_id(1).send().await.unwrap_err();
    drop(server.received());
    let Error::ErrorResponse(response) = error else { panic!("{error}") };
    assert_eq!((response.status().as_u16(), response.headers()["x-request-id"].to_str().unwrap()), (502, "7"));
    assert!(matches!(&*response, DeleteError::Unreadable(unreadable) if unreadable.body == b"<html>"));

    let server = Server::answering(299, "application/json", "{}");
    let client = Client::new(&server.url);
    let error = client.get_pet().pet_id(1).send().await.unwrap_err();
    drop(server.received());
    assert!(matches!(error, Error::UnexpectedResponse(response) if response.status().as_u16() == 299));
}

#[tokio::test]
async fn what_is_missing_or_would_be_another_path_is_not_sent() {
    let client = Client::new("http://127.0.0.1:1");
    let why = |error: Error<_>| match error {
        Error::InvalidRequest(why) => why,
        other => panic!("{other}"),
    };
    assert_eq!(why(client.rename().name("a").send().await.unwrap_err()), "`body` is missing");
    for (name, expected) in [("..", "`key` cannot be `..`"), ("", "`key` cannot be ``")] {
        assert_eq!(why(client.attach().key(name).send().await.unwrap_err()), expected);
    }
}

#[tokio::test]
async fn unions_are_told_apart_by_their_discriminator() {
    let server = Server::answering(200, "application/json", r#"{"kind": "square", "size": 2}"#);
    let client = Client::new(&server.url);
    let circle = types::Circle { kind: types::CircleKind::Circle, size: 1.5 };
    let shape = client.new2().body(circle).send().await.unwrap();
    assert!(matches!(&*shape, types::Shape::Square(square) if square.size == 2.0));
    assert!(server.received().ends_with("\n\n{\"kind\":\"circle\",\"size\":1.5}"));
}

#[tokio::test]
async fn names_that_clash_are_sent_as_they_are_written() {
    let body = r#"{"option": {"id": "a", "_id": "b", "self": "c", "extra": "d", "more": 1}, "result": "Ok", "names": {"x": {"text": "t"}}, "anything": null, "string": 5, "vec": [[1]], "inline": {"deep": [{"x": 1}]}}"#;
    let server = Server::answering(200, "application/json", body);
    let client = Client::new(&server.url);
    let everything = client.error().send().await.unwrap().into_inner();
    drop(server.received());
    let sent: serde_json::Value = serde_json::to_value(&everything).unwrap();
    assert_eq!(sent, serde_json::from_str::<serde_json::Value>(body).unwrap());
    assert_eq!(types::Result::from("new").as_str(), "new");
    let values: Vec<String> =
        ["cat", "", "+1", "-1", "a b", "a-b"].iter().map(|text| types::ListPetsType::from(*text).to_string()).collect();
    assert_eq!(values, ["cat", "", "+1", "-1", "a b", "a-b"]);
    assert!(!matches!(types::ListPetsType::from("a-b"), types::ListPetsType::Unknown(_)));
}

/// The hooks of one of the clients: a header with the ID of the operation.
impl ClientHooks<()> for awkward::Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>> {
        request.headers_mut().insert("x-operation", info.operation_id.parse()?);
        Ok(())
    }
}

#[tokio::test]
async fn awkward_names_are_sent_as_they_are_written() {
    let server = Server::answering(204, "", "");
    let client = awkward::Client::new(&server.url);
    let x = HashMap::from([("k".to_owned(), "a;b".to_owned())]);
    client.get_a_by_x_y_by_x().x(x).y(vec![serde_json::json!(1)]).send().await.unwrap();
    assert_eq!(
        server.received(),
        "GET /api/a/;k=a%3Bb%5B1%5D/;k=a%3Bb HTTP/1.1\naccept: */*\nx-operation: get_a_by_x_y_by_x\n"
    );

    let server = Server::answering(203, "text/csv", "a,b");
    let client = awkward::Client::new(&server.url);
    let call = client
        .fn_()
        .value("v")
        .url(serde_json::json!({"q": 1}))
        .v(awkward::types::FnV::String("a".to_owned()))
        .ünïcode_ключ("日本");
    let answer = call.client_query(2).cookies(vec!["c".to_owned(), "d".to_owned()]).send().await;
    assert!(
        matches!(&*answer.unwrap(), awkward::responses::FnSuccess::NonAuthoritativeInformation(csv) if csv == b"a,b")
    );
    assert_eq!(
        server.received(),
        "POST /api/a?client=2&q=1&value=v&V=a&%C3%9Cn%C3%AFcode%20%D0%BA%D0%BB%D1%8E%D1%87=%E6%97%A5%E6%9C%AC HTTP/1.1\n\
         accept: application/json, text/csv\ncookie: cookies=c; cookies=d\nx-operation: fn\n"
    );
}
