//! The commands of `cdi-server` besides `serve`: init, key, check, preview, watermark, row-errors.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};
use std::time::Duration;

use cdi_server::service::Role;
use contract_tests::process::ServerProcess;
use contract_tests::requests::Api;
use contract_tests::{INTEGRATION, Setup, eventually, program};

fn run(setup: &Setup, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("cdi-server"));
    command.args(arguments).arg("--config").arg(setup.path("opencdi.toml")).output().unwrap()
}

/// The output of a command that succeeds.
fn printed(setup: &Setup, arguments: &[&str]) -> String {
    let output = run(setup, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The error output of a command that fails.
fn refused(setup: &Setup, arguments: &[&str]) -> String {
    let output = run(setup, arguments);
    assert!(!output.status.success(), "{arguments:?} works");
    String::from_utf8(output.stderr).unwrap()
}

/// A source with two valid rows and an invalid one between them.
fn setup() -> Setup {
    let setup = Setup::with_rows(0);
    for (time, user, payload) in [("01", "a", "{\"n\":1}"), ("02", "b", "[]"), ("03", "c", "{}")] {
        let time = format!("2026-01-01T00:00:{time}Z");
        setup.source().execute("INSERT INTO users VALUES (?1, ?2, ?3)", (time, user, payload)).unwrap();
    }
    setup.write();
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_a_sync_before_and_after_it() {
    let setup = setup();
    let preview = printed(&setup, &["preview", "Users of ours", "--rows", "2"]);
    assert_eq!(
        preview,
        "send    {\"external_id\":\"a\",\"n\":1}\n\
         refuse  {\"external_id\":\"b\"} (UPDATED_AT 2026-01-01T00:00:02Z): PAYLOAD is an array, not a JSON object\n\
         2 rows shown; there are more.\n"
    );
    assert_eq!(
        printed(&setup, &["watermark", INTEGRATION]),
        "no watermark: the next sync takes every row\n",
        "nothing moved"
    );
    assert!(refused(&setup, &["row-errors", INTEGRATION]).contains("there is no store yet"));

    let service = setup.start(Role::All).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the sync has ended", async || {
        printed(&service.setup, &["preview", INTEGRATION]).starts_with("Nothing new since").then_some(())
    })
    .await;
    let setup = &service.setup;
    eventually("the job has ended", async || {
        let status = service.call("GET", &format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await;
        (status.body["results"][0]["job_status"] == "partial").then_some(())
    })
    .await;
    assert_eq!(
        printed(setup, &["row-errors", INTEGRATION]),
        "{\"number\":1,\"updated_at\":\"2026-01-01T00:00:02.000000Z\",\"identifier\":{\"external_id\":\"b\"},\"reason\":\"PAYLOAD is an array, not a JSON object\"}\n"
    );
    let table = printed(setup, &["row-errors", INTEGRATION, "--format", "csv"]);
    assert_eq!(table.lines().count(), 2);
    assert!(table.starts_with("number,updated_at,identifier,reason,payload\n1,2026-"), "{table}");
    let reached = printed(setup, &["watermark", INTEGRATION]);
    assert!(reached.starts_with("2026-01-01T00:00:03Z: the next sync "), "{reached}");
    assert!(reached.lines().last().unwrap().starts_with("belongs to: sqlite:"), "{reached}");
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    eventually("the second job has ended", async || {
        let status = service.call("GET", &format!("/cdi/integrations/{INTEGRATION}/job_sync_status")).await;
        (status.body["results"][0]["job_status"] == "success").then_some(())
    })
    .await;
    // A later sync without refused rows must not hide the row errors.
    let output = run(setup, &["row-errors", INTEGRATION]);
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("{\"number\":1,"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("These are from the job ") && said.contains("has refused 0 rows"), "{said}");
    let jobs = printed(setup, &["jobs", INTEGRATION]);
    let ids: Vec<&str> = jobs.lines().filter_map(|line| line.split(' ').next()).filter(|id| id.len() == 36).collect();
    let output = run(setup, &["row-errors", INTEGRATION, "--job", ids[0]]);
    assert_eq!(output.stdout, b"", "programs read nothing of it");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("The job {} has refused no rows.", ids[0])), "{said}");
    let named = printed(setup, &["row-errors", INTEGRATION, "--job", &ids[1][..13]]);
    assert!(named.starts_with("{\"number\":1,"), "{named}");
    let set = printed(setup, &["watermark", INTEGRATION, "--set", "2026-01-01T01:00:02+01:00"]);
    let first = set.lines().next().unwrap();
    assert_eq!(first, "2026-01-01T00:00:02Z: the next sync takes the rows of this time and later ones");
    assert_eq!(printed(setup, &["watermark", INTEGRATION, "--keep"]), set, "it belongs to the same as before");
    assert!(printed(setup, &["preview", INTEGRATION]).contains("Both rows are shown."));
    assert_eq!(printed(setup, &["watermark", INTEGRATION, "--reset"]), "no watermark: the next sync takes every row\n");
    assert!(printed(setup, &["preview", INTEGRATION]).contains("All 3 rows are shown."));
}

