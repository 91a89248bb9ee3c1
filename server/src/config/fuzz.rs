//! Files with slips of the pen, and worse.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{Config, Known};
use crate::fuzz::{cases, text};

const FILES: &[&str] = &[include_str!("../../opencdi.example.toml"), SHORT, ""];
const SHORT: &str = r#"store = "postgres://me@db.internal/opencdi"
[server]
listen = "[::1]:8080"
drain_deadline = "20s"
max_connections = 500
max_connections_per_address = 50
[server.tls]
certificate = "cert.pem"
key = "key.pem"
[admin]
listen = "127.0.0.1:9090"
[retention]
jobs = "30d"
[[keys]]
name = "airflow"
workspace = "ours"
hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
permissions = ["may.trigger"]
addresses = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]
expires = 2027-01-01T00:00:00+01:00
[[integrations]]
id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
name = "Users"
workspace = "ours"
type = "attributes"
schedule = "*/15 9-17 * * MON-FRI"
timezone = "Europe/Berlin"
[integrations.source]
kind = "postgres"
url = { env = "DATABASE_URL" }
table = 'shop."Order lines"'
[integrations.destination]
kind = "users_track"
url = "https://rest.iad-03.braze.com"
api_key = "hunter2-hunter2"
"#;
const TOKENS: &[&str] = &[
    "[",
    "]",
    "[[",
    "{",
    "}",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ".",
    "#",
    "\n",
    "\r",
    "\0",
    "\u{feff}",
    "é",
    "-1",
    "1e400",
    "nan",
    "\"0s\"",
    "\"1000000000y\"",
    "99999999999999999999",
    "0x",
    "true",
    "\"@reboot\"",
    "\"Mars/Olympus\"",
    "postgres://",
    "@",
    ":",
    "%",
    "\"/\"",
    "0 0 30 2 *",
    "*/0",
    "2026-13-01",
    "\\u0000",
    "server.",
    "[integrations.source]\n",
    "/33",
    "::ffff:",
    "/",
];

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_file_is_read_or_refused_with_places(text in text(FILES, TOKENS)) {
        let known = Known { operations: vec!["trigger".into()], permissions: vec!["may.trigger".into()] };
        let folder = tempfile::tempdir().unwrap();
        match Config::parse(&text, &folder.path().join("opencdi.toml"), &known) {
            Ok(config) => {
                let ids: HashSet<_> = config.integrations.iter().map(|integration| integration.id).collect();
                prop_assert_eq!(ids.len(), config.integrations.len());
                prop_assert!(config.keys.iter().all(|key| !key.name.is_empty()));
            }
            Err(error) => {
                prop_assert!(!error.problems().is_empty());
                let lines = text.split('\n').count();
                for problem in error.problems() {
                    prop_assert!(problem.line.is_none_or(|(line, column)| (1..=lines).contains(&line) && column >= 1));
                    prop_assert!((1..text.len() + 1000).contains(&problem.message.len()), "{}", problem.message);
                    prop_assert!(!problem.message.contains("hunter2-hunter2"), "{}", problem.message);
                }
            }
        }
    }
}
