//! Secrets of every kind go through normal work and through failures; none of them is in anything that the programs print.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use cdi_server::connectors::fake_braze::FakeBraze;
use cdi_server::secret::{Secret, new_key};
use contract_tests::process::{ServerProcess, serve};
use contract_tests::requests::{Api, wide_limits};
use contract_tests::sql::{connect, execute, number, postgres};
use contract_tests::{INTEGRATION, Setup, eventually, program};
use rustix::process::Signal;

/// The name of the integration.
const NAME: &str = "Users of ours";
/// The characters of passwords that have to be escaped somewhere.
const ODD: &str = "+/=%&\"ä";
const TRACE: &str = "cdi_server=trace,cdi_client=trace";

/// What was printed, by what has printed it.
type Printed = BTreeMap<String, String>;

/// A text with everything escaped that is not a letter or a digit.
fn percent_encoded(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A text as it may be found in what was printed.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        percent_encoded(secret),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ];
    // Base64, also where it begins in the middle of a group and ends before something else.
    for before in 0..3 {
        let bytes = [&b"xx"[..before], secret.as_bytes()].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            forms.push(text[[0, 2, 3][before]..text.len() - 1].to_owned());
        }
    }
    forms
}

/// What has printed a secret in any form.
fn leaks<'a>(printed: &'a Printed, secret: &str) -> Vec<(&'a str, &'a str)> {
    let forms = forms(secret);
    let lines = printed.iter().flat_map(|(what, text)| text.lines().map(|line| (what.as_str(), line)));
    lines.filter(|(_, line)| forms.iter().any(|form| line.contains(form))).collect()
}

#[test]
fn secrets_are_found_in_every_form() {
    let secret = format!("secret-{ODD}");
    let in_the_middle = STANDARD_NO_PAD.encode(format!("user:{secret}@host"));
    let with_escapes = serde_json::json!({ "key": secret }).to_string();
    for text in [secret.clone(), in_the_middle, with_escapes, "secret%2D%2B%2F%3D%25%26%22%C3%A4".to_owned()] {
        let printed = Printed::from([("log".to_owned(), format!("a line\na line with {text} in it"))]);
        assert_eq!(leaks(&printed, &secret).len(), 1, "{text}");
    }
    assert_eq!(leaks(&Printed::from([("log".to_owned(), "secret-".to_owned())]), &secret), []);
}

/// Runs a command to its end and keeps what it prints.
async fn run(printed: &mut Printed, what: &str, mut command: Command) -> Option<i32> {
    let output = tokio::task::spawn_blocking(move || command.env("RUST_LOG", TRACE).output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!text.is_empty(), "{what} prints something");
    printed.entry(what.to_owned()).or_default().push_str(&text);
    output.status.code()
}

fn cdi_server(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("cdi-server"));
    command.args(arguments).arg("--config").arg(config);
    command
}

/// A password of which everything is secret, and its form in a URL.
fn password() -> (String, String) {
    let password = format!("{}{ODD}{}", new_key().expose(), new_key().expose());
    let escaped = percent_encoded(&password);
    (password, escaped)
}

