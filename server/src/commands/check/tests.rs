//! What is printed of a check.

use std::path::Path;

use super::report::{json, table};
use super::*;

fn config(toml: &str, file: &Path) -> Config {
    Config::parse(toml, file, &crate::api::known()).unwrap()
}

/// A folder with a SQLite database made by this SQL, in which syncs block no writers.
fn a_source(sql: &str) -> (tempfile::TempDir, rusqlite::Connection) {
    let folder = tempfile::tempdir().unwrap();
    let source = rusqlite::Connection::open(folder.path().join("source.db")).unwrap();
    source.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    source.execute_batch(sql).unwrap();
    (folder, source)
}

#[test]
fn files_of_one_machine_are_warned_of() {
    let toml = r#"
        store = "postgres://opencdi@db.internal/opencdi"
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
        name = "Users"
        workspace = "ours"
        type = "attributes"
        source = { kind = "sqlite", path = "source.db", table = "users" }
        destination = { kind = "jsonl", path = "users.jsonl" }
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02"
        name = "Orders"
        workspace = "ours"
        type = "purchases"
        source = { kind = "postgres", url = "postgres://reader@db.internal/shop", table = "orders" }
        destination = { kind = "jsonl", path = "orders.jsonl" }"#;
    let config = config(toml, Path::new("/etc/opencdi.toml"));
    let warnings: Vec<Finding> =
        config.integrations.iter().flat_map(|integration| local_files(&integration.name, integration)).collect();
    let expected = [
        ("Users: source", "/etc/source.db is local to each machine"),
        ("Users: destination", "/etc/users.jsonl is local to each machine"),
        ("Orders: destination", "/etc/orders.jsonl is local to each machine"),
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, (subject, begins)) in warnings.iter().zip(expected) {
        assert!(warning.subject == subject && warning.message.starts_with(begins), "{warning:?}");
    }
}

/// One finding of each state, and texts that need several lines.
fn some() -> Vec<Finding> {
    vec![
        Finding::ok("opencdi.toml", "2 integrations, 1 key"),
        Finding::ok("store", "reachable"),
        Finding::warning(
            "Users: source",
            "table users, identified by EXTERNAL_ID, UPDATED_AT is text; syncs block writers; `PRAGMA journal_mode = WAL` avoids that",
        ),
        Finding::failed(
            "Orders\u{1b}[2J: source",
            "the source /srv/opencdi/a/rather/long/path/to/the/source.db: there is no such file; check `path`",
        ),
    ]
}

