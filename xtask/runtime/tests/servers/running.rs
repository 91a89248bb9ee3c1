//! The server of the shop, with operations that tell what arrived.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use dropshot::{ConfigDropshot, HttpServer, ServerBuilder};
use http::StatusCode;

use crate::shop::operation::*;
use crate::shop::{Api, Everybody, Operations, Refusal, api_description, types};

/// What arrived, newest last.
#[derive(Debug, Clone, Default)]
pub struct Arrived(Arc<Mutex<Vec<String>>>);

impl Arrived {
    fn add(&self, request: &impl std::fmt::Debug) {
        self.0.lock().unwrap().push(format!("{request:?}"));
    }

    /// The newest request.
    pub fn last(&self) -> String {
        self.0.lock().unwrap().last().cloned().unwrap_or_default()
    }

    /// How many requests arrived.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A running server. It ends when it is dropped.
pub struct Running {
    /// Its base URL.
    pub url: String,
    /// What arrived.
    pub arrived: Arrived,
    _server: HttpServer<Arc<Api<Everybody, Shop>>>,
}

/// Starts a server.
pub fn start() -> Running {
    let arrived = Arrived::default();
    let api =
        Api { gate: Everybody, operations: Shop(arrived.clone()), deadline: Duration::from_secs(60), retry_after: 1 };
    let config = ConfigDropshot { default_request_body_max_bytes: 2000, ..ConfigDropshot::default() };
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let server = ServerBuilder::new(api_description().unwrap(), Arc::new(api), log).config(config).start().unwrap();
    Running { url: format!("http://{}", server.local_addr()), arrived, _server: server }
}

/// The operations.
#[derive(Debug)]
pub struct Shop(Arrived);

/// A pet.
pub fn pet() -> types::Pet {
    serde_json::from_str(r#"{"id": 7, "kind": "cat", "name": "Tom", "owner": null, "parents": [{"kind": "dog"}]}"#)
        .unwrap()
}

impl Operations for Shop {
    type Caller = ();

    async fn get_pet(&self, (): &(), request: get_pet::Request) -> Result<get_pet::Success, get_pet::Error> {
        self.0.add(&request);
        match request.pet_id {
            0 => panic!("there is no pet 0"),
            404 => Err(get_pet::Error::NotFound { body: types::Problem { message: "no such pet".into() } }),
            418 => Err(get_pet::Error::ClientError { status: StatusCode::IM_A_TEAPOT, body: Bytes::from("tea") }),
            503 => Err(Refusal::Unavailable { retry_after: 3 }.into()),
            _ => Ok(get_pet::Success::Ok { body: pet() }),
        }
    }

    async fn patch_pets_by_pet_id(
        &self,
        (): &(),
        request: patch_pets_by_pet_id::Request,
    ) -> Result<patch_pets_by_pet_id::Success, patch_pets_by_pet_id::Error> {
        self.0.add(&request);
        Ok(match request.body {
            Some(_) => patch_pets_by_pet_id::Success::Accepted { body: types::Ticket { id: uuid::Uuid::nil() } },
            None => patch_pets_by_pet_id::Success::NoContent,
        })
    }

    async fn delete(&self, (): &(), request: delete::Request) -> Result<delete::Success, delete::Error> {
        self.0.add(&request);
        Ok(delete::Success)
    }

    async fn list_pets(&self, (): &(), request: list_pets::Request) -> Result<list_pets::Success, list_pets::Error> {
        self.0.add(&request);
        Ok(list_pets::Success::Success { status: StatusCode::PARTIAL_CONTENT, body: vec![pet()] })
    }

    async fn create_pet(
        &self,
        (): &(),
        request: create_pet::Request,
    ) -> Result<create_pet::Success, create_pet::Error> {
        self.0.add(&request);
        Ok(create_pet::Success { body: pet() })
    }

    async fn rename(&self, (): &(), request: rename::Request) -> Result<rename::Success, rename::Error> {
        self.0.add(&request);
        Ok(rename::Success)
    }

    async fn upload(&self, (): &(), request: upload::Request) -> Result<upload::Success, upload::Error> {
        self.0.add(&request);
        Ok(upload::Success { body: Bytes::from("/files/1") })
    }

    async fn download(&self, (): &(), request: download::Request) -> Result<download::Success, download::Error> {
        self.0.add(&request);
        Ok(download::Success { body: Bytes::from_static(&[0, 159, 255]) })
    }

    async fn attach(&self, (): &(), request: attach::Request) -> Result<attach::Success, attach::Error> {
        self.0.add(&request);
        Ok(attach::Success)
    }

    async fn post_notes(
        &self,
        (): &(),
        request: post_notes::Request,
    ) -> Result<post_notes::Success, post_notes::Error> {
        self.0.add(&request);
        Ok(post_notes::Success { body: serde_json::json!({"any": ["thing", 1, null]}) })
    }

    async fn new(&self, (): &(), request: new::Request) -> Result<new::Success, new::Error> {
        self.0.add(&request);
        Ok(new::Success { body: request.body })
    }

    async fn options_shapes(
        &self,
        (): &(),
        request: options_shapes::Request,
    ) -> Result<options_shapes::Success, options_shapes::Error> {
        self.0.add(&request);
        Ok(options_shapes::Success)
    }

    async fn error(&self, (): &(), request: error::Request) -> Result<error::Success, error::Error> {
        self.0.add(&request);
        let everything = r#"{
            "option": {"id": "1", "_id": "2", "self": "3", "extra": "4", "more": 5},
            "result": "Ok", "names": {"a": {"text": "b"}}, "string": ["x"], "vec": [[], [[]]], "anything": null,
            "count": 3, "ip": "127.0.0.1", "inline": {"deep": [{"x": 1}]}
        }"#;
        Ok(error::Success { body: serde_json::from_str(everything).unwrap() })
    }
}
