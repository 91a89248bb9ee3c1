//! The configuration as it is read, and the messages for what is wrong with it.

use std::path::Path;

use super::{Config, ConfigError, Known, Secrets, StoreLocation};
use crate::connectors;
use crate::secret::KeyHash;

const WHOLE: &str = r#"
store = "sqlite:state/opencdi.db"

[server]
listen = "0.0.0.0:9000"
request_deadline = "2s"

[worker]
lease = "10s"
concurrency = 2

[[workspaces]]
id = "ours"
rate_limits = { trigger = 1000 }

[[keys]]
name = "airflow"
workspace = "ours"
hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
permissions = ["may.trigger"]
expires = 2027-01-01T00:00:00+01:00

[[integrations]]
id = "6F1E24A8-0a3b-4a51-9d0e-0c7a4f7a1b01"
name = "Users"
workspace = "ours"
type = "attributes"
contact_emails = ["data@example.com"]

[integrations.source]
kind = "sqlite"
path = "source.db"
table = "users"

[integrations.destination]
kind = "users_track"
url = "https://rest.iad-03.braze.com/"
api_key = { file = "braze.key" }
"#;

fn known() -> Known {
    Known {
        operations: vec!["trigger".into(), "list".into()],
        permissions: vec!["may.trigger".into(), "may.list".into()],
    }
}

/// Parses a text as `opencdi.toml` in a folder with a key file.
fn parse(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("braze.key"), "the-key\n").unwrap();
    std::fs::write(folder.path().join("empty.key"), "\n").unwrap();
    std::fs::write(folder.path().join("line.key"), "BRAZE_API_KEY=hunter2\n").unwrap();
    let path = folder.path().join("opencdi.toml");
    Config::parse(text, &path, &known()).map_err(|error| {
        let text = error.to_string().replace(&format!("{}/", folder.path().display()), "");
        text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n")
    })
}

/// The problems of the whole example with one line put in the place of another.
fn problems(line: &str, instead: &str) -> String {
    assert!(WHOLE.contains(line), "{line}");
    match parse(&WHOLE.replacen(line, instead, 1)) {
        Ok(_) => panic!("accepted: {instead}"),
        Err(problems) => problems,
    }
}

#[test]
fn a_whole_file_is_read() {
    let config = parse(WHOLE).unwrap();
    let StoreLocation::Sqlite(store) = &config.store else { panic!() };
    assert!(store.ends_with("state/opencdi.db") && store.is_absolute(), "{store:?}");
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(config.workspaces[0].rate_limits["trigger"], 1000);
    assert_eq!(config.keys[0].hash, KeyHash::of("abc"));
    assert_eq!(config.keys[0].expires.unwrap().to_rfc3339(), "2026-12-31T23:00:00+00:00");
    let integration = &config.integrations[0];
    assert_eq!(integration.id.to_string(), "6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01");
    let source = integration.source.file().unwrap();
    assert!(source.ends_with("source.db") && source.is_absolute(), "{source:?}");
    assert_eq!(integration.source.identity(), format!("sqlite:{}#users", source.display()));
    assert_eq!(integration.destination.identity(), "users_track:https://rest.iad-03.braze.com");
    assert!(!format!("{config:?}").contains("the-key"));
}

#[test]
fn an_empty_file_is_a_service_without_integrations() {
    let config = parse("").unwrap();
    assert!(matches!(config.store, StoreLocation::Sqlite(path) if path.ends_with("opencdi.db")));
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert!(config.integrations.is_empty());
}

#[test]
fn a_file_that_is_not_there_says_how_to_name_another() {
    let error = Config::load(Path::new("no/such/opencdi.toml"), &known()).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "no/such/opencdi.toml: there is no folder {}; name another file with --config or OPENCDI_CONFIG",
            std::path::absolute("no/such").unwrap().display()
        )
    );
    let error = Config::load(Path::new("opencdi.toml"), &known()).unwrap_err().to_string();
    assert!(error.starts_with("opencdi.toml: there is no such file in /"), "{error}");
    let error = Config::load(Path::new("-"), &known()).unwrap_err().to_string();
    assert_eq!(error, "-: standard input is not read; name a file with --config");
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(folder.path(), &known()).unwrap_err().to_string();
    assert!(error.contains(": the configuration cannot be read: "), "{error}");
}

#[test]
fn a_file_in_another_encoding_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("opencdi.toml");
    let loaded = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Config::load(&path, &known()).map_err(|error| error.to_string().replace(&path.display().to_string(), ""))
    };
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain("x = 1".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for utf16 in [&utf16[..], &utf16[2..]] {
        let expected = ": this file is UTF-16 text, as Windows PowerShell writes it; save it as UTF-8";
        assert_eq!(loaded(utf16).unwrap_err(), expected);
    }
    assert!(loaded(b"").is_ok());
    assert_eq!(loaded(b"# a\n# M\xfcller").unwrap_err(), ":2:4: this character is not UTF-8; save the file as UTF-8");
    assert!(loaded("\u{feff}# Müller\n[server]\n".as_bytes()).is_ok(), "a byte order mark does no harm");
}

