//! Messages about syncs arrive, whatever happens to the receiver and to the server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use cdi_client::Client;
use contract_tests::process::{ServerProcess, cdi_server};
use contract_tests::{INTEGRATION, Setup, eventually};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A webhook that answers each POST with the present status, or not at all.
struct Receiver {
    url: String,
    status: Arc<Mutex<Option<u16>>>,
    /// The ID and the body of each request.
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hunter2", listener.local_addr().unwrap());
        let (status, requests) = (Arc::new(Mutex::new(Some(500))), Arc::new(Mutex::new(Vec::new())));
        let (answers, received) = (status.clone(), requests.clone());
        tokio::spawn(async move {
            let mut unanswered = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (head, body) = request(&mut stream).await;
                if head.starts_with("POST ") {
                    let header = |name: &str| {
                        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                        line.unwrap_or_else(|| panic!("no {name}: {head}")).to_owned()
                    };
                    assert!(header("webhook-signature").starts_with("v1,"));
                    received.lock().unwrap().push((header("webhook-id"), serde_json::from_slice(&body).unwrap()));
                }
                let status = *answers.lock().unwrap();
                let Some(status) = status else {
                    unanswered.push(stream);
                    continue;
                };
                let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Receiver { url, status, requests }
    }

    fn answers(&self, status: Option<u16>) {
        *self.status.lock().unwrap() = status;
    }

    /// Waits until there have been this many requests, and returns all.
    async fn received(&self, number: usize) -> Vec<(String, Value)> {
        eventually(&format!("{number} requests"), async || {
            let requests = self.requests.lock().unwrap();
            (requests.len() >= number).then(|| requests.clone())
        })
        .await
    }
}

/// The head and the body of an HTTP request.
async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the request ends early");
        request.extend_from_slice(&buffer[..length]);
        let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(request[..end].to_vec()).unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        if request.len() >= end + 4 + length {
            return (head, request[end + 4..].to_vec());
        }
    }
}

async fn trigger(setup: &Setup, server: &ServerProcess) {
    let client = Client::builder().base_url(&server.url).api_key(setup.key.expose()).build().unwrap();
    client.trigger_integration_sync(INTEGRATION.parse().unwrap()).await.unwrap();
}

/// Makes the messages due at once.
fn time_passes(setup: &Setup) {
    setup.store().execute("UPDATE messages SET due_at = 0", ()).unwrap();
}

