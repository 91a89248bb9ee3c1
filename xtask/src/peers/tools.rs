//! The tools: how each is installed and run, and how its output is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::drifts::Kind;
use crate::apt::run;
use crate::schemathesis;

/// The folder in which they are installed.
const FOLDER: &str = "target/peers";
/// The versions that are compared.
const SPECTRAL: &str = "6.16.3";
const REDOCLY: &str = "2.77.0";

/// A tool that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    Apidrift,
    Redocly,
    Spectral,
    Schemathesis,
}

/// The errors and warnings of a run without their places, and how often each occurred.
pub(super) type Complaints = BTreeMap<String, usize>;

impl Tool {
    pub(super) const ALL: [Tool; 4] = [Tool::Apidrift, Tool::Redocly, Tool::Spectral, Tool::Schemathesis];

    pub(super) fn name(self) -> &'static str {
        match self {
            Tool::Apidrift => "apidrift",
            Tool::Redocly => "Redocly CLI",
            Tool::Spectral => "Spectral",
            Tool::Schemathesis => "Schemathesis",
        }
    }

    /// Whether the tool reads the files in which drifts of this kind are made: otherwise its output would not change.
    pub(super) fn reads(self, kind: Kind) -> bool {
        kind != Kind::Page || matches!(self, Tool::Apidrift | Tool::Redocly)
    }
}

/// All tools, installed.
#[derive(Debug)]
pub(super) struct Tools {
    apidrift: PathBuf,
    npm: PathBuf,
    schemathesis: PathBuf,
    server: Server,
}

/// The example server, which stays unchanged while the contract drifts.
#[derive(Debug)]
struct Server {
    process: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is killed in any case; it may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Tools {
    /// Installs missing tools, and starts the example server. `apidrift` is the path of a binary; without one it is
    /// built.
    pub(super) fn install(root: &Path, apidrift: Option<PathBuf>) -> anyhow::Result<Tools> {
        let folder = root.join(FOLDER).join("npm");
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        run(Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&folder)
            .args([format!("@stoplight/spectral-cli@{SPECTRAL}"), format!("@redocly/cli@{REDOCLY}")]))
        .context("Spectral and Redocly CLI need npm, which comes with Node.js")?;
        let apidrift = match apidrift {
            Some(program) => program.canonicalize().with_context(|| format!("{} is not there", program.display()))?,
            None => {
                run(Command::new("cargo").args(["build", "--release", "--quiet", "-p", "apidrift"]).current_dir(root))?;
                root.join("target/release/apidrift")
            }
        };
        let server = serve(&root.join("xtask/check/example/server.py"))?;
        Ok(Tools {
            apidrift,
            npm: folder.join("node_modules/.bin"),
            schemathesis: schemathesis::install(root)?,
            server,
        })
    }

    /// The version of a tool.
    pub(super) fn version(&self, tool: Tool) -> anyhow::Result<String> {
        let program = match tool {
            Tool::Apidrift => self.apidrift.clone(),
            Tool::Redocly => return Ok(REDOCLY.to_owned()),
            Tool::Spectral => return Ok(SPECTRAL.to_owned()),
            Tool::Schemathesis => self.schemathesis.clone(),
        };
        let output =
            Command::new(program).arg("--version").output().context("a program does not report its version")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(said.split_whitespace().last().unwrap_or_default().to_owned())
    }

