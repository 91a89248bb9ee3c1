//! What tests of several rooms share.

/// Where `cargo xtask test` says that a Postgres is which tests may fill.
const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";

/// The URL of the Postgres for tests.
pub fn postgres() -> String {
    std::env::var(POSTGRES).unwrap_or_else(|_| {
        panic!("{POSTGRES} is not set: run `cargo xtask test`, which brings a Postgres, or set it to a superuser's URL")
    })
}