#[test]
fn a_table_fits_the_terminal() {
    let printed = table(&some(), Screen { width: Some(80), colour: false });
    assert_eq!(
        printed,
        "\
ok       opencdi.toml        2 integrations, 1 key
ok       store               reachable
warning  Users: source       table users, identified by EXTERNAL_ID,
                             UPDATED_AT is text; syncs block writers; `PRAGMA
                             journal_mode = WAL` avoids that
failed   Orders\u{fffd}[2J: source  the source
                             /srv/opencdi/a/rather/long/path/to/the/source.db:
                             there is no such file; check `path`

4 checks: 2 ok, 1 warning, 1 failed
"
    );
    for width in [40, 60, 80, 120] {
        let printed = table(&some(), Screen { width: Some(width), colour: false });
        assert!(printed.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{printed}");
    }
}

#[test]
fn outside_of_a_terminal_each_finding_is_on_one_line() {
    let printed = table(&some(), Screen::default());
    assert_eq!(printed.lines().count(), some().len() + 2, "{printed}");
    assert!(printed.contains("failed   Orders\u{fffd}[2J: source  the source /srv/"), "{printed}");
}

#[test]
fn states_are_coloured_in_a_terminal() {
    let printed = table(&some(), Screen { width: Some(80), colour: true });
    assert!(printed.starts_with("\u{1b}[32mok\u{1b}[0m       opencdi.toml"), "{printed:?}");
    assert!(
        printed.contains("\u{1b}[33mwarning\u{1b}[0m") && printed.contains("\u{1b}[31mfailed\u{1b}[0m"),
        "{printed:?}"
    );
}

#[test]
fn programs_get_the_same_as_json() {
    let printed: serde_json::Value = serde_json::from_str(&json(&some())).unwrap();
    assert_eq!((&printed["ok"], &printed["warnings"], &printed["failed"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(printed["checks"][1], serde_json::json!({ "state": "ok", "subject": "store", "message": "reachable" }));
}

#[tokio::test]
async fn everything_is_checked_in_a_stable_order() {
    let (folder, _source) =
        a_source("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD); CREATE TABLE gone (UPDATED_AT, EMAIL)");
    let hash = crate::secret::KeyHash::of("key");
    let mut toml = format!(
        "[[keys]]\nname = \"airflow\"\nworkspace = \"ours\"\nhash = \"{hash}\"\npermissions = [\"cdi.integration_sync\"]\n"
    );
    for (number, kind, table) in [(1, "attributes", "users"), (2, "user_deletes", "gone")] {
        toml.push_str(&format!(
            "[[integrations]]\nid = \"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b0{number}\"\nname = \"{table}\"\nworkspace = \"ours\"\n\
             type = \"{kind}\"\nsource = {{ kind = \"sqlite\", path = \"source.db\", table = \"{table}\" }}\n\
             destination = {{ kind = \"jsonl\", path = \"no/such/{number}.jsonl\" }}\n"
        ));
    }
    std::fs::create_dir_all(folder.path().join("no/such")).unwrap();
    std::fs::remove_dir(folder.path().join("no/such")).unwrap();
    let findings = findings(&config(&toml, &folder.path().join("opencdi.toml"))).await;
    let place = format!("{}/", folder.path().display());
    let printed = table(&findings, Screen::default()).replace(&place, "");
    let lines: Vec<String> =
        printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "ok opencdi.toml 2 integrations, 1 key",
            "ok store `cdi-server serve` creates opencdi.db",
            "ok key `airflow` workspace `ours`, 1 permission",
            "ok workspace `ours` 2 integrations, 1 usable key",
            "ok users: source table users, identified by EXTERNAL_ID, no rows yet",
            "failed users: destination no/such/1.jsonl cannot be written: there is no folder no/such",
            "failed gone: source the table `gone` identifies users by EMAIL only, which several users may share; a table for \
             `user_deletes` needs EXTERNAL_ID, or ALIAS_NAME and ALIAS_LABEL, or BRAZE_ID",
            "failed gone: destination no/such/2.jsonl cannot be written: there is no folder no/such",
            "",
            "8 checks: 5 ok, 0 warnings, 3 failed",
        ]
    );
    assert!(!folder.path().join("opencdi.db").exists(), "nothing is created");
}

#[tokio::test]
async fn watermarks_that_do_not_belong_to_the_file_are_found() {
    use crate::store::{KnownAttributes, WatermarkChange};
    let (folder, _source) = a_source(
        "CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD); CREATE TABLE people (UPDATED_AT, EXTERNAL_ID, PAYLOAD)",
    );
    let with = |id: &str, table: &str| {
        let toml = format!(
            "[[integrations]]\nid = \"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b{id}\"\nname = \"Users\"\nworkspace = \"ours\"\n\
             type = \"attributes\"\nsource = {{ kind = \"sqlite\", path = \"source.db\", table = \"{table}\" }}\n\
             destination = {{ kind = \"jsonl\", path = \"users.jsonl\" }}\n"
        );
        config(&toml, &folder.path().join("opencdi.toml"))
    };
    let users = with("01", "users");
    let store = Store::open(&users.store).await.unwrap();
    let integration = &users.integrations[0];
    let change = WatermarkChange::Set("2026-01-01T00:00:00Z".parse().unwrap(), integration.route());
    assert!(store.change_watermark(integration.id, &change, KnownAttributes::Keep).await.unwrap());
    store.close().await;
    let found = async |config: Config| {
        let found = findings(&config).await;
        let found =
            found.into_iter().filter(|finding| finding.state != State::Ok && !finding.subject.starts_with("key"));
        found.map(|finding| (finding.state, finding.subject, finding.message)).collect::<Vec<_>>()
    };
    assert_eq!(found(users).await, []);
    let [(State::Failed, subject, message)] = &found(with("01", "people")).await[..] else { panic!() };
    assert_eq!(subject, "Users: watermark");
    assert!(message.starts_with("the source has changed since the watermark was written, from sqlite:"), "{message}");
    let [(State::Warning, subject, message)] = &found(with("02", "users")).await[..] else { panic!() };
    assert_eq!(subject, "store");
    assert_eq!(
        message,
        "the store has a watermark of the integration 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01, which is not in the file; an \
         integration with a new `id` starts from the first row"
    );
}

#[tokio::test]
async fn a_new_store_beside_the_one_with_the_watermarks_is_warned_of() {
    use crate::store::{KnownAttributes, WatermarkChange};
    let (folder, _source) = a_source("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD)");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let with = |store: &str, id: &str| {
        let toml = format!(
            "store = {store:?}\n[[integrations]]\nid = \"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b{id}\"\nname = \"Users\"\n\
             workspace = \"ours\"\ntype = \"attributes\"\nsource = {{ kind = \"sqlite\", path = \"source.db\", table = \"users\" }}\n\
             destination = {{ kind = \"jsonl\", path = \"users.jsonl\" }}\n"
        );
        config(&toml, &folder.path().join("opencdi.toml"))
    };
    let before = with("sqlite:opencdi.db", "01");
    let store = Store::open(&before.store).await.unwrap();
    let integration = &before.integrations[0];
    let change = WatermarkChange::Set("2026-01-01T00:00:00Z".parse().unwrap(), integration.route());
    assert!(store.change_watermark(integration.id, &change, KnownAttributes::Keep).await.unwrap());
    store.close().await;
    let warnings = async |config: Config| {
        let found = findings(&config).await.into_iter();
        let found = found.filter(|finding| (finding.state, finding.subject.as_str()) == (State::Warning, "store"));
        found.map(|finding| finding.message).collect::<Vec<_>>()
    };
    let expected = format!(
        "the next sync of `Users` sends every row again, because its watermark is in another store, {}; if that is not intended, \
         correct `store`",
        folder.path().canonicalize().unwrap().join("opencdi.db").display()
    );
    // There is none yet, or one that `serve` has just made.
    for made in [false, true] {
        for changed in ["sqlite:opencdi2.db", "sqlite:data/opencdi.db"] {
            let changed = with(changed, "01");
            if made {
                Store::open(&changed.store).await.unwrap().close().await;
            }
            assert_eq!(warnings(changed).await, [expected.as_str()]);
        }
    }
    assert_eq!(warnings(before).await, [""; 0]);
    assert_eq!(warnings(with("sqlite:opencdi2.db", "02")).await, [""; 0], "the other store is for something else");
}

#[tokio::test]
async fn a_table_whose_rows_all_lack_a_time_is_warned_of() {
    let (folder, source) =
        a_source("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD); INSERT INTO users VALUES (NULL, 'a', '{}')");
    let toml = r#"
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
        name = "Users"
        workspace = "ours"
        type = "attributes"
        source = { kind = "sqlite", path = "source.db", table = "users" }
        destination = { kind = "jsonl", path = "users.jsonl" }"#;
    let config = config(toml, &folder.path().join("opencdi.toml"));
    let probed = async || probe(&config, &config.integrations[0], "Users".to_owned(), None).await.swap_remove(0);
    let expected = "table users, identified by EXTERNAL_ID, no row has an UPDATED_AT, so none will be synced";
    assert_eq!(probed().await, Finding::warning("Users: source", expected));
    source.execute("INSERT INTO users VALUES ('2026-01-01T00:00:00Z', 'b', '{}')", ()).unwrap();
    assert_eq!(probed().await.state, State::Ok);
}

#[tokio::test]
async fn rows_with_odd_times_are_warned_of() {
    let (folder, source) = a_source("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD)");
    let toml = r#"
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
        name = "Users"
        workspace = "ours"
        type = "attributes"
        source = { kind = "sqlite", path = "source.db", table = "users" }
        destination = { kind = "jsonl", path = "users.jsonl" }"#;
    let config = config(toml, &folder.path().join("opencdi.toml"));
    let warnings = async |rows: &str| {
        source.execute_batch(&format!("DELETE FROM users; INSERT INTO users VALUES {rows}")).unwrap();
        let found = probe(&config, &config.integrations[0], "Users".to_owned(), None).await.into_iter();
        let found = found.filter(|finding| finding.state != State::Ok);
        found.map(|finding| format!("{}: {}", finding.subject, finding.message)).collect::<Vec<_>>()
    };
    assert_eq!(warnings("('2026-01-01 00:00:00', 'a', '{}')").await, [""; 0]);
    assert_eq!(
        warnings("('2026-01-01 00:00:00', 'a', '{}'), ('2199-01-01 00:00:00', 'b', '{}'), (NULL, 'c', '{}'), (NULL, 'd', '{}')").await,
        [
            "Users: source: 1 row is dated in the future and skipped until that time (an UPDATED_AT without a time zone is read as UTC)",
            "Users: source: 2 rows have no UPDATED_AT and are never synced",
        ]
    );
    assert_eq!(
        warnings("(julianday('2026-01-01'), 'a', '{}')").await,
        [
            "Users: source: the only row to sync: UPDATED_AT is 1970-01-29T11:37:21Z; is it really a time, such as Unix seconds?"
        ]
    );
}

/// What is said about the rows of a table of attributes, beside the table itself.
async fn said_of_rows(rows: &str, store: Option<&Store>) -> Vec<String> {
    let (folder, _source) =
        a_source(&format!("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD); INSERT INTO users {rows}"));
    let toml = r#"
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
        name = "All users"
        workspace = "ours"
        type = "attributes"
        source = { kind = "sqlite", path = "source.db", table = "users" }
        destination = { kind = "jsonl", path = "users.jsonl" }"#;
    let config = config(toml, &folder.path().join("opencdi.toml"));
    let found = rows::findings(&config, "rows", &config.integrations[0], store).await;
    assert!(found.iter().all(|finding| finding.state == State::Warning), "{found:?}");
    let place = format!("{}/", folder.path().display());
    found.into_iter().map(|finding| finding.message.replace(&place, "")).collect()
}

#[tokio::test]
async fn odd_rows_are_counted_and_shown_once() {
    assert_eq!(said_of_rows("VALUES (1767225600, 'a', '{}')", None).await, [""; 0]);
    let rows =
        "VALUES (1767225600, 'a', '[]'), (1767225601, 'b', '{}'), (1767225602, 'c', 'no'), (1767225603, 'NULL', '{}'),
         (1767225604, 'd', '{\"a\":1,\"a\":2,\"b\":1,\"b\":2}'), (1767225605, 'nan', '{}')";
    assert_eq!(
        said_of_rows(rows, None).await,
        [
            "2 of the 6 rows to sync would be refused, such as {\"external_id\":\"a\"}: PAYLOAD is an array, not a JSON object; \
             see `cdi-server preview 'All users' --rows 100 --config opencdi.toml`",
            "2 of the 6 rows to sync: EXTERNAL_ID is the text \"NULL\"; a missing value was probably exported as text, and a \
             view with `nullif(EXTERNAL_ID, 'NULL')` makes it null again",
            "1 of the 6 rows to sync: PAYLOAD has the key `a` more than once; most readers keep only the last",
        ]
    );
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101)
         SELECT 1767225600 + i, iif(i = 7, NULL, 'u' || i), '{}' FROM n";
    let [refused] = &said_of_rows(many, None).await[..] else { panic!() };
    assert!(
        refused.starts_with("1 of the first 100 rows to sync would be refused, one without identifier: all identifier"),
        "{refused}"
    );
    assert_eq!(
        said_of_rows("VALUES (1767225600, 'None', '{}'), (1767225601, 'null', '{}')", None).await[0].split(':').next(),
        Some("both rows to sync")
    );
}

#[tokio::test]
async fn rows_before_the_watermark_are_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Sqlite(folder.path().join("opencdi.db"));
    let store = Store::open(&location).await.unwrap();
    let id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01".parse().unwrap();
    let route = crate::store::Route { source: "s".into(), destination: "d".into(), kind: "attributes".into() };
    let change = crate::store::WatermarkChange::Set("2026-01-01T00:00:01Z".parse().unwrap(), route);
    assert!(store.change_watermark(id, &change, crate::store::KnownAttributes::Keep).await.unwrap());
    let rows = "VALUES (1767225600, 'NULL', '[]'), (1767225601, 'a', '{}')";
    assert_eq!(said_of_rows(rows, Some(&store)).await, [""; 0]);
    store.close().await;
}

#[tokio::test]
async fn receivers_of_messages_are_tried_and_nobody_is_warned_of() {
    let (folder, _source) = a_source("CREATE TABLE users (UPDATED_AT, EXTERNAL_ID, PAYLOAD)");
    std::fs::write(folder.path().join("secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    // A port that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let toml = format!(
        r#"
        [[integrations]]
        id = "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01"
        name = "Users"
        workspace = "ours"
        type = "attributes"
        source = {{ kind = "sqlite", path = "source.db", table = "users" }}
        destination = {{ kind = "jsonl", path = "users.jsonl" }}
        [[notify]]
        name = "ops"
        webhook = {{ url = "http://127.0.0.1:{port}/hunter2", secret = {{ file = "secret" }} }}
        [[notify]]
        name = "team"
        email = {{ from = "cdi@example.com", smtp = "smtp://127.0.0.1:{port}" }}"#
    );
    let config = config(&toml, &folder.path().join("opencdi.toml"));
    let found = findings(&config).await.into_iter().filter(|finding| finding.subject.starts_with("notify"));
    let found: Vec<_> = found.map(|finding| (finding.state, finding.subject, finding.message)).collect();
    let [nobody, ops, team] = &found[..] else { panic!("{found:?}") };
    assert_eq!((nobody.0, nobody.1.as_str()), (State::Warning, "notify `team`"));
    assert!(nobody.2.starts_with("nobody is told of 1 integration: without `to`"), "{nobody:?}");
    assert_eq!((ops.0, ops.1.as_str()), (State::Failed, "notify `ops`"));
    let at = |what: &str| format!("the {what} at 127.0.0.1:{port} cannot be reached: Connection refused");
    assert!(ops.2.starts_with(&at("receiver")), "{ops:?}");
    assert_eq!((team.0, team.1.as_str()), (State::Failed, "notify `team`"));
    assert!(team.2.starts_with(&at("mail server")), "{team:?}");
}