#[test]
fn a_postgres_url_that_is_none_is_named_by_its_variable_or_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    let source = "kind = \"sqlite\"\npath = \"source.db\"";
    let from_file = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let url = format!("kind = \"postgres\"\nurl = {{ file = {path:?} }}");
        problems(source, &url).replace(&path.display().to_string(), "URL")
    };
    assert_eq!(
        from_file("jdbc:postgresql://db/shop?password=hunter2"),
        "opencdi.toml:32:7: `integrations[0].source.url`: the text in the file URL begins with `jdbc:`, and such a URL has the \
         user name and the password at its end; write `postgres://<user>:<password>@<host>/<database>`"
    );
    assert!(from_file("").contains("URL is empty; it should contain the URL"), "{}", from_file(""));
    let utf16: Vec<u8> = "x".encode_utf16().chain([0xd800]).flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, utf16).unwrap();
    let problem = problems("{ file = \"braze.key\" }", &format!("{{ file = {path:?} }}"));
    assert!(problem.ends_with("is not UTF-8 text; save it as UTF-8"), "{problem}");
    // A variable that every system has, and that is no URL.
    let problem = problems(source, "kind = \"postgres\"\nurl = { env = \"PATH\" }");
    assert!(
        problem.contains("`integrations[0].source.url`: the value of `PATH` does not begin with `postgres://`; write"),
        "{problem}"
    );
    assert!(!problem.contains(&std::env::var("PATH").unwrap()), "{problem}");
}

#[test]
fn a_time_may_be_in_quotes() {
    let quoted = WHOLE.replace("2027-01-01T00:00:00+01:00", "\"2027-01-01T00:00:00+01:00\"");
    assert_eq!(parse(&quoted).unwrap().keys[0].expires, parse(WHOLE).unwrap().keys[0].expires);
    for wrong in ["\"2027-01-01\"", "\"soon\"", "true", "5"] {
        let problem = problems("2027-01-01T00:00:00+01:00", wrong);
        assert!(problem.contains("`keys[0].expires`: write a date, a time and its offset, such as"), "{problem}");
    }
}

#[test]
fn a_schedule_is_read_in_its_time_zone() {
    let with =
        |lines: &str| parse(&WHOLE.replacen("name = \"Users\"", &format!("name = \"Users\"\n{lines}"), 1)).unwrap();
    let next = |lines: &str| {
        let config = with(lines);
        config.integrations[0].next_run("2026-07-01T12:00:00Z".parse().unwrap()).map(|next| next.to_rfc3339())
    };
    assert_eq!(next(""), None);
    assert_eq!(next("schedule = \"0 3 * * *\"").as_deref(), Some("2026-07-02T03:00:00+00:00"));
    let berlin = "schedule = \"0 3 * * *\"\ntimezone = \"Europe/Berlin\"";
    assert_eq!(next(berlin).as_deref(), Some("2026-07-02T01:00:00+00:00"));
    assert_eq!(next(&format!("{berlin}\npaused = true")), None);
}

#[test]
fn a_wrong_schedule_is_refused_with_its_place() {
    let with = |lines: &str| problems("name = \"Users\"", &format!("name = \"Users\"\n{lines}"));
    assert_eq!(
        with("schedule = \"0 0 31 2 *\"\ntimezone = \"Europe/Berln\""),
        "opencdi.toml:26:12: `integrations[0].schedule`: this schedule has no tick: there is no such date\n\
         opencdi.toml:27:12: `integrations[0].timezone`: unknown time zone; did you mean `Europe/Berlin`?"
    );
    assert!(with("timezone = \"UTC\"").ends_with(
        "`timezone` is for a `schedule`, which this integration does not have; add one, or remove this line"
    ));
    assert!(
        with("schedule = \"*/5 * * * * *\"")
            .contains("`integrations[0].schedule`: this has fields for seconds or years")
    );
    assert!(with("schedule = 5").contains("`integrations[0].schedule`: invalid type"), "{}", with("schedule = 5"));
}

#[test]
fn retention_is_a_day_at_least_and_row_errors_go_no_later_than_jobs() {
    const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
    let retention = |lines: &str| parse(&format!("[retention]\n{lines}")).unwrap().retention;
    let days = |lines: &str| {
        let read = retention(lines);
        (read.jobs.as_secs() / DAY.as_secs(), read.row_errors.as_secs() / DAY.as_secs())
    };
    assert_eq!(days(""), (365, 30));
    assert_eq!(days("jobs = \"10d\""), (10, 10));
    assert_eq!(days("jobs = \"1000d\"\nrow_errors = \"24h\""), (1000, 1));
    assert_eq!(days("jobs = \"forever\""), (36_600, 30));
    assert_eq!(days("jobs = \"forever\"\nrow_errors = \"forever\""), (36_600, 36_600));
    let refused = |lines: &str| parse(&format!("[retention]\n{lines}")).unwrap_err();
    assert_eq!(
        refused("jobs = \"23h\""),
        "opencdi.toml:2:8: `retention.jobs`: this is too short; write a duration of at least \"1d\", such as \"90d\", or \"forever\""
    );
    assert!(refused("jobs = \"900y\"").contains("this is too long; write a duration"));
    assert!(refused("jobs = 30").ends_with("a duration needs a unit; write \"30d\" for 30 days"));
    assert_eq!(
        refused("jobs = \"10d\"\nrow_errors = \"11d\""),
        "opencdi.toml:3:14: `retention.row_errors`: row errors are deleted with their job at the latest; make this no longer than `jobs`, or set `jobs` to at least as much"
    );
}

#[test]
fn an_integration_that_is_not_found_is_told_from_several_that_are() {
    let second = WHOLE[WHOLE.find("[[integrations]]").unwrap()..].replacen("7a1b01", "7a1b02", 1);
    let config = parse(&format!("{WHOLE}{second}")).unwrap();
    let said = |wanted: &str| config.integration(wanted).unwrap_err().to_string();
    assert!(
        said("Orders").ends_with("has no integration with the ID or the name \"Orders\"; it has \"Users\""),
        "{}",
        said("Orders")
    );
    for several in ["Users", "6f1e24a8"] {
        let end = "use the whole ID: 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01 (\"Users\") or 6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b02 (\"Users\")";
        assert!(said(several).ends_with(end), "{}", said(several));
    }
}