#[tokio::test]
async fn commands_show_what_only_changed_spares() {
    let setup = setup();
    let text = setup.text().replacen("type = \"attributes\"", "type = \"attributes\"\nonly_changed = true", 1);
    let config = setup.path("opencdi.toml");
    std::fs::write(&config, text).unwrap();
    let update = |time: &str, user: &str, payload: &str| {
        let update = "UPDATE users SET UPDATED_AT = ?1, PAYLOAD = ?3 WHERE EXTERNAL_ID = ?2";
        setup.source().execute(update, (time, user, payload)).unwrap();
    };
    update("2026-01-01T00:00:03Z", "c", "{\"z\":1,\"a\":2}");
    let preview = || printed(&setup, &["preview", INTEGRATION]);
    let first = preview();
    assert!(first.contains("send    {\"external_id\":\"c\",\"z\":1,\"a\":2}"), "{first}");
    let saving = "With only_changed, of the 2 rows that can be sent: 0 not sent, because nothing in them has changed; 3 of 3 attributes sent, 0 % spared.";
    assert!(first.contains(saving), "{first}");
    let server = ServerProcess::start(&config).await;
    let api = Api::new(&server.url, &setup.key);
    let sync = async || {
        api.triggered().await;
        api.ended(INTEGRATION, Duration::from_secs(20)).await;
    };
    sync().await;
    let nothing = preview();
    assert!(nothing.starts_with("Nothing new since") && !nothing.contains("only_changed"), "{nothing}");
    update("2026-01-02T00:00:00Z", "a", "{\"n\":1.0}");
    update("2026-01-02T00:00:01Z", "c", "{\"z\":1,\"a\":3}");
    let next = preview();
    let expected = "spare   {\"external_id\":\"a\"}: the destination has all of its attributes\n\
         send    {\"external_id\":\"c\",\"a\":3}\n\
         Both rows are shown.\n\
         With only_changed, of the 2 rows that can be sent: 1 not sent, because nothing in them has changed; 1 of 3 attributes sent, 67 % spared.\n";
    assert!(next.starts_with(expected), "{next}");
    sync().await;
    let jobs = printed(&setup, &["jobs", INTEGRATION]);
    assert!(jobs.contains("1 row unchanged and not sent; 1 of 3 attributes sent"), "{jobs}");
    update("2026-01-03T00:00:00Z", "a", "{}");
    sync().await;
    let jobs = printed(&setup, &["jobs", INTEGRATION]);
    assert!(jobs.contains("1 row unchanged and not sent; 0 of 0 attributes sent"), "{jobs}");
}

#[tokio::test]
async fn a_watermark_is_not_changed_during_a_job() {
    let service = setup().start(Role::Api).await;
    service.client().trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
    let said = refused(&service.setup, &["watermark", INTEGRATION, "--reset"]);
    assert!(said.contains("a job of \"Users of ours\" is in progress"), "{said}");
}

#[test]
fn errors_say_what_is_wrong_where_and_what_to_do() {
    let setup = setup();
    let said = refused(&setup, &["preview", "Nobody"]);
    assert!(said.contains("opencdi.toml has no integration with the ID or the name \"Nobody\"; it has "), "{said}");
    assert!(said.contains("\"Users of ours\""), "{said}");
    let said = refused(&setup, &["watermark", INTEGRATION, "--set", "yesterday"]);
    assert!(
        said.contains("yesterday") && said.contains("--set") && said.contains("such as 2026-11-01T00:00:00Z"),
        "{said}"
    );
    let said = refused(&setup, &["watermark", INTEGRATION, "--set", "2199-01-01T00:00:00Z"]);
    assert!(said.contains("2199-01-01T00:00:00Z is in the future"), "{said}");
    assert_eq!(printed(&setup, &["watermark", INTEGRATION]), "no watermark: the next sync takes every row\n");
    let said = refused(&setup, &["row-errors", INTEGRATION, "--job", "7"]);
    assert!(said.contains("a job ID is a UUID"), "{said}");
    let said = refused(&setup, &["row-errors", INTEGRATION, "--job", INTEGRATION]);
    assert!(said.contains("there is no store yet"), "{said}");
    let said = refused(&setup, &["jobs", "Nobody"]);
    assert!(said.contains("no integration with the ID or the name \"Nobody\""), "{said}");
    let said = refused(&setup, &["jobs", INTEGRATION, "--limit", "0"]);
    assert!(said.contains("--limit"), "{said}");
    setup.source().execute_batch("DROP TABLE users").unwrap();
    let said = refused(&setup, &["preview", INTEGRATION]);
    assert!(
        said.contains("the database has no table `users`; it has no tables"),
        "it cannot read, which is not nothing new: {said}"
    );
}

