//! The way from nothing to a first sync, as the README shows it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use contract_tests::process::{ServerProcess, serve};
use contract_tests::{program, repository};

/// The blocks of shell commands below a heading.
fn blocks(text: &str, heading: &str) -> Vec<String> {
    let section = text.split_once(&format!("\n{heading}\n")).unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    section.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// Runs commands in a folder with the built programs, and nothing of this machine's settings.
fn bash(folder: &Path, commands: &str) -> Output {
    let programs = program("cdi");
    let path = format!("{}:{}", programs.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-e", "-c", commands]).current_dir(folder).env("PATH", path).env("HOME", folder);
    for name in
        ["CDI_URL", "CDI_API_KEY", "CDI_PROFILE", "CDI_CONFIG", "OPENCDI_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]
    {
        bash.env_remove(name);
    }
    bash.output().expect("bash runs")
}

fn printed(folder: &Path, commands: &str) -> String {
    let output = bash(folder, commands);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{commands}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_lead_from_nothing_to_a_first_sync() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks = blocks(&readme, "## Run it");
    let [install, init, table, run, trigger] = &blocks[..] else { panic!("{blocks:#?}") };
    assert!(install.lines().all(|line| line.starts_with("cargo install --locked --path ")), "{install}");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();

    let made = printed(folder, init);
    let key = made.split_whitespace().find(|word| word.starts_with("cdi_")).expect("a key is printed").to_owned();
    // The machine may have no `sqlite3`.
    let (_, sql) = table.split_once("<<'SQL'\n").unwrap();
    let source = rusqlite::Connection::open(folder.join("source.db")).unwrap();
    source.execute_batch(sql.strip_suffix("SQL\n").unwrap()).unwrap();
    drop(source);
    // The port that it shows may be in use.
    let config = folder.join("opencdi.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let anywhere = text.replace("# listen = \"127.0.0.1:8080\"", "listen = \"127.0.0.1:0\"");
    assert_ne!(text, anywhere);
    std::fs::write(&config, anywhere).unwrap();

    let (before, serving) = run.split_once("cdi-server serve").unwrap();
    assert_eq!(serving.lines().count(), 1, "{run}");
    let shown = printed(folder, before);
    assert!(
        shown.contains("0 warnings, 0 failed")
            && shown.contains("send    {\"external_id\":\"ada\",\"first_name\": \"Ada\"}"),
        "{shown}"
    );
    let mut server = ServerProcess::launch(serve(&config), &config);
    server.listens().await;

    let commands = trigger.replace("http://127.0.0.1:8080", &server.url).replace("cdi_…", &key);
    assert!(commands.contains(&server.url) && commands.contains(&key), "{trigger}");
    let output = {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || printed(&folder, &commands)).await.unwrap()
    };
    assert!(output.contains("Users") && output.contains("success"), "{output}");
    assert_eq!(std::fs::read_to_string(folder.join("users.jsonl")).unwrap().lines().count(), 1);
    assert!(printed(folder, "cdi-server jobs Users").contains("  success  "));
}
