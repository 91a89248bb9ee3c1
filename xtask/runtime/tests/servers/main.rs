//! Generated servers compile without a warning, take what the generated client of the same contract sends, and refuse what the
//! contract does not allow. That they are generated as they stand here is checked by the generator's tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod awkward;
mod refusals;
mod round_trip;
mod running;
mod shop;
#[path = "../../../generate/tests/client/shop.rs"]
mod shop_client;