async fn logged(server: &ServerProcess, text: &str, times: usize) {
    eventually(text, async || (server.logged(text) >= times).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_called_until_it_takes_the_message_although_the_server_dies() {
    let receiver = Receiver::start().await;
    let mut setup = Setup::with_rows(3);
    std::fs::write(setup.path("secret"), SECRET).unwrap();
    std::fs::write(setup.path("url"), &receiver.url).unwrap();
    setup.source = setup.source.replace("table = \"users\"", "table = \"people\"");
    setup.more =
        "[[notify]]\nname = \"ops\"\nwebhook = { url = { file = \"url\" }, secret = { file = \"secret\" } }\n".into();
    let config = setup.write();

    // It fails first.
    let mut server = ServerProcess::start(&config).await;
    trigger(&setup, &server).await;
    receiver.received(1).await;
    logged(&server, "message not sent; retrying", 1).await;
    assert!(server.last_logged("message not sent").contains("the receiver answered 500"), "{}", server.log());
    server.kill();
    // As if the server had died between the end of the job and the message.
    setup.store().execute_batch("DELETE FROM messages; UPDATE jobs SET announce = 1").unwrap();
    receiver.answers(None);
    let mut server = ServerProcess::start(&config).await;
    receiver.received(2).await;
    // It dies before it knows whether the message has arrived.
    server.kill();
    time_passes(&setup);
    receiver.answers(Some(204));
    let server = ServerProcess::start(&config).await;
    logged(&server, "message sent", 1).await;

    let requests = receiver.received(3).await;
    let (id, body) = &requests[0];
    for (again, same) in &requests {
        assert_eq!((again, same), (id, body), "it is the same message");
    }
    assert_eq!((&body["type"], &body["data"]["status"]), (&"sync.config_error".into(), &"config_error".into()));
    assert_eq!(body["data"]["integration_name"], "Users of ours");
    assert_eq!(body["data"]["next"], "cdi-server jobs 'Users of ours'");
    let cause = body["data"]["cause"].as_str().unwrap();
    assert!(cause.contains("no table `people`"), "{cause}");

    // When it works again, that is said once.
    setup.source().execute_batch("CREATE VIEW people AS SELECT * FROM users").unwrap();
    for jobs in 2..=3 {
        trigger(&setup, &server).await;
        eventually("it is announced", async || {
            let count = "SELECT count(*) FROM jobs WHERE announce = 0 AND finished_at IS NOT NULL";
            (setup.store().query_row(count, (), |row| row.get(0)) == Ok(jobs)).then_some(())
        })
        .await;
    }
    logged(&server, "message sent", 2).await;
    let requests = receiver.received(4).await;
    let (recovered, body) = &requests[3];
    assert_ne!(recovered, id);
    assert_eq!((&body["type"], &body["data"]["rows_synced"]), (&"integration.recovered".into(), &3.into()));
    assert_eq!(body["data"]["failing_since"], requests[0].1["data"]["sync_start_time"]);
    let store = setup.store();
    let mut sent = store.prepare("SELECT id FROM messages WHERE sent_at IS NOT NULL ORDER BY created_at").unwrap();
    let sent: Vec<String> = sent.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(sent, [id.clone(), recovered.clone()]);
    assert_eq!(receiver.received(4).await.len(), 4);

    // A test message of each entry, and its result.
    let place = receiver.url.trim_start_matches("http://").trim_end_matches("/hunter2");
    let tested = |code: i32, said: String| (Some(code), format!("{said}\n"));
    let sent = tested(0, format!("sent    ops: taken by the receiver at {place}"));
    assert_eq!(run(&config, &["notify", "test"]).await, sent);
    assert_eq!(receiver.received(5).await[4].1["type"], "test");
    receiver.answers(Some(404));
    let failed = tested(1, "failed  ops: the receiver answered 404 Not Found".to_owned());
    assert_eq!(run(&config, &["notify", "test", "ops"]).await, failed);
    let unknown = cdi_server(&config, &["notify", "test", "others"]).await;
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        said.contains("has no [[notify]] entry \"others\"; it has \"ops\"") && unknown.status.code() == Some(1),
        "{said}"
    );

    // Nothing secret is in the log, nor in what `check` says.
    let (_, checked) = run(&config, &["check"]).await;
    assert!(checked.contains("reachable; it answered 404 Not Found to HEAD"), "{checked}");
    for text in [server.log(), checked] {
        assert!(!text.contains("hunter2") && !text.contains("whsec_"), "{text}");
    }
}

/// The exit code of a command and what it prints.
async fn run(config: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = cdi_server(config, arguments).await;
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// A mail server without encryption that takes every message, and tells each.
async fn mail_server() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://cdi:hunter2@{}", listener.local_addr().unwrap());
    let (sender, messages) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).lines();
                writer.write_all(b"220 test\r\n").await.unwrap();
                let mut session = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer = match line.split(' ').next().unwrap() {
                        "EHLO" => "250-test\r\n250 AUTH PLAIN\r\n",
                        "AUTH" => "235 welcome\r\n",
                        "DATA" => {
                            writer.write_all(b"354 go on\r\n").await.unwrap();
                            while let Ok(Some(line)) = lines.next_line().await {
                                if line == "." {
                                    break;
                                }
                                session += &format!("{line}\n");
                            }
                            let _ = sender.send(std::mem::take(&mut session));
                            "250 taken\r\n"
                        }
                        "QUIT" => "221 bye\r\n",
                        _ => "250 ok\r\n",
                    };
                    session += &format!("{line}\n");
                    let _ = writer.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (url, messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_says_why_a_sync_has_failed_and_what_to_do() {
    let (url, mut mails) = mail_server().await;
    let mut setup = Setup::with_rows(3);
    std::fs::write(setup.path("smtp"), url).unwrap();
    setup.source = setup.source.replace("table = \"users\"", "table = \"people\"");
    let email = "email = { from = \"OpenCDI <cdi@example.com>\", smtp = { file = \"smtp\" } }";
    setup.more = format!("[[notify]]\nname = \"data team\"\n{email}\n");
    let config = setup.write();
    let checked = cdi_server(&config, &["check"]).await;
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.contains("the mail server is reachable and takes the login"), "{checked}");
    let server = ServerProcess::start(&config).await;
    trigger(&setup, &server).await;
    let mail = mails.recv().await.unwrap();
    // The message is logged as sent before the store says so.
    let sent = "SELECT id FROM messages WHERE sent_at IS NOT NULL";
    let sent = async || setup.store().query_row(sent, (), |row| row.get(0)).ok();
    let id: String = eventually("the message is recorded as sent", sent).await;
    for expected in [
        // The `contact_emails` of the integration.
        "RCPT TO:<a@example.com>",
        "RCPT TO:<b@example.com>",
        "MAIL FROM:<cdi@example.com>",
        &format!("Message-ID: <{id}@example.com>"),
        "MIME-Version: 1.0",
        "Subject: [OpenCDI] Users of ours: config_error",
        "A sync of the integration \"Users of ours\" has ended in config_error.",
        "no table `people`",
        "See more with: cdi-server jobs 'Users of ours'",
    ] {
        assert!(mail.contains(expected), "{expected}\n    is not in\n{mail}");
    }
    // A test message goes to the same recipients.
    let (code, said) = run(&config, &["notify", "test"]).await;
    assert!(code == Some(0) && said.starts_with("sent    data team: taken by the mail server at 127.0.0.1:"), "{said}");
    assert!(said.ends_with(", to a@example.com, b@example.com\n"), "{said}");
    assert!(mails.recv().await.unwrap().contains("Subject: [OpenCDI] Users of ours: test"));
    for text in [server.log(), checked, said] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
