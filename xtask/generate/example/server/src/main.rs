//! A server of pets: one operation, written by hand.

mod api;

use std::sync::Arc;
use std::time::Duration;

use api::operation::get_pet;
use api::{Api, Credentials, Gate, GateFailure, Operations, Presented, types};
use dropshot::{ConfigDropshot, ConfigLogging, ConfigLoggingLevel, ServerBuilder};

/// Who may call: everybody with this token.
struct Tokens;

impl Gate for Tokens {
    type Caller = &'static str;

    async fn authenticate(&self, credentials: &Credentials<'_>) -> Result<Option<&'static str>, GateFailure> {
        let known = Presented::Token("secret".to_owned());
        let mut presented = credentials.presented().into_iter().flatten();
        Ok(presented.any(|credential| credential.secret == known).then_some("me"))
    }
}

/// What the operations do.
struct Pets;

impl Operations for Pets {
    type Caller = &'static str;

    async fn get_pet(&self, _: &&'static str, request: get_pet::Request) -> Result<get_pet::Success, get_pet::Error> {
        match request.id {
            1 => Ok(get_pet::Success { body: types::Pet { id: 1, name: "Tom".to_owned(), kind: types::PetKind::Cat } }),
            _ => Err(get_pet::Error::NotFound { body: types::Problem { message: "there is no such pet".to_owned() } }),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = Api { gate: Tokens, operations: Pets, deadline: Duration::from_secs(10), retry_after: 1 };
    let log = ConfigLogging::StderrTerminal { level: ConfigLoggingLevel::Info }.to_logger("pets")?;
    let config = ConfigDropshot { bind_address: ([127, 0, 0, 1], 8090).into(), ..ConfigDropshot::default() };
    let server = ServerBuilder::new(api::api_description()?, Arc::new(api), log).config(config).start()?;
    Ok(server.await?)
}