    /// Runs a tool on a folder with a contract, its pages and its earlier version, and measures the time.
    pub(super) fn ask(&self, tool: Tool, folder: &Path, kind: Option<Kind>) -> anyhow::Result<(Complaints, Duration)> {
        let asked = |program: PathBuf, arguments: &[&str]| -> anyhow::Result<Value> {
            let mut command = Command::new(&program);
            command.args(arguments).current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null());
            let output = command.output().with_context(|| format!("{} cannot be run", program.display()))?;
            let said = String::from_utf8_lossy(&output.stdout);
            let (text, errors) = (said.trim(), String::from_utf8_lossy(&output.stderr));
            serde_json::from_str(if text.is_empty() { "null" } else { text })
                .with_context(|| format!("{} {arguments:?} printed no JSON: {said}{errors}", program.display()))
        };
        let mut complaints = Complaints::new();
        let mut say = |text: String| *complaints.entry(text).or_default() += 1;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let began = Instant::now();
        match tool {
            Tool::Apidrift => {
                let arguments = ["check", "openapi.yaml", "docs", "--against", "earlier.yaml", "--format", "json"];
                let said = asked(self.apidrift.clone(), &arguments)?;
                for finding in list(&said["findings"]).iter().filter(|finding| finding["severity"] != "note") {
                    say(format!("{}: {}", text(&finding["rule"]), text(&finding["message"])));
                }
                list(&said["not_checked"]).iter().for_each(|reason| say(text(reason)));
            }
            Tool::Redocly => {
                let redocly = self.npm.join("redocly");
                let lint = ["lint", "openapi.yaml", "--extends", "recommended", "--format", "json"];
                for problem in list(&asked(redocly.clone(), &lint)?["problems"]) {
                    say(format!("{}: {}", text(&problem["ruleId"]), text(&problem["message"])));
                }
                if kind.is_none_or(|kind| kind == Kind::Page) {
                    let said = asked(redocly.clone(), &["recheck", "docs", "--format", "json"])?;
                    for issue in list(&said["issues"]).iter().filter(|issue| issue["severity"] != "info") {
                        say(format!("{}: {}", text(&issue["ruleName"]), text(&issue["message"])));
                    }
                }
                if kind.is_none_or(|kind| kind != Kind::Page) {
                    let said = asked(redocly, &["diff", "earlier.yaml", "openapi.yaml", "--format", "json"])?;
                    let verdicts = list(&said["changes"]).into_iter().flat_map(|change| list(&change["verdicts"]));
                    for verdict in verdicts.filter(|verdict| verdict["impact"] == "major") {
                        say(format!("{}: {}", text(&verdict["ruleId"]), text(&verdict["message"])));
                    }
                }
            }
            Tool::Spectral => {
                let rules = folder.join(".spectral.yaml");
                std::fs::write(&rules, "extends: ['spectral:oas']\n").context("its rules cannot be written")?;
                let said = asked(self.npm.join("spectral"), &["lint", "openapi.yaml", "--format", "json", "--quiet"])?;
                for problem in list(&said).iter().filter(|problem| problem["severity"].as_u64() < Some(2)) {
                    say(format!("{}: {}", text(&problem["code"]), text(&problem["message"])));
                }
            }
            Tool::Schemathesis => {
                let report = folder.join("report.json");
                let mut command = Command::new(&self.schemathesis);
                command.args(["run", "openapi.yaml", "--url", &self.server.url, "--seed", "1", "--report", "json"]);
                command.args(["--header", "Authorization: Bearer secret", "--report-json-path"]).arg(&report);
                let output = command.current_dir(folder).output().context("Schemathesis cannot be run")?;
                let Ok(said) = std::fs::read_to_string(&report) else {
                    // The tool refuses a contract that it cannot read.
                    say(String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned());
                    return Ok((complaints, began.elapsed()));
                };
                let said: Value = serde_json::from_str(&said).context("Schemathesis has written no JSON")?;
                for failure in list(&said["failures"]).iter().chain(&list(&said["errors"])) {
                    say(format!("{} of {}", text(&failure["title"]), failure["operations"]));
                }
                for (name, about) in said["warnings"].as_object().into_iter().flatten() {
                    list(about).iter().for_each(|about| say(format!("warning {name}: {about}")));
                }
            }
        }
        Ok((complaints, began.elapsed()))
    }
}

/// Starts the example server; the first line that it prints is its address.
fn serve(script: &Path) -> anyhow::Result<Server> {
    use std::io::BufRead as _;
    let mut process =
        Command::new("python3").arg(script).stdout(Stdio::piped()).spawn().context("there is no python3")?;
    let mut url = String::new();
    let output = process.stdout.take().context("the server has no output")?;
    std::io::BufReader::new(output).read_line(&mut url).context("the server does not print its address")?;
    let server = Server { process, url: url.trim().to_owned() };
    ensure!(server.url.starts_with("http://"), "the server printed {:?}, which is not an address", server.url);
    Ok(server)
}
