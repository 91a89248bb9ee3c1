//! What the generated client sends arrives at the generated server as it left, and back.

use std::collections::HashMap;

use crate::running::start;
use crate::shop_client::{Client, Error, multipart, responses, types};

#[tokio::test]
async fn parameters_of_every_kind_arrive() {
    let server = start();
    let client = Client::new(&server.url);
    let pet =
        client.get_pet().pet_id(7).pet_id_query("a b&c").x_trace(vec!["a".to_owned(), "b".to_owned()]).session("s;1");
    let pet = pet.send().await.unwrap();
    assert_eq!((pet.id, pet.name.as_deref(), pet.kind.as_str(), &pet.owner), (Some(7), Some("Tom"), "cat", &None));
    assert_eq!(
        server.arrived.last(),
        r#"Request { session: Some("s%3B1"), x_trace: Some(["a", "b"]), pet_id: 7, pet_id2: Some("a b&c") }"#
    );
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
    assert_eq!(call.send().await.unwrap().len(), 1);
    assert_eq!(
        server.arrived.last(),
        "Request { colors: Some([Red, Green]), filter: Some(ListPetsFilter { age: Some(ListPetsFilterAge { min: Some(3) }), \
         name: Some(\"T\") }), ids: Some([1, 2]), near: Some([1.5, 2.0]), page: Some(ListPetsPage { after: None, limit: Some(5) }), \
         path: Some(\"/a?b=c\"), send: Some(true), since: Some(2024-01-02T03:04:05Z), tags: Some([\"x\", \"y z\"]), type_: AB2, \
         where_: Some({\"a\": \"1\"}) }"
    );
}

#[tokio::test]
async fn bodies_of_every_kind_arrive() {
    let server = start();
    let client = Client::new(&server.url);
    let change = types::PetChange::builder().name(Some("Tim".to_owned())).owner(None::<types::Owner>);
    let answer = client.patch_pets_by_pet_id().pet_id(1).body(change).send().await.unwrap();
    assert!(matches!(&*answer, responses::PatchPetsByPetIdSuccess::Accepted(_)));
    assert!(
        server.arrived.last().contains(r#"name: Some("Tim"), owner: Some(None), price: None"#),
        "{}",
        server.arrived.last()
    );
    let answer = client.patch_pets_by_pet_id().pet_id(1).send().await.unwrap();
    assert!(matches!(&*answer, responses::PatchPetsByPetIdSuccess::NoContent));
    assert_eq!(server.arrived.last(), "Request { pet_id: 1, body: None }");
    let form = types::RenameBody::builder()
        .name("A & B")
        .aliases(Some(vec!["x".to_owned(), "y".to_owned()]))
        .address(Some(types::RenameBodyAddress { city: Some("Rom".to_owned()) }))
        .meta(Some(HashMap::from([("k".to_owned(), "v".to_owned())])));
    client.rename().name("a/b").body(form).send().await.unwrap();
    assert!(
        server.arrived.last().starts_with(r#"Request { name: "a/b", body: RenameBody { "#),
        "{}",
        server.arrived.last()
    );
    assert!(server.arrived.last().contains(r#"meta: Some({"k": "v"}), name: "A & B""#), "{}", server.arrived.last());
    let circle = types::Circle { kind: types::CircleKind::Circle, size: 1.5 };
    let shape = client.new2().body(types::Shape::Circle(circle)).send().await.unwrap();
    assert!(matches!(&*shape, types::Shape::Circle(circle) if circle.size == 1.5), "{shape:?}");
    assert!(server.arrived.last().contains("Circle(Circle {"), "{}", server.arrived.last());
    let file = multipart::File::new("f.bin", vec![0, 255]);
    let attach = client.attach().key("k").file(file.clone()).more(vec![file.clone(), file]).title("T");
    attach.pet(types::Ticket { id: uuid::Uuid::nil() }).send().await.unwrap();
    let parts = server.arrived.last();
    assert!(
        parts.contains(r#"Part { name: "file", file_name: Some("f.bin")"#) && parts.contains(r#"content: b"\0\xff""#),
        "{parts}"
    );
}

#[tokio::test]
async fn what_is_answered_arrives_too() {
    let server = start();
    let client = Client::new(&server.url);
    let everything = client.error().send().await.unwrap();
    assert_eq!(everything.result, types::Result::Ok2, "{everything:?}");
    let missing = client.get_pet().pet_id(404).send().await.unwrap_err();
    let Error::ErrorResponse(missing) = missing else { panic!("{missing:?}") };
    assert_eq!(missing.status(), 404);
    assert!(matches!(&*missing, responses::GetPetError::NotFound(problem) if problem.message == "no such pet"));
    let tea = client.get_pet().pet_id(418).send().await.unwrap_err();
    let Error::ErrorResponse(tea) = tea else { panic!("{tea:?}") };
    assert!(matches!(&*tea, responses::GetPetError::ClientError(text) if text == "tea"), "{tea:?}");
}
