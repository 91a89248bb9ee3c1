//! A server that is killed in the middle of a sync loses nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cdi_client::{Client, JobStatus};
use contract_tests::{INTEGRATION, Setup, eventually, program};
use futures::TryStreamExt;

const ROWS: usize = 20_000;

/// A server process; killed when dropped.
struct Server(Child);

impl Server {
    fn start(config: &Path) -> Server {
        let child = Command::new(program("cdi-server"))
            .arg("serve")
            .arg("--config")
            .arg(config)
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        Server(child)
    }

    /// As `kill -9` does.
    fn kill(mut self) {
        self.0.kill().expect("the server can be killed");
        self.0.wait().expect("the server is gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_job_is_resumed_and_every_row_is_delivered() {
    let mut setup = Setup::with_rows(ROWS);
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    setup.listen = listen.to_string();
    setup.more = "[worker]\nlease = \"2s\"".to_owned();
    let config = setup.write();
    let client = Client::builder().base_url(format!("http://{listen}")).api_key(setup.key.expose()).build().unwrap();
    let id = INTEGRATION.parse().unwrap();
    let delivered = setup.path("out.jsonl");
    let lines = || std::fs::read_to_string(&delivered).unwrap_or_default().lines().count();

    let first = Server::start(&config);
    eventually("the sync is triggered", async || client.trigger_integration_sync(id).await.ok()).await;
    eventually("some rows are delivered", async || (lines() > 200).then_some(())).await;
    first.kill();
    let at_the_kill = lines();
    assert!(at_the_kill < ROWS, "the sync had ended before the kill: give it more rows");

    let second = Server::start(&config);
    let job = eventually("the job has ended", async || {
        let jobs: Vec<_> = client.job_sync_status(id).try_collect().await.ok()?;
        assert_eq!(jobs.len(), 1, "resumed, not started anew");
        jobs.into_iter().find(|job| job.job_status != JobStatus::Running)
    })
    .await;
    assert_eq!(job.job_status, JobStatus::Success);
    drop(second);

    let text = std::fs::read_to_string(&delivered).unwrap();
    let users: BTreeSet<String> = text
        .lines()
        .map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).expect("every line is whole");
            object["external_id"].as_str().expect("an identifier").to_owned()
        })
        .collect();
    assert_eq!((users.len(), text.lines().count()), (ROWS, ROWS), "every row, and each once");
}
