//! `conform` finds nothing wrong with a generated server, and names every fault that a proxy adds to it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use contract_tests::repository;
use dropshot::{ConfigDropshot, ConfigLogging, ConfigLoggingLevel, ServerBuilder};
use xtask::corpus::live::{Live, Options, SECRET, test_running};

/// The generated server of the guide's example.
#[path = "../../xtask/generate/example/server/src/api.rs"]
mod api;

use api::operation::get_pet;
use api::{Api, Credentials, Gate, GateFailure, Operations, Presented, types};

/// Who may call: everybody with the secret.
struct Secret;

impl Gate for Secret {
    type Caller = ();

    async fn authenticate(&self, credentials: &Credentials<'_>) -> Result<Option<()>, GateFailure> {
        let known = Presented::Token(SECRET.to_owned());
        let mut presented = credentials.presented().into_iter().flatten();
        Ok(presented.any(|credential| credential.secret == known).then_some(()))
    }
}

/// Pets, which have large IDs.
struct Pets;

impl Operations for Pets {
    type Caller = ();

    async fn get_pet(&self, (): &(), request: get_pet::Request) -> Result<get_pet::Success, get_pet::Error> {
        match request.id {
            ..=3_000_000_000 => {
                let body = types::Problem { message: "there is no such pet".to_owned() };
                Err(get_pet::Error::NotFound { body })
            }
            id => {
                let body = types::Pet { id, name: "Tom".to_owned(), kind: types::PetKind::Cat };
                Ok(get_pet::Success { body })
            }
        }
    }
}

/// What `conform` says of the server, with the faults of a seed.
fn tested(seed: u64) -> Live {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let log = ConfigLogging::StderrTerminal { level: ConfigLoggingLevel::Critical }.to_logger("pets").unwrap();
    let api = Api { gate: Secret, operations: Pets, deadline: Duration::from_secs(10), retry_after: 1 };
    let builder = ServerBuilder::new(api::api_description().unwrap(), Arc::new(api), log);
    let server = builder.config(ConfigDropshot::default()).start().unwrap();
    let file = repository().join("xtask/generate/example/pets.yaml");
    let options = Options { peer: None, seed, faults: 5 };
    test_running(&format!("http://{}", server.local_addr()), &file, &["get_pet".to_owned()], &options).unwrap()
}

#[test]
fn nothing_is_wrong_with_a_generated_server_and_every_fault_of_it_is_named() {
    let live = tested(1);
    assert_eq!((live.alarms.as_slice(), live.untested.as_slice()), (&[][..], &[][..]));
    let classes: Vec<&str> = live.classes.iter().map(|faults| faults.class.as_str()).collect();
    assert_eq!(classes, ["status", "media type", "type", "missing field", "5xx", "no credentials", "no body"]);
    for faults in &live.classes {
        assert_eq!((faults.named, faults.missed.as_slice()), (faults.planted, &[][..]), "{}", faults.class);
    }
}