#[test]
fn a_check_lists_every_connection() {
    let setup = setup();
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = one_line(&printed(&setup, &["check"]));
    for expected in [
        "ok /",
        "/opencdi.toml 2 integrations, 5 keys",
        "ok store `cdi-server serve` creates /",
        "ok key `all` workspace `ours`, 3 permissions",
        "warning key `powerless` it has no permissions",
        "warning key `expired` it expired on 2020-01-01T00:00:00Z",
        "ok key `revoked` revoked;",
        "warning Users of ours: source table users, identified by EXTERNAL_ID, UPDATED_AT is text; syncs block writers; `PRAGMA",
        "ok Users of ours: destination writable",
        "warning Users of ours: source 1 of the 3 rows to sync would be refused, {\"external_id\":\"b\"}: PAYLOAD is an array",
        "15 checks: 9 ok, 6 warnings, 0 failed",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let json: serde_json::Value = serde_json::from_str(&printed(&setup, &["check", "--format", "json"])).unwrap();
    assert_eq!((json["failed"].as_u64(), json["checks"][1]["subject"].as_str()), (Some(0), Some("store")));

    setup.source().execute_batch("ALTER TABLE users RENAME PAYLOAD TO DATA").unwrap();
    std::fs::create_dir(setup.path("out.jsonl")).unwrap();
    let output = run(&setup, &["check"]);
    let said = one_line(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("failed Users of ours: source the table `users` has no column PAYLOAD"), "{said}");
    assert!(said.contains("failed Users of ours: destination"), "{said}");
}

#[tokio::test]
async fn a_check_refuses_what_cannot_work_and_a_server_logs_it() {
    let setup = setup();
    let text = setup.text().replace("workspace = \"theirs\"\ntype", "workspace = \"thiers\"\ntype");
    std::fs::write(setup.path("opencdi.toml"), text).unwrap();
    let output = run(&setup, &["check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("workspace `thiers`") && said.contains("no usable API key reaches this workspace"), "{said}");
    let server = ServerProcess::start(&setup.path("opencdi.toml")).await;
    assert_eq!(server.logged("no usable API key reaches this workspace"), 1, "{}", server.log());
    assert_eq!(server.logged("it has no permissions"), 1, "{}", server.log());
}

/// Runs a command as a user other than root, to whom file permissions apply.
fn run_as_a_user(setup: &Setup, arguments: &[&str]) -> Output {
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return run(setup, arguments);
    }
    // Other users may not have access to the folder of the built program.
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o755);
    let copy = folder.path().join("cdi-server");
    std::fs::copy(program("cdi-server"), &copy).unwrap();
    let mut command = Command::new(copy);
    command.args(arguments).arg("--config").arg(setup.path("opencdi.toml")).uid(NOBODY).gid(NOBODY).output().unwrap()
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_is_not_writable_is_named() {
    let setup = setup();
    setup.source().execute_batch("PRAGMA journal_mode = WAL").unwrap();
    set_mode(setup.folder.path(), 0o555);
    let output = run_as_a_user(&setup, &["check"]);
    let serve = run_as_a_user(&setup, &["serve"]);
    set_mode(setup.folder.path(), 0o755);
    std::fs::rename(setup.path("opencdi.toml"), setup.path("elsewhere.toml")).unwrap();
    set_mode(setup.folder.path(), 0o555);
    let missing = run_as_a_user(&setup, &["serve"]);
    set_mode(setup.folder.path(), 0o755);
    let said = String::from_utf8(missing.stderr).unwrap();
    // `cdi-server init` could not write it either.
    assert!(said.ends_with("there is no such file; name another with --config or OPENCDI_CONFIG\n"), "{said}");
    let folder = format!("the folder {} is not writable for the user ", setup.folder.path().display());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let line = |subject: &str| said.lines().find(|line| line.contains(subject)).unwrap_or_else(|| panic!("{said}"));
    assert!(line(" store ").contains(&format!("opencdi.db cannot be created: {folder}")), "{said}");
    assert!(line("Users of ours: destination").contains(&format!("out.jsonl cannot be written: {folder}")), "{said}");
    let source = line("Users of ours: source");
    assert!(
        source.starts_with("failed") && source.contains("to read a database in WAL mode, SQLite must write the files"),
        "{said}"
    );
    let error = String::from_utf8(serve.stderr).unwrap();
    assert!(error.contains(&format!("opencdi.db cannot be opened: {folder}")), "{error}");
}

#[test]
fn a_store_that_this_user_may_not_write_is_said_with_its_owner() {
    let setup = setup();
    let store = setup.path("opencdi.db");
    std::fs::write(&store, "").unwrap();
    set_mode(setup.folder.path(), 0o755);
    set_mode(&store, 0o444);
    let said = |command: &str| {
        let output = run_as_a_user(&setup, &[command]);
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for command in ["check", "serve", "jobs"] {
        let said = said(command);
        let (_, problem) = said.split_once("opencdi.db cannot be opened: ").unwrap_or_else(|| panic!("{said}"));
        let (user, owner) = problem.split_once(" (it belongs to ").unwrap_or_else(|| panic!("{said}"));
        assert!(user.starts_with("it is not writable for the user ") && !owner.starts_with(')'), "{said}");
    }
    set_mode(&setup.path("opencdi.toml"), 0o200);
    let said = said("jobs");
    assert!(
        said.contains("opencdi.toml: the configuration cannot be read: it is not readable for the user "),
        "{said}"
    );
}

#[test]
fn a_first_file_and_key_are_made_and_only_the_source_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program("cdi-server"));
        command.args(arguments).current_dir(folder.path()).env_remove("OPENCDI_CONFIG").output().unwrap()
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let missing = run(&["check"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(missing.stderr).contains("write one to start with: `cdi-server init`"));
    let made = run(&["init"]);
    assert!(made.status.success());
    let said = text(made.stdout);
    let key = said.split_whitespace().find(|word| word.starts_with("cdi_")).unwrap().to_owned();
    let written = std::fs::read_to_string(folder.path().join("opencdi.toml")).unwrap();
    assert!(!written.contains(&key) && written.contains(&cdi_server::secret::KeyHash::of(&key).to_string()));
    let checked = run(&["check"]);
    let failed: Vec<String> =
        text(checked.stdout).lines().filter(|line| line.starts_with("failed")).map(str::to_owned).collect();
    assert_eq!((checked.status.code(), failed.len()), (Some(1), 1), "{failed:?}");
    assert!(failed[0].contains("source.db: there is no such file"), "{failed:?}");
    let again = run(&["init"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(again.stderr).contains("exists already and was not changed"));
    assert_eq!(std::fs::read_to_string(folder.path().join("opencdi.toml")).unwrap(), written);
}

#[test]
fn a_key_with_an_invalid_name_is_refused_before_it_is_printed() {
    let run = |arguments: &[&str]| {
        let output = Command::new(program("cdi-server")).args(["key", "new"]).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    for arguments in [["--name", "", "--workspace", "ours"], ["--name", "airflow", "--workspace", " "]] {
        let (code, said) = run(&arguments);
        assert!(code == Some(2) && said.contains("this must not be empty") && !said.contains("cdi_"), "{said}");
    }
    let permissions = "[possible values: cdi.integration_list, cdi.integration_job_status, cdi.integration_sync]";
    let (code, said) = run(&["--name", "airflow", "--permission", "sync"]);
    assert!(code == Some(2) && said.contains(permissions), "{said}");
    let (_, help) = run(&["--help"]);
    assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(permissions), "{help}");
    let (code, said) = run(&["--name", "airflow"]);
    assert!(code == Some(0) && said.matches("\"cdi.integration_").count() == 3, "{said}");
}

#[test]
fn shells_get_completion_scripts() {
    for (shell, part) in
        [("bash", "complete -F _cdi__server -o nosort"), ("zsh", "#compdef cdi-server"), ("fish", "row-errors")]
    {
        let output = Command::new(program("cdi-server")).args(["completion", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains(part), "{shell}: {script}");
    }
}