#[test]
fn malformed_toml_is_said_with_its_line() {
    assert_eq!(problems("listen = ", "listen "), "opencdi.toml:5:8: `server.listen`: key with no value, expected `=`");
    assert_eq!(problems("[server]", "[server"), "opencdi.toml:4:8: `server`: unclosed table, expected `]`");
    assert_eq!(
        problems("[integrations.source]\nkind =", "[integrations.source]\nkind"),
        "opencdi.toml:31:6: `integrations[0].source.kind`: key with no value, expected `=`"
    );
}

#[test]
fn a_key_that_is_set_twice_is_said_with_both_lines() {
    let both = "kind = \"jsonl\"\npath = \"users.jsonl\"\nkind = \"users_track\"";
    assert_eq!(
        problems("kind = \"users_track\"", both),
        "opencdi.toml:38:1: `integrations[0].destination.kind`: `kind` is set twice, on line 36 too; keep one of them"
    );
}

#[test]
fn an_unknown_key_is_an_error_with_those_that_there_are() {
    assert_eq!(
        problems("lease = \"10s\"", "leese = \"10s\""),
        "opencdi.toml:9:1: `worker.leese`: unknown field `leese`, expected one of `concurrency`, `lease`, `poll`, `max_attempts`"
    );
    assert!(
        problems("table = \"users\"", "tabel = \"users\"")
            .contains("opencdi.toml:33:1: `integrations[0].source.tabel`: `sqlite` has no key `tabel`; remove or correct it (its keys are `kind`, `path`, `table`)"),
        "{}",
        problems("table = \"users\"", "tabel = \"users\"")
    );
}

#[test]
fn a_key_that_other_programs_have_is_answered_with_what_there_is_instead() {
    for (line, key, expected) in [
        (
            "name = \"Users\"",
            "cron",
            "opencdi.toml:26:1: `integrations[0].cron`: unknown field `cron`; syncs run on a schedule with `schedule = \"*/15 * * * *\"` in [[integrations]]",
        ),
        (
            "table = \"users\"",
            "schedule",
            "`integrations[0].source.schedule`: `sqlite` has no key `schedule`; syncs run on a schedule with",
        ),
        ("table = \"users\"", "query", "`sqlite` has no key `query`; `table` names a table or a view"),
        (
            "table = \"users\"",
            "only_changed",
            "`sqlite` has no key `only_changed`; it is a setting of the integration: write it above [integrations.source]",
        ),
        (
            "request_deadline = \"2s\"",
            "requests_per_second",
            "unknown field `requests_per_second`; it is a setting of a `users_track` destination: write it in",
        ),
        (
            "request_deadline = \"2s\"",
            "ssl",
            "`server.ssl`: unknown field `ssl`; `certificate` and `key` in [server.tls]",
        ),
        ("request_deadline = \"2s\"", "port", "unknown field `port`; `listen` in [server] is the address and the port"),
        ("table = \"users\"", "port", "`sqlite` has no key `port`; remove or correct it"),
    ] {
        let problem = problems(line, &format!("{line}\n{key} = \"x\""));
        assert!(problem.contains(expected), "{problem}");
    }
    let table = problems("[worker]", "[metrics]\n[worker]");
    let expected = "opencdi.toml:8:2: `metrics`: unknown field `metrics`; `listen` in [admin] is the address of";
    assert!(table.starts_with(expected), "{table}");
}

#[test]
fn a_wrong_type_and_a_missing_key_are_said_with_their_place() {
    assert_eq!(
        problems("concurrency = 2", "concurrency = \"2\""),
        "opencdi.toml:10:15: `worker.concurrency`: invalid type: string \"2\", expected a whole number; remove the quotes"
    );
    assert_eq!(problems("name = \"Users\"", ""), "opencdi.toml:23:1: `integrations[0]`: missing field `name`");
    assert_eq!(
        problems("table = \"users\"", ""),
        "opencdi.toml:30:1: `integrations[0].source`: `sqlite` needs `table`"
    );
}