fn id(number: usize) -> String {
    format!("6f1e24a8-0a3b-4a51-9d0e-5ec00000000{number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed() {
    let postgres = postgres();
    let mut database = connect(&postgres.url()).await;
    let ((of_source, in_source), (of_store, in_store), (wrong, in_wrong)) = (password(), password(), password());
    let ((of_mail, in_mail), hook_path, hook_query) = (password(), new_key(), new_key());
    let signing_key = STANDARD.encode(new_key().expose());
    let braze = Secret::new(format!("braze-{}", new_key().expose()));
    let wrong_braze = Secret::new(format!("wrong-{}", new_key().expose()));
    let quoted = of_source.replace('\'', "''");
    // The password of one is asked for; the other's is sent and not looked at.
    execute(
        &mut database,
        &format!(
            "CREATE ROLE with_password LOGIN SUPERUSER PASSWORD '{quoted}'; CREATE ROLE store LOGIN SUPERUSER;
             CREATE TABLE users (updated_at timestamptz, external_id text, payload text);
             INSERT INTO users SELECT '2026-01-01Z'::timestamptz + n * interval '1 s', 'user-' || n, '{{\"n\":1}}' FROM generate_series(1, 20) AS n;
             INSERT INTO users VALUES ('2026-01-02Z', 'user-0', '[]')"
        ),
    )
    .await;

    let fake_braze = FakeBraze::start(&braze).await.unwrap();
    let mut setup = Setup::with_rows(0);
    let file = |name: &str, text: &str| {
        std::fs::write(setup.path(name), text).unwrap();
        format!("{{ file = {name:?} }}")
    };
    let base = postgres.url();
    let url = |role: &str, password: &str| base.replace("opencdi@", &format!("{role}:{password}@"));
    let good_source = file("source.url", &url("with_password", &in_source));
    let bad_source = file("wrong.url", &url("with_password", &in_wrong));
    let no_source = file("away.url", &format!("postgres://with_password:{in_source}@127.0.0.1:9/postgres"));
    let store = file("store.url", &url("store", &in_store));
    let good_key = file("braze.key", braze.expose());
    let bad_key = file("wrong.key", wrong_braze.expose());
    // One webhook answers that it knows no such path; the other one and the mail server cannot be reached.
    let of_hook = |base: &str| format!("{base}/{}?token={}", hook_path.expose(), hook_query.expose());
    let hook = file("hook.url", &of_hook(&fake_braze.url()));
    let lost_hook = file("lost.url", &of_hook("http://127.0.0.1:9"));
    let signing = file("signing.key", &format!("whsec_{signing_key}"));
    let mail = file("smtp.url", &format!("smtp://cdi:{in_mail}@127.0.0.1:9"));
    let source = |file: &str| format!("kind = \"postgres\"\nurl = {file}\ntable = \"users\"");
    let destination = |url: &str, key: &str| {
        format!("kind = \"users_track\"\nurl = \"{url}\"\napi_key = {key}\ngive_up_after = \"1s\"")
    };
    let mut more = wide_limits();
    more.push_str("[admin]\nlisten = \"127.0.0.1:0\"\n");
    let good_destination = destination(&fake_braze.url(), &good_key);
    let failing = [
        (source(&bad_source), good_destination.clone()),
        (source(&no_source), good_destination.clone()),
        (source(&good_source), destination(&fake_braze.url(), &bad_key)),
        (source(&good_source), destination("http://127.0.0.1:9", &good_key)),
    ];
    for (number, (source, destination)) in failing.iter().enumerate() {
        setup.source = source.clone();
        more.push_str(&setup.integration(&id(number), &format!("Failing {number}"), "ours", destination));
    }
    for (name, url) in [("hook", &hook), ("lost hook", &lost_hook)] {
        more.push_str(&format!("[[notify]]\nname = {name:?}\nwebhook = {{ url = {url}, secret = {signing} }}\n"));
    }
    more.push_str(&format!("[[notify]]\nname = \"mail\"\nemail = {{ from = \"cdi@example.com\", smtp = {mail} }}\n"));
    (setup.source, setup.destination, setup.more) = (source(&good_source), good_destination, more);
    let valid = setup.text().replacen("store = \"sqlite:opencdi.db\"", &format!("store = {store}"), 1);
    let config = setup.path("opencdi.toml");
    std::fs::write(&config, &valid).unwrap();
    let mut printed = Printed::new();

    // Two replicas, one for each format of the log.
    let launch = |format: &str| {
        let mut command = serve(&config);
        command.args(["--log-format", format]).env("RUST_LOG", TRACE);
        ServerProcess::launch(command, &config)
    };
    let (mut text, mut json) = (launch("text"), launch("json"));
    text.listens().await;
    let listening = async || {
        let line = json.last_logged("listening on ");
        Some(line.split_once("listening on ")?.1.split_once('"')?.0.to_owned())
    };
    json.url = eventually("the second replica listens", listening).await;
    let apis = [&text, &json].map(|server| Api::new(&server.url, &setup.key));
    let jobs: Vec<String> = [INTEGRATION.to_owned()].into_iter().chain((0..failing.len()).map(id)).collect();
    for job in &jobs {
        for api in &apis {
            assert!(matches!(api.trigger(job).await, Some(202 | 429)));
        }
    }
    assert_eq!(apis[0].ended(INTEGRATION, Duration::from_secs(60)).await["job_status"], "partial");
    // The one whose source cannot be reached goes on trying.
    for (number, ends) in [(0, "config_error"), (2, "config_error"), (3, "error")] {
        assert_eq!(apis[0].ended(&id(number), Duration::from_secs(60)).await["job_status"], ends, "{number}");
    }

    for arguments in [
        &["check"][..],
        &["jobs"],
        &["jobs", NAME],
        &["jobs", "Failing 0"],
        &["jobs", "Failing 2"],
        &["preview", NAME],
        &["preview", "Failing 0"],
        &["row-errors", NAME],
        &["watermark", NAME],
        &["watermark", "Failing 0"],
        &["cancel", "Failing 1"],
        &["notify", "test"],
    ] {
        run(&mut printed, arguments[0], cdi_server(&config, arguments)).await;
    }

    for entry in ["hook", "lost hook", "mail"] {
        eventually(&format!("{entry} is tried"), async || {
            let tries = text.logged(&format!("notify={entry:?}")) + json.logged(&format!("\"notify\":{entry:?}"));
            (tries > 0).then_some(())
        })
        .await;
    }

    // The client: with its key, with another, with one that cannot be sent, and with nobody to send it to.
    let unsendable = format!("{}\u{7f}ä", new_key().expose());
    let lost = new_key();
    let away = "http://127.0.0.1:9".to_owned();
    for (key, url) in [
        (setup.key.expose(), &text.url),
        (lost.expose(), &json.url),
        (unsendable.as_str(), &text.url),
        (setup.key.expose(), &away),
    ] {
        let all = [&["list"][..], &["trigger", NAME], &["status", NAME], &["auth", "status"]];
        // It tries again for some seconds if there is no server.
        for arguments in if *url == away { &all[..1] } else { &all } {
            let mut client = Command::new(program("cdi"));
            client.args(*arguments).env("CDI_URL", url).env("CDI_API_KEY", key);
            run(&mut printed, "cdi", client).await;
        }
    }
    // Keys where no key belongs.
    for (number, server) in [&text, &json].into_iter().enumerate() {
        let http = reqwest::Client::new();
        let key = setup.key.expose();
        for request in [
            http.get(format!("{}/cdi/integrations?cursor={key}", server.url)).bearer_auth(key),
            http.get(format!("{}/cdi/integrations?api_key={key}", server.url)),
            http.get(format!("{}/cdi/integrations", server.url)).basic_auth("user", Some(key)),
            http.get(format!("{}/nothing", server.url)).bearer_auth(key),
        ] {
            let answer = request.send().await.unwrap();
            let text = format!("{:?}\n{}", answer.headers().clone(), answer.text().await.unwrap());
            printed.entry(format!("answers of {number}")).or_default().push_str(&text);
        }
        let line = server.last_logged("health and metrics at ");
        let admin = line.split_once("http://").unwrap().1.trim_end_matches(|c: char| !c.is_ascii_digit());
        let admin = admin.split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit()).next().unwrap();
        for path in ["metrics", "readyz"] {
            let text = http.get(format!("http://{admin}/{path}")).send().await.unwrap().text().await.unwrap();
            printed.entry(path.to_owned()).or_default().push_str(&text);
        }
    }

    // Files with a mistake, some of them with a secret in clear, are refused by a reload and by every command.
    let clear = new_key();
    let clear = clear.expose();
    let mistakes = [
        valid.replacen(&bad_key, &format!("{clear:?}"), 1),
        valid.replacen(&bad_key, &format!("{{ key = {clear:?} }}"), 1),
        valid.replacen(&bad_key, &format!("{{ env = {clear:?} }}"), 1),
        valid.replacen(&bad_key, &format!("{clear:?}\napi_key = 1"), 1),
        valid.replacen(&bad_key, &format!("\"{clear}"), 1),
        valid.replacen(&bad_key, clear, 1),
        valid.replacen(&good_source, &format!("\"postgres://user:{clear}@127.0.0.1/db\""), 1),
        valid.replacen(&good_source, &format!("\"postgres://user:{clear}@[127.0.0.1/db\""), 1),
        valid.replacen(&good_source, &format!("\"mysql://user:{clear}@127.0.0.1/db\""), 1),
        valid.replacen(&store, &format!("\"postgres://user:{clear}@127.0.0.1/db\""), 1),
        valid.replacen(&store, &format!("\"postgresq://user:{clear}@127.0.0.1/db\""), 1),
        valid.replacen("hash = \"sha256:", &format!("hash = \"{clear}"), 1),
        valid.replacen(&fake_braze.url(), &format!("http://user:{clear}@127.0.0.1:9"), 1),
        valid.replacen(&fake_braze.url(), &format!("http://127.0.0.1:9/?key={clear}"), 1),
        valid.replacen(&good_key, "{ file = \"away.key\" }", 1),
        valid.replacen("kind = \"users_track\"", "kind = \"user_track\"", 1),
        valid.replacen(&signing, &format!("\"whsec_{clear}\""), 1),
        valid.replacen(&signing, &good_key, 1),
        valid.replacen(&mail, &format!("\"smtps://cdi:{clear}@mail.example.com\""), 1),
        valid.replacen(&mail, &format!("\"smtps://{clear}@mail.example.com\""), 1),
        valid.replacen(&mail, &good_source, 1),
        valid.replacen(&hook, &format!("\"https://cdi:{clear}@hooks.example.com/\""), 1),
        valid.replacen(&hook, &format!("\"ftp://hooks.example.com/{clear}\""), 1),
        valid.replacen(&hook, &good_key, 1),
    ];
    for (number, mistake) in mistakes.iter().enumerate() {
        assert_ne!(*mistake, valid, "{number}");
        std::fs::write(&config, mistake).unwrap();
        for server in [&text, &json] {
            let refused = server.logged("was not reloaded");
            server.signal(Signal::HUP);
            eventually(&format!("mistake {number} is refused"), async || {
                (server.logged("was not reloaded") > refused).then_some(())
            })
            .await;
        }
        assert_ne!(run(&mut printed, "check", cdi_server(&config, &["check"])).await, Some(0), "{number}");
    }
    std::fs::write(&config, &valid).unwrap();
    for server in [&mut text, &mut json] {
        server.signal(Signal::TERM);
        let status = server.ends_within(Duration::from_secs(60)).await;
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", server.log());
    }
    printed.insert("log as text".to_owned(), text.log());
    printed.insert("log as JSON".to_owned(), json.log());

    // What must be there: otherwise the search would find nothing.
    for what in ["check", "jobs", "cdi", "metrics", "log as text", "log as JSON"] {
        let planted = if what.starts_with("log") { "the Authorization header is not a bearer key" } else { NAME };
        assert!(
            leaks(&printed, planted).iter().any(|(found, _)| *found == what),
            "{what} has no {planted}: {}",
            printed[what]
        );
    }
    assert!(leaks(&printed, "lost hook").iter().any(|(found, _)| *found == "notify"), "{}", printed["notify"]);
    let secrets = [
        ("an API key", setup.key.expose()),
        ("an unknown API key", lost.expose()),
        ("an API key that cannot be sent", &unsendable),
        ("the key of Braze", braze.expose()),
        ("a wrong key of Braze", wrong_braze.expose()),
        ("the password of the source", &of_source),
        ("a wrong password of the source", &wrong),
        ("the password of the store", &of_store),
        ("the path of a webhook", hook_path.expose()),
        ("the query of a webhook", hook_query.expose()),
        ("the key of the signatures", &signing_key),
        ("the password of a mail server", &of_mail),
        ("a secret in clear", clear),
    ];
    for secret in [hook_path.expose(), hook_query.expose(), &signing_key, of_mail.split(ODD).next().unwrap()] {
        let kept = format!("SELECT count(*) FROM messages WHERE strpos(messages::text, '{secret}') > 0");
        assert_eq!(number(&mut database, &kept).await, 0, "it is in the table of messages");
    }
    assert!(number(&mut database, "SELECT count(*) FROM messages WHERE error IS NOT NULL").await > 0);
    let lines: usize = printed.values().map(|text| text.lines().count()).sum();
    println!("{} secrets were looked for in {lines} lines of {:?}", secrets.len(), printed.keys());
    let leaked: Vec<String> = secrets
        .iter()
        .flat_map(|(name, secret)| {
            leaks(&printed, secret).into_iter().map(move |(what, line)| format!("{name} is in {what}: {line}"))
        })
        .collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
