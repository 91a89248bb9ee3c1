//! The first thing a newcomer runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use contract_tests::program;

#[test]
fn the_demo_ends_with_what_it_seeded() {
    let output = Command::new(program("cdi-server"))
        .args(["demo", "--once", "--rows", "8000", "--listen", "127.0.0.1:0"])
        .output()
        .expect("the demo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("partial") && text.contains("7984 rows delivered, 16 refused"), "{text}");
    assert!(text.contains("of 8000 rows read, ") && text.contains(" rows/s, "), "{text}");
    assert!(text.contains("curl --include --request POST"), "{text}");
}

#[tokio::test]
async fn the_demo_keeps_serving_and_its_curl_line_works() {
    let mut demo = Command::new(program("cdi-server"))
        .args(["demo", "--rows", "5000", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo runs");
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok);
    let url = lines.find(|line| line.starts_with("curl")).expect("a curl line");
    let header = lines.next().expect("its second line");
    lines.find(|line| line.starts_with("changed")).expect("it keeps serving, and its source changes");
    let url = url.split('\'').nth(1).unwrap().to_owned();
    let key = header.split("Bearer ").nth(1).unwrap().trim_end_matches('\'').to_owned();
    let trigger = || reqwest::Client::new().post(&url).bearer_auth(&key).send();
    assert_eq!(trigger().await.unwrap().status(), 202);
    let second = trigger().await.unwrap();
    assert_eq!(second.status(), 429);
    assert!(second.text().await.unwrap().contains("Another job is in progress"));
    demo.kill().unwrap();
    demo.wait().unwrap();
}