#[test]
fn a_secret_in_clear_is_refused_with_the_way_to_do_it_right_and_not_repeated() {
    for clear in ["\"hunter2\"", "\"\"", "1234567890"] {
        let text = problems("{ file = \"braze.key\" }", clear);
        assert!(
            text.starts_with(
                "opencdi.toml:38:11: `integrations[0].destination.api_key`: this secret is in plain text;"
            ),
            "{text}"
        );
        assert!(
            text.contains("api_key = { env = \"API_KEY\" }") && text.contains("api_key = { file = \"path\" }"),
            "{text}"
        );
        assert!(!text.contains("hunter2") && !text.contains("1234567890"), "{text}");
    }
    let text = problems("\"sqlite:state/opencdi.db\"", "\"postgres://me:hunter2@localhost/db\"");
    assert!(text.contains("write `store = { env"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let text = problems("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "cdi_hunter2");
    assert!(text.contains("`keys[0].hash`: this is an API key in plain text"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_secret_that_cannot_be_had_is_said() {
    let secret = |instead| problems("{ file = \"braze.key\" }", instead);
    assert!(
        secret("{ env = \"OPENCDI_NO_SUCH_VARIABLE\" }").contains(
            "the environment variable `OPENCDI_NO_SUCH_VARIABLE` is not set (a shell variable needs `export`)"
        )
    );
    assert!(secret("{ file = \"no.key\" }").contains("the file no.key cannot be read: No such file"));
    assert!(secret("{ file = \"empty.key\" }").contains("is empty"));
    assert_eq!(
        secret("{ file = \"line.key\" }"),
        "opencdi.toml:38:11: `integrations[0].destination.api_key`: the file line.key has the name of a variable in front (`NAME=…`); it should contain the secret alone"
    );
    assert!(secret("{ vault = \"x\" }").contains("unknown field `vault`, expected `env` or `file`"));
    assert!(secret("{ env = \"A\", file = \"b\" }").contains("write either `env` or `file`, not both"));
}

#[test]
fn a_command_that_uses_only_the_store_needs_no_other_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("opencdi.toml");
    let load = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::load_with(&path, &known(), Secrets::OfStore).map_err(|error| error.to_string())
    };
    let postgres = WHOLE.replace(
        "kind = \"sqlite\"\npath = \"source.db\"",
        "kind = \"postgres\"\nurl = { env = \"OPENCDI_NO_SUCH_VARIABLE\" }",
    );
    for text in [WHOLE, &postgres] {
        assert_eq!(load(text).unwrap().integrations.len(), 1);
        assert!(Config::load(&path, &known()).is_err());
    }
    let store = WHOLE.replace("\"sqlite:state/opencdi.db\"", "{ env = \"OPENCDI_NO_SUCH_VARIABLE\" }");
    assert!(load(&store).unwrap_err().contains("`OPENCDI_NO_SUCH_VARIABLE` is not set"));
    assert!(load(&WHOLE.replace("{ file = \"braze.key\" }", "\"hunter2\"")).unwrap_err().contains("in plain text"));
}

#[test]
fn names_that_the_contract_does_not_have_are_errors() {
    assert_eq!(
        problems("[\"may.trigger\"]", "[\"may.triger\"]"),
        "opencdi.toml:20:16: `keys[0].permissions[0]`: unknown permission `may.triger`; the permissions are `may.trigger`, `may.list`"
    );
    assert!(
        problems("{ trigger = 1000 }", "{ triger = 1 }")
            .contains("unknown operation `triger`; the operations are `trigger`, `list`")
    );
    assert!(problems("{ trigger = 1000 }", "{ trigger = 0 }").contains("a number from 1"));
}

#[test]
fn values_that_make_no_sense_are_errors() {
    for (line, instead, expected) in [
        ("\"6F1E24A8-0a3b-4a51-9d0e-0c7a4f7a1b01\"", "\"7\"", "`integrations[0].id`: an integration ID is a UUID"),
        (
            "\"attributes\"",
            "\"atributes\"",
            "`integrations[0].type`: unknown type `atributes`; the types are `attributes`",
        ),
        ("\"0.0.0.0:9000\"", "\"9000\"", "`server.listen`: write an IP address and a port"),
        ("\"2s\"", "\"2\"", "`server.request_deadline`: a duration needs a unit; write \"2s\" for 2 seconds"),
        ("\"2s\"", "2", "`server.request_deadline`: a duration needs a unit; write \"2s\" for 2 seconds"),
        ("\"2s\"", "true", "`server.request_deadline`: a duration is a text in quotes, such as \"10s\""),
        ("\"2s\"", "\"0s\"", "`server.request_deadline`: this is too short; write a duration from \"10ms\" to \"10m\""),
        ("\"2s\"", "\"11m\"", "`server.request_deadline`: this is too long; write a duration from \"10ms\" to \"10m\""),
        ("\"2s\"", "\"-5m\"", "`server.request_deadline`: a duration cannot be negative; write"),
        (
            "type = \"attributes\"",
            "type = \"attributes\"\nlookback = 600",
            "`integrations[0].lookback`: a duration needs a unit; write \"600s\"",
        ),
        (
            "kind = \"users_track\"",
            "kind = \"users_track\"\ngive_up_after = 5",
            "`integrations[0].destination.give_up_after`: a duration needs a unit; write \"5s\"",
        ),
        (
            "kind = \"users_track\"",
            "kind = \"users_track\"\nrequests_per_second = -5",
            "`integrations[0].destination.requests_per_second`: invalid value: integer `-5`, expected a whole number that is not negative",
        ),
        ("concurrency = 2", "concurrency = -5", "integer `-5`, expected a whole number that is not negative"),
        (
            "kind = \"users_track\"",
            "kind = \"users_track\"\nrequests_per_second = 99999999999999999999",
            "the number is too large",
        ),
        (
            "request_deadline = \"2s\"",
            "rate_limit_window = \"1500ms\"",
            "`server.rate_limit_window`: a window must be a whole number of seconds",
        ),
        (
            "\"https://rest.iad-03.braze.com/\"",
            "\"rest.iad-03.braze.com\"",
            "`integrations[0].destination.url`: this is not a whole URL; write https:// in front, such as `https://rest.iad-03.braze.com`",
        ),
        ("\"https://rest.iad-03.braze.com/\"", "\"https://a:b@c\"", "remove the user name and password from this URL"),
        (
            "kind = \"users_track\"",
            "kind = \"kafka\"",
            "unknown kind of destination `kafka`; the kinds are `users_track` and `jsonl`",
        ),
        (
            "kind = \"sqlite\"",
            "kind = \"oracle\"",
            "unknown kind of source `oracle`; the kinds are `sqlite` and `postgres`",
        ),
        ("kind = \"users_track\"", "kind = \"jsonl\"\npath = \"a\"", "`jsonl` has no key `url`; remove or correct it"),
        (
            "\"sqlite:state/opencdi.db\"",
            "\"mysql://x\"",
            "`store`: this URL begins with `mysql://`; write `sqlite:<path>` or `postgres://<user>@<host>/<database>`",
        ),
        (
            "\"sqlite:state/opencdi.db\"",
            "\"state/opencdi.db\"",
            "`store`: write `sqlite:state/opencdi.db` for a file, or `postgres://<user>@<host>/<database>`",
        ),
        (
            "\"sqlite:state/opencdi.db\"",
            "\"sqlite:~/opencdi.db\"",
            "`store`: `~` is not expanded here; write the whole path",
        ),
        (
            "\"source.db\"",
            "\"$HOME/source.db\"",
            "`integrations[0].source.path`: `$HOME` is not expanded here; write the whole path",
        ),
        (
            "\"https://rest.iad-03.braze.com/\"",
            "\"https://rest.iad-03.braze.com/users/track\"",
            "`integrations[0].destination.url`: `url` is the address without the path of the endpoint; remove `/users/track`",
        ),
        (
            "listen = \"0.0.0.0:9000\"",
            "listen = 0.0.0.0:9000",
            "`server.listen`: this is neither a number nor a text in quotes: `\"…\"`",
        ),
        (
            "\"sqlite:state/opencdi.db\"",
            "\"postgres://x/y?sslmod=require\"",
            "`store`: this URL has the parameter `sslmod`, which is not supported",
        ),
        ("\"sqlite:state/opencdi.db\"", "\"sqlite::memory:\"", "a store in memory would be lost"),
        ("2027-01-01T00:00:00+01:00", "2027-01-01", "`keys[0].expires`: write a date, a time and its offset"),
        (
            "type = \"attributes\"",
            "type = \"attributes\"\nmax_failed_share = 1.5",
            "`integrations[0].max_failed_share`: write a share from 0.0 to 1.0, such as `0.05` for one row in twenty; `1.0` lets",
        ),
        (
            "kind = \"users_track\"",
            "kind = \"users_track\"\ngive_up_when_limited_after = \"1 our\"",
            "`integrations[0].destination.give_up_when_limited_after`: ",
        ),
        (
            "kind = \"users_track\"",
            "kind = \"jsonl\"\ngive_up_when_limited_after = \"1h\"",
            "`jsonl` has no key `give_up_when_limited_after`",
        ),
        ("[\"data@example.com\"]", "[\"a@x.org, b@x.org\"]", "one e-mail address in each pair of quotes"),
        ("name = \"Users\"", "name = \" \"", "`integrations[0].name`: this must not be empty"),
    ] {
        let text = problems(line, instead);
        assert!(text.contains(expected), "{instead}: {text}");
        assert!(text.starts_with("opencdi.toml:"), "{text}");
    }
}

#[test]
fn half_of_the_rows_may_be_refused_unless_the_file_says_otherwise() {
    let share = |line: &str| {
        let text = WHOLE.replace("type = \"attributes\"", &format!("type = \"attributes\"\n{line}"));
        parse(&text).unwrap().integrations[0].max_failed_share
    };
    assert_eq!(share(""), Some(0.5));
    assert_eq!(share("max_failed_share = 0.0"), Some(0.0));
    assert_eq!(share("max_failed_share = 1.0"), None, "any number");
}

#[test]
fn what_must_be_unique_is_said_with_both_places() {
    let twice = format!("{WHOLE}{}", &WHOLE[WHOLE.find("[[integrations]]").unwrap()..]);
    let text = parse(&twice).unwrap_err();
    assert_eq!(
        text,
        "opencdi.toml:40:6: `integrations[1].id`: there is another integration with the ID `6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01`, on line 24"
    );
    let key = &WHOLE[WHOLE.find("[[keys]]").unwrap()..WHOLE.find("[[integrations]]").unwrap()];
    let text = parse(&format!("{WHOLE}{key}")).unwrap_err();
    assert!(
        text.contains("another key with the name `airflow`") && text.contains("another key with the hash"),
        "{text}"
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = WHOLE.replace("0.0.0.0:9000", "?").replace("may.trigger", "?").replace("\"attributes\"", "\"?\"");
    let text = parse(&text).unwrap_err();
    let lines: Vec<&str> = text.lines().map(|line| line.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["5", "20", "27"], "{text}");
}

/// The file that shows everything, with secrets from files in place of the environment.
fn example() -> String {
    include_str!("../../opencdi.example.toml").replace("{ env = ", "{ file = ")
}

fn parse_example(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("BRAZE_API_KEY"), "the-key").unwrap();
    std::fs::write(folder.path().join("SHOP_DATABASE_URL"), "postgres://reader:secret@localhost/shop").unwrap();
    std::fs::write(folder.path().join("SMTP_URL"), "smtps://cdi:secret@mail.example.com").unwrap();
    std::fs::write(folder.path().join("WEBHOOK_URL"), "https://hooks.example.com/secret").unwrap();
    std::fs::write(folder.path().join("WEBHOOK_SECRET"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    std::fs::write(folder.path().join("OPENCDI_STORE_URL"), "postgres://opencdi:secret@localhost/opencdi").unwrap();
    Config::parse(text, &folder.path().join("opencdi.toml"), &crate::api::known())
}

#[test]
fn the_example_is_valid_as_it_is_and_with_everything_that_may_be_left_out() {
    assert_eq!(parse_example(&example()).unwrap().integrations.len(), 2);
    let mut everything = String::new();
    for line in example().lines() {
        let setting = line
            .strip_prefix("# ")
            .filter(|text| text.contains(" = ") || text.starts_with('['))
            .filter(|text| text.starts_with(|first: char| first.is_lowercase() || first == '['));
        // The other ways to write what already stands there.
        let others = ["store = ", "url = ", "integrations = "];
        let setting = setting.filter(|text| !others.iter().any(|other| text.starts_with(other)));
        everything.push_str(setting.unwrap_or(line));
        everything.push('\n');
    }
    let mut config = parse_example(&everything).unwrap_or_else(|error| panic!("{error}\n{everything}"));
    // That of the contract, which the configuration does not know.
    assert_eq!(config.server.rate_limit_window.take(), Some(std::time::Duration::from_secs(60)));
    assert!(config.server.tls.take().is_some());
    // What it shows is what is usual, where something is.
    let usual = parse_example(&example()).unwrap();
    assert_eq!(format!("{:?}", config.server), format!("{:?}", usual.server));
    assert_eq!(format!("{:?}", config.worker), format!("{:?}", usual.worker));
    assert_eq!(config.integrations[0].max_failed_share, usual.integrations[0].max_failed_share);
    let patience = |config: &Config| {
        let settings = format!("{:?}", config.integrations[1].destination);
        settings[settings.find("give_up_after").expect("it is a service")..].to_owned()
    };
    assert_eq!(patience(&config), patience(&usual));
}

#[test]
fn a_secret_in_the_place_of_a_table_is_not_repeated() {
    for (text, expected) in [
        (
            "[[notify]]\nname = \"a\"\nemail = \"smtps://me:hunter2@mail.example.com\"",
            "invalid type: a text, expected a table, `{ from = \"…\", smtp = … }`",
        ),
        (
            "[[notify]]\nname = \"a\"\nwebhook = \"https://hooks.example.com/hunter2\"",
            "invalid type: a text, expected a table, `{ url = …, secret = … }`",
        ),
        ("keys = \"cdi_hunter2\"", "invalid type: a text, expected a list"),
    ] {
        let problem = parse(text).unwrap_err();
        assert!(problem.contains(expected) && !problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn connections_and_certificate_are_read() {
    let usual = parse("").unwrap().server;
    assert_eq!((usual.max_connections, usual.max_connections_per_address, usual.tls), (2000, 200, None));
    assert_eq!(parse("[server]\nmax_connections = 100").unwrap().server.max_connections_per_address, 100);
    let tls = parse("[server.tls]\ncertificate = \"cert.pem\"\nkey = \"/k/key.pem\"").unwrap().server.tls.unwrap();
    assert!(tls.certificate.is_absolute() && tls.certificate.ends_with("cert.pem"), "{tls:?}");
    for (text, expected) in [
        ("max_connections = 0", "2:19: `server.max_connections`: write a number from 1 to 1000000"),
        (
            "max_connections = 100\nmax_connections_per_address = 101",
            "3:31: `server.max_connections_per_address`: this is more than `max_connections`, which is 100",
        ),
        ("tls = { certificate = \"c\" }", "2:7: `server.tls`: missing field `key`"),
        ("tls = { certificate = \"\", key = \"~/k\" }", "2:23: `server.tls.certificate`: this must not be empty"),
        ("tls = { certificate = \"c\", key = \"~/k\" }", "2:34: `server.tls.key`: `~` is not expanded here"),
        (
            "tls = { certificate = \"c\", key_file = \"k\" }",
            "unknown field `key_file`; `certificate` and `key` in [server.tls]",
        ),
        ("tls = true", "2:7: `server.tls`: invalid type: boolean `true`, expected"),
    ] {
        let problem = parse(&format!("[server]\n{text}")).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn the_addresses_of_a_key_are_networks() {
    let problem = |list: &str| problems("expires = 2027", &format!("addresses = {list}\nexpires = 2027"));
    assert_eq!(
        problem("[\"10.1.2.3/8\"]"),
        "opencdi.toml:21:14: `keys[0].addresses[0]`: `10.1.2.3/8` is an address inside a network; write `10.0.0.0/8` for the network, or \
         `10.1.2.3`"
    );
    assert!(problem("[]").contains("there is no address, so the key could not be used; remove `addresses`"));
    assert!(problem("[\"office\"]").contains("write an IP address or a network, such as `10.0.0.0/8`"));
}

#[test]
fn the_example_shows_every_key() {
    let tables = [
        "",
        "[server]",
        "[server.tls]",
        "[admin]",
        "[worker]",
        "[retention]",
        "[[workspaces]]",
        "[[keys]]",
        "[[notify]]",
        "[[integrations]]",
    ];
    let sources = connectors::sources().map(|kind| format!("kind = \"sqlite\"\n|kind = {kind:?}"));
    let destinations = connectors::destinations().map(|kind| format!("kind = \"users_track\"\n|kind = {kind:?}"));
    let of_kinds = sources.chain(destinations).map(|change| {
        let (kind, instead) = change.split_once('|').unwrap();
        WHOLE.replacen(kind, &format!("{instead}\nnonsense = 1\n"), 1)
    });
    let others = tables.map(|table| format!("{table}\nnonsense = 1"));
    for table in others.into_iter().chain(of_kinds) {
        let error = parse(&table).unwrap_err();
        let nonsense = error.lines().find(|line| line.contains("`nonsense`")).unwrap_or_else(|| panic!("{error}"));
        let known = nonsense.split_once(", expected ").or(nonsense.split_once("(its keys are "));
        let (_, known) = known.unwrap_or_else(|| panic!("{error}"));
        for key in known.lines().next().unwrap().split('`').skip(1).step_by(2).filter(|key| *key != "fault") {
            let shown = example().lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ', '[']);
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("{key}]"))
                    || line.starts_with(&format!("integrations.{key}]"))
                    || line.starts_with(&format!("server.{key}]"))
            });
            assert!(shown, "`{key}` of {table:?} is missing in opencdi.example.toml");
        }
    }
}

#[cfg(feature = "faults")]
#[test]
fn a_fault_is_one_of_those_there_are() {
    let text = parse(&WHOLE.replace("expires = ", "fault = \"fire\"\nexpires = ")).unwrap_err();
    assert!(text.contains("`keys[0].fault`: unknown fault `fire`; the faults are `panic`, `store_failed`"), "{text}");
}

#[cfg(not(feature = "faults"))]
#[test]
fn a_fault_is_unknown_to_the_default_build() {
    let text = parse(&WHOLE.replace("expires = ", "fault = \"panic\"\nexpires = ")).unwrap_err();
    assert!(text.contains("unknown field `fault`"), "{text}");
}

#[test]
fn a_store_in_a_file_of_a_source_is_refused() {
    assert_eq!(
        problems("store = \"sqlite:state/opencdi.db\"", "store = \"sqlite:source.db\""),
        "opencdi.toml:30:1: `integrations[0].source`: the file source.db is the store too; choose another file"
    );
}

#[test]
fn an_empty_value_is_one_problem() {
    let empty = problems("table = \"users\"", "table = \"\"");
    assert_eq!(empty, "opencdi.toml:33:9: `integrations[0].source.table`: this must not be empty");
}

#[test]
fn a_list_needs_two_brackets() {
    for list in ["workspaces", "keys", "integrations"] {
        let problem = problems(&format!("[[{list}]]"), &format!("[{list}]"));
        let expected = format!("`{list}`: write `[[{list}]]`, with two brackets, above each of them");
        assert!(problem.ends_with(&expected), "{problem}");
    }
}

#[test]
fn names_with_characters_that_cannot_be_seen_are_refused() {
    for (line, before, after) in [
        ("name = \"Users\"", "Us", "ers"),
        ("name = \"airflow\"", "air", "flow"),
        ("workspace = \"ours\"", "ou", "rs"),
        ("id = \"ours\"", "ou", "rs"),
    ] {
        let key = line.split(' ').next().unwrap();
        let with = |name: String| problems(line, &format!("{key} = \"{name}\""));
        for control in ["\\n", "\\t", "\\u001b"] {
            let problem = with(format!("{before}{control}{after}"));
            let expected = "this name has a line break, a tab or another control character; remove it";
            assert!(problem.ends_with(expected), "{problem}");
        }
        for spaced in [format!(" {before}{after}"), format!("{before}{after} ")] {
            let problem = with(spaced);
            assert!(problem.ends_with("this name begins or ends with a space; remove it"), "{problem}");
        }
    }
}

/// The problems of a file with this `[[notify]]` entry.
fn notify(entry: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("braze.key", "the-key"),
        ("signing.key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("short.key", "whsec_hunter2"),
        ("url", "hunter2.example.com/x"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let other = WHOLE[WHOLE.find("[[integrations]]").unwrap()..].replace("1b01", "1b02").replace("Users", "Orders");
    let text = format!("{WHOLE}\n{}\n{other}\n[[notify]]\n{entry}", other.replace("1b02", "1b03"));
    let place = format!("{}/", folder.path().display());
    let error = Config::parse(&text, &folder.path().join("opencdi.toml"), &known()).map(|_| ()).unwrap_err();
    error.to_string().replace(&place, "")
}

#[test]
fn problems_of_messages_are_said_at_once_without_secrets() {
    let error = notify(
        r#"
        name = "ops"
        webhook = { url = { file = "url" }, secret = { file = "short.key" } }
        on = ["error", "failure", "overdue"]
        workspaces = ["theirs"]

        [[notify]]
        name = "ops"
        webhook = { url = "https://me:hunter2@example.com/", secret = "whsec_hunter2" }
        on = []
        overdue_after = "6h"
        integrations = ["Users", "Nobody", "Orders"]

        [[notify]]
        name = "nowhere"
        workspaces = ["ours"]
        integrations = ["6F1E24A8-0a3b-4a51-9d0e-0c7a4f7a1b01"]

        [[notify]]
        name = "always"
        webhook = { url = "ftp://example.com/", secret = { file = "signing.key" } }
        on = ["overdue"]
        overdue_after = "10ms"
        integrations = []

        [[notify]]
        name = "both"
        webhook = { url = "https://example.com/", secret = { file = "signing.key" } }
        email = { from = "cdi@example.com", smtp = "smtp://localhost" }

        [[notify]]
        name = "mail"
        email = { from = "nobody", to = ["a@example.com, b@example.com"], smtp = "smtps://me:hunter2@example.com" }

        [[notify]]
        name = "mail 2"
        email = { from = "cdi@example.com", to = [], smtp = { file = "url" } }
        "#,
    );
    for expected in [
        "`notify[\"ops\"].webhook.url`: the text in the file url is not the URL of a webhook; write `https://<host>/<path>`",
        "`notify[\"ops\"].webhook.secret`: the text in the file short.key is not `whsec_` and the Base64 of 24 to 64 bytes; `echo whsec_$(openssl",
        "`notify[\"ops\"].on[1]`: there are no messages about `failure`; name some of `error`, `config_error`, `partial`",
        "`notify[\"ops\"].on[2]`: `overdue` needs `overdue_after` in the same entry, the time without a successful sync, such as \"6h\"",
        "`notify[\"ops\"].workspaces[0]`: no integration has the workspace `theirs`",
        "`notify[\"ops\"].name`: there is another [[notify]] entry with the name `ops`, on line",
        "`notify[\"ops\"].webhook.url`: this URL contains a password in plain text",
        "`notify[\"ops\"].webhook.secret`: this secret is in plain text",
        "`notify[\"ops\"].on`: name at least one of `error`",
        "`notify[\"ops\"].overdue_after`: `overdue_after` is for messages about `overdue`; add that to `on`",
        "`notify[\"ops\"].integrations[1]`: there is no integration with the name or the ID `Nobody`",
        "`notify[\"ops\"].integrations[2]`: several integrations have the name `Orders`; write their IDs",
        "`notify[\"nowhere\"]`: this entry does not say where messages go; add `webhook = {",
        "`notify[\"nowhere\"].integrations`: write either `workspaces` or `integrations`",
        "`notify[\"always\"].webhook.url`: this URL is not the URL of a webhook",
        "`notify[\"always\"].overdue_after`: this is too short; write a duration from \"1s\" to \"366d\"",
        "`notify[\"always\"].integrations`: this list is empty; remove this line for messages about all integrations",
        "`notify[\"both\"].email.from`: an entry has either `webhook` or `email`; write two entries",
        "`notify[\"mail\"].email.from`: write one e-mail address, such as \"cdi@example.com\"",
        "`notify[\"mail\"].email.to[0]`: write one e-mail address",
        "`notify[\"mail\"].email.smtp`: this URL contains a password in plain text",
        "`notify[\"mail 2\"].email.smtp`: the text in the file url is not the URL of a mail server; write `smtps://",
        "`notify[\"mail 2\"].email.to`: this list is empty; name recipients, or remove it for e-mail to the `contact_emails`",
    ] {
        assert!(error.contains(expected), "{expected}\n    is not in\n{error}");
    }
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn recipients_in_the_wrong_place_are_answered_with_the_right_one() {
    let expected = "`to`; e-mail is set in a [[notify]] entry: `email = {";
    for entry in [
        "name = \"ops\"\nto = [\"a@example.com\"]",
        "name = \"ops\"\nwebhook = { url = \"https://x/y\", secret = { file = \"signing.key\" }, to = [\"a@example.com\"] }",
    ] {
        let error = notify(entry);
        assert!(error.contains(expected) && error.contains("`notify[\"ops\"]"), "{error}");
    }
    assert!(notify("name = \"ops\"\nslack = \"https://x/y\"").contains("`slack`; messages are sent to a webhook by"));
}

#[test]
fn an_entry_covers_what_it_names() {
    use crate::notify::Event;
    let integration = WHOLE[WHOLE.find("[[integrations]]").unwrap()..].to_owned();
    let with = |id: &str, name: &str, workspace: &str| {
        let named = integration.replace("1b01", id).replace("Users", name);
        named.replace("workspace = \"ours\"", &format!("workspace = \"{workspace}\""))
    };
    let entry = |name: &str, more: &str| {
        let webhook = "webhook = { url = \"https://x/y\", secret = { file = \"signing.key\" } }";
        format!("[[notify]]\nname = \"{name}\"\n{webhook}\n{more}\n")
    };
    let text = [
        WHOLE.to_owned(),
        with("1b02", "Orders", "ours"),
        with("1b03", "Others", "theirs"),
        entry("all", ""),
        entry("ours", "workspaces = [\"ours\"]"),
        entry(
            "two",
            "integrations = [\"Others\", \"6f1e24a8-0a3b-4a51-9d0e-0c7a4f7a1b01\"]\non = [\"overdue\"]\noverdue_after = \"30d\"",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("braze.key"), "the-key").unwrap();
    std::fs::write(folder.path().join("signing.key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let path = folder.path().join("opencdi.toml");
    let config = Config::parse(&text.join("\n"), &path, &known()).unwrap_or_else(|error| panic!("{error}"));
    let covered = |entry: &crate::notify::Entry| {
        let covered = config.integrations.iter().filter(|integration| entry.covers(&integration.id));
        covered.map(|integration| integration.name.clone()).collect::<Vec<_>>()
    };
    let [all, ours, two] = &config.notify[..] else { panic!() };
    assert_eq!(covered(all), ["Users", "Orders", "Others"]);
    assert_eq!(covered(ours), ["Users", "Orders"]);
    assert_eq!(covered(two), ["Users", "Others"]);
    assert_eq!(all.on, Event::DEFAULT.into());
    assert_eq!(two.overdue_after, Some(std::time::Duration::from_secs(30 * 24 * 3600)));
    assert_eq!(config.notifications().integrations[&config.integrations[2].id].workspace, "theirs");
    // Commands that only need the store read no secret.
    std::fs::remove_file(folder.path().join("signing.key")).unwrap();
    std::fs::write(&path, text.join("\n").replace("\"https://x/y\"", "{ env = \"NOT_SET\" }")).unwrap();
    for secrets in [Secrets::OfStore, Secrets::OfSyncs] {
        let config = Config::load_with(&path, &known(), secrets).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((config.notify.len(), config.integrations.len()), (0, 3));
    }
    std::fs::remove_file(folder.path().join("braze.key")).unwrap();
    let error = Config::load_with(&path, &known(), Secrets::OfMessages).unwrap_err().to_string();
    assert!(error.contains("signing.key") && error.contains("NOT_SET") && !error.contains("braze.key"), "{error}");
}
