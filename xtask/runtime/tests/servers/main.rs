//! Generated servers compile without a warning, take what the generated client of the same contract sends, and refuse what the
//! contract does not allow. That they are generated as they stand here is checked by the generator's tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod awkward;
/// The client of the guide's example.
#[allow(dead_code)]
#[path = "../../../generate/example/client/src/main.rs"]
mod example_client;
/// Its server.
#[allow(dead_code)]
#[path = "../../../generate/example/server/src/main.rs"]
mod example_server;
mod refusals;
mod round_trip;
mod running;
mod shop;
#[path = "../../../generate/tests/client/shop.rs"]
mod shop_client;
