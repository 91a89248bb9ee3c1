//! Shared helpers for tests.

/// The environment variable with the URL of a Postgres for tests, set by `cargo xtask test`.
const POSTGRES: &str = "OPENCDI_TEST_POSTGRES";

/// The URL of the Postgres for tests.
pub fn postgres() -> String {
    std::env::var(POSTGRES).unwrap_or_else(|_| {
        panic!("{POSTGRES} is not set: run `cargo xtask test`, which starts a Postgres, or set it to the URL of a superuser")
    })
}
